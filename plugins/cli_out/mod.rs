//! The output `cli_out`: the worst findings on one screen, the rest counted, and every check that could not look named.

mod checks;
mod render;
mod row;

use std::process::ExitCode;

use opsbox_plugin::{Ctx, Output, Plugin, Result, ResultRef, Service};

use checks::Checks;
use render::Screen;

/// Configuration of `cli_out`.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Config {
    /// Show every finding and every text in full, however long that is.
    #[serde(default)]
    cli_out_show_all: bool,
}

pub(crate) struct CliOut(Config);

impl Plugin for CliOut {
    type Config = Config;

    fn configure(config: Config) -> Result<Self> {
        Ok(Self(config))
    }
}

impl Output for CliOut {
    fn process_results(&mut self, results: &[ResultRef<'_>], ctx: &Ctx) -> Result<()> {
        let terminal = ctx.session().terminal;
        let columns = terminal.map_or(80, |terminal| usize::from(terminal.columns));
        let screen = Screen {
            columns: columns.clamp(40, 160),
            color: terminal.is_some_and(|terminal| terminal.color),
            show_all: self.0.cli_out_show_all,
        };
        ctx.output(screen.render(results, Checks(ctx.steps())));
        Ok(())
    }
}

pub(crate) fn serve() -> ExitCode {
    service().serve()
}

pub(crate) fn service() -> Service {
    Service::output::<CliOut>().version(env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use opsbox_plugin::Harness;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_incomplete_check_is_never_shown_as_clean() {
        let mut harness = Harness::ready(service(), json!({}));
        let result = |name: &str| json!({"relates_to": "host", "result_name": name, "result_description": "", "details": [], "formatted": ""});
        let steps = json!([
            {"plugin": "disk_space", "status": "clean", "results": ["host/disk_space"]},
            {"plugin": "passwords", "status": "incomplete", "results": ["host/passwords"],
             "why": "/etc/shadow: permission denied (run as root)"},
            {"plugin": "reboot_required", "status": "skipped", "results": []},
        ]);
        harness
            .call(
                "process_results",
                &json!({"steps": steps, "results": [result("disk_space"), result("passwords")]}),
            )
            .expect("delivered");
        assert_eq!(
            harness.output_text(),
            "nothing found, but only 1 of 3 checks looked at everything\n\
             incomplete passwords: /etc/shadow: permission denied (run as root)\n\
             not applicable: reboot_required\n\
             nothing found by: disk_space\n"
        );
    }
}
