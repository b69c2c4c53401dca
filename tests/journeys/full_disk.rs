//! The disk of the data folder is full for a while, under load: what was acknowledged is there, what was not is
//! said to be not, and the hub goes on by itself once there is room.
//!
//! A bin sends items and images and repeats what is not acknowledged; people upload images and make accounts.
//! Twice the disk is filled to the last byte until everything is refused, and freed. Then each thing that was
//! acknowledged is looked for through a connection of the test's own, and again after the hub was killed and
//! started anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use image::{Rgb, RgbImage};
use pilah_models::name::BinId;
use pilah_models::preprocess;
use pilah_models::wire::topic::Channel;
use pilah_models::wire::{Acks, Event, Message, Sample, SampleMeta};
use pilah_tests::hub::{Hub, authorization};
use pilah_tests::model;
use pilah_tests::program::eventually;
use pilah_tests::small_disk::SmallDisk;
use rumqttc::{AsyncClient, Event as Happening, MqttOptions, Packet, PublishOptions, QoS};
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _};
use serde_json::{Value, json};

/// Room for the hub's data, and not much more.
const MEGABYTES: u32 = 24;

/// Messages that the bin has under way at most.
const UNDER_WAY: usize = 64;

/// Every so many messages is an image.
const IMAGE_EVERY: u64 = 8;

/// Images of one upload.
const PER_UPLOAD: u32 = 3;

/// What has to happen in each phase, at least.
const ITEMS: u64 = 100;
const REQUESTS: u64 = 3;

#[test]
fn what_was_acknowledged_around_a_full_disk_is_there() {
    let disk = match SmallDisk::mount(MEGABYTES) {
        Ok(disk) => disk,
        Err(reason) => {
            println!(
                "NOT RUN: this machine cannot mount a small file system ({reason}); run it as root. \
                 hub/store/src/tests/full_disk.rs imitates a full disk without one"
            );
            return;
        }
    };
    let bundle = tempfile::tempdir().expect("a temporary folder");
    model::write(&model::untrained("m0"), bundle.path());
    let mut hub = Hub::on_disk(bundle.path(), &disk.path().join("data"));
    let load = Load::start(&hub);

    for round in 1..=2 {
        load.goes_on(&hub, "with room");
        disk.fill();
        let refused = load.refused();
        eventually("a hub that says that its disk is full", || {
            disk.fill();
            let (status, problem) = health(&hub);
            let detail = problem["detail"].as_str().unwrap_or_default();
            let said = status == 503 && detail.starts_with("nothing can be stored") && detail.contains("full");
            let more = load.refused().iter().zip(&refused).all(|(now, before)| *now >= before + REQUESTS);
            if said && more { Ok(()) } else { Err(format!("{status} {problem}, refused {:?}", load.refused())) }
        });
        disk.free();
        eventually("a hub that is well again", || match health(&hub) {
            (200, _) => Ok(()),
            (status, problem) => Err(format!("{status} {problem}")),
        });
        println!("round {round}: refused {:?}, {}", load.refused(), load.told().figures());
    }
    load.goes_on(&hub, "after the last round");

    let (told, sent) = load.stop();
    println!("acknowledged: {}, of {sent} messages sent", told.figures());
    let data = disk.path().join("data");
    told.check(&data, "while the hub runs");
    hub.kill();
    told.check(&data, "after the hub was killed");
    hub.restart();
    told.check(&data, "after the hub was started again");
    let stored = Stored::read(&data);
    assert_eq!(stored.events.len() + stored.seqs_of_samples.len(), stored.rows, "nothing is there twice");
}

/// The answer of `GET /health`.
fn health(hub: &Hub) -> (u16, Value) {
    let answer = agent().get(format!("{}/health", hub.url())).call();
    answer.map_or((0, Value::Null), |mut answer| {
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap_or_default())
    })
}

fn agent() -> ureq::Agent {
    let config =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
    config.build().into()
}

