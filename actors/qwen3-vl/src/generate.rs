//! Answers to a batch of different questions at once.
//!
//! Rows are padded on the left and leave the batch when they are finished; what stands in one row never reaches another. What a
//! prompt has in common with an earlier one, from its first token on, is not computed again. Absent: waiting for more rows, and
//! rows that join a batch that is under way; both are the caller's.

mod prefixes;

use crate::cache::{Cache, KeysValues};
use crate::choose::{Choose, Chosen};
use crate::error::{Error, RowError};
use crate::network::Network;
use crate::prefill::Prefill;
use crate::prompt::Prompt;
use crate::row::Row;
use crate::text::Columns;
use candle_core::{Result as Computed, Tensor};
use std::time::Instant;

use prefixes::Prefixes;

/// A network, and what it remembers of earlier prompts.
#[derive(Debug)]
pub struct Generator {
    network: Network,
    prefixes: Prefixes,
}

/// What became of a batch.
#[derive(Debug)]
pub struct Answers {
    /// For each row its answer, or why there is none.
    pub rows: Vec<Result<Continuation, RowError>>,
    /// How long everything took.
    pub timing: Timing,
}

/// What follows a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Continuation {
    /// The tokens that were chosen, the last one included.
    pub tokens: Vec<u32>,
    /// For each token what its chooser said of its probability, as a natural logarithm.
    pub logprobs: Vec<f32>,
    /// Why there are no more.
    pub end: End,
    /// For how many tokens of the prompt keys and values were taken over from an earlier prompt.
    pub tokens_cached: usize,
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The last token was chosen as such.
    Chosen,
    /// It is as long as it may be, or the context is full.
    Full,
    /// The caller said that it is over.
    Stopped,
}

/// How long the parts of a batch took, each over all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Looking at pictures, in microseconds.
    pub vision_us: u64,
    /// Reading the prompts, in microseconds.
    pub prefill_us: u64,
    /// Choosing tokens and computing what follows them, in microseconds.
    pub decode_us: u64,
    /// Steps that computed one token of each row that was left.
    pub steps: u64,
}

impl Generator {
    /// A generator that keeps keys and values of at most `kept_tokens_max` tokens of earlier prompts. A token takes
    /// [`Network::token_bytes`].
    pub fn new(network: Network, kept_tokens_max: usize) -> Self {
        Self { network, prefixes: Prefixes::new(kept_tokens_max) }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Changes how many tokens of earlier prompts are kept, and forgets all of them. Returns how many it was before.
    pub fn keep(&mut self, kept_tokens_max: usize) -> usize {
        std::mem::replace(&mut self.prefixes, Prefixes::new(kept_tokens_max)).tokens_max()
    }

    /// Forgets all earlier prompts.
    pub fn forget(&mut self) {
        self.prefixes.clear();
    }

    /// Answers rows, each as if it were alone; `choosers` has one for each of them. `is_over` is asked before each picture, each
    /// part of the prompts and each token; once it is true, answers are handed over as far as they got.
    ///
    /// # Errors
    /// Where arithmetic fails or there are not as many choosers as rows. A row that cannot be answered has its own error.
    pub fn generate(
        &mut self,
        rows: &[Row],
        choosers: &mut [&mut dyn Choose],
        is_over: &dyn Fn() -> bool,
    ) -> Result<Answers, Error> {
        if rows.len() != choosers.len() {
            return Err(Error::Choosers { rows: rows.len(), choosers: choosers.len() });
        }
        let (mut prompts, mut live, mut answers) = (Vec::new(), Vec::new(), Vec::with_capacity(rows.len()));
        for ((row, chooser), index) in rows.iter().zip(choosers).zip(0..) {
            answers.push(Prompt::new(row, self.network.config()).map(|prompt| {
                let tokens_max = row.max_new_tokens.min(self.network.config().text.context - row.tokens.len());
                live.push(Live::new(index, tokens_max, &prompt, &mut **chooser));
                prompts.push(prompt);
                Continuation::unfinished()
            }));
        }
        let mut timing = Timing::default();
        if !prompts.is_empty() {
            self.answer(prompts, live, &mut answers, &mut timing, is_over)?;
        }
        Ok(Answers { rows: answers, timing })
    }

    fn answer(
        &mut self,
        prompts: Vec<Prompt>,
        mut live: Vec<Live>,
        answers: &mut [Result<Continuation, RowError>],
        timing: &mut Timing,
        is_over: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        let begun = Instant::now();
        // The last token is always computed: its hidden state says what comes next.
        let kept: Vec<Option<(usize, &[KeysValues])>> =
            prompts.iter().map(|prompt| self.prefixes.longest(&prompt.keys)).collect();
        let known = |(prompt, kept): (&Prompt, &Option<(usize, _)>)| {
            kept.map_or(0, |(count, _): (usize, &[KeysValues])| count.min(prompt.tokens.len() - 1))
        };
        let known: Vec<usize> = prompts.iter().zip(&kept).map(known).collect();
        let mut prefill = Prefill::new(prompts, &known);
        let is_seen = self.network.look(&mut prefill, is_over)?;
        timing.vision_us = microseconds(begun);
        if !is_seen {
            return Ok(());
        }

        let begun = Instant::now();
        let longest = live.iter().map(|row| row.tokens_max).max().unwrap_or(0);
        let mut cache = self.network.text.cache(live.len(), prefill.slots() + longest.min(ROOM_AHEAD))?;
        let layers: Vec<_> = kept.iter().map(|kept| kept.map(|(_, layers)| layers)).collect();
        prefill.seed(&mut cache, &layers)?;
        for (row, live) in live.iter().enumerate() {
            if let Ok(answer) = &mut answers[live.index] {
                answer.tokens_cached = prefill.cached(row);
            }
        }
        let last = self.read(&prefill, &mut cache, is_over)?;
        if last.is_some() {
            self.remember(&prefill, &cache)?;
        }
        timing.prefill_us = microseconds(begun);

        let begun = Instant::now();
        if let Some(last) = last {
            let mut starts = prefill.starts().to_vec();
            let mut logits = self.network.text.logits(&last)?;
            while choose(&mut live, answers, &logits)? && !is_over() {
                leave(&mut live, &mut starts, &mut cache)?;
                let columns = next(&mut live, &starts);
                let hidden = self.network.text.forward(&columns, &mut cache)?;
                logits = self.network.text.logits(&hidden.squeeze(1)?)?;
                timing.steps += 1;
            }
        }
        timing.decode_us = microseconds(begun);
        Ok(())
    }

    /// The last hidden state of each row, `[rows, hidden]`; none if it was over before.
    fn read(&self, prefill: &Prefill, cache: &mut Cache, is_over: &dyn Fn() -> bool) -> Computed<Option<Tensor>> {
        let mut last = None;
        for step in prefill.steps() {
            if is_over() {
                return Ok(None);
            }
            let hidden = self.network.text.forward(&prefill.columns(&step)?, cache)?;
            last = Some(hidden.narrow(1, step.len() - 1, 1)?.squeeze(1)?);
        }
        Ok(last)
    }

    fn remember(&mut self, prefill: &Prefill, cache: &Cache) -> Computed<()> {
        for (row, (prompt, start)) in prefill.prompts().iter().zip(prefill.starts()).enumerate() {
            let count = self.prefixes.wanted(&prompt.keys);
            if count > 0 {
                self.prefixes.keep(&prompt.keys[..count], cache.cut(row, *start, count)?);
            }
        }
        Ok(())
    }
}

impl Continuation {
    fn unfinished() -> Self {
        Self { tokens: Vec::new(), logprobs: Vec::new(), end: End::Stopped, tokens_cached: 0 }
    }
}

/// Slots of an answer that a cache has room for from the start. Longer answers make it grow.
const ROOM_AHEAD: usize = 256;

/// A row that is not finished.
struct Live<'a> {
    /// Which of the rows that were asked for.
    index: usize,
    tokens_max: usize,
    /// Where the next token stands.
    place: u32,
    /// The token that was chosen last.
    token: u32,
    is_finished: bool,
    chooser: &'a mut dyn Choose,
}

