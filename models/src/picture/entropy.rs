//! Huffman-coded data of a JPEG, followed code by code without making pixels of it (ITU-T T.81, annexes F and G).
//!
//! Each block takes exactly the bits that its codes say. Where bytes are missing, what follows is read out of step: it
//! gets into step again after a few blocks, for Huffman codes do, but then blocks are missing, and the data ends before
//! the picture does. It does
//! about a hundred megabytes a second, a bin's camera sends one.

use super::Damage;

/// Codes up to this length are found in one step.
const QUICK: u32 = 9;

/// A table of codes.
#[derive(Debug, Clone)]
pub(super) struct Huffman {
    /// By the next [`QUICK`] bits: length and symbol, 0 where the code is longer.
    quick: Box<[(u8, u8)]>,
    /// By length: the first code that is too large, with the bits behind it, and where its symbols begin less its
    /// first code.
    above: [u32; 18],
    offset: [i32; 17],
    pub(super) counts: [u8; 16],
    pub(super) symbols: Vec<u8>,
}

impl Huffman {
    /// By how many codes there are of each length, and their symbols; `None`: there cannot be so many.
    pub(super) fn new(counts: [u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut quick = vec![(0, 0); 1 << QUICK].into_boxed_slice();
        let (mut above, mut offset) = ([0; 18], [0; 17]);
        let (mut code, mut index) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            let count = usize::from(counts[length as usize - 1]);
            offset[length as usize] = i32::try_from(index).ok()? - i32::try_from(code).ok()?;
            for symbol in symbols.get(index..index + count)? {
                if code >= 1 << length {
                    return None;
                }
                if length <= QUICK {
                    let from = (code << (QUICK - length)) as usize;
                    quick[from..from + (1 << (QUICK - length))].fill((length as u8, *symbol));
                }
                code += 1;
            }
            index += count;
            above[length as usize] = code << (16 - length);
            code <<= 1;
        }
        above[17] = u32::MAX;
        Some(Self { quick, above, offset, counts, symbols: symbols[..index].to_vec() })
    }
}

/// Why reading stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// A marker, or the end of the bytes, lies before the bits that are needed.
    Ended,
    NoSuchCode,
    /// More coefficients than a block has.
    TooMany,
    /// A block is lighter or darker than any can be.
    OutOfRange,
}

impl Stop {
    fn words(self) -> &'static str {
        match self {
            Self::Ended => "bytes are missing: the data ends too early",
            Self::NoSuchCode => "its data holds a code that does not exist",
            Self::TooMany => "its data holds a block of more than 64 coefficients",
            Self::OutOfRange => "its data holds a brightness that cannot be",
        }
    }
}

/// Bits up to the next marker.
#[derive(Debug)]
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, from the highest on; zeros behind them.
    next: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, next: 0, count: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xff, 0x00, ..]) => {
                    self.at += 2;
                    0xff
                }
                Some([byte, ..]) if *byte != 0xff => {
                    self.at += 1;
                    *byte
                }
                _ => return,
            };
            self.next |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    fn need(&mut self, bits: u32) {
        if self.count < bits {
            self.fill();
        }
    }

    fn skip(&mut self, bits: u32) -> Result<(), Stop> {
        if self.count < bits {
            return Err(Stop::Ended);
        }
        self.next <<= bits;
        self.count -= bits;
        Ok(())
    }

    /// The next bits, 16 at most.
    fn take(&mut self, bits: u32) -> Result<u32, Stop> {
        if bits == 0 {
            return Ok(0);
        }
        self.need(bits);
        let value = (self.next >> (64 - bits)) as u32;
        self.skip(bits)?;
        Ok(value)
    }

    fn symbol(&mut self, table: &Huffman) -> Result<u8, Stop> {
        self.need(16);
        let (length, symbol) = table.quick[(self.next >> (64 - QUICK)) as usize];
        if length > 0 {
            self.skip(u32::from(length))?;
            return Ok(symbol);
        }
        let ahead = (self.next >> 48) as u32;
        let length = (QUICK + 1..=16).find(|length| ahead < table.above[*length as usize]);
        let Some(length) = length else {
            return Err(if self.count < 16 { Stop::Ended } else { Stop::NoSuchCode });
        };
        self.skip(length)?;
        let index = (ahead >> (16 - length)) as i32 + table.offset[length as usize];
        usize::try_from(index).ok().and_then(|index| table.symbols.get(index)).copied().ok_or(Stop::NoSuchCode)
    }

    /// A difference of so many bits (T.81, F.2.2.1).
    fn difference(&mut self, bits: u8) -> Result<i32, Stop> {
        if bits > 15 {
            return Err(Stop::NoSuchCode);
        }
        let value = self.take(u32::from(bits))? as i32;
        Ok(if bits > 0 && value < 1 << (bits - 1) { value - (1 << bits) + 1 } else { value })
    }

    /// Bytes that nobody asked for, up to the next marker: how many, and whether they are more than padding.
    fn rest(&mut self) -> (usize, bool) {
        // What was taken in ahead lies directly before `at`, in whole bytes.
        let ahead = (self.count / 8) as usize;
        let mut rest: Vec<u8> = (0..ahead).map(|n| (self.next << (self.count % 8) >> (56 - n * 8)) as u8).collect();
        (self.next, self.count) = (0, 0);
        while rest.len() <= MOST_REST {
            match self.bytes.get(self.at..) {
                Some([0xff, 0x00, ..]) => {
                    self.at += 2;
                    rest.push(0xff);
                }
                Some([byte, ..]) if *byte != 0xff => {
                    self.at += 1;
                    rest.push(*byte);
                }
                _ => break,
            }
        }
        (rest.len(), rest.iter().any(|byte| Some(byte) != rest.first()))
    }

    /// The kind of the marker that follows, and where it begins.
    fn marker(&self) -> Option<(u8, usize)> {
        let fill = self.bytes.get(self.at..)?.iter().take_while(|byte| **byte == 0xff).count();
        let kind = *self.bytes.get(self.at + fill)?;
        (fill > 0 && kind != 0).then_some((kind, self.at + fill - 1))
    }
}

