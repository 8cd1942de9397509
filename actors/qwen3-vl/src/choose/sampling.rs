//! One token out of many, by their logits.

use super::Random;
use crate::files::Generation;

/// How a token is drawn. The steps come in the order of the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// What the logits of tokens in the prompt or the answer are divided by, or multiplied with where they are negative; 1
    /// changes nothing.
    pub repetition_penalty: f32,
    /// What is taken from the logits of tokens in the answer; 0 changes nothing.
    pub presence_penalty: f32,
    /// What logits are divided by; at 0 the likeliest token is taken.
    pub temperature: f32,
    /// How many of the likeliest tokens are left; 0 leaves all.
    pub top_k: usize,
    /// The likeliest tokens are left that have this much probability together.
    pub top_p: f32,
    /// How likely a token must be, as a share of the likeliest.
    pub min_p: f32,
}

impl Sampling {
    /// The likeliest token, always.
    pub fn greedy() -> Self {
        Self { repetition_penalty: 1.0, presence_penalty: 0.0, temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0 }
    }
}

impl From<&Generation> for Sampling {
    /// As the model's own folder asks.
    fn from(asked: &Generation) -> Self {
        let likeliest = Self::greedy();
        let penalties = Self {
            repetition_penalty: asked.repetition_penalty.unwrap_or(likeliest.repetition_penalty),
            presence_penalty: asked.presence_penalty.unwrap_or(likeliest.presence_penalty),
            ..likeliest
        };
        if !asked.is_sampled {
            return penalties;
        }
        Self {
            temperature: asked.temperature.unwrap_or(1.0),
            top_k: asked.top_k.unwrap_or(0),
            top_p: asked.top_p.unwrap_or(1.0),
            min_p: asked.min_p.unwrap_or(0.0),
            ..penalties
        }
    }
}

/// Which tokens were said, for penalties.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    prompt: Vec<bool>,
    answer: Vec<bool>,
}

impl Heard {
    pub(super) fn prompt(&mut self, tokens: &[u32]) {
        tokens.iter().for_each(|token| mark(&mut self.prompt, *token));
    }

    pub(super) fn answer(&mut self, token: u32) {
        mark(&mut self.answer, token);
    }
}

fn mark(marks: &mut Vec<bool>, token: u32) {
    let at = token as usize;
    if marks.len() <= at {
        marks.resize(at + 1, false);
    }
    marks[at] = true;
}

impl Sampling {
    /// Draws one of the tokens that `may` be; none where there is none.
    pub(super) fn draw(
        &self,
        logits: &[f32],
        heard: &Heard,
        may: impl Fn(u32) -> bool,
        random: &mut Random,
    ) -> Option<u32> {
        let candidates = logits.iter().zip(0_u32..).filter(|(_, token)| may(*token)).map(|(logit, token)| {
            (self.penalised(if logit.is_nan() { f32::NEG_INFINITY } else { *logit }, token, heard), token)
        });
        if self.temperature <= 0.0 {
            return candidates.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, token)| token);
        }
        self.chance(candidates.collect(), random)
    }

    fn penalised(&self, logit: f32, token: u32, heard: &Heard) -> f32 {
        let is_in = |marks: &[bool]| marks.get(token as usize).copied().unwrap_or(false);
        let is_said = is_in(&heard.answer);
        let repeated = match is_said || is_in(&heard.prompt) {
            false => logit,
            true if logit < 0.0 => logit * self.repetition_penalty,
            true => logit / self.repetition_penalty,
        };
        if is_said { repeated - self.presence_penalty } else { repeated }
    }

    fn chance(&self, mut candidates: Vec<(f32, u32)>, random: &mut Random) -> Option<u32> {
        let likelier = |one: &(f32, u32), other: &(f32, u32)| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1));
        if (1..candidates.len()).contains(&self.top_k) {
            candidates.select_nth_unstable_by(self.top_k - 1, likelier);
            candidates.truncate(self.top_k);
        }
        candidates.sort_unstable_by(likelier);
        let (best, likeliest) = *candidates.first()?;
        if best.is_infinite() {
            return Some(likeliest);
        }
        let temperature = f64::from(self.temperature);
        let mut weights: Vec<f64> =
            candidates.iter().map(|(logit, _)| ((f64::from(*logit) - f64::from(best)) / temperature).exp()).collect();
        let all: f64 = weights.iter().sum();
        let mut reached = 0.0;
        let kept = weights
            .iter()
            .take_while(|weight| {
                let is_kept = reached < f64::from(self.top_p) * all && **weight >= f64::from(self.min_p);
                reached += **weight;
                is_kept
            })
            .count();
        weights.truncate(kept.max(1));
        let mut left = random.unit() * weights.iter().sum::<f64>();
        let drawn = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        Some(candidates[drawn.unwrap_or(weights.len() - 1)].1)
    }
}

/// The logarithm of the sum of exponentials: what is taken from a logit to have its log probability.
pub(super) fn normaliser(logits: &[f32]) -> f32 {
    let best = logits.iter().copied().filter(|logit| !logit.is_nan()).fold(f32::NEG_INFINITY, f32::max);
    if best.is_infinite() {
        return best;
    }
    let sum: f64 = logits.iter().filter(|logit| !logit.is_nan()).map(|logit| f64::from(logit - best).exp()).sum();
    best + sum.ln() as f32
}

/// The `count` likeliest tokens with their log probabilities, the likeliest first.
pub(super) fn likeliest(logits: &[f32], count: usize) -> Vec<(u32, f32)> {
    if count == 0 {
        return Vec::new();
    }
    let all = normaliser(logits);
    let mut best: Vec<(u32, f32)> =
        (0_u32..).zip(logits).filter(|(_, logit)| !logit.is_nan()).map(|(token, logit)| (token, logit - all)).collect();
    let likelier = |one: &(u32, f32), other: &(u32, f32)| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0));
    if count < best.len() {
        best.select_nth_unstable_by(count, likelier);
        best.truncate(count);
    }
    best.sort_unstable_by(likelier);
    best
}
