//! What a run was asked to do: the configuration with the command line laid over it, checked and with every path
//! made absolute, so that it means the same wherever the run is resumed from.

use crate::cli::RunArgs;
use crate::config::{Config, Emulator};
use crate::failure::Failure;
use std::path::{Path, PathBuf};
use wire::control::{BackendChoice, Pace};

/// Lays the command line over the configuration.
pub fn resolve(mut config: Config, args: &RunArgs, folder: &Path) -> Result<Config, Failure> {
    // An end named on the command line is the end that is meant; the other kind's configured end would cut it short.
    match (args.steps, args.floors) {
        (Some(steps), None) => (config.run.steps, config.run.floors) = (steps, 0),
        (None, Some(floors)) => (config.run.steps, config.run.floors) = (0, floors),
        (Some(steps), Some(floors)) => (config.run.steps, config.run.floors) = (steps, floors),
        (None, None) => {}
    }
    if let Some(seed) = args.seed {
        config.run.seed = seed;
    }
    if let Some(rom) = &args.rom {
        config.emulator.rom.clone_from(rom);
        config.emulator.url.clear();
        config.emulator.backend = BackendChoice::Libretro.name().to_string();
    }
    if let Some(emulator) = &args.emulator {
        use_emulator(&mut config.emulator, emulator);
    }
    if let Some(instances) = args.instances {
        config.run.instances = instances;
    }
    // A ROM that is named is meant, whatever is in an open window; and a window is one game.
    let is_embedded = !config.emulator.rom.as_os_str().is_empty() || config.run.instances > 1;
    if config.emulator.backend == BackendChoice::Auto.name() && config.emulator.url.is_empty() && is_embedded {
        config.emulator.backend = BackendChoice::Libretro.name().to_string();
    }
    if let Some(brain) = &args.brain {
        config.run.brain.clone_from(brain);
    }
    if let Some(used) = args.recall {
        config.recall.used = used.into();
    }
    if let Some(memories) = &args.memories {
        config.indexes.folder.clone_from(memories);
    }
    if let Some(pace) = args.pace {
        config.run.pace = pace.into();
    }
    if config.emulator.backend.starts_with("mgba-") && config.emulator.url.is_empty() {
        // An open window runs at its own pace.
        config.run.pace = Pace::Realtime;
    }
    config.run.one_life |= args.one_life;
    config.check().map_err(Failure::Settings)?;
    // TOML's whole numbers are signed, and every run is written out as TOML.
    if config.run.seed > i64::MAX as u64 || config.run.steps > i64::MAX as u64 {
        return Err(Failure::Usage(format!("--seed and --steps must not be larger than {}", i64::MAX)));
    }
    for path in [
        &mut config.emulator.rom,
        &mut config.emulator.core,
        &mut config.game.profiles,
        &mut config.telemetry.runs,
        &mut config.indexes.folder,
        &mut config.skills.folder,
        &mut config.router.prompts,
        &mut config.router.record,
    ]
    .into_iter()
    .chain(config.router.tiers.iter_mut().map(|tier| &mut tier.folder))
    {
        if !path.as_os_str().is_empty() {
            *path = folder.join(&*path);
        }
    }
    Ok(config)
}

/// What a command is asked that looks at an emulator without playing: the configuration, and of the command line what
/// names the emulator, with the meaning that it has for a run.
pub fn of_look(config: Option<&Path>, emulator: Option<&str>, rom: Option<&Path>) -> Result<Config, Failure> {
    let folder =
        std::env::current_dir().map_err(|error| Failure::Os { what: "the current folder".to_string(), error })?;
    let args =
        RunArgs { emulator: emulator.map(str::to_string), rom: rom.map(Path::to_path_buf), ..RunArgs::default() };
    resolve(Config::load(config)?, &args, &folder)
}

