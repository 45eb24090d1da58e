//! The 21 published checks, from the environment with all packages: their policies against OPA, their hooks with and without data.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{OpaServer, Sandbox, opa, packages, python, repository, venv};

/// Prints, for each published check, its name and the path of its policy.
const POLICIES: &str = r#"
import importlib.util, json
from importlib.metadata import distributions
from pathlib import Path
found = {}
for package in distributions():
    for point in package.entry_points:
        if point.group == "opsbox.plugins" and package.metadata["Name"].endswith("-checks"):
            folder = Path(importlib.util.find_spec(point.module).origin).parent
            lines = (folder / "manifest.toml").read_text().splitlines()
            values = dict(line.split("=", 1) for line in lines if "=" in line)
            text = {key.strip(): value.strip().strip('"') for key, value in values.items()}
            found[text["name"]] = str(folder / text["rego_file"])
print(json.dumps(found))
"#;

/// Data of all seven providers at once, with the thresholds that the hooks set; every check finds something and passes something over.
fn input() -> Value {
    let at = |n: i64| 1_700_000_000 + n;
    json!({
        "credential_report": [
            {"user": "a", "password_enabled": "true", "mfa_active": "false", "access_key_2_active": "true", "access_key_2_last_rotated": "2020-01-02T03:04:05+00:00"},
            {"user": "b", "password_enabled": "false", "mfa_active": "true", "access_key_2_active": "true", "access_key_2_last_rotated": "N/A"},
            {"user": "<root_account>", "password_enabled": "not_supported", "mfa_active": "false", "access_key_2_active": "false", "access_key_2_last_rotated": "N/A"},
        ],
        "iam_overdue_key_date_threshold": 1_600_000_000_000_000_000_i64,
        "iam_policies": [{"policy_name": "p", "attachment_count": 0}, {"policy_name": "q", "attachment_count": 2.0}, {"policy_name": "r"}],
        "iam_unused_attachment_threshold": 0,
        "snapshots": [{"snapshot_id": "s-1", "start_time": "2020-01-02T03:04:05.000Z"}, {"snapshot_id": "s-2", "start_time": "2030-01-02T03:04:05Z"}, {"snapshot_id": "s-3"}],
        "ec2_snapshot_old_threshold": 1_600_000_000_000_000_000_i64,
        "instances": [
            {"instance_id": "i-1", "avg_cpu_utilization": 0.0, "state": "running", "tags": [{"Key": "Name", "Value": "é"}]},
            {"instance_id": "i-2", "avg_cpu_utilization": 0.30000000000000004, "state": "running"},
            {"instance_id": "i-3", "avg_cpu_utilization": 55.5, "state": "running"},
            {"instance_id": "i-4", "avg_cpu_utilization": null, "state": "stopped"},
        ],
        "ec2_cpu_idle_threshold": 5,
        "volumes": [{"volume_id": "v-1", "state": "available", "size": 8}, {"volume_id": "v-2", "state": "in-use"}, {"volume_id": "v-3"}],
        "eips": [{"public_ip": "192.0.2.1", "association_id": ""}, {"public_ip": "192.0.2.2", "association_id": "a"}],
        "efss": [{"Id": "fs-1", "PercentIOLimit": 95.0}, {"Id": "fs-2", "PercentIOLimit": 3}],
        "efs_percent_io_limit_threshold": 90,
        "elbs": [
            {"Name": "x", "State": "inactive", "RequestCount": 0, "ErrorRate": 10.5, "InstanceHealth": [{"State": "unhealthy"}]},
            {"Name": "y", "State": "active", "RequestCount": 3.0, "ErrorRate": 0, "InstanceHealth": [{"State": "unhealthy"}, {"State": "healthy"}]},
            {"Name": "z", "State": "active", "RequestCount": 9000, "ErrorRate": 2, "InstanceHealth": []},
        ],
        "elb_error_rate_threshold": 2, "elb_inactive_requests_threshold": 5, "elb_low_requests_threshold": 100,
        "hosted_zones": [{"id": "/hostedzone/Z1", "name": "a."}, {"id": "/hostedzone/Z2", "name": "b."}, {"id": "/hostedzone/Z0", "name": "c."}],
        "records": [{"zone_id": "/hostedzone/Z1", "name": "www.a."}],
        "rds_instances": [
            {"InstanceIdentifier": "d1", "CPUUtilization": 1.25, "StorageUtilization": 12.0},
            {"InstanceIdentifier": "d2", "CPUUtilization": 77, "StorageUtilization": 88.8},
            {"InstanceIdentifier": "d3"},
        ],
        "rds_cpu_idle_threshold": 5, "rds_cpu_scaling_threshold": 20.5, "rds_empty_storage_threshold": 40,
        "rds_snapshots": [[{"SnapshotIdentifier": "r1", "SnapshotCreateTime": "2020-01-02T03:04:05Z"}], [{"SnapshotIdentifier": "r2", "SnapshotCreateTime": "2031-01-02T03:04:05Z"}], []],
        "rds_old_date_threshold": 1_600_000_000_000_000_000_i64,
        "objects": [
            {"Key": "o1", "StorageClass": "STANDARD", "LastModified": at(-9)}, {"Key": "o2", "StorageClass": "STANDARD", "LastModified": at(9)},
            {"Key": "o3", "StorageClass": "GLACIER", "LastModified": at(-9)},
        ],
        "s3_last_modified_date_threshold": at(0),
        "buckets": [
            {"name": "b1", "storage_class": "GLACIER", "last_modified": at(-5)}, {"name": "b2", "storage_class": "MIXED", "last_modified": null},
            {"name": "b3", "storage_class": "STANDARD_IA", "last_modified": at(5)},
        ],
        "s3_stale_bucket_date_threshold": at(0), "s3_unused_bucket_date_threshold": at(0),
    })
}

