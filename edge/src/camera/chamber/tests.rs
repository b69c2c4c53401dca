use std::collections::BTreeSet;

use image::RgbImage;

use super::class::Class;
use super::geometry::v;
use super::scenes::{RenderScenes, render_scenes};
use super::*;

fn small(seed: u64, look: u64) -> ChamberConfig {
    ChamberConfig { seed, look, width: 64, height: 48, item_every_s: 2.5, ..ChamberConfig::default() }
}

fn frames(config: ChamberConfig, count: usize) -> Vec<Frame> {
    let mut chamber = Chamber::new(config).expect("a valid configuration");
    (0..count).map(|_| chamber.next_frame().expect("a drawn camera does not fail")).collect()
}

fn difference(a: &RgbImage, b: &RgbImage) -> f32 {
    let sum: u32 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    sum as f32 / a.as_raw().len() as f32
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let (first, again) = (frames(small(3, 5), 40), frames(small(3, 5), 40));
    for (a, b) in first.iter().zip(&again) {
        assert_eq!((a.rgb.as_raw(), a.at, &a.truth), (b.rgb.as_raw(), b.at, &b.truth));
    }
    let other_items = frames(small(4, 5), 40);
    assert!(first.iter().zip(&other_items).any(|(a, b)| a.rgb != b.rgb));
    let other_look = frames(small(3, 6), 1);
    assert!(difference(&first[0].rgb, &other_look[0].rgb) > 5.0, "another look is another chamber");
}

#[test]
fn frames_keep_the_cameras_time() {
    let times: Vec<_> =
        frames(ChamberConfig { frames_per_second: 8.0, ..small(1, 1) }, 4).iter().map(|f| f.at).collect();
    assert_eq!(times, [0, 125, 250, 375].map(Duration::from_millis));
}

/// Splits frames into runs with the same truth.
fn runs(frames: &[Frame]) -> Vec<&[Frame]> {
    frames.chunk_by(|a, b| a.truth == b.truth).collect()
}

#[test]
fn an_item_is_to_be_seen_exactly_while_its_truth_is_stated() {
    for look in 1..=4 {
        let frames = frames(small(11, look), 120);
        let runs = runs(&frames);
        assert!(runs.len() >= 6, "120 frames hold some items");
        for pair in
            runs[..runs.len() - 1].windows(2).filter(|pair| pair[0][0].truth.is_none() && pair[1][0].truth.is_some())
        {
            let (empty, item) = (pair[0], pair[1]);
            let before = &empty[empty.len() - 1].rgb;
            let settled = &item[item.len() * 2 / 3].rgb;
            let noise = difference(&empty[empty.len() - 2].rgb, before);
            assert!(difference(settled, before) > noise + 1.0, "look {look}: the item is not to be seen");
            let still = item.windows(2).filter(|two| difference(&two[0].rgb, &two[1].rgb) < noise * 2.5 + 0.5).count();
            assert!(still >= 7, "look {look}: it lies still for {still} frames only");
        }
    }
}

#[test]
fn every_class_comes_and_the_mix_decides_how_often() {
    let seen = |config: ChamberConfig, count| -> BTreeSet<String> {
        frames(config, count).into_iter().filter_map(|f| f.truth).map(|t| t.label.to_string()).collect()
    };
    let six: BTreeSet<String> = Class::ALL.iter().map(|class| class.label().to_string()).collect();
    let tiny = ChamberConfig { width: 32, height: 32, ..small(2, 1) };
    assert_eq!(seen(tiny.clone(), 900), six);
    let glass = Label::new("glass").expect("a valid name");
    let only_glass = ChamberConfig { mix: BTreeMap::from([(glass, 1.0)]), ..tiny };
    assert_eq!(seen(only_glass, 100), BTreeSet::from(["glass".to_owned()]));
}

#[test]
fn settings_that_cannot_be_are_named() {
    let label = |name: &str| Label::new(name).expect("a valid name");
    let base = ChamberConfig::default();
    let cases = [
        (ChamberConfig { width: 8, ..base.clone() }, "width: 8 is outside 32 to 1920"),
        (ChamberConfig { height: 5000, ..base.clone() }, "height: 5000 is outside 32 to 1080"),
        (ChamberConfig { frames_per_second: 0.0, ..base.clone() }, "frames_per_second: 0 is outside 1 to 60"),
        (ChamberConfig { frames_per_second: f32::NAN, ..base.clone() }, "frames_per_second: NaN is outside 1 to 60"),
        (ChamberConfig { item_every_s: 1.0, ..base.clone() }, "item_every_s: 1 is outside 2.5 to 86400"),
        (
            ChamberConfig { mix: BTreeMap::from([(label("wood"), 1.0)]), ..base.clone() },
            "mix: there are no drawn items of class wood",
        ),
        (
            ChamberConfig { mix: BTreeMap::from([(label("glass"), -1.0)]), ..base.clone() },
            "mix: the weight -1 of glass is outside 0 to 1000000",
        ),
        (
            ChamberConfig { trouble: [(Trouble::Lamp, 2.0)].into(), ..base.clone() },
            "trouble: shares are from 0 to 1, together at most 1",
        ),
        (ChamberConfig { mix: BTreeMap::from([(label("glass"), 0.0)]), ..base.clone() }, "mix: no class has a weight"),
    ];
    assert_eq!(base.check(), Ok(()));
    for (config, expected) in cases {
        assert_eq!(config.check().expect_err(expected).to_string(), expected);
    }
}

#[test]
fn every_kind_of_thing_has_a_body_that_rays_find_and_rests_on_the_floor() {
    let mut dice = Dice::new(9);
    for look in 0..60 {
        let look = Look::draw(look);
        for class in Class::ALL {
            let item = class.draw(&mut dice, &look.taste);
            assert!((0.1..1.45).contains(&item.radius), "{class:?} has radius {}", item.radius);
            let pose = timeline::lay(&item, &mut dice);
            assert!(pose.at.y > 0.0 && pose.at.y <= item.radius + 0.02, "{class:?} lies at {}", pose.at.y);
            let found = (-8..=8).any(|i| {
                let from = pose.inward(pose.at + v(i as f32 / 8.0 * item.radius, 2.0, 0.03));
                item.trace(from, pose.turn.undo(v(0.0, -1.0, 0.0)), true).is_some()
            });
            assert!(found, "{class:?}: no ray from above meets it");
        }
    }
}

#[test]
fn scenes_are_written_by_class() {
    let folder = tempfile::tempdir().expect("a folder");
    let what =
        RenderScenes { out: folder.path().to_path_buf(), count: 12, seed: 1, looks: vec![3], width: 48, height: 36 };
    assert_eq!(render_scenes(&what).expect("a writable folder"), 12);
    for class in Class::ALL {
        let files = std::fs::read_dir(folder.path().join(class.label().as_str())).expect("one folder per class");
        assert_eq!(files.count(), 2, "{class:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let what = RenderScenes { out: file.path().join("x"), count: 1, seed: 1, looks: vec![1], width: 32, height: 32 };
    let error = render_scenes(&what).expect_err("a file is no folder");
    assert!(error.to_string().starts_with("cannot write "), "{error}");
}
