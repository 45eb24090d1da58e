//! The provider `host`: facts about this machine, section by section. What may not be read is a gap of its section.
//!
//! No section waits for another and none can fail the rest. Files are read under a [`root::Root`], so that tests bring their own.

mod accounts;
#[cfg(target_os = "linux")]
mod diag;
mod disks;
mod network;
mod processes;
mod reboot;
mod root;
mod sshd;
mod system;
mod units;

#[cfg(test)]
mod tests_root;

use std::path::Path;
use std::process::ExitCode;
use std::thread;

use opsbox_plugin::{Ctx, Gap, NoConfig, OpsResult, Plugin, Provider, Result, Service};
use serde::Serialize;
use serde_json::{Map, Value};

use root::{Missing, Root};

pub(crate) struct Host;

impl Plugin for Host {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self> {
        Ok(Self)
    }
}

impl Provider for Host {
    fn gather_data(&mut self, ctx: &Ctx) -> Result<OpsResult> {
        let facts = gather(&Root::new(Path::new("/")));
        for gap in facts.gaps {
            ctx.gap(gap);
        }
        let details = Value::Object(facts.sections);
        Ok(OpsResult::new("host", "host")
            .description("Facts about this machine")
            .formatted(summary(&details))
            .details(&details)?)
    }
}

/// What was gathered so far.
#[derive(Default)]
struct Facts {
    sections: Map<String, Value>,
    gaps: Vec<Gap>,
}

impl Facts {
    /// Keeps a section, or the reason why it is not there.
    fn put(&mut self, section: &str, value: Result<impl Serialize, Missing>) {
        match value.map(serde_json::to_value) {
            Ok(Ok(value)) => {
                self.sections.insert(section.to_owned(), value);
            }
            Ok(Err(error)) => self.gap(
                section,
                Missing::new(section, format!("cannot be written as JSON: {error}")),
            ),
            Err(missing) => self.gap(section, missing),
        }
    }

    fn gap(&mut self, section: &str, missing: Missing) {
        self.gaps.push(missing.into_gap(section));
    }

    fn gaps(&mut self, section: &str, missing: Vec<Missing>) {
        for missing in missing {
            self.gap(section, missing);
        }
    }
}

/// Something that is gathered beside the rest, or was gathered at once where there can be no thread.
enum Beside<'scope, T> {
    Thread(thread::ScopedJoinHandle<'scope, T>),
    Done(T),
}

impl<'scope, T: Send + 'scope> Beside<'scope, T> {
    fn of<'env>(
        scope: &'scope thread::Scope<'scope, 'env>,
        work: impl Fn() -> T + Copy + Send + 'scope,
    ) -> Self {
        let started = thread::Builder::new().spawn_scoped(scope, work);
        started.map_or_else(|_| Self::Done(work()), Self::Thread)
    }

    /// Returns what was gathered; `None` where it panicked.
    fn join(self) -> Option<T> {
        match self {
            Self::Thread(thread) => thread.join().ok(),
            Self::Done(seen) => Some(seen),
        }
    }
}

fn gather(root: &Root) -> Facts {
    let mut facts = Facts::default();
    thread::scope(|scope| {
        // These wait: for the kernel, for a network file system, for systemd. Meanwhile the rest is read here.
        let units = Beside::of(scope, || units::units(root));
        let cpus = Beside::of(scope, || system::cpus(root));
        let disks = Beside::of(scope, || disks::disks(root));
        let interfaces = Beside::of(scope, network::interfaces);

        facts.put("os", system::os(root));
        facts.put("load", system::load(root));
        let cpus = cpus
            .join()
            .unwrap_or_else(|| Err(Missing::broken("the processors")));
        facts.put("cpus", cpus);
        let (memory, swap) = system::memory(root);
        facts.put("memory", memory);
        facts.put("swap", swap);
        let users = accounts::users(root);
        let processes = processes::processes(root, users.as_deref().unwrap_or_default());
        let sockets = network::sockets(root, processes.as_ref().map_or(&[], |seen| &seen.list));
        let disks = disks.join().unwrap_or_else(disks::Disks::broken);
        facts.put("filesystems", disks.filesystems);
        facts.gaps("filesystems", disks.unreadable);
        facts.put("mounts", disks.mounts);
        let interfaces = interfaces
            .join()
            .unwrap_or_else(|| Err(Missing::broken("the network interfaces")));
        facts.put("interfaces", interfaces);
        let sshd = sshd::sshd(root, processes.as_ref().ok());
        put_sockets(&mut facts, sockets);
        put_processes(&mut facts, processes);
        facts.put("users", users);
        facts.put("passwords", accounts::passwords(root));
        facts.put("sshd", sshd.section);
        facts.gaps("sshd", sshd.unreadable);
        facts.put("reboot", reboot::reboot(root));
        facts.put(
            "units",
            units
                .join()
                .unwrap_or_else(|| Err(Missing::broken("the units of systemd"))),
        );
    });
    facts
}

