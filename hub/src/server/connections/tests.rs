use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::time::Duration;

use tempfile::TempDir;

use crate::config::Config;
use crate::door::{Capacity, DoorConfig, DoorStatus};
use crate::server;
use crate::testing::{PATIENCE, TestHub, config};

/// Shorter than a test, longer than a client of this machine needs.
const SOON: Duration = Duration::from_millis(300);

async fn hub(door: DoorConfig) -> TestHub {
    let folder = TempDir::new().expect("a temporary folder");
    let running = server::start(Config { door, ..config(&folder) }).await.expect("starts");
    TestHub { running, folder }
}

/// Nobody is sent away for being silent within a test.
fn patient() -> DoorConfig {
    let long = 10 * PATIENCE;
    DoorConfig { http_first: long, http_next: long, http_stalled: long, mqtt_connect: long, ..DoorConfig::default() }
}

fn connect(hub: &TestHub, says: &str) -> std::net::TcpStream {
    let mut stream = std::net::TcpStream::connect(hub.running.http_addr).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("sets");
    stream.write_all(says.as_bytes()).expect("writes");
    stream
}

/// What still comes, up to the end of the connection.
async fn to_the_end(mut stream: std::net::TcpStream) -> String {
    let reading = tokio::task::spawn_blocking(move || {
        let mut all = Vec::new();
        match stream.read_to_end(&mut all) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("it is still open"),
            _ => String::from_utf8_lossy(&all).into_owned(),
        }
    });
    reading.await.expect("reads")
}

fn http(hub: &TestHub) -> DoorStatus {
    hub.running.state.doors.read().http
}

#[tokio::test]
async fn whoever_says_nothing_is_sent_away() {
    let hub = hub(DoorConfig { http_first: SOON, http_next: SOON, http_stalled: SOON, ..patient() }).await;
    for says in ["", "GET /health HT", "GET /health HTTP/1.1\r\nHost: hub\r\n"] {
        assert_eq!(to_the_end(connect(&hub, says)).await, "", "{says:?}");
    }
    assert_eq!(http(&hub).silent_closed, 3);
    let kept = to_the_end(connect(&hub, "GET /health HTTP/1.1\r\nHost: hub\r\n\r\n")).await;
    assert!(kept.starts_with("HTTP/1.1 200"), "{kept}");
    let begun =
        "POST /api/v1/login HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{";
    let stalled = to_the_end(connect(&hub, begun)).await;
    assert!(stalled.starts_with("HTTP/1.1 4"), "{stalled}");
    hub.until("all left", |hub| hub.state.doors.read().http.open == 0).await;
}

#[tokio::test]
async fn the_silent_make_way_for_those_who_speak() {
    let capacity = Capacity { in_all: 20, by_address: 12 };
    let hub = hub(DoorConfig { http: Some(capacity), ..patient() }).await;
    let mut silent: Vec<_> = (0..11).map(|_| connect(&hub, "GET /hea")).collect();
    for round in 1..=5 {
        silent.push(connect(&hub, ""));
        hub.until("all are in", |hub| hub.state.doors.read().http.open == 12).await;
        let answer = hub.request("GET", "/health", &[], None).await;
        assert_eq!(answer.status, 200, "{round}");
        assert_eq!(to_the_end(silent.remove(0)).await, "", "the one that was silent for the longest");
        hub.until("the one that was answered left", |hub| hub.state.doors.read().http.open == 11).await;
    }
    let status = http(&hub);
    assert_eq!((status.made_way, status.refused, status.silent_closed), (5, 0, 0));
}

#[tokio::test]
async fn when_all_are_at_work_the_newest_is_refused_and_told_of() {
    let hub = hub(DoorConfig { http: Some(Capacity { in_all: 8, by_address: 2 }), ..patient() }).await;
    let login = crate::testing::basic("admin", crate::testing::PASSWORD);
    let watch = format!("GET /api/v1/live HTTP/1.1\r\nHost: hub\r\nAuthorization: {login}\r\n\r\n");
    let mut watching: Vec<_> = (0..2).map(|_| connect(&hub, &watch)).collect();
    for stream in &watching {
        let mut reader = BufReader::new(stream.try_clone().expect("the same stream"));
        let reading = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            reader.read_line(&mut line).expect("reads");
            line
        });
        assert!(reading.await.expect("reads").starts_with("HTTP/1.1 200"));
    }
    assert_eq!(to_the_end(connect(&hub, "")).await, "");
    assert_eq!((http(&hub).open, http(&hub).refused), (2, 1));
    watching.pop().expect("two").shutdown(Shutdown::Both).expect("closes");
    hub.until("one left", |hub| hub.state.doors.read().http.open == 1).await;
    let status = hub.request("GET", "/api/status", &[], None).await;
    assert_eq!(status.json()["doors"]["http"]["refused"], 1, "{}", status.text());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_left() {
    use tokio::io::AsyncWriteExt as _;
    let (near, _far) = tokio::io::duplex(64);
    let mut patient = super::Patient::new(near, SOON);
    let error = patient.write_all(&[0; 1000]).await.expect_err("nobody reads");
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_the_silent() {
    let hub = hub(patient()).await;
    let (silent, kept) = (connect(&hub, ""), connect(&hub, "GET /health HTTP/1.1\r\nHost: hub\r\n\r\n"));
    hub.until("both are in", |hub| hub.state.doors.read().http.open == 2).await;
    hub.running.stop().await;
    assert_eq!(to_the_end(silent).await, "");
    assert!(to_the_end(kept).await.starts_with("HTTP/1.1 200"));
}
