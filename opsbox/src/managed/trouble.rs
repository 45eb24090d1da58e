//! What an installer's last lines mean: which failures can be helped, and what a person is told of the others.

use crate::error::Fault;

/// How many of an installer's last lines are shown.
const SHOWN: usize = 12;

/// What git, pip and uv say where a server wants credentials, or others.
const REFUSED: [&str; 11] = [
    "authentication failed",
    "authentication required",
    "could not read username",
    "could not read password",
    "permission denied (publickey",
    "returned error: 403",
    "401 error",
    "error 401",
    "error 403",
    "(401 unauthorized)",
    "(403 forbidden)",
];

/// What pip and uv say where an index cannot be reached: pip then takes it for empty, and speaks of a conflict where versions are to be kept.
const GIVEN_UP: [&str; 5] = [
    "retry(total=0,",
    "error sending request",
    "failed to fetch",
    "dns error",
    "could not resolve host",
];

/// Why an installation did not come about.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Packages demand another Python; each says what.
    Python(Vec<String>),
    /// The versions that were to be kept do not go together with what is wanted.
    Conflict {
        /// What the installer said.
        fault: Fault,
        /// Whether it passed over versions that demand another Python.
        python: bool,
    },
    /// The user interrupted it.
    Interrupted,
    /// Anything else.
    Failed(Fault),
}

impl Trouble {
    /// Makes a trouble with the store's files.
    pub(super) fn io(what: &str, error: &std::io::Error) -> Self {
        Self::Failed(
            Fault::new(format!("{what}: {error}"))
                .hint("set OPSBOX_DATA_DIR to a folder that you may write to, on a disk with room"),
        )
    }
}

/// Reads what a failed installer said.
pub(super) fn of_failure(who: &str, lines: &[String]) -> Trouble {
    let all = lines.join("\n");
    let lower = all.to_lowercase();
    let demands = demands(lines);
    if !demands.is_empty() {
        return Trouble::Python(demands);
    }
    let last: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| !line.trim().is_empty() && !line.contains("[notice]"))
        .collect();
    let mut fault = Fault::new(format!("{who} failed"));
    if last.is_empty() {
        fault.message.push_str(" and said nothing");
    } else {
        fault.message.push_str("; its last lines:");
        for line in &last[last.len().saturating_sub(SHOWN)..] {
            fault.message.push_str(&format!("\n  {line}"));
        }
    }
    let has = |texts: &[&str]| texts.iter().any(|text| lower.contains(text));
    let is_unreachable = has(&GIVEN_UP);
    if has(&["no space left on device", "disk quota exceeded"]) {
        fault.hints.push("the disk is full: make room, or set OPSBOX_DATA_DIR (environments) and TMPDIR (builds) to another one".to_owned());
    } else if has(&REFUSED) {
        fault.hints.push(
            "credentials are missing or wrong; none are kept of an address that was added: give those of a repository to git by a credential helper, \
             those of an archive or index in ~/.netrc, then try again"
                .to_owned(),
        );
    } else if is_unreachable
        || has(&[
            "name resolution",
            "could not resolve host",
            "name or service not known",
            "network is unreachable",
            "connection refused",
            "newconnectionerror",
            "dns error",
            "error sending request",
            "failed to fetch",
            "connecttimeout",
        ])
    {
        fault.hints.push(
            "the package index or repository cannot be reached: check the network and the variables HTTPS_PROXY, PIP_INDEX_URL, UV_DEFAULT_INDEX"
                .to_owned(),
        );
    } else if has(&[
        "git: command not found",
        "cannot find command 'git'",
        "git executable not found",
    ]) {
        fault.hints.push("install git".to_owned());
    } else if has(&[
        "no matching distribution found",
        "was not found in the package registry",
        "was not found in the provided package locations",
    ]) {
        fault.hints.push(
            "check the name, and that the index holds it; a folder is written with its slash, `./NAME`"
                .to_owned(),
        );
    } else if has(&["do not match the hashes", "hash mismatch", "have hashes"]) {
        fault.hints.push("a package is not the one that the lock file names: find out why before you add it without `--locked`".to_owned());
    }
    if has(&["resolutionimpossible", "no solution found", "cannot install"]) && !is_unreachable {
        let python = has(&["require a different python version"]);
        return Trouble::Conflict { fault, python };
    }
    Trouble::Failed(fault)
}

