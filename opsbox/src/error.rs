//! What a person is told when something cannot be done: messages with hints, and the exit code they lead to.

/// One fault: a message that names the plugin, file or field, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The message, lower case, without a final dot.
    pub message: String,
    /// Imperative sentences that hold the exact flag, key or command to use.
    pub hints: Vec<String>,
}

impl Fault {
    /// Makes a fault without hints.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// Returns what to do where the system had too little of something; `None` for an error of any other kind.
pub fn scarce(error: &std::io::Error) -> Option<&'static str> {
    match rustix::io::Errno::from_io_error(error)? {
        rustix::io::Errno::MFILE => Some("raise the limit of open files: `ulimit -n 4096`"),
        rustix::io::Errno::NFILE => {
            Some("the whole system has too many files open: close some, or raise `fs.file-max`")
        }
        rustix::io::Errno::AGAIN => Some(
            "raise the limit of processes: `ulimit -u 4096`, or that of the container (`--pids-limit`, `pids.max`)",
        ),
        rustix::io::Errno::NOMEM => Some(
            "the system has too little memory left: end something, or let fewer plugins run at once, with `--jobs`",
        ),
        _ => None,
    }
}

/// What kind of failure it is; the kind alone decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The run failed: exit code 1.
    Run,
    /// Usage, configuration or manifest: exit code 2.
    Usage,
    /// Interrupted by the user: exit code 130.
    Interrupted,
}

impl Kind {
    /// Returns the exit code of the process.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Run => 1,
            Self::Usage => 2,
            Self::Interrupted => 130,
        }
    }
}

/// Why a command could not do its work; holds all faults of one kind at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind, which decides the exit code.
    pub kind: Kind,
    /// At least one fault, in the order in which they are shown.
    pub faults: Vec<Fault>,
}

impl Failure {
    /// Makes a failure of usage, configuration or manifest with one fault.
    pub fn usage(fault: Fault) -> Self {
        Self {
            kind: Kind::Usage,
            faults: vec![fault],
        }
    }

    /// Makes a failure of the run with one fault.
    pub fn run(fault: Fault) -> Self {
        Self {
            kind: Kind::Run,
            faults: vec![fault],
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "error: {}", fault.message)?;
            for hint in &fault.hints {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
