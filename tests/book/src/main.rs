//! Builds the book of `docs/SUMMARY.md` into `target/book`, and names the links in it that lead nowhere: `cargo run -p opsbox-book`.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool of the repository, which may panic and speak"
)]

mod links;
mod pages;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    let (book, broken) = build();
    println!("{}", book.join("index.html").display());
    for link in &broken {
        println!("leads nowhere: {link}");
    }
    ExitCode::from(u8::from(!broken.is_empty()))
}

/// Builds the book and returns its folder, and the links that lead nowhere.
fn build() -> (PathBuf, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let made = pages::build(folder.path());
    let broken = links::broken(&made);
    // The program is in `target/debug`, a test of it in `target/debug/deps`.
    let program = env::current_exe().unwrap();
    let folders = program.ancestors().skip(1);
    let target = folders
        .skip_while(|folder| folder.ends_with("deps"))
        .nth(1)
        .unwrap();
    let shelf = target.join("book");
    let _old = fs::remove_dir_all(&shelf);
    pages::copy(&made, &shelf);
    (shelf, broken)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::PathBuf;

    use super::{build, pages};

    #[test]
    fn the_book_builds_and_every_link_in_it_leads_somewhere() {
        let (book, broken) = build();
        assert!(
            broken.is_empty(),
            "links that lead nowhere:\n{}",
            broken.join("\n")
        );
        for page in ["index.html", "docs/runs.html", "protocol/PROTOCOL.html"] {
            let text = fs::read_to_string(book.join(page)).unwrap();
            assert!(text.contains("<main>"), "{page}");
        }
    }

    #[test]
    fn every_page_of_docs_is_in_the_book() {
        let pages: BTreeSet<PathBuf> = pages::pages().into_iter().collect();
        for entry in fs::read_dir(pages::repository().join("docs")).unwrap() {
            let file = PathBuf::from("docs").join(entry.unwrap().file_name());
            let is_page = file.extension().is_some_and(|extension| extension == "md");
            if is_page && !file.ends_with("SUMMARY.md") {
                let name = file.display();
                assert!(pages.contains(&file), "{name} is not in docs/SUMMARY.md");
            }
        }
    }
}
