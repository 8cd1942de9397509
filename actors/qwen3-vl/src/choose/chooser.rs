//! The tokens of one answer: reasoning first, where the model reasons, then the answer, within a schema where there is one,
//! and never more tokens than allowed.

use super::grammar::Grammar;
use super::sampling::{Heard, likeliest, normaliser};
use super::{Choose, ChooseError, Chosen, Random, Sampling};
use std::collections::VecDeque;

/// Chooses the tokens of one answer.
pub struct Chooser {
    sampling: Sampling,
    random: Random,
    limits: Limits,
    reasoning: Option<Reasoning>,
    /// Tokens between reasoning and answer that are still to come.
    forced: VecDeque<u32>,
    stage: Stage,
    heard: Heard,
    chosen: usize,
    alternatives: usize,
    likeliest: Vec<(u32, f32)>,
}

/// How long an answer may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Tokens that end it.
    pub ends: Vec<u32>,
    /// Tokens that it may have, reasoning and the token that ends it included.
    pub tokens_max: usize,
    /// How the model reasons, if it does.
    pub reasoning: Option<Reasoning>,
}

/// How a model reasons before it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reasoning {
    /// The token that ends the reasoning.
    pub end: u32,
    /// Tokens between the reasoning and the answer.
    pub after: Vec<u32>,
    /// Tokens that the reasoning may have; then it is ended.
    pub tokens_max: usize,
}

enum Stage {
    /// Tokens are as they come.
    Free,
    /// Tokens keep to a grammar.
    Within(Box<Grammar>),
    /// The answer is brought to its end.
    Closing(VecDeque<u32>),
}

/// How many tokens are tried before the shortest way to the end is taken.
const TRIES_MAX: usize = 4;

impl Chooser {
    /// Chooses freely, after this prompt.
    pub fn new(sampling: Sampling, random: Random, mut limits: Limits, prompt: &[u32]) -> Self {
        let reasoning = limits.reasoning.take();
        let mut heard = Heard::default();
        heard.prompt(prompt);
        Self {
            sampling,
            random,
            limits,
            reasoning,
            forced: VecDeque::new(),
            stage: Stage::Free,
            heard,
            chosen: 0,
            alternatives: 0,
            likeliest: Vec::new(),
        }
    }

    /// The answer keeps to a grammar; the reasoning does not.
    ///
    /// # Errors
    /// [`ChooseError::Short`] where no answer fits into the tokens that are allowed.
    pub fn within(self, grammar: Grammar) -> Result<Self, ChooseError> {
        let around = self.reasoning.as_ref().map_or(0, |reasoning| 1 + reasoning.after.len());
        let (needed, allowed) = (grammar.closing().len() + around, self.limits.tokens_max);
        if needed > allowed {
            return Err(ChooseError::Short { needed, allowed });
        }
        Ok(Self { stage: Stage::Within(Box::new(grammar)), ..self })
    }

    /// Keeps the `count` likeliest tokens of each choice.
    #[must_use]
    pub fn alternatives(self, count: usize) -> Self {
        Self { alternatives: count, ..self }
    }

    /// The likeliest tokens of the last choice by the logits as they came, with their log probabilities.
    pub fn likeliest(&self) -> &[(u32, f32)] {
        &self.likeliest
    }

    /// The token, and whether the answer is over with it.
    fn next(&mut self, logits: &[f32], left: usize) -> (u32, bool) {
        if left == 0 {
            return (self.end(), true);
        }
        if let Some(token) = self.forced.pop_front() {
            return (token, false);
        }
        if let Some(reasoning) = self.reasoning.take() {
            return (self.reason(reasoning, logits, left), false);
        }
        match std::mem::replace(&mut self.stage, Stage::Free) {
            Stage::Free => {
                let drawn = self.sampling.draw(logits, &self.heard, |_| true, &mut self.random);
                let token = drawn.unwrap_or_else(|| self.end());
                (token, self.limits.ends.contains(&token))
            }
            Stage::Within(grammar) => self.keep_within(*grammar, logits, left),
            Stage::Closing(closing) => self.close(closing),
        }
    }

    /// Reasoning ends in time for what comes after it.
    fn reason(&mut self, reasoning: Reasoning, logits: &[f32], left: usize) -> u32 {
        let answer = match &self.stage {
            Stage::Within(grammar) => grammar.closing().len(),
            Stage::Free | Stage::Closing(_) => 1,
        };
        let is_ended = self.chosen >= reasoning.tokens_max || left <= 1 + reasoning.after.len() + answer;
        let token = match is_ended {
            true => reasoning.end,
            false => {
                let may = |token: u32| !self.limits.ends.contains(&token);
                self.sampling.draw(logits, &self.heard, may, &mut self.random).unwrap_or(reasoning.end)
            }
        };
        match token == reasoning.end {
            true => self.forced.extend(reasoning.after),
            false => self.reasoning = Some(reasoning),
        }
        token
    }

    /// A token that the grammar allows and after which what makes the answer whole still fits.
    fn keep_within(&mut self, mut grammar: Grammar, logits: &[f32], left: usize) -> (u32, bool) {
        let mut refused = Vec::new();
        if let Some(allowed) = grammar.may() {
            for _ in 0..TRIES_MAX {
                let may = |token: u32| allowed.has(token) && !refused.contains(&token);
                let Some(token) = self.sampling.draw(logits, &self.heard, may, &mut self.random) else { break };
                if self.limits.ends.contains(&token) {
                    return (token, true);
                }
                match grammar.after(token).filter(|next| next.closing().len() < left) {
                    Some(next) => return self.step(token, next),
                    None => refused.push(token),
                }
            }
        }
        let mut closing = VecDeque::from(grammar.closing().to_vec());
        let next = closing.front().and_then(|token| grammar.after(*token));
        match (closing.pop_front(), next.filter(|next| next.closing().len() <= closing.len())) {
            (Some(token), Some(next)) => self.step(token, next),
            (Some(token), None) => {
                closing.push_front(token);
                self.close(closing)
            }
            (None, _) => (self.end(), true),
        }
    }

    fn step(&mut self, token: u32, next: Grammar) -> (u32, bool) {
        let is_over = next.is_over();
        self.stage = Stage::Within(Box::new(next));
        (token, is_over)
    }

    fn close(&mut self, mut closing: VecDeque<u32>) -> (u32, bool) {
        let token = closing.pop_front().unwrap_or_else(|| self.end());
        let is_over = closing.is_empty();
        self.stage = Stage::Closing(closing);
        (token, is_over)
    }

    fn end(&self) -> u32 {
        self.limits.ends.first().copied().unwrap_or_default()
    }
}

impl Choose for Chooser {
    fn choose(&mut self, logits: &mut [f32]) -> Chosen {
        self.likeliest = likeliest(logits, self.alternatives);
        let left = self.limits.tokens_max.saturating_sub(self.chosen);
        let (token, is_over) = self.next(logits, left);
        self.chosen += 1;
        self.heard.answer(token);
        let logprob = logits.get(token as usize).map_or(f32::NEG_INFINITY, |logit| logit - normaliser(logits));
        Chosen {
            token,
            logprob: if logprob.is_nan() { f32::NEG_INFINITY } else { logprob },
            is_last: is_over || left <= 1,
        }
    }
}
