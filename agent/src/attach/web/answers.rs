//! What is answered by address: the page itself, steps of the log, a step with all that is known of it, its picture.
//!
//! Files are read on threads of their own, a few at a time, so that no question slows what pages are told as it happens.

use super::super::kept::Kept;
use super::super::pictures::Shown;
use super::board;
use super::gate::value_of;
use super::{Shared, lock};
use crate::run_log::{ByStep, Found};
use crate::spectator::Step;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::str::FromStr;
use std::sync::Arc;
use wire::Instance;
use wire::event::Event;
use wire::hash::Hash;
use wire::log::Line;

/// Steps that are told at once.
const COUNT_MAX: usize = 500;
const COUNT: usize = 200;
/// Lives of the game's actors in which one step may have been played.
const SAME_MAX: usize = 8;
const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The page.
pub async fn page() -> Response {
    typed(HTML, include_str!("page/page.html"))
}

/// What belongs to the page.
pub async fn file(Path(name): Path<String>) -> Response {
    match name.as_str() {
        "page.css" => typed("text/css; charset=utf-8", include_str!("page/page.css")),
        "page.js" => typed(SCRIPT, include_str!("page/page.js")),
        "live.js" => typed(SCRIPT, include_str!("page/live.js")),
        "steps.js" => typed(SCRIPT, include_str!("page/steps.js")),
        "step.js" => typed(SCRIPT, include_str!("page/step.js")),
        "tables.js" => typed(SCRIPT, include_str!("page/tables.js")),
        "drawing.js" => typed(SCRIPT, include_str!("page/drawing.js")),
        "icon.svg" => typed("image/svg+xml", include_str!("page/icon.svg")),
        _ => nothing().await,
    }
}

/// Anything else.
pub async fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here\n").into_response()
}

/// Steps of a game as rows, oldest first: `game`, at most `count`, those `before` a step or `since` one.
pub async fn steps(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let (game, count) = (number(&query, "game").unwrap_or(0), number(&query, "count").unwrap_or(COUNT).min(COUNT_MAX));
    let (before, since) = (number(&query, "before"), number(&query, "since"));
    read(shared, move |kept| {
        let steps = ByStep::of_log(&kept.log)?;
        let found = match since {
            Some(since) => steps.since(game, since, count)?,
            None => steps.before(game, before.unwrap_or(u64::MAX), count)?,
        };
        let rows: Vec<Arc<str>> = found.iter().filter_map(row_of).collect();
        Ok(Some(format!(r#"{{"steps":[{}]}}"#, rows.join(","))))
    })
    .await
}

/// All that is known of a step: `game`, `step`, and `at` its time where there may be two with that number.
pub async fn step(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let game = number::<Instance>(&query, "game").unwrap_or(0);
    let Some(number) = number::<u64>(&query, "step") else { return unclear("which step? ?step=N") };
    let at = value_of(&query, "at").map(str::to_string);
    let asking = shared.clone();
    read(shared, move |kept| {
        let steps = ByStep::of_log(&kept.log)?;
        let is_it = |line: &Value| at.is_none() || line["ts"].as_str() == at.as_deref();
        let find = |count| -> std::io::Result<Option<Value>> {
            let found = steps.since(game, number, count)?;
            let same = found.iter().filter(|found| found.step == number);
            Ok(same.filter_map(|found| serde_json::from_slice(&found.line).ok()).find(is_it))
        };
        // Nearly always the first is the only one; more are read where it is not.
        let line = find(1)?.map_or_else(|| find(SAME_MAX), |line| Ok(Some(line)))?;
        let Some(line) = line else { return Ok(None) };
        let hash = line["frame_hash"].as_str().and_then(hash_of);
        let has_picture = hash.is_some_and(|hash| {
            lock(&asking.pictures).find(hash).is_some() || kept.picture(game, hash).is_some()
        });
        let picture_note = if has_picture { String::new() } else { kept.picture_note(game) };
        let exchanges = kept.exchanges(game, &line)?;
        let decided = ByStep::of_event(&kept.log, "DecisionMade")?.before(game, number + 1, 1)?;
        let decided: Option<Value> = decided.first().and_then(|found| serde_json::from_slice(&found.line).ok());
        let decided = decided.map(|line| json!({ "step": line["step"], "goal": line["goal"], "reason": line["reason"] }));
        let exchange_note = if exchanges.is_empty() { kept.exchange_note(&line) } else { "" };
        let map = hash.and_then(|hash| kept.map(game, number, hash)).map(|spots| board::map(&spots));
        let account = hash.and_then(|hash| kept.account(game, number, hash)).map(|account| {
            json!({ "offers": account.offers, "outcomes": account.outcomes, "memories": account.memories,
                "novelty": account.novelty, "acted": account.acted, "frames": account.frames })
        });
        let told = json!({ "line": line, "has_picture": has_picture, "picture_note": picture_note, "exchanges": exchanges,
            "exchange_note": exchange_note, "account": account, "map": map, "decided": decided });
        Ok(Some(told.to_string()))
    })
    .await
}

/// The picture with a hash, as a page is told those that are new: `game`, `hash`.
pub async fn picture(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let game = number::<Instance>(&query, "game").unwrap_or(0);
    let Some(hash) = value_of(&query, "hash").and_then(hash_of) else { return unclear("which picture? ?hash=H") };
    let found = tokio::task::spawn_blocking(move || {
        let seen = lock(&shared.pictures).find(hash);
        seen.or_else(|| shared.kept().picture(game, hash).map(|frame| Shown::of(&frame, game)))
    });
    match found.await {
        Ok(Some(shown)) => typed("application/octet-stream", shown.bytes),
        _ => (StatusCode::NOT_FOUND, "this picture was not kept\n").into_response(),
    }
}

/// Answers with JSON that is made from files.
async fn read(
    shared: Arc<Shared>,
    make: impl FnOnce(&Kept) -> std::io::Result<Option<String>> + Send + 'static,
) -> Response {
    match tokio::task::spawn_blocking(move || make(&shared.kept())).await {
        Ok(Ok(Some(json))) => typed("application/json", json),
        Ok(Ok(None)) => (StatusCode::NOT_FOUND, "the log holds no such step\n").into_response(),
        Ok(Err(error)) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("the log cannot be read: {error}\n")).into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "this page is closing\n").into_response(),
    }
}

fn row_of(found: &Found) -> Option<Arc<str>> {
    let line: Line = serde_json::from_slice(&found.line).ok()?;
    let Event::StepCompleted(done) = line.event else { return None };
    Some(board::row(&Step { ts: line.ts, step: found.step, frame: line.frame.unwrap_or(0), done: *done }))
}

fn hash_of(text: &str) -> Option<Hash> {
    u64::from_str_radix(text, 16).ok().map(Hash)
}

fn number<N: FromStr>(query: &str, name: &str) -> Option<N> {
    value_of(query, name)?.parse().ok()
}

fn unclear(line: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{line}\n")).into_response()
}

fn typed(kind: &'static str, body: impl Into<Bytes>) -> Response {
    ([(header::CONTENT_TYPE, kind)], body.into()).into_response()
}
