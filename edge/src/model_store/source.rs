//! The files of a repository over HTTP: `GET {address}/metadata/{name}` and `GET {address}/targets/{name}`, from the hub
//! or from a bucket or CDN before it. A redirection is not followed: to whom the bin speaks is said by its configuration.

use pilah_trust::source::{Part, Reply, Request, Source, SourceError};

use super::fetch::begins_at;
use crate::address::HubAddress;
use crate::certificates;

/// What vouches for the server of updates, by its name in the configuration.
pub(super) const CA_FILE: &str = "updates.ca_file";

/// A repository at an address. `authorization` is for the hub alone.
pub(super) fn over_http(agent: ureq::Agent, address: HubAddress, authorization: Option<String>) -> Source {
    Source::new(move |request| open(&agent, &address, authorization.as_deref(), request))
}

fn open(
    agent: &ureq::Agent,
    address: &HubAddress,
    authorization: Option<&str>,
    Request { part, name, from }: Request<'_>,
) -> Result<Reply, SourceError> {
    let failed = |words: String| SourceError::Failed(words.into());
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return Err(failed("its name is no name of a file".to_owned()));
    }
    let folder = match part {
        Part::Metadata => "metadata",
        Part::Targets => "targets",
    };
    let url = address.join(&format!("/{folder}/{name}"));
    let mut asked = agent.get(&url);
    if let Some(authorization) = authorization {
        asked = asked.header("Authorization", authorization);
    }
    if from > 0 {
        asked = asked.header("Range", format!("bytes={from}-"));
    }
    let response = asked
        .call()
        .map_err(|error| failed(format!("{url}: {}", certificates::explained(CA_FILE, error.to_string()))))?;
    let range = response.headers().get("content-range").and_then(|range| range.to_str().ok()).and_then(begins_at);
    let from = match (response.status().as_u16(), range) {
        (200, _) => 0,
        (206, Some(begins)) if from > 0 && begins <= from => begins,
        (404 | 410, _) => return Err(SourceError::NotThere),
        (status @ 300..400, _) => {
            return Err(failed(format!("{url}: answers {status}, a redirection, which is not followed")));
        }
        (status, _) => return Err(failed(format!("{url}: answers {status}"))),
    };
    Ok(Reply { from, body: Box::new(response.into_body().into_reader()) })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;
    use crate::model_store::fetch;

    /// What one answer comes to, and the request.
    fn asked(
        response: &str,
        request: Request<'_>,
        authorization: Option<&str>,
    ) -> (Result<Reply, SourceError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address: HubAddress =
            format!("http://{}/repo", listener.local_addr().expect("bound")).parse().expect("valid");
        let response = response.to_owned();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).expect("a request");
            stream.write_all(response.as_bytes()).expect("writes");
            String::from_utf8_lossy(&request[..read]).to_ascii_lowercase()
        });
        let agent = fetch::agent(CA_FILE, None, Duration::from_secs(60)).expect("no certificates needed");
        let reply = over_http(agent, address, authorization.map(str::to_owned)).open(request);
        (reply, thread.join().expect("answered"))
    }

    fn http(head: &str, body: &str) -> String {
        format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn a_file_is_asked_for_by_its_name_from_the_byte_that_is_lacking() {
        let part = http("206 Partial Content\r\nContent-Range: bytes 3-4/5", "45");
        for (response, part, from, expected) in [
            (http("200 OK", "12345"), Part::Metadata, 0, (0, "12345")),
            (part, Part::Targets, 3, (3, "45")),
            (http("200 OK", "12345"), Part::Targets, 3, (0, "12345")),
        ] {
            let (reply, request) = asked(&response, Request { part, name: "2.root.json", from }, None);
            let Reply { from: begins, mut body } = reply.expect("it comes");
            let mut came = String::new();
            body.read_to_string(&mut came).expect("all of it");
            assert_eq!((begins, came.as_str()), expected);
            let folder = if part == Part::Metadata { "metadata" } else { "targets" };
            assert!(request.starts_with(&format!("get /repo/{folder}/2.root.json ")), "{request}");
            assert_eq!(request.contains("\r\nrange: bytes=3-\r\n"), from == 3, "{request}");
            assert!(!request.contains("authorization"), "{request}");
        }
    }

    #[test]
    fn only_not_there_means_that_it_is_not_there() {
        for (response, expected) in [
            (http("404 Not Found", ""), None),
            (http("410 Gone", ""), None),
            (http("403 Forbidden", ""), Some("answers 403")),
            (http("503 Service Unavailable", ""), Some("answers 503")),
            (http("302 Found\r\nLocation: http://127.0.0.1:1/", ""), Some("answers 302, a redirection")),
            (http("206 Partial Content\r\nContent-Range: bytes 9-9/10", "x"), Some("answers 206")),
            ("nonsense\r\n\r\n".to_owned(), Some("http://127.0.0.1")),
        ] {
            let request = Request { part: Part::Metadata, name: "timestamp.json", from: 0 };
            let (reply, request) = asked(&response, request, Some("Basic x"));
            assert!(request.contains("\r\nauthorization: basic x\r\n"), "{request}");
            match (reply.err().expect(&response), expected) {
                (SourceError::NotThere, None) => {}
                (SourceError::Failed(error), Some(expected)) => {
                    assert!(error.to_string().contains(expected), "{error}");
                }
                (error, expected) => panic!("{error:?}, not {expected:?}"),
            }
        }
    }
}
