//! `opsbox plugin schema`: the published JSON Schemas listed, printed, or written to a folder.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::bounded::{MOST_DATA, read_text};
use crate::cli::host::Own;
use crate::cli::request::{Answer, SchemaQuery};
use crate::cli::table::table;
use crate::error::{Failure, Fault, Kind};
use crate::published::{ALL, Published};
use crate::store::exported::{write_file, write_new};

/// Answers what was asked of the schemas.
///
/// # Errors
/// A usage failure where a file cannot be written.
pub(super) fn answer(own: &Own, query: &SchemaQuery, columns: u16) -> Result<Answer, Failure> {
    let wanted: Vec<&Published> = match query.schema {
        Some(one) => vec![one],
        None => ALL.iter().collect(),
    };
    if let Some(dir) = &query.dir {
        return write(&own.environ.absolute(dir), &wanted, query.force);
    }
    Ok(match query.schema {
        Some(one) => Answer {
            text: one.text(),
            json: one.schema(),
            code: 0,
        },
        None => list(columns),
    })
}

fn list(columns: u16) -> Answer {
    let row = |published: &Published| {
        let Published {
            name, version, of, ..
        } = published;
        vec![
            (*name).to_owned(),
            version.to_string(),
            published.id(),
            (*of).to_owned(),
        ]
    };
    let rows = ALL.iter().map(row).collect();
    let one = |published: &Published| {
        let Published {
            name, version, of, ..
        } = published;
        json!({"name": name, "version": version, "id": published.id(), "of": of})
    };
    Answer {
        text: table(&["name", "version", "id", "of"], rows, columns),
        json: json!({"schemas": ALL.iter().map(one).collect::<Vec<_>>()}),
        code: 0,
    }
}

/// Writes schemas to a folder: nothing where a file is there that is no older schema of ours, such as a `manifest.json` of something else,
/// unless `force` says so.
fn write(dir: &Path, wanted: &[&Published], force: bool) -> Result<Answer, Failure> {
    fs::create_dir_all(dir).map_err(|error| {
        Failure::usage(Fault::new(format!(
            "cannot make the folder `{}`: {error}",
            dir.display()
        )))
    })?;
    let file_of = |published: &Published| dir.join(format!("{}.json", published.name));
    let is_there = |file: &Path| file.symlink_metadata().is_ok();
    let faults: Vec<_> = wanted
        .iter()
        .map(|published| (published, file_of(published)))
        .filter(|(published, file)| !force && is_there(file) && !is_schema(published, file))
        .map(|(_, file)| foreign(&file))
        .collect();
    if !faults.is_empty() {
        let kind = Kind::Usage;
        return Err(Failure { kind, faults });
    }
    let mut text = String::new();
    let mut files = Vec::new();
    for published in wanted {
        let file = file_of(published);
        let write = if is_there(&file) { write_file } else { write_new };
        write(&file, &published.text(), false).map_err(|error| {
            Failure::usage(Fault::new(format!("cannot write `{}`: {error}", file.display())))
        })?;
        text.push_str(&format!("{}\n", file.display()));
        files.push(json!({"name": published.name, "id": published.id(), "file": file.display().to_string()}));
    }
    Ok(Answer {
        text,
        json: json!({"schemas": files}),
        code: 0,
    })
}

/// Returns whether a file is a schema of this name, of whatever version.
fn is_schema(published: &Published, file: &Path) -> bool {
    let id = format!("urn:opsbox:{}:", published.name);
    let text = read_text(file, MOST_DATA).map(|(text, _)| text);
    let schema = text
        .ok()
        .and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let its = schema.as_ref().and_then(|schema| schema.get("$id")?.as_str());
    its.is_some_and(|its| its.starts_with(&id))
}

fn foreign(file: &Path) -> Fault {
    Fault::new(format!(
        "`{}` is there already, and is no schema of this name",
        file.display()
    ))
    .hint("name another folder, or replace it with `--force`")
}
