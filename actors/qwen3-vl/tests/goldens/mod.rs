//! The tiny random checkpoints, and what the reference implementation says about them. `scripts/tiny_qwen3_vl.py` makes both.

#![allow(dead_code, reason = "every test program uses some of it")]

use candle_core::{DType, Device, Tensor, safetensors};
use candle_nn::VarBuilder;
use qwen3_vl::{Answers, Choose, Chosen, Config, Generator, Network, PatchedPicture, Row};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::PathBuf;

/// How far a logit may be from the reference's.
pub const TOLERANCE: f32 = 1e-4;

/// Checkpoints, with embeddings that are not the head and with some that are.
pub const CHECKPOINTS: [&str; 2] = ["untied", "tied"];

/// The cases of each checkpoint.
pub const CASES: [&str; 4] = ["text", "one_picture", "several_pictures", "ragged"];

#[derive(Deserialize)]
pub struct Goldens {
    grids: HashMap<String, [usize; 3]>,
    checkpoints: HashMap<String, HashMap<String, Vec<Expected>>>,
    #[serde(skip)]
    tensors: HashMap<String, Tensor>,
}

#[derive(Clone, Deserialize)]
pub struct Expected {
    pub tokens: Vec<u32>,
    pub pictures: Vec<String>,
    pub new_tokens: Vec<u32>,
}

impl Goldens {
    pub fn read() -> Self {
        let json = std::fs::read_to_string(folder().join("goldens.json")).expect("goldens.json is there");
        let goldens: Self = serde_json::from_str(&json).expect("goldens.json is as the script writes it");
        let tensors = safetensors::load(folder().join("goldens.safetensors"), &Device::Cpu)
            .expect("goldens.safetensors is there");
        Self { tensors, ..goldens }
    }

    pub fn expected(&self, checkpoint: &str, case: &str) -> &[Expected] {
        &self.checkpoints[checkpoint][case]
    }

    pub fn row(&self, expected: &Expected) -> Row {
        let picture =
            |name: &String| PatchedPicture { patches: self.values(&format!("{name}.patches")), grid: self.grids[name] };
        Row {
            tokens: expected.tokens.clone(),
            pictures: expected.pictures.iter().map(picture).collect(),
            max_new_tokens: expected.new_tokens.len(),
        }
    }

    pub fn rows(&self, checkpoint: &str, case: &str) -> Vec<Row> {
        self.expected(checkpoint, case).iter().map(|expected| self.row(expected)).collect()
    }

    pub fn values(&self, name: &str) -> Vec<f32> {
        let tensor = self.tensors[name].to_dtype(DType::F32).expect("goldens are numbers");
        tensor.flatten_all().and_then(|tensor| tensor.to_vec1()).expect("goldens are numbers")
    }
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tiny")
}

pub fn network(checkpoint: &str, dtype: DType) -> Network {
    let folder = folder().join(checkpoint);
    let json = std::fs::read_to_string(folder.join("config.json")).expect("config.json is there");
    let config = Config::parse(&json).expect("config.json is of a Qwen3-VL");
    let mut tensors = HashMap::new();
    for entry in std::fs::read_dir(folder).expect("the checkpoint is there") {
        let path = entry.expect("the checkpoint can be listed").path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            tensors.extend(safetensors::load(path, &Device::Cpu).expect("shards are whole"));
        }
    }
    Network::load(VarBuilder::from_tensors(tensors, dtype, &Device::Cpu), &config)
        .expect("the checkpoint fits its configuration")
}

/// Takes the likeliest token and writes the logits down.
#[derive(Default)]
pub struct Likeliest {
    pub logits: Vec<Vec<f32>>,
}

impl Choose for Likeliest {
    fn choose(&mut self, logits: &mut [f32]) -> Chosen {
        self.logits.push(logits.to_vec());
        let likeliest = logits.iter().copied().enumerate().max_by(|one, other| one.1.total_cmp(&other.1));
        let (token, logprob) = likeliest.expect("there is a vocabulary");
        Chosen { token: token as u32, logprob, is_last: false }
    }
}

/// Answers rows greedily. Returns for each row the logits of each step as well.
pub fn answer(generator: &mut Generator, rows: &[Row]) -> (Answers, Vec<Vec<Vec<f32>>>) {
    let mut choosers: Vec<Likeliest> = rows.iter().map(|_| Likeliest::default()).collect();
    let mut chosen: Vec<&mut dyn Choose> = choosers.iter_mut().map(|chooser| chooser as &mut dyn Choose).collect();
    let answers = generator.generate(rows, &mut chosen, &|| false).expect("arithmetic succeeds");
    (answers, choosers.into_iter().map(|chooser| chooser.logits).collect())
}

/// The largest distance between two vectors' numbers.
pub fn distance(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}
