//! The committed checkpoints and goldens are what the script makes with the reference implementation, where that is there:
//! `POCKETPILOT_PYTHON` names an interpreter that has it, otherwise `python3` is asked.

mod goldens;

use candle_core::{DType, Device, safetensors};
use goldens::{distance, folder};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How far numbers may be apart where another processor adds them up in another order.
const TOLERANCE: f64 = 1e-4;

/// How the script says that a package is missing.
const PACKAGE_MISSING: i32 = 3;

#[test]
fn goldens_are_what_the_reference_says() {
    let python = std::env::var_os("POCKETPILOT_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/tiny_qwen3_vl.py");
    let made = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("tiny_qwen3_vl");
    let _ = std::fs::remove_dir_all(&made);
    let output = match Command::new(&python).arg(&script).arg(&made).output() {
        Ok(output) => output,
        Err(error) => return println!("skipped: {} cannot be run: {error}", python.display()),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(PACKAGE_MISSING) {
        return println!("skipped: {} has no reference implementation: {}", python.display(), said.trim());
    }
    assert!(output.status.success(), "{said}");
    let files = files(&folder());
    assert_eq!(self::files(&made), files);
    for file in files {
        compare(&folder().join(&file), &made.join(&file));
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("the folder can be listed") {
            let path = entry.expect("the folder can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).expect("it is inside").to_path_buf());
            }
        }
    }
    found.sort();
    found
}

fn compare(one: &Path, other: &Path) {
    match one.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") => compare_tensors(one, other),
        Some("json") => compare_json(&json(one), &json(other), &one.display().to_string()),
        _ => assert!(std::fs::read(one).ok() == std::fs::read(other).ok(), "{} differs", one.display()),
    }
}

fn compare_tensors(one: &Path, other: &Path) {
    let read = |path: &Path| safetensors::load(path, &Device::Cpu).expect("it is safetensors");
    let (one, other) = (read(one), read(other));
    assert_eq!(one.len(), other.len());
    for (name, tensor) in one {
        let again = &other[&name];
        assert_eq!((tensor.dims(), tensor.dtype()), (again.dims(), again.dtype()), "{name}");
        let values = |tensor: &candle_core::Tensor| {
            let flat = tensor.to_dtype(DType::F32).and_then(|tensor| tensor.flatten_all());
            flat.and_then(|tensor| tensor.to_vec1::<f32>()).expect("it has numbers")
        };
        assert!(f64::from(distance(&values(&tensor), &values(again))) < TOLERANCE, "{name}");
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("it is there")).expect("it is JSON")
}

fn compare_json(one: &Value, other: &Value, place: &str) {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            assert_eq!(one.len(), other.len(), "{place}");
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                compare_json(one, other, &format!("{place}[{index}]"));
            }
        }
        (Value::Object(one), Value::Object(other)) => {
            assert_eq!(one.len(), other.len(), "{place}");
            for (name, value) in one {
                compare_json(value, &other[name], &format!("{place}.{name}"));
            }
        }
        (Value::Number(one), Value::Number(other)) => {
            let apart = one.as_f64().zip(other.as_f64()).map_or(f64::NAN, |(one, other)| (one - other).abs());
            assert!(apart < TOLERANCE, "{place}: {one} and {other}");
        }
        _ => assert_eq!(one, other, "{place}"),
    }
}
