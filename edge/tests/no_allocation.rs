//! The trigger looks at ten frames a second for years: it must not allocate. A process of its own, because
//! the allocator that counts is that of the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use image::{Rgb, RgbImage};
use pilah_edge::trigger::{Look, Thumbnail, Trigger, TriggerRules};

/// The system's allocator, which counts what each thread asks for.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator cannot be written without; every call goes on to the system's as it came")]
// SAFETY: what `System` guarantees holds, since all arguments and results are its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer is of `System.alloc`, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// An empty chamber, an item that falls and lies, a change of the light, and the empty chamber again.
fn frames() -> Vec<RgbImage> {
    let frame = |item: Option<u32>, light: u32| {
        RgbImage::from_fn(640, 480, |x, y| {
            let is_item = item.is_some_and(|place| x.abs_diff(place) < 80 && y.abs_diff(place) < 80);
            let level = if is_item { 200 } else { 60 + (x / 40 + y / 30) % 3 * 10 };
            Rgb([(level * light / 100).min(255) as u8; 3])
        })
    };
    let mut frames = vec![frame(None, 100); 5];
    frames.extend([frame(Some(100), 100), frame(Some(200), 100)]);
    frames.extend(vec![frame(Some(240), 100); 12]);
    frames.extend(vec![frame(Some(240), 70); 5]);
    frames.extend(vec![frame(None, 70); 10]);
    frames
}

#[test]
fn the_trigger_allocates_nothing() {
    let frames = frames();
    let mut trigger = Trigger::new(TriggerRules::default());
    let (mut looks, mut votes) = (0, 0);
    let before = ALLOCATIONS.get();
    for (number, frame) in (0..).zip(&frames) {
        let at = Duration::from_millis(100) * number;
        if matches!(trigger.handle_frame(&Thumbnail::of(frame), at), Look::First | Look::Again) {
            looks += 1;
            if looks == 3 {
                trigger.handle_classified(at);
                votes += 1;
            }
        }
    }
    let allocations = ALLOCATIONS.get() - before;
    assert_eq!((looks, votes), (3, 1), "it has seen the item");
    assert_eq!(allocations, 0, "in {} frames", frames.len());
    drop(vec![1_u8; 10]);
    assert!(ALLOCATIONS.get() > before, "the allocator counts");
}
