//! Python's faiss on the same vectors: in turns with our own worker, so that both see the same machine.

use super::failed;
use crate::failure::Failure;
use crate::threads;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What Python runs.
const SCRIPT: &str = include_str!("../../../scripts/recall_bench.py");
/// The version that is built into this program, so that like is compared with like.
const PACKAGES: [&str; 2] = ["faiss-cpu==1.12.0", "numpy"];
/// Turns of both.
const TURNS: usize = 7;
const INDEXES: [&str; 2] = ["index", "flat"];

/// Asks both; `ours` measures one index after the other, and leaves what Python needs in `single`. Where Python has no faiss, it is
/// installed for this, unless it must not be.
pub fn compare(folder: &Path, is_as_it_is: bool, ours: &dyn Fn() -> Result<Value, Failure>) -> Result<Value, Failure> {
    let mut turns = vec![(ours()?, Value::Null)];
    let exact_to_index = exact_to_index(&turns[0].0);
    let python = match python(folder, is_as_it_is) {
        Ok(python) => python,
        Err(why) => {
            let ours = without_ids(&turns[0].0);
            return Ok(json!({ "skipped": why, "ours": ours, "exact_to_index_p50": exact_to_index }));
        }
    };
    let script = folder.join("recall_bench.py");
    let remedy = "set TMPDIR to a folder that can be written";
    std::fs::write(&script, SCRIPT).map_err(|error| Failure::Unwritable { path: script.clone(), error, remedy })?;
    let theirs = || -> Result<Value, Failure> {
        let text =
            told(Command::new(&python).arg(&script).arg(folder.join("memories/single")).arg("3")).map_err(failed)?;
        serde_json::from_str(&text).map_err(|error| failed(format!("Python printed no JSON: {error}")))
    };
    turns[0].1 = theirs()?;
    for _ in 1..TURNS {
        turns.push((ours()?, theirs()?));
    }
    let mut compared = serde_json::Map::new();
    compared.insert("version".to_string(), turns[0].1["version"].clone());
    for index in INDEXES {
        let middle = |of: &dyn Fn(&(Value, Value)) -> &Value, key: &str| {
            let mut values: Vec<f64> = turns.iter().filter_map(|turn| of(turn)[index][key].as_f64()).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        let (ours, theirs) = (middle(&|turn| &turn.0, "p50"), middle(&|turn| &turn.1, "p50"));
        let name = if index == "flat" { "flat" } else { turns[0].0["kind"].as_str().unwrap_or(index) };
        let figures = json!({
            "ours_p50_us": ours, "python_p50_us": theirs, "ratio_p50": (ours / theirs * 100.0).round() / 100.0,
            "ours_p99_us": middle(&|turn| &turn.0, "p99"), "python_p99_us": middle(&|turn| &turn.1, "p99"),
        });
        compared.insert(name.to_string(), figures);
    }
    let same = turns.iter().all(|(ours, theirs)| ours["flat"]["ids"] == theirs["flat"]["ids"]);
    compared.insert("exact_to_index_p50".to_string(), json!(exact_to_index));
    compared.insert("flat_ids_identical".to_string(), json!(same));
    Ok(Value::Object(compared))
}

/// How many times as long looking at everything takes as asking the index.
fn exact_to_index(ours: &Value) -> f64 {
    let p50 = |index: &str| ours[index]["p50"].as_f64().unwrap_or_default();
    (p50("flat") / p50("index").max(1e-3) * 100.0).round() / 100.0
}

fn without_ids(ours: &Value) -> Value {
    let mut ours = ours.clone();
    if let Some(flat) = ours["flat"].as_object_mut() {
        flat.remove("ids");
    }
    ours
}

/// A Python that has faiss: the machine's own, or one in a virtual environment made for this.
fn python(folder: &Path, is_as_it_is: bool) -> Result<PathBuf, String> {
    let has_faiss = |python: &Path| told(Command::new(python).args(["-c", "import faiss, numpy"])).is_ok();
    let own = PathBuf::from("python3");
    if has_faiss(&own) {
        return Ok(own);
    }
    if is_as_it_is {
        return Err("Python has no faiss here, and --no-install says to install none".to_string());
    }
    let environment = folder.join("python");
    let no_python = |error| format!("python3 cannot make a virtual environment: {error}");
    told(Command::new(&own).args(["-m", "venv"]).arg(&environment)).map_err(no_python)?;
    let python = environment.join("bin/python");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    told(Command::new(&python).args(install).args(PACKAGES))
        .map_err(|error| format!("pip cannot install {}: {error}", PACKAGES.join(" ")))?;
    Ok(python)
}

/// What a command prints, or the last line of its complaint.
fn told(command: &mut Command) -> Result<String, String> {
    threads::limit(command);
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it failed").trim().to_string())
}
