//! Editable installs that map names to folders by code of a build tool, told from the table in that code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::still::children;
use crate::bounded;

/// A build tool's finder is no larger than this.
const MOST: u64 = 4 << 20;

/// Adds what the editable installs of a folder of packages map: a top-level name to its folder or file.
///
/// Known are the finders of setuptools (`__editable___NAME_finder.py`) and of editables, which hatch and pdm use (`_editable_impl_NAME.py`).
pub(super) fn read(site: &Path, found: &mut BTreeMap<String, PathBuf>) {
    for file in children(site) {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let begins = match name.strip_suffix(".py") {
            Some(stem) if stem.starts_with("__editable__") && stem.ends_with("_finder") => "MAPPING",
            Some(stem) if stem.starts_with("_editable_impl_") => "F.map_module(",
            _ => continue,
        };
        let Ok((text, _)) = bounded::read_text(&file, MOST) else {
            continue;
        };
        for line in text.lines().filter(|line| line.starts_with(begins)) {
            let literals = literals(line);
            for pair in literals.chunks_exact(2) {
                add(found, &pair[0], Path::new(&pair[1]));
            }
        }
    }
}

fn add(found: &mut BTreeMap<String, PathBuf>, name: &str, path: &Path) {
    if !path.is_absolute() {
        return;
    }
    let (top, below) = name
        .split_once('.')
        .map_or((name, 0), |(top, rest)| (top, rest.split('.').count()));
    let is_init = path.file_name().is_some_and(|name| name == "__init__.py");
    let place = path.ancestors().nth(below + usize::from(is_init));
    if let Some(place) = place.filter(|place| below == 0 || place.is_dir()) {
        found.entry(top.to_owned()).or_insert_with(|| place.to_owned());
    }
}

/// Returns the texts between quotes of a line of Python.
fn literals(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut letters = line.chars();
    while let Some(quote) = letters.by_ref().find(|letter| ['\'', '"'].contains(letter)) {
        let mut text = String::new();
        loop {
            match letters.next() {
                None => return found,
                Some(letter) if letter == quote => break,
                Some('\\') => text.extend(letters.next()),
                Some(letter) => text.push(letter),
            }
        }
        found.push(text);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_setuptools_and_of_editables_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("src/deep/inner")).unwrap();
        let src = at("src").display().to_string();
        let mapping = format!(
            "import sys\nMAPPING: dict[str, str] = {{'one': '{src}/one', \"it's\": '{src}/it\\'s', 'deep.inner': '{src}/deep/inner'}}\n\
             NAMESPACES: dict[str, list[str]] = {{'no': ['/no']}}\n"
        );
        std::fs::write(at("__editable___one_1_0_finder.py"), mapping).unwrap();
        let other = format!(
            "from editables.redirector import RedirectingFinder as F\nF.install()\nF.map_module('two', '{src}/two/__init__.py')\n"
        );
        std::fs::write(at("_editable_impl_two.py"), other).unwrap();
        std::fs::write(at("finder.py"), "MAPPING = {'three': '/three'}\n").unwrap();
        let mut found = BTreeMap::new();
        read(folder.path(), &mut found);
        let wanted = [
            ("deep", "src/deep"),
            ("it's", "src/it's"),
            ("one", "src/one"),
            ("two", "src/two"),
        ];
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(name, path)| ((*name).to_owned(), at(path)))
            .collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), wanted);
    }
}
