//! Output my_plugin: writes all Results into one JSON file.

mod wire;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;
use wire::{Answer, Call};

const FILE: &str = "my_plugin.json"; // as in manifest.toml

/// Writes a file under a temporary name and renames it, so that nobody sees half of it.
fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    // A new file, never one that somebody has put there, or a link to it.
    let made = options.write(true).create_new(true).open(&temporary);
    let written = made
        .and_then(|mut made| made.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&temporary, file));
    if written.is_err() {
        let _never_made = fs::remove_file(&temporary);
    }
    written
}

/// Delivers the Results; its error tells the run that they were not delivered.
fn process_results(call: &Call) -> Answer {
    let results = call.received("results")?;
    let file = call
        .field("my_plugin_file")
        .and_then(Value::as_str)
        .unwrap_or(FILE);
    write_whole(
        Path::new(file),
        &format!("{}\n", serde_json::to_string(&results)?),
    )?;
    call.output(&format!("results in {file}: {}\n", results.len()));
    Ok("{}".into())
}

fn main() -> io::Result<()> {
    wire::serve("my_plugin", &[("process_results", process_results)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const RESULTS: &str =
        r#"[{"result_name":"a","details":[{"bytes": 12345678901234567890}]},{"result_name":"b"}]"#;

    fn deliver(file: &Path) -> (Answer, String) {
        let config = json!({"my_plugin_file": file.to_str().unwrap()});
        let (call, said) = wire::testing::call(&format!("{{\"results\":{RESULTS}}}"), config, "{}");
        (process_results(&call), said.text())
    }

    #[test]
    fn every_result_is_in_the_file() {
        let folder = std::env::temp_dir().join(format!("my_plugin-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("all.json");
        let (answer, said) = deliver(&file);
        assert_eq!(answer.unwrap(), "{}");
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{RESULTS}\n"));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert!(said.contains("all.json: 2\\n"), "{said}");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(deliver(Path::new("/no/such/folder/all.json")).0.is_err());
    }
}
