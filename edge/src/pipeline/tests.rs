//! From frames to items, photo by photo and in drawn bins.

use pilah_models::bundle::{Bundle, Manifest, uniform_thresholds};
use pilah_models::wire::Outcome;

use super::*;
use crate::camera::chamber::Chamber;
use crate::camera::chamber::trouble::Trouble;
use crate::camera::replay::{Replay, ReplayConfig, Showing};
use crate::camera::{Camera, CameraError, Frame};
use crate::confusion;
use crate::testing;

#[test]
fn each_replayed_photo_becomes_one_item_with_its_truth() {
    let photos = testing::photos(7);
    let config: ReplayConfig = toml::from_str(&format!("folder = {:?}", photos.path())).expect("valid");
    let rules = TriggerRules::default();
    let mut camera =
        Replay::open(&config, Showing::for_pipeline(&config, rules.settle, rules.clear, 3)).expect("opens");
    let model = testing::classifier("m1", 1);
    let mut pipeline = Pipeline::new(rules, 3);
    let mut items = Vec::new();
    loop {
        let frame = match camera.next_frame() {
            Ok(frame) => frame,
            Err(CameraError::Ended) => break,
            Err(error) => panic!("{error}"),
        };
        let arrived = Arrived { frame, at: Instant::now() };
        items.extend(pipeline.handle_frame(&arrived, || model.clone()).expect("inference works"));
    }
    assert_eq!(items.len(), 7);
    for item in items {
        assert!(item.truth.is_some() && item.frames == 3 && item.agreed, "{:?}", item.decision);
        assert_eq!(item.model.as_str(), "m1");
        assert_eq!(item.image.dimensions(), (64, 48));
        let highest = item.decision.probabilities.values().copied().fold(0.0, f32::max);
        assert_eq!(highest, item.decision.confidence);
        assert!(matches!(item.decision.outcome, Outcome::Label { .. } | Outcome::Unsure { .. }));
    }
}

#[test]
fn what_is_outside_of_the_region_neither_triggers_nor_is_classified() {
    let frames = |moved: bool| {
        // An item at the left, and, if it moved, another one at the right.
        let picture = move |there: bool| {
            let light = move |x: u32| there && (x < 20 || moved && x >= 44);
            Arc::new(RgbImage::from_fn(64, 48, |x, _| image::Rgb([if light(x) { 200 } else { 20 }; 3])))
        };
        (0..30_u64).map(move |n| {
            let frame = Frame { rgb: picture(n >= 5), at: Duration::from_millis(n * 100), truth: None };
            Arrived { frame, at: Instant::now() }
        })
    };
    let model = testing::classifier("m1", 1);
    let region = |shares| Region::try_from(shares).expect("valid");
    let items = |region: Region, moved: bool| -> Vec<Item> {
        let mut pipeline = Pipeline::new(TriggerRules::default(), 3);
        pipeline.look_at(region);
        frames(moved).filter_map(|a| pipeline.handle_frame(&a, || model.clone()).expect("inference works")).collect()
    };
    assert_eq!(items(Region::WHOLE, false).len(), 1);
    let (left, right) = (region([0.0, 0.0, 0.5, 1.0]), region([0.5, 0.0, 0.5, 1.0]));
    assert!(items(right, false).is_empty(), "what is at the left is none of its business");
    let seen = [items(left, false), items(left, true)].concat();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].image.dimensions(), (32, 48));
    assert_eq!(seen[0].decision, seen[1].decision, "what is at the right changes nothing");
}

/// A pipeline that has seen this empty chamber before.
fn acquainted(chamber: &RgbImage) -> Pipeline {
    let memory = Memory { region: Region::WHOLE, chamber: Thumbnail::of(chamber) };
    Pipeline::remembering(TriggerRules::default(), 3, Some(memory))
}

/// A model that is sure of whatever it sees.
fn sure_of_everything() -> Classifier {
    let bundle = testing::bundle("m1", 1);
    let thresholds = uniform_thresholds(&bundle.manifest().labels, 0.01);
    let manifest = Manifest { thresholds, ..bundle.manifest().clone() };
    let bundle = Bundle::seal(manifest, bundle.backbone().to_vec(), bundle.head().to_vec()).expect("consistent");
    Classifier::load(&bundle).expect("it loads")
}

#[test]
fn two_things_that_lie_apart_are_unsure_however_sure_the_model_is() {
    let model = sure_of_everything();
    let picture = |second: bool| {
        Arc::new(RgbImage::from_fn(64, 48, move |x, y| {
            let there = (18..36).contains(&y) && ((6..20).contains(&x) || second && (40..56).contains(&x));
            image::Rgb([if there { 200 } else { 20 }; 3])
        }))
    };
    let empty = Arc::new(RgbImage::from_pixel(64, 48, image::Rgb([20; 3])));
    for second in [false, true] {
        let mut pipeline = acquainted(&empty);
        let items: Vec<Item> = (0..30_u64)
            .filter_map(|n| {
                let rgb = if n < 5 { Arc::clone(&empty) } else { picture(second) };
                let frame = Frame { rgb, at: Duration::from_millis(n * 100), truth: None };
                let arrived = Arrived { frame, at: Instant::now() };
                pipeline.handle_frame(&arrived, || model.clone()).expect("inference works")
            })
            .collect();
        assert_eq!(items.len(), 1, "one answer for both: {items:?}");
        assert_eq!(items[0].decision.is_sure(), !second, "{:?}", items[0].decision);
    }
}

