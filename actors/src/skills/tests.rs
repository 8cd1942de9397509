use super::*;
use crate::port::Port;
use std::time::Duration;
use wire::observation::Observation;
use wire::skill::{Bearings, Remembered, Sight};

const DEADLINE: Duration = Duration::from_secs(10);

fn turn(instance: Instance, id: u64) -> Box<Turn> {
    Box::new(Turn {
        id,
        instance,
        step: id,
        sight: Sight::between(None, &Observation::default()),
        bearings: Bearings::default(),
        effect: String::new(),
        is_done: false,
        chance: 0,
        candidates: Vec::new(),
    })
}

fn take(standing: (u64, u64), id: u64) -> TakeTurn {
    TakeTurn { standing, turn: turn(0, id) }
}

fn put_on_shelf(role: &Link, generation: u64, names: &[&str]) {
    let cards = |names: &[&str]| {
        names.iter().map(|name| Card { name: (*name).to_string(), ..Card::default() }).collect::<Vec<_>>()
    };
    let (first, rest) = names.split_at(1);
    role.send(&FromSkills::Shelf { generation, is_last: false, cards: cards(first) }, &[]).expect("it is sent");
    role.send(&FromSkills::Shelf { generation, is_last: true, cards: cards(rest) }, &[]).expect("it is sent");
}

fn answer(role: &Link, id: u64) {
    let turned = Turned { id, spent_us: id, ..Turned::default() };
    role.send(&FromSkills::Turned(Box::new(turned)), &[]).expect("it is sent");
}

async fn connect(port: &Port<Skills>, generation: u64) -> (Link, Standing) {
    let (role, ours) = Link::pair().expect("a pair is made");
    port.ask(UseLink(ours), DEADLINE).await;
    put_on_shelf(&role, generation, &["explore", "fight"]);
    let standing = port.ask(AskStanding, DEADLINE).await.answer().expect("the shelf came");
    (role, standing)
}

#[test]
fn the_answer_that_belongs_to_a_turn_is_taken() {
    actix::System::new().block_on(async {
        let port = Port::new("skills", Skills::default().start(), 8);
        let (role, standing) = connect(&port, 1).await;
        assert_eq!((standing.connection, standing.generation, standing.cards.len()), (1, 1, 2));
        let thread = std::thread::spawn(move || {
            while let Ok((message, _)) = role.receive::<ToSkills>() {
                if let ToSkills::Turn(turn) = message {
                    answer(&role, turn.id - 1);
                    answer(&role, turn.id);
                    break;
                }
            }
            role
        });
        let answered = port.ask(take((1, 1), 8), DEADLINE).await.answer();
        assert!(matches!(answered, Some(SkillsAnswer::Turned(turned)) if turned.id == 8));
        drop(thread.join());
    });
}

#[test]
fn a_role_that_is_gone_is_unavailable_and_its_successor_is_told_of() {
    actix::System::new().block_on(async {
        let port = Port::new("skills", Skills::default().start(), 8);
        assert!(matches!(port.ask(take((0, 0), 1), DEADLINE).await.answer(), Some(SkillsAnswer::Unavailable)));
        let (role, _) = connect(&port, 1).await;
        drop(role);
        assert!(matches!(port.ask(take((1, 1), 2), DEADLINE).await.answer(), Some(SkillsAnswer::Unavailable)));
        let (_role, standing) = connect(&port, 1).await;
        assert_eq!(standing.connection, 2);
        let answered = port.ask(take((1, 1), 3), DEADLINE).await.answer();
        assert!(matches!(answered, Some(SkillsAnswer::Changed(now)) if now == standing));
    });
}

