//! One scan per component: each is decoded as a grey picture of its own, whose data is that scan unchanged, and the
//! three are put together as JFIF says (ITU-R BT.601, full range).

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{GrayImage, ImageFormat, Rgb, RgbImage};

use super::jpeg::{Alone, Inspection};
use super::{ImageError, damaged};

pub(super) fn decode(bytes: &[u8], seen: &Inspection) -> Result<RgbImage, ImageError> {
    let mut planes = Vec::with_capacity(3);
    for component in 0..seen.components.len() {
        let alone = seen.scans.iter().flatten().find(|alone| alone.component == component);
        let alone = alone.ok_or_else(|| ImageError::Damaged("one of its colours is missing".to_owned()))?;
        planes.push(plane(bytes, seen, alone)?);
    }
    let [light, blue, red] = &planes[..] else { return Err(ImageError::Coding("other than three colours".to_owned())) };
    let clamp = |value: i32| (value >> 16).clamp(0, 255) as u8;
    Ok(RgbImage::from_fn(seen.width as u32, seen.height as u32, |x, y| {
        let [first, second, third] = [light, blue, red].map(|plane| plane.get_pixel(x, y)[0]);
        if seen.is_rgb {
            return Rgb([first, second, third]);
        }
        let (y, u, v) = ((i32::from(first) << 16) + (1 << 15), i32::from(second) - 128, i32::from(third) - 128);
        Rgb([clamp(y + 91_881 * v), clamp(y - 22_554 * u - 46_802 * v), clamp(y + 116_130 * u)])
    }))
}

/// The plane of a component, as large as the picture or a little larger.
fn plane(bytes: &[u8], seen: &Inspection, alone: &Alone) -> Result<GrayImage, ImageError> {
    let component = &seen.components[alone.component];
    let (width, height) = seen.plane(component);
    let jpeg = grey_jpeg(bytes, alone, width, height);
    let plane = image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg).map_err(damaged)?.into_luma8();
    let (across, down) = seen.most();
    let enlarged = |size: usize, most: usize, own: usize| (size * most / own) as u32;
    let (width, height) = (enlarged(width, across, component.across), enlarged(height, down, component.down));
    if plane.dimensions() == (width, height) {
        return Ok(plane);
    }
    let source = TypedImageRef::<U8>::from_buffer(plane.width(), plane.height(), plane.as_raw())
        .expect("a GrayImage holds width × height bytes");
    let (width, height) = (width.max(seen.width as u32), height.max(seen.height as u32));
    let mut large = GrayImage::new(width, height);
    let mut target = TypedImage::<U8>::from_buffer(width, height, &mut large).expect("so does this one");
    // As the decoder of the whole does: twice as large is made smoothly, more is not.
    let is_twice = [(across, component.across), (down, component.down)].iter().all(|(most, own)| *most <= own * 2);
    let way = if is_twice { ResizeAlg::Convolution(FilterType::Bilinear) } else { ResizeAlg::Nearest };
    let options = ResizeOptions::new().resize_alg(way);
    Resizer::new().resize_typed(&source, &mut target, &options).expect("the whole plane is asked for");
    Ok(large)
}

fn grey_jpeg(bytes: &[u8], alone: &Alone, width: usize, height: usize) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8];
    let mut segment = |kind: u8, body: &[u8]| {
        let length = (body.len() + 2) as u16;
        jpeg.extend([0xff, kind].into_iter().chain(length.to_be_bytes()).chain(body.iter().copied()));
    };
    let steps: Vec<u8> = alone.quantisation.iter().flat_map(|step| step.to_be_bytes()).collect();
    segment(0xdb, &[&[0x10], &steps[..]].concat());
    let [[h0, h1], [w0, w1]] = [height, width].map(|size| (size as u16).to_be_bytes());
    segment(0xc1, &[8, h0, h1, w0, w1, 1, 1, 0x11, 0]);
    for (class, table) in [(0, &alone.dc), (0x10, &alone.ac)] {
        segment(0xc4, &[&[class], &table.counts[..], &table.symbols].concat());
    }
    segment(0xdd, &alone.restart.to_be_bytes());
    segment(0xda, &[1, 1, 0, 0, 63, 0]);
    jpeg.extend_from_slice(&bytes[alone.data.clone()]);
    jpeg.extend([0xff, 0xd9]);
    jpeg
}
