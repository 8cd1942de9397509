//! Checks on a served address, in both forms of the protocol. The game at the address is played meanwhile.

use super::client::{Client, ClientError, Form};
use super::{Failed, Finding, Fixture, echo_of, expect};
use tokio_tungstenite::tungstenite::Message;
use wire::Instance;
use wire::buttons::Mask;
use wire::emulator::{Answer, Capabilities, READ_BYTES_MAX, Refusal, Reply, Request, STEP_FRAMES_MAX, ServerMessage};
use wire::memory::{Comparison, Condition, Place, Region, Test, Width};

/// Makes all checks on the game of this number at this address; returns their names. Requests go to whatever state the
/// game is in, and leave it paused.
pub fn check_served(address: &str, instance: Instance, fixture: &Fixture) -> Result<Vec<&'static str>, Failed> {
    let failed = |error: ClientError| Failed { check: "hello is answered by welcome", seen: error.to_string() };
    let (_, welcome) = Client::greet(address, Form::Json, instance).map_err(failed)?;
    let can = welcome.capabilities;
    let counted = fixture.frame_counter.is_some() && can.frame_step && can.read;
    let echoed = fixture.key_echo.is_some() && can.frame_step && can.read;
    let checks: [(&'static str, bool, Check); 12] = [
        ("both forms give the same answers", can.save_state && can.frame_step && can.read, forms_agree),
        ("another life, game or version is refused", true, others_refused),
        ("what is beyond a limit is refused", true, limits_refused),
        ("what is no message is answered and survived", true, malformed_survived),
        ("replies come in the order of the requests", can.frame_step, replies_in_order),
        ("keys are held exactly as many frames as asked", echoed, holds_are_exact),
        ("keys are held from the frame that was named", echoed, input_at_frame),
        ("a step ends with the frame its condition holds in", counted, until_ends_steps),
        ("a condition waits for the last scheduled key", counted, until_waits_for_keys),
        ("the frame of a step comes before its reply", can.frame_step && can.picture, pushes_before_replies),
        ("frames pass by themselves between run and pause", can.frame_step, runs_by_itself),
        ("paced steps take the time of their frames", can.frame_step, paced_steps),
    ];
    let mut made = Vec::new();
    for (check, applies, run) in checks {
        if applies {
            for form in [Form::Bincode, Form::Json] {
                let connected = Client::greet(address, form, instance).map_err(|error| error.to_string());
                let found = connected.and_then(|(client, _)| run(&mut Peer { client, fixture, address, can }));
                found.map_err(|seen| Failed { check, seen: format!("{form:?}: {seen}") })?;
            }
            made.push(check);
        }
    }
    Ok(made)
}

type Check = fn(&mut Peer<'_>) -> Finding;

struct Peer<'a> {
    client: Client,
    fixture: &'a Fixture,
    address: &'a str,
    can: Capabilities,
}

