//! A model's server that does what it is told to: it lists a model, answers chats as servers of its kind do, and fails in
//! every way that one can. What it was asked, and over how many connections, can be looked at; it asserts nothing itself.
//!
//! Each connection has a thread. Nothing here waits on a clock alone: who asked and went away, or a server that is stopped,
//! ends every wait.

mod act;
mod http;
mod kind;

pub use act::Act;
pub use http::Asked;
pub use kind::Kind;

use act::Turn;
use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

type Script = Box<dyn FnMut(&Asked) -> Act + Send>;
type Mind = Box<dyn Fn(&Asked) -> String + Send + Sync>;

/// The server.
pub struct ModelServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    kind: Kind,
    script: Mutex<Script>,
    mind: Mutex<Mind>,
    asked: Mutex<Vec<Asked>>,
    connections: Mutex<BTreeMap<usize, TcpStream>>,
    accepted: AtomicUsize,
    chats: AtomicUsize,
    chats_max: AtomicUsize,
    is_stopping: AtomicBool,
}

impl ModelServer {
    /// A server of this kind at a free port of this machine. It answers everything well: the first skill on offer.
    pub fn start(kind: Kind) -> ModelServer {
        ModelServer::start_at(kind, 0).expect("there is a free port")
    }

    /// The same at this port, where nobody has it.
    pub fn start_at(kind: Kind, port: u16) -> std::io::Result<ModelServer> {
        let shared = Arc::new(Shared {
            kind,
            script: Mutex::new(Box::new(|_| Act::Answer)),
            mind: Mutex::new(Box::new(first_offer)),
            asked: Mutex::default(),
            connections: Mutex::default(),
            accepted: AtomicUsize::new(0),
            chats: AtomicUsize::new(0),
            chats_max: AtomicUsize::new(0),
            is_stopping: AtomicBool::new(false),
        });
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let address = listener.local_addr()?;
        let accepting = Some(accept(listener, shared.clone()));
        Ok(ModelServer { shared, address, accepting })
    }

    /// Its base address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it does at each chat from now on.
    pub fn script(&self, script: impl FnMut(&Asked) -> Act + Send + 'static) {
        *locked(&self.shared.script) = Box::new(script);
    }

    /// What its model answers to each chat from now on.
    pub fn mind(&self, mind: impl Fn(&Asked) -> String + Send + Sync + 'static) {
        *locked(&self.shared.mind) = Box::new(mind);
    }

    /// Dies: nobody listens at the port any more, and all connections break.
    pub fn stop(&mut self) {
        let Some(accepting) = self.accepting.take() else { return };
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        // The thread looks at that when somebody connects.
        drop(TcpStream::connect(self.address));
        let _ = accepting.join();
        for connection in locked(&self.shared.connections).values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Comes back at the same port.
    pub fn restart(&mut self) {
        self.stop();
        self.shared.is_stopping.store(false, Ordering::SeqCst);
        // Another program may have had the port for a moment.
        let listener = crate::wait_for("the port to be free", || TcpListener::bind(self.address).ok());
        self.accepting = Some(accept(listener, self.shared.clone()));
    }

    /// Everything that it was asked, in order.
    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.shared.asked).clone()
    }

    /// The chats among it that are no probes.
    pub fn questions(&self) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.is_chat() && !asked.is_probe()).collect()
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        locked(&self.shared.connections).len()
    }

    /// Connections that there ever were.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Chats that were under way at once, at most.
    pub fn chats_max(&self) -> usize {
        self.shared.chats_max.load(Ordering::SeqCst)
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn accept(listener: TcpListener, shared: Arc<Shared>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if shared.is_stopping.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let number = shared.accepted.fetch_add(1, Ordering::SeqCst) + 1;
            let Ok(handle) = stream.try_clone() else { continue };
            locked(&shared.connections).insert(number, handle);
            let shared = shared.clone();
            std::thread::spawn(move || {
                let _ = serve(stream, number, &shared);
                locked(&shared.connections).remove(&number);
            });
        }
    })
}

/// Answers what comes over one connection until it ends.
fn serve(mut stream: TcpStream, number: usize, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some(asked) = http::read(&mut stream, number)? {
        if !asked.is_chat() {
            locked(&shared.asked).push(asked.clone());
            shared.kind.tell(&mut stream, &asked)?;
            continue;
        }
        let act = (locked(&shared.script))(&asked);
        let answer = (locked(&shared.mind))(&asked);
        let chats = shared.chats.fetch_add(1, Ordering::SeqCst) + 1;
        shared.chats_max.fetch_max(chats, Ordering::SeqCst);
        locked(&shared.asked).push(asked.clone());
        let done = Turn { kind: &shared.kind, asked: &asked, answer: &answer, stream: &mut stream }.perform(&act);
        shared.chats.fetch_sub(1, Ordering::SeqCst);
        if !done? {
            return Ok(());
        }
    }
    Ok(())
}

/// The first skill that the schema allows.
fn first_offer(asked: &Asked) -> String {
    let schema = asked.schema();
    if asked.is_probe() || schema.is_null() {
        return r#"{"ok":"yes"}"#.to_string();
    }
    let skill = &schema["properties"]["skill"]["enum"][0];
    format!(r#"{{"skill":{skill},"confidence":0.9,"reason":"it comes first"}}"#)
}

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
