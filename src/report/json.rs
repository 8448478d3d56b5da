//! `serde::Serialize` for [`Violation`] and [`Report`]: numbers, rule ids and our own words, no byte of the upstream.
#![forbid(unsafe_code)]

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::Report;
use crate::rule::Class;
use crate::violation::{Reuse, Span, Violation};

impl Serialize for Span {
    /// `[start, end]`
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.start, self.end).serialize(serializer)
    }
}

impl Serialize for Violation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Violation", 11)?;
        object.serialize_field("rule", self.rule().id())?;
        object.serialize_field("offset", &self.offset())?;
        object.serialize_field("span", &self.span())?;
        object.serialize_field("related", &self.related())?;
        object.serialize_field("decided_at", &self.decided_at())?;
        object.serialize_field("phase", self.phase().name())?;
        object.serialize_field("clause", self.rule().clause())?;
        object.serialize_field("proxy_error", &self.proxy_error().map(|error| error.name()))?;
        // An advisory rule never makes a gateway answer anything.
        let answer = (self.rule().class() == Class::Core).then(|| self.status());
        object.serialize_field("answer", &answer)?;
        object.serialize_field("title", self.rule().title())?;
        object.serialize_field("detail", &self.detail())?;
        object.end()
    }
}

impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Report", 7)?;
        object.serialize_field("verdict", self.verdict().name())?;
        object.serialize_field("status", &self.status())?;
        object.serialize_field("framing", &self.framing().map(|framing| framing.name()))?;
        object.serialize_field("content_length", &self.content())?;
        object.serialize_field("reuse", &(self.reuse() == Reuse::Yes))?;
        object.serialize_field("violation", &self.violation())?;
        object.serialize_field("notes", self.notes())?;
        object.end()
    }
}