impl<'a> Live<'a> {
    fn new(index: usize, tokens_max: usize, prompt: &Prompt, chooser: &'a mut dyn Choose) -> Self {
        Self { index, tokens_max, place: prompt.positions.next, token: 0, is_finished: false, chooser }
    }

    /// Adds one token to the answer, if there is room for it.
    fn choose(&mut self, answer: &mut Continuation, logits: &mut [f32]) -> Result<(), RowError> {
        if answer.tokens.len() < self.tokens_max {
            let vocabulary = logits.len();
            let Chosen { token, logprob, is_last } = self.chooser.choose(logits);
            if token as usize >= vocabulary {
                return Err(RowError::UnknownChoice { token, vocabulary });
            }
            self.token = token;
            answer.tokens.push(token);
            answer.logprobs.push(logprob);
            if is_last {
                answer.end = End::Chosen;
                self.is_finished = true;
                return Ok(());
            }
        }
        if answer.tokens.len() >= self.tokens_max {
            answer.end = End::Full;
            self.is_finished = true;
        }
        Ok(())
    }
}

/// Has each row choose. Returns whether a row is left that wants more.
fn choose(live: &mut [Live], answers: &mut [Result<Continuation, RowError>], logits: &Tensor) -> Computed<bool> {
    let vocabulary = logits.dim(1)?;
    let mut logits = logits.flatten_all()?.to_vec1::<f32>()?;
    for (row, logits) in live.iter_mut().zip(logits.chunks_exact_mut(vocabulary)) {
        if let Ok(answer) = &mut answers[row.index]
            && let Err(error) = row.choose(answer, logits)
        {
            row.is_finished = true;
            answers[row.index] = Err(error);
        }
    }
    Ok(live.iter().any(|row| !row.is_finished))
}

/// Takes finished rows out of the batch, and with them the slots that only they filled.
fn leave(live: &mut Vec<Live>, starts: &mut Vec<usize>, cache: &mut Cache) -> Computed<()> {
    if live.iter().all(|row| !row.is_finished) {
        return Ok(());
    }
    let stay: Vec<usize> = (0..live.len()).filter(|row| !live[*row].is_finished).collect();
    let first = stay.iter().map(|row| starts[*row]).min().unwrap_or(0);
    cache.select(&stay, first)?;
    *starts = stay.iter().map(|row| starts[*row] - first).collect();
    live.retain(|row| !row.is_finished);
    Ok(())
}

/// The column of the tokens that were chosen last.
fn next<'a>(live: &mut [Live], starts: &'a [usize]) -> Columns<'a> {
    let tokens = live.iter().map(|row| row.token).collect();
    let places = live.iter().map(|row| [row.place; 3]).collect();
    live.iter_mut().for_each(|row| row.place += 1);
    Columns { tokens, places, starts, visual: None }
}

fn microseconds(since: Instant) -> u64 {
    since.elapsed().as_micros().try_into().unwrap_or(u64::MAX)
}