/// So many bytes that are no padding may follow the last block: cameras on USB leave some, and no picture lacks them.
const MOST_REST: usize = 8;

/// So many bytes of 0 are no data.
const ZEROS: usize = 16;

/// A component as a scan sees it.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) dc: Option<&'a Huffman>,
    pub(super) ac: Option<&'a Huffman>,
    /// Blocks of this component in a unit: beside and above each other. One, if it is alone in its scan.
    pub(super) across: usize,
    pub(super) down: usize,
    /// The largest absolute value of the DC coefficient before it is multiplied by its step.
    pub(super) largest_dc: i32,
    /// In a progressive picture: which coefficients of each block are not 0, rows of `stride` blocks.
    pub(super) history: Option<&'a mut [u64]>,
    pub(super) stride: usize,
}

/// What a scan holds.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) parts: Vec<Part<'a>>,
    /// Units beside and above each other.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Units from one restart marker to the next; 0: there are none.
    pub(super) restart: usize,
    /// The first and last coefficient.
    pub(super) band: (usize, usize),
    /// Bits that were left out before, and that still are. `None` for a sequential picture.
    pub(super) bits: Option<(u32, u32)>,
}

/// Follows the scan whose data begins at `from`. Returns what is wrong, and where the next marker is that is no
/// restart.
pub(super) fn follow(bytes: &[u8], from: usize, plan: &mut Plan<'_>) -> (Option<Damage>, usize) {
    let units = plan.across * plan.down;
    let mut bits = Bits::new(bytes, from);
    let damage = follow_units(&mut bits, plan, units).err().map(|(what, unit)| {
        let after = unit as f32 / units.max(1) as f32;
        Damage { what, after }
    });
    // Behind damage, and behind a restart marker that closes the last interval, too.
    let mut at = bits.at;
    let end = loop {
        match bytes.get(at..) {
            Some([0xff, 0x00 | 0xd0..=0xd7, ..]) => at += 2,
            Some([0xff, 0xff, ..]) => at += 1,
            Some([0xff, _, ..]) => break at,
            Some([_, rest @ ..]) => at += 1 + rest.iter().take_while(|byte| **byte != 0xff).count(),
            _ => break bytes.len(),
        }
    };
    // Zeros in place of what was lost are codes as well: mostly of a coefficient of -1. None has blocks full of them.
    let is_value = |part: &Part<'_>| part.ac.is_some_and(|ac| ac.symbols.first() != Some(&0));
    if damage.is_none() && plan.bits.is_none() && plan.parts.iter().any(is_value) {
        let data = bytes.get(from..end).unwrap_or_default();
        if let Some(at) = data.windows(ZEROS).position(|window| window == [0; ZEROS]) {
            // Behind the last block they are padding.
            let rest = data[at..].iter().any(|byte| *byte != 0);
            let after = at as f32 / data.len() as f32;
            return (rest.then_some(Damage { what: "zeros lie where data must be", after }), end);
        }
    }
    (damage, end)
}

fn follow_units(bits: &mut Bits<'_>, plan: &mut Plan<'_>, units: usize) -> Result<(), (&'static str, usize)> {
    let mut state = State::default();
    let every = if plan.restart == 0 { units } else { plan.restart };
    let mut unit = 0;
    for interval in 0_usize.. {
        state = State { run: 0, dc: [0; 4] };
        let end = (unit + every).min(units);
        while unit < end {
            state.unit(bits, plan, unit).map_err(|stop| (stop.words(), unit))?;
            unit += 1;
        }
        let (rest, is_more_than_padding) = bits.rest();
        if rest > MOST_REST && is_more_than_padding {
            return Err(("there is more data than the picture takes", unit));
        }
        if unit == units {
            break;
        }
        match bits.marker() {
            Some((kind, at)) if usize::from(kind) == 0xd0 + interval % 8 => bits.at = at + 2,
            Some((0xd0..=0xd7, _)) => return Err(("a part between two restart markers is missing", unit)),
            _ => return Err((Stop::Ended.words(), unit)),
        }
    }
    if state.run > 0 {
        return Err(("a run of empty blocks goes on behind the end", units));
    }
    Ok(())
}

