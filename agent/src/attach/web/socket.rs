//! What a page is told as it happens: the pieces of the board that changed, the steps since it was told last, and the newest picture.
//!
//! A page says when it took something (`s` a piece of news, `f` a picture), and is told the next only then: what it has no time for
//! is never queued, and what it gets is the newest. `g3` shows game 3.

use super::board::{Board, Part};
use super::{Frames, Shared, lock};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use wire::Instance;
use wire::hash::Hash;

/// Pages at a time.
const PAGES_MAX: usize = 32;
/// Bytes of what a page says.
const SAID_BYTES_MAX: usize = 64;
/// The time between two pictures, and between two pieces of news.
const PACE: Duration = Duration::from_millis(33);
/// Silence after which a page is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(20);
/// How long a message may be on its way.
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens a page's socket.
pub async fn open(State(shared): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    if lock(&shared.watched).values().sum::<usize>() >= PAGES_MAX {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages look at this run; close some\n").into_response();
    }
    upgrade.max_message_size(SAID_BYTES_MAX).on_upgrade(|socket| talk(socket, shared))
}

/// The game that a page shows, counted among those that are watched.
struct Watching {
    shared: Arc<Shared>,
    game: Instance,
}

impl Watching {
    fn new(shared: Arc<Shared>, game: Instance) -> Watching {
        *lock(&shared.watched).entry(game).or_default() += 1;
        Watching { shared, game }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut watched = lock(&self.shared.watched);
        if let Some(pages) = watched.get_mut(&self.game) {
            *pages -= 1;
            if *pages == 0 {
                watched.remove(&self.game);
            }
        }
    }
}

/// What a page was told, and what it may be told.
#[derive(Default)]
struct Page {
    game: Instance,
    run: Option<u64>,
    told: BTreeMap<Part, u64>,
    steps: u64,
    shown: Option<Hash>,
    /// Since when news is on its way to the page, and when it may be told next.
    is_busy: bool,
    next: Option<Instant>,
    /// The same of pictures.
    is_drawing: bool,
    next_picture: Option<Instant>,
}

