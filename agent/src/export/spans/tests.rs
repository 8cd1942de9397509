//! Steps as traces.

use super::*;
use crate::export::news::samples::{call, step};
use std::collections::BTreeSet;

fn told(span: &Span, key: &str) -> Option<AnyValue> {
    span.attributes.iter().find(|attribute| attribute.key == key).and_then(|attribute| attribute.value.clone())
}

#[test]
fn a_step_is_a_trace_with_its_parts_one_after_the_other() {
    let spans = Tracer::new("run", false).take(&step(2, 5, |_| {}));
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["step", "capture", "decode", "skill", "apply"], "what took no time is not there");
    let (root, parts) = spans.split_first().expect("there are spans");
    assert_eq!(root.end_time_unix_nano - root.start_time_unix_nano, 2_000_000);
    assert!(root.parent_span_id.is_empty() && root.trace_id.len() == 16 && root.span_id.len() == 8);
    let mut at = root.start_time_unix_nano;
    for (part, took) in parts.iter().zip([10_000, 20_000, 300_000, 70_000]) {
        assert_eq!((&part.trace_id, &part.parent_span_id), (&root.trace_id, &root.span_id));
        assert_eq!((part.start_time_unix_nano, part.end_time_unix_nano), (at, at + took));
        at += took;
    }
    let ids: BTreeSet<&[u8]> = spans.iter().map(|span| &span.span_id[..]).collect();
    assert_eq!(ids.len(), spans.len());
    assert_eq!(told(root, "pocketpilot.game"), number("", 2).value);
    assert_eq!(told(root, "pocketpilot.skill"), text("", "explore").value);
}

#[test]
fn calls_belong_to_the_trace_of_their_step_whichever_is_read_first() {
    let mut tracer = Tracer::new("run", false);
    let call = tracer.take(&call(5, "answered"));
    let done = tracer.take(&step(0, 5, |_| {}));
    assert_eq!((&call[0].trace_id, &call[0].parent_span_id), (&done[0].trace_id, &done[0].span_id));
    for other in [step(1, 5, |_| {}), step(0, 6, |_| {})] {
        assert_ne!(tracer.take(&other)[0].trace_id, done[0].trace_id);
    }
    assert_ne!(Tracer::new("other", false).take(&step(0, 5, |_| {}))[0].trace_id, done[0].trace_id);
}

#[test]
fn the_words_of_a_model_are_told_only_where_that_is_asked_for() {
    let by_model = step(0, 1, |step| (step.tier, step.reason) = (Some("local".to_string()), "its words".to_string()));
    assert_eq!(told(&Tracer::new("run", false).take(&by_model)[0], "pocketpilot.reason"), None);
    assert_eq!(told(&Tracer::new("run", true).take(&by_model)[0], "pocketpilot.reason"), text("", "its words").value);
    let by_rules = step(0, 1, |_| {});
    assert!(told(&Tracer::new("run", false).take(&by_rules)[0], "pocketpilot.reason").is_some());
}

#[test]
fn parts_that_say_they_took_longer_than_their_step_end_with_it() {
    let spans = Tracer::new("run", false).take(&step(0, 1, |step| step.latency.skill_us = u64::MAX));
    assert!(spans.iter().all(|span| span.end_time_unix_nano <= spans[0].end_time_unix_nano));
}
