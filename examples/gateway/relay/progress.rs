//! What the two directions of an exchange tell each other.
#![forbid(unsafe_code)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use badgateway::Written;
use tokio::time::Instant;

use crate::request::Request;

/// What the two directions of an exchange tell each other.
pub(super) struct Progress(Mutex<State>);

pub(super) struct State {
    pub(super) written: Written,
    /// Since when the upstream has had what it needs to go on; not while the client is sending content.
    pub(super) turn: Option<Instant>,
    /// The upstream would not take all of the request.
    pub(super) is_broken: bool,
    pub(super) is_reset: bool,
    pub(super) has_head: bool,
    /// Bytes that the upstream has sent and the client has taken.
    pub(super) moved: u64,
}

impl Progress {
    pub(super) fn new(request: &Request) -> Progress {
        let waits = !request.body.has_content() || request.expects_continue;
        Progress(Mutex::new(State {
            written: Written::Part,
            turn: waits.then(Instant::now),
            is_broken: false,
            is_reset: false,
            has_head: false,
            moved: 0,
        }))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn content_comes(&self) {
        self.state().turn = None;
    }

    pub(super) fn request_is_whole(&self) {
        let mut state = self.state();
        state.written = Written::Whole;
        state.turn = Some(Instant::now());
    }

    pub(super) fn upstream_is_deaf(&self) {
        let mut state = self.state();
        state.is_broken = true;
        state.turn = Some(Instant::now());
    }

    pub(super) fn upstream_has_reset(&self) {
        self.upstream_is_deaf();
        self.state().is_reset = true;
    }

    /// The client may have held back its content for this.
    pub(super) fn client_may_continue(&self) {
        let mut state = self.state();
        if state.written != Written::Whole {
            state.turn = None;
        }
    }

    pub(super) fn has_head(&self) -> bool {
        self.state().has_head
    }

    pub(super) fn moved(&self) -> u64 {
        self.state().moved
    }
}
