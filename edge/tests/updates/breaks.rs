//! An update that breaks off at any byte goes on there: no more than 64 KiB come again, also if the power goes with the link.
//! And what an update costs.

use pilah_models::bundle::Bundle;
use pilah_models::labels::Labels;

use crate::bench::{Bench, model, now, small, wish};
use crate::disk::{Disk, Draws, lay_out, record};

/// What may come again.
const AGAIN: u64 = 64 * 1024;

/// A model of some 200 KB.
fn large(version: &str) -> Bundle {
    model(version, 5, &Labels::waste(), 1024)
}

#[test]
fn an_update_that_breaks_off_at_any_byte_fetches_little_again() {
    let bench = Bench::new();
    let wanted = large("m2");
    bench.publish(&[&wanted]);
    bench.bin("whole").update(&wish(&wanted), now()).expect("it is signed");
    let whole = bench.came();
    assert!(whole > 150_000, "{whole} bytes in all");
    let mut draws = Draws(7);
    let everywhere = (0..whole).step_by(4096).chain((0..30).map(|_| draws.up_to(whole as usize - 1) as u64));
    let cuts: Vec<u64> = everywhere.collect();
    let mut most = 0;
    for at in cuts {
        let root = bench.path("bin");
        std::fs::remove_dir_all(&root).ok();
        let bin = bench.bin("bin");
        let broken = record(|mark: &dyn Fn(())| {
            mark(());
            bench.traffic.lock().expect("whole").breaks_after = Some(at);
            bin.update(&wish(&wanted), now()).map(drop).expect_err("the link breaks");
        });
        assert_eq!(bin.version(), "m1");
        bench.honest();
        assert_eq!(bench.came(), at);
        // The link came back; and, in another world, the power had gone as well, and what was not synced with it.
        let mut disk = Disk::default();
        broken.steps.iter().for_each(|step| disk.apply(step, &root));
        lay_out(&disk.synced(), &bench.path("dark"));
        for name in ["bin", "dark"] {
            let bin = bench.bin(name);
            bin.update(&wish(&wanted), now()).unwrap_or_else(|error| panic!("{name}, {at}: {error}"));
            assert_eq!(bin.version(), "m2");
            let again = (at + bench.came()).saturating_sub(whole);
            assert!(again <= AGAIN, "{name}: {again} bytes came again after a break at {at}");
            most = most.max(again);
        }
    }
    println!("{whole} bytes; at most {most} came again");
}

#[test]
fn a_new_head_costs_its_manifest_itself_and_the_metadata() {
    let bench = Bench::new();
    // The two in service and ten of open rollouts, all over one backbone.
    let models: Vec<Bundle> = (2..14).map(|n| small(&format!("m{n}"), n)).collect();
    let bin = bench.bin("bin");
    bench.publish(&models[..11].iter().collect::<Vec<_>>());
    bin.update(&wish(&models[0]), now()).expect("it is signed");
    bench.publish(&models.iter().collect::<Vec<_>>());
    bench.came();
    bin.check(now()).1.expect("believed");
    let metadata = bench.came();
    bin.update(&wish(&models[11]), now()).expect("it is signed");
    let (manifest, head) = (models[11].manifest_bytes().len() as u64, models[11].head().len() as u64);
    let timestamp = bench.metadata("timestamp.json").len() as u64;
    assert_eq!(bench.came(), timestamp + manifest + head, "no byte besides");
    assert!(metadata < 8 * 1024, "{metadata} bytes of metadata for {} models", models.len());
    println!("metadata {metadata}, timestamp {timestamp}, manifest {manifest}, head {head} bytes");
}
