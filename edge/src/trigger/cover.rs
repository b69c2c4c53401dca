//! What differs between two pictures of the chamber, whatever the light does. Pure, of fixed size.
//!
//! A lamp that goes on, the sun, and a camera that corrects its exposure change every cell by about the
//! same factor, or by one that grows to one side. So the factor is taken out first: it is the median, over
//! all cells, of one picture divided by the other, which an item that covers less than half of the picture
//! does not move; then a plane through the factors that are near to it.

use super::thumbnail::{CELLS, COLUMNS, ROWS, Thumbnail};

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
/// Where more than this share differs, the light may be uneven.
const MUCH: f32 = 0.15;
/// Cells of one thing may be this far apart: a bottle's label and its neck are one thing.
const NEAR: usize = 1;

/// Which cells differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cover {
    /// A bit for each column.
    rows: [u32; ROWS],
    /// By how much brighter the light is, as a factor of grey levels.
    pub(super) light: f32,
}

impl Cover {
    /// The cells of `frame` that differ from `empty` by more than `level` grey levels, after the light is
    /// taken out as far as that explains more than it hides.
    pub(super) fn of(frame: &Thumbnail, empty: &Thumbnail, level: u8) -> Self {
        let plain = Self::at(frame, empty, level, Light::STEADY);
        let light = Light::between(frame, empty);
        if plain.count() == 0 || light.is_steady() && plain.share() < MUCH {
            return plain;
        }
        let lit = Self::at(frame, empty, level, light);
        let uneven = Self::at(frame, empty, level, light.fitted(frame, empty, level).fitted(frame, empty, level));
        // The simplest of equals.
        [lit, uneven].into_iter().fold(plain, |best, next| if next.count() < best.count() { next } else { best })
    }

    /// As [`Cover::of`], in this light.
    fn at(frame: &Thumbnail, empty: &Thumbnail, level: u8, light: Light) -> Self {
        let mut rows = [0; ROWS];
        for (index, (seen, known)) in frame.0.iter().zip(&empty.0).enumerate() {
            if light.differ(*seen, *known, index, level) {
                rows[index / COLUMNS] |= 1 << (index % COLUMNS);
            }
        }
        Self { rows, light: light.middle }
    }

    fn count(&self) -> u32 {
        self.rows.iter().map(|row| row.count_ones()).sum()
    }

    /// The share of the picture that differs, 0 to 1.
    pub(super) fn share(&self) -> f32 {
        self.count() as f32 / CELLS as f32
    }

    /// Whether what differs hangs into the picture from one side, or from a corner, as an arm does, and is
    /// not larger than one.
    pub(super) fn reaches_in(&self) -> bool {
        const SIDE: u32 = 2;
        const LARGEST_ARM: f32 = 0.15;
        /// Where the wall is as bright as the arm, nothing of it can be seen.
        const HIDDEN: usize = 3;
        let columns = |mask: u32| self.rows.iter().filter(|row| **row & mask != 0).count() as u32;
        let rows = |rows: &[u32]| rows.iter().fold(0, |all, row| all | row).count_ones();
        let left = (1 << HIDDEN) - 1;
        let right = left << (COLUMNS - HIDDEN);
        let sides = [rows(&self.rows[..HIDDEN]), columns(right), rows(&self.rows[ROWS - HIDDEN..]), columns(left)];
        self.share() < LARGEST_ARM && (1..=2).contains(&sides.iter().filter(|cells| **cells >= SIDE).count())
    }

    /// How many things lie apart from each other, each at least `least` of the picture and a fifth of the
    /// largest.
    pub(super) fn things(&self, least: f32) -> usize {
        let mut left = self.rows;
        let mut sizes: heapless::Vec<u32, 16> = heapless::Vec::new();
        while let Some(row) = left.iter().position(|row| *row != 0) {
            let mut thing = [0; ROWS];
            thing[row] = left[row] & left[row].wrapping_neg();
            // Grows until it takes in nothing more: at most as often as there are cells.
            while grow(&mut thing, &left) {}
            let size = thing.iter().map(|row| row.count_ones()).sum();
            for (row, taken) in left.iter_mut().zip(&thing) {
                *row &= !taken;
            }
            // Of very many, the first ones will do.
            if sizes.push(size).is_err() {
                break;
            }
        }
        let largest = sizes.iter().copied().max().unwrap_or_default();
        let counts = |size: &&u32| **size as f32 > least * CELLS as f32 && **size * 5 >= largest;
        sizes.iter().filter(counts).count()
    }

