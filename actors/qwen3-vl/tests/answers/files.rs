//! A folder is opened when everything in it is as it must be, and refused with one line that says why otherwise.

use crate::folder::{
    CONTROLS, END, TEXT_END, TestFolder, Written, config, safetensors, tensors, tokenizer, with_header,
};
use proptest::prelude::*;
use qwen3_vl::files::{Dtype, Folder, FolderError};
use serde_json::{Value, json};

#[test]
fn whole_folders_are_opened() {
    for folder in [TestFolder::whole(), TestFolder::sharded()] {
        let opened = Folder::open(folder.path()).unwrap();
        assert_eq!(opened.tensors().len(), tensors().len());
        assert_eq!(opened.weights() * 2, opened.weight_bytes());
        assert_eq!(opened.generation().ends, [END, TEXT_END]);
        assert!(opened.generation().is_sampled);
        assert_eq!(opened.config().text.layers, 2);
        assert!(opened.template().contains("im_start"));
        let norm = &opened.tensors()["model.language_model.norm.weight"];
        assert_eq!((norm.dtype, norm.shape.as_slice(), norm.bytes), (Dtype::BF16, [8].as_slice(), 16));
        assert_eq!(norm.shard, opened.shards().len() - 1);
    }
}

#[test]
fn tied_embeddings_need_no_output_layer_wherever_that_is_said() {
    let mut untied = tensors();
    untied.remove("lm_head.weight");
    for path in ["/tie_word_embeddings", "/text_config/tie_word_embeddings"] {
        let folder = TestFolder::whole();
        folder.write("model.safetensors", safetensors(&untied));
        assert!(refusal(&folder).contains("lm_head.weight"));
        let mut config = config();
        config["text_config"]["tie_word_embeddings"] = json!(false);
        *config.pointer_mut(path).unwrap() = json!(true);
        folder.write("config.json", config.to_string());
        assert!(Folder::open(folder.path()).unwrap().config().is_tied, "{path}");
    }
}

