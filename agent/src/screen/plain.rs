//! A run as lines of text: its start, one line a floor, and what goes wrong.

use super::{Heading, Show, print};
use std::sync::mpsc::Receiver;
use wire::control::Status;

/// Prints until the run ends.
pub fn draw(shows: &Receiver<Show>, heading: &Heading) {
    print(&format!("run {}: {}\n", heading.run, heading.what));
    let mut floors = heading.floors_before;
    for show in shows {
        match show {
            Show::Status(status) => {
                if status.floors > floors {
                    print(&floor_line(&status));
                }
                floors = status.floors;
            }
            // The last floors may have come too fast for a status of their own.
            Show::Finished(summary) if summary.floors > floors => {
                print(&format!("floor {}: {} reached, step {}\n", summary.best_floor, summary.floors, summary.steps));
            }
            Show::Note(text) => print(&format!("{text}\n")),
            Show::Pause(done) => {
                let _ = done.send(());
            }
            Show::Finished(_) | Show::Ring(_) | Show::Resume => {}
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
