use super::*;
use crate::synthetic::Mixture;
use std::collections::HashSet;
use std::thread;

const DIMENSIONS: usize = 32;
const COUNT: usize = 3_000;

fn rows() -> Vec<f32> {
    Mixture::new(DIMENSIONS, 60, 7).rows(COUNT, 0)
}

fn queries() -> Vec<f32> {
    Mixture::new(DIMENSIONS, 60, 7).rows(100, 1)
}

/// The true nearest positions, by looking at each.
fn nearest(rows: &[f32], query: &[f32], count: usize) -> Vec<(u32, f32)> {
    let distance = |row: &[f32]| row.iter().zip(query).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let mut all: Vec<(u32, f32)> = (0..).zip(rows.chunks_exact(query.len()).map(distance)).collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1));
    all.truncate(count);
    all
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("pocketpilot-vectors-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn every_kind_finds_what_is_nearest() {
    let (rows, queries) = (rows(), queries());
    for kind in Kind::ALL {
        let vectors = Vectors::build(kind, DIMENSIONS, &rows).expect("an index");
        let mut found = 0;
        for query in queries.chunks_exact(DIMENSIONS) {
            let truth: HashSet<u32> = nearest(&rows, query, 10).into_iter().map(|(position, _)| position).collect();
            let answer = vectors.search(query, 10).expect("an answer");
            assert_eq!(answer.len(), 10, "{kind:?}");
            assert!(answer.is_sorted_by(|a, b| a.1 <= b.1), "{kind:?}");
            found += answer.iter().filter(|(position, _)| truth.contains(position)).count();
        }
        let least = if kind == Kind::Flat { 1_000 } else { 900 };
        assert!(found >= least, "{kind:?} found {found} of 1000");
    }
}

#[test]
fn distances_are_squared_euclidean_ones() {
    let (rows, queries) = (rows(), queries());
    let query = &queries[..DIMENSIONS];
    let truth = nearest(&rows, query, 5);
    for kind in [Kind::Flat, Kind::Hnsw, Kind::IvfFlat, Kind::IvfPq] {
        let answer = Vectors::build(kind, DIMENSIONS, &rows).and_then(|vectors| vectors.search(query, 1));
        let (position, distance) = answer.expect("an answer")[0];
        assert_eq!(position, truth[0].0, "{kind:?}");
        assert!((distance - truth[0].1).abs() < 1e-4, "{kind:?}: {distance} is not {}", truth[0].1);
    }
}

#[test]
fn vectors_at_equal_distance_come_in_the_order_of_their_positions() {
    let vectors = Vectors::build(Kind::Flat, 2, &[0.0, 1.0].repeat(20)).expect("an index");
    let positions: Vec<u32> = vectors.search(&[1.0, 0.0], 20).expect("an answer").iter().map(|it| it.0).collect();
    assert_eq!(positions, (0..20).collect::<Vec<u32>>());
}

#[test]
fn hundreds_of_copies_of_vectors_hide_no_others() {
    for kind in [Kind::Flat, Kind::Hnsw, Kind::IvfFlat] {
        let mut found = 0;
        for seed in 0..3 {
            let rows = Mixture::new(DIMENSIONS, 1_000, seed).rows(20, 0);
            let copies: Vec<f32> = (0..300).flat_map(|_| rows.clone()).collect();
            let vectors = Vectors::build(kind, DIMENSIONS, &copies).expect("an index");
            for row in rows.chunks_exact(DIMENSIONS) {
                let answer = vectors.search(row, 10).expect("an answer");
                found += usize::from(answer.len() == 10 && answer.iter().all(|it| it.1 < 1e-5));
            }
        }
        // Without being kept apart, a graph finds about 50 of them.
        assert!(found >= 58, "{kind:?}: {found} of 60 were found");
    }
}

