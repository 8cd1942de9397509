//! Folders that the reference itself wrote are opened, and conversations in them become the reference's tokens.

use qwen3_vl::chat::{Chat, Conversation, Part, Turn};
use qwen3_vl::files::Folder;
use serde_json::Value;
use std::path::{Path, PathBuf};

#[test]
fn the_tensors_asked_for_are_all_that_the_reference_writes_and_no_more() {
    for (name, is_tied) in [("untied", false), ("tied", true)] {
        let folder = Folder::open(&tiny(name)).unwrap();
        assert_eq!(folder.config().is_tied, is_tied);
        let index = read(&tiny(name).join("model.safetensors.index.json"));
        let mut written: Vec<&String> = index["weight_map"].as_object().unwrap().keys().collect();
        written.sort();
        assert_eq!(folder.tensors().keys().collect::<Vec<_>>(), written, "{name}");
        assert_eq!(folder.weights(), folder.config().weights() as u64, "{name}");
        assert_eq!(folder.weight_bytes(), index["metadata"]["total_size"].as_u64().unwrap(), "{name}");
        assert_eq!((folder.generation().temperature, folder.generation().top_k), (Some(0.7), Some(20)));
    }
}

#[test]
fn conversations_become_the_references_tokens() {
    let chat = Chat::open(&Folder::open(&tiny("tied")).unwrap()).unwrap();
    let told = read(&tiny("chats.json"));
    for name in ["text", "system", "picture"] {
        let golden = &told["chats"][name];
        let messages = golden["messages"].as_array().unwrap();
        let mut conversation = Conversation::default();
        for message in messages {
            let parts = parts(&message["content"]);
            match (message["role"].as_str().unwrap(), parts.as_slice()) {
                ("system", [Part::Text(text)]) => conversation.system = text,
                ("assistant", [Part::Text(text)]) => conversation.turns.push(Turn::Model(text)),
                ("user", _) => conversation.turns.push(Turn::User(parts)),
                other => panic!("{other:?}"),
            }
        }
        let tokens: Vec<u64> = chat.prompt(&conversation).unwrap().into_iter().map(u64::from).collect();
        let expected: Vec<u64> = golden["tokens"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
        assert_eq!(tokens, expected, "{name}");
    }
    // The reference would make control tokens of text that names them.
    for golden in told["texts"].as_array().unwrap() {
        let text = golden["text"].as_str().unwrap();
        if text.contains("<|") {
            continue;
        }
        let tokens = chat.tokenizer().encode(text).unwrap();
        assert_eq!(Value::from(tokens.clone()), golden["tokens"], "{text}");
        assert_eq!(chat.tokenizer().decode(&tokens), text);
    }
}

fn parts(content: &Value) -> Vec<Part<'_>> {
    match content {
        Value::String(text) => vec![Part::Text(text)],
        parts => parts
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["text"].as_str().map_or(Part::Picture(1), Part::Text))
            .collect(),
    }
}

fn tiny(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny").join(name)
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
