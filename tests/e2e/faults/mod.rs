//! Faults that a host must survive, case by case: `case_13_…` is case 13 of the table in `cases`, `and_…` are combinations of several.
//!
//! Each asserts four things (`harness`): the run ends within its deadline; what the other plugins made is delivered whole; the message names the
//! plugin, the hook and the cause, and whose fault it is; no process, descriptor or temporary file is left.

mod bridge;
mod cases;
mod framing;
mod harness;
mod interplay;
mod interrupts;
mod leftovers;
mod life_cycle;
mod outside_values;
mod semantics;
mod start;
