//! `agent bench models`: what the models in this process do on this machine.

use tests::{Finished, Program, Scratch};
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
