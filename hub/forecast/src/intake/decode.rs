//! Bytes to text: UTF-8, UTF-16 and Latin-1, with or without a byte order mark.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::IntakeError;

/// Of how many bytes the kind of file is told.
const LOOKED_AT: usize = 4096;

/// The text, and the name of its encoding.
pub(super) fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, &'static str), IntakeError> {
    for (start, kind) in [
        (b"PK\x03\x04" as &[u8], "a zip or Excel file"),
        (b"\xd0\xcf\x11\xe0", "an old Excel file"),
        (b"%PDF", "a PDF"),
        (b"\x1f\x8b", "a gzip file"),
        (b"\x89PNG", "an image"),
        (b"\xff\xd8\xff", "an image"),
    ] {
        if bytes.starts_with(start) {
            return Err(IntakeError::Binary(kind));
        }
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return with(encoding, &bytes[mark..]);
    }
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|b| **b == 0).count();
    // In UTF-16, every other byte of a Latin letter is 0.
    let most = head.len() / 2 * 7 / 10;
    match (zeros(0), zeros(1)) {
        (0, 0) => {}
        (even, odd) if odd > most.max(1) && even == 0 => return with(UTF_16LE, bytes),
        (even, odd) if even > most.max(1) && odd == 0 => return with(UTF_16BE, bytes),
        _ => return Err(IntakeError::Binary("something with zero bytes")),
    }
    if std::str::from_utf8(bytes).is_ok() {
        return with(UTF_8, bytes);
    }
    let control = |b: &&u8| **b < 32 && !matches!(**b, b'\t' | b'\n' | b'\r' | 12);
    if head.iter().filter(control).count() * 50 > head.len() {
        return Err(IntakeError::Binary("something with control bytes"));
    }
    with(WINDOWS_1252, bytes)
}

fn with<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Result<(Cow<'a, str>, &'static str), IntakeError> {
    let name = if encoding == WINDOWS_1252 { "Latin-1 (Windows-1252)" } else { encoding.name() };
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    if broken {
        return Err(IntakeError::Encoding(name));
    }
    if text.trim().is_empty() {
        return Err(IntakeError::Empty);
    }
    Ok((text, name))
}
