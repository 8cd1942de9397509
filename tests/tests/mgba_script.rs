//! The script in mGBA itself, spoken to byte by byte: strangers, vanished agents, and agents on other machines.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;
use tests::live::LiveWindow;
use tests::wait_for;

const WELCOME: u8 = 128;
const REPLY: u8 = 129;
const FRAME: u8 = 130;
const FAREWELL: u8 = 132;

struct Raw(TcpStream);

impl Raw {
    fn connect(live: &LiveWindow) -> Raw {
        let stream = TcpStream::connect(&live.address).expect("the script listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("it is a TCP socket");
        Raw(stream)
    }

    fn say(&mut self, kind: u8, fields: &[u8]) {
        let mut bytes = (fields.len() as u32 + 1).to_le_bytes().to_vec();
        bytes.push(kind);
        bytes.extend(fields);
        self.0.write_all(&bytes).expect("it is taken");
    }

    /// The greeting of an agent whose folder the script cannot see.
    fn hello(&mut self) {
        self.say(1, b"\x01\0\0\0PKPT\x01\0\0\x08\0/no/such\x03xyz");
    }

    fn hear(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 5];
        self.0.read_exact(&mut head).expect("a message comes");
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let mut fields = vec![0; length - 1];
        self.0.read_exact(&mut fields).expect("all of it comes");
        (head[4], fields)
    }

    /// Whether the other side has ended the connection.
    fn is_over(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 256]), Ok(0) | Err(_))
    }
}

#[test]
fn an_agent_that_shares_no_folder_is_sent_pictures_too() {
    let Some(live) = LiveWindow::open() else { return };
    let mut raw = Raw::connect(&live);
    raw.hello();
    assert_eq!(raw.hear().0, WELCOME);
    // A picture and no memory with each frame.
    raw.say(2, b"\x02\0\0\0\x01\0\0");
    assert_eq!(raw.hear().0, REPLY);
    let mut numbers = Vec::new();
    for _ in 0..20 {
        let (kind, fields) = raw.hear();
        assert_eq!(kind, FRAME);
        numbers.push(u32::from_le_bytes([fields[0], fields[1], fields[2], fields[3]]));
        assert_eq!(&fields[10..14], b"\x89PNG", "no picture came");
        assert!(fields.ends_with(b"IEND\xAE\x42\x60\x82"), "half a picture came");
        raw.say(9, b"");
    }
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
}

#[test]
fn an_agent_that_takes_no_frames_is_sent_four_and_the_game_goes_on() {
    let Some(live) = LiveWindow::open() else { return };
    let mut raw = Raw::connect(&live);
    raw.hello();
    assert_eq!(raw.hear().0, WELCOME);
    raw.say(2, b"\x02\0\0\0\x01\x09\x01\0\0\0\x02\0\0\x04\0");
    assert_eq!(raw.hear().0, REPLY);
    let number = |fields: &[u8]| u32::from_le_bytes([fields[0], fields[1], fields[2], fields[3]]);
    let sent: Vec<u32> = (0..4).map(|_| number(&raw.hear().1)).collect();
    assert!(sent.is_sorted_by(|one, next| one < next), "{sent:?}");
    // Reading is answered in a later frame, and no frame was sent between.
    std::thread::park_timeout(Duration::from_millis(300));
    raw.say(4, b"\x03\0\0\0\0\0\0\x08\x04\0\0\0");
    assert_eq!(raw.hear().0, REPLY);
    raw.say(9, b"");
    let (kind, fields) = raw.hear();
    assert_eq!(kind, FRAME);
    assert!(number(&fields) > sent[3] + 5, "the game stood still for an agent that does not read");
}

#[test]
fn strangers_and_vanished_agents_do_not_keep_the_next_one_out() {
    let Some(mut live) = LiveWindow::open() else { return };
    live.window.fast_forward(true);
    for turn in 0..240 {
        let mut raw = Raw::connect(&live);
        match turn % 4 {
            0 => raw.0.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("it is taken"),
            1 => raw.say(1, b"\x01\0\0\0PKPT\x07\0\0\0\0\0"),
            2 => raw.0.write_all(&[0xFF; 64]).expect("it is taken"),
            _ => {
                raw.hello();
                assert_eq!(raw.hear().0, WELCOME, "turn {turn}");
                raw.say(2, b"\x02\0\0\0\x01\x09\x01\0\0\0\x02\0\0\x04\0");
                assert_eq!(raw.hear().0, REPLY);
                // Gone in the middle of everything, with answers under way, in turn politely and with a reset.
                for id in 0..20 {
                    raw.say(4, &[id, 1, 0, 0, 0, 0, 0, 2, 0, 0, 4, 0]);
                }
                if turn % 8 == 3 {
                    raw.0.shutdown(std::net::Shutdown::Both).expect("it is connected");
                }
                continue;
            }
        }
        // A stranger is told so, or let go.
        if turn % 4 == 1 {
            let (kind, why) = raw.hear();
            assert_eq!(kind, FAREWELL);
            assert!(String::from_utf8_lossy(&why).contains("version"), "{why:?}");
        }
        assert!(raw.is_over(), "turn {turn}: a stranger was kept");
    }
    let mut raw = wait_for("the script to take an agent", || {
        let mut raw = Raw::connect(&live);
        raw.hello();
        (raw.hear().0 == WELCOME).then_some(raw)
    });
    raw.say(4, b"\x02\0\0\0\0\0\0\x08\x04\0\0\0");
    assert_eq!(raw.hear().0, REPLY);
    assert!(tests::lives(live.window.pid()), "mGBA has ended");
}