/// Between two restart markers.
#[derive(Debug, Default)]
struct State {
    /// Blocks that follow without coefficients of their own.
    run: u32,
    dc: [i32; 4],
}

impl State {
    fn unit(&mut self, bits: &mut Bits<'_>, plan: &mut Plan<'_>, unit: usize) -> Result<(), Stop> {
        let (column, row) = (unit % plan.across, unit / plan.across);
        for (part, dc) in plan.parts.iter_mut().zip(&mut self.dc) {
            for block in 0..part.across * part.down {
                let Some((before, now)) = plan.bits else {
                    sequential(bits, part, dc)?;
                    continue;
                };
                if plan.band.0 == 0 {
                    match before {
                        0 => difference(bits, part, dc, now)?,
                        _ => drop(bits.take(1)?),
                    }
                    continue;
                }
                let place =
                    (row * part.down + block / part.across) * part.stride + column * part.across + block % part.across;
                let (Some(ac), Some(seen)) = (part.ac, part.history.as_mut().and_then(|all| all.get_mut(place))) else {
                    return Err(Stop::NoSuchCode);
                };
                match before {
                    0 => first(bits, ac, plan.band, &mut self.run, seen)?,
                    _ => refined(bits, ac, plan.band, &mut self.run, seen)?,
                }
            }
        }
        Ok(())
    }
}

fn difference(bits: &mut Bits<'_>, part: &Part<'_>, dc: &mut i32, shift: u32) -> Result<(), Stop> {
    let size = bits.symbol(part.dc.ok_or(Stop::NoSuchCode)?)?;
    *dc = dc.saturating_add(bits.difference(size)?);
    let is_possible = dc.saturating_abs() >> (16 - shift.min(16)) == 0 && (dc.abs() << shift) <= part.largest_dc;
    if is_possible { Ok(()) } else { Err(Stop::OutOfRange) }
}

fn sequential(bits: &mut Bits<'_>, part: &Part<'_>, dc: &mut i32) -> Result<(), Stop> {
    difference(bits, part, dc, 0)?;
    let ac = part.ac.ok_or(Stop::NoSuchCode)?;
    let mut at = 1;
    while at < 64 {
        let symbol = bits.symbol(ac)?;
        let (zeros, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        match (zeros, size) {
            (15, 0) => at += 16,
            (_, 0) => return Ok(()),
            _ => {
                at += zeros + 1;
                if size > bits.count {
                    bits.fill();
                }
                bits.skip(size)?;
            }
        }
    }
    if at > 64 { Err(Stop::TooMany) } else { Ok(()) }
}

/// The first bits of coefficients (T.81, G.1.2.2).
fn first(
    bits: &mut Bits<'_>,
    ac: &Huffman,
    (from, to): (usize, usize),
    run: &mut u32,
    seen: &mut u64,
) -> Result<(), Stop> {
    if *run > 0 {
        *run -= 1;
        return Ok(());
    }
    let mut at = from;
    while at <= to {
        let symbol = bits.symbol(ac)?;
        let (zeros, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        match (zeros, size) {
            (15, 0) => at += 16,
            (_, 0) => {
                *run = (1 << zeros) - 1 + bits.take(zeros as u32)?;
                return Ok(());
            }
            _ => {
                at += zeros;
                bits.take(size)?;
                if at > to {
                    return Err(Stop::TooMany);
                }
                *seen |= 1 << at;
                at += 1;
            }
        }
    }
    if at > to + 1 { Err(Stop::TooMany) } else { Ok(()) }
}

/// One more bit of each coefficient (T.81, G.1.2.3).
fn refined(
    bits: &mut Bits<'_>,
    ac: &Huffman,
    (from, to): (usize, usize),
    run: &mut u32,
    seen: &mut u64,
) -> Result<(), Stop> {
    let mut at = from;
    while *run == 0 && at <= to {
        let symbol = bits.symbol(ac)?;
        let (mut zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && zeros < 15 {
            *run = (1 << zeros) + bits.take(zeros)?;
            break;
        }
        if size > 0 {
            bits.take(1)?;
        }
        // Past those that are not 0, each of which has a bit more, to the place behind so many that are.
        loop {
            if at > to {
                return Err(Stop::TooMany);
            }
            if *seen >> at & 1 == 1 {
                bits.take(1)?;
            } else if zeros == 0 {
                *seen |= u64::from(size > 0) << at;
                at += 1;
                break;
            } else {
                zeros -= 1;
            }
            at += 1;
        }
    }
    if *run > 0 {
        let band = (u64::MAX << at) & (u64::MAX >> (63 - to));
        for _ in 0..if at > to { 0 } else { (*seen & band).count_ones() } {
            bits.take(1)?;
        }
        *run -= 1;
    }
    Ok(())
}
