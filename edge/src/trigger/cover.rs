//! What differs between two pictures of the chamber, whatever the light does. Pure, of fixed size.
//!
//! A lamp that goes on, the sun, and a camera that corrects its exposure change every cell by about the
//! same factor, or by one that grows to one side. So the factor is taken out first (`light.rs`): it is the median, over
//! all cells, of one picture divided by the other, which an item that covers less than half of the picture
//! does not move; then a plane through the factors that are near to it. Colours are brightness by red and by
//! blue: they follow the same factor, and where the light is bluer or redder, or the camera's white balance is,
//! the median of that is taken out too.
//!
//! What is left by a broad shadow has no outline; what is left by a thing has one ([`Cover::of_outlines`]).

use super::light::{Light, by_neighbourhood, colour};
use super::thumbnail::{CELLS, COLUMNS, ROWS, Thumbnail};

/// Where more than this share differs, the light may be uneven.
const MUCH: f32 = 0.15;
/// What differs in more than this share may be a shadow that passes.
const BROAD: f32 = 0.06;
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
        if plain.count() == 0 {
            return plain;
        }
        let light = Light::between(frame, empty);
        let lit = Self::at(frame, empty, level, light);
        let uneven = Self::at(frame, empty, level, light.fitted(frame, empty, level).fitted(frame, empty, level));
        // The simplest of equals.
        let best =
            [lit, uneven].into_iter().fold(plain, |best, next| if next.count() < best.count() { next } else { best });
        if !light.is_steady() || plain.share() >= MUCH {
            return best;
        }
        // A light that is steady in the middle may not be so at the sides: it explains all that differs, or is left in.
        if best.count() == 0 { Self { light: plain.light, ..best } } else { plain }
    }

    /// Whether things have moved in more than this share of the picture, from `last` to `frame`. If so much differs that it
    /// may be a shadow that passes, outlines alone count, and a few more of them must differ the more the shadow does:
    /// it leaps from frame to frame, and its edge is not soft everywhere.
    pub(super) fn move_more_than(&self, share: f32, frame: &Thumbnail, last: &Thumbnail, level: u8) -> bool {
        const SMEAR: f32 = 0.05;
        let beyond = self.share() - BROAD;
        if beyond <= 0.0 {
            return self.share() > share;
        }
        Self::of_outlines(frame, last, level).share() > share + SMEAR * beyond
    }

    /// The cells that differ from `empty` after the light of their own neighbourhood is taken out: small things, and the
    /// outlines of large ones. A shadow has none where its edge is broad.
    pub(super) fn of_outlines(frame: &Thumbnail, empty: &Thumbnail, level: u8) -> Self {
        let light = Light::between(frame, empty);
        let factors = by_neighbourhood(frame, empty);
        Self::where_more(level, light.middle, |index| light.difference(factors[index], frame, empty, index))
    }

    /// As [`Cover::of`], in this light.
    fn at(frame: &Thumbnail, empty: &Thumbnail, level: u8, light: Light) -> Self {
        Self::where_more(level, light.middle, |index| light.difference(light.at(index), frame, empty, index))
    }

    fn where_more(level: u8, light: f32, difference: impl Fn(usize) -> f32) -> Self {
        let [mut rows, mut faint] = [[0; ROWS]; 2];
        for index in 0..CELLS {
            let bit = 1 << (index % COLUMNS);
            let by = difference(index);
            if by > f32::from(level) {
                rows[index / COLUMNS] |= bit;
            }
            if by > f32::from(level) / 2.0 {
                faint[index / COLUMNS] |= bit;
            }
        }
        Self { rows, faint, light }
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

    /// Whether it lies at all four sides of the picture, as nothing does that lies in a chamber.
    pub(super) fn is_all_about(&self) -> bool {
        let all = self.rows.iter().fold(0, |all, row| all | row);
        self.rows[0] != 0 && self.rows[ROWS - 1] != 0 && all & 1 == 1 && all >> (COLUMNS - 1) == 1
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

    /// Whether what differs was there in `empty` and is not in `frame`, rather than the other way round: across its
    /// outline, the picture in which it lies has the steps, and the other shows what lies about it.
    pub(super) fn was_taken_away(&self, frame: &Thumbnail, empty: &Thumbnail, times: f32) -> bool {
        /// From one side of an outline to the other, over its own softness, in cells.
        const ACROSS: usize = 3;
        let (mut in_frame, mut in_empty) = (0.0_f32, 0.0_f32);
        for (index, step) in (0..CELLS).flat_map(|index| [(index, ACROSS), (index, ACROSS * COLUMNS)]) {
            let next = index + step;
            let is_pair =
                next < CELLS && (step > ACROSS || next % COLUMNS >= ACROSS) && self.has(index) != self.has(next);
            if is_pair {
                in_frame += step_between(frame, index, next);
                in_empty += step_between(empty, index, next) * self.light * self.light;
            }
        }
        in_empty > times * in_frame
    }

    /// How what differs looks in a picture, in the light of the other one; `None` if nothing does.
    pub(super) fn looks(&self, frame: &Thumbnail) -> Option<Looks> {
        let mut sums = [0.0_f32; 3];
        for index in (0..CELLS).filter(|index| self.has(*index)) {
            let levels = [f32::from(frame.grey[index]), colour(frame.blue[index]), colour(frame.red[index])];
            for (sum, level) in sums.iter_mut().zip(levels) {
                *sum += level / self.light.max(0.05);
            }
        }
        let cells = self.count();
        (cells > 0).then(|| Looks { mean: sums.map(|sum| sum / cells as f32), cells: cells as f32 })
    }

    /// The share of what differs here that differs there as well.
    pub(super) fn within(&self, other: &Self) -> f32 {
        let both: u32 = self.rows.iter().zip(&other.rows).map(|(here, there)| (here & there).count_ones()).sum();
        both as f32 / self.count().max(1) as f32
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

/// By how much a cell differs from another, brightness and colours together: squared, so that a step counts for more
/// than dirt.
fn step_between(cells: &Thumbnail, index: usize, other: usize) -> f32 {
    let levels = [&cells.grey, &cells.blue, &cells.red].map(|plane| f32::from(plane[index].abs_diff(plane[other])));
    levels.iter().map(|level| level * level).sum()
}

/// How a thing looks: what is left of it where nothing else is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Looks {
    /// Brightness, and how much bluer and redder than grey.
    mean: [f32; 3],
    cells: f32,
}

impl Looks {
    /// Whether this is surely not the same thing, wherever and however it lies.
    pub(super) fn is_unlike(&self, other: &Self) -> bool {
        /// In levels of 256.
        const OTHER_COLOUR: f32 = 16.0;
        /// A can that lies on its side is larger than one that stands.
        const OTHER_SIZE: f32 = 2.0;
        let far = self.mean.iter().zip(&other.mean).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let larger = (self.cells / other.cells).max(other.cells / self.cells);
        far > OTHER_COLOUR || larger > OTHER_SIZE
    }
}

#[cfg(test)]
mod tests {
    use super::super::thumbnail::COLOURLESS;
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
