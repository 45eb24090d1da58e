//! Tables of plain text that stay readable at 80 columns, and texts of strangers made safe for a terminal.

use std::path::Path;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use crate::discover::Catalog;
use crate::manifest::{Manifest, Origin};
use crate::python::MANAGED;
use crate::ui::text;

/// A column whose longest cell has at most this many characters is not wrapped.
const NAME_COLUMNS: usize = 32;

/// The last column gets at least this many characters, as far as there are so many.
const LAST_COLUMNS: usize = 24;

fn widest(header: &str, rows: &[Vec<String>], index: usize) -> usize {
    rows.iter()
        .filter_map(|row| row.get(index))
        .map(|cell| cell.chars().count())
        .fold(header.chars().count(), usize::max)
}

/// Returns whether all columns but the last may be as wide as they like, and the last one stays readable.
pub(super) fn leaves_room(header: &[&str], rows: &[Vec<String>], width: u16) -> bool {
    let names: usize = (0..header.len().saturating_sub(1))
        .map(|index| widest(header[index], rows, index) + 2)
        .sum();
    names + LAST_COLUMNS <= usize::from(width)
}

/// Returns a table without lines; columns wrap so that it fits the width. Empty without rows.
pub(super) fn table(header: &[&str], rows: Vec<Vec<String>>, width: u16) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width.max(40));
    table.set_header(header.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>());
    for row in &rows {
        table.add_row(row.iter().map(|text| clean(text)).collect::<Vec<_>>());
    }
    // What the columns of names may take together, so that the last one stays readable.
    let mut room = usize::from(width.max(40)).saturating_sub(LAST_COLUMNS);
    for index in 0..header.len() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, 2));
            // Names are read whole or not at all; texts and paths, which stand last, may wrap.
            let wanted = widest(header[index], &rows, index) + 2;
            if index + 1 < header.len() && wanted <= NAME_COLUMNS.min(room) {
                room -= wanted;
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
    let mut text = String::new();
    for line in table.to_string().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Returns a text on one line and without control characters: manifests and schemas come from anywhere.
pub(crate) fn clean(text: &str) -> String {
    text::clean(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Says in few words where a plugin came from: of a managed package also where the package came from, if not from an index.
pub(super) fn from(manifest: &Manifest, catalog: &Catalog) -> String {
    match &manifest.origin {
        Origin::Bundled => "built in".to_owned(),
        Origin::Folder { manifest } => manifest.display().to_string(),
        Origin::EntryPoint {
            distribution,
            version,
            ..
        } => {
            let text = format!("package {distribution} {version}").trim().to_owned();
            match catalog
                .managed
                .as_ref()
                .filter(|managed| managed.holds(&manifest.origin))
            {
                Some(managed) => {
                    let lock = managed.lock.as_ref().ok();
                    let package = lock.and_then(|lock| lock.package(distribution));
                    match package.and_then(|package| package.source.text()) {
                        Some(place) => format!("{text}, managed, from {place}"),
                        None => format!("{text}, managed"),
                    }
                }
                None => text,
            }
        }
    }
}

/// Returns a path for programs, U+FFFD for what of it is no text: JSON knows no other.
pub(super) fn path_json(path: &Path) -> String {
    path.display().to_string()
}

/// Says where a plugin came from, for programs.
pub(super) fn origin_json(origin: &Origin) -> serde_json::Value {
    match origin {
        Origin::Bundled => serde_json::json!({"kind": "bundled"}),
        Origin::Folder { manifest } => serde_json::json!({"kind": "folder", "manifest": path_json(manifest)}),
        Origin::EntryPoint {
            manifest,
            distribution,
            version,
            value,
            interpreter,
        } => serde_json::json!({
            "kind": "entry_point", "manifest": path_json(manifest), "distribution": distribution, "version": version, "value": value,
            "python": path_json(&interpreter.path), "managed": interpreter.why == MANAGED,
        }),
    }
}

/// Returns faults for programs.
pub(super) fn faults_json(faults: &[crate::error::Fault]) -> serde_json::Value {
    faults
        .iter()
        .map(|fault| serde_json::json!({"message": fault.message, "hints": fault.hints}))
        .collect()
}

/// Returns faults for people, each with its hints below it.
pub(super) fn faults_text(faults: &[crate::error::Fault], indent: &str) -> String {
    let mut text = String::new();
    for fault in faults {
        text.push_str(&format!("{indent}{}\n", clean(&fault.message)));
        for hint in &fault.hints {
            text.push_str(&format!("{indent}  hint: {}\n", clean(hint)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_fits_its_width_and_holds_no_escapes() {
        let long = "a description that is far too long for one line of such a narrow table ".repeat(2);
        let text = table(&["name", "about"], vec![vec!["x\u{1b}[31m".into(), long]], 60);
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        assert!(text.starts_with("NAME"), "{text}");
        assert!(!text.contains('\u{1b}'));
        assert_eq!(table(&["name"], vec![], 80), "");
    }
}
