//! The reader: how long it takes to read pictures of Burrow.

use crate::failure::Failure;
use crate::train;
use reader::{Canvas, Reader};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;

/// Pictures that are read again and again.
const PICTURES: usize = 32;
const WARM_UP_ROUNDS: usize = 20;

/// Measures batches of these sizes, each in so many rounds.
pub fn measure(batches: &[usize], rounds: usize, core: Option<&Path>) -> Result<Value, Failure> {
    let canvases = train::pictures(PICTURES, core)?;
    let failed = |error: reader::ReaderError| Failure::Settings(error.to_string());
    let reader = Reader::burrow().map_err(failed)?;
    let mut rows = Vec::new();
    for batch in batches {
        let mut took_us = Vec::with_capacity(rounds);
        for round in 0..WARM_UP_ROUNDS + rounds {
            let chosen: Vec<&Canvas> = (0..*batch).map(|place| &canvases[(round + place) % canvases.len()]).collect();
            let began = Instant::now();
            std::hint::black_box(reader.read_canvases(&chosen));
            if round >= WARM_UP_ROUNDS {
                took_us.push(began.elapsed().as_micros() as u64);
            }
        }
        let figures = crate::bench::percentiles(took_us);
        let ms = |name: &str| figures[name].as_f64().unwrap_or_default() / 1000.0;
        rows.push(json!({
            "batch": batch,
            "p50_ms": ms("p50"), "p90_ms": ms("p90"), "p99_ms": ms("p99"),
            "pictures_per_s": *batch as f64 * 1000.0 / ms("p50").max(1e-6),
        }));
    }
    let what = format!("pictures of Burrow, one by one core, several by all; {rounds} rounds");
    let rate = |batch: usize| {
        let row = rows.iter().find(|row| row["batch"] == json!(batch))?;
        row["pictures_per_s"].as_f64()
    };
    let mut found = json!({ "what": what });
    if let (Some(eight), Some(one)) = (rate(8), rate(1)) {
        found["batch_of_8_to_1"] = json!((eight / one * 100.0).round() / 100.0);
    }
    found["rows"] = json!(rows);
    Ok(found)
}
