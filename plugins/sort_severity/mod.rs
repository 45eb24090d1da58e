//! The assistant `sort_severity`: worst first, among Results and among the findings inside each.

use std::process::ExitCode;

use opsbox_plugin::{Assistant, Ctx, NoConfig, OpsResult, Plugin, Result, ResultRef, Service};
use serde_json::value::RawValue;

use crate::findings::{self, Lists};
use crate::severity::{Severity, of_finding};

pub(crate) struct SortSeverity;

impl Plugin for SortSeverity {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self> {
        Ok(Self)
    }
}

impl Assistant for SortSeverity {
    fn process_input(&mut self, input: &[ResultRef<'_>], ctx: &Ctx) -> Result<Vec<OpsResult>> {
        let mut sorted = Vec::with_capacity(input.len());
        for result in input {
            ctx.check_cancelled()?;
            let mut lists = Lists::of(result);
            let mut worst = Severity::Unknown;
            let mut changed = false;
            for list in lists.iter_mut() {
                let mut keyed: Vec<(Severity, &RawValue)> =
                    list.iter().map(|item| (of_finding(item), *item)).collect();
                worst = keyed.iter().map(|(severity, _)| *severity).fold(worst, Ord::min);
                if !keyed.is_sorted_by_key(|(severity, _)| *severity) {
                    keyed.sort_by_key(|(severity, _)| *severity);
                    *list = keyed.into_iter().map(|(_, item)| item).collect();
                    changed = true;
                }
            }
            let kept = if changed {
                findings::rebuilt(result, &lists, None)?
            } else {
                result.to_result()
            };
            sorted.push((worst, kept));
        }
        sorted.sort_by_key(|(worst, _)| *worst);
        Ok(sorted.into_iter().map(|(_, result)| result).collect())
    }
}

pub(crate) fn serve() -> ExitCode {
    service().serve()
}

pub(crate) fn service() -> Service {
    Service::assistant::<SortSeverity>().version(env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use opsbox_plugin::Harness;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_worst_stands_first_and_equal_ones_keep_their_order() {
        let result = |name: &str, details: &str| {
            format!(
                r#"{{"relates_to":"h","result_name":"{name}","result_description":"","details":{details},"formatted":""}}"#
            )
        };
        let clean = result("clean", "[]");
        let low = result(
            "low",
            r#"[{"n":1,"severity":"info"},{"n":2.0,"severity":"low"},{"n":3,"severity":"info"}]"#,
        );
        let critical = result(
            "critical",
            r#"{"note":"x","list":[{"n":4},{"n":5,"severity":"critical"}]}"#,
        );
        let mut harness = Harness::ready(service(), json!({}));
        let answer = harness
            .call_raw(
                "process_input",
                &format!("{{\"input\":[{clean},{low},{critical}]}}"),
            )
            .expect("sorted");
        let low = result(
            "low",
            r#"[{"n":2.0,"severity":"low"},{"n":1,"severity":"info"},{"n":3,"severity":"info"}]"#,
        );
        let critical = result(
            "critical",
            r#"{"note":"x","list":[{"n":5,"severity":"critical"},{"n":4}]}"#,
        );
        assert_eq!(answer.get(), format!("[{critical},{low},{clean}]"));
    }
}
