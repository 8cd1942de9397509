//! Damage of every sort: each must end in one line that names the file, and none may reach FAISS.

use super::*;
use std::collections::BTreeMap;

const FILES: [&str; 5] =
    ["CURRENT", "00000001/manifest.toml", "00000001/vectors.faiss", "00000001/ids", "00000001/notes"];

/// A silo that is damaged and mended again and again.
struct Patient {
    folder: Folder,
    /// The bytes of each file, as they were written.
    sound: BTreeMap<&'static str, Vec<u8>>,
    /// Files of other sorts, to put in their place.
    foreign: Vec<Vec<u8>>,
}

impl Patient {
    fn new(name: &str, kind: Kind) -> Patient {
        let folder = Folder::new(&format!("{name}-{}", kind.name()));
        let mut foreign = vec![Vec::new(), b"nonsense".to_vec(), vec![0; 4_096], vec![0xFF; 4_096]];
        let other = folder.0.join("other");
        for (number, kind) in (1..).zip(Kind::ALL.into_iter().filter(|other| *other != kind)) {
            let path = publish(&other, number, kind, COUNT).path().to_path_buf();
            foreign.extend([VECTORS, IDS, NOTES, MANIFEST].map(|name| fs::read(path.join(name)).expect("a file")));
            foreign.push(fs::read(other.join(CURRENT)).expect("a file"));
        }
        publish(&folder.silo(), 1, kind, COUNT + 1);
        let read = |file| (file, fs::read(folder.silo().join(file)).expect("a file"));
        let sound = FILES.into_iter().map(read).collect();
        Patient { folder, sound, foreign }
    }

    fn put(&self, file: &str, bytes: &[u8]) {
        fs::write(self.folder.silo().join(file), bytes).expect("a file");
    }

    /// Damages something, and mends it after the check; says whether there was any damage.
    fn suffer(&self, random: &mut SplitMix64) -> bool {
        let file = FILES[random.below(FILES.len())];
        let sound = &self.sound[file];
        let mut bytes = sound.clone();
        let what = match random.below(8) {
            0..=2 => {
                let (at, bit) = (random.below(bytes.len()), random.below(8));
                bytes[at] ^= 1 << bit;
                format!("bit {bit} of byte {at} turned")
            }
            3 => {
                let length = random.below(bytes.len());
                bytes.truncate(length);
                format!("cut to {length} bytes")
            }
            4 => {
                let begin = random.below(bytes.len());
                let end = (begin + 1 + random.below(64)).min(bytes.len());
                bytes[begin..end].fill_with(|| random.bits() as u8);
                format!("garbage from {begin} to {end}")
            }
            5 => {
                bytes.extend((0..=random.below(100)).map(|_| random.bits() as u8));
                "longer".to_string()
            }
            6 => {
                let foreign = random.below(self.foreign.len());
                bytes = self.foreign[foreign].clone();
                format!("replaced by foreign file {foreign}")
            }
            _ => {
                let other = FILES[random.below(FILES.len())];
                bytes = self.sound[other].clone();
                format!("replaced by {other}")
            }
        };
        if bytes == *sound {
            return false;
        }
        self.put(file, &bytes);
        self.expect_refusal(&format!("{file}: {what}"));
        self.put(file, sound);
        true
    }

    fn expect_refusal(&self, what: &str) {
        let silo = self.folder.silo();
        for result in [open(&silo).map(|_| ()), Generation::verify(&silo, &space(), SPAN).map(|_| ())] {
            let error = result.expect_err(what);
            let text = error.to_string();
            assert!(error.is_refusal(), "{what}: {text}");
            assert!(text.starts_with(silo.to_str().unwrap()) && !text.contains('\n'), "{what}: {text}");
        }
    }
}

fn suffer(name: &str, times: usize, seed: u64) {
    println!("seed {seed}");
    let mut random = SplitMix64(seed);
    let (mut suffered, share) = (0, times.div_ceil(Kind::ALL.len()));
    for (kind, until) in Kind::ALL.into_iter().zip((1..).map(|part| part * share)) {
        let patient = Patient::new(name, kind);
        while suffered < until {
            suffered += usize::from(patient.suffer(&mut random));
        }
        let opened = open(&patient.folder.silo()).expect("it is whole again").expect("it is there");
        assert_eq!(opened.len(), COUNT + 1);
    }
    println!("{suffered} corruptions");
}

#[test]
fn hundreds_of_corruptions_are_each_refused_by_name() {
    suffer("hundreds", 600, 11);
}

