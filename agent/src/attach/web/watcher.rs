//! Watches the run: follows its log, looks at the pictures of the games that pages show, and puts both on the board.

use super::super::kept::Kept;
use super::super::pictures::Shown;
use super::super::{App, open, unreadable};
use super::board::Board;
use super::{Frames, Shared, lock};
use crate::config::Config;
use crate::failure::Failure;
use crate::run_log::Follower;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The time between two looks.
const LOOK: Duration = Duration::from_millis(8);
/// The time between two looks for another run, and at what changes by itself.
const RARELY: Duration = Duration::from_millis(250);

/// Watches until it is over.
///
/// # Errors
/// When a log cannot be read.
pub fn watch((mut follower, mut app): (Follower, App), config: &Config, shared: &Shared) -> Result<(), Failure> {
    let mut board = Board::of(&app, 0);
    let mut looked: Option<Instant> = None;
    while !shared.is_over.load(Ordering::Relaxed) {
        let is_time = looked.is_none_or(|looked| looked.elapsed() >= RARELY);
        if is_time {
            looked = Some(Instant::now());
            if let Some(newer) = follower.log().newer() {
                (follower, app) = open(newer, config)?;
                *lock(&shared.kept) = Arc::new(Kept::of(follower.log(), config));
                board = Board::of(&app, board.run + 1);
                shared.frames.send_replace(Arc::default());
            }
        }
        look(&mut app, shared);
        let mut lines = 0u64;
        let read = follower.advance(&mut |line| {
            lines += 1;
            app.take(line);
            if let Some(hash) = board.note_steps(&app.spectator) {
                lock(&shared.pictures).keep(hash);
            }
            ControlFlow::Continue(())
        });
        read.map(drop).map_err(|error| unreadable(follower.log(), error))?;
        if (lines > 0 || is_time) && board.renew(&mut app, &shared.watched(), is_time) {
            shared.board.send_replace(Arc::new(board.clone()));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Looks at the pictures of the games that pages show.
fn look(app: &mut App, shared: &Shared) {
    let mut new: Option<Frames> = None;
    for game in shared.watched() {
        app.game = game;
        if !app.look() {
            continue;
        }
        let Some(frame) = app.picture() else { continue };
        let shown = Shown::of(frame, game);
        lock(&shared.pictures).see(shown.clone());
        let frames = new.get_or_insert_with(|| shared.frames.borrow().as_ref().clone());
        if frames.get(&game).is_none_or(|before| before.hash != shown.hash) {
            frames.insert(game, Arc::new(shown));
        }
    }
    if let Some(frames) = new {
        shared.frames.send_replace(Arc::new(frames));
    }
}