    /// Whether what differs still shows what lay there before: then it is in another light, and not covered.
    /// Tells so only where there is enough to be recognised.
    pub(super) fn shows_the_same(&self, frame: &Thumbnail, empty: &Thumbnail) -> bool {
        /// In grey levels squared, per pair of cells: twice the noise that is left in a cell.
        const LEAST_STRUCTURE: f32 = 8.0;
        /// Of the edges: as much of the change from cell to cell is common.
        const ALIKE: f32 = 0.75;
        let (mut both, mut seen, mut known, mut pairs) = (0.0, 0.0, 0.0, 0.0);
        for (index, step) in (0..CELLS).flat_map(|index| [(index, 1), (index, COLUMNS)]) {
            let next = index + step;
            let is_pair = next < CELLS && (step > 1 || next % COLUMNS > 0) && self.has(index) && self.has(next);
            if is_pair {
                let change = |cells: &Thumbnail| f32::from(cells.0[next]) - f32::from(cells.0[index]);
                let (of_frame, of_empty) = (change(frame), change(empty));
                both += of_frame * of_empty;
                seen += of_frame * of_frame;
                known += of_empty * of_empty;
                pairs += 1.0;
            }
        }
        known > LEAST_STRUCTURE * pairs && pairs > 0.0 && both > ALIKE * (seen * known).sqrt()
    }

    fn has(&self, index: usize) -> bool {
        self.rows[index / COLUMNS] >> (index % COLUMNS) & 1 == 1
    }
}

/// Takes in the cells of `all` that are near to the thing. Tells whether there were any.
fn grow(thing: &mut [u32; ROWS], all: &[u32; ROWS]) -> bool {
    let mut grown = false;
    for row in 0..ROWS {
        let near = thing[row.saturating_sub(NEAR + 1)..(row + NEAR + 2).min(ROWS)].iter().fold(0, |all, row| all | row);
        let wide = (0..=NEAR + 1).fold(0, |wide, by| wide | near << by | near >> by);
        let next = thing[row] | wide & all[row];
        grown |= next != thing[row];
        thing[row] = next;
    }
    grown
}

/// By how much brighter one picture is than another, as a factor of grey levels. It may grow to one side: a
/// lamp is nearer to one wall than to the other.
#[derive(Debug, Clone, Copy)]
struct Light {
    middle: f32,
    /// More of it per cell to the right and down.
    right: f32,
    down: f32,
}

impl Light {
    const STEADY: Self = Self { middle: 1.0, right: 0.0, down: 0.0 };

    fn is_steady(&self) -> bool {
        (self.middle - 1.0).abs() <= STEADY
    }

    fn at(&self, index: usize) -> f32 {
        let (x, y) = place(index);
        self.middle + self.right * x + self.down * y
    }

    /// Whether a cell shows something else, and not only in this light.
    fn differ(&self, seen: u8, known: u8, index: usize, level: u8) -> bool {
        let light = self.at(index);
        // Noise and the contrast of an item grow with the light.
        (f32::from(seen) - (f32::from(known) * light).clamp(0.0, 255.0)).abs()
            > f32::from(level) * light.clamp(0.4, 2.0)
    }

    /// The median over all cells; steady if too little of either picture can be seen.
    fn between(frame: &Thumbnail, empty: &Thumbnail) -> Self {
        let mut counts = [0_u16; MOST * STEPS + 1];
        let mut total = 0;
        for (seen, known) in frame.0.iter().zip(&empty.0).filter(|(seen, known)| tells(**seen, **known)) {
            let factor = usize::from(*seen) * STEPS / usize::from(*known);
            counts[factor.min(MOST * STEPS)] += 1;
            total += 1;
        }
        if total < CELLS as u16 / 4 {
            return Self::STEADY;
        }
        let mut below = 0;
        let median = counts.iter().position(|count| {
            below += count;
            below * 2 >= total
        });
        let middle = median.map_or(1.0, |median| (median as f32 + 0.5) / STEPS as f32);
        Self { middle, ..Self::STEADY }
    }

