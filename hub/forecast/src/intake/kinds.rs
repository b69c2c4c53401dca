//! Files of the kinds that tills, spreadsheets and ERP systems write: what each gives, or what is asked.

use std::fmt::Write as _;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use super::*;
use crate::series::{Cadence, civil};

/// The days from the first on.
fn days(first: Date, count: i64) -> impl Iterator<Item = (i64, Date)> {
    (0..count).map(move |day| (day, first.saturating_add(day.days())))
}

/// A file with a header and a text for each of `count` days from a Monday on.
fn daily(header: &str, count: i64, row: impl Fn(i64, Date) -> String) -> String {
    let mut text = format!("{header}\n");
    days(date(2025, 1, 6), count).for_each(|(day, date)| text.push_str(&row(day, date)));
    text
}

fn dotted(day: Date) -> String {
    day.strftime("%d.%m.%Y").to_string()
}

fn ok(text: &str, options: &Options) -> Intake {
    read(text.as_bytes(), options).unwrap_or_else(|error| panic!("{error}\n{}", &text[..text.len().min(300)]))
}

/// By what the file alone says, called `sales`.
fn plain(text: &str) -> Intake {
    ok(text, &Options::default().of_file("sales.csv"))
}

fn asked(text: &str) -> (String, &'static str, Vec<String>, Box<Report>) {
    match read(text.as_bytes(), &Options::default().of_file("sales.csv")) {
        Err(IntakeError::Unclear { question, option, choices, found }) => {
            (question, option, choices.into_iter().map(|choice| choice.value).collect(), found)
        }
        other => panic!("it should be asked: {other:?}"),
    }
}

fn stating(name: &str, value: &str) -> Options {
    let mut options = Options::default().of_file("sales.csv");
    assert_eq!(options.set(name, value), Ok(true));
    options
}

fn says(intake: &Intake, words: &str) {
    assert!(intake.report.notes.iter().any(|note| note.contains(words)), "{words}: {:?}", intake.report.notes);
}

fn products(intake: &Intake) -> Vec<&str> {
    let mut products: Vec<&str> = intake.rows.iter().map(|row| row.product.as_str()).collect();
    products.sort_unstable();
    products.dedup();
    products
}

#[test]
fn receipts_are_added_up_per_day_whatever_tells_them_apart() {
    let mut number = 0;
    let mut text = String::from("date,product,qty,receipt\n");
    for (day, date) in days(date(2025, 1, 6), 60) {
        for of_day in 0..=day % 4 {
            number += 1;
            let _ = writeln!(text, "{date},bottle,{},R{number}", 1 + of_day);
        }
    }
    let intake = plain(&text);
    let report = &intake.report;
    assert_eq!((report.rows, report.good, report.quantities, report.total), (150, 150, 60, 300.0));
    assert_eq!((report.added_up, products(&intake)), (90, vec!["bottle"]));
    assert_eq!(report.step, "day");
    says(&intake, "90 of 150 rows were added to another one");
    let receipt = report.understood.iter().find(|column| column.name == "receipt").expect("it is told");
    assert!(receipt.field.is_none() && receipt.understood.contains("not used"), "{receipt:?}");
}

#[test]
fn a_time_of_day_makes_days_unless_hours_are_stated_or_full() {
    let till = daily("date,product,qty", 30, |day, date| {
        (0..5).fold(String::new(), |text, n| {
            let (hour, minute) = (8 + 2 * n + day % 2, (day * 17 + n * 29) % 60);
            text + &format!("{date} {hour:02}:{minute:02}:33,bottle,{n}\n")
        })
    });
    let intake = plain(&till);
    assert_eq!((intake.report.quantities, intake.report.total, intake.report.step.as_str()), (30, 300.0, "day"));
    says(&intake, "added up per day");
    let hours = ok(&till, &Options { cadence: Some(Cadence::Hour), ..Options::default() });
    assert_eq!((hours.report.quantities, hours.report.step.as_str()), (150, "hour"));

    let jitter = daily("date,product,qty", 40, |day, date| format!("{date} 06:0{}:{:02},bottle,3\n", day % 7, day));
    let intake = plain(&jitter);
    assert_eq!((intake.report.quantities, intake.report.step.as_str()), (40, "day"));
    assert!(intake.rows.iter().all(|row| civil(row.at).time() == jiff::civil::Time::midnight()));

    let hourly = daily("date,product,qty", 5, |_, date| {
        (0..24).fold(String::new(), |text, hour| text + &format!("{date} {hour:02}:00,bottle,1\n"))
    });
    let intake = plain(&hourly);
    assert_eq!((intake.report.quantities, intake.report.step.as_str()), (120, "hour"));
}

