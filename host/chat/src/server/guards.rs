//! Who may ask: hosts, keys, and pages of others in a browser.

use super::problem::Problem;
use super::routes::App;
use crate::error::ChatError;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// Whom the server lets in.
#[derive(Debug, Clone)]
pub(super) struct Doors {
    pub host: IpAddr,
    /// What a client must show.
    pub key: Option<String>,
    /// The pages in browsers that may ask: an origin, or `*`.
    pub origin: Option<HeaderValue>,
}

/// What browsers send as a page's origin: a scheme, a host and perhaps a port; or `*`.
///
/// # Errors
/// [`ChatError::Origin`]: anything else is never equal to what a browser sends.
pub(super) fn origin(origin: String) -> Result<HeaderValue, ChatError> {
    let place = origin.split_once("://").filter(|(scheme, place)| !scheme.is_empty() && !place.is_empty());
    let is_origin = origin == "*" || place.is_some_and(|(_, place)| !place.contains(['/', '?', '#', '@', ' ']));
    let value = Some(&origin).filter(|_| is_origin).and_then(|origin| HeaderValue::from_str(origin).ok());
    value.ok_or(ChatError::Origin { origin })
}

/// Addresses that anybody may look at: whether the server lives, and the page that asks for the key.
const OPEN_PATHS: [&str; 2] = ["/", "/health"];

/// Lets in whom the doors are open to, and tells a browser which pages may read the answer.
pub(super) async fn guard(State(shared): App, request: Request, next: Next) -> Response {
    let doors = &shared.doors;
    let mut response = match &doors.origin {
        // What a browser asks before it lets a page ask.
        Some(_) if request.method() == Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => match doors.check(request.uri().path(), request.headers()) {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        },
    };
    if let Some(origin) = &doors.origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

impl Doors {
    fn check(&self, path: &str, headers: &HeaderMap) -> Result<(), Problem> {
        match &self.key {
            Some(key) => check_key(key, path, headers),
            None => self.check_host(headers),
        }
    }

    /// Refuses what is not meant for this address: a page in a browser whose host's name was bent to it. Where a key is asked for
    /// no such page has one.
    fn check_host(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, _)) => name,
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        let is_own = name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || address == self.host);
        let message = || format!("this server is {}, not '{host}'", self.host);
        if is_own { Ok(()) } else { Err(Problem::new(StatusCode::FORBIDDEN, "wrong_host", message())) }
    }
}

fn check_key(key: &str, path: &str, headers: &HeaderMap) -> Result<(), Problem> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    if OPEN_PATHS.contains(&path) || shown.is_some_and(|(_, shown)| is_same(shown.trim().as_bytes(), key.as_bytes())) {
        return Ok(());
    }
    let message = "this server asks for its API key, as 'Authorization: Bearer KEY'";
    Err(Problem::new(StatusCode::UNAUTHORIZED, "invalid_api_key", message))
}

/// Whether two texts are the same, in a time that does not tell where they differ.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn without_a_key_the_address_alone_is_answered() {
        let doors = Doors { host: Ipv4Addr::LOCALHOST.into(), key: None, origin: None };
        for (host, is_let_in) in [
            ("127.0.0.1:80", true),
            ("localhost", true),
            ("[::1]:8080", true),
            ("127.0.0.2", true),
            ("evil.example:80", false),
            ("10.0.0.1", false),
            ("127.0.0.1.evil.example", false),
        ] {
            assert_eq!(doors.check("/v1/models", &headers(&[(header::HOST, host)])).is_ok(), is_let_in, "{host}");
        }
    }

    #[test]
    fn with_a_key_whoever_shows_it_is_answered() {
        let doors = Doors { host: Ipv4Addr::UNSPECIFIED.into(), key: Some("secret".into()), origin: None };
        for (path, shown, is_let_in) in [
            ("/v1/models", "Bearer secret", true),
            ("/v1/models", "bearer secret", true),
            ("/v1/models", "Bearer secreT", false),
            ("/v1/models", "secret", false),
            ("/health", "", true),
            ("/metrics", "", false),
        ] {
            let headers = headers(&[(header::HOST, "evil.example"), (header::AUTHORIZATION, shown)]);
            assert_eq!(doors.check(path, &headers).is_ok(), is_let_in, "{path} {shown}");
        }
    }
}
