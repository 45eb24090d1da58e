//! `opsbox check`: a Rego check against a file, and tests of policies by rules and by data. Evaluation happens in a child, as in a run.

mod cases;
mod compare;
mod coverage;
mod eval;
mod expected;
mod find;
mod parsed;
mod report;
mod rules;
mod test;
mod worker;

pub(in crate::cli) use eval::eval;
pub(in crate::cli) use parsed::unparsed;
pub(in crate::cli) use test::test;
