//! What columns are called, in English and in languages that write a decimal comma, or as Prophet's users write it.

use super::Field;

/// What a name says of who wrote the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// Nothing.
    Any,
    /// They write a decimal point.
    Point,
    /// They write a decimal comma.
    Comma,
}

/// Names of a field by language. A name that comes earlier goes before one that comes later.
struct Names {
    field: Field,
    any: &'static [&'static str],
    point: &'static [&'static str],
    comma: &'static [&'static str],
}

/// The names that are known, as [`normal`] writes them.
const NAMES: [Names; 9] = [
    Names {
        field: Field::Date,
        any: &["date", "ds", "datetime", "timestamp"],
        point: &["day", "time", "week", "month", "quarter", "year", "period"],
        comma: &[
            "tanggal",
            "tgl",
            "hari",
            "waktu",
            "minggu",
            "bulan",
            "tahun",
            "datum",
            "tag",
            "woche",
            "kalenderwoche",
            "kw",
            "monat",
            "quartal",
            "jahr",
            "zeitpunkt",
            "belegdatum",
            "buchungsdatum",
            "jour",
            "semaine",
            "mois",
            "annee",
            "fecha",
            "dia",
            "semana",
            "mes",
            "data",
            "giorno",
            "settimana",
            "mese",
            "maand",
            "dag",
        ],
    },
    Names {
        field: Field::Product,
        any: &["product_id", "product", "item_id", "item", "sku", "unique_id", "series", "article", "article_id"],
        point: &["product_name", "item_name", "product_code", "item_code"],
        comma: &[
            "id_produk",
            "kode_produk",
            "produk",
            "kode_barang",
            "id_barang",
            "barang",
            "nama_produk",
            "nama_barang",
            "artikel",
            "artikelnummer",
            "artikelnr",
            "artikel_nr",
            "art_nr",
            "produkt",
            "produktnummer",
            "material",
            "materialnummer",
            "sorte",
            "fraktion",
            "abfallart",
            "ware",
            "bezeichnung",
            "artikelbezeichnung",
            "produktname",
            "artikelname",
            "produit",
            "reference",
            "designation",
            "libelle",
            "producto",
            "articulo",
            "prodotto",
            "articolo",
            "produto",
            "artigo",
        ],
    },
    Names {
        field: Field::Quantity,
        any: &["y", "qty", "demand"],
        point: &[
            "quantity",
            "sales",
            "sold",
            "units",
            "units_sold",
            "amount",
            "count",
            "value",
            "quantity_sold",
            "qty_sold",
        ],
        comma: &[
            "jumlah",
            "kuantitas",
            "terjual",
            "penjualan",
            "jumlah_terjual",
            "menge",
            "anzahl",
            "stueck",
            "stuck",
            "stueckzahl",
            "stuckzahl",
            "absatz",
            "absatzmenge",
            "verkaufsmenge",
            "verkauft",
            "verkaufe",
            "quantite",
            "qte",
            "ventes",
            "nombre",
            "cantidad",
            "unidades",
            "ventas",
            "quantita",
            "vendite",
            "quantidade",
            "vendas",
            "aantal",
            "hoeveelheid",
        ],
    },
    Names {
        field: Field::Store,
        any: &["store", "store_id", "outlet"],
        point: &["shop", "branch", "location", "store_name", "site"],
        comma: &[
            "toko",
            "cabang",
            "lokasi",
            "id_toko",
            "filiale",
            "filialnummer",
            "filialnr",
            "standort",
            "markt",
            "werk",
            "niederlassung",
            "verkaufsstelle",
            "magasin",
            "boutique",
            "agence",
            "succursale",
            "tienda",
            "sucursal",
            "negozio",
            "filial",
            "loja",
            "winkel",
            "filiaal",
            "vestiging",
        ],
    },
    Names {
        field: Field::Category,
        any: &["category", "department", "dept"],
        point: &["group", "family"],
        comma: &[
            "kategori",
            "jenis",
            "kategorie",
            "warengruppe",
            "produktgruppe",
            "gruppe",
            "categorie",
            "famille",
            "categoria",
        ],
    },
    Names {
        field: Field::Price,
        any: &["price"],
        point: &["unit_price"],
        comma: &[
            "harga",
            "harga_satuan",
            "harga_jual",
            "preis",
            "einzelpreis",
            "verkaufspreis",
            "stuckpreis",
            "prix",
            "prix_unitaire",
            "precio",
            "prezzo",
            "preco",
            "prijs",
        ],
    },
    Names {
        field: Field::OnHand,
        any: &["stock"],
        point: &["on_hand", "stock_on_hand", "inventory"],
        comma: &[
            "stok",
            "sisa_stok",
            "persediaan",
            "bestand",
            "lagerbestand",
            "existencias",
            "giacenza",
            "estoque",
            "voorraad",
        ],
    },
    Names {
        field: Field::LeadTime,
        any: &[],
        point: &["lead_time_days", "lead_time", "leadtime"],
        comma: &[
            "waktu_tunggu",
            "waktu_tunggu_hari",
            "lieferzeit",
            "wiederbeschaffungszeit",
            "delai",
            "delai_de_livraison",
        ],
    },
    Names {
        field: Field::UnitCost,
        any: &["cost"],
        point: &["unit_cost"],
        comma: &[
            "hpp",
            "biaya",
            "biaya_satuan",
            "harga_beli",
            "kosten",
            "einkaufspreis",
            "stuckkosten",
            "cout",
            "costo",
        ],
    },
];

