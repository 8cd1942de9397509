//! The reader: how well it reads games that it never saw, that its training can be repeated and interrupted, and that it decides
//! as a tier of the router.

use serde_json::Value;
use std::path::Path;
use tests::{Finished, Program, Scratch, is_soak, signal, wait_for};
use wire::event::Event;

fn agent(scratch: &Scratch, arguments: &[&str]) -> Finished {
    Program::start(&scratch.path().join("run"), arguments).finish()
}

#[test]
fn games_that_were_not_learned_from_are_read_as_promised() {
    let scratch = Scratch::new();
    // All of the held-out seeds take a while; a few of them hold the same bounds.
    let seeds = if is_soak() { "20001-20008" } else { "20001-20002" };
    let finished = agent(&scratch, &["train", "reader", "--judge", "--held-out", seeds, "--json"]).expect_success();
    let report: Value = serde_json::from_str(&finished.stdout).expect("it prints JSON");
    let figures = &report["figures"];
    println!("{} pictures: {figures}", report["pictures"]);
    let rate = |name: &str, what: &str| figures[name][what].as_f64().unwrap_or_else(|| panic!("{name} is missing"));
    assert!(rate("tiles", "rate") >= 0.995);
    assert!(rate("entities", "f1") >= 0.98);
    assert!(rate("HUD numbers", "rate") >= 0.999);
    assert!((rate("screen class", "rate") - 1.0).abs() < 1e-9);
}

fn train(scratch: &Scratch, out: &Path, steps: &str) -> Program {
    let out = out.display().to_string();
    let small = ["--seeds", "31-31", "--held-out", "32-32", "--steps", steps, "--json"];
    let arguments = [&["train", "reader", "--out", &out], &small[..]].concat();
    Program::start(&scratch.path().join("run"), &arguments)
}

#[test]
fn a_training_that_was_interrupted_ends_in_the_weights_of_one_that_was_not() {
    let scratch = Scratch::new();
    let [whole, halved] = ["whole", "halved"].map(|name| scratch.path().join(name));
    train(&scratch, &whole, "12").finish().expect_success();
    let program = train(&scratch, &halved, "12");
    wait_for("its folder", || halved.exists().then_some(()));
    signal(program.pid(), rustix::process::Signal::INT);
    let stopped = program.finish();
    // A fast machine may be done before it is asked to stop.
    if !stopped.status.success() {
        assert_eq!(stopped.status.code(), Some(130));
        train(&scratch, &halved, "12").finish().expect_success();
    }
    let weights = |folder: &Path| std::fs::read(folder.join("burrow.safetensors")).expect("the weights are there");
    assert!(weights(&whole) == weights(&halved), "the same options give the same weights");
}

#[test]
fn the_reader_decides_as_a_tier_without_any_server() {
    let scratch = Scratch::new();
    let config = scratch.file(
        "config.toml",
        "[router]\n[[router.tiers]]\nname = \"reader\"\nbackend = \"reader\"\npicture_scale = 1\n",
    );
    let config = config.display().to_string();
    let game = ["--config", &config, "--emulator", "libretro", "--brain", "router"];
    let arguments = [&game[..], &["--steps", "120", "--pace", "unthrottled", "--quiet"]].concat();
    let finished = Program::run_in(&scratch.path().join("run"), &arguments, None).finish().expect_success();
    let by_reader = finished.steps().iter().filter(|(_, step)| step.tier.as_deref() == Some("reader")).count();
    let probed = finished
        .lines
        .iter()
        .any(|line| matches!(&line.event, Event::ModelProbed { tier, problem: None, .. } if tier == "reader"));
    assert!(probed && by_reader >= 20, "{by_reader} of 120 steps were decided by the reader");
}
