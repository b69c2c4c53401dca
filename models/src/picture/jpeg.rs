//! The segments of a JPEG and what they say (ITU-T T.81, annex B).

use super::entropy::{Huffman, Part, Plan, follow};
use super::standard::{self, Standard};
use super::{Damage, ImageError, Limits};

/// No picture has more scans: a progressive one has about ten.
const MOST_SCANS: usize = 200;

/// Of a coefficient: no bit of it has come yet.
const NOTHING: u8 = 16;

/// What was seen.
#[derive(Debug)]
pub(super) struct Inspection {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Whether its coefficients come in several passes.
    is_progressive: bool,
    pub(super) components: Vec<Component>,
    /// By scan: the component that is alone in it.
    pub(super) scans: Vec<Option<Alone>>,
    /// Whether its three components are red, green and blue.
    pub(super) is_rgb: bool,
    /// Whether a comment says that its values go from 16 to 235 only.
    pub(super) is_limited: bool,
    /// Whether Huffman tables are left out.
    pub(super) lacks_tables: bool,
    /// Behind its end marker.
    pub(super) end: usize,
    pub(super) damage: Option<Damage>,
}

/// A plane of values.
#[derive(Debug, Clone)]
pub(super) struct Component {
    id: u8,
    /// Values beside and above each other, for each of the others.
    pub(super) across: usize,
    pub(super) down: usize,
    quantisation: usize,
    /// By coefficient: how many of its last bits have not come yet.
    left: [u8; 64],
}

/// What it takes to decode a component that is alone in its scan.
#[derive(Debug)]
pub(super) struct Alone {
    pub(super) component: usize,
    pub(super) quantisation: [u16; 64],
    pub(super) dc: Huffman,
    pub(super) ac: Huffman,
    pub(super) restart: u16,
    pub(super) data: std::ops::Range<usize>,
}

/// How it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By the decoder.
    Whole,
    /// Component by component.
    Planes,
}

impl Inspection {
    /// How it is decoded so that the right picture comes of it.
    pub(super) fn way(&self) -> Result<Way, ImageError> {
        let (across, down) = self.most();
        let is_one_by_one = self.components.len() == 3
            && self.scans.len() == 3
            && (0..3).all(|n| self.scans.iter().flatten().any(|alone| alone.component == n));
        if !self.is_progressive && is_one_by_one {
            return Ok(Way::Planes);
        }
        if !self.is_progressive && self.scans.len() > 1 {
            return Err(ImageError::Coding("its colours in several parts".to_owned()));
        }
        let first = &self.components[0];
        if (first.across, first.down) != (across, down) && self.components.len() > 1 {
            return Err(ImageError::Coding("more values of colour than of light".to_owned()));
        }
        if self.components.iter().any(|one| [one.across, one.down].contains(&3)) {
            return Err(ImageError::Coding("three values of light for one of colour".to_owned()));
        }
        match self.components.len() {
            1 | 3 | 4 => Ok(Way::Whole),
            n => Err(ImageError::Coding(format!("{n} components"))),
        }
    }

    /// The most values of a component, beside and above each other.
    pub(super) fn most(&self) -> (usize, usize) {
        let most = |of: fn(&Component) -> usize| self.components.iter().map(of).max().unwrap_or(1);
        (most(|one| one.across), most(|one| one.down))
    }

    /// The width and height of a component's plane.
    pub(super) fn plane(&self, component: &Component) -> (usize, usize) {
        let (across, down) = self.most();
        ((self.width * component.across).div_ceil(across), (self.height * component.down).div_ceil(down))
    }
}

