//! What a source sends that is no JPEG, named by its first bytes, so that an error can say what to do.

/// Packets of an MPEG transport stream begin so, every so many bytes.
const TRANSPORT_SYNC: u8 = 0x47;
const TRANSPORT_PACKET: usize = 188;

/// What it is, if it is something that cameras and programs send.
#[must_use]
pub(super) fn named(bytes: &[u8]) -> Option<&'static str> {
    let after_start = bytes.strip_prefix(&[0, 0, 0, 1]).or_else(|| bytes.strip_prefix(&[0, 0, 1]));
    // The kind of the first unit: parameters, a delimiter, or a whole picture (H.264, 7.3.1; H.265, 7.3.1.2).
    match after_start {
        Some([first, ..]) if matches!(first & 0x9f, 0x05 | 0x07 | 0x09) => return Some("H.264 video"),
        Some([0x40 | 0x42 | 0x44 | 0x46 | 0x26, 0x01, ..]) => return Some("H.265 video"),
        _ => {}
    }
    let text: String = bytes.iter().take(64).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    let is_transport = bytes.first() == Some(&TRANSPORT_SYNC) && bytes.get(TRANSPORT_PACKET) == Some(&TRANSPORT_SYNC);
    match bytes {
        _ if is_transport => Some("an MPEG transport stream"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some("MP4 video"),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Some("Matroska video"),
        [b'F', b'L', b'V', 1, ..] => Some("FLV video"),
        [0x89, b'P', b'N', b'G', ..] => Some("PNG pictures"),
        [b'R', b'I', b'F', b'F', ..] => Some("a RIFF file"),
        [b'G', b'I', b'F', b'8', ..] => Some("a GIF"),
        _ if text.trim_start().starts_with("<!doctype html") || text.trim_start().starts_with("<html") => {
            Some("a page for people (HTML)")
        }
        _ if text.starts_with("rtsp/1.0") => Some("RTSP"),
        _ if text.starts_with("#extm3u") => Some("a playlist (HLS)"),
        _ => None,
    }
}

/// What helps if this comes instead of pictures.
#[must_use]
pub(super) fn instead(found: &str) -> String {
    format!(
        "it sends {found}, and Motion JPEG is needed: choose that in its settings (--codec mjpeg, -f mjpeg), or let \
         ffmpeg make it by kind = \"command\", as the sample configuration shows"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_picture_is_named() {
        let transport = [&[0x47][..], &[0; 187], &[0x47, 0]].concat();
        let cases: [(&[u8], Option<&str>); 12] = [
            (b"\0\0\0\x01\x67\x42\0\x1f", Some("H.264 video")),
            (b"\0\0\x01\x27\x42", Some("H.264 video")),
            (b"\0\0\0\x01\x09\xf0", Some("H.264 video")),
            (b"\0\0\0\x01\x40\x01\x0c", Some("H.265 video")),
            (&transport, Some("an MPEG transport stream")),
            (b"\0\0\0\x20ftypisom", Some("MP4 video")),
            (b"\x1a\x45\xdf\xa3", Some("Matroska video")),
            (b"\n<!DOCTYPE html><html>", Some("a page for people (HTML)")),
            (b"\xff\xd8\xff\xe0", None),
            (b"--frame\r\nContent-Type: image/jpeg\r\n\r\n", None),
            (b"", None),
            (b"\0\0\0\0\0\0", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(named(bytes), expected, "{bytes:?}");
        }
        assert!(instead("H.264 video").starts_with("it sends H.264 video, and Motion JPEG is needed"));
    }
}
