//! What a training says at its end.

use super::TrainArgs;
use crate::png_file;
use reader::Canvas;
use reader::layout::{HEIGHT, WIDTH};
use reader::score::{Finding, Score, Share};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// The score as a table.
pub fn table(score: &Score) -> String {
    let mut text = format!("{} pictures of games that were not learned from\n", score.pictures);
    for (name, share) in shares(score) {
        let _ = writeln!(text, "{name:<34} {:>9.4} %   {} of {}", 100.0 * share.rate(), share.right, share.all);
    }
    for (name, finding) in findings(score) {
        let Finding { found, invented, missed } = finding;
        let f1 = finding.f1();
        let _ = writeln!(text, "{name:<34} F1 {f1:.5}     {found} found, {invented} invented, {missed} missed");
    }
    text
}

/// The score as one JSON object.
pub fn json(score: &Score) -> String {
    let mut figures = serde_json::Map::new();
    for (name, share) in shares(score) {
        figures.insert(name.to_string(), json!({ "rate": share.rate(), "right": share.right, "all": share.all }));
    }
    for (name, finding) in findings(score) {
        let Finding { found, invented, missed } = finding;
        figures.insert(
            name.to_string(),
            json!({ "f1": finding.f1(), "found": found, "invented": invented, "missed": missed }),
        );
    }
    format!("{}\n", json!({ "pictures": score.pictures, "figures": figures }))
}

/// Writes a picture as a PNG file.
pub fn picture(path: &Path, canvas: &Canvas) -> std::io::Result<()> {
    png_file::write(path, (WIDTH, HEIGHT), &canvas.rgb())
}

/// What the weights were made of, and how well they read.
pub fn recipe(args: &TrainArgs, samples: usize, score: &Score) -> String {
    let mut text = format!(
        "# Made by `agent train reader`; the same command makes the same weights.\n\n\
         [recipe]\ngame = \"Burrow\"\nseeds = \"{}\"\npictures = {samples}\nsteps = {}\n\n\
         # Of games that were not learned from, played honestly.\n[score]\nseeds = \"{}\"\npictures = {}\n",
        args.seeds, args.steps, args.held_out, score.pictures
    );
    for (name, share) in shares(score) {
        let _ = writeln!(text, "{} = {:.6}", key(name), share.rate());
    }
    for (name, finding) in findings(score) {
        let _ = writeln!(text, "{}_f1 = {:.6}", key(name), finding.f1());
    }
    text
}

/// A name as a bare key of TOML.
fn key(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

fn shares(score: &Score) -> [(&'static str, Share); 11] {
    [
        ("screen class", score.scenes),
        ("moving or at rest", score.motion),
        ("tiles", score.tiles),
        ("tiles that show something", score.tiles_seen),
        ("light of tiles", score.light),
        ("directions of beings", score.directions),
        ("sleep of beings", score.sleep),
        ("HUD numbers", score.figures),
        ("marks of the small map", score.marks),
        ("place on the small map", score.leader),
        ("skill of the planner", score.skills),
    ]
}

fn findings(score: &Score) -> [(&'static str, Finding); 2] {
    [("entities", score.entities), ("words", score.lines)]
}
