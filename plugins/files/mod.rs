//! Placeholder.

use opsbox_plugin::{Ctx, NoConfig, OpsResult, Plugin, Provider, Result, Service};
use std::process::ExitCode;
pub(crate) struct Files;
impl Plugin for Files {
    type Config = NoConfig;
    fn configure(_: NoConfig) -> Result<Self> {
        Ok(Self)
    }
}
impl Provider for Files {
    fn gather_data(&mut self, _: &Ctx) -> Result<OpsResult> {
        Ok(OpsResult::new("files", "files"))
    }
}
pub(crate) fn serve() -> ExitCode {
    service().serve()
}
pub(crate) fn service() -> Service {
    Service::provider::<Files>()
}
