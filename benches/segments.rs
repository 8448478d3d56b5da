//! Heads that arrive in pieces: all that has come is shown to each parser at each arrival.
//!
//! badgateway goes on where it stopped. httparse keeps no place: either it starts anew, or the new bytes (and the three
//! before them) are searched for the blank line and it is called once. The latter finds a fault late, at the end of
//! the head. picohttpparser does the same with the number of bytes that it was shown before.
//!
//! `cargo bench --bench segments -- --ratios` prints the closing table alone.

mod races;

fn main() {
    races::main(races::segments::groups());
}
