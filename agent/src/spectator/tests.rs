use super::*;
use serde_json::json;

fn line(instance: Option<u16>, at_s: u32, event: serde_json::Value) -> Vec<u8> {
    let mut line = json!({
        "ts": format!("2026-11-29T03:{:02}:{:02}.000000Z", at_s / 60, at_s % 60),
        "seq": 1, "process": "actors", "pid": 7, "actor": "pilot", "level": "info",
    });
    line["instance"] = json!(instance);
    let fields = event.as_object().cloned().unwrap_or_default();
    line.as_object_mut().expect("it is an object").extend(fields);
    serde_json::to_vec(&line).expect("it is JSON")
}

fn step(step: u64) -> serde_json::Value {
    let done = StepCompleted { skill: "explore".into(), action: "step N".into(), ..StepCompleted::default() };
    let mut event = serde_json::to_value(Event::StepCompleted(Box::new(done))).expect("it is JSON");
    event["step"] = json!(step);
    event
}

#[test]
fn steps_are_kept_up_to_a_bound_and_the_newest_is_the_last() {
    let mut spectator = Spectator::default();
    for number in 1..=STEPS_MAX as u64 + 10 {
        spectator.take(&line(Some(0), 0, step(number)));
    }
    let game = &spectator.games[&0];
    assert_eq!((game.steps.len(), game.steps.back().map(|step| step.step)), (STEPS_MAX, Some(STEPS_MAX as u64 + 10)));
    spectator.take(&line(Some(1), 0, step(5)));
    assert_eq!(spectator.games[&1].steps.len(), 1);
}

#[test]
fn processes_are_followed_through_death_and_restart() {
    let mut spectator = Spectator::default();
    let actors = ("actors".to_string(), None);
    spectator.take(&line(
        None,
        0,
        json!({ "event": "ProcessReady", "role": "actors", "child_pid": 10, "epoch": 1, "detail": "" }),
    ));
    let sample = |pid: u32, cpu_ms: u64| {
        json!({ "event": "ProcessSampled", "role": "actors", "child_pid": pid, "resident_bytes": 5_000_000, "cpu_ms": cpu_ms,
            "threads": 4, "descriptors": 9 })
    };
    spectator.take(&line(None, 10, sample(10, 1_000)));
    spectator.take(&line(None, 20, sample(10, 6_000)));
    assert_eq!(
        (spectator.processes[&actors].busy_permille, spectator.processes[&actors].state.as_str()),
        (500, "ready")
    );
    let exited = json!({ "event": "ProcessExited", "role": "actors", "child_pid": 10, "epoch": 1, "cause": "signal 9", "expected": false });
    spectator.take(&line(None, 21, exited));
    assert_eq!(spectator.processes[&actors].state, "died: signal 9");
    let restarted = json!({ "event": "ProcessRestarted", "role": "actors", "child_pid": 11, "epoch": 2, "restarts": 1, "delay_ms": 100 });
    spectator.take(&line(None, 22, restarted));
    spectator.take(&line(None, 30, sample(11, 100)));
    let process = &spectator.processes[&actors];
    assert_eq!(
        (process.pid, process.restarts, process.busy_permille),
        (11, 1, 500),
        "of another life nothing follows yet"
    );
}

#[test]
fn alerts_last_until_they_are_cleared_and_notices_leave_out_what_is_routine() {
    let mut spectator = Spectator::default();
    let alert = |event: &str| json!({ "event": event, "alert": "stuck", "detail": "no turn passed" });
    spectator.take(&line(Some(0), 0, alert("AlertRaised")));
    assert_eq!(spectator.alerts.len(), 1);
    spectator.take(&line(Some(0), 1, alert("AlertCleared")));
    spectator.take(&line(Some(0), 2, step(3)));
    spectator.take(b"{\"ts\":\"20");
    spectator.take(&line(None, 2, json!({ "event": "MoonRose" })));
    assert_eq!((spectator.alerts.len(), spectator.torn), (0, 1));
    let events: Vec<&str> = spectator.notices.iter().map(|notice| notice.event.as_str()).collect();
    assert_eq!(events, ["AlertRaised", "AlertCleared"]);
}
