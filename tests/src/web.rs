//! `agent attach --web` as a test asks it: over plain HTTP, and over the socket of a page.

use crate::program::executable;
use crate::{WATCHDOG, signal, wait_for};
use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tokio_tungstenite::tungstenite::client::{IntoClientRequest as _, client};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

/// Bytes before a picture's pixels.
pub const PICTURE_HEAD_BYTES: usize = 24;

/// A served page.
pub struct WebPage {
    child: Child,
    /// The link that it printed.
    pub link: String,
    /// Its port.
    pub port: u16,
    /// Its token.
    pub token: String,
}

/// What was answered.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers as they came.
    pub head: String,
    /// The rest.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

impl WebPage {
    /// Starts `agent attach --web` with these further arguments.
    pub fn serve(arguments: &[&str]) -> WebPage {
        let mut command = Command::new(executable());
        command.args(["attach", "--web"]).args(arguments).current_dir(crate::root());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut link = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut link).expect("it says where it is");
        let link = link.trim().to_string();
        let (address, token) = link.split_once("/?token=").unwrap_or_else(|| panic!("{link} is no link"));
        let port = address.strip_prefix("http://127.0.0.1:").and_then(|port| port.parse().ok());
        let (port, token) = (port.unwrap_or_else(|| panic!("{link} is no link")), token.to_string());
        WebPage { child, link, port, token }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks for its end with a signal, and gives its status.
    pub fn end(mut self, by: Signal) -> Option<i32> {
        signal(self.child.id(), by);
        wait_for("the page's end", || self.child.try_wait().expect("a child can be waited for")).code()
    }

    /// Asks with exactly these headers.
    pub fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut stream = self.connect();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        write!(stream, "GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").expect("it listens");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("it answers");
        let split = bytes.windows(4).position(|part| part == b"\r\n\r\n").expect("it answers in HTTP");
        let head = String::from_utf8_lossy(&bytes[..split]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Reply { status, head, body: bytes.split_off(split + 4) }
    }

    /// Asks as its page does.
    pub fn get(&self, path: &str) -> Reply {
        self.ask(path, &[("Host", &self.host()), ("Cookie", &self.cookie())])
    }

    /// What a browser calls it.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The cookie that its page has.
    pub fn cookie(&self) -> String {
        format!("pocketpilot_{}={}", self.port, self.token)
    }

    /// Opens the socket of a page.
    pub fn page(&self) -> PageSocket {
        let mut request = format!("ws://{}/api/live", self.host()).into_client_request().expect("an address");
        let headers = request.headers_mut();
        headers.insert("Cookie", self.cookie().parse().expect("a header"));
        headers.insert("Origin", format!("http://{}", self.host()).parse().expect("a header"));
        let (socket, _) = client(request, self.connect()).unwrap_or_else(|error| panic!("{error}"));
        PageSocket { socket }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(WATCHDOG)).expect("that can be set");
        stream
    }
}

impl Drop for WebPage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The socket of a page.
pub struct PageSocket {
    socket: WebSocket<TcpStream>,
}

/// What a page is told.
pub enum Told {
    /// What changed.
    News(Value),
    /// A picture.
    Picture(Vec<u8>),
}

impl PageSocket {
    /// What is told next, and says that it was taken.
    pub fn take(&mut self) -> Told {
        let told = self.look();
        self.say(match told {
            Told::News(_) => "s",
            Told::Picture(_) => "f",
        });
        told
    }

    /// What is told next, which is not said to be taken.
    pub fn look(&mut self) -> Told {
        let started = std::time::Instant::now();
        loop {
            assert!(started.elapsed() < WATCHDOG, "the page was told nothing for {WATCHDOG:?}");
            match self.socket.read() {
                Ok(Message::Text(text)) => return Told::News(serde_json::from_str(&text).expect("it is JSON")),
                Ok(Message::Binary(bytes)) => return Told::Picture(bytes.to_vec()),
                Ok(_) => {}
                Err(error) => panic!("the page is told nothing more: {error}"),
            }
        }
    }

    /// The next that is of use.
    pub fn find<T>(&mut self, what: &str, mut of: impl FnMut(&Told) -> Option<T>) -> T {
        let started = std::time::Instant::now();
        loop {
            if let Some(found) = of(&self.take()) {
                return found;
            }
            assert!(started.elapsed() < WATCHDOG, "waited {WATCHDOG:?} for {what}");
        }
    }

    /// Says something.
    pub fn say(&mut self, text: &str) {
        match self.socket.send(Message::text(text)) {
            Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => {}
            Err(error) => panic!("the page is not heard: {error}"),
        }
    }
}