/// Reads a JPEG to its end marker.
///
/// # Errors
/// [`ImageError`]: there is no end, it is too large, or of a kind that is not read.
pub(super) fn inspect(bytes: &[u8], limits: &Limits) -> Result<Inspection, ImageError> {
    let mut reader = Reader::default();
    let mut at = 2;
    loop {
        let (kind, from) = match bytes.get(at..) {
            Some([0xff, 0xff, ..]) => {
                at += 1;
                continue;
            }
            Some([0xff, kind, ..]) => (*kind, at + 2),
            Some([_, ..]) => return Err(broken("there is no marker where one must be")),
            _ => return Err(broken("the file ends before the picture does")),
        };
        match kind {
            0xd9 => return reader.finish(from),
            0x01 | 0xd0..=0xd7 => {
                at = from;
                continue;
            }
            0xd8 => return Err(broken("another picture begins within it")),
            _ => {}
        }
        let length = bytes.get(from..from + 2).map(|two| usize::from(u16::from_be_bytes([two[0], two[1]])));
        let ends = || broken("the file ends before the picture does");
        let length = length.ok_or_else(ends)?;
        let segment = bytes.get(from + 2..from + length.max(2)).ok_or_else(ends)?;
        at = from + length.max(2);
        match kind {
            0xc0..=0xc2 => reader.frame(kind, segment, limits)?,
            0xc4 => reader.huffman(segment)?,
            0xdb => reader.quantisation(segment)?,
            0xdd => reader.restart = segment.first_chunk().map_or(0, |two| u16::from_be_bytes(*two)),
            0xda => at = reader.scan(bytes, segment, at)?,
            0xfe if segment.starts_with(b"CS=ITU601") => reader.is_limited = true,
            0xe0 if segment.starts_with(b"JFIF\0") => reader.is_jfif = true,
            0xee if segment.starts_with(b"Adobe") => reader.transform = segment.get(11).copied(),
            0xc3 => return Err(ImageError::Coding("a lossless coding".to_owned())),
            0xc9..=0xcc => return Err(ImageError::Coding("an arithmetic coding".to_owned())),
            0xc5..=0xc7 | 0xcd..=0xcf | 0xde | 0xdf => {
                return Err(ImageError::Coding("several pictures of different size in one".to_owned()));
            }
            _ => {}
        }
    }
}

/// The width and height that the header says, and whether it is a progressive picture.
pub(super) fn size(bytes: &[u8]) -> Option<(u16, u16, bool)> {
    let mut rest = bytes.get(2..)?;
    loop {
        match *rest {
            [0xff, 0xff, ..] => rest = &rest[1..],
            [0xff, kind @ 0xc0..=0xc2, _, _, _, h0, h1, w0, w1, ..] => {
                return Some((u16::from_be_bytes([w0, w1]), u16::from_be_bytes([h0, h1]), kind == 0xc2));
            }
            [0xff, _, high, low, ..] => rest = rest.get(2 + usize::from(u16::from_be_bytes([high, low]))..)?,
            _ => return None,
        }
    }
}

fn broken(what: &str) -> ImageError {
    ImageError::Damaged(what.to_owned())
}

#[derive(Debug, Default)]
struct Reader {
    frame: Option<Inspection>,
    dc: [Option<Huffman>; 4],
    ac: [Option<Huffman>; 4],
    quantisation: [Option<[u16; 64]>; 4],
    restart: u16,
    /// Of a progressive picture, by component: which coefficients of each block are not 0.
    history: Vec<Vec<u64>>,
    transform: Option<u8>,
    is_jfif: bool,
    is_limited: bool,
}

