//! One question at a time to the silos: what was asked, what was asked ahead, and what is answered when.

use super::fusion::fuse;
use super::layout::KnownFloor;
use super::prefetch::{Ahead, predicted};
use super::{Recall, Recalled, Recalling, Situation};
use crate::embed::{Embedding, Scene};
use crate::port::{Port, Reply};
use crate::telemetry::{RecallSample, Telemetry};
use actix::{ActorFutureExt as _, AsyncContext as _, Context, WrapFuture as _};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use wire::Step;
use wire::observation::Position;
use wire::recall::{Found, Hits, KeyMoments, Memory, Probe, Search, ToIndexes};

/// Memories that are asked of each silo.
const COUNT: u32 = 16;
/// The same on a new floor, whose own arrival may be among many others, and with a foe in sight, where what other skills did
/// may lie farther away than what the usual one did.
const WIDE_COUNT: u32 = 32;
/// Memories in an answer.
const ANSWER_MAX: usize = 40;
/// The part of the deadline that the role has, so that its answer is here in time.
const ROLE_SHARE: f64 = 0.8;
/// Scenes that an embedder is given at a time.
const BATCH_MAX: usize = 32;

/// What is being asked.
pub(super) struct Asking {
    deadline: Duration,
    telemetry: Port<Telemetry>,
    next_id: u64,
    asked: Option<Asked>,
    ahead: Option<Ahead>,
    /// What is fetched of a floor's memory: the question, the memory and the layout.
    fetching: Option<(u64, u64, u64)>,
    /// A known floor that nobody was told of yet.
    known: Option<(u64, Arc<KnownFloor>)>,
}

struct Asked {
    /// The search's id; nothing while the step's vector is waited for.
    id: Option<u64>,
    step: Step,
    since: Instant,
    is_prefetched: bool,
    reply: Reply<Recall>,
    /// What was found, while more is fetched.
    found: Option<Recalled>,
}

impl Asking {
    pub fn new(deadline: Duration, telemetry: Port<Telemetry>) -> Asking {
        Asking { deadline, telemetry, next_id: 0, asked: None, ahead: None, fetching: None, known: None }
    }

    /// The role is gone.
    pub fn lose(&mut self) {
        self.forget();
        self.answer(Recall::Unavailable { reason: "the process of the silos is gone".to_string() });
    }

    /// What was asked ahead and what is known of the floor are of no use any more.
    pub fn forget(&mut self) {
        (self.ahead, self.fetching, self.known) = (None, None, None);
    }

    fn answer(&mut self, recall: Recall) {
        let Some(asked) = self.asked.take() else { return };
        let took_us = asked.since.elapsed().as_micros() as u64;
        self.telemetry.tell(match &recall {
            Recall::Found(_) => RecallSample::found(took_us, asked.is_prefetched),
            Recall::Late => RecallSample::late(took_us),
            Recall::Unavailable { reason } => RecallSample::unavailable(reason),
        });
        asked.reply.send(recall);
    }

    fn search(&mut self, step: Step, instance: wire::Instance, probes: Vec<Probe>, count: u32) -> Search {
        self.next_id += 1;
        let deadline_us = (self.deadline.as_micros() as f64 * ROLE_SHARE) as u64;
        Search { id: self.next_id, instance, step, probes, count, deadline_us }
    }

    /// The time of a question is up: what is there is the answer.
    fn end_waiting(&mut self, step: Step) {
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.step == step) else { return };
        let found = asked.found.take();
        self.answer(found.map_or(Recall::Late, |found| Recall::Found(Box::new(found))));
    }

    /// Answers with what was found, and with what is known of the floor.
    fn answer_found(&mut self, found: Recalled) {
        let known = self.known.take();
        self.answer(Recall::Found(Box::new(Recalled { known, ..found })));
    }
}

impl Recalling {
    /// Looks at a step, unless that was done, and has its vector made.
    pub(super) fn take_up(&mut self, mut situation: Situation, context: &mut Context<Recalling>) {
        if !self.embedder.sees_frames() {
            situation.scene.frame = Arc::default();
        }
        if let Some(ended) = self.watching.look(&situation, now_s()) {
            self.session.keep(ended);
            self.embed_waiting(context);
        }
    }

    /// Has vectors made of the steps that wait for theirs.
    pub(super) fn embed_waiting(&mut self, context: &mut Context<Recalling>) {
        let mut scenes = self.watching.waiting();
        if scenes.is_empty() || self.is_embedding || self.session.space().is_none() {
            return;
        }
        scenes.truncate(BATCH_MAX);
        let count = scenes.len();
        match self.embedder.embed(&scenes) {
            Embedding::Now(vectors) => {
                self.watching.embed(vectors, self.settings.is_recorded);
            }
            Embedding::Later(vectors) => {
                self.is_embedding = true;
                context.spawn(vectors.into_actor(self).map(move |vectors, recalling, context| {
                    recalling.is_embedding = false;
                    let failed = vectors.as_ref().err().map(ToString::to_string);
                    let vectors = vectors.unwrap_or_else(|_| vec![None; count]);
                    let newest = recalling.watching.embed(vectors, recalling.settings.is_recorded);
                    if let Some(why) = failed {
                        recalling.pause_embedder(&why, context);
                    }
                    let waits = recalling.asking.asked.as_ref().filter(|asked| asked.id.is_none());
                    if waits.is_some_and(|asked| newest == Some(asked.step)) {
                        recalling.search_asked(context);
                    }
                    recalling.embed_waiting(context);
                }));
            }
        }
    }

