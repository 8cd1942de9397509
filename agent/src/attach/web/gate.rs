//! Who gets in: whoever has the token, from this machine, and from no other page.
//!
//! The name that a browser was told to go to must be a loopback one, so that no name of elsewhere that leads here is served
//! (DNS rebinding); a request that another page makes is refused by its origin even with the token. The first request with the token
//! gets a cookie, so that the token need not stay in the address.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;

/// Lets requests in, or not.
pub struct Gate {
    port: u16,
    token: String,
}

/// A request, as far as it says who makes it.
struct Asked<'a> {
    host: &'a str,
    origin: Option<&'a str>,
    /// What is given as the token in the address.
    given: Option<&'a str>,
    cookies: &'a str,
}

impl Gate {
    /// A gate at this port, for who has this token.
    pub fn new(port: u16, token: String) -> Gate {
        Gate { port, token }
    }

    /// Why a request is refused, in a line.
    fn refuses(&self, asked: &Asked<'_>) -> Option<&'static str> {
        if !["127.0.0.1", "localhost", "[::1]"].iter().any(|name| asked.host == format!("{name}:{}", self.port)) {
            return Some("this page is served on this machine's loopback address alone");
        }
        if asked.origin.is_some_and(|origin| origin.strip_prefix("http://") != Some(asked.host)) {
            return Some("another page may not ask this one");
        }
        let kept = asked.cookies.split(';').filter_map(|cookie| cookie.trim().split_once('='));
        let kept = kept.filter(|(name, _)| *name == self.cookie()).map(|(_, value)| value);
        let is_known =
            asked.given.into_iter().chain(kept).any(|token| is_same(token.as_bytes(), self.token.as_bytes()));
        (!is_known)
            .then_some("the token is missing or wrong; open the link that agent attach --web printed, ?token= included")
    }

    /// Cookies do not heed ports, so several pages of this machine need several names.
    fn cookie(&self) -> String {
        format!("pocketpilot_{}", self.port)
    }
}

/// Passes a request on, or answers with 403 and a line.
pub async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let asked = Asked {
        host: text(header::HOST).unwrap_or_default(),
        // One that is no text is not ours.
        origin: headers.get(header::ORIGIN).map(|_| text(header::ORIGIN).unwrap_or_default()),
        given: request.uri().query().and_then(|query| value_of(query, "token")),
        cookies: text(header::COOKIE).unwrap_or_default(),
    };
    let host = asked.host.to_string();
    let has_token = asked.given.is_some();
    if let Some(line) = gate.refuses(&asked) {
        let mut refused = (StatusCode::FORBIDDEN, format!("{line}\n")).into_response();
        protect(refused.headers_mut(), "");
        return refused;
    }
    let mut answer = next.run(request).await;
    protect(answer.headers_mut(), &host);
    if has_token {
        let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Strict", gate.cookie(), gate.token);
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            answer.headers_mut().insert(header::SET_COOKIE, cookie);
        }
    }
    answer
}

/// The value of a name in the part of an address behind the question mark.
pub fn value_of<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// What the page may do: show what comes from here, and nothing else.
fn protect(headers: &mut HeaderMap, host: &str) {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws://{host}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
}

/// Compares in a time that does not tell how much was right.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).fold(0, |differing, (left, right)| differing | (left ^ right)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Asked<'_>)) -> Option<&'static str> {
        let mut asked = Asked { host: "127.0.0.1:8000", origin: None, given: Some("secret"), cookies: "" };
        change(&mut asked);
        Gate::new(8_000, "secret".to_string()).refuses(&asked)
    }

    #[test]
    fn who_has_the_token_gets_in_from_this_machine_and_from_no_other_page() {
        assert_eq!(refused(|_| ()), None);
        assert_eq!(refused(|asked| (asked.given, asked.cookies) = (None, "a=b; pocketpilot_8000=secret")), None);
        assert_eq!(
            refused(|asked| (asked.host, asked.origin) = ("localhost:8000", Some("http://localhost:8000"))),
            None
        );
        let token =
            Some("the token is missing or wrong; open the link that agent attach --web printed, ?token= included");
        assert_eq!(refused(|asked| asked.given = None), token);
        assert_eq!(refused(|asked| asked.given = Some("secreT")), token);
        assert_eq!(refused(|asked| (asked.given, asked.cookies) = (None, "pocketpilot_8001=secret")), token);
        let host = Some("this page is served on this machine's loopback address alone");
        for name in ["elsewhere.example:8000", "127.0.0.1:8001", "127.0.0.1", "", "127.0.0.1.elsewhere.example:8000"] {
            assert_eq!(refused(|asked| asked.host = name), host, "{name}");
        }
        let origin = Some("another page may not ask this one");
        for name in ["http://elsewhere.example", "http://127.0.0.1:9000", "null", "", "https://127.0.0.1:8000"] {
            assert_eq!(refused(|asked| asked.origin = Some(name)), origin, "{name}");
        }
    }

    #[test]
    fn values_are_found_in_an_address() {
        assert_eq!(value_of("game=1&before=20", "before"), Some("20"));
        assert_eq!(value_of("xgame=1", "game"), None);
    }
}
