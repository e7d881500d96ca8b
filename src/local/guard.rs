//! Keeps web pages out.
//!
//! The port takes any credentials, and a job runs a program with variables of the request's choosing. A page in a browser
//! on this machine can reach the port too, under a name of its own that it points at 127.0.0.1, or by a plain form. Both
//! show: the first in `Host`, the second in `Origin`, which no AWS client sends.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// True for a request that a program on this machine has made, not a page of another site.
pub(crate) fn is_local(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .map(|it: &HeaderValue| it.to_str().unwrap_or_default())
    };
    let origin = text(header::ORIGIN).map(|it| it.split_once("://").map_or("", |(_, host)| host));
    text(header::HOST).is_some_and(is_loopback) && origin.is_none_or(is_loopback)
}

/// What everybody else gets.
pub(crate) fn refusal() -> Response {
    let text = "this port is for programs on this machine: ask for 127.0.0.1 or localhost, and not from a web page\n";
    (StatusCode::FORBIDDEN, text).into_response()
}

/// `127.0.0.1`, `[::1]`, `localhost` or a name below it, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.to_ascii_lowercase();
    let named = name == "localhost" || name.ends_with(".localhost");
    named || name.parse().is_ok_and(|it: IpAddr| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(host: &str, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        headers.extend(origin.map(|it| (header::ORIGIN, it.parse().unwrap())));
        is_local(&headers)
    }

    #[test]
    fn clients_on_this_machine_pass() {
        for host in [
            "127.0.0.1:4566",
            "localhost:4566",
            "LOCALHOST",
            "bkt.localhost:4566",
            "[::1]:4566",
        ] {
            assert!(passes(host, None), "{host}");
        }
        assert!(passes("localhost:4566", Some("http://localhost:3000")));
    }

    #[test]
    fn pages_of_other_sites_do_not() {
        assert!(!passes("rebound.example.com:4566", None));
        assert!(!passes("127.0.0.1.example.com", None));
        assert!(!passes("127.0.0.1:4566", Some("https://example.com")));
        assert!(!passes("127.0.0.1:4566", Some("null")));
        assert!(!is_local(&HeaderMap::new()));
    }
}
