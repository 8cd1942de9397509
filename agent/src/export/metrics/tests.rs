//! Lines and the numbers that they make.

use super::*;
use crate::export::news::samples::{call, line, step};

fn metrics() -> Metrics {
    Metrics::new(&About { run: "r".to_string(), brain: "planner".to_string(), instances: 2 })
}

fn told(metrics: &Metrics, wanted: &str) -> Option<f64> {
    let text = metrics.instruments().text();
    let found = text.lines().find_map(|line| line.strip_prefix(wanted)?.strip_prefix(' '));
    found.and_then(|value| value.parse().ok())
}

fn after(news: &[News]) -> Metrics {
    let mut metrics = metrics();
    news.iter().for_each(|news| metrics.take(news, 100));
    metrics
}

#[test]
fn steps_are_counted_by_game_with_their_times() {
    let by_model =
        step(1, 2, |step| (step.source, step.fallback) = (Some("exact".to_string()), Some("late".to_string())));
    let metrics = after(&[step(1, 1, |_| {}), by_model]);
    let expected = [
        ("pocketpilot_steps_total{game=\"0\"}", 0.0),
        ("pocketpilot_steps_total{game=\"1\"}", 2.0),
        ("pocketpilot_decisions_total{game=\"1\",source=\"planner\"}", 1.0),
        ("pocketpilot_decisions_total{game=\"1\",source=\"exact\"}", 1.0),
        ("pocketpilot_fallbacks_total{cause=\"late\",game=\"1\"}", 1.0),
        ("pocketpilot_step_duration_seconds_count{game=\"1\"}", 2.0),
        ("pocketpilot_step_duration_seconds_sum{game=\"1\"}", 0.004),
        ("pocketpilot_step_duration_seconds_bucket{game=\"1\",le=\"0.001\"}", 0.0),
        ("pocketpilot_step_duration_seconds_bucket{game=\"1\",le=\"0.0025\"}", 2.0),
        ("pocketpilot_step_part_duration_seconds_count{game=\"1\",part=\"recall\"}", 2.0),
        ("pocketpilot_log_written_bytes_total", 200.0),
        ("pocketpilot_events_total{level=\"info\"}", 2.0),
        ("pocketpilot_log_torn_total", 0.0),
    ];
    for (name, value) in expected {
        assert_eq!(told(&metrics, name), Some(value), "{name}\n{}", metrics.instruments().text());
    }
}

#[test]
fn calls_of_models_are_counted_by_tier_and_by_the_semantic_conventions() {
    let metrics = after(&[call(1, "answered"), call(2, "answered"), call(3, "late")]);
    let asked = "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\",gen_ai_request_model=\"small\"";
    let expected = [
        ("pocketpilot_model_calls_total{model=\"small\",outcome=\"answered\",tier=\"local\"}".to_string(), 2.0),
        ("pocketpilot_model_calls_total{model=\"small\",outcome=\"late\",tier=\"local\"}".to_string(), 1.0),
        (
            "pocketpilot_model_tokens_total{gen_ai_token_type=\"input\",model=\"small\",tier=\"local\"}".to_string(),
            1_800.0,
        ),
        ("pocketpilot_model_cost_total{model=\"small\",tier=\"local\"}".to_string(), 0.75),
        (
            format!(
                "gen_ai_client_token_usage_sum{{{asked},gen_ai_response_model=\"small\",gen_ai_token_type=\"output\"}}"
            ),
            60.0,
        ),
        (
            format!(
                "gen_ai_client_operation_duration_seconds_count{{error_type=\"late\",{asked},gen_ai_response_model=\"\"}}"
            ),
            1.0,
        ),
    ];
    for (name, value) in expected {
        assert_eq!(told(&metrics, &name), Some(value), "{name}\n{}", metrics.instruments().text());
    }
}

#[test]
fn processor_time_goes_on_over_the_lives_of_a_process() {
    let sampled = |child_pid, cpu_ms| {
        let (role, resident_bytes) = ("skills".to_string(), 5 << 20);
        line(None, None, Event::ProcessSampled { role, child_pid, resident_bytes, cpu_ms, threads: 3, descriptors: 9 })
    };
    let exited = Event::ProcessExited {
        role: "skills".into(),
        child_pid: 1,
        epoch: 1,
        cause: "signal 9".into(),
        expected: false,
    };
    let metrics = after(&[sampled(1, 500), sampled(1, 750), line(None, None, exited), sampled(2, 250)]);
    let of = |name: &str| told(&metrics, &format!("pocketpilot_process_{name}{{game=\"\",role=\"skills\"}}"));
    assert_eq!(of("cpu_seconds_total"), Some(1.0));
    assert_eq!((of("up"), of("memory_bytes")), (Some(1.0), Some(5_242_880.0)));
}

#[test]
fn an_alert_is_raised_until_it_is_cleared() {
    let (alert, detail) = ("stuck".to_string(), String::new());
    let raised = line(Some(0), None, Event::AlertRaised { alert: alert.clone(), detail: detail.clone() });
    let cleared = line(Some(0), None, Event::AlertCleared { alert, detail });
    let name = "pocketpilot_alert_raised{alert=\"stuck\",game=\"0\"}";
    assert_eq!(told(&after(std::slice::from_ref(&raised)), name), Some(1.0));
    assert_eq!(told(&after(&[raised, cleared]), name), Some(0.0));
}

#[test]
fn every_metric_is_documented_under_both_its_names() {
    let documented = include_str!("../../../../docs/exports.md");
    for definition in metrics().instruments().definitions() {
        for name in [definition.name, &definition.prometheus_name()] {
            assert!(documented.contains(&format!("| `{name}` |")), "docs/exports.md does not list {name}");
        }
    }
    assert!(documented.contains(gen_ai::SEMANTIC_CONVENTIONS));
}
