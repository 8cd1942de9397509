//! The live view: the game's picture and a few lines about it, drawn over themselves a few times a second.
//!
//! It uses the ordinary screen, not the alternate one, so that the last picture stays above the summary; what was
//! there before is scrolled up first. Lines are addressed from the top, and now and then all are drawn again: other
//! processes print too, and Ctrl-C makes the terminal drop output that it has not shown yet.

use super::{Heading, Show, picture, print, ring};
use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use wire::Instance;
use wire::control::Status;
use wire::ring::{ReadOutcome, RingReader, Snapshot};

const PICTURE_MS: u64 = 66;
/// How long a note stands in the place of the run's name.
const NOTE: Duration = Duration::from_secs(10);
const TEXT_LINES: usize = 4;
const BAR_CELLS: usize = 10;
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const CLEAR: &str = "\x1b[2J";
/// Every so many pictures, all lines are drawn again.
const REFRESH_PICTURES: u32 = 15;
/// Terminals that know these draw what is between them at once; the others ignore them.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";

/// Draws until the run ends.
pub fn draw(shows: &Receiver<Show>, heading: &Heading) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |information| {
        print(SHOW_CURSOR);
        hook(information);
    }));
    let mut view = View::default();
    let mut canvas = Canvas::begin();
    let mut next = Instant::now();
    loop {
        match shows.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Show::Pause(done)) => {
                canvas.end();
                let _ = done.send(());
            }
            Ok(Show::Resume) => canvas = Canvas::begin(),
            Ok(show) => view.take(show),
            Err(RecvTimeoutError::Timeout) => {
                next = Instant::now() + Duration::from_millis(PICTURE_MS);
                canvas.draw(&mut view, heading);
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    canvas.refresh();
    canvas.draw(&mut view, heading);
    canvas.end();
}

/// What is to be seen.
#[derive(Debug, Default)]
struct View {
    /// How each game stands.
    games: Vec<Status>,
    note: Option<(String, Instant)>,
    ring: Option<RingReader>,
    frame: Snapshot,
}

impl View {
    fn take(&mut self, show: Show) {
        match show {
            Show::Status(status) => {
                let instance = status.instance;
                *self.game(instance) = status;
            }
            Show::Finished(instance, summary) => {
                let status = self.game(instance);
                status.step = summary.steps;
                status.floors = summary.floors;
                status.turns = summary.turns;
                status.steps_per_s = 0.0;
            }
            Show::Note(note) => self.note = Some((note, Instant::now())),
            Show::Alarm(note) => {
                ring();
                self.note = Some((note, Instant::now()));
            }
            Show::Ring(ring) => {
                self.ring = ring.and_then(|ring: OwnedFd| RingReader::open(ring).ok());
                self.frame.stamp.sequence = 0;
            }
            Show::Pause(_) | Show::Resume => {}
        }
    }

    fn game(&mut self, instance: Instance) -> &mut Status {
        let place = usize::from(instance);
        if self.games.len() <= place {
            self.games.resize(place + 1, Status::default());
        }
        &mut self.games[place]
    }

    fn look(&mut self) {
        self.note.take_if(|(_, since)| since.elapsed() >= NOTE);

        if let Some(ring) = &self.ring {
            let mut frame = std::mem::take(&mut self.frame);
            let after = frame.stamp.sequence;
            // A lapped read leaves mixed pixels; they are replaced within a frame.
            if ring.read_newer(after, &mut frame) == ReadOutcome::Lapped {
                frame.stamp.sequence = 0;
            }
            self.frame = frame;
        }
    }

    fn lines(&self, heading: &Heading, size: (usize, usize)) -> Vec<String> {
        let (columns, rows) = size;
        let mut lines = picture::lines(&self.frame, columns, rows.saturating_sub(TEXT_LINES + 1));
        let run = format!("run {}: {}", heading.run, heading.what);
        let note = self.note.as_ref().map_or(run.as_str(), |(note, _)| note);
        let first = self.games.first().cloned().unwrap_or_default();
        let text = match heading.games() {
            1 => text_lines(&first, note, heading),
            games => text_lines_of_all(&self.games, games, note, heading),
        };
        lines.extend(text.map(|line| cut(&line, columns)));
        lines
    }
}

/// What stands on the terminal.
#[derive(Debug)]
struct Canvas {
    lines: Vec<String>,
    size: (usize, usize),
    pictures: u32,
}

impl Canvas {
    /// Makes room: what stands on the terminal moves up into its scrollback.
    fn begin() -> Canvas {
        let size = terminal_size();
        print(&format!("{HIDE_CURSOR}{}", "\n".repeat(size.1)));
        Canvas { lines: Vec::new(), size, pictures: 0 }
    }

    fn draw(&mut self, view: &mut View, heading: &Heading) {
        view.look();
        let size = terminal_size();
        self.pictures += 1;
        if size != self.size || self.pictures.is_multiple_of(REFRESH_PICTURES) {
            self.refresh();
        }
        let clear = if size == self.size { "" } else { CLEAR };
        let lines = view.lines(heading, size);
        let changes = changes(&self.lines, &lines);
        if !changes.is_empty() {
            print(&format!("{BEGIN}{clear}{changes}{END}"));
        }
        (self.lines, self.size) = (lines, size);
    }

    /// Draws all lines the next time.
    fn refresh(&mut self) {
        self.lines.clear();
    }

    /// Leaves the cursor below the last line.
    fn end(&self) {
        print(&format!("\x1b[{};1H\x1b[J{SHOW_CURSOR}", self.lines.len() + 1));
    }
}

