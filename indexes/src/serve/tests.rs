//! The role in this process, with a recall actor and a parent that are this test.

use super::*;
use crate::archive::tests::{DIMENSIONS, memories, memory, space};
use crate::store::tests::Folder;
use std::fs;
use std::os::fd::AsFd as _;
use wire::control::{Role, TelemetryTarget};
use wire::event::Event;
use wire::log::read_lines;
use wire::recall::{NewMemory, Probe, Search};

/// A role that runs.
struct Running {
    parent: Link,
    page: ProgressPage,
    role: Option<thread::JoinHandle<i32>>,
}

fn start(folder: &Path, is_writable: bool) -> (Running, String) {
    let (parent, link) = Link::pair().expect("a pair is made");
    let (page, descriptor) = ProgressPage::create().expect("a page is made");
    let other = ProgressPage::open(descriptor).expect("it opens");
    let start = ToRole::StartIndexes(StartIndexes {
        folder: folder.join("data"),
        telemetry: TelemetryTarget::File(folder.join("telemetry.jsonl")),
        is_writable,
        kind: "auto".to_string(),
        capacity: 1_000,
        fold_at: 64,
    });
    let role = thread::spawn(move || serve(RoleHandle { link, page: other, start }));
    let FromRole::Ready { detail, .. } = parent.receive().expect("it says something").0 else { panic!("not ready") };
    (Running { parent, page, role: Some(role) }, detail)
}

impl Running {
    fn connect(&self) -> Link {
        self.connect_game(0)
    }

    fn connect_game(&self, instance: Instance) -> Link {
        let (actor, other) = Link::pair().expect("a pair is made");
        self.parent.send(&ToRole::Connect { peer: Role::Actors, instance }, &[other.as_fd()]).expect("it is sent");
        actor
    }

    fn open(&self) -> Link {
        self.open_for(0)
    }

    fn open_for(&self, instance: Instance) -> Link {
        let actor = self.connect_game(instance);
        actor.send(&ToIndexes::Open(space()), &[]).expect("it is sent");
        while !standing(&actor).is_ready {}
        actor
    }

    fn stop(mut self) -> i32 {
        self.parent.send(&ToRole::Stop, &[]).expect("it is sent");
        self.role.take().expect("it runs").join().expect("it does not panic")
    }
}

/// The next answer that is no standing.
fn answer(actor: &Link) -> FromIndexes {
    loop {
        match actor.receive().expect("it answers").0 {
            FromIndexes::Standing(_) => {}
            other => return other,
        }
    }
}

fn standing(actor: &Link) -> Standing {
    match actor.receive().expect("it answers").0 {
        FromIndexes::Standing(standing) => standing,
        other => panic!("{other:?} came"),
    }
}

fn remember(actor: &Link, batch: u64, memories: Vec<NewMemory>) {
    actor.send(&ToIndexes::Remember { batch, memories }, &[]).expect("it is sent");
}

fn search(actor: &Link, id: u64, number: u64) -> Found {
    let probes = vec![Probe { span: 4, vector: memory(number, 4).vector }];
    let search = Search { id, probes, count: 5, deadline_us: 5_000_000, ..Search::default() };
    actor.send(&ToIndexes::Search(search), &[]).expect("it is sent");
    match answer(actor) {
        FromIndexes::Found(found) => found,
        other => panic!("{other:?} came"),
    }
}

