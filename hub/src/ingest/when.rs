//! When something was seen. Pure.
//!
//! A bin has no clock battery: it starts in 1970, and one that was set wrongly says 2031. Its word counts if its
//! clock was synchronised and the time can be: not before the bin was enrolled, and not after the hub got it. Else
//! what counts is when the hub got it. Days are counted by this time.

use pilah_models::wire::Header;

/// When it was, in milliseconds since 1970.
pub(super) fn seen_ms(header: &Header, enrolled_ms: i64, received_ms: i64) -> i64 {
    let at = header.at.as_millisecond();
    if header.clock_synced && (enrolled_ms..=received_ms).contains(&at) { at } else { received_ms }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::header;

    #[test]
    fn a_bins_clock_counts_if_it_was_set_and_the_time_can_be() {
        const ENROLLED: i64 = 1_700_000_000_000;
        const RECEIVED: i64 = 1_800_000_000_000;
        for (at, synced, expected) in [
            (1_750_000_000_000, true, 1_750_000_000_000),
            (ENROLLED, true, ENROLLED),
            (RECEIVED, true, RECEIVED),
            (1_750_000_000_000, false, RECEIVED),
            (ENROLLED - 1, true, RECEIVED),
            (RECEIVED + 1, true, RECEIVED),
            (20_000, false, RECEIVED),
            (20_000, true, RECEIVED),
            (-62_000_000_000_000, true, RECEIVED),
            (1_930_000_000_000, true, RECEIVED),
        ] {
            let at_that = jiff::Timestamp::from_millisecond(at).expect("valid");
            let said = Header { at: at_that, clock_synced: synced, ..header("b1", 1) };
            assert_eq!(seen_ms(&said, ENROLLED, RECEIVED), expected, "{at}, synchronised: {synced}");
        }
    }
}
