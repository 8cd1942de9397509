//! The actor against a thread that plays the indexes role.

use super::*;
use std::sync::{Mutex, MutexGuard, mpsc};
use std::time::Duration;
use wire::control::TelemetryTarget;
use wire::log::Log;
use wire::observation::{Monster, Observation, Screen, Terrain, Tile};
use wire::recall::{Found, Hits, KeyMoments, Memory, NewMemory, Search, Space, Standing, ToIndexes};
use wire::ring::Snapshot;

const DEADLINE: Duration = Duration::from_secs(20);

/// What is kept, whatever becomes of the role.
type Kept = Arc<Mutex<Vec<NewMemory>>>;

/// What the role knows and how it behaves.
#[derive(Default)]
struct Role {
    memories: Kept,
    /// Searches that it leaves unanswered.
    is_mute: bool,
    /// Batches that it dies of instead of keeping them.
    deaths: usize,
}

impl Role {
    /// Serves until the other side is gone, or it dies; tells what it was asked.
    fn serve(mut self, link: &Link, heard: &mpsc::Sender<ToIndexes>) {
        let send = |message: &FromIndexes| drop(link.send(message, &[]));
        while let Ok((message, _)) = link.receive::<ToIndexes>() {
            let _ = heard.send(message.clone());
            match message {
                ToIndexes::Open(space) => send(&FromIndexes::Standing(standing(space))),
                ToIndexes::Search(_) if self.is_mute => {}
                ToIndexes::Search(search) => send(&FromIndexes::Found(self.found(&search))),
                ToIndexes::Remember { .. } if self.deaths > 0 => {
                    self.deaths -= 1;
                    return;
                }
                ToIndexes::Remember { batch, memories } => {
                    let kept = memories.len() as u32;
                    let mut all = self.memories();
                    for mut new in memories {
                        new.memory.id = all.len() as u64 + 1;
                        all.push(new);
                    }
                    drop(all);
                    send(&FromIndexes::Kept { batch, kept, merged: 0 });
                }
                ToIndexes::Fetch { id, memory } => {
                    let all = self.memories();
                    let new = all.iter().find(|new| new.memory.id == memory);
                    send(&FromIndexes::Fetched { id, detail: new.map(|new| new.detail.clone()) });
                }
            }
        }
    }

    fn memories(&self) -> MutexGuard<'_, Vec<NewMemory>> {
        self.memories.lock().expect("nobody fails while holding it")
    }

    fn found(&self, search: &Search) -> Found {
        let all = self.memories();
        let silo = |span: u32, vector: &[f32]| {
            let of_span = all.iter().filter(|new| new.memory.span == span);
            let distance = |new: &NewMemory| vector.iter().zip(&new.vector).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
            let mut memories: Vec<_> = of_span.map(|new| (distance(new), new.memory.clone())).collect();
            memories.sort_by(|left, right| left.0.total_cmp(&right.0));
            memories.truncate(search.count as usize);
            Hits { span, memories }
        };
        let silos = search.probes.iter().map(|probe| silo(probe.span, &probe.vector)).collect();
        Found { id: search.id, silos, ..Found::default() }
    }
}

fn standing(space: Space) -> Standing {
    Standing { space, is_ready: true, is_writable: true, ..Standing::default() }
}

/// Starts the role on a thread of its own; gives what it is asked.
async fn connect(port: &Port<Recalling>, role: Role) -> mpsc::Receiver<ToIndexes> {
    let (theirs, ours) = Link::pair().expect("a pair is made");
    let (tell, heard) = mpsc::channel();
    std::thread::spawn(move || role.serve(&theirs, &tell));
    port.ask(UseLink(ours), DEADLINE).await;
    heard
}

fn start(deadline_ms: u64) -> Port<Recalling> {
    start_with("", deadline_ms)
}

/// An actor that asks this server for vectors.
fn start_with(embeddings_url: &str, deadline_ms: u64) -> Port<Recalling> {
    let log = Arc::new(Log::open(&TelemetryTarget::Null, "actors").expect("nothing is written"));
    let telemetry = Port::new("telemetry", Telemetry::new(log, 0).start(), 14);
    let settings = RecallSettings {
        is_recorded: true,
        deadline_ms,
        embedder: wire::control::EmbedderChoice::State,
        embeddings_url: embeddings_url.to_string(),
        embeddings_model: "tiny".to_string(),
        ..RecallSettings::default()
    };
    Port::new("recall", Recalling::new(settings, telemetry, None).start(), 8)
}

