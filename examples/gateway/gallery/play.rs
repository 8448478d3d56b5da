//! What the upstream does with a request: bytes, pauses, and how it ends.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use super::Peer;

/// One thing after another.
pub enum Step {
    /// All at once.
    Send(Cow<'static, [u8]>),
    /// Nothing for a while.
    Pause(Duration),
    /// The same bytes again and again, with a pause before each.
    Repeat { block: &'static [u8], times: u64, pause: Duration },
}

impl Step {
    pub async fn perform(&self, peer: &mut Peer) -> io::Result<()> {
        match *self {
            Step::Send(ref bytes) => peer.write_all(bytes).await,
            Step::Pause(pause) => {
                sleep(pause).await;
                Ok(())
            }
            Step::Repeat { block, times, pause } => {
                for _ in 0..times {
                    if !pause.is_zero() {
                        sleep(pause).await;
                    }
                    peer.write_all(block).await?;
                }
                Ok(())
            }
        }
    }
}

/// What becomes of the connection afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The next request may come.
    KeepOpen,
    /// An orderly end: FIN.
    Close,
    /// RST.
    Reset,
    /// Open, and not a byte more, until the peer has enough.
    Silence,
    /// As silence, and nothing is read any more.
    Stall,
}

/// A reply as it is played.
pub struct Play {
    /// Without reading the content of the request first.
    pub early: bool,
    pub steps: Vec<Step>,
    pub ending: Ending,
}

impl Play {
    pub fn new(ending: Ending) -> Play {
        Play { early: false, steps: Vec::new(), ending }
    }

    pub fn send(self, bytes: impl Into<Cow<'static, [u8]>>) -> Play {
        self.then(Step::Send(bytes.into()))
    }

    pub fn then(mut self, step: Step) -> Play {
        self.steps.push(step);
        self
    }
}

#[cfg(test)]
impl Play {
    /// Every byte of it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for step in &self.steps {
            match step {
                Step::Send(sent) => bytes.extend_from_slice(sent),
                Step::Pause(_) => {}
                Step::Repeat { block, times, .. } => bytes.extend(block.repeat(*times as usize)),
            }
        }
        bytes
    }
}
