use image::{Rgb, RgbImage};
use proptest::prelude::*;

use super::*;
use crate::camera::chamber::{Chamber, ChamberConfig};
use crate::camera::replay::{Replay, ReplayConfig, Showing};
use crate::camera::{Camera, CameraError};

const FRAME: Duration = Duration::from_millis(100);
const VOTES: u32 = 3;

/// Runs a trigger over frames at 10 frames/s and votes as the pipeline does. Returns the number of
/// the frame in which each vote ended.
fn votes(frames: impl IntoIterator<Item = Thumbnail>) -> Vec<u32> {
    watched(&mut Trigger::new(TriggerRules::default()), frames)
}

/// As [`votes`], by a trigger that is looked at afterwards.
fn watched(trigger: &mut Trigger, frames: impl IntoIterator<Item = Thumbnail>) -> Vec<u32> {
    let (mut ended, mut votes) = (Vec::new(), 0);
    for (number, frame) in (0..).zip(frames) {
        let at = FRAME * number;
        match trigger.handle_frame(&frame, at) {
            Look::Away => continue,
            Look::Void => votes = 0,
            Look::First => votes = 1,
            Look::Again => votes += 1,
        }
        if votes == VOTES {
            trigger.handle_classified(at);
            ended.push(number);
            votes = 0;
        }
    }
    ended
}

fn flat(level: u8) -> Thumbnail {
    Thumbnail::of_grey([level; CELLS])
}

/// The frame with a square of `side` cells at column and row `place`.
fn with_item(mut frame: Thumbnail, place: usize, side: usize, level: u8) -> Thumbnail {
    for row in place..(place + side).min(ROWS) {
        frame.grey[row * COLUMNS + place..][..side].fill(level);
    }
    frame
}

fn noisy(frame: Thumbnail, seed: u32) -> Thumbnail {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    Thumbnail::of_grey(frame.grey.map(|level| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        level.saturating_add_signed((state % 7) as i8 - 3)
    }))
}

/// A visit: falls in, lies, goes.
fn visit(background: Thumbnail, level: u8, lies: usize) -> Vec<Thumbnail> {
    let item = |place| with_item(background, place, 8, level);
    let mut frames = vec![item(1), item(5), item(9)];
    frames.extend(vec![item(9); lies]);
    frames.extend([item(12), item(15)]);
    frames.extend(vec![background; 6]);
    frames
}

#[test]
fn an_item_is_classified_once_however_long_it_lies() {
    for lies in [8, 20, 100] {
        let frames = [vec![flat(40); 5], visit(flat(40), 180, lies)].concat();
        assert_eq!(votes(frames).len(), 1, "lies {lies} frames");
    }
}

#[test]
fn an_empty_chamber_and_a_passing_hand_are_no_item() {
    assert_eq!(votes(vec![flat(40); 100]), [0_u32; 0]);
    let hand: Vec<_> = (0..12).map(|place| with_item(flat(40), place, 6, 200)).collect();
    assert_eq!(votes([vec![flat(40); 5], hand, vec![flat(40); 20]].concat()), [0_u32; 0]);
}

#[test]
fn noise_and_slow_light_are_no_item() {
    let dawn = (0..2000_u32).map(|n| noisy(flat((40 + n / 20) as u8), n + 1));
    assert_eq!(votes(dawn), [0_u32; 0]);
}

#[test]
fn an_item_that_rolls_on_during_the_vote_is_voted_anew_and_once() {
    let item = |place| with_item(flat(40), place, 8, 180);
    let mut frames = vec![flat(40); 3];
    frames.extend([vec![item(2)], vec![item(4); 5], vec![item(8); 20], vec![flat(40); 5]].concat());
    let ended = votes(frames);
    assert_eq!(ended.len(), 1);
    assert!(ended[0] > 9, "the vote ended where the item came to rest, not before: {ended:?}");
}

#[test]
fn what_an_item_leaves_behind_becomes_part_of_the_chamber() {
    let crumbs = with_item(flat(40), 2, 4, 90);
    let mut frames = [vec![flat(40); 3], vec![with_item(flat(40), 9, 8, 180); 20]].concat();
    frames.extend([with_item(crumbs, 12, 8, 180)]);
    frames.extend(vec![crumbs; 10]);
    frames.extend(visit(crumbs, 200, 15));
    assert_eq!(votes(frames).len(), 2, "crumbs that stay when the item goes are no item");
}

