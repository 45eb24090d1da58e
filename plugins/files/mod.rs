//! The provider `files`: any JSON, YAML, TOML, CSV, JSON Lines or INI by globs, each document with its path.
//!
//! What cannot be read or parsed is a gap that names file and line; the other files are gathered all the same.

mod find;
mod format;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use opsbox_plugin::{Ctx, Failure, Gap, OpsResult, Plugin, Provider, Result, Service};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json;
use crate::text::counted;
use find::{Found, find};
use format::Format;

/// Configuration of `files`.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Config {
    /// Globs of the files to read: `*.json`, `configs/**/*.yaml`.
    paths: Vec<String>,
    /// How to read them all; without it a file's ending decides.
    #[serde(default)]
    format: Option<Format>,
    /// The folder from which relative globs start; without it the working directory.
    #[serde(default)]
    base: Option<PathBuf>,
}

pub(crate) struct Files(Config);

impl Plugin for Files {
    type Config = Config;

    fn configure(config: Config) -> Result<Self> {
        if config.paths.is_empty() {
            return Err(Failure::new("`paths` is empty", "set `paths` to at least one glob").into());
        }
        for path in &config.paths {
            glob::Pattern::new(path).map_err(|error| {
                Failure::new(
                    format!("`paths` holds the bad glob `{path}`: {error}"),
                    "correct it",
                )
            })?;
        }
        Ok(Self(config))
    }
}

/// Levels around a document: message, Result, details, `files`, and its entry.
const LEVELS_AROUND: u32 = 5;
/// Room in a message for everything but the documents.
const BYTES_AROUND: u64 = 64 * 1024;

impl Provider for Files {
    fn gather_data(&mut self, ctx: &Ctx) -> Result<OpsResult> {
        let limits = ctx.session().limits;
        let mut room = limits.line_bytes.saturating_sub(BYTES_AROUND);
        let base = self
            .0
            .base
            .clone()
            .unwrap_or_else(|| PathBuf::from(&ctx.session().cwd));
        let Found { files, gaps } = find(&base, &self.0.paths);
        for gap in gaps {
            ctx.gap(gap.section("files"));
        }
        let mut entries = Vec::new();
        let mut formatted = Vec::new();
        for file in files {
            ctx.check_cancelled()?;
            let entry = self
                .entry(&file.path, &file.shown, limits.depth)
                .and_then(|(format, entry)| {
                    // A comma and a little more for every entry.
                    room = room.checked_sub(entry.get().len() as u64 + 1).ok_or_else(|| {
                        Gap::new(&file.shown, "with it the data is larger than a plugin may send")
                            .remedy("narrow `paths`, or raise --max-line")
                    })?;
                    Ok((format, entry))
                });
            match entry {
                Ok((format, entry)) => {
                    formatted.push(format!("{} ({})", file.shown, format.name()));
                    entries.push(entry);
                }
                Err(gap) => ctx.gap(gap.section("files")),
            }
        }
        let list = json::array_of(&entries.iter().map(|entry| &**entry).collect::<Vec<_>>());
        let details = RawValue::from_string(json::object_of([("files", list.as_str())]))?;
        let heading = format!("{} read", counted(entries.len(), "file"));
        formatted.insert(0, heading);
        Ok(OpsResult::new("files", "files")
            .description("Documents read from files")
            .formatted(formatted.join("\n"))
            .raw_details(details))
    }
}

impl Files {
    fn entry(&self, path: &Path, shown: &str, max_depth: u32) -> Result<(Format, Box<RawValue>), Gap> {
        let gap = |why: String| Gap::new(shown, why);
        let Some(format) = self.0.format.or_else(|| Format::of(path)) else {
            return Err(gap("its ending tells no format".into()).remedy("set `format`, or narrow `paths`"));
        };
        let bytes = std::fs::read(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                gap("permission denied".into()).remedy("run opsbox as a user who may read it")
            }
            _ => gap(error.to_string()),
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            gap(format!("line {}: not UTF-8", line + 1))
        })?;
        let data = format
            .read(text.strip_prefix('\u{feff}').unwrap_or(&text))
            .map_err(|why| {
                let gap = gap(format!("not {}: {why}", format.title()));
                if self.0.format.is_some() {
                    gap.remedy("correct the file, or `format`")
                } else {
                    gap.remedy("correct the file")
                }
            })?;
        let depth = json::depth(data.get()) + LEVELS_AROUND;
        if depth > max_depth {
            return Err(gap(format!(
                "it nests {} levels deep, {} are allowed",
                depth - LEVELS_AROUND,
                max_depth - LEVELS_AROUND
            )));
        }
        let (path, name) = (
            Value::from(shown).to_string(),
            Value::from(format.name()).to_string(),
        );
        let entry = json::object_of([("path", path.as_str()), ("format", &name), ("data", data.get())]);
        RawValue::from_string(entry)
            .map(|entry| (format, entry))
            .map_err(|error| gap(error.to_string()))
    }
}

