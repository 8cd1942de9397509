//! Our numbers are the reference implementation's: logits, greedy answers, embeddings.

mod goldens;

use candle_core::DType;
use goldens::{CASES, CHECKPOINTS, Goldens, TOLERANCE, answer, distance, network};
use qwen3_vl::{Choose, Chosen, Generator, Row};

#[test]
fn answers_equal_the_reference() {
    let goldens = Goldens::read();
    for checkpoint in CHECKPOINTS {
        let mut generator = Generator::new(network(checkpoint, DType::F32), 0);
        for case in CASES {
            let mut apart = 0f32;
            for (index, expected) in goldens.expected(checkpoint, case).iter().enumerate() {
                let (answers, logits) = answer(&mut generator, &[goldens.row(expected)]);
                apart =
                    apart.max(distance(&logits[0][0], &goldens.values(&format!("{checkpoint}.{case}.{index}.logits"))));
                assert_eq!(
                    answers.rows[0].as_ref().unwrap().tokens,
                    expected.new_tokens,
                    "{checkpoint} {case} {index}"
                );
            }
            println!("{checkpoint} {case}: logits {apart:.1e} apart");
            assert!(apart < TOLERANCE, "{checkpoint} {case}: {apart}");
        }
    }
}

#[test]
fn a_ragged_batch_equals_the_reference_row_by_row() {
    let goldens = Goldens::read();
    for checkpoint in CHECKPOINTS {
        let mut generator = Generator::new(network(checkpoint, DType::F32), 0);
        let (answers, logits) = answer(&mut generator, &goldens.rows(checkpoint, "ragged"));
        for (index, expected) in goldens.expected(checkpoint, "ragged").iter().enumerate() {
            let apart = distance(&logits[index][0], &goldens.values(&format!("{checkpoint}.ragged.{index}.logits")));
            println!("{checkpoint} ragged together, row {index}: logits {apart:.1e} apart");
            assert!(apart < TOLERANCE, "{checkpoint} row {index}: {apart}");
            assert_eq!(answers.rows[index].as_ref().unwrap().tokens, expected.new_tokens, "{checkpoint} row {index}");
        }
    }
}

/// The reference read the whole prompt at once. Here prompts end after each of its tokens that is not inside of a picture.
#[test]
fn logits_at_every_position_equal_the_reference() {
    let goldens = Goldens::read();
    for checkpoint in CHECKPOINTS {
        let network = network(checkpoint, DType::F32);
        let place = network.config().image_token;
        let mut generator = Generator::new(network, 0);
        let row = &goldens.rows(checkpoint, "several_pictures")[0];
        let all = goldens.values(&format!("{checkpoint}.several_pictures.all_logits"));
        let expected: Vec<&[f32]> = all.chunks_exact(all.len() / row.tokens.len()).collect();
        let mut checked = 0;
        for end in (1..=row.tokens.len()).filter(|end| row.tokens.get(*end) != Some(&place)) {
            let begun = row.tokens[..end].windows(2).filter(|pair| pair[0] != place && pair[1] == place).count();
            let start =
                Row { tokens: row.tokens[..end].to_vec(), pictures: row.pictures[..begun].to_vec(), max_new_tokens: 1 };
            let apart = distance(&answer(&mut generator, &[start]).1[0][0], expected[end - 1]);
            assert!(apart < TOLERANCE, "{checkpoint} position {end}: {apart}");
            checked += 1;
        }
        assert!(checked > 20);
    }
}

/// Says what it was told to say, and writes the logits down.
struct Told {
    tokens: Vec<u32>,
    logits: Vec<Vec<f32>>,
}

impl Choose for Told {
    fn choose(&mut self, logits: &mut [f32]) -> Chosen {
        self.logits.push(logits.to_vec());
        let token = self.tokens[self.logits.len() - 1];
        Chosen { token, logprob: 0.0, is_last: self.logits.len() == self.tokens.len() }
    }
}

/// What comes after the last picture is said token by token, through the cache.
#[test]
fn tokens_said_one_by_one_equal_the_reference_that_read_them_at_once() {
    let goldens = Goldens::read();
    for checkpoint in CHECKPOINTS {
        let network = network(checkpoint, DType::F32);
        let place = network.config().image_token;
        let row = &goldens.rows(checkpoint, "several_pictures")[0];
        let all = goldens.values(&format!("{checkpoint}.several_pictures.all_logits"));
        let expected: Vec<&[f32]> = all.chunks_exact(all.len() / row.tokens.len()).collect();
        let end = 1 + row.tokens.iter().rposition(|token| *token == place).unwrap();
        let said = row.tokens[end..].to_vec();
        let start =
            Row { tokens: row.tokens[..end].to_vec(), max_new_tokens: said.len(), pictures: row.pictures.clone() };
        let mut told = Told { tokens: said, logits: Vec::new() };
        Generator::new(network, 0).generate(&[start], &mut [&mut told], &|| false).unwrap();
        for (index, logits) in told.logits.iter().enumerate() {
            let apart = distance(logits, expected[end - 1 + index]);
            assert!(apart < TOLERANCE, "{checkpoint} position {}: {apart}", end + index);
        }
    }
}

#[test]
fn embeddings_equal_the_reference_alone_and_together() {
    let goldens = Goldens::read();
    for checkpoint in CHECKPOINTS {
        let network = network(checkpoint, DType::F32);
        for case in CASES {
            let rows = goldens.rows(checkpoint, case);
            let together = network.embed(&rows).unwrap();
            for (index, row) in rows.iter().enumerate() {
                let expected = goldens.values(&format!("{checkpoint}.{case}.{index}.embedding"));
                let alone = network.embed(std::slice::from_ref(row)).unwrap().remove(0).unwrap();
                assert!(distance(&alone, &expected) < TOLERANCE, "{checkpoint} {case} {index}");
                assert!(
                    distance(together[index].as_ref().unwrap(), &expected) < TOLERANCE,
                    "{checkpoint} {case} {index}"
                );
            }
        }
    }
}

/// The weights were rounded to half precision before the reference read them, so keeping them like that loses nothing.
#[test]
fn weights_kept_in_half_precision_give_the_same_answers() {
    let goldens = Goldens::read();
    for dtype in [DType::BF16, DType::F16] {
        let mut generator = Generator::new(network("untied", dtype), 0);
        for case in CASES {
            for (index, expected) in goldens.expected("untied", case).iter().enumerate() {
                let (answers, logits) = answer(&mut generator, &[goldens.row(expected)]);
                let apart = distance(&logits[0][0], &goldens.values(&format!("untied.{case}.{index}.logits")));
                println!("{dtype:?} {case} {index}: logits {apart:.1e} apart");
                assert!(apart < TOLERANCE, "{dtype:?} {case} {index}: {apart}");
                assert_eq!(answers.rows[0].as_ref().unwrap().tokens, expected.new_tokens, "{dtype:?} {case} {index}");
            }
        }
    }
}
