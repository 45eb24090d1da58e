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

/// Doors for the fuzz targets of `tests/fuzz` alone: no part of the library's interface.
#[doc(hidden)]
pub mod fuzzing {
    /// Returns a text as `cli_out` shows it, cut to so many columns.
    pub fn shown(text: &str, columns: usize) -> String {
        crate::text::cut(&crate::text::shown(text), columns)
    }

    /// Returns the paths of files that outputs give these Results, each by `relates_to` and `result_name`.
    pub fn paths(names: &[(&str, &str)]) -> Vec<std::path::PathBuf> {
        crate::folder::paths(names)
    }
}
