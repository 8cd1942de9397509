//! `agent bench models`: what the models in this process do on this machine, before or after any of them is downloaded.
//!
//! Each model is measured by a worker of its own, so that one's memory is gone before the next is loaded.

use crate::cli::{BenchArgs, Vision, WorkerKind};
use crate::config::Config;
use crate::failure::Failure;
use crate::plot::{Chart, Series};
use crate::screen;
use crate::worker;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod reading;
#[cfg(feature = "local-vlm")]
mod speaking;

/// Sizes of Qwen3-VL that can be made of random weights.
const SIZES: [&str; 4] = ["184m", "2b", "4b", "8b"];
const READER: &str = "reader";
/// Lengths of prompts, where none are asked for; a model's context caps them.
const LENGTHS: [usize; 3] = [64, 256, 1_024];
const BATCHES: [usize; 4] = [1, 2, 4, 8];
/// Rounds of the reader.
const ROUNDS: usize = 400;
const ROUNDS_QUICK: usize = 40;
/// Time for one model, beyond which lengths and batches are left out.
const BUDGET: Duration = Duration::from_secs(120);
/// Time for one model, loading included, after which it is given up.
const LIMIT: Duration = Duration::from_secs(900);

/// What a worker measures.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Plan {
    model: String,
    folder: Option<PathBuf>,
    dtype: String,
    lengths: Vec<usize>,
    batches: Vec<usize>,
    pictures: Vec<bool>,
    /// Rounds that the reader is measured in.
    rounds: usize,
    budget_s: u64,
}

/// Measures each model; what cannot be measured says why.
pub fn measure(args: &BenchArgs, folder: &Path) -> Result<Value, Failure> {
    let mut figures = serde_json::Map::new();
    for plan in plans(args)? {
        screen::progress(&format!("measuring {} (at most {} s)", plan.model, LIMIT.as_secs()));
        let file = folder.join("plan.json");
        let text = serde_json::to_string(&plan).map_err(|error| Failure::Settings(error.to_string()))?;
        let remedy = "set TMPDIR to a folder that can be written";
        std::fs::write(&file, text).map_err(|error| Failure::Unwritable { path: file.clone(), error, remedy })?;
        let options = [("--config", Some(file.as_path())), ("--core", args.core.as_deref())];
        let measured = match worker::ask(WorkerKind::BenchModels, &options, LIMIT) {
            Ok(measured) => measured,
            Err(failure) => json!({ "left_out": failure.to_string() }),
        };
        figures.insert(plan.model, measured);
    }
    let figures = Value::Object(figures);
    if let Some(folder) = &args.plots {
        plot(&figures, folder)?;
    }
    Ok(figures)
}

fn plans(args: &BenchArgs) -> Result<Vec<Plan>, Failure> {
    let usage = |message: String| Failure::Usage(message);
    let lengths = match args.lengths.as_str() {
        "auto" => LENGTHS.to_vec(),
        list => {
            let numbers =
                list.split(',').map(|number| number.trim().parse::<usize>().ok().filter(|number| *number > 0));
            numbers
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| usage(format!("--lengths {list}: it must be auto, or numbers as in 64,1024")))?
        }
    };
    let pictures = match args.vision {
        Vision::Off => vec![false],
        Vision::On => vec![true],
        Vision::Both => vec![false, true],
    };
    let plan = |model: &str, folder: Option<PathBuf>, dtype: &str| Plan {
        model: model.to_string(),
        folder,
        dtype: dtype.to_string(),
        lengths: lengths.clone(),
        batches: BATCHES.to_vec(),
        pictures: pictures.clone(),
        rounds: if args.quick { ROUNDS_QUICK } else { ROUNDS },
        budget_s: BUDGET.as_secs(),
    };
    let mut plans = Vec::new();
    for name in &args.models {
        match name.as_str() {
            "all" => {
                plans.push(plan(READER, None, "f32"));
                if args.random_weights {
                    plans.extend(SIZES.iter().map(|size| plan(size, None, "auto")));
                } else {
                    let config = Config::load(None)?;
                    let tiers = config.router.tiers.iter().filter(|tier| tier.backend == "qwen3-vl");
                    plans.extend(tiers.map(|tier| plan(&tier.name, Some(tier.folder.clone()), &tier.dtype)));
                }
            }
            READER => plans.push(plan(READER, None, "f32")),
            size if SIZES.contains(&size) => {
                if !args.random_weights {
                    let message = format!("--models {size}: add --random-weights, or name the folder of a model");
                    return Err(usage(message));
                }
                plans.push(plan(size, None, "auto"));
            }
            folder if Path::new(folder).is_dir() => plans.push(plan(folder, Some(PathBuf::from(folder)), "auto")),
            other => {
                let known = SIZES.join(", ");
                let message = format!("--models {other}: it is no folder, and none of all, {READER}, {known}");
                return Err(usage(message));
            }
        }
    }
    Ok(plans)
}

/// A worker's part: measures the one model of the plan.
pub fn work(plan: &Path, core: Option<&Path>) -> Result<Value, Failure> {
    let read = std::fs::read_to_string(plan);
    let text = read.map_err(|error| Failure::NoInput { path: plan.to_path_buf(), error, remedy: "it is a plan" })?;
    let plan: Plan = serde_json::from_str(&text).map_err(|error| Failure::Settings(error.to_string()))?;
    if plan.model == READER {
        return reading::measure(&plan.batches, plan.rounds, core);
    }
    #[cfg(feature = "local-vlm")]
    return speaking::measure(&plan);
    #[cfg(not(feature = "local-vlm"))]
    Err(Failure::Settings(
        "this program was built without it; build with `cargo build --features local-vlm`".to_string(),
    ))
}

