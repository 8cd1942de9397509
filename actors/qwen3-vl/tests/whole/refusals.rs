//! What can be wrong with a folder or a question: it is told in one line that says what to do, and nothing panics.

use crate::tiny::{SHARD, TinyCopy, model, options, picture, pixels, question};
use qwen3_vl::model::{Model, Numbers, Options, Picture, Question, QuestionError};
use serde_json::json;

/// What is wrong with a folder, how it is made wrong, and what is said of it.
type Fault = (&'static str, fn(&TinyCopy), &'static [&'static str]);

const FAULTS: &[Fault] = &[
    ("a shard is missing", |copy| copy.remove(SHARD), &[SHARD, "is missing; download it"]),
    ("a shard is cut short", |copy| copy.cut(SHARD, 1), &[SHARD, "is cut short", "download it again"]),
    ("a shard has only its beginning", |copy| copy.cut(SHARD, 98_000), &[SHARD, "is cut short"]),
    (
        "weights are no floating-point numbers",
        |copy| copy.replace(SHARD, r#""dtype":"BF16""#, r#""dtype":"I16" "#, usize::MAX),
        &[SHARD, "take weights in BF16, F16 or F32, not quantised ones"],
    ),
    (
        "one tensor has another precision than its bytes",
        |copy| copy.replace(SHARD, r#""dtype":"BF16""#, r#""dtype":"F32" "#, 1),
        &[SHARD, "is damaged", "download it again"],
    ),
    (
        "the tokenizer is of another model",
        |copy| copy.replace("tokenizer.json", "<|image_pad|>", "<|picture|>", 1),
        &[
            "tokenizer.json is the tokenizer of another model",
            "<|image_pad|> is not in it",
            "copy tokenizer and config",
        ],
    ),
    (
        "the configuration is of another network",
        |copy| copy.replace("config.json", "Qwen3VLFor", "Qwen2_5_VLFor", 1),
        &["config.json", "Qwen2_5_VLForConditionalGeneration", "take a folder of Qwen3-VL"],
    ),
    (
        "the configuration is of a larger network",
        |copy| copy.replace("config.json", r#""intermediate_size": 48"#, r#""intermediate_size": 64"#, 1),
        &["mlp.", "weights and config.json are of different models"],
    ),
    (
        "the chat template is broken",
        |copy| copy.replace("chat_template.jinja", "{%- endfor -%}", "", 1),
        &["the chat template cannot be used", "copy chat_template.json again"],
    ),
    ("a file is missing", |copy| copy.remove("preprocessor_config.json"), &["preprocessor_config.json is missing"]),
];

#[test]
fn folders_are_refused_with_what_is_wrong_and_what_to_do() {
    for (fault, make, told) in FAULTS {
        let copy = TinyCopy::new();
        make(&copy);
        let error = copy.open().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(told.iter().all(|part| error.contains(part)), "{fault}: {error:?}");
        assert!(!error.contains('\n'), "{fault}: {error:?}");
    }
    assert!(TinyCopy::new().open().is_ok(), "a copy that nothing is wrong with is opened");
}

#[test]
fn options_that_the_machine_or_the_model_has_no_room_for_are_refused() {
    let refusal = |options: &Options| Model::open(options).err().map(|error| error.to_string()).unwrap_or_default();
    let error = refusal(&Options { batch: 1 << 40, ..options("tied") });
    assert!(error.contains("MiB of memory") && error.contains("MiB are available"), "{error}");
    assert!(error.contains("take a shorter context or a smaller batch"), "{error}");
    for context in [0, 1, 40] {
        let error = refusal(&Options { context, ..options("tied") });
        assert!(error.contains(&format!("a context of {context} tokens has no room")), "{error}");
    }
    assert!(refusal(&Options { folder: "/nowhere".into(), ..options("tied") }).contains("config.json is missing"));
}

#[test]
fn weights_are_kept_in_any_precision() {
    let mut answers = Vec::new();
    for numbers in [Numbers::Auto, Numbers::F32, Numbers::BF16, Numbers::F16] {
        let mut model = Model::open(&Options { numbers, ..options("untied") }).unwrap();
        answers.push(model.answer(&[question("Go?")]).remove(0).unwrap().text);
    }
    assert_eq!(answers[0], answers[1], "as saved loses nothing");
}

/// What is wrong with a question, the question, and what is said of it.
#[test]
fn questions_are_refused_one_by_one() {
    let long = "stairs ".repeat(600);
    let (huge, narrow, whole) = (vec![0; 20_001 * 3], pixels(1, 201, 0), pixels(64, 64, 0));
    let (one_of, small) = (json!({ "oneOf": [1, 2] }), json!({ "type": "string", "minLength": 50 }));
    let shown = |picture| Question { picture: Some(picture), ..question("What is this?") };
    let table: [(Question, &[&str]); 8] = [
        (question(&long), &["tokens", "no room for an answer in a context of 512", "shorten it"]),
        (shown(Picture { width: 0, height: 0, rgb: &[] }), &["0x0 pixels shows nothing"]),
        (shown(Picture { width: 64, height: 0, rgb: &[] }), &["64x0 pixels shows nothing"]),
        (shown(picture(&huge, 20_001)), &["20001x1 pixels is too large", "at most 20000", "scale it down"]),
        (shown(picture(&narrow, 1)), &["1x201 pixels is too narrow", "cut it"]),
        (shown(Picture { width: 64, height: 65, rgb: &whole }), &["12288 bytes instead of 12480", "RGB"]),
        (Question { schema: Some(&one_of), ..question("Go?") }, &["the schema cannot be followed"]),
        (Question { schema: Some(&small), answer_tokens: 5, ..question("Go?") }, &["5 are allowed; allow more"]),
    ];
    let mut model = model("tied");
    let expected = model.answer(&[question("Stay?")]).remove(0).unwrap().text;
    for (asked, told) in &table {
        let answers = model.answer(&[question("Stay?"), asked.clone(), question("Stay?")]);
        let error = answers[1].as_ref().map_or_else(QuestionError::to_string, |answer| answer.text.clone());
        assert!(answers[1].is_err() && told.iter().all(|part| error.contains(part)), "{told:?}: {error:?}");
        assert!(!error.contains('\n'), "{error:?}");
        for beside in [0, 2] {
            assert_eq!(answers[beside].as_ref().unwrap().text, expected, "{told:?}");
        }
    }
}