/// What was acknowledged.
#[derive(Debug, Clone, Default)]
struct Told {
    events: BTreeSet<i64>,
    samples: BTreeSet<i64>,
    uploads: BTreeSet<String>,
    users: BTreeSet<String>,
}

impl Told {
    fn figures(&self) -> String {
        let counts = [self.events.len(), self.samples.len(), self.uploads.len(), self.users.len()];
        let [events, samples, uploads, users] = counts;
        format!("{events} items, {samples} images of the bin, {uploads} uploaded images, {users} accounts")
    }

    /// Looks for all of it through a connection of its own, and for the files of images.
    fn check(&self, data: &Path, when: &str) {
        let stored = Stored::read(data);
        let missing = |told: &BTreeSet<i64>, there: &BTreeSet<i64>| told.difference(there).copied().collect::<Vec<_>>();
        assert_eq!(missing(&self.events, &stored.events), Vec::<i64>::new(), "{when}: items that were acknowledged");
        assert_eq!(missing(&self.samples, &stored.seqs_of_samples), Vec::<i64>::new(), "{when}: images of the bin");
        let users: Vec<_> = self.users.difference(&stored.users).collect();
        assert!(users.is_empty(), "{when}: accounts {users:?}");
        for id in &self.uploads {
            assert!(stored.samples.contains_key(id), "{when}: the uploaded image {id}");
        }
        for (id, content) in &stored.samples {
            let (shelf, name) = content.split_at(2);
            let file = data.join("objects").join(shelf).join(name);
            assert!(fs::metadata(&file).is_ok_and(|file| file.len() > 0), "{when}: the file of sample {id}");
        }
    }
}

/// What is in the database.
struct Stored {
    events: BTreeSet<i64>,
    seqs_of_samples: BTreeSet<i64>,
    /// The SHA-256 of each sample's image.
    samples: BTreeMap<String, String>,
    users: BTreeSet<String>,
    /// Items, and samples of the bin.
    rows: usize,
}

impl Stored {
    fn read(data: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let options =
                SqliteConnectOptions::new().filename(data.join("pilah.db")).busy_timeout(Duration::from_secs(10));
            let mut db = options.connect().await.expect("a connection of its own");
            let events: Vec<i64> =
                sqlx::query_scalar("SELECT seq FROM events").fetch_all(&mut db).await.expect("reads");
            let seqs = sqlx::query_scalar("SELECT seq FROM samples WHERE seq IS NOT NULL");
            let seqs: Vec<i64> = seqs.fetch_all(&mut db).await.expect("reads");
            let samples: Vec<(String, String)> =
                sqlx::query_as("SELECT id, content_sha256 FROM samples").fetch_all(&mut db).await.expect("reads");
            let users: Vec<String> =
                sqlx::query_scalar("SELECT name FROM users").fetch_all(&mut db).await.expect("reads");
            db.close().await.expect("closes");
            Self {
                rows: events.len() + seqs.len(),
                events: events.into_iter().collect(),
                seqs_of_samples: seqs.into_iter().collect(),
                samples: samples.into_iter().collect(),
                users: users.into_iter().collect(),
            }
        })
    }
}

