use std::fs;
use std::path::{Path, PathBuf};

use image::Rgb;

use super::*;
use crate::preprocess::{encode_jpeg, resize};

fn golden(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "golden/pictures", name].iter().collect()
}

/// All JPEGs in a folder of `golden/pictures`, by name.
fn jpegs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("is there").map(|entry| entry.expect("reads").path());
    let mut jpegs: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|kind| kind == "jpg"))
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), fs::read(&path).expect("reads")))
        .collect();
    jpegs.sort();
    jpegs
}

/// Something like a photo: shapes, slopes, and a grain that takes bits everywhere.
fn photo() -> RgbImage {
    let mut grain = 1_u32;
    RgbImage::from_fn(200, 144, |x, y| {
        grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let ring = (x.abs_diff(70).pow(2) + y.abs_diff(60).pow(2)) / 300;
        let base = if ring < 6 { [200, 60, 40] } else { [(x / 2 + 60) as u8, (y / 2 + 80) as u8, 110] };
        Rgb(base.map(|value| value + (grain >> 28) as u8))
    })
}

fn jpeg_of(image: &RgbImage) -> Vec<u8> {
    encode_jpeg(image, 1_000_000).expect("encodes")
}

/// Where the data of the first scan begins.
fn data_begins(jpeg: &[u8]) -> usize {
    let scan = jpeg.windows(2).position(|pair| pair == [0xff, 0xda]).expect("has a scan");
    scan + 2 + usize::from(u16::from_be_bytes([jpeg[scan + 2], jpeg[scan + 3]]))
}

/// The mean and the largest difference.
fn difference(a: &RgbImage, b: &RgbImage) -> (f64, u8) {
    assert_eq!(a.dimensions(), b.dimensions());
    let all: Vec<u8> = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| a.abs_diff(*b)).collect();
    let sum: f64 = all.iter().copied().map(f64::from).sum();
    (sum / all.len() as f64, all.into_iter().max().unwrap_or(0))
}

