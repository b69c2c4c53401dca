//! The preview, for whoever installs a bin: the live picture, the region drawn into it, the last items.
//!
//! It shows pictures from a public place, so it is off by default, asks for a one-time code ([`gate`])
//! that the log shows, and keeps nothing: the last few items are in memory, and gone with the program.
//! A region that is drawn holds at once, until the program ends; the page shows the line that makes it
//! stay ([`crate::region`] says why the program does not write it).

/// Who may see it.
pub mod gate;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pilah_models::name::{BinId, Label};
use pilah_models::preprocess;
use pilah_models::wire::{CameraState, Probation};
use serde::Serialize;
use tokio::sync::watch;
use tracing::{info, warn};

use self::gate::{Draw, Entry, Gate};
use super::http::{Reply, Request, Serve};
use super::live::Pictures;
use crate::camera::feed::Feed;
use crate::health::vitals::Vitals;
use crate::pipeline::{Item, Sight};
use crate::region::Region;
use crate::telemetry::Counters;
use crate::trigger::Scene;

/// The cookie that names a session.
const COOKIE: &str = "pilah_preview";

/// The last items that are shown; the oldest goes. At most 30 KB each.
const ITEMS: usize = 8;

/// The longer side of an item's picture, in pixels, and the most bytes of it.
const ITEM_SIDE: u32 = 240;
const ITEM_BYTES: usize = 30 * 1024;

/// The preview of a bin.
#[derive(Debug)]
pub struct Preview {
    bin: BinId,
    feed: Arc<Feed>,
    sight: Arc<Sight>,
    counters: Arc<Counters>,
    vitals: watch::Receiver<Vitals>,
    gate: Mutex<Gate>,
    items: Mutex<Items>,
}

#[derive(Debug, Default)]
struct Items {
    so_far: u64,
    last: VecDeque<Shown>,
}

#[derive(Debug)]
struct Shown {
    id: u64,
    label: Label,
    sure: bool,
    confidence: f32,
    latency_ms: f32,
    at: Instant,
    jpeg: Vec<u8>,
}

/// What the page asks for every second.
#[derive(Debug, Serialize)]
struct State<'a> {
    bin: &'a BinId,
    model: &'a str,
    probation: Option<&'a Probation>,
    taken_back: usize,
    camera: &'a CameraState,
    connected: bool,
    scene: &'static str,
    region: String,
    frames: u64,
    frames_skipped: u64,
    frames_corrupt: u64,
    uptime_s: f64,
    items: Vec<ItemState<'a>>,
}

#[derive(Debug, Serialize)]
struct ItemState<'a> {
    id: u64,
    label: &'a Label,
    sure: bool,
    confidence: f32,
    latency_ms: f32,
    seconds_ago: u64,
}

impl Preview {
    /// A preview of these parts of a bin.
    #[must_use]
    pub fn new(
        bin: BinId,
        feed: Arc<Feed>,
        sight: Arc<Sight>,
        counters: Arc<Counters>,
        vitals: watch::Receiver<Vitals>,
    ) -> Self {
        Self { bin, feed, sight, counters, vitals, gate: Mutex::new(Gate::new(draw())), items: Mutex::default() }
    }

    /// Keeps an item to be shown. Takes some milliseconds.
    pub fn handle_item(&self, item: &Item) {
        let picture = preprocess::shrink((*item.image).clone(), ITEM_SIDE);
        let jpeg = preprocess::encode_jpeg(&picture, ITEM_BYTES).unwrap_or_else(|error| {
            warn!(error = crate::words::in_words(&error), "the item is shown without its picture");
            Vec::new()
        });
        let mut items = lock(&self.items);
        items.so_far += 1;
        if items.last.len() == ITEMS {
            items.last.pop_back();
        }
        let shown = Shown {
            id: items.so_far,
            label: item.decision.outcome.guess().clone(),
            sure: item.decision.is_sure(),
            confidence: item.decision.confidence,
            latency_ms: item.latency.as_secs_f32() * 1000.0,
            at: Instant::now(),
            jpeg,
        };
        items.last.push_front(shown);
    }

