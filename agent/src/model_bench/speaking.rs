//! Qwen3-VL: how many tokens it takes in and gives out in a second, and what a picture costs.

use super::Plan;
use crate::failure::Failure;
use qwen3_vl::measure::{Measured, Wanted, batching, measure as measure_network, random};
use qwen3_vl::{Model, Numbers, Options, Size};
use serde_json::{Value, json};
use std::time::Duration;

/// Tokens that are decoded in each measurement.
const NEW_TOKENS: usize = 16;

/// Measures the model of a plan.
pub fn measure(plan: &Plan) -> Result<Value, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Settings(error.to_string());
    let numbers = match plan.dtype.as_str() {
        "f32" => Numbers::F32,
        "bf16" => Numbers::BF16,
        "f16" => Numbers::F16,
        _ => Numbers::Auto,
    };
    let wanted = Wanted {
        lengths: plan.lengths.clone(),
        batches: plan.batches.clone(),
        pictures: plan.pictures.clone(),
        new_tokens: NEW_TOKENS,
        budget: Duration::from_secs(plan.budget_s),
    };
    let (mut generator, what) = match &plan.folder {
        Some(folder) => {
            let context = plan.lengths.iter().copied().max().unwrap_or_default() + NEW_TOKENS + 256;
            let batch = plan.batches.iter().copied().max().unwrap_or(1);
            let options = Options { folder: folder.clone(), numbers, context, batch };
            let model = Model::open(&options).map_err(|error| failed(&error))?;
            let what = format!("{} parameters", model.weights());
            (model.into_generator(), what)
        }
        None => {
            let size = Size::named(&plan.model).ok_or_else(|| failed(&format!("there is no size {}", plan.model)))?;
            (random(size, numbers).map_err(|error| failed(&error))?, "random weights of the real shape".to_string())
        }
    };
    let rows = measure_network(&mut generator, &wanted, &mut |_: &Measured| {}).map_err(|error| failed(&error))?;
    let mut figures = json!({ "what": what, "rows": rows });
    if plan.model == "184m" {
        let batching = batching(&mut generator, 8).map_err(|error| failed(&error))?;
        figures["batch_of_8_against_8_alone"] = json!(batching);
    }
    Ok(figures)
}
