//! Where a CONNECT ends. Pure: bytes in, length out. What is in it is the broker's matter.

/// The longest that is waited for, in bytes: names, a secret, and a last will of a status. It is in memory before
/// anybody has shown who they are.
const LONGEST: usize = 16 * 1024;

/// The first byte of CONNECT, of MQTT 3.1, 3.1.1 and 5.
const CONNECT: u8 = 0x10;

/// Not the beginning of a CONNECT, or one that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotConnect;

/// The length of the packet that begins so; `None` if it cannot be told yet.
pub(super) fn length(said: &[u8]) -> Result<Option<usize>, NotConnect> {
    let Some((first, rest)) = said.split_first() else { return Ok(None) };
    if *first != CONNECT {
        return Err(NotConnect);
    }
    // Up to four bytes of seven bits each, the lowest first; all but the last have the highest bit.
    let mut remaining = 0_usize;
    for (at, byte) in rest.iter().take(4).enumerate() {
        remaining |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let length = 2 + at + remaining;
            return if length <= LONGEST { Ok(Some(length)) } else { Err(NotConnect) };
        }
    }
    if rest.len() >= 4 { Err(NotConnect) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_read_as_it_comes() {
        type Length = Result<Option<usize>, NotConnect>;
        let cases: [(&[u8], Length); 12] = [
            (&[], Ok(None)),
            (&[0x10], Ok(None)),
            (&[0x10, 0x00], Ok(Some(2))),
            (&[0x10, 0x2a], Ok(Some(44))),
            (&[0x10, 0x80], Ok(None)),
            (&[0x10, 0x80, 0x01], Ok(Some(131))),
            (&[0x10, 0x80, 0x01, 0xff], Ok(Some(131))),
            (&[0x10, 0xff, 0xff, 0x01], Err(NotConnect)),
            (&[0x10, 0xff, 0xff, 0xff, 0xff], Err(NotConnect)),
            (&[0x10, 0xff, 0xff, 0xff], Ok(None)),
            (&[0x30, 0x00], Err(NotConnect)),
            (b"GET / HTTP/1.1", Err(NotConnect)),
        ];
        for (said, expected) in cases {
            assert_eq!(length(said), expected, "{said:02x?}");
        }
        let longest = LONGEST - 4;
        let bytes = [0x10, (longest & 0x7f) as u8 | 0x80, (longest >> 7 & 0x7f) as u8 | 0x80, (longest >> 14) as u8];
        assert_eq!(length(&bytes), Ok(Some(LONGEST)));
    }
}