/// How the first words of a line with a total begin.
const TOTALS: [&str; 22] = [
    "total",
    "totals",
    "grand_total",
    "subtotal",
    "sub_total",
    "sum",
    "summe",
    "gesamt",
    "gesamtsumme",
    "gesamtergebnis",
    "zwischensumme",
    "ergebnis",
    "endsumme",
    "jumlah",
    "total_keseluruhan",
    "somme",
    "sous_total",
    "total_general",
    "totale",
    "suma",
    "totaal",
    "total_geral",
];

/// What a column of this name is, how early the name comes among those of its field, and what it says of language.
pub(super) fn known(name: &str) -> Option<(Field, usize, Language)> {
    let name = normal(name);
    NAMES.iter().find_map(|names| {
        let lists = [(names.any, Language::Any), (names.point, Language::Point), (names.comma, Language::Comma)];
        let all = lists.into_iter().flat_map(|(list, language)| list.iter().map(move |known| (*known, language)));
        let (place, (_, language)) = all.enumerate().find(|(_, (known, _))| *known == name)?;
        Some((names.field, place, language))
    })
}

/// What a name such as `Order date` or `Verkaufte Menge (Stk)` is by one of its words, if no two of them disagree.
pub(super) fn known_in_part(name: &str) -> Option<Field> {
    let name = normal(name);
    let mut fields = name.split('_').filter_map(|word| known(word).map(|(field, ..)| field));
    let first = fields.next()?;
    fields.all(|field| field == first).then_some(first)
}

/// The field of this own name, or of `product` and `lead_time`; `None` for anything else.
pub(super) fn field(name: &str) -> Option<Field> {
    match name {
        "product" => Some(Field::Product),
        "lead_time" => Some(Field::LeadTime),
        _ => Field::ALL.into_iter().find(|field| field.name() == name),
    }
}

/// Whether these words begin the line of a total.
pub(super) fn is_total(words: &str) -> bool {
    let words = normal(words);
    TOTALS.contains(&words.as_str())
        || TOTALS.iter().any(|total| words.strip_prefix(total).is_some_and(|rest| rest.starts_with('_')))
}

/// A name in small letters without accents, with one underscore for all that is neither letter nor digit.
pub(super) fn normal(name: &str) -> String {
    let mut normal = String::new();
    for c in name.trim().chars() {
        if c.is_alphanumeric() {
            normal.extend(c.to_lowercase().map(without_accent));
        } else if !normal.ends_with('_') && !normal.is_empty() {
            normal.push('_');
        }
    }
    normal.trim_end_matches('_').to_owned()
}

/// The letter that an accented one is sorted as.
pub(super) fn without_accent(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_many_languages() {
        for (name, field, language) in [
            ("Date", Field::Date, Language::Any),
            ("Kode Barang", Field::Product, Language::Comma),
            ("Quantité", Field::Quantity, Language::Comma),
            ("Units sold", Field::Quantity, Language::Point),
            ("Filiale", Field::Store, Language::Comma),
            ("Stück", Field::Quantity, Language::Comma),
            ("PREÇO", Field::Price, Language::Comma),
        ] {
            let found = known(name).unwrap_or_else(|| panic!("{name} is known"));
            assert_eq!((found.0, found.2), (field, language), "{name}");
        }
        assert_eq!(known("Kasse"), None);
        assert_eq!(known_in_part("Order Date"), Some(Field::Date));
        assert_eq!(known_in_part("Verkaufte Menge (t)"), Some(Field::Quantity));
        assert_eq!(known_in_part("Stock value"), None, "two fields in one name");
        assert_eq!(
            (field("quantity"), field("product"), field("shop")),
            (Some(Field::Quantity), Some(Field::Product), None)
        );
    }

    #[test]
    fn no_name_stands_for_two_fields() {
        let mut all: Vec<&str> = NAMES.iter().flat_map(|n| [n.any, n.point, n.comma].concat()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|name| normal(name) == *name), "names are written as they are compared");
    }

    #[test]
    fn totals_are_told_by_their_first_words() {
        for words in ["Total", "Summe:", "Gesamtsumme", "Total 2025", "Grand total", "Sous-total"] {
            assert!(is_total(words), "{words}");
        }
        for words in ["Totally", "bottle", "", "2025-01-01", "Summer"] {
            assert!(!is_total(words), "{words}");
        }
    }
}
