//! Heads beside the least that any reader of their bytes must do.

use std::hint::black_box;

use badgateway::{Limits, Policy};

use super::ours::{acted_on, decided, judge};
use super::{Group, Race, Runner, replies};

pub fn groups() -> Vec<Group> {
    vec![group()]
}

fn group() -> Group {
    let value = |name: &str, len: usize| format!("{name}: {}\r\n", "x".repeat(len));
    let four: String = ["A", "B", "C", "D"].map(|name| value(name, 15_000)).concat();
    let inputs = [
        ("204", replies::named("204").head().to_vec()),
        ("nginx-file", replies::named("nginx-file").head().to_vec()),
        ("one value of 60 KB", long_head(&value("A", 60_000))),
        ("four values of 15 KB", long_head(&four)),
    ];
    Group {
        name: "scan",
        label: "the floors do nothing but touch the bytes: OR them all (for any x86-64), copy them, search for a byte \
                that is not there",
        races: inputs.map(|(name, head)| race(name, head.leak())).into(),
    }
}

fn long_head(fields: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{fields}\r\n").into_bytes()
}

/// One value of 60 KB is more than the presets read.
const fn patient() -> Policy {
    let mut limits = Limits::DEFAULT;
    limits.field_line = limits.header_section;
    Policy::DEFAULT.with_limits(limits)
}

fn race(name: &str, head: &'static [u8]) -> Race {
    const POLICY: Policy = patient();
    let expected = (replies::answer(head).0, replies::framing(head));
    assert_eq!(judge(POLICY, head, decided), Some(expected));
    assert_eq!(memchr::memchr(0, head), None);
    let mut room = vec![0; head.len()];
    Race {
        input: name.to_string(),
        units: 1,
        ours: vec![Runner::new("badgateway", move || judge(POLICY, black_box(head), acted_on))],
        peers: vec![
            Runner::new("OR", move || black_box(head).iter().fold(0, |all, byte| all | byte)),
            Runner::new("memcpy", move || {
                room.copy_from_slice(black_box(head));
                black_box(&mut room);
            }),
            Runner::new("memchr", move || memchr::memchr(0, black_box(head))),
        ],
    }
}
