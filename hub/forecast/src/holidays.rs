//! Public holidays by country, from a table that is compiled in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::prophet::Holiday;
use crate::series::{DAY, seconds};

/// Country, date and name, a line each; the first lines say where they are from.
const TABLE: &str = include_str!("../assets/holidays.csv");

/// A country that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no holidays are known for country {country}: known are {}", known.join(", "))]
pub struct UnknownCountry {
    /// As it was given.
    pub country: String,
    /// Those that are known.
    pub known: Vec<&'static str>,
}

/// The holidays of a country, by its two letters of ISO 3166.
///
/// # Errors
/// If the table has none of that country.
pub fn of_country(country: &str) -> Result<Vec<Holiday>, UnknownCountry> {
    let wanted = country.trim().to_ascii_uppercase();
    let mut days: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for (country, date, name) in rows().filter(|row| row.0 == wanted) {
        days.entry(name).or_default().insert(seconds(date.at(0, 0, 0, 0)) / DAY);
        debug_assert_eq!(country, wanted);
    }
    if days.is_empty() {
        return Err(UnknownCountry { country: country.to_owned(), known: countries() });
    }
    Ok(days.into_iter().map(|(name, days)| Holiday { name: name.to_owned(), days }).collect())
}

/// The countries in the table.
#[must_use]
pub fn countries() -> Vec<&'static str> {
    rows().map(|row| row.0).collect::<BTreeSet<_>>().into_iter().collect()
}

fn rows() -> impl Iterator<Item = (&'static str, Date, &'static str)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut parts = line.splitn(3, ',');
        Some((parts.next()?, parts.next()?.parse().ok()?, parts.next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        assert_eq!(rows().count(), TABLE.lines().filter(|line| !line.starts_with('#')).count());
        assert!(rows().count() > 3000);
    }

    #[test]
    fn indonesia_keeps_its_independence_day_and_the_new_years_of_its_religions() {
        let holidays = of_country("id").expect("Indonesia");
        let day = |text: &str| seconds(text.parse::<Date>().expect("a date").at(0, 0, 0, 0)) / DAY;
        let has = |date| holidays.iter().any(|holiday| holiday.days.contains(&day(date)));
        // Independence, Eid al-Fitr, Nyepi, Chinese new year of 2024.
        assert!(["2024-08-17", "2024-04-10", "2024-03-11", "2024-02-10"].into_iter().all(has));
        assert!(!has("2024-08-18"));
    }

    #[test]
    fn a_country_that_is_not_there_is_named_with_those_that_are() {
        let error = of_country("XX").expect_err("no country").to_string();
        assert!(error.contains("XX") && error.contains("ID"), "{error}");
    }
}