#[test]
fn something_stuck_is_given_up_and_the_next_item_is_seen() {
    let stuck = with_item(flat(40), 3, 8, 180);
    let frames = [vec![flat(40); 3], vec![stuck; 400], visit(stuck, 230, 15)].concat();
    assert_eq!(votes(frames).len(), 2);
}

/// A chamber with a bright floor, darker walls and some dirt, in a light of `factor`.
fn textured(factor: f32) -> Thumbnail {
    Thumbnail::of_grey(std::array::from_fn(|i| {
        let (x, y) = (i % COLUMNS, i / COLUMNS);
        let level = if y > 8 { 110 } else { 60 } + (x * 7 + y * 13) % 11 * 3;
        (level as f32 * factor).min(255.0) as u8
    }))
}

fn with_arm(mut frame: Thumbnail, deep: usize) -> Thumbnail {
    for row in 0..deep {
        frame.grey[row * COLUMNS + 14..][..5].fill(190);
    }
    frame
}

#[test]
fn light_that_changes_is_no_item_and_hides_none() {
    for factor in [0.35, 0.6, 0.9, 1.2, 1.6, 1.9] {
        let (before, after) = (textured(1.0), textured(factor));
        let mut frames = [vec![before; 5], vec![after; 20]].concat();
        assert_eq!(votes(frames.clone()), [0_u32; 0], "at once, to {factor}");
        frames.extend(visit(after, 5, 12));
        assert_eq!(votes(frames).len(), 1, "an item in the light of {factor}");
        let slowly = (0..60).map(|n| textured(1.0 + (factor - 1.0) * (n.min(40) as f32) / 40.0));
        assert_eq!(votes(slowly), [0_u32; 0], "slowly, to {factor}");
    }
}

#[test]
fn the_light_goes_out_and_on_again() {
    let dark = vec![textured(0.02); 100];
    let frames = [vec![textured(1.0); 5], dark, vec![textured(1.0); 30], visit(textured(1.0), 5, 12)].concat();
    assert_eq!(votes(frames).len(), 1);
}

#[test]
fn a_lamp_that_goes_on_while_an_item_lies_changes_nothing() {
    for factor in [0.5, 1.7] {
        let item = |factor, lies| vec![with_item(textured(factor), 9, 8, 10); lies];
        let frames = [vec![textured(1.0); 5], item(1.0, 12), item(factor, 12), vec![textured(factor); 20]].concat();
        assert_eq!(votes(frames).len(), 1, "to {factor}");
    }
}

#[test]
fn light_that_comes_from_one_side_is_no_item() {
    let uneven = Thumbnail::of_grey(std::array::from_fn(|i| {
        (f32::from(textured(1.0).grey[i]) * (0.7 + (i % COLUMNS) as f32 / 24.0)).min(255.0) as u8
    }));
    let frames = [vec![textured(1.0); 5], vec![uneven; 20], visit(uneven, 5, 12)].concat();
    assert_eq!(votes(frames).len(), 1);
}

#[test]
fn light_that_is_steady_in_the_middle_and_not_at_the_sides_is_no_item_and_hides_none() {
    for more in [-0.12, 0.12] {
        let uneven = Thumbnail::of_grey(std::array::from_fn(|i| {
            let (x, level) = ((i % COLUMNS) as f32, f32::from(textured(1.0).grey[i]));
            (level * (1.0 + more * (x / 16.0 - 1.0))) as u8
        }));
        let differs = (0..CELLS).filter(|i| uneven.grey[*i].abs_diff(textured(1.0).grey[*i]) > 12).count();
        assert!((10..100).contains(&differs), "as much as an item covers: {differs} cells");
        let frames = [vec![textured(1.0); 5], vec![uneven; 20]].concat();
        assert_eq!(votes(frames.clone()), [0_u32; 0], "{more}");
        assert_eq!(votes([frames, visit(uneven, 230, 12)].concat()).len(), 1, "an item in it, {more}");
    }
}

#[test]
fn a_hand_that_is_held_still_for_a_moment_is_no_item_and_what_it_drops_is_one() {
    let arm = |deep| with_arm(textured(1.0), deep);
    let reach = [vec![textured(1.0); 5], vec![arm(4), arm(9)], vec![arm(13); 5], vec![arm(6)]].concat();
    assert_eq!(votes([reach.clone(), vec![textured(1.0); 10]].concat()), [0_u32; 0]);
    assert_eq!(votes([reach, visit(textured(1.0), 5, 12)].concat()).len(), 1);
    // What hangs in and stays is an item after all.
    let hanging = [vec![textured(1.0); 5], vec![arm(9); 30], vec![textured(1.0); 10]].concat();
    assert_eq!(votes(hanging).len(), 1);
}

