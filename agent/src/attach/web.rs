//! `agent attach --web`: a run as a page in a browser, for people who would rather look than use a terminal.
//!
//! A thread follows the log and looks at the picture, and puts what it sees on a [`board`]; each page's socket tells what is new on it
//! as fast as the page takes it, the newest alone. Nothing is queued, so that memory stays bounded however slow a page is. Files:
//! `watcher` the thread, `board` what is shown, `gate` who gets in, `answers` what is asked by address, `socket` what is told. The page
//! itself is `page/`, part of the program.
//!
//! Invariants: loopback alone is listened on; nothing is answered without the token; the run does not notice.

use super::kept::Kept;
use super::pictures::{Pictures, Room, Shown};
use super::{App, lock};
use crate::config::Config;
use crate::failure::Failure;
use crate::ram::watch_signals;
use crate::run_folder::random_hex;
use crate::run_log::RunLog;
use axum::Router;
use axum::middleware;
use axum::routing::get;
use board::Board;
use gate::Gate;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use wire::{Instance, exit};

mod answers;
mod board;
mod gate;
mod socket;
mod watcher;

const TOKEN_BYTES: usize = 16;
/// Threads that read files for pages; further questions wait.
const READERS: usize = 2;
/// The time between two looks at whether the end was asked for.
const LOOK: Duration = Duration::from_millis(50);
/// The time between two looks at what was added to a recording.
const LOOK_AT_RECORDING: Duration = Duration::from_millis(100);
/// Pictures that were seen.
const ROOM: Room = Room { recent_bytes_max: 16 << 20, kept_bytes_max: 64 << 20 };
/// How long pages may take to notice the end.
const LEAVING: Duration = Duration::from_millis(500);

/// The newest picture of each game that is looked at.
type Frames = BTreeMap<Instance, Arc<Shown>>;

/// What the thread that watches and those that answer share.
struct Shared {
    board: watch::Sender<Arc<Board>>,
    frames: watch::Sender<Arc<Frames>>,
    pictures: Mutex<Pictures>,
    /// What the folder of the run that is shown keeps.
    kept: Mutex<Arc<Kept>>,
    /// Pages by the game that they show.
    watched: Mutex<BTreeMap<Instance, usize>>,
    is_over: AtomicBool,
}

/// Serves the page until the person ends it; returns the exit status.
pub fn serve(log: RunLog, config: Config, port: Option<u16>) -> Result<i32, Failure> {
    let signal = watch_signals()?;
    let os = |what: &str| {
        let what = what.to_string();
        move |error| Failure::Os { what, error }
    };
    let address = (Ipv4Addr::LOCALHOST, port.unwrap_or(0));
    let listener = TcpListener::bind(address).map_err(os(&format!("127.0.0.1, port {}", address.1)))?;
    listener.set_nonblocking(true).map_err(os("the page's port"))?;
    let port = listener.local_addr().map_err(os("the page's port"))?.port();
    let token = random_hex::<TOKEN_BYTES>()?;

    let opened = super::open(log, &config)?;
    let shared = Arc::new(Shared::new(&opened.1, Kept::of(opened.0.log(), &config)));
    let watcher = {
        let shared = shared.clone();
        let watch = move || {
            let ended = watcher::watch(opened, &config, &shared);
            shared.is_over.store(true, Ordering::Relaxed);
            ended
        };
        std::thread::Builder::new().name("watch".to_string()).spawn(watch).map_err(os("a thread"))?
    };
    let indexer = {
        let shared = shared.clone();
        let index = move || note_recordings(&shared);
        std::thread::Builder::new().name("index".to_string()).spawn(index).map_err(os("a thread"))?
    };
    let mut stdout = io::stdout().lock();
    let told = writeln!(stdout, "http://127.0.0.1:{port}/?token={token}").and_then(|()| stdout.flush());
    drop(stdout);
    let served = told.and_then(|()| answer(listener, Gate::new(port, token), shared.clone(), &signal));
    shared.is_over.store(true, Ordering::Relaxed);
    let _ = indexer.join();
    // A panic has ended the process already.
    let watched = watcher.join().unwrap_or(Ok(()));
    served.map_err(os("the page"))?;
    watched.map(|()| exit::OK)
}

fn answer(listener: TcpListener, gate: Gate, shared: Arc<Shared>, signal: &AtomicUsize) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(READERS).build()?;
    let is_over = {
        let shared = shared.clone();
        move || signal.load(Ordering::Relaxed) != 0 || shared.is_over.load(Ordering::Relaxed)
    };
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let serving = axum::serve(listener, routes(gate, shared)).into_future();
        tokio::select! {
            served = serving => served,
            () = async { while !is_over() { tokio::time::sleep(LOOK).await } } => Ok(()),
        }
    });
    runtime.shutdown_timeout(LEAVING);
    served
}

fn routes(gate: Gate, shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(answers::page))
        .route("/page/{file}", get(answers::file))
        .route("/api/steps", get(answers::steps))
        .route("/api/step", get(answers::step))
        .route("/api/picture", get(answers::picture))
        .route("/api/live", get(socket::open))
        .fallback(answers::nothing)
        .with_state(shared)
        .layer(middleware::from_fn_with_state(Arc::new(gate), gate::pass))
}

impl Shared {
    fn new(app: &App, kept: Kept) -> Shared {
        Shared {
            board: watch::Sender::new(Arc::new(Board::of(app, 0))),
            frames: watch::Sender::default(),
            pictures: Mutex::new(Pictures::new(ROOM)),
            kept: Mutex::new(Arc::new(kept)),
            watched: Mutex::default(),
            is_over: AtomicBool::new(false),
        }
    }

    fn kept(&self) -> Arc<Kept> {
        lock(&self.kept).clone()
    }

    /// The games that pages show; the first where there is no page yet.
    fn watched(&self) -> Vec<Instance> {
        let watched: Vec<Instance> = lock(&self.watched).keys().copied().collect();
        if watched.is_empty() { vec![0] } else { watched }
    }
}

/// Notes where in recordings things are, until it is over.
fn note_recordings(shared: &Shared) {
    while !shared.is_over.load(Ordering::Relaxed) {
        if !shared.kept().advance() {
            std::thread::sleep(LOOK_AT_RECORDING);
        }
    }
}
