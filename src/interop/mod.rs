//! The parser in the terms of other crates.
#![forbid(unsafe_code)]

#[cfg(feature = "bytes")]
pub mod bytes;
