//! Heads that arrive bit by bit.

use std::hint::black_box;

use badgateway::Policy;

use super::ours::{acted_on, arrive, judge};
#[cfg(all(target_arch = "x86_64", unix))]
use super::pico::Pico;
use super::replies::{self, answer};
use super::split::Splitter;
use super::{Group, Race, Runner};

/// A head, and how much of it has come at each arrival.
#[derive(Clone, Copy)]
pub struct Arrivals {
    head: &'static [u8],
    ends: &'static [usize],
}

/// A peer, to be given arrivals.
type Peer = fn(Arrivals) -> Runner;

const PEERS: &[Peer] = &[
    httparse_restarted,
    httparse_guarded,
    #[cfg(all(target_arch = "x86_64", unix))]
    picohttpparser,
];

/// Those that valgrind can run.
pub const COUNTABLE: &[Peer] = &[httparse_restarted, httparse_guarded];

pub fn groups() -> Vec<Group> {
    vec![group(PEERS)]
}

pub fn group(peers: &[Peer]) -> Group {
    let mut races = Vec::new();
    for name in ["video-206", "login-cookies", "policy-and-cookies"] {
        let head = replies::named(name).head();
        let pieces = [head.len(), 1460, 64, 1];
        // A shorter head comes whole in a piece of 1460.
        let pieces = pieces.into_iter().filter(|&piece| piece <= head.len());
        races.extend(pieces.map(|piece| race(name, head, piece, peers)));
    }
    Group {
        name: "segments",
        label: "all that has come is shown at each arrival; httparse starts anew, or waits for the blank line; \
                picohttpparser is told what it saw before",
        races,
    }
}

fn race(name: &str, head: &'static [u8], piece: usize, peers: &[Peer]) -> Race {
    let ends = (1..=head.len().div_ceil(piece)).map(|count| head.len().min(count * piece));
    let arrivals = Arrivals { head, ends: ends.collect::<Vec<_>>().leak() };
    let pieces = if piece == head.len() { "whole".to_string() } else { format!("by {piece}") };
    Race {
        input: format!("{name}-{}B {pieces}", head.len()),
        units: 1,
        ours: vec![badgateway(arrivals)],
        peers: peers.iter().map(|peer| peer(arrivals)).collect(),
    }
}

fn badgateway(Arrivals { head, ends }: Arrivals) -> Runner {
    let whole = judge(Policy::DEFAULT, head, acted_on);
    assert!(whole.is_some() && arrive(head, ends) == whole);
    Runner::new("badgateway", move || arrive(head, black_box(ends)))
}

fn httparse_restarted(Arrivals { head, ends }: Arrivals) -> Runner {
    let mut splitter = Splitter::new();
    assert_eq!(splitter.restart(head, ends), Some(answer(head)));
    Runner::new("httparse restarted", move || splitter.restart(head, black_box(ends)))
}

fn httparse_guarded(Arrivals { head, ends }: Arrivals) -> Runner {
    let mut splitter = Splitter::new();
    assert_eq!(splitter.guarded(head, ends), Some(answer(head)));
    Runner::new("httparse guarded", move || splitter.guarded(head, black_box(ends)))
}

#[cfg(all(target_arch = "x86_64", unix))]
fn picohttpparser(Arrivals { head, ends }: Arrivals) -> Runner {
    let mut pico = Pico::new();
    assert_eq!(pico.arrive(head, ends), Some(answer(head)));
    Runner::new("picohttpparser", move || pico.arrive(head, black_box(ends)))
}