#[test]
fn every_kind_of_jpeg_is_the_picture_that_another_decoder_shows() {
    let all = jpegs(&golden(""));
    assert!(all.len() >= 50, "golden/make_pictures.py makes them");
    for (name, jpeg) in all {
        let kind = name.split('.').next().expect("a kind");
        let expected = image::open(golden(&format!("{kind}.png"))).expect("opens").into_rgb8();
        let found = read(&jpeg, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(found.damage, None, "{name}");
        let (mean, most) = difference(&found.rgb, &expected);
        match kind {
            // The source itself, before ffmpeg took away three quarters of its colour; not stretched it is 11.
            "limited" => assert!(mean < 6.0, "{name}: {mean}"),
            _ => assert!(mean < 0.5 && most <= 5, "{name}: {mean}, {most} at most"),
        }
    }
}

#[test]
fn limited_range_is_as_bright_as_the_full_one() {
    let mean =
        |image: &RgbImage| image.as_raw().iter().map(|v| f64::from(*v)).sum::<f64>() / image.as_raw().len() as f64;
    let jpeg = fs::read(golden("limited.ffmpeg.jpg")).expect("reads");
    let told = read(&jpeg, &Limits::default()).expect("decodes").rgb;
    let source = image::open(golden("limited.png")).expect("opens").into_rgb8();
    assert!((mean(&told) - mean(&source)).abs() < 2.0);
    let ends = |image: &RgbImage| (image.as_raw().iter().min().copied(), image.as_raw().iter().max().copied());
    assert!(ends(&told).0 <= Some(10) && ends(&told).1 >= Some(240), "{:?}", ends(&told));
    // Without the comment nobody says so, and nothing is stretched.
    let silent = jpeg.windows(6).position(|six| six == b"CS=ITU").expect("says so");
    let jpeg = [&jpeg[..silent], b"cs=itu", &jpeg[silent + 6..]].concat();
    assert!(ends(&read(&jpeg, &Limits::default()).expect("decodes").rgb).0 >= Some(14));
    assert_eq!(stretched(RgbImage::from_pixel(1, 1, Rgb([16; 3])))[(0, 0)], Rgb([0; 3]));
    assert_eq!(stretched(RgbImage::from_pixel(1, 1, Rgb([235; 3])))[(0, 0)], Rgb([255; 3]));
}

#[test]
fn kinds_that_the_decoder_shows_wrongly_are_refused_by_name() {
    let all = jpegs(&golden("refused"));
    assert_eq!(all.len(), 7);
    for (name, jpeg) in all {
        let words = match name.split('.').next().expect("a kind") {
            "arithmetic" => "an arithmetic coding",
            "three-for-one" => "three values of light for one of colour",
            "two-scans" => "its colours in several parts",
            _ => "more values of colour than of light",
        };
        let error = decode(&jpeg, &Limits::default()).expect_err(&name);
        assert!(matches!(&error, ImageError::Coding(found) if found == words), "{name}: {error}");
        assert!(error.to_string().contains("save it as"), "{error}");
    }
}

#[test]
fn a_part_that_is_missing_before_the_end_is_damage_in_every_kind() {
    for (name, jpeg) in jpegs(&golden("")) {
        let (from, end) = (data_begins(&jpeg), jpeg.len() - 2);
        let third = (end - from) / 3;
        let lost = [&jpeg[..from + third], &jpeg[from + 2 * third..]].concat();
        let zeros = [&jpeg[..from + third], &vec![0; third], &jpeg[from + 2 * third..]].concat();
        let cut = [&jpeg[..from + third], &[0xff, 0xd9]].concat();
        for (how, jpeg) in [("lost", lost), ("zeros", zeros), ("cut", cut)] {
            // What is missing behind the first picture is not missed.
            let is_whole = name.contains("stale") && how != "cut";
            let found = read(&jpeg, &Limits::default());
            let is_told = found.as_ref().map_or(true, |picture| picture.damage.is_some());
            assert!(is_told || is_whole, "{name}, {how}");
            assert!(matches!(found.and_then(Picture::whole), Err(ImageError::Damaged(_))) || is_whole, "{name}, {how}");
        }
    }
}

/// The share of losses that is noticed, in percent: at 150 places each.
fn noticed(jpeg: &[u8], bytes: usize, fill: Option<u8>) -> usize {
    const PLACES: usize = 150;
    let (from, end) = (data_begins(jpeg), jpeg.len() - 2);
    let is_noticed = |place: &usize| {
        let at = from + (end - from - bytes) * place / PLACES;
        let filling = fill.map_or(Vec::new(), |byte| vec![byte; bytes]);
        decode(&[&jpeg[..at], &filling, &jpeg[at + bytes..]].concat(), &Limits::default()).is_err()
    };
    (0..PLACES).filter(is_noticed).count() * 100 / PLACES
}

#[test]
fn how_many_losses_are_noticed() {
    let jpeg = jpeg_of(&photo());
    assert!(jpeg.len() > 6000, "{}", jpeg.len());
    // Bytes, and what was measured. A packet of a network holds 188 or more, a sector 512.
    for (bytes, least) in [(4, 25), (16, 80), (64, 95), (188, 99), (512, 100)] {
        let (lost, zeros) = (noticed(&jpeg, bytes, None), noticed(&jpeg, bytes, Some(0)));
        assert!(lost >= least && zeros >= least, "{bytes} bytes: {lost} % if lost, {zeros} % if zeros");
    }
}

#[test]
fn what_cameras_leave_behind_the_last_block_is_no_damage() {
    let jpeg = jpeg_of(&photo());
    let with = |rest: &[u8]| read(&[&jpeg[..jpeg.len() - 2], rest, &[0xff, 0xd9]].concat(), &Limits::default());
    let damage = |rest: &[u8]| with(rest).expect("decodes").damage.map(|damage| damage.to_string());
    assert_eq!(damage(&[0; 300]), None, "padding");
    assert_eq!(damage(&[0xff; 300]), None, "fill bytes");
    assert_eq!(damage(&[1, 2, 3, 4, 5, 6, 7, 8]), None, "a few bytes");
    assert_eq!(damage(&[0xff, 0xd0]), None, "a restart marker behind the last block");
    let more: Vec<u8> = (1..=200).collect();
    assert_eq!(damage(&more).as_deref(), Some("there is more data than the picture takes, after 100 % of the picture"));
}

#[test]
fn a_lost_interval_between_restart_markers_is_named() {
    let jpeg = fs::read(golden("444.restart.jpg")).expect("reads");
    let markers: Vec<_> = (data_begins(&jpeg)..jpeg.len())
        .filter(|at| jpeg[*at] == 0xff && (0xd0..=0xd7).contains(&jpeg[*at + 1]))
        .collect();
    let lost = [&jpeg[..markers[2]], &jpeg[markers[3]..]].concat();
    let damage = read(&lost, &Limits::default()).expect("decodes").damage.expect("is damaged").to_string();
    assert!(damage.contains("a part between two restart markers is missing"), "{damage}");
}

#[test]
fn a_damaged_picture_is_shown_as_far_as_it_goes() {
    let whole = jpeg_of(&photo());
    let (from, half) = (data_begins(&whole), whole.len() / 2);
    let cut = [&whole[..from.max(half)], &[0xff, 0xd9]].concat();
    let picture = read(&cut, &Limits::default()).expect("decodes");
    assert_eq!(picture.rgb.dimensions(), (200, 144));
    let top = |image: &RgbImage| image::imageops::crop_imm(image, 0, 0, 200, 32).to_image();
    let first = decode(&whole, &Limits::default()).expect("decodes");
    assert!(difference(&top(&picture.rgb), &top(&first)).0 < 0.5);
    let damage = picture.damage.expect("is damaged").to_string();
    assert!(damage.starts_with("bytes are missing: the data ends too early, after "), "{damage}");
    assert_eq!(ImageError::Damaged(damage).to_string().matches("damaged").count(), 1);
}

#[test]
fn a_truncated_jpeg_is_refused_wherever_it_ends() {
    let jpeg = jpeg_of(&photo());
    for kept in [3, 20, 100, 300, 700, jpeg.len() / 2, jpeg.len() - 40, jpeg.len() - 2] {
        let error = refused(&jpeg[..kept]);
        assert!(matches!(error, ImageError::Damaged(_)), "{kept} of {} bytes: {error}", jpeg.len());
    }
}

#[test]
fn bytes_after_the_end_of_a_jpeg_do_not_matter() {
    let mut jpeg = jpeg_of(&photo());
    jpeg.extend([0; 512]);
    assert!(decode(&jpeg, &Limits::default()).is_ok());
}

#[test]
fn a_damaged_header_is_refused() {
    let mut jpeg = jpeg_of(&photo());
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a baseline JPEG");
    jpeg[frame + 9] = 77; // components
    assert!(matches!(refused(&jpeg), ImageError::Damaged(_)));
}

#[test]
fn any_change_of_a_byte_gives_an_image_or_an_error() {
    let jpeg = jpeg_of(&resize(&photo(), 40, 32));
    for (position, value) in (0..jpeg.len()).zip((0..=255_u8).cycle()) {
        let mut changed = jpeg.clone();
        changed[position] ^= value | 1;
        // Whatever comes of it, the decoder returns.
        if let Ok(image) = decode(&changed, &Limits { pixels: 1_000_000, ..Limits::default() }) {
            assert!(u64::from(image.width()) * u64::from(image.height()) <= 1_000_000);
        }
    }
}

#[test]
fn a_name_says_nothing_of_the_type() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("photo.jpg");
    fs::write(&path, "I am no photo.").expect("writes");
    assert!(matches!(refused(&fs::read(&path).expect("reads")), ImageError::Format));
    assert!(matches!(refused(b""), ImageError::Format));
    assert!(matches!(refused(b"GIF89a\x01\0\x01\0\0\0\0;"), ImageError::Format));
}

