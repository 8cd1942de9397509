//! What stands between a decision and a model: the words that a model is shown, and what its answer means.

use super::inquiry::Inquiry;
use super::model::{Prompt, Reply};
use serde_json::{Map, Value};
use std::sync::Arc;
use wire::router::TierSettings;

/// Packs what a model is shown, and reads what it answers.
pub trait Packing: Send + Sync {
    /// The prompt for this tier without its picture: a tenth of a millisecond's work. Its key names texts, schema and model,
    /// and the exact pixels if the tier takes a picture.
    fn pack(&self, tier: &TierSettings, inquiry: &Inquiry) -> Prompt;

    /// The picture as a PNG file: some milliseconds' work, for a thread of its own, and only when a model is really asked.
    fn picture(&self, tier: &TierSettings, inquiry: &Inquiry) -> Option<Arc<[u8]>>;

    /// Reads an answer against what was on offer.
    ///
    /// # Errors
    /// What is wrong with it, in words for the model.
    fn read(&self, reply: &Reply, inquiry: &Inquiry) -> Result<Answer, String>;

    /// What was found wrong with what a user may edit since it was asked last, a line each: file, line, what.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a model wants done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The chosen skill, one of those on offer.
    pub skill: String,
    /// What it is told; only what the model gave.
    pub arguments: Map<String, Value>,
    /// Between 0 and 1, where there is one.
    pub confidence: Option<f32>,
    /// Why, in the model's words.
    pub reason: String,
}
