use std::time::Duration;

use image::{Rgb, RgbImage};
use pilah_models::name::ModelVersion;
use pilah_models::wire::Outcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::camera::{Frame, Pace};
use crate::decide::Decision;
use crate::local::http::serve;
use crate::pipeline::Cause;

struct Setup {
    preview: Preview,
    feed: Arc<Feed>,
    sight: Arc<Sight>,
    _vitals: watch::Sender<Vitals>,
}

fn setup() -> Setup {
    let (feed, counters) = (Arc::new(Feed::default()), Arc::new(Counters::default()));
    let sight = Arc::new(Sight::new(Region::WHOLE));
    let (vitals, seen) = watch::channel(Vitals::new(ModelVersion::new("m1").expect("valid"), Instant::now()));
    let bin = BinId::new("b1").expect("valid");
    let preview = Preview::new(bin, Arc::clone(&feed), Arc::clone(&sight), counters, seen);
    Setup { preview, feed, sight, _vitals: vitals }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Request { method: method.to_owned(), path: path.to_owned(), headers, body: body.as_bytes().to_vec() }
}

/// Status, headers in lines, and body.
fn whole(reply: Reply) -> (u16, String, String) {
    match reply {
        Reply::Whole { status, headers, body } => {
            let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            (status, headers.join("\n"), String::from_utf8_lossy(&body).into_owned())
        }
        Reply::Live(_) => panic!("a stream"),
    }
}

/// The cookie of a browser that entered the code.
fn session(preview: &Preview) -> String {
    let code = lock(&preview.gate).code().to_owned();
    let entered = preview.handle(&request("POST", "/enter", &[], &format!("code={code}")), Instant::now());
    let (status, headers, _) = whole(entered);
    assert_eq!(status, 303);
    let cookie = headers.lines().find_map(|line| line.strip_prefix("Set-Cookie: ")).expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    cookie.split(';').next().expect("name and value").to_owned()
}

fn item(label: &str, sure: bool) -> Item {
    let label = Label::new(label).expect("valid");
    let outcome = if sure { Outcome::Label { label } } else { Outcome::Unsure { guess: label } };
    Item {
        cause: Cause::Settled,
        chamber_known: true,
        decision: Decision { outcome, confidence: 0.75, probabilities: [].into() },
        agreed: true,
        frames: 3,
        latency: Duration::from_millis(120),
        model: ModelVersion::new("m1").expect("valid"),
        truth: None,
        image: Arc::new(RgbImage::from_pixel(640, 480, Rgb([200, 10, 10]))),
    }
}

#[test]
fn without_a_code_nothing_is_shown() {
    let Setup { preview, sight, .. } = setup();
    preview.handle_item(&item("glass", true));
    let now = Instant::now();
    for (method, path) in
        [("GET", "/live"), ("GET", "/state"), ("GET", "/items/1.jpg"), ("POST", "/region"), ("GET", "/x")]
    {
        for cookie in ["", "pilah_preview=", "pilah_preview=00000000000000000000000000000000"] {
            let headers = [("cookie", cookie), ("content-type", "application/json")];
            let (status, ..) = whole(preview.handle(&request(method, path, &headers, "[0.1,0.1,0.5,0.5]"), now));
            assert_eq!(status, 401, "{method} {path}");
        }
    }
    assert_eq!(*sight.region.borrow(), Region::WHOLE);
    let (status, _, page) = whole(preview.handle(&request("GET", "/", &[], ""), now));
    assert!(status == 200 && page.contains("name=\"code\"") && !page.contains("/live"), "{page}");
    assert!(!page.contains(lock(&preview.gate).code()), "the code is in the log alone");
    let (status, _, page) = whole(preview.handle(&request("POST", "/enter", &[], "code=0000-0000"), now));
    assert!(status == 401 && page.contains("not the code"), "{page}");
}

