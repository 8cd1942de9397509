//! One client's connection: messages in, messages out, and nothing that a client does is waited for elsewhere.

use super::handshake::{self, Form};
use super::places::{PLACES, Places, Share};
use crate::machine::{Job, Vitals};
use crate::outbox::Outbox;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request as HttpRequest, Response};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use wire::codec::{self, MESSAGE_BYTES_MAX};
use wire::emulator::{Answer, ClientMessage, Refusal, Reply, Request, ServerMessage};
use wire::{Epoch, Instance, WIRE_VERSION};

/// The longest time from connecting to the first `Hello`.
const INTRODUCTION_MAX: Duration = Duration::from_secs(10);
/// The most messages in a row that are none before a connection is closed.
const MALFORMED_MAX: u32 = 64;
/// The longest time for a last message to a client that is being let go.
const FAREWELL_MAX: Duration = Duration::from_secs(1);
/// The bytes in which a binary message names its id, game and life.
const PREFIX_BYTES: usize = 14;

type Stream = WebSocketStream<TcpStream>;

/// What all connections share.
pub(super) struct Bridge {
    pub instance: Instance,
    pub epoch: Epoch,
    pub token: String,
    pub jobs: SyncSender<Job>,
    pub places: Places,
    pub vitals: Arc<Vitals>,
}

/// Why a connection ends from this side.
enum Ending {
    /// The client has left, or cannot be understood by the WebSocket layer.
    Gone,
    /// The client is told why.
    Told(CloseCode, &'static str),
}

/// Serves a connection from its first byte to its last.
pub(super) async fn serve(stream: TcpStream, bridge: &Bridge) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection without TCP_NODELAY is slow");
    }
    let Ok(Some((socket, form))) = tokio::time::timeout(INTRODUCTION_MAX, upgrade(stream, bridge)).await else {
        return;
    };
    let (mut sink, stream) = socket.split();
    let outbox = Arc::new(Outbox::default());
    let connection =
        Connection { bridge, form, outbox: outbox.clone(), share: Share::default(), greeted: false, malformed: 0 };
    let ending = tokio::select! {
        ending = connection.receive(stream) => ending,
        ending = send(&mut sink, form, &outbox) => ending,
        () = outbox.closed() => Ending::Gone,
    };
    outbox.close();
    if let Ending::Told(code, reason) = ending {
        let farewell = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        // A client that does not take its farewell leaves without.
        let _ = tokio::time::timeout(FAREWELL_MAX, sink.send(farewell)).await;
    }
    tracing::debug!(frames_lost = outbox.pushes_lost(), "a client has left");
}

async fn upgrade(stream: TcpStream, bridge: &Bridge) -> Option<(Stream, Form)> {
    let config =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX)).max_frame_size(Some(MESSAGE_BYTES_MAX));
    let mut form = Form::Json;
    #[allow(clippy::result_large_err, reason = "the WebSocket library fixes the type")]
    let decide = |request: &HttpRequest, response: Response| {
        let (response, chosen) = handshake::decide(request, response, &bridge.token).map_err(|response| *response)?;
        form = chosen;
        Ok(response)
    };
    match tokio_tungstenite::accept_hdr_async_with_config(stream, decide, Some(config)).await {
        Ok(socket) => Some((socket, form)),
        Err(error) => {
            tracing::debug!(%error, "a connection was refused");
            None
        }
    }
}

/// Sends what is in the outbox, as many messages at a time as are there.
async fn send(sink: &mut SplitSink<Stream, Message>, form: Form, outbox: &Outbox) -> Ending {
    loop {
        let mut next = Some(outbox.next().await);
        while let Some(message) = next {
            if sink.feed(encode(form, message)).await.is_err() {
                return Ending::Gone;
            }
            next = outbox.try_next();
        }
        if sink.flush().await.is_err() {
            return Ending::Gone;
        }
    }
}

struct Connection<'a> {
    bridge: &'a Bridge,
    form: Form,
    outbox: Arc<Outbox>,
    share: Share,
    greeted: bool,
    malformed: u32,
}

