//! 300 photos, replayed by two bins, arrive exactly once, whatever is killed on the way.

use std::path::Path;

use pilah_tests::bin::{Bin, Setup};
use pilah_tests::hub::Hub;
use pilah_tests::mosquitto::Mosquitto;
use pilah_tests::program::eventually;
use pilah_tests::{model, photos};
use tempfile::TempDir;

/// What both bins replay together.
const PHOTOS: usize = 300;

#[test]
fn through_the_embedded_broker_while_the_hub_is_killed() {
    let stage = Stage::set();
    let mut hub = Hub::with_embedded_broker(stage.bundle.path());
    let secrets = [hub.enrol("left"), hub.enrol("right")];
    let bins = stage.start_bins(&hub, [&secrets[0], &secrets[1]]);

    for fraction in [4, 2] {
        wait_for_events(&hub, PHOTOS as u64 / fraction);
        hub.kill();
        hub.restart();
    }
    check_all_arrived_once(&hub, &bins);
}

#[test]
fn through_mosquitto_while_broker_and_hub_are_killed() {
    let stage = Stage::set();
    let mut broker = Mosquitto::start();
    let mut hub = Hub::with_mosquitto(stage.bundle.path(), &broker);
    let secrets = [hub.enrol("left"), hub.enrol("right")];
    broker.admit(&[("left", &secrets[0]), ("right", &secrets[1])]);
    let bins = stage.start_bins(&hub, [&secrets[0], &secrets[1]]);

    wait_for_events(&hub, PHOTOS as u64 / 4);
    broker.kill();
    broker.restart();
    wait_for_events(&hub, PHOTOS as u64 / 2);
    hub.kill();
    hub.restart();
    check_all_arrived_once(&hub, &bins);
}

/// The photos and the model, kept while the journey lasts.
struct Stage {
    photos: TempDir,
    bundle: TempDir,
}

impl Stage {
    fn set() -> Self {
        let stage = Self {
            photos: tempfile::tempdir().expect("a temporary folder"),
            bundle: tempfile::tempdir().expect("a temporary folder"),
        };
        photos::lay_out(stage.photos.path(), PHOTOS);
        model::write(&model::untrained("m0"), stage.bundle.path());
        stage
    }

    fn start_bins(&self, hub: &Hub, secrets: [&str; 2]) -> [Bin; 2] {
        [("left", "1/2", secrets[0]), ("right", "2/2", secrets[1])].map(|(id, part, secret)| {
            Bin::start(&Setup {
                id,
                secret,
                mqtt_url: &hub.mqtt_url(),
                hub_url: &hub.url(),
                bundle: self.bundle.path(),
                camera: &replay(self.photos.path(), part),
                root: None,
                more: "",
            })
        })
    }
}

fn replay(folder: &Path, part: &str) -> String {
    format!("kind = \"replay\"\nfolder = {folder:?}\npart = {part:?}\nframes_per_second = 0")
}

fn wait_for_events(hub: &Hub, expected: u64) {
    eventually("events on the hub", || match hub.count("/events")? {
        found if found >= expected => Ok(()),
        found => Err(format!("{found} of {expected}")),
    });
}

/// Every photo has one event and one sample, nothing waits in an outbox, and the hub has refused nothing.
fn check_all_arrived_once(hub: &Hub, bins: &[Bin; 2]) {
    let expected = PHOTOS as u64;
    let report = || bins.iter().map(Bin::output).collect::<Vec<_>>().join("\n");
    eventually("all photos", || {
        let (events, samples) = (hub.count("/events")?, hub.count("/samples")?);
        assert!(
            events <= expected && samples <= expected,
            "{events} events and {samples} samples of {expected}\n{}",
            report()
        );
        let waiting: u64 = hub
            .try_get("/api/v1/bins")?
            .as_array()
            .expect("a list of bins")
            .iter()
            .map(|bin| bin["telemetry"]["outbox"]["entries"].as_u64().unwrap_or(u64::MAX / 2))
            .sum();
        match (events, samples, waiting) {
            (e, s, 0) if e == expected && s == expected => Ok(()),
            _ => Err(format!("{events} events, {samples} samples, {waiting} waiting\n{}", report())),
        }
    });

    let events = hub.get(&format!("/api/v1/events?limit={}", PHOTOS + 1));
    let events = events.as_array().expect("a list of events");
    for bin in ["left", "right"] {
        let of_bin = events.iter().filter(|e| e["bin"] == bin).count();
        assert_eq!(of_bin, PHOTOS / 2, "each photo of the {bin} bin has its event");
    }
    for label in ["cardboard", "glass", "metal", "paper", "plastic", "trash"] {
        let of_label = events.iter().filter(|e| e["truth"] == label).count();
        assert_eq!(of_label, PHOTOS / 6, "each photo of {label} has its event");
    }
    let ingest = &hub.get("/api/status")["ingest"];
    for refusal in ["malformed", "refused", "damaged"] {
        assert_eq!(ingest[refusal], 0, "nothing was {refusal}: {ingest}");
    }
}
