use std::io::{Read as _, Write as _};

use tempfile::TempDir;

use crate::config::Config;
use crate::door::{Capacity, DoorConfig};
use crate::server;
use crate::testing::{PATIENCE, TestBin, TestHub, config, event};

async fn hub(door: DoorConfig) -> TestHub {
    let folder = TempDir::new().expect("a temporary folder");
    let running = server::start(Config { door, ..config(&folder) }).await.expect("starts");
    TestHub { running, folder }
}

fn connect(hub: &TestHub, says: &[u8]) -> std::net::TcpStream {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", hub.port())).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("sets");
    stream.write_all(says).expect("writes");
    stream
}

/// Waits for the end of a connection, before which nothing may come.
async fn ends(mut stream: std::net::TcpStream) {
    let reading = tokio::task::spawn_blocking(move || stream.read(&mut [0; 8]));
    match reading.await.expect("reads") {
        Ok(0) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        other => panic!("it did not end: {other:?}"),
    }
}

#[tokio::test]
async fn without_a_connect_in_time_a_connection_ends() {
    let soon = std::time::Duration::from_millis(300);
    let hub = hub(DoorConfig { mqtt_connect: soon, ..DoorConfig::default() }).await;
    // Nothing, a part of a CONNECT, and what is none.
    for says in [b"".as_slice(), &[0x10], &[0x10, 0x2a, 0x00, 0x04, b'M', b'Q'], b"GET / HTTP/1.1\r\n\r\n"] {
        ends(connect(&hub, says)).await;
    }
    assert_eq!(hub.running.state.doors.read().mqtt.silent_closed, 3);
    let mut bin = hub.bin("b1").await;
    bin.listen_for_acks().await;
    bin.send(&event("b1", 1, true)).await;
    assert_eq!(bin.acks(1).await, [1], "who connects in time stays, however long it says nothing then");
}

#[tokio::test]
async fn the_silent_make_way_for_a_bin() {
    let mqtt = Some(Capacity { in_all: 20, by_address: 12 });
    let hub = hub(DoorConfig { mqtt, mqtt_connect: 10 * PATIENCE, ..DoorConfig::default() }).await;
    let secret = hub.enrol("b1").await;
    // One of the places is the hub's own.
    let mut silent: Vec<_> = (0..11).map(|_| connect(&hub, &[])).collect();
    hub.until("all are in", |hub| hub.state.doors.read().mqtt.open == 12).await;
    let bin = TestBin::connect(hub.port(), "b1", secret.reveal()).await.expect("there is always room for a bin");
    ends(silent.remove(0)).await;
    let mqtt = hub.running.state.doors.read().mqtt;
    assert_eq!((mqtt.made_way, mqtt.refused), (1, 0));
    assert!(hub.running.state.ingest.read().connected, "the hub's own connection stays");
    drop(bin);
    hub.until("the bin left", |hub| hub.state.doors.read().mqtt.open == 11).await;
}