#[test]
fn a_price_tells_the_decimal_sign_of_whole_quantities() {
    let text = daily("tanggal;produk;jumlah;harga", 20, |day, date| {
        format!("{};botol;{};12,50\n", date.strftime("%d/%m/%Y"), 1 + day)
    });
    let intake = plain(&text);
    assert_eq!((intake.rows[0].price, intake.report.decimal.as_str()), (Some(12.5), "decimal comma"));
    // So does a column that is not used.
    let text = daily("date\tsku\tqty\tUmsatz", 20, |day, date| format!("{date}\ta\t1.500\t{},5\n", day));
    assert_eq!(plain(&text).rows[0].quantity, 1500.0);
}

#[test]
fn thousands_are_told_by_all_that_the_file_shows_or_asked_for() {
    let text = daily("Datum;article;Menge", 20, |_, date| format!("{};A1;1.500\n", dotted(date)));
    let intake = plain(&text);
    assert_eq!(intake.rows[0].quantity, 1500.0);
    says(
        &intake,
        "as 1500, since fields are separated by semicolons and columns are called Datum, Menge and dates are written",
    );
    assert_eq!(ok(&text, &stating("decimal", "point")).rows[0].quantity, 1.5);

    let text = daily("date;product;quantity", 20, |_, date| format!("{date};A1;1.500\n"));
    let (question, option, choices, found) = asked(&text);
    assert!(question.starts_with("1.500 could be read in two ways"), "{question}");
    assert_eq!((option, choices), ("decimal", vec!["comma".to_owned(), "point".to_owned()]));
    assert_eq!(found.understood[2].written, ["1.500"]);
    let refusal = read(text.as_bytes(), &Options::default()).expect_err("it is asked").to_string();
    assert!(refusal.contains("state decimal=comma (1500) or decimal=point (1.5)"), "{refusal}");
    for (decimal, number) in [("comma", 1500.0), ("point", 1.5)] {
        assert_eq!(ok(&text, &stating("decimal", decimal)).rows[0].quantity, number);
    }
}

#[test]
fn lines_around_the_data_are_left_out_and_said() {
    let rows = |total: &str| {
        let rows = daily("Datum;article;Menge\r", 10, |day, date| format!("{};A1;{day}\r\n", dotted(date)));
        format!("\u{feff}sep=;\r\n{rows}{total}")
    };
    for total in ["Total;;45\r\n", "Summe;;45", ";;\r\nGesamtsumme\r\n", ";Total;45\r\n"] {
        let intake = plain(&rows(total));
        assert_eq!((intake.report.total, intake.report.quantities, intake.report.bad), (45.0, 10, 0), "{total}");
        assert_eq!(intake.report.left_out[0].reason, "it is a total", "{total}");
        assert_eq!(intake.report.rows, intake.report.good + intake.report.left_out_lines, "{total}");
    }
    let titled = format!("Sales of the depot\nJanuary 2025, all\n\n{}", &rows("")[9..]);
    let intake = plain(&titled);
    assert_eq!((intake.report.total, intake.report.left_out_lines), (45.0, 2));
    assert_eq!((intake.report.left_out[1].line, intake.report.left_out[1].value.as_str()), (2, "January 2025, all"));
}

#[test]
fn a_product_that_is_the_sum_of_the_others_is_left_out() {
    let text =
        daily("date,product,qty", 20, |day, date| format!("{date},a,{day}\n{date},b,2\n{date},Total,{}\n", day + 2));
    let intake = plain(&text);
    assert_eq!((intake.report.total, products(&intake), intake.report.left_out_lines), (230.0, vec!["a", "b"], 20));
    says(&intake, "20 rows of the product Total are the sum of the others");
    let brand = daily("date,product,qty", 20, |day, date| format!("{date},a,{day}\n{date},Total,3\n"));
    let intake = plain(&brand);
    assert_eq!((intake.report.total, products(&intake)), (250.0, vec!["Total", "a"]));
    says(&intake, "is not the sum of the others");
}

