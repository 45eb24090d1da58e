//! One plugin with a fault beside good ones, in one run: what must hold of every such run is asserted here.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::leftovers;
use crate::support::{Sandbox, Seen, fault_plugin, step};

/// A run that takes longer hangs. No clock of the host that these tests set is longer than a third of it.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// What the good plugin finds.
pub const PLENTY: usize = 200;

/// A run in which the plugin `bad` has a fault, and `good` has none.
pub struct Case {
    pub sandbox: Sandbox,
    fault: String,
    kind: &'static str,
    more: String,
    info: String,
    tables: String,
    flags: Vec<String>,
    beside: Vec<String>,
    outputs: Vec<&'static str>,
    shell: Option<&'static str>,
}

/// What came of such a run.
pub struct Ran {
    pub sandbox: Sandbox,
    pub seen: Seen,
    pub record: Value,
}

impl Case {
    /// An input with this fault.
    pub fn of(fault: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.fault("good", "input", "plenty", "");
        Self {
            sandbox,
            fault: fault.to_owned(),
            kind: "input",
            more: String::new(),
            info: String::new(),
            tables: String::new(),
            flags: Vec::new(),
            beside: Vec::new(),
            outputs: vec!["json_out"],
            shell: None,
        }
    }

    /// A plugin of another type.
    pub fn role(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// What the fault needs to know.
    pub fn with(mut self, more: impl ToString) -> Self {
        self.more = more.to_string();
        self
    }

    /// A text that the fault needs, which it reads from a file.
    pub fn with_text(self, text: &str) -> Self {
        let file = self.sandbox.write("plugins/bad/text", text);
        self.with(file.display())
    }

    /// Further keys of the manifest's `[info]`.
    pub fn info(mut self, keys: &str) -> Self {
        self.info = format!("{keys}\n");
        self
    }

    /// Tables of the plugin's manifest.
    pub fn tables(mut self, tables: &str) -> Self {
        self.tables = format!("---{tables}\n");
        self
    }

    /// Further words of the command line.
    pub fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    /// A shell script that starts the plugin, `$0` and its arguments.
    pub fn by_shell(mut self, script: &'static str) -> Self {
        self.shell = Some(script);
        self
    }

    /// A further input of the pipeline, which the test adds.
    pub fn beside(mut self, name: &str) -> Self {
        self.beside.push(name.to_owned());
        self
    }

    /// A further input with a fault.
    pub fn and_input(self, name: &str, fault: &str) -> Self {
        self.sandbox.fault(name, "input", fault, "");
        self.beside(name)
    }

    /// Adds a provider of so many bytes.
    pub fn bulk(&self, name: &str, bytes: usize) {
        let program = fault_plugin();
        let command = [program.to_str().unwrap(), "bulk", "provider", &bytes.to_string()];
        self.sandbox.command(name, "provider", &command, "");
    }

    /// A further output, a fault plugin that writes what it learns to `work/NAME`; the test reads it afterwards.
    pub fn and_output(mut self, name: &'static str) -> Self {
        let file = self.sandbox.path(&format!("work/{name}")).display().to_string();
        let program = fault_plugin();
        let command = [program.to_str().unwrap(), name, "output", &file];
        self.sandbox.command(name, "output", &command, "");
        self.outputs.push(name);
        self
    }

    /// Writes the plugin's manifest.
    fn install(&self, name: &str) {
        let program = fault_plugin();
        let own = [program.to_str().unwrap(), &self.fault, self.kind, &self.more];
        let command = match self.shell {
            Some(script) => [&["sh", "-c", script], &own[..]].concat(),
            None => own.to_vec(),
        };
        let more = format!("{}{}", self.info, self.tables);
        self.sandbox.command(name, self.kind, &command, &more);
    }

    /// Runs it to its end, and asserts what must hold of every run.
    #[track_caller]
    pub fn run(self) -> Ran {
        self.install("bad");
        self.run_what_is_there()
    }

    /// The same, where the test has made the plugin `bad`.
    #[track_caller]
    pub fn run_what_is_there(self) -> Ran {
        let outputs = self.outputs.join(",");
        let inputs = [&["good".to_owned()][..], &self.beside].concat().join(",");
        let pipeline = match self.kind {
            "assistant" => format!("{inputs}-bad-{outputs}"),
            "output" => format!("{inputs}-bad,{outputs}"),
            _ => format!("bad,{inputs}-{outputs}"),
        };
        let mut args = vec!["run", &pipeline, "-o", "record.json"];
        args.extend(self.flags.iter().map(String::as_str));
        let seen = ends_in_time(&self.sandbox, &args);
        let recorded = self.sandbox.path("work/record.json").exists();
        assert!(recorded, "there is no record\n{seen}");
        assert_good_is_whole(&self.sandbox, &seen);
        let record = self.sandbox.record();
        leftovers::assert_none(&self.sandbox, record["run"].as_str().unwrap());
        Ran {
            sandbox: self.sandbox,
            seen,
            record,
        }
    }
}

impl Ran {
    /// Asserts that `bad` failed, that its message names the hook and the cause, and that it is its own fault.
    #[track_caller]
    pub fn fails(self, hook: &str, texts: &[&str]) -> Self {
        self.fails_by("plugin", hook, texts)
    }