/// Answers so many turns once all of them have come; gives their games and numbers.
fn answer_all(role: Link, count: usize, is_backwards: bool) -> std::thread::JoinHandle<(Link, Vec<(Instance, u64)>)> {
    std::thread::spawn(move || {
        let mut asked = Vec::new();
        while asked.len() < count {
            match role.receive::<ToSkills>().expect("it is asked").0 {
                ToSkills::Turn(turn) => asked.push((turn.instance, turn.id)),
                ToSkills::Begin { .. } => {}
            }
        }
        if is_backwards {
            asked.reverse();
        }
        for (instance, id) in &asked {
            let turned = Turned { id: *id, spent_us: u64::from(*instance), ..Turned::default() };
            role.send(&FromSkills::Turned(Box::new(turned)), &[]).expect("it is sent");
        }
        (role, asked)
    })
}

#[test]
fn turns_of_several_games_with_the_same_number_are_kept_apart() {
    actix::System::new().block_on(async {
        let port = Port::new("skills", Skills::default().start(), 8);
        let (role, _) = connect(&port, 1).await;
        let thread = answer_all(role, 3, true);
        let ask = |instance| {
            let asked = TakeTurn { standing: (1, 1), turn: turn(instance, 8) };
            port.ask(asked, DEADLINE)
        };
        let answers = tokio::join!(ask(0), ask(1), ask(2));
        for (instance, answered) in [answers.0, answers.1, answers.2].into_iter().enumerate() {
            let Some(SkillsAnswer::Turned(turned)) = answered.answer() else { panic!("game {instance} has no answer") };
            assert_eq!((turned.id, turned.spent_us), (8, instance as u64));
        }
        let (_role, asked) = thread.join().expect("the role ends");
        let numbers: std::collections::BTreeSet<u64> = asked.iter().map(|(_, id)| *id).collect();
        assert_eq!(numbers.len(), 3, "{asked:?}");
    });
}

#[test]
fn a_game_whose_turn_is_late_is_refused_the_next_one_and_the_others_are_asked() {
    actix::System::new().block_on(async {
        let port = Port::new("skills", Skills::default().start(), 8);
        let (role, _) = connect(&port, 1).await;
        let late = port.ask(take((1, 1), 1), Duration::from_millis(1)).await;
        assert!(late.answer().is_none());
        assert!(matches!(port.ask(take((1, 1), 2), DEADLINE).await.answer(), Some(SkillsAnswer::Unavailable)));
        let thread = answer_all(role, 2, false);
        let asked = TakeTurn { standing: (1, 1), turn: turn(1, 1) };
        assert!(matches!(port.ask(asked, DEADLINE).await.answer(), Some(SkillsAnswer::Turned(_))));
        let (role, _) = thread.join().expect("the role ends");
        let thread = answer_all(role, 1, false);
        // Its late answer has come, and was dropped.
        let answered = port.ask(take((1, 1), 3), DEADLINE).await.answer();
        assert!(matches!(answered, Some(SkillsAnswer::Turned(turned)) if turned.id == 3));
        drop(thread.join());
    });
}

#[test]
fn what_the_socket_cannot_take_at_once_is_sent_in_order_when_it_can() {
    actix::System::new().block_on(async {
        let port = Port::new("skills", Skills::default().start(), 8);
        let (role, _) = connect(&port, 1).await;
        // More than a socket holds while nobody reads.
        let count = 60_u64;
        let memory = |number: u64| -> Remembered { number.to_string() + &"x".repeat(30_000) };
        for number in 0..count {
            let memories = vec![("explore".to_string(), memory(number))];
            let told = port.ask(Tell(ToSkills::Begin { instance: 0, memories }), DEADLINE).await;
            assert!(told.answer().is_some());
        }
        let thread = std::thread::spawn(move || {
            let mut begun = Vec::new();
            loop {
                match role.receive::<ToSkills>().expect("it is told").0 {
                    ToSkills::Begin { memories, .. } => begun.push(memories[0].1.clone()),
                    ToSkills::Turn(turn) => {
                        answer(&role, turn.id);
                        return (role, begun);
                    }
                }
            }
        });
        assert!(matches!(port.ask(take((1, 1), 9), DEADLINE).await.answer(), Some(SkillsAnswer::Turned(_))));
        let (_role, begun) = thread.join().expect("the role ends");
        assert_eq!(begun, (0..count).map(memory).collect::<Vec<_>>());
    });
}
