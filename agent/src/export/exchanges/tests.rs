//! The words of models, beside the spans of their calls.

use super::*;
use crate::export::news::News;
use crate::export::news::samples::call;
use crate::export::spans::Tracer;
use opentelemetry_proto::tonic::common::v1::any_value;

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("pocketpilot-exchanges-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("it is made");
        Folder(folder)
    }

    fn write(&self, step: u64) {
        let line = json!({
            "ts": "2026-11-29T03:00:01.000000Z", "instance": 0, "step": step, "tier": "local", "model": "small",
            "outcome": "answered", "frame_hash": "0", "prompt": [
                { "role": "system", "text": "You play.", "pictures": 0 }, { "role": "user", "text": "Look.", "pictures": 1 },
            ],
            "answer": format!("answer {step}"),
        });
        let text = std::fs::read_to_string(self.0.join(EXCHANGES)).unwrap_or_default();
        std::fs::write(self.0.join(EXCHANGES), format!("{text}{line}\n")).expect("it is written");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn hold(exchanges: &mut Exchanges, step: u64, now: Instant) {
    let news = call(step, "answered");
    let span = Tracer::new("run", true).take(&news).remove(0);
    let News::Other(line) = news else { panic!("it is told on") };
    exchanges.hold(&line, span, now);
}

fn told(span: &Span, key: &str) -> Option<Value> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

#[test]
fn a_span_waits_for_its_words_and_goes_without_them_in_the_end() {
    let (folder, now) = (Folder::new("wait"), Instant::now());
    let mut exchanges = Exchanges::new(&folder.0);
    folder.write(1);
    exchanges.pass();
    hold(&mut exchanges, 1, now);
    hold(&mut exchanges, 2, now);
    assert!(exchanges.release(now).is_empty(), "what was written before belongs to nobody");
    folder.write(2);
    let released = exchanges.release(now);
    let input = told(&released[0], INPUT_MESSAGES).expect("it is told");
    assert_eq!(input[0], json!({ "role": "system", "parts": [{ "type": "text", "content": "You play." }] }));
    assert_eq!(input[1]["parts"][1], json!({ "type": "image" }));
    let output = told(&released[0], OUTPUT_MESSAGES).expect("it is told");
    assert_eq!(output[0]["parts"][0]["content"], "answer 2");
    let late = exchanges.release(now + PATIENCE);
    assert_eq!((late.len(), told(&late[0], INPUT_MESSAGES)), (1, None));
}

#[test]
fn long_texts_are_cut_between_letters() {
    let long = "é".repeat(TEXT_BYTES_MAX);
    assert_eq!(cut(&long).len(), TEXT_BYTES_MAX);
    assert_eq!(cut(&format!("x{long}")).len(), TEXT_BYTES_MAX - 1);
    assert_eq!(cut("short"), "short");
}