/// The figures as a table for people.
pub fn table(figures: &Value) -> String {
    let mut text = String::new();
    for (model, measured) in figures.as_object().into_iter().flatten() {
        if let Some(why) = measured["left_out"].as_str() {
            let _ = writeln!(text, "{model}: left out: {why}");
            continue;
        }
        let rows = rows(measured);
        let head = columns(rows);
        let _ = writeln!(text, "{model}: {}", measured["what"].as_str().unwrap_or_default());
        let _ = writeln!(text, "  {}", head.iter().map(|name| format!("{name:>22}")).collect::<String>());
        for row in rows {
            let cells = head.iter().map(|name| format!("{:>22}", cell(&row[name.as_str()])));
            let _ = writeln!(text, "  {}", cells.collect::<String>());
        }
        if let Some(ratio) = measured["batch_of_8_to_1"].as_f64() {
            let _ = writeln!(text, "  eight at once give {ratio:.2} times the pictures a second of one alone");
        }
        if let Some(ratio) = measured["batch_of_8_against_8_alone"]["ratio"].as_f64() {
            let _ = writeln!(
                text,
                "  eight answers at once give {ratio:.2} times the tokens a second of one after the other"
            );
        }
    }
    text
}

/// The figures as comma-separated values.
pub fn csv(figures: &Value) -> String {
    let models = || figures.as_object().into_iter().flatten();
    let mut head: Vec<String> = Vec::new();
    for name in models().flat_map(|(_, measured)| columns(rows(measured))) {
        if !head.contains(&name) {
            head.push(name);
        }
    }
    let mut text = format!("model,{}\n", head.join(","));
    for (model, measured) in models() {
        for row in rows(measured) {
            let cells: Vec<String> = head.iter().map(|name| cell(&row[name.as_str()])).collect();
            let _ = writeln!(text, "{model},{}", cells.join(","));
        }
    }
    text
}

fn rows(measured: &Value) -> &[Value] {
    measured["rows"].as_array().map_or(&[], Vec::as_slice)
}

fn columns(rows: &[Value]) -> Vec<String> {
    rows.first().and_then(Value::as_object).map(|row| row.keys().cloned().collect()).unwrap_or_default()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => format!("{:.2}", number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}

/// One chart for each figure that has rows over batches, a line for each model, length and kind of prompt.
fn plot(figures: &Value, folder: &Path) -> Result<(), Failure> {
    let remedy = "name another folder with --plots";
    let unwritable = |path: &Path, error| Failure::Unwritable { path: path.to_path_buf(), error, remedy };
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    let charts = [
        ("prefill_tokens_per_s", "Prefill", "tokens/s"),
        ("decode_tokens_per_s", "Decoding", "tokens/s"),
        ("vision_ms", "Vision tower, picture of 480 x 320", "ms a batch"),
        ("p50_ms", "Reader, one batch", "ms"),
    ];
    for (figure, title, y) in charts {
        let series = series(figures, figure);
        if series.is_empty() {
            continue;
        }
        let chart = Chart { title: title.to_string(), x: "batch".to_string(), y: y.to_string(), series };
        let path = folder.join(format!("{figure}.png"));
        chart.write(&path).map_err(|error| unwritable(&path, error))?;
        screen::progress(&format!("{} is written", path.display()));
    }
    Ok(())
}

fn series(figures: &Value, figure: &str) -> Vec<Series> {
    let mut lines: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for (model, measured) in figures.as_object().into_iter().flatten() {
        for row in rows(measured) {
            let (Some(batch), Some(value)) = (row["batch"].as_f64(), row[figure].as_f64()) else { continue };
            let length = row["tokens"].as_u64().map(|tokens| format!(" {tokens}")).unwrap_or_default();
            let picture = if row["has_picture"] == json!(true) { "+pic" } else { "" };
            if figure != "vision_ms" || row["has_picture"] == json!(true) {
                lines.entry(format!("{model}{length}{picture}")).or_default().push((batch, value));
            }
        }
    }
    lines.into_iter().map(|(name, points)| Series { name, points }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Value {
        json!({
            "2b": { "what": "random weights", "rows": [
                { "tokens": 64, "batch": 1, "has_picture": false, "decode_tokens_per_s": 2.5 },
                { "tokens": 64, "batch": 8, "has_picture": false, "decode_tokens_per_s": 9.0 },
            ] },
            "8b": { "left_out": "it needs 20 GiB" },
            "reader": { "what": "one core", "rows": [{ "batch": 1, "p50_ms": 1.5 }] },
        })
    }

    #[test]
    fn tables_and_values_have_a_line_a_measurement_and_say_what_is_missing() {
        let table = table(&figures());
        assert!(table.contains("8b: left out: it needs 20 GiB") && table.contains("9.00"), "{table}");
        let csv = csv(&figures());
        assert_eq!(
            csv,
            "model,tokens,batch,has_picture,decode_tokens_per_s,p50_ms\n2b,64,1,false,2.50,\n2b,64,8,false,9.00,\nreader,,1,,,1.50\n"
        );
    }

    #[test]
    fn lines_of_a_chart_are_models_and_lengths() {
        let series = series(&figures(), "decode_tokens_per_s");
        assert_eq!(series, [Series { name: "2b 64".into(), points: vec![(1.0, 2.5), (8.0, 9.0)] }]);
    }
}
