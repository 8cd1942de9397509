//! The lines at the end of a run: what was asked, what was done, and what to look at next.

use crate::config::Run;
use crate::log_scan::SkillTally;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use wire::control::Summary;

/// The lines, each ended.
pub fn text(
    asked: &Run,
    done: &Summary,
    skills: &BTreeMap<String, SkillTally>,
    run_dir: &Path,
    log: Option<&Path>,
) -> String {
    let mut text = String::new();
    let verdict = if done.complete { "done" } else { "not done" };
    let _ = writeln!(text, "asked     {}", wishes(asked));
    let _ = writeln!(text, "{verdict:<9} {}", done.reason);
    let _ = writeln!(
        text,
        "reached   {} floors, best floor {}, {} steps, {} turns, {} lives ended",
        done.floors, done.best_floor, done.steps, done.turns, done.episodes
    );
    for (name, (middle, late, most)) in
        [("overhead", done.overhead_us), ("capture", done.capture_us), ("decode", done.decode_us)]
    {
        if most > 0 {
            let _ = writeln!(text, "{name:<9} p50 {middle} µs, p99 {late} µs, max {most} µs a step");
        }
    }
    if !skills.is_empty() {
        let _ = writeln!(
            text,
            "skills    {:<24}{:>6}{:>8}{:>9}{:>8}{:>8}{:>9}",
            "", "runs", "success", "cut off", "failed", "faults", "steps"
        );
    }
    for (name, SkillTally { runs, successes, interrupted, faults, steps }) in skills {
        let failed = runs - successes - interrupted - faults;
        let _ = writeln!(
            text,
            "          {name:<24}{runs:>6}{successes:>8}{interrupted:>9}{failed:>8}{faults:>8}{steps:>9}"
        );
    }
    let Some(log) = log else { return text };
    let _ = writeln!(text, "log       {}", log.display());
    let _ = writeln!(text, "look      tail -F {} | jq", log.display());
    if !done.complete {
        let _ = writeln!(text, "go on     agent run --resume {}", run_dir.display());
    }
    text
}

fn wishes(asked: &Run) -> String {
    let mut wishes = Vec::new();
    if asked.floors > 0 {
        wishes.push(format!("{} floors", asked.floors));
    }
    if asked.steps > 0 {
        wishes.push(format!("{} steps", asked.steps));
    }
    if asked.one_life {
        wishes.push("one life".to_string());
    }
    if wishes.is_empty() { "no end".to_string() } else { wishes.join(" or ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn an_unfinished_run_says_how_to_go_on() {
        let done = Summary { reason: "stopped".into(), floors: 2, overhead_us: (80, 300, 900), ..Summary::default() };
        let text = text(
            &Config::built_in().run,
            &done,
            &BTreeMap::new(),
            Path::new("runs/x"),
            Some(Path::new("runs/x/telemetry.jsonl")),
        );
        assert!(text.starts_with("asked     5 floors\nnot done  stopped\nreached   2 floors"), "{text}");
        assert!(text.contains("overhead  p50 80 µs, p99 300 µs, max 900 µs"), "{text}");
        assert!(text.ends_with("go on     agent run --resume runs/x\n"), "{text}");
    }

    #[test]
    fn a_run_that_is_done_needs_no_continuation() {
        let done = Summary { complete: true, ..Summary::default() };
        let text = text(
            &Config::built_in().run,
            &done,
            &BTreeMap::new(),
            Path::new("runs/x"),
            Some(Path::new("runs/x/telemetry.jsonl")),
        );
        assert!(text.contains("\ndone ") && !text.contains("resume"), "{text}");
    }
}
