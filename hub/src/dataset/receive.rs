//! A file from a request, no larger than it may be.

use axum::body::Bytes;
use futures::Stream;
use pilah_models::picture::{ImageError, Limits};

use crate::body;

/// Reads an image's file to its end and keeps at most what an image may have; see [`body::take`].
///
/// # Errors
/// The outer one: the connection broke, or the request is larger than its route allows. The inner one:
/// the file is too large.
pub(crate) async fn receive<E>(
    chunks: impl Stream<Item = Result<Bytes, E>> + Unpin,
    limits: &Limits,
) -> Result<Result<Vec<u8>, ImageError>, E> {
    let (bytes, size) = body::take(chunks, limits.bytes).await?;
    Ok(within(bytes, size, limits))
}

/// The bytes of a file of that size, unless an image may not have so many.
pub(crate) fn within(bytes: Vec<u8>, size: usize, limits: &Limits) -> Result<Vec<u8>, ImageError> {
    if size <= limits.bytes { Ok(bytes) } else { Err(ImageError::Bytes { found: size, limit: limits.bytes }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_too_large_is_read_past_and_refused() {
        let limits = Limits { bytes: 10, pixels: 1 };
        let read = async |sizes: &[usize]| {
            let chunks: Vec<Result<Bytes, String>> = sizes.iter().map(|n| Ok(vec![7; *n].into())).collect();
            receive(futures::stream::iter(chunks), &limits).await.expect("no chunk is an error")
        };
        assert_eq!(read(&[4, 6]).await.expect("just fits"), [7; 10]);
        assert!(matches!(read(&[4, 7, 9]).await, Err(ImageError::Bytes { found: 20, limit: 10 })));
        let broken = receive(futures::stream::iter([Ok(Bytes::new()), Err("cut off")]), &limits).await;
        assert_eq!(broken.expect_err("the connection broke"), "cut off");
    }
}
