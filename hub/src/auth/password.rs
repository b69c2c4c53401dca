//! Passwords of people: argon2id with the crate's defaults (19 MiB, 2 passes), which follow OWASP.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use rand::RngExt as _;

use crate::secret::Secret;

/// No password is longer, in bytes: hashing a longer one would cost what the sender likes.
pub(super) const LONGEST: usize = 256;

/// No password that a person chooses is shorter, in characters.
pub(crate) const SHORTEST: usize = 10;

/// A password that is not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It could be guessed.
    #[error("the password has {0} characters: choose one of at least {SHORTEST} characters, such as four words")]
    Short(usize),
    /// It is the first that anybody would try.
    #[error("the password is the login name: choose another")]
    IsName,
    /// Hashing it would cost what the sender likes.
    #[error("the password has {0} bytes: choose one of at most {LONGEST}")]
    Long(usize),
}

/// Whether somebody may choose this password.
///
/// # Errors
/// [`PasswordError`]: why not.
pub(super) fn check(password: &str, name: &str) -> Result<(), PasswordError> {
    let characters = password.chars().count();
    if characters < SHORTEST {
        return Err(PasswordError::Short(characters));
    }
    if password.len() > LONGEST {
        return Err(PasswordError::Long(password.len()));
    }
    if password.eq_ignore_ascii_case(name) {
        return Err(PasswordError::IsName);
    }
    Ok(())
}

/// What the password of an unknown user is compared with: the hash of random bytes.
pub(super) const UNKNOWN: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$7G0VCBj5b7Xb1RXFYgOAqA$8y0XWJwv0rBkH6rVAlUk5zL1pQ2mN3oT4uS7dE9fG0M";

/// Without letters and digits that look alike.
const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// Draws a password of 99 bits that can be typed: `k7mz-9xqp-…`.
pub(super) fn draw() -> Secret {
    let mut rng = rand::rng();
    let groups: Vec<String> =
        (0..5).map(|_| (0..4).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect()).collect();
    Secret::new(groups.join("-"))
}

/// Hashes a password, away from the threads that serve requests.
pub(super) async fn hash(password: &str) -> String {
    let password = password.to_owned();
    let hashed = tokio::task::spawn_blocking(move || {
        Argon2::default().hash_password(password.as_bytes()).expect("the default parameters are valid").to_string()
    });
    hashed.await.expect("hashing does not panic")
}

/// Whether this is the password; away from the threads that serve requests.
pub(super) async fn verify(password: &str, hash: &str) -> Result<bool, tokio::task::JoinError> {
    if password.len() > LONGEST {
        return Ok(false);
    }
    let (password, hash) = (password.to_owned(), hash.to_owned());
    tokio::task::spawn_blocking(move || {
        let Ok(hash) = PasswordHash::new(&hash) else { return false };
        Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hashed = hash("correct horse").await;
        assert!(hashed.starts_with("$argon2id$"), "{hashed}");
        assert!(verify("correct horse", &hashed).await.expect("runs"));
        assert!(!verify("Correct horse", &hashed).await.expect("runs"));
        assert!(!verify(&"x".repeat(LONGEST + 1), &hashed).await.expect("runs"));
        assert!(!verify("x", "no hash").await.expect("runs"));
    }

    #[tokio::test]
    async fn the_hash_for_unknown_users_is_a_real_one() {
        assert!(PasswordHash::new(UNKNOWN).is_ok(), "or an unknown name would answer faster");
        assert!(!verify("", UNKNOWN).await.expect("runs"));
    }

    #[test]
    fn what_may_be_chosen() {
        let long = "x".repeat(LONGEST + 1);
        let cases = [
            ("", Err(PasswordError::Short(0))),
            ("123456789", Err(PasswordError::Short(9))),
            ("1234567890", Ok(())),
            ("sampah kita", Ok(())),
            ("éééééééééé", Ok(())),
            ("Anna@Example", Err(PasswordError::IsName)),
            (long.as_str(), Err(PasswordError::Long(LONGEST + 1))),
        ];
        for (password, expected) in cases {
            assert_eq!(check(password, "anna@example"), expected, "{password}");
        }
        assert_eq!(check(draw().reveal(), "anna"), Ok(()), "what is drawn is good enough");
        assert!(PasswordError::Short(3).to_string().contains("at least 10"));
    }

    #[test]
    fn drawn_passwords_differ_and_can_be_typed() {
        let (one, two) = (draw(), draw());
        assert_ne!(one, two);
        assert_eq!(one.reveal().len(), 24);
        assert!(one.reveal().bytes().all(|b| b == b'-' || ALPHABET.contains(&b)));
    }
}
