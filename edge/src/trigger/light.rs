//! By how much brighter one picture of the chamber is than another. Pure, of fixed size.
//!
//! Three guesses, each more yielding than the one before: one factor for the whole picture, a plane through
//! the factors, and a factor of its own for every neighbourhood. The last takes out the broad shadow of
//! somebody who walks by, and with it the inside of large things: of those it leaves the outlines.

use super::thumbnail::{CELLS, COLOURLESS, COLUMNS, ROWS, Thumbnail};

/// Darker cells say nothing about the light, in grey levels.
const DARK: u8 = 8;
/// A brighter cell may be cut off, in grey levels.
const BRIGHT: u8 = 245;
/// Steps of the factor, per 1.
const STEPS: usize = 128;
/// The largest factor: in linear light, twenty times as much.
const MOST: usize = 4;
/// A smaller change of the light is left in, so that what does not change is compared as it is.
const STEADY: f32 = 0.04;
/// The least factor of a neighbourhood: no shadow is deeper.
const DEEPEST: f32 = 0.3;
/// In a darker neighbourhood, in grey levels, all things look alike.
const DIM: f32 = 12.0;
/// How far a neighbourhood reaches, in cells: it is smaller than a shadow's soft edge, and larger than what lies there
/// without an outline.
const REACH: usize = 2;

/// By how much brighter one picture is than another, as a factor of grey levels. It may grow to one side: a
/// lamp is nearer to one wall than to the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Light {
    pub(super) middle: f32,
    /// More of it per cell to the right and down.
    right: f32,
    down: f32,
    /// How much bluer and redder it is, as a share of the brightness: another lamp, or the camera's white balance.
    blue: f32,
    red: f32,
}

impl Light {
    pub(super) const STEADY: Self = Self { middle: 1.0, right: 0.0, down: 0.0, blue: 0.0, red: 0.0 };

    pub(super) fn is_steady(&self) -> bool {
        (self.middle - 1.0).abs() <= STEADY
    }

    /// The factor at a cell.
    pub(super) fn at(&self, index: usize) -> f32 {
        let (x, y) = place(index);
        self.middle + self.right * x + self.down * y
    }

    /// By how many levels a cell shows something else than it does under this factor, in brightness or in colour.
    pub(super) fn difference(&self, factor: f32, frame: &Thumbnail, empty: &Thumbnail, index: usize) -> f32 {
        let (seen, known) = (frame.grey[index], empty.grey[index]);
        of_grey(factor, seen, known).max(self.of_colours(factor, frame, empty, index))
    }

    fn of_colours(&self, light: f32, frame: &Thumbnail, empty: &Thumbnail, index: usize) -> f32 {
        let (seen, known) = (f32::from(frame.grey[index]), f32::from(empty.grey[index]));
        let planes = [(&frame.blue, &empty.blue, self.blue), (&frame.red, &empty.red, self.red)];
        let more = planes
            .map(|(seen_in, known_in, cast)| (colour(seen_in[index]), colour(known_in[index]) * light + cast * seen));
        // Where one colour is cut off, the others are not in their place.
        let is_cut_off = |(of_frame, of_empty): &(f32, f32)| {
            seen + of_frame >= f32::from(BRIGHT) || known * light + of_empty >= f32::from(BRIGHT)
        };
        if more.iter().any(is_cut_off) {
            return 0.0;
        }
        more.iter().map(|(of_frame, of_empty)| (of_frame - of_empty).abs() / noise(light)).fold(0.0, f32::max)
    }

    /// The median over all cells; steady if too little of either picture can be seen.
    pub(super) fn between(frame: &Thumbnail, empty: &Thumbnail) -> Self {
        let mut counts = [0_u16; MOST * STEPS + 1];
        for (seen, known) in frame.grey.iter().zip(&empty.grey).filter(|(seen, known)| tells(**seen, **known)) {
            let factor = usize::from(*seen) * STEPS / usize::from(*known);
            counts[factor.min(MOST * STEPS)] += 1;
        }
        if usize::from(counts.iter().sum::<u16>()) < CELLS / 4 {
            return Self::STEADY;
        }
        let light = Self { middle: (median(&counts) as f32 + 0.5) / STEPS as f32, ..Self::STEADY };
        let [blue, red] = [(&frame.blue, &empty.blue), (&frame.red, &empty.red)]
            .map(|(seen, known)| light.cast(frame, empty, seen, known));
        Self { blue, red, ..light }
    }

    /// The median, over all cells, of how much more of a colour there is, as a share of the brightness.
    fn cast(&self, frame: &Thumbnail, empty: &Thumbnail, seen: &[u8; CELLS], known: &[u8; CELLS]) -> f32 {
        let mut counts = [0_u16; 2 * STEPS + 1];
        for index in (0..CELLS).filter(|index| tells(frame.grey[*index], empty.grey[*index])) {
            let more = colour(seen[index]) - colour(known[index]) * self.middle;
            let share = more / f32::from(frame.grey[index].max(DARK));
            counts[((share.clamp(-1.0, 1.0) + 1.0) * STEPS as f32).round() as usize] += 1;
        }
        median(&counts) as f32 / STEPS as f32 - 1.0
    }

