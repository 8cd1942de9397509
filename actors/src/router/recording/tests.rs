//! Recordings give back what was noted, whatever happens to the file's end.

use super::*;
use std::path::PathBuf;
use wire::observation::{Position, Screen};
use wire::skill::{Argument, Parameter};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("pocketpilot-recording-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary folder can be written");
        Folder(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("asked")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn inquiry(instance: Instance, step: Step) -> Inquiry {
    let pixels = vec![(step / 2) as u8; 240 * 160 * 2];
    let mut seen = Observation { frame: step * 10, screen: Screen::Command, floor: 2, ..Observation::default() };
    seen.tiles[step as usize].revealed = true;
    seen.stairs = Some(Position { x: 3, y: 4 });
    let frame_hash = Hash::of([pixels.as_slice()]);
    let parameter = Parameter {
        name: "until".to_string(),
        description: "when it ends".to_string(),
        kind: "integer".to_string(),
        default: Some(Argument::Number(3.0)),
        min: Some(0.0),
        max: None,
        one_of: Vec::new(),
    };
    Inquiry {
        instance,
        step,
        life: 1,
        basis: Basis { frame: step * 10, epoch: 1, frame_hash, ram_hash: Hash(step) },
        frame: Arc::new(Snapshot { width: 240, height: 160, pixels, memory: vec![7; 1 << 18], ..Snapshot::default() }),
        picture: step * 3,
        seen: Arc::new(seen),
        bearings: Bearings { fruitless: 2, ..Bearings::default() },
        offers: vec![Offer {
            skill: "explore".to_string(),
            description: "Looks for the stairs.".to_string(),
            parameters: vec![parameter],
            arguments: vec![("until".to_string(), Argument::Number(9.0))],
            why: "true".to_string(),
            priority: 10,
            is_running: step.is_multiple_of(2),
        }],
        outcomes: vec![Outcome { step: step - 1, skill: "explore".to_string(), ..Outcome::default() }],
        memories: vec!["a foe was here".to_string()],
        novelty: Some(0.5),
        guidance: Arc::new(vec![("stairs".to_string(), "Go down early.".to_string())]),
    }
}

fn assert_is(found: &Recorded, instance: Instance, step: Step) {
    let asked = inquiry(instance, step);
    let got = &found.inquiry;
    assert_eq!((got.instance, got.step, got.life, got.basis), (instance, step, 1, asked.basis));
    assert_eq!((&got.seen, &got.bearings, got.picture), (&asked.seen, &asked.bearings, asked.picture));
    assert_eq!((&got.offers, &got.outcomes, &got.memories), (&asked.offers, &asked.outcomes, &asked.memories));
    assert_eq!((got.novelty, &got.guidance), (asked.novelty, &asked.guidance));
    assert_eq!((got.frame.width, got.frame.height), (240, 160));
    assert!(got.frame.pixels == asked.frame.pixels && got.frame.memory.is_empty());
    assert_eq!((found.acted.as_str(), found.frames), ("explore", step as u32 + 1));
}

fn record(path: &Path, steps: std::ops::Range<Step>) {
    let mut recorder = Recorder::create(path).expect("the file can be written");
    for step in steps {
        for instance in 0..2 {
            recorder.note(&inquiry(instance, step), "explore", step as u32 + 1).expect("it is written");
        }
    }
    assert_eq!(recorder.dropped(), 0);
    recorder.close().expect("everything is written");
}

fn read(path: &Path) -> Vec<Recorded> {
    Recording::open(path).expect("it is a recording").collect::<Result<_, _>>().expect("every record is read")
}

#[test]
fn what_is_noted_is_read_again() {
    let folder = Folder::new("again");
    record(&folder.file(), 1..20);
    let found = read(&folder.file());
    assert_eq!(found.len(), 38);
    for (index, recorded) in found.iter().enumerate() {
        assert_is(recorded, (index % 2) as Instance, 1 + index as Step / 2);
    }
    let bytes = std::fs::metadata(folder.file()).expect("the file is there").len();
    assert!(bytes < 100_000, "ten pictures, two maps and little else: {bytes}");
}

#[test]
fn a_torn_last_record_is_passed_over_and_written_over() {
    let folder = Folder::new("torn");
    record(&folder.file(), 1..5);
    let whole = std::fs::read(folder.file()).expect("the file is there");
    let mut counts = Vec::new();
    for cut in [1, 3, 200, 700] {
        std::fs::write(folder.file(), &whole[..whole.len() - cut]).expect("it can be cut");
        counts.push(read(&folder.file()).len());
        record(&folder.file(), 30..32);
        let found = read(&folder.file());
        assert_eq!(found.len(), counts[counts.len() - 1] + 4);
        assert_is(&found[found.len() - 1], 1, 31);
    }
    assert_eq!(counts[..2], [7, 7]);
    for cut in 0..HEADER_BYTES as usize {
        std::fs::write(folder.file(), &whole[..cut]).expect("it can be cut");
        assert!(matches!(Recording::open(&folder.file()), Err(RecordingError::Foreign { .. })));
    }
}

#[test]
fn what_is_no_recording_is_named_and_left_as_it_is() {
    let folder = Folder::new("foreign");
    let mut later = header();
    later[8] = 9;
    for (bytes, said) in [(b"{\"a\": 1, \"b\": 2}".to_vec(), "no recording"), (later.to_vec(), "of version 9")] {
        std::fs::write(folder.file(), &bytes).expect("it can be written");
        let error = Recording::open(&folder.file()).expect_err("it is refused").to_string();
        assert!(error.contains(said), "{error}");
        let error = Recorder::create(&folder.file()).expect_err("it is refused").to_string();
        assert!(error.contains(said), "{error}");
        assert_eq!(std::fs::read(folder.file()).expect("it is there"), bytes);
    }
}

#[test]
fn a_damaged_record_is_named_and_ends_the_reading() {
    let folder = Folder::new("damaged");
    record(&folder.file(), 1..5);
    let mut bytes = std::fs::read(folder.file()).expect("the file is there");
    let first = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]) as usize;
    let second = 12 + 4 + first + 4;
    bytes[second..second + 40].fill(0xFF);
    std::fs::write(folder.file(), &bytes).expect("it can be written");
    let found: Vec<_> = Recording::open(&folder.file()).expect("it begins well").collect();
    assert_eq!(found.len(), 2);
    assert!(matches!(&found[1], Err(RecordingError::Damaged { number: 2, .. })), "{:?}", found[1]);
}