#[test]
fn what_an_actor_brings_is_found_fetched_and_there_for_the_next_life() {
    let folder = Folder::new("role");
    let (running, detail) = start(&folder.0, true);
    assert!(detail.starts_with("FAISS 1.12.0; "), "{detail}");
    let actor = running.connect();
    assert_eq!(search(&actor, 1, 3).trouble, NOT_OPEN);
    actor.send(&ToIndexes::Open(space()), &[]).expect("it is sent");
    assert_eq!(standing(&actor).trouble, OPENING);
    let ready = standing(&actor);
    assert_eq!((ready.is_ready, ready.is_writable, ready.memories, ready.trouble.as_str()), (true, true, 0, ""));
    remember(&actor, 9, memories(0..20, 4));
    assert_eq!(answer(&actor), FromIndexes::Kept { batch: 9, kept: 20, merged: 0 });
    let found = search(&actor, 2, 3);
    let first = &found.silos[0].memories[0].1;
    assert_eq!((found.id, found.silos[0].memories.len(), first.step), (2, 5, 3));
    actor.send(&ToIndexes::Fetch { id: 4, memory: first.id }, &[]).expect("it is sent");
    assert_eq!(answer(&actor), FromIndexes::Fetched { id: 4, detail: Some(3_u64.to_le_bytes().to_vec()) });
    actor.send(&ToIndexes::Fetch { id: 5, memory: 999 }, &[]).expect("it is sent");
    assert_eq!(answer(&actor), FromIndexes::Fetched { id: 5, detail: None });
    let before = running.page.read().progress;
    remember(&actor, 10, vec![NewMemory { vector: vec![0.0; DIMENSIONS], ..memory(1, 4) }]);
    assert!(matches!(answer(&actor), FromIndexes::Refused { batch: 10, .. }));
    // What is asked next is heard when the batch has been dealt with.
    search(&actor, 6, 3);
    assert!(running.page.read().progress > before);
    assert_eq!(running.stop(), exit::OK);

    let (running, _) = start(&folder.0, false);
    let actor = running.open();
    assert_eq!(search(&actor, 3, 7).silos[0].memories[0].1.step, 7);
    remember(&actor, 11, memories(30..31, 4));
    let FromIndexes::Refused { batch: 11, reason } = answer(&actor) else { panic!("it is not refused") };
    assert_eq!(reason, "nothing new is kept in this run");
    assert_eq!(running.stop(), exit::OK);
    let (lines, _) = read_lines(&folder.0.join("telemetry.jsonl")).expect("it reads");
    let has = |test: &dyn Fn(&Event) -> bool| lines.iter().any(|line| test(&line.event));
    assert!(has(&|event| matches!(event, Event::SilosOpened { memories: 20, .. })));
    assert!(has(&|event| matches!(event, Event::MemoriesKept { kept: 20, refused: 1, .. })));
}

#[test]
fn batches_that_were_taken_are_kept_and_answered_when_the_role_is_stopped() {
    let folder = Folder::new("role-stop");
    let (running, _) = start(&folder.0, true);
    let actor = running.open();
    for batch in 0..40 {
        remember(&actor, batch, memories(batch * 10..batch * 10 + 10, 2));
    }
    // What is asked for after them is heard after them.
    actor.send(&ToIndexes::Fetch { id: 1, memory: 1 }, &[]).expect("it is sent");
    let mut kept = Vec::new();
    let mut note = |answered: FromIndexes| match answered {
        FromIndexes::Kept { batch, kept: 10, merged: 0 } => kept.push(batch),
        FromIndexes::Fetched { .. } => {}
        other => panic!("{other:?} came"),
    };
    let first = loop {
        match answer(&actor) {
            fetched @ FromIndexes::Fetched { .. } => break fetched,
            other => note(other),
        }
    };
    note(first);
    assert_eq!(running.stop(), exit::OK);
    while let Ok((message, _)) = actor.receive::<FromIndexes>() {
        if !matches!(message, FromIndexes::Standing(_)) {
            note(message);
        }
    }
    assert_eq!(kept, (0..40).collect::<Vec<u64>>());
    let (running, _) = start(&folder.0, true);
    let actor = running.connect();
    actor.send(&ToIndexes::Open(space()), &[]).expect("it is sent");
    // So many are not searched one by one; they are found when the keeper has folded them.
    while standing(&actor).memories < 400 {}
    running.stop();
}

#[test]
fn an_actor_that_dies_or_talks_nonsense_is_replaced_by_the_next() {
    let folder = Folder::new("role-actors");
    let (running, _) = start(&folder.0, true);
    drop(running.connect());
    let nonsense = running.connect();
    nonsense.send(&vec![9_u8; 100], &[]).expect("it is sent");
    assert!(matches!(nonsense.receive::<FromIndexes>(), Err(LinkError::Closed)));
    running.open();
    let last = running.open();
    assert!(search(&last, 1, 1).trouble.is_empty());
    running.stop();
}

