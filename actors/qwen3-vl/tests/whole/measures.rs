//! A network can be measured, for as long as one likes.

use crate::tiny::{model, question};
use qwen3_vl::Size;
use qwen3_vl::measure::{Batching, Case, Measured, Wanted, batching, measure};
use std::time::Duration;

fn wanted(budget: Duration) -> Wanted {
    Wanted { lengths: vec![160, 16, 100_000], batches: vec![1, 2], pictures: vec![false, true], new_tokens: 4, budget }
}

#[test]
fn each_combination_is_measured_the_least_work_first() {
    let mut model = model("tied");
    let wanted = wanted(Duration::from_secs(600));
    let mut told = Vec::new();
    let measured = measure(model.generator(), &wanted, &mut |one| told.push(one.clone())).unwrap();
    assert_eq!(told, measured);
    let config = model.generator().network().config().clone();
    assert!(wanted.left_out(&config, &measured).is_empty());
    let cases: Vec<Case> = measured.iter().map(Measured::case).collect();
    let case = |tokens, batch, has_picture| Case { tokens, batch, has_picture };
    assert_eq!(
        cases,
        [
            case(16, 1, false),
            case(16, 2, false),
            case(160, 1, false),
            case(160, 1, true),
            case(160, 2, false),
            case(160, 2, true),
            case(508, 1, false),
            case(508, 1, true),
            case(508, 2, false),
            case(508, 2, true),
        ],
        "lengths are capped, and a picture needs 150 tokens"
    );
    for one in &measured {
        assert!(one.prefill_tokens_per_s > 0.0 && one.decode_tokens_per_s > 0.0 && one.context == 512, "{one:?}");
        assert_eq!(one.vision_ms > 0.0, one.has_picture, "{one:?}");
    }
    let told = serde_json::to_value(&measured[3]).unwrap();
    assert_eq!((&told["tokens"], &told["has_picture"]), (&160.into(), &true.into()));
}

#[test]
fn what_there_is_no_time_for_is_left_out() {
    let mut model = model("tied");
    let wanted = wanted(Duration::ZERO);
    let measured = measure(model.generator(), &wanted, &mut |_| ()).unwrap();
    assert_eq!(measured, []);
    let config = model.generator().network().config().clone();
    assert_eq!(wanted.left_out(&config, &measured), wanted.cases(&config));
    assert_eq!(wanted.cases(&config).len(), 10);
}

#[test]
fn a_model_that_was_measured_goes_on_as_before() {
    let mut model = model("tied");
    let Batching { single_tokens_per_s, batched_tokens_per_s } = batching(model.generator(), 3).unwrap();
    assert!(single_tokens_per_s > 0.0 && batched_tokens_per_s > 0.0);
    let asked = [question("Where are the stairs?")];
    let cached = [0, 1].map(|_| model.answer(&asked).remove(0).unwrap().tokens_cached);
    assert!(cached[0] == 0 && cached[1] > 0, "{cached:?}");
}

#[test]
fn sizes_are_known_by_name() {
    assert_eq!(Size::ALL.map(Size::name), ["184m", "2b", "4b", "8b"]);
    assert!(Size::ALL.iter().all(|size| Size::named(&size.name().to_uppercase()) == Some(*size)));
    assert_eq!(Size::named("3b"), None);
}
