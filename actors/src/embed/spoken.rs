//! Vectors from a Qwen3-VL in this process: the mean of its last hidden states over what is seen, picture and words together.

use super::aside::Network;
use super::{EmbedError, Embedded, Scene, folder_name, normalise};
use crate::router::local::{Local, locked};
use qwen3_vl::model::Picture;
use std::path::Path;
use wire::hash::Hash;
use wire::recall::Space;
use wire::router::TierSettings;

/// Names how hidden states become a vector.
const POOLING: &str = "mean";

/// The model of a tier, which the router asks as well.
pub(super) struct Spoken {
    folder: std::path::PathBuf,
    model: Local,
}

impl Spoken {
    pub(super) fn of(tier: &TierSettings) -> Spoken {
        Spoken { folder: tier.folder.clone(), model: Local::new(tier) }
    }
}

impl Network for Spoken {
    fn space(&mut self, game: &str) -> Result<Space, EmbedError> {
        let model = self.model.load().map_err(EmbedError::Unusable)?;
        let dimensions = locked(&model).dimensions();
        let hash = files_hash(&self.folder).map_err(|error| EmbedError::Unusable(error.to_string()))?;
        let name = format!("qwen3-vl-{:08x}-{POOLING}-{dimensions}-{}", hash.0 as u32, folder_name(game));
        Ok(Space { name, dimensions: dimensions as u32 })
    }

    fn embed(&mut self, scenes: &[Scene]) -> Embedded {
        let model = self.model.load().map_err(EmbedError::Unusable)?;
        let told: Vec<(String, Option<Vec<u8>>)> = scenes.iter().map(|scene| (scene.text(), colours(scene))).collect();
        let shown: Vec<(&str, Option<Picture<'_>>)> = told
            .iter()
            .zip(scenes)
            .map(|((text, rgb), scene)| {
                let (width, height) = (scene.frame.width as usize, scene.frame.height as usize);
                (text.as_str(), rgb.as_ref().map(|rgb| Picture { width, height, rgb }))
            })
            .collect();
        let vectors = locked(&model).embed(&shown).into_iter().map(|vector| {
            let mut vector = vector.map_err(|error| EmbedError::Unusable(error.to_string()))?;
            Ok(normalise(&mut vector).then_some(vector))
        });
        vectors.collect()
    }
}

/// The picture in red, green and blue; nothing where it is not whole.
fn colours(scene: &Scene) -> Option<Vec<u8>> {
    let frame = &scene.frame;
    let bytes = frame.format.bytes();
    let is_whole = frame.width > 0 && frame.pixels.len() == frame.width as usize * frame.height as usize * bytes;
    is_whole.then(|| frame.pixels.chunks_exact(bytes).flat_map(|pixel| frame.format.colour(pixel)).collect())
}

/// Tells models apart by their configuration and by the names and lengths of their files.
fn files_hash(folder: &Path) -> std::io::Result<Hash> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        files.push(format!("{} {}\n", entry.file_name().to_string_lossy(), entry.metadata()?.len()));
    }
    files.sort();
    let config = std::fs::read(folder.join("config.json"))?;
    Ok(Hash::of(files.iter().map(String::as_bytes).chain([config.as_slice()])))
}
