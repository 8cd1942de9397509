//! Measures what a batch is worth: tokens a second of rows answered together, against the same rows one after the other. The
//! weights are random, and answers are nonsense of a fixed length.
//!
//! `cargo run --release -p qwen3-vl --example batch_speed -- [rows] [f32|bf16|f16] [new tokens]`

use candle_core::{DType, Device};
use qwen3_vl::{Choose, Chosen, Generator, Network, Row, Size};
use std::time::Instant;

const PROMPT_TOKENS: usize = 32;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rows: usize = arguments.first().map_or(Ok(8), |rows| rows.parse())?;
    let dtype = match arguments.get(1).map(String::as_str) {
        None | Some("f32") => DType::F32,
        Some("bf16") => DType::BF16,
        Some("f16") => DType::F16,
        Some(other) => return Err(format!("{other} is no precision").into()),
    };
    let new_tokens = arguments.get(2).map_or(Ok(32), |tokens| tokens.parse())?;
    let config = Size::Text184M.config();
    println!("{} weights in {dtype:?}, {PROMPT_TOKENS} tokens of prompt, {new_tokens} of answer", config.weights());
    let mut generator = Generator::new(Network::random(&config, 1, dtype, &Device::Cpu)?, 0);
    let rows: Vec<Row> = (0..rows as u32).map(|row| question(row, new_tokens)).collect();

    let begun = Instant::now();
    let alone = rows.iter().map(|row| decode_us(&mut generator, std::slice::from_ref(row)));
    let alone = alone.sum::<Result<f64, _>>()?;
    let alone_whole = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let together = decode_us(&mut generator, &rows)?;
    let together_whole = begun.elapsed().as_secs_f64();

    let steps = (new_tokens - 1) as f64;
    let tokens = rows.len() as f64 * steps * 1e6;
    println!("alone:    {:6.1} ms a step, {:6.1} tokens/s", alone / steps / rows.len() as f64 / 1e3, tokens / alone);
    println!("together: {:6.1} ms a step, {:6.1} tokens/s", together / steps / 1e3, tokens / together);
    println!("ratio: {:.2} decoding, {:.2} with prompts", alone / together, alone_whole / together_whole);
    Ok(())
}

fn question(row: u32, max_new_tokens: usize) -> Row {
    let tokens = (0..PROMPT_TOKENS as u32).map(|index| (row * 977 + index * 131) % 41_000).collect();
    Row { tokens, pictures: Vec::new(), max_new_tokens }
}

fn decode_us(generator: &mut Generator, rows: &[Row]) -> Result<f64, qwen3_vl::Error> {
    let mut choosers = vec![First; rows.len()];
    let mut choosers: Vec<&mut dyn Choose> = choosers.iter_mut().map(|chooser| chooser as &mut dyn Choose).collect();
    let answers = generator.generate(rows, &mut choosers, &|| false)?;
    Ok(answers.timing.decode_us as f64)
}

/// Takes the likeliest token, which costs next to nothing.
#[derive(Clone)]
struct First;

impl Choose for First {
    fn choose(&mut self, logits: &mut [f32]) -> Chosen {
        let likeliest = logits.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1));
        Chosen { token: likeliest.map_or(0, |(token, _)| token as u32), logprob: 0.0, is_last: false }
    }
}