    /// The same, fitted by least squares to the cells that it nearly explains.
    pub(super) fn fitted(self, frame: &Thumbnail, empty: &Thumbnail, level: u8) -> Self {
        let (mut squares, mut products) = ([[0.0_f32; 3]; 3], [0.0_f32; 3]);
        for (index, (seen, known)) in frame.grey.iter().zip(&empty.grey).enumerate() {
            if !tells(*seen, *known) || of_grey(self.at(index), *seen, *known) > 3.0 * f32::from(level) {
                continue;
            }
            let (x, y) = place(index);
            let terms = [1.0, x, y].map(|term| term * f32::from(*known) / 128.0);
            for (row, term) in terms.iter().enumerate() {
                products[row] += term * f32::from(*seen) / 128.0;
                for (column, other) in terms.iter().enumerate() {
                    squares[row][column] += term * other;
                }
            }
        }
        let whole = determinant(&squares);
        if whole.abs() < 1e-3 {
            return self;
        }
        // Cramer's rule.
        let solved = [0, 1, 2].map(|column| {
            let mut replaced = squares;
            for (row, product) in products.iter().enumerate() {
                replaced[row][column] = *product;
            }
            determinant(&replaced) / whole
        });
        Self { middle: solved[0], right: solved[1], down: solved[2], ..self }
    }
}

/// The factor of every neighbourhood: all that is seen there by all that is known there.
pub(super) fn by_neighbourhood(frame: &Thumbnail, empty: &Thumbnail) -> [f32; CELLS] {
    const WIDE: usize = COLUMNS + 1;
    // Sums over all that lies above and to the left.
    let mut sums = [[0_u32; 2]; WIDE * (ROWS + 1)];
    for index in 0..CELLS {
        let (x, y) = (index % COLUMNS, index / COLUMNS);
        let levels = if tells(frame.grey[index], empty.grey[index]) {
            [u32::from(frame.grey[index]), u32::from(empty.grey[index])]
        } else {
            [0, 0]
        };
        for (plane, level) in levels.into_iter().enumerate() {
            let at = |x: usize, y: usize| sums[y * WIDE + x][plane];
            sums[(y + 1) * WIDE + x + 1][plane] = level + at(x, y + 1) + at(x + 1, y) - at(x, y);
        }
    }
    std::array::from_fn(|index| {
        let (x, y) = (index % COLUMNS, index / COLUMNS);
        // At the sides of the picture it becomes narrower evenly: else a slope would look like a step.
        let span = |at: usize, end: usize| REACH.min(at).min(end - 1 - at);
        let (across, down) = (span(x, COLUMNS), span(y, ROWS));
        let (left, right, top, bottom) = (x - across, x + across + 1, y - down, y + down + 1);
        let sum = |plane: usize| {
            let at = |x: usize, y: usize| sums[y * WIDE + x][plane];
            (at(right, bottom) + at(left, top) - at(left, bottom) - at(right, top)) as f32
        };
        let cells = ((right - left) * (bottom - top)) as f32;
        let is_dim = sum(0).min(sum(1)) < DIM * cells;
        if is_dim { 1.0 } else { (sum(0) / sum(1)).clamp(DEEPEST, 1.0 / DEEPEST) }
    })
}

fn of_grey(light: f32, seen: u8, known: u8) -> f32 {
    (f32::from(seen) - (f32::from(known) * light).clamp(0.0, 255.0)).abs() / noise(light)
}

/// By how many levels a cell differs, in a light, where it differs by one in the light of the empty chamber: noise and
/// the contrast of an item grow with the light. They do not shrink with it as much, since pictures are compressed.
fn noise(light: f32) -> f32 {
    light.clamp(0.7, 2.0)
}

/// In which of the places the median lies; the first if nothing was counted.
fn median(counts: &[u16]) -> usize {
    let total: u16 = counts.iter().sum();
    let mut below = 0;
    let middle = counts.iter().position(|count| {
        below += count;
        below * 2 >= total
    });
    middle.unwrap_or_default()
}

/// How much more of a colour there is than of grey.
pub(super) fn colour(level: u8) -> f32 {
    f32::from(level) - f32::from(COLOURLESS)
}

/// Whether both cells say something about the light.
fn tells(seen: u8, known: u8) -> bool {
    (DARK..BRIGHT).contains(&known) && seen < BRIGHT
}

/// From -1 to 1 across the picture, and about as much down.
fn place(index: usize) -> (f32, f32) {
    let half = COLUMNS as f32 / 2.0;
    (((index % COLUMNS) as f32 - half) / half, ((index / COLUMNS) as f32 - ROWS as f32 / 2.0) / half)
}

fn determinant(m: &[[f32; 3]; 3]) -> f32 {
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
}
