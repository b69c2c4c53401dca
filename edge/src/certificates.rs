//! Certificates: those who may vouch for a server, and what one that is not accepted means and what to do about it.
//! The verifier (rustls with webpki) says why in a word of its own; that word is in its texts, through every library
//! above it.

use std::path::Path;
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

/// Those who may vouch for a server, from a PEM file; or why not, in words.
pub(crate) fn root_certs(path: &Path) -> Result<RootCerts, String> {
    let pem = std::fs::read(path).map_err(|e| e.to_string())?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

/// The reason in words, with what to do if it is one of the certificate; `key` is the configuration's key of those who
/// may vouch for the server.
#[must_use]
pub(crate) fn explained(key: &str, reason: String) -> String {
    let about = REMEDIES.iter().find(|(word, _)| reason.contains(word));
    match about {
        Some((_, remedy)) => format!("{reason}: {}", remedy.replace("{key}", key)),
        None => reason,
    }
}

/// The verifier's words, and what to do.
const REMEDIES: [(&str, &str); 7] = [
    (
        "CaUsedAsEndEntity",
        "the server shows a certificate that signs itself and says that it is an authority, as `openssl req -x509` makes \
         them; that is none of a server. Make it again with `-addext basicConstraints=critical,CA:FALSE -addext \
         subjectAltName=DNS:NAME` (or IP:ADDRESS) and name it as {key}, or sign one with an authority of your own and \
         name that",
    ),
    (
        "UnsupportedCertVersion",
        "the certificate is of version 1, which has no names in it: make it again with `-addext \
         subjectAltName=DNS:NAME` (or IP:ADDRESS)",
    ),
    (
        "UnknownIssuer",
        "nobody in {key} vouches for the server's certificate: name there, in PEM, the authority that signed it, or the \
         certificate itself if it signs itself",
    ),
    (
        "BadSignature",
        "what {key} names has the right name and another key: it is an older or newer authority; copy the server's again",
    ),
    (
        "not valid for name",
        "the url must name the server as its certificate does, or the certificate must have that name or address as \
         subjectAltName",
    ),
    ("NotValidForName", "the certificate must have the name or address of the url as subjectAltName"),
    ("expired", "it is time for a new certificate, or this machine's clock is wrong (`timedatectl`)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_verifier_says_is_followed_by_what_to_do() {
        for (reason, expected) in [
            ("invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))", "CA:FALSE"),
            ("invalid peer certificate: UnknownIssuer", "nobody in mqtt.ca_file vouches"),
            ("invalid peer certificate: BadSignature", "copy the server's again"),
            ("invalid peer certificate: certificate not valid for name \"h\"", "the url must name the server"),
            ("invalid peer certificate: certificate expired: verification time", "timedatectl"),
        ] {
            let words = explained("mqtt.ca_file", reason.to_owned());
            assert!(words.starts_with(reason) && words.contains(expected), "{words}");
        }
        assert_eq!(explained("mqtt.ca_file", "timed out".to_owned()), "timed out");
    }
}
