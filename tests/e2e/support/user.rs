//! The binary as an ordinary user, also where the tests run as root.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Sandbox, Seen, binary, skipped};

const NOBODY: u32 = 65534;
const SETPRIV: [&str; 5] = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];

impl Sandbox {
    fn is_roots(&self) -> bool {
        fs::metadata(self.path("")).unwrap().uid() == 0
    }

    /// Runs the binary as an ordinary user: the one who runs the tests, or `nobody` where that is root.
    ///
    /// `None` where root cannot become another user here, and says so.
    pub fn as_ordinary_user(&self, args: &[&str]) -> Option<Seen> {
        if !self.is_roots() {
            return Some(self.opsbox(args));
        }
        let probe = Command::new("setpriv")
            .args(SETPRIV)
            .arg("true")
            .stderr(Stdio::null())
            .status();
        if !probe.is_ok_and(|status| status.success()) {
            skipped(
                "setpriv",
                "the tests run as root, and `setpriv` cannot make them an ordinary user",
            );
            return None;
        }
        // The build folder may lie where nobody else can go.
        let program = self.path("opsbox");
        if !program.exists() {
            fs::copy(binary(), &program).unwrap();
        }
        fs::set_permissions(self.path(""), Permissions::from_mode(0o755)).unwrap();
        for folder in ["home", "work", "tmp"] {
            give(&self.path(folder));
        }
        self.as_ordinary_user_again(args)
    }

    /// The same once more, with the files as they are now.
    pub fn as_ordinary_user_again(&self, args: &[&str]) -> Option<Seen> {
        if !self.is_roots() {
            return Some(self.opsbox(args));
        }
        let program = self.path("opsbox");
        let mut command = Command::new("setpriv");
        command.args(SETPRIV).arg(program).args(args);
        self.surround(&mut command);
        Some(self.finish(args, &mut command))
    }

    /// The same by a shell that does this first.
    pub fn as_ordinary_user_after(&self, first: &str, args: &[&str]) -> Seen {
        let script = format!("{first}; exec \"$0\" \"$@\"");
        let mut command = match self.is_roots() {
            true => {
                let mut command = Command::new("setpriv");
                command
                    .args(SETPRIV)
                    .args(["sh", "-c", &script])
                    .arg(self.path("opsbox"));
                command
            }
            false => {
                let mut command = Command::new("sh");
                command.args(["-c", &script]).arg(binary());
                command
            }
        };
        self.surround(command.args(args));
        self.finish(args, &mut command)
    }
}

/// Gives a folder and all in it to `nobody`.
fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}
