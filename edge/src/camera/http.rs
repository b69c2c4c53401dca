//! The camera `http`: a camera on the network, which sends a stream of pictures (`multipart/x-mixed-replace`) or one
//! picture for each request (`image/jpeg`). Which of the two is told by its answer.
//!
//! A thread of its own asks and reads, so that a camera that does not answer delays nobody; a connection that is
//! silent is given up. Credentials (HTTP Basic) come from a file or the environment and go to the address that is
//! configured, nowhere else: redirections are not followed.

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::Body;
use ureq::http::Response;
use ureq::tls::TlsConfig;

use super::jpeg_stream::{JpegStream, LARGEST_PICTURE};
use super::newest::{Live, Newest};
use super::pacing::Pacing;
use super::picture::Coded;
use super::{Camera, CameraError, Frame};
use crate::config::camera::HttpConfig;
use crate::model_store::fetch::root_certs;

/// How long a camera may take to accept a connection, to begin its answer, and to send the next bytes.
const SILENCE: Duration = Duration::from_secs(8);

/// The camera `http`. Dropped, it closes its connection.
#[derive(Debug)]
pub struct HttpCamera {
    live: Live,
    agent: ureq::Agent,
}

impl HttpCamera {
    /// Begins to ask the camera; whether it answers is seen with the first frame.
    ///
    /// # Errors
    /// [`CameraError::Failed`]: there is no password, or the certificates cannot be used.
    pub fn open(config: &HttpConfig) -> Result<Self, CameraError> {
        let failed = |words: String| CameraError::Failed(format!("{}: {words}", config.url));
        let mut tls = TlsConfig::builder();
        if let Some(path) = &config.ca_file {
            let words = |e| failed(format!("camera.ca_file: {} cannot be used: {e}", path.display()));
            tls = tls.root_certs(root_certs(path).map_err(words)?);
        }
        let password = config.password().map_err(|e| failed(e.to_string()))?;
        let agent = ureq::Agent::config_builder()
            .tls_config(tls.build())
            .timeout_resolve(Some(SILENCE))
            .timeout_connect(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .new_agent();
        let live = Live::new(config.url.to_string(), config.frames_per_second);
        let source =
            Source {
                agent: agent.clone(),
                url: config.url.expose().to_owned(),
                authorization: config.user.as_ref().zip(password).map(|(user, password)| {
                    format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose())))
                }),
                every: Pacing::new(config.frames_per_second).every(),
            };
        let newest = live.newest();
        let read = move || newest.end(source.read(&newest));
        thread::Builder::new().name("camera-http".to_owned()).spawn(read).map_err(|e| failed(e.to_string()))?;
        Ok(Self { live, agent })
    }
}

impl Camera for HttpCamera {
    fn next_frame(&mut self) -> Result<Frame, CameraError> {
        self.live.next_frame()
    }
}

impl Drop for HttpCamera {
    fn drop(&mut self) {
        // A read that waits for the camera ends at once.
        self.agent.clone().shutdown();
    }
}

/// What is asked for, and how often.
struct Source {
    agent: ureq::Agent,
    url: String,
    authorization: Option<String>,
    every: Duration,
}

impl Source {
    /// Asks and reads until it fails, or nobody looks any more. Returns why, in words.
    fn read(&self, newest: &Newest) -> String {
        loop {
            let begun = Instant::now();
            let result = self.ask().and_then(|answer| match kind(&answer) {
                Kind::Stream => Err(stream(answer.into_body(), newest)),
                Kind::Picture => picture(answer.into_body()),
                Kind::Foreign(found) => Err(format!(
                    "it answers with {found}: the url must be that of a JPEG picture or of an MJPEG stream"
                )),
            });
            let jpeg = match result {
                Ok(jpeg) => jpeg,
                Err(why) => return why,
            };
            let put = newest.put(Coded::Jpeg(jpeg));
            if put.and_then(|()| newest.wait_closed(self.every.saturating_sub(begun.elapsed()))).is_err() {
                return String::new();
            }
        }
    }

    fn ask(&self) -> Result<Response<Body>, String> {
        let mut request = self.agent.get(&self.url);
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let answer = request.call().map_err(|e| e.to_string())?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match answer.status().as_u16() {
            200 => Ok(answer),
            401 if self.authorization.is_none() => Err("it asks for a password: set camera.user and \
                camera.password_file"
                .to_owned()),
            401 if !header("www-authenticate").to_ascii_lowercase().contains("basic") => {
                Err("it asks for another kind of credentials than Basic: choose Basic in the camera's own settings, \
                     and https"
                    .to_owned())
            }
            401 | 403 => Err("it refuses camera.user or the password".to_owned()),
            301..=308 => Err("it sends elsewhere: set camera.url to that address".to_owned()),
            status => Err(format!("it answers {status}")),
        }
    }
}

enum Kind {
    Stream,
    Picture,
    Foreign(String),
}

fn kind(answer: &Response<Body>) -> Kind {
    match answer.body().mime_type().unwrap_or_default() {
        "multipart/x-mixed-replace" | "multipart/mixed" | "video/x-motion-jpeg" => Kind::Stream,
        "image/jpeg" | "image/jpg" | "image/pjpeg" => Kind::Picture,
        "" => Kind::Foreign("data of no type".to_owned()),
        other => Kind::Foreign(other.to_owned()),
    }
}

/// Reads a stream to its end, and says why it ended.
fn stream(body: Body, newest: &Newest) -> String {
    let mut body = body.into_with_config().limit(u64::MAX).reader();
    let mut stream = JpegStream::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let result = match body.read(&mut buffer) {
            Ok(0) => Err("the stream has ended".to_owned()),
            Ok(read) => newest.take_in(&mut stream, &buffer[..read]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => Ok(()),
            Err(e) => Err(format!("the stream broke off: {e}")),
        };
        if let Err(why) = result {
            return why;
        }
    }
}

/// Reads one picture.
fn picture(mut body: Body) -> Result<Vec<u8>, String> {
    body.with_config().limit(LARGEST_PICTURE as u64).read_to_vec().map_err(|e| e.to_string())
}
