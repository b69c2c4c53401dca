//! A broker that takes no message larger than 8,000 bytes, and breaks the connection or says nothing when one comes:
//! every item arrives, pictures arrive made smaller, the bin says so, and `doctor` says what to set.

use pilah_tests::bin::{Bin, Setup};
use pilah_tests::hub::Hub;
use pilah_tests::mosquitto::Mosquitto;
use pilah_tests::program::eventually;
use pilah_tests::{model, photos};
use serde_json::Value;

/// What Mosquitto is told; larger pictures than these exist of every photo.
const LIMIT: u64 = 8000;

#[test]
fn through_a_broker_that_breaks_the_connection() {
    travel("max_packet_size", "breaks the connection at messages");
}

#[test]
fn through_a_broker_that_acknowledges_and_drops() {
    // With its rules a bin cannot hear its own messages, so that `doctor` cannot see what becomes of them.
    travel("message_size_limit", "whether it passes them on is not to be seen");
}

fn travel(limit: &str, expected_of_doctor: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    photos::lay_out(&folder.path().join("photos"), 12);
    model::write(&model::untrained("m0"), &folder.path().join("bundle"));
    let mut broker = Mosquitto::with(&format!("{limit} {LIMIT}"));
    let hub = Hub::with_mosquitto(&folder.path().join("bundle"), &broker);
    let secret = hub.enrol("bin");
    broker.admit(&[("bin", &secret)]);
    let bin = Bin::start(&Setup {
        id: "bin",
        secret: &secret,
        mqtt_url: &broker.url(),
        hub_url: &hub.url(),
        bundle: &folder.path().join("bundle"),
        camera: &format!(
            "kind = \"replay\"\nfolder = {:?}\nframes_per_second = 10\nrepeat = true",
            folder.path().join("photos")
        ),
        root: None,
        more: "",
    });

    let told = |of: &str| -> Result<u64, String> {
        let bins = hub.try_get("/api/v1/bins")?;
        let outbox = &bins[0]["telemetry"]["outbox"];
        outbox[of].as_u64().ok_or_else(|| format!("no {of} in {outbox}"))
    };
    eventually("pictures made smaller", || {
        let (events, samples) = (hub.count("/events")?, hub.count("/samples")?);
        match (samples, told("made_smaller")?, told("largest_message")?) {
            (20.., 1.., ..=LIMIT) => Ok(()),
            (_, smaller, largest) => {
                Err(format!("{events} events, {samples} samples, {smaller} smaller, {largest} bytes\n{}", bin.output()))
            }
        }
    });
    let before = hub.count("/events").expect("the hub answers");
    eventually("further items", || match hub.count("/events")? {
        events if events > before + 10 => Ok(()),
        events => Err(format!("{events} of more than {}", before + 10)),
    });
    let samples = hub.get("/api/v1/samples?limit=100");
    let samples = samples.as_array().or_else(|| samples["samples"].as_array()).expect("a list of samples");
    let sides = samples.iter().filter_map(|sample| sample["width"].as_u64());
    assert!(sides.clone().count() > 0 && sides.clone().all(|width| width >= 120), "{samples:?}");
    let refused = &hub.get("/api/status")["ingest"];
    assert_eq!((&refused["malformed"], &refused["damaged"]), (&Value::from(0), &Value::from(0)), "{refused}");
    assert!(bin.output().contains("mqtt.largest_message"), "the log says what to set\n{}", bin.output());

    let findings = bin.doctor();
    assert!(findings.contains(expected_of_doctor), "{findings}");
    assert!(findings.contains("pictures smaller; nothing larger than"), "{findings}");
}
