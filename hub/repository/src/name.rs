//! A target's name is one component of a path and of an address: clients disagree on where the hash goes in a name
//! that has a folder (`HASH.dir/name` or `dir/HASH.name`), so none has one.

use std::fmt;

use tough::TargetName;

/// The longest name, in bytes: with a SHA-256 before it, it still fits every file system.
pub const LONGEST: usize = 128;

/// A target's name: letters, digits, `.`, `_` and `-`, and no dot in front.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlatName(String);

/// A name that no target may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name for a target: 1 to {LONGEST} letters of English, digits, dots, hyphens and underscores, no dot first"
)]
pub struct FlatNameError(String);

impl FlatName {
    /// Checks the name.
    ///
    /// # Errors
    /// [`FlatNameError`].
    pub fn new(name: impl Into<String>) -> Result<Self, FlatNameError> {
        let name = name.into();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if (1..=LONGEST).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(fits) {
            Ok(Self(name))
        } else {
            Err(FlatNameError(name.chars().take(LONGEST).collect()))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn target(&self) -> TargetName {
        TargetName::new(self.0.clone()).expect("a flat name has nothing to resolve")
    }
}

impl fmt::Display for FlatName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flat_names_are_names() {
        for good in ["head.onnx", "pilah-edge_0.2.0_arm64.deb", "a", "7.x", &"n".repeat(LONGEST)] {
            assert_eq!(FlatName::new(good).expect(good).as_str(), good);
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "ä", "a%2fb", "a\n", &"n".repeat(LONGEST + 1)] {
            let error = FlatName::new(bad).expect_err(bad);
            assert!(error.to_string().contains("no name for a target"), "{error}");
        }
    }
}
