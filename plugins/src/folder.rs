//! Writing Results into a folder: safe names, whole files, one run at a time.

mod behind;
mod lock;
mod names;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use opsbox_plugin::{Ctx, Failure, Result, ResultRef, Status, StepStatus};

use crate::text::counted;

use behind::Behind;
use lock::Lock;
use names::Names;

/// The configuration of outputs that write files.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct FolderConfig {
    /// The folder to write into; it is made where it is missing.
    #[serde(default = "default_folder")]
    pub(crate) output_folder: PathBuf,
}

fn default_folder() -> PathBuf {
    PathBuf::from("./findings/")
}

/// Returns the paths that Results of these names get, below the folder.
pub(crate) fn paths(results: &[(&str, &str)]) -> Vec<PathBuf> {
    let mut names = Names::default();
    let path = |(relates_to, result_name): &(&str, &str)| names.path_for(relates_to, result_name, "json");
    results.iter().map(path).collect()
}

/// A folder that this run writes into, and no other run at the same time.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    private: bool,
    names: Names,
    _lock: Lock,
}

/// Takes what there is of a text, where it is much.
pub(crate) type Spill<'a> = &'a mut dyn FnMut(&mut String);

/// What an output writes of every Result: a file of its own with this ending.
pub(crate) struct Files {
    /// The output's name, for the lock.
    pub(crate) output: &'static str,
    /// The ending, without its dot.
    pub(crate) extension: &'static str,
}

impl Files {
    /// Writes the text of every Result below `root` and says how many files there are. `write` makes a text as [`Folder::write`] wants it.
    pub(crate) fn write_all(
        &self,
        root: &Path,
        results: &[ResultRef<'_>],
        ctx: &Ctx,
        write: impl Fn(&ResultRef<'_>, &mut String, Spill<'_>),
    ) -> Result<()> {
        let mut folder = Folder::open(root, self.output, ctx.session().host.pid, ctx.is_private())?;
        let mut n_written = 0;
        for result in results {
            ctx.check_cancelled()?;
            if let Some(why) = hollow(result, ctx.steps()) {
                let name = format!("{}/{}", result.relates_to, result.result_name);
                ctx.warn(format!(
                    "no file for the empty `{name}`, which would read as \"nothing found\": its check saw only part: {why}"
                ));
                continue;
            }
            n_written += 1;
            folder.write(
                &result.relates_to,
                &result.result_name,
                self.extension,
                |text, spill| write(result, text, spill),
            )?;
        }
        let files = counted(n_written, "file");
        ctx.info(format!("wrote {files} into `{}`", root.display()));
        Ok(())
    }
}

/// Returns why a check that made this empty Result saw only part of its data; `None` where the Result says what it seems to say.
fn hollow<'a>(result: &ResultRef<'_>, steps: &'a [StepStatus]) -> Option<&'a str> {
    let name = format!("{}/{}", result.relates_to, result.result_name);
    let mut steps = steps.iter();
    let step = steps.find(|step| step.status == Status::Incomplete && step.results.contains(&name))?;
    result
        .is_empty()
        .then(|| step.why.as_deref().unwrap_or("it did not say why"))
}

impl Folder {
    /// Makes the folder and shows that files can be made in it.
    ///
    /// # Errors
    /// [`Failure`] that names the folder.
    pub(crate) fn prepare(root: &Path) -> Result<(), Failure> {
        fs::create_dir_all(root).map_err(|error| cannot_write(root, &error))?;
        tempfile::Builder::new()
            .prefix(".opsbox-")
            .tempfile_in(root)
            .map_err(|error| cannot_write(root, &error))?;
        Ok(())
    }

    /// Takes the folder for one output of one run; `pid` is that of the run's host and is shown to others. Files that are `private` are
    /// the user's alone.
    ///
    /// # Errors
    /// [`Failure`] that names the folder, and the other run's process where there is one.
    pub(crate) fn open(root: &Path, output: &str, pid: u32, private: bool) -> Result<Self, Failure> {
        fs::create_dir_all(root).map_err(|error| cannot_write(root, &error))?;
        let lock = Lock::take(&root.join(format!(".{output}.lock")), pid).map_err(|error| match error {
            lock::Taken::Held { pid } => Failure::new(
                format!(
                    "cannot write into `{}`: another run {pid}is writing there",
                    root.display()
                ),
                "wait for it, or set `output_folder` to another folder",
            ),
            lock::Taken::Io(error) => cannot_write(root, &error),
        })?;
        Ok(Self {
            root: root.to_owned(),
            private,
            names: Names::default(),
            _lock: lock,
        })
    }

