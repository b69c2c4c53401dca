//! The form that comes with a file of quantities.

use axum::extract::multipart::{Multipart, MultipartError};

use crate::error::HttpError;
use crate::forecast::intake::{self, DateOrder, Decimal};
use crate::forecast::{ensemble, holidays, lstm};

/// What comes with a file.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) file: Option<(String, Vec<u8>)>,
    pub(super) options: intake::Options,
    pub(super) accept_errors: bool,
    pub(super) as_job: bool,
    pub(super) settings: ensemble::Settings,
    pub(super) network: lstm::Options,
}

/// Reads a form.
pub(super) async fn read(mut fields: Multipart) -> Result<Form, HttpError> {
    let mut form = Form::default();
    while let Some(field) = fields.next_field().await.map_err(bad_form)? {
        if let Some(file) = field.file_name().map(|name| name.chars().take(200).collect::<String>()) {
            if form.file.is_some() {
                return Err(HttpError::bad_request("two-files", "the form has two files: send one after the other"));
            }
            form.file = Some((file, field.bytes().await.map_err(bad_form)?.to_vec()));
            continue;
        }
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.text().await.map_err(bad_form)?;
        set(&mut form, &name, value.trim()).map_err(|allowed| {
            let shown: String = value.chars().take(60).collect();
            HttpError::bad_request("bad-option", format!("the field {name} is {shown}, and must be {allowed}"))
        })?;
    }
    Ok(form)
}

/// Sets an option by its name, or says what it may be.
fn set(form: &mut Form, name: &str, value: &str) -> Result<(), String> {
    let truth = || value.parse::<bool>().map_err(|_| "true or false".to_owned());
    match name {
        "accept_errors" => form.accept_errors = truth()?,
        "job" => form.as_job = truth()?,
        "allow_negative" => form.options.allow_negative = truth()?,
        "product" => form.options.product = Some(value.to_owned()).filter(|value| !value.is_empty()),
        "dates" => {
            let order = DateOrder::parse(value).ok_or("day, month and year in their order, such as DD/MM/YYYY")?;
            form.options.dates = Some(order);
        }
        "delimiter" => {
            let one =
                if value == "tab" { Some('\t') } else { value.chars().next().filter(|_| value.chars().count() == 1) };
            form.options.delimiter = Some(one.ok_or("one character, or tab")?);
        }
        "decimal" => {
            form.options.decimal = Some(match value {
                "point" => Decimal::Point,
                "comma" => Decimal::Comma,
                _ => return Err("point or comma".into()),
            });
        }
        "weights" => {
            form.settings.weighing = match value {
                "fixed" => ensemble::Weighing::Fixed,
                "validated" => ensemble::Weighing::Validated,
                _ => return Err("fixed or validated".into()),
            };
        }
        "epochs" => {
            let epochs = value.parse().ok().filter(|epochs| (1..=1000).contains(epochs));
            form.network.epochs = epochs.ok_or("1 to 1000")?;
        }
        "seed" => {
            form.settings.seed = value.parse().map_err(|_| "a whole number".to_owned())?;
            form.network.seed = form.settings.seed;
        }
        "country" => {
            form.settings.prophet.holidays =
                holidays::of_country(value).map_err(|error| format!("one of {}", error.known.join(", ")))?;
        }
        _ => return Err("left out: there is no such option".into()),
    }
    Ok(())
}

fn bad_form(error: MultipartError) -> HttpError {
    HttpError::new(error.status(), "bad-form", error.body_text())
}
