//! The section `reboot`: whether this machine waits for one, by the marks that distributions leave.

use std::os::unix::fs::MetadataExt;

use serde::Serialize;

use super::root::{Missing, Root};
use super::system;

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Reboot {
    pending: bool,
    reasons: Vec<String>,
}

pub(super) fn reboot(root: &Root) -> Result<Reboot, Missing> {
    let mut reasons = Vec::new();
    for path in ["/run/reboot-required", "/var/run/reboot-required"] {
        if root.exists(path) {
            let packages = root.read(&format!("{path}.pkgs")).unwrap_or_default();
            let mut packages: Vec<_> = packages
                .lines()
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .collect();
            packages.dedup();
            reasons.push(if packages.is_empty() {
                format!("{path} exists")
            } else {
                format!("{path} exists for {}", packages.join(", "))
            });
            break;
        }
    }
    // A container has its host's kernel and none of that kernel's modules.
    if system::container(root).is_none()
        && let Ok(kernel) = root.read("/proc/sys/kernel/osrelease")
    {
        reasons.extend(kernel_reason(root, kernel.trim()));
    }
    Ok(Reboot {
        pending: !reasons.is_empty(),
        reasons,
    })
}

fn kernel_reason(root: &Root, running: &str) -> Option<String> {
    let folder = ["/lib/modules", "/usr/lib/modules"]
        .into_iter()
        .find(|folder| root.exists(folder))?;
    let is_kernel = |name: &String| root.exists(&format!("{folder}/{name}/modules.dep"));
    let installed: Vec<_> = root.names_in(folder).into_iter().filter(is_kernel).collect();
    if installed.is_empty() {
        return None;
    }
    if !installed.iter().any(|name| name == running) {
        return Some(format!(
            "the modules of the running kernel {running} are no longer installed"
        ));
    }
    let boot = system::boot_seconds(root)?;
    let newer = installed
        .into_iter()
        .filter(|name| flavor(name) == flavor(running) && numbers(name) > numbers(running));
    let since_boot = newer.filter(|name| {
        // The change time is that of the installation; packages set the modification time to their own.
        let changed = std::fs::metadata(root.path(&format!("{folder}/{name}/modules.dep")));
        changed.is_ok_and(|changed| changed.ctime() > boot)
    });
    let newest = since_boot.max_by_key(|name| numbers(name))?;
    Some(format!(
        "kernel {newest} was installed after this machine started with {running}"
    ))
}

/// Returns what a kernel's name says besides its version: `amd64` of `6.1.0-18-amd64`.
fn flavor(name: &str) -> String {
    let words = name.split(['-', '.']);
    words
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
        .collect::<Vec<_>>()
        .join("-")
}

fn numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tests_root::root;

    #[test]
    fn the_mark_of_debian_names_the_packages() {
        let (_temp, root) = root(&[
            ("run/reboot-required", ""),
            ("run/reboot-required.pkgs", "libc6\nlibc6\nlinux\n"),
        ]);
        let reasons = vec!["/run/reboot-required exists for libc6, linux".to_owned()];
        assert_eq!(
            reboot(&root).expect("read"),
            Reboot {
                pending: true,
                reasons
            }
        );
    }

    #[test]
    fn a_newer_kernel_of_the_same_flavor_since_the_start_is_a_reason() {
        let kernel = |name: &str| (format!("lib/modules/{name}/modules.dep"), String::new());
        let names = [
            "6.1.0-18-amd64",
            "6.1.0-21-amd64",
            "6.1.0-30-rt-amd64",
            "6.1.0-9-amd64",
        ];
        let mut files: Vec<_> = names.iter().map(|name| kernel(name)).collect();
        files.push(("proc/sys/kernel/osrelease".into(), "6.1.0-18-amd64\n".into()));
        files.push(("proc/stat".into(), "btime 1000\n".into()));
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let (_temp, root) = root(&files);
        let reasons = reboot(&root).expect("read").reasons;
        assert_eq!(
            reasons,
            ["kernel 6.1.0-21-amd64 was installed after this machine started with 6.1.0-18-amd64"]
        );
    }

    #[test]
    fn a_kernel_whose_modules_are_gone_is_a_reason_but_not_in_a_container() {
        let files = [
            ("lib/modules/6.2-arch/modules.dep", ""),
            ("proc/sys/kernel/osrelease", "6.1-arch\n"),
        ];
        let (temp, root) = root(&files);
        let reasons = reboot(&root).expect("read").reasons;
        assert_eq!(
            reasons,
            ["the modules of the running kernel 6.1-arch are no longer installed"]
        );
        std::fs::write(temp.path().join(".dockerenv"), "").expect("written");
        assert!(!reboot(&root).expect("read").pending);
    }
}