#[test]
fn weeks_months_halves_of_the_day_and_serial_days_are_read() {
    let weeks =
        (1..=39).fold("week,product,quantity\n".to_owned(), |text, week| text + &format!("2025-W{week:02},a,{week}\n"));
    let months = (0..40).fold("month;product;quantity\n".to_owned(), |text, month| {
        text + &format!("{:02}.{};a;1000\n", month % 12 + 1, 2017 + month / 12)
    });
    let named = ["Januar", "Februar", "März", "April", "Mai"];
    let named =
        named.iter().fold("Monat;Artikel;Menge\n".to_owned(), |text, month| text + &format!("{month} 2025;a;1\n"));
    let noon = daily("Date,SKU,Qty", 40, |day, date| {
        format!(
            "{} {}:57:00 {},a,{day}\n",
            date.strftime("%-m/%-d/%Y"),
            1 + day % 12,
            if day % 3 == 0 { "AM" } else { "PM" }
        )
    });
    let serial = daily("Datum;Artikel;Menge", 40, |day, _| format!("{};a;{day}\n", 45_663 + day));
    for (text, first, last, step, dates) in [
        (&weeks, "2024-12-30", "2025-09-22", "week", "week of the year"),
        (&months, "2017-01-01", "2020-04-01", "month", "month and year"),
        (&named, "2025-01-01", "2025-05-01", "month", "month and year"),
        (&noon, "2025-01-06", "2025-02-14", "day", "month-day-year"),
        (&serial, "2025-01-06", "2025-02-14", "day", "days as Excel counts them"),
    ] {
        let report = plain(text).report;
        let found = (report.first.as_str(), report.last.as_str(), report.step.as_str(), report.dates.as_str());
        assert_eq!(found, (first, last, step, dates));
        assert_eq!((report.bad, report.added_up), (0, 0), "{dates}");
    }
}

#[test]
fn what_is_below_zero_is_seen_however_it_is_written() {
    let text = "date,product,quantity\n2025-01-06,a,10\n2025-01-07,a,'-4\n2025-01-08,a,4-\n2025-01-09,a,(4)\n";
    let report = plain(text).report;
    assert_eq!((report.good, report.bad), (1, 3));
    assert!(report.errors.iter().all(|error| error.reason.contains("below 0")), "{:?}", report.errors);
    let allowed = Options { allow_negative: true, ..Options::default() };
    assert_eq!(ok(text, &allowed).report.total, -2.0);
}

#[test]
fn articles_and_shops_are_columns_in_many_languages() {
    for (text, names, first) in [
        (
            "Datum;Artikel;Menge\r\n01.01.2025;Glas;1.253,19\r\n01.01.2025;Papier;377,20\r\n",
            vec!["Glas", "Papier"],
            1253.19,
        ),
        (
            "Date;Produit;Quantité\n01/01/2025;Verre;1\u{202f}253,19\n01/01/2025;Papier;377,20\n13/01/2025;Papier;1\n",
            vec!["Papier", "Verre"],
            377.2,
        ),
        ("Datum;Material;Menge\n01.01.2025;4711;1’253.19\n01.01.2025;4712;377.20\n", vec!["4711", "4712"], 1253.19),
        ("fecha,artículo,cantidad\n2025-01-01,a,1\n2025-01-01,b,2\n", vec!["a", "b"], 1.0),
    ] {
        let intake = plain(text);
        assert_eq!((products(&intake), intake.rows[0].quantity), (names, first), "{text}");
        assert_eq!((intake.report.added_up, intake.report.bad), (0, 0));
    }
    let shops = daily("Datum;Filiale;Menge", 28, |day, date| {
        format!("{0};Nord;{1}\n{0};Süd;{2}\n", dotted(date), 10 + day % 3, 30 + day % 3)
    });
    let intake = plain(&shops);
    assert_eq!((intake.report.stores, intake.report.products, intake.report.quantities), (2, 1, 56));
    assert_eq!(intake.rows[0].product, "sales");
    says(&intake, "called sales as the file");
}

/// Two kinds on every day, in a column of this name.
fn kinds(column: &str, first: &str, second: &str) -> String {
    daily(&format!("date,{column},qty"), 30, |day, date| format!("{date},{first},{day}\n{date},{second},100\n"))
}

