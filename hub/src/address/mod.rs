//! Where the hub is reached, and where requests come from: what changes when a proxy stands before it.
//!
//! Without a word about proxies, a request comes from whoever connected, and the hub is whatever `Host` says. With
//! `--trusted-proxy NETWORK`, what a proxy of that network says of its client is believed (`Forwarded`, or
//! `X-Forwarded-For`, `-Proto` and `-Host`), and nobody else's word: these headers are what anybody can write.
//! With `--public-url`, people's browsers open the hub there: its pages, its cookie and its check of origins use
//! that address, and the path in it, if it has one. A proxy may take the path off or leave it on.

/// What proxies say of their clients.
mod forwarded;

/// The address that people open.
mod public;

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header, uri};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

use crate::error::HttpError;
pub use public::{PublicUrl, PublicUrlError};

/// Networks, such as those of the proxies that are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

/// An address, or a network such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

/// What is no network.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is neither an address, such as 10.0.0.7, nor a network, such as 10.0.0.0/8")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map(|net| Self(net.trunc())).map_err(|_| NetworkError(text.chars().take(80).collect()))
    }
}

impl From<Vec<Network>> for Networks {
    fn from(networks: Vec<Network>) -> Self {
        Self(networks)
    }
}

impl Networks {
    /// Whether this address is in one of them.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.0.contains(&address))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where the hub is reached, as it was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// What people open, if it is not what `Host` says.
    pub public: Option<PublicUrl>,
    /// Whose word about their clients is believed.
    pub proxies: Networks,
}

/// Where a request comes from, and how it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The client's address; `None` where there is no connection, as in a test.
    pub(crate) ip: Option<IpAddr>,
    /// Whether the client spoke TLS, as far as is known.
    pub(crate) https: bool,
    /// The host that the client asked, by a proxy's word.
    pub(crate) host: Option<String>,
    /// Whether somebody who is not believed says that the address is not the client's.
    pub(crate) unnamed_proxy: bool,
    /// The public address, if this request came by way of it.
    pub(crate) public: Option<PublicUrl>,
}

impl Site {
    /// Where a request with these headers comes from, over a connection from `peer`.
    pub(crate) fn caller(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Caller {
        let peer = peer.map(|peer| peer.to_canonical());
        let believed = peer.is_some_and(|peer| self.proxies.contain(peer));
        // Who comes round the proxy finds the hub where it is: its pages have no path before them.
        let public = self.public.clone().filter(|_| believed || self.proxies.is_empty());
        let https = public.as_ref().is_some_and(PublicUrl::is_https);
        match peer.filter(|_| believed) {
            Some(proxy) => {
                let said = forwarded::read(proxy, headers, &self.proxies);
                Caller {
                    ip: Some(said.client),
                    https: https || said.proto.as_deref() == Some("https"),
                    host: said.host,
                    unnamed_proxy: false,
                    public,
                }
            }
            None => Caller { ip: peer, https, host: None, unnamed_proxy: forwarded::is_said(headers), public },
        }
    }
}

impl Caller {
    /// The path before all others in what this client sees: `/`, or the one of the public address.
    pub(crate) fn base(&self) -> &str {
        self.public.as_ref().map_or("/", PublicUrl::base)
    }

    /// Whether a browser that names this origin has opened a page of ours.
    pub(crate) fn is_own_origin(&self, origin: &str, headers: &HeaderMap) -> bool {
        let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = origin.split_once("://").map(|(_, host)| host);
        let is = |name: Option<&str>| host.is_some() && host == name;
        is(asked) || is(self.host.as_deref()) || self.public.as_ref().is_some_and(|public| public.origin() == origin)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HttpError> {
        Ok(Self::of(parts))
    }
}

impl Caller {
    /// What [`know_the_caller`] found out.
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }
}

/// Finds out once, for all handlers, where a request comes from.
pub(crate) async fn know_the_caller(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    let caller = site.caller(peer, request.headers());
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// A request's address without the path of the public address, which some proxies leave on.
pub(crate) fn without_base(uri: &Uri, base: &str) -> Option<Uri> {
    let rest = uri.path().strip_prefix(base.strip_suffix('/')?)?;
    if base == "/" || !(rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    let path = if rest.is_empty() { "/" } else { rest };
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts: uri::Parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod hub_tests;
