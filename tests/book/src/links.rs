//! Links of a built book that lead to no page, or to no place in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What is looked at of a page.
struct Page {
    places: BTreeSet<String>,
    links: Vec<String>,
}

/// Returns the links that lead nowhere, each with its page.
pub fn broken(book: &Path) -> Vec<String> {
    let pages = pages(book);
    let mut broken = Vec::new();
    for (path, page) in &pages {
        for link in page.links.iter().filter(|link| !link.contains("://")) {
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            let there = match target.canonicalize() {
                Err(_) => false,
                Ok(_) if place.is_empty() => true,
                Ok(target) => pages.get(&target).is_some_and(|page| page.places.contains(place)),
            };
            if !there {
                broken.push(format!("{}: {link}", path.strip_prefix(book).unwrap().display()));
            }
        }
    }
    broken
}

fn pages(book: &Path) -> BTreeMap<PathBuf, Page> {
    let mut pages = BTreeMap::new();
    let mut open = vec![book.canonicalize().unwrap()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                pages.insert(path.clone(), look(&fs::read_to_string(&path).unwrap()));
            }
        }
    }
    pages
}

/// Returns the places of a page, and the links of its text; menus are mdBook's own.
fn look(html: &str) -> Page {
    let text = html.split_once("<main>").map_or("", |(_, rest)| rest);
    let text = text.split_once("</main>").map_or(text, |(text, _)| text);
    Page {
        places: values(text, " id=\"").collect(),
        links: values(text, " href=\"").collect(),
    }
}

fn values<'a>(html: &'a str, attribute: &'a str) -> impl Iterator<Item = String> + 'a {
    let parts = html.split(attribute).skip(1);
    parts.filter_map(|rest| rest.split('"').next().map(str::to_owned))
}
