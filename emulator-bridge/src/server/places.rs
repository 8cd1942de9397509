//! Places in the queue in front of the emulator, and who has how many.
//!
//! Invariant: a client that has no request waiting finds a place, whatever the others that are there
//! send: one is kept for each connection that there may be. Of those beyond, a client gets another while it has fewer than
//! are free, so that one that floods the bridge leaves half of them (the dynamic threshold of shared-memory switches: Choudhury and Hahne,
//! "Dynamic queue length thresholds for shared-memory packet switches", 1998).
//!
//! What was asked by a client that has left keeps its place until the emulator takes it up: who leaves and comes back
//! again and again can use up the places of others for as long as one step takes.

use super::CONNECTIONS_MAX;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most requests that wait for the emulator, of all clients together.
pub(crate) const PLACES: usize = 256;

/// All places of one bridge. They are handed out by the thread that serves the connections alone.
#[derive(Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
}

/// The places of one client.
#[derive(Debug, Default)]
pub(crate) struct Share {
    /// One more reference than it has places.
    taken: Arc<()>,
}

/// A place that is taken until this is dropped, on any thread.
#[derive(Debug)]
pub(crate) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_share: Arc<()>,
}

impl Default for Places {
    fn default() -> Places {
        Places { free: Arc::new(Semaphore::new(PLACES)) }
    }
}

impl Places {
    /// One more place for a client; `None` where it has its share.
    pub(crate) fn take(&self, share: &Share) -> Option<Place> {
        let beyond = self.free.available_permits().saturating_sub(CONNECTIONS_MAX);
        if share.taken() > 0 && share.taken() >= beyond {
            return None;
        }
        let of_all = self.free.clone().try_acquire_owned().ok()?;
        Some(Place { _of_all: of_all, _of_share: share.taken.clone() })
    }
}

impl Share {
    fn taken(&self) -> usize {
        Arc::strong_count(&self.taken) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes until there is no more.
    fn flood(places: &Places, share: &Share) -> Vec<Place> {
        std::iter::from_fn(|| places.take(share)).collect()
    }

    #[test]
    fn each_connection_finds_a_place_however_many_flood() {
        let places = Places::default();
        let shares: Vec<Share> = (0..CONNECTIONS_MAX).map(|_| Share::default()).collect();
        let mut taken: Vec<Place> = Vec::new();
        for (before, share) in shares.iter().enumerate() {
            let more = flood(&places, share);
            assert!(!more.is_empty(), "{before} others leave none of {PLACES} places");
            taken.extend(more);
        }
        assert!(shares.iter().all(|share| flood(&places, share).is_empty()));
    }

    #[test]
    fn one_that_floods_leaves_half_of_what_is_kept_for_nobody_and_gives_back_what_it_had() {
        let (places, share) = (Places::default(), Share::default());
        for _ in 0..3 {
            let taken = flood(&places, &share);
            assert_eq!(taken.len(), (PLACES - CONNECTIONS_MAX) / 2);
            drop(taken);
            assert_eq!((share.taken(), places.free.available_permits()), (0, PLACES));
        }
    }
}