    /// The same, with whose fault it is.
    #[track_caller]
    pub fn fails_by(self, origin: &str, hook: &str, texts: &[&str]) -> Self {
        let Self { seen, record, .. } = &self;
        assert_eq!(seen.code, Some(4), "{seen}");
        assert_eq!(record["outcome"], "partial", "{seen}");
        let bad = step(record, "bad");
        assert_eq!(bad["status"], "failed", "{seen}");
        let error = &bad["errors"][0];
        assert_eq!(error["origin"], origin, "{error:#}\n{seen}");
        let message = error["message"].as_str().unwrap();
        let all = format!("{message} {}", error["hints"]);
        let hook = (!hook.is_empty()).then(|| format!("`{hook}`"));
        for text in texts.iter().copied().chain(hook.as_deref()) {
            assert!(all.contains(text), "`{all}` lacks `{text}`\n{seen}");
        }
        let remedy = error["hints"].as_array().is_some_and(|hints| !hints.is_empty());
        assert!(remedy || message.contains("failed: "), "{error:#}");
        let told = format!("failed bad: {message}");
        let told: String = told.chars().take(120).collect();
        assert!(seen.stderr.contains(&told), "stderr lacks `{told}`\n{seen}");
        self
    }

    /// Asserts that `bad` did its work in spite of all.
    #[track_caller]
    pub fn lives(self, texts: &[&str]) -> Self {
        let Self { seen, record, .. } = &self;
        assert_eq!(seen.code, Some(0), "{seen}");
        let bad = step(record, "bad");
        let status = bad["status"].as_str().unwrap();
        assert!(matches!(status, "findings" | "clean"), "{bad:#}\n{seen}");
        for text in texts {
            assert!(seen.stderr.contains(text), "stderr lacks `{text}`\n{seen}");
        }
        self
    }

    /// Returns the details of what `bad` found, as `json_out` wrote them.
    #[track_caller]
    pub fn details(&self, fault: &str) -> Value {
        self.sandbox.document(&format!("findings/fault/{fault}.json"))["details"].clone()
    }

    /// Returns how often the plugins' stderr or the host's says this.
    pub fn count(&self, text: &str) -> usize {
        self.seen.stderr.matches(text).count()
    }
}

/// Runs the binary; one that does not end is ended, and shown.
#[track_caller]
pub fn ends_in_time(sandbox: &Sandbox, args: &[&str]) -> Seen {
    finish_in_time(args, &mut sandbox.binary(args))
}

/// The same for a prepared command.
#[track_caller]
pub fn finish_in_time(args: &[&str], command: &mut Command) -> Seen {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    let (tx, rx) = mpsc::channel();
    let waiter = std::thread::spawn(move || {
        let output = child.wait_with_output().unwrap();
        tx.send(()).unwrap();
        output
    });
    let in_time = rx.recv_timeout(DEADLINE).is_ok();
    if !in_time {
        kill_process(pid, Signal::KILL).unwrap();
    }
    let output = waiter.join().unwrap();
    let seen = Seen {
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert!(in_time, "the run did not end within {DEADLINE:?}\n{seen}");
    seen
}

/// Asserts that what `good` found was delivered, to the last finding.
#[track_caller]
pub fn assert_good_is_whole(sandbox: &Sandbox, seen: &Seen) {
    let record = sandbox.record();
    let good = step(&record, "good");
    assert_eq!(good["status"], "findings", "{seen}");
    assert_eq!(good["findings"], PLENTY, "{seen}");
    let whole = step(&record, "json_out")["status"] == "clean";
    assert!(whole, "json_out did not deliver\n{seen}");
    let document = sandbox.document("findings/fault/plenty.json");
    let findings = document["details"].as_array().unwrap();
    assert_eq!(findings.len(), PLENTY, "{seen}");
    for (n, finding) in findings.iter().enumerate() {
        assert_eq!(finding["message"], format!("finding {n} of {PLENTY}"), "{seen}");
    }
}
