//! A model in this process, from a folder to answers: the whole of this crate behind one small interface.
//!
//! Questions of a call are answered together, each as if it were alone: one that cannot be answered, or whose deadline passes,
//! takes nothing from the others. What prompts have in common with earlier ones is not computed again. The same question is
//! answered the same, sampled or not: chance follows from the prompt. Absent: a queue, and questions that join others under
//! way; both are the caller's.

mod grammars;
mod open;
mod question;
mod shards;
mod timely;

pub use open::{Numbers, OpenError, Options};
pub(crate) use open::{check_memory, device};
pub use question::{Answer, Picture, Question, QuestionError};

use crate::chat::{Chat, Conversation, Part, Turn};
use crate::choose::{Choose, Chooser, Limits, Random, Reasoning};
use crate::generate::{Continuation, End, Generator};
use crate::picture::Preparation;
use crate::row::{PatchedPicture, Row};
use grammars::KnownGrammars;
use std::time::Instant;
use timely::Timely;

/// A model that answers.
pub struct Model {
    name: String,
    weights: u64,
    batch: usize,
    generator: Generator,
    chat: Chat,
    preparation: Preparation,
    grammars: KnownGrammars,
    ends: Vec<u32>,
    /// What models write between reasoning and answer.
    after_reasoning: Vec<u32>,
}

/// How much of an answer's tokens reasoning may take, in parts of [`REASONING_WHOLE`].
const REASONING_PARTS: usize = 3;

/// See [`REASONING_PARTS`].
const REASONING_WHOLE: usize = 4;

/// A question on its way.
struct Asked {
    row: Row,
    chooser: Timely,
}

