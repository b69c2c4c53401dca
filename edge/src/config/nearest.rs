//! What someone meant who misspelt a key, a value, or a class.

use pilah_models::name::Label;

/// The nearest of the names that an error lists as possible, if one is near: at most one letter in three
/// differs. The error is serde's: "unknown field `a`, expected one of `b`, `c`".
pub(super) fn nearest(error: &str) -> Option<String> {
    let (_, rest) = error.split_once("unknown field `").or_else(|| error.split_once("unknown variant `"))?;
    let (given, rest) = rest.split_once("`, expected ")?;
    let possible = rest.split('`').skip(1).step_by(2);
    nearest_of(given, possible).map(str::to_owned)
}

/// The class that was meant by one that a model does not know.
pub(crate) fn nearest_label<'a>(given: &Label, known: &'a [Label]) -> Option<&'a Label> {
    let name = nearest_of(given.as_str(), known.iter().map(Label::as_str))?;
    known.iter().find(|label| label.as_str() == name)
}

/// The nearest of the possible names, if it is near.
pub(crate) fn nearest_of<'a>(given: &str, possible: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, name) =
        possible.map(|name| (strsim::damerau_levenshtein(given, name), name)).min_by_key(|(distance, _)| *distance)?;
    (distance <= given.chars().count().max(3) / 3).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_if_it_is_near() {
        let one_of =
            |given: &str| nearest(&format!("unknown field `{given}`, expected one of `url`, `ca_file`, `in_flight`"));
        for (given, expected) in [
            ("ulr", Some("url")),
            ("URL", None),
            ("cafile", Some("ca_file")),
            ("in-flight", Some("in_flight")),
            ("inflihgt", Some("in_flight")),
            ("password", None),
            ("", None),
        ] {
            assert_eq!(one_of(given).as_deref(), expected, "{given}");
        }
        assert_eq!(nearest("unknown variant `vitual`, expected `virtual` or `replay`").as_deref(), Some("virtual"));
        assert_eq!(nearest("unknown field `frame`, expected `frames`").as_deref(), Some("frames"));
        for other in ["missing field `url`", "unknown field `a`, there are no fields", ""] {
            assert_eq!(nearest(other), None, "{other}");
        }
    }
}
