//! Who may connect, and in which form messages travel: decided from the HTTP request, before there is a WebSocket.

use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use wire::emulator::{SUBPROTOCOL_BINCODE, SUBPROTOCOL_JSON};

/// The form of the messages on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Binary frames.
    Bincode,
    /// Text frames.
    Json,
}

/// Accepts the request, or answers with a status and one line that says why not.
pub(super) fn decide(
    request: &Request,
    mut response: Response,
    token: &str,
) -> Result<(Response, Form), Box<ErrorResponse>> {
    // A browser names the page that a connection comes from; pages from elsewhere have no business with the emulator.
    if let Some(origin) = request.headers().get(header::ORIGIN)
        && !origin.to_str().is_ok_and(is_loopback_origin)
    {
        return refuse(StatusCode::FORBIDDEN, "only pages served from this machine may connect");
    }
    let given = request.uri().query().into_iter().flat_map(|query| query.split('&'));
    let given = given.filter_map(|pair| pair.strip_prefix("token=")).next_back().unwrap_or_default();
    if !equal_in_constant_time(given.as_bytes(), token.as_bytes()) {
        return refuse(
            StatusCode::UNAUTHORIZED,
            "the token is missing or wrong: use the whole address, ?token= included",
        );
    }
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let offered: Vec<&str> = offered
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let form = match offered.iter().find_map(|name| form_named(name)) {
        Some(form) => form,
        None if offered.is_empty() => return Ok((response, Form::Json)),
        None => {
            let text = format!("no known subprotocol: this server speaks {SUBPROTOCOL_BINCODE} and {SUBPROTOCOL_JSON}");
            return refuse(StatusCode::BAD_REQUEST, &text);
        }
    };
    response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(form.name()));
    Ok((response, form))
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Form::Bincode => SUBPROTOCOL_BINCODE,
            Form::Json => SUBPROTOCOL_JSON,
        }
    }
}

fn form_named(name: &str) -> Option<Form> {
    [Form::Bincode, Form::Json].into_iter().find(|form| form.name() == name)
}

fn refuse<T>(status: StatusCode, line: &str) -> Result<T, Box<ErrorResponse>> {
    let body = format!("{line}\n");
    let mut response = ErrorResponse::new(None);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    *response.body_mut() = Some(body);
    Err(Box::new(response))
}

/// `http://localhost:8080` and the like.
fn is_loopback_origin(origin: &str) -> bool {
    let Some((_, authority)) = origin.split_once("://") else { return false };
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(host, _)| host),
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Takes as long for a token that is wrong in its first letter as for one that is wrong in its last.
fn equal_in_constant_time(left: &[u8], right: &[u8]) -> bool {
    let differing = left.iter().zip(right).fold(0, |differing, (left, right)| differing | (left ^ right));
    std::hint::black_box(differing) == 0 && left.len() == right.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(query: &str, headers: &[(&str, &str)]) -> Result<Form, (u16, String)> {
        let mut request = Request::builder().uri(format!("/{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a request is built");
        match decide(&request, Response::new(()), "abc123") {
            Ok((_, form)) => Ok(form),
            Err(response) => Err((response.status().as_u16(), response.into_body().unwrap_or_default())),
        }
    }

    #[test]
    fn the_first_known_subprotocol_is_taken() {
        let both = format!("other, {SUBPROTOCOL_BINCODE}, {SUBPROTOCOL_JSON}");
        assert_eq!(decision("?token=abc123", &[("sec-websocket-protocol", &both)]), Ok(Form::Bincode));
        assert_eq!(decision("?x=1&token=abc123", &[]), Ok(Form::Json));
        let refused = decision("?token=abc123", &[("sec-websocket-protocol", "other")]).expect_err("it is unknown");
        assert_eq!(refused.0, 400);
        assert!(refused.1.contains(SUBPROTOCOL_JSON), "{}", refused.1);
    }

    #[test]
    fn a_wrong_token_is_unauthorised() {
        for query in ["", "?token=", "?token=abc12", "?token=abc1234", "?token=abd123", "?tokens=abc123"] {
            assert_eq!(decision(query, &[]).expect_err("no entry").0, 401, "{query}");
        }
    }

    #[test]
    fn pages_from_elsewhere_are_forbidden() {
        for origin in ["https://example.org", "null", "http://localhost.example.org", "http://127.0.0.1.example.org"] {
            assert_eq!(decision("?token=abc123", &[("origin", origin)]).expect_err("no entry").0, 403, "{origin}");
        }
        for origin in ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:3000"] {
            assert_eq!(decision("?token=abc123", &[("origin", origin)]), Ok(Form::Json), "{origin}");
        }
    }
}
