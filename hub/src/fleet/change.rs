//! What people say of a bin: its name, its group, where it stands; and its end.
//!
//! A bin that is retired can log in nowhere, is not listed, and is told nothing. What it sent stays under
//! its id, which is therefore not given again. The embedded broker ends its connection at once; what comes
//! over that of another broker is refused.

use jiff::tz::TimeZone;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use pilah_models::name::BinId;

use super::EnrolError;
use super::view::Place;
use crate::audit;
use crate::store::entity::bin;
use crate::store::{Store, now_ms};

/// The longest name of a bin or a group, in characters.
pub(super) const LONGEST_NAME: usize = 80;

/// The longest address, in characters.
const LONGEST_ADDRESS: usize = 200;

/// What to change of a bin. What is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BinChange {
    /// What people call it: 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    /// Its group, 1 to 80 characters; `null` takes it out of its group.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 80)]
    group: Option<Option<String>>,
    /// Where it stands; `null` forgets it.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Place>)]
    place: Option<Option<Place>>,
    /// The time zone of where it stands, by its IANA name, such as `Asia/Jakarta`; `null`: what the bin says.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>, max_length = 80)]
    time_zone: Option<Option<String>>,
}

/// Tells a field that is `null` from one that is left out.
fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// A change that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum ChangeError {
    /// Too long, empty, or not for reading.
    #[error("{field} has 1 to {most} characters, none of them a control character")]
    Text {
        /// Of what.
        field: &'static str,
        /// At most, in characters.
        most: usize,
    },
    /// Not in the database of time zones.
    #[error("time_zone {0:?} is none that this hub knows; it is a name of the IANA database, such as Asia/Jakarta")]
    TimeZone(String),
    /// Not on this planet.
    #[error("{field} is {value}; it must be −{most} to {most} degrees")]
    Degrees {
        /// Of what.
        field: &'static str,
        /// What was given.
        value: f64,
        /// At most, in degrees.
        most: f64,
    },
}

/// A text for people, without spaces around it.
pub(super) fn text(field: &'static str, text: &str, most: usize) -> Result<String, ChangeError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(ChangeError::Text { field, most });
    }
    Ok(text.to_owned())
}

fn time_zone(name: String) -> Result<String, ChangeError> {
    match TimeZone::get(&name) {
        Ok(zone) => Ok(zone.iana_name().map_or(name, ToOwned::to_owned)),
        Err(_) => Err(ChangeError::TimeZone(name.chars().take(LONGEST_NAME).collect())),
    }
}

impl Place {
    fn check(mut self) -> Result<Self, ChangeError> {
        for (field, value, most) in [("latitude", self.latitude, 90.0), ("longitude", self.longitude, 180.0)] {
            if !value.is_finite() || value.abs() > most {
                return Err(ChangeError::Degrees { field, value, most });
            }
        }
        let address = self.address.filter(|address| !address.trim().is_empty());
        self.address = address.map(|address| text("address", &address, LONGEST_ADDRESS)).transpose()?;
        Ok(self)
    }
}

impl BinChange {
    /// The same with what is not for reading taken out.
    ///
    /// # Errors
    /// [`ChangeError`]: the first thing that is wrong.
    pub(super) fn check(self) -> Result<Self, ChangeError> {
        let group = match self.group {
            Some(Some(group)) => Some(Some(text("group", &group, LONGEST_NAME)?)),
            other => other,
        };
        Ok(Self {
            name: self.name.map(|name| text("name", &name, LONGEST_NAME)).transpose()?,
            group,
            place: self.place.map(|place| place.map(Place::check).transpose()).transpose()?,
            time_zone: self.time_zone.map(|zone| zone.map(time_zone).transpose()).transpose()?,
        })
    }
}