#[test]
fn a_code_opens_the_page_the_state_and_the_items() {
    let Setup { preview, .. } = setup();
    let cookie = session(&preview);
    let get = |path: &str| whole(preview.handle(&request("GET", path, &[("cookie", &cookie)], ""), Instant::now()));
    assert!(get("/").2.contains("Live picture"));
    for n in 0..=ITEMS {
        preview.handle_item(&item(if n % 2 == 0 { "glass" } else { "metal" }, n % 3 == 0));
    }
    let state: serde_json::Value = serde_json::from_str(&get("/state").2).expect("JSON");
    assert_eq!((&state["bin"], &state["model"], &state["scene"]), (&"b1".into(), &"m1".into(), &"empty".into()));
    assert_eq!((&state["taken_back"], state["probation"].is_null()), (&0.into(), true));
    assert_eq!(state["region"], "[0.000, 0.000, 1.000, 1.000]");
    let items = state["items"].as_array().expect("a list");
    assert_eq!(items.len(), ITEMS, "the oldest is gone");
    assert_eq!((&items[0]["id"], &items[0]["label"], &items[0]["sure"]), (&9.into(), &"glass".into(), &false.into()));
    let (status, headers, _) = get("/items/9.jpg");
    assert!(status == 200 && headers.contains("image/jpeg"), "{headers}");
    for gone in ["/items/1.jpg", "/items/99.jpg", "/items/../../etc/passwd", "/items/9.png"] {
        assert_eq!(get(gone).0, 404, "{gone}");
    }
}

#[test]
fn a_region_holds_at_once_and_is_told_as_the_line_that_keeps_it() {
    let Setup { preview, sight, .. } = setup();
    let cookie = session(&preview);
    let send = |kind: &str, body: &str| {
        let headers = [("cookie", cookie.as_str()), ("content-type", kind)];
        whole(preview.handle(&request("POST", "/region", &headers, body), Instant::now()))
    };
    for (kind, body) in [
        ("application/json", "[0.5, 0.0, 0.6, 1.0]"),
        ("application/json", "[0.5]"),
        ("application/json", "all"),
        ("text/plain", "[0.25, 0.1, 0.5, 0.5]"),
    ] {
        assert_eq!(send(kind, body).0, 422, "{kind} {body}");
    }
    assert_eq!(*sight.region.borrow(), Region::WHOLE);
    let (status, _, answer) = send("application/json", "[0.25, 0.1, 0.5, 0.5]");
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!((status, &answer["toml"]), (200, &"[trigger]\nregion = [0.250, 0.100, 0.500, 0.500]\n".into()));
    assert_eq!(*sight.region.borrow(), Region::try_from([0.25, 0.1, 0.5, 0.5]).expect("valid"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_live_picture_is_one_jpeg_after_the_other() {
    let Setup { preview, feed, _vitals, .. } = setup();
    let cookie = session(&preview);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let serving = tokio::spawn(serve(listener, Arc::new(preview)));
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let asked = format!("GET /live HTTP/1.1\r\nCookie: {cookie}\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.expect("writes");
    let mut bytes = Vec::new();
    let mut number = 0_u8;
    // Pictures come for as long as it takes to see three of them arrive.
    while bytes.windows(4).filter(|w| *w == [0xff, 0xd8, 0xff, 0xe0]).count() < 3 {
        number = number.wrapping_add(1);
        let rgb = Arc::new(RgbImage::from_pixel(64, 48, Rgb([number, 0, 0])));
        feed.give(Frame { rgb, at: Duration::from_millis(u64::from(number)), truth: None }, Pace::Timeline)
            .expect("open");
        let read = tokio::time::timeout(Duration::from_millis(50), stream.read_buf(&mut bytes)).await;
        assert!(!matches!(read, Ok(Ok(0) | Err(_))), "it goes on");
    }
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("multipart/x-mixed-replace; boundary=pilah-next-picture"), "{text:.400}");
    assert!(text.contains("\r\n--pilah-next-picture\r\nContent-Type: image/jpeg\r\n"), "{text:.400}");
    serving.abort();
}
