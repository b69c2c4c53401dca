//! A model that is cut short, swapped, or computes something else is refused, and the old one goes on.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pilah_models::bundle::Bundle;
use pilah_models::name::{BinId, ContentId, ModelVersion};
use pilah_models::wire::{Desired, DesiredModel, Event, Header, Message, Reported, UpdateState, VERSION, topic};
use pilah_tests::bin::{Bin, Setup};
use pilah_tests::mosquitto::{HUB_PASSWORD, Mosquitto};
use pilah_tests::program::PATIENCE;
use pilah_tests::{model, photos};
use rumqttc::{AsyncClient, Event as Happening, EventLoop, MqttOptions, Packet, PublishOptions, QoS};

#[test]
fn the_bin_keeps_the_old_model_and_says_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    photos::lay_out(&folder.path().join("photos"), 12);
    let old = model::untrained("m-old");
    model::write(&old, &folder.path().join("bundle"));

    let good = model::untrained("m-good");
    let golden = model::with_wrong_golden_outputs("m-golden");
    let artifacts = Artifacts::serve();
    for bundle in [&good, &golden] {
        artifacts.offer(bundle);
    }
    // Each of these is offered under an id that is not the SHA-256 of what is served.
    let cut_short = model::untrained("m-cut");
    artifacts.offer(&cut_short);
    artifacts.spoil(&ContentId::of(cut_short.head()), |head| head.truncate(head.len() / 2));
    let swapped = model::untrained("m-swapped");
    artifacts.offer(&swapped);
    artifacts.spoil(&swapped.id(), |manifest| manifest.extend_from_slice(b" "));

    let mut broker = Mosquitto::start();
    broker.admit(&[("bin", "the bin's secret")]);
    let bin = Bin::start(&Setup {
        id: "bin",
        secret: "the bin's secret",
        mqtt_url: &broker.url(),
        hub_url: &artifacts.url(),
        bundle: &folder.path().join("bundle"),
        camera: &format!(
            "kind = \"replay\"\nfolder = {:?}\nframes_per_second = 100\nrepeat = true",
            folder.path().join("photos")
        ),
        root: None,
        more: "",
    });

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut hub = FakeHub::connect(&broker).await;
        for (bundle, reason) in [(&cut_short, "SHA-256"), (&swapped, "SHA-256"), (&golden, "golden input 0")] {
            let target = bundle.manifest().version.clone();
            hub.want(bundle).await;
            let reported = hub
                .wait_for(
                    &bin,
                    |reported| matches!(&reported.update, UpdateState::Failed { target: t, .. } if *t == target),
                )
                .await;
            let UpdateState::Failed { error, .. } = &reported.update else { unreachable!("waited for it") };
            assert!(error.contains(reason), "{target}: {error:?} should name {reason:?}");
            assert_eq!(reported.model, old.manifest().version, "the old model goes on after {target}");
            hub.wait_for_item(&bin, &old.manifest().version).await;
        }
        // What is right is taken, after all that.
        hub.want(&good).await;
        hub.wait_for(&bin, |reported| reported.model == good.manifest().version).await;
        hub.wait_for_item(&bin, &good.manifest().version).await;
    });
}

#[test]
fn a_model_whose_program_is_killed_again_and_again_is_given_up_by_the_bin() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    photos::lay_out(&folder.path().join("photos"), 3);
    let (old, next) = (model::untrained("m-old"), model::untrained("m-next"));
    model::write(&old, &folder.path().join("bundle"));
    let artifacts = Artifacts::serve();
    artifacts.offer(&next);
    let mut broker = Mosquitto::start();
    broker.admit(&[("bin", "the bin's secret")]);
    let mut bin = Bin::start(&Setup {
        id: "bin",
        secret: "the bin's secret",
        mqtt_url: &broker.url(),
        hub_url: &artifacts.url(),
        bundle: &folder.path().join("bundle"),
        camera: &format!("kind = \"replay\"\nfolder = {:?}", folder.path().join("photos")),
        root: None,
        more: "",
    });

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut hub = FakeHub::connect(&broker).await;
        hub.want(&next).await;
        let is_next = |reported: &Reported| reported.manifest == next.id() && reported.update == UpdateState::Idle;
        let mut reported = hub.wait_for(&bin, is_next).await;
        assert_eq!(reported.probation.as_ref().map(|trial| trial.before.as_str()), Some("m-old"));
        // The run in which it came, and two starts.
        for _ in 0..2 {
            bin.kill();
            bin.restart();
            let epoch = reported.header.epoch;
            reported = hub.wait_for(&bin, |said| is_next(said) && said.header.epoch != epoch).await;
        }
        bin.kill();
        bin.restart();
        let refused = |said: &Reported| matches!(said.update, UpdateState::Failed { .. });
        let reported = hub.wait_for(&bin, refused).await;
        assert_eq!((&reported.model, &reported.manifest), (&old.manifest().version, &old.id()));
        let UpdateState::Failed { error, .. } = &reported.update else { unreachable!("waited for it") };
        assert!(error.contains("pilah-edge unblock") && error.contains("crashed 3 times in a row"), "{error}");
        assert_eq!(reported.taken_back.first().map(|one| &one.manifest), Some(&next.id()));
    });
    let doctor = bin.doctor();
    assert!(doctor.contains("m-next") && doctor.contains("was taken back: the program crashed 3 times"), "{doctor}");
}

