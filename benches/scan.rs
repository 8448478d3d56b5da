//! How far the judging of a head is from the least that can be done with its bytes: a head that is nearly all value,
//! where only the scanner works, and short ones, where all the rest does.
//!
//! `cargo bench --bench scan -- --ratios` prints the closing table alone.

mod races;

fn main() {
    races::main(races::scans::groups());
}
