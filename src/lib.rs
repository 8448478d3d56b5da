#![allow(missing_docs)]
#![no_std]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;
mod advice;
mod chunked;
mod class;
mod exchange;
mod framing;
mod head;
mod interop;
mod judge;
mod parser;
mod policy;
mod proxy_status;
mod report;
mod rule;
mod scan;
mod value;
mod violation;
pub use exchange::*;
pub use head::*;
#[cfg(feature = "bytes")]
pub use interop::bytes;
pub use parser::*;
pub use policy::*;
pub use proxy_status::*;
pub use report::*;
pub use rule::*;
pub use violation::*;