fn policies(python: &PathBuf) -> Vec<(String, String)> {
    let output = Command::new(python).args(["-c", POLICIES]).output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = found.as_object().unwrap().iter();
    found
        .map(|(name, path)| (name.clone(), path.as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn every_published_policy_gives_what_opa_gives() {
    let (Some(opa), Some(python)) = (opa(), packages()) else {
        return;
    };
    let policies = policies(&python);
    assert_eq!(policies.len(), 21, "{policies:?}");
    let sandbox = Sandbox::new();
    let full = input();
    let inputs = [("full", full), ("empty", json!({}))];
    for (kind, input) in &inputs {
        sandbox.write(&format!("work/{kind}.json"), &json!({"input": input}).to_string());
        sandbox.write(&format!("work/{kind}-opa.json"), &input.to_string());
    }
    let mut n_undefined = 0;
    for (name, path) in &policies {
        let text = std::fs::read_to_string(path).unwrap();
        let package = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("package "))
            .unwrap();
        for (kind, _) in &inputs {
            let said = Command::new(&opa)
                .args([
                    "eval",
                    &format!("data.{package}"),
                    "--format=json",
                    "--data",
                    path,
                    "--input",
                ])
                .arg(sandbox.path(&format!("work/{kind}-opa.json")))
                .output()
                .unwrap();
            let said: Value = serde_json::from_slice(&said.stdout).unwrap();
            let details = &said["result"][0]["expressions"][0]["value"]["details"];
            let file = format!("{kind}.json");
            let python = python.to_str().unwrap();
            let args = [
                "check", "eval", name, "--python", python, "--input", &file, "--json",
            ];
            let seen = sandbox.opsbox(&args);
            if details.is_null() {
                n_undefined += 1;
                seen.exits(1).says(&["the rule `details` is undefined"]);
            } else {
                let seen = seen.exits(0);
                assert_eq!(&seen.json()["details"], details, "{name} {kind}\n{seen}");
                let finds =
                    *kind == "empty" || !details.to_string().replace(['[', ']', '{', '}'], "").is_empty();
                assert!(finds, "{name} finds nothing: the data does not fit it");
            }
        }
    }
    assert!(n_undefined > 0, "no check lacks its data in an empty input");
}

#[test]
fn what_is_kept_of_opa_is_what_it_says() {
    let (Some(opa), Some(python)) = (opa(), python()) else {
        return;
    };
    let sandbox = Sandbox::new();
    let (folder, made) = (
        repository().join("tests/fixtures/rego/opa"),
        sandbox.path("golden.json"),
    );
    let status = Command::new(python)
        .args([folder.join("golden.py"), opa, made])
        .status()
        .unwrap();
    assert!(status.success());
    let kept = std::fs::read_to_string(folder.join("golden.json")).unwrap();
    assert_eq!(sandbox.read("golden.json"), kept, "run golden.py again");
}

#[test]
fn the_hooks_of_every_published_check_need_no_data() {
    let (Some(packages), Some(python)) = (packages(), venv()) else {
        return;
    };
    let output = Command::new(python)
        .args([
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/test_published_inject.py",
        ])
        .current_dir(repository().join("sdk-python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("OPSBOX_TEST_PACKAGES", packages)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.starts_with(&".".repeat(22)), "{text}");
}

#[test]
fn a_published_check_runs_on_an_opa_server() {
    let (Some(server), Some(python)) = (OpaServer::start(), packages()) else {
        return;
    };
    let sandbox = Sandbox::new();
    let data =
        std::fs::read_to_string(repository().join("tests/original/fixtures/data/rich/ec2.json")).unwrap();
    // A line of the wire is one line.
    let data: Value = serde_json::from_str(&data).unwrap();
    sandbox.provider("ec2", &data.to_string(), "");
    let python = python.to_str().unwrap();
    let details = |more: &[&str]| {
        let args = [
            "run",
            "idle_instances,ec2_old_snapshots,stray_ebs-json_out",
            "--python",
            python,
        ];
        sandbox.opsbox(&[&args[..], more].concat()).exits(0);
        ["idle_instances", "old_snapshots", "stray_ebs"]
            .map(|name| sandbox.document(&format!("findings/ec2/{name}.json")))
    };
    let since = "ec2_snapshot_old_threshold=2024-01-01T00:00:00Z";
    let local = details(&["--set", since]);
    let remote = details(&["--set", since, "--set", &format!("opa_url={}", server.url)]);
    assert_eq!(local, remote);
    assert_eq!(server.policies(), r#"{"result":[]}"#);
}
