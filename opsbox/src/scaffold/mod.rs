//! `plugin new`: a folder with a plugin to start from, out of templates that lie in the binary.
//!
//! Nothing is overwritten, nothing downloaded, and nothing started.

mod choice;
mod guide;
mod name;
mod templates;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Failure, Fault};

pub use choice::{Kind, Lang};
pub use guide::{Command, lines};

/// What somebody wants to start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The plugin's name, and its folder's.
    pub name: String,
    /// The type; may be left out where the language has only one.
    pub kind: Option<Kind>,
    /// The language; may be left out where the type has only one.
    pub lang: Option<Lang>,
}

/// A folder that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The plugin's type.
    pub kind: Kind,
    /// The language that it is written in.
    pub lang: Lang,
    /// The folder.
    pub folder: PathBuf,
    /// Its files, relative to it, in the order in which they are worth reading.
    pub files: Vec<String>,
    /// What to do next, in the folder.
    pub next: [Command; 3],
}

/// A file that is made.
struct File {
    path: String,
    text: String,
}

/// Makes a plugin in a folder of its own below `parent`, which is made where it is missing.
///
/// # Errors
/// A usage failure where the name is none, there is no such template, or the folder is there already; one of the run where it
/// cannot be written, and then nothing of it is left.
pub fn make(wish: &Wish, parent: &Path) -> Result<Made, Failure> {
    let (kind, lang) = choice::choose(wish.kind, wish.lang)?;
    name::check(&wish.name, lang)?;
    let files = files(&wish.name, kind, lang);
    let folder = parent.join(&wish.name);
    claim(parent, &folder)?;
    if let Err((path, error)) = write_all(&folder, &files) {
        let _nothing_left = fs::remove_dir_all(&folder);
        let what = format!("cannot write `{}`: {error}", path.display());
        return Err(Failure::run(Fault::new(what)));
    }
    Ok(Made {
        kind,
        lang,
        folder,
        files: files.into_iter().map(|file| file.path).collect(),
        next: guide::commands(&wish.name, kind, lang),
    })
}

/// Returns the files of a plugin: README, manifest, the work, its tests, and what speaks the protocol.
fn files(name: &str, kind: Kind, lang: Lang) -> Vec<File> {
    let readme = File {
        path: "README.md".to_owned(),
        text: guide::readme(name, kind, lang),
    };
    let named = |text: &str| text.replace(templates::NAME, name);
    let templates = templates::of(kind, lang).into_iter().map(|template| File {
        path: named(template.path),
        text: named(&template.text.replace(templates::COMMAND, lang.command())),
    });
    std::iter::once(readme).chain(templates).collect()
}

/// Makes the plugin's folder, which must not be there: whoever makes it first has it.
fn claim(parent: &Path, folder: &Path) -> Result<(), Failure> {
    let unwritable = |path: &Path, error: &io::Error| {
        let fault = Fault::new(format!("cannot make the folder `{}`: {error}", path.display()));
        Failure::run(fault.hint("name a folder where you may write with `--dir DIR`"))
    };
    folder_maker()
        .recursive(true)
        .create(parent)
        .map_err(|error| unwritable(parent, &error))?;
    match folder_maker().create(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let fault = Fault::new(format!(
                "`{}` is there already, and is left as it is",
                folder.display()
            ));
            Err(Failure::usage(
                fault.hint("choose another name, or another folder with `--dir DIR`"),
            ))
        }
        Err(error) => Err(unwritable(folder, &error)),
    }
}

/// Others may read, and never write, whatever the umask: the host refuses plugins that anyone may change.
fn folder_maker() -> DirBuilder {
    let mut maker = DirBuilder::new();
    maker.mode(0o755);
    maker
}

fn write_all(folder: &Path, files: &[File]) -> Result<(), (PathBuf, io::Error)> {
    for file in files {
        let path = folder.join(&file.path);
        write(&path, &file.text).map_err(|error| (path, error))?;
    }
    Ok(())
}

/// Writes a file that is not there yet; a script with an interpreter in its first line can be executed.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        folder_maker().recursive(true).create(folder)?;
    }
    let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(text.as_bytes())
}
