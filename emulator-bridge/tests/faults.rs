//! Clients that are broken, hostile or slow, against a server that has other clients to serve.

mod support;

use emulator_bridge::conformance::{Client, ClientError, Form};
use emulator_bridge::server::Server;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use support::{Seat, TOKEN};
use tokio_tungstenite::tungstenite::Message;
use wire::emulator::{Answer, FramePush, Refusal, Request, ServerMessage};

fn peer(server: &Server) -> String {
    server.address().trim_start_matches("ws://").split('/').next().expect("an authority").to_string()
}

fn greet(server: &Server) -> Client {
    Client::greet(&server.address(), Form::Bincode, 0).expect("a client is served").0
}

/// Another client is served as if nothing had happened.
fn assert_served(server: &Server) {
    let reply = greet(server).ask(Request::Step { frames: 1, until: None }).expect("it is answered");
    assert!(matches!(reply.body, Answer::Stepped { frames: 1, .. }), "{reply:?}");
}

#[test]
fn garbage_instead_of_http_ends_that_connection_alone() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    for garbage in [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\0\r\n\r\n"[..], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(peer(&server)).expect("it connects");
        stream.write_all(garbage).expect("it is sent");
        // An answer is allowed, an open connection is not; a reset is an end too.
        let _ = stream.read_to_end(&mut Vec::new());
        assert_served(&server);
    }
}

#[test]
fn a_request_that_never_ends_keeps_nobody_waiting() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let mut slow: Vec<_> = (0..20).map(|_| TcpStream::connect(peer(&server)).expect("it connects")).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /?token=").expect("it is sent");
    }
    assert_served(&server);
}

#[test]
fn garbage_in_a_websocket_is_answered_until_it_is_too_much() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let mut client = greet(&server);
    let mut answered = 0;
    let end = loop {
        if let Err(error) = client.send_raw(Message::binary(vec![answered as u8; 40])) {
            break error;
        }
        match client.reply() {
            Ok(reply) => assert!(matches!(reply.body, Answer::Refused(_)), "{reply:?}"),
            Err(error) => break error,
        }
        answered += 1;
    };
    assert!(matches!(end, ClientError::Connection(_)), "{end}");
    assert_eq!(answered, 64);
    assert_served(&server);
}

#[test]
fn bytes_that_are_no_frame_end_that_connection_alone() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let mut client = greet(&server);
    client.socket().write_all(&[0xFF; 64]).expect("it is sent");
    let _ = client.socket().read_to_end(&mut Vec::new());
    assert_served(&server);
}

#[test]
fn a_message_over_the_limit_ends_that_connection_alone() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let mut client = greet(&server);
    // Sending fails where the server has hung up before all of it was sent.
    let _ = client.send_raw(Message::binary(vec![0; 17 << 20]));
    assert!(client.reply().is_err());
    assert_served(&server);
}

#[test]
fn half_a_message_and_then_nothing_is_forgotten() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let mut client = greet(&server);
    client.socket().write_all(&[0x82, 0xFE, 0x10, 0x00, 1, 2, 3, 4, 5, 6]).expect("it is sent");
    drop(client);
    assert_served(&server);
}

#[test]
fn a_client_that_asks_and_never_reads_is_let_go() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let mut client = greet(&server);
    // Each reply is larger than its request by far, so they pile up where nobody reads them.
    let regions = vec![wire::memory::Region { address: 0x0200_0000, length: 0x4_0000 }];
    let mut sent = 0;
    while client.send(Request::Read { regions: regions.clone() }).is_ok() {
        sent += 1;
        assert!(sent < 1_000_000, "the server goes on reading without an end");
    }
    assert_served(&server);
}

#[test]
fn a_client_that_asks_without_end_leaves_the_others_their_place() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let mut flood = greet(&server);
    flood.ask(Request::Pace { speed_permille: 1000 }).expect("it is answered");
    // The emulator is at this for ten minutes; all that comes after it waits.
    flood.send(Request::Step { frames: 36_000, until: None }).expect("it is sent");
    let first_to_wait = flood.send(Request::Ping).expect("it is sent");
    for _ in 0..200 {
        flood.send(Request::Ping).expect("it is sent");
    }
    let refused = flood.reply().expect("it is answered");
    assert!(matches!(refused.body, Answer::Refused(Refusal::Busy { limit: 256 })), "{refused:?}");
    // Half of the 192 places that are kept for nobody; the step may still have its own.
    assert!((95..=96).contains(&(refused.id - first_to_wait)), "{refused:?} after {first_to_wait}");
    // Nor do signs of life, however many are asked for meanwhile.
    (0..1000).for_each(|_| server.ping());
    let mut other = greet(&server);
    let id = other.send(Request::Ping).expect("it is sent");
    // Its answer to this comes after the server has read the request before.
    other.send(Request::Hello { version: wire::WIRE_VERSION }).expect("it is sent");
    assert!(matches!(other.reply().expect("it is answered").body, Answer::Welcome(_)));
    drop(flood);
    let reply = other.reply().expect("it is answered");
    assert!(reply.id == id && matches!(reply.body, Answer::Done), "{reply:?}");
}

#[test]
fn a_client_that_does_not_read_loses_frames_and_slows_nobody() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let mut watcher = greet(&server);
    let regions = vec![wire::memory::Region { address: 0x0200_0000, length: 0x4_0000 }];
    watcher.ask(Request::Subscribe { every_n_frames: 1, regions }).expect("it is answered");
    let mut player = greet(&server);
    let stepped = player.ask(Request::Step { frames: 600, until: None }).expect("it is answered");
    assert!(matches!(stepped.body, Answer::Stepped { frames: 600, .. }), "{stepped:?}");
    let id = watcher.send(Request::Ping).expect("it is sent");
    let mut frames = Vec::new();
    let reply = loop {
        match watcher.receive().expect("the connection lives") {
            ServerMessage::Push(FramePush { frame, .. }) => frames.push(frame),
            ServerMessage::Reply(reply) => break reply,
        }
    };
    assert_eq!((reply.id, frames.last()), (id, Some(&600)), "the newest frame is kept, and the reply comes");
    assert!(frames.is_sorted(), "{frames:?}");
    assert!(frames.len() < 600, "frames that nobody reads are not stored without an end");
}

#[test]
fn fifty_clients_are_served_at_once() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let mut clients: Vec<Client> = (0..50).map(|_| greet(&server)).collect();
    for _ in 0..3 {
        for client in &mut clients {
            client.send(Request::Step { frames: 1, until: None }).expect("it is sent");
        }
        for client in &mut clients {
            let reply = client.reply().expect("it is answered");
            assert!(matches!(reply.body, Answer::Stepped { frames: 1, .. }), "{reply:?}");
        }
    }
}

#[test]
fn a_step_that_nobody_waits_for_any_more_is_cut_short() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let mut client = greet(&server);
    client.ask(Request::Pace { speed_permille: 1000 }).expect("it is answered");
    client.send(Request::Step { frames: 36_000, until: None }).expect("it is sent");
    drop(client);
    let reply = greet(&server).ask(Request::Ping).expect("it is answered");
    assert!(reply.frame < 36_000, "{reply:?}");
}

#[test]
fn a_page_from_elsewhere_is_forbidden_even_with_the_token() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let mut stream = TcpStream::connect(peer(&server)).expect("it connects");
    let request = format!(
        "GET /?token={TOKEN} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://example.org\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is answered");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.ends_with("may connect\n"), "{answer}");
}