fn board(run: &str) -> Board {
    Board { game: "burrow".into(), run: run.into(), instance: 0, is_used: true }
}

fn title() -> Observation {
    Observation { screen: Screen::Title, ..Observation::default() }
}

/// A floor on which so many tiles of a row are known.
fn floor(number: u8, x: i16, known: usize) -> Observation {
    let leader = Monster { is_leader: true, is_team: true, position: Position { x, y: 0 }, ..Monster::default() };
    let mut seen = Observation { screen: Screen::Command, floor: number, leader: Some(0), ..Observation::default() };
    seen.monsters = vec![leader];
    seen.tiles[..known].fill(Tile {
        terrain: Terrain::Floor,
        revealed: true,
        walkable: 0b0100_0100,
        ..Tile::default()
    });
    seen
}

fn situation(step: Step, seen: Observation) -> Situation {
    let scene = Scene { frame: Arc::new(Snapshot::default()), state: Some(Arc::new(seen)) };
    Situation { step, life: 0, frame: step * 20, scene, picture: step.wrapping_mul(0x9E37_79B9_7F4A_7C15) }
}

fn note(step: Step, seen: Observation) -> Note {
    Note { situation: situation(step, seen), skill: "explore".into(), action: "step E".into(), goal: None }
}

/// Plays a title, then a floor of which more and more is seen, then the next one; gives what recall said on the way.
async fn play(port: &Port<Recalling>, run: &str) -> Vec<Recall> {
    port.ask(board(run), DEADLINE).await;
    let mut said = Vec::new();
    let seen = (1..60).map(|step| match step {
        1 | 2 => title(),
        50.. => floor(2, 5, 9),
        _ => floor(1, step as i16 - 3, 10 + step as usize),
    });
    for (step, seen) in (1..).zip(seen) {
        said.extend(port.ask(AskRecall(situation(step, seen.clone())), DEADLINE).await.answer());
        port.ask(note(step, seen), DEADLINE).await;
    }
    said
}

/// Until the silos are open, there is nobody to ask.
async fn wait_until_open(port: &Port<Recalling>) {
    port.ask(board("before"), DEADLINE).await;
    port.ask(AwaitSilos, DEADLINE).await.answer().expect("the silos are opened");
}

#[test]
fn what_was_played_is_kept_and_found_again() {
    actix::System::new().block_on(async {
        let port = start(20_000);
        let kept = Kept::default();
        let _heard = connect(&port, Role { memories: kept.clone(), ..Role::default() }).await;
        wait_until_open(&port).await;
        let first = play(&port, "first").await;
        assert!(first.iter().all(|said| matches!(said, Recall::Found(_))));
        port.ask(Finish, DEADLINE).await.answer().expect("everything is kept");
        let port = start(20_000);
        let _heard = connect(&port, Role { memories: kept, ..Role::default() }).await;
        wait_until_open(&port).await;
        let second = play(&port, "second").await;
        let Some(Recall::Found(recalled)) = second.get(10) else { panic!("nothing is found") };
        assert!(recalled.memories.iter().any(|found| found.memory.floor == 1 && found.memory.skill == "explore"));
        let known: Vec<usize> =
            (1..).zip(&second).filter(|(_, said)| knows_floor(said)).map(|(step, _)| step).collect();
        assert_eq!(known, [3, 50], "the floors are known as soon as they are seen");
        let Some(Recall::Found(arrival)) = second.get(2) else { panic!("nothing is found") };
        let mut seen = floor(1, 0, 13);
        let (_, floor) = arrival.known.as_ref().expect("the floor is known");
        assert_eq!(floor.lay_under(&mut seen), Ok(46), "as much of it as was seen in the end");
    });
}

fn knows_floor(said: &Recall) -> bool {
    matches!(said, Recall::Found(recalled) if recalled.known.is_some())
}

#[test]
fn memories_say_what_was_done_and_what_came_of_it() {
    actix::System::new().block_on(async {
        let port = start(20_000);
        let heard = connect(&port, Role::default()).await;
        wait_until_open(&port).await;
        play(&port, "first").await;
        port.ask(Finish, DEADLINE).await.answer().expect("everything is kept");
        let batches = heard.try_iter().filter_map(|message| match message {
            ToIndexes::Remember { memories, .. } => Some(memories),
            _ => None,
        });
        let memories: Vec<Memory> = batches.flatten().map(|new| new.memory).collect();
        assert!(memories.iter().all(|memory| memory.skill == "explore" && memory.action == "step E"));
        let late = memories.iter().filter(|memory| memory.floor == 1 && memory.step > 20);
        assert!(late.clone().count() > 10);
        assert!(late.clone().all(|memory| memory.outcome.floors == 1), "the floor was left within the time looked at");
        let arrivals = memories.iter().filter(|memory| memory.keys.has(KeyMoments::FLOOR) && memory.span == 1);
        let named = arrivals.filter(|memory| memory.layout != 0);
        assert_eq!(named.map(|memory| memory.floor).collect::<Vec<_>>(), [1, 2]);
        assert!(memories.iter().any(|memory| memory.span == 32));
    });
}

