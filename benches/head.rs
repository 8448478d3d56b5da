//! The verdict on a head beside httparse on the same bytes, in one run.
//!
//! "hot" repeats one head; "varied" walks 300 variants of it in turn (fields in another order, some left out, opaque
//! values of another length and text), so that branch predictors cannot learn the input by heart.
//!
//! What httparse does not do: decide framing, look into any value, hold repeated fields together, take a policy, say
//! where and why. What badgateway does not do until asked: tell names and values apart, which "+fields" adds.
use std::hint::black_box;
use std::time::Duration;

use badgateway::{Event, Exchange, Framing, Head, Parser, Policy};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const VARIANTS: usize = 300;

/// `~` stands for any letter or digit, `#` for a digit from 1; lines end in CRLF on the wire.
const HEADS: [(&str, &str); 7] = [
    ("204", "HTTP/1.1 204 No Content\nDate: Tue, ## Nov 2026 ##:##:## GMT\n"),
    (
        "go-json",
        "HTTP/1.1 200 OK\nContent-Type: application/json\nDate: Tue, ## Nov 2026 ##:##:## GMT\nContent-Length: ####\n",
    ),
    (
        "nginx-file",
        "HTTP/1.1 200 OK\nServer: nginx/1.2#.#\nDate: Tue, ## Nov 2026 ##:##:## GMT\nContent-Type: text/html\n\
         Content-Length: #####\nLast-Modified: Mon, ## Oct 2026 ##:##:## GMT\nConnection: keep-alive\n\
         ETag: \"~~~~~~~~-~~~~\"\nAccept-Ranges: bytes\n",
    ),
    (
        "app-chunked",
        "HTTP/1.1 200 OK\nServer: nginx\nDate: Tue, ## Nov 2026 ##:##:## GMT\n\
         Content-Type: text/html; charset=utf-8\nTransfer-Encoding: chunked\nConnection: keep-alive\n\
         Vary: Accept-Encoding\nCache-Control: max-age=0, private, must-revalidate\n\
         Set-Cookie: _session=~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~; path=/; HttpOnly; SameSite=Lax\n\
         X-Request-Id: ~~~~~~~~-~~~~-~~~~-~~~~-~~~~~~~~~~~~\nX-Runtime: 0.0#####\n\
         Strict-Transport-Security: max-age=63072000; includeSubDomains\nContent-Encoding: gzip\n",
    ),
    (
        "object-store",
        "HTTP/1.1 200 OK\nX-GUploader-UploadID: ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n\
         Expires: Tue, ## Nov 2026 ##:##:## GMT\nDate: Tue, ## Nov 2026 ##:##:## GMT\n\
         Cache-Control: public, max-age=3600\nLast-Modified: Mon, ## Oct 2026 ##:##:## GMT\n\
         ETag: \"~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\"\nx-goog-generation: ################\n\
         x-goog-metageneration: #\nx-goog-stored-content-encoding: identity\nx-goog-stored-content-length: ######\n\
         Content-Type: image/png\nx-goog-hash: crc32c=~~~~~~==\nx-goog-hash: md5=~~~~~~~~~~~~~~~~~~~~~~==\n\
         x-goog-storage-class: STANDARD\nAccept-Ranges: bytes\nContent-Length: ######\nServer: UploadServer\n\
         Alt-Svc: h3=\":443\"; ma=2592000\n",
    ),
    (
        "cdn-page",
        "HTTP/1.1 200 OK\nDate: Tue, ## Nov 2026 ##:##:## GMT\nContent-Type: text/html; charset=UTF-8\n\
         Transfer-Encoding: chunked\nConnection: keep-alive\nCF-Ray: ~~~~~~~~~~~~~~~~-FRA\n\
         Report-To: {\"endpoints\":[{\"url\":\"https://a.example/report/v4?s=~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\
         ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\"}],\"group\":\"cf-nel\",\"max_age\":604800}\n\
         NEL: {\"success_fraction\":0,\"report_to\":\"cf-nel\",\"max_age\":604800}\nCF-Cache-Status: HIT\nAge: ####\n\
         Cache-Control: public, max-age=14400\nLast-Modified: Mon, ## Oct 2026 ##:##:## GMT\n\
         Link: <https://a.example/~~~~~~~~~~~~~~~~.css>; rel=preload; as=style\nVary: Accept-Encoding\n\
         Strict-Transport-Security: max-age=31536000; preload\nX-Content-Type-Options: nosniff\n\
         X-Frame-Options: SAMEORIGIN\nServer: cloudflare\nAlt-Svc: h3=\":443\"; ma=86400\nContent-Encoding: br\n\
         Server-Timing: cfL4;desc=\"?proto=TCP&rtt=####&min_rtt=####&sent=##&recv=##&cwnd=###&cid=~~~~~~~~~~~~~~~~\"\n",
    ),
    ("policy-and-cookies", ""),
];