    /// Writes one file whole: under a temporary name in its own folder, then renamed. `write` appends to the text that it is given, and in the
    /// course of a long one lets it be spilled.
    ///
    /// # Errors
    /// [`Failure`] that names the file; an old file of that name is then still whole.
    pub(crate) fn write(
        &mut self,
        relates_to: &str,
        result_name: &str,
        extension: &str,
        write: impl FnOnce(&mut String, Spill<'_>),
    ) -> Result<PathBuf, Failure> {
        let path = self
            .root
            .join(self.names.path_for(relates_to, result_name, extension));
        self.write_whole(&path, write)
            .map_err(|error| cannot_write(&path, &error))?;
        Ok(path)
    }

    fn write_whole(&self, path: &Path, write: impl FnOnce(&mut String, Spill<'_>)) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        // A link that bears the name of a Result would take its file elsewhere.
        if !folder.canonicalize()?.starts_with(self.root.canonicalize()?) {
            return Err(io::Error::other("a link leads out of the output folder"));
        }
        // The user's umask takes its share of these, as of any new file.
        let mode = if self.private { 0o600 } else { 0o666 };
        let permissions = Permissions::from_mode(mode);
        let file = tempfile::Builder::new()
            .prefix(".opsbox-")
            .permissions(permissions)
            .tempfile_in(folder)?;
        let mut behind = Behind::new(file.as_file().try_clone()?);
        let mut text = String::new();
        write(&mut text, &mut |text| behind.take(text));
        behind.finish(&text)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let what = match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::StorageFull => "no space left on the device".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "a file is in the way".to_owned(),
        io::ErrorKind::IsADirectory => "a folder is in the way".to_owned(),
        _ => error.to_string(),
    };
    Failure::new(
        format!("cannot write `{}`: {what}", path.display()),
        "set `output_folder` to a folder that you can write",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_refused_with_the_first_ones_process_and_the_lock_goes_away() {
        let temp = tempfile::tempdir().expect("a folder");
        let first = Folder::open(temp.path(), "json_out", 4711, false).expect("taken");
        let error = Folder::open(temp.path(), "json_out", 4712, false).expect_err("taken already");
        assert_eq!(
            error.to_string(),
            format!(
                "cannot write into `{}`: another run (process 4711) is writing there",
                temp.path().display()
            )
        );
        Folder::open(temp.path(), "text_out", 4711, false).expect("another output of the same run");
        drop(first);
        assert_eq!(fs::read_dir(temp.path()).expect("readable").count(), 0);
        Folder::open(temp.path(), "json_out", 4712, false).expect("free again");
    }

    #[test]
    fn a_file_in_the_way_is_named_and_stays_whole() {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path().join("findings");
        fs::write(&root, "mine").expect("written");
        let error = Folder::open(&root, "json_out", 1, false).expect_err("no folder");
        assert_eq!(
            error.to_string(),
            format!("cannot write `{}`: a file is in the way", root.display())
        );
        assert!(Folder::prepare(&root).is_err());
        assert_eq!(fs::read_to_string(&root).expect("readable"), "mine");
    }

    #[test]
    fn a_link_in_the_folder_leads_no_file_out_of_it() {
        let temp = tempfile::tempdir().expect("a folder");
        let (root, outside) = (temp.path().join("findings"), temp.path().join("outside"));
        for folder in [&root, &outside, &root.join("inside")] {
            fs::create_dir(folder).expect("made");
        }
        for (target, link) in [(&outside, "ec2"), (&root.join("inside"), "rds")] {
            std::os::unix::fs::symlink(target, root.join(link)).expect("linked");
        }
        std::os::unix::fs::symlink(outside.join("x.json"), root.join("inside/x.json")).expect("linked");
        let mut folder = Folder::open(&root, "json_out", 1, false).expect("taken");
        let error = folder
            .write("ec2", "x", "json", |text, _| text.push_str("text"))
            .expect_err("it leads out");
        assert!(
            error
                .to_string()
                .contains("a link leads out of the output folder"),
            "{error}"
        );
        folder
            .write("rds", "y", "json", |text, _| text.push_str("text"))
            .expect("it stays inside");
        folder
            .write("inside", "x", "json", |text, _| text.push_str("text"))
            .expect("the link is replaced");
        assert_eq!(fs::read_dir(&outside).expect("readable").count(), 0);
    }

    #[test]
    fn a_later_run_replaces_and_leaves_no_other_files() {
        let temp = tempfile::tempdir().expect("a folder");
        for text in ["one", "two"] {
            let mut folder = Folder::open(temp.path(), "text_out", 1, false).expect("taken");
            let path = folder
                .write("ec2", "idle", "txt", |all, _| all.push_str(text))
                .expect("written");
            assert_eq!(path, temp.path().join("ec2/idle.txt"));
        }
        assert_eq!(
            fs::read_to_string(temp.path().join("ec2/idle.txt")).expect("readable"),
            "two"
        );
        assert_eq!(
            fs::read_dir(temp.path().join("ec2")).expect("readable").count(),
            1
        );
    }

    #[test]
    fn a_long_text_is_written_in_pieces_and_in_their_order() {
        let temp = tempfile::tempdir().expect("a folder");
        let mut folder = Folder::open(temp.path(), "json_out", 1, false).expect("taken");
        let line = |n: usize| format!("{n:09}\n");
        let path = folder
            .write("a", "b", "txt", |text, spill| {
                for n in 0..700_000 {
                    text.push_str(&line(n));
                    spill(text);
                    assert!(text.len() < 2 << 20, "nobody took it");
                }
            })
            .expect("written");
        let written = fs::read_to_string(path).expect("readable");
        assert!(
            written
                .lines()
                .enumerate()
                .all(|(n, seen)| line(n).trim_end() == seen)
        );
        assert_eq!(written.len(), 7_000_000);
    }

    #[test]
    fn what_is_written_behind_tells_that_the_disk_is_full() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full");
        let mut behind = Behind::new(full.expect("there, and always full"));
        for _ in 0..20 {
            behind.take(&mut "x".repeat(2 << 20));
        }
        let error = behind.finish("").expect_err("nothing was written");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
