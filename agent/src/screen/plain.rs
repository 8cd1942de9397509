//! A run as lines of text: its start, one line a floor, and what goes wrong.

use super::{Heading, Show, print, ring};
use std::sync::mpsc::Receiver;
use wire::Instance;
use wire::control::{Status, Summary};

/// Prints until the run ends.
pub fn draw(shows: &Receiver<Show>, heading: &Heading) {
    print(&format!("run {}: {}\n", heading.run, heading.what));
    let mut reached = vec![0; heading.games()];
    reached.iter_mut().zip(&heading.floors_before).for_each(|(floors, before)| *floors = *before);
    let game = |instance: Instance| if heading.games() > 1 { format!("game {instance}: ") } else { String::new() };
    for show in shows {
        match show {
            Show::Status(status) => {
                let Some(floors) = reached.get_mut(usize::from(status.instance)) else { continue };
                if status.floors > *floors {
                    print(&(game(status.instance) + &floor_line(&status)));
                }
                *floors = status.floors;
            }
            // The last floors may have come too fast for a status of their own.
            Show::Finished(instance, Summary { floors, best_floor, steps, .. }) => {
                if reached.get(usize::from(instance)).is_some_and(|told| floors > *told) {
                    print(&format!("{}floor {best_floor}: {floors} reached, step {steps}\n", game(instance)));
                }
            }
            Show::Note(text) => print(&format!("{text}\n")),
            Show::Alarm(text) => {
                ring();
                print(&format!("{text}\n"));
            }
            Show::Pause(done) => {
                let _ = done.send(());
            }
            Show::Ring(_) | Show::Resume => {}
        }
    }
}

fn floor_line(status: &Status) -> String {
    let Status { floor, floors, step, hp, turns, .. } = status;
    format!("floor {floor}: {floors} reached, step {step}, turn {turns}, HP {}/{}\n", hp.0, hp.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_is_one_line() {
        let status = Status { floor: 3, floors: 4, step: 120, turns: 90, hp: (20, 31), ..Status::default() };
        assert_eq!(floor_line(&status), "floor 3: 4 reached, step 120, turn 90, HP 20/31\n");
    }
}
