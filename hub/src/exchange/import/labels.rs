//! The classes of a network from elsewhere, as text: a class a line, in the order of its outputs.
//!
//! Lines may be numbered, as Teachable Machine and others do it: `0 Glass bottle`, `0: glass`, `1. glass`. If all
//! are, the numbers say which output each is, from 0 or 1 on. Names are read by [`Label::read`].

use pilah_models::labels::Labels;
use pilah_models::name::Label;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refused;
use crate::registry::RegistryError;
use crate::registry::export::LABELS_FILE;

/// A class that has another name here than its file gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Renamed {
    /// As it is written there.
    pub written: String,
    /// As it is called here.
    #[schema(value_type = String)]
    pub label: Label,
}

/// The classes of a network, and which of them have another name than was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    pub(super) labels: Labels,
    pub(super) renamed: Vec<Renamed>,
}

/// Reads a file of labels.
pub(super) fn parse(bytes: &[u8]) -> Result<Named, RegistryError> {
    let text = std::str::from_utf8(bytes).map_err(|_| refused(format!("{LABELS_FILE} is no UTF-8 text")))?;
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let lines: Vec<(usize, &str)> =
        lines.map(|(number, line)| (number + 1, line.trim())).filter(|(_, line)| !line.is_empty()).collect();
    named(lines_in_order(&lines)?, |line| format!("{LABELS_FILE}, line {line}"))
}

/// Takes the names that a network's own file states.
pub(super) fn of_file(names: &[String]) -> Result<Named, RegistryError> {
    named(names.iter().map(String::as_str).enumerate().collect(), |output| format!("class {output} of the network"))
}

fn named(names: Vec<(usize, &str)>, place: impl Fn(usize) -> String) -> Result<Named, RegistryError> {
    let (mut labels, mut renamed) = (Vec::<Label>::new(), Vec::new());
    let at = |index: usize| place(names[index].0);
    for (index, (_, name)) in names.iter().enumerate() {
        let label = Label::read(name).map_err(|error| refused(format!("{}: {error}", at(index))))?;
        if let Some(first) = labels.iter().position(|known| *known == label) {
            return Err(refused(format!(
                "{}: label {label} is listed twice: {:?} is the same ({})",
                at(index),
                names[first].1,
                at(first)
            )));
        }
        if label.as_str() != *name {
            renamed.push(Renamed { written: (*name).to_owned(), label: label.clone() });
        }
        labels.push(label);
    }
    let labels = Labels::new(labels).map_err(|error| refused(error.to_string()))?;
    Ok(Named { labels, renamed })
}

/// Lines without their numbers, in the order of these.
fn lines_in_order<'a>(lines: &[(usize, &'a str)]) -> Result<Vec<(usize, &'a str)>, RegistryError> {
    let numbered = lines.iter().map(|(line, text)| number_of(text).map(|(number, name)| (number, *line, name)));
    let Some(mut numbered) = numbered.collect::<Option<Vec<(usize, usize, &str)>>>() else { return Ok(lines.to_vec()) };
    numbered.sort_by_key(|(number, ..)| *number);
    let first = numbered.first().map_or(0, |(number, ..)| *number);
    for (place, (number, line, _)) in numbered.iter().enumerate() {
        if first > 1 || *number != first + place {
            return Err(refused(format!(
                "{LABELS_FILE}, line {line}: the number {number} is where {} is due; outputs are numbered from 0 (or 1) on, \
                 each once",
                place + first.min(1)
            )));
        }
    }
    Ok(numbered.into_iter().map(|(_, line, name)| (line, name)).collect())
}

/// The number before a name, and the name: `0 glass`, `0: glass`, `0. glass`, `0, glass`.
fn number_of(line: &str) -> Option<(usize, &str)> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = line.split_at(digits);
    let name = rest.trim_start_matches(|c: char| c.is_whitespace() || ":.,;)=-".contains(c));
    (name.len() < rest.len() && !name.is_empty()).then(|| Some((number.parse().ok()?, name)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_others_write_them() {
        let cases = [
            ("glass\nmetal\n", "glass metal"),
            ("\u{feff}0 Glass Bottle\r\n1 Metal\r\n\r\n2 paper\r\n", "glass_bottle metal paper"),
            ("0: glass\n1: metal\n", "glass metal"),
            ("1. Glass\n2. Metal\n", "glass metal"),
            ("0,glass\n1,metal\n", "glass metal"),
            ("0\tFood Organics\n1\tPaper & Cardboard\n", "food_organics paper_cardboard"),
            // The number says which output it is, wherever the line stands.
            ("1 metal\n0 glass\n10 ten\n2 a\n3 b\n4 c\n5 d\n6 e\n7 f\n8 g\n9 h\n", "glass metal a b c d e f g h ten"),
            // Not all have a number: it belongs to the name.
            ("7 up can\nglass\n", "7_up_can glass"),
            ("7up\nglass\n", "7up glass"),
            ("3\n4\n", "3 4"),
        ];
        for (text, expected) in cases {
            let found = parse(text.as_bytes()).expect(text);
            let names: Vec<&str> = found.labels.as_slice().iter().map(Label::as_str).collect();
            assert_eq!(names.join(" "), expected, "{text:?}");
        }
        let found = parse(b"0: Food Organics\n1: glass\n").expect("valid");
        let label = Label::new("food_organics").expect("valid");
        assert_eq!(found.renamed, [Renamed { written: "Food Organics".into(), label }]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let cases = [
            ("0 glass\n2 metal\n", "line 2: the number 2 is where 1 is due"),
            ("0 glass\n0 metal\n", "line 2: the number 0 is where 1 is due"),
            ("5 glass\n6 metal\n", "the number 5 is where"),
            ("Food Organics\nglass\nfood_organics\n", "line 3: label food_organics is listed twice: \"Food Organics\""),
            ("glass\n\nmüll\n", "labels.txt, line 3"),
            ("glass\n", "2 to 64 classes, not 1"),
        ];
        for (text, expected) in cases {
            let error = parse(text.as_bytes()).expect_err(text).to_string();
            assert!(error.contains(expected), "{error}");
        }
        let error = of_file(&["glass".into(), "Glass".into()]).expect_err("twice").to_string();
        assert!(error.contains("class 1 of the network") && error.contains("class 0 of the network"), "{error}");
    }
}
