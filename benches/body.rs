//! Chunked content beside httparse's chunk size parser on the same bytes, in one run.
//!
//! All of the content is at hand. httparse reads the size and passes over the extensions; stepping over data and CRLF
//! is done here for it, unchecked. It judges no extension, no limit, no end of data and no trailer.
use std::hint::black_box;
use std::time::Duration;

use badgateway::{Event, Exchange, Parser, Policy};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Chunks of these sizes, the last chunk included.
fn chunked(sizes: &[usize]) -> Vec<u8> {
    let mut body = Vec::new();
    for &size in sizes {
        body.extend(format!("{size:x}\r\n").bytes());
        body.extend((0..size).map(|at| (at * 7) as u8));
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    body
}

/// A parser for which the next byte is the first of the content.
fn past_head() -> Parser {
    let mut parser = Parser::new(Policy::DEFAULT);
    parser.begin(Exchange::GET);
    let mut input = HEAD;
    assert!(matches!(parser.next_event(&mut input), Ok(Some(Event::Head(_)))));
    assert!(matches!(parser.next_event(&mut input), Ok(None)));
    parser
}

/// Events of content and bytes in them, to the end of the reply.
fn judge(mut parser: Parser, mut body: &[u8]) -> Option<(usize, usize)> {
    let (mut pieces, mut bytes) = (0, 0);
    while let Some(event) = parser.next_event(&mut body).ok()? {
        match event {
            Event::Content(content) => {
                pieces += 1;
                bytes += black_box(content).len();
            }
            Event::End(_) => return Some((pieces, bytes)),
            _ => return None,
        }
    }
    None
}

/// Chunks and bytes in them.
fn step(body: &[u8]) -> Option<(usize, usize)> {
    let (mut pieces, mut bytes, mut at) = (0, 0, 0);
    loop {
        let httparse::Status::Complete((line, size)) = httparse::parse_chunk_size(&body[at..]).ok()? else {
            return None;
        };
        if size == 0 {
            return Some((pieces, bytes));
        }
        let start = at + line;
        let content = body.get(start..start + size as usize)?;
        pieces += 1;
        bytes += black_box(content).len();
        at = start + content.len() + 2;
    }
}

fn bodies(c: &mut Criterion) {
    let label = "chunked - httparse reads size lines, judges nothing between";
    let mut group = c.benchmark_group(label);
    group
        .sample_size(40)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500));
    // A fixed mix that no predictor learns: sizes of one to four digits.
    let mixed =
        |at: usize| 1 + (at.wrapping_mul(0x9e37_79b9) >> 7) % (1 << (at.wrapping_mul(0x85eb_ca6b) >> 9 & 12));
    let shapes: [(&str, Vec<usize>); 3] =
        [("16B", vec![16; 4096]), ("4KiB", vec![4096; 256]), ("mixed", (1..=2048).map(mixed).collect())];
    for (name, sizes) in shapes {
        let body = chunked(&sizes);
        let expected = Some((sizes.len(), sizes.iter().sum()));
        assert_eq!(judge(past_head(), &body), expected);
        assert_eq!(step(&body), expected);
        let parser = past_head();
        group.throughput(Throughput::Elements(sizes.len() as u64));
        group.bench_with_input(BenchmarkId::new("badgateway", name), &body, |b, body| {
            b.iter(|| judge(parser.clone(), black_box(body)));
        });
        group.bench_with_input(BenchmarkId::new("httparse", name), &body, |b, body| {
            b.iter(|| step(black_box(body)));
        });
    }
    group.finish();
}

criterion_group!(benches, bodies);
criterion_main!(benches);