/// In drawn bins, where half of the pairs touch or hide each other.
#[test]
fn of_drawn_pairs_those_that_are_told_apart_are_unsure() {
    let model = sure_of_everything();
    let (mut apart, mut together) = (0, 0);
    for look in [4, 9] {
        let trouble = [(Trouble::Pair, 1.0)].into();
        let mut camera = Chamber::new(confusion::bin(look, 500 + look, trouble)).expect("valid");
        let first = camera.next_frame().expect("a drawn camera does not fail");
        let mut pipeline = acquainted(&first.rgb);
        for _ in 0..250 {
            let frame = camera.next_frame().expect("a drawn camera does not fail");
            let arrived = Arrived { frame, at: Instant::now() };
            let Some(item) = pipeline.handle_frame(&arrived, || model.clone()).expect("inference works") else {
                continue;
            };
            assert_eq!(item.decision.is_sure(), !pipeline.trigger.sees_several(), "{:?}", item.decision);
            *(if item.decision.is_sure() { &mut together } else { &mut apart }) += 1;
        }
    }
    assert!(apart >= 5, "{apart} pairs were told apart, {together} were not");
}

/// A picture of the chamber, with or without an item in it.
fn picture(item: bool) -> Arc<RgbImage> {
    Arc::new(RgbImage::from_fn(64, 48, move |x, y| {
        let there = item && (16..36).contains(&x) && (18..36).contains(&y);
        image::Rgb([if there { 200 } else { 20 + (x / 8 + y / 8) as u8 % 2 * 20 }; 3])
    }))
}

/// The items of a pipeline that sees this, one letter a frame: `i`, an item; `.`, none. And what is kept of it.
fn seen(pipeline: &mut Pipeline, frames: &str) -> (Vec<Item>, Vec<Memory>) {
    let model = sure_of_everything();
    let (mut items, mut kept) = (Vec::new(), Vec::new());
    for (number, letter) in (0..).zip(frames.chars()) {
        let at = Duration::from_millis(number * 100);
        let frame = Frame { rgb: picture(letter == 'i'), at, truth: None };
        let arrived = Arrived { frame, at: Instant::now() };
        items.extend(pipeline.handle_frame(&arrived, || model.clone()).expect("inference works"));
        kept.extend(pipeline.poll_memory(at, false));
    }
    (items, kept)
}

#[test]
fn nothing_is_sure_before_the_empty_chamber_is_known_and_it_is_kept_then() {
    let visit = ["i".repeat(15), ".".repeat(8)].concat();
    let mut fresh = Pipeline::new(TriggerRules::default(), 3);
    let (items, kept) = seen(&mut fresh, &[".....", visit.as_str(), &visit].concat());
    let sure: Vec<_> = items.iter().map(|item| (item.chamber_known, item.decision.is_sure())).collect();
    assert_eq!(sure, [(false, false), (true, true)], "the first item might have been a gap");
    let empty = Memory { region: Region::WHOLE, chamber: Thumbnail::of(&picture(false)) };
    assert_eq!(kept, [empty], "known when the first item had gone, and not written again at once");
    assert_eq!(fresh.poll_memory(Duration::from_secs(5), true), None, "it is as it was kept");

    let again = || Pipeline::remembering(TriggerRules::default(), 3, Some(empty));
    for frames in [&["..", visit.as_str()].concat(), &visit] {
        let (items, kept) = seen(&mut again(), frames);
        let sure: Vec<_> = items.iter().map(|item| (item.chamber_known, item.decision.is_sure())).collect();
        assert_eq!((sure, kept), (vec![(true, true)], vec![]), "in view at the start or not: {frames}");
    }
    let mut elsewhere = again();
    elsewhere.look_at(Region::try_from([0.0, 0.0, 0.5, 1.0]).expect("valid"));
    let (items, _) = seen(&mut elsewhere, &["..", visit.as_str()].concat());
    assert!(!items[0].chamber_known, "of another part of the picture nothing is remembered");
}

#[test]
fn an_item_in_view_at_the_first_start_of_all_makes_no_item_of_the_gap() {
    let mut fresh = Pipeline::new(TriggerRules::default(), 3);
    let (item, gap) = ("i".repeat(20), ".".repeat(40));
    let (items, _) = seen(&mut fresh, &[item.as_str(), &gap, &item, &gap, &item, &gap].concat());
    let sure: Vec<_> = items.iter().map(|item| item.decision.is_sure()).collect();
    assert_eq!(sure, [false, true], "the first item was there before anybody looked, and its gap is none");
}
