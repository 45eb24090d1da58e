//! A sample provider: counts steps and tells its progress; one step can be made unreadable, which is a gap.

use std::process::ExitCode;
use std::time::Duration;

use opsbox_plugin::{Ctx, Gap, OpsResult, Plugin, Provider, Result, Service};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    /// How many steps to take.
    #[serde(default = "three")]
    steps: u32,
    /// How long a step takes, in milliseconds.
    #[serde(default)]
    step_ms: u64,
    /// A step that cannot be read, counted from 1.
    #[serde(default)]
    unreadable_step: Option<u32>,
}

fn three() -> u32 {
    3
}

struct Countdown(Config);

impl Plugin for Countdown {
    type Config = Config;
    const REPORTS_PROGRESS: bool = true;

    fn configure(config: Config) -> Result<Self> {
        Ok(Self(config))
    }
}

impl Provider for Countdown {
    fn gather_data(&mut self, ctx: &Ctx) -> Result<OpsResult> {
        let mut steps = Vec::new();
        for step in 1..=self.0.steps {
            ctx.check_cancelled()?;
            std::thread::sleep(Duration::from_millis(self.0.step_ms));
            if self.0.unreadable_step == Some(step) {
                ctx.gap(Gap::new(format!("step {step}"), "it was made unreadable").section("steps"));
            } else {
                steps.push(serde_json::json!({"step": step, "name": format!("step {step}")}));
            }
            ctx.progress(step.into(), Some(self.0.steps.into()), "steps", "counting");
        }
        let formatted = format!("{} steps", steps.len());
        let details = serde_json::json!({ "steps": steps });
        Ok(OpsResult::new("countdown", "countdown")
            .details(&details)?
            .formatted(formatted))
    }
}

fn main() -> ExitCode {
    Service::provider::<Countdown>()
        .version(env!("CARGO_PKG_VERSION"))
        .serve()
}
