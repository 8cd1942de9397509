//! The configuration: what `config.toml` and a run's `run.toml` hold.
//!
//! The file in the repository is built into the program. It is the list of keys and the source of every default, so
//! what it documents and what the program does cannot differ: a user's file is checked against it key by key, laid
//! over it, and read as one.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use wire::Instance;
use wire::control::{BackendChoice, Eyes, Pace, RecallUse, Windows};
use wire::router::{RouterSettings, TierSettings};

mod layer;
mod limits;

pub use layer::ConfigError;

/// The built-in configuration, comments included.
pub const DEFAULTS: &str = include_str!("../../config.toml");
/// The name under which a configuration is found in the current folder.
pub const CONFIG_FILE: &str = "config.toml";
/// Who may decide.
pub const BRAINS: &[&str] = &["planner", "router", "rules", "random"];
/// Ways in which a server is told of a schema.
pub const DIALECTS: &[&str] = &["auto", "vllm", "llama-server", "ollama", "lm-studio", "openai", "none"];
/// Where a tier's model may be.
pub const TIER_BACKENDS: &[&str] = &["server", "reader", "qwen3-vl"];
/// Numbers that a model in this process may compute with.
pub const DTYPES: &[&str] = &["auto", "f32", "bf16", "f16"];
/// What may make vectors of what is seen.
pub const EMBEDDERS: &[&str] = &["state", "reader", "qwen3-vl"];
/// Ways in which a model is told the decoded state.
pub const STATES: &[&str] = &["text", "json", "none"];
/// Ways to drive an emulator.
pub const BACKENDS: &[&str] = &["auto", "libretro", "mgba-lua", "mgba-http"];
/// Kinds of index.
pub const INDEX_KINDS: &[&str] = &["auto", "flat", "hnsw", "hnsw-sq8", "ivf-flat", "ivf-sq8", "ivf-pq"];

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is asked of the run.
    pub run: Run,
    /// The machine that the game runs on.
    pub emulator: Emulator,
    /// What is known of the game.
    pub game: Game,
    /// How the agent plays.
    pub pilot: Pilot,
    /// Where events go.
    pub telemetry: Telemetry,
    /// When somebody should look.
    pub alerts: Alerts,
    /// Whom else a run is told.
    pub export: Export,
    /// How experience is used and gathered.
    pub recall: Recall,
    /// The memory silos.
    pub indexes: Indexes,
    /// How models are asked.
    pub router: Router,
    /// The skills.
    pub skills: Folder,
    /// How processes are watched and restarted.
    pub supervision: Supervision,
}

/// What is asked of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Seed of the game and of every random choice.
    pub seed: u64,
    /// Floors to reach, 0 for no such end.
    pub floors: u32,
    /// Steps to take, 0 for no such end.
    pub steps: u64,
    /// End when the first life ends.
    pub one_life: bool,
    /// Games that are played at once; each has its own ends.
    pub instances: Instance,
    /// How emulated time relates to the wall clock.
    pub pace: Pace,
    /// Who decides.
    pub brain: String,
}

/// The machine that the game runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emulator {
    /// How it is driven.
    pub backend: String,
    /// Address of this project's script in a live mGBA window.
    pub mgba_lua: String,
    /// What that script was told to ask for.
    pub mgba_token: String,
    /// Address of mGBA-http's script in a live mGBA window.
    pub mgba_http: String,
    /// The ROM, empty for the bundled one.
    pub rom: PathBuf,
    /// The core's file, empty to look for it.
    pub core: PathBuf,
    /// A bridge that runs already, empty to start one.
    pub url: String,
    /// Longest time for one request.
    pub deadline_ms: u64,
}

/// What is known of the game.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Game {
    /// The profile, empty to recognise the ROM.
    pub profile: String,
    /// Folder of profiles, empty for the built-in ones alone.
    pub profiles: PathBuf,
    /// Whether the agent sees what a player could not.
    pub omniscient: bool,
    /// What play is based on.
    pub eyes: Eyes,
}

