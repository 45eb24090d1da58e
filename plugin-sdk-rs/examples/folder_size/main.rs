//! A sample plugin of a type of its own, `metric`, which the handler `metrics` serves: measures the files of a folder.

use std::path::PathBuf;
use std::process::ExitCode;

use opsbox_plugin::{Ctx, Failure, Handled, HookAnswer, HookParams, Plugin, Result, Service};
use serde_json::json;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    /// The folder whose files are measured.
    measured_folder: PathBuf,
    /// How many bytes it may hold.
    #[serde(default = "a_megabyte")]
    most_bytes: u64,
}

fn a_megabyte() -> u64 {
    1_000_000
}

struct FolderSize(Config);

impl Plugin for FolderSize {
    type Config = Config;

    fn configure(config: Config) -> Result<Self> {
        Ok(Self(config))
    }
}

impl Handled for FolderSize {
    const HOOKS: &'static [&'static str] = &["measure"];

    fn call(&mut self, _hook: &str, _params: HookParams<'_>, _ctx: &Ctx) -> Result<HookAnswer> {
        let folder = &self.0.measured_folder;
        let entries = std::fs::read_dir(folder).map_err(|error| {
            let hint = "name a folder that can be read in `measured_folder`";
            Failure::new(format!("cannot read `{}`: {error}", folder.display()), hint)
        })?;
        let mut bytes = 0;
        for entry in entries {
            bytes += entry?.metadata()?.len();
        }
        Ok(HookAnswer::of(
            &json!({"value": bytes, "limit": self.0.most_bytes, "unit": "bytes"}),
        )?)
    }
}

fn main() -> ExitCode {
    Service::handled::<FolderSize>()
        .version(env!("CARGO_PKG_VERSION"))
        .serve()
}
