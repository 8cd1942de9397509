//! A line of the log as a line for a person.

use serde_json::Value;
use std::borrow::Cow;
use wire::event::{Event, Latency, StepCompleted};
use wire::log::Line;

/// What a line says, without who wrote it and when; of an event that this program does not know, its fields.
pub fn text(line: &Value) -> String {
    match serde_json::from_value::<Line>(line.clone()) {
        Ok(line) => of_event(&line.event),
        Err(_) => of_fields(line),
    }
}

const COMMON: [&str; 11] =
    ["ts", "seq", "process", "pid", "actor", "level", "instance", "step", "frame", "dur_us", "event"];

fn of_fields(line: &Value) -> String {
    let fields = line.as_object().into_iter().flatten().filter(|(name, _)| !COMMON.contains(&name.as_str()));
    fields.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

/// How many decisions came from where, as a summary of them says; none of any other event.
pub fn sources(event: &Event) -> impl Iterator<Item = (&'static str, u64)> {
    let counted = match *event {
        Event::DecisionSummary { model, exact, similar, shared, kept, planner, .. } => Some([
            ("model", model),
            ("exact", exact),
            ("similar", similar),
            ("shared", shared),
            ("kept", kept),
            ("planner", planner),
        ]),
        _ => None,
    };
    counted.into_iter().flatten()
}

/// The parts of a step that are told of it, and how long they took in microseconds, in their order.
pub fn parts(latency: &Latency) -> [(&'static str, u64); 6] {
    [
        ("capture", latency.capture_us),
        ("decode", latency.decode_us),
        ("recall", latency.recall_us),
        ("route", latency.route_us),
        ("skill", latency.skill_us),
        ("apply", latency.apply_us),
    ]
}

/// What an event says.
pub fn of_event(event: &Event) -> String {
    match event {
        Event::StepCompleted(step) => of_step(step),
        Event::RunStarted { run, version, seed, instances, brain, pace, rom, .. } => {
            let games = if *instances > 1 { format!("{instances} games of ") } else { String::new() };
            format!("run {run}: {games}{rom}, {brain}, {pace}, seed {seed}, version {version}")
        }
        Event::RunResumed { run, steps_done, floors_done, checkpoint } => {
            let from = checkpoint.as_deref().map_or("no checkpoint", file_name);
            format!("run {run} goes on after {steps_done} steps and {floors_done} floors, from {from}")
        }
        Event::RunEnded { complete, reason, steps, floors, best_floor, episodes, turns } => {
            let verdict = if *complete { "done" } else { "not done" };
            format!(
                "{verdict}: {reason}; {steps} steps, {floors} floors, best {best_floor}, {turns} turns, {episodes} lives ended"
            )
        }
        Event::ProcessReady { role, child_pid, epoch, detail } => {
            format!("{role} is ready, process {child_pid}, life {epoch}{}", after(": ", detail))
        }
        Event::ProcessExited { role, child_pid, cause, expected, .. } => {
            let how = if *expected { "ended as asked" } else { "died" };
            format!("{role} {how}: {cause}, process {child_pid}")
        }
        Event::ProcessRestarted { role, child_pid, restarts, delay_ms, .. } => {
            format!("{role} was started again after {delay_ms} ms, process {child_pid}, restart {restarts}")
        }
        Event::ProcessSuspected { role, child_pid, silent_ms, in_flight } => {
            format!("{role} shows no progress for {silent_ms} ms, process {child_pid}, in request {in_flight}")
        }
        Event::ProcessSampled { role, child_pid, resident_bytes, cpu_ms, threads, descriptors } => format!(
            "{role}, process {child_pid}: {} MiB, {:.1} s of a processor, {threads} threads, {descriptors} descriptors",
            resident_bytes >> 20,
            *cpu_ms as f64 / 1e3
        ),
        Event::CircuitOpened { role, restarts, window_s, retry_s } => {
            format!("{role} died {restarts} times in {window_s} s; it is tried again in {retry_s} s")
        }
        Event::EmulatorConnected { backend, core, title, code, profile, epoch, .. } => {
            format!("{title} ({code}) on {backend}, {core}, profile {profile}, life {epoch}")
        }
        Event::EmulatorLost { epoch, cause } => format!("life {epoch}: {cause}"),
        Event::EmulatorSilent { cause, .. } => cause.clone(),
        Event::EmulatorResumed { silent_ms, .. } => format!("frames come again after {silent_ms} ms"),
        Event::EmulatorChanged { what, .. } => what.clone(),
        Event::FrameSummary { frames, fresh, stale, similar, capture_p50_us, capture_p99_us, .. } => format!(
            "{frames} looks: {fresh} new, {stale} without a new frame, {similar} alike; p50 {capture_p50_us} µs, p99 {capture_p99_us} µs"
        ),
        Event::DecisionMade { skill, goal, reason, tier, source, confidence, .. } => {
            let model = tier.as_deref().map(|tier| format!(" (tier {tier}, {})", source.as_deref().unwrap_or("model")));
            let sure = confidence.map(|sure| format!(", confidence {sure:.2}"));
            format!("{skill}: {goal} · {reason}{}{}", model.unwrap_or_default(), sure.unwrap_or_default())
        }
        Event::DecisionSummary { decisions, model, planner, hit_rate, waiting, p50_us, p99_us, .. } => format!(
            "{decisions} decisions: {model} by a model, {planner} left to the planner, caches hit {:.0} %; {waiting} wait; p50 {}, p99 {}",
            hit_rate * 100.0,
            time(*p50_us),
            time(*p99_us)
        ),
        Event::RecallReturned { outcome, reason, count, p50_us, p99_us, .. } => {
            format!("{outcome} {count} times{}; p50 {}, p99 {}", after(": ", reason), time(*p50_us), time(*p99_us))
        }
        Event::LayoutRecognised { floor, memory, tiles } => {
            format!("floor {floor} is laid out as in memory {memory}; {tiles} tiles are known from there")
        }
        Event::MemoriesKept { kept, merged, refused } => format!("{kept} kept, {merged} merged, {refused} refused"),
        Event::MemoriesRetired { space, span, memories } => {
            format!("{memories} forgotten of {space}, clips of {span} steps")
        }
        Event::SilosOpened { space, silos, memories, bytes, refused, took_ms } => {
            let refused = if *refused > 0 { format!(", {refused} refused") } else { String::new() };
            format!("{space}: {silos} silos, {memories} memories, {bytes} bytes{refused}, in {took_ms} ms")
        }
        Event::GenerationPublished { space, span, generation, kind, memories, took_ms, .. } => format!(
            "{space}, clips of {span} steps: generation {generation}, {kind}, {memories} memories, in {took_ms} ms"
        ),
        Event::GenerationRefused { path, message } => format!("{path}: {message}"),
        Event::StatementSlowed { statement, took_us } => format!("{} for {statement}", time(*took_us)),
        Event::ModelCalled { tier, model, outcome, reason, took_us, tokens_in, tokens_out, .. } => format!(
            "{tier} ({model}): {outcome}{} in {}, {tokens_in} tokens read, {tokens_out} written",
            after(", ", reason),
            time(*took_us)
        ),
        Event::ModelProbed { tier, url, model, dialect, problem, took_ms, .. } => match problem {
            Some(problem) => format!("{tier} at {url}: {problem}"),
            None => format!("{tier} at {url}: {model}, {dialect}, in {took_ms} ms"),
        },
        Event::SkillLoaded { skill, version, tier, .. } => format!("{skill} {version} ({tier})"),
        Event::SkillReloaded { skill, version, before, .. } => format!("{skill} {version} replaces {before}"),
        Event::SkillRejected { path, line, column, message, kept, .. } => {
            let part = |number: &Option<u32>| number.map_or_else(String::new, |number| format!(":{number}"));
            let kept = kept.as_deref().map_or_else(String::new, |kept| format!("; {kept} stays in use"));
            format!("{path}{}{}: {message}{kept}", part(line), part(column))
        }
        Event::SkillRemoved { skill, version, now, .. } => {
            let now = now.as_deref().map_or_else(String::new, |now| format!("; now {now}"));
            format!("{skill} {version}{now}")
        }
        Event::SkillStarted { skill, version, reason, .. } => format!("{skill} {version}: {reason}"),
        Event::SkillFinished { skill, version, outcome, reason, steps } => {
            format!("{skill} {version}: {outcome} after {steps} steps, {reason}")
        }
        Event::SkillNoted { skill, text } => format!("{skill}: {text}"),
        Event::DecodeFailed { check, count } => format!("{check}, {count} in a row"),
        Event::FloorReached { floor, floors, .. } => format!("floor {floor}, {floors} reached"),
        Event::EpisodeEnded { outcome, floor, turns, message } => {
            format!("{outcome} on floor {floor} after {turns} turns{}", after(": ", message))
        }
        Event::CheckpointSaved { path, bytes, kind } => format!("{} ({kind}), {bytes} bytes", file_name(path)),
        Event::CheckpointRestored { path, checkpoint_step } => {
            format!("back to step {checkpoint_step}, {}", file_name(path))
        }
        Event::RunRemoved { run, bytes } => format!("run {run} was removed, {bytes} bytes"),
        Event::LogRotated { part, bytes } => format!("part {part} of the log ended with {bytes} bytes"),
        Event::LogPartRemoved { part, bytes } => format!("part {part} of the log was removed, {bytes} bytes"),
        Event::ExportFailed { target, reason, dropped } => {
            format!("{target}: {reason}; {dropped} spans dropped so far")
        }
        Event::ExportResumed { target, silent_ms, dropped } => {
            format!("{target} takes what it is sent again, after {silent_ms} ms; {dropped} spans dropped so far")
        }
        Event::AlertRaised { alert, detail } | Event::AlertCleared { alert, detail } => format!("{alert}: {detail}"),
        Event::EyesCompared { pictures, values, differing, alarms, .. } => {
            format!("{pictures} pictures, {differing} of {values} values differ, {alarms} alarms")
        }
    }
}

fn of_step(step: &StepCompleted) -> String {
    let StepCompleted { skill, action, effect, reason, fallback, state, latency, .. } = step;
    let place = match state.floor {
        0 => String::new(),
        floor => format!(
            " · floor {floor} ({}, {}) HP {}/{} belly {}",
            state.x, state.y, state.hp, state.max_hp, state.belly
        ),
    };
    let fallback = fallback.as_deref().map_or_else(String::new, |why| format!(" · no model: {why}"));
    format!("{skill}: {action} → {effect}{place} · {reason}{fallback} · {}", time(latency.total_us))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn after(link: &str, text: &str) -> Cow<'static, str> {
    if text.is_empty() { Cow::Borrowed("") } else { Cow::Owned(format!("{link}{text}")) }
}

fn time(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wire::event::{Latency, State};

    fn line(event: Value) -> Value {
        let common = json!({ "ts": "2026-11-29T03:20:28.197082Z", "seq": 1, "process": "actors", "pid": 7, "actor": "pilot", "level": "info" });
        let fields = [common, event].into_iter().filter_map(|part| part.as_object().cloned()).flatten();
        Value::Object(fields.collect())
    }

    #[test]
    fn a_step_says_what_was_done_and_why() {
        let step = StepCompleted {
            skill: "take-stairs".into(),
            action: "step N".into(),
            effect: "moved".into(),
            reason: "nothing more to do".into(),
            latency: Latency { total_us: 45_708, ..Latency::default() },
            state: State { floor: 2, x: 19, y: 18, hp: 70, max_hp: 70, belly: 19, ..State::default() },
            ..StepCompleted::default()
        };
        let event = serde_json::to_value(Event::StepCompleted(Box::new(step))).expect("it is JSON");
        assert_eq!(
            text(&line(event)),
            "take-stairs: step N → moved · floor 2 (19, 18) HP 70/70 belly 19 · nothing more to do · 45.7 ms"
        );
    }

    #[test]
    fn an_event_of_a_later_version_is_told_by_its_fields() {
        let event = json!({ "event": "MoonRose", "step": 4, "phase": "full", "height": 3 });
        assert_eq!(text(&line(event)), "phase \"full\", height 3");
        let other = json!({ "event": "FloorReached", "floor": "third" });
        assert_eq!(text(&line(other)), "floor \"third\"");
    }

    #[test]
    fn a_rejected_skill_is_told_with_its_place() {
        let event = json!({ "event": "SkillRejected", "skill": "hunt", "path": "custom/hunt/main.luau", "line": 3, "column": null,
            "message": "unknown name", "kept": "1.0.0" });
        assert_eq!(text(&line(event)), "custom/hunt/main.luau:3: unknown name; 1.0.0 stays in use");
    }
}
