//! The verdict on a head beside parsers that split it, on the same bytes in one run.
//!
//! "hot" repeats one head; "varied" walks 300 variants of it in turn (fields in another order, some left out, opaque
//! values of another length and text), so that branch predictors cannot learn the input by heart; "text" has tabs and
//! octets of 0x80 and above in its values.
//!
//! What httparse and picohttpparser do not do: decide framing, look into any value, hold repeated fields together, take
//! a policy, say where and why. What badgateway does not do until asked: tell names and values apart, which "+fields"
//! adds. httparse has a table of headers made once and not filled first; picohttpparser is C, compiled with
//! `-O3 -msse4` by `picohttpparser-sys`.
//!
//! `cargo bench --bench head -- --ratios` prints the closing table alone, `-- --ratios hot nginx` some rows of it.

mod races;

fn main() {
    races::main(races::heads::groups());
}