#[test]
#[ignore = "the long form: takes a minute"]
fn ten_thousand_corruptions_are_each_refused_by_name() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    suffer("ten-thousand", 10_000, now.map_or(1, |now| now.as_nanos() as u64));
}

#[test]
fn every_byte_is_covered_by_a_checksum() {
    let patient = Patient::new("bytes", Kind::Flat);
    for file in ["CURRENT", "00000001/manifest.toml"] {
        let sound = &patient.sound[file];
        for place in 0..sound.len() * 8 {
            let mut bytes = sound.clone();
            bytes[place / 8] ^= 1 << (place % 8);
            patient.put(file, &bytes);
            patient.expect_refusal(&format!("{file}: bit {place} turned"));
        }
        patient.put(file, sound);
    }
}

#[test]
fn a_missing_file_is_refused_by_name() {
    for file in &FILES[1..] {
        let patient = Patient::new("missing", Kind::Hnsw);
        fs::remove_file(patient.folder.silo().join(file)).expect("it is removed");
        patient.expect_refusal(file);
    }
}

#[test]
fn the_silo_of_another_space_or_span_is_refused() {
    let patient = Patient::new("spaces", Kind::Flat);
    let named = Space { name: "test2-16-burrow".to_string(), ..space() };
    let wide = Space { dimensions: 32, ..space() };
    for (space, span) in [(named, SPAN), (wide, SPAN), (space(), 8)] {
        let error = Generation::open_current(&patient.folder.silo(), &space, span, Access::Mapped);
        let error = error.expect_err("it is refused");
        assert!(error.is_refusal() && error.to_string().contains(MANIFEST), "{error}");
    }
}

/// Lies that are sealed with the right checksums: what remains is what the heads of the files tell.
#[test]
fn an_index_of_another_kind_under_right_checksums_is_refused() {
    let kinds = Kind::ALL;
    for (named, written) in kinds.into_iter().flat_map(|a| kinds.map(|b| (a, b))).filter(|(a, b)| a != b) {
        let folder = Folder::new("lies");
        publish(&folder.silo(), 1, written, COUNT);
        let lie = |manifest: &mut Manifest| manifest.kind = named.name().to_string();
        reseal(&folder.silo(), lie);
        let error = open(&folder.silo()).expect_err("it is refused");
        assert!(error.is_refusal() && error.to_string().contains(VECTORS), "{error}");
    }
}

#[test]
fn files_of_another_generation_under_right_checksums_are_refused() {
    let folder = Folder::new("swapped");
    let fewer = publish(&folder.0.join("fewer"), 1, Kind::Flat, COUNT - 1).path().to_path_buf();
    for name in [VECTORS, IDS, NOTES] {
        let silo = folder.0.join(format!("silo-{name}"));
        let path = publish(&silo, 1, Kind::Flat, COUNT).path().join(name);
        fs::copy(fewer.join(name), &path).expect("a copy");
        reseal(&silo, |_| {});
        let error = open(&silo).expect_err("it is refused");
        assert!(error.is_refusal() && !error.to_string().contains('\n'), "{error}");
    }
    for lie in [
        |manifest: &mut Manifest| manifest.format = 2,
        |manifest: &mut Manifest| manifest.generation = 2,
        |manifest: &mut Manifest| manifest.count = u64::MAX / 2,
        |manifest: &mut Manifest| manifest.count = 0,
        |manifest: &mut Manifest| manifest.kind = "annoy".to_string(),
        |manifest: &mut Manifest| manifest.dimensions = 0,
    ] {
        let silo = folder.0.join("silo");
        let _ = fs::remove_dir_all(&silo);
        publish(&silo, 1, Kind::Flat, COUNT);
        reseal(&silo, lie);
        assert!(open(&silo).expect_err("it is refused").is_refusal());
    }
}

/// Changes a manifest, and seals it as if it were true.
fn reseal(silo: &Path, change: impl Fn(&mut Manifest)) {
    let folder = silo.join(name_of(1));
    let mut manifest = Manifest::read(&folder.join(MANIFEST), None).expect("a manifest");
    manifest.vectors = Sum::of(&folder.join(VECTORS)).expect("a sum");
    manifest.ids = Sum::of(&folder.join(IDS)).expect("a sum");
    manifest.notes = Sum::of(&folder.join(NOTES)).expect("a sum");
    change(&mut manifest);
    let text = manifest.text().expect("a text");
    fs::write(folder.join(MANIFEST), &text).expect("a file");
    fs::write(silo.join(CURRENT), format!("00000001 {:016x}\n", xxh3_64(text.as_bytes()))).expect("a file");
}
