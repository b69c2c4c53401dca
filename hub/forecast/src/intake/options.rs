//! What a person states of a file, by the same names at every door.

use super::header::Stated;
use super::{DateForm, Decimal};
use crate::series::Cadence;

/// What is known of a file beforehand; what is not stated is found out, or asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// What separates fields.
    pub delimiter: Option<char>,
    /// How dates are written: see [`DateForm::parse`].
    pub dates: Option<DateForm>,
    /// What separates the fraction.
    pub decimal: Option<Decimal>,
    /// The distance between dates: what is closer together is added up.
    pub cadence: Option<Cadence>,
    /// What columns are.
    pub columns: Stated,
    /// The product of all rows of a file without a column of products.
    pub product: Option<String>,
    /// What the file is called, without its ending: the product if nothing else says one.
    pub file: Option<String>,
    /// Whether quantities may be below 0.
    pub allow_negative: bool,
    /// The last time that is not in the future, in seconds since 1970-01-01.
    pub latest: Option<i64>,
}

impl Options {
    /// Sets an option by its name, `dates`, `delimiter`, `decimal`, `step` or `columns`; tells whether there is such a
    /// one. An empty value, and `auto`, leave it to be found out.
    ///
    /// # Errors
    /// What its value must be.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool, String> {
        let stated = Some(value).filter(|value| !value.is_empty() && *value != "auto");
        match name {
            "dates" => {
                let form = |text| {
                    DateForm::parse(text).ok_or(
                        "day, month and year in their order, such as DD/MM/YYYY, or week, month, quarter, year, excel or unix",
                    )
                };
                self.dates = stated.map(form).transpose()?;
            }
            "delimiter" => self.delimiter = stated.map(delimiter).transpose()?,
            "decimal" => {
                self.decimal = match stated {
                    None => None,
                    Some("point" | ".") => Some(Decimal::Point),
                    Some("comma" | ",") => Some(Decimal::Comma),
                    Some(_) => return Err("point or comma".into()),
                }
            }
            "step" => {
                let cadence =
                    |text| Cadence::parse(text).ok_or_else(|| format!("one of {}", Cadence::NAMES.join(", ")));
                self.cadence = stated.map(cadence).transpose()?;
            }
            "columns" => stated.map(|text| self.columns.add(text)).transpose().map(drop)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Names the file, by which its product is called if nothing else says one.
    #[must_use]
    pub fn of_file(self, name: &str) -> Self {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
        let stem: String = stem.chars().filter(|c| !c.is_control()).take(100).collect();
        Self { file: Some(stem.trim().to_owned()).filter(|stem| !stem.is_empty()), ..self }
    }
}

fn delimiter(text: &str) -> Result<char, String> {
    let mut chars = text.chars();
    match (text, chars.next(), chars.next()) {
        ("comma", ..) => Ok(','),
        ("semicolon", ..) => Ok(';'),
        ("tab" | "\\t", ..) => Ok('\t'),
        ("bar", ..) => Ok('|'),
        (_, Some(one), None) if !one.is_alphanumeric() && one != '"' => Ok(one),
        _ => Err("one character, or comma, semicolon, tab or bar".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_set_by_their_names() {
        let mut options = Options::default().of_file("sales.2025.csv");
        for (name, value) in [
            ("dates", "MM.YYYY"),
            ("delimiter", "tab"),
            ("decimal", "comma"),
            ("step", "week"),
            ("columns", "Sorte=product"),
            ("columns", "Ort=store"),
        ] {
            assert_eq!(options.set(name, value), Ok(true), "{name}");
        }
        let mut columns = Stated::default();
        columns.add("Sorte=product,Ort=store").expect("it makes sense");
        let expected = Options {
            dates: Some(DateForm::Months),
            delimiter: Some('\t'),
            decimal: Some(Decimal::Comma),
            cadence: Some(Cadence::Week),
            columns,
            file: Some("sales.2025".into()),
            ..Options::default()
        };
        assert_eq!(options, expected);
        assert_eq!((options.set("decimal", "auto"), options.decimal), (Ok(true), None));
        assert_eq!(options.set("colour", "red"), Ok(false));
        for (name, value, words) in [
            ("dates", "whenever", "DD/MM/YYYY"),
            ("delimiter", "ab", "one character"),
            ("delimiter", "x", "one character"),
            ("decimal", "dot", "point or comma"),
            ("step", "fortnight", "quarter"),
            ("columns", "Sorte", "Artikel=product"),
        ] {
            let error = options.set(name, value).expect_err(name);
            assert!(error.contains(words), "{name}: {error}");
        }
    }
}
