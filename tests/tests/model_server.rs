//! A model behind a server, asked over real sockets: what each kind of server is told, and what becomes of each way in which
//! one can fail.

use actors::router::model::{Model as _, ModelError, Prompt, Repair, Reply};
use actors::router::openai::OpenAi;
use actors::router::remote::{Exchange as _, Failure, Probed};
use serde_json::json;
use std::time::Duration;
use tests::WATCHDOG;
use tests::asking::{KEY, ask, block_on, limits, prompt, remote, tier, until};
use tests::model_server::{Act, Asked, Kind, ModelServer};
use wire::router::TierSettings;

/// Long enough for any answer, short enough to wait for where none comes.
const SOON: Duration = Duration::from_millis(400);

/// What a server of this kind is found to be, and what it answers to one question.
fn asked_once(tier: &TierSettings) -> (Probed, Result<Reply, ModelError>) {
    block_on(async {
        let way = OpenAi::new(tier, Some(KEY.to_string())).expect("the tier is well described");
        let probed = way.probe().await.expect("it is there");
        let reply = way.send(&ask(prompt("[1 7] now"), WATCHDOG)).await.map_err(|failure| failure.error);
        (probed, reply)
    })
}

/// What becomes of a question when the server does this with it, not tried again.
fn outcome(act: Act) -> Result<Reply, Failure> {
    let server = ModelServer::start(Kind::vllm());
    block_on(async {
        let way = OpenAi::new(&tier(&server.url()), Some(KEY.to_string())).expect("the tier is well described");
        way.probe().await.expect("it is there");
        server.script(move |_| act.clone());
        way.send(&ask(prompt("[1 7] now"), WATCHDOG)).await
    })
}

fn question(server: &ModelServer) -> Asked {
    server.questions().pop().expect("it was asked")
}

#[test]
fn each_kind_of_server_is_recognised_and_spoken_to_in_its_dialect() {
    for (kind, dialect, field, tells) in [
        (Kind::vllm(), "vllm", "structured_outputs", true),
        (Kind::llama_server(4), "llama-server", "json_schema", true),
        (Kind::ollama(), "ollama", "response_format", false),
        (Kind::lm_studio(), "lm-studio", "response_format", false),
        (Kind::unknown(), "openai", "response_format", true),
    ] {
        let server = ModelServer::start(kind);
        let (probed, reply) = asked_once(&tier(&server.url()));
        let found = (probed.takes_pictures, probed.takes_schema, probed.tells_probabilities);
        assert_eq!((probed.dialect.as_str(), found), (dialect, (true, true, tells)));
        let reply = reply.expect("it answers");
        assert_eq!(reply.confidence.is_some(), tells, "{dialect}");
        assert!(reply.confidence.is_none_or(|confidence| (confidence - 0.9).abs() < 1e-3), "{reply:?}");
        let question = question(&server);
        assert_eq!(question.schema()["properties"]["skill"]["enum"], json!(["fight", "explore"]));
        for other in ["structured_outputs", "json_schema", "response_format"] {
            assert_eq!(question.body.get(other).is_some(), other == field, "{dialect}: {other}");
        }
        assert_eq!(question.header("authorization"), format!("Bearer {KEY}"));
        assert!(question.picture().is_some_and(|url| url.starts_with("data:image/png;base64,iVBOR")), "{dialect}");
        assert_eq!(reply.text, FIRST);
        assert_eq!(reply.model, probed.model);
        assert!(reply.tokens_in > 10 && reply.tokens_cached > 5 && reply.tokens_out > 10, "{reply:?}");
    }
}

#[test]
fn a_game_has_its_slot_of_a_llama_server_where_there_are_enough() {
    for (slots, slot) in [(2, Some(1)), (1, None)] {
        let server = ModelServer::start(Kind::llama_server(slots));
        asked_once(&tier(&server.url())).1.expect("it answers");
        assert_eq!(question(&server).body["id_slot"].as_u64(), slot);
        assert_eq!(question(&server).body["cache_prompt"], true);
    }
}

#[test]
fn no_picture_is_sent_to_a_model_without_eyes() {
    for kind in [Kind::llama_server(1).blind(), Kind::ollama().blind(), Kind::lm_studio().blind()] {
        let server = ModelServer::start(kind);
        let (probed, reply) = asked_once(&tier(&server.url()));
        assert!(!probed.takes_pictures && reply.is_ok());
        assert_eq!(
            (server.asked().iter().filter_map(Asked::picture).count(), question(&server).text()),
            (0, "[1 7] now")
        );
    }
}

