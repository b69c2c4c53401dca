//! The empty chamber, as it is kept from one run to the next, so that an item that lies there when the bin starts is
//! not taken for the chamber. Pure: bytes in, bytes out.
//!
//! ```text
//! "PILAHCH1" │ region: 4 × f32 │ grey, blue, red: 768 bytes each │ CRC-32 of all before │ little endian
//! ```
//!
//! It is no picture for people: 32 × 24 cells of brightness and colour, in which nobody can be recognised. Whatever is
//! not exactly this is refused, and costs no more than a bin that has to learn its chamber anew.

use super::thumbnail::{CELLS, Thumbnail};
use crate::region::Region;

/// What the bytes begin with: the format and its version.
const MAGIC: &[u8; 8] = b"PILAHCH1";

/// All bytes.
const LENGTH: usize = MAGIC.len() + 4 * 4 + 3 * CELLS + 4;

/// The empty chamber, and the part of the picture that it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    /// The part of the picture that was looked at: of another part, it says nothing.
    pub region: Region,
    /// What was seen there.
    pub chamber: Thumbnail,
}

/// Bytes that hold no chamber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// Another format, or another version of it.
    #[error("it is no memory of a chamber that this version reads")]
    Foreign,
    /// They are not what was written.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
}

impl Memory {
    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend(MAGIC);
        bytes.extend(self.region.shares().iter().flat_map(|share| share.to_le_bytes()));
        for plane in [&self.chamber.grey, &self.chamber.blue, &self.chamber.red] {
            bytes.extend(plane);
        }
        let sum = crc32fast::hash(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    /// [`MemoryError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, MemoryError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(MemoryError::Foreign)?;
        if bytes.len() != LENGTH {
            return Err(MemoryError::Damaged("its length is not right"));
        }
        let (content, sum) = bytes.split_at(LENGTH - 4);
        if crc32fast::hash(content).to_le_bytes() != sum {
            return Err(MemoryError::Damaged("its checksum is not right"));
        }
        let share = |n: usize| <[u8; 4]>::try_from(&rest[4 * n..4 * n + 4]).map(f32::from_le_bytes).unwrap_or(f32::NAN);
        let region = Region::try_from([0, 1, 2, 3].map(share))
            .map_err(|_| MemoryError::Damaged("its region is no part of a picture"))?;
        let plane = |n: usize| std::array::from_fn(|cell| rest[16 + n * CELLS + cell]);
        Ok(Self { region, chamber: Thumbnail { grey: plane(0), blue: plane(1), red: plane(2) } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        let plane = |by: usize| std::array::from_fn(|cell| (cell * by % 251) as u8);
        Memory {
            region: Region::try_from([0.25, 0.0, 0.5, 1.0]).expect("valid"),
            chamber: Thumbnail { grey: plane(7), blue: plane(11), red: plane(13) },
        }
    }

    #[test]
    fn what_was_kept_is_read_back_and_the_format_stays() {
        let bytes = memory().encode();
        assert_eq!(Memory::decode(&bytes), Ok(memory()));
        assert_eq!((bytes.len(), &bytes[..12]), (2332, &b"PILAHCH1\x00\x00\x80\x3e"[..]));
        assert_eq!(bytes[2328..], crc32fast::hash(&bytes[..2328]).to_le_bytes());
        assert_eq!(bytes[24..28], [0, 7, 14, 21], "grey comes first");
        assert_eq!(bytes[24 + 768..24 + 772], [0, 11, 22, 33], "then blue");
    }

    #[test]
    fn whatever_else_is_refused_with_words() {
        let good = memory().encode();
        for cut in [0, 7, 8, 100, good.len() - 1] {
            assert!(Memory::decode(&good[..cut]).is_err(), "{cut} bytes");
        }
        for flipped in 0..good.len() {
            let mut bytes = good.clone();
            bytes[flipped] ^= 1;
            assert!(Memory::decode(&bytes).is_err(), "byte {flipped}");
        }
        assert_eq!(Memory::decode(b"PILAHCH2 and so on"), Err(MemoryError::Foreign));
        let nowhere = Memory { region: Region::WHOLE, ..memory() };
        let mut bytes = nowhere.encode();
        bytes[8..12].copy_from_slice(&2.0_f32.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..2328]).to_le_bytes();
        bytes[2328..].copy_from_slice(&sum);
        let error = Memory::decode(&bytes).expect_err("no part of a picture").to_string();
        assert_eq!(error, "it is damaged: its region is no part of a picture");
    }
}
