//! One WebSocket connection: requests out, replies matched by id, pushed frames into a ring.

use super::EmulatorError;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use wire::Epoch;
use wire::codec::{self, MESSAGE_BYTES_MAX};
use wire::emulator::{ClientMessage, FramePush, Reply, SUBPROTOCOL_BINCODE, ServerMessage, Welcome};
use wire::memory::Region;
use wire::ring::{Picture, RingReader, RingWriter, Shape};

/// Requests that wait to be written; one more is refused as lost, since the emulator no longer reads.
const OUTGOING_MAX: usize = 256;
const BYTES_A_PIXEL_MAX: usize = 4;

/// A connection. Clones share it; it closes with the last one.
#[derive(Clone)]
pub struct Socket {
    outgoing: mpsc::Sender<Vec<Message>>,
    shared: Rc<RefCell<Shared>>,
}

#[derive(Default)]
struct Shared {
    waiting: BTreeMap<u64, oneshot::Sender<Reply>>,
    frames: Option<RingWriter>,
    ended: Option<String>,
}

impl Socket {
    /// Connects and starts reading and writing.
    pub async fn connect(address: &str) -> Result<Socket, EmulatorError> {
        let lost = |reason: String| EmulatorError::Lost(reason);
        let mut request = address.into_client_request().map_err(|error| lost(format!("{address}: {error}")))?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(SUBPROTOCOL_BINCODE));
        let (host, port) = match (request.uri().host(), request.uri().port_u16()) {
            (Some(host), Some(port)) => (host.trim_matches(['[', ']']).to_string(), port),
            _ => return Err(lost(format!("{address}: no host and port in the address"))),
        };
        let stream = TcpStream::connect((host.as_str(), port)).await;
        let stream = stream.map_err(|error| lost(format!(
                "nothing answers at {host}:{port} ({error}); start a bridge with: agent emulator-bridge --listen {host}:{port} --rom FILE"
            )))?;
        stream.set_nodelay(true).map_err(|error| lost(error.to_string()))?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX))
            .write_buffer_size(0);
        let connected = tokio_tungstenite::client_async_with_config(request, stream, Some(limits)).await;
        let (stream, _) = connected.map_err(|error| explain(&host, port, error))?;
        let (sink, source) = stream.split();
        let (outgoing, queue) = mpsc::channel(OUTGOING_MAX);
        let shared = Rc::new(RefCell::new(Shared::default()));
        actix::spawn(write(sink, queue, shared.clone()));
        actix::spawn(read(source, shared.clone()));
        Ok(Socket { outgoing, shared })
    }

    /// Sends a request; the future is its reply.
    pub fn ask(&self, message: ClientMessage) -> impl Future<Output = Result<Reply, EmulatorError>> + use<> {
        let receiver = self.expect(message.id);
        let sent = self.post(vec![message]);
        let shared = self.shared.clone();
        async move {
            sent?;
            receiver.await.map_err(|_| ended(&shared))
        }
    }

    /// Sends two requests in one piece.
    pub fn ask_both(
        &self,
        first: ClientMessage,
        second: ClientMessage,
    ) -> (
        impl Future<Output = Result<Reply, EmulatorError>> + use<>,
        impl Future<Output = Result<Reply, EmulatorError>> + use<>,
    ) {
        let (first_receiver, second_receiver) = (self.expect(first.id), self.expect(second.id));
        let sent = self.post(vec![first, second]);
        let shared = self.shared.clone();
        let first = async move {
            sent?;
            first_receiver.await.map_err(|_| ended(&shared))
        };
        let shared = self.shared.clone();
        (first, async move { second_receiver.await.map_err(|_| ended(&shared)) })
    }

    /// From now on writes pushed frames, with the memory of these regions, into a ring of this process.
    pub fn receive_frames(
        &self,
        welcome: &Welcome,
        epoch: Epoch,
        regions: Vec<Region>,
    ) -> Result<RingReader, EmulatorError> {
        let pixel_bytes_max = welcome.width as usize * welcome.height as usize * BYTES_A_PIXEL_MAX;
        let shape = Shape { epoch, pixel_bytes_max, regions };
        let lost = |error: wire::ring::RingError| EmulatorError::Lost(error.to_string());
        let writer = RingWriter::create(shape).map_err(lost)?;
        let reader = RingReader::open(writer.descriptor().map_err(lost)?).map_err(lost)?;
        self.shared.borrow_mut().frames = Some(writer);
        Ok(reader)
    }

    fn expect(&self, id: u64) -> oneshot::Receiver<Reply> {
        let (sender, receiver) = oneshot::channel();
        let mut shared = self.shared.borrow_mut();
        // Askers whose deadline passed leave their entry behind until the next request.
        shared.waiting.retain(|_, sender| !sender.is_closed());
        if shared.ended.is_none() {
            shared.waiting.insert(id, sender);
        }
        receiver
    }

    fn post(&self, messages: Vec<ClientMessage>) -> Result<(), EmulatorError> {
        let encode = |message: &ClientMessage| codec::encode(message).map(|bytes| Message::Binary(bytes.into()));
        let encoded: Result<Vec<Message>, _> = messages.iter().map(encode).collect();
        let encoded = encoded.map_err(|error| EmulatorError::Lost(error.to_string()))?;
        self.outgoing.try_send(encoded).map_err(|_| ended(&self.shared))
    }
}

