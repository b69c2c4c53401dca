//! What the empty chamber looks like, learnt slowly. Pure, of fixed size.

use super::thumbnail::{CELLS, Thumbnail};

/// The empty chamber, in 1/256 levels so that it can be learnt slowly.
#[derive(Debug, Clone)]
pub(super) struct Background {
    grey: [u16; CELLS],
    blue: [u16; CELLS],
    red: [u16; CELLS],
}

impl Background {
    pub(super) fn of(frame: &Thumbnail) -> Self {
        let fine = |cells: &[u8; CELLS]| cells.map(|level| u16::from(level) << 8);
        Self { grey: fine(&frame.grey), blue: fine(&frame.blue), red: fine(&frame.red) }
    }

    pub(super) fn picture(&self) -> Thumbnail {
        let coarse = |cells: &[u16; CELLS]| cells.map(|level| (level >> 8) as u8);
        Thumbnail { grey: coarse(&self.grey), blue: coarse(&self.blue), red: coarse(&self.red) }
    }

    /// Goes one of so many parts of the way to what is seen.
    pub(super) fn learn(&mut self, frame: &Thumbnail, parts: i32) {
        let planes = [(&mut self.grey, &frame.grey), (&mut self.blue, &frame.blue), (&mut self.red, &frame.red)];
        for (known, seen) in planes.into_iter().flat_map(|(known, seen)| known.iter_mut().zip(seen)) {
            let seen = i32::from(*seen) << 8;
            let next = i32::from(*known) + (seen - i32::from(*known)) / parts;
            *known = next.clamp(0, i32::from(u16::MAX)) as u16;
        }
    }
}