#[test]
fn what_a_server_refuses_is_left_out_from_the_probe_on() {
    for (field, words) in [
        ("logprobs", "logprobs are not supported"),
        ("logprobs", "bad request"),
        ("stream_options", "unknown field: stream_options"),
        ("image_url", "this model has no vision"),
        ("image_url", "invalid message"),
        ("structured_outputs", "extra_forbidden"),
        ("structured_outputs", "bad request"),
        ("temperature", "temperature 0 is not supported"),
        ("max_tokens", "use 'max_completion_tokens' instead"),
    ] {
        let server = ModelServer::start(Kind::vllm().refusing(field, words));
        let (probed, reply) = asked_once(&tier(&server.url()));
        let reply = reply.unwrap_or_else(|error| panic!("{field}: {error}"));
        assert_eq!(probed.takes_pictures, field != "image_url", "{field}");
        assert_eq!(probed.takes_schema, field != "structured_outputs", "{field}");
        assert_eq!(
            (probed.tells_probabilities, reply.confidence.is_some()),
            (field != "logprobs", field != "logprobs")
        );
        assert_eq!(server.questions().len(), 1, "{field}: the question itself is not refused");
    }
}

#[test]
fn what_a_server_refuses_later_is_left_out_from_then_on() {
    let server = ModelServer::start(Kind::vllm());
    block_on(async {
        let way = OpenAi::new(&tier(&server.url()), None).expect("the tier is well described");
        way.probe().await.expect("it is there");
        server.script(|asked| match asked.schema().is_object() {
            true => Act::Refuse(400, "this schema cannot be compiled to a grammar".to_string()),
            false => Act::Say(r#"{"skill":"explore"}"#.to_string()),
        });
        for _ in 0..2 {
            let reply = way.send(&ask(prompt("now"), WATCHDOG)).await.expect("it answers without");
            assert_eq!(reply.text, r#"{"skill":"explore"}"#);
        }
    });
    assert_eq!(server.questions().iter().filter(|asked| asked.schema().is_object()).count(), 1);
}

#[test]
fn a_repair_follows_the_question_as_a_conversation() {
    let server = ModelServer::start(Kind::vllm());
    block_on(async {
        let way = OpenAi::new(&tier(&server.url()), None).expect("the tier is well described");
        way.probe().await.expect("it is there");
        let repair = Some(Repair { answer: "fly".to_string(), complaint: "there is no skill fly".to_string() });
        way.send(&ask(Prompt { repair, ..prompt("now") }, WATCHDOG)).await.expect("it answers");
    });
    let messages = &question(&server).body["messages"];
    assert_eq!(messages[2], json!({"role": "assistant", "content": "fly"}));
    assert_eq!(messages[3], json!({"role": "user", "content": "there is no skill fly"}));
}

#[test]
fn every_fault_of_a_server_is_a_failure_with_its_name() {
    let unreachable = |error: &ModelError| matches!(error, ModelError::Unreachable(_));
    let unusable = |error: &ModelError| matches!(error, ModelError::Unusable(_));
    let refused = |wanted: u16| move |error: &ModelError| matches!(error, ModelError::Refused { status, .. } if *status == wanted);
    type Check = Box<dyn Fn(&ModelError) -> bool>;
    let faults: Vec<(Act, Check, bool)> = vec![
        (Act::Status(429, Some(2.0)), Box::new(refused(429)), true),
        (Act::Status(500, None), Box::new(refused(500)), true),
        (Act::Status(503, None), Box::new(refused(503)), true),
        (Act::Status(404, None), Box::new(refused(404)), false),
        (Act::Status(302, None), Box::new(refused(302)), false),
        (Act::EchoKey, Box::new(refused(401)), false),
        (Act::Malformed, Box::new(unusable), false),
        (Act::WrongShape, Box::new(unusable), false),
        (Act::WebPage, Box::new(unusable), false),
        (Act::Endless, Box::new(unusable), false),
        (Act::Say(String::new()), Box::new(unusable), false),
        (Act::Say("x".repeat(80 << 10)), Box::new(unusable), false),
        (Act::Think("x".repeat(300 << 10)), Box::new(unusable), false),
        (Act::ErrorInStream(400), Box::new(refused(400)), false),
        (Act::ErrorInStream(503), Box::new(refused(503)), true),
        (Act::CutInPiece, Box::new(unreachable), true),
        (Act::CutShort, Box::new(unreachable), true),
        (Act::Noise, Box::new(unreachable), true),
        (Act::Reset, Box::new(unreachable), true),
        (Act::Close, Box::new(unreachable), true),
    ];
    for (act, is_right, is_retryable) in faults {
        let failure = outcome(act.clone()).expect_err("it fails");
        assert!(is_right(&failure.error), "{act:?}: {failure:?}");
        assert_eq!(failure.is_retryable, is_retryable, "{act:?}: {failure:?}");
        let wait = matches!(act, Act::Status(429, _)).then_some(Duration::from_secs(2));
        assert_eq!(failure.retry_after, wait, "{act:?}");
        assert!(!format!("{failure:?}").contains(KEY), "{act:?}: {failure:?}");
    }
}

#[test]
fn an_answer_comes_through_whatever_is_around_it() {
    let object = r#"{"skill":"explore","reason":"a \"}\" b"}"#;
    let fenced = format!("Here it is:\n```json\n{object}\n```\nGood luck!");
    let thinking = format!("<think>fight? {{no}}</think>\n{object}");
    for (act, text, reasoning) in [
        (Act::Say(object.to_string()), object, ""),
        (Act::Say(fenced), object, ""),
        (Act::Say(thinking), object, "fight? {no}"),
        (Act::Say("I would rather not.".to_string()), "I would rather not.", ""),
        (Act::Whole, FIRST, ""),
        (Act::Think("let me see".to_string()), FIRST, "let me see"),
        (Act::FirstByteAfter(Duration::from_millis(20)), FIRST, ""),
        (Act::After(Duration::from_millis(20), Box::new(Act::Answer)), FIRST, ""),
        (Act::CutBeforeDone, FIRST, ""),
        (Act::Ramble, FIRST, ""),
    ] {
        let reply = outcome(act.clone()).unwrap_or_else(|failure| panic!("{act:?}: {failure:?}"));
        assert_eq!((reply.text.as_str(), reply.reasoning.as_str()), (text, reasoning), "{act:?}");
        assert!(reply.tokens_in > 0 && reply.tokens_out > 0, "{act:?}: {reply:?}");
    }
}

const FIRST: &str = r#"{"skill":"fight","confidence":0.9,"reason":"it comes first"}"#;

#[test]
fn connections_are_kept_between_answers() {
    let server = ModelServer::start(Kind::vllm());
    block_on(async {
        let way = OpenAi::new(&tier(&server.url()), None).expect("the tier is well described");
        way.probe().await.expect("it is there");
        for _ in 0..50 {
            way.send(&ask(prompt("now"), WATCHDOG)).await.expect("it answers");
        }
    });
    assert!(server.accepted() <= 3, "{}", server.accepted());
}

#[test]
fn a_kept_connection_that_the_server_closed_is_no_failure() {
    let server = ModelServer::start(Kind::llama_server(2));
    server.script(|_| Act::AnswerAndClose);
    block_on(async {
        let way = OpenAi::new(&tier(&server.url()), None).expect("the tier is well described");
        way.probe().await.expect("it is there");
        for _ in 0..50 {
            way.send(&ask(prompt("now"), WATCHDOG)).await.expect("it answers");
        }
    });
}

#[test]
fn an_answer_that_is_whole_ends_the_stream_and_estimates_what_was_used() {
    let server = ModelServer::start(Kind::unknown());
    block_on(async {
        let way = OpenAi::new(&tier(&server.url()), None).expect("the tier is well described");
        way.probe().await.expect("it is there");
        server.script(|_| Act::Ramble);
        let reply = way.send(&ask(prompt("now"), WATCHDOG)).await.expect("it answers");
        assert_eq!((reply.text.as_str(), reply.tokens_in), (FIRST, 900));
        assert!(reply.tokens_out >= FIRST.len() as u64 / 4, "{reply:?}");
        drop(way);
        tokio::task::yield_now().await;
    });
    tests::wait_for("the server to see that nobody listens", || (server.connections() == 0).then_some(()));
}

#[test]
fn a_stream_that_stalls_and_a_silent_server_are_late() {
    for act in [Act::Stall, Act::Silence] {
        let server = ModelServer::start(Kind::vllm());
        server.script(move |asked| if asked.is_probe() { Act::Answer } else { act.clone() });
        let tier = tier(&server.url());
        block_on(async {
            let remote = remote(&tier, limits(WATCHDOG));
            assert_eq!(remote.ask(ask(prompt("now"), SOON)).await, Err(ModelError::Late));
            assert_eq!(remote.running(), 0);
        });
        tests::wait_for("the connection to be let go", || (server.connections() <= 1).then_some(()));
    }
}

#[test]
fn a_server_that_dies_and_comes_back_is_asked_again_within_one_probe_interval() {
    let mut server = ModelServer::start(Kind::vllm());
    let tier = tier(&server.url());
    block_on(async {
        let remote = remote(&tier, limits(Duration::from_millis(500)));
        let once = async || remote.ask(ask(prompt("now"), Duration::from_secs(5))).await;
        let open = async |words: &str| matches!(once().await, Err(ModelError::Open(why)) if why.contains(words));
        assert!(once().await.is_ok());
        server.stop();
        until("it to be left alone", async || open("times in a row").await).await;
        until("it to be looked for", async || open("start one there").await).await;
        assert!(open(&server.url()).await);
        let before = server.asked().len();
        server.restart();
        until("it to be asked again", async || once().await.is_ok()).await;
        // One look was enough: the list of models, and one tiny question.
        let since = &server.asked()[before..];
        let looks = since.iter().filter(|asked| asked.path == "/v1/models").count();
        assert_eq!((looks, since.iter().filter(|asked| asked.is_probe()).count()), (1, 1));
    });
}

#[test]
fn a_server_that_was_never_there_is_named_with_what_to_do() {
    let mut server = ModelServer::start(Kind::vllm());
    server.stop();
    let tier = tier(&server.url());
    block_on(async {
        let remote = remote(&tier, limits(WATCHDOG));
        let open = remote.ask(ask(prompt("now"), WATCHDOG)).await.expect_err("nobody is there");
        assert!(
            matches!(&open, ModelError::Open(why) if why.contains(&server.url()) && why.contains("set url")),
            "{open}"
        );
    });
}

#[test]
fn a_wrong_key_is_named_by_its_variable_and_never_shown() {
    let server = ModelServer::start(Kind::vllm());
    server.script(|_| Act::EchoKey);
    let tier = tier(&server.url());
    let found = block_on(async { OpenAi::new(&tier, Some(KEY.to_string())).expect("a way").probe().await });
    let error = found.expect_err("it is refused").to_string();
    assert!(error.contains("POCKETPILOT_MODEL_KEY") && error.contains("Bearer …") && !error.contains(KEY), "{error}");
}

#[test]
fn of_several_models_the_named_one_is_asked_and_else_one_that_sees() {
    let server = ModelServer::start(Kind::ollama().with_models(&["nomic-embed", "words:1b", "tiny-vl:2b"]));
    assert_eq!(asked_once(&tier(&server.url())).0.model, "tiny-vl:2b");
    let named = TierSettings { model: "words:1b".to_string(), ..tier(&server.url()) };
    assert_eq!(asked_once(&named).0.model, "words:1b");
    assert_eq!(question(&server).body["model"], "words:1b");
}

#[test]
fn a_server_at_a_usual_port_of_this_machine_is_found_without_being_named() {
    let tier = tier("");
    let probe = || block_on(async { OpenAi::new(&tier, None).expect("the tier is well described").probe().await });
    let ports = [8000, 8080, 11434, 1234];
    if let Err(missing) = probe() {
        assert!(missing.to_string().contains("8000, 8080, 11434, 1234"), "{missing}");
    }
    let Some(server) = ports.iter().find_map(|port| ModelServer::start_at(Kind::lm_studio(), *port).ok()) else {
        return println!("skipped: other programs have all usual ports");
    };
    let probed = probe().unwrap_or_else(|error| panic!("{error}, though {} is there", server.url()));
    let usual = |port: &u16| probed.url == format!("http://127.0.0.1:{port}");
    assert!(ports.iter().any(usual), "{probed:?}");
}

#[test]
fn a_dialect_may_be_named_and_none_sends_no_schema() {
    let server = ModelServer::start(Kind::vllm());
    let named = |dialect: &str| TierSettings { dialect: dialect.to_string(), ..tier(&server.url()) };
    let (probed, reply) = asked_once(&named("none"));
    assert_eq!((probed.dialect.as_str(), probed.takes_schema, reply.is_ok()), ("none", false, true));
    assert!(question(&server).schema().is_null());
    asked_once(&named("llama-server")).1.expect("it answers");
    assert!(question(&server).body["json_schema"].is_object());
    let error = OpenAi::new(&named("lama"), None).err().expect("there is no such dialect").to_string();
    assert!(error.contains("`lama`"), "{error}");
}
