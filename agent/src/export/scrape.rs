//! Metrics for Prometheus: one page, over HTTP, on loopback alone.
//!
//! There is nothing to be changed through it and no secret in it, so nobody has to know a token. A page in a browser that points a
//! name of its own at this machine is refused by the name. Bounded: so many connections at a time; who comes later waits.

use super::instruments::Instruments;
use crate::failure::Failure;
use axum::Router;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Where metrics are.
pub const PATH: &str = "/metrics";
/// Prometheus's text format.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
const CONNECTIONS_MAX: usize = 16;

/// An address of this machine alone, if `text` is one: HOST:PORT.
pub fn loopback(text: &str) -> Option<SocketAddr> {
    let address = match text.strip_prefix("localhost:") {
        Some(port) => ("127.0.0.1", port.parse().ok()?).to_socket_addrs().ok()?.next()?,
        None => text.parse().ok()?,
    };
    address.ip().is_loopback().then_some(address)
}

/// Takes the address, before a run begins.
///
/// # Errors
/// One line, when another program has it.
pub fn listen(address: &str) -> Result<TcpListener, Failure> {
    let failed = |error: io::Error| {
        Failure::Settings(match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "export.prometheus is {address}, and another program listens there; end it, or name another port"
            ),
            _ => format!("export.prometheus is {address}: {error}; name another address of this machine"),
        })
    };
    let place = loopback(address).ok_or_else(|| failed(io::ErrorKind::AddrNotAvailable.into()))?;
    let listener = TcpListener::bind(place).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Answers whoever asks, until it is dropped.
pub async fn serve(listener: TcpListener, instruments: Arc<Instruments>) {
    let pages = Router::new().route(PATH, get(tell)).with_state(instruments);
    match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => {
            let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
            if let Err(error) = axum::serve(Door { listener, places }, pages).await {
                tracing::warn!("metrics are served no more: {error}");
            }
        }
        Err(error) => tracing::warn!("metrics cannot be served: {error}"),
    }
}

async fn tell(State(instruments): State<Arc<Instruments>>, headers: HeaderMap) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_own(host) {
        return (StatusCode::FORBIDDEN, "this address is asked for by its number or as localhost\n").into_response();
    }
    ([(CONTENT_TYPE, FORMAT)], instruments.text()).into_response()
}

/// Whether a request names this machine, and not a name that somebody else points at it.
fn is_own(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Lets in as many as there are places.
struct Door {
    listener: tokio::net::TcpListener,
    places: Arc<Semaphore>,
}

/// A connection, and its place.
struct Guest {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl axum::serve::Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        let place = self.places.clone().acquire_owned().await.expect("nobody closes it");
        let (stream, address) = axum::serve::Listener::accept(&mut self.listener).await;
        (Guest { stream, _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl AsyncRead for Guest {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_alone_are_taken() {
        for own in ["127.0.0.1:9184", "[::1]:9184", "localhost:9184", "127.1.2.3:1"] {
            assert!(loopback(own).is_some(), "{own}");
        }
        for other in ["0.0.0.0:9184", "[::]:9184", "10.0.0.1:9184", "9184", ":9184", "example.org:80", "localhost:x"] {
            assert!(loopback(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_name_that_somebody_points_here_is_not_this_machine() {
        for own in ["127.0.0.1:9184", "localhost", "[::1]:9184", "127.0.0.1"] {
            assert!(is_own(own), "{own}");
        }
        for other in ["", "attacker.example:9184", "localhost.attacker.example", "10.0.0.1:9184"] {
            assert!(!is_own(other), "{other}");
        }
    }
}
