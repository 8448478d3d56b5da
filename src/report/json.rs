//! `serde::Serialize` for [`Violation`] and [`Report`]: numbers, rule ids and our own words, no byte of the upstream.
#![forbid(unsafe_code)]

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::Report;
use crate::rule::Class;
use crate::violation::{Forwarded, Reason, Remedy, Reuse, Span, Violation};

impl Serialize for Span {
    /// `[start, end]`
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.start, self.end).serialize(serializer)
    }
}

impl Serialize for Reason {
    /// Its words, or the id of its rule.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Violation {
    /// As that which refuses a reply: what is broken and where, and in `proxy_error`, `answer`, `remedy` and `retry`
    /// what follows. An advisory rule refuses nothing; those are null for it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let refusal = (self.rule().class() == Class::Core).then_some(self);
        let mut object = serializer.serialize_struct("Violation", DEVIATION + 4)?;
        write_deviation(&mut object, self)?;
        let error = refusal.and_then(|refusal| refusal.proxy_error());
        object.serialize_field("proxy_error", &error.map(|error| error.name()))?;
        object.serialize_field("answer", &refusal.and_then(answer))?;
        object.serialize_field("remedy", &refusal.map(Owed))?;
        object.serialize_field("retry", &refusal.map(|refusal| refusal.retry().name()))?;
        object.end()
    }
}

/// What was let pass: nothing follows from it.
struct Note<'v>(&'v Violation);

impl Serialize for Note<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Note", DEVIATION)?;
        write_deviation(&mut object, self.0)?;
        object.end()
    }
}

struct Notes<'v>(&'v [Violation]);

impl Serialize for Notes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Note))
    }
}

/// How many keys [`write_deviation`] writes.
const DEVIATION: usize = 10;

fn write_deviation<S: SerializeStruct>(object: &mut S, violation: &Violation) -> Result<(), S::Error> {
    let rule = violation.rule();
    object.serialize_field("rule", rule.id())?;
    object.serialize_field("class", rule.class().name())?;
    object.serialize_field("offset", &violation.offset())?;
    object.serialize_field("span", &violation.span())?;
    object.serialize_field("related", &violation.related())?;
    object.serialize_field("decided_at", &violation.decided_at())?;
    object.serialize_field("phase", violation.phase().name())?;
    object.serialize_field("clause", rule.clause())?;
    object.serialize_field("title", rule.title())?;
    object.serialize_field("detail", &violation.detail())
}

/// The status of the gateway's own reply, where it owes one.
fn answer(violation: &Violation) -> Option<u16> {
    match violation.remedy(Forwarded::Nothing) {
        Remedy::Respond(status) => Some(status),
        Remedy::Abort | Remedy::Discard => None,
    }
}

/// What the client is owed, before the head has gone out and after.
struct Owed<'v>(&'v Violation);

impl Serialize for Owed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Remedy", 2)?;
        object.serialize_field("before_head", self.0.remedy(Forwarded::Nothing).name())?;
        object.serialize_field("after_head", self.0.remedy(Forwarded::Part).name())?;
        object.end()
    }
}

impl Serialize for Report<'_> {
    /// `content` counts the bytes handed out; `reuse_reason` is null where the connection may be used again. A note has
    /// the keys of a violation but for those that tell what follows: nothing is answered for it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reason = match self.reuse() {
            Reuse::Yes => None,
            Reuse::No(reason) => Some(reason),
        };
        let mut object = serializer.serialize_struct("Report", 8)?;
        object.serialize_field("verdict", self.verdict().name())?;
        object.serialize_field("status", &self.status())?;
        object.serialize_field("framing", &self.framing().map(|framing| framing.name()))?;
        object.serialize_field("content", &self.content())?;
        object.serialize_field("reuse", &reason.is_none())?;
        object.serialize_field("reuse_reason", &reason)?;
        object.serialize_field("violation", &self.violation())?;
        object.serialize_field("notes", &Notes(self.notes()))?;
        object.end()
    }
}
