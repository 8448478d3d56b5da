//! The parser in a program that has neither std nor alloc.
#![no_std]

use badgateway::{Exchange, Parser, Policy};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The status of the reply that starts at `bytes`, or 0.
///
/// # Safety
///
/// `bytes` points to `len` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn badgateway_status(bytes: *const u8, len: usize) -> u16 {
    // SAFETY: the caller's promise.
    let mut input = unsafe { core::slice::from_raw_parts(bytes, len) };
    let mut parser = Parser::new(Policy::DEFAULT);
    parser.begin(Exchange::GET);
    match parser.next_event(&mut input) {
        Ok(Some(badgateway::Event::Head(head))) => head.status(),
        _ => 0,
    }
}
