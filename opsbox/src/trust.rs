//! Who else could change a file that decides what is run, told from owners and permissions; SECURITY.md has the rules.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::Fault;

/// The variable that turns refusals into warnings, for systems that give every file to everybody.
pub const VARIABLE: &str = "OPSBOX_TRUST_WRITABLE";

const ANYONE: u32 = 0o002;
const GROUP: u32 = 0o020;
const STICKY: u32 = 0o1000;
const ROOT: u32 = 0;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concern {
    /// Anyone on this machine could change it: it is not used.
    Refused(Fault),
    /// Somebody in particular could change it.
    Warned(String),
}

/// How strictly files are judged, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trust {
    user: u32,
    group: u32,
    lenient: bool,
}

impl Trust {
    /// Returns the trust of the user who runs this program; `variable` is the value of [`VARIABLE`].
    pub fn of_user(variable: Option<&str>) -> Self {
        Self {
            user: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
            lenient: matches!(
                variable.map(str::to_ascii_lowercase).as_deref(),
                Some("1" | "yes" | "on" | "true")
            ),
        }
    }

    /// Looks at a file and at all folders above it, by the name that is used and by the one that links lead to.
    ///
    /// Returns the first concern, refusals before warnings; `None` also where there is no such file.
    pub fn concern(self, file: &Path) -> Option<Concern> {
        Judge::new(self).concern(file)
    }

    fn is_trusted(self, meta: &Metadata) -> bool {
        [self.user, ROOT].contains(&meta.uid())
    }

    fn is_foreign_group(self, meta: &Metadata) -> bool {
        ![self.group, ROOT].contains(&meta.gid())
    }
}

/// Looks at many files, and at each folder above them once.
#[derive(Debug)]
pub struct Judge {
    trust: Trust,
    /// What folders are; `None` where that cannot be seen.
    folders: HashMap<PathBuf, Option<Metadata>>,
    /// Where links lead to.
    real: HashMap<PathBuf, Option<PathBuf>>,
}

impl Judge {
    /// Returns a judge who has seen nothing yet.
    pub fn new(trust: Trust) -> Self {
        Self {
            trust,
            folders: HashMap::new(),
            real: HashMap::new(),
        }
    }

    /// Looks at several files; returns the first refusal, else all warnings.
    ///
    /// # Errors
    /// The refusal.
    pub fn judge(&mut self, files: impl IntoIterator<Item = PathBuf>) -> Result<Vec<String>, Fault> {
        let mut warnings = Vec::new();
        for file in files {
            match self.concern(&file) {
                Some(Concern::Refused(fault)) => return Err(fault),
                Some(Concern::Warned(warning)) if !warnings.contains(&warning) => warnings.push(warning),
                Some(Concern::Warned(_)) | None => {}
            }
        }
        Ok(warnings)
    }

    /// Returns the name that links lead to; of a file that is no link itself, only its folder's has to be found.
    fn real(&mut self, file: &Path) -> Option<PathBuf> {
        let is_link = file.symlink_metadata().ok()?.is_symlink();
        match (file.parent(), file.file_name()) {
            (Some(folder), Some(name)) if !is_link && !folder.as_os_str().is_empty() => {
                if let Some(known) = self.real.get(folder) {
                    return known.as_ref().map(|real| real.join(name));
                }
                let real = folder.canonicalize().ok();
                self.real.insert(folder.to_owned(), real.clone());
                real.map(|real| real.join(name))
            }
            _ => file.canonicalize().ok(),
        }
    }

    fn folder(&mut self, folder: &Path) -> Option<Metadata> {
        if let Some(known) = self.folders.get(folder) {
            return known.clone();
        }
        let meta = folder.metadata().ok();
        self.folders.insert(folder.to_owned(), meta.clone());
        meta
    }

    fn concern(&mut self, file: &Path) -> Option<Concern> {
        let real = self.real(file)?;
        let mut names = vec![real];
        names.extend((names[0] != file).then(|| file.to_owned()));
        let found: Vec<Concern> = names.iter().flat_map(|name| self.concerns(name)).collect();
        let is_refused = |concern: &&Concern| matches!(concern, Concern::Refused(_));
        found
            .iter()
            .find(is_refused)
            .or(found.first())
            .cloned()
            .map(|concern| match concern {
                Concern::Refused(fault) if self.trust.lenient => Concern::Warned(fault.message),
                other => other,
            })
    }

    fn concerns(&mut self, file: &Path) -> Vec<Concern> {
        let Ok(meta) = file.metadata() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let shown = file.display();
        if meta.mode() & ANYONE != 0 {
            found.push(refused(file, file, &meta));
        } else if meta.mode() & GROUP != 0 && self.trust.is_foreign_group(&meta) {
            let group = meta.gid();
            found.push(Concern::Warned(format!(
                "`{shown}` may be changed by the members of group {group}: `chmod g-w {shown}` keeps them out"
            )));
        }
        self.owner(file, &meta, &mut found);
        let mut below = meta;
        for folder in file
            .ancestors()
            .skip(1)
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            let Some(meta) = self.folder(folder) else { continue };
            let is_open = meta.mode() & ANYONE != 0;
            if is_open && meta.mode() & STICKY == 0 {
                found.push(refused(file, folder, &meta));
            } else if is_open && !self.trust.is_trusted(&below) {
                found.push(Concern::Refused(Fault::new(format!(
                    "`{shown}` is not trusted: it belongs to user {}, and anyone may put files into `{}`",
                    below.uid(),
                    folder.display()
                ))));
            } else {
                self.owner(folder, &meta, &mut found);
            }
            below = meta;
        }
        found
    }

    fn owner(&self, path: &Path, meta: &Metadata, found: &mut Vec<Concern>) {
        if !self.trust.is_trusted(meta) {
            found.push(Concern::Warned(format!(
                "`{}` belongs to user {}, who can change what is run here as user {}",
                path.display(),
                meta.uid(),
                self.trust.user
            )));
        }
    }
}