/// A bin and people who do not stop.
struct Load {
    told: Arc<Mutex<Told>>,
    /// Uploads and accounts that were refused.
    refused: Arc<[AtomicU64; 2]>,
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(hub: &Hub) -> Self {
        let mut load = Self {
            told: Arc::default(),
            refused: Arc::default(),
            sent: Arc::default(),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        let secret = hub.enrol("b1");
        let (url, told, sent, stop) = (hub.mqtt_url(), load.told.clone(), load.sent.clone(), load.stop.clone());
        load.threads.push(thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(send(&url, &secret, &told, &sent, &stop));
        }));
        let (url, authorization) = (hub.url(), authorization("admin", pilah_tests::hub::ADMIN_PASSWORD));
        let (told, refused, stop) = (load.told.clone(), load.refused.clone(), load.stop.clone());
        let (uploads_to, as_admin) = (url.clone(), authorization.clone());
        load.threads.push(thread::spawn(move || {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += PER_UPLOAD;
                match upload(&uploads_to, &as_admin, number) {
                    Ok(ids) => at(&told).uploads.extend(ids),
                    Err(()) => drop(refused[0].fetch_add(1, Ordering::Relaxed)),
                }
            }
        }));
        let (told, refused, stop) = (load.told.clone(), load.refused.clone(), load.stop.clone());
        load.threads.push(thread::spawn(move || {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let name = format!("user{number}");
                let account = json!({ "name": name, "password": "a long password", "role": "viewer" });
                let request = agent().post(format!("{url}/api/v1/users")).header("Authorization", &authorization);
                let answer = request.send_json(&account).expect("an answer");
                match answer.status().as_u16() {
                    201 => drop(at(&told).users.insert(name)),
                    503 => drop(refused[1].fetch_add(1, Ordering::Relaxed)),
                    other => panic!("{other} for a new account"),
                }
            }
        }));
        load
    }

    fn told(&self) -> Told {
        at(&self.told).clone()
    }

    fn refused(&self) -> [u64; 2] {
        [0, 1].map(|n| self.refused[n].load(Ordering::Relaxed))
    }

    /// Waits until more of each kind was acknowledged.
    fn goes_on(&self, hub: &Hub, when: &str) {
        let before = self.told();
        eventually("more that is acknowledged", || {
            assert!(
                self.threads.iter().all(|thread| !thread.is_finished()),
                "{when}: the load has ended\n{}",
                hub.output()
            );
            let now = self.told();
            let more = |now: usize, before: usize, wanted: u64| now as u64 >= before as u64 + wanted;
            let all = more(now.events.len(), before.events.len(), ITEMS)
                && more(now.samples.len(), before.samples.len(), REQUESTS)
                && more(now.uploads.len(), before.uploads.len(), REQUESTS)
                && more(now.users.len(), before.users.len(), REQUESTS);
            if all { Ok(()) } else { Err(format!("{when}: {} after {}", now.figures(), before.figures())) }
        });
    }

    /// Ends the load; the bin ends once all that it has sent is acknowledged.
    fn stop(mut self) -> (Told, u64) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("the load does not fail");
        }
        let (told, sent) = (self.told(), self.sent.load(Ordering::Relaxed));
        assert_eq!((told.events.len() + told.samples.len()) as u64, sent, "in the end all is acknowledged");
        (told, sent)
    }
}

fn at(told: &Mutex<Told>) -> std::sync::MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends items and images, and sends again what is not acknowledged, as a bin does.
async fn send(url: &str, secret: &str, told: &Mutex<Told>, sent: &AtomicU64, stop: &AtomicBool) {
    let bin = BinId::new("b1").expect("a valid id");
    let (host, port) = url.strip_prefix("mqtt://").and_then(|a| a.split_once(':')).expect("host and port");
    let mut options = MqttOptions::new("pilah-b1", (host, port.parse::<u16>().expect("a port")));
    options.set_credentials("b1", secret.to_owned()).set_max_packet_size(1 << 20, 1 << 20);
    let (client, mut events) = AsyncClient::builder(options).capacity(8 * UNDER_WAY).build();
    let mut waiting: BTreeMap<u64, (String, Vec<u8>)> = BTreeMap::new();
    let mut seq = 0;
    loop {
        let is_over = stop.load(Ordering::Relaxed);
        if is_over && waiting.is_empty() {
            return;
        }
        while !is_over && waiting.len() < UNDER_WAY {
            seq += 1;
            let message = message(&bin, seq);
            publish(&client, &message);
            waiting.insert(seq, message);
            sent.store(seq, Ordering::Relaxed);
        }
        match tokio::time::timeout(Duration::from_secs(1), events.poll()).await {
            Ok(Ok(Happening::Incoming(Packet::Publish(publish)))) => {
                let acks = Acks::decode(&publish.payload).expect("acks");
                let mut told = at(told);
                for seq in acks.seqs {
                    waiting.remove(&seq);
                    let of = if is_image(seq) { &mut told.samples } else { &mut told.events };
                    of.insert(i64::try_from(seq).expect("small"));
                }
            }
            Ok(Ok(Happening::Incoming(Packet::ConnAck(_)))) => {
                client.try_subscribe(Channel::Acks.of(&bin), QoS::AtLeastOnce).expect("a queue with room for it");
            }
            Ok(_) => {}
            // The hub says nothing: it has dropped what it could not store.
            Err(_) => waiting.values().for_each(|message| publish(&client, message)),
        }
    }
}

