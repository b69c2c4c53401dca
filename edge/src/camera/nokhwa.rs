//! The camera `nokhwa`: the system's own camera, on macOS, Windows and Linux, for trying Pilah on a laptop. Built with
//! the feature `nokhwa`; on Linux that takes libclang, and `v4l` does the same without.
//!
//! The library blocks until a frame comes and cannot be interrupted, so it is read by a thread of its own, which a
//! closed camera leaves behind until its next frame.

use std::sync::mpsc;
use std::thread;

use nokhwa::Camera as System;
use nokhwa::pixel_format::RgbFormat;
use nokhwa::utils::{
    ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};
use nokhwa::{nokhwa_initialize, query};
use tracing::info;

use super::newest::{Live, Newest};
use super::picture::{Coded, Layout};
use super::settings::NokhwaConfig;
use super::{Camera, CameraError, Frame};

/// The camera `nokhwa`.
#[derive(Debug)]
pub struct NokhwaCamera {
    live: Live,
}

impl NokhwaCamera {
    /// Begins to open the camera; whether it gives frames is seen with the first.
    ///
    /// # Errors
    /// [`CameraError::Failed`]: there is no thread for it.
    pub fn open(config: &NokhwaConfig) -> Result<Self, CameraError> {
        let live = Live::new(format!("camera {}", config.index), config.frames_per_second);
        let (newest, config) = (live.newest(), config.clone());
        let read = move || newest.end(read(&config, &newest));
        let failed = |e: std::io::Error| CameraError::Failed(e.to_string());
        thread::Builder::new().name("camera-system".to_owned()).spawn(read).map_err(failed)?;
        Ok(Self { live })
    }
}

impl Camera for NokhwaCamera {
    fn next_frame(&mut self) -> Result<Frame, CameraError> {
        self.live.next_frame()
    }
}

/// Reads frames until it fails, or nobody looks any more. Returns why, in words.
fn read(config: &NokhwaConfig, newest: &Newest) -> String {
    let mut camera = match open(config) {
        Ok(camera) => camera,
        Err(why) => return why,
    };
    info!(camera = config.index, format = %camera.camera_format(), "camera streams");
    loop {
        let frame = match camera.frame() {
            Ok(frame) => frame,
            Err(e) => return e.to_string(),
        };
        let (bytes, size) = (frame.buffer().to_vec(), frame.resolution());
        let layout = match frame.source_frame_format() {
            FrameFormat::MJPEG => None,
            FrameFormat::YUYV => Some(Layout::Yuyv),
            FrameFormat::NV12 => Some(Layout::Nv12),
            FrameFormat::RAWRGB => Some(Layout::Rgb),
            other => return format!("it gives {other}, which cannot be decoded"),
        };
        let picture = match layout {
            None => Coded::Jpeg(bytes),
            Some(layout) => Coded::Pixels { bytes, width: size.width(), height: size.height(), layout },
        };
        if newest.put(picture).is_err() {
            return String::new();
        }
    }
}

fn open(config: &NokhwaConfig) -> Result<System, String> {
    let (answer, permitted) = mpsc::channel();
    // Where nobody is to be asked, the answer comes at once.
    nokhwa_initialize(move |permitted| {
        // It is waited for below.
        answer.send(permitted).ok();
    });
    if permitted.recv() != Ok(true) {
        return Err("the system does not permit the use of the camera: allow it in the privacy settings".to_owned());
    }
    let rate = config.frames_per_second.round() as u32;
    let wanted = CameraFormat::new(Resolution::new(config.width, config.height), FrameFormat::MJPEG, rate);
    let request = RequestedFormat::new::<RgbFormat>(RequestedFormatType::Closest(wanted));
    let mut camera = System::new(CameraIndex::Index(config.index), request).map_err(|e| {
        let there: Vec<_> = query(ApiBackend::Auto)
            .unwrap_or_default()
            .iter()
            .map(|camera| format!("{} ({})", camera.index(), camera.human_name()))
            .collect();
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        format!("{e}; cameras that are there: {there}")
    })?;
    camera.open_stream().map_err(|e| e.to_string())?;
    Ok(camera)
}
