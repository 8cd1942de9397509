//! The decoder: from tokens and pictures to hidden states, and from those to logits.

mod layer;

use crate::cache::{Cache, CacheShape};
use crate::config::Config;
use crate::linear::{self, Linear};
use crate::mask::mask;
use crate::norm::RmsNorm;
use crate::positions::Rotary;
use crate::vision::Sight;
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Init, VarBuilder};

use layer::{Layer, Step};

/// The next columns of a batch, as many for each row.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    /// Row after row, the tokens of these columns.
    pub(crate) tokens: Vec<u32>,
    /// The place of each token in time, height and width.
    pub(crate) places: Vec<[u32; 3]>,
    /// For each row the slot where it begins; padding is before it.
    pub(crate) starts: &'a [usize],
    /// The visual tokens among these.
    pub(crate) visual: Option<Visual>,
}

/// Visual tokens among the tokens of a step.
#[derive(Debug)]
pub(crate) struct Visual {
    /// For each of them its index among the tokens of the step, ascending.
    pub(crate) indexes: Vec<u32>,
    /// What they look like, in the same order.
    pub(crate) sight: Sight,
}

#[derive(Debug)]
pub(crate) struct Text {
    device: Device,
    arithmetic: DType,
    cache: CacheShape,
    rotary: Rotary,
    embeddings: Tensor,
    layers: Vec<Layer>,
    norm: RmsNorm,
    head: Linear,
}

impl Text {
    /// Loads the tensors of the decoder, and of the head, which is beside it.
    pub(crate) fn load(vb: &VarBuilder, head: &VarBuilder, config: &Config) -> Result<Self> {
        let text = &config.text;
        let shape = (text.vocabulary, text.hidden);
        let embeddings =
            vb.pp("embed_tokens").get_with_hints(shape, "weight", Init::Randn { mean: 0.0, stdev: 1.0 })?;
        let head = if config.is_tied {
            Linear::of(embeddings.clone(), None)
        } else {
            Linear::load(head, text.hidden, text.vocabulary, false)?
        };
        let layers = vb.pp("layers");
        let arithmetic = linear::arithmetic(vb.dtype(), vb.device());
        Ok(Self {
            device: vb.device().clone(),
            arithmetic,
            cache: CacheShape {
                layers: text.layers,
                key_heads: text.key_heads,
                head: text.head,
                slots_max: text.context,
                dtype: arithmetic,
                device: vb.device().clone(),
            },
            rotary: Rotary::new(text),
            embeddings,
            layers: (0..text.layers).map(|index| Layer::load(&layers.pp(index), text, index)).collect::<Result<_>>()?,
            norm: RmsNorm::load(&vb.pp("norm"), text.hidden, text.norm_epsilon)?,
            head,
        })
    }

    pub(crate) fn is_on_cpu(&self) -> bool {
        self.device.is_cpu()
    }

    /// An empty cache for a batch.
    pub(crate) fn cache(&self, rows: usize, slots: usize) -> Result<Cache> {
        Cache::new(self.cache.clone(), rows, slots)
    }

    /// Bytes that the keys and values of one token take.
    pub(crate) fn token_bytes(&self) -> usize {
        2 * self.cache.layers * self.cache.key_heads * self.cache.head * self.cache.dtype.size_in_bytes()
    }

    /// Hidden states after the last norm, `[rows, columns, hidden]`; the columns' slots are filled.
    pub(crate) fn forward(&self, columns: &Columns, cache: &mut Cache) -> Result<Tensor> {
        let rows = columns.starts.len();
        let count = columns.tokens.len() / rows;
        let mut hidden = self.embed(columns)?.reshape((rows, count, ()))?;
        let step = self.step(columns, cache.slots(), count)?;
        for (index, layer) in self.layers.iter().enumerate() {
            hidden = layer.forward(&hidden, &step, cache)?;
            if let Some(visual) = &columns.visual
                && let Some(more) = visual.sight.deepstack.get(index)
            {
                hidden = add(&hidden, &visual.indexes, more)?;
            }
        }
        cache.advance(count);
        self.norm.forward(&hidden)
    }

    /// Logits of `[rows, hidden]`: `[rows, vocabulary]` in single precision.
    pub(crate) fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        self.head.forward(hidden)?.to_dtype(DType::F32)
    }

    fn step(&self, columns: &Columns, from: usize, count: usize) -> Result<Step> {
        let (cosines, sines) = self.rotary.tables(columns.places.iter().copied());
        let rows = columns.starts.len();
        let table = |values: Vec<f32>| Tensor::from_vec(values, (rows * count, self.cache.head / 2), &self.device);
        let by_row = |table: Tensor| table.reshape((rows, count, ()));
        Ok(Step {
            cosines: by_row(table(cosines)?)?,
            sines: by_row(table(sines)?)?,
            mask: mask(columns.starts, from, from + count, &self.device)?,
        })
    }

    /// `[tokens, hidden]`: the embedding of each token, or what is seen in its place.
    fn embed(&self, columns: &Columns) -> Result<Tensor> {
        let tokens = Tensor::new(columns.tokens.as_slice(), &self.device)?;
        let embedded = self.embeddings.index_select(&tokens, 0)?.to_dtype(self.arithmetic)?;
        let Some(visual) = &columns.visual else { return Ok(embedded) };
        let mut sources: Vec<u32> = (0..columns.tokens.len() as u32).collect();
        for (source, index) in (columns.tokens.len() as u32..).zip(&visual.indexes) {
            sources[*index as usize] = source;
        }
        let both = Tensor::cat(&[&embedded, &visual.sight.tokens], 0)?;
        both.index_select(&Tensor::new(sources, &self.device)?, 0)
    }
}

/// Adds each of `more` to one of the vectors of `hidden`, `[rows, columns, hidden]`.
fn add(hidden: &Tensor, indexes: &[u32], more: &Tensor) -> Result<Tensor> {
    let indexes = Tensor::new(indexes, hidden.device())?;
    hidden.flatten(0, 1)?.index_add(&indexes, more, 0)?.reshape(hidden.shape())
}
