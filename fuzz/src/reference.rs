//! The independent reader of `tests/reference`, which shares nothing with the parser but the public types.

#[path = "../../tests/reference/framing.rs"]
mod framing;
#[path = "../../tests/reference/grammar.rs"]
mod grammar;
#[path = "../../tests/reference/heard.rs"]
mod heard;
#[allow(dead_code, reason = "the search for a way on stays there")]
#[path = "../../tests/reference/reply.rs"]
mod reply;
#[path = "../../tests/reference/trial.rs"]
mod trial;

pub use grammar::Octets;
pub use reply::Terms;
pub use trial::{Trial, disagreement, is_moot};