#[test]
fn a_hundred_megapixels_are_refused_before_they_are_decoded() {
    let png = refused(&png_header(10_000, 10_000, 2));
    assert_eq!(png.to_string(), "the image is 10000×10000, the limit is 50000000 pixels");
    // 16 bits of RGBA take twice what the limit is meant for.
    assert!(matches!(refused(&png_header(6_000, 6_000, 6)), ImageError::Pixels { limit: 25_000_000, .. }));

    let mut jpeg = jpeg_of(&photo());
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a baseline JPEG");
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0x00, 0xff, 0x00]);
    assert!(matches!(refused(&jpeg), ImageError::Pixels { width: 0xff00, height: 0xff00, .. }));
}

#[test]
fn a_large_file_is_refused_unread() {
    let limits = Limits { bytes: 10, ..Limits::default() };
    let error = decode(&[0; 11], &limits).expect_err("one byte too many");
    assert_eq!(error.to_string(), "the file has 11 bytes, the limit is 10");
}

#[test]
fn exif_turns_the_image_upright() {
    // Lying on its side: red on the left, so that it is at the top when turned clockwise.
    let image = RgbImage::from_fn(64, 32, |x, _| if x < 32 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) });
    let upright = decode(&with_orientation(&jpeg_of(&image), 6), &Limits::default()).expect("decodes");
    assert_eq!(upright.dimensions(), (32, 64));
    assert!(upright.get_pixel(16, 5)[0] > 200 && upright.get_pixel(16, 60)[2] > 200);
}

