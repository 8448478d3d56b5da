//! One reply for the parser and the reference, and whether they agree on it.

use std::fmt;

use badgateway::{Limits, Method};

use super::grammar::Octets;
use super::heard::{Heard, listen};
use super::reply::{Terms, Verdict};

/// A reply, what it is held against, where it is cut into two reads, and whether the connection ends after it.
#[derive(Clone)]
pub struct Trial {
    pub reply: Octets,
    pub terms: Terms,
    pub cut: usize,
    pub ended: bool,
}

impl Trial {
    /// Where the first read ends.
    pub fn cut(&self) -> usize {
        self.cut % (self.reply.0.len() + 1)
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Terms { exchange, limits } = &self.terms;
        write!(f, "{:?}, ended {}, cut {}, ", self.reply, self.ended, self.cut())?;
        write!(f, "to {:?}, written {:?}, ", exchange.method(), exchange.request_written())?;
        write!(f, "offering {:?}", Octets::from(exchange.offer()))?;
        if *limits == Limits::DEFAULT { Ok(()) } else { write!(f, ", {limits:?}") }
    }
}

/// What the parser and the reference do not agree on.
pub fn disagreement(trial: &Trial) -> Option<String> {
    let (reply, terms) = (&trial.reply.0, &trial.terms);
    let (refused_at, verdict, heard) =
        (terms.refused_at(reply), terms.judge(reply, trial.ended), listen(trial));
    let agreed = match (&heard, &verdict, refused_at) {
        (Heard::Refused(violation), _, Some(at)) => {
            let decided_at = violation.decided_at() as usize;
            // Of a CR that may not stand where it does the octet after it tells which rule it breaks.
            decided_at == at || (reply[at] == b'\r' && decided_at == at + 1)
        }
        (Heard::Whole(heard), Verdict::Whole(read), None) => heard == read,
        (Heard::Open, Verdict::Open, None) => true,
        (Heard::Open, Verdict::Refused, Some(at)) => reply[at..] == *b"\r",
        _ => false,
    };
    let told = || format!("{trial:?}\nparser: {heard:?}\nreference: {verdict:?}, refused at {refused_at:?}");
    (!agreed).then(told)
}

/// Is it about parameters of a coding other than chunked in a reply without content? Nothing depends on them there, and
/// the reference does not know their grammar.
pub fn is_moot(trial: &Trial) -> bool {
    let reply = trial.reply.0.to_ascii_lowercase();
    let is_empty =
        trial.terms.exchange.method() == Method::Head || reply.windows(5).any(|part| part == b" 304 ");
    let has_parameters = |line: &[u8]| {
        let codings = line.strip_prefix(b"transfer-encoding:").unwrap_or(&[]);
        let first = codings.split(|&octet| octet == b';').next().unwrap_or(&[]);
        let coding = first.rsplit(|&octet| octet == b',').next().unwrap_or(&[]);
        codings.len() > first.len() && coding.trim_ascii() != b"chunked"
    };
    is_empty && reply.split(|&octet| octet == b'\n').any(has_parameters)
}