fn is_image(seq: u64) -> bool {
    seq.is_multiple_of(IMAGE_EVERY)
}

/// Queues a message. While the queue is full it is left out, and sent again later.
fn publish(client: &AsyncClient, (topic, payload): &(String, Vec<u8>)) {
    client.try_publish(topic.clone(), payload.clone(), PublishOptions::new(QoS::AtLeastOnce)).ok();
}

fn message(bin: &BinId, seq: u64) -> (String, Vec<u8>) {
    let item = json!({
        "v": 1, "bin": bin, "epoch": 7, "seq": seq, "at": "2026-01-01T00:00:00Z", "clock_synced": true,
        "outcome": "label", "label": "glass", "confidence": 0.9, "probabilities": { "glass": 0.9, "metal": 0.1 },
        "model": "m0", "latency_ms": 12.5, "frames": 3,
    });
    let item = Event::decode(item.to_string().as_bytes()).expect("a valid event");
    if !is_image(seq) {
        return (Channel::Events.of(bin), item.encode());
    }
    let meta = SampleMeta {
        header: item.header,
        event: seq - 1,
        reason: pilah_models::wire::SampleReason::Random,
        outcome: item.outcome,
        confidence: item.confidence,
        probabilities: item.probabilities,
        model: item.model,
        width: 64,
        height: 48,
        truth: None,
    };
    let jpeg = picture(u32::try_from(seq).expect("small"), 60);
    (Channel::Samples.of(bin), Sample { meta, jpeg }.encode())
}

/// Uploads images that nobody has seen before. Gives the samples that were stored.
fn upload(url: &str, authorization: &str, number: u32) -> Result<Vec<String>, ()> {
    let mut body = b"--cut\r\nContent-Disposition: form-data; name=\"label\"\r\n\r\nglass\r\n".to_vec();
    for n in number..number + PER_UPLOAD {
        let head =
            format!("--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}.jpg\"\r\n\r\n", n * 20);
        body.extend(head.into_bytes());
        body.extend(picture(n, 180));
        body.extend(b"\r\n");
    }
    body.extend(b"--cut--\r\n");
    let request = agent().post(format!("{url}/api/upload-training")).header("Authorization", authorization);
    let mut answer =
        request.header("Content-Type", "multipart/form-data; boundary=cut").send(&body[..]).expect("an answer");
    let said: Value = answer.body_mut().read_json().expect("JSON");
    match answer.status().as_u16() {
        200 => {
            assert_eq!(said["stored"], json!(PER_UPLOAD), "{said}");
            let files = said["files"].as_array().expect("a list of files");
            Ok(files.iter().map(|file| file["sample"].as_str().expect("an id").to_owned()).collect())
        }
        503 => Err(()),
        other => panic!("{other} for an upload: {said}"),
    }
}

/// A picture of patches that no other number has.
fn picture(number: u32, blue: u8) -> Vec<u8> {
    let mut state = number.wrapping_mul(2_654_435_761).wrapping_add(u32::from(blue));
    let patches: [u8; 48] = std::array::from_fn(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let image = RgbImage::from_fn(64, 48, |x, y| {
        let patch = patches[(y / 8 * 8 + x / 8) as usize];
        Rgb([patch, patch.wrapping_mul(3), blue])
    });
    preprocess::encode_jpeg(&image, 100_000).expect("is small")
}
