//! Which column is what: as stated, else by its whole name, else by a word in it.

use std::collections::{BTreeMap, HashMap};

use super::names::{self, Language, known, known_in_part, normal};

/// What a column can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// When.
    Date,
    /// Of what.
    Product,
    /// How much.
    Quantity,
    /// Where.
    Store,
    /// Of what kind.
    Category,
    /// At what price.
    Price,
    /// What is in stock.
    OnHand,
    /// Days from order to arrival.
    LeadTime,
    /// What one costs.
    UnitCost,
}

impl Field {
    /// All of them.
    pub(super) const ALL: [Self; 9] = [
        Self::Date,
        Self::Product,
        Self::Quantity,
        Self::Store,
        Self::Category,
        Self::Price,
        Self::OnHand,
        Self::LeadTime,
        Self::UnitCost,
    ];

    /// Those that hold numbers.
    pub(super) const NUMBERS: [Self; 5] = [Self::Quantity, Self::Price, Self::OnHand, Self::LeadTime, Self::UnitCost];

    /// Its own name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Product => "product_id",
            Self::Quantity => "quantity",
            Self::Store => "store",
            Self::Category => "category",
            Self::Price => "price",
            Self::OnHand => "on_hand",
            Self::LeadTime => "lead_time_days",
            Self::UnitCost => "unit_cost",
        }
    }
}

/// What a person states of columns: by its name in the file what each is; `None` if it is to be left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stated(pub(super) Vec<(String, Option<Field>)>);

impl Stated {
    /// From `Artikel=product,Filiale=store,Beleg=ignore`, after what was stated before.
    ///
    /// # Errors
    /// What it must be.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let ends = |c: char| matches!(c, ',' | ';' | '\n');
        // An end without a statement before it is part of a name.
        let mut rest = String::new();
        for piece in text.split_inclusive(ends).chain([""]) {
            rest.push_str(piece);
            let part = rest.trim_end_matches(ends).trim();
            let Some((name, meaning)) = part.rsplit_once('=') else {
                if piece.is_empty() && !part.is_empty() {
                    return Err("columns with what they are, such as Artikel=product".into());
                }
                continue;
            };
            let (name, meaning) = (name.trim().to_owned(), meaning.trim());
            let field = match meaning {
                "ignore" => None,
                _ => Some(names::field(meaning).ok_or_else(|| {
                    let fields: Vec<&str> = Field::ALL.into_iter().map(Field::name).collect();
                    format!("columns with one of {} or ignore, and not {meaning}", fields.join(", "))
                })?),
            };
            if field.is_some() && self.0.iter().any(|(_, other)| *other == field) {
                return Err(format!("columns of which one alone is {meaning}"));
            }
            self.0.push((name, field));
            rest.clear();
        }
        Ok(())
    }

    /// What is stated of a column; the inner `None` if it is to be left out.
    pub(super) fn of(&self, column: &str) -> Option<Option<Field>> {
        let column = normal(column);
        self.0.iter().find(|(name, _)| normal(name) == column).map(|(_, field)| *field)
    }

    /// The first name that no column has.
    pub(super) fn unknown(&self, header: &[String]) -> Option<&str> {
        let has = |name: &str| header.iter().any(|column| normal(column) == normal(name));
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| !has(name))
    }
}

/// Which column is what.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) header: Vec<String>,
    of: BTreeMap<Field, usize>,
    /// Those that a person wants to be left out.
    left_out: Vec<usize>,
}

impl Columns {
    /// By what is stated, and by the names in the header.
    pub(super) fn of(header: &[impl AsRef<str>], stated: &Stated) -> Self {
        let header: Vec<String> = header.iter().map(|name| name.as_ref().trim().to_owned()).collect();
        let mut of = BTreeMap::new();
        let mut left_out = Vec::new();
        for (index, name) in header.iter().enumerate() {
            match stated.of(name) {
                Some(Some(field)) => drop(of.entry(field).or_insert(index)),
                Some(None) => left_out.push(index),
                None => {}
            }
        }
        let open = |of: &BTreeMap<Field, usize>| -> Vec<usize> {
            let taken: Vec<usize> = of.values().copied().chain(left_out.iter().copied()).collect();
            (0..header.len()).filter(|index| !taken.contains(index)).collect()
        };
        let mut named: Vec<(usize, usize, Field)> = open(&of)
            .into_iter()
            .filter_map(|i| known(&header[i]).map(|(field, place, _)| (place, i, field)))
            .collect();
        named.sort_unstable_by_key(|(place, index, _)| (*place, *index));
        for (_, index, field) in named {
            of.entry(field).or_insert(index);
        }
        // A part of a name is a weaker sign: it counts where nothing else does and no other column has it as well.
        let mut in_part: HashMap<Field, Vec<usize>> = HashMap::new();
        for index in open(&of) {
            // A name that is known as a whole stands beside one that goes before it.
            let field = known_in_part(&header[index]).filter(|_| known(&header[index]).is_none());
            field.into_iter().for_each(|field| in_part.entry(field).or_default().push(index));
        }
        for field in [Field::Date, Field::Product, Field::Quantity, Field::Store] {
            if let Some([index]) = in_part.get(&field).map(Vec::as_slice) {
                of.entry(field).or_insert(*index);
            }
        }
        Self { header, of, left_out }
    }