#[test]
fn an_item_that_bounces_is_one() {
    let at = |place| with_item(textured(1.0), place, 6, 10);
    let bounces = [vec![at(3), at(9)], vec![at(6); 2], vec![at(9)], vec![at(8); 2], vec![at(9); 12]].concat();
    assert_eq!(votes([vec![textured(1.0); 5], bounces, vec![textured(1.0); 10]].concat()).len(), 1);
}

#[test]
fn what_stays_for_long_and_goes_after_all_is_one_item() {
    let stays = with_item(textured(1.0), 9, 8, 10);
    let frames = [vec![textured(1.0); 5], vec![stays; 400], vec![textured(1.0); 30]].concat();
    assert_eq!(votes(frames.clone()).len(), 1, "the empty chamber is known again");
    assert_eq!(votes([frames, visit(textured(1.0), 230, 12)].concat()).len(), 2);
}

#[test]
fn items_that_follow_each_other_within_a_frame_or_two_are_each_voted_on() {
    let at = |place, level| with_item(textured(1.0), place, 7, level);
    for gap in [1, 2, 3] {
        let visit = |level| {
            let comes = vec![at(2, level), at(6, level)];
            [comes, vec![at(9, level); 12], vec![at(13, level), at(17, level)], vec![textured(1.0); gap]].concat()
        };
        let frames =
            [vec![textured(1.0); 5], visit(10), visit(10), visit(230), visit(10), vec![textured(1.0); 10]].concat();
        let mut trigger = Trigger::new(TriggerRules::default());
        assert_eq!(watched(&mut trigger, frames).len(), 4, "{gap} empty frames between");
        assert_eq!(trigger.gaps(), Gaps::default(), "each gap was seen");
    }
}

#[test]
fn without_a_gap_what_looks_or_lies_otherwise_is_another_item_and_what_was_pushed_is_the_same() {
    let at = |place, side, level| vec![with_item(textured(1.0), place, side, level); 12];
    let pushed_by = |next: Vec<Thumbnail>| {
        let frames = [vec![textured(1.0); 5], at(8, 7, 10), next, vec![textured(1.0); 10]].concat();
        let mut trigger = Trigger::new(TriggerRules::default());
        (watched(&mut trigger, frames).len(), trigger.gaps().unseen, trigger.gaps().unclear)
    };
    assert_eq!(pushed_by(at(9, 7, 230)), (2, 1, 0), "of another colour");
    assert_eq!(pushed_by(at(15, 7, 10)), (2, 1, 0), "in another place");
    assert_eq!(pushed_by(at(11, 7, 10)), (1, 0, 1), "it may have been pushed");
    assert_eq!(pushed_by(at(8, 7, 10)), (1, 0, 0), "nothing has happened");
}

#[test]
fn gaps_that_are_not_seen_are_told_once_they_are_more_than_chance() {
    let mut gaps = Gaps::default();
    for item in 0..40_u32 {
        if item % 3 == 0 {
            gaps.handle_unseen();
        }
        gaps.handle_item();
        assert_eq!(gaps.are_not_seen().is_some(), item >= 9, "item {item}");
    }
    (0..Gaps::RECENT).for_each(|_| gaps.handle_item());
    assert_eq!((gaps.are_not_seen(), gaps.unseen), (None, 14), "it is well again, and what was is not forgotten");
}

/// The frame in a soft, broad shadow whose front has come so far, in cells.
fn in_shadow(frame: Thumbnail, front: f32) -> Thumbnail {
    let (wide, soft, deep) = (14.0, 8.0, 0.5);
    Thumbnail::of_grey(std::array::from_fn(|i| {
        let behind = front - (i % COLUMNS) as f32;
        let share = (behind / soft).min((wide + 2.0 * soft - behind) / soft).clamp(0.0, 1.0);
        (f32::from(frame.grey[i]) * (1.0 - deep * share)) as u8
    }))
}

