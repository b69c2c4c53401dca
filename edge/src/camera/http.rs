//! The camera `http`: a camera on the network, which sends a stream of pictures (`multipart/x-mixed-replace`) or one
//! picture for each request (`image/jpeg`). Which of the two is told by its answer.
//!
//! A thread of its own asks and reads, so that a camera that does not answer delays nobody; a connection that is
//! silent is given up. Credentials come from a file or the environment, are told when the camera asks (Digest rather
//! than Basic), and go to its own host alone: redirections to another are not followed.

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use http_auth::{PasswordClient, PasswordParams};
use ureq::Body;
use ureq::http::Response;
use ureq::tls::TlsConfig;

use self::address::{path_of, redirected};
use super::foreign;
use super::jpeg_stream::{JpegStream, LARGEST_PICTURE};
use super::newest::{Live, Newest};
use super::pacing::Pacing;
use super::picture::Coded;
use super::settings::HttpConfig;
use super::{Camera, CameraError, Frame};
use crate::certificates::root_certs;
use crate::masked::masked;
use crate::secret::Secret;

/// Where an answer sends elsewhere.
mod address;

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
        let source = Source {
            agent: agent.clone(),
            url: config.url.expose().to_owned(),
            user: config.user.clone().zip(password),
            challenge: None,
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
    /// Where it is now: the address that is configured, or where that sends.
    url: String,
    user: Option<(String, Secret)>,
    /// What the camera wants to be told with each request, once it has said so.
    challenge: Option<PasswordClient>,
    every: Duration,
}

impl Source {
    /// Asks and reads until it fails, or nobody looks any more. Returns why, in words and without credentials.
    fn read(mut self, newest: &Newest) -> String {
        let why = self.read_on(newest);
        let password = self.user.as_ref().map(|(_, password)| password.expose());
        // A query may hold a token by any name.
        let path = path_of(&self.url);
        let query = path.split_once('?').map(|(_, query)| query).filter(|query| query.len() >= 6);
        let secrets: Vec<&str> = password.into_iter().chain(query).collect();
        masked(&why, &secrets)
    }

    fn read_on(&mut self, newest: &Newest) -> String {
        loop {
            let begun = Instant::now();
            let result = self.ask().and_then(|answer| match kind(&answer) {
                Kind::Stream => Err(stream(answer.into_body(), newest).1),
                Kind::Picture => picture(answer.into_body()).map(Some),
                // One picture of unknown type and length is known by what follows it: nothing.
                Kind::Unknown => match stream(answer.into_body(), newest) {
                    (1, _) => Ok(None),
                    (_, why) => Err(why),
                },
                Kind::Foreign(found) => Err(found),
            });
            let put = match result {
                Ok(Some(jpeg)) => newest.put(Coded::Jpeg(jpeg)),
                Ok(None) => Ok(()),
                Err(why) => return why,
            };
            if put.and_then(|()| newest.wait_closed(self.every.saturating_sub(begun.elapsed()))).is_err() {
                return String::new();
            }
        }
    }

    /// Asks once; answers what the camera wants to know, and follows where it sends within itself.
    fn ask(&mut self) -> Result<Response<Body>, String> {
        let (mut told, mut followed) = (0, 0);
        loop {
            let authorization = self.authorization()?;
            let mut request = self.agent.get(&self.url);
            if let Some(authorization) = &authorization {
                request = request.header("Authorization", authorization);
            }
            let answer = request.call().map_err(|e| e.to_string())?;
            let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
            match answer.status().as_u16() {
                200 => return Ok(answer),
                401 if self.user.is_none() => {
                    return Err("it wants a login; set camera.user and camera.password_file".to_owned());
                }
                // Once for the first challenge, and once more: what it wanted to know before may be stale.
                401 if told < 2 => {
                    let challenges: Vec<_> =
                        answer.headers().get_all("www-authenticate").iter().filter_map(|v| v.to_str().ok()).collect();
                    let is_stale = challenges.iter().any(|text| text.to_ascii_lowercase().contains("stale=true"));
                    if authorization.is_some() && told > 0 && !is_stale {
                        return Err(REFUSED.to_owned());
                    }
                    self.challenge = Some(understood(&challenges)?);
                    told += 1;
                }
                401 | 403 => return Err(REFUSED.to_owned()),
                301 | 302 | 303 | 307 | 308 if followed < MOST_REDIRECTIONS => {
                    self.url = redirected(&self.url, header("location").unwrap_or_default())?;
                    followed += 1;
                }
                300..=399 => {
                    return Err("it sends elsewhere again and again: set camera.url to that address".to_owned());
                }
                status => return Err(format!("it answers {status}")),
            }
        }
    }

