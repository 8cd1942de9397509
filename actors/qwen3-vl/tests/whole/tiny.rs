//! The tiny checkpoints, as they are and in copies that can be made wrong.

use qwen3_vl::choose::Sampling;
use qwen3_vl::model::{Model, Numbers, OpenError, Options, Picture, Question};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub const SHARD: &str = "model-00002-of-00002.safetensors";

/// A folder that goes away with this.
pub struct TinyCopy(PathBuf);

impl TinyCopy {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("qwen3-vl-whole-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        for entry in std::fs::read_dir(folder("tied")).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), path.join(entry.file_name())).unwrap();
        }
        Self(path)
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.0.join(name)).unwrap();
    }

    pub fn cut(&self, name: &str, bytes: u64) {
        let file = std::fs::File::options().write(true).open(self.0.join(name)).unwrap();
        file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
    }

    /// Writes something else instead of the first `from`, or of all.
    pub fn replace(&self, name: &str, from: &str, to: &str, count: usize) {
        let text = std::fs::read(self.0.join(name)).unwrap();
        let (from, to) = (from.as_bytes(), to.as_bytes());
        let (mut written, mut rest, mut left) = (Vec::new(), text.as_slice(), count);
        while let Some(at) = rest.windows(from.len()).position(|window| window == from).filter(|_| left > 0) {
            written.extend_from_slice(&rest[..at]);
            written.extend_from_slice(to);
            rest = &rest[at + from.len()..];
            left -= 1;
        }
        assert!(left < count, "{name} has none of it");
        written.extend_from_slice(rest);
        std::fs::write(self.0.join(name), written).unwrap();
    }

    pub fn options(&self) -> Options {
        Options { folder: self.0.clone(), ..options("tied") }
    }

    pub fn open(&self) -> Result<Model, OpenError> {
        Model::open(&self.options())
    }
}

impl Drop for TinyCopy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny").join(name)
}

pub fn options(name: &str) -> Options {
    Options { folder: folder(name), numbers: Numbers::Auto, context: 512, batch: 4 }
}

pub fn model(name: &str) -> Model {
    Model::open(&options(name)).unwrap()
}

/// A question that has all the time it needs.
pub fn question(user: &str) -> Question<'_> {
    Question {
        system: "You play a game.",
        user,
        picture: None,
        repair: None,
        schema: None,
        answer_tokens: 40,
        deadline: Instant::now() + Duration::from_secs(300),
        sampling: Sampling::greedy(),
    }
}

/// Some lines of colours.
pub fn pixels(width: usize, height: usize, shade: u8) -> Vec<u8> {
    (0..width * height * 3).map(|at| (at as u8).wrapping_mul(7).wrapping_add(shade)).collect()
}

pub fn picture(rgb: &[u8], width: usize) -> Picture<'_> {
    Picture { width, height: rgb.len() / width / 3, rgb }
}
