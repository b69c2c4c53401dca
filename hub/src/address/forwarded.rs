//! What proxies say of their clients: `Forwarded` (RFC 7239), or `X-Forwarded-For`, `-Proto` and `-Host`. Pure.
//!
//! Each proxy adds whom it was asked by to the right. Read from the right, the first address that is no trusted
//! proxy's is the client: what stands to the left of it, the client may have written itself. A proxy that sets one
//! of the two headers passes the other on as it came; where the two name different clients, neither is believed, and
//! the proxy itself counts as the client.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use super::Networks;

const FORWARDED: &str = "forwarded";
const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";

/// What was said of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) client: IpAddr,
    pub(super) proto: Option<String>,
    pub(super) host: Option<String>,
}

/// One proxy's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Hop {
    /// `None`: unknown, or hidden.
    client: Option<IpAddr>,
    proto: Option<String>,
    host: Option<String>,
}

/// Whether anything is said of a client at all.
pub(super) fn is_said(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED) || headers.contains_key(FOR)
}

/// What the trusted proxies say, of which `proxy` is the one that connected.
pub(super) fn read(proxy: IpAddr, headers: &HeaderMap, trusted: &Networks) -> Said {
    let standard = headers.contains_key(FORWARDED).then(|| outermost(proxy, &standard(headers), trusted));
    let usual = headers.contains_key(FOR).then(|| outermost(proxy, &usual(headers), trusted));
    match (standard, usual) {
        (Some(one), Some(other)) if one.client != other.client => Said { client: proxy, proto: None, host: None },
        (Some(one), other) => {
            let other = other.unwrap_or(Said { client: proxy, proto: None, host: None });
            Said { client: one.client, proto: one.proto.or(other.proto), host: one.host.or(other.host) }
        }
        (None, Some(one)) => one,
        // A proxy that names no client may still say how it was asked.
        (None, None) => Said { client: proxy, proto: last(headers, PROTO), host: last(headers, HOST) },
    }
}

/// The words of the outermost proxy that is trusted.
fn outermost(proxy: IpAddr, hops: &[Hop], trusted: &Networks) -> Said {
    let mut said = Said { client: proxy, proto: None, host: None };
    for hop in hops.iter().rev() {
        said.proto = hop.proto.clone().or(said.proto);
        said.host = hop.host.clone().or(said.host);
        // Who says "unknown" is the nearest that is known.
        let Some(client) = hop.client else { break };
        said.client = client;
        if !trusted.contain(client) {
            break;
        }
    }
    said
}

fn standard(headers: &HeaderMap) -> Vec<Hop> {
    let hop = |element: &str| {
        let mut hop = Hop::default();
        for pair in element.split(';') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => hop.client = address(value),
                "proto" => hop.proto = Some(value.to_ascii_lowercase()),
                "host" => hop.host = Some(value.to_owned()),
                _ => {}
            }
        }
        hop
    };
    list(headers, FORWARDED).iter().map(|element| hop(element)).collect()
}

fn usual(headers: &HeaderMap) -> Vec<Hop> {
    let mut hops: Vec<Hop> =
        list(headers, FOR).iter().map(|client| Hop { client: address(client), ..Hop::default() }).collect();
    // These two are set by the nearest proxy as a rule, not added to.
    if let Some(nearest) = hops.last_mut() {
        nearest.proto = last(headers, PROTO);
        nearest.host = last(headers, HOST);
    }
    hops
}

fn list(headers: &HeaderMap, name: &str) -> Vec<String> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|part| part.trim().to_owned()).collect()
}

fn last(headers: &HeaderMap, name: &str) -> Option<String> {
    list(headers, name).pop().filter(|value| !value.is_empty())
}

/// An address with or without a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let found = bare.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    found.map(|address| address.to_canonical())
}
