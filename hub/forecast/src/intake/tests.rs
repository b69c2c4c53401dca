//! Files as they come, good and bad.

use super::*;
use crate::series::seconds;

fn at(text: &str) -> i64 {
    seconds(text.parse::<jiff::civil::DateTime>().expect("a time"))
}

fn ok(bytes: &[u8]) -> Intake {
    read(bytes, &Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(bytes: &[u8]) -> String {
    read(bytes, &Options::default()).expect_err("it is bad").to_string()
}

/// Dates, products and quantities.
fn brief(intake: &Intake) -> Vec<(i64, &str, f64)> {
    intake.rows.iter().map(|row| (row.at, row.product.as_str(), row.quantity)).collect()
}

#[test]
fn a_plain_file_is_read() {
    let intake = ok(b"date,product_id,quantity,store,category,price,on_hand,lead_time_days,unit_cost\n2024-02-01,a,3,s,c,1.5,10,2,1\n");
    let row = &intake.rows[0];
    assert_eq!((row.at, row.product.as_str(), row.quantity), (at("2024-02-01T00:00"), "a", 3.0));
    assert_eq!((row.store.as_str(), row.category.as_deref()), ("s", Some("c")));
    assert_eq!(
        (row.price, row.on_hand, row.lead_time_days, row.unit_cost),
        (Some(1.5), Some(10.0), Some(2.0), Some(1.0))
    );
    assert_eq!((intake.report.rows, intake.report.good, intake.report.bad), (1, 1, 0));
}

#[test]
fn indonesian_headers_months_and_decimals_are_understood() {
    let intake = ok("Tanggal;Kode Barang;Jumlah\n17 Agustus 2024;Botol;1.250,5\n18 Agt 2024;Botol;7\n".as_bytes());
    assert_eq!(brief(&intake), [(at("2024-08-17T00:00"), "Botol", 1250.5), (at("2024-08-18T00:00"), "Botol", 7.0)]);
    assert_eq!((intake.report.delimiter.as_str(), intake.report.decimal.as_str()), ("semicolon", "decimal comma"));
    assert_eq!(intake.report.columns["Kode Barang"], "product_id");
}

#[test]
fn every_encoding_and_line_end_gives_the_same_rows() {
    let text = "date,product_id,quantity\n2024-01-01,é,1\n2024-01-02,é,2\n";
    let expected = brief(&ok(text.as_bytes())).into_iter().map(|r| (r.0, r.1.to_owned(), r.2)).collect::<Vec<_>>();
    let utf16 = |big: bool| {
        text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect::<Vec<u8>>()
    };
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let files = [
        ("UTF-8", ["\u{feff}", text].concat().into_bytes()),
        ("UTF-8", text.replace('\n', "\r").into_bytes()),
        ("UTF-8", text.replace('\n', "\r\n").into_bytes()),
        ("UTF-16LE", [b"\xff\xfe".to_vec(), utf16(false)].concat()),
        ("UTF-16BE", [b"\xfe\xff".to_vec(), utf16(true)].concat()),
        ("UTF-16LE", utf16(false)),
        ("UTF-16BE", utf16(true)),
        ("Latin-1 (Windows-1252)", latin),
    ];
    for (encoding, bytes) in files {
        let intake = ok(&bytes);
        let rows: Vec<_> = brief(&intake).into_iter().map(|r| (r.0, r.1.to_owned(), r.2)).collect();
        assert_eq!((rows, intake.report.encoding.as_str()), (expected.clone(), encoding));
    }
}

#[test]
fn the_order_of_day_and_month_is_found_or_stated() {
    let file = |dates: &[&str]| {
        let rows: String = dates.iter().map(|date| format!("{date},a,1\n")).collect();
        format!("date,product_id,quantity\n{rows}").into_bytes()
    };
    for (dates, first, order) in [
        (["01/02/2024", "13/02/2024"], "2024-02-01T00:00", "day-month-year"),
        (["01/02/2024", "01/13/2024"], "2024-01-02T00:00", "month-day-year"),
        (["2024/01/02", "2024/01/13"], "2024-01-02T00:00", "year-month-day"),
        (["20240102", "20240113"], "2024-01-02T00:00", "year-month-day"),
        (["2024-01", "2024-02"], "2024-01-01T00:00", "year-month-day"),
        (["Jan 2, 2024", "Jan 3, 2024"], "2024-01-02T00:00", "month-day-year"),
        (["2.1.24", "13.1.24"], "2024-01-02T00:00", "day-month-year"),
        (["2024-01-02T05:30:00Z", "2024-01-02 06:30"], "2024-01-02T05:30", "year-month-day"),
    ] {
        let file = String::from_utf8(file(&dates))
            .expect("text")
            .replace("Jan 2, 2024", "\"Jan 2, 2024\"")
            .replace("Jan 3, 2024", "\"Jan 3, 2024\"");
        let intake = ok(file.as_bytes());
        assert_eq!((intake.rows[0].at, intake.report.dates.as_str()), (at(first), order), "{dates:?}");
    }
    let either = ok(&file(&["01/02/2024", "02/02/2024", "03/02/2024"]));
    assert_eq!(either.report.dates, "day-month-year", "neighbours are closer together");
    assert!(either.report.notes[0].contains("state it"), "{:?}", either.report.notes);
    let options = Options { dates: DateForm::parse("MM/DD/YYYY"), ..Options::default() };
    let stated = read(&file(&["01/02/2024"]), &options).expect("it is good");
    assert_eq!(stated.rows[0].at, at("2024-01-02T00:00"));
    assert_eq!(DateForm::parse("%d.%m.%Y"), Some(DateForm::DayMonthYear));
    assert_eq!(DateForm::parse("whenever"), None);
}

#[test]
fn numbers_are_read_as_they_are_meant() {
    for (values, numbers, decimal) in [
        (["1.5", "2"], [1.5, 2.0], "decimal point"),
        (["\"1,234.5\"", "2"], [1234.5, 2.0], "decimal point"),
        (["\"1,5\"", "2"], [1.5, 2.0], "decimal comma"),
        (["\"1.234,5\"", "1.000"], [1234.5, 1000.0], "decimal comma"),
        (["1.234.567", "2"], [1_234_567.0, 2.0], "decimal comma"),
        (["0.125", "3"], [0.125, 3.0], "decimal point"),
    ] {
        let text = format!("date,product_id,qty\n2024-01-01,a,{}\n2024-01-02,a,{}\n", values[0], values[1]);
        let intake = ok(text.as_bytes());
        let read: Vec<f64> = intake.rows.iter().map(|row| row.quantity).collect();
        assert_eq!((read.as_slice(), intake.report.decimal.as_str()), (&numbers[..], decimal), "{values:?}");
    }
    let doubtful = ok(b"date,product_id,qty\n2024-01-01,a,1.234\n");
    assert_eq!(doubtful.rows[0].quantity, 1.234);
    assert!(doubtful.report.notes[0].contains("two ways"));
}

#[test]
fn bad_rows_are_named_by_line_column_value_and_reason() {
    let file = b"date,product_id,qty,price\n2024-01-01,a,1,\n2024-13-01,a,1,\n2024-01-02,,1,\n2024-01-03,a,many,\n\
        2024-01-04,a,-1,\n2024-01-05,a,1e300,\n2024-01-06,a,NaN,\n2024-01-07,a,1\n2024-01-08,a,,\n2024-01-09,a,1,-5\n2030-01-01,a,1,\n";
    let options = Options { latest: Some(at("2024-06-01T00:00")), ..Options::default() };
    let intake = read(file, &options).expect("a row is good");
    let errors: Vec<(u64, &str, &str)> =
        intake.report.errors.iter().map(|e| (e.line, e.column.as_str(), e.value.as_str())).collect();
    let expected = [
        (3, "date", "2024-13-01"),
        (4, "product_id", ""),
        (5, "qty", "many"),
        (6, "qty", "-1"),
        (7, "qty", "1e300"),
        (8, "qty", "NaN"),
        (9, "", "2024-01-07 | a | 1"),
        (10, "qty", ""),
        (11, "price", "-5"),
        (12, "date", "2030-01-01"),
    ];
    assert_eq!(errors, expected);
    assert_eq!((intake.report.rows, intake.report.good, intake.report.bad), (11, 1, 10));
    assert!(intake.report.errors[4].reason.contains("too large"));
    assert!(intake.report.errors[9].reason.contains("future"));
}

#[test]
fn errors_are_counted_beyond_those_that_are_kept() {
    let mut file = "date,product_id,qty\n2024-01-01,a,1\n".to_owned();
    file.push_str(&"x,a,1\n".repeat(500));
    let report = ok(file.as_bytes()).report;
    assert_eq!((report.bad, report.errors.len()), (500, ERRORS_KEPT));
}

#[test]
fn rows_with_the_same_key_are_added_up() {
    let intake = ok(b"date,product_id,qty,store,price\n2024-01-01,a,1,x,5\n2024-01-01,a,2,y,\n2024-01-01,a,3,x,6\n2024-01-01,a,3,x,6\n");
    let report = &intake.report;
    assert_eq!((report.good, report.added_up, report.repeated, report.quantities, report.total), (4, 2, 1, 2, 9.0));
    assert_eq!(intake.rows.iter().map(|r| (r.quantity, r.price)).collect::<Vec<_>>(), [(7.0, Some(6.0)), (2.0, None)]);
    assert!(
        report.notes.iter().any(|note| note.contains("2 of 4 rows were added to another one")),
        "{:?}",
        report.notes
    );
    assert!(report.notes.iter().any(|note| note.contains("if they are copies")), "{:?}", report.notes);
}

#[test]
fn a_file_of_one_product_needs_its_name() {
    let file = b"ds,y\n2024-01-01,1\n";
    assert!(refused(file).contains("product_id"), "{}", refused(file));
    let options = Options { product: Some("bottles".into()), ..Options::default() };
    assert_eq!(read(file, &options).expect("it is good").rows[0].product, "bottles");
}

#[test]
fn negative_quantities_are_read_if_allowed() {
    let options = Options { allow_negative: true, ..Options::default() };
    assert_eq!(read(b"date,sku,qty\n2024-01-01,a,-2\n", &options).expect("it is good").rows[0].quantity, -2.0);
}

#[test]
fn what_is_no_table_is_refused_in_words() {
    for (bytes, words) in [
        (b"" as &[u8], "empty"),
        (b" \n\n", "empty"),
        (b"date,product_id,quantity\n", "no rows"),
        (b"PK\x03\x04....", "Excel"),
        (b"\x00\x01\x02\x00\x00\x07binary", "zero bytes"),
        (b"\x01\x02\x03\x04\xff\xfe\xfd\x05\x06", "control bytes"),
        (b"\xff\xfea", "UTF-16"),
        (b"2024-01-01,a,3\n2024-01-02,a,3\n", "first line must name"),
        (b"when,what,how\n1,2,3\n", "date and product_id and quantity"),
        (b"date,product_id,quantity\nx,a,1\ny,a,2\n", "none of the 2 rows"),
    ] {
        assert!(refused(bytes).contains(words), "{words}: {}", refused(bytes));
    }
    assert!(refused(&vec![b'a'; LARGEST + 1]).contains("split it"));
}
