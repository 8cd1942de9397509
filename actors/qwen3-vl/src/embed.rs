//! What a row means, as one vector: the mean over the last hidden states of its tokens.

use crate::error::{Error, RowError};
use crate::network::Network;
use crate::prefill::Prefill;
use crate::prompt::Prompt;
use crate::row::Row;
use candle_core::{DType, Result as Computed, Tensor};
use std::ops::Range;

impl Network {
    /// Embeds rows together; each as if it were alone. An embedding has as many numbers as a hidden state of the decoder, and
    /// is not normalised. `max_new_tokens` does not matter.
    ///
    /// # Errors
    /// Where arithmetic fails, for all rows. A row that cannot be used has its own error.
    pub fn embed(&self, rows: &[Row]) -> Result<Vec<Result<Vec<f32>, RowError>>, Error> {
        let (mut prompts, mut embedded) = (Vec::new(), Vec::with_capacity(rows.len()));
        for row in rows {
            embedded.push(Prompt::new(row, self.config()).map(|prompt| {
                prompts.push(prompt);
                Vec::new()
            }));
        }
        if prompts.is_empty() {
            return Ok(embedded);
        }
        let known = vec![0; prompts.len()];
        let mut prefill = Prefill::new(prompts, &known);
        self.look(&mut prefill, &|| false)?;
        let means = self.means(&prefill)?;
        for (place, mean) in embedded.iter_mut().flatten().zip(means) {
            *place = mean;
        }
        Ok(embedded)
    }

    fn means(&self, prefill: &Prefill) -> Computed<Vec<Vec<f32>>> {
        let mut cache = self.text.cache(prefill.starts().len(), prefill.slots())?;
        let mut sums: Option<Tensor> = None;
        for step in prefill.steps() {
            let hidden = self.text.forward(&prefill.columns(&step)?, &mut cache)?.to_dtype(DType::F32)?;
            let sum = shares(prefill, &step, &hidden)?.matmul(&hidden)?;
            sums = Some(match sums {
                Some(sums) => (sums + sum)?,
                None => sum,
            });
        }
        sums.map_or_else(|| Ok(Vec::new()), |sums| sums.squeeze(1)?.to_vec2())
    }
}

/// What each slot of a step counts in the mean of its row: `[rows, 1, columns]`, nothing where it is padding.
fn shares(prefill: &Prefill, step: &Range<usize>, hidden: &Tensor) -> Computed<Tensor> {
    let share = |start: &usize| {
        let (start, tokens) = (*start, (prefill.slots() - start) as f32);
        step.clone().map(move |slot| if slot < start { 0.0 } else { tokens.recip() })
    };
    let shares: Vec<f32> = prefill.starts().iter().flat_map(share).collect();
    Tensor::from_vec(shares, (prefill.starts().len(), 1, step.len()), hidden.device())
}
