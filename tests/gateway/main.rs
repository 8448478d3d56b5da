//! The example gateway from outside: a scripted upstream on one side of it, raw clients on the other.
//!
//! `examples/gateway` must have been built: `cargo test` does so by itself, `cargo build --example gateway` does it
//! for `cargo test --test gateway`. The environment variable GATEWAY_BIN names another binary to test.
#![cfg(feature = "std")]

#[path = "../literate/mod.rs"]
#[allow(dead_code)]
mod literate;

/// Their tests stand beside them, and an example that cargo builds for its tests it does not build to be run.
#[path = "../../examples/gateway/gallery/mod.rs"]
#[allow(dead_code)]
mod gallery;
#[path = "../../examples/gateway/request/mod.rs"]
#[allow(dead_code)]
mod request;

mod browser;
mod client;
mod corpus;
mod crowd;
mod forwarding;
mod harness;
mod pool;
mod process;
mod replies;
mod requests;
mod stalls;
mod truncation;
mod upstream;

/// Stands in what upstreams send and no client may ever see.
pub const LEAK: &str = "LEAK";

/// Sent by upstreams, so that the gateway adds none of its own.
pub const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// Does `needle` stand in `bytes`?
pub fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}
