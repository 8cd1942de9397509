//! Tokens are chosen as settings, limits and schemas say, and the same again from the same seed.

use crate::folder::{CONTROLS, END, TEMPLATE, TEXT_END, THINK, THINK_END, tokenizer};
use qwen3_vl::chat::{AFTER_REASONING, Chat};
use qwen3_vl::choose::{Choose, ChooseError, Chooser, Grammars, Limits, Random, Reasoning, Sampling};
use qwen3_vl::files::Generation;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

static CHAT: LazyLock<Chat> =
    LazyLock::new(|| Chat::new(tokenizer(CONTROLS).to_string().as_bytes(), TEMPLATE).unwrap());
static GRAMMARS: LazyLock<Grammars> = LazyLock::new(|| Grammars::new(CHAT.tokenizer(), &[END, TEXT_END]).unwrap());

const VOCABULARY: usize = 272;

fn limits(tokens_max: usize) -> Limits {
    Limits { ends: vec![END, TEXT_END], tokens_max, reasoning: None }
}

fn warm() -> Sampling {
    Sampling { temperature: 1.0, ..Sampling::greedy() }
}

/// Logits at random; a bias makes some tokens likelier, so that answers differ in kind.
fn logits(random: &mut Random, bias: &[(u32, f32)]) -> Vec<f32> {
    let mut logits: Vec<f32> = (0..VOCABULARY).map(|_| random.unit() as f32 * 8.0 - 4.0).collect();
    for (token, more) in bias {
        logits[*token as usize] += more;
    }
    logits
}

/// All tokens up to the last, at most 10,000.
fn run(chooser: &mut Chooser, seed: u64, bias: &[(u32, f32)]) -> Vec<u32> {
    let mut random = Random::new(seed);
    let mut tokens = Vec::new();
    for _ in 0..10_000 {
        let chosen = chooser.choose(&mut logits(&mut random, bias));
        tokens.push(chosen.token);
        if chosen.is_last {
            return tokens;
        }
    }
    panic!("it does not end, seed {seed}");
}

#[test]
fn the_likeliest_token_is_chosen_with_its_own_probability() {
    let mut chooser = Chooser::new(Sampling::greedy(), Random::new(0), limits(3), &[]).alternatives(2);
    let mut logits = vec![f32::NEG_INFINITY; VOCABULARY];
    (logits[7], logits[9]) = (3.0_f32.ln(), 0.0);
    let chosen = chooser.choose(&mut logits);
    assert_eq!((chosen.token, chosen.is_last), (7, false));
    assert!((chosen.logprob - 0.75_f32.ln()).abs() < 1e-6);
    assert_eq!(chooser.likeliest().iter().map(|(token, _)| *token).collect::<Vec<_>>(), [7, 9]);
    assert!((chooser.likeliest()[1].1 - 0.25_f32.ln()).abs() < 1e-6);
}

#[test]
fn answers_end_with_any_end_or_with_the_last_token_allowed() {
    for end in [END, TEXT_END] {
        let mut chooser = Chooser::new(Sampling::greedy(), Random::new(0), limits(5), &[]);
        assert_eq!(run(&mut chooser, 1, &[(end, 99.0)]), [end]);
    }
    let mut chooser = Chooser::new(Sampling::greedy(), Random::new(0), limits(5), &[]);
    assert_eq!(run(&mut chooser, 1, &[(8, 99.0)]), [8; 5]);
    let mut none = Chooser::new(Sampling::greedy(), Random::new(0), limits(0), &[]);
    assert_eq!(run(&mut none, 1, &[]), [END]);
}

#[test]
fn the_same_seed_draws_the_same_tokens() {
    let drawn = |seed| run(&mut Chooser::new(warm(), Random::new(seed), limits(40), &[]), 5, &[]);
    assert_eq!(drawn(3), drawn(3));
    assert_ne!(drawn(3), drawn(4));
}

/// How often each token is drawn out of 4,000.
fn counts(sampling: &Sampling, logits: &[f32]) -> Vec<usize> {
    let mut counts = vec![0; logits.len()];
    let limits = Limits { ends: vec![99], tokens_max: 4001, reasoning: None };
    let mut chooser = Chooser::new(sampling.clone(), Random::new(11), limits, &[]);
    for _ in 0..4000 {
        counts[chooser.choose(&mut logits.to_vec()).token as usize] += 1;
    }
    counts
}

