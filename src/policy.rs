//! What is tolerated, rule by rule, and how much is read before giving up.
#![forbid(unsafe_code)]

use core::fmt;

use crate::rule::{Level, Rule, RuleSet};

/// How much of each thing is read; what goes past is refused by the rule named.
///
/// Sizes are in bytes. A line is measured without its terminator; the header section from the first byte of its
/// message, status line and empty lines included; the trailer section from the byte after the last-chunk line.
///
/// Limits may be added, so that outside of this crate they are made from others, field by field:
///
/// ```
/// use badgateway::{Limits, Policy};
/// const LIMITS: Limits = {
///     let mut limits = Limits::DEFAULT;
///     limits.field_line = 32 << 10;
///     limits.fields = 500;
///     limits
/// };
/// const COOKIES: Policy = Policy::DEFAULT.with_limits(LIMITS);
/// assert_eq!(COOKIES.limits().fields, 500);
/// ```
///
/// Those that come from a file or a command line are [set](Limits::set) by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// `status-line-too-long`: 8 KiB.
    pub status_line: u32,
    /// `field-line-too-long` and, in trailers, `trailer-field-too-large`: 16 KiB.
    pub field_line: u32,
    /// `header-section-too-large`: 64 KiB.
    pub header_section: u32,
    /// `header-section-too-large`: 100 field lines.
    pub fields: u16,
    /// `too-many-interim-responses`: 16 interim replies before the final one.
    pub interim_messages: u16,
    /// `too-many-interim-responses`: 64 KiB of interim replies together.
    pub interim_bytes: u32,
    /// `chunk-line-too-long`: 4 KiB for a chunk size with its extensions.
    pub chunk_line: u32,
    /// `excess-chunk-overhead`: 16 KiB that chunk lines may take whatever the content ...
    pub chunk_overhead: u32,
    /// ... and 10 bytes more for each byte of content.
    pub chunk_overhead_ratio: u32,
    /// `trailer-section-too-large`: 16 KiB.
    pub trailer_section: u32,
    /// `trailer-section-too-large`: 64 field lines.
    pub trailer_fields: u16,
    /// `response-body-too-large`: no limit.
    pub content: u64,
}

impl Limits {
    /// The limits of every preset.
    pub const DEFAULT: Limits = Limits {
        status_line: 8 << 10,
        field_line: 16 << 10,
        header_section: 64 << 10,
        fields: 100,
        interim_messages: 16,
        interim_bytes: 64 << 10,
        chunk_line: 4 << 10,
        chunk_overhead: 16 << 10,
        chunk_overhead_ratio: 10,
        trailer_section: 16 << 10,
        trailer_fields: 64,
        content: u64::MAX,
    };

    /// Tiny limits, under which the [examples](Rule::example) of limit rules fit on a screen.
    pub const EXAMPLE: Limits = Limits {
        status_line: 32,
        field_line: 40,
        header_section: 160,
        fields: 4,
        interim_messages: 1,
        interim_bytes: 80,
        chunk_line: 16,
        chunk_overhead: 32,
        chunk_overhead_ratio: 10,
        trailer_section: 60,
        trailer_fields: 3,
        content: 8,
    };

    /// Each limit by name, which is that of its field, with what it counts.
    pub const NAMES: &'static [(&'static str, &'static str)] = &{
        let mut names = [("", ""); LIMITS.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = (LIMITS[at].name, LIMITS[at].counts);
            at += 1;
        }
        names
    };

    /// These limits with the one of that name set to `value`: for settings that come from a file.
    ///
    /// ```
    /// use badgateway::{LimitError, Limits, Policy};
    /// let limits = Limits::DEFAULT.set("field_line", 32 << 10)?.set("fields", 500)?;
    /// assert_eq!((limits.field_line, limits.fields), (32768, 500));
    /// assert_eq!(limits.set("lines", 500), Err(LimitError::Unknown));
    /// assert_eq!(limits.set("fields", 70_000), Err(LimitError::TooGreat { most: 65_535 }));
    /// let policy = Policy::DEFAULT.with_limits(limits);
    /// # Ok::<(), LimitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LimitError`] where no limit is called that, or its field cannot hold the value.
    pub fn set(mut self, name: &str, value: u64) -> Result<Limits, LimitError> {
        let limit = LIMITS.iter().find(|limit| limit.name == name).ok_or(LimitError::Unknown)?;
        (limit.field)(&mut self).put(value).map_err(|most| LimitError::TooGreat { most })?;
        Ok(self)
    }
}

