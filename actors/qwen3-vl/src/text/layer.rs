//! One layer of the decoder: attention over everything before, then a gated feed-forward network.

use crate::cache::{Cache, KeysValues};
use crate::config::TextConfig;
use crate::linear::Linear;
use crate::norm::RmsNorm;
use candle_core::{DType, Result, Tensor};
use candle_nn::{VarBuilder, ops, rotary_emb};

/// What all layers need to know of a step: computed once.
#[derive(Debug)]
pub(super) struct Step {
    /// `[rows, columns, half a head]`.
    pub(super) cosines: Tensor,
    /// As the cosines.
    pub(super) sines: Tensor,
    /// `[rows, 1, columns, slots]`; none where every query sees every slot.
    pub(super) mask: Option<Tensor>,
}

#[derive(Debug)]
pub(super) struct Layer {
    index: usize,
    heads: usize,
    key_heads: usize,
    head: usize,
    attention_norm: RmsNorm,
    queries: Linear,
    keys: Linear,
    values: Linear,
    query_norm: RmsNorm,
    key_norm: RmsNorm,
    projection: Linear,
    feed_norm: RmsNorm,
    gate: Linear,
    inner: Linear,
    outer: Linear,
}

impl Layer {
    pub(super) fn load(vb: &VarBuilder, config: &TextConfig, index: usize) -> Result<Self> {
        let TextConfig { hidden, inner, heads, key_heads, head, norm_epsilon: epsilon, .. } = *config;
        let linear =
            |name: &str, from: usize, to: usize, has_bias: bool| Linear::load(&vb.pp(name), from, to, has_bias);
        let has_bias = config.has_attention_bias;
        Ok(Self {
            index,
            heads,
            key_heads,
            head,
            attention_norm: RmsNorm::load(&vb.pp("input_layernorm"), hidden, epsilon)?,
            queries: linear("self_attn.q_proj", hidden, heads * head, has_bias)?,
            keys: linear("self_attn.k_proj", hidden, key_heads * head, has_bias)?,
            values: linear("self_attn.v_proj", hidden, key_heads * head, has_bias)?,
            query_norm: RmsNorm::load(&vb.pp("self_attn.q_norm"), head, epsilon)?,
            key_norm: RmsNorm::load(&vb.pp("self_attn.k_norm"), head, epsilon)?,
            projection: linear("self_attn.o_proj", heads * head, hidden, has_bias)?,
            feed_norm: RmsNorm::load(&vb.pp("post_attention_layernorm"), hidden, epsilon)?,
            gate: linear("mlp.gate_proj", hidden, inner, false)?,
            inner: linear("mlp.up_proj", hidden, inner, false)?,
            outer: linear("mlp.down_proj", inner, hidden, false)?,
        })
    }

    /// From `[rows, columns, hidden]` to the same; keys and values of the new columns go into the cache.
    pub(super) fn forward(&self, hidden: &Tensor, step: &Step, cache: &mut Cache) -> Result<Tensor> {
        let hidden = (hidden + self.attend(&self.attention_norm.forward(hidden)?, step, cache)?)?;
        let normed = self.feed_norm.forward(&hidden)?;
        let gated = (self.gate.forward(&normed)?.silu()? * self.inner.forward(&normed)?)?;
        hidden + self.outer.forward(&gated)?
    }

    fn attend(&self, normed: &Tensor, step: &Step, cache: &mut Cache) -> Result<Tensor> {
        let (rows, columns, _) = normed.dims3()?;
        let by_head = |x: Tensor, heads: usize| x.reshape((rows, columns, heads, self.head));
        let queries = self.query_norm.forward(&by_head(self.queries.forward(normed)?, self.heads)?)?;
        let keys = self.key_norm.forward(&by_head(self.keys.forward(normed)?, self.key_heads)?)?;
        let values = by_head(self.values.forward(normed)?, self.key_heads)?.transpose(1, 2)?;
        let new = KeysValues { keys: turn(&keys, step)?, values };
        let KeysValues { keys, values } = cache.append(self.index, &new)?;
        let slots = keys.dim(2)?;

        // The heads that share a key head are lines of one matrix, so that keys and values are multiplied where they lie.
        let shared = (rows, self.key_heads, self.heads / self.key_heads * columns, self.head);
        let queries = (turn(&queries, step)? * (self.head as f64).sqrt().recip())?.reshape(shared)?;
        let scores = queries.matmul(&keys.t()?)?.to_dtype(DType::F32)?;
        let scores = match &step.mask {
            Some(mask) => scores.reshape((rows, self.heads, columns, slots))?.broadcast_add(mask)?,
            None => scores,
        };
        let weights = ops::softmax_last_dim(&scores)?.to_dtype(values.dtype())?;
        let seen = weights.reshape((rows, self.key_heads, (), slots))?.matmul(&values)?;
        let seen = seen.reshape((rows, self.heads, columns, self.head))?.transpose(1, 2)?;
        self.projection.forward(&seen.reshape((rows, columns, self.heads * self.head))?)
    }
}

/// From `[rows, columns, heads, head]` to `[rows, heads, columns, head]`, turned by the angles of each column.
fn turn(x: &Tensor, step: &Step) -> Result<Tensor> {
    let wide = x.transpose(1, 2)?.to_dtype(DType::F32)?.contiguous()?;
    rotary_emb::rope(&wide, &step.cosines, &step.sines)?.to_dtype(x.dtype())
}
