//! The report's text.

use super::compare::Comparison;
use super::tally::{PARTS, Tally, Times};
use crate::trend::{self, Trend};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const MIB: f64 = (1 << 20) as f64;
/// What grows in a shorter time may still be filling up.
const FILLING_S: f64 = 600.0;
/// Causes of deaths, faults and the like that are listed at most.
const ROWS_MAX: usize = 20;

/// Writes the report. `charts`: titles and files; `other`: the name of the run that it is compared with.
pub fn write(tally: &Tally, charts: &[(&str, &str)], compared: Option<(&str, &[Comparison])>) -> String {
    let mut text = format!("# Run {}\n\n", tally.name);
    if !tally.what.is_empty() {
        let _ = writeln!(text, "{}\n", tally.what);
    }
    let duration_s = tally.duration_s();
    let end = match &tally.end {
        Some((true, reason)) => format!("done: {reason}"),
        Some((false, reason)) => format!("not done: {reason}"),
        None => "no end in the log: it goes on, or was cut off".to_string(),
    };
    let (lines, torn) = tally.lines;
    let rate = tally.steps() as f64 / duration_s.max(1e-9);
    let torn = if torn > 0 { format!(", {torn} torn ones skipped") } else { String::new() };
    let _ = writeln!(
        text,
        "- {end}\n- {} steps in {duration_s:.1} s, {rate:.1} a second\n- {lines} lines{torn}\n",
        tally.steps()
    );
    if let Some((other, comparisons)) = compared {
        comparison(&mut text, other, comparisons);
    }
    where_time_went(&mut text, tally);
    play(&mut text, tally);
    skills(&mut text, tally);
    models(&mut text, tally);
    processes(&mut text, tally);
    counts(&mut text, "What went wrong", "what", &tally.faults);
    if !charts.is_empty() {
        text.push_str("## Charts\n\n");
        for (title, file) in charts {
            let _ = writeln!(text, "![{title}]({file})\n");
        }
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn comparison(text: &mut String, other: &str, comparisons: &[Comparison]) {
    let _ = writeln!(text, "## Compared with {other}\n");
    text.push_str("| | this run | the other | ratio | 95 % interval | |\n|---|---:|---:|---:|---|---|\n");
    for Comparison { name, this, other, ratio, low, high, verdict } in comparisons {
        let _ = writeln!(
            text,
            "| {name} | {this:.1} | {other:.1} | {ratio:.3} | {low:.3} to {high:.3} | {} |",
            verdict.text()
        );
    }
    text.push('\n');
}

fn where_time_went(text: &mut String, tally: &Tally) {
    if tally.steps() == 0 {
        return;
    }
    text.push_str("## Where the time of a step went\n\n| part | share | mean | p50 | p90 | p99 | most |\n|---|---:|---:|---:|---:|---:|---:|\n");
    let whole = tally.total.sum_us.max(1) as f64;
    let mut row = |name: &str, times: &Times| {
        let at = |percent| time(times.spread.at(percent) as f64);
        let (_, _, most) = times.spread.summary();
        let share = 100.0 * times.sum_us as f64 / whole;
        let mean = time(times.mean_us());
        let (p50, p90, p99, most) = (at(50), at(90), at(99), time(most as f64));
        let _ = writeln!(text, "| {name} | {share:.1} % | {mean} | {p50} | {p90} | {p99} | {most} |");
    };
    PARTS.iter().zip(&tally.parts).for_each(|(name, times)| row(name, times));
    row("overhead", &tally.overhead);
    row("**whole step**", &tally.total);
    text.push_str(
        "\nAs measured in the run: `emulator` is its frames and states, `inference` the router with its models, `websocket` the way of the \
         keys to the emulator and back, `rest` what no part claims; `overhead` is all but the emulator and the models.\n\n",
    );
}

fn play(text: &mut String, tally: &Tally) {
    text.push_str("## Play\n\n");
    let best = tally.floors.iter().map(|(_, _, floor)| *floor).max().unwrap_or(0);
    let _ = writeln!(
        text,
        "- {} floors reached, the highest {best}; {} steps had no effect",
        tally.floors.len(),
        tally.ineffective
    );
    let decided: Vec<String> = tally.brains.iter().map(|(brain, steps)| format!("{brain} {steps}")).collect();
    let _ =
        writeln!(text, "- decided by: {}", if decided.is_empty() { "nobody".to_string() } else { decided.join(", ") });
    let _ = writeln!(text, "- {} lives ended\n", tally.lives.len());
    if !tally.lives.is_empty() {
        let mut causes: BTreeMap<(&str, &str), (u64, u64, u32)> = BTreeMap::new();
        for life in &tally.lives {
            let (lives, turns, floors) = causes.entry((&life.outcome, &life.message)).or_default();
            (*lives, *turns, *floors) = (*lives + 1, *turns + life.turns, *floors + life.floor);
        }
        text.push_str(
            "| life ended | the game said last | lives | mean floor | mean turns |\n|---|---|---:|---:|---:|\n",
        );
        let mut causes: Vec<_> = causes.into_iter().collect();
        causes.sort_by_key(|(_, (lives, ..))| std::cmp::Reverse(*lives));
        for ((outcome, message), (lives, turns, floors)) in causes.into_iter().take(ROWS_MAX) {
            let mean = |sum: f64| sum / lives as f64;
            let (floor, turns) = (mean(f64::from(floors)), mean(turns as f64));
            let _ = writeln!(text, "| {outcome} | {} | {lives} | {floor:.1} | {turns:.0} |", cell(message));
        }
        text.push('\n');
    }
}

fn skills(text: &mut String, tally: &Tally) {
    if tally.skills.is_empty() {
        return;
    }
    text.push_str("## Skills\n\n| skill | runs | success | failure | interrupted | fault | steps |\n|---|---:|---:|---:|---:|---:|---:|\n");
    for (name, runs) in &tally.skills {
        let of = |outcome: &str| runs.outcomes.get(outcome).copied().unwrap_or(0);
        let all: u64 = runs.outcomes.values().sum();
        let [success, failure, interrupted, fault] = ["success", "failure", "interrupted", "fault"].map(of);
        let steps = runs.steps;
        let _ =
            writeln!(text, "| {} | {all} | {success} | {failure} | {interrupted} | {fault} | {steps} |", cell(name));
    }
    text.push('\n');
}

fn models(text: &mut String, tally: &Tally) {
    let decisions: u64 = tally.sources.values().sum();
    if decisions > 0 {
        text.push_str("## Decisions of the router\n\n| source | decisions | share |\n|---|---:|---:|\n");
        for (source, count) in &tally.sources {
            let _ = writeln!(text, "| {source} | {count} | {:.1} % |", 100.0 * *count as f64 / decisions as f64);
        }
        text.push('\n');
    }
    if !tally.tiers.is_empty() {
        text.push_str("## Tiers\n\n| tier | calls | p50 | p90 | p99 | tokens read | of these kept | written | cost |\n|---|---|---:|---:|---:|---:|---:|---:|---:|\n");
        for (name, calls) in &tally.tiers {
            let outcomes: Vec<String> =
                calls.outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
            let at = |percent| time(calls.took.spread.at(percent) as f64);
            let (read, kept, written) = calls.tokens;
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {read} | {kept} | {written} | {:.4} |",
                cell(name),
                outcomes.join(", "),
                at(50),
                at(90),
                at(99),
                calls.cost
            );
        }
        text.push('\n');
    }
    counts(text, "Why the planner decided instead", "why", &tally.fallbacks);
    counts(text, "Questions to experience", "outcome", &tally.recalls);
}

fn processes(text: &mut String, tally: &Tally) {
    if tally.processes.is_empty() {
        return;
    }
    text.push_str("## Processes\n\n| process | lives | memory at first, MiB | at last | most | processor | memory over time |\n|---|---:|---:|---:|---:|---:|---|\n");
    for ((role, instance), samples) in &tally.processes {
        let name = if *instance > 0 { format!("{role} {instance}") } else { role.clone() };
        let lives = 1 + samples.windows(2).filter(|pair| pair[0].pid != pair[1].pid).count();
        let mib = |bytes: Option<u64>| bytes.unwrap_or(0) as f64 / MIB;
        let bytes = || samples.iter().map(|sample| sample.resident_bytes);
        let (first, last, most) = (mib(bytes().next()), mib(bytes().next_back()), mib(bytes().max()));
        let verdict = match trend::of_memory(samples) {
            Trend::Unknown => "too few samples to tell".to_string(),
            Trend::Steady => "steady".to_string(),
            Trend::Growing { seconds, .. } if seconds < FILLING_S => {
                "grew; too short to tell whether it only fills up".to_string()
            }
            Trend::Growing { least, most, .. } => {
                let an_hour = |bytes_a_second: f64| bytes_a_second * 3_600.0 / MIB;
                format!("**grows** by {:.1} to {:.1} MiB an hour", an_hour(least), an_hour(most))
            }
        };
        let busy = samples.windows(2).filter(|pair| pair[0].pid == pair[1].pid);
        let (cpu_ms, wall_s) = busy.fold((0, 0.0), |(cpu_ms, wall_s), pair| {
            (cpu_ms + (pair[1].cpu_ms - pair[0].cpu_ms.min(pair[1].cpu_ms)), wall_s + pair[1].at_s - pair[0].at_s)
        });
        let busy = if wall_s > 0.0 { format!("{:.1} %", cpu_ms as f64 / wall_s / 10.0) } else { "–".to_string() };
        let _ = writeln!(text, "| {name} | {lives} | {first:.1} | {last:.1} | {most:.1} | {busy} | {verdict} |");
    }
    text.push('\n');
}

fn counts(text: &mut String, title: &str, head: &str, counts: &BTreeMap<String, u64>) {
    if counts.is_empty() {
        return;
    }
    let _ = writeln!(text, "## {title}\n\n| {head} | times |\n|---|---:|");
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (name, count) in counts.into_iter().take(ROWS_MAX) {
        let _ = writeln!(text, "| {} | {count} |", cell(name));
    }
    text.push('\n');
}

/// Text that does not end a table's cell.
fn cell(text: &str) -> String {
    if text.is_empty() { "–".to_string() } else { text.replace('|', "\\|").replace('\n', " ") }
}

fn time(us: f64) -> String {
    match us {
        us if us < 1e3 => format!("{us:.0} µs"),
        us if us < 1e6 => format!("{:.2} ms", us / 1e3),
        us => format!("{:.2} s", us / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tally::Life;

    #[test]
    fn deaths_are_told_by_what_the_game_said_last() {
        let life = |floor, message: &str| Life {
            instance: 0,
            outcome: "fainted".into(),
            floor,
            turns: 100,
            message: message.into(),
        };
        let lives = vec![life(3, "Rat hits Moss. 9 damage."), life(5, "Rat hits Moss. 9 damage."), life(2, "a|b")];
        let text = write(&Tally { lives, ..Tally::default() }, &[], None);
        assert!(text.contains("| fainted | Rat hits Moss. 9 damage. | 2 | 4.0 | 100 |"), "{text}");
        assert!(text.contains("| fainted | a\\|b | 1 | 2.0 | 100 |"), "{text}");
        assert!(text.contains("3 lives ended") && text.contains("no end in the log"), "{text}");
    }
}
