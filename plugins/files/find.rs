//! From globs to files: each once, sorted, and what could not be looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, glob_with};
use opsbox_plugin::Gap;

/// A file that matches.
#[derive(Debug)]
pub(super) struct FileToRead {
    pub(super) path: PathBuf,
    /// The path as people know it: relative to the base where the glob was.
    pub(super) shown: String,
}

#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<FileToRead>,
    pub(super) gaps: Vec<Gap>,
}

pub(super) fn find(base: &Path, patterns: &[String]) -> Found {
    // As a shell does it: `*` stays inside a folder and passes over hidden files.
    let options = MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..MatchOptions::new()
    };
    let mut gaps = Vec::new();
    let mut files = BTreeMap::new();
    for pattern in patterns {
        let absolute = Path::new(pattern).is_absolute();
        let full = if absolute {
            pattern.clone()
        } else {
            format!(
                "{}/{pattern}",
                glob::Pattern::escape(&base.to_string_lossy()).trim_end_matches('/')
            )
        };
        let matches = match glob_with(&full, options) {
            Ok(matches) => matches,
            Err(error) => {
                gaps.push(Gap::new(pattern, format!("not a glob: {error}")));
                continue;
            }
        };
        let mut n_matches = 0;
        for path in matches {
            match path {
                Ok(path) if path.is_dir() && path != Path::new(&full) => {}
                Ok(path) if path.is_file() => {
                    n_matches += 1;
                    let shown = if absolute {
                        &path
                    } else {
                        path.strip_prefix(base).unwrap_or(&path)
                    };
                    let shown = shown.to_string_lossy().into_owned();
                    files.insert(shown.clone(), FileToRead { path, shown });
                }
                Ok(path) => {
                    n_matches += 1;
                    let why = if path.is_dir() {
                        "it is a folder"
                    } else {
                        "it is no regular file"
                    };
                    gaps.push(
                        Gap::new(path.to_string_lossy(), why)
                            .remedy("name files, for example with `/*.json`"),
                    );
                }
                Err(error) => {
                    n_matches += 1;
                    let path = error.path().to_string_lossy().into_owned();
                    gaps.push(Gap::new(path, std::io::Error::from(error).to_string()));
                }
            }
        }
        if n_matches == 0 {
            gaps.push(Gap::new(pattern, "no file matches it").remedy("correct `paths`"));
        }
    }
    Found {
        files: files.into_values().collect(),
        gaps,
    }
}
