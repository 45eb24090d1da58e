//! What is claimed about each published plugin, and the table of it that the repository holds.

/// What is claimed about one plugin. The test that holds the claim is part of it, so that none is without.
pub(super) struct Claim {
    pub(super) plugin: &'static str,
    /// What the test runs it against.
    pub(super) against: &'static str,
    /// `same`, or what differs from the original and why.
    pub(super) outcome: &'static str,
    /// The test's name below `published`.
    pub(super) test: &'static str,
    /// The test itself.
    pub(super) proof: fn(),
}

macro_rules! claim {
    ($plugin:literal, $against:literal, $outcome:literal, $test:ident) => {
        $crate::published::compatibility::Claim {
            plugin: $plugin,
            against: $against,
            outcome: $outcome,
            test: concat!(module_path!(), "::", stringify!($test)),
            proof: $test,
        }
    };
}
pub(super) use claim;
