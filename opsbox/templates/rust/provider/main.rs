//! Provider my_plugin: gathers how busy this machine is.

mod wire;

use std::fs;
use std::path::Path;

use serde_json::{json, Map, Value};
use wire::{Answer, Call, Failed};

const WITH_MEMORY: bool = true; // as in manifest.toml

/// Returns the load over 1, 5 and 15 minutes of the text of /proc/loadavg.
fn load(text: &str) -> Option<Value> {
    let mut numbers = text.split(' ').map(|word| word.parse::<f64>().ok());
    let mut next = || numbers.next().flatten();
    Some(json!({"one": next()?, "five": next()?, "fifteen": next()?}))
}

/// Returns total and available KiB of the text of /proc/meminfo.
fn memory(text: &str) -> Option<Value> {
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    Some(json!({"total_kib": kib("MemTotal")?, "available_kib": kib("MemAvailable")?}))
}

/// Answers the data; what cannot be read is a gap, never an empty value.
fn gather_from(proc: &Path, call: &Call) -> Answer {
    let with_memory = call.field("my_plugin_memory").and_then(Value::as_bool);
    let mut sections = vec![("load", "loadavg", load as fn(&str) -> Option<Value>)];
    if with_memory.unwrap_or(WITH_MEMORY) {
        sections.push(("memory", "meminfo", memory));
    }
    let mut details = Map::new();
    for (section, file, read) in sections {
        let file = proc.join(file);
        match fs::read_to_string(&file) {
            Ok(text) => {
                let unknown = || Failed::new(format!("cannot understand {}", file.display()));
                details.insert(section.into(), read(&text).ok_or_else(unknown)?);
            }
            Err(error) => call.gap(&file.display().to_string(), &error.to_string(), section)?,
        }
    }
    let names: Vec<&str> = details.keys().map(String::as_str).collect();
    let formatted = format!("gathered: {}", names.join(", "));
    let details = Value::Object(details);
    Ok(wire::result(
        "host",
        "my_plugin",
        "how busy this machine is",
        &details,
        &formatted,
    )
    .to_string())
}

fn main() -> std::io::Result<()> {
    wire::serve(
        "my_plugin",
        &[("gather_data", |call| gather_from(Path::new("/proc"), call))],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the answer to a call with these files in /proc, and what was said.
    fn gather(name: &str, files: &[(&str, &str)], config: Value) -> (Value, String) {
        let proc = std::env::temp_dir().join(format!("my_plugin-{}-{name}", std::process::id()));
        fs::create_dir_all(&proc).unwrap();
        for (file, text) in files {
            fs::write(proc.join(file), text).unwrap();
        }
        let (call, said) = wire::testing::call("{}", config, "{}");
        let answer = gather_from(&proc, &call).unwrap();
        fs::remove_dir_all(&proc).unwrap();
        (
            serde_json::from_str::<Value>(&answer).unwrap()["details"].take(),
            said.text(),
        )
    }

    const LOAD: (&str, &str) = ("loadavg", "0.52 1.04 2.08 1/234 5678\n");

    #[test]
    fn load_and_memory_are_gathered() {
        let memory =
            "MemTotal:       16000 kB\nMemFree:         100 kB\nMemAvailable:    4000 kB\n";
        let (details, said) = gather("whole", &[LOAD, ("meminfo", memory)], json!({}));
        assert_eq!(
            details["load"],
            json!({"one": 0.52, "five": 1.04, "fifteen": 2.08})
        );
        assert_eq!(
            details["memory"],
            json!({"total_kib": 16000, "available_kib": 4000})
        );
        assert_eq!(said, "");
    }

    #[test]
    fn what_cannot_be_read_is_a_gap_and_not_in_the_data() {
        let (details, said) = gather("gap", &[LOAD], json!({}));
        assert_eq!(details.as_object().unwrap().len(), 1);
        assert!(
            said.contains("\"method\":\"gap\",\"params\":{\"id\":1,"),
            "{said}"
        );
        assert!(said.contains("\"section\":\"memory\""), "{said}");
    }

    #[test]
    fn memory_can_be_left_out() {
        let (details, said) = gather("without", &[LOAD], json!({"my_plugin_memory": false}));
        assert_eq!(details.as_object().unwrap().len(), 1);
        assert_eq!(said, "");
    }
}
