//! `opsbox plugin schema`: the published JSON Schemas listed, printed, or written to a folder.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::cli::host::Own;
use crate::cli::keep;
use crate::cli::request::{Answer, SchemaQuery};
use crate::cli::table::table;
use crate::error::{Failure, Fault};
use crate::published::{ALL, Published};

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
        return write(&own.environ.absolute(dir), &wanted);
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

fn write(dir: &Path, wanted: &[&Published]) -> Result<Answer, Failure> {
    fs::create_dir_all(dir).map_err(|error| {
        Failure::usage(Fault::new(format!(
            "cannot make the folder `{}`: {error}",
            dir.display()
        )))
    })?;
    let mut text = String::new();
    let mut files = Vec::new();
    for published in wanted {
        let file = dir.join(format!("{}.json", published.name));
        keep::write(&file, &published.text()).map_err(Failure::usage)?;
        text.push_str(&format!("{}\n", file.display()));
        files.push(json!({"name": published.name, "id": published.id(), "file": file.display().to_string()}));
    }
    Ok(Answer {
        text,
        json: json!({"schemas": files}),
        code: 0,
    })
}