    /// Somebody wants to know; there is a role to ask.
    pub(super) fn begin_asking(&mut self, step: Step, reply: Reply<Recall>, context: &mut Context<Recalling>) {
        // Whoever asked before does not wait any more.
        self.asking.answer(Recall::Late);
        let since = Instant::now();
        self.asking.asked = Some(Asked { id: None, step, since, is_prefetched: false, reply, found: None });
        context.run_later(self.asking.deadline, move |recalling, _| recalling.asking.end_waiting(step));
        if self.watching.has(step) {
            self.search_asked(context);
        }
    }

    /// The step's vector is there: the silos are asked, or have been asked already.
    fn search_asked(&mut self, context: &mut Context<Recalling>) {
        let probes = self.watching.probes();
        let is_arrival = self.watching.wanted_layout().is_some();
        if probes.is_empty() {
            return self.asking.answer(Recall::Unavailable { reason: "the picture shows nothing".to_string() });
        }
        let ahead = self.asking.ahead.take().filter(|ahead| !is_arrival && ahead.is_of(&probes));
        let Some(asked) = &mut self.asking.asked else { return };
        let step = asked.step;
        if let Some(ahead) = ahead {
            (asked.id, asked.is_prefetched) = (Some(ahead.id), true);
            if let Some(silos) = ahead.found {
                self.hear_silos(silos, context);
            }
            return;
        }
        let count = if is_arrival || self.watching.has_foe() { WIDE_COUNT } else { COUNT };
        let search = self.asking.search(step, self.instance(), probes, count);
        let id = search.id;
        if let Some(asked) = &mut self.asking.asked {
            asked.id = Some(id);
        }
        if !self.session.tell(&ToIndexes::Search(search)) {
            self.asking.answer(Recall::Unavailable { reason: "the process of the silos is busy".to_string() });
        }
    }

    /// Asks what will be asked next, if all goes as it is meant.
    pub(super) fn ask_ahead(&mut self, step: Step, scene: &Scene, goal: Option<Position>) {
        self.asking.ahead = None;
        let Some(seen) = scene.state.as_ref().filter(|_| self.session.reason_not_to_ask().is_none()) else { return };
        let next = Scene { frame: scene.frame.clone(), state: Some(predicted(seen, goal)) };
        // A vector that has to be waited for is not worth guessing at.
        let Embedding::Now(mut vectors) = self.embedder.embed(&[next]) else { return };
        let Some(vector) = vectors.pop().flatten().filter(|_| self.watching.has(step)) else { return };
        let probes = self.watching.probes_with(&vector);
        let search = self.asking.search(
            step + 1,
            self.instance(),
            probes.clone(),
            if self.watching.has_foe() { WIDE_COUNT } else { COUNT },
        );
        let id = search.id;
        if self.session.tell(&ToIndexes::Search(search)) {
            self.asking.ahead = Some(Ahead { id, probes, found: None });
        }
    }

    pub(super) fn hear_found(&mut self, found: Found, context: &mut Context<Recalling>) {
        let is_asked = self.asking.asked.as_ref().is_some_and(|asked| asked.id == Some(found.id));
        if is_asked && !found.trouble.is_empty() {
            self.asking.answer(Recall::Unavailable { reason: found.trouble });
        } else if is_asked && found.silos.is_empty() && !found.late.is_empty() {
            self.asking.answer(Recall::Late);
        } else if is_asked {
            self.hear_silos(found.silos, context);
        } else if let Some(ahead) = self.asking.ahead.as_mut().filter(|ahead| ahead.id == found.id) {
            match found.trouble.is_empty() && found.late.is_empty() {
                true => ahead.found = Some(found.silos),
                false => self.asking.ahead = None,
            }
        }
    }

    /// What the silos found for the question that is waited for.
    fn hear_silos(&mut self, silos: Vec<Hits>, _: &mut Context<Recalling>) {
        let memory = self.watching.wanted_layout().and_then(|layout| Some((layout, memory_of(&silos, layout)?)));
        if silos.iter().any(|hits| hits.span == 1) {
            self.watching.settle_layout();
        }
        let found = Recalled { memories: fuse(&silos, now_s(), ANSWER_MAX), known: None };
        let Some((layout, memory)) = memory else { return self.asking.answer_found(found) };
        self.asking.next_id += 1;
        let id = self.asking.next_id;
        if !self.session.tell(&ToIndexes::Fetch { id, memory }) {
            return self.asking.answer_found(found);
        }
        self.asking.fetching = Some((id, memory, layout));
        if let Some(asked) = &mut self.asking.asked {
            asked.found = Some(found);
        }
    }

    pub(super) fn hear_fetched(&mut self, id: u64, detail: Option<&[u8]>) {
        let Some((_, memory, layout)) = self.asking.fetching.take_if(|(asked, ..)| *asked == id) else { return };
        let known = detail.and_then(KnownFloor::decode);
        if layout == self.watching.layout() {
            self.asking.known = known.map(|known| (memory, Arc::new(known)));
        }
        let found = self.asking.asked.as_mut().and_then(|asked| asked.found.take());
        if let Some(found) = found {
            self.asking.answer_found(found);
        }
    }

    fn instance(&self) -> wire::Instance {
        self.game.as_ref().map_or(0, |game| game.instance)
    }
}

/// The newest memory that knows the floor of this layout.
fn memory_of(silos: &[Hits], layout: u64) -> Option<u64> {
    let shortest = silos.iter().filter(|hits| hits.span == 1).flat_map(|hits| &hits.memories);
    let is_it = |memory: &&Memory| memory.layout == layout && memory.keys.has(KeyMoments::FLOOR);
    let known = shortest.map(|(_, memory)| memory).filter(is_it);
    known.max_by_key(|memory| (memory.time_s, memory.id)).map(|memory| memory.id)
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
