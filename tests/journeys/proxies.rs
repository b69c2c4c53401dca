//! A hub behind nginx, in three ways: people log in, see pages and events, and are told apart; or are told what to set.
//!
//! What is asked is asked as a browser does it that speaks no TLS, which says by `Origin` alone where it comes from.

use std::net::Ipv4Addr;
use std::time::Duration;

use pilah_tests::hub::{ADMIN_PASSWORD, Hub};
use pilah_tests::model;
use pilah_tests::nginx::Nginx;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

#[test]
fn people_use_it_behind_nginx_or_are_told_what_to_set() {
    let bundle = tempfile::tempdir().expect("a temporary folder");
    model::write(&model::untrained("m0"), bundle.path());
    let mut hub = Hub::with_embedded_broker(bundle.path());
    let nginx = Nginx::before(hub.http_port());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");

    // Not told of the proxy, the hub cannot know its own page, and says so.
    for port in [nginx.plain, nginx.as_guides_say] {
        let refused = runtime.block_on(Browser::at(port, "/", HERE).login(ADMIN_PASSWORD));
        assert_eq!(refused.status, 403, "{}", refused.body);
        assert!(refused.body.contains(&format!("--public-url http://127.0.0.1:{port}/")), "{}", refused.body);
    }

    for (port, base) in [(nginx.plain, "/"), (nginx.under_a_path, "/pilah/"), (nginx.as_guides_say, "/")] {
        hub.restart_with(&["--public-url".to_owned(), format!("http://127.0.0.1:{port}{base}")]);
        runtime.block_on(visit(&Browser::at(port, base, HERE)));
    }

    hub.restart_with(&[
        "--public-url".to_owned(),
        format!("http://127.0.0.1:{}", nginx.as_guides_say),
        "--trusted-proxy".to_owned(),
        "127.0.0.1".to_owned(),
    ]);
    runtime.block_on(async {
        let (here, elsewhere) =
            (Browser::at(nginx.as_guides_say, "/", HERE), Browser::at(nginx.as_guides_say, "/", ELSEWHERE));
        for _ in 0..10 {
            assert_eq!(here.login("wrong").await.status, 401);
        }
        let locked = here.login(ADMIN_PASSWORD).await;
        assert_eq!((locked.status, locked.header("retry-after").is_some()), (429, true), "{}", locked.body);
        assert_eq!(elsewhere.login(ADMIN_PASSWORD).await.status, 200, "who did not fail is not locked out");
    });
}

/// Opens the page and what it loads, logs in, changes something, and watches.
async fn visit(browser: &Browser) {
    let page = browser.ask("GET", "", &[("Accept", "text/html")], "").await;
    assert!(page.body.contains(&format!("<base href=\"{}\" />", browser.base)), "{}", page.body);
    for file in page.body.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let script = browser.ask("GET", file.trim_start_matches("./"), &[], "").await;
        assert_eq!(
            (script.status, script.header("content-type")),
            (200, Some("text/javascript; charset=utf-8")),
            "{file}"
        );
    }
    let deep = browser.ask("GET", "fleet/b1", &[("Accept", "text/html")], "").await;
    assert_eq!(deep.body, page.body, "each page is the same");

    let login = browser.login(ADMIN_PASSWORD).await;
    assert_eq!(login.status, 200, "{}", login.body);
    let set = login.header("set-cookie").expect("a cookie");
    assert!(set.contains(&format!("; Path={};", browser.base)) && !set.contains("Secure"), "{set}");
    let cookie = set.split(';').next().expect("a pair");
    let made = browser.ask("POST", "api/v1/dataset/versions", &[("Cookie", cookie)], "{}").await;
    assert_eq!(made.status, 200, "{}", made.body);

    let mut stream = browser.send("GET", "api/v1/live", &[("Cookie", cookie)], "").await;
    let first = async {
        let (mut reader, mut said) = (BufReader::new(&mut stream), String::new());
        while !said.contains("retry: ") {
            assert_ne!(reader.read_line(&mut said).await.expect("reads"), 0, "{said}");
        }
        said
    };
    let said = tokio::time::timeout(Duration::from_secs(30), first).await.expect("events are not held back");
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    let out = browser.ask("POST", "api/v1/logout", &[("Cookie", cookie)], "").await;
    assert_eq!(out.status, 204);
    let end = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut Vec::new())).await;
    end.expect("the stream ends with the session").expect("in good order");
}

/// A browser, as far as it matters here.
struct Browser {
    port: u16,
    base: &'static str,
    from: Ipv4Addr,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Browser {
    fn at(port: u16, base: &'static str, from: Ipv4Addr) -> Self {
        Self { port, base, from }
    }

    async fn login(&self, password: &str) -> Answer {
        let body = json!({ "user": "admin", "password": password }).to_string();
        self.ask("POST", "api/v1/login", &[], &body).await
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = self.send(method, path, headers, body).await;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.expect("an answer");
        let all = String::from_utf8_lossy(&all);
        let (head, body) = all.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// HTTP/1.0, so that bodies come as they are.
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((self.from, 0).into()).expect("an address of this machine");
        let mut stream = socket.connect((HERE, self.port).into()).await.expect("nginx listens");
        let host = format!("127.0.0.1:{}", self.port);
        let mut request = format!("{method} {}{path} HTTP/1.0\r\nHost: {host}\r\nOrigin: http://{host}\r\n", self.base);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            request += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        }
        request += "\r\n";
        stream.write_all(request.as_bytes()).await.expect("writes");
        stream.write_all(body.as_bytes()).await.expect("writes");
        stream
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}
