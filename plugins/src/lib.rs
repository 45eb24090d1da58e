//! The plugins that ship with Opsbox: a folder with its manifest for each, and the list of them.

#[path = "../host/mod.rs"]
mod host;

#[path = "../files/mod.rs"]
mod files;

#[path = "../limit/mod.rs"]
mod limit;
#[path = "../sort_severity/mod.rs"]
mod sort_severity;

#[path = "../cli_out/mod.rs"]
mod cli_out;
#[path = "../json_out/mod.rs"]
mod json_out;
#[path = "../text_out/mod.rs"]
mod text_out;

mod bundled;
mod findings;
mod folder;
mod json;
mod severity;
mod text;

pub use bundled::{BUNDLED, Bundled};
