//! The traits that a plugin implements: [`Plugin`], and one for its role.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::ctx::Ctx;
use crate::error::Result;
use crate::host::{HookAnswer, HookParams, Host, PluginFacts};
use crate::result::{OpsResult, ResultRef};

/// What every plugin has: a configuration, and a way to be made from it.
pub trait Plugin: Sized + Send + 'static {
    /// The configuration's fields. Its JSON Schema is derived; the doc comments of the fields become their descriptions, and
    /// `#[serde(default)]` makes a field optional. [`NoConfig`] where there is none.
    type Config: DeserializeOwned + JsonSchema;

    /// Whether [`Ctx::progress`] is called at least every few minutes in long hooks: the host then stops a call that is
    /// silent for too long. Where false, only the total time counts.
    const REPORTS_PROGRESS: bool = false;

    /// Makes the plugin. Nothing outside is touched yet.
    ///
    /// # Errors
    /// Where the fields contradict each other; the user is told that the configuration is not valid.
    fn configure(config: Self::Config) -> Result<Self>;

    /// Prepares for the work: may connect to services and create folders.
    ///
    /// # Errors
    /// Any; the plugin's step then fails.
    fn activate(&mut self, ctx: &Ctx) -> Result<()> {
        let _ = ctx;
        Ok(())
    }
}

/// Gathers data that checks look at.
pub trait Provider: Plugin {
    /// Gathers. What could not be looked at is reported with [`Ctx::gap`].
    ///
    /// # Errors
    /// Any; every check of this data is then unknown.
    fn gather_data(&mut self, ctx: &Ctx) -> Result<OpsResult>;
}

/// Makes Results out of the data of the providers it uses.
pub trait Input: Plugin {
    /// Looks at the data, one Result per provider, in the order of `uses`.
    ///
    /// # Errors
    /// Any; the step fails.
    fn process(&mut self, data: &[ResultRef<'_>], ctx: &Ctx) -> Result<Vec<OpsResult>>;
}

/// Stands beside a Rego policy.
pub trait Check: Plugin {
    /// The hooks that this plugin implements; one that is not listed is never called.
    const HOOKS: &'static [CheckHook] = &[CheckHook::InjectData, CheckHook::ReportFindings];

    /// Changes the provider's data before the policy sees it.
    ///
    /// # Errors
    /// Any; the check fails.
    fn inject_data(&mut self, data: &ResultRef<'_>, ctx: &Ctx) -> Result<OpsResult> {
        let _ = ctx;
        Ok(data.to_result())
    }

    /// Makes the check's Results out of the policy's findings.
    ///
    /// # Errors
    /// Any; the check fails.
    fn report_findings(&mut self, data: &ResultRef<'_>, ctx: &Ctx) -> Result<Vec<OpsResult>> {
        let _ = ctx;
        Ok(vec![data.to_result()])
    }
}

/// A hook of a [`Check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckHook {
    /// [`Check::inject_data`].
    InjectData,
    /// [`Check::report_findings`].
    ReportFindings,
}

/// Transforms Results between checks and outputs.
pub trait Assistant: Plugin {
    /// Returns the Results that take the place of those received.
    ///
    /// # Errors
    /// Any; the step fails.
    fn process_input(&mut self, input: &[ResultRef<'_>], ctx: &Ctx) -> Result<Vec<OpsResult>>;
}

/// Delivers Results.
pub trait Output: Plugin {
    /// Delivers. Text for the user's standard output goes through [`Ctx::output`]; [`Ctx::steps`] tells which checks could look.
    ///
    /// # Errors
    /// Any; the step fails. It is never called a second time for the same Results.
    fn process_results(&mut self, results: &[ResultRef<'_>], ctx: &Ctx) -> Result<()>;
}

/// Runs plugins of the types that its manifest's `[handler] handles` lists.
pub trait Handler: Plugin {
    /// Runs one plugin. `prior` is what came before it: nothing in the first stage, else what an assistant or output of its
    /// place would get. Hooks of the plugin, and the data of providers, are had through `host`. What is returned is the
    /// step's; of an output it goes nowhere.
    ///
    /// # Errors
    /// Any; the step fails.
    fn process_plugin(
        &mut self,
        plugin: &PluginFacts,
        prior: &[ResultRef<'_>],
        host: &Host,
        ctx: &Ctx,
    ) -> Result<Vec<OpsResult>>;
}

/// A plugin of a type that a handler plugin serves. Its hooks are what the handler says.
pub trait Handled: Plugin {
    /// The names of its hooks.
    const HOOKS: &'static [&'static str];

    /// Runs the hook of this name, one of [`Handled::HOOKS`].
    ///
    /// # Errors
    /// Any; the handler is told.
    fn call(&mut self, hook: &str, params: HookParams<'_>, ctx: &Ctx) -> Result<HookAnswer>;
}

/// The configuration of a plugin that has none.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
pub struct NoConfig {}
