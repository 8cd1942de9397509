use super::*;
use crate::config::Config;

fn alerts() -> Alerts {
    Alerts::new(Config::built_in().alerts, 0)
}

fn step(step: u64, floor: u32, turns: u64, overhead_us: u64) -> String {
    format!(
        r#"{{"level":"info","instance":0,"step":{step},"event":"StepCompleted","latency":{{"overhead_us":{overhead_us},"total_us":9}},"state":{{"floor":{floor},"turns":{turns},"hp":3}}}}"#
    )
}

/// A process that takes more memory from sample to sample.
fn sampled(first_bytes: u64, more_bytes: u64, sample: u64) -> String {
    let bytes = first_bytes + sample * more_bytes;
    format!(r#"{{"level":"info","event":"ProcessSampled","role":"indexes","child_pid":7,"resident_bytes":{bytes}}}"#)
}

/// The alerts that are raised and cleared at a time.
fn names(alerts: &mut Alerts, now_ms: u64) -> (Vec<&'static str>, Vec<&'static str>) {
    let changes = alerts.look(now_ms);
    let of = |is_raised: bool| {
        changes.iter().filter(|change| change.is_raised == is_raised).map(|change| change.alert).collect()
    };
    (of(true), of(false))
}

#[test]
fn a_game_that_gets_on_raises_nothing() {
    let mut alerts = alerts();
    for at in 0..2_000u64 {
        alerts.note(step(at, 1 + at as u32 / 400, at, 2_000).as_bytes(), at * 20);
        assert_eq!(alerts.look(at * 20), [], "step {at}");
    }
}

#[test]
fn steps_that_stop_are_told_once_and_cleared_when_they_go_on() {
    let mut alerts = alerts();
    alerts.note(step(1, 1, 1, 0).as_bytes(), 1_000);
    assert_eq!(names(&mut alerts, 60_000), (vec![], vec![]));
    assert_eq!(names(&mut alerts, 61_000), (vec!["no steps"], vec![]));
    assert_eq!(names(&mut alerts, 90_000), (vec![], vec![]));
    alerts.note(step(2, 1, 2, 0).as_bytes(), 91_000);
    assert_eq!(names(&mut alerts, 91_000), (vec![], vec!["no steps"]));
    assert_eq!(names(&mut alerts, 152_000), (vec!["no steps"], vec![]));
    alerts.leave(0);
    alerts.note(step(3, 1, 3, 0).as_bytes(), 153_000);
    assert_eq!(names(&mut alerts, 900_000), (vec![], vec![]), "a game that is over need not get on");
    assert_eq!(alerts.raised(), ["no steps"].into(), "what was raised when it ended stays so");
}

#[test]
fn a_game_in_which_no_turn_passes_is_stuck_and_one_that_stays_on_a_floor_makes_no_progress() {
    let mut alerts = alerts();
    for at in 1..=301 {
        alerts.note(step(at, 3, 7, 0).as_bytes(), at);
    }
    assert_eq!(names(&mut alerts, 301), (vec!["stuck"], vec![]));
    for at in 302..=5_001 {
        alerts.note(step(at, 3, at, 0).as_bytes(), at);
    }
    assert_eq!(names(&mut alerts, 5_001), (vec!["no progress"], vec!["stuck"]));
    alerts.note(step(5_002, 4, 5_002, 0).as_bytes(), 5_002);
    assert_eq!(names(&mut alerts, 5_002), (vec![], vec!["no progress"]));
    let mut unknown = self::alerts();
    for at in 0..=6_000 {
        unknown.note(step(at, 0, 0, 0).as_bytes(), at);
    }
    assert_eq!(unknown.look(6_000), [], "of a game that nobody explains nothing is known");
}

#[test]
fn slow_steps_count_when_half_of_them_are_slow() {
    let mut alerts = alerts();
    for at in 0..200 {
        alerts.note(step(at, 1, at, if at % 2 == 0 { 900_000 } else { 1_000 }).as_bytes(), at);
    }
    assert_eq!(names(&mut alerts, 200), (vec!["overhead"], vec![]));
    for at in 200..210 {
        alerts.note(step(at, 1, at, 1_000).as_bytes(), at);
    }
    assert_eq!(names(&mut alerts, 210), (vec![], vec!["overhead"]));
}

#[test]
fn stale_frames_errors_a_spent_budget_and_a_leak_are_told() {
    let mut alerts = alerts();
    alerts.note(br#"{"level":"info","event":"FrameSummary","instance":0,"frames":200,"fresh":40,"stale":160}"#, 1);
    assert_eq!(names(&mut alerts, 2), (vec!["stale frames"], vec![]));
    assert_eq!(names(&mut alerts, 60_100), (vec!["no steps"], vec!["stale frames"]));
    for at in 0..60 {
        alerts.note(br#"{"level":"warn","event":"EmulatorLost"}"#, 70_000 + at);
        alerts.note(br#"{"level":"warn","event":"AlertRaised"}"#, 70_000 + at);
    }
    assert_eq!(names(&mut alerts, 70_100), (vec!["errors"], vec![]));
    let spent = br#"{"level":"info","event":"DecisionSummary","planner_causes":"budget 3"}"#;
    alerts.note(spent, 140_000);
    assert_eq!(names(&mut alerts, 140_000), (vec!["budget"], vec!["errors"]));
    for sample in 0..200 {
        alerts.note(sampled(100 << 20, 2 << 20, sample).as_bytes(), 200_000 + sample * 10_000);
    }
    assert_eq!(names(&mut alerts, 2_200_000), (vec!["memory"], vec!["budget"]));
    assert_eq!(alerts.raised(), ["memory", "no steps"].into());
}

#[test]
fn what_fills_up_is_no_leak_until_it_has_grown_by_the_limit() {
    let mut alerts = alerts();
    let changes: Vec<u64> = (0..600)
        .filter(|sample| {
            // As fast as new memories of a game in real time: 130 MiB an hour.
            alerts.note(sampled(5 << 20, 370_000, *sample).as_bytes(), sample * 10_000);
            !alerts.look(sample * 10_000).is_empty()
        })
        .collect();
    // A hundred MiB are three quarters of what it has grown by then.
    assert!(matches!(changes[..], [375..=385]), "{changes:?}");
    let mut alerts = self::alerts();
    (0..20).for_each(|sample| alerts.note(sampled(5 << 20, 50 << 20, sample).as_bytes(), sample * 10_000));
    assert_eq!(names(&mut alerts, 200_000).0, ["memory"], "a great leak is told at once");
}

#[test]
fn torn_and_foreign_lines_mean_nothing() {
    let mut alerts = alerts();
    for line in [&b"{\"level\":\"warn\",\"ev"[..], b"[]", b"", b"{\"event\":\"StepCompleted\",\"level\":\"info\"}"] {
        alerts.note(line, 5);
    }
    assert_eq!(alerts.look(5), []);
}
