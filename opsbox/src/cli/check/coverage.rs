//! Which lines of policies the tests reached, taken together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::bounded::read_text;
use crate::cli::table::path_json;
use crate::rego::scan::MOST_READ;
use crate::ui::text::clean;

/// The lines that hold an expression, by policy; each counted from 1.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    files: BTreeMap<PathBuf, Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    reached: BTreeSet<u32>,
    /// All of them.
    counted: BTreeSet<u32>,
}

impl Coverage {
    /// Adds what one test reached of a policy.
    pub(super) fn add(&mut self, file: &Path, covered: &[u32], not_covered: &[u32]) {
        if covered.is_empty() && not_covered.is_empty() {
            return;
        }
        let lines = self.files.entry(file.components().collect()).or_default();
        lines.reached.extend(covered);
        lines.counted.extend(covered.iter().chain(not_covered));
    }

    /// Returns a line for each policy; with `all` the lines that no test reached, too.
    pub(super) fn text(&self, all: bool) -> String {
        let mut text = String::new();
        for (file, lines) in &self.files {
            let missed: Vec<_> = lines.missed().collect();
            text.push_str(&format!(
                "{}: {} of {} lines reached\n",
                clean(&file.display().to_string()),
                lines.counted.len() - missed.len(),
                lines.counted.len()
            ));
            if !all || missed.is_empty() {
                continue;
            }
            let policy = read_text(file, MOST_READ).map_or_else(|_| String::new(), |(text, _)| text);
            let policy: Vec<_> = policy.lines().collect();
            for line in missed {
                let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
                let words = policy.get(index).copied().unwrap_or_default();
                text.push_str(format!("  {line:>4} | {}", clean(&words.replace('\t', "    "))).trim_end());
                text.push('\n');
            }
        }
        text
    }

    /// Returns the same for programs.
    pub(super) fn json(&self) -> Value {
        self.files
            .iter()
            .map(|(file, lines)| {
                json!({
                    "file": path_json(file), "covered": lines.reached, "not_covered": lines.missed().collect::<Vec<_>>(),
                })
            })
            .collect()
    }
}

impl Lines {
    fn missed(&self) -> impl Iterator<Item = u32> + '_ {
        self.counted.difference(&self.reached).copied()
    }
}
