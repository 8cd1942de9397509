//! Which tensors a network of a given shape needs, and whether they are there.

use super::shards::{INDEX, Shards};
use super::{Dtype, FolderError, Tensor, header};
use crate::config::{Config, TextConfig, VisionConfig};
use std::collections::BTreeMap;
use std::path::Path;

/// Reads the headers and checks them against what the network needs. Tensors that nobody needs are let be.
pub(super) fn check(root: &Path, config: &Config, shards: &Shards) -> Result<BTreeMap<String, Tensor>, FolderError> {
    let Shards { files, listed } = shards;
    let headers: Vec<_> = files.iter().map(|file| header::read(file)).collect::<Result<_, _>>()?;
    let mut found = BTreeMap::new();
    for (name, expected) in required(config) {
        let shard = match listed {
            None => 0,
            Some(listed) => *listed
                .get(&name)
                .ok_or_else(|| FolderError::NoTensor { path: root.join(INDEX), name: name.clone() })?,
        };
        let path = files[shard].clone();
        let Some(entry) = headers[shard].get(&name) else { return Err(FolderError::NoTensor { path, name }) };
        if entry.shape != expected {
            return Err(FolderError::TensorShape { path, name, found: entry.shape.clone(), expected });
        }
        if let Dtype::Other(_) = entry.dtype {
            return Err(FolderError::TensorDtype { path, name, found: entry.dtype });
        }
        let (start, bytes) = (entry.start, entry.end - entry.start);
        found.insert(name, Tensor { shard, dtype: entry.dtype, shape: expected, start, bytes });
    }
    Ok(found)
}

/// Names and shapes of all tensors of the network, as Hugging Face calls them.
pub(super) fn required(config: &Config) -> Vec<(String, Vec<usize>)> {
    let mut list = List::default();
    if let Some(vision) = &config.vision {
        self::vision(vision, &mut list);
    }
    text(&config.text, &mut list);
    if !config.is_tied {
        list.weight("lm_head", vec![config.text.vocabulary, config.text.hidden]);
    }
    list.0
}

fn vision(vision: &VisionConfig, list: &mut List) {
    let (wide, merged) = (vision.hidden, vision.hidden * vision.merge * vision.merge);
    let tower = "model.visual";
    let patch = vec![wide, vision.channels, vision.frames, vision.patch, vision.patch];
    list.weight(&format!("{tower}.patch_embed.proj"), patch);
    list.bias(&format!("{tower}.patch_embed.proj"), wide);
    list.weight(&format!("{tower}.pos_embed"), vec![vision.positions, wide]);
    for layer in 0..vision.layers {
        let block = format!("{tower}.blocks.{layer}");
        list.norm(&format!("{block}.norm1"), wide);
        list.norm(&format!("{block}.norm2"), wide);
        list.linear(&format!("{block}.attn.qkv"), 3 * wide, wide);
        list.linear(&format!("{block}.attn.proj"), wide, wide);
        list.linear(&format!("{block}.mlp.linear_fc1"), vision.inner, wide);
        list.linear(&format!("{block}.mlp.linear_fc2"), wide, vision.inner);
    }
    let deepstack = (0..vision.deepstack.len()).map(|index| (format!("{tower}.deepstack_merger_list.{index}"), merged));
    for (merger, normed) in std::iter::once((format!("{tower}.merger"), wide)).chain(deepstack) {
        list.norm(&format!("{merger}.norm"), normed);
        list.linear(&format!("{merger}.linear_fc1"), merged, merged);
        list.linear(&format!("{merger}.linear_fc2"), vision.out, merged);
    }
}

fn text(text: &TextConfig, list: &mut List) {
    let (wide, queries, keys) = (text.hidden, text.heads * text.head, text.key_heads * text.head);
    let model = "model.language_model";
    list.weight(&format!("{model}.embed_tokens"), vec![text.vocabulary, wide]);
    for layer in 0..text.layers {
        let block = format!("{model}.layers.{layer}");
        list.weight(&format!("{block}.input_layernorm"), vec![wide]);
        list.weight(&format!("{block}.post_attention_layernorm"), vec![wide]);
        list.weight(&format!("{block}.self_attn.q_proj"), vec![queries, wide]);
        list.weight(&format!("{block}.self_attn.k_proj"), vec![keys, wide]);
        list.weight(&format!("{block}.self_attn.v_proj"), vec![keys, wide]);
        list.weight(&format!("{block}.self_attn.o_proj"), vec![wide, queries]);
        if text.has_attention_bias {
            for (projection, to) in [("q_proj", queries), ("k_proj", keys), ("v_proj", keys), ("o_proj", wide)] {
                list.bias(&format!("{block}.self_attn.{projection}"), to);
            }
        }
        list.weight(&format!("{block}.self_attn.q_norm"), vec![text.head]);
        list.weight(&format!("{block}.self_attn.k_norm"), vec![text.head]);
        list.weight(&format!("{block}.mlp.gate_proj"), vec![text.inner, wide]);
        list.weight(&format!("{block}.mlp.up_proj"), vec![text.inner, wide]);
        list.weight(&format!("{block}.mlp.down_proj"), vec![wide, text.inner]);
    }
    list.weight(&format!("{model}.norm"), vec![wide]);
}

#[derive(Default)]
struct List(Vec<(String, Vec<usize>)>);

impl List {
    fn weight(&mut self, module: &str, shape: Vec<usize>) {
        self.0.push((format!("{module}.weight"), shape));
    }

    fn bias(&mut self, module: &str, size: usize) {
        self.0.push((format!("{module}.bias"), vec![size]));
    }

    fn norm(&mut self, module: &str, size: usize) {
        self.weight(module, vec![size]);
        self.bias(module, size);
    }

    fn linear(&mut self, module: &str, out: usize, into: usize) {
        self.weight(module, vec![out, into]);
        self.bias(module, out);
    }
}