/// How the agent plays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pilot {
    /// A checkpoint at least this often.
    pub checkpoint_every_steps: u64,
    /// Longest time for one decision.
    pub decision_deadline_ms: u64,
}

/// Where events go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Kind of target.
    pub backend: Backend,
    /// Folder of the runs' folders.
    pub runs: PathBuf,
    /// Whether what decisions were made from is kept.
    pub inspection: bool,
    /// Size at which the log goes on in a new file.
    pub part_mib: u64,
    /// Size of the whole log, 0 for no limit.
    pub log_mib: u64,
    /// Size of all runs, 0 for no limit.
    pub runs_mib: u64,
}

/// When somebody should look. `config.toml` says what each number means; 0 is never.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml describes each key")]
pub struct Alerts {
    pub no_steps_s: u64,
    pub stuck_steps: u64,
    pub floor_steps: u64,
    pub stale_percent: u64,
    pub overhead_ms: u64,
    pub memory_mib_per_hour: u64,
    pub errors_per_minute: u64,
}

/// Whom else a run is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// Address of metrics for Prometheus, empty for none.
    pub prometheus: String,
    /// Address of an OpenTelemetry collector, empty for none.
    pub otlp: String,
    /// Whether the collector gets prompts and answers.
    pub content: bool,
}

impl Export {
    /// Whether anybody is told what models were asked and said.
    pub fn tells_content(&self) -> bool {
        self.content && !self.otlp.is_empty()
    }
}

/// Kind of telemetry target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// `telemetry.jsonl` in the run's folder.
    File,
    /// Kept in each process.
    Memory,
    /// Dropped.
    Null,
}

/// How models are asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Router {
    /// What the player is after, in words.
    pub objective: String,
    /// Longest wait for a decision.
    pub deadline_ms: u64,
    /// Questions that may wait.
    pub waiting_max: u32,
    /// The confidence below which the next tier is asked.
    pub escalate_below: f64,
    /// Steps on a higher tier, at least.
    pub stay_steps: u32,
    /// Tokens of an hour, 0 for no limit.
    pub tokens_per_hour: u64,
    /// Money of an hour, 0 for no limit.
    pub money_per_hour: f64,
    /// Calls of an hour, 0 for no limit.
    pub calls_per_hour: u64,
    /// Whether decisions are kept, found again and shared.
    pub cache: bool,
    /// The caches' memory, 0 for what suits the machine.
    pub cache_mib: u32,
    /// Bits in which like pictures' difference hashes may differ.
    pub similar_bits: u32,
    /// Whether slow requests are sent twice.
    pub hedge: bool,
    /// How often a server that failed is tried.
    pub probe_ms: u64,
    /// The folder of prompt templates.
    pub prompts: PathBuf,
    /// The file into which questions are written, empty for none.
    pub record: PathBuf,
    /// The tiers, the lowest first.
    pub tiers: Vec<TierSettings>,
}

impl Router {
    /// What the router is told.
    pub fn settings(&self, is_used: bool) -> RouterSettings {
        RouterSettings {
            is_used,
            objective: self.objective.clone(),
            deadline_ms: self.deadline_ms,
            waiting_max: self.waiting_max,
            escalate_below: self.escalate_below,
            stay_steps: self.stay_steps,
            tokens_per_hour: self.tokens_per_hour,
            money_per_hour: self.money_per_hour,
            calls_per_hour: self.calls_per_hour,
            is_cached: self.cache,
            cache_bytes: u64::from(self.cache_mib) << 20,
            similar_bits: self.similar_bits,
            hedge: self.hedge,
            probe_ms: self.probe_ms,
            prompts: self.prompts.clone(),
            record: some_path(&self.record),
            exchanges: None,
            tiers: self.tiers.clone(),
        }
    }
}

/// How experience is used and gathered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recall {
    /// Whether it takes part in decisions.
    #[serde(rename = "use")]
    pub used: RecallUse,
    /// Whether new memories are kept.
    pub record: bool,
    /// Longest wait for it in a step.
    pub deadline_ms: u64,
    /// What makes vectors, where no server does.
    pub embedder: String,
    /// A server with `/v1/embeddings`, empty for `embedder`.
    pub embeddings_url: String,
    /// The model that it is asked for.
    pub embeddings_model: String,
}

