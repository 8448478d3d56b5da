//! Judges HTTP/1.1 and 1.0 replies as a gateway receives them from its upstream.
//!
//! Bytes go in as they arrive, in any split. Out comes a verdict: this reply is fit to forward, or it is not, by which
//! rule, at which byte, and what the gateway owes its client for it: 502, 504, or an abort when the head has already
//! gone out.
//!
//! # A tour
//!
//! A whole reply at once, for tests and tools: [`validate`].
//!
//! ```
//! use badgateway::{validate, Close, Exchange, Forwarded, Policy, Remedy, Rule};
//!
//! let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello";
//! let report = validate(reply, Exchange::GET, &Policy::DEFAULT, Some(Close::Eof));
//!
//! let violation = report.violation().unwrap();
//! assert_eq!(violation.rule(), Rule::ConflictingContentLength);
//! assert_eq!(violation.span().start, 52); // the 6 ...
//! assert_eq!(violation.related().unwrap().start, 33); // ... differs from the 5,
//! assert_eq!(violation.decided_at(), 56); // which the end of the head settled.
//! assert_eq!(violation.rule().clause(), "RFC 9112 6.3");
//! assert_eq!(violation.remedy(Forwarded::Nothing), Remedy::Respond(502));
//! ```
//!
//! As it arrives: [`Parser`] is a pull parser over the caller's bytes. It owns none of them, allocates nothing, and
//! hands out one [`Head`] when the whole head is judged, [`Content`](Event::Content) as it comes, and an [`End`] that
//! says whether the connection may be used again.
//!
//! ```
//! use badgateway::{Close, Event, Exchange, Method, Parser, Policy, Rule};
//!
//! let mut parser = Parser::new(Policy::DEFAULT);
//! parser.begin(Exchange::new(Method::Idempotent));
//!
//! // A TLS alert where a status line is due is refused at its first byte, with no need to wait for a line.
//! let mut input: &[u8] = b"\x15";
//! let violation = parser.next_event(&mut input).unwrap_err();
//! assert_eq!(violation.rule(), Rule::NotHttp);
//! assert_eq!(violation.detail(), Some("looks like a TLS record: is this port for https?"));
//! // An error is an error for good.
//! assert_eq!(parser.close(Close::Eof), Err(violation));
//! ```
//!
//! With an own buffer, for sockets that fill a `BytesMut`: [`bytes::Reader`].
//!
//! What is tolerated is a [`Policy`]: a [`Level`] for every [`Rule`], `Copy`, one per upstream if need be. Each rule
//! can be explained: what it is, why it matters, which clause decides, what tolerating it does.
//!
//! ```
//! use badgateway::{validate, Close, Exchange, Level, Policy, Rule, Verdict};
//!
//! const LEGACY: Policy = Policy::DEFAULT.set(Rule::ObsFold, Level::Note);
//! let reply = b"HTTP/1.1 204 No Content\r\nX-Note: a\r\n b\r\n\r\n";
//! let report = validate(reply, Exchange::GET, &LEGACY, Some(Close::Eof));
//! assert_eq!(report.verdict(), Verdict::Tolerated);
//! assert_eq!(report.notes()[0].rule(), Rule::ObsFold);
//! ```
//!
//! What a gateway does next: [`forward`] writes a judged head, its content and trailers for the next hop, strictly valid
//! whatever came in; [`answer`] renders the gateway's own reply to its client where the upstream's is refused. The
//! example `gateway` puts all of it together on tokio.
//!
//! # Promises
//!
//! | | promise | held by |
//! |---|---|---|
//! | G1 | total: no panic, always progress, never reads past what it was given | `tests/properties.rs`, `fuzz/` |
//! | G2 | split-invariant: any partition of the bytes gives the same events (adjacent content joined), verdict and spans | `tests/corpus.rs`, `tests/properties.rs`, `fuzz/` |
//! | G3 | earliest: the error comes from the call that supplies the deciding byte ([`Detection`]); nothing at or past a fault is handed out as good | `tests/corpus.rs`, `tests/properties.rs`, `tests/reference/`, `fuzz/` |
//! | G4 | linear: work is bounded by a constant times the bytes, however they are split | `parser::tests` |
//! | G5 | no allocation and a fixed size in [`Parser`]; `no_std` | `tests/no_alloc.rs`, `tests/no_std/` |
//! | G6 | sticky: after an error every call returns it again | `tests/corpus.rs`, `tests/properties.rs` |
//! | G7 | a looser policy accepts what a stricter one does, and ends the message at the same byte | `tests/corpus.rs`, `tests/properties.rs`, `fuzz/` |
//! | G8 | closure: the heads and trailers written for forwarding are strictly valid, whatever came in and whatever was tolerated | `forward::tests`, `tests/properties.rs`, `fuzz/` |
//! | G9 | no `unsafe` outside the scanner | `tests/house.rs` |
//!
//! # Offsets
//!
//! Every position is a count of bytes from the first one the parser was given on this connection;
//! [`Violation::offset`] counts from the first byte of its message instead, an interim reply being a message of its
//! own.
//!
//! # Features
//!
//! `std` and `bytes` are on by default; `serde` and `cli` are off. [`forward`] and [`answer`] need `std`, which also lets
//! the scanner use AVX2 where the processor has it. Without `std` the crate needs `alloc` only for [`validate`], and
//! without `alloc` nothing but `core`. No feature changes a verdict.
#![no_std]
#![warn(missing_docs, clippy::unwrap_used, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod advice;
#[cfg(feature = "std")]
pub mod answer;
mod chunked;
mod class;
mod exchange;
#[cfg(feature = "std")]
pub mod forward;
mod framing;
mod head;
mod interop;
mod judge;
mod parser;
mod policy;
mod proxy_status;
#[cfg(feature = "alloc")]
mod report;
mod rule;
mod scan;
mod value;
mod violation;

pub use exchange::{Asked, Close, Exchange, Framing, Method, Version, Written};
pub use head::{Field, Fields, Head};
#[cfg(feature = "bytes")]
pub use interop::bytes;
pub use parser::{Event, Parser};
pub use policy::{LimitError, Limits, Policy};
pub use proxy_status::ProxyError;
#[cfg(feature = "alloc")]
pub use report::{Escaped, Paint, Rendered, Report, Verdict, validate, validate_each};
pub use rule::{Class, Detection, Example, Level, Relax, Rule, Section};
pub use violation::{End, Forwarded, Outcome, Phase, Reason, Remedy, Retry, Reuse, Span, Violation};

/// The rules, as the table in the code has them.
#[doc = include_str!("rule/RULES.md")]
pub mod rules {}

/// The examples of the README are compiled and run.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
