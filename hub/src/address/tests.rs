use axum::http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(name.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(value).expect("a value"));
    }
    map
}

fn networks(names: &[&str]) -> Networks {
    Networks::from(names.iter().map(|name| name.parse().expect("a network")).collect::<Vec<Network>>())
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn networks_are_read_and_asked() {
    let some = networks(&["10.0.0.0/8", "127.0.0.1", "2001:db8::/32"]);
    for (address, inside) in [
        ("10.255.0.1", true),
        ("::ffff:10.0.0.1", true),
        ("11.0.0.1", false),
        ("127.0.0.1", true),
        ("127.0.0.2", false),
        ("2001:db8:5::1", true),
        ("::1", false),
    ] {
        assert_eq!(some.contain(ip(address)), inside, "{address}");
    }
    assert!(!Networks::default().contain(ip("127.0.0.1")));
    for bad in ["", "10.0.0.0/33", "localhost", "10.0.0"] {
        let error = bad.parse::<Network>().expect_err("is none").to_string();
        assert!(error.contains("10.0.0.0/8"), "{error}");
    }
}

#[test]
fn the_client_is_the_first_from_the_right_that_is_no_trusted_proxy() {
    let site = Site { public: None, proxies: networks(&["10.0.0.0/8"]) };
    // Who connects, what is said, who it is, and whether by TLS.
    type Said<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Said, &str, bool); 16] = [
        ("192.0.2.9", &[("x-forwarded-for", "203.0.113.1"), ("x-forwarded-proto", "https")], "192.0.2.9", false),
        ("10.0.0.1", &[], "10.0.0.1", false),
        ("::ffff:10.0.0.1", &[("x-forwarded-for", "203.0.113.1")], "203.0.113.1", false),
        ("10.0.0.1", &[("x-forwarded-for", "203.0.113.1"), ("x-forwarded-proto", "https")], "203.0.113.1", true),
        ("10.0.0.1", &[("x-forwarded-proto", "https")], "10.0.0.1", true),
        ("10.0.0.1", &[("x-forwarded-for", "8.8.8.8, 203.0.113.1")], "203.0.113.1", false),
        (
            "10.0.0.1",
            &[("x-forwarded-for", "8.8.8.8"), ("x-forwarded-for", "203.0.113.1, 10.0.0.2")],
            "203.0.113.1",
            false,
        ),
        ("10.0.0.1", &[("x-forwarded-for", "10.0.0.3")], "10.0.0.3", false),
        ("10.0.0.1", &[("x-forwarded-for", "nonsense")], "10.0.0.1", false),
        ("10.0.0.1", &[("x-forwarded-for", "203.0.113.1:4711")], "203.0.113.1", false),
        ("10.0.0.1", &[("forwarded", "for=203.0.113.1;proto=https;by=10.0.0.1")], "203.0.113.1", true),
        ("10.0.0.1", &[("forwarded", "For=\"[2001:db8::1]:4711\"; Proto=HTTPS")], "2001:db8::1", true),
        (
            "10.0.0.1",
            &[("forwarded", "for=8.8.8.8, for=203.0.113.1;proto=https, for=10.0.0.2;proto=http")],
            "203.0.113.1",
            true,
        ),
        ("10.0.0.1", &[("forwarded", "for=8.8.8.8, for=unknown")], "10.0.0.1", false),
        (
            "10.0.0.1",
            &[("forwarded", "for=203.0.113.1"), ("x-forwarded-for", "203.0.113.1"), ("x-forwarded-proto", "https")],
            "203.0.113.1",
            true,
        ),
        // One of the two was passed on as the client wrote it.
        (
            "10.0.0.1",
            &[("forwarded", "for=8.8.8.8;proto=https"), ("x-forwarded-for", "203.0.113.1")],
            "10.0.0.1",
            false,
        ),
    ];
    for (peer, said, client, https) in cases {
        let caller = site.caller(Some(ip(peer)), &headers(said));
        assert_eq!((caller.ip, caller.https), (Some(ip(client)), https), "{peer} {said:?}");
    }
    let not_named = site.caller(Some(ip("192.0.2.9")), &headers(&[("x-forwarded-for", "203.0.113.1")]));
    assert!(not_named.unnamed_proxy);
}

