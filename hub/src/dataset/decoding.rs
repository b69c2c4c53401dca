//! How many pictures are decoded at once: as many as fit the memory that is set aside for it.
//!
//! A photo of a phone takes 100 MB while it is decoded, the largest that is taken 650, and twelve people may send one
//! at the same time. What one costs is told by its header; it waits until there is so much room, first come, first
//! served. The room is the process's, since its memory is: uploads, imports and predictions share it.

use std::sync::Arc;
use std::sync::LazyLock;

use pilah_models::picture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Megabytes for pictures that are being decoded: one of the dearest kind, or three of 16 megapixels.
pub(crate) const ROOM_MB: u32 = 512;

/// The least that a picture is charged with, so that no more than 16 are decoded at once.
const LEAST_MB: u32 = ROOM_MB / 16;

static ROOM: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(ROOM_MB as usize)));

/// Room for one picture, until it is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    _permit: OwnedSemaphorePermit,
}

/// Waits until there is room to decode this file.
pub(crate) async fn room_for(bytes: &[u8]) -> Room {
    room_in(&ROOM, megabytes(picture::cost(bytes))).await
}

/// Decodes a file when there is room, on a thread of its own.
pub(crate) async fn decode_with_room<T: Send + 'static>(
    bytes: Vec<u8>,
    decode: impl FnOnce(Vec<u8>) -> T + Send + 'static,
) -> T {
    let room = room_for(&bytes).await;
    let work = move || {
        // Held until the work is done, even if the one who asked has hung up.
        let _room = room;
        decode(bytes)
    };
    tokio::task::spawn_blocking(work).await.expect("decoding does not panic and is not aborted")
}

/// What a picture is charged with: at most all there is, or the dearest would wait for ever.
fn megabytes(cost: u64) -> u32 {
    u32::try_from(cost.div_ceil(1_000_000)).unwrap_or(ROOM_MB).clamp(LEAST_MB, ROOM_MB)
}

async fn room_in(room: &Arc<Semaphore>, megabytes: u32) -> Room {
    let permit = Arc::clone(room).acquire_many_owned(megabytes).await;
    Room { _permit: permit.expect("nobody closes it") }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn every_picture_is_charged_with_something_and_none_with_more_than_there_is() {
        for (cost, expected) in
            [(0, LEAST_MB), (40_000_000, 40), (100_000_001, 101), (512_000_000, 512), (u64::MAX, ROOM_MB)]
        {
            assert_eq!(megabytes(cost), expected, "{cost}");
        }
        assert_eq!(ROOM_MB / megabytes(0), 16, "small ones at once");
    }

    #[tokio::test]
    async fn those_that_do_not_fit_wait_for_their_turn() {
        let all = Arc::new(Semaphore::new(ROOM_MB as usize));
        let first = room_in(&all, 300).await;
        let second = room_in(&all, 200).now_or_never().expect("there is room");
        let mut large = Box::pin(room_in(&all, 450));
        assert!((&mut large).now_or_never().is_none(), "12 MB are left");
        assert!(room_in(&all, 10).now_or_never().is_none(), "who came later does not pass");
        drop(first);
        assert!((&mut large).now_or_never().is_none(), "200 MB are taken");
        drop(second);
        drop((&mut large).now_or_never().expect("its turn has come"));
        assert_eq!(all.available_permits(), ROOM_MB as usize);
    }

    #[tokio::test]
    async fn what_is_decoded_gives_its_room_back() {
        let lengths =
            futures::future::join_all((0..40).map(|n| decode_with_room(vec![0; n], |bytes| bytes.len()))).await;
        assert_eq!(lengths, (0..40).collect::<Vec<_>>());
    }
}
