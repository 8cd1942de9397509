//! Models in this process: what `agent bench models` says of them, and a vision-language model as a tier of the router.

use std::path::Path;
use tests::{Finished, Program, Scratch};
use wire::event::Event;
use wire::exit;

fn bench(scratch: &Scratch, arguments: &[&str]) -> Finished {
    Program::start(&scratch.path().join("run"), &[&["bench", "models"], arguments].concat()).finish()
}

#[test]
fn models_are_measured_as_table_values_and_pictures() {
    let scratch = Scratch::new();
    let plots = scratch.path().join("plots").display().to_string();
    let table = bench(&scratch, &["--models", "reader", "--plots", &plots]).expect_success();
    assert!(table.stdout.contains("pictures_per_s"), "{}", table.stdout);
    let chart = std::fs::read(scratch.path().join("plots/p50_ms.png")).expect("a chart");
    assert!(chart.starts_with(b"\x89PNG"));
    let values = bench(&scratch, &["--models", "reader", "--csv"]).expect_success();
    let lines: Vec<&str> = values.stdout.lines().collect();
    assert!(lines[0].starts_with("model,batch,p50_ms") && lines.len() == 5, "{}", values.stdout);
}

#[test]
fn what_is_no_model_is_refused_with_what_there_is() {
    let scratch = Scratch::new();
    for (arguments, word) in [
        (&["--models", "9b"][..], "reader, 184m, 2b, 4b, 8b"),
        (&["--models", "2b"], "--random-weights"),
        (&["--lengths", "many"], "64,1024"),
    ] {
        let refused = bench(&scratch, arguments);
        assert_eq!(refused.status.code(), Some(exit::USAGE), "{}", refused.stderr);
        assert!(refused.stderr.contains(word) && refused.stderr.lines().count() == 1, "{}", refused.stderr);
    }
}

/// The tiny checkpoint, as if it had been made for longer prompts: its positions are computed, not learned.
fn tiny_model(scratch: &Scratch) -> String {
    let from = tests::root().join("actors/qwen3-vl/tests/tiny/untied");
    let to = scratch.path().join("tiny");
    std::fs::create_dir(&to).expect("a fresh folder");
    for entry in std::fs::read_dir(from).expect("the checkpoint is part of the project").flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("there is room");
    }
    let config = to.join("config.json");
    let text = std::fs::read_to_string(&config).expect("a configuration");
    let mut config_json: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    config_json["text_config"]["max_position_embeddings"] = 16_384.into();
    std::fs::write(config, config_json.to_string()).expect("there is room");
    to.display().to_string()
}

fn play(scratch: &Scratch, folder: &str) -> Option<Finished> {
    let config = scratch.file(
        "config.toml",
        format!(
            "[router]\ndeadline_ms = 60000\nescalate_below = 0.0\ncache = false\n[[router.tiers]]\nname = \"tiny\"\n\
             backend = \"qwen3-vl\"\nfolder = \"{folder}\"\ncontext_tokens = 8192\nanswer_tokens = 200\n\
             picture_scale = 1\nmap = false\nmemories = 0\n"
        ),
    );
    let config = config.display().to_string();
    let game = ["--config", &config, "--emulator", "libretro", "--brain", "router"];
    let arguments = [&game[..], &["--steps", "12", "--pace", "unthrottled", "--quiet"]].concat();
    let finished = Program::run_in(&scratch.path().join("run"), &arguments, None).finish();
    if finished.stderr.contains("--features local-vlm") {
        println!("skipped: the program was built without it; build with --features local-vlm");
        return None;
    }
    Some(finished)
}

#[test]
fn a_vision_language_model_in_this_process_decides_as_a_tier() {
    let scratch = Scratch::new();
    let Some(finished) = play(&scratch, &tiny_model(&scratch)) else { return };
    let finished = finished.expect_success();
    let problems: Vec<&Option<String>> = finished
        .lines
        .iter()
        .filter_map(|line| match &line.event {
            Event::ModelProbed { tier, problem, .. } if tier == "tiny" => Some(problem),
            _ => None,
        })
        .collect();
    assert_eq!(problems, [&None], "it is loaded once, and told of");
    let decided = finished.steps().iter().filter(|(_, step)| step.tier.as_deref() == Some("tiny")).count();
    // With random weights it says nonsense, but nonsense that obeys the schema.
    assert!(decided >= 6, "{decided} of 12 steps were decided by it");
}

#[test]
fn a_model_whose_folder_is_damaged_is_told_of_and_the_planner_plays() {
    let scratch = Scratch::new();
    let folder = tiny_model(&scratch);
    std::fs::remove_file(Path::new(&folder).join("model-00002-of-00003.safetensors")).expect("it is there");
    let Some(finished) = play(&scratch, &folder) else { return };
    let finished = finished.expect_success();
    let is_told = finished.lines.iter().any(|line| {
        matches!(&line.event, Event::ModelProbed { problem: Some(problem), .. } if problem.contains("model-00002-of-00003"))
    });
    assert!(is_told && finished.steps().iter().all(|(_, step)| step.tier.is_none()));
}
