//! JPEG pictures out of a stream of bytes: the output of `rpicam-vid --codec mjpeg`, or the body of an MJPEG answer.
//!
//! A picture begins with SOI (FF D8 FF) and is followed segment by segment to its EOI (FF D9), so that a thumbnail
//! within it is not taken for a picture (ITU-T T.81, annex B). What lies between pictures, such as the headers of a
//! multipart body, is passed over. A picture that is cut off or broken is told and costs itself, and at most the one
//! behind it. Pure: bytes in, pieces out.

use std::mem;

/// The most bytes of a picture: more than a camera of 12 megapixels makes. One that is larger is damaged.
pub const LARGEST_PICTURE: usize = 8 << 20;

/// So many of the first bytes are kept: they tell what it is that is no picture.
const HEAD: usize = 256;

const START_OF_IMAGE: [u8; 3] = [0xff, 0xd8, 0xff];

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A picture from its SOI to its EOI.
    Jpeg(Vec<u8>),
    /// A picture that is none, and why.
    Damaged(&'static str),
}

/// The state between two reads.
#[derive(Debug, Default)]
pub struct JpegStream {
    /// The picture that is being received, from its SOI; or what may be the beginning of one.
    bytes: Vec<u8>,
    /// How far `bytes` has been read.
    at: usize,
    place: Place,
    passed_over: u64,
    /// The first bytes of all.
    head: Vec<u8>,
    /// How many pictures have come.
    pictures: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// Outside of any picture.
    #[default]
    Between,
    /// Where a marker must be.
    Marker,
    /// In the entropy-coded data behind a start of scan.
    Scan,
}

impl JpegStream {
    /// Takes in the next bytes, and gives what they complete.
    pub fn push(&mut self, bytes: &[u8], mut give: impl FnMut(Piece)) {
        if self.head.len() < HEAD {
            self.head.extend(bytes.iter().take(HEAD - self.head.len()));
        }
        self.bytes.extend_from_slice(bytes);
        while let Some(piece) = self.next() {
            give(piece);
        }
        if self.bytes.len() > LARGEST_PICTURE {
            self.give_up(self.bytes.len());
            give(Piece::Damaged("a picture is larger than 8 MiB"));
        }
    }

    /// How it began: some hundred bytes at most.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Whether a picture has begun and not ended.
    #[must_use]
    pub fn is_within_picture(&self) -> bool {
        self.place != Place::Between
    }

    /// How many pictures have come.
    #[must_use]
    pub fn pictures(&self) -> u64 {
        self.pictures
    }

