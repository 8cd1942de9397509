//! Qwen3-VL: how many tokens it takes in and gives out in a second, and what a picture costs.

use super::Plan;
use crate::failure::Failure;
use qwen3_vl::measure::{Measured, Wanted, batching, measure as measure_network, random};
use qwen3_vl::model::{Model, Numbers, Options};
use qwen3_vl::{Generator, Size};
use serde_json::{Value, json};
use std::time::Duration;

/// Tokens that are decoded in each measurement.
const NEW_TOKENS: usize = 16;
/// Answers one after the other are compared with so many at once.
const BATCHING_ROWS: usize = 8;
/// The size by which that is done: the largest that is quick on any machine.
const BATCHING_SIZE: &str = "184m";
/// Tokens that a picture takes of a context beside the prompt's own.
const PICTURE_TOKENS: usize = 256;

/// Measures the model of a plan.
pub fn measure(plan: &Plan) -> Result<Value, Failure> {
    let numbers = match plan.dtype.as_str() {
        "f32" => Numbers::F32,
        "bf16" => Numbers::BF16,
        "f16" => Numbers::F16,
        _ => Numbers::Auto,
    };
    match &plan.folder {
        Some(folder) => {
            let context = plan.lengths.iter().copied().max().unwrap_or_default() + NEW_TOKENS + PICTURE_TOKENS;
            let batch = plan.batches.iter().copied().max().unwrap_or(1);
            let options = Options { folder: folder.clone(), numbers, context, batch };
            let mut model = Model::open(&options).map_err(told)?;
            let what = format!("{:.1} billion parameters", model.weights() as f64 / 1e9);
            figures(plan, model.generator(), what)
        }
        None => {
            let size = Size::named(&plan.model);
            let size = size.ok_or_else(|| Failure::Settings(format!("there is no size {}", plan.model)))?;
            let mut generator = random(size, numbers).map_err(told)?;
            figures(plan, &mut generator, "random weights of the published shape".to_string())
        }
    }
}

fn figures(plan: &Plan, generator: &mut Generator, what: String) -> Result<Value, Failure> {
    let wanted = Wanted {
        lengths: plan.lengths.clone(),
        batches: plan.batches.clone(),
        pictures: plan.pictures.clone(),
        new_tokens: NEW_TOKENS,
        budget: Duration::from_secs(plan.budget_s),
    };
    let rows = measure_network(generator, &wanted, &mut |_: &Measured| {}).map_err(told)?;
    let left_out = wanted.left_out(generator.network().config(), &rows).len();
    let what = format!("{what}; {left_out} combinations would have taken too long or too much memory");
    let mut figures = json!({ "what": what, "rows": rows });
    if plan.model == BATCHING_SIZE {
        let batching = batching(generator, BATCHING_ROWS).map_err(told)?;
        figures["batch_of_8_against_8_alone"] = json!({
            "alone_tokens_per_s": batching.single_tokens_per_s,
            "batch_tokens_per_s": batching.batched_tokens_per_s,
            "ratio": batching.ratio(),
        });
    }
    Ok(figures)
}

fn told(error: impl std::fmt::Display) -> Failure {
    Failure::Settings(error.to_string())
}
