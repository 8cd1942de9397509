//! Requests as they come over a connection, and responses as they go.

use serde_json::Value;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const HEAD_BYTES_MAX: usize = 64 << 10;

/// What the server was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Over which connection, counted from 1.
    pub connection: usize,
    /// When it was there whole.
    pub at: Instant,
    /// `GET`, `POST`.
    pub method: String,
    /// The path.
    pub path: String,
    /// The headers; their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body; null where there is none or it is no JSON.
    pub body: Value,
}

impl Asked {
    /// Whether it is a question to the model.
    pub fn is_chat(&self) -> bool {
        self.path == "/v1/chat/completions"
    }

    /// Whether somebody only tries the server out.
    pub fn is_probe(&self) -> bool {
        self.text() == "Say hello."
    }

    /// What the header says.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// The words of the first message of a user.
    pub fn text(&self) -> &str {
        let content = &self.user()["content"];
        content.as_str().or(content[0]["text"].as_str()).unwrap_or_default()
    }

    /// The picture, as its address.
    pub fn picture(&self) -> Option<&str> {
        let parts = self.user()["content"].as_array()?;
        parts.iter().find_map(|part| part["image_url"]["url"].as_str())
    }

    /// The schema, in whichever dialect it is told.
    pub fn schema(&self) -> &Value {
        let body = &self.body;
        let places = [
            &body["structured_outputs"]["json"],
            &body["json_schema"],
            &body["response_format"]["json_schema"]["schema"],
        ];
        places.into_iter().find(|place| place.is_object()).unwrap_or(&Value::Null)
    }

    fn user(&self) -> &Value {
        let messages = self.body["messages"].as_array();
        messages.into_iter().flatten().find(|message| message["role"] == "user").unwrap_or(&Value::Null)
    }
}

/// The next request; `None` when the connection ends.
pub fn read(stream: &mut TcpStream, connection: usize) -> io::Result<Option<Asked>> {
    stream.set_read_timeout(None)?;
    let mut bytes = Vec::new();
    let mut piece = [0; 16 << 10];
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let count = stream.read(&mut piece)?;
        if count == 0 || bytes.len() > HEAD_BYTES_MAX {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece[..count]);
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_string();
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_string);
    let (method, path) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_string()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = bytes.split_off(head + 4);
    while body.len() < length.unwrap_or(0) {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Ok(None);
        }
        body.extend_from_slice(&piece[..count]);
    }
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Ok(Some(Asked { connection, at: Instant::now(), method, path, headers, body }))
}

/// Sends a response whole.
pub fn respond(stream: &mut TcpStream, status: u16, headers: &[(&str, String)], body: &str) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    text.push_str("\r\n");
    text.push_str(body);
    stream.write_all(text.as_bytes())
}

/// Begins a response whose length is not known.
pub fn begin(stream: &mut TcpStream, kind: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes())
}

/// Sends a piece of it; an empty one is its end.
pub fn piece(stream: &mut TcpStream, piece: &str) -> io::Result<()> {
    stream.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes())
}

/// Waits so long, or until who asked goes away; says whether they are still there.
pub fn wait(stream: &mut TcpStream, duration: Duration) -> io::Result<bool> {
    if duration.is_zero() {
        return Ok(true);
    }
    stream.set_read_timeout(Some(duration))?;
    match stream.peek(&mut [0]) {
        Ok(count) => Ok(count > 0),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(true),
        Err(error) => Err(error),
    }
}
