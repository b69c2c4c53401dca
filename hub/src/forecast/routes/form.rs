//! The form that comes with a file of quantities.

use axum::extract::multipart::{Multipart, MultipartError};
use axum::http::StatusCode;
use pilah_forecast::intake::{self, IntakeError};
use pilah_forecast::modelling::{Modelling, Seasons, Trend};
use pilah_forecast::{ensemble, holidays, lstm};
use utoipa::ToSchema;

use crate::body;
use crate::error::HttpError;

/// What comes with a file.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) file: Option<(String, Vec<u8>)>,
    pub(super) options: intake::Options,
    pub(super) accept_errors: bool,
    pub(super) as_job: bool,
    pub(super) check_only: bool,
    pub(super) settings: ensemble::Settings,
    pub(super) network: lstm::Options,
}

/// The fields of the form, for the documentation.
#[derive(Debug, ToSchema)]
#[schema(as = ForecastTrainingForm)]
#[expect(dead_code, reason = "a form is read field by field")]
pub(crate) struct FormDocument {
    /// A CSV file of at most 64 MiB, with columns for dates and quantities, and perhaps for products and stores. Rows
    /// of one date, product and store are added up; what an earlier file said of it is replaced.
    #[schema(value_type = Option<String>, format = Binary)]
    file: Option<Vec<u8>>,
    /// Read the file and say what is in it, nothing else.
    check: Option<bool>,
    /// Go on without the rows that cannot be read.
    accept_errors: Option<bool>,
    /// Answer with an id rather than with events.
    job: Option<bool>,
    /// How dates are written, such as `DD/MM/YYYY`, `MM.YYYY`, `week` or `excel`, if that is not found out.
    dates: Option<String>,
    /// What separates fields, one character or `tab`, if that is not found out.
    delimiter: Option<String>,
    /// What separates the fraction, `point` or `comma`, if that is not found out.
    decimal: Option<String>,
    /// The distance between dates, `hour`, `day`, `week`, `month`, `quarter` or `year`, if that is not found out:
    /// what is closer together is added up.
    step: Option<String>,
    /// What columns are, such as `Artikel=product,Filiale=store,Beleg=ignore`, if that is not found out; may come
    /// several times.
    columns: Option<String>,
    /// The product of a file without that column; as the file is called if left out.
    product: Option<String>,
    /// Take quantities below 0 as they are.
    allow_negative: Option<bool>,
    /// `fixed` (Prophet 60, network 40) or `validated` (by the errors on the past).
    weights: Option<String>,
    /// How often the network sees the data, 1 to 1000; 50 if left out.
    #[schema(minimum = 1, maximum = 1000)]
    epochs: Option<u16>,
    /// Whose holidays count, by two letters such as `ID`.
    country: Option<String>,
    /// How Prophet's trend grows; linear if left out. Logistic growth takes a capacity.
    growth: Option<Trend>,
    /// What logistic growth of the total saturates at; products have their share of it.
    capacity: Option<f64>,
    /// What logistic growth starts from; 0 if left out.
    floor: Option<f64>,
    /// How seasons and holidays change Prophet's trend; additive if left out.
    seasonality: Option<Seasons>,
    /// Of all that is random; 0 if left out.
    seed: Option<u64>,
}

/// The largest body that is read at all. What is more than the largest file is counted and thrown away, so that
/// who sent it gets an answer rather than a broken connection.
pub(super) const LARGEST_BODY: usize = 4 * intake::LARGEST;

/// The longest value of a field other than the file, in bytes.
const LONGEST_VALUE: usize = 1000;

/// Reads a form.
pub(super) async fn read(mut fields: Multipart) -> Result<Form, HttpError> {
    let mut form = Form::default();
    let mut modelling = Modelling::default();
    while let Some(field) = fields.next_field().await.map_err(bad_form)? {
        if let Some(file) = body::name_of(&field) {
            if form.file.is_some() {
                return Err(HttpError::bad_request("two-files", "the form has two files: send one after the other"));
            }
            let (bytes, size) = body::take(field, intake::LARGEST).await.map_err(bad_form)?;
            if size > intake::LARGEST {
                return Err(HttpError::too_large(IntakeError::TooLarge(size).to_string()));
            }
            form.file = Some((file, bytes));
            continue;
        }
        let name = field.name().unwrap_or_default().to_owned();
        let (value, _) = body::take(field, LONGEST_VALUE).await.map_err(bad_form)?;
        let value = String::from_utf8_lossy(&value).into_owned();
        set(&mut form, &mut modelling, &name, value.trim()).map_err(|allowed| {
            let shown: String = value.chars().take(60).collect();
            HttpError::bad_request("bad-option", format!("the field {name} is {shown}, and must be {allowed}"))
        })?;
    }
    modelling.check().map_err(|error| HttpError::bad_request("bad-option", format!("the field {error}")))?;
    modelling.apply(&mut form.settings.prophet);
    Ok(form)
}

/// Sets an option by its name, or says what it may be.
fn set(form: &mut Form, modelling: &mut Modelling, name: &str, value: &str) -> Result<(), String> {
    let number = || value.parse::<f64>().map(Some).map_err(|_| "a number".to_owned());
    let truth = || value.parse::<bool>().map_err(|_| "true or false".to_owned());
    match name {
        "check" => form.check_only = truth()?,
        "accept_errors" => form.accept_errors = truth()?,
        "job" => form.as_job = truth()?,
        "allow_negative" => form.options.allow_negative = truth()?,
        "product" => form.options.product = Some(value.to_owned()).filter(|value| !value.is_empty()),
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
        "growth" => {
            modelling.growth = Some(Trend::parse(value).ok_or_else(|| format!("one of {}", Trend::NAMES.join(", ")))?);
        }
        "capacity" => modelling.capacity = number()?,
        "floor" => modelling.floor = number()?,
        "seasonality" => {
            let seasons = Seasons::parse(value).ok_or_else(|| Seasons::NAMES.join(" or "))?;
            modelling.seasonality = Some(seasons);
        }
        "country" => {
            form.settings.prophet.holidays =
                holidays::of_country(value).map_err(|error| format!("one of {}", error.known.join(", ")))?;
        }
        _ if form.options.set(name, value)? => form.settings.cadence = form.options.cadence,
        _ => return Err("left out: there is no such option".into()),
    }
    Ok(())
}

fn bad_form(error: MultipartError) -> HttpError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return HttpError::too_large(format!(
            "the form has more than {LARGEST_BODY} bytes, and a file of {} is the most: split it by date, and send the parts one after another",
            intake::LARGEST
        ));
    }
    error.into()
}