#[test]
fn a_column_that_nobody_knows_and_that_tells_rows_apart_is_the_product_or_the_store() {
    for (first, second) in [("glass", "paper"), ("1001", "1002")] {
        let intake = plain(&kinds("Zeug", first, second));
        assert_eq!((products(&intake), intake.report.added_up), (vec![first, second], 0));
        says(&intake, "told apart by the column Zeug");
        assert_eq!(intake.report.columns["Zeug"], "product_id");
    }
    // What it says with every row twice, by a number and a name, is one thing.
    let intake = plain(&kinds("Nr,Zeug", "1,glass", "2,paper"));
    assert_eq!(products(&intake), ["1", "2"]);
    let halls = daily("date,product,Halle,qty", 30, |day, date| format!("{date},a,H1,{day}\n{date},a,H2,100\n"));
    let intake = plain(&halls);
    assert_eq!((intake.report.stores, products(&intake)), (2, vec!["a"]));
    let stated = ok(&halls, &stating("columns", "Halle=ignore"));
    assert_eq!((stated.report.stores, stated.report.added_up, stated.report.total), (1, 30, 3435.0));
    assert_eq!(stated.report.understood[2].understood, "left out, as stated");
    // Known names, and something else.
    let sizes = daily("date,product,shop,size,qty", 30, |_, date| format!("{date},a,x,L,1\n{date},a,x,S,1\n"));
    let (question, option, choices, _) = asked(&sizes);
    assert!(question.contains("told apart by size"), "{question}");
    assert_eq!((option, choices), ("columns", vec!["product=ignore,size=product".into(), "size=ignore".into()]));
}

#[test]
fn of_two_columns_that_nobody_knows_a_person_says_which_is_what() {
    let text = daily("date,Zeug,Ort,qty", 30, |day, date| {
        ["glass,n", "glass,s", "paper,n", "paper,s"]
            .iter()
            .fold(String::new(), |text, of| text + &format!("{date},{of},{day}\n"))
    });
    let (question, option, choices, found) = asked(&text);
    assert!(question.contains("Zeug and Ort"), "{question}");
    assert_eq!(
        (option, choices.as_slice()),
        (
            "columns",
            &["Zeug=product,Ort=store", "Ort=product,Zeug=store", "Zeug=ignore,Ort=ignore"].map(String::from)[..]
        )
    );
    assert_eq!(found.understood[1].written, ["glass", "paper"]);
    for (choice, counts) in choices.iter().zip([(2, 2, 120), (2, 2, 120), (1, 1, 30)]) {
        let report = ok(&text, &stating("columns", choice)).report;
        assert_eq!((report.products, report.stores, report.quantities), counts, "{choice}");
        assert_eq!(report.total, 4.0 * 435.0, "whatever is answered, nothing is lost");
    }
    let none = read(text.as_bytes(), &stating("columns", "Sorte=product")).expect_err("there is no such column");
    assert!(none.to_string().contains("no column Sorte"), "{none}");
}

#[test]
fn what_does_not_tell_rows_apart_is_not_used() {
    let text = daily("date,product,weekday,unit,discount,qty", 30, |day, date| {
        format!("{date},a,{},pcs,{},{day}\n{date},b,{0},pcs,0,1\n", date.weekday().to_monday_one_offset(), day % 3 * 5)
    });
    let intake = plain(&text);
    assert_eq!(intake.report.ignored_columns, ["weekday", "unit", "discount"]);
    let column = |index: usize| intake.report.understood[index].understood.as_str();
    assert!(
        column(3).contains("same everywhere") && column(2).contains("nothing is known"),
        "{:?}",
        intake.report.understood
    );
    let both = plain("date,sku,article,qty\n2025-01-01,1,glass,1\n");
    assert_eq!(both.report.understood[2].understood, "not used: sku is taken for this");
}

#[test]
fn a_hole_is_told_before_anything_is_merged() {
    let text = daily("date,product,quantity", 200, |day, date| {
        if day % 7 > 4 || (70..119).contains(&day) { String::new() } else { format!("{date},bottle,{}\n", 5 + day % 9) }
    });
    says(&plain(&text), "the total: from 2025-03-15 to 2025-05-04 there is no row");
}

#[test]
fn what_is_stated_goes_before_what_is_found_out() {
    let text = daily("date,product,quantity", 28, |_, date| format!("{date},a,2\n"));
    let weekly = ok(&text, &stating("step", "week"));
    assert_eq!((weekly.report.quantities, weekly.rows[0].quantity, weekly.report.step.as_str()), (4, 14.0, "week"));
    let barred = "date|a,b;c|qty\n2025-01-01|x|1\n";
    assert_eq!(ok(barred, &stating("delimiter", "bar")).report.ignored_columns, ["a,b;c"]);
    let serials = ok("when,qty\n45658,1\n", &stating("columns", "when=date"));
    assert_eq!(serials.report.first, "2025-01-01");
}

#[test]
fn a_missing_column_is_named_with_what_the_file_has() {
    let error = read(b"wann,was,wieviel\n2025-01-01,a,1\n", &Options::default()).expect_err("no column is known");
    let IntakeError::Columns { found, .. } = &error else { panic!("{error}") };
    assert_eq!(
        found.understood.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
        ["wann", "was", "wieviel"]
    );
    assert_eq!(found.understood[1].written, ["a"]);
    assert!(error.to_string().contains("columns=NAME=date"), "{error}");
}

