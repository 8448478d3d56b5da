//! The gallery in a real browser, headless, and the same pages as bytes.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use badgateway::{Class, Close, Method, Rule, Written};

use crate::harness::{Gateway, Setup};

fn gallery() -> Gateway {
    Setup::new(&["--timeout", "1"]).start()
}

fn chromium() -> Option<PathBuf> {
    let paths = env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = env::split_paths(&paths).flat_map(|folder| names.map(|name| folder.join(name)));
    let found = found.into_iter().find(|path| path.is_file());
    if found.is_none() {
        eprintln!("\n*** NO CHROMIUM IN PATH: the pages are NOT tested in a browser ***\n");
    }
    found
}

/// The page as the browser has it once it is loaded.
fn dom(browser: &PathBuf, url: &str) -> String {
    let name = url.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let profile = env::temp_dir().join(format!("gateway-{}-{name}", process::id()));
    let mut child = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--dump-dom", url])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut page = child.stdout.take().unwrap();
    let reader = thread::spawn(move || std::io::read_to_string(&mut page));
    let until = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the browser does not come to an end with {url}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    let _ = fs::remove_dir_all(profile);
    reader.join().unwrap().unwrap()
}

/// What stands between `<tag ...>` and `</tag>` the first time.
fn inside<'p>(page: &'p str, tag: &str) -> &'p str {
    let start = page.find(&format!("<{tag}")).unwrap_or_else(|| panic!("no {tag}: {page}"));
    let start = start + page[start..].find('>').unwrap() + 1;
    let end = page[start..].find(&format!("</{tag}>")).unwrap();
    &page[start..start + end]
}

/// A title, a heading, a sentence, and a language; and nothing that is fetched or run.
fn is_a_page(page: &str, code: &str) {
    assert!(inside(page, "title").contains(code), "{page}");
    assert!(!inside(page, "h1").trim().is_empty(), "{page}");
    let sentence = inside(page, "p");
    assert!(sentence.contains(' ') && sentence.contains('.'), "{sentence}");
    assert!(page.contains("lang=\"en\"") && page.contains("name=\"viewport\""), "{page}");
    assert!(!page.contains("<script"), "{page}");
}

#[test]
fn the_pages_show_in_a_browser() {
    let Some(browser) = chromium() else { return };
    let gateway = gallery();
    let page = |path: &str| dom(&browser, &format!("http://{}{path}", gateway.address));
    let news = page("/news");
    is_a_page(&news, "502");
    assert!(news.contains("Bad Gateway") || news.contains("Bad gateway"), "{news}");
    is_a_page(&page("/slow-news"), "504");
    has_every_rule(&page("/"));
}

#[test]
fn the_pages_are_sent_as_they_should_be() {
    let gateway = gallery();
    let ask = |target: &str| {
        gateway
            .ask(&format!("GET {target} HTTP/1.1\r\nHost: {}\r\nAccept: text/html\r\n\r\n", gateway.address))
    };
    for (target, status) in [("/news", 502), ("/slow-news", 504)] {
        let got = ask(target);
        got.answers(status);
        assert_eq!(got.get("Content-Type").as_deref(), Some("text/html; charset=UTF-8"));
        // The reader has counted the content by it.
        assert_eq!(got.get("Content-Length").unwrap(), got.content.len().to_string());
        is_a_page(&got.text(), &status.to_string());
    }
    let news = ask("/news");
    assert!(news.wire.starts_with(b"HTTP/1.1 502 Bad Gateway\r\n"), "{news:?}");
    let index = ask("/").whole();
    assert_eq!(index.status(), 200);
    assert!(index.get("Content-Type").unwrap().starts_with("text/html"), "{index:?}");
    has_every_rule(&index.text());
}

/// Core rules that have an example are all there, with a link where a plain GET is enough to see it.
fn has_every_rule(page: &str) {
    assert!(!inside(page, "title").trim().is_empty() && !inside(page, "h1").trim().is_empty());
    for rule in Rule::all().filter(|rule| rule.class() == Class::Core) {
        let Some(example) = rule.example() else { continue };
        let asked = example.exchange;
        let is_plain = asked.method() == Method::Idempotent
            && asked.request_written() == Written::Whole
            && !asked.offers_upgrade()
            && example.close != Some(Close::Abandoned);
        let wanted = if is_plain { format!("href=\"/rule/{rule}\"") } else { rule.to_string() };
        assert!(page.contains(&wanted), "no {wanted}");
    }
    assert!(!page.contains("<script"));
}

/// Every link leads to what its rule promises: an answer, a reply put right, or an abort; never to an invalid byte,
/// which the client's reader would refuse.
#[test]
fn every_link_of_the_gallery_can_be_followed() {
    let gateway = gallery();
    let index = gateway.get("/").whole().text();
    let links: Vec<&str> =
        index.split("href=\"/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.len() > 60, "only {} links", links.len());
    thread::scope(|scope| {
        for part in links.chunks(links.len().div_ceil(8)) {
            let gateway = &gateway;
            scope.spawn(move || {
                for link in part {
                    let got = gateway.get(&format!("/{link}"));
                    assert!(got.complete || got.head.is_some(), "/{link}: {got:?}");
                    if got.complete
                        && got.head().all("Proxy-Status").iter().any(|s| s.starts_with("badgateway;"))
                    {
                        got.answers(got.status());
                    }
                }
            });
        }
    });
}
