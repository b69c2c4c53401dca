//! A model that is asked, and whose panic is an error like any other: one picture ends no thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pilah_models::infer::InferError;

/// A picture that a model could not answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// Inference failed, or its outcome is no number.
    #[error(transparent)]
    Failed(#[from] InferError),
    /// It panicked.
    #[error("it panicked: {0}")]
    Panicked(String),
}

/// What the model says. A network that is loaded is not changed by being asked, so nothing is left half done.
///
/// # Errors
/// [`Unanswered`]: it fails, or panics.
pub fn answer<T>(ask: impl FnOnce() -> Result<T, InferError>) -> Result<T, Unanswered> {
    match catch_unwind(AssertUnwindSafe(ask)) {
        Ok(answer) => Ok(answer?),
        Err(panic) => Err(Unanswered::Panicked(words_of(&*panic))),
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a word".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_in_its_own_words() {
        let number = 7;
        let cases: [(&dyn Fn(), &str); 3] = [
            (&|| panic!("out of bounds"), "it panicked: out of bounds"),
            (&|| panic!("{number} is too many"), "it panicked: 7 is too many"),
            (&|| std::panic::panic_any(7_u8), "it panicked: without a word"),
        ];
        for (panics, expected) in cases {
            let error = answer::<()>(|| {
                panics();
                Ok(())
            });
            assert_eq!(error.expect_err("it panics").to_string(), expected);
        }
        assert_eq!(answer(|| Ok(7)).expect("it answers"), 7);
    }
}
