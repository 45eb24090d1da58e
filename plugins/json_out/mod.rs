//! The output `json_out`: every Result in a JSON file of its own, `<output_folder>/<relates_to>/<result_name>.json`.

use std::process::ExitCode;

use opsbox_plugin::{Ctx, Output, Plugin, Result, ResultRef, Service};

use crate::folder::{Files, Folder, FolderConfig, Spill};
use crate::json;

pub(crate) struct JsonOut(FolderConfig);

impl Plugin for JsonOut {
    type Config = FolderConfig;

    fn configure(config: FolderConfig) -> Result<Self> {
        Ok(Self(config))
    }

    fn activate(&mut self, _: &Ctx) -> Result<()> {
        Ok(Folder::prepare(&self.0.output_folder)?)
    }
}

impl Output for JsonOut {
    fn process_results(&mut self, results: &[ResultRef<'_>], ctx: &Ctx) -> Result<()> {
        let files = Files {
            output: "json_out",
            extension: "json",
        };
        files.write_all(&self.0.output_folder, results, ctx, |result, text, spill| {
            document(result.raw, text, spill);
        })
    }
}

const KEYS: [&str; 5] = [
    "relates_to",
    "result_name",
    "result_description",
    "details",
    "formatted",
];

/// Writes the file's text: the five keys in the model's order, then the Result's own, with the bytes of their values.
fn document(raw: &str, text: &mut String, spill: Spill<'_>) {
    let members = json::members(raw).unwrap_or_default();
    let known = KEYS
        .iter()
        .flat_map(|wanted| members.iter().filter(move |(key, _)| key == wanted));
    let others = members.iter().filter(|(key, _)| !KEYS.contains(&&**key));
    let mut before = "{\n  ";
    for (key, value) in known.chain(others) {
        text.push_str(before);
        text.push_str(&serde_json::Value::from(&**key).to_string());
        text.push_str(": ");
        json::pretty(value.get(), 1, text, spill);
        before = ",\n  ";
    }
    text.push_str(if members.is_empty() { "{}" } else { "\n}" });
}

pub(crate) fn serve() -> ExitCode {
    service().serve()
}

pub(crate) fn service() -> Service {
    Service::output::<JsonOut>().version(env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use opsbox_plugin::Harness;
    use serde_json::json;

    use super::*;

    #[test]
    fn five_keys_stand_first_and_details_keep_their_spelling() {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path().join("findings");
        let mut harness = Harness::ready(service(), json!({ "output_folder": root }));
        let result = r#"{"extra":[1],"formatted":"x\u00e9","details":[{"z":1.50,"a":12345678901234567890123}],"relates_to":"../a","result_name":"b","result_description":"c"}"#;
        harness
            .call_raw("process_results", &format!("{{\"results\":[{result},{result}]}}"))
            .expect("delivered");
        let text = std::fs::read_to_string(root.join("_._a/b.json")).expect("written");
        assert_eq!(
            text,
            "{\n  \"relates_to\": \"../a\",\n  \"result_name\": \"b\",\n  \"result_description\": \"c\",\n  \"details\": [\n    {\n      \"z\": 1.50,\n      \"a\": 12345678901234567890123\n    }\n  ],\n  \"formatted\": \"x\\u00e9\",\n  \"extra\": [\n    1\n  ]\n}"
        );
        assert!(root.join("_._a/b-2.json").exists());
        assert_eq!(
            harness.told("log")[0]["message"],
            format!("wrote 2 files into `{}`", root.display())
        );
    }

    #[test]
    fn statuses_of_checks_make_no_files() {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path().join("findings");
        let mut harness = Harness::ready(service(), json!({ "output_folder": root }));
        let steps = r#"[{"plugin":"a","status":"failed","results":[],"why":"it broke"}]"#;
        harness
            .call_raw(
                "process_results",
                &format!("{{\"steps\":{steps},\"results\":[]}}"),
            )
            .expect("delivered");
        let names = std::fs::read_dir(&root).expect("the folder").map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        });
        assert_eq!(names.filter(|name| !name.starts_with('.')).count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_made_fails_at_activation() {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path().join("file/findings");
        std::fs::write(temp.path().join("file"), "").expect("written");
        let mut harness = Harness::start(service());
        harness.initialize(&Harness::session()).expect("initialized");
        harness
            .call("set_data", &json!({"config": {"output_folder": root}}))
            .expect("configured");
        let error = harness.call("activate", &json!({})).expect_err("not writable");
        assert_eq!(
            error.message,
            format!("cannot write `{}`: a file is in the way", root.display())
        );
        assert_eq!(
            error.data().hint.as_deref(),
            Some("set `output_folder` to a folder that you can write")
        );
    }
}
