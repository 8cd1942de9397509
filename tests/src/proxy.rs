//! A TCP proxy that does to a connection what networks and paused programs do: delays, splits, cuts off.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to the next bytes that the far side sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// They come this much later.
    Delay(Duration),
    /// They come in pieces of one byte.
    Split,
    /// This many of them come; then the connection is reset.
    ResetAfter(usize),
}

/// A proxy in front of one address. It ends with the value.
pub struct Proxy {
    /// `HOST:PORT` to connect to.
    pub address: String,
    next: Arc<Mutex<Option<Fault>>>,
    is_over: Arc<AtomicBool>,
}

impl Proxy {
    /// Puts a proxy in front of `target`.
    pub fn start(target: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
        let address = listener.local_addr().expect("it has an address").to_string();
        let (next, is_over) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(false)));
        let (target, faults, over) = (target.to_string(), next.clone(), is_over.clone());
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                // A far side that is gone shows as a near side that is closed.
                if let Ok(far) = TcpStream::connect(&target) {
                    join(near, far, &faults);
                }
            }
        });
        Proxy { address, next, is_over }
    }

    /// Does this to the next bytes from the far side.
    pub fn inflict(&self, fault: Fault) {
        *self.next.lock().expect("no thread panics with it") = Some(fault);
    }

    /// Whether the fault has not happened yet.
    pub fn is_pending(&self) -> bool {
        self.next.lock().expect("no thread panics with it").is_some()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(&self.address);
    }
}

fn join(near: TcpStream, far: TcpStream, faults: &Arc<Mutex<Option<Fault>>>) {
    for stream in [&near, &far] {
        stream.set_nodelay(true).expect("it is a TCP socket");
    }
    let (near_in, far_out) = (near.try_clone().expect("a descriptor"), far.try_clone().expect("a descriptor"));
    std::thread::spawn(move || carry(near_in, far_out, |bytes, far| far.write_all(bytes).is_ok()));
    let faults = faults.clone();
    std::thread::spawn(move || {
        carry(far, near, |bytes, near| {
            let fault = faults.lock().expect("no thread panics with it").take();
            match fault {
                None => near.write_all(bytes).is_ok(),
                Some(Fault::Delay(time)) => {
                    std::thread::park_timeout(time);
                    near.write_all(bytes).is_ok()
                }
                Some(Fault::Split) => bytes.iter().all(|byte| near.write_all(&[*byte]).is_ok()),
                Some(Fault::ResetAfter(count)) => {
                    let _ = near.write_all(&bytes[..count.min(bytes.len())]);
                    // Closing with unread data, or without lingering, resets; data of the near side is never read here.
                    let _ = rustix::net::sockopt::set_socket_linger(&*near, Some(Duration::ZERO));
                    false
                }
            }
        });
    });
}

fn carry(mut from: TcpStream, mut to: TcpStream, mut pass: impl FnMut(&[u8], &mut TcpStream) -> bool) {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let count = match from.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        if !pass(&bytes[..count], &mut to) {
            break;
        }
    }
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}