pub(crate) fn serve() -> ExitCode {
    service().serve()
}

pub(crate) fn service() -> Service {
    Service::provider::<Files>().version(env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use opsbox_plugin::{Harness, code};
    use serde_json::json;

    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let temp = tempfile::tempdir().expect("a folder");
        for (path, bytes) in files {
            let path = temp.path().join(path);
            std::fs::create_dir_all(path.parent().expect("inside the folder")).expect("made");
            std::fs::write(path, bytes).expect("written");
        }
        temp
    }

    #[test]
    fn json_passes_as_it_is_with_its_path() {
        let temp = folder(&[
            (
                "a/b.json",
                b"\xef\xbb\xbf{\"z\": 1.50,\r\n \"a\": 12345678901234567890123}\n",
            ),
            ("a/.c.json", b"!"),
        ]);
        let mut harness = Harness::ready(
            service(),
            json!({"paths": ["**/*.json", "a/b.json"], "base": temp.path()}),
        );
        let raw = harness.call_raw("gather_data", "{}").expect("gathered");
        assert_eq!(
            raw.get(),
            "{\"relates_to\":\"files\",\"result_name\":\"files\",\"result_description\":\"Documents read from files\",\
             \"details\":{\"files\":[{\"path\":\"a/b.json\",\"format\":\"json\",\"data\":{\"z\": 1.50,   \
             \"a\": 12345678901234567890123}}]},\"formatted\":\"1 file read\\na/b.json (json)\"}"
        );
        assert_eq!(harness.told("gap").len(), 0);
    }

    #[test]
    fn what_cannot_be_read_is_a_gap_that_names_file_and_line() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let temp = folder(&[
            ("bad.json", b"{\n\"a\": 1,\n}"),
            ("bad.yaml", b"a: 1\nb: [\n"),
            ("bad.toml", b"a = 1\nb = \n"),
            ("bad.csv", b"a,b\n1,2\n3\n"),
            ("bad.jsonl", b"{}\n\n{\n"),
            ("bad.ini", b"[a]\nb=1\n[c\n"),
            ("deep.json", deep.as_bytes()),
            ("good.json", b"[]"),
            ("latin.json", b"\n\"\xe9\""),
            ("what.xyz", b""),
        ]);
        let mut harness = Harness::ready(service(), json!({"paths": ["*", "none-*"], "base": temp.path()}));
        let result = harness.call("gather_data", &json!({})).expect("gathered");
        assert_eq!(
            result["details"],
            json!({"files": [{"path": "good.json", "format": "json", "data": []}]})
        );
        let gaps: Vec<_> = harness
            .told("gap")
            .iter()
            .map(|gap| {
                assert_eq!(gap["section"], "files");
                let why: String = gap["why"].as_str().expect("text").chars().take(18).collect();
                format!("{}: {why}", gap["what"].as_str().expect("text"))
            })
            .collect();
        assert_eq!(
            gaps,
            [
                "none-*: no file matches it",
                "bad.csv: not CSV: line 3: a",
                "bad.ini: not INI: line 3: t",
                "bad.json: not JSON: line 3: ",
                "bad.jsonl: not JSON Lines: li",
                "bad.toml: not TOML: line 2: ",
                "bad.yaml: not YAML: line 3: ",
                "deep.json: it nests 200 level",
                "latin.json: line 2: not UTF-8",
                "what.xyz: its ending tells n",
            ]
        );
    }

    #[test]
    fn data_over_the_line_cap_is_a_gap_of_the_files_that_do_not_fit() {
        let big = format!("\"{}\"", "x".repeat(100_000));
        let temp = folder(&[("a.json", big.as_bytes()), ("b.json", big.as_bytes())]);
        let mut harness = Harness::start(service());
        let mut session = Harness::session();
        session.limits.line_bytes = 64 * 1024 + 150_000;
        harness.initialize(&session).expect("initialized");
        let config = json!({"paths": ["*.json"], "base": temp.path()});
        harness
            .call("set_data", &json!({ "config": config }))
            .expect("configured");
        harness.call("activate", &json!({})).expect("activated");
        let result = harness.call("gather_data", &json!({})).expect("gathered");
        assert_eq!(result["details"]["files"].as_array().map(Vec::len), Some(1));
        assert_eq!(harness.told("gap")[0]["what"], "b.json");
    }

    #[test]
    fn a_bad_glob_is_a_fault_of_the_configuration() {
        for paths in [json!([]), json!(["a/[b"])] {
            let mut harness = Harness::start(service());
            harness.initialize(&Harness::session()).expect("initialized");
            let error = harness
                .call("set_data", &json!({"config": {"paths": paths}}))
                .expect_err("bad");
            assert_eq!(error.code, code::CONFIG_INVALID, "{}", error.message);
        }
    }
}
