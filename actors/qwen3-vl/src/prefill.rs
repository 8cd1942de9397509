//! A batch of different prompts on its way through the decoder: padded on the left, so that all of them end in the same slot,
//! and cut into steps of a bounded number of columns.

use crate::cache::{Cache, KeysValues};
use crate::prompt::Prompt;
use crate::text::{Columns, Visual};
use crate::vision::{Sight, Vision};
use candle_core::{Result as Computed, Tensor};
use std::ops::Range;

/// Columns of one step: bounds the memory for scores and hidden states.
pub(crate) const COLUMNS_MAX: usize = 512;

/// Prompts, and what of them is to be computed.
#[derive(Debug)]
pub(crate) struct Prefill<'a> {
    prompts: Vec<Prompt<'a>>,
    starts: Vec<usize>,
    slots: usize,
    from: usize,
    sights: Vec<Vec<Option<Sight>>>,
}

impl<'a> Prefill<'a> {
    /// `known` says for how many tokens of each prompt keys and values are at hand; there is at least one token more. All rows
    /// compute as many columns, so a row may be given more of them than it needs.
    pub(crate) fn new(prompts: Vec<Prompt<'a>>, known: &[usize]) -> Self {
        let slots = prompts.iter().map(|prompt| prompt.tokens.len()).max().unwrap_or(0);
        let columns = prompts.iter().zip(known).map(|(prompt, known)| prompt.tokens.len() - known).max().unwrap_or(0);
        let starts = prompts.iter().map(|prompt| slots - prompt.tokens.len()).collect();
        let sights = prompts.iter().map(|prompt| vec![None; prompt.pictures.len()]).collect();
        Self { prompts, starts, slots, from: slots - columns, sights }
    }

    pub(crate) fn prompts(&self) -> &[Prompt<'a>] {
        &self.prompts
    }

    /// The slot where each row begins.
    pub(crate) fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Slots that are filled in the end.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    /// Of how many tokens of a row the keys and values are taken over.
    pub(crate) fn cached(&self, row: usize) -> usize {
        self.from.saturating_sub(self.starts[row])
    }

    /// Looks at the pictures that stand in computed columns. Returns whether all were seen before it was over.
    pub(crate) fn look(&mut self, vision: &Vision, is_over: &dyn Fn() -> bool) -> Computed<bool> {
        for (row, prompt) in self.prompts.iter().enumerate() {
            let cached = self.from.saturating_sub(self.starts[row]);
            for (index, (picture, span)) in prompt.pictures.iter().zip(&prompt.spans).enumerate() {
                if span.end > cached {
                    if is_over() {
                        return Ok(false);
                    }
                    self.sights[row][index] = Some(vision.look(&picture.patches, picture.grid)?);
                }
            }
        }
        Ok(true)
    }

    /// Fills the slots that are not computed with what is at hand for each row.
    pub(crate) fn seed(&self, cache: &mut Cache, kept: &[Option<&[KeysValues]>]) -> Computed<()> {
        for (row, kept) in kept.iter().enumerate() {
            let cached = self.cached(row);
            if let Some(kept) = kept
                && cached > 0
            {
                cache.paste(row, self.starts[row], kept, cached)?;
            }
        }
        cache.advance(self.from);
        Ok(())
    }

    /// The slots of each step, in order.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let slots = self.slots;
        (self.from..slots).step_by(COLUMNS_MAX).map(move |start| start..slots.min(start + COLUMNS_MAX))
    }

    /// The columns of one step.
    pub(crate) fn columns(&self, step: &Range<usize>) -> Computed<Columns<'_>> {
        let count = step.len() * self.prompts.len();
        let (mut tokens, mut places) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (prompt, start) in self.prompts.iter().zip(&self.starts) {
            for slot in step.clone() {
                let index = slot.checked_sub(*start);
                tokens.push(index.map_or(PADDING, |index| prompt.tokens[index]));
                places.push(index.map_or([0; 3], |index| prompt.positions.places[index]));
            }
        }
        Ok(Columns { tokens, places, starts: &self.starts, visual: self.visual(step)? })
    }

    fn visual(&self, step: &Range<usize>) -> Computed<Option<Visual>> {
        let (mut indexes, mut parts) = (Vec::new(), Vec::new());
        for (row, prompt) in self.prompts.iter().enumerate() {
            for (span, sight) in prompt.spans.iter().zip(&self.sights[row]) {
                let slots = span.start + self.starts[row]..span.end + self.starts[row];
                let shown = slots.start.max(step.start)..slots.end.min(step.end);
                if let Some(sight) = sight
                    && !shown.is_empty()
                {
                    let first = row * step.len() + shown.start - step.start;
                    indexes.extend((first..first + shown.len()).map(|index| index as u32));
                    parts.push((sight, shown.start - slots.start, shown.len()));
                }
            }
        }
        let Some((first, ..)) = parts.first() else { return Ok(None) };
        let join = |of: &dyn Fn(&Sight) -> Tensor| {
            let parts = parts.iter().map(|(sight, start, count)| of(sight).narrow(0, *start, *count));
            Tensor::cat(&parts.collect::<Computed<Vec<_>>>()?, 0)
        };
        let deepstack = (0..first.deepstack.len()).map(|layer| join(&|sight| sight.deepstack[layer].clone()));
        let sight =
            Sight { tokens: join(&|sight| sight.tokens.clone())?, deepstack: deepstack.collect::<Computed<_>>()? };
        Ok(Some(Visual { indexes, sight }))
    }
}

/// What stands before a row begins. Nobody sees it.
const PADDING: u32 = 0;
