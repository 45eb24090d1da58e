//! Placeholder.

use opsbox_plugin::{Ctx, NoConfig, OpsResult, Plugin, Provider, Result, Service};
use std::process::ExitCode;
pub(crate) struct Host;
impl Plugin for Host {
    type Config = NoConfig;
    fn configure(_: NoConfig) -> Result<Self> {
        Ok(Self)
    }
}
impl Provider for Host {
    fn gather_data(&mut self, _: &Ctx) -> Result<OpsResult> {
        Ok(OpsResult::new("host", "host"))
    }
}
pub(crate) fn serve() -> ExitCode {
    service().serve()
}
pub(crate) fn service() -> Service {
    Service::provider::<Host>()
}