fn refused(file: &Path, open: &Path, meta: &Metadata) -> Concern {
    let (shown, open) = (file.display(), open.display());
    let mode = meta.mode() & 0o7777;
    let what = match meta.is_dir() {
        true => format!("`{shown}` is not trusted: anyone may change what is in `{open}` (mode {mode:o})"),
        false => format!("`{shown}` is not trusted: anyone may change it (mode {mode:o})"),
    };
    Concern::Refused(
        Fault::new(what)
            .hint(format!("run `chmod o-w {open}`, after a look at what is there"))
            .hint(format!(
                "{VARIABLE}=1 makes this a warning, where permissions mean nothing"
            )),
    )
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const USER: u32 = 4711;

    /// A folder tree whose owner is whoever runs the test; `Trust` says who is looking.
    fn tree(modes: &[(&str, u32)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plugins/look/run.sh");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "").unwrap();
        for (path, mode) in [
            ("plugins", 0o755),
            ("plugins/look", 0o755),
            ("plugins/look/run.sh", 0o644),
        ]
        .iter()
        .chain(modes)
        {
            fs::set_permissions(folder.path().join(path), Permissions::from_mode(*mode)).unwrap();
        }
        (folder, file)
    }

    fn own() -> Trust {
        Trust::of_user(None)
    }

    /// Says in a word or two what is found by a trust.
    #[track_caller]
    fn check(trust: Trust, modes: &[(&str, u32)], wanted: &str) {
        let (_folder, file) = tree(modes);
        let said = match trust.concern(&file) {
            None => "nothing".to_owned(),
            Some(Concern::Refused(fault)) => format!("refused: {}", fault.message),
            Some(Concern::Warned(text)) => format!("warned: {text}"),
        };
        assert!(said.contains(wanted) && said.starts_with(&wanted[..3]), "{said}");
    }

    #[test]
    fn what_anyone_may_change_is_refused_whoever_owns_it() {
        check(own(), &[], "nothing");
        check(own(), &[("plugins/look/run.sh", 0o646)], "refused: ");
        check(own(), &[("plugins/look", 0o757)], "refused: ");
        check(own(), &[("plugins", 0o777)], "refused: ");
        // The sticky bit keeps others from replacing what is not theirs.
        check(own(), &[("plugins", 0o1777)], "nothing");
    }

    #[test]
    fn another_users_file_is_warned_about_and_refused_where_anyone_may_put_it() {
        let (_folder, file) = tree(&[("plugins", 0o1777)]);
        if file.metadata().unwrap().uid() != ROOT {
            // An ordinary user cannot make files of others; what it owns is another's for somebody else.
            let other = Trust { user: USER, ..own() };
            check(other, &[], "warned: ");
            check(other, &[("plugins", 0o1777)], "refused: ");
            return;
        }
        let folder = file.parent().unwrap();
        for path in [folder, &file] {
            std::os::unix::fs::chown(path, Some(USER), None).unwrap();
        }
        assert!(
            matches!(own().concern(&file), Some(Concern::Refused(fault)) if fault.message.contains("user 4711"))
        );
        fs::set_permissions(folder.parent().unwrap(), Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(own().concern(&file), Some(Concern::Warned(text)) if text.contains("user 4711")));
    }

    #[test]
    fn a_group_counts_unless_it_is_the_users_own() {
        let modes = [("plugins/look/run.sh", 0o664)];
        check(own(), &modes, "nothing");
        let (_folder, file) = tree(&modes);
        if file.metadata().unwrap().uid() == ROOT {
            std::os::unix::fs::chown(&file, None, Some(USER)).unwrap();
            assert!(
                matches!(own().concern(&file), Some(Concern::Warned(text)) if text.contains("group 4711"))
            );
        }
    }

    #[test]
    fn a_link_hides_nothing_on_either_of_its_sides() {
        let (folder, file) = tree(&[("plugins/look", 0o757)]);
        let link = folder.path().join("link.sh");
        symlink(&file, &link).unwrap();
        assert!(matches!(own().concern(&link), Some(Concern::Refused(_))));
        let (other, file) = tree(&[]);
        let open = other.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        symlink(&file, open.join("link.sh")).unwrap();
        assert!(matches!(
            own().concern(&open.join("link.sh")),
            Some(Concern::Refused(_))
        ));
    }

    #[test]
    fn a_system_without_permissions_gets_warnings() {
        let lenient = Trust::of_user(Some("1"));
        check(lenient, &[("plugins", 0o777)], "warned: ");
    }
}