impl Peer<'_> {
    fn ask(&mut self, body: Request) -> Result<Reply, String> {
        self.client.ask(body).map_err(|error| error.to_string())
    }

    fn done(&mut self, body: Request) -> Finding {
        let reply = self.ask(body)?;
        expect(reply.body == Answer::Done, || format!("{reply:?}"))
    }

    fn refusal(&mut self, body: Request) -> Result<Refusal, String> {
        match self.ask(body)?.body {
            Answer::Refused(refusal) => Ok(refusal),
            other => Err(format!("not refused, but answered {other:?}")),
        }
    }

    /// Frames that passed, whether the condition held, and the newest frame's number.
    fn step(&mut self, frames: u32, until: Option<Condition>) -> Result<(u32, bool, u64), String> {
        let reply = self.ask(Request::Step { frames, until })?;
        match reply.body {
            Answer::Stepped { frames, held, .. } => Ok((frames, held, reply.frame)),
            other => Err(format!("a step was answered {other:?}")),
        }
    }

    fn schedule(&mut self, at_frame: Option<u64>, frames: Vec<Mask>) -> Result<u64, String> {
        match self.ask(Request::Input { at_frame, frames, echo: None })?.body {
            Answer::Scheduled { first_frame } => Ok(first_frame),
            other => Err(format!("an input was answered {other:?}")),
        }
    }

    fn read(&mut self, address: u32, length: u32) -> Result<Vec<u8>, String> {
        match self.ask(Request::Read { regions: vec![Region { address, length }] })?.body {
            Answer::Memory { bytes } => Ok(bytes),
            other => Err(format!("a read was answered {other:?}")),
        }
    }

    fn word(&mut self, address: Option<u32>) -> Result<u32, String> {
        let bytes = self.read(address.ok_or("the fixture has no such address")?, 4)?;
        bytes.try_into().map(u32::from_le_bytes).map_err(|bytes| format!("{bytes:?} for four bytes"))
    }

    /// Steps one frame and returns the key register that the game saw in it.
    fn echo(&mut self) -> Result<u16, String> {
        self.step(1, None)?;
        Ok(self.word(self.fixture.key_echo)? as u16)
    }

    fn start(&mut self) -> Finding {
        if self.can.frame_step {
            self.done(Request::Pause)?;
            self.done(Request::Pace { speed_permille: 0 })?;
            self.schedule(None, Vec::new())?;
            self.step(self.fixture.frames_to_start, None)?;
        }
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, String> {
        match self.ask(Request::SaveState)?.body {
            Answer::State { state, .. } => Ok(state),
            other => Err(format!("save was answered {other:?}")),
        }
    }
}

fn counter_at_least(fixture: &Fixture, operand: u32) -> Result<Condition, String> {
    let address = fixture.frame_counter.ok_or("the fixture has no such address")?;
    let place = Place { address, offset: None, width: Width::U32 };
    let test = Test { place, comparison: Comparison::AtLeast, operand: i64::from(operand) };
    Ok(Condition { any_of: vec![vec![test]] })
}

fn forms_agree(peer: &mut Peer<'_>) -> Finding {
    peer.start()?;
    let state = peer.save()?;
    let play = |form: Form| -> Result<_, String> {
        let (client, _) = Client::greet(peer.address, form, peer.client.instance).map_err(|error| error.to_string())?;
        let mut other = Peer { client, ..*peer };
        other.done(Request::LoadState { state: state.clone() })?;
        other.schedule(None, vec![0x001, 0x010, 0x010])?;
        let (frames, held, _) = other.step(30, None)?;
        let memory = other.read(peer.fixture.scratch, 16)?;
        let picture = match other.ask(Request::Screenshot)?.body {
            Answer::Picture(picture) => (picture.width, picture.height, picture.format, picture.pixels),
            other => return Err(format!("a screenshot was answered {other:?}")),
        };
        Ok((frames, held, memory, picture, other.save()?))
    };
    expect(play(Form::Bincode)? == play(Form::Json)?, || "they differ".to_string())
}

fn others_refused(peer: &mut Peer<'_>) -> Finding {
    let (instance, epoch) = (peer.client.instance, peer.client.epoch);
    peer.client.epoch = epoch.wrapping_add(1);
    let stale = peer.refusal(Request::Ping)?;
    expect(stale == Refusal::StaleEpoch { current: epoch }, || format!("{stale:?}"))?;
    (peer.client.epoch, peer.client.instance) = (epoch, instance.wrapping_add(1));
    let wrong = peer.refusal(Request::Ping)?;
    expect(wrong == Refusal::WrongInstance { current: instance }, || format!("{wrong:?}"))?;
    peer.client.instance = instance;
    let version = peer.refusal(Request::Hello { version: wire::WIRE_VERSION + 1 })?;
    expect(matches!(version, Refusal::Malformed { .. }), || format!("{version:?}"))?;
    peer.done(Request::Ping)
}

