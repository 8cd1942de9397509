//! An OpenTelemetry collector that keeps what it is sent, and fails as it is told to: it refuses, hangs or dies.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It takes it.
    Takes,
    /// It answers with this status.
    Refuses(u16),
    /// It takes traces, and has never heard of metrics.
    TakesTraces,
    /// It never answers.
    Hangs,
    /// It takes so many requests and dies.
    DiesAfter(usize),
}

/// A request.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its first line and its headers.
    pub head: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// The collector.
pub struct Collector {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    mood: Mood,
    received: Mutex<Vec<Received>>,
    connections: Mutex<Vec<TcpStream>>,
    is_over: AtomicBool,
}

impl Collector {
    /// One at a free port of this machine.
    pub fn start(mood: Mood) -> Collector {
        Collector::start_at(0, mood).expect("there is a free port")
    }

    /// One at this port.
    pub fn start_at(port: u16, mood: Mood) -> std::io::Result<Collector> {
        let (received, connections, is_over) = Default::default();
        let shared = Arc::new(Shared { mood, received, connections, is_over });
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let address = listener.local_addr()?;
        let ours = shared.clone();
        let accepting = Some(std::thread::spawn(move || ours.accept(&listener)));
        Ok(Collector { shared, address, accepting })
    }

    /// Where it is: HOST:PORT.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was sent so far.
    pub fn received(&self) -> Vec<Received> {
        locked(&self.shared.received).clone()
    }

    /// The traces that it was sent, as they came.
    pub fn traces(&self) -> Vec<ExportTraceServiceRequest> {
        self.bodies("/v1/traces", |body| ExportTraceServiceRequest::decode(body).expect("it is OTLP"))
    }

    /// The spans of all of them.
    pub fn spans(&self) -> Vec<Span> {
        let scopes = self.traces().into_iter().flat_map(|request| request.resource_spans);
        scopes.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// The metrics that it was sent last.
    pub fn metrics(&self) -> Vec<Metric> {
        let requests =
            self.bodies("/v1/metrics", |body| ExportMetricsServiceRequest::decode(body).expect("it is OTLP"));
        let scopes = requests.into_iter().next_back().into_iter().flat_map(|request| request.resource_metrics);
        scopes.flat_map(|resource| resource.scope_metrics).flat_map(|scope| scope.metrics).collect()
    }

    fn bodies<T>(&self, path: &str, read: impl Fn(&[u8]) -> T) -> Vec<T> {
        let start = format!("POST {path} ");
        self.received().iter().filter(|it| it.head.starts_with(&start)).map(|it| read(&it.body)).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.end();
        // The thread waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Shared>, listener: &TcpListener) {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            let Ok(kept) = stream.try_clone() else { continue };
            locked(&self.connections).push(kept);
            let ours = self.clone();
            std::thread::spawn(move || ours.serve(stream));
        }
    }

    fn serve(&self, stream: TcpStream) {
        let Ok(mut writer) = stream.try_clone() else { return };
        let mut reader = BufReader::new(stream);
        while let Some(received) = read(&mut reader) {
            let path = received.head.split(' ').nth(1).unwrap_or_default().to_string();
            let count = {
                let mut all = locked(&self.received);
                all.push(received);
                all.len()
            };
            let status = match self.mood {
                Mood::Hangs => continue,
                Mood::DiesAfter(most) if count > most => return self.end(),
                Mood::TakesTraces if path == "/v1/metrics" => 404,
                Mood::Refuses(status) => status,
                Mood::Takes | Mood::TakesTraces | Mood::DiesAfter(_) => 200,
            };
            let answer =
                format!("HTTP/1.1 {status} X\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n");
            if writer.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        for connection in locked(&self.connections).drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// An attribute's value as text; nothing where it is not there.
pub fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.to_ascii_lowercase().split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { head, body })
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
