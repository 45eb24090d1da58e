//! Builds the book with mdBook's library, out of the pages where they lie.
//!
//! mdBook takes a folder and all that is in it. Pages of the repository link to each other across folders, and such links
//! hold wherever the files are read; so the pages are copied, each to its own path, into a folder that holds nothing else.

use std::fs;
use std::path::{Component, Path, PathBuf};

use mdbook_driver::MDBook;
use mdbook_driver::config::Config;
use pulldown_cmark::{Event, Options, Parser, Tag};

const SUMMARY: &str = "docs/SUMMARY.md";

/// Returns the pages of the book, each by its path from the root of the repository.
pub fn pages() -> Vec<PathBuf> {
    let pages: Vec<PathBuf> = links(&read(SUMMARY))
        .iter()
        .map(|link| from(SUMMARY, link))
        .collect();
    assert!(!pages.is_empty(), "{SUMMARY} links to no page");
    pages
}

/// Builds the book inside a folder and returns the folder of its HTML.
///
/// # Panics
/// Where mdBook refuses it, or a page that [`SUMMARY`] names is not there.
pub fn build(folder: &Path) -> PathBuf {
    let source = folder.join("source");
    stage(&source);
    let mut config: Config = read("docs/book.toml").parse().unwrap();
    config.book.src = source;
    config.build.build_dir = folder.join("book");
    // A page that is missing is a mistake, and no reason to write an empty one.
    config.build.create_missing = false;
    let book = MDBook::load_with_config(folder, config).unwrap_or_else(|error| panic!("{error:#}"));
    book.build().unwrap_or_else(|error| panic!("{error:#}"));
    folder.join("book")
}

fn stage(source: &Path) {
    // Its links, from the folder that the pages are put into.
    let text = read(SUMMARY);
    let mut parts = text.split("](");
    let mut summary = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (link, rest) = part.split_once(')').unwrap();
        summary.push_str(&format!("]({}){rest}", from(SUMMARY, link).display()));
    }
    put(source, Path::new("SUMMARY.md"), &summary);
    for page in pages() {
        let text = read(&page);
        put(source, &page, &text);
        for link in links(&text) {
            let file = from(&page, &link);
            if repository().join(&file).is_file()
                && file.extension().is_none_or(|extension| extension != "md")
            {
                put(source, &file, &read(&file));
            }
        }
    }
}

fn put(source: &Path, file: &Path, text: &str) {
    let path = source.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(file: impl AsRef<Path>) -> String {
    let path = repository().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns what a page links to in this repository, as it is written.
fn links(markdown: &str) -> Vec<String> {
    Parser::new_ext(markdown, Options::ENABLE_TABLES)
        .filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. }) => Some(dest_url.into_string()),
            _ => None,
        })
        .filter(|link| !link.contains("://") && !link.starts_with('#') && !link.is_empty())
        .collect()
}

/// Returns the path, from the root of the repository, of what a page links to.
fn from(page: impl AsRef<Path>, link: &str) -> PathBuf {
    let (file, _) = link.split_once('#').unwrap_or((link, ""));
    let mut path = PathBuf::new();
    for part in page.as_ref().parent().unwrap().join(file).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
    }
    path
}

/// Returns the repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Copies a folder with all in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