impl Connection<'_> {
    async fn receive(mut self, mut stream: SplitStream<Stream>) -> Ending {
        loop {
            let message = match self.greeted {
                true => stream.next().await,
                false => match tokio::time::timeout(INTRODUCTION_MAX, stream.next()).await {
                    Ok(message) => message,
                    Err(_) => return Ending::Told(CloseCode::Policy, "no hello came"),
                },
            };
            let decoded = match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ending::Gone,
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Text(text))) => self.decode_text(text.as_str()),
                Some(Ok(Message::Binary(bytes))) => self.decode_binary(&bytes),
            };
            match decoded {
                Ok(message) => self.take(message),
                Err((id, message)) => self.refuse_malformed(id, message),
            }
            if self.malformed > MALFORMED_MAX {
                return Ending::Told(CloseCode::Policy, "too many messages in a row were malformed");
            }
        }
    }

    fn take(&mut self, message: ClientMessage) {
        if let Request::Hello { version } = message.body {
            return self.greet(message.id, message.instance, version);
        }
        if !self.greeted {
            return self.refuse_malformed(message.id, "the first message of a connection is hello".to_string());
        }
        self.malformed = 0;
        let id = message.id;
        let busy = Answer::Refused(Refusal::Busy { limit: PLACES as u32 });
        let Some(place) = self.bridge.places.take(&self.share) else { return self.reply(id, busy) };
        match self.bridge.jobs.try_send(Job::Request(message, self.outbox.clone(), place)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.reply(id, busy),
            Err(TrySendError::Disconnected(_)) => self.outbox.close(),
        }
    }

    fn greet(&mut self, id: u64, instance: Instance, version: u32) {
        if version != WIRE_VERSION {
            let text = format!("this bridge speaks version {WIRE_VERSION}, and hello names version {version}");
            return self.refuse_malformed(id, text);
        }
        self.malformed = 0;
        if instance != self.bridge.instance {
            return self.reply(id, Answer::Refused(Refusal::WrongInstance { current: self.bridge.instance }));
        }
        let welcome = self.bridge.vitals.welcome.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(welcome) = welcome else { return self.refuse_malformed(id, "the emulator is not up".to_string()) };
        self.greeted = true;
        self.reply(id, Answer::Welcome(welcome));
    }

    fn refuse_malformed(&mut self, id: u64, message: String) {
        self.malformed += 1;
        self.reply(id, Answer::Refused(Refusal::Malformed { message }));
    }

    fn reply(&self, id: u64, body: Answer) {
        let frame = self.bridge.vitals.frame.load(Ordering::Acquire);
        self.outbox.reply(Reply { id, instance: self.bridge.instance, epoch: self.bridge.epoch, frame, body });
    }

    /// The message, or the id to answer and what is wrong.
    fn decode_text(&self, text: &str) -> Result<ClientMessage, (u64, String)> {
        #[derive(Deserialize)]
        struct Identified {
            id: u64,
        }
        if self.form == Form::Bincode {
            return Err((0, "a text frame, where messages are binary frames".to_string()));
        }
        serde_json::from_str(text).map_err(|error| {
            let id = serde_json::from_str::<Identified>(text).map_or(0, |identified| identified.id);
            (id, format!("not a message of this version: {error}"))
        })
    }

    /// The message, or the id to answer and what is wrong.
    fn decode_binary(&self, bytes: &[u8]) -> Result<ClientMessage, (u64, String)> {
        if self.form == Form::Json {
            return Err((0, "a binary frame, where messages are text frames".to_string()));
        }
        codec::decode(bytes).map_err(|error| (self.readable_id(bytes), error.to_string()))
    }

    /// The id of a message that cannot be decoded otherwise; believed where it is followed by this game and this life.
    fn readable_id(&self, bytes: &[u8]) -> u64 {
        let prefix = bytes.get(..PREFIX_BYTES).and_then(|prefix| codec::decode::<(u64, Instance, Epoch)>(prefix).ok());
        match prefix {
            Some((id, instance, epoch)) if (instance, epoch) == (self.bridge.instance, self.bridge.epoch) => id,
            _ => 0,
        }
    }
}

fn encode(form: Form, message: ServerMessage) -> Message {
    let encoded = match form {
        Form::Bincode => codec::encode(&message).map(Message::binary).map_err(|error| error.to_string()),
        Form::Json => serde_json::to_string(&message).map(Message::text).map_err(|error| error.to_string()),
    };
    match (encoded, message) {
        (Ok(encoded), _) if encoded.len() <= MESSAGE_BYTES_MAX => encoded,
        (_, ServerMessage::Reply(reply)) => encode(form, too_large(reply)),
        (_, ServerMessage::Push(push)) => {
            let empty =
                wire::emulator::FramePush { pixels: Vec::new(), memory: Vec::new(), regions: Vec::new(), ..push };
            encode(form, ServerMessage::Push(empty))
        }
    }
}

fn too_large(reply: Reply) -> ServerMessage {
    let refusal = Refusal::TooLarge { what: "bytes of the answer".to_string(), limit: MESSAGE_BYTES_MAX as u64 };
    ServerMessage::Reply(Reply { body: Answer::Refused(refusal), ..reply })
}
