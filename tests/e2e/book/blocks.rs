//! What a page makes its reader do: files to write and commands to type, read off its code blocks.
//!
//! A block whose info string has `file=PATH` is a file, and the text before it names that file to the reader. A block
//! `console` holds commands, each behind `$ `, its further lines behind `> `, and below each what it shows.

use std::ops::Range;
use std::path::Path;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// One thing that a reader does.
pub enum Step {
    /// Write this file.
    Write { path: String, text: String },
    /// Type this and see that; `place` is where that stands in the page.
    Type {
        line: String,
        shows: String,
        place: Range<usize>,
    },
}

/// Returns the steps of a page, in order.
///
/// # Panics
/// Where a file is not named before its block, or a block `console` does not begin with a command.
pub fn steps(page: &Path, text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut named = Vec::new();
    let mut block: Option<(String, Range<usize>)> = None;
    for (event, place) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::Item) => named.clear(),
            Event::Code(code) => named.push(code.into_string()),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                block = Some((info.into_string(), place.end..place.start));
            }
            Event::Text(_) => {
                if let Some((_, content)) = &mut block {
                    *content = content.start.min(place.start)..content.end.max(place.end);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                let Some((info, content)) = block.take() else {
                    continue;
                };
                let words: Vec<&str> = info.split_whitespace().collect();
                if let Some(path) = words.iter().find_map(|word| word.strip_prefix("file=")) {
                    assert!(
                        named.iter().any(|name| name == path),
                        "{}: the text before the block of `{path}` does not name it",
                        page.display()
                    );
                    let (path, text) = (path.to_owned(), text[content].to_owned());
                    steps.push(Step::Write { path, text });
                    named.clear();
                } else if words.first() == Some(&"console") {
                    typed(page, text, content, &mut steps);
                }
            }
            _ => {}
        }
    }
    steps
}

/// Adds the commands of one block.
fn typed(page: &Path, text: &str, content: Range<usize>, steps: &mut Vec<Step>) {
    let mut at = content.start;
    let mut more = false;
    let first = steps.len();
    for whole in text[content].split_inclusive('\n') {
        let end = at + whole.len();
        if let Some(line) = whole.strip_prefix("$ ") {
            let line = line.trim_end().to_owned();
            more = line.ends_with('\\');
            steps.push(Step::Type {
                line,
                shows: String::new(),
                place: end..end,
            });
        } else if let Some(Step::Type { line, shows, place }) = steps[first..].last_mut() {
            if let Some(rest) = whole.strip_prefix("> ").filter(|_| more) {
                *line = format!("{line}\n{}", rest.trim_end());
                more = line.ends_with('\\');
                *place = end..end;
            } else {
                shows.push_str(whole);
                place.end = end;
            }
        } else {
            panic!("{}: a block `console` begins with {whole:?}", page.display());
        }
        at = end;
    }
}
