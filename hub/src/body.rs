//! A file that a request brings: the first file of a form, or the whole body.
//!
//! Whoever asks says how many bytes it may have. No more than those are kept, and the rest is read past and counted: a
//! sender who is cut off halfway sees a broken connection instead of the answer.

use axum::RequestExt as _;
use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::extract::{FromRequest as _, Request};
use axum::http::header;
use futures::{Stream, StreamExt as _};

use crate::error::HttpError;

/// The longest name of a file that is kept, in characters.
const LONGEST_NAME: usize = 200;

/// A file as it was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    /// What its sender calls it; a body has no name.
    pub(crate) name: Option<String>,
    /// Its bytes: all, or as many from its beginning as it may have.
    pub(crate) bytes: Vec<u8>,
    /// How many bytes it has.
    pub(crate) size: usize,
}

/// The first file of a form, or the whole body; `None` if the form has no file or the body no byte. At most `most`
/// bytes of it are kept.
///
/// # Errors
/// 400 `bad-form`, or 413 where the request is larger than its route allows.
pub(crate) async fn file(request: Request, most: usize) -> Result<Option<Sent>, HttpError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        let too_large = |error| HttpError::too_large("the request is too large").with_cause(error);
        let body = request.with_limited_body().into_body().into_data_stream();
        let (bytes, size) = take(body, most).await.map_err(too_large)?;
        return Ok((size > 0).then_some(Sent { name: None, bytes, size }));
    }
    let mut form = Multipart::from_request(request, &()).await?;
    while let Some(field) = form.next_field().await? {
        if let Some(name) = name_of(&field) {
            let (bytes, size) = take(field, most).await?;
            return Ok(Some(Sent { name: Some(name), bytes, size }));
        }
    }
    Ok(None)
}

/// The name of the file in a field of a form; `None` if it is no file.
pub(crate) fn name_of(field: &Field<'_>) -> Option<String> {
    field.file_name().map(|name| name.chars().take(LONGEST_NAME).collect())
}

/// Reads to the end: the first `most` bytes, and how many there were.
///
/// # Errors
/// Those of `chunks`: the connection broke, or the request is larger than its route allows.
pub(crate) async fn take<E>(
    mut chunks: impl Stream<Item = Result<Bytes, E>> + Unpin,
    most: usize,
) -> Result<(Vec<u8>, usize), E> {
    let (mut bytes, mut size) = (Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        size += chunk.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(most - bytes.len())]);
    }
    Ok((bytes, size))
}

impl From<MultipartError> for HttpError {
    fn from(error: MultipartError) -> Self {
        Self::new(error.status(), "bad-form", error.body_text())
    }
}

impl From<MultipartRejection> for HttpError {
    fn from(error: MultipartRejection) -> Self {
        Self::new(error.status(), "bad-form", error.body_text())
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(kind: &str, body: impl Into<Body>) -> Request {
        Request::builder().header("content-type", kind).body(body.into()).expect("a request")
    }

    async fn refused(request: Request) -> (u16, String) {
        let (status, problem) = file(request, 10).await.expect_err("is refused").into_problem();
        (status.as_u16(), problem.kind)
    }

    #[tokio::test]
    async fn the_first_file_of_a_form_counts_whatever_comes_before_it() {
        let form = "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n\
                    --x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"one.png\"\r\n\r\n12345678901234\r\n\
                    --x\r\nContent-Disposition: form-data; name=\"b\"; filename=\"two.png\"\r\n\r\nno\r\n--x--\r\n";
        let sent = file(request("Multipart/Form-Data; boundary=x", form), 10).await.expect("reads").expect("a file");
        assert_eq!((sent.name.as_deref(), sent.bytes.as_slice(), sent.size), (Some("one.png"), &b"1234567890"[..], 14));

        let none = "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--x--\r\n";
        assert!(file(request("multipart/form-data; boundary=x", none), 10).await.expect("reads").is_none());
    }

    #[tokio::test]
    async fn without_a_form_the_body_is_the_file() {
        let sent = file(request("image/png", "1234"), 10).await.expect("reads").expect("a file");
        assert_eq!((sent.name, sent.bytes.as_slice(), sent.size), (None, &b"1234"[..], 4));
        assert!(file(request("image/png", Body::empty()), 10).await.expect("reads").is_none());
    }

    #[tokio::test]
    async fn what_is_no_form_or_larger_than_the_route_allows_is_refused() {
        let no_boundary = refused(request("multipart/form-data", "--y")).await;
        assert_eq!(no_boundary, (400, "urn:pilah:problem:bad-form".to_owned()));
        let cut_off = refused(request("multipart/form-data; boundary=x", "--y")).await;
        assert_eq!(cut_off, (400, "urn:pilah:problem:bad-form".to_owned()));
        // axum's limit where a route states none.
        let large = refused(request("image/png", vec![0; (2 << 20) + 1])).await;
        assert_eq!(large, (413, "urn:pilah:problem:too-large".to_owned()));
    }

    #[tokio::test]
    async fn what_is_over_the_limit_is_read_past_and_counted() {
        let read = async |sizes: &[usize]| {
            let chunks: Vec<Result<Bytes, String>> = sizes.iter().map(|n| Ok(vec![7; *n].into())).collect();
            take(futures::stream::iter(chunks), 10).await.expect("no chunk is an error")
        };
        assert_eq!(read(&[4, 6]).await, (vec![7; 10], 10));
        assert_eq!(read(&[4, 7, 9]).await, (vec![7; 10], 20));
        let broken = take(futures::stream::iter([Ok(Bytes::new()), Err("cut off")]), 10).await;
        assert_eq!(broken.expect_err("the connection broke"), "cut off");
    }
}
