//! Some of the rules, one bit each.
#![forbid(unsafe_code)]

use super::Rule;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuleSet([u64; Rule::COUNT.div_ceil(64)]);

impl RuleSet {
    pub(crate) const NONE: RuleSet = RuleSet([0; Rule::COUNT.div_ceil(64)]);

    const fn place(rule: Rule) -> (usize, u64) {
        (rule as usize / 64, 1 << (rule as usize % 64))
    }

    pub(crate) const fn contains(&self, rule: Rule) -> bool {
        let (word, bit) = RuleSet::place(rule);
        self.0[word] & bit != 0
    }

    pub(crate) const fn with(mut self, rule: Rule) -> RuleSet {
        let (word, bit) = RuleSet::place(rule);
        self.0[word] |= bit;
        self
    }

    pub(crate) const fn without(mut self, rule: Rule) -> RuleSet {
        let (word, bit) = RuleSet::place(rule);
        self.0[word] &= !bit;
        self
    }

    /// True if it was not there yet.
    pub(crate) fn insert(&mut self, rule: Rule) -> bool {
        let new = !self.contains(rule);
        *self = self.with(rule);
        new
    }
}