/// The last head, 3 KB of what applications pile up.
fn policy_and_cookies() -> String {
    let (_, cdn) = HEADS[5];
    let hosts: String = (0..36).map(|_| " https://~~~~~~~~.cdn.example").collect();
    let mut head =
        format!("{cdn}Content-Security-Policy: default-src 'self'; script-src{hosts}; img-src *\n");
    for name in ["session", "csrf", "experiment", "consent", "region"] {
        let value = "~".repeat(150);
        head += &format!(
            "Set-Cookie: {name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000\n"
        );
    }
    head
}

/// xorshift64: the same variants in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

fn head(template: &str, vary: bool, random: &mut Random) -> Vec<u8> {
    let (status_line, fields) = template.split_once('\n').unwrap();
    let mut fields: Vec<&str> = fields.lines().collect();
    if vary {
        let decides = |field: &str| field.starts_with("Content-Length") || field.starts_with("Transfer");
        fields.retain(|field| decides(field) || random.below(8) > 0);
        (1..fields.len()).rev().for_each(|at| fields.swap(at, random.below(at + 1)));
    }
    let mut head = format!("{status_line}\r\n").into_bytes();
    for field in fields {
        for byte in field.bytes() {
            match byte {
                b'~' if vary && random.below(8) == 0 => {}
                b'~' => head.push(b"abcdefghijklmnopqrstuvwxyz0123456789"[random.below(36)]),
                b'#' => head.push(b'1' + random.below(9) as u8),
                _ => head.push(byte),
            }
        }
        head.extend(b"\r\n");
    }
    head.extend(b"\r\n");
    head
}

fn judge<T>(bytes: &[u8], use_head: impl Fn(&Head<'_>) -> T) -> Option<T> {
    let mut parser = Parser::new(Policy::DEFAULT);
    parser.begin(Exchange::GET);
    let mut input = bytes;
    match parser.next_event(&mut input) {
        Ok(Some(Event::Head(head))) => Some(use_head(&head)),
        _ => None,
    }
}

fn decided(head: &Head<'_>) -> (u16, Framing) {
    (head.status(), head.framing())
}

/// Status, and the number of fields with the length of their names and values.
fn walked(head: &Head<'_>) -> (u16, Framing, usize, usize) {
    let add = |(count, len), field: badgateway::Field<'_>| {
        (count + 1, len + field.name().len() + field.value().len())
    };
    let (count, len) = head.fields().fold((0, 0), add);
    (head.status(), head.framing(), count, len)
}

/// The table of 100 headers is made once outside, as httparse is used where speed matters.
fn split<'b>(bytes: &'b [u8], table: &mut [httparse::Header<'b>]) -> Option<(u16, usize)> {
    let mut response = httparse::Response::new(table);
    let status = response.parse(bytes).ok()?;
    Some((response.code?, response.headers.len())).filter(|_| status.is_complete())
}

/// A result that must be come by.
fn keep<T>(result: T) {
    black_box(result);
}

fn bench(c: &mut Criterion, label: &str, variants: usize) {
    let mut group = c.benchmark_group(label);
    group
        .sample_size(40)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1200));
    for (name, template) in HEADS {
        let template = if template.is_empty() { policy_and_cookies() } else { template.to_string() };
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let heads: Vec<_> = (0..variants).map(|_| head(&template, variants > 1, &mut random)).collect();
        let mut table = [httparse::EMPTY_HEADER; 100];
        for head in &heads {
            let (status, framing, count, _) = judge(head, walked).expect("a head without a note");
            assert_eq!(split(head, &mut table), Some((status, count)));
            let expected = match (name, template.contains("chunked")) {
                ("204", _) => framing == Framing::None,
                (_, true) => framing == Framing::Chunked,
                _ => matches!(framing, Framing::Length(_)),
            };
            assert!(expected, "{name}: {framing:?}");
        }
        let bytes: usize = heads.iter().map(Vec::len).sum();
        group.throughput(Throughput::Bytes(bytes as u64));
        let name = format!("{name}-{}B", bytes / variants);
        group.bench_with_input(BenchmarkId::new("badgateway", &name), &heads, |b, heads| {
            b.iter(|| heads.iter().map(|head| judge(black_box(head), decided)).for_each(keep));
        });
        group.bench_with_input(BenchmarkId::new("badgateway+fields", &name), &heads, |b, heads| {
            b.iter(|| heads.iter().map(|head| judge(black_box(head), walked)).for_each(keep));
        });
        group.bench_with_input(BenchmarkId::new("httparse", &name), &heads, |b, heads| {
            let mut table = [httparse::EMPTY_HEADER; 100];
            b.iter(|| heads.iter().map(|head| split(black_box(head), &mut table)).for_each(keep));
        });
    }
    group.finish();
}

fn heads(c: &mut Criterion) {
    bench(c, "head hot - httparse only splits lines, judges no framing", 1);
    bench(c, "head varied - httparse only splits lines, judges no framing", VARIANTS);
}

criterion_group!(benches, heads);
criterion_main!(benches);