impl Reader {
    fn frame(&mut self, kind: u8, segment: &[u8], limits: &Limits) -> Result<(), ImageError> {
        let [precision, h0, h1, w0, w1, count, rest @ ..] = segment else {
            return Err(broken("its header is cut off"));
        };
        if self.frame.is_some() {
            return Err(broken("it has two headers"));
        }
        if *precision != 8 {
            return Err(ImageError::Coding(format!("{precision} bits per value")));
        }
        let (width, height) = (u16::from_be_bytes([*w0, *w1]), u16::from_be_bytes([*h0, *h1]));
        let pixels = u64::from(width) * u64::from(height);
        if pixels > limits.pixels {
            return Err(ImageError::Pixels { width: width.into(), height: height.into(), limit: limits.pixels });
        }
        let described: Vec<_> = rest.chunks_exact(3).collect();
        if described.len() != usize::from(*count) || rest.len() % 3 != 0 || ![1, 3, 4].contains(count) || pixels == 0 {
            return Err(broken("its header says what cannot be"));
        }
        let component = |of: &&[u8]| Component {
            id: of[0],
            across: usize::from(of[1] >> 4),
            down: usize::from(of[1] & 15),
            quantisation: usize::from(of[2]),
            left: [NOTHING; 64],
        };
        let components: Vec<_> = described.iter().map(component).collect();
        let within = |one: &Component| (1..=4).contains(&one.across) && (1..=4).contains(&one.down);
        if !components.iter().all(|one| within(one) && one.quantisation < 4) {
            return Err(broken("its header says what cannot be"));
        }
        self.frame = Some(Inspection {
            width: width.into(),
            height: height.into(),
            is_progressive: kind == 0xc2,
            components,
            scans: Vec::new(),
            is_rgb: false,
            is_limited: false,
            lacks_tables: false,
            end: 0,
            damage: None,
        });
        Ok(())
    }

    fn huffman(&mut self, mut segment: &[u8]) -> Result<(), ImageError> {
        let wrong = || broken("a Huffman table says what cannot be");
        while let [place, rest @ ..] = segment {
            let counts: [u8; 16] = *rest.first_chunk().ok_or_else(wrong)?;
            let symbols: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let table = Huffman::new(counts, &rest[16..]).ok_or_else(wrong)?;
            let tables = if place >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            *tables.get_mut(usize::from(place & 15)).ok_or_else(wrong)? = Some(table);
            segment = &rest[16 + symbols..];
        }
        Ok(())
    }

    fn quantisation(&mut self, mut segment: &[u8]) -> Result<(), ImageError> {
        let wrong = || broken("a table of steps says what cannot be");
        while let [place, rest @ ..] = segment {
            let mut steps = [0; 64];
            let bytes = if place >> 4 == 0 { 1 } else { 2 };
            let values = rest.get(..64 * bytes).ok_or_else(wrong)?;
            for (step, value) in steps.iter_mut().zip(values.chunks_exact(bytes)) {
                *step = value.iter().fold(0, |all, byte| all << 8 | u16::from(*byte));
            }
            *self.quantisation.get_mut(usize::from(place & 15)).ok_or_else(wrong)? = Some(steps);
            segment = &rest[64 * bytes..];
        }
        Ok(())
    }

