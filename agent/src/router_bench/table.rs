//! The figures of `agent bench router` as a person reads them.

use serde_json::Value;
use std::fmt::Write as _;

/// A few tables.
pub fn table(figures: &Value) -> String {
    let mut text = String::new();
    let play = &figures["play"];
    let _ = writeln!(
        text,
        "recorded play: {} games, {} steps, {} with something to choose",
        play["games"], play["steps"], play["choices"]
    );
    for name in ["remote", "batched"] {
        compared(name, &figures[name], &mut text);
    }
    saved(&figures["saved"], &mut text);
    text.push_str("\nwaiting while the model is free, with the way to it\n");
    for name in ["cheap", "batched"] {
        let found = &figures["waiting"][name];
        let wait = &found["wait_us"];
        let _ = writeln!(
            text,
            "  {name:<8} p50 {} p99 {} max {} of {} questions ({})",
            milliseconds(&wait["p50"]),
            milliseconds(&wait["p99"]),
            milliseconds(&wait["max"]),
            found["decisions"],
            words(&found["model"])
        );
    }
    overloaded(&figures["overload"], &mut text);
    text
}

fn compared(name: &str, found: &Value, text: &mut String) {
    let _ = writeln!(text, "\n{name}: {}", words(&found["model"]));
    let base = number(&found["sequential"]["per_s"]);
    let _ = writeln!(text, "  one blocking call a decision: {base:.2} decisions/s");
    let _ = writeln!(text, "  games   router/s    times   cached/s    times   calls saved   differing");
    for (count, arms) in found["games"].as_object().into_iter().flatten() {
        let (plain, cached) = (&arms["router"], &arms["cached"]);
        let _ = writeln!(
            text,
            "  {count:>5} {:>10.2} {:>8.2} {:>10.2} {:>8.2} {:>11.1} % {:>9.2} %",
            number(&plain["per_s"]),
            number(&plain["times_sequential"]),
            number(&cached["per_s"]),
            number(&cached["times_sequential"]),
            100.0 * number(&cached["saved_share"]),
            100.0 * number(&cached["differing_share"]),
        );
    }
}

fn saved(found: &Value, text: &mut String) {
    let _ = writeln!(
        text,
        "\ncalls saved over all games: {:.1} % ({} calls for {} decisions); {:.2} % of the decisions differ from the model's",
        100.0 * number(&found["saved_share"]),
        found["calls"],
        found["decisions"],
        100.0 * number(&found["differing_share"]),
    );
    let sources = found["by_source"].as_object().into_iter().flatten();
    let sources: Vec<String> = sources.map(|(source, count)| format!("{source} {count}")).collect();
    let _ = writeln!(text, "  by source: {}", sources.join(", "));
}

fn overloaded(found: &Value, text: &mut String) {
    let _ = writeln!(text, "\nten times too much asked, half of it by one game: {}", words(&found["model"]));
    let causes = found["fallbacks"].as_object().into_iter().flatten();
    let causes: Vec<String> = causes.map(|(cause, count)| format!("{cause} {count}")).collect();
    let _ = writeln!(text, "  {} asked, {} decided; {}", found["asked"], found["decisions"], causes.join(", "));
    let _ = writeln!(
        text,
        "  slowest game {:.2} of its fair share; {} waited at most, of {} that may; memory grew by {:.1} MiB",
        number(&found["slowest_of_fair_share"]),
        found["most_waiting"],
        found["waiting_max"],
        number(&found["grew_by_kib"]) / 1024.0,
    );
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn milliseconds(microseconds: &Value) -> String {
    format!("{:.2} ms", number(microseconds) / 1_000.0)
}
