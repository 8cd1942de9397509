//! A folder of a very small Qwen3-VL, written by the test, so that anything in it can be made wrong.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// How a tensor is written: dtype and shape.
pub type Written = (String, Vec<usize>);

/// A folder that goes away with this.
pub struct TestFolder(PathBuf);

impl TestFolder {
    pub fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("qwen3-vl-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// All files, the weights in one.
    pub fn whole() -> Self {
        let folder = Self::empty();
        folder.write("config.json", config().to_string());
        folder.write("tokenizer.json", tokenizer(CONTROLS).to_string());
        folder.write("chat_template.json", json!({ "chat_template": TEMPLATE }).to_string());
        folder.write(
            "generation_config.json",
            json!({ "eos_token_id": [END, TEXT_END], "do_sample": true, "top_k": 20 }).to_string(),
        );
        folder.write("preprocessor_config.json", json!({ "patch_size": 16, "merge_size": 2 }).to_string());
        folder.write("model.safetensors", safetensors(&tensors()));
        folder
    }

    /// All files, the weights in two with an index.
    pub fn sharded() -> Self {
        let folder = Self::whole();
        std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
        let mut first = tensors();
        let second = first.split_off("model.language_model.norm.weight");
        let mut map = Map::new();
        for (name, part) in
            [("model-00001-of-00002.safetensors", &first), ("model-00002-of-00002.safetensors", &second)]
        {
            folder.write(name, safetensors(part));
            map.extend(part.keys().map(|tensor| (tensor.clone(), json!(name))));
        }
        folder.write("model.safetensors.index.json", json!({ "metadata": {}, "weight_map": map }).to_string());
        folder
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), content).unwrap();
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.0.join(name)).unwrap();
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The first control token; before it are the bytes and four merges.
pub const FIRST: u32 = 260;
pub const TEXT_END: u32 = FIRST;
pub const START: u32 = FIRST + 1;
pub const END: u32 = FIRST + 2;
pub const VISION_START: u32 = FIRST + 3;
pub const VISION_END: u32 = FIRST + 4;
pub const PICTURE: u32 = FIRST + 5;
pub const THINK: u32 = FIRST + 7;
pub const THINK_END: u32 = FIRST + 8;

pub const CONTROLS: &[&str] = &[
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<think>",
    "</think>",
];

/// A chat template of the kind that Instruct models have.
pub const TEMPLATE: &str = r#"{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].content is string %}{{- messages[0].content }}{%- else %}
        {%- for part in messages[0].content %}{%- if 'text' in part %}{{- part.text }}{%- endif %}{%- endfor %}
    {%- endif %}
    {{- '<|im_end|>\n' }}
{%- endif %}
{%- set pictures = namespace(value=0) %}
{%- for message in messages %}
    {%- if message.role == 'user' %}
        {{- '<|im_start|>' + message.role + '\n' }}
        {%- if message.content is string %}{{- message.content }}{%- else %}
            {%- for part in message.content %}
                {%- if part.type == 'image' or 'image' in part or 'image_url' in part %}
                    {%- set pictures.value = pictures.value + 1 %}
                    {%- if add_vision_id %}Picture {{ pictures.value }}: {% endif -%}
                    <|vision_start|><|image_pad|><|vision_end|>
                {%- elif 'text' in part %}
                    {{- part.text }}
                {%- endif %}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
"#;

/// The same, as Thinking models have it: reasoning of old turns is cut away, and the new one has begun.
pub fn thinking_template() -> String {
    let old = "message.content + '<|im_end|>\\n' }}";
    let new = "message.content.split('</think>')[-1].lstrip('\\n') + '<|im_end|>\\n' }}";
    let reverse = "{%- for message in messages[::-1] %}{%- if message.content is string and message.content.startswith('<tool_response>') %}{%- endif %}{%- endfor %}\n";
    let template =
        TEMPLATE.replace(old, new).replace("'<|im_start|>assistant\\n' }}", "'<|im_start|>assistant\\n<think>\\n' }}");
    format!("{reverse}{template}")
}

/// A byte-level tokenizer with four merges and these control tokens after them.
pub fn tokenizer(controls: &[&str]) -> Value {
    let is_printed = |byte: &u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let hidden = (0..=255_u8).filter(|byte| !is_printed(byte)).map(u32::from).zip(256_u32..);
    let letters: BTreeMap<u32, u32> =
        (0..=255_u8).filter(is_printed).map(|byte| (u32::from(byte), u32::from(byte))).chain(hidden).collect();
    let letter = |byte: u32| char::from_u32(letters[&byte]).unwrap().to_string();
    let mut vocabulary: Map<String, Value> = (0..256).map(|byte| (letter(byte), json!(byte))).collect();
    let (space, line) = (letter(32), letter(10));
    let merges = [("h", "e"), (space.as_str(), "he"), ("\"", ":"), (line.as_str(), line.as_str())];
    for ((left, right), id) in merges.iter().zip(256..) {
        vocabulary.insert(format!("{left}{right}"), json!(id));
    }
    let added: Vec<Value> = controls
        .iter()
        .zip(FIRST..)
        .map(|(content, id)| {
            json!({ "id": id, "content": content, "special": !content.contains("think"), "single_word": false,
                    "lstrip": false, "rstrip": false, "normalized": false })
        })
        .collect();
    let pattern = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    json!({
        "version": "1.0",
        "added_tokens": added,
        "normalizer": { "type": "NFC" },
        "pre_tokenizer": { "type": "Sequence", "pretokenizers": [
            { "type": "Split", "pattern": { "Regex": pattern }, "behavior": "Isolated", "invert": false },
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        ] },
        "post_processor": null,
        "decoder": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        "model": { "type": "BPE", "vocab": vocabulary, "merges": merges.map(|(left, right)| format!("{left} {right}")) },
    })
}

