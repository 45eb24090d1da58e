//! The hashes of what may be taken for a package, as each installer tells them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::lock::normal;

/// Hashes by normalised name.
pub(super) type Hashes = BTreeMap<String, Vec<String>>;

/// Reads the hashes off a list with `--hash=` parts.
pub(super) fn of_list(text: &str) -> Hashes {
    let mut found = Hashes::new();
    let joined = text.replace("\\\n", " ");
    for line in joined
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        let name = normal(&line[..end.unwrap_or(line.len())]);
        let hashes = line
            .split_whitespace()
            .filter_map(|word| word.strip_prefix("--hash="));
        found.insert(name, hashes.map(str::to_owned).collect());
    }
    found
}

/// Reads the hashes off what pip reports of an installation.
pub(super) fn of_report(report: &Value) -> Hashes {
    let mut found = Hashes::new();
    for item in report["install"].as_array().into_iter().flatten() {
        let name = normal(item["metadata"]["name"].as_str().unwrap_or_default());
        let archive = &item["download_info"]["archive_info"];
        let hash = archive["hashes"]["sha256"]
            .as_str()
            .map(|hash| format!("sha256:{hash}"));
        // Before version 23 there was one hash, written `sha256=…`.
        let hash = hash.or_else(|| archive["hash"].as_str().map(|hash| hash.replacen('=', ":", 1)));
        found.insert(name, hash.into_iter().collect());
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hashes_are_read_from_both_installers() {
        let list = "--index-url https://h\nA_b==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nopsbox @ file:///x.whl\n";
        let found = of_list(list);
        assert_eq!(found["a-b"], ["sha256:aa", "sha256:bb"]);
        assert_eq!(found["opsbox"], [""; 0]);
        let item = |name: &str, archive: Value| json!({"metadata": {"name": name}, "download_info": {"archive_info": archive}});
        let report = json!({"install": [item("A_b", json!({"hashes": {"sha256": "aa"}})), item("c", json!({"hash": "sha256=cc"}))]});
        let found = of_report(&report);
        assert_eq!(
            (&found["a-b"][..], &found["c"][..]),
            (&["sha256:aa".to_owned()][..], &["sha256:cc".to_owned()][..])
        );
    }
}
