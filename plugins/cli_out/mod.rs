//! The output `cli_out`: the worst findings on one screen, the rest counted, and where to see them.

mod render;
mod row;

use std::process::ExitCode;

use opsbox_plugin::{Ctx, Output, Plugin, Result, ResultRef, Service};

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
        ctx.output(screen.render(results));
        Ok(())
    }
}

pub(crate) fn serve() -> ExitCode {
    service().serve()
}

pub(crate) fn service() -> Service {
    Service::output::<CliOut>().version(env!("CARGO_PKG_VERSION"))
}
