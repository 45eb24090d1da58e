//! Parameters of the hooks that do a plugin's work, for the schema and for tests.
//!
//! Nobody reads or writes them as these types: the host puts slices of lines into a request, and plugins read lists as slices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::StepStatus;
use crate::result::OpsResult;

/// The parameters of a request that needs none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoParams {}

/// Parameters of `process`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessParams {
    /// The Results of the providers that the manifest's `uses` names, in that order; empty where it names none.
    pub data: Vec<OpsResult>,
}

/// Parameters of `inject_data`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InjectDataParams {
    /// The provider's Result, before the policy sees it.
    pub data: OpsResult,
}

/// Parameters of `report_findings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportFindingsParams {
    /// The Result whose `details` are the policy's findings.
    pub data: OpsResult,
}

/// Parameters of `process_input`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessInputParams {
    /// The list of Results that the assistant's answer replaces, or is added to.
    pub input: Vec<OpsResult>,
}

/// Parameters of `process_results`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessResultsParams {
    /// With the feature `steps`: how each check of the run ended, in the order of the pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<StepStatus>>,
    /// With the feature `private`: true where a Result holds the value of a secret field, else left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// The Results to deliver; may be empty.
    pub results: Vec<OpsResult>,
}