async fn talk(mut socket: WebSocket, shared: Arc<Shared>) {
    let (mut boards, mut frames) = (shared.board.subscribe(), shared.frames.subscribe());
    let mut page = Page::default();
    let mut watching = Watching::new(shared, page.game);
    loop {
        let now = Instant::now();
        let news = if page.may_be_told(now) { page.news(&boards.borrow_and_update()) } else { None };
        if let Some(news) = news {
            (page.is_busy, page.next) = (true, Some(now + PACE));
            if !send(&mut socket, Message::text(news)).await {
                return;
            }
        }
        let picture = if page.may_be_shown(now) { page.picture(&frames.borrow_and_update()) } else { None };
        if let Some(picture) = picture {
            (page.is_drawing, page.next_picture) = (true, Some(now + PACE));
            if !send(&mut socket, picture).await {
                return;
            }
        }
        let wake = [(page.is_busy, page.next), (page.is_drawing, page.next_picture)];
        let wake = wake.into_iter().filter_map(|(is_busy, next)| next.filter(|next| !is_busy && *next > now)).min();
        tokio::select! {
            said = socket.recv() => match said {
                Some(Ok(Message::Text(said))) => {
                    if let Some(game) = page.hear(said.as_str()) {
                        // The new one is counted before the old one is let go.
                        watching = Watching::new(watching.shared.clone(), game);
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            changed = boards.changed(), if page.may_be_told(now) => if changed.is_err() { return },
            changed = frames.changed(), if page.may_be_shown(now) => if changed.is_err() { return },
            () = tokio::time::sleep_until(wake.unwrap_or(now + SILENCE)) => {
                if wake.is_none() && !send(&mut socket, Message::Ping(Default::default())).await {
                    return;
                }
            }
        }
    }
}

async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(PATIENCE, socket.send(message)).await, Ok(Ok(())))
}

impl Page {
    fn may_be_told(&self, now: Instant) -> bool {
        !self.is_busy && self.next.is_none_or(|next| next <= now)
    }

    fn may_be_shown(&self, now: Instant) -> bool {
        !self.is_drawing && self.next_picture.is_none_or(|next| next <= now)
    }

    /// The page said something; gives the game that it shows from now on, if that is another.
    fn hear(&mut self, said: &str) -> Option<Instance> {
        match said {
            "s" => self.is_busy = false,
            "f" => self.is_drawing = false,
            _ => {
                let game = said.strip_prefix('g')?.parse().ok().filter(|game| *game != self.game)?;
                *self = Page { game, is_busy: self.is_busy, is_drawing: self.is_drawing, ..Page::default() };
                return Some(game);
            }
        }
        None
    }

    /// What changed since the page was told last, as JSON.
    fn news(&mut self, board: &Board) -> Option<String> {
        if self.run != Some(board.run) {
            (self.run, self.steps, self.shown) = (Some(board.run), 0, None);
            self.told.clear();
        }
        let mut news = String::new();
        for (part, piece) in board.pieces.iter().filter(|(part, _)| part.is_of(self.game)) {
            if self.told.insert(*part, piece.version) != Some(piece.version) {
                let _ = write!(news, r#","{}":{}"#, part.name(), piece.json);
            }
        }
        if let Some(steps) = board.steps.get(&self.game).filter(|steps| steps.count > self.steps) {
            let new = ((steps.count - self.steps) as usize).min(steps.rows.len());
            let has_gap = new as u64 != steps.count - self.steps;
            let rows: Vec<&str> = steps.rows.range(steps.rows.len() - new..).map(AsRef::as_ref).collect();
            let _ = write!(news, r#","steps":[{}],"has_gap":{has_gap}"#, rows.join(","));
            self.steps = steps.count;
        }
        (!news.is_empty()).then(|| format!(r#"{{"id":{},"shown":{}{news}}}"#, board.run, self.game))
    }

    fn picture(&mut self, frames: &Frames) -> Option<Message> {
        let shown = frames.get(&self.game).filter(|shown| self.shown != Some(shown.hash))?;
        self.shown = Some(shown.hash);
        Some(Message::binary(shown.bytes.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attach::App;
    use crate::config::Config;
    use crate::run_log::RunLog;
    use std::path::Path;
    use wire::event::Event;

    fn line(game: Instance, step: u64) -> Vec<u8> {
        let done = Event::StepCompleted(Box::default());
        let mut line = serde_json::to_value(done).expect("it is JSON");
        let common = serde_json::json!({ "ts": "2026-11-29T03:20:28.197082Z", "seq": step, "process": "actors", "pid": 7,
            "actor": "pilot", "level": "info", "instance": game, "step": step });
        line.as_object_mut().expect("it is an object").extend(common.as_object().cloned().expect("it is an object"));
        serde_json::to_vec(&line).expect("it is JSON")
    }

    fn take(app: &mut App, board: &mut Board, game: Instance, step: u64) {
        app.take(&line(game, step));
        board.note_steps(&app.spectator);
        board.renew(app, &[0, 1], true);
    }

    fn told(page: &mut Page, board: &Board) -> serde_json::Value {
        page.news(board).map_or(serde_json::Value::Null, |news| serde_json::from_str(&news).expect("it is JSON"))
    }

    fn numbers(news: &serde_json::Value) -> Vec<u64> {
        news["steps"].as_array().into_iter().flatten().filter_map(|row| row[0].as_u64()).collect()
    }

    #[test]
    fn a_page_is_told_what_changed_and_a_slow_one_the_newest_alone() {
        let mut app = App::new(&RunLog::at(Path::new("runs/x/telemetry.jsonl")), Config::built_in());
        let mut board = Board::of(&app, 0);
        let mut page = Page::default();
        take(&mut app, &mut board, 0, 1);
        let first = told(&mut page, &board);
        assert_eq!((numbers(&first), &first["run"]["name"], &first["step"]["step"]), (vec![1], &"x".into(), &1.into()));
        assert!(told(&mut page, &board).is_null(), "nothing changed");
        take(&mut app, &mut board, 0, 2);
        let second = told(&mut page, &board);
        assert_eq!((numbers(&second), second.get("run"), &second["has_gap"]), (vec![2], None, &false.into()));
        (3..=300).for_each(|step| take(&mut app, &mut board, 0, step));
        let late = told(&mut page, &board);
        let rows = numbers(&late);
        assert_eq!((rows.len(), rows.last(), &late["has_gap"]), (64, Some(&300), &true.into()));
    }

    #[test]
    fn a_page_that_changes_its_game_or_whose_run_changes_is_told_everything() {
        let mut app = App::new(&RunLog::at(Path::new("runs/x/telemetry.jsonl")), Config::built_in());
        let mut board = Board::of(&app, 0);
        let mut page = Page::default();
        take(&mut app, &mut board, 0, 1);
        take(&mut app, &mut board, 1, 7);
        assert_eq!(numbers(&told(&mut page, &board)), [1]);
        assert_eq!((page.hear("g0"), page.hear("g1"), page.hear("x"), page.hear("gx")), (None, Some(1), None, None));
        let other = told(&mut page, &board);
        assert_eq!((numbers(&other), &other["shown"], other["run"].is_object()), (vec![7], &1.into(), true));
        let mut newer = Board::of(&app, 1);
        newer.renew(&mut app, &[0, 1], true);
        let news = told(&mut page, &newer);
        assert_eq!((numbers(&news), &news["id"], news["run"].is_object()), (vec![7], &1.into(), true));
    }
}
