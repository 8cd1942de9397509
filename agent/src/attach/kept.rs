//! What the folder of a run keeps of its steps beyond the log: with `[telemetry] inspection = true` the picture and the question of
//! each step (a recording), and what models were asked and answered, word by word.
//!
//! Where in the recordings things are is noted a little at a time, so that looking into one is quick however long it is.

use super::floor::{Spot, spots};
use super::lock;
use crate::config::{Config, some_path};
use crate::run_folder::{EXCHANGES, RECORDING, RUN_FILE};
use crate::run_log::{ByStep, RunLog};
use actors::router::recording::{Account, RecordingError, RecordingIndex};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use wire::hash::Hash;
use wire::ring::Snapshot;
use wire::{Instance, Step};

/// Records that are noted before somebody else may ask.
const RECORDS: usize = 128;
/// Exchanges around a step that are looked through: answers may be written late, and a decision may go on for a while.
const EXCHANGES_AROUND: usize = 48;
/// Steps by which an exchange may be written late.
const LATE_STEPS: Step = 16;

/// What a run's folder keeps.
pub struct Kept {
    /// The run's log.
    pub log: RunLog,
    recording: PathBuf,
    exchanges: PathBuf,
    indexes: Mutex<BTreeMap<Instance, Indexed>>,
}

/// A recording, as far as it is noted.
enum Indexed {
    /// What is noted, and whether that is all there is.
    Places(Box<RecordingIndex>, bool),
    /// It cannot be read (any more).
    Damaged(String),
}

impl Kept {
    /// What the folder of this log keeps.
    pub fn of(log: &RunLog, config: &Config) -> Kept {
        let folder = log.path.parent().unwrap_or(Path::new("."));
        let mut recording = folder.join(RECORDING);
        if !recording.exists() {
            // Somebody may have had the questions recorded elsewhere.
            let kept = Config::read(&folder.join(RUN_FILE)).ok();
            let named = some_path(&kept.as_ref().unwrap_or(config).router.record);
            recording = named.filter(|path| path.exists()).unwrap_or(recording);
        }
        Kept { log: log.clone(), recording, exchanges: folder.join(EXCHANGES), indexes: Mutex::default() }
    }

    /// What was recorded of the step that was decided on this picture.
    pub fn account(&self, game: Instance, step: Step, picture: Hash) -> Option<Account> {
        self.read(game, |index| index.account(step, picture))
    }

    /// The map as it was known at the step that was decided on this picture.
    pub fn map(&self, game: Instance, step: Step, picture: Hash) -> Option<Vec<Spot>> {
        let seen = self.read(game, |index| index.seen(step, picture))?;
        (seen.floor > 0).then(|| spots(&seen))
    }

    /// The recorded picture with this hash.
    pub fn picture(&self, game: Instance, hash: Hash) -> Option<Snapshot> {
        let frame = self.read(game, |index| index.picture(hash))?;
        // What is shown as a step's picture has its hash, or is not shown.
        Some(frame).filter(|frame| Hash::of([frame.pixels.as_slice()]) == hash)
    }

    /// What the recording of a game holds, as far as it is noted and can be read.
    fn read<T>(
        &self,
        game: Instance,
        read: impl FnOnce(&RecordingIndex) -> Result<Option<T>, RecordingError>,
    ) -> Option<T> {
        match lock(&self.indexes).get(&game)? {
            Indexed::Places(index, _) => read(index).ok().flatten(),
            Indexed::Damaged(_) => None,
        }
    }

    /// Why a picture that was not seen is not there.
    pub fn picture_note(&self, game: Instance) -> String {
        match lock(&self.indexes).get(&game) {
            Some(Indexed::Places(_, false)) => {
                "The recording of this run is still being read; look again in a moment.".into()
            }
            Some(Indexed::Places(_, true)) => {
                "The recording of this run does not hold the picture of this step.".into()
            }
            Some(Indexed::Damaged(why)) => format!("The recording of this run cannot be read: {why}."),
            None => "The picture of this step was not kept: nobody was looking here, or the game was faster than \
                     can be looked at. A run with inspection = true in section [telemetry] keeps every one."
                .into(),
        }
    }

    /// What models were asked for a step and answered, the oldest first; of a decision that goes on, what it was made by.
    pub fn exchanges(&self, game: Instance, line: &Value) -> io::Result<Vec<Value>> {
        let step = line["step"].as_u64().unwrap_or(0);
        let around = ByStep::of_file(&self.exchanges)?.before(game, step + LATE_STEPS, EXCHANGES_AROUND)?;
        let all: Vec<Value> = around.iter().filter_map(|found| serde_json::from_slice(&found.line).ok()).collect();
        let of =
            |is_wanted: &dyn Fn(&Value) -> bool| all.iter().filter(|told| is_wanted(told)).cloned().collect::<Vec<_>>();
        let found = of(&|told| told["step"] == step);
        let decided_on = &line["decided_on"]["frame_hash"];
        if !found.is_empty() || decided_on.is_null() {
            return Ok(found);
        }
        Ok(of(&|told| told["frame_hash"] == *decided_on && told["step"].as_u64().is_some_and(|asked| asked < step)))
    }

    /// Why there is no exchange of a step.
    pub fn exchange_note(&self, line: &Value) -> &'static str {
        let is_models = !line["tier"].is_null();
        match (is_models, self.exchanges.exists()) {
            (false, _) => "No model decided this step.",
            (true, true) => "What the model was told for this decision is not among what the run keeps.",
            (true, false) => {
                "What the model was told and said was not kept. A run with inspection = true in section [telemetry] keeps it."
            }
        }
    }

    /// Notes further records of all recordings; says whether there may be more.
    pub fn advance(&self) -> bool {
        let mut has_more = false;
        for game in 0..Instance::MAX {
            let path = match game {
                0 => self.recording.clone(),
                game => PathBuf::from(format!("{}.{game}", self.recording.display())),
            };
            if !path.exists() {
                break;
            }
            let mut indexes = lock(&self.indexes);
            let opened = |error: RecordingError| Indexed::Damaged(error.to_string());
            let indexed = indexes.entry(game).or_insert_with(|| {
                RecordingIndex::open(&path).map_or_else(opened, |index| Indexed::Places(Box::new(index), false))
            });
            let Indexed::Places(index, is_all) = indexed else { continue };
            match index.advance(RECORDS) {
                Ok(more) => (*is_all, has_more) = (!more, has_more || more),
                Err(error) => *indexed = Indexed::Damaged(error.to_string()),
            }
        }
        has_more
    }
}