    fn enter(&self, request: &Request, now: Instant) -> Reply {
        let body = String::from_utf8_lossy(&request.body);
        let offered = body.trim().strip_prefix("code=").unwrap_or_default();
        let (entry, next) = {
            let mut gate = lock(&self.gate);
            let before = gate.code().to_owned();
            let entry = gate.handle_code(offered, draw(), now);
            (entry, (gate.code() != before).then(|| gate.code().to_owned()))
        };
        if let Some(code) = next {
            info!(code, "preview: the code for the next browser");
        }
        match entry {
            Entry::Open(session) => Reply::plain(303, "come in")
                .with("Location", "/")
                .with("Set-Cookie", format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict")),
            Entry::Wrong => login(401, "That is not the code. A code opens once; the log shows the newest one."),
            Entry::Closed => login(429, "Too many wrong codes. Wait a minute; the log shows a new one."),
        }
    }

    fn state(&self, now: Instant) -> Reply {
        let vitals = self.vitals.borrow();
        let items = lock(&self.items);
        let state = State {
            bin: &self.bin,
            model: vitals.model.as_str(),
            probation: vitals.probation.as_ref(),
            taken_back: vitals.taken_back,
            camera: &vitals.camera,
            connected: vitals.connected,
            scene: match *self.sight.scene.borrow() {
                Scene::Empty => "empty",
                Scene::Moving => "moving",
                Scene::Settled => "settled",
                Scene::Classified => "classified",
            },
            region: self.sight.region.borrow().to_string(),
            frames: self.counters.frames.get(),
            frames_skipped: self.counters.frames_skipped.get(),
            frames_corrupt: self.counters.frames_corrupt.get(),
            uptime_s: now.saturating_duration_since(vitals.started).as_secs_f64(),
            items: items
                .last
                .iter()
                .map(|item| ItemState {
                    id: item.id,
                    label: &item.label,
                    sure: item.sure,
                    confidence: item.confidence,
                    latency_ms: item.latency_ms,
                    seconds_ago: now.saturating_duration_since(item.at).as_secs(),
                })
                .collect(),
        };
        json(200, &state)
    }

    fn picture(&self, file: &str) -> Reply {
        let id = file.strip_suffix(".jpg").and_then(|id| id.parse::<u64>().ok());
        let items = lock(&self.items);
        match items.last.iter().find(|item| Some(item.id) == id && !item.jpeg.is_empty()) {
            Some(item) => Reply::text(200, "image/jpeg", item.jpeg.clone()),
            None => Reply::plain(404, "this item is not shown any more"),
        }
    }

    /// Takes `[left, top, width, height]`. A page elsewhere cannot send this media type unasked.
    fn set_region(&self, request: &Request) -> Reply {
        if request.header("content-type") != Some("application/json") {
            return Reply::plain(422, "the region is sent as application/json");
        }
        match serde_json::from_slice::<Region>(&request.body) {
            Ok(region) => {
                info!(%region, "region tried in the preview");
                self.sight.region.send_replace(region);
                json(200, &serde_json::json!({ "toml": format!("[trigger]\nregion = {region}\n") }))
            }
            Err(error) => Reply::plain(422, &error.to_string()),
        }
    }
}

impl Serve for Preview {
    fn handle(&self, request: &Request, now: Instant) -> Reply {
        let inside = request.cookie(COOKIE).is_some_and(|session| lock(&self.gate).is_open_to(session, now));
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/preview.css") => Reply::text(200, "text/css; charset=utf-8", include_str!("page/preview.css")),
            ("GET", "/preview.js") => {
                Reply::text(200, "text/javascript; charset=utf-8", include_str!("page/preview.js"))
            }
            ("GET", "/icon.svg") => Reply::text(200, "image/svg+xml", include_str!("page/icon.svg")),
            ("POST", "/enter") => self.enter(request, now),
            ("GET", "/") if !inside => login(200, ""),
            _ if !inside => Reply::plain(401, "enter the code at / first"),
            ("GET", "/") => Reply::text(200, "text/html; charset=utf-8", include_str!("page/preview.html")),
            ("GET", "/live") => Reply::Live(Pictures::new(self.feed.watch())),
            ("GET", "/state") => self.state(now),
            ("POST", "/region") => self.set_region(request),
            ("GET", path) => match path.strip_prefix("/items/") {
                Some(file) => self.picture(file),
                None => Reply::plain(404, "there is no such page"),
            },
            _ => Reply::plain(405, "this cannot be done here"),
        }
    }

    fn begins(&self, at: SocketAddr) {
        info!(url = %format_args!("http://{at}/"), code = lock(&self.gate).code(), "preview");
    }
}

fn login(status: u16, problem: &str) -> Reply {
    let page = include_str!("page/enter.html").replace("{problem}", problem);
    Reply::text(status, "text/html; charset=utf-8", page)
}

fn json(status: u16, value: &impl Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(body) => Reply::text(status, "application/json", body),
        Err(error) => Reply::plain(500, &error.to_string()),
    }
}

/// From the operating system's generator, as `rand`'s generator of the thread is seeded.
fn draw() -> Draw {
    Draw { code: rand::random(), session: rand::random() }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
