use std::fs;
use std::path::PathBuf;

use image::{Rgb, RgbImage};

use super::*;

fn golden(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "golden/preprocess", name].iter().collect()
}

/// The golden picture: stretched, off-centre shapes with soft and hard edges in every colour.
fn picture() -> RgbImage {
    RgbImage::from_fn(200, 144, |x, y| {
        let ring = (x.abs_diff(70).pow(2) + y.abs_diff(60).pow(2)) / 300;
        match (x, y, ring) {
            (150.., 90.., _) => Rgb([250, 250 - (x - 150) as u8 * 4, 40]),
            (_, _, 0..=3) => Rgb([30 + ring as u8 * 40, 60, 200 - ring as u8 * 30]),
            _ if (x + 2 * y) / 16 % 3 == 0 => Rgb([20, 120 + (y / 2) as u8, 90]),
            _ => Rgb([(x / 2) as u8 + 60, (y / 2) as u8 + 80, 128]),
        }
    })
}

fn jpeg_of(image: &RgbImage) -> Vec<u8> {
    encode_jpeg(image, 1_000_000).expect("encodes")
}

fn refused(bytes: &[u8]) -> ImageError {
    decode(bytes, &Limits::default()).expect_err("no good image")
}

#[test]
fn the_golden_picture_becomes_the_golden_tensor() {
    let spec = InputSpec { width: 40, height: 32, mean: [123.7, 116.3, 103.5], std: [58.4, 57.1, 57.4] };
    if std::env::var_os("PILAH_BLESS").is_some() {
        fs::write(golden("picture.jpg"), jpeg_of(&picture())).expect("writes");
    }
    let image = decode(&fs::read(golden("picture.jpg")).expect("reads"), &Limits::default()).expect("decodes");
    let tensor = to_tensor(&image, &spec);
    if std::env::var_os("PILAH_BLESS").is_some() {
        let bytes: Vec<u8> = tensor.iter().flat_map(|x| x.to_le_bytes()).collect();
        fs::write(golden("picture-40x32.f32"), bytes).expect("writes");
    }
    let expected: Vec<f32> = fs::read(golden("picture-40x32.f32"))
        .expect("reads")
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")))
        .collect();
    assert_eq!(tensor.len(), 3 * 40 * 32);
    assert_eq!(tensor.len(), expected.len());
    // One level of 256 is 0.0175 here; processors may round a pixel the other way.
    let differences: Vec<f32> = tensor.iter().zip(&expected).map(|(a, b)| (a - b).abs()).collect();
    let (worst, mean) = (differences.iter().copied().fold(0.0, f32::max), differences.iter().sum::<f32>() / 3840.0);
    assert!(worst < 0.04 && mean < 0.004, "worst {worst}, mean {mean}");
}

#[test]
fn a_tensor_is_planar_rgb_from_the_top_left() {
    let image = RgbImage::from_fn(8, 8, |x, y| Rgb([x as u8, y as u8 * 10, 255]));
    let spec = InputSpec { width: 8, height: 8, mean: [0.0, 0.0, 127.5], std: [1.0, 10.0, 127.5] };
    let tensor = to_tensor(&image, &spec);
    assert_eq!(tensor[..8], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    assert_eq!(tensor[64 + 8], 1.0, "green of the second row");
    assert_eq!(tensor[128..], [1.0; 64]);
}

#[test]
fn scaling_down_takes_the_mean_of_what_lies_under_a_pixel() {
    let checks = RgbImage::from_fn(256, 256, |x, y| Rgb([if (x + y) % 2 == 0 { 0 } else { 254 }; 3]));
    let small = resize(&checks, 16, 16);
    assert!(small.pixels().all(|p| p[0].abs_diff(127) <= 1), "nothing of the pattern is left");
}

#[test]
fn a_truncated_jpeg_is_refused_wherever_it_ends() {
    let jpeg = jpeg_of(&picture());
    for kept in [3, 20, 100, 300, 700, jpeg.len() / 2, jpeg.len() - 40, jpeg.len() - 2] {
        let error = refused(&jpeg[..kept]);
        assert!(matches!(error, ImageError::Damaged(_)), "{kept} of {} bytes: {error}", jpeg.len());
    }
}

#[test]
fn bytes_after_the_end_of_a_jpeg_do_not_matter() {
    let mut jpeg = jpeg_of(&picture());
    jpeg.extend([0; 512]);
    assert!(decode(&jpeg, &Limits::default()).is_ok());
}

#[test]
fn a_damaged_header_is_refused() {
    let mut jpeg = jpeg_of(&picture());
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a baseline JPEG");
    jpeg[frame + 9] = 77; // components
    assert!(matches!(refused(&jpeg), ImageError::Damaged(_)));
}

#[test]
fn any_change_of_a_byte_gives_an_image_or_an_error() {
    let jpeg = jpeg_of(&resize(&picture(), 40, 32));
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

    let mut jpeg = jpeg_of(&picture());
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
fn a_jpeg_is_made_to_fit() {
    // Noise is what JPEG compresses worst.
    let noise = RgbImage::from_fn(640, 480, |x, y| {
        let hash = (x * 640 + y).wrapping_mul(0x9e37_79b1);
        Rgb([(hash >> 24) as u8, (hash >> 16) as u8, (hash >> 8) as u8])
    });
    for largest in [120 * 1024, 20_000, 2_000] {
        let jpeg = encode_jpeg(&noise, largest).expect("fits");
        assert!(jpeg.len() <= largest && decode(&jpeg, &Limits::default()).is_ok());
    }
    assert!(matches!(encode_jpeg(&noise, 300), Err(ImageError::Incompressible(300))));
    assert!(encode_jpeg(&resize(&noise, 5, 3), usize::MAX).is_ok(), "a small image is one as well");
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
    assert_eq!(png_frames(&with_frames(1)), Some(1), "a still picture may say so");
    assert_eq!(png_frames(&png), None);
    assert_eq!(png_frames(&png[..20]), None, "cut off");
}
