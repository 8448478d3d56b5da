//! Content, all of it at hand.

use std::hint::black_box;

use badgateway::Parser;

use super::ours::{contents, past_head};
#[cfg(all(target_arch = "x86_64", unix))]
use super::pico;
use super::split::step;
use super::{Group, Race, Runner, replies};

pub fn groups() -> Vec<Group> {
    vec![chunked(), plain()]
}

pub fn chunked() -> Group {
    // A fixed mix that no predictor learns: sizes of one to four digits.
    let mixed =
        |at: usize| 1 + (at.wrapping_mul(0x9e37_79b9) >> 7) % (1 << (at.wrapping_mul(0x85eb_ca6b) >> 9 & 12));
    let shapes = [
        ("1B", vec![1; 4096]),
        ("16B", vec![16; 4096]),
        ("4KiB", vec![4 << 10; 256]),
        ("64KiB", vec![64 << 10; 64]),
        ("mixed", (1..=2048).map(mixed).collect()),
    ];
    Group {
        name: "chunked",
        label: "a chunk each; httparse reads size lines and judges nothing between; picohttpparser moves the content \
                together in place, and so needs a fresh copy of the body each time, which is timed alone as well",
        races: shapes.map(|(name, sizes)| chunked_race(name, &sizes)).into(),
    }
}

fn chunked_race(name: &str, sizes: &[usize]) -> Race {
    let body = replies::chunked(sizes);
    let (pieces, bytes) = (sizes.len(), sizes.iter().sum());
    let parser = past_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(contents(parser.clone(), body), Some((pieces, bytes, true)));
    assert_eq!(step(body), Some((pieces, bytes)));
    Race {
        input: name.to_string(),
        units: pieces,
        ours: vec![Runner::new("badgateway", move || contents(parser.clone(), black_box(body)))],
        peers: vec![
            Runner::new("httparse", move || step(black_box(body))),
            #[cfg(all(target_arch = "x86_64", unix))]
            picohttpparser(body, bytes),
            copy(body),
        ],
    }
}

#[cfg(all(target_arch = "x86_64", unix))]
fn picohttpparser(body: &'static [u8], bytes: usize) -> Runner {
    let mut room = body.to_vec();
    assert_eq!(pico::decode_chunked(&mut room), Some(bytes));
    Runner::new("picohttpparser and its copy", move || {
        room.copy_from_slice(black_box(body));
        pico::decode_chunked(&mut room)
    })
}

fn copy(body: &'static [u8]) -> Runner {
    let mut room = body.to_vec();
    Runner::new("that copy alone", move || {
        room.copy_from_slice(black_box(body));
        black_box(&mut room);
    })
}

/// Content that is not looked at: sixteen times as much of it costs the same.
fn plain() -> Group {
    let framings = [
        ("length", "Content-Length: 1048577\r\n"), // one byte more than comes, so that both stop in the middle
        ("until-close", ""),
    ];
    let races = framings.map(|(name, field)| {
        let parser = past_head(format!("HTTP/1.1 200 OK\r\n{field}\r\n").as_bytes());
        Race {
            input: name.to_string(),
            units: 1,
            ours: vec![content("1 MiB", parser.clone(), 1 << 20)],
            peers: vec![content("64 KiB", parser, 64 << 10)],
        }
    });
    Group { name: "content", label: "1 MiB at hand against 64 KiB: handed on unseen", races: races.into() }
}

fn content(name: &'static str, parser: Parser, len: usize) -> Runner {
    let body = vec![b'x'; len];
    assert_eq!(contents(parser.clone(), &body), Some((1, len, false)));
    Runner::new(name, move || contents(parser.clone(), black_box(&body)))
}
