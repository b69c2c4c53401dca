//! What a PNG says of itself before its pixels.

/// How many frames a PNG says that it has, if it says so: the chunk `acTL`, which stands before the
/// first pixels (PNG, third edition, 11.3.6.1).
pub(super) fn frames(png: &[u8]) -> Option<u32> {
    const SIGNATURE: usize = 8;
    let mut rest = png.get(SIGNATURE..)?;
    // Chunks: length of the data, kind, data, check sum.
    while let Some(([l0, l1, l2, l3, kind @ ..], data)) = rest.split_first_chunk::<8>() {
        match kind {
            b"acTL" => return data.first_chunk().map(|frames| u32::from_be_bytes(*frames)),
            b"IDAT" | b"IEND" => return None,
            _ => {}
        }
        let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize;
        rest = data.get(length.checked_add(4)?..)?;
    }
    None
}
