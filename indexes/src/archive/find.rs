//! Searches: checked, handed to the threads that search, and put into words.

use super::{Archive, OpenSpace};
use crate::note::Names;
use crate::pool::{Answer, Searchers};
use crate::silo::Silo;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use wire::recall::{COUNT_MAX, Found, Hits, Probe, Search};

/// Questions that warm the silos of a space, memories asked of each, and the longest time for each, in microseconds.
const WARM_ROUNDS: usize = 100;
const WARM_COUNT: u32 = 10;
const WARM_US: u64 = 100_000;
/// A search waits no longer than this, whatever it asks for.
const DEADLINE_MAX: Duration = Duration::from_secs(10);

impl Archive {
    /// Searches silos; `reply` is called once, on a thread of the pool or on this one.
    pub fn search(
        &self,
        searchers: &Searchers,
        space: &OpenSpace,
        search: Search,
        reply: impl FnOnce(Found) + Send + 'static,
    ) {
        let begin = Instant::now();
        let id = search.id;
        let (count, deadline_us) = (search.count.min(COUNT_MAX) as usize, search.deadline_us);
        match probes(space, search) {
            Err(trouble) => reply(Found { id, trouble, ..Found::default() }),
            Ok(probes) => {
                let names = self.names();
                let deadline = begin + Duration::from_micros(deadline_us).min(DEADLINE_MAX);
                searchers.ask(probes, count, deadline, move |answer| reply(found(id, answer, &names, begin)));
            }
        }
    }

    /// Asks the silos of a space for some of their own memories, on the threads that will search, so that the first
    /// question finds everything as warm as the later ones do.
    pub fn warm(&self, searchers: &Searchers, space: &OpenSpace) {
        for round in 0..WARM_ROUNDS {
            let probe = |shelf: &super::Shelf| {
                let generation = shelf.silo.generation().filter(|generation| !generation.is_empty())?;
                let position = generation.len() * round / WARM_ROUNDS;
                let vector = generation.vectors().row(u32::try_from(position).ok()?).ok()?;
                Some(Probe { span: shelf.span(), vector })
            };
            let probes: Vec<Probe> = space.shelves.iter().filter_map(probe).collect();
            if probes.is_empty() {
                return;
            }
            let search = Search { probes, count: WARM_COUNT, deadline_us: WARM_US, ..Search::default() };
            // What is found is of no interest, and a fault will be told to whoever asks.
            let _ = self.search_and_wait(searchers, space, search);
        }
    }

    /// Searches, and waits for what is found.
    pub fn search_and_wait(&self, searchers: &Searchers, space: &OpenSpace, search: Search) -> Found {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.search(searchers, space, search, move |found| drop(sender.send(found)));
        receiver.recv().unwrap_or_default()
    }
}

/// Silos that are asked, each with its own query.
type Asked = Vec<(Arc<Silo>, Vec<f32>)>;

fn probes(space: &OpenSpace, search: Search) -> Result<Asked, String> {
    let dimensions = space.space.dimensions as usize;
    let probe = |probe: wire::recall::Probe| {
        let Some(shelf) = space.shelf(probe.span) else { return Err(format!("no silo spans {} steps", probe.span)) };
        if probe.vector.len() != dimensions || probe.vector.iter().any(|value| !value.is_finite()) {
            return Err(format!("a probe is not {dimensions} finite numbers"));
        }
        Ok((shelf.silo.clone(), probe.vector))
    };
    search.probes.into_iter().map(probe).collect()
}

fn found(id: u64, answer: Answer, names: &Names, begin: Instant) -> Found {
    let hits = |hit: crate::pool::Hit| Hits {
        span: hit.span,
        memories: hit.notes.iter().map(|(distance, note)| (*distance, note.memory(names))).collect(),
    };
    let trouble = answer.faults.first().map(|(span, fault)| format!("the silo of {span} steps: {fault}"));
    Found {
        id,
        silos: answer.hits.into_iter().map(hits).collect(),
        late: answer.late,
        trouble: trouble.unwrap_or_default(),
        took_us: u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX),
    }
}