/// Changes what people say of a bin.
///
/// # Errors
/// [`EnrolError`]: there is no such bin, or the database failed.
pub(super) async fn change(store: &Store, id: &BinId, wanted: BinChange, by: &str) -> Result<(), EnrolError> {
    let transaction = store.begin().await?;
    super::store::serving(&transaction, id).await?.ok_or_else(|| EnrolError::Unknown(id.clone()))?;
    let mut row = bin::ActiveModel { id: Set(id.to_string()), ..Default::default() };
    let mut detail = serde_json::json!({ "bin": id });
    if let Some(name) = wanted.name {
        detail["name"] = name.clone().into();
        row.name = Set(name);
    }
    if let Some(group) = wanted.group {
        detail["group"] = group.clone().into();
        row.group_name = Set(group);
    }
    if let Some(place) = wanted.place {
        detail["place"] = serde_json::json!(place);
        row.latitude = Set(place.as_ref().map(|place| place.latitude));
        row.longitude = Set(place.as_ref().map(|place| place.longitude));
        row.address = Set(place.and_then(|place| place.address));
    }
    if let Some(zone) = wanted.time_zone {
        detail["time_zone"] = zone.clone().into();
        row.time_zone = Set(zone);
    }
    if row.time_zone.is_set() || row.name.is_set() || row.group_name.is_set() || row.latitude.is_set() {
        bin::Entity::update(row).exec(&transaction).await?;
        audit::note(&transaction, by, "bin.changed", &detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Retires a bin. The rollout takes back what it was told to have.
///
/// # Errors
/// [`EnrolError`]: there is no such bin, or the database failed.
pub(super) async fn retire(store: &Store, id: &BinId, by: &str) -> Result<(), EnrolError> {
    let transaction = store.begin().await?;
    let row = bin::ActiveModel {
        retired_ms: Set(Some(now_ms())),
        online: Set(false),
        // No secret has this fingerprint.
        password_hash: Set(String::new()),
        mosquitto_hash: Set(None),
        ..Default::default()
    };
    let retired = bin::Entity::update_many()
        .set(row)
        .filter(bin::Column::Id.eq(id.as_str()))
        .filter(bin::Column::RetiredMs.is_null())
        .exec(&transaction)
        .await?;
    if retired.rows_affected == 0 {
        return Err(EnrolError::Unknown(id.clone()));
    }
    audit::note(&transaction, by, "bin.retired", &serde_json::json!({ "bin": id })).await?;
    transaction.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_bin_is_checked() {
        let read = |json: &str| serde_json::from_str::<BinChange>(json).expect("reads").check();
        let good =
            read(r#"{"name":" By the door ","group":null,"place":{"latitude":-6.2,"longitude":106.8,"address":" "}}"#);
        let good = good.expect("is good");
        assert_eq!((good.name.as_deref(), &good.group), (Some("By the door"), &Some(None)));
        let place = Place { latitude: -6.2, longitude: 106.8, address: None };
        assert_eq!(good.place, Some(Some(place)));
        let none = read("{}").expect("nothing is fine");
        assert!(none.name.is_none() && none.group.is_none() && none.place.is_none());

        let long = "x".repeat(81);
        let cases = [
            (r#"{"name":""}"#.to_owned(), "name has 1 to 80"),
            (r#"{"name":"a\u0007"}"#.to_owned(), "name has 1 to 80"),
            (format!(r#"{{"group":"{long}"}}"#), "group has 1 to 80"),
            (r#"{"time_zone":"Mars/Olympus"}"#.to_owned(), "time_zone \"Mars/Olympus\" is none"),
            (r#"{"place":{"latitude":90.1,"longitude":0}}"#.to_owned(), "latitude is 90.1"),
            (r#"{"place":{"latitude":0,"longitude":-180.5}}"#.to_owned(), "longitude is -180.5"),
            (r#"{"place":{"latitude":0,"longitude":0,"address":"a\nb"}}"#.to_owned(), "address has 1 to 200"),
        ];
        for (json, words) in cases {
            let error = read(&json).expect_err("is refused").to_string();
            assert!(error.contains(words), "{json}: {error}");
        }
        assert!(serde_json::from_str::<BinChange>(r#"{"nmae":"x"}"#).is_err(), "a field that there is not");
    }
}
