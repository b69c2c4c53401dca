//! The secrets of bins: 256 random bits, of which the database has the SHA-256. A slow hash protects
//! passwords that people choose; nobody guesses 256 bits, and a bin connects in microseconds.

use std::num::NonZeroU32;
use std::str::FromStr as _;

use pilah_models::name::{BinId, ContentId};
use ring::pbkdf2;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, PaginatorTrait as _, QueryFilter, QuerySelect};

use crate::secret::Secret;
use crate::store::Store;
use crate::store::entity::bin;

/// Draws a secret: 43 characters of URL-safe base64.
pub(crate) fn draw() -> Secret {
    use base64::Engine as _;
    Secret::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

/// What the database keeps of a secret. Comparing two of these tells nothing about where they differ.
pub(crate) fn fingerprint(secret: &str) -> String {
    ContentId::of(secret.as_bytes()).into()
}

/// A secret as Mosquitto's password file has it: `$7$`, iterations, salt and PBKDF2 (HMAC-SHA-512, 64
/// bytes), as `mosquitto_passwd` writes it. A drawn secret needs no slow hash.
pub(crate) fn for_mosquitto(secret: &str) -> String {
    use base64::Engine as _;
    const ITERATIONS: NonZeroU32 = NonZeroU32::new(101).expect("not zero");
    let salt: [u8; 12] = rand::random();
    let mut hash = [0; 64];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, ITERATIONS, &salt, secret.as_bytes(), &mut hash);
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    format!("$7${ITERATIONS}${}${}", base64(&salt), base64(&hash))
}

/// Whether this is the secret of the bin of this name; `None` if there is none, or never was.
pub(super) async fn judge(store: &Store, name: &str, secret: &str) -> Result<Option<bool>, DbErr> {
    let Ok(bin) = BinId::from_str(name) else { return Ok(None) };
    let known = bin::Entity::find_by_id(bin.as_str()).count(store.db()).await? > 0;
    if known { verify(store, &bin, secret).await.map(Some) } else { Ok(None) }
}

/// Whether this is the bin's secret; also false if there is no such bin, or if it is retired.
pub(crate) async fn verify(store: &Store, bin: &BinId, secret: &str) -> Result<bool, DbErr> {
    let known: Option<String> = bin::Entity::find_by_id(bin.as_str())
        .filter(bin::Column::RetiredMs.is_null())
        .select_only()
        .column(bin::Column::PasswordHash)
        .into_tuple()
        .one(store.db())
        .await?;
    Ok(known.is_some_and(|known| known == fingerprint(secret)))
}

/// Whether a bin of this name was ever enrolled.
pub(crate) async fn exists(store: &Store, bin: &BinId) -> Result<bool, DbErr> {
    let found: Option<String> = bin::Entity::find_by_id(bin.as_str())
        .select_only()
        .column(bin::Column::Id)
        .into_tuple()
        .one(store.db())
        .await?;
    Ok(found.is_some())
}