fn put_sockets(facts: &mut Facts, sockets: Result<network::Sockets, Missing>) {
    match sockets {
        Ok(sockets) => {
            facts.put("sockets", Ok::<_, Missing>(sockets.list));
            facts.gaps("socket_owners", sockets.unknown_owners.into_iter().collect());
        }
        Err(missing) => facts.gap("sockets", missing),
    }
}

fn put_processes(facts: &mut Facts, processes: Result<processes::Processes, Missing>) {
    match processes {
        Ok(processes) => {
            facts.put("processes", Ok::<_, Missing>(processes.list));
            facts.gaps("processes", processes.hidden.into_iter().collect());
        }
        Err(missing) => facts.gap("processes", missing),
    }
}

/// Returns a few lines for people who look at the data itself.
fn summary(details: &Value) -> String {
    let text = |section: &str, key: &str| details[section][key].as_str().unwrap_or("?").to_owned();
    let count = |section: &str| details[section].as_array().map_or(0, Vec::len);
    let gib = |section: &str, key: &str| details[section][key].as_f64().unwrap_or(0.0) / f64::from(1 << 30);
    format!(
        "{}: {}, kernel {}, {}\n\
         {} processors, {:.1} GiB memory, {:.1} GiB available, load {}\n\
         {} file systems, {} interfaces, {} listening sockets, {} processes, {} users",
        text("os", "hostname"),
        text("os", "name"),
        text("os", "kernel"),
        text("os", "arch"),
        details["cpus"]["logical"],
        gib("memory", "total_bytes"),
        gib("memory", "available_bytes"),
        details["load"]["one"],
        count("filesystems"),
        count("interfaces"),
        count("sockets"),
        count("processes"),
        count("users"),
    )
}

pub(crate) fn serve() -> ExitCode {
    service().serve()
}

pub(crate) fn service() -> Service {
    Service::provider::<Host>().version(env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use opsbox_plugin::Harness;
    use serde_json::json;

    use super::*;

    const SECTIONS: [&str; 16] = [
        "os",
        "load",
        "cpus",
        "memory",
        "swap",
        "filesystems",
        "mounts",
        "interfaces",
        "sockets",
        "processes",
        "users",
        "passwords",
        "sshd",
        "reboot",
        "units",
        "socket_owners",
    ];

    #[test]
    fn this_machine_is_described_and_every_absent_section_is_a_gap() {
        let mut harness = Harness::ready(service(), json!({}));
        let result = harness.call("gather_data", &json!({})).expect("gathered");
        let gaps: Vec<_> = harness
            .told("gap")
            .iter()
            .filter_map(|gap| gap["section"].as_str())
            .collect();
        for section in SECTIONS.iter().filter(|section| **section != "socket_owners") {
            assert!(
                result["details"].get(section).is_some() || gaps.contains(section),
                "{section}"
            );
        }
        assert!(gaps.iter().all(|section| SECTIONS.contains(section)), "{gaps:?}");
        let own = result["details"]["processes"].as_array().into_iter().flatten();
        assert!(
            own.clone().any(|process| process["pid"] == std::process::id()),
            "this very process is listed"
        );
        assert!(
            result["formatted"]
                .as_str()
                .is_some_and(|text| text.lines().count() == 3)
        );
    }

    #[test]
    fn a_machine_of_which_nothing_can_be_read_is_all_gaps_and_no_failure() {
        let temp = tempfile::tempdir().expect("a folder");
        let facts = gather(&Root::new(temp.path()));
        let gaps: Vec<_> = facts.gaps.iter().map(|gap| format!("{gap:?}")).collect();
        for section in [
            "load",
            "cpus",
            "memory",
            "swap",
            "filesystems",
            "mounts",
            "sockets",
            "processes",
            "users",
            "passwords",
        ] {
            assert!(!facts.sections.contains_key(section), "{section}");
            assert!(
                gaps.iter()
                    .any(|gap| gap.contains(&format!("Some(\"{section}\")"))),
                "{section}: {gaps:?}"
            );
        }
    }
}
