//! Rows of a batch do not know of each other, and what is remembered of earlier prompts changes no answer.

mod goldens;

use candle_core::{DType, Device};
use goldens::{CHECKPOINTS, Goldens, Likeliest, TOLERANCE, answer, distance, network};
use qwen3_vl::{Answers, Choose, Chosen, Config, End, Generator, Network, Row, RowError, Size, TextConfig};
use std::cell::Cell;

/// What earlier prompts may take.
const KEPT_TOKENS_MAX: usize = 256;

fn tokens(answers: &Answers, row: usize) -> &[u32] {
    &answers.rows[row].as_ref().expect("the row is answered").tokens
}

fn cached(answers: &Answers, row: usize) -> usize {
    answers.rows[row].as_ref().expect("the row is answered").tokens_cached
}

/// A network of random weights whose context is longer than one step of a prompt.
fn long_network() -> Network {
    let text = TextConfig {
        vocabulary: 300,
        hidden: 32,
        inner: 48,
        layers: 2,
        heads: 4,
        key_heads: 2,
        head: 8,
        rope_theta: 5000.0,
        rope_sections: [2, 1, 1],
        context: 1400,
        ..Size::Text184M.config().text
    };
    let config = Config { text, ..Size::Text184M.config() };
    Network::random(&config, 3, DType::F32, &Device::Cpu).expect("random weights fit their own shape")
}

fn long_row(count: u32, max_new_tokens: usize) -> Row {
    Row { tokens: (0..count).map(|index| (index * index + 7) % 300).collect(), pictures: Vec::new(), max_new_tokens }
}

#[test]
fn every_step_of_a_row_is_as_if_it_were_alone() {
    let goldens = Goldens::read();
    for checkpoint in CHECKPOINTS {
        let mut generator = Generator::new(network(checkpoint, DType::F32), 0);
        let mut rows = goldens.rows(checkpoint, "ragged");
        for (row, count) in rows.iter_mut().zip([20, 3, 11, 7]) {
            row.max_new_tokens = count;
        }
        let (together, logits) = answer(&mut generator, &rows);
        for (index, row) in rows.iter().enumerate() {
            let (alone, alone_logits) = answer(&mut generator, std::slice::from_ref(row));
            assert_eq!(tokens(&together, index), tokens(&alone, 0), "{checkpoint} row {index}");
            assert_eq!(logits[index].len(), row.max_new_tokens);
            for (step, (one, other)) in logits[index].iter().zip(&alone_logits[0]).enumerate() {
                assert!(distance(one, other) < TOLERANCE, "{checkpoint} row {index} step {step}");
            }
        }
        assert_eq!(together.timing.steps, 19);
    }
}

#[test]
fn a_row_that_makes_no_sense_fails_alone() {
    let goldens = Goldens::read();
    let mut generator = Generator::new(network("untied", DType::F32), KEPT_TOKENS_MAX);
    let mut rows = goldens.rows("untied", "ragged");
    rows[0].tokens = vec![1; 512];
    rows[2].pictures.pop();
    let (answers, _) = answer(&mut generator, &rows);
    assert_eq!(answers.rows[0], Err(RowError::TooLong { tokens: 512, context: 512 }));
    assert!(matches!(answers.rows[2], Err(RowError::Places { pictures: 1, .. })));
    for index in [1, 3] {
        assert_eq!(tokens(&answers, index), goldens.expected("untied", "ragged")[index].new_tokens);
    }
}

#[test]
fn a_chooser_that_chooses_no_token_ends_its_row_alone() {
    struct Beyond;
    impl Choose for Beyond {
        fn choose(&mut self, logits: &mut [f32]) -> Chosen {
            Chosen { token: logits.len() as u32, logprob: 0.0, is_last: false }
        }
    }
    let goldens = Goldens::read();
    let mut generator = Generator::new(network("tied", DType::F32), 0);
    let rows = &goldens.rows("tied", "ragged")[..2];
    let mut likeliest = Likeliest::default();
    let answers = generator.generate(rows, &mut [&mut Beyond, &mut likeliest], &|| false).unwrap();
    assert_eq!(answers.rows[0], Err(RowError::UnknownChoice { token: 400, vocabulary: 400 }));
    assert_eq!(tokens(&answers, 1), goldens.expected("tied", "ragged")[1].new_tokens);
}

#[test]
fn a_prompt_that_comes_again_is_taken_over_with_its_pictures() {
    let goldens = Goldens::read();
    for checkpoint in CHECKPOINTS {
        let mut generator = Generator::new(network(checkpoint, DType::F32), KEPT_TOKENS_MAX);
        let rows = goldens.rows(checkpoint, "several_pictures");
        let (first, first_logits) = answer(&mut generator, &rows);
        let (again, again_logits) = answer(&mut generator, &rows);
        assert_eq!([cached(&first, 0), cached(&again, 0)], [0, rows[0].tokens.len() - 1]);
        assert_eq!(tokens(&first, 0), tokens(&again, 0));
        assert_eq!(again.rows[0].as_ref().unwrap().end, End::Full);
        for (one, other) in first_logits[0].iter().zip(&again_logits[0]) {
            assert!(distance(one, other) < TOLERANCE);
        }
        generator.forget();
        assert_eq!(cached(&answer(&mut generator, &rows).0, 0), 0);
    }
}