/// The cases of users, where they lie beside the project.
#[test]
fn the_cases_of_users_give_what_is_right() {
    let Some(shared) = std::env::var_os("PILAH_SHARED").map(std::path::PathBuf::from) else { return };
    let cases = shared.join("cases");
    if !cases.join("csv-erp").is_dir() {
        return;
    }
    let case = |name: &str, allow_negative: bool| {
        let bytes = std::fs::read(cases.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let file = name.rsplit('/').next().unwrap_or(name);
        let options = Options { allow_negative, ..Options::default() }.of_file(file);
        read(&bytes, &options).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    // File, quantities, products, stores, total, step, first and last date; the numbers are those of pandas.
    for (name, quantities, products, stores, total, step, first, last) in [
        ("csv-receipts/receipts.csv", 200, 1, 1, 2800.0, "day", "2025-01-06", "2025-07-24"),
        ("csv-times/till_times.csv", 200, 1, 1, 2724.0, "day", "2025-01-06", "2025-07-24"),
        ("csv-times/daily_jitter.csv", 200, 1, 1, 3390.0, "day", "2025-01-06", "2025-07-24"),
        ("csv-price/price_comma.csv", 200, 1, 1, 3149.0, "day", "2025-01-06", "2025-07-24"),
        ("csv-price/qty_thousands_dot.csv", 200, 1, 1, 364_250.0, "day", "2025-01-06", "2025-07-24"),
        ("csv-sep/excel_sep.csv", 400, 2, 1, 6357.0, "day", "2025-01-06", "2025-07-24"),
        ("csv-sep/total_row.csv", 200, 1, 1, 3202.0, "day", "2025-01-06", "2025-07-24"),
        ("csv-ampm/ampm.csv", 200, 1, 1, 991.0, "day", "2025-01-06", "2025-07-24"),
        ("csv-ampm/iso_week.csv", 39, 1, 1, 204.0, "week", "2024-12-30", "2025-09-22"),
        ("csv-monthly/monthly_mmyyyy.csv", 100, 1, 1, 125_460.0, "month", "2017-01-01", "2025-04-01"),
        ("csv-few/gap.csv", 109, 1, 1, 1845.0, "day", "2025-01-06", "2025-07-24"),
        ("csv-negative/apostrophe.csv", 200, 1, 1, 3292.0, "day", "2025-01-06", "2025-07-24"),
        ("csv-erp/de_utf8.csv", 240, 2, 1, 192_259.75, "day", "2025-01-01", "2025-04-30"),
        ("csv-erp/csv2_filiale.csv", 56, 1, 2, 1172.0, "day", "2025-01-01", "2025-01-28"),
        ("csv-erp/fr.csv", 240, 2, 1, 192_259.75, "day", "2025-01-01", "2025-04-30"),
        ("csv-erp/ch.csv", 240, 2, 1, 192_259.75, "day", "2025-01-01", "2025-04-30"),
        ("csv-erp/monat.csv", 36, 1, 1, 37_611.26, "month", "2022-01-01", "2024-12-01"),
    ] {
        let intake = case(name, name.contains("negative"));
        let report = &intake.report;
        assert_eq!(report.bad, 0, "{name}: {:?}", report.errors);
        assert_eq!((report.quantities, report.products, report.stores), (quantities, products, stores), "{name}");
        assert_eq!(report.step, step, "{name}: {:?}", report.notes);
        assert!((report.total - total).abs() < 1e-6, "{name}: {} and {total}", report.total);
        assert_eq!((report.first.as_str(), report.last.as_str()), (first, last), "{name}");
    }
    assert_eq!(case("csv-price/price_comma.csv", false).rows[0].price, Some(12.5));
    assert_eq!(case("csv-price/qty_thousands_dot.csv", false).rows[0].quantity, 2750.0);
    assert_eq!(case("csv-negative/apostrophe.csv", true).rows[199].quantity, -4.0);
    says(&case("csv-few/gap.csv", false), "there is no row");
    let of_day = |name: &str| {
        let intake = case(name, false);
        let first = intake.rows[0].at;
        intake.rows.iter().filter(|row| row.at == first).map(|row| row.quantity).sum::<f64>()
    };
    for name in ["csv-erp/de_utf8.csv", "csv-erp/fr.csv", "csv-erp/ch.csv"] {
        assert!((of_day(name) - 1630.39).abs() < 1e-6, "{name}: {}", of_day(name));
    }
    assert_eq!(of_day("csv-erp/csv2_filiale.csv"), 40.0);
}
