//! The camera `v4l`: a device of Video4Linux, which is what USB cameras are on Linux.
//!
//! The device streams into buffers that it shares with the program. Each is taken as soon as it is filled, and given
//! back; only the newest is copied, and decoded if it is due. Drivers change what they are asked for, so what is in
//! force is read back: a coding that is neither Motion JPEG nor YUYV is refused, another size or rate is not. For the
//! camera modules of a Raspberry Pi, whose devices give raw sensor data, there is [`command`](super::command).

use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use linuxvideo::format::{PixFormat, PixelFormat};
use linuxvideo::stream::ReadStream;
use linuxvideo::{BufType, Device, Fract};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pilah_models::picture::ImageError;
use tracing::{debug, info};

use super::pacing::Pacing;
use super::settings::{V4lConfig, V4lFormat};
use super::{Camera, CameraError, Frame, PATIENCE, picture};

/// The camera `v4l`.
pub struct V4lCamera {
    device: PathBuf,
    stream: ReadStream,
    coding: Coding,
    pacing: Pacing,
    opened: Instant,
    /// The newest frame as it came.
    bytes: Vec<u8>,
}

impl std::fmt::Debug for V4lCamera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("V4lCamera").field("device", &self.device).field("coding", &self.coding).finish_non_exhaustive()
    }
}

/// How the frames are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Jpeg,
    Yuyv { width: u32, height: u32, stride: usize },
}

impl V4lCamera {
    /// Opens the device, agrees on a format, and begins to stream.
    ///
    /// # Errors
    /// [`CameraError::Failed`]: there is no such device, it may not be opened, it is in use, it is no camera, or it has
    /// no format that can be decoded.
    pub fn open(config: &V4lConfig) -> Result<Self, CameraError> {
        let path = &config.device;
        let failed = |words: String| CameraError::Failed(format!("{}: {words}", path.display()));
        let device = Device::open(path).map_err(|e| failed(cannot_open(&e)))?;
        let mut offered = Vec::new();
        for format in device.formats(BufType::VIDEO_CAPTURE) {
            offered.push(format.map_err(|e| failed(format!("its formats cannot be listed: {e}")))?.pixel_format());
        }
        let wanted = choose(&offered, config.format).map_err(failed)?;
        let asked = PixFormat::new(config.width, config.height, wanted);
        let camera = device.video_capture(asked).map_err(|e| failed(cannot_stream(&e)))?;
        // Read back: the driver may have changed any of it.
        let (width, height) = (camera.format().width(), camera.format().height());
        let fourcc = camera.format().pixel_format();
        let stride = camera.format().bytes_per_line() as usize;
        let coding = match fourcc {
            PixelFormat::MJPG | PixelFormat::JPEG => Coding::Jpeg,
            PixelFormat::YUYV => Coding::Yuyv { width, height, stride },
            other => return Err(failed(format!("the driver insists on {other}, which cannot be decoded"))),
        };
        let rate = camera.set_frame_interval(Fract::new(10, (config.frames_per_second * 10.0).round() as u32));
        let rate = match rate {
            Ok(interval) if interval.numerator() > 0 => 1.0 / interval.as_f32(),
            Ok(_) => 0.0,
            Err(e) => {
                debug!(error = %e, "the driver has a rate of its own");
                0.0
            }
        };
        let stream = camera.into_stream().map_err(|e| failed(cannot_stream(&e)))?;
        info!(device = %path.display(), %fourcc, width, height, frames_per_second = rate, "camera streams");
        Ok(Self {
            device: path.clone(),
            stream,
            coding,
            pacing: Pacing::new(config.frames_per_second),
            opened: Instant::now(),
            bytes: Vec::new(),
        })
    }

    /// Waits until a buffer is filled, and copies the newest. `false`: none was until then.
    fn receive(&mut self, until: Instant) -> io::Result<bool> {
        let mut received = false;
        loop {
            let wait = if received { Duration::ZERO } else { until.saturating_duration_since(Instant::now()) };
            let mut fds = [PollFd::new(self.stream.as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO);
            match poll(&mut fds, timeout) {
                Ok(0) => return Ok(received),
                Err(Errno::EINTR) => continue,
                Err(e) => return Err(e.into()),
                Ok(_) => {}
            }
            let events = fds[0].revents().unwrap_or_else(PollFlags::empty);
            if !events.contains(PollFlags::POLLIN) {
                return Err(Errno::ENODEV.into());
            }
            let bytes = &mut self.bytes;
            self.stream.dequeue(|buffer| {
                bytes.clear();
                // A buffer that the driver itself calls damaged is passed on empty, which cannot be decoded.
                if !buffer.is_error() {
                    bytes.extend_from_slice(&buffer);
                }
                Ok(())
            })?;
            received = true;
        }
    }

    fn decode(&self) -> Result<image::RgbImage, ImageError> {
        match self.coding {
            _ if self.bytes.is_empty() => Err(ImageError::Damaged("the driver gave a frame without data".to_owned())),
            Coding::Jpeg => picture::from_jpeg(&self.bytes),
            Coding::Yuyv { width, height, stride } => picture::from_yuyv(&self.bytes, width, height, stride),
        }
    }
}

impl Camera for V4lCamera {
    fn next_frame(&mut self) -> Result<Frame, CameraError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let received = self
                .receive(until)
                .map_err(|e| CameraError::Failed(format!("{}: {}", self.device.display(), cannot_stream(&e))))?;
            if !received {
                return Err(CameraError::NotYet);
            }
            let at = self.opened.elapsed();
            if self.pacing.takes(at) {
                let damaged = |source| CameraError::Damaged { what: self.device.clone(), source };
                return Ok(Frame { rgb: Arc::new(self.decode().map_err(damaged)?), at, truth: None });
            }
        }
    }
}