#[test]
fn a_file_answers_as_the_index_that_wrote_it() {
    let folder = folder("files");
    let (rows, queries) = (rows(), queries());
    for kind in Kind::ALL {
        let built = Vectors::build(kind, DIMENSIONS, &rows).expect("an index");
        let path = folder.join(kind.name());
        built.write(&path).expect("a file");
        let shape = Shape { kind, dimensions: DIMENSIONS, count: COUNT };
        for access in [Access::Mapped, Access::Loaded] {
            let opened = Vectors::open(&path, access, shape).expect("it opens");
            for query in queries.chunks_exact(DIMENSIONS) {
                let (a, b) = (built.search(query, 7).expect("an answer"), opened.search(query, 7).expect("an answer"));
                assert_eq!(a, b, "{kind:?} {access:?}");
            }
            assert_eq!(opened.row(11).expect("a row"), built.row(11).expect("a row"), "{kind:?} {access:?}");
            let again = folder.join("again");
            opened.write(&again).expect("a file");
            assert_eq!(std::fs::read(&again).ok(), std::fs::read(&path).ok(), "{kind:?} {access:?}");
        }
    }
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn a_loaded_index_grows_and_a_mapped_one_refuses_to() {
    let folder = folder("growth");
    let rows = rows();
    let (first, rest) = rows.split_at(2_000 * DIMENSIONS);
    for kind in Kind::ALL {
        let path = folder.join(kind.name());
        Vectors::build(kind, DIMENSIONS, first).and_then(|vectors| vectors.write(&path)).expect("a file");
        let shape = Shape { kind, dimensions: DIMENSIONS, count: 2_000 };
        let mut mapped = Vectors::open(&path, Access::Mapped, shape).expect("it opens");
        assert!(matches!(mapped.add(rest), Err(VectorError::ReadOnly)), "{kind:?}");
        let mut loaded = Vectors::open(&path, Access::Loaded, shape).expect("it opens");
        loaded.add(rest).expect("it grows");
        assert_eq!(loaded.len(), COUNT);
        for position in [0, 1_999, 2_000, 2_999] {
            let row = &rows[position * DIMENSIONS..][..DIMENSIONS];
            let answer = loaded.search(row, 1).expect("an answer");
            assert_eq!(answer[0].0 as usize, position, "{kind:?}");
            let kept = loaded.row(answer[0].0).expect("a row");
            assert!(kept.iter().zip(row).all(|(a, b)| (a - b).abs() < 0.02), "{kind:?}");
        }
    }
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn what_faiss_does_not_check_is_refused() {
    let mut vectors = Vectors::build(Kind::Flat, 3, &[1.0, 0.0, 0.0]).expect("an index");
    assert!(matches!(vectors.add(&[1.0, 2.0]), Err(VectorError::Length { given: 2, dimensions: 3 })));
    assert!(matches!(vectors.add(&[1.0, 2.0, f32::NAN]), Err(VectorError::NotFinite { position: 0 })));
    assert!(matches!(vectors.search(&[1.0, 2.0], 1), Err(VectorError::Length { .. })));
    assert!(matches!(vectors.search(&[1.0; 6], 1), Err(VectorError::Length { .. })));
    assert!(matches!(vectors.search(&[1.0, f32::INFINITY, 0.0], 1), Err(VectorError::NotFinite { .. })));
    assert!(vectors.row(1).is_err());
    assert!(vectors.search(&[0.0; 3], usize::MAX).is_ok_and(|answer| answer.len() == 1));
    assert!(vectors.search(&[0.0; 3], 0).is_ok_and(|answer| answer.is_empty()));
    let infinite = [0.0, 1.0, 2.0, 3.0, f32::NEG_INFINITY, 5.0];
    for kind in Kind::ALL {
        assert!(matches!(Vectors::build(kind, 3, &infinite), Err(VectorError::NotFinite { position: 1 })));
        assert!(matches!(Vectors::build(kind, 0, &[]), Err(VectorError::Dimensions(0))));
        assert!(matches!(Vectors::build(kind, 4, &infinite), Err(VectorError::Length { .. })));
        match Vectors::build(kind, 4, &[]) {
            Ok(empty) => assert!(empty.search(&[0.0; 4], 3).is_ok_and(|answer| answer.is_empty()), "{kind:?}"),
            Err(error) => assert!(kind.is_trained() && matches!(error, VectorError::TooFew(_)), "{kind:?}: {error}"),
        }
        let fewest = Vectors::build(kind, 3, &[1.0, 0.0, 0.0].repeat(kind.rows_min()));
        assert_eq!(fewest.expect("an index").len(), kind.rows_min(), "{kind:?}");
    }
}

#[test]
fn a_file_of_another_shape_is_refused_before_faiss_reads_it() {
    let folder = folder("shapes");
    let rows = rows();
    let path = folder.join("index");
    for kind in Kind::ALL {
        Vectors::build(kind, DIMENSIONS, &rows).and_then(|vectors| vectors.write(&path)).expect("a file");
        let right = Shape { kind, dimensions: DIMENSIONS, count: COUNT };
        let others = Kind::ALL.into_iter().filter(|other| *other != kind).map(|kind| Shape { kind, ..right });
        let sizes = [Shape { dimensions: 16, ..right }, Shape { count: COUNT - 1, ..right }];
        for wrong in others.chain(sizes) {
            let error = Vectors::open(&path, Access::Mapped, wrong).expect_err("it is refused").to_string();
            assert!(error.starts_with(path.to_str().unwrap()) && !error.contains('\n'), "{error}");
        }
        assert!(Vectors::open(&path, Access::Mapped, right).is_ok());
    }
    for (bytes, reason) in [(&b""[..], "too short"), (&[b'x'; 400], "not an index")] {
        std::fs::write(&path, bytes).expect("a file");
        let shape = Shape { kind: Kind::Flat, dimensions: DIMENSIONS, count: COUNT };
        let error = Vectors::open(&path, Access::Mapped, shape).expect_err("it is refused").to_string();
        assert!(error.contains(reason), "{error}");
    }
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn many_threads_search_at_once_and_find_the_same() {
    let (rows, queries) = (rows(), queries());
    for kind in Kind::ALL {
        let vectors = Vectors::build(kind, DIMENSIONS, &rows).expect("an index");
        let answers = || {
            let search = |query| vectors.search(query, 5).expect("an answer");
            queries.chunks_exact(DIMENSIONS).map(search).collect::<Vec<_>>()
        };
        let alone = answers();
        thread::scope(|scope| {
            let others: Vec<_> = (0..8).map(|_| scope.spawn(answers)).collect();
            for other in others {
                assert_eq!(other.join().expect("it ends"), alone, "{kind:?}");
            }
        });
    }
}
