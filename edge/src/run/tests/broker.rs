//! A broker of one client, with a hub behind it, in as much MQTT 3.1.1 as a bin needs.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use pilah_models::bundle::Bundle;
use pilah_models::name::{BinId, ContentId, TargetName};
use pilah_models::wire::topic::{self, Channel};
use pilah_models::wire::{Acks, Command, Desired, DesiredModel, Event, Header, Message, Sample, Status};

/// No test waits longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the broker and the hub treat the bin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    /// The connection is cut when so many messages have come over it.
    pub(super) cut_after: Option<usize>,
    /// Whether the hub acknowledges what arrives.
    pub(super) acknowledge: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self { cut_after: None, acknowledge: true }
    }
}

struct State {
    manners: Manners,
    published: Vec<(String, Vec<u8>)>,
    will: Option<Vec<u8>>,
    connections: usize,
    client: Option<TcpStream>,
    desired: Option<Vec<u8>>,
    seq: u64,
}

#[derive(Clone)]
pub(super) struct Broker {
    address: SocketAddr,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Broker {
    pub(super) fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state =
            State { manners, published: Vec::new(), will: None, connections: 0, client: None, desired: None, seq: 0 };
        let broker = Self { address, shared: Arc::new((Mutex::new(state), Condvar::new())) };
        let accepting = broker.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A bin that goes away is not the broker's error.
                accepting.serve(stream).ok();
            }
        });
        broker
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn behave(&self, manners: Manners) {
        self.state().manners = manners;
    }

    pub(super) fn connections(&self) -> usize {
        self.state().connections
    }

    /// What came on a channel so far.
    pub(super) fn published(&self, channel: &str) -> Vec<Vec<u8>> {
        let topic = format!("{}/bins/b1/{channel}", topic::ROOT);
        self.state().published.iter().filter(|(t, _)| *t == topic).map(|(_, payload)| payload.clone()).collect()
    }

    pub(super) fn forget(&self) {
        self.state().published.clear();
    }

    pub(super) fn will(&self) -> Option<Status> {
        let will = self.state().will.clone()?;
        Some(Status::decode(&will).expect("a valid status"))
    }

    pub(super) fn wait_for(&self, what: &str, mut happened: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !happened(self) {
            assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
            drop(self.shared.1.wait_timeout(self.state(), Duration::from_millis(100)).expect("not poisoned"));
        }
    }

    /// The hub wants this model, now and for whoever connects later.
    pub(super) fn want(&self, bundle: &Bundle) {
        self.want_signed(bundle, None);
    }

    /// The same by the name of a signed target.
    pub(super) fn want_signed(&self, bundle: &Bundle, target: Option<&str>) {
        let target = target.map(|target| TargetName::new(target).expect("valid"));
        let model = DesiredModel { version: bundle.manifest().version.clone(), manifest: bundle.id(), target };
        let mut state = self.state();
        let desired = Desired { header: header(&mut state), model: Some(model), program: None }.encode();
        state.desired = Some(desired.clone());
        tell(&mut state, &format!("{}/bins/b1/desired", topic::ROOT), &desired);
    }

    /// The hub asks for something at once, under its number `seq`.
    pub(super) fn command(&self, seq: u64, command: &str) {
        let mut state = self.state();
        let header = Header { seq, ..header(&mut state) };
        let request = serde_json::from_value(serde_json::json!({ "command": command })).expect("a command");
        let command = Command { header, request }.encode();
        tell(&mut state, &format!("{}/bins/b1/commands", topic::ROOT), &command);
    }

    pub(super) fn say(&self, topic: &str, payload: &[u8]) {
        tell(&mut self.state(), topic, payload);
    }

    pub(super) fn acknowledge(&self, numbers: &[(u32, u64)]) {
        let mut state = self.state();
        for number in numbers {
            acknowledge(&mut state, *number);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().expect("not poisoned")
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut received = 0;
        loop {
            let (kind, body) = packet(&mut stream)?;
            let mut state = self.state();
            match kind >> 4 {
                1 => {
                    state.will = will(&body);
                    state.connections += 1;
                    stream.write_all(&[0x20, 2, 0, 0])?;
                    state.client = Some(stream.try_clone()?);
                }
                3 => {
                    let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
                    let topic = String::from_utf8_lossy(&body[2..2 + length]).into_owned();
                    let mut rest = &body[2 + length..];
                    if kind & 0b110 != 0 {
                        stream.write_all(&[0x40, 2, rest[0], rest[1]])?;
                        rest = &rest[2..];
                    }
                    received += 1;
                    let payload = rest.to_vec();
                    let number = match topic::parse(&topic) {
                        Some((_, Channel::Events)) => Some(Event::decode(&payload).expect("a valid event").header),
                        Some((_, Channel::Samples)) => Some(Sample::decode(&payload).expect("a sample").meta.header),
                        _ => None,
                    };
                    state.published.push((topic, payload));
                    if let (Some(Header { epoch, seq, .. }), true) = (number, state.manners.acknowledge) {
                        acknowledge(&mut state, (epoch, seq));
                    }
                    if state.manners.cut_after.is_some_and(|most| received > most) {
                        state.client = None;
                        return Ok(());
                    }
                }
                8 => {
                    // As many filters as the body has, each with a length of two bytes and a QoS of one.
                    let (mut at, mut answer) = (2, Vec::new());
                    while at < body.len() {
                        at += 3 + usize::from(u16::from_be_bytes([body[at], body[at + 1]]));
                        answer.push(1);
                    }
                    stream.write_all(&[&[0x90, 2 + answer.len() as u8, body[0], body[1]], &answer[..]].concat())?;
                    if let Some(desired) = state.desired.clone() {
                        tell(&mut state, &format!("{}/bins/b1/desired", topic::ROOT), &desired);
                    }
                }
                12 => stream.write_all(&[0xd0, 0])?,
                14 => return Ok(()),
                _ => {}
            }
            drop(state);
            self.shared.1.notify_all();
        }
    }
}

