//! Which column is what, by its name, in English or Indonesian, or as Prophet's users write it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::IntakeError;

/// What a column can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// Names of each field; the first is its own, and an earlier one goes before a later one.
const NAMES: [(Field, &[&str]); 9] = [
    (
        Field::Date,
        &[
            "date",
            "ds",
            "tanggal",
            "tgl",
            "day",
            "datetime",
            "timestamp",
            "time",
            "hari",
            "waktu",
            "datum",
            "week",
            "month",
            "minggu",
            "bulan",
        ],
    ),
    (
        Field::Product,
        &[
            "product_id",
            "product",
            "item_id",
            "item",
            "sku",
            "unique_id",
            "series",
            "id_produk",
            "kode_produk",
            "produk",
            "kode_barang",
            "id_barang",
            "barang",
            "nama_produk",
            "nama_barang",
            "product_name",
            "article",
        ],
    ),
    (
        Field::Quantity,
        &[
            "quantity",
            "qty",
            "y",
            "sales",
            "sold",
            "units",
            "units_sold",
            "demand",
            "jumlah",
            "kuantitas",
            "terjual",
            "penjualan",
            "jumlah_terjual",
            "amount",
            "count",
            "value",
            "menge",
        ],
    ),
    (
        Field::Store,
        &["store", "store_id", "shop", "branch", "outlet", "location", "toko", "cabang", "lokasi", "id_toko"],
    ),
    (Field::Category, &["category", "kategori", "department", "dept", "group", "family", "jenis"]),
    (Field::Price, &["price", "unit_price", "harga", "harga_satuan", "harga_jual"]),
    (Field::OnHand, &["on_hand", "stock_on_hand", "stock", "inventory", "stok", "sisa_stok", "persediaan"]),
    (Field::LeadTime, &["lead_time_days", "lead_time", "leadtime", "waktu_tunggu", "waktu_tunggu_hari"]),
    (Field::UnitCost, &["unit_cost", "cost", "hpp", "biaya", "biaya_satuan", "harga_beli"]),
];

impl Field {
    /// Its own name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(field, _)| *field == self).map_or("", |(_, names)| names[0])
    }
}

/// Which column is what.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    header: Vec<String>,
    of: BTreeMap<Field, usize>,
}

impl Columns {
    /// By the names in the header.
    pub(super) fn of(header: &[Cow<'_, str>], product_is_known: bool) -> Result<Self, IntakeError> {
        let names: Vec<String> = header.iter().map(|name| normal(name)).collect();
        let find = |wanted: &[&str]| wanted.iter().find_map(|name| names.iter().position(|n| n == name));
        let of = NAMES.iter().filter_map(|(field, wanted)| Some((*field, find(wanted)?))).collect();
        let columns = Self { header: header.iter().map(|name| name.trim().to_owned()).collect(), of };
        let required = [Field::Date, Field::Product, Field::Quantity];
        let missing: Vec<&str> = required
            .into_iter()
            .filter(|field| columns.index(*field).is_none() && !(product_is_known && *field == Field::Product))
            .map(Field::name)
            .collect();
        if missing.is_empty() {
            return Ok(columns);
        }
        let is_data = columns.header.iter().any(|name| name.starts_with(|c: char| c.is_ascii_digit()));
        let hint = if is_data {
            "The first line must name the columns".to_owned()
        } else if missing == ["product_id"] {
            "Add the column, or name the one product of the file".to_owned()
        } else {
            "Rename the columns".to_owned()
        };
        Err(IntakeError::Columns { missing: missing.join(" and "), header: columns.header, hint })
    }

    pub(super) fn index(&self, field: Field) -> Option<usize> {
        self.of.get(&field).copied()
    }

    /// What is used, by its name in the file.
    pub(super) fn used(&self) -> BTreeMap<String, String> {
        self.of.iter().map(|(field, index)| (self.header[*index].clone(), field.name().to_owned())).collect()
    }

    pub(super) fn ignored(&self) -> Vec<String> {
        let used: Vec<usize> = self.of.values().copied().collect();
        self.header
            .iter()
            .enumerate()
            .filter(|(index, _)| !used.contains(index))
            .map(|(_, name)| name.clone())
            .collect()
    }
}

/// A name in small letters, with one underscore for all that is neither letter nor digit.
fn normal(name: &str) -> String {
    let mut normal = String::new();
    for c in name.trim().chars() {
        if c.is_alphanumeric() {
            normal.extend(c.to_lowercase());
        } else if !normal.ends_with('_') && !normal.is_empty() {
            normal.push('_');
        }
    }
    normal.trim_end_matches('_').to_owned()
}
