//! Answers obey their schemas, do not depend on what is asked beside them, and come in time or not at all.

use crate::tiny::{TinyCopy, model, picture, pixels, question};
use qwen3_vl::choose::Sampling;
use qwen3_vl::model::{Answer, Model, Question, QuestionError};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "skill": { "enum": ["explore", "fight", "eat"] },
            "steps": { "type": "integer", "minimum": 1, "maximum": 30 },
            "reason": { "type": "string", "maxLength": 30 },
        },
        "required": ["skill", "steps", "reason"],
        "additionalProperties": false,
    })
}

fn check(text: &str) {
    let answer: Value = serde_json::from_str(text).unwrap();
    assert_eq!(answer.as_object().unwrap().len(), 3, "{text}");
    assert!(["explore", "fight", "eat"].contains(&answer["skill"].as_str().unwrap()), "{text}");
    assert!((1..=30).contains(&answer["steps"].as_i64().unwrap()), "{text}");
    assert!(answer["reason"].as_str().unwrap().chars().count() <= 30, "{text}");
}

fn ask(model: &mut Model, question: &Question) -> Answer {
    model.answer(std::slice::from_ref(question)).remove(0).unwrap()
}

#[test]
fn answers_obey_their_schemas() {
    let (schema, rgb) = (schema(), pixels(240, 160, 3));
    let sampled = Sampling { temperature: 1.5, ..Sampling::greedy() };
    for name in ["tied", "untied"] {
        let mut model = model(name);
        assert_eq!(model.name(), name);
        for (picture, sampling) in [(None, Sampling::greedy()), (Some(picture(&rgb, 240)), sampled.clone())] {
            let asked =
                Question { picture, sampling, schema: Some(&schema), answer_tokens: 60, ..question("What now?") };
            let answer = ask(&mut model, &asked);
            check(&answer.text);
            assert!(answer.reasoning.is_empty());
            assert!(answer.tokens_out <= 60 && (0.0..=1.0).contains(&answer.confidence), "{answer:?}");
            assert_eq!(answer.tokens_in > 70, picture.is_some(), "70 visual tokens: {answer:?}");
            assert!(answer.waited_for_first_us > 0);
            assert_eq!(ask(&mut model, &asked).text, answer.text, "chance follows from the prompt");
        }
    }
}

#[test]
fn a_batch_of_different_questions_is_answered_as_each_alone() {
    let schema = schema();
    let (small, large) = (pixels(64, 64, 0), pixels(240, 160, 90));
    let questions = [
        question("Where are the stairs?"),
        Question { picture: Some(picture(&large, 240)), answer_tokens: 12, ..question("What is this?") },
        Question { schema: Some(&schema), answer_tokens: 50, ..question("What do you do?") },
        Question {
            system: "",
            picture: Some(picture(&small, 64)),
            repair: Some(("eat", "Say why.")),
            ..question("Is there anything to eat, or to fight, or to find?")
        },
    ];
    for name in ["tied", "untied"] {
        let mut model = model(name);
        let together = model.answer(&questions);
        for (question, together) in questions.iter().zip(together) {
            model.generator().forget();
            let (alone, together) = (ask(&mut model, question), together.unwrap());
            assert_eq!((&alone.text, alone.tokens_out), (&together.text, together.tokens_out), "{name}");
            assert!((alone.confidence - together.confidence).abs() < 1e-4, "{alone:?} {together:?}");
            assert_eq!(alone.tokens_in, together.tokens_in);
        }
    }
}

#[test]
fn more_questions_than_a_batch_holds_are_answered_in_their_order() {
    let mut model = model("tied");
    let users: Vec<String> = (0..6).map(|number| format!("Say {number}.")).collect();
    let questions: Vec<Question> = users.iter().map(|user| question(user)).collect();
    let together: Vec<String> = model.answer(&questions).into_iter().map(|answer| answer.unwrap().text).collect();
    for (question, together) in questions.iter().zip(together) {
        assert_eq!(ask(&mut model, question).text, together);
    }
    assert!(model.answer(&[]).is_empty());
}

#[test]
fn what_questions_have_in_common_is_read_once() {
    let rgb = pixels(64, 64, 0);
    let seen = |user| Question { picture: Some(picture(&rgb, 64)), ..question(user) };
    let (first, second) = (seen("You are hungry. Go?"), seen("You are hungry. Eat?"));
    let repaired = Question { repair: Some(("no", "Say yes.")), ..seen("You are hungry. Eat?") };
    let mut model = model("untied");
    let fresh = [&first, &second, &repaired].map(|question| {
        model.generator().forget();
        ask(&mut model, question)
    });
    assert!(fresh.iter().all(|answer| answer.tokens_cached == 0));
    model.generator().forget();
    let reused = [&first, &second, &repaired].map(|question| ask(&mut model, question));
    assert_eq!(reused[0].tokens_cached, 0);
    assert!(reused[1].tokens_cached > 20, "{reused:?}");
    assert!(reused[2].tokens_cached >= reused[1].tokens_in - 10, "a repair goes on from the question: {reused:?}");
    for (fresh, reused) in fresh.iter().zip(&reused) {
        assert_eq!(fresh.text, reused.text);
    }
}

#[test]
fn a_question_that_is_late_stops_alone() {
    let mut model = model("tied");
    let now = Instant::now();
    let questions = [
        question("Go?"),
        Question { deadline: now, ..question("Late?") },
        Question { deadline: now + Duration::from_millis(1), answer_tokens: 400, ..question("Late soon?") },
        question("Stay?"),
    ];
    let answers = model.answer(&questions);
    assert_eq!((&answers[1], &answers[2]), (&Err(QuestionError::Late), &Err(QuestionError::Late)));
    for index in [0, 3] {
        assert_eq!(answers[index].as_ref().unwrap().text, ask(&mut model, &questions[index]).text);
    }
    let all_late = model.answer(&questions[1..3]);
    assert_eq!(all_late, [Err(QuestionError::Late), Err(QuestionError::Late)]);
}

#[test]
fn a_model_that_reasons_says_so_apart_from_its_answer() {
    let copy = TinyCopy::new();
    copy.replace(
        "chat_template.jinja",
        r"<|im_start|>assistant\n' -}}{%- endif -%}",
        r"<|im_start|>assistant\n<think>\n' -}}{%- endif -%}",
        1,
    );
    let mut model = copy.open().unwrap();
    let schema = schema();
    let asked = Question { schema: Some(&schema), answer_tokens: 100, ..question("What now?") };
    let answer = ask(&mut model, &asked);
    check(&answer.text);
    assert!(!answer.reasoning.is_empty() && answer.tokens_out <= 100, "{answer:?}");
    assert!(!answer.text.contains(&answer.reasoning));
}
