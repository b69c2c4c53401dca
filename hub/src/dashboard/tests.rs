use crate::testing::TestHub;

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

#[tokio::test]
async fn the_page_answers_wherever_a_browser_opens_it() {
    let hub = TestHub::start().await;
    let page = hub.request("GET", "/", &[BROWSER], None).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), "no-cache");
    for path in ["/classify", "/fleet/bin-1", "/models/m1?tab=report", "/forecasts", "/index.html", "/no-such-page"] {
        let same = hub.request("GET", path, &[BROWSER], None).await;
        assert_eq!((same.status, same.text() == page.text()), (200, true), "{path}");
        assert_eq!(same.header("cache-control"), "no-cache", "{path}");
    }
    for path in ["/api", "/api/v1/none", "/assets/none.js", "/assets/none", "/health/x", "/retrain/x", "/forecast/x"] {
        let none = hub.request("GET", path, &[BROWSER], None).await;
        assert_eq!((none.status, none.header("content-type")), (404, "application/problem+json"), "{path}");
    }
    let script = hub.request("GET", "/fleet/bin-1", &[("accept", "*/*")], None).await;
    assert_eq!((script.status, script.header("content-type")), (404, "application/problem+json"));
    assert_eq!(hub.request("POST", "/fleet", &[BROWSER, ("x-pilah-csrf", "1")], None).await.status, 404);
    let tag = page.header("etag");
    let again = hub.request("GET", "/", &[BROWSER, ("if-none-match", tag)], None).await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag));
}

#[tokio::test]
async fn what_a_page_may_do_is_said_with_it() {
    let hub = TestHub::start().await;
    let page = hub.request("GET", "/", &[BROWSER], None).await;
    let policy: Vec<&str> = page.header("content-security-policy").split("; ").collect();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' blob: data:",
        "media-src blob:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(&rule), "{rule}: {policy:?}");
    }
    assert_eq!(page.header("permissions-policy"), "camera=(self), microphone=()");
}

#[cfg(feature = "ui")]
mod with_files {
    use std::io::Read as _;

    use super::*;

    /// The addresses of scripts and styles that a page loads.
    fn loaded(page: &str) -> Vec<String> {
        let after = |attribute: &str| -> Vec<String> {
            page.split(attribute).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
        };
        let mut found = after("src=\"");
        found.extend(after("href=\"").into_iter().filter(|to| to.ends_with(".css") || to.ends_with(".js")));
        // Relative to the path that the page names, which is the root here.
        found.iter().map(|to| format!("/{}", to.trim_start_matches("./").trim_start_matches('/'))).collect()
    }

    #[tokio::test]
    async fn every_file_that_a_page_loads_is_there_and_compressed() {
        let hub = TestHub::start().await;
        let page = hub.request("GET", "/", &[BROWSER], None).await.text();
        assert!(page.contains("<div id=\"root\">"), "{page}");
        let mut loaded = loaded(&page);
        assert!(loaded.iter().any(|address| address.starts_with("/assets/") && address.ends_with(".js")), "{page}");
        let plain = hub.request("GET", "/retrain.html", &[], None).await;
        assert_eq!((plain.status, plain.header("content-type")), (200, "text/html; charset=utf-8"));
        loaded.extend(self::loaded(&plain.text()));
        assert!(loaded.iter().any(|address| address == "/retrain.js"), "{loaded:?}");
        for address in &loaded {
            let plain = hub.request("GET", address, &[], None).await;
            assert_eq!(plain.status, 200, "{address}");
            let kind = plain.header("content-type");
            assert!(kind.starts_with("text/javascript") || kind.starts_with("text/css"), "{address}: {kind}");
            let keep = plain.header("cache-control");
            assert_eq!(keep.contains("immutable"), address.starts_with("/assets/"), "{address}: {keep}");
            assert_eq!(plain.header("x-content-type-options"), "nosniff", "{address}");

            let small = hub.request("GET", address, &[("accept-encoding", "gzip")], None).await;
            let compressed = small.header("content-encoding") == "gzip";
            assert_eq!(compressed, plain.body.len() > 1024, "{address}: {}", plain.body.len());
            if compressed {
                let mut read = Vec::new();
                flate2::read::GzDecoder::new(small.body.as_slice()).read_to_end(&mut read).expect("is gzip");
                assert!(read == plain.body && small.body.len() < plain.body.len(), "{address}");
            }
        }
        assert!(page.contains("<base href=\"/\" />"), "{page}");
        assert_eq!(page.matches("=\"/").count(), 1, "all else is relative to that: {page}");
        let icon = hub.request("GET", "/icon.svg", &[], None).await;
        assert_eq!((icon.status, icon.header("content-type")), (200, "image/svg+xml"));
    }
}

#[cfg(not(feature = "ui"))]
#[tokio::test]
async fn without_the_dashboard_the_page_says_how_to_get_it() {
    let hub = TestHub::start().await;
    let page = hub.request("GET", "/", &[BROWSER], None).await;
    assert!(page.status == 200 && page.text().contains("--no-default-features"), "{}", page.text());
}
