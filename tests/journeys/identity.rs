//! A card that is brought back loses nothing, and two bins with one id are named on both sides.

use std::path::Path;
use std::process::Command;

use pilah_tests::bin::{Bin, Setup};
use pilah_tests::hub::Hub;
use pilah_tests::program::eventually;
use pilah_tests::{model, photos};

/// What is thrown in between two stops.
const PHOTOS: usize = 12;

#[test]
fn a_card_that_is_brought_back_by_a_run_loses_nothing() {
    let (bundle, folder) = (temporary(), temporary());
    photos::lay_out(folder.path(), PHOTOS);
    model::write(&model::untrained("m0"), bundle.path());
    let hub = Hub::with_embedded_broker(bundle.path());
    let secret = hub.enrol("one");
    let mut bin = start(&hub, "one", &secret, bundle.path(), folder.path());
    wait_for(&hub, PHOTOS, &[&bin]);
    bin.stop();

    let image = temporary();
    copy(&bin.data(), &image.path().join("data"));
    bin.restart();
    wait_for(&hub, 2 * PHOTOS, &[&bin]);
    bin.stop();

    std::fs::remove_dir_all(bin.data()).expect("the card is taken out");
    copy(&image.path().join("data"), &bin.data());
    bin.restart();
    wait_for(&hub, 3 * PHOTOS, &[&bin]);
    let ingest = &hub.get("/api/status")["ingest"];
    for count in ["conflicts", "damaged", "malformed", "refused"] {
        assert_eq!(ingest[count], 0, "{count}: {ingest}");
    }
    assert!(hub.output().contains("its card was replaced, restored or copied"), "{}", hub.output());
}

#[test]
fn two_bins_with_one_id_lose_nothing_and_are_named_on_both_sides() {
    let (bundle, folder) = (temporary(), temporary());
    photos::lay_out(folder.path(), PHOTOS);
    model::write(&model::untrained("m0"), bundle.path());
    let hub = Hub::with_embedded_broker(bundle.path());
    let secret = hub.enrol("one");
    let bins = [0, 1].map(|_| start(&hub, "one", &secret, bundle.path(), folder.path()));
    wait_for(&hub, 2 * PHOTOS, &[&bins[0], &bins[1]]);

    eventually("the hub's word", || match hub.try_get("/api/v1/bins/one")?["takeovers"].as_u64() {
        Some(takeovers) if takeovers >= 2 => Ok(()),
        other => Err(format!("{other:?} take-overs\n{}", hub.output())),
    });
    assert!(hub.output().contains("two programs speak under this bin's id"), "{}", hub.output());
    for bin in &bins {
        eventually("the bin's word", || match bin.output() {
            log if log.contains("another program speaks under this bin's id") => Ok(()),
            log => Err(log),
        });
        let found = bin.doctor();
        assert!(found.contains("fail  identity       another program speaks as bin one"), "{found}");
    }
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn start(hub: &Hub, id: &str, secret: &str, bundle: &Path, photos: &Path) -> Bin {
    let camera = format!("kind = \"replay\"\nfolder = {photos:?}\nframes_per_second = 0");
    Bin::start(&Setup {
        id,
        secret,
        mqtt_url: &hub.mqtt_url(),
        hub_url: &hub.url(),
        bundle,
        camera: &camera,
        root: None,
        more: "",
    })
}

/// Waits until so many items and images are on the hub, and no more.
fn wait_for(hub: &Hub, expected: usize, bins: &[&Bin]) {
    let expected = expected as u64;
    eventually("all items and images", || match (hub.count("/events")?, hub.count("/samples")?) {
        (events, samples) if (events, samples) == (expected, expected) => Ok(()),
        (events, samples) => {
            assert!(events <= expected && samples <= expected, "{events} events, {samples} samples of {expected}");
            let logs: Vec<_> = bins.iter().map(|bin| bin.output()).collect();
            Err(format!("{events} events and {samples} samples of {expected}\n{}", logs.join("\n")))
        }
    });
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("there is cp");
    assert!(copied.success(), "{} is copied", from.display());
}