async fn write(
    mut sink: SplitSink<WebSocketStream<TcpStream>, Message>,
    mut queue: mpsc::Receiver<Vec<Message>>,
    shared: Rc<RefCell<Shared>>,
) {
    while let Some(messages) = queue.recv().await {
        let mut result = Ok(());
        for message in messages {
            result = result.and(sink.feed(message).await);
        }
        if let Err(error) = result.and(sink.flush().await) {
            return shared.borrow_mut().end(error.to_string());
        }
    }
    // The last handle is gone; a peer that no longer listens needs no goodbye.
    let _ = sink.close().await;
}

async fn read(mut source: SplitStream<WebSocketStream<TcpStream>>, shared: Rc<RefCell<Shared>>) {
    let reason = loop {
        let message = match source.next().await {
            None => break "the connection was closed".to_string(),
            Some(Err(error)) => break error.to_string(),
            Some(Ok(Message::Binary(bytes))) => codec::decode::<ServerMessage>(&bytes),
            Some(Ok(_)) => continue,
        };
        match message {
            Ok(ServerMessage::Reply(reply)) => {
                let waiting = shared.borrow_mut().waiting.remove(&reply.id);
                // A reply nobody waits for came after its deadline, and is dropped.
                if let Some(sender) = waiting {
                    let _ = sender.send(reply);
                }
            }
            Ok(ServerMessage::Push(push)) => shared.borrow_mut().publish(&push),
            Err(error) => break error.to_string(),
        }
    };
    shared.borrow_mut().end(reason);
}

impl Shared {
    fn end(&mut self, reason: String) {
        self.ended.get_or_insert(reason);
        self.waiting.clear();
    }

    fn publish(&mut self, push: &FramePush) {
        let Some(ring) = &mut self.frames else { return };
        let pitch = push.width as usize * push.format.bytes();
        if push.pixels.len() != pitch * push.height as usize {
            return;
        }
        let mut rest = push.memory.as_slice();
        let mut regions = Vec::with_capacity(push.regions.len());
        for region in &push.regions {
            let Some((bytes, after)) = rest.split_at_checked(region.length as usize) else { return };
            regions.push(bytes);
            rest = after;
        }
        let (width, height, format) = (push.width, push.height, push.format);
        ring.publish(push.frame, &Picture { pixels: &push.pixels, pitch, width, height, format }, &regions);
    }
}

fn ended(shared: &Rc<RefCell<Shared>>) -> EmulatorError {
    let reason = shared.borrow().ended.clone();
    EmulatorError::Lost(reason.unwrap_or_else(|| "it takes no more requests".to_string()))
}

fn explain(host: &str, port: u16, error: Error) -> EmulatorError {
    match error {
        Error::Http(response) if response.status() == 401 => EmulatorError::Denied(format!(
            "{host}:{port} refuses the token; copy the whole address that the bridge printed, token included"
        )),
        Error::Http(response) => EmulatorError::Lost(format!("{host}:{port} answers HTTP {}", response.status())),
        error => EmulatorError::Lost(format!("{host}:{port} is no emulator bridge ({error})")),
    }
}
