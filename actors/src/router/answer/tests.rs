//! Answers are read or complained of, whatever a model writes.

use super::*;
use proptest::prelude::*;

fn parameter(name: &str, kind: &str, range: (Option<f64>, Option<f64>), one_of: &[&str]) -> Parameter {
    Parameter {
        name: name.to_string(),
        description: "it".to_string(),
        kind: kind.to_string(),
        default: None,
        min: range.0,
        max: range.1,
        one_of: one_of.iter().map(|text| (*text).to_string()).collect(),
    }
}

fn offer(skill: &str, parameters: Vec<Parameter>) -> Offer {
    Offer {
        skill: skill.to_string(),
        description: "It.".to_string(),
        parameters,
        arguments: Vec::new(),
        why: "true".to_string(),
        priority: 0,
        is_running: false,
    }
}

fn offers() -> Vec<Offer> {
    let steps = Parameter {
        default: Some(Argument::Number(3.0)),
        ..parameter("steps", "integer", (Some(1.0), Some(40.0)), &[])
    };
    let direction = parameter("direction", "text", (None, None), &["N", "S"]);
    vec![
        offer("explore", Vec::new()),
        offer("recover", vec![steps]),
        offer("throw", vec![direction]),
        Offer { arguments: vec![("slot".into(), Argument::Number(2.0))], ..offer("fight", vec![slot()]) },
    ]
}

fn slot() -> Parameter {
    parameter("slot", "integer", (Some(-1.0), Some(19.0)), &[])
}

fn reply(text: &str) -> Reply {
    Reply { text: text.to_string(), ..Reply::default() }
}

fn read_text(text: &str) -> Result<Answer, String> {
    read(&reply(text), &offers())
}

const WHOLE: &str = r#"{"skill": "throw", "arguments": {"direction": "N"}, "confidence": 0.75, "reason": "It comes."}"#;

