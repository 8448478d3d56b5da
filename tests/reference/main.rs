//! The strict parser against an independent reader: slow, with no state of its own, and written down from the ABNF.
//!
//! `grammar` is the syntax, `framing` what a head means, `reply` both put together. The parser shares nothing with them
//! but the public types. Both are given the same replies; they have to agree on every one: whether it is valid, with
//! which fields, framing, content and trailers, and else at which octet it was lost.
//!
//! Seeds are fixed, so that a run says today what it said yesterday. `PROPTEST_RNG_SEED` and `PROPTEST_CASES` make it
//! go elsewhere and further.
#![cfg(feature = "alloc")]

#[path = "../cases/mod.rs"]
mod cases;
mod framing;
mod generate;
mod grammar;
mod heard;
#[allow(dead_code, reason = "shared with the runner of the corpus, which reads the verdicts too")]
#[path = "../literate/mod.rs"]
mod literate;
mod reply;
mod trial;
mod witness;

use std::collections::BTreeMap;

use badgateway::{Framing, Version, Written};
use grammar::Octets;
use heard::{Heard, listen};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reply::Verdict;
use trial::{Trial, disagreement, is_moot};
use witness::{Future, future};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { max_shrink_time: 20_000, max_global_rejects: u32::MAX, ..cases::config(cases) }
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn parser_and_reference_agree(trial in generate::any_trial()) {
        prop_assume!(!is_moot(&trial));
        prop_assert_eq!(disagreement(&trial), None);
    }

    #[test]
    fn they_agree_under_small_limits(trial in generate::at_small_limits()) {
        prop_assume!(!is_moot(&trial));
        prop_assert_eq!(disagreement(&trial), None);
    }
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn they_agree_at_the_usual_limits(trial in generate::at_the_usual_limits()) {
        prop_assume!(!is_moot(&trial));
        prop_assert_eq!(disagreement(&trial), None);
    }

    /// What is refused stays so whatever comes after it, and so the first octet refused may be looked for by halving.
    #[test]
    fn no_octet_saves_a_reply_that_is_lost(trial in generate::at_small_limits()) {
        let reply = &trial.reply.0;
        let refused_at = trial.terms.refused_at(reply);
        for end in 0..=reply.len() {
            let is_refused = trial.terms.judge(&reply[..end], false) == Verdict::Refused;
            prop_assert_eq!(is_refused, refused_at.is_some_and(|at| at < end), "{} octets of {:?}", end, trial);
        }
    }

    /// G3, earliest: up to that octet it could be saved. Some end makes it valid, in the parser's eyes as well, or else
    /// what has begun can be ended, and is refused as a whole with the octet that ends it.
    #[test]
    fn before_that_there_is_a_way_on(trial in generate::any_trial()) {
        // Where no request is outstanding there is no reply.
        prop_assume!(trial.terms.exchange.request_written() != Written::Nothing);
        let reply = &trial.reply.0;
        let open = &reply[..trial.terms.refused_at(reply).unwrap_or(trial.cut())];
        match future(&trial.terms, open) {
            Future::Whole(end) => {
                let saved = Trial { reply: Octets([open, &end].concat()), ended: true, ..trial };
                prop_assert!(matches!(listen(&saved), Heard::Whole(_)), "{:?}", saved);
            }
            // What a 205 announces is refused with its first octet, though something would have to come.
            Future::Unknown => prop_assert!(open.windows(5).any(|part| part == b" 205 "), "{:?}", Octets::from(open)),
            Future::RefusedWhenWhole | Future::TooLong => {}
        }
    }
}

#[test]
fn they_agree_on_the_corpus() {
    let disagreements: Vec<String> = generate::corpus().iter().filter_map(disagreement).collect();
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n\n"));
}

/// The generator writes what it is there to write, and what it takes for valid is valid.
#[test]
fn replies_are_of_all_kinds() {
    let mut runner = TestRunner::new(config(1));
    let mut kinds = BTreeMap::new();
    for _ in 0..600 {
        let valid = generate::valid().new_tree(&mut runner).unwrap().current();
        let verdict = valid.terms.judge(&valid.reply.0, true);
        assert!(matches!(verdict, Verdict::Whole(_)), "{valid:?} is {verdict:?}");
        let any = generate::any_trial().new_tree(&mut runner).unwrap().current();
        let other = any.terms.judge(&any.reply.0, true);
        for kind in kinds_of(&verdict).into_iter().chain(kinds_of(&other)) {
            *kinds.entry(kind).or_insert(0) += 1;
        }
    }
    assert_eq!(kinds.len(), 12, "{kinds:?}");
    assert!(kinds.values().all(|&times| times >= 15), "{kinds:?}");
}

fn kinds_of(verdict: &Verdict) -> Vec<&'static str> {
    let Verdict::Whole(reply) = verdict else {
        return vec![if *verdict == Verdict::Open { "open" } else { "refused" }];
    };
    let kinds = [
        ("interim", !reply.interims.is_empty()),
        ("HTTP/1.0", reply.head.version == Version::Http10),
        ("no reason", reply.head.reason.0.is_empty()),
        ("no content", reply.framing == Framing::None),
        ("length", matches!(reply.framing, Framing::Length(1..))),
        ("chunked", reply.framing == Framing::Chunked && !reply.content.0.is_empty()),
        ("trailers", !reply.trailers.is_empty()),
        ("until close", reply.framing == Framing::UntilClose),
        ("tunnel", reply.framing == Framing::Tunnel),
        ("connection", !framing::values(&reply.head.fields, "connection").is_empty()),
    ];
    kinds.into_iter().filter(|(_, is_so)| *is_so).map(|(kind, _)| kind).collect()
}