#[test]
fn tokens_are_drawn_as_often_as_they_are_likely() {
    let logits = [0.5_f32.ln(), 0.25_f32.ln(), 0.15_f32.ln(), 0.1_f32.ln()];
    let near = |counts: Vec<usize>, shares: [f64; 4]| {
        for (count, share) in counts.iter().zip(shares) {
            assert!((*count as f64 / 4000.0 - share).abs() < 0.03, "{counts:?} for {shares:?}");
        }
    };
    near(counts(&warm(), &logits), [0.5, 0.25, 0.15, 0.1]);
    near(counts(&Sampling { top_k: 2, ..warm() }, &logits), [0.667, 0.333, 0.0, 0.0]);
    near(counts(&Sampling { top_p: 0.75, ..warm() }, &logits), [0.667, 0.333, 0.0, 0.0]);
    near(counts(&Sampling { top_p: 0.0, ..warm() }, &logits), [1.0, 0.0, 0.0, 0.0]);
    near(counts(&Sampling { min_p: 0.28, ..warm() }, &logits), [0.556, 0.278, 0.167, 0.0]);
    near(counts(&Sampling { temperature: 0.5, ..warm() }, &logits), [0.725, 0.181, 0.065, 0.029]);
    near(counts(&Sampling { top_k: 1, ..warm() }, &logits), [1.0, 0.0, 0.0, 0.0]);
    let odd = [f32::NAN, f32::INFINITY, 3.0, f32::NEG_INFINITY];
    near(counts(&warm(), &odd), [0.0, 1.0, 0.0, 0.0]);
    near(counts(&warm(), &[f32::NAN, f32::NEG_INFINITY, -3.0, f32::NEG_INFINITY]), [0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn tokens_said_before_are_less_likely_where_that_is_asked() {
    let next = |sampling: &Sampling, prompt: &[u32], logits: [f32; 3]| {
        let mut chooser = Chooser::new(sampling.clone(), Random::new(0), limits(9), prompt);
        [0, 1].map(|_| chooser.choose(&mut logits.to_vec()).token)
    };
    let repeated = Sampling { repetition_penalty: 2.0, ..Sampling::greedy() };
    assert_eq!(next(&repeated, &[], [3.0, 2.0, 1.0]), [0, 1]);
    assert_eq!(next(&repeated, &[0], [3.0, 2.0, 1.0]), [1, 0]);
    assert_eq!(next(&repeated, &[0], [-1.0, -1.5, -9.0]), [1, 0]);
    let present = Sampling { presence_penalty: 1.5, ..Sampling::greedy() };
    assert_eq!(next(&present, &[0], [3.0, 2.0, 1.0]), [0, 1], "the prompt does not count");
}

#[test]
fn sampling_is_as_the_folder_asks() {
    let asked = Generation {
        is_sampled: true,
        temperature: Some(0.7),
        top_k: Some(20),
        top_p: Some(0.8),
        ..Generation::default()
    };
    let sampling = Sampling::from(&asked);
    assert_eq!((sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p), (0.7, 20, 0.8, 0.0));
    assert_eq!(Sampling::from(&Generation { is_sampled: false, ..asked }), Sampling::greedy());
}

/// Whether a number is an integer; minus zero is one.
fn is_whole(number: &Value) -> bool {
    number.as_f64().is_some_and(|number| number.fract() == 0.0)
}

type Holds = fn(&Value) -> bool;

/// Schemas, and what else must hold of an answer to each.
fn schemas() -> Vec<(Value, Holds)> {
    vec![
        (
            json!({
                "type": "object",
                "properties": {
                    "skill": { "type": "string", "enum": ["attack", "flee", "explore_floor", "use_item"] },
                    "arguments": {
                        "type": "object",
                        "properties": { "direction": { "type": "string", "enum": ["north", "south"] }, "steps": { "type": "integer", "minimum": 1, "maximum": 30 } },
                        "additionalProperties": false,
                    },
                    "confidence": { "type": "number", "minimum": 0, "maximum": 1 },
                    "reason": { "type": "string", "maxLength": 40 },
                },
                "required": ["skill", "arguments", "confidence", "reason"],
                "additionalProperties": false,
            }),
            |answer| {
                let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
                let steps = answer["arguments"].get("steps").map_or(1, |steps| steps.as_i64().unwrap());
                keys == ["skill", "arguments", "confidence", "reason"]
                    && ["attack", "flee", "explore_floor", "use_item"].contains(&answer["skill"].as_str().unwrap())
                    && (1..=30).contains(&steps)
                    && (0.0..=1.0).contains(&answer["confidence"].as_f64().unwrap())
                    && answer["reason"].as_str().unwrap().chars().count() <= 40
            },
        ),
        (
            json!({ "type": "array", "items": { "type": "integer", "minimum": -5, "maximum": 120 }, "minItems": 2, "maxItems": 4 }),
            |answer| {
                let list = answer.as_array().unwrap();
                (2..=4).contains(&list.len())
                    && list.iter().all(|item| is_whole(item) && (-5.0..=120.0).contains(&item.as_f64().unwrap()))
            },
        ),
        (
            json!({
                "type": "object",
                "properties": { "z": { "type": "boolean" }, "a": { "$ref": "#/$defs/node" }, "m": { "type": ["null", "string"] } },
                "required": ["z", "a"],
                "additionalProperties": false,
                "$defs": { "node": {
                    "type": "object",
                    "properties": { "name": { "type": "string", "minLength": 3 }, "next": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/node" }] } },
                    "required": ["name", "next"],
                    "additionalProperties": false,
                } },
            }),
            |answer| answer["z"].is_boolean() && answer["a"]["name"].as_str().unwrap().chars().count() >= 3,
        ),
        (json!({ "type": "string" }), Value::is_string),
        (json!({ "type": ["number", "null"] }), |answer| answer.is_null() || answer.as_f64().unwrap().abs() < 1e16),
        (json!({ "type": "integer", "minimum": 3 }), |answer| is_whole(answer) && answer.as_f64().unwrap() >= 3.0),
        (json!({ "type": "number", "exclusiveMinimum": 2.5, "maximum": 7 }), |answer| {
            let number = answer.as_f64().unwrap();
            number > 2.5 && number <= 7.0
        }),
        (
            json!({ "type": "array", "items": { "type": "integer", "minimum": 10, "maximum": 5000, "multipleOf": 6 }, "minItems": 1 }),
            |answer| {
                answer.as_array().unwrap().iter().all(|item| is_whole(item) && item.as_f64().unwrap() % 6.0 == 0.0)
            },
        ),
        (json!({ "type": "string", "pattern": "^[a-c]{2,5}(-[0-9]+)?$" }), |answer| {
            answer.as_str().unwrap().len() >= 2
        }),
        (json!({ "enum": ["a", 3, null, { "b": [true] }] }), |answer| {
            [json!("a"), json!(3), json!(null), json!({ "b": [true] })].contains(answer)
        }),
        (json!({}), |_| true),
    ]
}

#[test]
fn random_logits_within_a_schema_always_give_a_whole_answer_in_time() {
    for (schema, holds) in schemas() {
        let grammar = GRAMMARS.json(&schema).unwrap_or_else(|error| panic!("{error}: {schema}"));
        let shortest = grammar.closing().len();
        let mut lengths = BTreeSet::new();
        for seed in 0..40_u64 {
            let tokens_max = if seed % 2 == 0 { shortest + (seed as usize % 7) } else { 150 };
            let bias: &[(u32, f32)] = match seed % 4 {
                0 => &[],
                1 => &[(34, -20.0)],
                2 => &[(END, 20.0), (125, 8.0)],
                _ => &[(34, 6.0), (44, 6.0), (125, 6.0), (93, 6.0)],
            };
            let sampling = if seed % 3 == 0 { Sampling::greedy() } else { warm() };
            let chooser = Chooser::new(sampling, Random::new(seed), limits(tokens_max), &[]);
            let tokens = run(&mut chooser.within(grammar.clone()).unwrap(), seed, bias);
            let answer = CHAT.split(&tokens).answer;
            println!("seed {seed}, at most {tokens_max}: {answer}");
            assert!(tokens.len() <= tokens_max, "seed {seed}: {} tokens", tokens.len());
            let read: Value = match serde_json::from_str(&answer) {
                Ok(read) => read,
                Err(error) if schema == json!({}) && error.to_string().contains("out of range") => continue,
                Err(error) => panic!("seed {seed}: {error} in {answer}"),
            };
            assert!(holds(&read), "seed {seed}: {answer}");
            lengths.insert(tokens.len());
        }
        println!("{} lengths for {schema}", lengths.len());
    }
}

#[test]
fn what_the_model_would_say_is_followed_where_the_schema_allows_it() {
    let wanted = r#"{"skill": "flee", "steps": 12}"#;
    let schema = json!({
        "type": "object",
        "properties": { "skill": { "enum": ["attack", "flee"] }, "steps": { "type": "integer" } },
        "required": ["skill", "steps"],
        "additionalProperties": false,
    });
    let chooser = Chooser::new(Sampling::greedy(), Random::new(0), limits(60), &[]);
    let mut chooser = chooser.within(GRAMMARS.json(&schema).unwrap()).unwrap();
    let mut said = Vec::new();
    for token in CHAT.tokenizer().encode(wanted).unwrap() {
        let mut logits = vec![0.0; VOCABULARY];
        logits[token as usize] = 9.0;
        let chosen = chooser.choose(&mut logits);
        said.push(chosen.token);
        assert_eq!(chosen.is_last, CHAT.tokenizer().decode(&said) == wanted);
        assert!((chosen.logprob + 0.0329).abs() < 1e-3, "as likely as without the schema: {}", chosen.logprob);
    }
    assert_eq!(CHAT.tokenizer().decode(&said), wanted);
}

#[test]
fn reasoning_is_free_and_the_answer_after_it_keeps_to_the_schema() {
    let schema = json!({ "type": "object", "properties": { "skill": { "enum": ["attack", "flee"] } }, "required": ["skill"], "additionalProperties": false });
    let grammar = GRAMMARS.json(&schema).unwrap_or_else(|error| panic!("{error}: {schema}"));
    let after = CHAT.tokenizer().encode(AFTER_REASONING).unwrap();
    for seed in 0..30_u64 {
        let tokens_max = grammar.closing().len() + 2 + seed as usize * 3;
        let reasoning = Reasoning { end: THINK_END, after: after.clone(), tokens_max: 25 };
        let limits = Limits { reasoning: Some(reasoning), ..limits(tokens_max) };
        let chooser = Chooser::new(warm(), Random::new(seed), limits, &[]).within(grammar.clone()).unwrap();
        let bias = [(END, 9.0), (THINK_END, if seed % 2 == 0 { 4.0 } else { -90.0 }), (THINK, -90.0)];
        let tokens = run(&mut { chooser }, seed, &bias);
        println!("seed {seed}: {:?}", CHAT.split(&tokens));
        let ended = tokens.iter().position(|token| *token == THINK_END).unwrap();
        assert!(ended <= 25 && tokens.len() <= tokens_max, "seed {seed}");
        assert!(tokens[..ended].iter().all(|token| ![END, TEXT_END].contains(token)), "seed {seed}");
        assert_eq!(tokens[ended + 1..=ended + after.len()], after);
        let answer: Value = serde_json::from_str(&CHAT.split(&tokens).answer).unwrap();
        assert!(["attack", "flee"].contains(&answer["skill"].as_str().unwrap()), "seed {seed}");
    }
}

#[test]
fn limits_that_no_answer_fits_are_refused() {
    let grammar = GRAMMARS.json(&json!({ "enum": ["explore the whole floor", "attack now"] })).unwrap();
    let needed = grammar.closing().len();
    let shortest = CHAT.tokenizer().encode("\"attack now\"").unwrap().len();
    assert_eq!(needed, shortest, "the shorter of the two");
    for (schema, shortest) in [
        (json!({ "type": "object", "properties": { "a": { "type": "string" } }, "additionalProperties": false }), "{}"),
        (json!({ "type": "array", "items": { "type": "string" } }), "[]"),
        (json!({ "type": "string", "pattern": "^[^,]*$" }), "\"\""),
    ] {
        let grammar = GRAMMARS.json(&schema).unwrap();
        assert_eq!(CHAT.tokenizer().decode(grammar.closing()), shortest);
    }
    let within = |tokens_max| Chooser::new(warm(), Random::new(0), limits(tokens_max), &[]).within(grammar.clone());
    assert!(within(needed).is_ok());
    assert_eq!(within(needed - 1).err(), Some(ChooseError::Short { needed, allowed: needed - 1 }));
}

#[test]
fn schemas_that_cannot_be_followed_are_refused() {
    for schema in [
        json!({ "type": "strong" }),
        json!({ "type": "integer", "minimum": 5, "maximum": 4 }),
        json!({ "$ref": "https://example.com/other.json" }),
        json!({ "oneOf": [{ "type": "string" }, { "minLength": 3 }] }),
        json!({ "type": "string", "minLength": 100_000 }),
        json!(false),
        json!([]),
        json!("text"),
    ] {
        let refused = GRAMMARS.json(&schema).err();
        assert!(matches!(&refused, Some(ChooseError::Schema(text)) if !text.contains('\n')), "{schema}: {refused:?}");
    }
}

#[test]
fn vocabularies_that_cannot_write_json_are_refused() {
    let mut poor = tokenizer(CONTROLS);
    poor["model"]["vocab"].as_object_mut().unwrap().remove("{");
    let chat = Chat::new(poor.to_string().as_bytes(), TEMPLATE).unwrap();
    assert!(matches!(Grammars::new(chat.tokenizer(), &[END]), Err(ChooseError::Vocabulary(_))));
    assert!(matches!(Grammars::new(CHAT.tokenizer(), &[]), Err(ChooseError::Vocabulary(_))));
    assert!(matches!(Grammars::new(CHAT.tokenizer(), &[9999]), Err(ChooseError::Vocabulary(_))));
}

#[test]
fn choosers_go_to_other_threads() {
    fn is_send<T: Send>() {}
    is_send::<Chooser>();
    is_send::<Grammars>();
}
