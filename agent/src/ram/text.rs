//! A [`Report`] as a person reads it.

use super::report::{Check, Count, Field, Leader, Question, Report, State, Turn};
use actors::profile::NO_PROFILE;
use std::fmt::Write as _;
use wire::observation::{MenuKind, Screen};

const WHERE_PROFILES_GO: &str = "see actors/profiles/burrow.toml for all that a profile can say; save yours as NAME.toml in a folder and name that \
                       folder in config.toml, [game] profiles";

/// How much is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Everything.
    Whole,
    /// Of the checks only those that fail, of the questions only those that are settled: what fits a terminal.
    Brief,
}

/// The report, several lines.
pub fn write(report: &Report, length: Length) -> String {
    let mut text = String::new();
    head(report, &mut text);
    if report.profile.is_none() {
        unknown(report, &mut text);
        return text;
    }
    if let Some(state) = &report.state {
        text += "\nwhat the decoder makes of it\n";
        self::state(state, &mut text);
    }
    fields(&report.fields, &mut text);
    turn(report.turn.as_ref(), &mut text);
    checks(&report.checks, length, &mut text);
    questions(&report.questions, length, &mut text);
    text
}

fn head(report: &Report, text: &mut String) {
    let (game, emulator) = (&report.game, &report.emulator);
    let _ = write!(text, "game      {} ({})", game.title, game.code);
    if let Some(bytes) = game.bytes {
        let _ = write!(text, ", {} KiB", bytes.div_ceil(1024));
    }
    let _ = writeln!(text, ", SHA-1 {}", game.sha1.as_deref().unwrap_or("not known"));
    let _ = write!(text, "emulator  {}: {}", emulator.backend, emulator.why);
    for part in emulator.window.iter().chain(&emulator.script).chain([&emulator.core]) {
        let _ = write!(text, ", {part}");
    }
    text.push('\n');
    match &report.profile {
        Some(profile) => {
            let _ = writeln!(text, "profile   {}: {}", profile.name, profile.why);
        }
        None => {
            let _ = writeln!(text, "profile   {NO_PROFILE}: it was asked for, or this ROM is of no profile");
        }
    }
    let _ = writeln!(text, "frame     {}", report.frame);
    if let Some(silence) = &emulator.silence {
        let _ = writeln!(text, "NO FRAME  {silence}");
    }
}

/// What there is to see of a game without a profile, and the beginning of one.
fn unknown(report: &Report, text: &mut String) {
    text.push_str("\nmemory\n");
    for region in &report.regions {
        let share = 100.0 * region.non_zero as f64 / f64::from(region.length.max(1));
        let kib = region.length.div_ceil(1024);
        let _ = writeln!(text, "  0x{:08X}  {kib:>4} KiB, {share:.1} % not zero: {} …", region.address, region.first);
    }
    text.push_str("\nthe beginning of a profile for it\n");
    let regions = report.regions.iter();
    let regions =
        regions.map(|region| format!("{{ address = 0x{:08X}, length = 0x{:X} }}", region.address, region.length));
    let _ = writeln!(text, "  regions = [{}]", regions.collect::<Vec<_>>().join(", "));
    let _ = writeln!(text, "  [recognition]\n  title = {:?}\n  code = {:?}", report.game.title, report.game.code);
    if let Some(sha1) = &report.game.sha1 {
        let _ = writeln!(text, "  sha1 = {sha1:?}");
    }
    let _ =
        writeln!(text, "  [[field]]\n  name = \"hp\"\n  address = 0x02000000\n  type = \"u16\"\n\n{WHERE_PROFILES_GO}");
}

fn state(state: &State, text: &mut String) {
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<10}{value}");
    };
    line("screen", describe(state.screen).to_string());
    if state.floor > 0 {
        line(
            "place",
            format!(
                "dungeon {}, floor {} of {}, weather {}",
                state.dungeon, state.floor, state.last_floor, state.weather
            ),
        );
        let left = format!("{} left on this floor", state.turns_left);
        line(
            "turns",
            format!(
                "{}, {left}",
                if state.turns > 0 { format!("{} taken", state.turns) } else { "not counted".into() }
            ),
        );
        match &state.leader {
            Some(leader) => line("leader", self::leader(leader)),
            None => line("leader", "nobody leads".to_string()),
        }
        let kinds = [
            ("allies", state.allies),
            ("enemies", state.enemies),
            ("neutrals", state.neutrals),
            ("items", state.items),
            ("traps", state.traps),
        ];
        let counts = kinds.map(|(name, Count { seen, there })| format!("{name} {seen} of {there}"));
        line("seen", counts.join(", "));
        let seen = if state.stairs_seen { "seen" } else { "not seen yet" };
        line("stairs", state.stairs.map_or("nowhere".into(), |place| format!("({}, {}), {seen}", place.x, place.y)));
    }
    let items =
        state.bag.iter().map(|item| format!("{} × {}", item.item, item.quantity)).collect::<Vec<_>>().join(", ");
    line("bag", format!("{} items{}{items}", state.bag.len(), if items.is_empty() { "" } else { ": " }));
    line("money", state.money.to_string());
    line("keys", format!("0x{:03X}", state.keys_seen));
    for (name, words) in [("message", &state.message), ("text", &state.dialogue)] {
        if !words.is_empty() {
            line(name, format!("{words:?}"));
        }
    }
}

