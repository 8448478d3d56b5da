//! G3: under STRICT a reply is refused with the first byte that makes it past saving, and by that byte alone.

use badgateway::{Close, Policy, Violation};

use super::reference::{Octets, Terms, Trial, disagreement, is_moot};
use super::scene::{Next, Scene};
use super::transcript::{Pull, transcribe};

/// What may stand behind the deciding byte, and must not matter.
const TAILS: [&[u8]; 5] = [b"\r\n\r\n", b"\n", b"0\r\n\r\n", &[0; 70], &[b'a'; 70]];

/// The parser and the reader of `tests/reference` refuse at the same byte, and read the same into what they take; no
/// shorter prefix is refused, and nothing behind that byte changes what is said.
pub fn earliest(data: &[u8]) {
    let scene = Scene { next: Next::Rest, writes_on: false, ..Scene::of(data) };
    let limits = *scene.policies[0].limits();
    let trial = Trial {
        reply: Octets::from(scene.reply),
        terms: Terms { exchange: scene.exchange, limits },
        cut: scene.reads[0],
        ended: scene.close == Some(Close::Eof),
    };
    if !is_moot(&trial) {
        assert_eq!(disagreement(&trial), None);
    }
    let open = Scene { close: None, ..scene };
    let refusal = |reply: &[u8], cuts: &[usize]| -> Option<Violation> {
        transcribe::<Pull>(&Scene { reply, ..open.clone() }, Policy::STRICT.with_limits(limits), cuts)
            .end
            .err()
    };
    let Some(violation) = refusal(open.reply, &open.cuts()) else { return };
    let decided_at = violation.decided_at() as usize;
    for end in 0..=decided_at {
        assert_eq!(
            refusal(&open.reply[..end], &[]),
            None,
            "{end} bytes are refused without byte {decided_at}"
        );
    }
    let decided = &open.reply[..=decided_at];
    assert_eq!(refusal(decided, &[]), Some(violation), "without what came behind byte {decided_at}");
    for tail in TAILS {
        let other = [decided, tail].concat();
        assert_eq!(refusal(&other, &[]), Some(violation), "with {} behind it", tail.escape_ascii());
        // Its read holds one byte more, and is the one that is refused.
        assert_eq!(refusal(&other, &[decided_at, decided_at + 1]), Some(violation));
    }
}