/// The format to ask for among those that the device has.
fn choose(offered: &[PixelFormat], wanted: V4lFormat) -> Result<PixelFormat, String> {
    let order: &[PixelFormat] = match wanted {
        V4lFormat::Any => &[PixelFormat::MJPG, PixelFormat::JPEG, PixelFormat::YUYV],
        V4lFormat::Mjpeg => &[PixelFormat::MJPG, PixelFormat::JPEG],
        V4lFormat::Yuyv => &[PixelFormat::YUYV],
    };
    if let Some(format) = order.iter().find(|format| offered.contains(format)) {
        return Ok(*format);
    }
    if offered.is_empty() {
        return Err(format!("it is no camera: it gives no pictures{}", others(Path::new("/dev"))));
    }
    let names: Vec<_> = offered.iter().map(ToString::to_string).collect();
    let hint = match wanted {
        V4lFormat::Any => "a camera module of a Raspberry Pi needs kind = \"command\" with rpicam-vid",
        V4lFormat::Mjpeg | V4lFormat::Yuyv => "camera.format = \"any\" takes what there is",
    };
    let wanted: Vec<_> = order.iter().map(ToString::to_string).collect();
    Err(format!("it gives {}, and {} is needed: {hint}", names.join(", "), wanted.join(" or ")))
}

fn cannot_open(error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT | Errno::ENXIO | Errno::ENODEV) => {
            format!("there is no such device{}", others(Path::new("/dev")))
        }
        Some(Errno::EACCES | Errno::EPERM) => {
            "it may not be opened: add the bin's user to the group that owns it (video on Debian)".to_owned()
        }
        Some(Errno::EBUSY) => cannot_stream(error),
        Some(Errno::ENOTTY | Errno::EINVAL | Errno::EISDIR) => {
            format!("it is no device of Video4Linux{}", others(Path::new("/dev")))
        }
        _ => format!("it cannot be opened: {error}"),
    }
}

fn cannot_stream(error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EBUSY) => "it is in use by another program: stop that one".to_owned(),
        Some(Errno::ENODEV | Errno::ENXIO) => "it is gone: was it unplugged?".to_owned(),
        Some(Errno::EIO) => "it does not answer: is its cable loose, or its power too weak?".to_owned(),
        _ => format!("it does not stream: {error}"),
    }
}

/// Which devices there are, as the end of a sentence.
fn others(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("video")))
        .map(|path| path.display().to_string())
        .collect();
    names.sort();
    match names.is_empty() {
        true => "; no camera is connected".to_owned(),
        false => format!("; there is {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fourcc(text: &str) -> PixelFormat {
        PixelFormat::from_fourcc(*text.as_bytes().first_chunk().expect("four bytes"))
    }

    #[test]
    fn a_format_that_can_be_decoded_is_chosen_and_others_are_named() {
        use V4lFormat::{Any, Mjpeg, Yuyv};
        let cases = [
            (&["YUYV", "MJPG"][..], Any, Ok("MJPG")),
            (&["YUYV", "MJPG"], Yuyv, Ok("YUYV")),
            (&["YUYV"], Any, Ok("YUYV")),
            (&["JPEG"], Mjpeg, Ok("JPEG")),
            (&["YUYV"], Mjpeg, Err("it gives YUYV, and MJPG or JPEG is needed: camera.format = \"any\"")),
            (&["pBAA", "RG10"], Any, Err("it gives pBAA, RG10, and MJPG or JPEG or YUYV is needed: a camera module")),
            (&[], Any, Err("it is no camera: it gives no pictures")),
        ];
        for (offered, wanted, expected) in cases {
            let offered: Vec<_> = offered.iter().map(|text| fourcc(text)).collect();
            match (choose(&offered, wanted), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, fourcc(expected)),
                (Err(found), Err(expected)) => assert!(found.starts_with(expected), "{found}"),
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_camera_says_so() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("video9");
        std::fs::write(&file, b"no device").expect("writes");
        let cases = [
            (folder.path().join("nothing"), "there is no such device"),
            (file, "it is no device of Video4Linux"),
            (PathBuf::from("/dev/null"), "it is no device of Video4Linux"),
            (folder.path().to_owned(), "it is no device of Video4Linux"),
        ];
        for (device, expected) in cases {
            let text = format!("device = {device:?}");
            let config: V4lConfig = toml::from_str(&text).expect("valid");
            let error = V4lCamera::open(&config).expect_err(expected).to_string();
            assert!(error.contains(expected) && error.contains(&device.display().to_string()), "{error}");
        }
        assert!(others(folder.path()).contains("there is ") && others(Path::new("/nowhere")).contains("no camera"));
    }

    #[test]
    fn errors_of_a_device_say_what_to_do() {
        let cases = [
            (Errno::EBUSY, "in use by another program"),
            (Errno::EACCES, "add the bin's user to the group"),
            (Errno::ENODEV, "no such device"),
        ];
        for (errno, expected) in cases {
            assert!(cannot_open(&errno.into()).contains(expected), "{errno}");
        }
        assert!(cannot_stream(&Errno::ENODEV.into()).contains("unplugged"));
        assert!(cannot_stream(&Errno::EBUSY.into()).contains("in use"));
    }
}
