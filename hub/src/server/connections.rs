//! HTTP connections, from the door to their end.
//!
//! axum's own loop knows no limits: here each connection passes the [`Door`], and ends when it has said nothing for
//! too long, stalls in the middle, or has to make way. What is answered is the router's matter.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::timeout::TimeoutBody;

use crate::address::without_base;
use crate::door::{Door, DoorConfig, Guest};

/// How long no connection is accepted after the system refused one, for want of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(200);

/// What holds for every connection.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) door: Door,
    pub(super) times: DoorConfig,
    /// The path of the public address.
    pub(super) base: String,
}

/// Serves until `stopping`, and then to the end of what was begun.
pub(super) async fn serve(listener: TcpListener, app: Router, terms: Terms, stopping: CancellationToken) {
    let (connections, terms) = (TaskTracker::new(), Arc::new(terms));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => break,
        };
        match accepted {
            Ok((stream, from)) => {
                let Some(guest) = terms.door.enter(from.ip()) else { continue };
                let one = serve_one(stream, from, app.clone(), guest, Arc::clone(&terms), stopping.clone());
                connections.spawn(one);
            }
            Err(error) => {
                tracing::warn!(%error, "an HTTP connection was not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn serve_one(
    stream: TcpStream,
    from: SocketAddr,
    app: Router,
    guest: Guest,
    terms: Arc<Terms>,
    stopping: CancellationToken,
) {
    // An event of a stream is small and does not wait for the next.
    stream.set_nodelay(true).ok();
    let guest = Arc::new(guest);
    let spoken = CancellationToken::new();
    let (times, app) = (terms.times.clone(), TowerToHyperService::new(app));
    let service = service_fn({
        let (guest, spoken) = (Arc::clone(&guest), spoken.clone());
        move |request: hyper::Request<Incoming>| {
            guest.speaks();
            spoken.cancel();
            let mut request: Request = request.map(|body| Body::new(TimeoutBody::new(terms.times.http_stalled, body)));
            request.extensions_mut().insert(ConnectInfo(from));
            if let Some(uri) = without_base(request.uri(), &terms.base) {
                *request.uri_mut() = uri;
            }
            let (answer, answering) = (app.call(request), Answering(Arc::clone(&guest)));
            async move { Ok::<_, Infallible>(answer.await?.map(|body| Answer { body, _answering: answering })) }
        }
    });
    let stream = Patient::new(stream, times.http_stalled);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(times.http_next)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let mut first = pin!(tokio::time::timeout(times.http_first, spoken.cancelled()));
    let (mut waits, mut stops) = (true, false);
    loop {
        tokio::select! {
            // What has come is looked at before a time that is over.
            biased;
            ended = connection.as_mut() => {
                match ended {
                    Err(error) if error.is_timeout() => guest.was_silent(),
                    Err(error) => tracing::debug!(%error, address = %from, "an HTTP connection broke"),
                    Ok(()) => {}
                }
                return;
            }
            () = guest.makes_way() => return,
            spoke = first.as_mut(), if waits => {
                waits = false;
                if spoke.is_err() {
                    guest.was_silent();
                    return;
                }
            }
            () = stopping.cancelled(), if !stops => {
                stops = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// As long as this lives, the guest is being answered.
struct Answering(Arc<Guest>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.falls_silent();
    }
}

/// The body of an answer, dropped when it is sent or nobody reads it any more.
struct Answer {
    body: Body,
    _answering: Answering,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that breaks when what is written to it does not go out for too long: a client that asks and does not
/// read would hold its place for ever.
struct Patient<S> {
    stream: S,
    patience: Duration,
    /// Runs while something waits to go out.
    end: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Patient<S> {
    fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, end: None }
    }

    fn bounded<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.end = None;
            return polled;
        }
        let patience = self.patience;
        let end = self.end.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + patience)));
        match end.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bounded(polled, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.bounded(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.bounded(polled, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.bounded(polled, cx)
    }
}

#[cfg(test)]
mod tests;
