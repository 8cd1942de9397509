//! `agent bench router` measures what it says, with the real router on recorded play.

use serde_json::Value;
use std::process::Command;
use tests::program::executable;

#[test]
fn the_router_is_measured_against_one_blocking_call_a_decision() {
    let arguments = ["bench", "router", "--quick", "--json", "--instances", "1,4", "--runs", "4", "--steps", "80"];
    let arguments = [&arguments[..], &["--decisions", "2"]].concat();
    let output = Command::new(executable()).args(&arguments).output().expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("it prints one JSON object");
    assert_eq!((&report["bench"], report["optimised"].is_boolean()), (&Value::from("router"), true));
    let figures = &report["figures"];
    assert_eq!((&figures["play"]["games"], &figures["play"]["steps"]), (&4.into(), &320.into()), "{figures}");
    let count = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{value} is no count: {figures}"));
    for name in ["remote", "batched"] {
        let found = &figures[name];
        assert!(found["sequential"]["per_s"].as_f64().is_some_and(|rate| rate > 0.0), "{found}");
        for games in ["1", "4"] {
            let (plain, cached) = (&found["games"][games]["router"], &found["games"][games]["cached"]);
            for arm in [plain, cached] {
                assert!(count(&arm["decisions"]) > 0 && arm["times_sequential"].is_number(), "{arm}");
                assert_eq!((count(&arm["answers_of_another_step"]), &arm["fallbacks"]), (0, &serde_json::json!({})));
            }
            // Without caches every decision is a call of its own, and what the model says is what is done.
            assert_eq!(count(&plain["calls"]), count(&plain["decisions"]), "{plain}");
            assert_eq!((count(&plain["differing"]), &plain["by_source"]["model"]), (0, &plain["decisions"]));
        }
    }
    let saved = &figures["saved"];
    assert_eq!(count(&saved["decisions"]), count(&figures["play"]["choices"]), "{saved}");
    let sources = saved["by_source"].as_object().expect("the sources are named");
    assert_eq!(sources.values().map(count).sum::<u64>(), count(&saved["decisions"]), "{saved}");
    assert!(count(&saved["calls"]) * 2 < count(&saved["decisions"]), "at least every other call is saved: {saved}");
    for name in ["cheap", "batched"] {
        assert!(count(&figures["waiting"][name]["wait_us"]["p99"]) > 0, "{}", figures["waiting"]);
    }
    let overload = &figures["overload"];
    assert!(count(&overload["fallbacks"]["busy"]) > count(&overload["decisions"]), "{overload}");
    assert!(count(&overload["most_waiting"]) <= count(&overload["waiting_max"]), "{overload}");
    assert!(overload["slowest_of_fair_share"].as_f64().is_some_and(|share| share >= 0.5), "{overload}");
}
