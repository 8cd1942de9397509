//! A small blocking client of the emulator protocol, for checks and measurements.

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, HandshakeError, Message, WebSocket};
use wire::codec::{self, MESSAGE_BYTES_MAX};
use wire::emulator::{Answer, ClientMessage, FramePush, Reply, Request, SUBPROTOCOL_BINCODE, SUBPROTOCOL_JSON};
use wire::emulator::{ServerMessage, Welcome};
use wire::{Epoch, Instance, WIRE_VERSION};

/// The longest wait for a message.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// The form of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Binary frames.
    Bincode,
    /// Text frames.
    Json,
}

/// Why a client did not get what it waited for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The text is no address of a bridge.
    #[error("address {0:?} is not ws://IP:PORT/?token=…")]
    Address(String),
    /// The server answered the upgrade with this status and line.
    #[error("refused with status {status}: {line}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its body.
        line: String,
    },
    /// The connection failed or ended.
    #[error("connection: {0}")]
    Connection(Box<tungstenite::Error>),
    /// What came is no message.
    #[error("message: {0}")]
    Message(String),
}

impl From<tungstenite::Error> for ClientError {
    fn from(error: tungstenite::Error) -> ClientError {
        ClientError::Connection(Box::new(error))
    }
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    socket: WebSocket<TcpStream>,
    form: Form,
    id: u64,
    /// Frames that came while waiting for a reply, oldest first.
    pub pushes: VecDeque<FramePush>,
    /// Which game requests name.
    pub instance: Instance,
    /// Which life requests name.
    pub epoch: Epoch,
}

impl Client {
    /// Connects, and sends nothing yet.
    pub fn connect(address: &str, form: Form) -> Result<Client, ClientError> {
        let mut request = address.into_client_request()?;
        let name = match form {
            Form::Bincode => SUBPROTOCOL_BINCODE,
            Form::Json => SUBPROTOCOL_JSON,
        };
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(name));
        let socket = open(address, request)?;
        Ok(Client { socket, form, id: 0, pushes: VecDeque::new(), instance: 0, epoch: 0 })
    }

    /// Connects and says hello to the game of this number.
    pub fn greet(address: &str, form: Form, instance: Instance) -> Result<(Client, Welcome), ClientError> {
        let mut client = Client::connect(address, form)?;
        client.instance = instance;
        let reply = client.ask(Request::Hello { version: WIRE_VERSION })?;
        client.epoch = reply.epoch;
        match reply.body {
            Answer::Welcome(welcome) => Ok((client, welcome)),
            other => Err(ClientError::Message(format!("hello was answered {other:?}"))),
        }
    }

    /// Sends a request and waits for its reply.
    pub fn ask(&mut self, body: Request) -> Result<Reply, ClientError> {
        let id = self.send(body)?;
        let reply = self.reply()?;
        if reply.id == id { Ok(reply) } else { Err(ClientError::Message(format!("request {id} got {reply:?}"))) }
    }

    /// Sends a request; returns its id.
    pub fn send(&mut self, body: Request) -> Result<u64, ClientError> {
        self.id += 1;
        let message = ClientMessage { id: self.id, instance: self.instance, epoch: self.epoch, body };
        let message = match self.form {
            Form::Bincode => codec::encode(&message).map(Message::binary).map_err(|error| error.to_string()),
            Form::Json => serde_json::to_string(&message).map(Message::text).map_err(|error| error.to_string()),
        };
        self.send_raw(message.map_err(ClientError::Message)?)?;
        Ok(self.id)
    }

    /// Sends anything.
    pub fn send_raw(&mut self, message: Message) -> Result<(), ClientError> {
        Ok(self.socket.send(message)?)
    }

    /// Waits for the next reply, and keeps the frames that come before it.
    pub fn reply(&mut self) -> Result<Reply, ClientError> {
        loop {
            match self.receive()? {
                ServerMessage::Reply(reply) => return Ok(reply),
                ServerMessage::Push(push) => self.pushes.push_back(push),
            }
        }
    }

    /// Waits for the next message of either kind.
    pub fn receive(&mut self) -> Result<ServerMessage, ClientError> {
        loop {
            let decoded = match self.socket.read()? {
                Message::Binary(bytes) => codec::decode(&bytes).map_err(|error| error.to_string()),
                Message::Text(text) => serde_json::from_str(text.as_str()).map_err(|error| error.to_string()),
                Message::Close(_) => return Err(tungstenite::Error::ConnectionClosed.into()),
                _ => continue,
            };
            return decoded.map_err(ClientError::Message);
        }
    }

    /// The socket underneath, for tests that break it.
    pub fn socket(&mut self) -> &mut TcpStream {
        self.socket.get_mut()
    }
}

fn open(address: &str, request: tungstenite::handshake::client::Request) -> Result<WebSocket<TcpStream>, ClientError> {
    let authority = request.uri().authority().map(|authority| authority.as_str()).unwrap_or_default();
    let peer: SocketAddr = authority.parse().map_err(|_| ClientError::Address(address.to_string()))?;
    let connection = |error: std::io::Error| ClientError::from(tungstenite::Error::Io(error));
    let stream = TcpStream::connect(peer).map_err(connection)?;
    stream.set_nodelay(true).map_err(connection)?;
    stream.set_read_timeout(Some(ANSWER_MAX)).map_err(connection)?;
    let config =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX)).max_frame_size(Some(MESSAGE_BYTES_MAX));
    match tungstenite::client::client_with_config(request, stream, Some(config)) {
        Ok((socket, _)) => Ok(socket),
        Err(HandshakeError::Failure(tungstenite::Error::Http(response))) => {
            let body = response.body().as_deref().unwrap_or_default();
            let line = String::from_utf8_lossy(body).trim_end().to_string();
            Err(ClientError::Refused { status: response.status().as_u16(), line })
        }
        Err(HandshakeError::Failure(error)) => Err(error.into()),
        Err(HandshakeError::Interrupted(_)) => Err(ClientError::Message("no answer to the upgrade".to_string())),
    }
}