    /// The same, fitted by least squares to the cells that it nearly explains.
    fn fitted(self, frame: &Thumbnail, empty: &Thumbnail, level: u8) -> Self {
        let (mut squares, mut products) = ([[0.0_f32; 3]; 3], [0.0_f32; 3]);
        for (index, (seen, known)) in frame.0.iter().zip(&empty.0).enumerate() {
            if !tells(*seen, *known) || self.differ(*seen, *known, index, level.saturating_mul(3)) {
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
        Self { middle: solved[0], right: solved[1], down: solved[2] }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A chamber with a bright floor, darker walls and some dirt.
    fn chamber() -> Thumbnail {
        Thumbnail(std::array::from_fn(|i| {
            let (x, y) = (i % COLUMNS, i / COLUMNS);
            let base = if y > 8 { 110 } else { 60 };
            base + ((x * 7 + y * 13) % 11) as u8 * 3
        }))
    }

    fn lit(frame: &Thumbnail, factor: impl Fn(usize, usize) -> f32) -> Thumbnail {
        Thumbnail(std::array::from_fn(|i| (f32::from(frame.0[i]) * factor(i % COLUMNS, i / COLUMNS)) as u8))
    }

    fn with(mut frame: Thumbnail, x: usize, y: usize, side: usize, level: u8) -> Thumbnail {
        for row in y..(y + side).min(ROWS) {
            frame.0[row * COLUMNS + x..][..side.min(COLUMNS - x)].fill(level);
        }
        frame
    }

    #[test]
    fn light_is_taken_out_and_an_item_is_not() {
        for factor in [0.3, 0.7, 0.97, 1.0, 1.4, 1.9] {
            let light = |frame| lit(&frame, |_, _| factor);
            let nothing = Cover::of(&light(chamber()), &chamber(), 12);
            assert!(nothing.share() < 0.005, "{factor}: {}", nothing.share());
            let item = Cover::of(&light(with(chamber(), 10, 10, 8, 20)), &chamber(), 12);
            assert!((0.07..0.1).contains(&item.share()), "{factor}: {}", item.share());
        }
    }

    #[test]
    fn uneven_light_is_known_by_what_it_shows() {
        let beside = lit(&chamber(), |x, _| 0.8 + x as f32 / 50.0);
        assert!(Cover::of(&beside, &chamber(), 12).share() < 0.01);
        let uneven = lit(&chamber(), |x, _| if x < 16 { 0.5 } else { 1.6 });
        let cover = Cover::of(&uneven, &chamber(), 12);
        assert!(cover.share() > 0.25 && cover.shows_the_same(&uneven, &chamber()), "{}", cover.share());
        let item = with(chamber(), 2, 2, 20, 200);
        let cover = Cover::of(&item, &chamber(), 12);
        assert!(cover.share() > 0.25 && !cover.shows_the_same(&item, &chamber()));
        let flat = Thumbnail([90; CELLS]);
        assert!(!Cover::of(&lit(&flat, |x, _| x as f32), &flat, 12).shows_the_same(&flat, &flat), "nothing to know");
    }

    #[test]
    fn things_that_lie_apart_are_counted() {
        let things = |frame: &Thumbnail| Cover::of(frame, &chamber(), 12).things(0.012);
        let one = with(chamber(), 4, 12, 6, 10);
        assert_eq!((things(&chamber()), things(&one)), (0, 1));
        assert_eq!(things(&with(one, 20, 12, 6, 250)), 2);
        assert_eq!(things(&with(one, 11, 12, 6, 250)), 1, "a gap of a cell is none");
        assert_eq!(things(&with(one, 20, 12, 2, 250)), 1, "a crumb is nothing");
        assert_eq!(things(&with(with(one, 14, 12, 5, 250), 24, 3, 5, 250)), 3);
    }

    #[test]
    fn an_arm_reaches_in_and_an_item_or_a_photo_does_not() {
        let reaches = |frame: &Thumbnail| Cover::of(frame, &chamber(), 12).reaches_in();
        let mut arm = chamber();
        for row in 0..14 {
            arm.0[row * COLUMNS + 12..][..6].fill(190);
        }
        assert!(reaches(&arm));
        assert!(!reaches(&with(chamber(), 10, 10, 8, 20)));
        assert!(!reaches(&Thumbnail(std::array::from_fn(|i| 255 - chamber().0[i]))), "it fills the picture");
    }
}
