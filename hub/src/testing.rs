//! For tests: a hub on free ports over a temporary folder, a client for its HTTP interface, and a bin
//! that speaks MQTT and nothing else.

use std::sync::LazyLock;
use std::time::Duration;

use image::{Rgb, RgbImage};
use jiff::Timestamp;
use pilah_models::name::{BinId, Label, ModelVersion};
use pilah_models::preprocess;
use pilah_models::wire::topic::Channel;
use pilah_models::wire::{
    Acks, Event, Header, Message, Outcome, Probabilities, Sample, SampleMeta, SampleReason, Truth, TruthSource, VERSION,
};
use rumqttc::{AsyncClient, ConnectionError, EventLoop, Incoming, LastWill, MqttOptions, PublishOptions, QoS};
use tokio::time::timeout;

use crate::auth::accounts::{self, By};
use crate::auth::{Role, UserName};
use crate::config::Config;
use crate::fleet;
use crate::secret::Secret;
use crate::server::{self, Running};

/// Longer than anything here takes; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The administrator's password in tests.
pub(crate) const PASSWORD: &str = "a password for tests";

/// A hub, and the folder that goes with it.
pub(crate) struct TestHub {
    pub(crate) running: Running,
    pub(crate) folder: tempfile::TempDir,
}

impl TestHub {
    /// A hub with nothing in it.
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder")).await
    }

    /// A hub on the data of another that was stopped or dropped.
    pub(crate) async fn start_in(folder: tempfile::TempDir) -> Self {
        let running = server::start(config(&folder)).await.expect("starts");
        Self { running, folder }
    }

    /// Enrols a bin and gives its secret.
    pub(crate) async fn enrol(&self, id: &str) -> Secret {
        fleet::enrol(&self.running.state.store, &bin(id), "", "test").await.expect("enrols")
    }

    /// A bin that is enrolled and connected.
    pub(crate) async fn bin(&self, id: &str) -> TestBin {
        let secret = self.enrol(id).await;
        TestBin::connect(self.port(), id, secret.reveal()).await.expect("connects")
    }

    /// The port of the broker.
    pub(crate) fn port(&self) -> u16 {
        self.running.mqtt_addr.expect("an embedded broker").port()
    }

    /// Waits until a reading of the hub is as it should be.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Running) -> bool) {
        let wait = async {
            while !is_so(&self.running) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(PATIENCE, wait).await.is_ok(), "{what}: {:?}", self.running.state.ingest.read());
    }

    /// Sends a request as the administrator.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Option<serde_json::Value>) -> Answer {
        let basic = basic("admin", PASSWORD);
        self.request(method, path, &[("authorization", basic.as_str())], body).await
    }

    /// Makes an account, and gives the value of its Authorization header.
    pub(crate) async fn login(&self, name: &str, role: Role) -> String {
        let name: UserName = name.parse().expect("a valid name");
        let password = Secret::new(PASSWORD);
        let added = accounts::add(&self.running.state.store, &name, Some(&password), role, By::Hub);
        added.await.expect("makes an account");
        basic(name.as_str(), PASSWORD)
    }

    /// Sends a request.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<serde_json::Value>,
    ) -> Answer {
        let json = ("content-type", "application/json");
        let headers: Vec<_> = headers.iter().copied().chain(body.is_some().then_some(json)).collect();
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send(method, path, &headers, body.into_bytes()).await
    }

    /// Sends a request with any body.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.running.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).expect("a request");
        tokio::task::spawn_blocking(move || {
            let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
            let agent: ureq::Agent = config.build().into();
            let (parts, mut body) = agent.run(request).expect("an answer").into_parts();
            Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.read_to_vec().expect("a body") }
        })
        .await
        .expect("the client does not panic")
    }
}

/// What a hub in tests is started with.
pub(crate) fn config(folder: &tempfile::TempDir) -> Config {
    let mut config = Config::local(folder.path().join("data"), folder.path().join("no-bundle"));
    config.admin_password = Some(Secret::new(PASSWORD));
    config
}

/// An answer of the HTTP interface.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The value of an Authorization header.
pub(crate) fn basic(name: &str, password: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}")))
}

/// A bin that speaks MQTT and nothing else.
pub(crate) struct TestBin {
    pub(crate) id: BinId,
    pub(crate) client: AsyncClient,
    events: EventLoop,
}

impl TestBin {
    /// Connects as the bin should.
    pub(crate) async fn connect(port: u16, id: &str, secret: &str) -> Result<Self, ConnectionError> {
        Self::connect_as(port, id, secret, &format!("pilah-{id}"), None).await
    }

