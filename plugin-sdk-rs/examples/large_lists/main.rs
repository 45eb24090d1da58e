//! A sample input: finds lists in any provider's data that hold more items than allowed.

use std::collections::BTreeMap;
use std::process::ExitCode;

use opsbox_plugin::{Ctx, Input, OpsResult, Plugin, Result, ResultRef, Service};
use serde_json::{Value, json};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    /// How many items a list may hold.
    #[serde(default)]
    max_items: usize,
}

struct LargeLists(Config);

impl Plugin for LargeLists {
    type Config = Config;

    fn configure(config: Config) -> Result<Self> {
        Ok(Self(config))
    }
}

impl Input for LargeLists {
    fn process(&mut self, data: &[ResultRef<'_>], _ctx: &Ctx) -> Result<Vec<OpsResult>> {
        let mut findings = Vec::new();
        for provider in data {
            let sections: BTreeMap<String, Value> = provider.read_details()?;
            for (name, section) in sections {
                let n_items = section.as_array().map_or(0, Vec::len);
                if n_items > self.0.max_items {
                    findings.push(
                        json!({"resource": format!("{}.{name}", provider.relates_to), "items": n_items}),
                    );
                }
            }
        }
        let relates_to = data.first().map_or("nothing", |provider| &*provider.relates_to);
        let result = OpsResult::new(relates_to, "large_lists")
            .description("Lists that hold more items than allowed.")
            .formatted(format!("{} large lists", findings.len()))
            .details(&findings)?;
        Ok(vec![result])
    }
}

fn main() -> ExitCode {
    Service::input::<LargeLists>()
        .version(env!("CARGO_PKG_VERSION"))
        .serve()
}