#[test]
fn missing_files_are_named() {
    for name in [
        "config.json",
        "tokenizer.json",
        "generation_config.json",
        "preprocessor_config.json",
        "model.safetensors",
        "chat_template.json",
    ] {
        let folder = TestFolder::whole();
        folder.remove(name);
        let error = Folder::open(folder.path()).unwrap_err();
        assert!(matches!(error, FolderError::Missing { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let folder = TestFolder::sharded();
    folder.remove("model-00002-of-00002.safetensors");
    assert!(refusal(&folder).contains("model-00002-of-00002.safetensors is missing; download"));
    assert!(Folder::open(std::path::Path::new("/nowhere")).is_err());
}

#[test]
fn templates_are_found_in_each_of_their_places() {
    let folder = TestFolder::whole();
    folder.remove("chat_template.json");
    folder.write("tokenizer_config.json", json!({ "chat_template": "one" }).to_string());
    assert_eq!(Folder::open(folder.path()).unwrap().template(), "one");
    folder.write("chat_template.json", json!({ "chat_template": "two" }).to_string());
    assert_eq!(Folder::open(folder.path()).unwrap().template(), "two");
    folder.write("chat_template.jinja", "three");
    assert_eq!(Folder::open(folder.path()).unwrap().template(), "three");
}

#[test]
fn tensors_that_do_not_fit_the_configuration_are_named() {
    let folder = TestFolder::whole();
    let name = "model.language_model.layers.1.mlp.up_proj.weight";
    let changed = |change: &dyn Fn(&mut Written)| {
        let mut tensors = tensors();
        change(tensors.get_mut(name).unwrap());
        folder.write("model.safetensors", safetensors(&tensors));
        Folder::open(folder.path()).unwrap_err()
    };
    let shape = changed(&|tensor| tensor.1 = vec![12, 9]);
    assert!(matches!(&shape, FolderError::TensorShape { found, .. } if found == &[12, 9]), "{shape}");
    let dtype = changed(&|tensor| tensor.0 = "F8_E4M3".to_string());
    assert!(
        matches!(&dtype, FolderError::TensorDtype { .. }) && dtype.to_string().contains("not quantised"),
        "{dtype}"
    );
    let mut fewer = tensors();
    fewer.remove(name);
    folder.write("model.safetensors", safetensors(&fewer));
    let missing = refusal(&folder);
    assert!(missing.contains(name) && missing.contains("model.safetensors"), "{missing}");
    for dtype in ["F32", "F16"] {
        let mut tensors = tensors();
        tensors.values_mut().for_each(|tensor| tensor.0 = dtype.to_string());
        folder.write("model.safetensors", safetensors(&tensors));
        Folder::open(folder.path()).unwrap();
    }
}

#[test]
fn a_file_cut_short_is_told_from_a_damaged_one() {
    let folder = TestFolder::whole();
    let file = safetensors(&tensors());
    for length in [0, 7, 8, 100, file.len() - 1] {
        folder.write("model.safetensors", &file[..length]);
        let error = Folder::open(folder.path()).unwrap_err();
        assert!(matches!(error, FolderError::Truncated { found, .. } if found == length as u64), "{length}: {error}");
    }
    folder.write("model.safetensors", [&file[..], b"more"].concat());
    assert!(refusal(&folder).contains("4 bytes more than its header says"));
}

#[test]
fn headers_that_make_no_sense_are_refused() {
    let folder = TestFolder::whole();
    let entry = |body: &str| format!(r#"{{"a":{body}}}"#);
    let headers = [
        "[]".to_string(),
        "{}".to_string(),
        "{\"a\":".to_string(),
        entry("1"),
        entry(r#"{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#),
        entry(r#"{"dtype":"F99","shape":[1],"data_offsets":[0,4]}"#),
        entry(r#"{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}"#),
        entry(r#"{"dtype":"F32","shape":[1],"data_offsets":[4,0]}"#),
        entry(r#"{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#),
        entry(r#"{"dtype":"F32","shape":[1],"data_offsets":[0]}"#),
        entry(r#"{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,4]}"#),
        entry(r#"{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}"#),
        entry(r#"{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}"#),
        entry(r#"{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}"#),
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.to_string(),
    ];
    for header in headers {
        folder.write("model.safetensors", with_header(header.as_bytes(), 4));
        refusal(&folder);
    }
    for length in [0, 1, 1 << 24 | 1, u64::MAX / 2, u64::MAX] {
        folder.write("model.safetensors", [&length.to_le_bytes()[..], b"{}"].concat());
        assert!(refusal(&folder).contains("damaged"));
    }
}

#[test]
fn an_index_that_leads_elsewhere_is_refused() {
    let folder = TestFolder::sharded();
    for name in [
        "../model.safetensors",
        "/etc/passwd",
        "a/b.safetensors",
        ".safetensors",
        "config.json",
        "",
        "a\\b.safetensors",
    ] {
        let map: serde_json::Map<String, Value> = tensors().into_keys().map(|tensor| (tensor, json!(name))).collect();
        folder.write("model.safetensors.index.json", json!({ "weight_map": map }).to_string());
        assert!(refusal(&folder).contains("no file in this folder"), "{name}");
    }
    folder.write("model.safetensors.index.json", r#"{"weight_map":{}}"#);
    refusal(&folder);
}

#[test]
fn other_models_are_refused_by_name() {
    let folder = TestFolder::whole();
    for (key, value) in [
        ("model_type", json!("qwen2_5_vl")),
        ("architectures", json!(["Qwen3VLMoeForConditionalGeneration"])),
        ("model_type", json!(null)),
        ("quantization_config", json!({ "quant_method": "fp8" })),
    ] {
        let mut config = config();
        config[key] = value;
        folder.write("config.json", config.to_string());
        let error = refusal(&folder);
        assert!(error.contains("not a Qwen3-VL") || error.contains("quantised"), "{error}");
    }
}

/// What the reference has defaults for that fit the test's folder.
const MAY_LACK: [&str; 5] =
    ["max_position_embeddings", "in_channels", "patch_size", "temporal_patch_size", "spatial_merge_size"];

#[test]
fn configurations_without_a_key_or_with_absurd_values_are_refused() {
    let folder = TestFolder::whole();
    for section in ["text_config", "vision_config"] {
        let keys: Vec<String> = config()[section].as_object().unwrap().keys().cloned().collect();
        for key in keys {
            for value in
                [None, Some(json!(0)), Some(json!(-1)), Some(json!(u64::MAX)), Some(json!("eight")), Some(json!([99]))]
            {
                let mut config = config();
                let fields = config[section].as_object_mut().unwrap();
                match value.clone() {
                    None => fields.remove(&key),
                    Some(value) => fields.insert(key.clone(), value),
                };
                folder.write("config.json", config.to_string());
                let may_lack = MAY_LACK.contains(&key.as_str());
                match Folder::open(folder.path()) {
                    Ok(_) => assert!(may_lack, "{key} may not be {value:?}"),
                    Err(error) => assert!(!error.to_string().contains('\n')),
                }
            }
        }
    }
}

#[test]
fn the_tokenizer_of_another_model_is_refused_with_both_ids() {
    let folder = TestFolder::whole();
    let mut controls = CONTROLS.to_vec();
    controls.swap(4, 5);
    folder.write("tokenizer.json", tokenizer(&controls).to_string());
    let error = refusal(&folder);
    assert!(error.contains("<|image_pad|> is 264, but config.json says 265"), "{error}");
    folder.write("tokenizer.json", tokenizer(&CONTROLS[..4]).to_string());
    assert!(refusal(&folder).contains("<|image_pad|> is not in it"));
    let many: Vec<String> = (0..20).map(|number| format!("<{number}>")).collect();
    let more: Vec<&str> = CONTROLS.iter().copied().chain(many.iter().map(String::as_str)).collect();
    folder.write("tokenizer.json", tokenizer(&more).to_string());
    assert!(refusal(&folder).contains("token 288, but config.json has a vocabulary of 272"), "{}", refusal(&folder));
}

#[test]
fn garbage_is_refused_in_one_line_whichever_file_it_is_in() {
    let names =
        ["config.json", "tokenizer.json", "chat_template.json", "generation_config.json", "preprocessor_config.json"];
    for name in names {
        for garbage in ["", "{", "[]", "null", "\u{0}\u{1}", "{\"a\": 1}x", "[[[[", "\"\n\n\""] {
            let folder = TestFolder::whole();
            folder.write(name, garbage);
            let error = refusal(&folder);
            assert!(error.contains(name), "{name} {garbage:?}: {error}");
        }
        let folder = TestFolder::whole();
        folder.remove(name);
        std::fs::create_dir(folder.path().join(name)).unwrap();
        refusal(&folder);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn weights_of_any_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>(), is_cut in any::<bool>()) {
        let folder = TestFolder::whole();
        let mut file = safetensors(&tensors());
        let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        for (at, byte) in changes {
            file[at.index(header)] = byte;
        }
        if is_cut {
            let length = cut.index(file.len());
            file.truncate(length);
        }
        folder.write("model.safetensors", file);
        if let Err(error) = Folder::open(folder.path()) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn json_files_of_any_bytes_never_panic(which in 0..5_usize, at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        let name = ["config.json", "tokenizer.json", "chat_template.json", "generation_config.json", "preprocessor_config.json"][which];
        let folder = TestFolder::whole();
        let mut file = std::fs::read(folder.path().join(name)).unwrap();
        let at = at.index(file.len());
        file.splice(at..(at + bytes.len()).min(file.len()), bytes);
        folder.write(name, file);
        if let Err(error) = Folder::open(folder.path()) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}

/// What is said of a folder that is not taken.
fn refusal(folder: &TestFolder) -> String {
    let error = Folder::open(folder.path()).unwrap_err().to_string();
    assert!(!error.contains('\n'), "more than one line: {error}");
    error
}
