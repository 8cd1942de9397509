//! What all connections to servers of models and embeddings have in common: the key in their headers, one cryptography
//! provider, and errors told by their root cause.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Error};

/// A client that sends this key, follows no redirection, and is to be set up further; `variable` is the environment variable
/// that the key is from.
///
/// # Errors
/// One line, without the key, when it cannot be sent.
pub(crate) fn client(key: Option<&str>, variable: &str) -> Result<ClientBuilder, String> {
    // Who else in this process has chosen one already has chosen the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        headers.insert(AUTHORIZATION, bearer(key, variable)?);
    }
    Ok(Client::builder().default_headers(headers).redirect(Policy::none()))
}

/// The header's value that says this key, from this environment variable.
///
/// # Errors
/// One line, without the key, when it cannot be sent.
pub(crate) fn bearer(key: &str, variable: &str) -> Result<HeaderValue, String> {
    let wrong = |_| format!("{variable} holds letters that a key cannot have");
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(wrong)?;
    value.set_sensitive(true);
    Ok(value)
}

/// What is behind an error: the last cause says it best, and names no address that may hold a secret.
pub(crate) fn root_cause(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