#[test]
fn a_prompt_is_taken_over_up_to_the_first_other_token_or_picture() {
    let goldens = Goldens::read();
    let mut fresh = Generator::new(network("untied", DType::F32), 0);
    let mut generator = Generator::new(network("untied", DType::F32), KEPT_TOKENS_MAX);
    let place = generator.network().config().image_token;
    let row = goldens.rows("untied", "one_picture").remove(0);
    answer(&mut generator, std::slice::from_ref(&row));

    let first_place = row.tokens.iter().position(|token| *token == place).unwrap();
    let mut other_picture = row.clone();
    other_picture.pictures[0].patches[100] += 0.5;
    let mut other_token = row.clone();
    other_token.tokens[30] ^= 1;
    for (other, expected) in [(other_picture, first_place), (other_token, 30)] {
        let (answers, logits) = answer(&mut generator, std::slice::from_ref(&other));
        let (alone, alone_logits) = answer(&mut fresh, std::slice::from_ref(&other));
        assert_eq!(cached(&answers, 0), expected);
        assert_eq!(tokens(&answers, 0), tokens(&alone, 0));
        assert!(distance(&logits[0][0], &alone_logits[0][0]) < TOLERANCE);
    }
}

#[test]
fn rows_that_know_different_beginnings_share_a_batch() {
    let goldens = Goldens::read();
    for checkpoint in CHECKPOINTS {
        let mut generator = Generator::new(network(checkpoint, DType::F32), KEPT_TOKENS_MAX);
        let rows = goldens.rows(checkpoint, "ragged");
        let expected = goldens.expected(checkpoint, "ragged");
        answer(&mut generator, &rows[2..3]);
        answer(&mut generator, &rows[3..4]);
        for _ in 0..2 {
            let (answers, _) = answer(&mut generator, &rows);
            for (index, expected) in expected.iter().enumerate() {
                assert_eq!(tokens(&answers, index), expected.new_tokens, "{checkpoint} row {index}");
            }
            assert!(cached(&answers, 2) > 20, "{checkpoint}: {}", cached(&answers, 2));
        }
    }
}

#[test]
fn long_prompts_are_read_in_parts_and_fill_the_context() {
    let mut whole = Generator::new(long_network(), 0);
    let mut parts = Generator::new(long_network(), 2000);
    let rows = [long_row(1300, 200), long_row(40, 5), long_row(700, 20)];
    answer(&mut parts, &[long_row(333, 1)]);
    let (one, one_logits) = answer(&mut whole, &rows);
    let (other, other_logits) = answer(&mut parts, &rows);
    for row in 0..rows.len() {
        assert_eq!(tokens(&one, row), tokens(&other, row));
        assert!(distance(&one_logits[row][0], &other_logits[row][0]) < TOLERANCE);
        let (alone, _) = answer(&mut whole, &rows[row..=row]);
        assert_eq!(tokens(&one, row), tokens(&alone, 0));
    }
    assert_eq!((tokens(&one, 0).len(), cached(&other, 0)), (100, 333));
    assert_eq!(one.rows[0].as_ref().unwrap().end, End::Full);
}

#[test]
fn answers_are_handed_over_as_far_as_they_got() {
    let mut generator = Generator::new(long_network(), 0);
    for asked_max in 0..6 {
        let asked = Cell::new(0);
        let is_over = || asked.replace(asked.get() + 1) >= asked_max;
        let mut likeliest = Likeliest::default();
        let answers = generator.generate(&[long_row(600, 20)], &mut [&mut likeliest], &is_over).unwrap();
        let answer = answers.rows[0].as_ref().unwrap();
        assert_eq!(answer.end, End::Stopped);
        // Two parts of the prompt come first.
        assert_eq!(answer.tokens.len(), if asked_max < 2 { 0 } else { asked_max - 1 });
    }
}

#[test]
fn an_answer_ends_with_the_token_that_its_chooser_calls_the_last() {
    struct Third(usize);
    impl Choose for Third {
        fn choose(&mut self, _: &mut [f32]) -> Chosen {
            self.0 += 1;
            Chosen { token: self.0 as u32, logprob: -0.5, is_last: self.0 == 3 }
        }
    }
    let mut generator = Generator::new(long_network(), 0);
    let answers = generator.generate(&[long_row(9, 20)], &mut [&mut Third(0)], &|| false).unwrap();
    let answer = answers.rows[0].as_ref().unwrap();
    assert_eq!((answer.tokens.as_slice(), answer.end), ([1, 2, 3].as_slice(), End::Chosen));
    assert_eq!(answer.logprobs, [-0.5; 3]);
    let (nothing, _) = goldens::answer(&mut generator, &[long_row(9, 0)]);
    assert!(tokens(&nothing, 0).is_empty());
    let (none, _) = goldens::answer(&mut generator, &[]);
    assert!(none.rows.is_empty());
}
