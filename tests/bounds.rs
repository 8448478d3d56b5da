//! G1: no octet is read beside those that were given. The rest is for the address sanitizer or memcheck to tell: each
//! read is a block of its own on the heap, just as long as it has to be.

#[allow(dead_code, reason = "shared with the runner of the corpus, which reads the verdicts too")]
mod literate;

use badgateway::{Event, Exchange, Parser, Policy};

/// Replies longer than this are there to reach a limit.
const LONGEST: usize = 600;

/// Reads that end at `cuts` and at the end of the reply.
fn read_in_blocks(reply: &[u8], exchange: Exchange, policy: Policy, cuts: impl Iterator<Item = usize>) {
    let mut parser = Parser::new(policy);
    parser.begin(exchange);
    let mut used = 0;
    for end in cuts.chain([reply.len()]) {
        let block: Box<[u8]> = reply[used..end].into();
        let mut input = &block[..];
        while let Ok(Some(event)) = parser.next_event(&mut input) {
            if let Event::Head(head) = event {
                head.fields().for_each(drop);
            }
        }
        used = end - input.len();
    }
}

#[test]
fn nothing_is_read_beside_what_was_given() {
    for case in literate::cases() {
        let (reply, exchange) = (&case.reply[..case.reply.len().min(LONGEST)], case.exchange);
        for policy in [Policy::STRICT, Policy::observe()] {
            for end in 0..reply.len() {
                read_in_blocks(&reply[..end], exchange, policy, [].into_iter());
            }
            for step in [1, 7, 16, 31, 64] {
                read_in_blocks(reply, exchange, policy, (step..reply.len()).step_by(step));
            }
        }
    }
}
