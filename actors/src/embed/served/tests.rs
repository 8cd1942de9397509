//! A server that does everything wrong that a server can, and what becomes of it.

use super::*;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

const DEADLINE: Duration = Duration::from_secs(20);
const KEY: &str = "sk-a-secret";

/// A server that answers each connection with the next of these; gives its address, and what it was told.
fn server(answers: Vec<Vec<u8>>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = format!("http://{}", listener.local_addr().expect("it has an address"));
    let (told, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let _ = told.send(request(&mut stream));
            let _ = stream.write_all(&answer);
            if answer.is_empty() {
                // It never answers; who asked ends the connection.
                let _ = stream.read(&mut [0; 1]);
            }
        }
    });
    (address, heard)
}

/// One request, whole.
fn request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let string = String::from_utf8_lossy(&text).to_string();
        if let Some((head, body)) = string.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return string;
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return string,
            Ok(read) => text.extend_from_slice(&piece[..read]),
        }
    }
}

fn http(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

fn rows(vectors: &[&str]) -> Vec<u8> {
    let rows =
        vectors.iter().enumerate().rev().map(|(index, vector)| format!(r#"{{"index":{index},"embedding":{vector}}}"#));
    http("200 OK", &format!(r#"{{"object":"list","data":[{}],"usage":{{}}}}"#, rows.collect::<Vec<_>>().join(",")))
}

fn scenes(count: usize) -> Vec<Scene> {
    vec![Scene { frame: std::sync::Arc::default(), state: None }; count]
}

/// What becomes of a batch of two when the server answers it so.
fn outcome(answer: Vec<u8>, deadline: Duration) -> Embedded {
    let (address, _heard) = server(vec![rows(&["[1,0,0]"]), answer]);
    actix::System::new().block_on(async {
        let mut served = Served::new(&address, "tiny", Some(KEY.to_string()), deadline);
        served.space("burrow").await.expect("the first answer is good");
        match served.embed(&scenes(2)) {
            Embedding::Later(answer) => answer.await,
            Embedding::Now(_) => Err(EmbedError::Unusable("it was not asked".into())),
        }
    })
}

#[test]
fn vectors_of_a_batch_come_in_order_and_of_unit_length() {
    let vectors = outcome(rows(&["[3,4,0]", "[0,0,0.5]"]), DEADLINE);
    assert_eq!(vectors, Ok(vec![Some(vec![0.6, 0.8, 0.0]), Some(vec![0.0, 0.0, 1.0])]));
}

#[test]
fn the_server_is_told_model_texts_and_key_and_names_the_space() {
    let (address, heard) = server(vec![rows(&["[1,2]"])]);
    let space = actix::System::new().block_on(async {
        Served::new(&format!("{address}/v1/"), "tiny", Some(KEY.to_string()), DEADLINE).space("Burrow").await
    });
    let space = space.expect("it answers");
    assert_eq!(space.dimensions, 2);
    assert!(space.name.starts_with("served1-") && space.name.ends_with("-2-burrow"), "{}", space.name);
    let told = heard.recv().expect("it was asked");
    assert!(told.starts_with("POST /v1/embeddings HTTP/1.1"), "{told}");
    assert!(told.contains(r#""model":"tiny","input":["#) && told.contains(&format!("Bearer {KEY}")), "{told}");
}

#[test]
fn whatever_the_server_answers_ends_in_a_value() {
    let good = rows(&["[1,0,0]", "[0,1,0]"]);
    let useless = [
        rows(&["[1,0,0]"]),
        rows(&["[1,0]", "[0,1]"]),
        rows(&["[1,0,0]", "[0,1]"]),
        rows(&["[NaN,0,0]", "[0,1,0]"]),
        rows(&["[1e300,0,0]", "[0,1,0]"]),
        rows(&["[0,0,0]", "[0,1,0]"]),
        rows(&["[null,0,0]", "[0,1,0]"]),
        http("200 OK", ""),
        http("200 OK", "<html>it works</html>"),
        http("200 OK", r#"{"data":[{"index":7,"embedding":[1,0,0]},{"index":7,"embedding":[1,0,0]}]}"#),
    ];
    for answer in useless {
        let text = String::from_utf8_lossy(&answer).to_string();
        assert!(matches!(outcome(answer, DEADLINE), Err(EmbedError::Unusable(_))), "{text}");
    }
    for cut in [b"HTTP/1.1 200".to_vec(), good[..good.len() - 5].to_vec(), b"\0\0garbage\r\n\r\n".to_vec()] {
        let text = String::from_utf8_lossy(&cut).to_string();
        assert!(matches!(outcome(cut, DEADLINE), Err(EmbedError::Unreachable(_))), "{text}");
    }
}

#[test]
fn a_refusal_is_told_without_the_key() {
    let refused = outcome(http("500 Internal Server Error", &format!("no such\nkey: {KEY}")), DEADLINE);
    assert_eq!(refused, Err(EmbedError::Refused { status: 500, message: "no such key: …".into() }));
}

#[test]
fn a_server_that_does_not_answer_is_late() {
    let late = outcome(Vec::new(), Duration::from_millis(300));
    assert!(matches!(late, Err(EmbedError::Late(300) | EmbedError::Unreachable(_))), "{late:?}");
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = format!("http://{}", listener.local_addr().expect("it has an address"));
    drop(listener);
    let space = actix::System::new().block_on(Served::new(&address, "tiny", None, DEADLINE).space("burrow"));
    assert!(matches!(space, Err(EmbedError::Unreachable(_))), "{space:?}");
}