#[test]
fn an_answer_is_found_among_thoughts_fences_and_words() {
    let whole = read_text(WHOLE).expect("it is right");
    assert_eq!((whole.skill.as_str(), whole.confidence, whole.reason.as_str()), ("throw", Some(0.75), "It comes."));
    assert_eq!(Value::Object(whole.arguments.clone()), json!({ "direction": "N" }));
    for text in [
        format!("```json\n{WHOLE}\n```"),
        format!("Let me see {{hp}} and {{\"hp\": 3}}. I choose: {WHOLE} That is all {{}}."),
        format!("<think>Perhaps {{\"skill\": \"explore\"}}?</think>\n\n{WHOLE}"),
        format!("[{WHOLE}]"),
        format!("{WHOLE}{WHOLE}"),
    ] {
        assert_eq!(read_text(&text), Ok(whole.clone()), "{text}");
    }
    let least = read_text(r#"{"skill": "explore"}"#).expect("what is left out has its default");
    assert_eq!(least, Answer { skill: "explore".to_string(), ..Answer::default() });
}

#[test]
fn what_cannot_be_used_is_a_complaint_that_says_what_would_be_right() {
    let all = "on offer are: explore, recover, throw, fight";
    for (text, said) in [
        ("", "the answer is empty: answer with {\"skill\""),
        ("I would explore.", "the answer holds no whole JSON object: answer with"),
        (r#"{"skill": "explore", "arguments": {"#, "no whole JSON object"),
        ("<think>So many ways", "thoughts and no answer"),
        (r#"{"choice": "explore"}"#, &format!("\"skill\" must be the name of a skill; {all}")),
        (r#"{"skill": 3}"#, &format!("\"skill\" must be the name of a skill; {all}")),
        (r#"{"skill": "Explor"}"#, &format!("\"Explor\" is not on offer; did you mean \"explore\"? {all}")),
        (r#"{"skill": "dance"}"#, &format!("\"dance\" is not on offer; {all}")),
        (r#"{"skill": "recover", "arguments": {"steps": 99}}"#, "steps is 99; it must be from 1 to 40"),
        (r#"{"skill": "recover", "arguments": {"steps": 1e999}}"#, "cannot be read: number out of range"),
        (r#"{ "skill": "fight", "arguments": {}, "confidence": 5E595}"#, "cannot be read: number out of range"),
        (r#"{"skill": "recover", "arguments": {"steps": "2"}}"#, "steps is a text; a whole number was expected"),
        (r#"{"skill": "recover", "arguments": {"stops": 2}}"#, "there is no parameter stops; there are steps"),
        (r#"{"skill": "recover", "arguments": {"steps": [2]}}"#, "steps is neither true or false"),
        (r#"{"skill": "recover", "arguments": 2}"#, "\"arguments\" must be a JSON object"),
        (r#"{"skill": "throw"}"#, "arguments of throw cannot be used: direction is missing"),
        (r#"{"skill": "throw", "arguments": {"direction": "up"}}"#, "it must be one of N, S"),
    ] {
        let complaint = read_text(text).expect_err(text);
        assert!(complaint.contains(said), "{text}: {complaint}");
    }
}

#[test]
fn what_the_trigger_tells_need_not_be_told_again() {
    let left_out = read_text(r#"{"skill": "fight", "arguments": {"slot": null}}"#).expect("the trigger tells the slot");
    assert!(left_out.arguments.is_empty());
    let told = read_text(r#"{"skill": "fight", "arguments": {"slot": 7}}"#).expect("it may be told");
    assert_eq!(told.arguments["slot"], json!(7));
    assert!(read_text(r#"{"skill": "fight", "arguments": {"slot": 20}}"#).is_err());
}

#[test]
fn token_probabilities_go_before_what_the_model_says_of_itself() {
    let sure = Reply { confidence: Some(0.5), ..reply(WHOLE) };
    assert_eq!(read(&sure, &offers()).expect("it is right").confidence, Some(0.5));
    for own in ["90", "-0.1", "\"high\"", "null"] {
        let text = format!(r#"{{"skill": "explore", "confidence": {own}}}"#);
        assert_eq!(read_text(&text).expect("it is right").confidence, None, "{own}");
    }
}

#[test]
fn a_reason_is_one_line_of_bounded_length() {
    let text = json!({ "skill": "explore", "reason": format!("a\n\u{1b}[31m b\u{7} {}", "ü".repeat(400)) }).to_string();
    let reason = read_text(&text).expect("it is right").reason;
    assert!(reason.starts_with("a [31m b ü") && reason.chars().count() == REASON_LETTERS_MAX, "{reason}");
}

#[test]
fn the_schema_names_what_is_on_offer_with_the_skill_first() {
    let text = schema(&offers()).to_string();
    let expected = concat!(
        r#"{"type":"object","properties":{"skill":{"type":"string","enum":["explore","recover","throw","fight"]},"#,
        r#""arguments":{"type":"object","properties":{"steps":{"type":"integer","minimum":1,"maximum":40},"#,
        r#""direction":{"type":"string","enum":["N","S"]},"slot":{"type":"integer","minimum":-1,"maximum":19}},"#,
        r#""additionalProperties":false},"confidence":{"type":"number","minimum":0,"maximum":1},"#,
        r#""reason":{"type":"string","maxLength":200}},"required":["skill","arguments","confidence","reason"],"#,
        r#""additionalProperties":false}"#
    );
    assert_eq!(text, expected);
}

#[test]
fn parameters_of_the_same_name_take_what_either_takes() {
    let of = |parameter: Parameter| offer("a", vec![parameter]);
    let both = |left, right| schema(&[of(left), of(right)])["properties"]["arguments"]["properties"]["to"].clone();
    let ranged = |min, max| parameter("to", "integer", (min, max), &[]);
    let texts = |one_of: &[&str]| parameter("to", "text", (None, None), one_of);
    assert_eq!(
        both(ranged(Some(1.0), Some(4.0)), ranged(Some(3.0), Some(9.0))),
        json!({ "type": "integer", "minimum": 1, "maximum": 9 })
    );
    assert_eq!(both(ranged(Some(1.0), None), ranged(None, Some(2.5))), json!({ "type": "integer" }));
    assert_eq!(both(texts(&["a", "b"]), texts(&["b", "c"])), json!({ "type": "string", "enum": ["a", "b", "c"] }));
    assert_eq!(both(texts(&["a"]), texts(&[])), json!({ "type": "string" }));
    assert_eq!(both(texts(&["a"]), ranged(Some(1.0), None)), json!({}));
}

proptest! {
    #[test]
    fn any_reply_is_read_or_complained_of(text in "\\PC{0,80}", braces in "[{}\"\\[:,a-z ]{0,200}") {
        for text in [text.clone(), braces.clone(), format!("{text}{WHOLE}{braces}")] {
            match read_text(&text) {
                Ok(answer) => prop_assert!(offers().iter().any(|offer| offer.skill == answer.skill)),
                Err(complaint) => prop_assert!(!complaint.is_empty() && complaint.len() < 1_000, "{}", complaint),
            }
        }
    }

    #[test]
    fn deep_and_long_replies_end(depth in 1usize..40_000) {
        let deep = ["{", "{\"a\":"].map(|brace| read_text(&brace.repeat(depth)));
        prop_assert!(deep.iter().all(Result::is_err));
    }
}