#[test]
fn what_is_asked_ahead_answers_the_step_that_was_predicted() {
    actix::System::new().block_on(async {
        let port = start(20_000);
        let heard = connect(&port, Role::default()).await;
        wait_until_open(&port).await;
        port.ask(board("run"), DEADLINE).await;
        heard.try_iter().for_each(drop);
        for step in 1..40 {
            port.ask(AskRecall(situation(step, title())), DEADLINE).await;
            port.ask(note(step, title()), DEADLINE).await;
        }
        let mut steps: Vec<Step> = Vec::new();
        while steps.last() != Some(&40) {
            match heard.recv_timeout(DEADLINE).expect("the last step is asked for ahead") {
                // While clips are still growing, a step has clips that nobody could predict.
                ToIndexes::Search(search) if search.step > 5 => steps.push(search.step),
                _ => {}
            }
        }
        assert_eq!(steps, (6..=40).collect::<Vec<Step>>(), "each step is asked for once, ahead");
    });
}

#[test]
fn a_role_that_does_not_answer_is_late_and_one_that_is_gone_unavailable() {
    actix::System::new().block_on(async {
        let port = start(20_000);
        let asked = port.ask(AskRecall(situation(1, title())), DEADLINE).await.answer();
        assert!(matches!(asked, Some(Recall::Unavailable { .. })), "no game is boarded");
        drop(port);
        let port = start(1);
        let heard = connect(&port, Role { is_mute: true, ..Role::default() }).await;
        wait_until_open(&port).await;
        let asked = port.ask(AskRecall(situation(1, title())), DEADLINE).await.answer();
        assert_eq!(asked, Some(Recall::Late));
        assert!(heard.try_iter().any(|message| matches!(message, ToIndexes::Open(_))));
        let (_theirs, ours) = Link::pair().expect("a pair is made");
        drop(_theirs);
        port.ask(UseLink(ours), DEADLINE).await;
        let asked = port.ask(AskRecall(situation(9_999, title())), DEADLINE).await.answer();
        assert!(matches!(asked, Some(Recall::Unavailable { .. })));
    });
}

#[test]
fn a_batch_that_the_role_died_of_is_sent_to_its_successor() {
    actix::System::new().block_on(async {
        let port = start(20_000);
        let kept = Kept::default();
        let _heard = connect(&port, Role { memories: kept.clone(), deaths: 1, ..Role::default() }).await;
        wait_until_open(&port).await;
        play(&port, "first").await;
        port.ask(Finish, DEADLINE).await;
        assert!(kept.lock().expect("it is free").is_empty());
        let _heard = connect(&port, Role { memories: kept.clone(), ..Role::default() }).await;
        wait_until_open(&port).await;
        port.ask(Finish, DEADLINE).await.answer().expect("everything is kept");
        let memories = kept.lock().expect("it is free");
        let mut steps: Vec<_> =
            memories.iter().map(|new| (new.memory.trajectory, new.memory.span, new.memory.step)).collect();
        let all = steps.len();
        steps.sort_unstable();
        steps.dedup();
        assert_eq!(steps.len(), all, "nothing is sent twice to a role that keeps it");
        assert!(memories.iter().any(|new| new.memory.floor == 1 && new.memory.span == 1));
    });
}

#[test]
fn a_step_never_waits_for_a_server_of_embeddings_that_does_not_answer() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = format!("http://{}", listener.local_addr().expect("it has an address"));
    actix::System::new().block_on(async {
        let port = start_with(&address, 20_000);
        let heard = connect(&port, Role::default()).await;
        port.ask(board("run"), DEADLINE).await;
        for step in 1..200 {
            let asked = port.ask(AskRecall(situation(step, title())), DEADLINE).await.answer();
            assert_eq!(asked, Some(Recall::Unavailable { reason: "nothing can be embedded".into() }));
            port.ask(note(step, title()), DEADLINE).await;
        }
        assert_eq!(heard.try_iter().count(), 0, "the role is asked nothing");
    });
}
