//! What to do with an item of a class, in English and Indonesian.
//!
//! The texts are in `waste.toml` beside this file, which is part of the program. A class without
//! texts of its own gets those of `other`, which say so.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use pilah_models::name::Label;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The class whose texts stand in for those of unknown classes. No label has this name in the file.
const OTHER: &str = "other";

static TEXTS: LazyLock<BTreeMap<String, Languages>> =
    LazyLock::new(|| toml::from_str(include_str!("waste.toml")).expect("waste.toml is part of the program and tested"));

/// A language that there are texts in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Indonesian.
    Id,
}

impl Language {
    /// The language of a request: `lang` of its query if that is known, else the one that its
    /// `Accept-Language` header likes best, else English.
    #[must_use]
    pub fn of_request(query: Option<&str>, accept: Option<&str>) -> Self {
        query.and_then(Self::of_tag).or_else(|| accept.and_then(Self::preferred)).unwrap_or_default()
    }

    /// `id-ID` → Indonesian. `in` is the code that it had until 1989, which old Android phones send.
    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Self::En),
            "id" | "in" => Some(Self::Id),
            _ => None,
        }
    }

    /// The known language with the highest quality (RFC 9110, 12.5.4); the first of equals.
    fn preferred(accept: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for range in accept.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let quality = parameters.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
            if let Some(language) = Self::of_tag(tag)
                && quality > best.map_or(0.0, |(quality, _)| quality)
            {
                best = Some((quality, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Languages {
    en: Texts,
    id: Texts,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    name: String,
    how: String,
    tips: Vec<String>,
    facts: Vec<String>,
}

/// How to dispose of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recommendation {
    /// The language of the texts.
    pub language: Language,
    /// The class in words.
    pub name: String,
    /// How to dispose of it, in a sentence.
    pub how_to_dispose: String,
    /// What to mind.
    pub tips: Vec<String>,
}

/// What is worth knowing about a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Educational {
    /// The language of the texts.
    pub language: Language,
    /// Facts, a sentence each.
    pub facts: Vec<String>,
}

/// The advice for a class.
#[must_use]
pub fn advise(label: &Label, language: Language) -> (Recommendation, Educational) {
    let languages = TEXTS.get(label.as_str()).unwrap_or_else(|| &TEXTS[OTHER]);
    let texts = match language {
        Language::En => &languages.en,
        Language::Id => &languages.id,
    };
    let recommendation = Recommendation {
        language,
        name: texts.name.clone(),
        how_to_dispose: texts.how.clone(),
        tips: texts.tips.clone(),
    };
    (recommendation, Educational { language, facts: texts.facts.clone() })
}

#[cfg(test)]
mod tests {
    use pilah_models::labels::Labels;

    use super::*;

    #[test]
    fn every_label_that_ships_has_texts_in_both_languages() {
        let waste = Labels::waste();
        let labels = waste.as_slice().iter().map(Label::as_str).chain([OTHER]);
        for label in labels {
            let languages = TEXTS.get(label).unwrap_or_else(|| panic!("{label} has no texts"));
            for texts in [&languages.en, &languages.id] {
                assert!(!texts.name.is_empty() && texts.how.ends_with('.'), "{label}");
                assert!(!texts.tips.is_empty() && !texts.facts.is_empty(), "{label}");
                assert!(texts.tips.iter().chain(&texts.facts).all(|text| text.ends_with('.')), "{label}");
            }
            assert_ne!(languages.en.how, languages.id.how, "{label} is translated");
            assert_eq!(languages.en.tips.len(), languages.id.tips.len(), "{label}");
        }
        assert_eq!(TEXTS.len(), Labels::waste().len() + 1, "no text is for a class that does not exist");
    }

    #[test]
    fn an_unknown_class_gets_advice_that_says_so() {
        let (advice, _) = advise(&Label::new("e-waste").expect("valid"), Language::En);
        assert!(advice.how_to_dispose.starts_with("No advice is stored"));
    }

    #[test]
    fn the_language_is_the_one_that_is_asked_for() {
        let cases = [
            (None, None, Language::En),
            (Some("id"), None, Language::Id),
            (Some("id"), Some("en"), Language::Id),
            (Some("fr"), Some("id-ID"), Language::Id),
            (None, Some("fr, id;q=0.8, en;q=0.9"), Language::En),
            (None, Some("id-ID,id;q=0.9,en-US;q=0.8"), Language::Id),
            (None, Some("in"), Language::Id),
            (None, Some("id;q=0, *"), Language::En),
            (None, Some(";;q=x,,"), Language::En),
        ];
        for (query, accept, expected) in cases {
            assert_eq!(Language::of_request(query, accept), expected, "{query:?} {accept:?}");
        }
    }
}
