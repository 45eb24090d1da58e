//! `opsbox plugin new`: a plugin to start from, and what to do with it.

use std::path::Path;

use serde_json::{Value, json};

use super::host::Own;
use super::request::{Answer, New};
use super::table::{clean, path_json};
use crate::error::Failure;
use crate::scaffold::{self, Lang, Made};
use crate::ui::Ui;

/// Makes the plugin and says what to do next.
///
/// # Errors
/// Where the name is none, there is no such template, or the folder is there already or cannot be written.
pub(super) fn new(own: &Own, ui: &Ui, query: &New) -> Result<Answer, Failure> {
    let environ = &own.environ;
    let parent = query
        .dir
        .as_ref()
        .map_or(environ.cwd.clone(), |dir| environ.absolute(dir));
    let made = scaffold::make(&query.wish, &parent)?;
    if let Some(missing) = missing(own, made.lang) {
        ui.note(&missing);
    }
    let name = &query.wish.name;
    // As it would be typed here.
    let folder = made.folder.strip_prefix(&environ.cwd).unwrap_or(&made.folder);
    Ok(Answer {
        text: text(&made, name, folder),
        json: json(&made, name),
        code: 0,
    })
}

/// Says that a program is missing without which the plugin does nothing.
fn missing(own: &Own, lang: Lang) -> Option<String> {
    let program = lang.program()?;
    let environ = &own.environ;
    let found = which::which_in(program, environ.var_os("PATH"), &environ.cwd);
    found
        .err()
        .map(|_| format!("note: there is no `{program}` on PATH, without which the plugin does nothing"))
}

fn text(made: &Made, name: &str, folder: &Path) -> String {
    let folder = folder.display().to_string();
    let mut text = format!(
        "made `{name}`, {} in {}: {}\n",
        made.kind.one(),
        made.lang.title(),
        clean(&folder)
    );
    text.push_str(&format!(
        "  {}\n\nnext:\n  cd {}\n",
        made.files.join("  "),
        clean(&quoted(&folder))
    ));
    for line in scaffold::lines(&made.next) {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

/// Returns a word as a shell reads it back.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./+:@%,=".contains(c);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn json(made: &Made, name: &str) -> Value {
    let next = made
        .next
        .iter()
        .map(|command| json!({"command": command.line, "does": command.does}));
    json!({
        "name": name,
        "type": made.kind.name(),
        "lang": made.lang.name(),
        "folder": path_json(&made.folder),
        "files": made.files,
        "next": next.collect::<Vec<_>>(),
    })
}
