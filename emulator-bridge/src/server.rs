//! The WebSocket server in front of one emulator.
//!
//! One thread does all input and output, on a tokio runtime of its own; the emulator's thread is reached through a
//! bounded queue. What finds no place there is answered `Busy`, so that no client can make the bridge store its
//! requests; nor can one take the places of the others. It listens on loopback only, and a client must know the token.

mod connection;
mod handshake;
pub(crate) mod places;

use crate::backend::EmulatorBackend;
use crate::machine::{Job, Machine, Vitals};
use crate::publish::Publisher;
use connection::Bridge;
use places::Places;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use wire::page::ProgressPage;
use wire::{Epoch, Instance, exit};

/// The most connections at a time.
pub const CONNECTIONS_MAX: usize = 64;
/// The pause after the operating system failed to hand out a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long [`Server::stop`] waits for a frame to end.
const STOP_MAX: Duration = Duration::from_millis(500);

/// How a server presents itself.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Which game of the run.
    pub instance: Instance,
    /// Its life.
    pub epoch: Epoch,
    /// Address to listen on, port 0 for any; loopback only.
    pub listen: String,
    /// What a client must know: letters and digits.
    pub token: String,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The text is no address.
    #[error("listen address {0:?} is not of the form 127.0.0.1:PORT (port 0 for any)")]
    Address(String),
    /// The address could be reached from other machines.
    #[error(
        "listen address {0} is not on this machine's loopback: use 127.0.0.1:PORT, and an SSH tunnel for access from \
         elsewhere"
    )]
    NotLoopback(SocketAddr),
    /// The token would not survive in an address.
    #[error("the token must be letters and digits, at least one")]
    Token,
    /// The operating system refused.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, io::Error),
    /// No thread can be made.
    #[error("cannot start the server's threads: {0}")]
    Threads(io::Error),
}

impl ServeError {
    /// The status a process ends with that cannot start because of this.
    pub fn exit_status(&self) -> i32 {
        match self {
            ServeError::Address(_) | ServeError::NotLoopback(_) | ServeError::Token => exit::CONFIG,
            ServeError::Bind(..) => exit::UNAVAILABLE,
            ServeError::Threads(_) => exit::OS,
        }
    }
}

/// A running server and its emulator.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    token: String,
    jobs: SyncSender<Job>,
    vitals: Arc<Vitals>,
    emulator: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts both threads. Frames are published where there is a publisher, progress is shown where there is a page.
    pub fn start(
        options: &ServerOptions,
        backend: Box<dyn EmulatorBackend>,
        publisher: Option<Publisher>,
        page: Option<ProgressPage>,
    ) -> Result<Server, ServeError> {
        if options.token.is_empty() || !options.token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(ServeError::Token);
        }
        let wanted = loopback_address(&options.listen)?;
        let listener = TcpListener::bind(wanted).map_err(|error| ServeError::Bind(wanted, error))?;
        listener.set_nonblocking(true).map_err(|error| ServeError::Bind(wanted, error))?;
        let address = listener.local_addr().map_err(|error| ServeError::Bind(wanted, error))?;
        let machine = Machine::new(backend, (options.instance, options.epoch), publisher, page);
        let vitals = machine.vitals.clone();
        // All requests that have a place, and one sign of life.
        let (jobs, received) = sync_channel(places::PLACES + 1);
        let bridge = Bridge {
            instance: options.instance,
            epoch: options.epoch,
            token: options.token.clone(),
            jobs: jobs.clone(),
            places: Places::default(),
            vitals: vitals.clone(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(ServeError::Threads)?;
        let thread = |name: &str| std::thread::Builder::new().name(name.to_string());
        let emulator = thread("emulator").spawn(move || machine.work(&received)).map_err(ServeError::Threads)?;
        thread("websocket")
            .spawn(move || runtime.block_on(accept(listener, Arc::new(bridge))))
            .map_err(ServeError::Threads)?;
        Ok(Server { address, token: options.token.clone(), jobs, vitals, emulator: Some(emulator) })
    }

    /// `ws://…` with the token.
    pub fn address(&self) -> String {
        format!("ws://{}/?token={}", self.address, self.token)
    }

    /// Sends a sign of life through the emulator's thread, unless one is on its way.
    pub fn ping(&self) {
        if self.vitals.is_pinged.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Err(TrySendError::Disconnected(_)) = self.jobs.try_send(Job::Ping) {
            tracing::error!("the emulator's thread has ended");
        }
    }

    /// Ends the emulator's thread, so that its core is not cut off in the middle of a frame; returns soon in any case.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.vitals.stopping.store(true, Ordering::Release);
        // Wakes the thread where it waits for a request.
        self.ping();
        let deadline = Instant::now() + STOP_MAX;
        while self.emulator.as_ref().is_some_and(|thread| !thread.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        if let Some(thread) = self.emulator.take_if(|thread| thread.is_finished()) {
            // A panic there has ended the process already.
            let _ = thread.join();
        }
    }
}

/// Makes connections until the emulator's thread has ended.
async fn accept(listener: TcpListener, bridge: Arc<Bridge>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the WebSocket cannot be served");
            return;
        }
    };
    let connections = Arc::new(AtomicUsize::new(0));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if bridge.vitals.stopping.load(Ordering::Acquire) {
            return;
        }
        if connections.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS_MAX {
            connections.fetch_sub(1, Ordering::Relaxed);
            tracing::warn!(limit = CONNECTIONS_MAX, "too many connections; one was turned away");
            continue;
        }
        let (bridge, connections) = (bridge.clone(), connections.clone());
        tokio::spawn(async move {
            connection::serve(stream, &bridge).await;
            connections.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

fn loopback_address(listen: &str) -> Result<SocketAddr, ServeError> {
    let numeric = match listen.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => listen.to_string(),
    };
    let address: SocketAddr = numeric.parse().map_err(|_| ServeError::Address(listen.to_string()))?;
    if address.ip().is_loopback() { Ok(address) } else { Err(ServeError::NotLoopback(address)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_listened_on() {
        for good in ["127.0.0.1:0", "localhost:8123", "[::1]:0", "127.9.9.9:1"] {
            assert!(loopback_address(good).is_ok(), "{good}");
        }
        for exposed in ["0.0.0.0:0", "192.168.1.4:8000", "[::]:0"] {
            assert!(matches!(loopback_address(exposed), Err(ServeError::NotLoopback(_))), "{exposed}");
        }
        for wrong in ["", "8123", "example.org:80", "127.0.0.1", "localhost:"] {
            assert!(matches!(loopback_address(wrong), Err(ServeError::Address(_))), "{wrong}");
        }
    }
}
