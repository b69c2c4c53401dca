//! What differs between two pictures of the chamber, whatever the light does. Pure, of fixed size.
//!
//! A lamp that goes on, the sun, and a camera that corrects its exposure change every cell by about the
//! same factor, or by one that grows to one side. So the factor is taken out first: it is the median, over
//! all cells, of one picture divided by the other, which an item that covers less than half of the picture
//! does not move; then a plane through the factors that are near to it. Colours are brightness by red and by
//! blue: they follow the same factor, and where the light is bluer or redder, or the camera's white balance is,
//! the median of that is taken out too.

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
/// Where more than this share differs, the light may be uneven.
const MUCH: f32 = 0.15;
/// Cells of one thing may be this far apart: a bottle's label and its neck are one thing.
const NEAR: usize = 1;

/// Which cells differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cover {
    /// A bit for each column.
    rows: [u32; ROWS],
    /// The same for half as much of a difference.
    faint: [u32; ROWS],
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
        let [mut rows, mut faint] = [[0; ROWS]; 2];
        for index in 0..CELLS {
            let bit = 1 << (index % COLUMNS);
            let by = light.difference(frame, empty, index);
            if by > f32::from(level) {
                rows[index / COLUMNS] |= bit;
            }
            if by > f32::from(level) / 2.0 {
                faint[index / COLUMNS] |= bit;
            }
        }
        Self { rows, faint, light: light.middle }
    }

    fn count(&self) -> u32 {
        count(&self.rows)
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
        /// Where the wall looks like the arm, nothing of it can be seen.
        const HIDDEN: usize = 2;
        /// So often does what differs take in what differs by half as much, next to it.
        const FAINT: usize = 3;
        // Near to the side the arm may look nearly like the wall. Where most differs a little, that tells nothing.
        let mut reach = self.rows;
        if count(&self.faint) - count(&self.rows) < CELLS as u32 / 10 {
            for _ in 0..FAINT {
                grow(&mut reach, &self.faint);
            }
        }
        let columns = |mask: u32| reach.iter().filter(|row| **row & mask != 0).count() as u32;
        let rows = |rows: &[u32]| rows.iter().fold(0, |all, row| all | row).count_ones();
        let left = (1 << HIDDEN) - 1;
        let right = left << (COLUMNS - HIDDEN);
        let sides = [rows(&reach[..HIDDEN]), columns(right), rows(&reach[ROWS - HIDDEN..]), columns(left)];
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
            let size = count(&thing);
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
                let change = |cells: &Thumbnail| f32::from(cells.grey[next]) - f32::from(cells.grey[index]);
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

fn count(cells: &[u32; ROWS]) -> u32 {
    cells.iter().map(|row| row.count_ones()).sum()
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
    /// How much bluer and redder it is, as a share of the brightness: another lamp, or the camera's white balance.
    blue: f32,
    red: f32,
}

impl Light {
    const STEADY: Self = Self { middle: 1.0, right: 0.0, down: 0.0, blue: 0.0, red: 0.0 };

    fn is_steady(&self) -> bool {
        (self.middle - 1.0).abs() <= STEADY
    }

    fn at(&self, index: usize) -> f32 {
        let (x, y) = place(index);
        self.middle + self.right * x + self.down * y
    }

    /// By how many levels a cell shows something else than it does in this light, in brightness or in colour.
    fn difference(&self, frame: &Thumbnail, empty: &Thumbnail, index: usize) -> f32 {
        let (seen, known) = (frame.grey[index], empty.grey[index]);
        self.of_grey(seen, known, index).max(self.of_colours(frame, empty, index))
    }

    fn of_grey(&self, seen: u8, known: u8, index: usize) -> f32 {
        let light = self.at(index);
        (f32::from(seen) - (f32::from(known) * light).clamp(0.0, 255.0)).abs() / noise(light)
    }

    fn of_colours(&self, frame: &Thumbnail, empty: &Thumbnail, index: usize) -> f32 {
        let (seen, known, light) = (f32::from(frame.grey[index]), f32::from(empty.grey[index]), self.at(index));
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
    fn between(frame: &Thumbnail, empty: &Thumbnail) -> Self {
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
    fn fitted(self, frame: &Thumbnail, empty: &Thumbnail, level: u8) -> Self {
        let (mut squares, mut products) = ([[0.0_f32; 3]; 3], [0.0_f32; 3]);
        for (index, (seen, known)) in frame.grey.iter().zip(&empty.grey).enumerate() {
            if !tells(*seen, *known) || self.of_grey(*seen, *known, index) > 3.0 * f32::from(level) {
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
fn colour(level: u8) -> f32 {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A chamber with a bright floor, darker walls and some dirt.
    fn chamber() -> Thumbnail {
        Thumbnail::of_grey(std::array::from_fn(|i| {
            let (x, y) = (i % COLUMNS, i / COLUMNS);
            let base = if y > 8 { 110 } else { 60 };
            base + ((x * 7 + y * 13) % 11) as u8 * 3
        }))
    }

    fn lit(frame: &Thumbnail, factor: impl Fn(usize, usize) -> f32) -> Thumbnail {
        Thumbnail::of_grey(std::array::from_fn(|i| (f32::from(frame.grey[i]) * factor(i % COLUMNS, i / COLUMNS)) as u8))
    }

    fn with(mut frame: Thumbnail, x: usize, y: usize, side: usize, level: u8) -> Thumbnail {
        for row in y..(y + side).min(ROWS) {
            frame.grey[row * COLUMNS + x..][..side.min(COLUMNS - x)].fill(level);
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
        let flat = Thumbnail::of_grey([90; CELLS]);
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
            arm.grey[row * COLUMNS + 12..][..6].fill(190);
        }
        assert!(reaches(&arm));
        assert!(!reaches(&with(chamber(), 10, 10, 8, 20)));
        assert!(
            !reaches(&Thumbnail::of_grey(std::array::from_fn(|i| 255 - chamber().grey[i]))),
            "it fills the picture"
        );
    }

    /// The picture with a patch of this grey level, blue and red.
    fn with_patch(mut frame: Thumbnail, grey: u8, blue: u8, red: u8) -> Thumbnail {
        for row in 10..18 {
            frame.grey[row * COLUMNS + 10..][..8].fill(grey);
            frame.blue[row * COLUMNS + 10..][..8].fill(blue);
            frame.red[row * COLUMNS + 10..][..8].fill(red);
        }
        frame
    }

    #[test]
    fn what_is_as_bright_as_the_wall_is_told_by_its_colour() {
        let wall = Thumbnail::of_grey([100; CELLS]);
        let skin = with_patch(wall, 100, COLOURLESS - 35, COLOURLESS + 30);
        assert!((0.08..0.09).contains(&Cover::of(&skin, &wall, 12).share()));
        let alike = with_patch(wall, 100, COLOURLESS - 8, COLOURLESS + 8);
        assert_eq!(Cover::of(&alike, &wall, 12).share(), 0.0);
        // Of what is cut off the colour says nothing.
        let bright = Thumbnail::of_grey([240; CELLS]);
        assert_eq!(Cover::of(&with_patch(bright, 240, COLOURLESS, COLOURLESS + 15), &bright, 12).share(), 0.0);
    }

    #[test]
    fn light_of_another_colour_is_taken_out_and_an_item_in_it_is_not() {
        // A wall with a red half; every cell is so much bluer and redder as it is bright.
        let mut wall = chamber();
        wall.red[CELLS / 2..].fill(COLOURLESS + 30);
        let lit = |mut frame: Thumbnail, factor: f32, blue: f32, red: f32| {
            for index in 0..CELLS {
                let grey = f32::from(frame.grey[index]) * factor;
                let more = |level: u8, cast: f32| (colour(level) * factor + grey * cast + 128.0).round() as u8;
                (frame.blue[index], frame.red[index]) = (more(frame.blue[index], blue), more(frame.red[index], red));
                frame.grey[index] = grey as u8;
            }
            frame
        };
        for (factor, blue, red) in [(1.0, 0.3, -0.2), (1.0, -0.25, 0.25), (0.6, 0.3, -0.1), (1.3, -0.2, 0.1)] {
            let nothing = Cover::of(&lit(wall, factor, blue, red), &wall, 12).share();
            assert!(nothing < 0.005, "{factor}, {blue}, {red}: {nothing}");
            let item = lit(with_patch(wall, 100, COLOURLESS + 40, COLOURLESS - 40), factor, blue, red);
            let item = Cover::of(&item, &wall, 12).share();
            assert!((0.06..0.1).contains(&item), "{factor}, {blue}, {red}: {item}");
        }
    }

    #[test]
    fn an_arm_that_is_faint_at_the_side_reaches_in() {
        let reaches = |frame: &Thumbnail| Cover::of(frame, &chamber(), 12).reaches_in();
        let mut arm = chamber();
        for row in 0..14 {
            let more = if row < 5 { 8 } else { 60 };
            arm.grey[row * COLUMNS + 12..][..6].iter_mut().for_each(|level| *level += more);
        }
        assert!(reaches(&arm));
        for row in 0..14 {
            arm.grey[row * COLUMNS..][..COLUMNS].copy_from_slice(&chamber().grey[row * COLUMNS..][..COLUMNS]);
        }
        assert!(!reaches(&with(arm, 12, 5, 6, 200)), "an item at the same place");
    }
}