/// Finds what packages demand of Python where that is why it failed.
fn demands(lines: &[String]) -> Vec<String> {
    let all = lines.join(" ");
    let all: String = all.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        let text = format!("Python {}", text.trim().trim_end_matches(['.', ',', ';', ' ']));
        if !found.contains(&text) {
            found.push(text);
        }
    };
    // pip, of a package that is at hand.
    for part in all.split("requires a different Python: ").skip(1) {
        if let Some(demand) = part
            .split("not in '")
            .nth(1)
            .and_then(|rest| rest.split('\'').next())
        {
            add(demand);
        }
    }
    // pip, of versions in an index: only where nothing else was left to take.
    if all.contains("No matching distribution found") && all.contains("require a different python version") {
        for part in all.split("Requires-Python ").skip(1) {
            let demand = part.split(['|', ';']).next().unwrap_or_default();
            add(demand.split(" ERROR").next().unwrap_or(demand));
        }
    }
    // uv.
    for part in all.split("does not satisfy Python").skip(1) {
        add(part.split(" and ").next().unwrap_or_default());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(text: &str) -> Trouble {
        of_failure("pip", &text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn demands_of_python_are_told_from_other_failures() {
        let demands = |text: &str| match trouble(text) {
            Trouble::Python(demands) => demands,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            demands(
                "ERROR: Ignored the following versions that require a different python version: 0.1.0 Requires-Python ==3.11.*; 0.2.0 Requires-Python ==3.11.*\nERROR: Could not find a version that satisfies the requirement x (from versions: none)\nERROR: No matching distribution found for x"
            ),
            ["Python ==3.11.*"]
        );
        assert_eq!(
            demands("ERROR: Package 'x' requires a different Python: 3.11.7 not in '>=3.12'"),
            ["Python >=3.12"]
        );
        assert_eq!(
            demands(
                "  x No solution found when resolving dependencies:\n  Because the current Python version (3.11.7) does not satisfy\n  Python>=3.12 and x==1 depends on Python>=3.12, we can"
            ),
            ["Python >=3.12"]
        );
    }

    #[test]
    fn the_last_lines_are_shown_with_a_remedy_where_there_is_one() {
        let fault = |text: &str| match trouble(text) {
            Trouble::Failed(fault) | Trouble::Conflict { fault, .. } => fault,
            other => panic!("{other:?}"),
        };
        let many: String = (0..50).map(|n| format!("line {n}\n")).collect();
        let full = fault(&(many + "OSError: [Errno 28] No space left on device"));
        assert!(
            full.message.contains("\n  line 49\n  OSError") && !full.message.contains("line 9\n"),
            "{full:?}"
        );
        assert!(full.hints[0].contains("the disk is full"));
        for refused in [
            "fatal: could not read Username for 'https://h': terminal prompts disabled",
            "fatal: Authentication failed for 'https://h/x/'",
            "error: Failed to fetch: `http://h/x.whl`\n  Caused by: HTTP status client error (401 Unauthorized) for url (http://h/x.whl)",
            "ERROR: HTTP error 401 while getting http://h/x.whl",
            "git@h: Permission denied (publickey).",
        ] {
            let hints = fault(refused).hints;
            assert!(
                hints.len() == 1 && hints[0].contains("netrc"),
                "{refused}: {hints:?}"
            );
        }
        assert!(fault("Temporary failure in name resolution").hints[0].contains("cannot be reached"));
        for unknown in [
            "ERROR: Could not find a version that satisfies the requirement cfgp (from versions: none)\nERROR: No matching distribution found for cfgp",
            "  Because cfgp was not found in the package registry and you require cfgp, we can conclude that your requirements are unsatisfiable.",
        ] {
            let hints = fault(unknown).hints;
            assert!(
                hints.len() == 1 && hints[0].contains("check the name") && hints[0].contains("`./NAME`"),
                "{hints:?}"
            );
        }
        assert_eq!(fault("").message, "pip failed and said nothing");
    }

    #[test]
    fn only_versions_that_do_not_go_together_are_a_conflict() {
        let conflict = "ERROR: Cannot install idna because these package versions have conflicting dependencies.\n\
                        ERROR: ResolutionImpossible: for help";
        assert!(matches!(
            trouble(conflict),
            Trouble::Conflict { python: false, .. }
        ));
        let other = "ERROR: Ignored the following versions that require a different python version: 1 Requires-Python ==3.11.*\n";
        assert!(matches!(
            trouble(&format!("{other}{conflict}")),
            Trouble::Conflict { python: true, .. }
        ));
        for last in [
            "WARNING: Retrying (Retry(total=0, connect=None, read=None)) after connection broken by 'NewConnectionError(refused)': /simple/idna/",
            "error: Failed to fetch: `http://h/simple/idna/`\n  Caused by: error sending request for url",
        ] {
            let Trouble::Failed(fault) = trouble(&format!("{last}\n{conflict}")) else {
                panic!("{last}");
            };
            assert!(fault.hints[0].contains("cannot be reached"), "{fault:?}");
        }
        assert!(
            matches!(
                trouble(&format!(
                    "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken\n{conflict}"
                )),
                Trouble::Conflict { .. }
            ),
            "one that came back is reached"
        );
    }
}