    pub(super) fn index(&self, field: Field) -> Option<usize> {
        self.of.get(&field).copied()
    }

    /// What a column is taken for.
    pub(super) fn field(&self, index: usize) -> Option<Field> {
        self.of.iter().find(|(_, of)| **of == index).map(|(field, _)| *field)
    }

    /// Takes a column for a field from now on.
    pub(super) fn take(&mut self, field: Field, index: usize) {
        self.of.insert(field, index);
    }

    /// Those of which nothing is known and nothing is stated.
    pub(super) fn unknown(&self) -> Vec<usize> {
        let used: Vec<usize> = self.of.values().copied().chain(self.left_out.iter().copied()).collect();
        (0..self.header.len()).filter(|index| !used.contains(index)).collect()
    }

    /// How many fields of a row are known, and whether a date and a quantity are among them.
    pub(super) fn fit(&self) -> (bool, usize) {
        (self.of.contains_key(&Field::Date) && self.of.contains_key(&Field::Quantity), self.of.len())
    }

    /// What is used, by its name in the file.
    pub(super) fn used(&self) -> BTreeMap<String, String> {
        self.of.iter().map(|(field, index)| (self.header[*index].clone(), field.name().to_owned())).collect()
    }

    pub(super) fn ignored(&self) -> Vec<String> {
        let used: Vec<usize> = self.of.values().copied().collect();
        (0..self.header.len()).filter(|index| !used.contains(index)).map(|index| self.header[index].clone()).collect()
    }

    /// Whether a person wants a column to be left out.
    pub(super) fn is_left_out(&self, index: usize) -> bool {
        self.left_out.contains(&index)
    }

    /// The names that say of the language of who wrote the file that it has this decimal sign.
    pub(super) fn names_of(&self, wanted: Language) -> Vec<&str> {
        let says = |name: &&str| known(name).is_some_and(|(.., language)| language == wanted);
        self.header.iter().map(String::as_str).filter(says).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &[&str], stated: &str, expected: &[(Field, &str)]) {
        let mut told = Stated::default();
        told.add(stated).expect("it makes sense");
        let columns = Columns::of(header, &told);
        let found: Vec<(Field, &str)> =
            columns.of.iter().map(|(field, i)| (*field, columns.header[*i].as_str())).collect();
        assert_eq!(found, expected, "{header:?} {stated}");
    }

    #[test]
    fn what_is_stated_goes_before_a_name_and_a_name_before_a_part_of_one() {
        use Field::{Category, Date, Product, Quantity, Store};
        check(&["Datum", "Artikel", "Menge"], "", &[(Date, "Datum"), (Product, "Artikel"), (Quantity, "Menge")]);
        check(&["sku", "product_id", "y", "ds"], "", &[(Date, "ds"), (Product, "product_id"), (Quantity, "y")]);
        check(&["Order Date", "What", "Total sales"], "", &[(Date, "Order Date"), (Quantity, "Total sales")]);
        check(&["Order Date", "Ship Date", "qty"], "", &[(Quantity, "qty")]);
        check(&["Order Date", "Ship Date", "qty"], "Order Date=date", &[(Date, "Order Date"), (Quantity, "qty")]);
        check(
            &["date", "product", "size", "qty", "shop"],
            "size=product;product=category,shop=ignore",
            &[(Date, "date"), (Product, "size"), (Quantity, "qty"), (Category, "product")],
        );
        check(
            &["date", "Menge, netto", "qty"],
            "Menge, netto=quantity, qty=ignore",
            &[(Date, "date"), (Quantity, "Menge, netto")],
        );
        check(&["date", "qty", "Ort"], "ort = store", &[(Date, "date"), (Quantity, "qty"), (Store, "Ort")]);
    }

    #[test]
    fn what_cannot_be_stated_is_refused() {
        let refused = |text: &str| Stated::default().add(text).expect_err(text);
        assert!(refused("Artikel").contains("Artikel=product"));
        assert!(refused("Artikel=colour").contains("lead_time_days"));
        assert!(refused("a=product,b=product").contains("one alone"));
        let mut stated = Stated::default();
        stated.add("Artikel=product").expect("it makes sense");
        assert_eq!(stated.unknown(&["Datum".into()]), Some("Artikel"));
    }
}