pub fn config() -> Value {
    json!({
        "model_type": "qwen3_vl",
        "architectures": ["Qwen3VLForConditionalGeneration"],
        "image_token_id": PICTURE,
        "video_token_id": PICTURE + 1,
        "vision_start_token_id": VISION_START,
        "vision_end_token_id": VISION_END,
        "tie_word_embeddings": false,
        "text_config": {
            "vocab_size": 272, "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 6, "max_position_embeddings": 512,
            "rope_scaling": { "rope_type": "default", "mrope_section": [1, 1, 1] },
        },
        "vision_config": {
            "hidden_size": 4, "intermediate_size": 6, "depth": 2, "num_heads": 1, "out_hidden_size": 8, "in_channels": 3,
            "patch_size": 16, "temporal_patch_size": 2, "spatial_merge_size": 2, "num_position_embeddings": 9,
            "deepstack_visual_indexes": [0, 1],
        },
    })
}

/// The tensors of [`config`], as the reference has them: dtype and shape.
pub fn tensors() -> BTreeMap<String, Written> {
    let mut tensors = BTreeMap::new();
    let mut add = |name: String, shape: &[usize]| {
        tensors.insert(name, ("BF16".to_string(), shape.to_vec()));
    };
    add("model.visual.patch_embed.proj.weight".to_string(), &[4, 3, 2, 16, 16]);
    add("model.visual.patch_embed.proj.bias".to_string(), &[4]);
    add("model.visual.pos_embed.weight".to_string(), &[9, 4]);
    for layer in 0..2 {
        for (name, shape) in [
            ("norm1", vec![4]),
            ("norm2", vec![4]),
            ("attn.qkv", vec![12, 4]),
            ("attn.proj", vec![4, 4]),
            ("mlp.linear_fc1", vec![6, 4]),
            ("mlp.linear_fc2", vec![4, 6]),
        ] {
            add(format!("model.visual.blocks.{layer}.{name}.weight"), &shape);
            add(format!("model.visual.blocks.{layer}.{name}.bias"), &shape[..1]);
        }
    }
    for (merger, normed) in [("merger", 4), ("deepstack_merger_list.0", 16), ("deepstack_merger_list.1", 16)] {
        for (name, shape) in [("norm", vec![normed]), ("linear_fc1", vec![16, 16]), ("linear_fc2", vec![8, 16])] {
            add(format!("model.visual.{merger}.{name}.weight"), &shape);
            add(format!("model.visual.{merger}.{name}.bias"), &shape[..1]);
        }
    }
    add("model.language_model.embed_tokens.weight".to_string(), &[272, 8]);
    add("model.language_model.norm.weight".to_string(), &[8]);
    add("lm_head.weight".to_string(), &[272, 8]);
    for layer in 0..2 {
        for (name, shape) in [
            ("input_layernorm", vec![8]),
            ("post_attention_layernorm", vec![8]),
            ("self_attn.q_proj", vec![12, 8]),
            ("self_attn.k_proj", vec![6, 8]),
            ("self_attn.v_proj", vec![6, 8]),
            ("self_attn.o_proj", vec![8, 12]),
            ("self_attn.q_norm", vec![6]),
            ("self_attn.k_norm", vec![6]),
            ("mlp.gate_proj", vec![12, 8]),
            ("mlp.up_proj", vec![12, 8]),
            ("mlp.down_proj", vec![8, 12]),
        ] {
            add(format!("model.language_model.layers.{layer}.{name}.weight"), &shape);
        }
    }
    tensors
}

/// A file of zeros with these tensors.
pub fn safetensors(tensors: &BTreeMap<String, Written>) -> Vec<u8> {
    let mut header = Map::from_iter([("__metadata__".to_string(), json!({ "format": "pt" }))]);
    let mut end = 0;
    for (name, (dtype, shape)) in tensors {
        let start = end;
        let number = match dtype.as_str() {
            "F32" => 4,
            "BF16" | "F16" => 2,
            _ => 1,
        };
        end += shape.iter().product::<usize>() * number;
        header.insert(name.clone(), json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, end] }));
    }
    with_header(Value::Object(header).to_string().as_bytes(), end)
}

/// A file with this header and so many bytes after it.
pub fn with_header(header: &[u8], bytes: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header);
    file.resize(file.len() + bytes, 0);
    file
}
