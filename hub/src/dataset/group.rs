//! Which samples show the same thing, by where they come from. [`super::cluster`] adds what looks alike.
//!
//! * Images of one event of a bin show one item: a burst. The ingest names it.
//! * Files that someone numbered were mostly taken in that order, several of each object: runs of
//!   [`RUN`] consecutive numbers are a group. (TrashNet's neighbours show the same object, and a
//!   random split of it flatters by two points.)
//! * Other files are grouped by what they look like: equal perceptual hashes.

use pilah_models::name::Label;

use super::split::Split;

/// How many consecutive numbers are one group.
pub const RUN: u64 = 20;

/// The group of a file: by the run of its number if it has one, else by its looks.
///
/// `source` is the collection that the numbers count in. A file whose split its folder fixes is
/// never in a group with one of another split.
#[must_use]
pub fn of_file(source: &str, fixed: Option<Split>, label: &Label, file_name: &str, looks: u64) -> String {
    let fixed = fixed.map_or("any", Split::name);
    match trailing_number(file_name) {
        Some((prefix, number)) => format!("run/{fixed}/{source}/{label}/{prefix}/{}", number / RUN),
        None => format!("looks/{fixed}/{looks:016x}"),
    }
}

/// `IMG_0042.jpg` → (`IMG_`, 42). Numbers of more than nine digits are dates and ids, not counts.
#[must_use]
pub fn trailing_number(file_name: &str) -> Option<(&str, u64)> {
    let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
    let prefix = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &stem[prefix.len()..];
    if (1..=9).contains(&digits.len()) { Some((prefix, digits.parse().ok()?)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Label {
        Label::new("glass").expect("valid")
    }

    #[test]
    fn numbers_at_the_end_of_a_name_are_found() {
        let cases = [
            ("glass12.jpg", Some(("glass", 12))),
            ("IMG_0042.JPG", Some(("IMG_", 42))),
            ("7.png", Some(("", 7))),
            ("no.number.jpg", None),
            ("glass", None),
            ("20240102030405.jpg", None),
            (".jpg", None),
            ("ä9", Some(("ä", 9))),
        ];
        for (name, expected) in cases {
            assert_eq!(trailing_number(name), expected, "{name}");
        }
    }

    #[test]
    fn neighbours_are_one_group_and_folders_keep_apart() {
        let group = |source, fixed, name| of_file(source, fixed, &label(), name, 5);
        assert_eq!(group("a", None, "x20.jpg"), group("a", None, "x39.jpg"));
        assert_ne!(group("a", None, "x19.jpg"), group("a", None, "x20.jpg"));
        assert_ne!(group("a", None, "x20.jpg"), group("b", None, "x20.jpg"));
        assert_eq!(group("a", None, "one.jpg"), group("b", None, "two.jpg"), "equal looks");
        assert_ne!(group("a", Some(Split::Test), "one.jpg"), group("a", Some(Split::Train), "one.jpg"));
    }
}
