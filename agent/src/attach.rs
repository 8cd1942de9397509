//! `agent attach`: a run on a terminal, from any other one, or as a page in a browser: its picture, its map, what it does and why;
//! live, or back in time.
//!
//! It reads the log, the newest frame and what the run's folder keeps of its steps, and nothing else; the run does not notice. Files:
//! `app` what is shown and what keys do, `draw` how, `floor` the map, `graphics` pictures on terminals, `past` the steps before now,
//! `step_picture` their pictures and maps, `pictures` those that were seen, `kept` what the folder keeps, `web` all of it in a browser.

use crate::cli::AttachArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::ram::{SIGNALLED, watch_signals};
use crate::run_folder::RUN_FILE;
use crate::run_log::{Follower, RunLog, Start};
use app::App;
use graphics::{Graphics, Picture};
use ratatui::crossterm::cursor::MoveTo;
use ratatui::crossterm::event::{self, Event as TerminalEvent, KeyEventKind};
use ratatui::crossterm::{queue, terminal};
use std::io::{self, IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use step_picture::StepPictures;
use wire::exit;

mod app;
mod draw;
mod floor;
mod graphics;
mod kept;
mod past;
mod pictures;
mod step_picture;
mod web;

/// Lines of the log's end that are read at first.
const LINES: usize = 1_500;
/// Lines of its beginning, which say what the run is.
const FIRST_LINES: usize = 60;
/// The time between two looks.
const LOOK: Duration = Duration::from_millis(33);
/// What changes by itself, as times, is drawn this often.
const REFRESH: Duration = Duration::from_secs(1);
/// A cell's size in pixels where the terminal does not tell.
const CELL: (u16, u16) = (8, 16);

/// Shows a run until the person leaves; returns the exit status.
pub fn attach(args: &AttachArgs) -> Result<i32, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let log = RunLog::find(args.run.as_deref(), &config)?;
    if args.web {
        return web::serve(log, config, args.port);
    }
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        let message = "attach draws on a terminal; to print or pipe, use agent tail, for a browser --web";
        return Err(Failure::Usage(message.to_string()));
    }
    let signal = watch_signals()?;
    let os = |error| Failure::Os { what: "the terminal".to_string(), error };
    let mut screen = ratatui::try_init().map_err(os)?;
    let graphics = Graphics::of_terminal();
    let shown = show(log, &config, &mut screen, graphics, || signal.load(Ordering::Relaxed) != 0);
    let _ = io::stdout().write_all(graphics.clear().as_bytes());
    ratatui::restore();
    shown?;
    match signal.load(Ordering::Relaxed) {
        0 => Ok(exit::OK),
        signal => Ok(SIGNALLED + signal as i32),
    }
}

fn show(
    log: RunLog,
    config: &Config,
    screen: &mut ratatui::DefaultTerminal,
    graphics: Graphics,
    is_over: impl Fn() -> bool,
) -> Result<(), Failure> {
    let os = |error| Failure::Os { what: "the terminal".to_string(), error };
    let (mut follower, mut app) = open(log, config)?;
    let mut pictures = StepPictures::new(follower.log(), config);
    let mut has_cells = true;
    let mut drawn: Option<Instant> = None;
    loop {
        let changes = app.spectator.changes;
        read(&mut follower, &mut app)?;
        if let Some(newer) = follower.log().newer() {
            (follower, app) = open(newer, config)?;
            pictures = StepPictures::new(follower.log(), config);
            drawn = None;
        }
        let mut has_picture = app.look();
        if let Some(frame) = app.picture().filter(|_| has_picture) {
            pictures.see(app.game, frame);
        }
        pictures.note_steps(&app);
        has_picture = pictures.look(&mut app) || has_picture && app.past.is_none();
        if has_picture || app.spectator.changes != changes || drawn.is_none_or(|drawn| drawn.elapsed() >= REFRESH) {
            let was_cells = std::mem::replace(&mut has_cells, app.picture_of_step().is_err());
            if has_cells && !was_cells && graphics != Graphics::Cells {
                // Where a picture was that is none of cells, the terminal must draw all of them anew.
                io::stdout().write_all(graphics.clear().as_bytes()).map_err(os)?;
                screen.clear().map_err(os)?;
            }
            screen.draw(|frame| draw::draw(frame, &mut app, graphics)).map_err(os)?;
            show_picture(&app, graphics, has_picture || drawn.is_none()).map_err(os)?;
            drawn = Some(Instant::now());
        }
        while event::poll(if is_over() { Duration::ZERO } else { LOOK }).map_err(os)? {
            match event::read().map_err(os)? {
                TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => {
                    if app.press(key).is_break() {
                        return Ok(());
                    }
                    drawn = None;
                }
                TerminalEvent::Resize(..) => drawn = None,
                _ => {}
            }
            if drawn.is_none() {
                break;
            }
        }
        if is_over() {
            return Ok(());
        }
    }
}

/// What is behind these locks is whole after each change, and a panic ends the process anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a run: what its log's beginning says, and its last lines.
fn open(log: RunLog, config: &Config) -> Result<(Follower, App), Failure> {
    // What a run was asked to do also says how its game is decoded.
    let kept = log.path.parent().and_then(|folder| Config::read(&folder.join(RUN_FILE)).ok());
    let mut app = App::new(&log, kept.unwrap_or_else(|| config.clone()));
    let mut head = Follower::new(log.clone(), Start::First);
    let mut count = 0;
    let read = head.advance(&mut |line| {
        count += 1;
        app.take_first(line);
        if count < FIRST_LINES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    read.map(drop).map_err(|error| unreadable(&log, error))?;
    let mut follower = Follower::new(log, Start::Last(LINES));
    self::read(&mut follower, &mut app)?;
    Ok((follower, app))
}

fn read(follower: &mut Follower, app: &mut App) -> Result<(), Failure> {
    let read = follower.advance(&mut |line| {
        app.take(line);
        ControlFlow::Continue(())
    });
    read.map(drop).map_err(|error| unreadable(follower.log(), error))
}

fn unreadable(log: &RunLog, error: io::Error) -> Failure {
    Failure::NoInput { path: log.path.clone(), error, remedy: "the log must be readable" }
}

/// Draws the picture over its place, where it is not made of cells.
fn show_picture(app: &App, graphics: Graphics, is_new: bool) -> io::Result<()> {
    let (Some(area), Ok(frame), true) = (app.picture_area, app.picture_of_step(), is_new) else { return Ok(()) };
    let size = terminal::window_size().ok().filter(|size| size.width > 0 && size.height > 0);
    let cell = size.map_or(CELL, |size| (size.width / size.columns.max(1), size.height / size.rows.max(1)));
    let Some(text) = graphics.show(&Picture::from(frame), (area.width, area.height), cell) else { return Ok(()) };
    let mut stdout = io::stdout().lock();
    queue!(stdout, MoveTo(area.x, area.y))?;
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