/// The hub's side of the broker, played by the test.
struct FakeHub {
    client: AsyncClient,
    events: EventLoop,
    seq: u64,
}

impl FakeHub {
    async fn connect(broker: &Mosquitto) -> Self {
        let url = broker.url();
        let (host, port) = url.strip_prefix("mqtt://").and_then(|a| a.split_once(':')).expect("host and port");
        let mut options = MqttOptions::new("fake-hub", (host, port.parse::<u16>().expect("a port")));
        options.set_credentials(topic::HUB_USER, HUB_PASSWORD);
        let (client, events) = AsyncClient::builder(options).capacity(16).build();
        for channel in [topic::Channel::Reported, topic::Channel::Events] {
            client.subscribe(channel.of_all(), QoS::AtLeastOnce).await.expect("is sent");
        }
        Self { client, events, seq: 0 }
    }

    async fn want(&mut self, bundle: &Bundle) {
        self.seq += 1;
        let bin = BinId::new("bin").expect("a valid id");
        let desired = Desired {
            header: Header {
                v: VERSION,
                bin: bin.clone(),
                epoch: 1,
                seq: self.seq,
                at: "2026-01-01T00:00:00Z".parse().expect("a valid time"),
                clock_synced: true,
            },
            model: Some(DesiredModel {
                version: bundle.manifest().version.clone(),
                manifest: bundle.id(),
                target: None,
            }),
            program: None,
        };
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(true);
        self.client.publish(topic::Channel::Desired.of(&bin), desired.encode(), options).await.expect("is sent");
    }

    async fn wait_for(&mut self, bin: &Bin, wanted: impl Fn(&Reported) -> bool) -> Reported {
        self.wait(bin, topic::Channel::Reported, |payload| Reported::decode(payload).ok().filter(|r| wanted(r))).await
    }

    async fn wait_for_item(&mut self, bin: &Bin, model: &ModelVersion) {
        self.wait(bin, topic::Channel::Events, |p| Event::decode(p).ok().filter(|e| e.model == *model)).await;
    }

    async fn wait<T>(&mut self, bin: &Bin, channel: topic::Channel, mut read: impl FnMut(&[u8]) -> Option<T>) -> T {
        let search = async {
            loop {
                let Ok(Happening::Incoming(Packet::Publish(publish))) = self.events.poll().await else { continue };
                let name = String::from_utf8_lossy(&publish.topic).into_owned();
                if topic::parse(&name).is_some_and(|(_, c)| c == channel)
                    && let Some(found) = read(&publish.payload)
                {
                    return found;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        found.unwrap_or_else(|_| panic!("nothing of the kind on {}\n{}", channel.name(), bin.output()))
    }
}

/// A hub's artifacts over HTTP, some of them spoilt.
struct Artifacts {
    port: u16,
    content: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl Artifacts {
    fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let content: Arc<Mutex<HashMap<String, Vec<u8>>>> = Arc::default();
        let served = Arc::clone(&content);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let path = request_path(&stream);
                let id = path.rsplit('/').next().unwrap_or_default();
                let body = served.lock().expect("no writer panicked").get(id).cloned();
                let (status, body) = body.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                // A bin that hangs up early is no failure of the server.
                (&stream).write_all(head.as_bytes()).and_then(|()| (&stream).write_all(&body)).ok();
            }
        });
        Self { port, content }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn offer(&self, bundle: &Bundle) {
        let mut content = self.content.lock().expect("no writer panicked");
        for bytes in [bundle.manifest_bytes(), bundle.backbone(), bundle.head()] {
            content.insert(ContentId::of(bytes).to_string(), bytes.to_vec());
        }
    }

    fn spoil(&self, id: &ContentId, spoil: impl FnOnce(&mut Vec<u8>)) {
        let mut content = self.content.lock().expect("no writer panicked");
        spoil(content.get_mut(id.as_str()).expect("it was offered"));
    }
}

fn request_path(stream: &TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a time-out can be set");
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)).unwrap_or_default();
    let _rest_of_the_head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    path
}
