//! Names that come from outside: of labels, bins, model versions, and of content by its SHA-256.
//!
//! A name may end up in an MQTT topic, a path or a page, so each is checked once, at the border:
//! `Deserialize` goes through the constructor, and a value of one of these types is safe to use in
//! all three places.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A name that breaks the rules of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {value:?} is not valid: {rule}")]
pub struct NameError {
    /// What the name names, in words: "label", "bin id".
    pub kind: &'static str,
    /// The name as it came, cut to 80 characters.
    pub value: String,
    /// What a valid name looks like.
    pub rule: &'static str,
}

impl NameError {
    fn new(kind: &'static str, value: &str, rule: &'static str) -> Self {
        Self { kind, value: value.chars().take(80).collect(), rule }
    }
}

/// Declares a checked name: a `String` newtype that exists only with a valid value.
macro_rules! checked_name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $pattern:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = $pattern))]
        pub struct $name(String);

        impl $name {
            /// Checks the name.
            pub fn new(value: impl Into<String>) -> Result<Self, NameError> {
                let value = value.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&value) {
                    Ok(Self(value))
                } else {
                    Err(NameError::new($kind, &value, $rule))
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(value: String) -> Result<Self, NameError> {
                Self::new(value)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(value: &str) -> Result<Self, NameError> {
                Self::new(value)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_name!(
    /// A class of waste, such as `glass`.
    Label,
    "label",
    "^[a-z0-9][a-z0-9_-]{0,31}$",
    "1 to 32 of a-z, 0-9, '_' and '-', the first a letter or a digit",
    |value| is_plain(value, 32, "_-")
);

checked_name!(
    /// The identity of a bin: its MQTT user name and the part of its topics that is its own.
    BinId,
    "bin id",
    "^[a-z0-9][a-z0-9_-]{0,63}$",
    "1 to 64 of a-z, 0-9, '_' and '-', the first a letter or a digit",
    |value| is_plain(value, 64, "_-")
);

checked_name!(
    /// The name of a model version, unique on its hub, such as `m3-5f2c81aa`.
    ModelVersion,
    "model version",
    "^[a-z0-9][a-z0-9._-]{0,63}$",
    "1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or a digit",
    |value| is_plain(value, 64, "._-")
);

checked_name!(
    /// The SHA-256 of some content, as 64 lower-case hexadecimal digits: its name wherever it is kept.
    ContentId,
    "content id",
    "^[0-9a-f]{64}$",
    "64 lower-case hexadecimal digits, a SHA-256",
    |value| value.len() == 64 && value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
);

checked_name!(
    /// The name of a target of the update repository: one component of a path and of an address, since clients of
    /// TUF disagree on where the hash goes in a name that has a folder (`HASH.dir/name` or `dir/HASH.name`).
    TargetName,
    "target name",
    "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$",
    "1 to 128 letters of English, digits, '.', '_' and '-', no dot first",
    |value| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        (1..=128).contains(&value.len()) && !value.starts_with('.') && value.bytes().all(fits)
    }
);

impl Label {
    /// The label that a folder, a line of `labels.txt`, or a form means: the one rule for all of them. Blanks at
    /// the ends go, capitals of a to z become small, and what parts words (blanks and `& , . : ; ( ) ' +`)
    /// becomes one `_`: `Food Organics` is `food_organics`, `Paper & Cardboard` is `paper_cardboard`. What is a
    /// label already stays as it is. Letters beyond a to z are not guessed at.
    ///
    /// # Errors
    /// [`NameError`], with the words as they came.
    pub fn read(words: &str) -> Result<Self, NameError> {
        const PARTS_WORDS: &str = "&,.:;()'+";
        let parts = words.split(|c: char| c.is_whitespace() || PARTS_WORDS.contains(c));
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).map(str::to_ascii_lowercase).collect();
        Self::new(parts.join("_")).map_err(|error| NameError::new(error.kind, words, error.rule))
    }
}

impl ContentId {
    /// The id of these bytes.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        use fmt::Write as _;
        let digest = Sha256::digest(content);
        let mut hex = String::with_capacity(64);
        for byte in digest {
            write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
        }
        Self(hex)
    }
}

fn is_plain(value: &str, longest: usize, also: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=longest).contains(&value.len())
        && value.bytes().next().is_some_and(plain)
        && value.bytes().all(|b| plain(b) || also.as_bytes().contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_their_place_are_refused() {
        for bad in ["", "Glass", "../x", "a/b", "a+b", "#", "-a", "ü", "a b", "a\0", &"a".repeat(65)] {
            assert!(Label::new(bad).is_err(), "label {bad:?}");
            assert!(BinId::new(bad).is_err(), "bin {bad:?}");
            assert!(ModelVersion::new(bad).is_err(), "version {bad:?}");
            assert!(ContentId::new(bad).is_err(), "content id {bad:?}");
        }
        assert!(ModelVersion::new("..").is_err(), "no version may be a path of its own");
        for good in ["glass", "e-waste", "b3_x", "9"] {
            assert!(Label::new(good).is_ok() && BinId::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn one_rule_reads_what_people_call_a_class() {
        let cases = [
            ("glass", "glass"),
            ("Food Organics", "food_organics"),
            ("Miscellaneous Trash", "miscellaneous_trash"),
            (" \u{a0}Glass\tBottle\r", "glass_bottle"),
            ("Paper & Cardboard", "paper_cardboard"),
            ("Plastic (PET, HDPE)", "plastic_pet_hdpe"),
            ("Men's", "men_s"),
            ("E-Waste", "e-waste"),
            ("food__organics", "food__organics"),
        ];
        for (words, expected) in cases {
            assert_eq!(Label::read(words).as_ref().map(Label::as_str), Ok(expected), "{words:?}");
        }
        for words in ["", "  ", "...", "玻璃", "Müll", "a/b", "../x", "-a", "a\0b", &"Long ".repeat(9)] {
            let error = Label::read(words).expect_err(words);
            assert_eq!(error.value, words, "the error shows what was written");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_a_label_is_read_as_itself(label in "[a-z0-9][a-z0-9_-]{0,31}") {
            proptest::prop_assert_eq!(Label::read(&label), Label::new(label.as_str()));
        }

        #[test]
        fn what_was_read_is_read_as_itself(words in "\\PC{0,40}") {
            if let Ok(label) = Label::read(&words) {
                proptest::prop_assert_eq!(Label::read(label.as_str()), Ok(label));
            }
        }
    }

    #[test]
    fn reading_json_goes_through_the_check() {
        let error = serde_json::from_str::<BinId>(r#""../../etc""#).expect_err("a path is no bin id");
        assert!(error.to_string().contains("bin id \"../../etc\" is not valid"), "{error}");
    }

    #[test]
    fn only_flat_names_are_names_of_targets() {
        for good in ["head.onnx", "pilah-edge_0.2.0_arm64.deb", "a", "7.x", &"n".repeat(128)] {
            assert_eq!(TargetName::new(good).expect(good).as_str(), good);
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "ä", "a%2fb", "a\n", &"n".repeat(129)] {
            let error = TargetName::new(bad).expect_err(bad);
            assert!(error.to_string().starts_with("target name"), "{error}");
        }
    }

    #[test]
    fn content_id_is_the_sha256() {
        assert_eq!(
            ContentId::of(b"abc").as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "FIPS 180-2, appendix B.1"
        );
    }
}