#[test]
fn broad_shadows_that_pass_are_no_item_and_hide_none() {
    let pass = |frame: Thumbnail| (0..16).map(move |n| in_shadow(frame, n as f32 * 4.0)).collect::<Vec<_>>();
    let (empty, item) = (textured(1.0), with_item(textured(1.0), 9, 7, 10));
    let over_nothing = [vec![empty; 5], pass(empty), pass(empty), vec![empty; 10]].concat();
    assert_eq!(votes(over_nothing.clone()), [0_u32; 0]);
    let while_it_lies = [vec![empty; 5], vec![item; 2], pass(item), pass(item), vec![empty; 10]].concat();
    assert_eq!(votes(while_it_lies).len(), 1, "it is seen in the shadow, once");
    let after_the_vote = [vec![empty; 5], vec![item; 12], pass(item), vec![item; 12], vec![empty; 10]].concat();
    assert_eq!(votes([after_the_vote, visit(empty, 230, 12)].concat()).len(), 2);
}

#[test]
fn the_chamber_is_known_when_it_comes_back_or_stays_as_it_is() {
    let (empty, item) = (textured(1.0), with_item(textured(1.0), 9, 8, 10));
    let known_after = |frames: Vec<Thumbnail>| {
        let mut trigger = Trigger::new(TriggerRules::default());
        watched(&mut trigger, frames);
        (trigger.knows_the_chamber(), trigger.chamber().is_some())
    };
    assert_eq!(known_after(vec![empty; 190]), (false, false), "19 seconds");
    assert_eq!(known_after(vec![empty; 210]), (true, false), "but it is not kept before it was seen to come back");
    assert_eq!(known_after([vec![empty; 5], vec![item; 15]].concat()), (false, false));
    assert_eq!(known_after([vec![empty; 5], vec![item; 15], vec![empty; 5]].concat()), (true, true));
    assert_eq!(known_after([vec![item; 5], vec![empty; 15]].concat()), (false, false), "the gap may be anything");
    let next = with_item(empty, 2, 6, 240);
    assert_eq!(known_after([vec![item; 5], vec![empty; 9], vec![next; 12], vec![empty; 9]].concat()), (true, true));
}

#[test]
fn an_item_in_view_at_the_start_leaves_no_blindness_behind() {
    let (empty, item) = (textured(1.0), with_item(textured(1.0), 9, 8, 10));
    let start = [vec![item; 10], vec![empty; 10], visit(empty, 230, 12), visit(empty, 5, 12)].concat();
    assert_eq!(votes(start.clone()).len(), 2, "the gap is no item, and both that follow are");
    let mut trigger = Trigger::remembering(TriggerRules::default(), Some(&empty));
    assert_eq!(watched(&mut trigger, start).len(), 3, "what is remembered shows the item in view as well");
    let mut trigger = Trigger::remembering(TriggerRules::default(), Some(&textured(0.6)));
    watched(&mut trigger, vec![empty]);
    assert!(trigger.knows_the_chamber(), "in other light it is the same chamber");
    let strange = Thumbnail::of_grey(std::array::from_fn(|i| textured(1.0).grey[CELLS - 1 - i]));
    let mut trigger = Trigger::remembering(TriggerRules::default(), Some(&strange));
    watched(&mut trigger, vec![empty; 3]);
    assert!(!trigger.knows_the_chamber(), "the camera was turned");
    watched(&mut trigger, [vec![strange; 8]].concat());
    assert!(trigger.knows_the_chamber(), "and turned back");
    // A camera that begins in the dark.
    let dark = [vec![flat(2); 3], vec![empty; 20], visit(empty, 230, 12)].concat();
    assert_eq!(votes(dark).len(), 1);
}

#[test]
fn two_things_that_lie_apart_are_told_apart() {
    let one = with_item(textured(1.0), 3, 6, 10);
    for (frame, expected) in [(one, false), (with_item(one, 14, 6, 250), true)] {
        let mut trigger = Trigger::new(TriggerRules::default());
        let frames = [vec![textured(1.0); 5], vec![frame; 12]].concat();
        let looks: Vec<_> = (0..).zip(frames).map(|(n, frame)| trigger.handle_frame(&frame, FRAME * n)).collect();
        assert!(looks.contains(&Look::First));
        assert_eq!(trigger.sees_several(), expected);
    }
}

#[test]
fn a_thumbnail_is_the_mean_by_cell_at_any_size() {
    for (width, height) in [(32, 24), (320, 240), (512, 384), (1280, 720), (33, 25), (5, 3)] {
        let image = RgbImage::from_fn(width, height, |x, _| if x < width / 2 { Rgb([0; 3]) } else { Rgb([200; 3]) });
        let thumbnail = Thumbnail::of(&image);
        if width >= 32 {
            assert!(thumbnail.grey[0] == 0 && thumbnail.grey[COLUMNS - 1].abs_diff(200) < 2, "{width}×{height}");
        }
    }
}

