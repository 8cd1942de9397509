use super::*;
use proptest::prelude::*;

fn shape() -> Shape {
    Shape {
        epoch: 7,
        pixel_bytes_max: 240 * 160 * 2,
        regions: vec![
            Region { address: 0x0200_0000, length: 0x4_0000 },
            Region { address: 0x0300_0000, length: 0x8000 },
        ],
    }
}

fn publish(writer: &mut RingWriter, frame: u64) -> Stamp {
    let byte = frame as u8;
    let pixels = vec![byte; 240 * 160 * 2];
    let (work, internal) = (vec![byte; 0x4_0000], vec![byte; 0x8000]);
    let picture = Picture { pixels: &pixels, pitch: 480, width: 240, height: 160, format: PixelFormat::Rgb565 };
    writer.publish(frame, &picture, &[&work, &internal])
}

#[test]
fn reader_gets_the_newest_frame_once() {
    let mut writer = RingWriter::create(shape()).expect("a ring is made");
    let reader = RingReader::open(writer.descriptor().expect("it has a descriptor")).expect("it opens");
    let mut snapshot = Snapshot::default();
    assert_eq!(reader.read_newer(0, &mut snapshot), ReadOutcome::Stale);
    publish(&mut writer, 41);
    let stamp = publish(&mut writer, 42);
    assert_eq!(reader.read_newer(0, &mut snapshot), ReadOutcome::Fresh);
    assert_eq!((snapshot.stamp, snapshot.stamp.frame), (stamp, 42));
    assert!(snapshot.pixels.iter().chain(&snapshot.memory).all(|byte| *byte == 42));
    assert_eq!(snapshot.bytes_at(0x0300_7FFE, 2), Some(&[42u8, 42][..]));
    assert_eq!(snapshot.bytes_at(0x0300_7FFF, 2), None);
    assert_eq!(reader.read_newer(stamp.sequence, &mut snapshot), ReadOutcome::Stale);
}

#[test]
fn a_reader_that_leaves_memory_has_the_picture_alone() {
    let mut writer = RingWriter::create(shape()).expect("a ring is made");
    let reader = RingReader::open(writer.descriptor().expect("it has a descriptor")).expect("it opens");
    let mut snapshot = Snapshot { memory: vec![9; 8], regions: shape().regions, ..Snapshot::default() };
    publish(&mut writer, 42);
    assert_eq!(reader.without_memory().read_newer(0, &mut snapshot), ReadOutcome::Fresh);
    assert!(snapshot.pixels.iter().all(|byte| *byte == 42) && !snapshot.pixels.is_empty());
    assert_eq!((snapshot.memory.len(), snapshot.regions.len()), (0, 0));
}

#[test]
fn rows_with_gaps_are_closed_up() {
    let mut writer = RingWriter::create(shape()).expect("a ring is made");
    let reader = RingReader::open(writer.descriptor().expect("it has a descriptor")).expect("it opens");
    let pixels = [1u8, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0];
    let picture = Picture { pixels: &pixels, pitch: 6, width: 2, height: 2, format: PixelFormat::Rgb565 };
    writer.publish(1, &picture, &[&[0; 0x4_0000], &[0; 0x8000]]);
    let mut snapshot = Snapshot::default();
    assert_eq!(reader.read_newer(0, &mut snapshot), ReadOutcome::Fresh);
    assert_eq!(snapshot.pixels, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn readers_see_whole_frames_while_the_writer_races() {
    let mut writer = RingWriter::create(shape()).expect("a ring is made");
    let reader = RingReader::open(writer.descriptor().expect("it has a descriptor")).expect("it opens");
    let thread = std::thread::spawn(move || {
        for frame in 1..=2_000 {
            publish(&mut writer, frame);
        }
    });
    let (mut snapshot, mut newest) = (Snapshot::default(), 0);
    while newest < 2_000 {
        if reader.read_newer(newest, &mut snapshot) == ReadOutcome::Fresh {
            let byte = snapshot.stamp.frame as u8;
            assert!(
                snapshot.pixels.iter().chain(&snapshot.memory).all(|other| *other == byte),
                "a torn frame was believed"
            );
            newest = snapshot.stamp.sequence;
        }
    }
    thread.join().expect("the writer ends");
}

#[test]
fn foreign_memory_is_refused() {
    let file = rustix::fs::memfd_create("x", MemfdFlags::ALLOW_SEALING).expect("a memfd is made");
    rustix::fs::ftruncate(&file, 8192).expect("it grows");
    let copy = file.try_clone().expect("it is duplicated");
    assert!(matches!(RingReader::open(copy), Err(RingError::Foreign(_))), "unsealed memory was accepted");
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW).expect("it is sealed");
    assert!(matches!(RingReader::open(file), Err(RingError::Foreign(_))), "memory without a header was accepted");
}

proptest! {
    #[test]
    fn every_header_is_opened_or_refused(words in proptest::collection::vec(any::<u64>(), 12)) {
        let file = rustix::fs::memfd_create("x", MemfdFlags::ALLOW_SEALING).expect("a memfd is made");
        let mut bytes = vec![0u8; 16384];
        bytes[8..16].copy_from_slice(&MAGIC.to_ne_bytes());
        for (index, word) in words.iter().enumerate() {
            bytes[16 + index * 8..][..8].copy_from_slice(&(word % 5000).to_ne_bytes());
        }
        rustix::io::write(&file, &bytes).expect("it is written");
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW).expect("it is sealed");
        let _ = RingReader::open(file);
    }
}