fn limits_refused(peer: &mut Peer<'_>) -> Finding {
    let fixture = *peer.fixture;
    let steps = peer.refusal(Request::Step { frames: STEP_FRAMES_MAX + 1, until: None })?;
    expect(matches!(steps, Refusal::TooLarge { .. }), || format!("{steps:?}"))?;
    let keys = peer.refusal(Request::Input { at_frame: None, frames: vec![0, 0x400], echo: None })?;
    expect(keys == Refusal::UnknownButton { mask: 0x400 }, || format!("{keys:?}"))?;
    let far = peer.refusal(Request::Input { at_frame: Some(u64::MAX), frames: vec![0], echo: None })?;
    expect(matches!(far, Refusal::TooLarge { .. }), || format!("{far:?}"))?;
    let passed = peer.refusal(Request::Input { at_frame: Some(0), frames: vec![0], echo: None })?;
    expect(matches!(passed, Refusal::FramePassed { .. }), || format!("{passed:?}"))?;
    if peer.can.read {
        let region = |address, length| Request::Read { regions: vec![Region { address, length }] };
        let large = peer.refusal(region(fixture.scratch, READ_BYTES_MAX + 1))?;
        expect(matches!(large, Refusal::TooLarge { .. }), || format!("{large:?}"))?;
        let unmapped = peer.refusal(region(fixture.unmapped, 4))?;
        expect(unmapped == Refusal::Unmapped { address: fixture.unmapped }, || format!("{unmapped:?}"))?;
    }
    if peer.can.save_state {
        let state = peer.refusal(Request::LoadState { state: vec![1; 100] })?;
        expect(matches!(state, Refusal::BadState { .. }), || format!("{state:?}"))?;
    }
    peer.done(Request::Ping)
}

fn malformed_survived(peer: &mut Peer<'_>) -> Finding {
    let garbage =
        [Message::binary(vec![0xFF; 5]), Message::text("{\"id\": 77, \"body\": \"dance\"}"), Message::text("{")];
    for message in garbage {
        peer.client.send_raw(message).map_err(|error| error.to_string())?;
        let reply = peer.client.reply().map_err(|error| error.to_string())?;
        let malformed = matches!(reply.body, Answer::Refused(Refusal::Malformed { .. }));
        expect(malformed && [0, 77].contains(&reply.id), || format!("{reply:?}"))?;
    }
    peer.done(Request::Ping)
}

fn replies_in_order(peer: &mut Peer<'_>) -> Finding {
    peer.start()?;
    let bodies = [Request::Step { frames: 3, until: None }, Request::Screenshot, Request::Ping];
    let send = |peer: &mut Peer<'_>| -> Result<Vec<u64>, ClientError> {
        bodies.iter().cycle().take(60).map(|body| peer.client.send(body.clone())).collect()
    };
    let ids = send(peer).map_err(|error| error.to_string())?;
    let mut newest = 0;
    for id in ids {
        let reply = peer.client.reply().map_err(|error| error.to_string())?;
        expect(reply.id == id && reply.frame >= newest, || format!("{} came where {id} was due", reply.id))?;
        newest = reply.frame;
    }
    Ok(())
}

fn holds_are_exact(peer: &mut Peer<'_>) -> Finding {
    peer.start()?;
    for frames in [1, 2, 7] {
        peer.schedule(None, vec![0x011; frames])?;
        for frame in 0..frames + 2 {
            let (echo, due) = (peer.echo()?, echo_of(if frame < frames { 0x011 } else { 0 }));
            expect(echo == due, || format!("held for {frames}: frame {frame} saw {echo:#x}, and not {due:#x}"))?;
        }
    }
    Ok(())
}

fn input_at_frame(peer: &mut Peer<'_>) -> Finding {
    peer.start()?;
    let (_, _, newest) = peer.step(1, None)?;
    let first = peer.schedule(Some(newest + 4), vec![0x002, 0x008])?;
    expect(first == newest + 4, || format!("scheduled for {first}"))?;
    for due in [0, 0, 0, 0x002, 0x008, 0] {
        let echo = peer.echo()?;
        expect(echo == echo_of(due), || format!("{echo:#x} was seen, and not {:#x}", echo_of(due)))?;
    }
    Ok(())
}

