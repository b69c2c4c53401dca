//! What the camera makes of the light: defocus, vignetting, white balance, a tone curve, noise, JPEG.

use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, RgbImage};

use super::dice::Dice;
use super::geometry::{V3, grey, v};
use super::look::SensorLook;
use super::render::Picture;

/// The noise comes out of a table of this many draws; a prime, so that its repeats do not line up.
const NOISE: usize = 65_521;

/// A camera's sensor and processing.
#[derive(Debug)]
pub(crate) struct Sensor {
    look: SensorLook,
    dice: Dice,
    noise: Vec<f32>,
}

/// A picture before noise: what stays the same while the scene does, 0 to 255.
#[derive(Debug, Clone)]
pub(crate) struct Exposed {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Sensor {
    pub(crate) fn new(look: &SensorLook, mut dice: Dice) -> Self {
        let noise = (0..NOISE).map(|_| dice.normal()).collect();
        Self { look: *look, dice, noise }
    }

    /// Lens and exposure.
    pub(crate) fn expose(&self, picture: &Picture) -> Exposed {
        let (width, height) = (picture.width, picture.height);
        let blurred = blur(picture, self.look.blur * height as f32 / 240.0);
        let reach = v(width as f32 / 2.0, height as f32 / 2.0, 0.0);
        let mean = blurred.iter().fold(V3::default(), |sum, light| sum + *light) / blurred.len() as f32;
        let veil = mean.mix(grey(mean.luma()), 0.5) * (3.0 * self.look.veil);
        let mut values = Vec::with_capacity(width * height * 3);
        for (index, light) in blurred.iter().enumerate() {
            let p = v((index % width) as f32, (index / width) as f32, 0.0) - reach;
            let edge = p.dot(p) / reach.dot(reach);
            let light = (*light * (1.0 - self.look.veil) + veil)
                * self.look.gains
                * (self.look.exposure * 1.15 * (1.0 - self.look.vignette * edge));
            let luma = light.luma();
            let light = grey(luma) * (1.0 - self.look.saturation) + light * self.look.saturation;
            for channel in [light.x, light.y, light.z] {
                values.push(tone(channel, self.look.contrast) * 255.0);
            }
        }
        Exposed { width, height, values }
    }

    /// One frame, with its own noise, through JPEG as from a real camera.
    pub(crate) fn read(&mut self, exposed: &Exposed) -> RgbImage {
        let mut bytes = Vec::with_capacity(exposed.values.len());
        let (mut grain, mut tint) = (self.dice.below(NOISE), self.dice.below(NOISE));
        let width = exposed.width * 3;
        for row in exposed.values.chunks_exact(width) {
            for pixel in row.chunks_exact(3) {
                grain = if grain + 1 < NOISE { grain + 1 } else { 0 };
                let level = (pixel[1] / 255.0).clamp(0.0, 1.0);
                let sigma = self.look.noise * (0.55 + 0.9 * (1.0 - level) * level.sqrt() * 2.0);
                let common = self.noise[grain] * sigma;
                for value in pixel {
                    tint = if tint + 1 < NOISE { tint + 1 } else { 0 };
                    bytes.push((value + common + self.noise[tint] * sigma * 0.5).clamp(0.0, 255.0) as u8);
                }
            }
            tint = (tint + 7919) % NOISE;
        }
        let raw = RgbImage::from_raw(exposed.width as u32, exposed.height as u32, bytes).expect("three bytes a pixel");
        through_jpeg(&raw, self.look.jpeg_quality)
    }
}

/// A film-like curve: linear in the shadows, a soft shoulder, then sRGB's gamma.
fn tone(light: f32, contrast: f32) -> f32 {
    let x = light.max(0.0);
    let shoulder = x * (1.0 + x * 0.18) / (1.0 + x * 0.85);
    let display = shoulder.min(1.0).powf(1.0 / 2.2);
    (0.45 + (display - 0.45) * contrast).clamp(0.0, 1.0)
}

/// A Gaussian of a standard deviation in pixels, rows then columns.
fn blur(picture: &Picture, sigma: f32) -> Vec<V3> {
    let side = (-1.0 / (2.0 * sigma * sigma).max(1e-3)).exp();
    let far = (-4.0 / (2.0 * sigma * sigma).max(1e-3)).exp();
    let total = 1.0 + 2.0 * (side + far);
    let taps = [far / total, side / total, 1.0 / total, side / total, far / total];
    let (width, height) = (picture.width, picture.height);
    let pass = |from: &[V3], dx: usize, dy: usize| -> Vec<V3> {
        let mut out = Vec::with_capacity(from.len());
        for y in 0..height {
            for x in 0..width {
                let mut sum = V3::default();
                for (k, tap) in taps.iter().enumerate() {
                    let sx = (x + k * dx).saturating_sub(2 * dx).min(width - 1);
                    let sy = (y + k * dy).saturating_sub(2 * dy).min(height - 1);
                    sum += from[sy * width + sx] * *tap;
                }
                out.push(sum);
            }
        }
        out
    };
    pass(&pass(&picture.pixels, 1, 0), 0, 1)
}

fn through_jpeg(raw: &RgbImage, quality: u8) -> RgbImage {
    let mut jpeg = Vec::with_capacity(64 * 1024);
    JpegEncoder::new_with_quality(&mut jpeg, quality).encode_image(raw).expect("an RgbImage can be encoded to memory");
    image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg).expect("what was just encoded").into_rgb8()
}
