//! A real browser without a screen, driven over its DevTools protocol.

use crate::{Scratch, WATCHDOG, wait_for};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tokio_tungstenite::tungstenite::client::{IntoClientRequest as _, client};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

/// Names that the browser goes by.
const NAMES: [&str; 3] = ["chromium", "chromium-headless-shell", "chromium-browser"];

/// A browser with one page.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    number: u64,
    /// What the page complained of.
    pub complaints: Vec<String>,
    _profile: Scratch,
}

impl Browser {
    /// Opens a browser with an empty page of this size; none, and a line that says so, where there is no browser.
    pub fn open((width, height): (u32, u32), is_dark: bool) -> Option<Browser> {
        let is_there = |name: &&str| {
            let said = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            said.is_ok_and(|status| status.success())
        };
        let Some(name) = NAMES.into_iter().find(is_there) else {
            eprintln!("skipped: neither chromium nor chromium-headless-shell is installed (scripts/setup.sh --tests)");
            return None;
        };
        let profile = Scratch::new();
        let mut command = Command::new(name);
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--remote-debugging-port=0",
        ]);
        command.args(["--disable-dev-shm-usage", "--disable-background-networking", "--hide-scrollbars"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.arg(format!("--window-size={width},{height}")).arg("about:blank");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("the browser starts");
        let file = profile.path().join("DevToolsActivePort");
        let port: u16 =
            wait_for("the browser's port", || std::fs::read_to_string(&file).ok()?.lines().next()?.trim().parse().ok());
        let address = wait_for("the browser's page", || address_of_page(port));
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the browser listens");
        stream.set_read_timeout(Some(WATCHDOG)).expect("that can be set");
        let request = address.as_str().into_client_request().expect("an address");
        let (socket, _) = client(request, stream).unwrap_or_else(|error| panic!("{error}"));
        let mut browser = Browser { child, socket, number: 0, complaints: Vec::new(), _profile: profile };
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        browser.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = if is_dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.call("Emulation.setEmulatedMedia", features);
        Some(browser)
    }

    /// Goes to an address.
    pub fn go(&mut self, address: &str) {
        self.call("Page.navigate", json!({ "url": address }));
    }

    /// What an expression of the page's comes to.
    pub fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", asked);
        answer["result"]["value"].take()
    }

    /// Waits until an expression comes to something that is wanted.
    pub fn wait_for<T>(&mut self, expression: &str, mut find: impl FnMut(&Value) -> Option<T>) -> T {
        let what = format!("{expression} in the browser");
        wait_for(&what, || find(&self.value(expression)))
    }

    /// Waits until an expression is true.
    pub fn wait_until(&mut self, expression: &str) {
        self.wait_for(expression, |value| (*value == true).then_some(()));
    }

    /// How much memory the page's script holds, after what nobody needs was thrown away.
    pub fn script_bytes(&mut self) -> Value {
        self.call("HeapProfiler.collectGarbage", json!({}));
        self.call("Runtime.getHeapUsage", json!({}))["usedSize"].take()
    }

    /// Presses a key, as `ArrowLeft` or `2`.
    pub fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key });
            if key.chars().count() == 1 && kind == "keyDown" {
                event["text"] = key.into();
            }
            if key == "Enter" && kind == "keyDown" {
                event["text"] = "\r".into();
                event["windowsVirtualKeyCode"] = 13.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Clicks on the middle of an element.
    pub fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const box = document.querySelector({selector:?}).getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let asked = json!({ "id": self.number, "method": method, "params": parameters });
        self.socket.send(Message::text(asked.to_string())).expect("the browser listens");
        loop {
            let Message::Text(text) = self.socket.read().expect("the browser answers") else { continue };
            let mut told: Value = serde_json::from_str(&text).expect("it is JSON");
            if told["id"] == self.number {
                assert!(told["error"].is_null(), "{method}: {}", told["error"]);
                return told["result"].take();
            }
            self.note(&told);
        }
    }

    fn note(&mut self, told: &Value) {
        let is_complaint = match told["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => {
                told["params"]["type"] == "error" || told["params"]["type"] == "warning"
            }
            Some("Log.entryAdded") => told["params"]["entry"]["level"] == "error",
            _ => false,
        };
        if is_complaint {
            self.complaints.push(told["params"].to_string());
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address_of_page(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET /json/list HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").ok()?;
    // The browser leaves the connection open, so that the answer ends where it is whole.
    stream.set_read_timeout(Some(WATCHDOG)).ok()?;
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    let pages = loop {
        let size = stream.read(&mut piece).ok().filter(|size| *size > 0)?;
        answer.extend_from_slice(&piece[..size]);
        let text = String::from_utf8_lossy(&answer);
        if let Some(pages) = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str::<Value>(body).ok())
        {
            break pages;
        }
    };
    let page = pages.as_array()?.iter().find(|page| page["type"] == "page")?;
    page["webSocketDebuggerUrl"].as_str().map(str::to_string)
}