    /// Follows a scan. Returns where the next segment begins.
    fn scan(&mut self, bytes: &[u8], segment: &[u8], from: usize) -> Result<usize, ImageError> {
        let frame = self.frame.as_mut().ok_or_else(|| broken("its data comes before its header"))?;
        let wrong = || broken("a scan says what cannot be");
        let [count, rest @ ..] = segment else { return Err(wrong()) };
        let (chosen, rest) = rest.split_at_checked(2 * usize::from(*count)).ok_or_else(wrong)?;
        let [first, last, bits] = *rest else { return Err(wrong()) };
        if frame.scans.len() == MOST_SCANS {
            return Err(broken("it has more than 200 scans"));
        }
        let mut parts: Vec<(usize, usize, usize)> = Vec::new();
        for pair in chosen.chunks_exact(2) {
            let component = frame.components.iter().position(|one| one.id == pair[0]).ok_or_else(wrong)?;
            if parts.iter().any(|(other, ..)| *other == component) {
                return Err(wrong());
            }
            let (dc, ac) = (usize::from(pair[1] >> 4), usize::from(pair[1] & 15));
            if dc > 3 || ac > 3 {
                return Err(wrong());
            }
            parts.push((component, dc, ac));
        }
        let (first, last) = (usize::from(first), usize::from(last));
        let (before, now) = (u32::from(bits >> 4), u32::from(bits & 15));
        let is_alone = parts.len() == 1;
        if parts.is_empty() || (frame.is_progressive && (last > 63 || first > last || (first > 0 && !is_alone))) {
            return Err(wrong());
        }
        if frame.is_progressive && first == 0 && last > 0 {
            return Err(wrong());
        }
        let (needs_dc, needs_ac) = match frame.is_progressive {
            true => (first == 0 && before == 0, first > 0),
            false => (true, true),
        };
        for &(_, dc, ac) in &parts {
            frame.lacks_tables |= needs_dc && fill_in(&mut self.dc, dc, &standard::DC);
            frame.lacks_tables |= needs_ac && fill_in(&mut self.ac, ac, &standard::AC);
        }
        let (most_across, most_down) = frame.most();
        let units = (frame.width.div_ceil(8 * most_across), frame.height.div_ceil(8 * most_down));
        if frame.is_progressive && self.history.is_empty() {
            let blocks = |one: &Component| vec![0; units.0 * one.across * units.1 * one.down];
            self.history = frame.components.iter().map(blocks).collect();
        }
        let (across, down) = match is_alone {
            true => {
                let (width, height) = frame.plane(&frame.components[parts[0].0]);
                (width.div_ceil(8), height.div_ceil(8))
            }
            false => units,
        };
        let mut histories: Vec<_> = self.history.iter_mut().map(Some).collect();
        let mut plan =
            Plan { parts: Vec::new(), across, down, restart: self.restart.into(), band: (first, last), bits: None };
        plan.bits = frame.is_progressive.then_some((before, now));
        for &(index, dc, ac) in &parts {
            let component = &mut frame.components[index];
            let band = if frame.is_progressive { first..=last } else { 0..=63 };
            component.left[band].fill(if frame.is_progressive { bits & 15 } else { 0 });
            let step = self.quantisation[component.quantisation].map_or(1, |steps| i32::from(steps[0]));
            plan.parts.push(Part {
                dc: self.dc[dc].as_ref(),
                ac: self.ac[ac].as_ref(),
                across: if is_alone { 1 } else { component.across },
                down: if is_alone { 1 } else { component.down },
                // A mean of -128 to 127 times 8; encoders that sharpen go a little further.
                largest_dc: (1024 + 256) / step.max(1) + 2,
                history: histories.get_mut(index).and_then(Option::take).map(Vec::as_mut_slice),
                stride: units.0 * component.across,
            });
        }
        let (damage, end) = follow(bytes, from, &mut plan);
        frame.damage = frame.damage.or(damage);
        let alone = |&(component, dc, ac): &(usize, usize, usize)| {
            let quantisation = self.quantisation[frame.components[component].quantisation]?;
            let (dc, ac) = (self.dc[dc].clone()?, self.ac[ac].clone()?);
            Some(Alone { component, quantisation, dc, ac, restart: self.restart, data: from..end })
        };
        let alone = if is_alone && !frame.is_progressive { parts.first().and_then(alone) } else { None };
        frame.scans.push(alone);
        Ok(end)
    }

    fn finish(self, end: usize) -> Result<Inspection, ImageError> {
        let mut frame = self.frame.filter(|frame| !frame.scans.is_empty()).ok_or_else(|| broken("it has no data"))?;
        if frame.components.iter().any(|one| one.left != [0; 64]) {
            frame.damage = frame.damage.or(Some(Damage { what: "one of its scans is missing", after: 1.0 }));
        }
        let ids: Vec<_> = frame.components.iter().map(|one| one.id).collect();
        frame.is_rgb = match self.transform {
            Some(transform) => transform == 0,
            None => !self.is_jfif && ids == *b"RGB",
        };
        frame.is_limited = self.is_limited;
        frame.end = end;
        Ok(frame)
    }
}

/// Puts the standard table in a place that is empty. Tells whether it was.
fn fill_in(tables: &mut [Option<Huffman>; 4], place: usize, standard: &[Standard; 2]) -> bool {
    if tables[place].is_some() || place > 1 {
        return false;
    }
    let (counts, symbols) = standard[place];
    tables[place] = Huffman::new(counts, symbols);
    true
}