#[test]
fn too_large_an_answer_loses_its_farther_half() {
    let (left, right) = Link::pair().expect("a pair is made");
    let peer = Peer::new(left.into_descriptor()).expect("it is one");
    let memories = |span| {
        let each =
            |number| (number as f32, wire::recall::Memory { action: "x".repeat(200), ..memory(number, span).memory });
        wire::recall::Hits { span, memories: (0..100).map(each).collect() }
    };
    peer.send_found(Found { id: 5, silos: vec![memories(1), memories(2), memories(4)], ..Found::default() });
    let FromIndexes::Found(found) = right.receive().expect("it comes").0 else { panic!("no answer") };
    assert!(found.silos.iter().all(|hits| hits.memories.len() == 50 && hits.memories[0].0 == 0.0));
}

#[test]
fn a_folder_that_another_process_writes_is_read_and_the_actor_is_told() {
    let folder = Folder::new("role-second");
    let (first, _) = start(&folder.0, true);
    let actor = first.open();
    remember(&actor, 1, memories(0..5, 4));
    answer(&actor);
    let (second, detail) = start(&folder.0, true);
    let trouble = format!("process {} keeps experience here", std::process::id());
    assert!(detail.contains(&trouble), "{detail}");
    assert!(
        matches!(second.parent.receive().expect("it says why").0, FromRole::Note { text: note, .. } if note.contains(&trouble))
    );
    let reader = second.open();
    assert_eq!(search(&reader, 1, 3).silos[0].memories[0].1.step, 3);
    remember(&reader, 2, memories(10..11, 4));
    assert!(matches!(answer(&reader), FromIndexes::Refused { batch: 2, reason } if reason.contains(&trouble)));
    first.stop();
    second.stop();
}

#[test]
fn a_store_that_is_none_is_trouble_and_no_end() {
    let folder = Folder::new("role-trouble");
    fs::create_dir(folder.0.join("data")).expect("it is made");
    fs::write(folder.0.join("data/experience.sqlite"), "no database at all, but text".repeat(99))
        .expect("it is written");
    let (running, _) = start(&folder.0, true);
    let actor = running.connect();
    actor.send(&ToIndexes::Open(space()), &[]).expect("it is sent");
    let told = standing(&actor);
    assert!(!told.is_ready && !told.is_writable && told.trouble.contains("not a database"), "{told:?}");
    assert!(search(&actor, 1, 1).trouble.contains("not a database"));
    remember(&actor, 2, memories(0..1, 4));
    assert!(matches!(answer(&actor), FromIndexes::Refused { .. }));
    running.stop();
}

#[test]
fn a_space_with_other_dimensions_or_a_name_that_is_a_path_is_refused() {
    let folder = Folder::new("role-spaces");
    let (running, _) = start(&folder.0, true);
    let actor = running.open();
    for (name, dimensions, trouble) in
        [(space().name, 3, "has 16 dimensions, not 3"), ("../x".to_string(), 16, "no name")]
    {
        actor.send(&ToIndexes::Open(Space { name, dimensions }), &[]).expect("it is sent");
        let told = std::iter::repeat_with(|| standing(&actor)).find(|told| !told.is_ready && told.trouble != OPENING);
        assert!(told.is_some_and(|told| told.trouble.contains(trouble)), "{trouble}");
    }
    actor.send(&ToIndexes::Open(space()), &[]).expect("it is sent");
    while !standing(&actor).is_ready {}
    running.stop();
}

#[test]
fn each_game_finds_what_the_others_brought_and_none_is_disturbed_by_the_end_of_another() {
    let folder = Folder::new("role-games");
    let (running, _) = start(&folder.0, true);
    let actors: Vec<Link> = (0..5).map(|instance| running.open_for(instance)).collect();
    for (actor, first) in actors.iter().zip((0..).step_by(10)) {
        remember(actor, 1, memories(first..first + 10, 4));
    }
    // Batches have the same number in every game; each is answered where it came from.
    for actor in &actors {
        assert_eq!(answer(actor), FromIndexes::Kept { batch: 1, kept: 10, merged: 0 });
    }
    for (actor, step) in actors.iter().zip([45, 35, 25, 15, 5]) {
        let found = search(actor, 2, step);
        assert_eq!((found.id, found.silos[0].memories[0].1.step), (2, step));
    }
    let mut actors = actors.into_iter();
    drop(actors.next());
    for actor in actors {
        assert_eq!(search(&actor, 3, 5).silos[0].memories[0].1.step, 5);
    }
    let again = running.open_for(0);
    assert_eq!(search(&again, 1, 45).silos[0].memories[0].1.step, 45);
    assert_eq!(running.stop(), exit::OK);
}