fn header(state: &mut State) -> Header {
    state.seq += 1;
    Header {
        v: 1,
        bin: BinId::new("b1").expect("valid"),
        epoch: 77,
        seq: state.seq,
        at: "2026-01-02T03:04:05Z".parse().expect("valid"),
        clock_synced: true,
    }
}

fn acknowledge(state: &mut State, (epoch, seq): (u32, u64)) {
    let acks = Acks { header: header(state), of_epoch: epoch, seqs: vec![seq] };
    tell(state, &format!("{}/bins/b1/acks", topic::ROOT), &acks.encode());
}

/// Publishes to the bin, if it is connected.
fn tell(state: &mut State, topic: &str, payload: &[u8]) {
    let mut length = 2 + topic.len() + payload.len();
    let mut packet = vec![0x30];
    loop {
        let more = length > 127;
        packet.push((length % 128) as u8 | if more { 128 } else { 0 });
        length /= 128;
        if !more {
            break;
        }
    }
    packet.extend((topic.len() as u16).to_be_bytes());
    packet.extend([topic.as_bytes(), payload].concat());
    if let Some(client) = &mut state.client {
        // A bin that is gone hears it when it is back.
        client.write_all(&packet).ok();
    }
}

fn packet(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let byte = |stream: &mut TcpStream| {
        let mut byte = [0];
        stream.read_exact(&mut byte).map(|()| byte[0])
    };
    let kind = byte(stream)?;
    let (mut length, mut shift) = (0, 0);
    loop {
        let next = byte(stream)?;
        length |= usize::from(next & 127) << shift;
        shift += 7;
        if next < 128 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}

/// The payload of the last will in a CONNECT, which comes behind the client's name and the topic.
fn will(connect: &[u8]) -> Option<Vec<u8>> {
    let mut at = 10;
    let mut field = || {
        let length = usize::from(u16::from_be_bytes([*connect.get(at)?, *connect.get(at + 1)?]));
        let field = connect.get(at + 2..at + 2 + length)?.to_vec();
        at += 2 + length;
        Some(field)
    };
    let (_client, _topic, will) = (field()?, field()?, field()?);
    Some(will)
}

/// The hub's artifacts over HTTP.
#[derive(Clone)]
pub(super) struct Artifacts {
    address: SocketAddr,
    files: Arc<Mutex<BTreeMap<ContentId, Vec<u8>>>>,
    asked_as: Arc<Mutex<Vec<String>>>,
    /// Where the signed repository is.
    repository: Arc<Mutex<Option<PathBuf>>>,
    /// Whether answers are held back.
    held: Arc<(Mutex<bool>, Condvar)>,
}

impl Artifacts {
    pub(super) fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let artifacts = Self {
            address,
            files: Arc::default(),
            asked_as: Arc::default(),
            repository: Arc::default(),
            held: Arc::default(),
        };
        let serving = artifacts.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serving.answer(stream).ok();
            }
        });
        artifacts
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn add(&self, bundle: &Bundle) {
        for bytes in [bundle.manifest_bytes(), bundle.backbone(), bundle.head()] {
            self.files.lock().expect("not poisoned").insert(ContentId::of(bytes), bytes.to_vec());
        }
    }

    /// Serves a signed repository as well.
    pub(super) fn serve_repository(&self, folder: PathBuf) {
        *self.repository.lock().expect("not poisoned") = Some(folder);
    }

    /// Holds back answers, or lets them go.
    pub(super) fn hold(&self, held: bool) {
        *self.held.0.lock().expect("not poisoned") = held;
        self.held.1.notify_all();
    }

    pub(super) fn asked_as(&self) -> Vec<String> {
        self.asked_as.lock().expect("not poisoned").clone()
    }

    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut request = vec![0; 8192];
        let read = stream.read(&mut request)?;
        let request = String::from_utf8_lossy(&request[..read]).into_owned();
        let credentials = request.lines().find_map(|line| {
            line.to_ascii_lowercase().starts_with("authorization:").then(|| line[14..].trim().to_owned())
        });
        self.asked_as.lock().expect("not poisoned").extend(credentials);
        let held = self.held.0.lock().expect("not poisoned");
        drop(self.held.1.wait_while(held, |held| *held).expect("not poisoned"));
        let path = request.split(' ').nth(1).unwrap_or_default();
        let id = path.strip_prefix("/api/v1/artifacts/").and_then(|id| ContentId::new(id).ok());
        let signed = path.strip_prefix("/repo/").zip(self.repository.lock().expect("not poisoned").clone());
        let file = match signed {
            Some((name, folder)) => std::fs::read(folder.join(name)).ok(),
            None => id.and_then(|id| self.files.lock().expect("not poisoned").get(&id).cloned()),
        };
        let (status, body) = file.map_or(("404 Not Found", Vec::new()), |bytes| ("200 OK", bytes));
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(&body)
    }
}
