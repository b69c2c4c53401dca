use std::fs;
use std::path::PathBuf;

use image::{Rgb, RgbImage};

use super::*;
use crate::picture::{Limits, decode};

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