#[test]
fn an_animation_is_refused_before_its_pixels_are_read() {
    let mut png = Vec::new();
    let image = DynamicImage::from(RgbImage::new(8, 8));
    image.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).expect("encodes");
    // Signature, then IHDR: 8 + 13 + 4 bytes; then the chunk that says how many frames there are.
    let with_frames = |frames: u8| {
        let mut animated = png.clone();
        let chunk = [&[0, 0, 0, 8][..], b"acTL", &[0, 0, 0, frames, 0, 0, 0, 0], &[0; 4]].concat();
        animated.splice(33..33, chunk);
        animated
    };
    assert!(matches!(refused(&with_frames(7)), ImageError::Frames(7)));
    assert_eq!(png::frames(&with_frames(1)), Some(1), "a still picture may say so");
    assert_eq!(png::frames(&png), None);
    assert_eq!(png::frames(&png[..20]), None, "cut off");
}

/// A PNG that has nothing but a header of 8 bits RGB (colour type 2) or 16 bits RGBA (6).
fn png_header(width: u32, height: u32, colour: u8) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([if colour == 6 { 16 } else { 8 }, colour, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    png.extend(&header);
    png.extend(crc32(&header).to_be_bytes());
    png.extend(*b"\0\0\0\0IDAT");
    png.extend(crc32(b"IDAT").to_be_bytes());
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, &byte: &u8| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// Puts an EXIF segment with this orientation after the start of the JPEG.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = (exif.len() + 2) as u16;
    [&jpeg[..2], &[0xff, 0xe1], &length.to_be_bytes(), &exif, &jpeg[2..]].concat()
}

fn refused(bytes: &[u8]) -> ImageError {
    decode(bytes, &Limits::default()).expect_err("no good image")
}

#[test]
fn what_decoding_costs_is_told_by_the_header() {
    let jpeg = jpeg_of(&photo());
    let pixels = 200 * 144;
    assert_eq!(cost(&jpeg), pixels * 9 + 2 * jpeg.len() as u64);
    let progressive = fs::read(golden("420.progressive.jpg")).expect("reads");
    assert_eq!(cost(&progressive), 45 * 37 * 13 + 2 * progressive.len() as u64);
    let png = png_header(5_000, 4_000, 2);
    assert_eq!(cost(&png), 5_000 * 4_000 * 11 + 2 * png.len() as u64);
    assert_eq!(cost(b"no picture"), 20);
    for cut in 0..jpeg.len().min(700) {
        assert!(cost(&jpeg[..cut]) <= cost(&jpeg), "cut at {cut}");
    }
    // What fits the limits, at the dearest.
    let largest = png_header(7_071, 7_071, 2);
    assert!(cost(&largest) < 560_000_000, "{}", cost(&largest));
}
