//! Whether a process still makes progress. Nothing here looks at a clock.

use crate::config::Supervision;
use wire::page::Progress;

/// What is remembered of one life of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    progress: u64,
    changed_ms: u64,
    suspected: bool,
}

/// What a look at the page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It makes progress, is expected to be silent, or was suspected before.
    Unchanged,
    /// It has been silent for too long; said once.
    Suspect {
        /// For how long.
        silent_ms: u64,
    },
    /// It has been silent for so long that it must be killed.
    Dead {
        /// For how long.
        silent_ms: u64,
    },
}

impl Watch {
    /// A process that became ready now.
    pub fn new(now_ms: u64) -> Watch {
        Watch { progress: 0, changed_ms: now_ms, suspected: false }
    }

    /// Looks at the page.
    pub fn observe(&mut self, now_ms: u64, page: Progress, limits: &Supervision) -> Health {
        if page.progress != self.progress {
            *self = Watch { progress: page.progress, changed_ms: now_ms, suspected: false };
            return Health::Unchanged;
        }
        // Silence counts from the end of a protected zone.
        let silent_ms = now_ms.saturating_sub(self.changed_ms.max(page.protected_until_ms));
        if silent_ms >= limits.kill_ms {
            return Health::Dead { silent_ms };
        }
        if silent_ms >= limits.suspect_ms && !self.suspected {
            self.suspected = true;
            return Health::Suspect { silent_ms };
        }
        Health::Unchanged
    }

    /// Whether the process is worth asking for a sign of life: questions to one that is silent would only pile up.
    pub fn answers(&self) -> bool {
        !self.suspected
    }

    /// Silence so far does not count: this process itself was not running.
    pub fn forgive(&mut self, now_ms: u64) {
        self.changed_ms = now_ms;
        self.suspected = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use wire::page::Stage;

    fn page(progress: u64, protected_until_ms: u64) -> Progress {
        Progress { progress, stage: Stage::Serving, in_flight: 0, protected_until_ms }
    }

    fn looks(pages: &[(u64, Progress)]) -> Vec<Health> {
        let limits = Config::built_in().supervision;
        let mut watch = Watch::new(0);
        pages.iter().map(|(now_ms, page)| watch.observe(*now_ms, *page, &limits)).collect()
    }

    #[test]
    fn silence_is_suspected_once_and_then_deadly() {
        let seen = looks(&[1_000, 3_000, 3_100, 5_999, 6_000].map(|now_ms| (now_ms, page(1, 0))));
        let suspect = Health::Suspect { silent_ms: 2_000 };
        let dead = Health::Dead { silent_ms: 5_000 };
        assert_eq!(seen, [Health::Unchanged, suspect, Health::Unchanged, Health::Unchanged, dead]);
    }

    #[test]
    fn progress_ends_the_suspicion() {
        let seen = looks(&[(0, page(1, 0)), (2_000, page(1, 0)), (4_900, page(2, 0)), (6_900, page(2, 0))]);
        let suspect = Health::Suspect { silent_ms: 2_000 };
        assert_eq!(seen, [Health::Unchanged, suspect, Health::Unchanged, suspect]);
    }

    #[test]
    fn a_protected_zone_is_not_silence_until_it_ends() {
        let seen = looks(&[
            (0, page(1, 10_000)),
            (11_999, page(1, 10_000)),
            (12_000, page(1, 10_000)),
            (15_000, page(1, 10_000)),
        ]);
        let (suspect, dead) = (Health::Suspect { silent_ms: 2_000 }, Health::Dead { silent_ms: 5_000 });
        assert_eq!(seen, [Health::Unchanged, Health::Unchanged, suspect, dead]);
    }

    #[test]
    fn time_in_which_the_watcher_itself_stood_still_does_not_count() {
        let limits = Config::built_in().supervision;
        let mut watch = Watch::new(0);
        watch.observe(0, page(1, 0), &limits);
        watch.forgive(60_000);
        assert_eq!(watch.observe(60_001, page(1, 0), &limits), Health::Unchanged);
        assert!(watch.answers());
    }
}
