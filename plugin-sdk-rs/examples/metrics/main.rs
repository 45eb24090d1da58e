//! A sample handler: runs plugins of the type `metric`, which measure, and makes findings of what is over its limit.

use std::process::ExitCode;

use opsbox_plugin::{
    Ctx, Gap, Handler, Host, HostError, NoConfig, OpsResult, Plugin, PluginFacts, Result, ResultRef, Service,
};
use serde_json::json;

/// What the hook `measure` of a metric returns.
#[derive(serde::Deserialize)]
struct Measured {
    value: f64,
    limit: f64,
    unit: String,
}

struct Metrics;

impl Plugin for Metrics {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self> {
        Ok(Self)
    }
}

impl Handler for Metrics {
    fn process_plugin(
        &mut self,
        plugin: &PluginFacts,
        _prior: &[ResultRef<'_>],
        host: &Host,
        ctx: &Ctx,
    ) -> Result<Vec<OpsResult>> {
        let mut findings = Vec::new();
        match host.call_hook(&plugin.name, "measure", &json!({})) {
            Ok(answer) => {
                let Measured { value, limit, unit } = answer.read()?;
                if value > limit {
                    findings
                        .push(json!({"resource": plugin.name, "value": value, "limit": limit, "unit": unit}));
                }
            }
            // What could not be measured is missing, not fine.
            Err(error) if error.is::<HostError>() => {
                ctx.gap(Gap::new(format!("metric `{}`", plugin.name), error.to_string()));
            }
            Err(error) => return Err(error),
        }
        let result = OpsResult::new("metrics", plugin.name.as_str())
            .description("a metric that is over its limit")
            .formatted(format!("{} over its limit", findings.len()))
            .details(&findings)?;
        Ok(vec![result])
    }
}

fn main() -> ExitCode {
    Service::handler::<Metrics>()
        .version(env!("CARGO_PKG_VERSION"))
        .serve()
}
