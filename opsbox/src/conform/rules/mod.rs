//! All rules, in the order of PROTOCOL.md. Docs and tests go through this one list.

mod config;
mod errors;
mod framing;
mod handshake;
mod life;
mod limits;
mod messages;
mod noise;
mod notes;
mod process;
mod results;

use super::rule::Rule;

/// Every rule that the suite checks.
pub static RULES: &[&[Rule]] = &[
    framing::RULES,
    messages::RULES,
    limits::RULES,
    noise::RULES,
    life::RULES,
    handshake::RULES,
    config::RULES,
    results::RULES,
    notes::RULES,
    process::RULES,
    errors::RULES,
];

/// Goes through every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().flatten()
}