/// Why a limit cannot be [set](Limits::set).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitError {
    /// No limit is called that.
    Unknown,
    /// The value is above the most that this limit can be set to.
    TooGreat {
        /// The greatest value it takes; the least is 0.
        most: u64,
    },
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitError::TooGreat { most } => write!(f, "it takes 0 to {most}"),
            LimitError::Unknown => {
                f.write_str("no limit is called that; there are ")?;
                for (at, (name, _)) in Limits::NAMES.iter().enumerate() {
                    write!(f, "{}{name}", if at == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}

impl core::error::Error for LimitError {}

/// A limit for those who know it by name.
struct Limit {
    name: &'static str,
    counts: &'static str,
    field: fn(&mut Limits) -> Field<'_>,
}

enum Field<'l> {
    U16(&'l mut u16),
    U32(&'l mut u32),
    U64(&'l mut u64),
}

impl Field<'_> {
    /// The error is the most that can be put there.
    fn put(self, value: u64) -> Result<(), u64> {
        match self {
            Field::U16(field) => *field = value.try_into().map_err(|_| u16::MAX)?,
            Field::U32(field) => *field = value.try_into().map_err(|_| u32::MAX)?,
            Field::U64(field) => *field = value,
        }
        Ok(())
    }
}

const LIMITS: [Limit; 12] = [
    Limit {
        name: "status_line",
        counts: "bytes of a status line",
        field: |limits| Field::U32(&mut limits.status_line),
    },
    Limit {
        name: "field_line",
        counts: "bytes of a field line, in headers and trailers",
        field: |limits| Field::U32(&mut limits.field_line),
    },
    Limit {
        name: "header_section",
        counts: "bytes of a head, status line included",
        field: |limits| Field::U32(&mut limits.header_section),
    },
    Limit { name: "fields", counts: "field lines in a head", field: |limits| Field::U16(&mut limits.fields) },
    Limit {
        name: "interim_messages",
        counts: "interim replies before a final one",
        field: |limits| Field::U16(&mut limits.interim_messages),
    },
    Limit {
        name: "interim_bytes",
        counts: "bytes of those interim replies together",
        field: |limits| Field::U32(&mut limits.interim_bytes),
    },
    Limit {
        name: "chunk_line",
        counts: "bytes of a chunk size with its extensions",
        field: |limits| Field::U32(&mut limits.chunk_line),
    },
    Limit {
        name: "chunk_overhead",
        counts: "bytes of chunk lines, whatever the content",
        field: |limits| Field::U32(&mut limits.chunk_overhead),
    },
    Limit {
        name: "chunk_overhead_ratio",
        counts: "bytes of chunk lines more for each byte of content",
        field: |limits| Field::U32(&mut limits.chunk_overhead_ratio),
    },
    Limit {
        name: "trailer_section",
        counts: "bytes of a trailer section",
        field: |limits| Field::U32(&mut limits.trailer_section),
    },
    Limit {
        name: "trailer_fields",
        counts: "field lines in a trailer section",
        field: |limits| Field::U16(&mut limits.trailer_fields),
    },
    Limit { name: "content", counts: "bytes of content", field: |limits| Field::U64(&mut limits.content) },
];

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

/// A level for every rule, and the limits. `Copy`, about 100 bytes, one per upstream if need be.
///
/// ```
/// use badgateway::{Level, Policy, Rule};
/// const LEGACY: Policy = Policy::DEFAULT.set(Rule::ObsFold, Level::Note);
/// assert_eq!(LEGACY.level(Rule::ObsFold), Level::Note);
/// // Some rules hold whatever one asks for.
/// assert_eq!(LEGACY.set(Rule::NotHttp, Level::Allow).level(Rule::NotHttp), Level::Deny);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Those that are; a rule in neither set is allowed.
    denied: RuleSet,
    noted: RuleSet,
    limits: Limits,
}

impl Policy {
    /// Every core deviation is denied; lawful facts are noted.
    pub const STRICT: Policy = Policy::preset(0);
    /// What a gateway wants in front of servers it does not know: repair what has one meaning, refuse the rest.
    pub const DEFAULT: Policy = Policy::preset(1);
    /// Every leniency the RFCs grant.
    pub const COMPAT: Policy = Policy::preset(2);

    const fn preset(column: usize) -> Policy {
        let mut policy = Policy { denied: RuleSet::NONE, noted: RuleSet::NONE, limits: Limits::DEFAULT };
        let mut at = 0;
        while at < Rule::COUNT {
            policy = policy.put(Rule::at(at), Rule::at(at).preset(column));
            at += 1;
        }
        policy
    }

    /// The preset of that name: `strict`, `default`, `compat` or `observe`.
    pub fn from_name(name: &str) -> Option<Policy> {
        match name {
            "strict" => Some(Policy::STRICT),
            "default" => Some(Policy::DEFAULT),
            "compat" => Some(Policy::COMPAT),
            "observe" => Some(Policy::observe()),
            _ => None,
        }
    }

    /// For a roll-out: all that [`Policy::DEFAULT`] denies and that may be tolerated is noted, and only what leaves the
    /// meaning of the bytes open is denied.
    pub const fn observe() -> Policy {
        let mut policy = Policy::DEFAULT;
        let mut at = 0;
        while at < Rule::COUNT {
            if matches!(policy.level(Rule::at(at)), Level::Deny) {
                policy = policy.set(Rule::at(at), Level::Note);
            }
            at += 1;
        }
        policy
    }

    /// This policy with one rule at another level. A level the rule may not take
    /// ([`Relax::levels`](crate::Relax::levels)) changes nothing.
    pub const fn set(self, rule: Rule, level: Level) -> Policy {
        if rule.permits(level) { self.put(rule, level) } else { self }
    }

    const fn put(mut self, rule: Rule, level: Level) -> Policy {
        (self.denied, self.noted) = match level {
            Level::Deny => (self.denied.with(rule), self.noted.without(rule)),
            Level::Note => (self.denied.without(rule), self.noted.with(rule)),
            Level::Allow => (self.denied.without(rule), self.noted.without(rule)),
        };
        self
    }

    /// As [`set`](Policy::set), and `None` for a level the rule may not take: for settings that come from a file.
    pub const fn try_set(self, rule: Rule, level: Level) -> Option<Policy> {
        if rule.permits(level) { Some(self.set(rule, level)) } else { None }
    }

    /// This policy with other limits.
    ///
    /// ```
    /// use badgateway::{Limits, Policy};
    /// let mut limits = Limits::DEFAULT;
    /// limits.fields = 500;
    /// let policy = Policy::DEFAULT.with_limits(limits);
    /// assert_eq!(policy.limits().fields, 500);
    /// ```
    pub const fn with_limits(mut self, limits: Limits) -> Policy {
        self.limits = limits;
        self
    }

    /// The level of a rule.
    pub const fn level(&self, rule: Rule) -> Level {
        if self.denied.contains(rule) {
            Level::Deny
        } else if self.noted.contains(rule) {
            Level::Note
        } else {
            Level::Allow
        }
    }

    /// The limits.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn a_locked_rule_stays_denied() {
        for rule in Rule::all() {
            for level in [Level::Allow, Level::Note, Level::Deny] {
                let set = Policy::DEFAULT.set(rule, level).level(rule);
                let kept = Policy::DEFAULT.level(rule);
                assert_eq!(set, if rule.permits(level) { level } else { kept }, "{rule}");
                assert_eq!(Policy::DEFAULT.try_set(rule, level).is_some(), rule.permits(level), "{rule}");
            }
        }
    }

    /// By their names in the code; what is put there is a number of its own for each.
    #[test]
    fn every_limit_has_its_name() {
        let mut limits = Limits::DEFAULT;
        for (at, (name, _)) in Limits::NAMES.iter().enumerate() {
            limits = limits.set(name, 1000 + at as u64).unwrap();
        }
        let shown =
            Limits::NAMES.iter().enumerate().map(|(at, (name, _))| std::format!("{name}: {}", 1000 + at));
        let shown: std::vec::Vec<_> = shown.collect();
        assert_eq!(std::format!("{limits:?}"), std::format!("Limits {{ {} }}", shown.join(", ")));
    }

    #[test]
    fn a_limit_takes_what_its_field_can_hold() {
        for (name, _) in Limits::NAMES {
            let most = match *name {
                "fields" | "interim_messages" | "trailer_fields" => u64::from(u16::MAX),
                "content" => u64::MAX,
                _ => u64::from(u32::MAX),
            };
            for value in [0, most] {
                let shown = std::format!("{:?}", Limits::DEFAULT.set(name, value).unwrap());
                assert!(shown.contains(&std::format!(" {name}: {value}")), "{shown}");
            }
            let more = most.checked_add(1).map(|more| Limits::DEFAULT.set(name, more));
            assert!(more.is_none_or(|set| set == Err(LimitError::TooGreat { most })), "{name}: {more:?}");
        }
    }

    #[test]
    fn a_limit_that_cannot_be_set_says_why() {
        let unknown = Limits::DEFAULT.set("Fields", 1).unwrap_err().to_string();
        assert!(
            unknown.starts_with("no limit is called that; there are status_line, field_line, "),
            "{unknown}"
        );
        assert!(Limits::NAMES.iter().all(|(name, _)| unknown.contains(name)), "{unknown}");
        let great = Limits::DEFAULT.set("fields", 65_536).unwrap_err().to_string();
        assert_eq!(great, "it takes 0 to 65535");
    }

    /// Whoever reads why a reply was refused learns how to let it pass, in code and on the command line.
    #[test]
    fn rules_of_limits_name_them() {
        let mut named = std::string::String::new();
        for rule in Rule::all().filter(|rule| rule.relax() == crate::rule::Relax::Limit) {
            let words = rule.tolerated().split([' ', '`', '=', ',', '.']);
            let names: std::vec::Vec<&str> = words.filter_map(|word| word.strip_prefix("Limits::")).collect();
            assert!(!names.is_empty(), "{rule}");
            for name in names {
                assert!(Limits::DEFAULT.set(name, 1).is_ok(), "{rule}: {name}");
                assert!(rule.tolerated().contains(&std::format!("`--limit {name}=N`")), "{rule}: {name}");
                named += &std::format!(" {name} ");
            }
        }
        for (name, _) in Limits::NAMES {
            assert!(named.contains(&std::format!(" {name} ")), "no rule names {name}");
        }
    }

    #[test]
    fn presets_are_known_by_name() {
        for (name, policy) in [
            ("strict", Policy::STRICT),
            ("default", Policy::DEFAULT),
            ("compat", Policy::COMPAT),
            ("observe", Policy::observe()),
        ] {
            assert_eq!(Policy::from_name(name), Some(policy), "{name}");
        }
        assert_eq!(Policy::from_name("Strict"), None);
    }

    #[test]
    fn observing_denies_only_what_must_be() {
        let policy = Policy::observe();
        for rule in Rule::all() {
            assert_eq!(policy.level(rule) == Level::Deny, !rule.permits(Level::Note), "{rule}");
        }
    }
}