fn terminal_size() -> (usize, usize) {
    crossterm::terminal::size().map_or((80, 24), |(columns, rows)| (columns.into(), rows.into()))
}

/// What to print to turn the old lines into the new ones.
fn changes(old: &[String], new: &[String]) -> String {
    let mut text = String::new();
    for (index, line) in new.iter().enumerate().filter(|(index, line)| old.get(*index) != Some(line)) {
        let _ = write!(text, "\x1b[{};1H{line}\x1b[K", index + 1);
    }
    // Below the last line there may be older ones, or what another process printed.
    if old.is_empty() || new.len() < old.len() {
        let _ = write!(text, "\x1b[{};1H\x1b[J", new.len() + 1);
    }
    text
}

fn text_lines(status: &Status, note: &str, heading: &Heading) -> [String; TEXT_LINES] {
    let Status { step, floor, floors, hp, belly, level, turns, steps_per_s, .. } = status;
    let place = if *floor == 0 { "outside".to_string() } else { format!("floor {floor}") };
    let of = |asked: u64| if asked == 0 { String::new() } else { format!(" of {asked}") };
    [
        format!("{place}  HP {} {}/{}  belly {}/{}  level {level}", bar(*hp), hp.0, hp.1, belly.0, belly.1),
        format!(
            "floors {floors}{}  step {step}{}  turn {turns}  {steps_per_s:.1} steps/s",
            of(heading.floors.into()),
            of(heading.steps)
        ),
        format!("{}: {} ({})", status.skill, status.action, status.reason),
        note.to_string(),
    ]
}

/// The same of several games: what they do together, and where each is. The picture is that of the first.
fn text_lines_of_all(statuses: &[Status], games: usize, note: &str, heading: &Heading) -> [String; TEXT_LINES] {
    let steps: u64 = statuses.iter().map(|status| status.step).sum();
    let floors: u32 = statuses.iter().map(|status| status.floors).sum();
    let rate: f32 = statuses.iter().map(|status| status.steps_per_s).sum();
    let of = if heading.floors == 0 { String::new() } else { format!(" of {games}×{}", heading.floors) };
    let place = |(game, status): (usize, &Status)| {
        let floor = if status.floor == 0 { "–".to_string() } else { status.floor.to_string() };
        format!("{game}:F{floor} {}", status.hp.0)
    };
    let first = statuses.first().cloned().unwrap_or_default();
    [
        format!("{games} games  floors {floors}{of}  steps {steps}  {rate:.1} steps/s"),
        format!("game:floor HP  {}", statuses.iter().enumerate().map(place).collect::<Vec<_>>().join("  ")),
        format!("game 0: {}: {} ({})", first.skill, first.action, first.reason),
        note.to_string(),
    ]
}

fn bar((value, most): (i32, i32)) -> String {
    let full = if most <= 0 { 0 } else { (value.clamp(0, most) as usize * BAR_CELLS).div_ceil(most as usize) };
    "█".repeat(full) + &"░".repeat(BAR_CELLS - full)
}

/// A line that would wrap would move everything below it.
fn cut(line: &str, columns: usize) -> String {
    line.chars().filter(|character| !character.is_control()).take(columns).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| line.to_string()).collect()
    }

    #[test]
    fn only_changed_lines_are_drawn_again() {
        let all = "\x1b[1;1Ha\x1b[K\x1b[2;1Hb\x1b[K\x1b[3;1H\x1b[J";
        assert_eq!(changes(&[], &strings(&["a", "b"])), all);
        assert_eq!(changes(&strings(&["a", "b"]), &strings(&["a", "c"])), "\x1b[2;1Hc\x1b[K");
        assert_eq!(changes(&strings(&["a", "b"]), &strings(&["a"])), "\x1b[2;1H\x1b[J");
        assert_eq!(changes(&strings(&["a"]), &strings(&["a"])), "");
    }

    #[test]
    fn everything_fits_into_a_small_terminal() {
        let view = View {
            frame: Snapshot { width: 240, height: 160, pixels: vec![0; 240 * 160 * 2], ..Snapshot::default() },
            note: Some(("a long note ".repeat(20), Instant::now())),
            ..View::default()
        };
        let lines = view.lines(&Heading::default(), (80, 24));
        assert_eq!(lines.len(), 23);
        assert!(lines[19..].iter().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn several_games_are_told_together_and_one_by_one() {
        let mut view = View::default();
        let status = |instance, floor, hp| Status {
            instance,
            floor,
            floors: floor,
            hp: (hp, 30),
            step: 10,
            steps_per_s: 2.5,
            ..Status::default()
        };
        [status(2, 3, 9), status(0, 1, 30)].into_iter().for_each(|status| view.take(Show::Status(status)));
        let heading = Heading { floors: 5, floors_before: vec![0; 3], ..Heading::default() };
        let lines = text_lines_of_all(&view.games, heading.games(), "", &heading);
        assert_eq!(lines[0], "3 games  floors 4 of 3×5  steps 20  5.0 steps/s");
        assert_eq!(lines[1], "game:floor HP  0:F1 30  1:F– 0  2:F3 9");
    }

    #[test]
    fn a_bar_is_empty_only_at_nothing_and_full_only_at_the_most() {
        assert_eq!(bar((0, 30)), "░░░░░░░░░░");
        assert_eq!(bar((1, 30)), "█░░░░░░░░░");
        assert_eq!(bar((30, 30)), "██████████");
        assert_eq!(bar((5, 0)), "░░░░░░░░░░");
    }
}
