//! The server with a real core behind it: conformance, who may connect, and the life of the role.

mod support;

use emulator_bridge::conformance::{Client, ClientError, Fixture, Form, TEST_ROM, check_served, test_rom};
use emulator_bridge::server::{ServeError, Server, ServerOptions};
use std::thread;
use support::{Seat, TOKEN};
use wire::control::{BackendChoice, FromRole, StartBridge, TelemetryTarget, ToRole, Windows};
use wire::emulator::{Answer, Refusal, Request};
use wire::exit;
use wire::link::Link;
use wire::page::{ProgressPage, Stage};
use wire::ring::{ReadOutcome, RingReader, Snapshot};
use wire::role::RoleHandle;

#[test]
fn a_served_core_conforms_with_the_test_cartridge() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let made = check_served(&server.address(), 0, &TEST_ROM).expect("every check passes");
    assert_eq!(made.len(), 12, "{made:#?}");
    server.stop();
}

#[test]
fn a_served_core_conforms_with_burrow() {
    let seat = Seat::take();
    let Some(backend) = support::burrow().and_then(|rom| seat.open_rom(&rom)) else { return };
    let options = ServerOptions { instance: 2, epoch: 9, listen: "127.0.0.1:0".to_string(), token: TOKEN.to_string() };
    let server = Server::start(&options, backend, None, None).expect("the server starts");
    let made = check_served(&server.address(), 2, &Fixture::ANY_GBA).expect("every check passes");
    assert!(made.len() >= 8, "{made:#?}");
    server.stop();
}

#[test]
fn without_the_token_nobody_gets_in() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let address = server.address();
    for wrong in [address.replace(TOKEN, "wrong"), address.replace(&format!("?token={TOKEN}"), "")] {
        match Client::connect(&wrong, Form::Json) {
            Err(ClientError::Refused { status: 401, line }) => assert!(line.contains("token"), "{line}"),
            other => panic!("{other:?}"),
        }
    }
    server.stop();
}

#[test]
fn the_first_message_must_be_hello_and_may_be_said_again() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let mut client = Client::connect(&server.address(), Form::Bincode).expect("it connects");
    client.epoch = 3;
    let reply = client.ask(Request::Ping).expect("it is answered");
    assert!(matches!(reply.body, Answer::Refused(Refusal::Malformed { .. })), "{reply:?}");
    for _ in 0..2 {
        let reply = client.ask(Request::Hello { version: wire::WIRE_VERSION }).expect("it is answered");
        assert!(matches!(reply.body, Answer::Welcome(_)), "{reply:?}");
    }
    server.stop();
}

#[test]
fn an_exposed_address_a_taken_port_and_an_unusable_token_are_refused() {
    let seat = Seat::take();
    let Some(server) = seat.serve() else { return };
    let taken = server.address().trim_start_matches("ws://").split('/').next().expect("an authority").to_string();
    server.stop();
    let holder = std::net::TcpListener::bind(&taken).or_else(|_| std::net::TcpListener::bind("127.0.0.1:0"));
    let taken = holder.as_ref().expect("a port").local_addr().expect("its address").to_string();
    let start = |listen: &str, token: &str| {
        let options = ServerOptions { instance: 0, epoch: 1, listen: listen.to_string(), token: token.to_string() };
        Server::start(&options, seat.open().expect("a core is here"), None, None).expect_err("it is refused")
    };
    assert!(matches!(start("0.0.0.0:0", TOKEN), ServeError::NotLoopback(_)));
    assert!(matches!(start(&taken, TOKEN), ServeError::Bind(..)));
    assert!(matches!(start("127.0.0.1:0", "two words"), ServeError::Token));
}

fn role(start: ToRole) -> (thread::JoinHandle<i32>, Link, ProgressPage) {
    let (parent, child) = Link::pair().expect("a pair is made");
    let (page, descriptor) = ProgressPage::create().expect("a page is made");
    let handle = RoleHandle { link: child, page: ProgressPage::open(descriptor).expect("it opens"), start };
    (thread::spawn(move || emulator_bridge::serve(handle)), parent, page)
}

fn start_bridge(seat: &Seat, rom: &str, listen: &str) -> ToRole {
    ToRole::StartBridge(StartBridge {
        instance: 1,
        epoch: 5,
        backend: BackendChoice::Libretro,
        windows: Windows { lua: String::new(), token: String::new(), http: String::new() },
        core: None,
        rom: seat.folder.join(rom),
        listen: listen.to_string(),
        token: TOKEN.to_string(),
        run_dir: seat.folder.clone(),
        telemetry: TelemetryTarget::Null,
    })
}

#[test]
fn the_role_hands_over_its_ring_answers_pings_and_stops() {
    let seat = Seat::take();
    if seat.open().is_none() {
        return;
    }
    seat.file("game.gba", &test_rom());
    let (thread, parent, page) = role(start_bridge(&seat, "game.gba", "127.0.0.1:0"));
    let (ready, mut descriptors) = parent.receive::<FromRole>().expect("it is ready");
    let FromRole::Ready { address: Some(address), cartridge: Some(cartridge), .. } = ready else {
        panic!("{ready:?}");
    };
    assert_eq!(cartridge.code, "ZPPT");
    let ring = RingReader::open(descriptors.pop().expect("the ring came along")).expect("it opens");
    let (mut client, _) = Client::greet(&address, Form::Bincode, 1).expect("it connects");
    let reply = client.ask(Request::Step { frames: 10, until: None }).expect("it is answered");
    let mut snapshot = Snapshot::default();
    assert_eq!(ring.read_newer(0, &mut snapshot), ReadOutcome::Fresh, "the frame is there before the reply");
    assert_eq!((snapshot.stamp.epoch, snapshot.stamp.frame, reply.frame), (5, 10, 10));
    let before = page.read();
    assert_eq!(before.stage, Stage::Serving);
    parent.send(&ToRole::Ping, &[]).expect("it is sent");
    // The watchdog is the test runner's own: a page that never moves hangs here.
    while page.read().progress == before.progress {
        thread::yield_now();
    }
    parent.send(&ToRole::Stop, &[]).expect("it is sent");
    assert_eq!(thread.join().expect("it ends"), exit::OK);
}

#[test]
fn the_role_ends_with_its_parent() {
    let seat = Seat::take();
    if seat.open().is_none() {
        return;
    }
    seat.file("game.gba", &test_rom());
    let (thread, parent, _page) = role(start_bridge(&seat, "game.gba", "127.0.0.1:0"));
    parent.receive::<FromRole>().expect("it is ready");
    drop(parent);
    assert_eq!(thread.join().expect("it ends"), exit::OK);
}

#[test]
fn the_role_says_why_it_cannot_start() {
    let seat = Seat::take();
    if seat.open().is_none() {
        return;
    }
    seat.file("game.gba", &test_rom());
    seat.file("text.gba", &b"not a game\n".repeat(100));
    let cases = [
        (start_bridge(&seat, "nowhere.gba", "127.0.0.1:0"), exit::NO_INPUT),
        (start_bridge(&seat, "text.gba", "127.0.0.1:0"), exit::DATA),
        (start_bridge(&seat, "game.gba", "0.0.0.0:0"), exit::CONFIG),
        (ToRole::Ping, exit::PROTOCOL),
    ];
    for (start, expected) in cases {
        let (thread, parent, _page) = role(start);
        let (failed, _) = parent.receive::<FromRole>().expect("it says so");
        assert!(matches!(&failed, FromRole::Failed { status, .. } if *status == expected), "{failed:?}");
        assert_eq!(thread.join().expect("it ends"), expected);
    }
}
