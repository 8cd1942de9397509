//! What the silos hold, and what in them is like a memory.

use super::refused;
use crate::failure::Failure;
use crate::screen;
use indexes::archive::Archive;
use indexes::archive::inspect::{SiloStats, SpaceStats};
use indexes::pool::Searchers;
use serde_json::json;
use std::fmt::Write as _;
use wire::exit;
use wire::recall::{COUNT_MAX, Memory, Probe, Search};

/// A command waits this long for the silos.
const DEADLINE_US: u64 = 10_000_000;

/// Shows what the silos hold.
pub fn stats(archive: &Archive, as_json: bool) -> Result<i32, Failure> {
    let spaces = archive.spaces().map_err(refused)?;
    if as_json {
        let spaces: Vec<_> = spaces.iter().map(of_space).collect();
        screen::print(&format!("{}\n", json!({ "spaces": spaces })));
        return Ok(exit::OK);
    }
    let mut text = String::new();
    for space in &spaces {
        let SiloStats { memories, bytes: size, .. } = sum(&space.silos);
        let name = &space.space.name;
        let _ = writeln!(text, "{name}: {} dimensions, {memories} memories, {}", space.space.dimensions, bytes(size));
        let _ = writeln!(
            text,
            "{:>6}{:>12}{:>13}{:>12}{:>12}  {:<10}{:>12}",
            "steps", "memories", "not folded", "forgotten", "generation", "kind", "index"
        );
        for SiloStats { span, memories, fresh, dead, generation, kind, bytes: size } in &space.silos {
            let generation = generation.map_or_else(|| "-".to_string(), |number| number.to_string());
            let kind = if kind.is_empty() { "-" } else { kind };
            let size = bytes(*size);
            let _ =
                writeln!(text, "{span:>6}{memories:>12}{fresh:>13}{dead:>12}{generation:>12}  {kind:<10}{size:>12}");
        }
    }
    if spaces.is_empty() {
        text.push_str("no memories yet\n");
    }
    screen::print(&text);
    Ok(exit::OK)
}

fn of_space(space: &SpaceStats) -> serde_json::Value {
    let silos: Vec<_> = space
        .silos
        .iter()
        .map(|silo| {
            json!({
                "span": silo.span, "memories": silo.memories, "fresh": silo.fresh, "dead": silo.dead,
                "generation": silo.generation, "kind": silo.kind, "bytes": silo.bytes,
            })
        })
        .collect();
    json!({
        "name": space.space.name, "dimensions": space.space.dimensions,
        "memories": sum(&space.silos).memories, "silos": silos,
    })
}

/// All silos of all spaces together.
pub fn totals(archive: &Archive) -> Result<SiloStats, Failure> {
    let spaces = archive.spaces().map_err(refused)?;
    Ok(sum(&spaces.into_iter().flat_map(|space| space.silos).collect::<Vec<_>>()))
}

fn sum(silos: &[SiloStats]) -> SiloStats {
    silos.iter().fold(SiloStats::default(), |sum, silo| SiloStats {
        memories: sum.memories + silo.memories,
        fresh: sum.fresh + silo.fresh,
        dead: sum.dead + silo.dead,
        bytes: sum.bytes + silo.bytes,
        ..sum
    })
}

/// A size, for a person.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// Shows the memories nearest to one of them, in its own silo.
pub fn search(archive: &Archive, like: u64, count: u32, as_json: bool) -> Result<i32, Failure> {
    if !(1..=COUNT_MAX).contains(&count) {
        return Err(Failure::Usage(format!("--count must be from 1 to {COUNT_MAX}")));
    }
    let Some((space, whole)) = archive.memory(like).map_err(refused)? else {
        let message = format!("there is no memory {like}; `agent index stats` says how many there are");
        return Err(Failure::Role { status: exit::NO_INPUT, message });
    };
    let open = archive.open_space(&space).map_err(refused)?;
    let searchers =
        Searchers::start().map_err(|error| Failure::Os { what: "threads that search".to_string(), error })?;
    let probes = vec![Probe { span: whole.memory.span, vector: whole.vector }];
    let asked = Search { id: 1, probes, count, deadline_us: DEADLINE_US, ..Search::default() };
    let found = archive.search_and_wait(&searchers, &open, asked);
    if !found.trouble.is_empty() || found.silos.is_empty() {
        let message = if found.trouble.is_empty() { "the silo did not answer".to_string() } else { found.trouble };
        return Err(Failure::Role { status: exit::SOFTWARE, message });
    }
    let mut text = String::new();
    for (distance, memory) in found.silos.iter().flat_map(|hits| &hits.memories) {
        if as_json {
            let mut line = json!(memory);
            line["distance"] = json!(distance);
            let _ = writeln!(text, "{line}");
        } else {
            let _ = writeln!(text, "{}", line(*distance, memory));
        }
    }
    screen::print(&text);
    Ok(exit::OK)
}

fn line(distance: f32, memory: &Memory) -> String {
    let Memory { id, span, step, floor, skill, action, outcome, .. } = memory;
    let mut came = Vec::new();
    if outcome.floors > 0 {
        came.push(format!("{} floors on", outcome.floors));
    }
    if outcome.hp_lost > 0 {
        came.push(format!("{} hp lost", outcome.hp_lost));
    }
    if outcome.foes > 0 {
        came.push(format!("{} foes beaten", outcome.foes));
    }
    if outcome.items > 0 {
        came.push(format!("{} items", outcome.items));
    }
    if outcome.is_lost {
        came.push("fainted".to_string());
    }
    let came = if came.is_empty() { "nothing much".to_string() } else { came.join(", ") };
    format!("{distance:>7.4}  #{id:<8} {span:>2} steps to step {step}, floor {floor}: {skill}, {action}; then {came}")
}
