//! Machines that give little: few open files, few processes. Whatever is missing is told; nothing panics.

use std::process::Command;

use crate::support::{Sandbox, Seen, binary};

fn no_panic(seen: &Seen) {
    assert!(
        seen.code.is_some_and(|code| [0, 1, 2, 4].contains(&code)) && !seen.stderr.contains("panicked"),
        "{seen}"
    );
}

#[test]
fn with_few_open_files_every_command_works_or_says_how_many_there_must_be() {
    let sandbox = Sandbox::new();
    for most in [4, 6, 7, 8, 12, 16, 20, 32, 48] {
        for args in [["version"].as_slice(), &["run", "disk_space-cli_out"]] {
            let mut command = Command::new("sh");
            let script = format!("ulimit -n {most}; exec \"$0\" \"$@\"");
            command.args(["-c", &script]).arg(binary()).args(args);
            sandbox.surround(&mut command);
            let seen = sandbox.finish(args, &mut command);
            no_panic(&seen);
            assert!(
                seen.code == Some(0) || seen.stderr.contains("open files"),
                "{most}: {seen}"
            );
        }
    }
}

#[test]
fn a_plugin_that_cannot_be_started_for_want_of_files_is_told_what_to_raise_and_nothing_of_its_permissions() {
    let sandbox = Sandbox::new();
    for number in 0..24 {
        sandbox.input(&format!("plain{number}"), &[]);
    }
    let pipeline: Vec<_> = (0..24).map(|number| format!("plain{number}")).collect();
    let pipeline = format!("{}-json_out", pipeline.join(","));
    let mut n_told = 0;
    for most in [24, 32, 40, 48] {
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {most}; exec \"$0\" \"$@\"");
        let args = ["run", &pipeline, "-o", "record.json", "--no-keep"];
        command.args(["-c", &script]).arg(binary()).args(args);
        sandbox.surround(&mut command);
        let seen = sandbox.finish(&args, &mut command).hides(&["execute permission"]);
        let lines = seen
            .stderr
            .lines()
            .filter(|line| line.contains("Too many open files"));
        for line in lines.filter(|line| line.contains("cannot start `")) {
            n_told += 1;
            assert!(line.contains("ulimit -n"), "{line}\n{seen}");
        }
    }
    assert!(n_told > 0, "every plugin could be started");
}

#[test]
fn with_few_processes_what_cannot_be_started_is_told() {
    let sandbox = Sandbox::new();
    sandbox.input("plain", &[]);
    let args = ["run", "disk_space,plain-cli_out", "--no-keep"];
    // Makes the folders of the ordinary user, too.
    let Some(seen) = sandbox.as_ordinary_user(&args) else {
        return;
    };
    no_panic(&seen);
    for most in [1, 2, 3, 4, 6, 8, 10, 14, 20, 26] {
        std::fs::remove_dir_all(sandbox.path("home/.cache")).ok();
        let seen = sandbox.as_ordinary_user_after(
            &format!("ulimit -u {most} 2>/dev/null || ulimit -p {most}"),
            &args,
        );
        no_panic(&seen);
    }
}