    /// The answer to the challenge that the camera gave.
    fn authorization(&mut self) -> Result<Option<String>, String> {
        let (Some((user, password)), Some(challenge)) = (&self.user, &mut self.challenge) else { return Ok(None) };
        let params = PasswordParams {
            username: user,
            password: password.expose(),
            uri: &path_of(&self.url),
            method: "GET",
            body: Some(&[]),
        };
        challenge
            .respond(&params)
            .map(Some)
            .map_err(|e| format!("its question for the password is not understood: {e}"))
    }
}

const REFUSED: &str = "it refuses camera.user or the password";

/// More than one camera needs.
const MOST_REDIRECTIONS: usize = 5;

/// What the camera wants to be told: Digest, if it knows that, or Basic. One that says nothing means Basic.
fn understood(challenges: &[&str]) -> Result<PasswordClient, String> {
    let all = match challenges {
        [] => "Basic realm=\"camera\"".to_owned(),
        some => some.join(", "),
    };
    PasswordClient::try_from(all.as_str()).map_err(|_| {
        let kinds: Vec<_> = all.split(',').filter_map(|part| part.trim().split(' ').next()).collect();
        let kind = kinds.first().copied().unwrap_or_default();
        format!(
            "it asks for another kind of credentials ({kind}) than Basic or Digest: choose one of these in its settings"
        )
    })
}

enum Kind {
    Stream,
    Picture,
    /// One or the other, by its content.
    Unknown,
    /// Neither, in words.
    Foreign(String),
}

/// What an answer holds, by its type; where that says nothing, its content is looked at.
fn kind(answer: &Response<Body>) -> Kind {
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let full = header("content-type").to_ascii_lowercase();
    let of = full.split(';').next().unwrap_or_default().trim();
    match of {
        "multipart/x-mixed-replace"
        | "multipart/mixed"
        | "video/x-motion-jpeg"
        | "video/mjpeg"
        | "video/x-mjpeg"
        | "video/jpeg"
        | "video/x-jpeg" => Kind::Stream,
        "image/jpeg" | "image/jpg" | "image/pjpeg" | "image/x-jpeg" => Kind::Picture,
        "" | "application/octet-stream" | "binary/octet-stream" | "application/binary" | "text/plain" => Kind::Unknown,
        "video/h264" | "video/x-h264" => Kind::Foreign(foreign::instead("H.264 video")),
        video if video.starts_with("video/") => Kind::Foreign(foreign::instead(video)),
        other => Kind::Foreign(format!(
            "it answers with {other}: the url must be that of a JPEG picture or of an MJPEG stream"
        )),
    }
}

/// Reads a stream to its end, and says how many pictures came and why it ended.
fn stream(body: Body, newest: &Newest) -> (u64, String) {
    let mut body = body.into_with_config().limit(u64::MAX).reader();
    let mut stream = JpegStream::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let result = match body.read(&mut buffer) {
            Ok(0) if stream.is_within_picture() => {
                // One that is closed needs to know of no damage.
                newest.damaged("a picture was cut off by the end of the data").ok();
                return (stream.pictures() + 1, "the stream has ended within a picture".to_owned());
            }
            Ok(0) if stream.head().is_empty() => Err("the stream has ended, and held nothing".to_owned()),
            Ok(0) if stream.pictures() == 0 => Err("the stream has ended, and held no JPEG picture".to_owned()),
            Ok(0) => Err("the stream has ended".to_owned()),
            Ok(read) => newest.take_in(&mut stream, &buffer[..read]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => Ok(()),
            Err(e) => Err(format!("the stream broke off: {e}")),
        };
        if let Err(why) = result {
            return (stream.pictures(), why);
        }
    }
}

/// Reads one picture.
fn picture(mut body: Body) -> Result<Vec<u8>, String> {
    body.with_config().limit(LARGEST_PICTURE as u64).read_to_vec().map_err(|e| e.to_string())
}