#[test]
fn a_full_disk_is_said_at_once() {
    let error = Recorder::create(Path::new("/dev/full")).expect_err("nothing can be written there");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn pictures_that_are_too_far_back_are_written_again() {
    let folder = Folder::new("far");
    let mut recorder = Recorder::create(&folder.file()).expect("the file can be written");
    let small = |number: u64| {
        let pixels = number.to_le_bytes().to_vec();
        let basis = Basis { frame_hash: Hash(number), ..Basis::default() };
        let frame = Arc::new(Snapshot { width: 4, height: 1, pixels, ..Snapshot::default() });
        Inquiry { basis, frame, ..inquiry(0, 1) }
    };
    let total = PICTURES_MAX as u64 + 50;
    let mut noted = 0;
    // The writer has room for so many; what is dropped is noted once more.
    while noted < total + 1 {
        let before = recorder.dropped();
        recorder.note(&small(noted % total), "", 0).expect("it is written");
        noted += u64::from(recorder.dropped() == before);
        std::thread::yield_now();
    }
    recorder.close().expect("everything is written");
    let found = read(&folder.file());
    assert_eq!(found.len() as u64, total + 1);
    assert_eq!(found[found.len() - 1].inquiry.frame.pixels, 0_u64.to_le_bytes());
    assert_eq!(found[found.len() - 2].inquiry.frame.pixels, (total - 1).to_le_bytes());
}

#[test]
fn any_step_with_its_map_and_picture_is_read_at_once_also_while_the_recording_grows() {
    let folder = Folder::new("index");
    record(&folder.file(), 1..40);
    let mut index = RecordingIndex::open(&folder.file()).expect("it opens");
    let picture = |step| inquiry(1, step).basis.frame_hash;
    assert_eq!(index.account(7, picture(7)).expect("it is read"), None, "nothing is known yet");
    while index.advance(7).expect("it is read") {}
    record(&folder.file(), 40..150);
    while index.advance(7).expect("it is read") {}
    for step in [1, 2, 15, 16, 17, 39, 40, 63, 127, 128, 129, 149] {
        let asked = inquiry(1, step);
        let account = index.account(step, picture(step)).expect("it is read").expect("it is known");
        assert_eq!((account.step, account.basis, account.offers), (step, asked.basis, asked.offers));
        assert_eq!((account.outcomes, account.memories), (asked.outcomes, asked.memories));
        assert_eq!((account.acted.as_str(), account.frames), ("explore", step as u32 + 1));
        assert_eq!(index.seen(step, picture(step)).expect("it is read").as_ref(), Some(&*asked.seen), "{step}");
        let picture = index.picture(asked.basis.frame_hash).expect("it is read").expect("it is known");
        assert!((picture.width, picture.height) == (240, 160) && picture.pixels == asked.frame.pixels);
    }
    assert_eq!(index.account(150, picture(150)).expect("it is read"), None);
    assert_eq!(index.seen(17, Hash(1)).expect("it is read"), None, "it was decided on another picture");
    assert!(index.picture(Hash(1)).expect("it is read").is_none());
}

#[test]
fn of_a_step_that_was_counted_twice_each_is_found_by_its_picture() {
    let folder = Folder::new("twice");
    let other = |step: Step| {
        let mut asked = inquiry(0, step);
        asked.basis.frame_hash = Hash(step);
        Arc::make_mut(&mut asked.seen).floor = 9;
        asked
    };
    let mut recorder = Recorder::create(&folder.file()).expect("the file can be written");
    let steps = (1..=100).map(|step| inquiry(0, step)).chain((71..=130).map(other));
    steps.for_each(|asked| recorder.note(&asked, "explore", 1).expect("it is written"));
    recorder.close().expect("everything is written");
    let mut index = RecordingIndex::open(&folder.file()).expect("it opens");
    while index.advance(7).expect("it is read") {}
    for step in 71..=100 {
        for asked in [inquiry(0, step), other(step)] {
            let seen = index.seen(step, asked.basis.frame_hash).expect("it is read");
            assert_eq!(seen.as_ref(), Some(&*asked.seen), "{step}");
        }
    }
    assert!(index.seen(70, Hash(70)).expect("it is read").is_none());
    assert!(index.seen(130, Hash(130)).expect("it is read").is_some());
}