/// The memory silos.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indexes {
    /// Their folder.
    pub folder: PathBuf,
    /// Kind of index.
    pub kind: String,
    /// Memories that a silo keeps.
    pub capacity: u32,
    /// New memories of a silo that are folded together.
    pub fold_at: u32,
}

/// A role's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// Its path.
    pub folder: PathBuf,
}

/// How processes are watched and restarted. `config.toml` says what each number means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml describes each key")]
pub struct Supervision {
    pub ping_ms: u64,
    pub suspect_ms: u64,
    pub kill_ms: u64,
    pub handshake_ms: u64,
    pub ready_ms: u64,
    pub backoff_ms: u64,
    pub backoff_max_ms: u64,
    pub stable_s: u64,
    pub restarts_max: u32,
    pub window_s: u64,
    pub retry_s: u64,
    pub stop_ms: u64,
    pub finish_ms: u64,
}

impl Emulator {
    /// How it is driven. The name was checked.
    pub fn choice(&self) -> BackendChoice {
        BackendChoice::named(&self.backend).expect("the configuration was checked")
    }

    /// Where a live window may be found.
    pub fn windows(&self) -> Windows {
        let Emulator { mgba_lua, mgba_token, mgba_http, .. } = self;
        Windows { lua: mgba_lua.clone(), token: mgba_token.clone(), http: mgba_http.clone() }
    }

    /// The core that was named.
    pub fn core(&self) -> Option<PathBuf> {
        some_path(&self.core)
    }
}

/// A path that may be left empty.
pub fn some_path(path: &Path) -> Option<PathBuf> {
    Some(path.to_path_buf()).filter(|path| !path.as_os_str().is_empty())
}

impl Config {
    /// Reads the file that was named, or else `config.toml` in the current folder, or else the built-in defaults.
    pub fn load(named: Option<&Path>) -> Result<Config, ConfigError> {
        match named {
            Some(path) => Config::read(path),
            None if Path::new(CONFIG_FILE).exists() => Config::read(Path::new(CONFIG_FILE)),
            None => Ok(Config::built_in()),
        }
    }

