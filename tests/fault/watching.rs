//! Plugins that do nothing wrong: neighbours whose work must be whole, and watchers of what the host does.

use std::fs;
use std::io::Write;

use crate::call::{Call, text_between};
use crate::table::{At, Fault, fault, on_wire};
use crate::wire::Wire;

pub const FAULTS: &[Fault] = &[
    on_wire("none", "does everything right", Wire::Plain),
    on_wire("reads_slowly", "reads little at a time", Wire::ReadsSlowly),
    fault("plenty", "finds 200 things", At::Work, |call| {
        let findings: Vec<_> = (0..200)
            .map(|n| format!(r#"{{"id":"{n}","message":"finding {n} of 200","severity":"low"}}"#))
            .collect();
        call.reply(&call.found(&format!("[{}]", findings.join(","))));
    }),
    fault("bulk", "brings so many bytes", At::Work, |call| {
        let text = "b".repeat(call.number() as usize);
        call.reply(&call.found(&format!(r#"{{"text":"{text}"}}"#)));
    }),
    fault("keeps", "writes what it is sent to a file", At::Work, |call| {
        assert!(
            fs::write(&call.more, &call.line).is_ok(),
            "cannot write {}",
            call.more
        );
        call.reply("{}");
    }),
    fault(
        "weighs",
        "writes the most memory that the host has had, in KiB, to a file",
        At::Work,
        weigh,
    ),
    fault("notes_starts", "notes that it was started", At::Start, |call| {
        let file = fs::File::options().append(true).create(true).open(&call.more);
        let noted = file.and_then(|mut file| file.write_all(b"started\n"));
        assert!(noted.is_ok(), "cannot write {}", call.more);
    }),
    fault(
        "counts",
        "writes to a file how many descriptors the host has, and how many children that nobody waited for",
        At::Work,
        count,
    ),
    fault(
        "counts_descriptors",
        "finds its own descriptors",
        At::Work,
        |call| {
            let open = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
            // The folder that is being read is one of them.
            let targets: Vec<_> = open
                .filter_map(|entry| fs::read_link(entry.path()).ok())
                .map(|target| target.display().to_string())
                .filter(|target| !target.ends_with("/fd"))
                .map(|target| format!("{{\"target\":{target:?}}}"))
                .collect();
            call.reply(&call.found(&format!("[{}]", targets.join(","))));
        },
    ),
];

fn host() -> i32 {
    rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get())
}

fn count(call: &Call) {
    let host = host();
    let descriptors = fs::read_dir(format!("/proc/{host}/fd")).map_or(usize::MAX, Iterator::count);
    let dead_child = format!(") Z {host} ");
    let zombies = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
        .filter(|stat| stat.contains(&dead_child))
        .count();
    let text = format!("{descriptors} {zombies}");
    assert!(fs::write(&call.more, text).is_ok(), "cannot write {}", call.more);
    call.reply("{}");
}

fn weigh(call: &Call) {
    let host = host();
    let status = fs::read_to_string(format!("/proc/{host}/status")).unwrap_or_default();
    let most = text_between(&status, "VmHWM:", "kB").unwrap_or_default();
    assert!(
        fs::write(&call.more, most.trim()).is_ok(),
        "cannot write {}",
        call.more
    );
    call.reply("{}");
}
