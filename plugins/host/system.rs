//! The sections `os`, `load`, `cpus`, `memory` and `swap`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::root::{Missing, Root};

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Os {
    id: String,
    name: String,
    /// Null where the distribution has no releases.
    version: Option<String>,
    kernel: String,
    arch: String,
    hostname: String,
    container: Option<&'static str>,
    boot_time: Option<String>,
    uptime_seconds: Option<u64>,
}

pub(super) fn os(root: &Root) -> Result<Os, Missing> {
    let kernel = root.need("/proc/sys/kernel/osrelease")?.trim().to_owned();
    let release = root
        .read("/etc/os-release")
        .or_else(|_| root.read("/usr/lib/os-release"))
        .unwrap_or_default();
    let value = |key: &str| release_value(&release, key);
    Ok(Os {
        id: value("ID").unwrap_or_else(|| std::env::consts::OS.to_owned()),
        name: value("PRETTY_NAME")
            .or_else(|| value("NAME"))
            .unwrap_or_else(|| "Linux".to_owned()),
        version: value("VERSION_ID"),
        kernel,
        arch: root.read("/proc/sys/kernel/arch").map_or_else(
            |_| std::env::consts::ARCH.to_owned(),
            |text| text.trim().to_owned(),
        ),
        hostname: root
            .read("/proc/sys/kernel/hostname")
            .map_or_else(|_| String::new(), |text| text.trim().to_owned()),
        container: container(root),
        boot_time: boot_time(root),
        uptime_seconds: uptime(root).map(|seconds| seconds as u64),
    })
}

fn release_value(release: &str, key: &str) -> Option<String> {
    let value = release
        .lines()
        .find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

/// Returns which kind of container this is, by the marks that container managers leave.
pub(super) fn container(root: &Root) -> Option<&'static str> {
    let kind_in = |text: &str| {
        [
            ("kubepods", "kubernetes"),
            ("docker", "docker"),
            ("podman", "podman"),
            ("libpod", "podman"),
            ("lxc", "lxc"),
        ]
        .into_iter()
        .find_map(|(mark, kind)| text.contains(mark).then_some(kind))
    };
    if root.exists("/run/secrets/kubernetes.io") || root.exists("/var/run/secrets/kubernetes.io") {
        return Some("kubernetes");
    }
    if root.exists("/run/.containerenv") {
        return Some("podman");
    }
    if root.exists("/.dockerenv") {
        return Some("docker");
    }
    // systemd notes the manager's name; the first process's environment is for root alone.
    let named = root.read("/run/systemd/container").ok().or_else(|| {
        let environment = root.read("/proc/1/environ").ok()?;
        environment
            .split('\0')
            .find_map(|variable| variable.strip_prefix("container=").map(str::to_owned))
    });
    if let Some(name) = named.filter(|name| !name.trim().is_empty()) {
        return Some(kind_in(&name).unwrap_or("other"));
    }
    kind_in(&root.read("/proc/1/cgroup").unwrap_or_default())
}

fn boot_time(root: &Root) -> Option<String> {
    boot_seconds(root)
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map(|time| time.to_string())
}

/// Returns when the machine started, in seconds since 1970.
pub(super) fn boot_seconds(root: &Root) -> Option<i64> {
    let stat = root.read("/proc/stat").ok()?;
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}

