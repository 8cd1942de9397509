//! What `agent doctor` has a worker find out about an emulator: who answers, how fast, and whether keys arrive.
//!
//! Nothing is changed in the game: memory is read, and keys are handed over that hold none.

use crate::cli::WorkerArgs;
use crate::config::{Config, some_path};
use crate::failure::Failure;
use crate::settings;
use crate::source::Source;
use actors::profile::{Likeness, NO_PROFILE, Profiles};
use emulator_bridge::BackendError;
use serde::{Deserialize, Serialize};
use wire::control::BackendChoice;

pub mod models;
mod rate;

/// What the script says of a window in which an agent plays.
const IN_USE: &str = "another agent";

/// One line of what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub name: String,
    /// What is there, or what is wrong.
    pub found: String,
    /// How to put it right, where it is wrong.
    pub fix: Option<String>,
}

/// Whether a live window answers, whatever a run would play on.
pub fn find_window(args: &WorkerArgs) -> Result<Vec<Finding>, Failure> {
    let mut config = settings::of_look(args.config.as_deref(), None, None)?;
    let is_played_on = config.emulator.url.is_empty() && config.emulator.choice() != BackendChoice::Libretro;
    config.emulator.url.clear();
    let mut tried = None;
    for choice in [BackendChoice::MgbaLua, BackendChoice::MgbaHttp] {
        config.emulator.backend = choice.name().to_string();
        match Source::open(&config) {
            Ok(source) => {
                let cartridge = &source.backend.introduction().cartridge;
                let place = source.backend.connection().map_or(String::new(), |place| format!(" at {}", place.address));
                let found = format!("{}{place}: {} ({})", choice.name(), cartridge.title, cartridge.code);
                return Ok(vec![fine("live window", found)]);
            }
            Err(Failure::Emulator(BackendError::NoWindow(_) | BackendError::Unsupported(_))) => {}
            Err(error) => tried = tried.or(Some(error)),
        }
    }
    Ok(vec![match tried {
        // One that is in use is as it should be, and one that nobody wants to play on may be as it likes.
        Some(error) if !is_played_on || error.to_string().contains(IN_USE) => fine("live window", error.to_string()),
        Some(error) => problem("live window", &error),
        None => {
            fine("live window", format!("none answers ({}); a run plays on the built-in emulator", places(&config)))
        }
    }])
}

/// Measures the emulator that a run would play on.
pub fn measure(args: &WorkerArgs) -> Result<Vec<Finding>, Failure> {
    let config = settings::of_look(args.config.as_deref(), args.emulator.as_deref(), None)?;
    let mut findings = Vec::new();
    let mut source = match Source::open(&config) {
        Ok(source) => source,
        Err(error) => return Ok(vec![problem("emulator", &error)]),
    };
    if config.emulator.choice() == BackendChoice::Auto && source.choice == BackendChoice::Libretro {
        let found = format!("none answers (tried {})", places(&config));
        let fix = no_window_fix();
        findings.push(Finding { name: "live window".to_string(), found, fix: Some(fix) });
    }
    findings.extend(introduce(&source, &config)?);
    match rate::measure(&mut source) {
        Ok(measured) => findings.extend(measured),
        Err(error) => findings.push(problem("frames", &Failure::Emulator(error))),
    }
    Ok(findings)
}

fn introduce(source: &Source, config: &Config) -> Result<Vec<Finding>, Failure> {
    let introduction = source.backend.introduction();
    let connection = source.backend.connection();
    let place = connection.map_or(String::new(), |place| format!(", {} at {}", place.script, place.address));
    let emulator = format!("{}: {}{place}; {}", introduction.backend, source.why, introduction.core);
    let cartridge = &introduction.cartridge;
    let sha1 = cartridge.sha1.as_deref().unwrap_or("not known");
    let game = format!("{} ({}), {}, SHA-1 {sha1}", cartridge.title, cartridge.code, introduction.system);
    let profiles = Profiles::at_hand(some_path(&config.game.profiles).as_deref())
        .map_err(|error| Failure::Settings(error.to_string()))?;
    let named = Some(config.game.profile.as_str()).filter(|name| !name.is_empty());
    let profile = match profiles.choose(named, cartridge).map_err(Failure::Settings)? {
        Some((profile, Likeness::Named)) => format!("{}, named in game.profile", profile.name),
        Some((profile, Likeness::Hash)) => format!("{}, by its SHA-1", profile.name),
        Some((profile, Likeness::Header)) => format!("{}, by its title and game code", profile.name),
        None => format!("{NO_PROFILE}: played from pixels alone; `agent ram` shows how to begin one"),
    };
    Ok(vec![fine("emulator", emulator), fine("game", game), fine("profile", profile)])
}

fn fine(name: &str, found: String) -> Finding {
    Finding { name: name.to_string(), found, fix: None }
}

/// What is wrong and how to put it right. Errors of an emulator end with what to do, after a colon, where that is always
/// the same.
fn problem(name: &str, error: &Failure) -> Finding {
    let text = error.to_string();
    let (found, fix) = match error {
        Failure::Emulator(BackendError::NoWindow(_)) if text.contains("HOST:PORT") => {
            (text, "write it as 127.0.0.1:27100".to_string())
        }
        Failure::Emulator(BackendError::NoWindow(_)) => {
            (text.split_once(": ").map_or(text.as_str(), |(problem, _)| problem).to_string(), no_window_fix())
        }
        Failure::Emulator(BackendError::Silent(_)) => {
            let fix = "let the game go on in mGBA (Emulation > Pause), or load the script again (Tools > Scripting)";
            (text, fix.to_string())
        }
        Failure::Emulator(BackendError::Denied(_)) if text.contains("token") => {
            (text, "set emulator.mgba_token in config.toml to the TOKEN in mGBA's script".to_string())
        }
        Failure::Emulator(BackendError::Denied(_)) if text.contains(IN_USE) => {
            (text, "end that agent; one that was killed is forgotten after two seconds".to_string())
        }
        Failure::Emulator(BackendError::Denied(_)) => {
            (text, "load the pocketpilot.lua in mGBA that came with this agent".to_string())
        }
        Failure::Emulator(BackendError::CoreMissing { .. } | BackendError::CoreUnusable { .. }) => {
            (text, "scripts/setup.sh, or set emulator.core in config.toml".to_string())
        }
        _ => (text, "change emulator in config.toml, or name another with --emulator".to_string()),
    };
    Finding { name: name.to_string(), found, fix: Some(fix) }
}

fn no_window_fix() -> String {
    "open the game in mGBA and load emulator-bridge/mgba/pocketpilot.lua in Tools > Scripting; the console there says \
     which port it listens on"
        .to_string()
}

fn places(config: &Config) -> String {
    let (lua, http) = (&config.emulator.mgba_lua, &config.emulator.mgba_http);
    format!("our script at {lua}, mGBA-http's at {http}, and the nine ports after each")
}
