//! The assistant `limit`: keeps the first findings of every Result, and says how many were cut.

use std::process::ExitCode;

use opsbox_plugin::{Assistant, Ctx, OpsResult, Plugin, Result, ResultRef, Service};

use crate::findings::{self, Lists};
use crate::text::counted;

/// Configuration of `limit`.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Config {
    /// How many findings of every Result (of every list, where its details hold several) are kept.
    #[serde(default = "ten")]
    max_findings: usize,
}

fn ten() -> usize {
    10
}

pub(crate) struct Limit(Config);

impl Plugin for Limit {
    type Config = Config;

    fn configure(config: Config) -> Result<Self> {
        Ok(Self(config))
    }
}

impl Assistant for Limit {
    fn process_input(&mut self, input: &[ResultRef<'_>], ctx: &Ctx) -> Result<Vec<OpsResult>> {
        let max = self.0.max_findings;
        let mut kept = Vec::with_capacity(input.len());
        for result in input {
            ctx.check_cancelled()?;
            let mut lists = Lists::of(result);
            let mut n_cut = 0;
            for list in lists.iter_mut() {
                n_cut += list.len().saturating_sub(max);
                list.truncate(max);
            }
            kept.push(if n_cut == 0 {
                result.to_result()
            } else {
                let formatted = result.formatted.trim_end();
                let gap = if formatted.is_empty() { "" } else { "\n" };
                let note = format!("{} cut (max_findings = {max})", counted(n_cut, "finding"));
                findings::rebuilt(result, &lists, Some(&format!("{formatted}{gap}{note}")))?
            });
        }
        Ok(kept)
    }
}

pub(crate) fn serve() -> ExitCode {
    service().serve()
}

pub(crate) fn service() -> Service {
    Service::assistant::<Limit>().version(env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use opsbox_plugin::Harness;
    use serde_json::json;

    use super::*;

    #[test]
    fn findings_over_the_limit_are_cut_and_counted() {
        let mut harness = Harness::ready(service(), json!({"max_findings": 1}));
        let short = r#"{"relates_to":"h","result_name":"a","result_description":"","details":[{"n":1}],"formatted":"x"}"#;
        let long = r#"{"relates_to":"h","x":1.0,"result_name":"b","result_description":"","details":[{"n":1.0},{"n":2},{"n":3}],"formatted":"y\n"}"#;
        let answer = harness
            .call_raw("process_input", &format!("{{\"input\":[{short},{long}]}}"))
            .expect("limited");
        let cut = r#"{"relates_to":"h","x":1.0,"result_name":"b","result_description":"","details":[{"n":1.0}],"formatted":"y\n2 findings cut (max_findings = 1)"}"#;
        assert_eq!(answer.get(), format!("[{short},{cut}]"));
    }

    #[test]
    fn ten_are_kept_unless_told_otherwise() {
        let mut harness = Harness::ready(service(), json!({}));
        let items = ["{}"; 12].join(",");
        let result = format!(
            r#"{{"relates_to":"h","result_name":"a","result_description":"","details":{{"list":[{items}],"tags":["a"]}},"formatted":""}}"#
        );
        let answer = harness
            .call_raw("process_input", &format!("{{\"input\":[{result}]}}"))
            .expect("limited");
        assert_eq!(answer.get().matches("{}").count(), 10, "{answer}");
        assert!(
            answer
                .get()
                .ends_with(r#""formatted":"2 findings cut (max_findings = 10)"}]"#),
            "{answer}"
        );
    }
}