impl Model {
    /// Checks every file, then the memory needed, then loads, then answers something tiny once. It is on the CPU; with the
    /// feature `cuda` or `metal` it is on such a device where there is one, whose memory is not checked beforehand.
    ///
    /// # Errors
    /// The first thing that is wrong, with what to do about it.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        open::open(options)
    }

    /// What the model is called: the name of its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many weights it has.
    pub fn weights(&self) -> u64 {
        self.weights
    }

    /// Tokens of a prompt and its answer together, at most.
    pub fn context(&self) -> usize {
        self.generator.network().config().text.context
    }

    /// Questions that are answered together, at most.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The network with what it remembers, to measure it.
    pub fn generator(&mut self) -> &mut Generator {
        &mut self.generator
    }

    /// The same, where nothing is to be answered afterwards.
    pub fn into_generator(self) -> Generator {
        self.generator
    }

    /// Answers each question, in their order; an error is that question's alone. More questions than the batch has room for are
    /// answered one batch after the other. A batch is over when its last answer is.
    pub fn answer(&mut self, questions: &[Question<'_>]) -> Vec<Result<Answer, QuestionError>> {
        let asked_at = Instant::now();
        questions.chunks(self.batch).flat_map(|batch| self.answer_batch(batch, asked_at)).collect()
    }

    /// Numbers in an embedding.
    pub fn dimensions(&self) -> usize {
        self.generator.network().config().text.hidden
    }

    /// What each scene, a text and what it looks like, means to the model: the mean of the last hidden states of its tokens, not
    /// scaled. An error is that scene's alone.
    pub fn embed(&mut self, scenes: &[(&str, Option<Picture<'_>>)]) -> Vec<Result<Vec<f32>, QuestionError>> {
        scenes.chunks(self.batch).flat_map(|batch| self.embed_batch(batch)).collect()
    }

    fn answer_batch(&mut self, questions: &[Question], asked_at: Instant) -> Vec<Result<Answer, QuestionError>> {
        let (mut rows, mut choosers) = (Vec::new(), Vec::new());
        let places: Vec<Result<usize, QuestionError>> = questions
            .iter()
            .map(|question| {
                let Asked { row, chooser } = self.ask(question)?;
                rows.push(row);
                choosers.push(chooser);
                Ok(rows.len() - 1)
            })
            .collect();
        let mut answers = self.generate(&rows, &mut choosers).into_iter().map(Some).collect::<Vec<_>>();
        places
            .into_iter()
            .map(|place| {
                let place = place?;
                let answer = answers[place].take().unwrap_or(Err(QuestionError::Late))?;
                self.said(answer, &rows[place], &choosers[place], asked_at)
            })
            .collect()
    }

    /// What is to be computed for a question.
    fn ask(&mut self, question: &Question) -> Result<Asked, QuestionError> {
        if Instant::now() >= question.deadline {
            return Err(QuestionError::Late);
        }
        let (tokens, pictures) = self.prompt(question.system, question.user, question.picture, question.repair)?;
        let allowed = question.answer_tokens.min(self.context() - tokens.len());
        let limits = Limits { ends: self.ends.clone(), tokens_max: allowed, reasoning: self.reasoning(allowed) };
        let random = Random::new(seed(&tokens));
        let mut chooser = Chooser::new(question.sampling.clone(), random, limits, &tokens);
        if let Some(schema) = question.schema {
            chooser = chooser.within(self.grammars.of(schema)?)?;
        }
        let end = self.ends.first().copied().unwrap_or_default();
        Ok(Asked {
            chooser: Timely::new(chooser, question.deadline, end),
            row: Row { tokens, pictures, max_new_tokens: allowed },
        })
    }

    /// The tokens of a prompt that leaves room for an answer, and its picture.
    fn prompt(
        &self,
        system: &str,
        user: &str,
        picture: Option<Picture>,
        repair: Option<(&str, &str)>,
    ) -> Result<(Vec<u32>, Vec<PatchedPicture>), QuestionError> {
        let mut parts = vec![Part::Text(user)];
        if let Some(picture) = picture {
            parts.push(Part::Picture(self.preparation.tokens(picture.width, picture.height)?));
        }
        let mut turns = vec![Turn::User(parts)];
        if let Some((answer, complaint)) = repair {
            turns.extend([Turn::Model(answer), Turn::User(vec![Part::Text(complaint)])]);
        }
        let tokens = self.chat.prompt(&Conversation { system, turns, prefix: "" })?;
        if tokens.len() >= self.context() {
            return Err(QuestionError::TooLong { tokens: tokens.len(), context: self.context() });
        }
        let prepare = |picture: Picture| self.preparation.prepare(picture.rgb, picture.width, picture.height);
        Ok((tokens, picture.map(prepare).transpose()?.into_iter().collect()))
    }

    fn reasoning(&self, allowed: usize) -> Option<Reasoning> {
        let end = self.chat.reasoning_end()?;
        let tokens_max = allowed.saturating_mul(REASONING_PARTS) / REASONING_WHOLE;
        Some(Reasoning { end, after: self.after_reasoning.clone(), tokens_max })
    }

    fn generate(&mut self, rows: &[Row], choosers: &mut [Timely]) -> Vec<Result<Continuation, QuestionError>> {
        let Some(latest) = choosers.iter().map(Timely::deadline).max() else { return Vec::new() };
        let mut chosen: Vec<&mut dyn Choose> = choosers.iter_mut().map(|chooser| chooser as &mut dyn Choose).collect();
        match self.generator.generate(rows, &mut chosen, &|| Instant::now() >= latest) {
            Ok(answers) => answers.rows.into_iter().map(|row| row.map_err(QuestionError::from)).collect(),
            Err(error) => rows.iter().map(|_| Err(QuestionError::computation(&error))).collect(),
        }
    }

    fn said(
        &self,
        answer: Continuation,
        row: &Row,
        chooser: &Timely,
        asked_at: Instant,
    ) -> Result<Answer, QuestionError> {
        if chooser.is_late() || answer.end == End::Stopped {
            return Err(QuestionError::Late);
        }
        let said = self.chat.split(&answer.tokens);
        let first_at = chooser.first_at().unwrap_or(asked_at);
        let waited = first_at.duration_since(asked_at).as_micros();
        Ok(Answer {
            text: said.answer,
            reasoning: said.reasoning,
            tokens_in: row.tokens.len(),
            tokens_cached: answer.tokens_cached,
            tokens_out: answer.tokens.len(),
            confidence: confidence(&answer.logprobs[said.tokens_before.min(answer.logprobs.len())..]),
            waited_for_first_us: waited.try_into().unwrap_or(u64::MAX),
        })
    }

    fn embed_batch(&self, scenes: &[(&str, Option<Picture>)]) -> Vec<Result<Vec<f32>, QuestionError>> {
        let mut rows = Vec::new();
        let places: Vec<Result<usize, QuestionError>> = scenes
            .iter()
            .map(|(text, picture)| {
                let (tokens, pictures) = self.prompt("", text, *picture, None)?;
                rows.push(Row { tokens, pictures, max_new_tokens: 0 });
                Ok(rows.len() - 1)
            })
            .collect();
        let mut embedded = match self.generator.network().embed(&rows) {
            Ok(embedded) => embedded.into_iter().map(|row| row.map_err(QuestionError::from)).collect(),
            Err(error) => vec![Err(QuestionError::computation(&error)); rows.len()],
        };
        let mut take = |place: usize| std::mem::replace(&mut embedded[place], Ok(Vec::new()));
        places.into_iter().map(|place| finite(take(place?)?)).collect()
    }
}

/// The geometric mean of probabilities whose logarithms these are; nothing where there are none.
fn confidence(logprobs: &[f32]) -> f32 {
    let sum: f64 = logprobs.iter().map(|logprob| f64::from(*logprob)).sum();
    if logprobs.is_empty() { 0.0 } else { (sum / logprobs.len() as f64).exp() as f32 }
}

fn finite(vector: Vec<f32>) -> Result<Vec<f32>, QuestionError> {
    match vector.iter().all(|value| value.is_finite()) {
        true => Ok(vector),
        false => Err(QuestionError::Computation("an embedding is not finite".to_string())),
    }
}

/// The chance of a prompt (FNV-1a over its tokens).
fn seed(tokens: &[u32]) -> u64 {
    tokens
        .iter()
        .flat_map(|token| token.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_the_geometric_mean_of_probabilities() {
        assert_eq!(confidence(&[]), 0.0);
        assert!((confidence(&[0.9_f32.ln(), 0.4_f32.ln()]) - 0.6).abs() < 1e-6);
        assert_eq!(confidence(&[f32::NEG_INFINITY, 0.0]), 0.0);
    }

    #[test]
    fn a_model_may_live_on_a_thread_of_its_own() {
        fn is_send<T: Send>() {}
        is_send::<Model>();
    }
}