    /// Reads one file.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.to_path_buf(), error })?;
        Config::parse(&text, path)
    }

    /// Reads a configuration's text; `path` only names it in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
        let source = layer::Source { text, path };
        let config: Config = source.over(DEFAULTS)?;
        match limits::violation(&config) {
            None => Ok(config),
            Some(violation) => Err(source.reject(violation.section, violation.key, violation.message)),
        }
    }

    /// The built-in defaults.
    pub fn built_in() -> Config {
        Config::parse("", Path::new(CONFIG_FILE)).expect("the built-in configuration is tested")
    }

    /// What is wrong with a configuration after the command line was laid over it.
    pub fn check(&self) -> Result<(), String> {
        match limits::violation(self) {
            None => Ok(()),
            Some(violation) => Err(format!("{}.{} {}", violation.section, violation.key, violation.message)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> String {
        Config::parse(text, Path::new("config.toml")).expect_err("it is wrong").to_string()
    }

    #[test]
    fn the_built_in_file_holds_every_key() {
        let config = Config::built_in();
        let held: toml::Table = toml::from_str(DEFAULTS).expect("it is TOML");
        let needed = toml::Table::try_from(&config).expect("a configuration is a table");
        assert_eq!(held, needed);
    }

    #[test]
    fn a_configuration_written_out_reads_the_same() {
        let mut config = Config::built_in();
        config.run.seed = 99;
        config.run.pace = Pace::Unthrottled;
        config.emulator.rom = PathBuf::from("/some/where.gba");
        let text = toml::to_string(&config).expect("it is TOML");
        assert_eq!(Config::parse(&text, Path::new("run.toml")).expect("it reads"), config);
    }

    #[test]
    fn a_key_left_out_keeps_its_default() {
        let config = Config::parse("[run]\nfloors = 9\n", Path::new("config.toml")).expect("it reads");
        assert_eq!((config.run.floors, config.run.seed), (9, 7));
    }

    #[test]
    fn an_unknown_key_names_its_place_and_the_nearest_known_one() {
        assert_eq!(
            error_of("# mine\n[run]\n  florrs = 3\n"),
            "config.toml:3:3: unknown key run.florrs; did you mean run.floors?"
        );
        assert_eq!(error_of("[runn]\nseed = 3\n"), "config.toml:1:2: unknown section [runn]; did you mean [run]?");
        assert_eq!(
            error_of("[supervision]\nxyzzyquux = 3\n"),
            "config.toml:2:1: unknown key supervision.xyzzyquux; config.toml in the repository lists all keys"
        );
    }

    #[test]
    fn a_wrong_type_names_its_line_and_what_was_expected() {
        assert_eq!(
            error_of("[run]\nfloors = \"five\"\n"),
            "config.toml:2:10: run.floors is a string; a whole number was expected"
        );
        assert_eq!(error_of("run = 3\n"), "config.toml:1:7: run is a whole number; a section [run] was expected");
    }

    #[test]
    fn a_value_out_of_range_names_its_line_and_the_range() {
        assert_eq!(
            error_of("[supervision]\n\nkill_ms = 3\n"),
            "config.toml:3:11: supervision.kill_ms is 3; it must be from 100 to 600000"
        );
        assert_eq!(
            error_of("[run]\npace = \"lockstop\"\n"),
            "config.toml:2:8: run.pace is \"lockstop\"; it must be one of lockstep, realtime, unthrottled"
        );
        assert_eq!(
            error_of("[run]\nfloors = -1\n"),
            "config.toml:2:10: run.floors is -1; it must be a whole number from 0 to 4294967295"
        );
    }

    #[test]
    fn text_that_is_not_toml_names_its_line() {
        assert!(error_of("[run]\nfloors =\n").starts_with("config.toml:2:"), "{}", error_of("[run]\nfloors =\n"));
    }

    #[test]
    fn tiers_take_what_they_leave_out_from_the_defaults() {
        let text = "[router]\nobjective = \"win\"\n[[router.tiers]]\nname = \"2b\"\n[[router.tiers]]\nname = \"8b\"\ninput_price = 1\n";
        let router = Config::parse(text, Path::new("config.toml")).expect("it reads").router;
        let names: Vec<_> = router.tiers.iter().map(|tier| (tier.name.as_str(), tier.context_tokens)).collect();
        assert_eq!((router.objective.as_str(), names), ("win", vec![("2b", 8192), ("8b", 8192)]));
        assert!((router.tiers[1].input_price - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_mistake_in_a_tier_names_its_place() {
        assert_eq!(
            error_of("[[router.tiers]]\nname = \"2b\"\nmodell = \"x\"\n"),
            "config.toml:3:1: unknown key router.tiers.modell; did you mean router.tiers.model?"
        );
        assert_eq!(
            error_of("[[router.tiers]]\nname = \"2b\"\npictures = \"one\"\n"),
            "config.toml:3:12: router.tiers.pictures is a string; a whole number was expected"
        );
        assert_eq!(
            error_of("[[router.tiers]]\npictures = -1\n"),
            "config.toml:2:12: router.tiers.pictures is -1; it must be a whole number from 0 to 4294967295"
        );
        assert_eq!(
            error_of("[[router.tiers]]\nname = \"2b\"\npictures = 7\n"),
            "config.toml:1:1: router.tiers 2b: pictures is 7; it must be from 0 to 1"
        );
        assert_eq!(
            error_of("[[router.tiers]]\nurl = \"localhost:80\"\n"),
            "config.toml:1:1: router.tiers local: url is \"localhost:80\"; it must begin with http:// or https://, or be \
             empty to look on this machine"
        );
        assert_eq!(
            error_of("[run]\nbrain = \"router\"\n[router]\ntiers = []\n"),
            "config.toml:4:9: router.tiers is empty, and run.brain is \"router\"; add a [[router.tiers]] with the url of a server"
        );
    }
}
