//! Whether the model knows the classes that flaps are for. The configuration and the model come by different ways: a
//! flap for `glas` would never open, and nobody would be told why.
//!
//! A class that only the model in force does not know is worth a warning: an update may have renamed it, and a bin must
//! not stand still for that. One that the model that ships does not know either, and that is spelt nearly like one that it
//! knows, was misspelt.

use std::fmt;

use pilah_models::labels::Labels;
use pilah_models::name::Label;

use super::nearest::nearest_label;
use crate::act::wiring::Wiring;
use crate::act::{ActConfig, By, Flap};

/// A flap for a class that the model does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct UnknownClass {
    /// The class.
    pub label: Label,
    /// What was meant, if that can be guessed.
    pub meant: Option<Label>,
    /// The classes that there are.
    pub known: Vec<Label>,
}

impl fmt::Display for UnknownClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[act] has a flap for {:?}, a class that the model does not know", self.label.as_str())?;
        if let Some(meant) = &self.meant {
            write!(f, " (did you mean {:?}?)", meant.as_str())?;
        }
        let known: Vec<_> = self.known.iter().map(Label::as_str).collect();
        write!(f, "; it knows {}", known.join(", "))
    }
}

/// How flaps and classes fit together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fit {
    /// Flaps for what the model does not know.
    pub unknown: Vec<UnknownClass>,
    /// Classes for which nothing opens.
    pub without_flap: Vec<Label>,
}

impl Fit {
    /// Compares what is wired with what a model knows. A program knows itself what it moves.
    #[must_use]
    pub fn of(act: Option<&ActConfig>, labels: &Labels) -> Self {
        let Some(wiring) = wiring(act) else { return Self::default() };
        let known = labels.as_slice();
        let unknown = |label: &Label| UnknownClass {
            label: label.clone(),
            meant: nearest_label(label, known).cloned(),
            known: known.to_vec(),
        };
        let has_none = |label: &&Label| wiring.pattern(&Flap::Class((*label).clone())).is_none();
        Self {
            unknown: wiring.patterns.keys().filter(|label| !known.contains(label)).map(unknown).collect(),
            without_flap: known.iter().filter(has_none).cloned().collect(),
        }
    }

    /// The first class that was misspelt: nearly as one that the model in force knows, and unknown to `shipped` as well.
    #[must_use]
    pub fn misspelt(self, shipped: Option<&Labels>) -> Option<UnknownClass> {
        let ships = |label: &Label| shipped.is_some_and(|labels| labels.as_slice().contains(label));
        self.unknown.into_iter().find(|class| class.meant.is_some() && !ships(&class.label))
    }
}

/// The wiring, if lines move the flaps.
pub(crate) fn wiring(act: Option<&ActConfig>) -> Option<&Wiring> {
    match act {
        Some(ActConfig { by: By::Lines(wiring), .. }) => Some(wiring),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn act(text: &str) -> Option<ActConfig> {
        let text = format!(
            "version = 1\ndata_dir = \"x\"\nbin.id = \"b1\"\ncamera = {{ kind = \"virtual\" }}\nmqtt.url = \"mqtt://x\"\n{text}"
        );
        Config::parse(Path::new("edge.toml"), &text).expect("valid").body.act
    }

    #[test]
    fn classes_that_the_model_does_not_know_are_told_with_what_was_meant() {
        let labels = Labels::parse(["glass", "metal", "paper"]).expect("valid");
        let fit = |lines: &str| Fit::of(act(&format!("[act]\nby = \"lines\"\nlines = {lines}")).as_ref(), &labels);
        let words = |fit: &Fit| fit.unknown.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(words(&fit("{ glass = 1, metal = 2, paper = 3 }")), Vec::<String>::new());
        assert_eq!(
            words(&fit("{ glas = 1, metal = 2, bottles = 3 }")),
            [
                "[act] has a flap for \"bottles\", a class that the model does not know; it knows glass, metal, paper",
                "[act] has a flap for \"glas\", a class that the model does not know (did you mean \"glass\"?); it knows \
                 glass, metal, paper"
            ]
        );
        let without: Vec<_> = fit("{ glass = 1 }").without_flap.iter().map(ToString::to_string).collect();
        assert_eq!(without, ["metal", "paper"]);
        assert_eq!(fit("{ glass = 1 }\nrest = 2"), Fit::default(), "the rest takes them");
        let codes = act("[act]\nby = \"code\"\ncode_lines = [1]\ncodes = { metall = 1 }");
        assert_eq!(Fit::of(codes.as_ref(), &labels).unknown[0].meant.as_ref().map(Label::as_str), Some("metal"));
        assert_eq!(Fit::of(act("[act]\nby = \"program\"\ncommand = [\"flap\"]").as_ref(), &labels), Fit::default());
    }

    #[test]
    fn only_what_no_model_knows_and_is_spelt_nearly_right_was_misspelt() {
        let now = Labels::parse(["glass", "plastics"]).expect("valid");
        let shipped = Labels::parse(["glass", "plastic"]).expect("valid");
        let misspelt = |lines: &str, shipped: Option<&Labels>| {
            let fit = Fit::of(act(&format!("[act]\nby = \"lines\"\nlines = {lines}")).as_ref(), &now);
            fit.misspelt(shipped).map(|class| class.label.to_string())
        };
        for (lines, with_shipped, alone) in [
            ("{ glass = 1 }", None, None),
            ("{ plastic = 1 }", None, Some("plastic")),
            ("{ glas = 1 }", Some("glas"), Some("glas")),
            ("{ batteries = 1 }", None, None),
        ] {
            assert_eq!(misspelt(lines, Some(&shipped)).as_deref(), with_shipped, "{lines}");
            assert_eq!(misspelt(lines, None).as_deref(), alone, "{lines}");
        }
    }
}
