//! Tells of changes: each in the log, and a few of them to the person at the terminal.

use crate::shelf::Change;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::control::FromRole;
use wire::event::Event;
use wire::link::Link;
use wire::log::{Context, Log};

/// The name under which changes stand in the log.
const ACTOR: &str = "loader";
/// Notes for a person in any second.
const NOTES_MAX: usize = 4;

/// When changes were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// When the role began: what is well goes without saying.
    Start,
    /// Later.
    Change,
}

/// The way to the log and to the terminal.
pub(super) struct Post {
    log: Arc<Log>,
    parent: Link,
    noted: Vec<Instant>,
}

impl Post {
    pub(super) fn new(log: Arc<Log>, parent: Link) -> Post {
        Post { log, parent, noted: Vec::new() }
    }

    /// Tells of changes, which were in use this long after they were noticed.
    pub(super) fn report(&mut self, changes: &[Change], took: Duration) {
        record(&self.log, changes, took);
        self.tell(changes, took, Occasion::Change);
    }

    /// Tells the person at the terminal of changes.
    pub(super) fn tell(&mut self, changes: &[Change], took: Duration, occasion: Occasion) {
        let notes: Vec<String> = changes.iter().filter_map(|change| note(change, took, occasion)).collect();
        self.note(notes);
    }

    fn note(&mut self, mut notes: Vec<String>) {
        self.noted.retain(|noted| noted.elapsed() < Duration::from_secs(1));
        let room = NOTES_MAX.saturating_sub(self.noted.len());
        if notes.len() > room {
            let more = notes.len() - room.saturating_sub(1);
            notes.truncate(room.saturating_sub(1));
            notes.extend((room > 0).then(|| format!("skills: {more} more changes; telemetry lists them")));
        }
        for note in notes {
            self.noted.push(Instant::now());
            // A parent that is gone needs no notes.
            let _ = self.parent.send(&FromRole::Note { instance: None, text: note }, &[]);
        }
    }
}

/// Writes changes into the log.
pub(super) fn record(log: &Log, changes: &[Change], took: Duration) {
    for change in changes {
        if let Err(error) = log.write(ACTOR, Context::default(), event(change, took)) {
            tracing::warn!("a change of the skills is missing in the log: {error}");
        }
    }
}

fn event(change: &Change, took: Duration) -> Event {
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    match change {
        Change::Loaded(skill) => Event::SkillLoaded {
            skill: skill.manifest.name.clone(),
            version: skill.manifest.version.to_string(),
            tier: skill.tier.name().to_string(),
            path: skill.folder.display().to_string(),
            took_us,
        },
        Change::Reloaded { skill, before } => Event::SkillReloaded {
            skill: skill.manifest.name.clone(),
            version: skill.manifest.version.to_string(),
            before: before.clone(),
            tier: skill.tier.name().to_string(),
            path: skill.folder.display().to_string(),
            took_us,
        },
        Change::Rejected { name, mistake, kept } => Event::SkillRejected {
            skill: name.clone(),
            path: mistake.path.display().to_string(),
            line: mistake.line,
            column: mistake.column,
            message: mistake.message.clone(),
            kept: kept.clone(),
        },
        Change::Removed { skill, now } => Event::SkillRemoved {
            skill: skill.manifest.name.clone(),
            version: skill.manifest.version.to_string(),
            path: skill.folder.display().to_string(),
            now: now.clone(),
        },
    }
}

fn note(change: &Change, took: Duration, occasion: Occasion) -> Option<String> {
    match change {
        Change::Rejected { mistake, kept, .. } => Some(match kept {
            Some(version) => format!("skills: {mistake}; version {version} stays"),
            None => format!("skills: {mistake}"),
        }),
        _ if occasion == Occasion::Start => None,
        Change::Loaded(skill) => {
            Some(format!("skills: {} {} is new, {} ms", skill.manifest.name, skill.manifest.version, took.as_millis()))
        }
        Change::Reloaded { skill, .. } => {
            let (name, version) = (&skill.manifest.name, &skill.manifest.version);
            Some(format!("skills: {name} {version} was loaded again, {} ms", took.as_millis()))
        }
        Change::Removed { skill, now: None } => Some(format!("skills: {} is gone", skill.manifest.name)),
        Change::Removed { .. } => None,
    }
}
