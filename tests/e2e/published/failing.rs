//! Published providers that cannot look: no check over them passes, the cause is named, and the exit code says so.
//!
//! The original says "no findings" and exits 0 in every one of these cases but for a few in which it ends with a traceback.

use std::path::PathBuf;

use serde_json::Value;

use super::cloud::Cloud;
use super::compatibility::{Claim, claim};
use crate::support::{Sandbox, Seen, packages, step};

pub(super) const CLAIMS: &[Claim] = &[
    claim!(
        "iam",
        "a mock of AWS that lacks what it needs",
        "incomplete, exit code 4; the original says that nothing was found",
        what_the_mock_cannot_answer_is_no_clean_pass
    ),
    claim!(
        "elb",
        "a mock of AWS that lacks what it needs",
        "incomplete, exit code 4; the original says that nothing was found",
        what_the_mock_cannot_answer_is_no_clean_pass
    ),
    claim!(
        "rds",
        "a mock of AWS that lacks what it needs",
        "incomplete, exit code 4; the original says that nothing was found",
        what_the_mock_cannot_answer_is_no_clean_pass
    ),
];

/// A check of each provider that asks for no configuration.
const ALL: [(&str, &str); 7] = [
    ("ec2", "stray_ebs"),
    ("s3", "unused_buckets"),
    ("r53", "empty_zones"),
    ("iam", "mfa_enabled"),
    ("elb", "no_healthy_targets"),
    ("rds", "scaling_down"),
    ("efs", "efs_high_percentiolimit"),
];

/// Runs a check of each of these providers with these variables, and asserts that none of them looks as if it had looked.
fn cannot_look(python: PathBuf, providers: &[(&str, &str)], variables: &[(&str, &str)]) -> (Value, Seen) {
    let sandbox = Sandbox::new();
    let interpreter = python.to_str().unwrap().to_owned();
    let checks: Vec<&str> = providers.iter().map(|(_, check)| *check).collect();
    let pipeline = format!("{}-json_out", checks.join(","));
    let mut given = vec![
        ("OPSBOX_PYTHON", interpreter.as_str()),
        // One try, and no asking for the keys of a machine in the cloud.
        ("AWS_MAX_ATTEMPTS", "1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    given.extend(variables);
    let seen = sandbox
        .opsbox_with(&given, &["run", &pipeline, "-o", "record.json"])
        .exits(4);
    let record = sandbox.record();
    for (provider, check) in providers {
        let status = step(&record, check)["status"].as_str().unwrap();
        assert!(
            ["unknown", "incomplete"].contains(&status),
            "{check} over {provider}, which could not look, is {status}\n{seen}"
        );
    }
    (record, seen)
}

/// Returns all that a record says of a check and of its provider.
fn told(record: &Value, provider: &str, check: &str) -> String {
    format!("{} {}", step(record, provider), step(record, check))
}

/// Asserts that the record names this cause for a check and its provider.
#[track_caller]
fn names(record: &Value, (provider, check): (&str, &str), cause: &str) {
    let told = told(record, provider, check);
    assert!(told.contains(cause), "`{cause}` is not in {told}");
}

#[test]
fn what_the_mock_cannot_answer_is_no_clean_pass() {
    let Some(python) = packages() else { return };
    let cloud = Cloud::filled(&python);
    let failing = [
        ("iam", "mfa_enabled", "Error gathering IAM data: 'PolicyName'"),
        (
            "elb",
            "inactive_load_balancers",
            "Error gathering application and network load balancer info: 'Scheme'",
        ),
        ("rds", "rds_idle", "KeyError: 'StorageType'"),
    ];
    let pairs = failing.map(|(provider, check, _)| (provider, check));
    let mut variables = cloud.variables().to_vec();
    variables.push(("AWS_REGION", "eu-west-3"));
    let (record, seen) = cannot_look(python, &pairs, &variables);
    for (provider, check, cause) in failing {
        names(&record, (provider, check), cause);
        assert_eq!(step(&record, check)["status"], "incomplete", "{seen}");
    }
    seen.says(&["'PolicyName'", "'Scheme'", "'StorageType'"]);
}

#[test]
fn denied_access_is_no_clean_pass() {
    let Some(python) = packages() else { return };
    let cloud = Cloud::denying(&python);
    let mut variables = cloud.variables().to_vec();
    variables.push(("AWS_REGION", "us-east-1"));
    variables.push(("AWS_DEFAULT_REGION", "us-east-1"));
    let (record, _) = cannot_look(python, &ALL, &variables);
    for (provider, check) in ALL {
        let cause = match provider {
            "s3" => "when calling the ListBuckets operation: Access Denied",
            // What the mock answers for these is a status and little more.
            "r53" => "when calling the ListHostedZones operation",
            "efs" => "An error occurred (403) when calling the DescribeFileSystems operation",
            _ => "is not authorized to perform",
        };
        names(&record, (provider, check), cause);
    }
}

#[test]
fn an_endpoint_that_is_not_there_is_no_clean_pass() {
    let Some(python) = packages() else { return };
    // Nobody may listen on port 1 but the system, and it does not.
    let variables = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ];
    let (record, _) = cannot_look(python, &ALL, &variables);
    for pair in ALL {
        names(&record, pair, "Could not connect to the endpoint URL");
    }
}

#[test]
fn no_credentials_are_no_clean_pass() {
    let Some(python) = packages() else { return };
    // EFS asks for the keys as its configuration, so it does not get as far.
    let variables = [("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-1")];
    let (record, _) = cannot_look(python, &ALL[..6], &variables);
    for pair in &ALL[..6] {
        names(&record, *pair, "Unable to locate credentials");
    }
}

#[test]
fn no_region_is_no_clean_pass() {
    let Some(python) = packages() else { return };
    let variables = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
    ];
    let (record, _) = cannot_look(python, &ALL, &variables);
    for pair in ALL {
        names(&record, pair, "Could not connect to the endpoint URL");
    }
}

#[test]
fn neither_region_nor_credentials_are_no_clean_pass() {
    let Some(python) = packages() else { return };
    cannot_look(python, &ALL[..6], &[]);
}
