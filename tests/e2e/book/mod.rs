//! What the pages for authors show is what happens: their files are written, their commands typed. `tests/book` builds the book.

mod blocks;
mod session;

use std::fs;
use std::path::Path;

use crate::support::repository;

/// Makes a test of every chapter that shows commands, so that each is a line of its own where one fails.
macro_rules! chapters {
    ($($test:ident => $page:literal,)*) => {
        const CHAPTERS: &[&str] = &[$($page),*];
        $(
            #[test]
            fn $test() {
                session::follow($page);
            }
        )*
    };
}

chapters! {
    debugging_shows_what_happens => "docs/debugging-plugins.md",
    first_plugin_in_go_shows_what_happens => "docs/first-plugin-in-go.md",
    first_plugin_in_node_shows_what_happens => "docs/first-plugin-in-node.md",
    first_plugin_in_python_shows_what_happens => "docs/first-plugin-in-python.md",
    first_plugin_in_rego_shows_what_happens => "docs/first-plugin-in-rego.md",
    first_plugin_in_rust_shows_what_happens => "docs/first-plugin-in-rust.md",
    first_plugin_in_shell_shows_what_happens => "docs/first-plugin-in-shell.md",
    from_pluggy_to_the_protocol_shows_what_happens => "docs/from-pluggy-to-the-protocol.md",
    packaging_shows_what_happens => "docs/packaging-plugins.md",
    testing_shows_what_happens => "docs/testing-plugins.md",
    writing_rego_checks_shows_what_happens => "docs/writing-rego-checks.md",
}

#[test]
fn a_page_with_commands_is_a_chapter_that_is_tested() {
    let mut chapters = 0;
    for entry in fs::read_dir(repository().join("docs"))
        .unwrap()
        .map(Result::unwrap)
    {
        if entry.path().extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let page = Path::new("docs").join(entry.file_name());
        let text = fs::read_to_string(entry.path()).unwrap();
        let typed = blocks::steps(&page, &text)
            .iter()
            .any(|step| matches!(step, blocks::Step::Type { .. }));
        let name = page.to_str().unwrap();
        assert_eq!(
            typed,
            CHAPTERS.contains(&name),
            "{name} shows commands, or is in the list of chapters, and not both"
        );
        chapters += usize::from(typed);
    }
    assert_eq!(chapters, CHAPTERS.len(), "a chapter is not in docs/");
}
