//! What a model decided, apart from who asked: that is what is shared, kept and found again.

use super::inquiry::Inquiry;
use super::packing::Answer;
use wire::decision::{Basis, Decision, Source};

/// What a model decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The pixels and memory that it was shown.
    pub basis: Basis,
    /// Place of its tier, from the lowest.
    pub level: usize,
    /// The tier's name.
    pub tier: String,
    /// The chosen skill.
    pub skill: String,
    /// What it is told, as a JSON object.
    pub arguments: String,
    /// How sure it is.
    pub confidence: Option<f32>,
    /// Why.
    pub reason: String,
}

impl Verdict {
    /// What the model of this tier answered to this.
    pub fn new(inquiry: &Inquiry, level: usize, tier: &str, answer: Answer) -> Verdict {
        Verdict {
            basis: inquiry.basis,
            level,
            tier: tier.to_string(),
            skill: answer.skill,
            arguments: serde_json::Value::Object(answer.arguments).to_string(),
            confidence: answer.confidence,
            reason: answer.reason,
        }
    }

    /// Whether the same is to be done.
    pub fn agrees(&self, other: &Verdict) -> bool {
        (&self.skill, &self.arguments) == (&other.skill, &other.arguments)
    }

    /// Whether who asks this may do it.
    pub fn suits(&self, inquiry: &Inquiry) -> bool {
        inquiry.offers.iter().any(|offer| offer.skill == self.skill)
    }

    /// The decision for who asked this.
    pub fn decision(&self, inquiry: &Inquiry, source: Source) -> Decision {
        Decision {
            instance: inquiry.instance,
            step: inquiry.step,
            basis: self.basis,
            source,
            tier: self.tier.clone(),
            skill: self.skill.clone(),
            arguments: self.arguments.clone(),
            confidence: self.confidence,
            reason: self.reason.clone(),
        }
    }
}