fn until_ends_steps(peer: &mut Peer<'_>) -> Finding {
    peer.start()?;
    let counted = peer.word(peer.fixture.frame_counter)?;
    let until = counter_at_least(peer.fixture, counted + 9)?;
    let (frames, held, _) = peer.step(100, Some(until.clone()))?;
    expect((frames, held) == (9, true), || format!("{frames} frames, held: {held}"))?;
    let never = counter_at_least(peer.fixture, u32::MAX)?;
    let (frames, held, _) = peer.step(5, Some(never))?;
    expect((frames, held) == (5, false), || format!("{frames} frames, held: {held}"))?;
    let (frames, held, _) = peer.step(0, Some(until))?;
    expect((frames, held) == (0, false), || format!("{frames} frames of none, held: {held}"))
}

fn until_waits_for_keys(peer: &mut Peer<'_>) -> Finding {
    peer.start()?;
    let always = counter_at_least(peer.fixture, 0)?;
    peer.schedule(None, vec![0x001; 6])?;
    let (frames, held, _) = peer.step(100, Some(always))?;
    expect((frames, held) == (6, true), || format!("{frames} frames, held: {held}"))
}

fn pushes_before_replies(peer: &mut Peer<'_>) -> Finding {
    peer.start()?;
    let length = 16;
    let regions = match peer.can.read {
        true => vec![Region { address: peer.fixture.scratch, length }],
        false => Vec::new(),
    };
    let bytes = regions.len() * length as usize;
    peer.done(Request::Subscribe { every_n_frames: 0, regions: regions.clone() })?;
    for _ in 0..3 {
        let id = peer.client.send(Request::Step { frames: 4, until: None }).map_err(|error| error.to_string())?;
        let messages = [peer.client.receive(), peer.client.receive()];
        match messages {
            [Ok(ServerMessage::Push(push)), Ok(ServerMessage::Reply(reply))] => {
                let whole = push.pixels.len() == (push.width * push.height) as usize * push.format.bytes();
                let same = push.frame == reply.frame && push.epoch == reply.epoch && reply.id == id;
                expect(whole && same && push.memory.len() == bytes, || format!("push of {} to {reply:?}", push.frame))?;
            }
            other => return Err(format!("{other:?}")),
        }
    }
    peer.done(Request::Subscribe { every_n_frames: 3, regions })?;
    let (_, _, newest) = peer.step(12, None)?;
    let pushed: Vec<u64> = peer.client.pushes.iter().map(|push| push.frame).collect();
    let due: Vec<u64> = (newest - 11..=newest).filter(|frame| frame % 3 == 0).collect();
    expect(pushed == due, || format!("{pushed:?} were pushed, and not {due:?}"))
}

fn runs_by_itself(peer: &mut Peer<'_>) -> Finding {
    peer.start()?;
    let (_, _, before) = peer.step(1, None)?;
    peer.done(Request::Run { speed_permille: 4000 })?;
    let (frames, _, after) = peer.step(20, None)?;
    expect(frames == 20 && after >= before + 20, || format!("{frames} frames, from {before} to {after}"))?;
    let mut newest = after;
    while newest < after + 10 {
        newest = peer.ask(Request::Ping)?.frame;
    }
    let paused = peer.ask(Request::Pause)?.frame;
    let (_, _, stepped) = peer.step(2, None)?;
    expect(stepped == paused + 2, || format!("paused at {paused}, and two frames later it is {stepped}"))
}

fn paced_steps(peer: &mut Peer<'_>) -> Finding {
    peer.start()?;
    peer.done(Request::Pace { speed_permille: 1000 })?;
    let begin = std::time::Instant::now();
    let stepped = peer.ask(Request::Step { frames: 7, until: None })?;
    let elapsed = begin.elapsed();
    peer.done(Request::Pace { speed_permille: 0 })?;
    let Answer::Stepped { frames: 7, run_us, core_us, .. } = stepped.body else { return Err(format!("{stepped:?}")) };
    // Six periods lie between the beginnings of seven frames.
    let least = 6 * 16_742;
    let timed = run_us >= least && u128::from(run_us) <= elapsed.as_micros() && core_us <= run_us;
    expect(timed, || format!("run {run_us} µs, core {core_us} µs, {elapsed:?} as seen from here"))
}
