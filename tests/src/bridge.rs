//! A bridge as a test drives it: as a role with its ring, or alone over its WebSocket.

use crate::program::executable;
use command_fds::{CommandFdExt as _, FdMapping};
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, WebSocket};
use wire::Epoch;
use wire::codec::{MESSAGE_BYTES_MAX, decode, encode};
use wire::control::{BackendChoice, FromRole, StartBridge, TelemetryTarget, ToRole, Windows};
use wire::emulator::{Answer, ClientMessage, FramePush, Request, SUBPROTOCOL_BINCODE, ServerMessage, Welcome};
use wire::link::{CONTROL_DESCRIPTOR, Link, PAGE_DESCRIPTOR};
use wire::page::ProgressPage;
use wire::ring::RingReader;

/// A bridge that this test is the parent of.
pub struct BridgeRole {
    /// Its process.
    pub child: Child,
    /// Its ring.
    pub ring: RingReader,
    /// Its address, token included.
    pub address: String,
    /// The control socket; its end is the bridge's end.
    pub link: Link,
    /// Its progress page.
    pub page: ProgressPage,
}

impl BridgeRole {
    /// Starts one.
    pub fn start(rom: &Path, run_dir: &Path, epoch: Epoch) -> BridgeRole {
        let (ours, theirs) = Link::pair().expect("a socket pair is made");
        let (page, descriptor) = ProgressPage::create().expect("a page is made");
        let mappings = vec![
            FdMapping { parent_fd: theirs.into_descriptor(), child_fd: CONTROL_DESCRIPTOR },
            FdMapping { parent_fd: descriptor, child_fd: PAGE_DESCRIPTOR },
        ];
        let mut command = Command::new(executable());
        command.arg("emulator-bridge").current_dir(crate::root()).stdin(Stdio::null());
        let child = command.fd_mappings(mappings).expect("no descriptor collides").spawn().expect("it starts");
        drop(command);
        let (hello, _) = ours.receive::<FromRole>().expect("it says hello");
        assert!(matches!(hello, FromRole::Hello { .. }), "{hello:?}");
        let start = StartBridge {
            instance: 0,
            epoch,
            backend: BackendChoice::Libretro,
            windows: Windows { lua: String::new(), token: String::new(), http: String::new() },
            core: None,
            rom: rom.to_path_buf(),
            listen: "127.0.0.1:0".into(),
            token: "t0ken".into(),
            run_dir: run_dir.to_path_buf(),
            telemetry: TelemetryTarget::Null,
        };
        ours.send(&ToRole::StartBridge(start), &[]).expect("it listens");
        let (ready, mut descriptors) = ours.receive::<FromRole>().expect("it answers");
        let FromRole::Ready { address: Some(address), .. } = ready else { panic!("it is not ready: {ready:?}") };
        let ring = RingReader::open(descriptors.pop().expect("its ring came along")).expect("the ring opens");
        BridgeRole { child, ring, address, link: ours, page }
    }
}

impl Drop for BridgeRole {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A bridge that runs alone, started as a person would.
pub struct LoneBridge {
    child: Child,
    /// Its address, token included.
    pub address: String,
}

impl LoneBridge {
    /// Starts one and reads the address that it prints.
    pub fn start(rom: &Path) -> LoneBridge {
        let mut child = Command::new(executable())
            .args(["emulator-bridge", "--listen", "127.0.0.1:0", "--rom"])
            .arg(rom)
            .current_dir(crate::root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        let address = lines.find_map(|line| {
            let line = line.expect("it prints text");
            line.split_whitespace().find(|word| word.starts_with("ws://")).map(str::to_string)
        });
        LoneBridge { child, address: address.expect("it prints its address") }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for LoneBridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of a bridge that asks one thing after the other.
pub struct Client {
    socket: WebSocket<TcpStream>,
    next_id: u64,
    epoch: Epoch,
    /// What the bridge says of itself.
    pub welcome: Welcome,
    /// Frames that were pushed while answers were waited for.
    pub pushed: Vec<FramePush>,
}

impl Client {
    /// Connects and introduces itself.
    pub fn connect(address: &str) -> Client {
        let mut request = address.into_client_request().expect("the address is one");
        let protocol = SUBPROTOCOL_BINCODE.parse().expect("the name is a header value");
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
        let host = request.uri().authority().expect("the address has a host").to_string();
        let stream = TcpStream::connect(host).expect("the bridge listens");
        stream.set_nodelay(true).expect("a socket option is set");
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let connected = tokio_tungstenite::tungstenite::client::client_with_config(request, stream, Some(limits));
        let (socket, _) = connected.expect("the bridge accepts the token");
        let mut client = Client { socket, next_id: 0, epoch: 0, welcome: placeholder(), pushed: Vec::new() };
        let (answer, epoch) = client.exchange(Request::Hello { version: wire::WIRE_VERSION });
        let Answer::Welcome(welcome) = answer else { panic!("no welcome: {answer:?}") };
        client.welcome = welcome;
        client.epoch = epoch;
        client
    }

    /// Asks, and waits for the answer; frames pushed meanwhile are kept.
    pub fn ask(&mut self, request: Request) -> Answer {
        self.exchange(request).0
    }

    fn exchange(&mut self, body: Request) -> (Answer, Epoch) {
        self.next_id += 1;
        let message = ClientMessage { id: self.next_id, instance: 0, epoch: self.epoch, body };
        let bytes = encode(&message).expect("a request fits");
        self.socket.send(Message::Binary(bytes.into())).expect("the bridge reads");
        loop {
            let Message::Binary(bytes) = self.socket.read().expect("the bridge answers") else { continue };
            match decode::<ServerMessage>(&bytes).expect("the bridge speaks the protocol") {
                ServerMessage::Reply(reply) => {
                    assert_eq!(reply.id, self.next_id, "a reply to another request");
                    return (reply.body, reply.epoch);
                }
                ServerMessage::Push(push) => self.pushed.push(push),
            }
        }
    }
}

fn placeholder() -> Welcome {
    let capabilities = wire::emulator::Capabilities {
        frame_step: false,
        unthrottled: false,
        save_state: false,
        read: false,
        write: false,
        snapshot: false,
        picture: false,
        reset: false,
    };
    Welcome {
        version: 0,
        backend: String::new(),
        capabilities,
        cartridge: Default::default(),
        system: String::new(),
        core: String::new(),
        width: 0,
        height: 0,
        frame_rate_micro: 0,
        regions: Vec::new(),
    }
}