    /// How many bytes were passed over since the last picture.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// The next piece that is complete.
    fn next(&mut self) -> Option<Piece> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            match self.place {
                Place::Between => {
                    let found = rest.windows(3).position(|three| three == START_OF_IMAGE);
                    // The last two bytes may be the first two of a picture.
                    let skip = self.at + found.unwrap_or_else(|| rest.len().saturating_sub(2));
                    self.bytes.drain(..skip);
                    self.passed_over += skip as u64;
                    self.at = 0;
                    found?;
                    self.at = 2;
                    self.place = Place::Marker;
                }
                Place::Scan => {
                    let Some(marker) = rest.iter().position(|byte| *byte == 0xff) else {
                        self.at = self.bytes.len();
                        return None;
                    };
                    self.at += marker;
                    match *self.bytes.get(self.at + 1)? {
                        0x00 | 0xd0..=0xd7 => self.at += 2,
                        0xff => self.at += 1,
                        0xd9 => return Some(self.complete()),
                        _ => self.place = Place::Marker,
                    }
                }
                Place::Marker => match *rest {
                    [0xff, 0xff, ..] => self.at += 1,
                    [0xff, 0x01 | 0xd0..=0xd7, ..] => self.at += 2,
                    [0xff, 0xd8, ..] => {
                        self.give_up(self.at);
                        return Some(Piece::Damaged("a picture was cut off by the next"));
                    }
                    [0xff, 0xd9, ..] => {
                        self.give_up(self.at + 2);
                        return Some(Piece::Damaged("a picture ends before its data"));
                    }
                    [0xff, kind @ 0xc0..=0xfe, high, low, ..] => {
                        let length = usize::from(u16::from_be_bytes([high, low]));
                        self.at += 2 + length;
                        if kind == 0xda {
                            self.place = Place::Scan;
                        }
                        if length < 2 {
                            self.give_up(self.at.min(self.bytes.len()));
                            return Some(Piece::Damaged("a segment of a picture has no length"));
                        }
                    }
                    [0xff] | [0xff, 0xc0..=0xfe] | [0xff, 0xc0..=0xfe, _] | [] => return None,
                    _ => {
                        self.give_up(self.at);
                        return Some(Piece::Damaged("a picture is broken: there is no marker where one must be"));
                    }
                },
            }
        }
    }

    /// The picture that ends with the marker at `at`.
    fn complete(&mut self) -> Piece {
        let rest = self.bytes.split_off(self.at + 2);
        (self.at, self.place, self.passed_over) = (0, Place::Between, 0);
        self.pictures += 1;
        Piece::Jpeg(mem::replace(&mut self.bytes, rest))
    }

    /// Forgets the first `bytes`; the next picture is looked for behind them.
    fn give_up(&mut self, bytes: usize) {
        self.bytes.drain(..bytes);
        (self.at, self.place) = (0, Place::Between);
    }
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::{Rgb, RgbImage};
    use proptest::prelude::*;

    use super::*;

    fn jpeg(number: u8) -> Vec<u8> {
        let image = RgbImage::from_fn(48, 32, |x, y| Rgb([number.wrapping_mul(37), (x * 5) as u8, (y * 7) as u8]));
        let mut jpeg = Vec::new();
        JpegEncoder::new(&mut jpeg).encode_image(&image).expect("encodes");
        jpeg
    }

    /// With a thumbnail in an application segment.
    fn with_thumbnail(number: u8) -> Vec<u8> {
        let (whole, thumbnail) = (jpeg(number), jpeg(99));
        let length = (thumbnail.len() as u16 + 2).to_be_bytes();
        [&whole[..2], &[0xff, 0xe1], &length, &thumbnail, &whole[2..]].concat()
    }

    fn pieces(bytes: &[u8], chunk: usize) -> Vec<Piece> {
        let mut stream = JpegStream::default();
        let mut pieces = Vec::new();
        for chunk in bytes.chunks(chunk) {
            stream.push(chunk, |piece| pieces.push(piece));
        }
        pieces
    }

    #[test]
    fn pictures_come_whole_whatever_lies_between_them() {
        let parts = [
            b"--frame\r\nContent-Type: image/jpeg\r\n\r\n".to_vec(),
            jpeg(1),
            b"\r\n--frame\r\n\r\n\xff\xd8 is no picture\xff".to_vec(),
            with_thumbnail(2),
            jpeg(3),
        ];
        let expected = [1, 3, 4].map(|part| Piece::Jpeg(parts[part].clone()));
        for chunk in [1, 2, 3, 7, 100, 100_000] {
            assert_eq!(pieces(&parts.concat(), chunk), expected, "in chunks of {chunk}");
        }
    }

    #[test]
    fn a_broken_picture_is_told_and_the_stream_goes_on() {
        let whole = jpeg(1);
        let broken = {
            let mut bytes = whole.clone();
            bytes[2] = 0xff;
            bytes[3] = 0x10;
            bytes
        };
        let no_length = [&whole[..2], &[0xff, 0xe0, 0, 0][..], &whole[2..]].concat();
        let cases = [
            (whole[..whole.len() - 40].to_vec(), "cut off"),
            (broken, "no marker"),
            (vec![0xff, 0xd8, 0xff, 0xd9], "before its data"),
            (no_length, "no length"),
        ];
        for (damaged, expected) in cases {
            let pieces = pieces(&[damaged, jpeg(2), jpeg(3)].concat(), 64);
            let told = pieces.iter().any(|piece| matches!(piece, Piece::Damaged(why) if why.contains(expected)));
            assert!(told, "{expected}: {pieces:?}");
            assert_eq!(pieces.last(), Some(&Piece::Jpeg(jpeg(3))), "{expected}");
        }
    }

    #[test]
    fn what_never_ends_is_given_up_and_does_not_grow() {
        let mut stream = JpegStream::default();
        let whole = jpeg(1);
        let mut told = Vec::new();
        stream.push(&whole[..whole.len() - 2], |piece| told.push(piece));
        for _ in 0..9 {
            stream.push(&vec![0x55; 1 << 20], |piece| told.push(piece));
        }
        assert!(matches!(told[..], [Piece::Damaged(why)] if why.contains("8 MiB")), "{told:?}");
        assert!(stream.bytes.len() < LARGEST_PICTURE && stream.passed_over() > 0);
        stream.push(&jpeg(2), |piece| told.push(piece));
        assert_eq!((told.last(), stream.passed_over()), (Some(&Piece::Jpeg(jpeg(2))), 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_bytes_in_any_chunks_give_the_same_pieces(
            noise in prop::collection::vec(prop_oneof![Just(0xff_u8), Just(0xd8), Just(0xda), any::<u8>()], 0..600),
            cut in 0_usize..900,
            chunk in 1_usize..300,
        ) {
            let whole = jpeg(1);
            let bytes = [&noise[..], &whole, &whole[..cut.min(whole.len())], &noise, &whole, &whole, &whole].concat();
            let at_once = pieces(&bytes, usize::MAX);
            prop_assert_eq!(&pieces(&bytes, chunk), &at_once);
            for piece in at_once {
                if let Piece::Jpeg(jpeg) = piece {
                    prop_assert!(jpeg.starts_with(&START_OF_IMAGE) && jpeg.ends_with(&[0xff, 0xd9]));
                }
            }
        }
    }
}
