//! Every plugin package published for the original, unchanged, in one environment.

mod checks;
mod discovered;