/// What `--emulator` means: the name of a backend, that name with an address, or the address of a bridge.
fn use_emulator(emulator: &mut Emulator, meant: &str) {
    let (name, address) = meant.split_once(':').map_or((meant, None), |(name, address)| (name, Some(address)));
    emulator.rom = PathBuf::new();
    let Some(choice) = BackendChoice::named(name) else {
        emulator.url = meant.to_string();
        return;
    };
    emulator.url.clear();
    emulator.backend = choice.name().to_string();
    match (choice, address) {
        (BackendChoice::MgbaLua, Some(address)) => emulator.mgba_lua = address.to_string(),
        (BackendChoice::MgbaHttp, Some(address)) => emulator.mgba_http = address.to_string(),
        // The check of the configuration says that this is no address.
        (_, Some(_)) => emulator.url = meant.to_string(),
        (_, None) => {}
    }
}

/// The address of an emulator without its token, for logs and screens.
pub fn without_token(text: &str) -> String {
    match text.split_once("token=") {
        Some((before, after)) => {
            let rest = after.find('&').map_or("", |end| &after[end..]);
            format!("{before}token=…{rest}")
        }
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(args: &RunArgs) -> Result<Config, Failure> {
        resolve(Config::built_in(), args, Path::new("/here"))
    }

    #[test]
    fn an_end_on_the_command_line_replaces_the_configured_ends() {
        let ends = |steps, floors| {
            let config = resolved(&RunArgs { steps, floors, ..RunArgs::default() }).expect("it is accepted");
            (config.run.steps, config.run.floors)
        };
        assert_eq!(ends(None, None), (0, 5));
        assert_eq!(ends(Some(40), None), (40, 0));
        assert_eq!(ends(None, Some(2)), (0, 2));
        assert_eq!(ends(Some(40), Some(2)), (40, 2));
    }

    #[test]
    fn paths_are_made_absolute_and_empty_ones_stay_empty() {
        let config = resolved(&RunArgs { rom: Some("a/b.gba".into()), ..RunArgs::default() }).expect("it is accepted");
        assert_eq!(config.emulator.rom, Path::new("/here/a/b.gba"));
        assert_eq!(config.telemetry.runs, Path::new("/here/runs"));
        assert_eq!(config.emulator.core, Path::new(""));
    }

    #[test]
    fn what_the_command_line_names_is_checked_like_the_file() {
        let brain =
            resolved(&RunArgs { brain: Some("planer".into()), ..RunArgs::default() }).expect_err("it is unknown");
        assert_eq!(brain.to_string(), "run.brain is \"planer\"; it must be one of planner, router, rules, random");
        let url = resolved(&RunArgs { emulator: Some("http://x".into()), ..RunArgs::default() }).expect_err("not ws");
        assert_eq!(url.status(), 78);
    }

    #[test]
    fn several_games_are_played_on_the_embedded_emulator_alone() {
        let with = |instances, emulator: Option<&str>| {
            resolved(&RunArgs {
                instances: Some(instances),
                emulator: emulator.map(str::to_string),
                ..RunArgs::default()
            })
        };
        assert_eq!(with(64, None).expect("it is accepted").emulator.backend, "libretro");
        assert_eq!(with(1, None).expect("it is accepted").emulator.backend, "auto");
        assert!(with(1, Some("mgba-lua")).is_ok());
        for emulator in ["mgba-lua", "mgba-http:127.0.0.1:8888", "ws://127.0.0.1:9000/?token=T"] {
            let refused = with(2, Some(emulator)).expect_err("it is one game");
            assert_eq!(refused.status(), 78);
            assert!(refused.to_string().starts_with("run.instances must be 1 with a live window"), "{refused}");
        }
        for instances in [0, 65] {
            let refused = with(instances, None).expect_err("it is out of range");
            assert_eq!(refused.to_string(), format!("run.instances is {instances}; it must be from 1 to 64"));
        }
    }

    #[test]
    fn tokens_are_hidden() {
        assert_eq!(without_token("ws://h:1/?token=abc"), "ws://h:1/?token=…");
        assert_eq!(without_token("ws://h:1/?token=abc&x=1"), "ws://h:1/?token=…&x=1");
        assert_eq!(without_token("--quiet"), "--quiet");
    }
}