/// Returns how long the machine has been running, in seconds.
pub(super) fn uptime(root: &Root) -> Option<f64> {
    root.read("/proc/uptime")
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Load {
    one: f64,
    five: f64,
    fifteen: f64,
}

pub(super) fn load(root: &Root) -> Result<Load, Missing> {
    let text = root.need("/proc/loadavg")?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map_while(|word| word.parse().ok())
        .take(3)
        .collect();
    match numbers[..] {
        [one, five, fifteen] => Ok(Load { one, five, fifteen }),
        _ => Err(Missing::odd("/proc/loadavg")),
    }
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Cpus {
    logical: usize,
    /// Null where the kernel does not tell (many ARM machines).
    physical: Option<usize>,
    model: Option<String>,
}

pub(super) fn cpus(root: &Root) -> Result<Cpus, Missing> {
    let text = root.need("/proc/cpuinfo")?;
    let mut logical = 0;
    let mut package = "0";
    let mut cores = BTreeSet::new();
    let mut model = None;
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match key.trim() {
            "processor" => logical += 1,
            "physical id" => package = value,
            "core id" => drop(cores.insert((package, value))),
            "model name" | "cpu model" | "Model" | "cpu" => model = model.or(Some(value.to_owned())),
            _ => {}
        }
    }
    if logical == 0 {
        return Err(Missing::odd("/proc/cpuinfo"));
    }
    Ok(Cpus {
        logical,
        physical: (!cores.is_empty()).then_some(cores.len()),
        model,
    })
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Memory {
    total_bytes: u64,
    available_bytes: u64,
    used_bytes: u64,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Swap {
    total_bytes: u64,
    free_bytes: u64,
    used_bytes: u64,
}

pub(super) fn memory(root: &Root) -> (Result<Memory, Missing>, Result<Swap, Missing>) {
    let text = match root.need("/proc/meminfo") {
        Ok(text) => text,
        Err(missing) => return (Err(missing.clone()), Err(missing)),
    };
    let bytes = |key: &str| -> Option<u64> {
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        Some(value.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
    };
    // Kernels before 3.14 have no estimate of their own.
    let available =
        || bytes("MemAvailable").or_else(|| Some(bytes("MemFree")? + bytes("Buffers")? + bytes("Cached")?));
    let memory = bytes("MemTotal")
        .zip(available())
        .map(|(total_bytes, available_bytes)| Memory {
            total_bytes,
            available_bytes,
            used_bytes: total_bytes.saturating_sub(available_bytes),
        });
    let swap = bytes("SwapTotal")
        .zip(bytes("SwapFree"))
        .map(|(total_bytes, free_bytes)| Swap {
            total_bytes,
            free_bytes,
            used_bytes: total_bytes.saturating_sub(free_bytes),
        });
    let odd = || Missing::odd("/proc/meminfo");
    (memory.ok_or_else(odd), swap.ok_or_else(odd))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tests_root::root;

    #[test]
    fn the_system_is_read_from_its_files() {
        let (_temp, root) = root(&[
            ("proc/sys/kernel/osrelease", "6.1.0\n"),
            ("proc/sys/kernel/arch", "x86_64\n"),
            ("proc/sys/kernel/hostname", "web-1\n"),
            ("proc/uptime", "93784.55 1.0\n"),
            ("proc/stat", "cpu 1\nbtime 1700000000\n"),
            (
                "etc/os-release",
                "ID=debian\nNAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\n",
            ),
        ]);
        assert_eq!(
            os(&root).expect("read"),
            Os {
                id: "debian".into(),
                name: "Debian GNU/Linux 12 (bookworm)".into(),
                version: Some("12".into()),
                kernel: "6.1.0".into(),
                arch: "x86_64".into(),
                hostname: "web-1".into(),
                container: None,
                boot_time: Some("2023-11-14T22:13:20Z".into()),
                uptime_seconds: Some(93784),
            }
        );
    }

    #[test]
    fn containers_are_known_by_their_marks() {
        for (file, text, kind) in [
            (".dockerenv", "", Some("docker")),
            ("run/.containerenv", "", Some("podman")),
            ("run/secrets/kubernetes.io/x", "", Some("kubernetes")),
            ("run/systemd/container", "lxc\n", Some("lxc")),
            ("run/systemd/container", "systemd-nspawn\n", Some("other")),
            ("proc/1/cgroup", "0::/kubepods/besteffort\n", Some("kubernetes")),
            ("proc/1/cgroup", "0::/init.scope\n", None),
        ] {
            let (_temp, root) = root(&[(file, text)]);
            assert_eq!(container(&root), kind, "{file}: {text}");
        }
    }

    #[test]
    fn processors_count_cores_of_each_package() {
        let core = |n: u32, package: u32, id: u32| {
            format!("processor : {n}\nmodel name : Fast CPU\nphysical id : {package}\ncore id : {id}\n\n")
        };
        let text = [core(0, 0, 0), core(1, 0, 1), core(2, 1, 0), core(3, 1, 0)].concat();
        let (_temp, root) = root(&[("proc/cpuinfo", &text)]);
        let wanted = Cpus {
            logical: 4,
            physical: Some(3),
            model: Some("Fast CPU".into()),
        };
        assert_eq!(cpus(&root).expect("read"), wanted);
    }

    #[test]
    fn memory_is_in_bytes_and_odd_text_is_missing() {
        let text = "MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable: 40 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n";
        let (_temp, root) = root(&[("proc/meminfo", text), ("proc/loadavg", "0.05 x")]);
        let (memory, swap) = memory(&root);
        let wanted = Memory {
            total_bytes: 102_400,
            available_bytes: 40_960,
            used_bytes: 61_440,
        };
        assert_eq!(memory.expect("read"), wanted);
        assert_eq!(swap.expect("read").total_bytes, 0);
        assert_eq!(load(&root), Err(Missing::odd("/proc/loadavg")));
    }
}
