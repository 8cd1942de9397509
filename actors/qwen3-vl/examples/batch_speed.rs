//! Measures how fast a size is, and what a batch is worth: tokens a second of answers at once, against the same answers one after
//! the other. The weights are random, and answers are nonsense of a fixed length.
//!
//! `cargo run --release -p qwen3-vl --example batch_speed -- [184m|2b|4b|8b] [auto|f32|bf16|f16] [rows] [seconds]`; with seconds,
//! lengths of prompts are measured as well, for as long as that.

use qwen3_vl::Size;
use qwen3_vl::measure::{Wanted, batching, measure, random};
use qwen3_vl::model::Numbers;
use std::time::{Duration, Instant};

const NEW_TOKENS: usize = 32;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize, usual: &'static str| arguments.get(index).map_or(usual, String::as_str);
    let size = Size::named(argument(0, "184m")).ok_or("there is no such size")?;
    let numbers = match argument(1, "f32") {
        "auto" => Numbers::Auto,
        "f32" => Numbers::F32,
        "bf16" => Numbers::BF16,
        "f16" => Numbers::F16,
        other => return Err(format!("{other} is no precision").into()),
    };
    let (rows, seconds) = (argument(2, "8").parse()?, argument(3, "0").parse()?);
    let begun = Instant::now();
    let mut generator = random(size, numbers)?;
    println!("{} in {numbers:?}, made in {:.1} s", size.name(), begun.elapsed().as_secs_f64());
    let worth = batching(&mut generator, rows)?;
    println!(
        "{:.1} tokens/s one after the other, {:.1} at once: {:.2} times",
        worth.single_tokens_per_s,
        worth.batched_tokens_per_s,
        worth.ratio()
    );
    let wanted = Wanted {
        lengths: vec![256, 1024, 4096],
        batches: vec![1, rows],
        pictures: vec![false, true],
        new_tokens: NEW_TOKENS,
        budget: Duration::from_secs(seconds),
    };
    let measured = measure(&mut generator, &wanted, &mut |one| println!("{one:?}"))?;
    println!("left out: {:?}", wanted.left_out(generator.network().config(), &measured));
    Ok(())
}