    /// Connects with any user, client id and will.
    pub(crate) async fn connect_as(
        port: u16,
        user: &str,
        secret: &str,
        client: &str,
        will: Option<&str>,
    ) -> Result<Self, ConnectionError> {
        let mut options = MqttOptions::new(client, ("127.0.0.1", port));
        options.set_credentials(user, secret.to_owned()).set_max_packet_size(1 << 20, 1 << 20);
        if let Some(will) = will {
            options.set_last_will(LastWill::new(will, "{}", QoS::AtLeastOnce, true));
        }
        let (client, events) = AsyncClient::builder(options).capacity(1000).build();
        let mut this = Self { id: bin(if user.is_empty() { "none" } else { user }), client, events };
        this.next(|packet| matches!(packet, Incoming::ConnAck(_)).then_some(())).await?;
        Ok(this)
    }

    /// Reads until a packet is the one that is waited for.
    pub(crate) async fn next<T>(&mut self, wanted: impl Fn(&Incoming) -> Option<T>) -> Result<T, ConnectionError> {
        let wait = async {
            loop {
                if let rumqttc::Event::Incoming(packet) = self.events.poll().await?
                    && let Some(found) = wanted(&packet)
                {
                    return Ok(found);
                }
            }
        };
        timeout(PATIENCE, wait).await.expect("a packet in time")
    }

    pub(crate) async fn subscribe(&mut self, filter: &str) -> bool {
        self.client.subscribe(filter, QoS::AtLeastOnce).await.expect("is queued");
        let granted = self.next(|packet| match packet {
            Incoming::SubAck(ack) => Some(matches!(ack.return_codes[..], [rumqttc::SubscribeReasonCode::Success(_)])),
            _ => None,
        });
        granted.await.expect("an answer")
    }

    pub(crate) async fn publish(&self, topic: &str, payload: Vec<u8>) {
        self.client.publish(topic, payload, PublishOptions::new(QoS::AtLeastOnce)).await.expect("is queued");
    }

    pub(crate) async fn send(&self, event: &Event) {
        self.publish(&Channel::Events.of(&self.id), event.encode()).await;
    }

    pub(crate) async fn send_sample(&self, sample: &Sample) {
        self.publish(&Channel::Samples.of(&self.id), sample.encode()).await;
    }

    pub(crate) async fn listen_for_acks(&mut self) {
        assert!(self.subscribe(&Channel::Acks.of(&self.id)).await, "a bin may read its acks");
    }

    /// Reads until `count` acknowledgements came, and gives their numbers, sorted.
    pub(crate) async fn acks(&mut self, count: usize) -> Vec<u64> {
        let mut seqs = Vec::new();
        while seqs.len() < count {
            let more = self.next(|packet| match packet {
                Incoming::Publish(publish) => Acks::decode(&publish.payload).ok().map(|acks| acks.seqs),
                _ => None,
            });
            seqs.extend(more.await.expect("the connection holds"));
        }
        seqs.sort_unstable();
        seqs
    }
}

pub(crate) fn bin(id: &str) -> BinId {
    BinId::new(id).expect("a valid id")
}

fn label(name: &str) -> Label {
    Label::new(name).expect("a valid label")
}

/// The same whenever it is asked for: a bin that repeats itself says the same again.
pub(crate) fn header(id: &str, seq: u64) -> Header {
    static BEGUN: LazyLock<Timestamp> = LazyLock::new(Timestamp::now);
    Header { v: VERSION, bin: bin(id), epoch: 7, seq, at: *BEGUN, clock_synced: true }
}

/// An item that is truly glass, and taken for it if `right`.
pub(crate) fn event(id: &str, seq: u64, right: bool) -> Event {
    let label_said = label(if right { "glass" } else { "metal" });
    Event {
        header: header(id, seq),
        outcome: Outcome::Label { label: label_said.clone() },
        confidence: 0.75,
        probabilities: Probabilities::from([(label_said, 0.75), (label("paper"), 0.25)]),
        model: ModelVersion::new("m1").expect("valid"),
        latency_ms: 42.0,
        frames: 3,
        truth: Some(Truth { label: label("glass"), source: TruthSource::Virtual }),
    }
}

/// A sample with this JPEG.
pub(crate) fn sample(id: &str, seq: u64, jpeg: Vec<u8>) -> Sample {
    let event = event(id, seq, true);
    let meta = SampleMeta {
        header: event.header,
        event: 1,
        reason: SampleReason::Unsure,
        outcome: Outcome::Unsure { guess: label("glass") },
        confidence: event.confidence,
        probabilities: event.probabilities,
        model: event.model,
        width: 64,
        height: 48,
        truth: event.truth,
    };
    Sample { meta, jpeg }
}

/// A small JPEG.
pub(crate) fn jpeg() -> Vec<u8> {
    let image = RgbImage::from_fn(64, 48, |x, y| Rgb([(4 * x) as u8, (5 * y) as u8, 90]));
    preprocess::encode_jpeg(&image, 100_000).expect("is small")
}
