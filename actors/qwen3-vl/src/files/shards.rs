//! The files of weights: one, or those that an index names.

use super::{FolderError, WHOLE, json};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) const INDEX: &str = "model.safetensors.index.json";

/// Shards that an index may name.
const SHARDS_MAX: usize = 256;

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The files of weights.
pub(super) struct Shards {
    pub(super) files: Vec<PathBuf>,
    /// Which of them each tensor is in, where an index says so.
    pub(super) listed: Option<BTreeMap<String, usize>>,
}

pub(super) fn find(root: &Path) -> Result<Shards, FolderError> {
    let single = root.join("model.safetensors");
    let path = root.join(INDEX);
    if single.is_file() || !path.is_file() {
        return Ok(Shards { files: vec![single], listed: None });
    }
    let index: Index = json::parse(&json::read(&path, json::CONFIG_BYTES_MAX, WHOLE)?, &path)?;
    let mut names: Vec<&String> = index.weight_map.values().collect();
    names.sort();
    names.dedup();
    let garbled = |problem: String| FolderError::Garbled { path: path.clone(), problem };
    if names.is_empty() || names.len() > SHARDS_MAX {
        return Err(garbled(format!("it names {} files of weights", names.len())));
    }
    if let Some(strange) = names.iter().find(|name| !is_plain(name)) {
        return Err(garbled(format!("{strange:?} is no file in this folder")));
    }
    let listed = index
        .weight_map
        .iter()
        .map(|(tensor, file)| (tensor.clone(), names.partition_point(|name| *name < file)))
        .collect();
    Ok(Shards { files: names.into_iter().map(|name| root.join(name)).collect(), listed: Some(listed) })
}

fn is_plain(name: &str) -> bool {
    name.ends_with(".safetensors") && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}