proptest! {
    /// Whatever comes between dark and light, of whatever size, once it lies still it is seen once.
    #[test]
    fn every_visit_is_exactly_one_vote(
        visits in prop::collection::vec((any::<u8>(), 8_usize..40), 1..12),
        background in any::<u8>(),
        seed in any::<u32>(),
    ) {
        let background = flat(background);
        let mut frames = vec![background; 4];
        let mut expected = 0;
        for (level, lies) in visits {
            // An item that cannot be told from the chamber is none.
            if level.abs_diff(background.grey[0]) > 40 {
                frames.extend(visit(background, level, lies));
                expected += 1;
            }
        }
        let frames = frames.into_iter().zip(seed..).map(|(frame, n)| noisy(frame, n));
        prop_assert_eq!(votes(frames).len(), expected);
    }
}

fn replayed(config: &ReplayConfig) -> (usize, usize) {
    let rules = TriggerRules::default();
    let showing = Showing::for_pipeline(config, rules.settle, rules.clear, VOTES as u8);
    let mut camera = Replay::open(config, showing).expect("opens");
    let photos = camera.photos();
    let frames = std::iter::from_fn(|| match camera.next_frame() {
        Ok(frame) => Some(Thumbnail::of(&frame.rgb)),
        Err(CameraError::Ended) => None,
        Err(error) => panic!("{error}"),
    });
    (votes(frames).len(), photos)
}

/// Flat photos of every brightness, except those that look as if the light were out: no photo may hide
/// from the trigger.
#[test]
fn every_replayed_photo_is_exactly_one_vote_whatever_its_brightness() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for level in (10..=255).step_by(5) {
        let photo = RgbImage::from_pixel(64, 48, Rgb([level; 3]));
        photo.save(folder.path().join(format!("{level}.png"))).expect("saves");
    }
    let config = toml::from_str(&format!("folder = {:?}", folder.path())).expect("valid");
    assert_eq!(replayed(&config), (50, 50));
}

/// Real photos, where they are at hand: light posterboard against the test card.
#[test]
fn every_replayed_trashnet_photo_is_exactly_one_vote() {
    let shared = std::env::var("PILAH_SHARED").unwrap_or_else(|_| "../../shared".to_owned());
    let folder = std::path::Path::new(&shared).join("data/trashnet");
    if !folder.is_dir() {
        eprintln!("no photos at {}: this test is left out", folder.display());
        return;
    }
    let config = toml::from_str(&format!("folder = {folder:?}\npart = \"1/20\"\nshuffle = 1")).expect("valid");
    let (votes, photos) = replayed(&config);
    assert!(photos > 50, "{photos} photos");
    assert_eq!(votes, photos);
}

/// Drawn bins of several looks, with shadows, noise and litter: each item is voted on once, while it
/// is there.
#[test]
fn every_drawn_item_is_exactly_one_vote() {
    for look in 1..=8 {
        let config = ChamberConfig {
            look,
            seed: 40 + look,
            width: 160,
            height: 120,
            item_every_s: 4.0,
            ..ChamberConfig::default()
        };
        let mut camera = Chamber::new(config).expect("it opens");
        let frames: Vec<_> = (0..400).map(|_| camera.next_frame().expect("it never ends")).collect();
        let mut items = 0;
        let mut voted = votes(frames.iter().map(|frame| Thumbnail::of(&frame.rgb))).into_iter().peekable();
        let mut number = 0;
        for run in frames.chunk_by(|a, b| a.truth == b.truth) {
            let end = number + run.len() as u32;
            let votes = std::iter::from_fn(|| voted.next_if(|vote| *vote < end)).count();
            let cut = end as usize == frames.len();
            let expected = usize::from(run[0].truth.is_some());
            eprintln!(
                "look {look}: frames {number}..{end} {:?}: {votes} votes",
                run[0].truth.as_ref().map(|t| &t.label)
            );
            assert!(
                votes == expected || cut,
                "look {look}: {votes} votes on {:?} in frames {number}..{end}",
                run[0].truth
            );
            items += expected;
            number = end;
        }
        assert!(items >= 5, "look {look}: {items} items");
    }
}