fn leader(leader: &Leader) -> String {
    let Leader { x, y, facing, species, level, hp, hp_max, belly, belly_max, experience } = leader;
    format!(
        "at ({x}, {y}) facing {facing}, species {species}, level {level}, HP {hp} of {hp_max}, belly {belly} of \
         {belly_max}, experience {experience}"
    )
}

fn describe(screen: Screen) -> &'static str {
    match screen {
        Screen::Unknown => "not known",
        Screen::Title => "title, boot or its menu",
        Screen::Transition => "between floors, entering or leaving a dungeon",
        Screen::Command => "in a dungeon, waiting for a command",
        Screen::Motion => "in a dungeon, a turn is being computed or shown",
        Screen::Menu(MenuKind::Main) => "in a dungeon, main menu",
        Screen::Menu(MenuKind::List) => "in a dungeon, a list or sub-menu",
        Screen::Menu(MenuKind::Log) => "in a dungeon, message log",
        Screen::Menu(MenuKind::Naming) => "in a dungeon, naming a monster",
        Screen::FloorMap => "in a dungeon, full-floor map",
        Screen::Dialogue => "a text box waits for a key",
        Screen::Choice => "a choice waits for an answer",
        Screen::Printing => "a text box prints",
        Screen::Ground => "in town or in a story scene",
        Screen::Elsewhere => "world map, loading or saving",
    }
}

fn fields(fields: &[Field], text: &mut String) {
    if fields.is_empty() {
        return;
    }
    text.push_str("\nfields of the profile\n");
    for field in fields {
        let value = field.value.map_or("-".to_string(), |value| value.to_string());
        let range = match (field.is_in_range, field.range) {
            (false, Some((low, high))) => format!("OUT OF RANGE {low} to {high}; "),
            (true, Some((low, high))) => format!("in range {low} to {high}; "),
            _ => String::new(),
        };
        let _ = writeln!(text, "  {:<14}{value:<12}{range}{}", field.name, field.meaning);
    }
}

fn turn(turn: Option<&Turn>, text: &mut String) {
    text.push_str("\nwaits for somebody: ");
    match turn {
        None => text.push_str("not known, the profile has no [turn]\n"),
        Some(Turn { waits: true, group, groups, .. }) => {
            let _ = writeln!(text, "yes, group {group} of {groups} of the profile's [turn] holds");
        }
        Some(Turn { group, groups, failing, .. }) => {
            let _ =
                writeln!(text, "no; nearest to it is group {group} of {groups} of the profile's [turn], where fails");
            failing.iter().for_each(|test| {
                let _ = writeln!(text, "  {test}");
            });
        }
    }
}

fn checks(checks: &[Check], length: Length, text: &mut String) {
    let count = |outcome: &str| checks.iter().filter(|check| check.outcome == outcome).count();
    let (passed, failed, idle) = (count("passed"), count("failed"), count("idle"));
    let _ = writeln!(text, "\nvalidity checks: {passed} passed, {failed} failed, {idle} with nothing to check");
    for check in checks.iter().filter(|check| length == Length::Whole || check.outcome == "failed") {
        let (mark, detail) = match (check.outcome, &check.detail) {
            ("failed", Some(error)) => ("FAILED", format!(": {error}")),
            ("idle", Some(why)) => ("-", format!(": {why}")),
            _ => ("passed", String::new()),
        };
        let _ = writeln!(text, "  {mark:<8}{}{detail}", check.name);
    }
}

fn questions(questions: &[Question], length: Length, text: &mut String) {
    if questions.is_empty() {
        return;
    }
    text.push_str("\nopen questions: what follows from the pret/pmd-red decompilation and is not certain\n");
    let mut left = 0;
    for Question { question, verdict, finding, to_see } in questions {
        match (length, to_see) {
            (Length::Brief, Some(_)) => left += 1,
            (Length::Brief, None) => {
                let _ = writeln!(text, "  {verdict:<21}{question} {finding}");
            }
            (Length::Whole, to_see) => {
                let to_see = to_see.map_or(String::new(), |to_see| format!("; to see it: {to_see}"));
                let _ = writeln!(text, "  {verdict:<21}{question}\n  {:<21}{finding}{to_see}", "");
            }
        }
    }
    if left > 0 {
        let _ = writeln!(
            text,
            "  {left} cannot be told yet; `agent ram` without --watch says what to do in the game for each"
        );
    }
}
