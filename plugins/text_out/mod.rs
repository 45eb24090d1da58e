//! The output `text_out`: every Result's text in a file of its own, `<output_folder>/<relates_to>/<result_name>.txt`.

use std::process::ExitCode;

use opsbox_plugin::{Ctx, Output, Plugin, Result, ResultRef, Service};

use crate::folder::{Files, Folder, FolderConfig};

pub(crate) struct TextOut(FolderConfig);

impl Plugin for TextOut {
    type Config = FolderConfig;

    fn configure(config: FolderConfig) -> Result<Self> {
        Ok(Self(config))
    }

    fn activate(&mut self, _: &Ctx) -> Result<()> {
        Ok(Folder::prepare(&self.0.output_folder)?)
    }
}

impl Output for TextOut {
    fn process_results(&mut self, results: &[ResultRef<'_>], ctx: &Ctx) -> Result<()> {
        let files = Files {
            output: "text_out",
            extension: "txt",
        };
        files.write_all(&self.0.output_folder, results, ctx, |result, text, _| {
            text.push_str(&textwrap::dedent(&result.formatted));
        })
    }
}

pub(crate) fn serve() -> ExitCode {
    service().serve()
}

pub(crate) fn service() -> Service {
    Service::output::<TextOut>().version(env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use opsbox_plugin::Harness;
    use serde_json::json;

    use super::*;

    const STEPS: &str = r#"[{"plugin":"a","status":"failed","results":[],"why":"it broke"}]"#;

    #[test]
    fn the_text_is_dedented_and_statuses_make_no_files() {
        let temp = tempfile::tempdir().expect("a folder");
        let mut harness = Harness::ready(service(), json!({ "output_folder": temp.path() }));
        let result = r#"{"relates_to":"ec2","result_name":"idle","result_description":"","details":{},"formatted":"\n    one\n      two"}"#;
        harness
            .call_raw(
                "process_results",
                &format!("{{\"steps\":{STEPS},\"results\":[{result}]}}"),
            )
            .expect("delivered");
        let text = std::fs::read_to_string(temp.path().join("ec2/idle.txt")).expect("written");
        assert_eq!(text, "\none\n  two");
        let names = std::fs::read_dir(temp.path()).expect("the folder").map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        });
        assert_eq!(
            names.filter(|name| !name.starts_with('.')).collect::<Vec<_>>(),
            ["ec2"]
        );
    }
}
