//! The lines at the end of a run: what was asked, what was done, and what to look at next.

use crate::config::Run;
use crate::log_scan::{ModelTally, SkillTally};
use crate::supervisor::Outcome;
use std::fmt::Write as _;
use std::path::Path;
use wire::control::Summary;

/// The lines, each ended.
pub fn text(asked: &Run, outcome: &Outcome, run_dir: &Path, log: Option<&Path>) -> String {
    let Outcome { summary: done, games, skills, models, .. } = outcome;
    let mut text = String::new();
    let verdict = if done.complete { "done" } else { "not done" };
    let _ = writeln!(text, "asked     {}", wishes(asked));
    let _ = writeln!(text, "{verdict:<9} {}", done.reason);
    let _ = writeln!(
        text,
        "reached   {} floors, best floor {}, {} steps, {} turns, {} lives ended",
        done.floors, done.best_floor, done.steps, done.turns, done.episodes
    );
    for (instance, game) in games.iter().enumerate().filter(|_| games.len() > 1) {
        let Summary { floors, best_floor, steps, turns, episodes, reason, .. } = game;
        let _ = writeln!(
            text,
            "game {instance:<4} {floors} floors, best floor {best_floor}, {steps} steps, {turns} turns, {episodes} lives ended: {reason}"
        );
    }
    for (name, (middle, late, most)) in
        [("overhead", done.overhead_us), ("capture", done.capture_us), ("decode", done.decode_us)]
    {
        if most > 0 {
            let _ = writeln!(text, "{name:<9} p50 {middle} µs, p99 {late} µs, max {most} µs a step");
        }
    }
    if let Some((pictures, differing)) = done.compared {
        let _ = writeln!(text, "eyes      {pictures} pictures compared with memory, {differing} values differed");
    }
    text.push_str(&of_models(models));
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

/// Who decided, and what that took; nothing where no model was to be asked.
fn of_models(models: &ModelTally) -> String {
    let ModelTally { asked, saved, planner, answered, failed, tokens_in, tokens_out, cost } = models;
    if asked + saved + planner + answered + failed == 0 {
        return String::new();
    }
    let cost = if *cost > 0.0 { format!(", cost {cost:.4}") } else { String::new() };
    format!(
        "models    asked for {asked} decisions, {saved} known from before, {planner} left to the planner\n\
         calls     {answered} answered, {failed} failed; {tokens_in} tokens read, {tokens_out} written{cost}\n"
    )
}

/// What was done in all games of a run together. Of percentiles, which cannot be added, it is those of the worst game.
pub fn of_all(games: &[Summary]) -> Summary {
    let Some((first, others)) = games.split_first() else { return Summary::default() };
    let mut all = first.clone();
    let worst = |one: &mut (u64, u64, u64), other: (u64, u64, u64)| {
        *one = (one.0.max(other.0), one.1.max(other.1), one.2.max(other.2));
    };
    for game in others {
        all.complete &= game.complete;
        all.steps += game.steps;
        all.floors += game.floors;
        all.best_floor = all.best_floor.max(game.best_floor);
        all.episodes += game.episodes;
        all.turns += game.turns;
        all.ineffective_steps += game.ineffective_steps;
        all.busy += game.busy;
        all.compared = match (all.compared, game.compared) {
            (Some(one), Some(other)) => Some((one.0 + other.0, one.1 + other.1)),
            (one, other) => one.or(other),
        };
        worst(&mut all.overhead_us, game.overhead_us);
        worst(&mut all.capture_us, game.capture_us);
        worst(&mut all.decode_us, game.decode_us);
    }
    all.reason = reasons(games);
    all
}

/// Why games ended, each reason once, with how many ended so where they differ.
fn reasons(games: &[Summary]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for game in games {
        match counted.iter_mut().find(|(reason, _)| *reason == game.reason) {
            Some((_, count)) => *count += 1,
            None => counted.push((&game.reason, 1)),
        }
    }
    if let [(reason, _)] = counted[..] {
        return reason.to_string();
    }
    let counted = counted.into_iter().map(|(reason, count)| format!("{reason} ({count} of {} games)", games.len()));
    counted.collect::<Vec<_>>().join(", ")
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
    let wishes = if wishes.is_empty() { "no end".to_string() } else { wishes.join(" or ") };
    match asked.instances {
        1 => wishes,
        games => format!("{games} games, each: {wishes}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn told(summary: Summary, games: Vec<Summary>) -> String {
        let outcome = Outcome { summary, games, ..Outcome::default() };
        text(&Config::built_in().run, &outcome, Path::new("runs/x"), Some(Path::new("runs/x/telemetry.jsonl")))
    }

    #[test]
    fn models_are_told_of_where_any_was_to_be_asked() {
        assert_eq!(of_models(&ModelTally::default()), "");
        let models = ModelTally { asked: 30, saved: 90, planner: 2, answered: 31, failed: 1, ..ModelTally::default() };
        let models = ModelTally { tokens_in: 40_000, tokens_out: 900, cost: 0.0125, ..models };
        assert_eq!(
            of_models(&models),
            "models    asked for 30 decisions, 90 known from before, 2 left to the planner\n\
             calls     31 answered, 1 failed; 40000 tokens read, 900 written, cost 0.0125\n"
        );
    }

    #[test]
    fn an_unfinished_run_says_how_to_go_on() {
        let done = Summary { reason: "stopped".into(), floors: 2, overhead_us: (80, 300, 900), ..Summary::default() };
        let text = told(done, Vec::new());
        assert!(text.starts_with("asked     5 floors\nnot done  stopped\nreached   2 floors"), "{text}");
        assert!(text.contains("overhead  p50 80 µs, p99 300 µs, max 900 µs"), "{text}");
        assert!(text.ends_with("go on     agent run --resume runs/x\n"), "{text}");
    }

    #[test]
    fn several_games_are_added_up_and_told_one_by_one() {
        let game = |complete, steps, best_floor, overhead_us| Summary {
            complete,
            reason: if complete { "floors reached" } else { "stopped" }.to_string(),
            steps,
            floors: best_floor,
            best_floor,
            overhead_us,
            busy: 1,
            ..Summary::default()
        };
        let games =
            [game(true, 100, 3, (5, 90, 100)), game(false, 40, 1, (7, 80, 300)), game(true, 60, 3, (6, 20, 30))];
        let all = of_all(&games);
        assert_eq!((all.complete, all.steps, all.floors, all.best_floor, all.busy), (false, 200, 7, 3, 3));
        assert_eq!(all.overhead_us, (7, 90, 300));
        assert_eq!(all.reason, "floors reached (2 of 3 games), stopped (1 of 3 games)");
        assert_eq!(of_all(&[games[0].clone(), games[2].clone()]).reason, "floors reached");
        let text = told(all, games.to_vec());
        let told = "game 1    1 floors, best floor 1, 40 steps, 0 turns, 0 lives ended: stopped\n";
        assert!(text.contains(told), "{text}");
        assert_eq!(of_all(&games[..1]), games[0]);
    }

    #[test]
    fn a_run_that_is_done_needs_no_continuation() {
        let done = Summary { complete: true, ..Summary::default() };
        let text = told(done, Vec::new());
        assert!(text.contains("\ndone ") && !text.contains("resume"), "{text}");
    }
}
