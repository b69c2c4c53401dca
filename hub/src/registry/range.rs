//! Which part of a file is asked for: a bin whose link broke asks for what it has not got yet (RFC 9110, 14.2). Pure.
//!
//! Of the header `Range` only `bytes=N-` is understood. Whoever asks for anything else gets the whole file, as the RFC
//! allows.

/// What is sent of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// What begins at this byte.
    From(usize),
    /// It has no such byte.
    Beyond,
}

/// What is sent of a file of `length` bytes to whoever asks with this `Range`.
pub(crate) fn part(range: Option<&str>, length: usize) -> Part {
    let from = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    match from {
        None => Part::Whole,
        Some(from) if from < length => Part::From(from),
        Some(_) => Part::Beyond,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_range_is_understood_and_whatever_else_is_asked_gets_the_whole() {
        for (range, expected) in [
            (None, Part::Whole),
            (Some("bytes=0-"), Part::From(0)),
            (Some("bytes=9-"), Part::From(9)),
            (Some("bytes=10-"), Part::Beyond),
            (Some("bytes=18446744073709551615-"), Part::Beyond),
            (Some("bytes=2-5"), Part::Whole),
            (Some("bytes=-5"), Part::Whole),
            (Some("bytes=2-,7-"), Part::Whole),
            (Some("pages=2-"), Part::Whole),
        ] {
            assert_eq!(part(range, 10), expected, "{range:?}");
        }
    }
}