#[test]
fn what_is_our_own_page_behind_a_proxy() {
    let public: PublicUrl = "https://example.org/pilah".parse().expect("an address");
    let site = Site { public: Some(public), proxies: networks(&["10.0.0.1"]) };
    let asked =
        headers(&[("host", "hub:8080"), ("x-forwarded-for", "203.0.113.1"), ("x-forwarded-host", "alias.example")]);
    let proxied = site.caller(Some(ip("10.0.0.1")), &asked);
    assert_eq!((proxied.base(), proxied.https), ("/pilah/", true));
    let direct = site.caller(Some(ip("192.0.2.9")), &asked);
    assert_eq!((direct.base(), direct.https), ("/", false), "who comes round the proxy finds it without the path");
    for (origin, through, round) in [
        ("https://example.org", true, false),
        ("http://example.org", false, false),
        ("https://alias.example", true, false),
        ("http://hub:8080", true, true),
        ("https://evil.example", false, false),
        ("null", false, false),
    ] {
        assert_eq!(proxied.is_own_origin(origin, &asked), through, "{origin}");
        assert_eq!(direct.is_own_origin(origin, &asked), round, "{origin}");
    }
    let alone = Site { proxies: Networks::default(), ..site };
    assert_eq!(alone.caller(Some(ip("192.0.2.9")), &asked).base(), "/pilah/", "all come by the public address then");
}

#[test]
fn public_addresses() {
    for (text, origin, base) in [
        ("https://pilah.example.org", "https://pilah.example.org", "/"),
        ("https://Pilah.Example.org:443/", "https://pilah.example.org", "/"),
        ("http://10.0.0.7:8080/pilah", "http://10.0.0.7:8080", "/pilah/"),
        ("https://[2001:db8::1]/a//b/", "https://[2001:db8::1]", "/a/b/"),
        ("http://hub:80", "http://hub", "/"),
    ] {
        let url: PublicUrl = text.parse().expect("an address");
        assert_eq!((url.origin(), url.base()), (origin, base), "{text}");
        assert_eq!(url.to_string().parse::<PublicUrl>().expect("an address"), url);
    }
    for (text, words) in [
        ("pilah.example.org", "https://pilah.example.org/"),
        ("ftp://x/", "https://pilah.example.org/"),
        ("/pilah", "https://pilah.example.org/"),
        ("https://a:b@x/", "no name, password"),
        ("https://x/?y", "no name, password"),
        ("https://x/#y", "no name, password"),
        ("https://x/a\"b", "letters other than"),
        ("https://x/a%22b", "letters other than"),
        ("https://x/../b", "letters other than"),
    ] {
        let error = text.parse::<PublicUrl>().expect_err(text).to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn the_path_of_the_public_address_is_taken_off_once() {
    for (asked, base, expected) in [
        ("/pilah/api/v1/me?x=1", "/pilah/", Some("/api/v1/me?x=1")),
        ("/pilah/", "/pilah/", Some("/")),
        ("/pilah?x", "/pilah/", Some("/?x")),
        ("/pilahx", "/pilah/", None),
        ("/api/v1/me", "/pilah/", None),
        ("/a/b/c", "/a/b/", Some("/c")),
        ("/x", "/", None),
    ] {
        let found = without_base(&asked.parse().expect("an address"), base);
        assert_eq!(found.map(|uri| uri.to_string()).as_deref(), expected, "{asked} under {base}");
    }
}

proptest! {
    /// Whatever a client writes into the headers itself, an honest proxy adds its true address to the right.
    #[test]
    fn nobody_speaks_for_another(written in "[ -~]{0,60}", trusted in any::<bool>()) {
        let site = Site { public: None, proxies: networks(&["10.0.0.0/8"]) };
        let said = format!("{written}, 203.0.113.1");
        let peer = if trusted { "10.0.0.1" } else { "192.0.2.1" };
        let caller = site.caller(Some(ip(peer)), &headers(&[("x-forwarded-for", &said)]));
        prop_assert_eq!(caller.ip, Some(ip(if trusted { "203.0.113.1" } else { "192.0.2.1" })));
    }
}
