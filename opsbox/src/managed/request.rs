//! What somebody wants added: a package by name, a folder, a wheel, an address; told apart, checked and written with absolute paths.

use std::path::{Path, PathBuf};

use super::lock::normal;
use super::secret::{kept, secrets, shown};
use crate::environ::Environ;
use crate::error::Fault;

/// Something to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What was asked for, with absolute paths and without credentials: what is shown, what the lock file keeps, and what can be asked
    /// for again.
    pub(crate) what: String,
    /// What an installer is told.
    pub(crate) line: String,
    /// How it is known again among what was installed.
    pub(crate) place: Place,
    /// What stands in `line` and must not be shown.
    pub(crate) secrets: Vec<String>,
}

/// How a package that somebody asked for is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// By its normalised name.
    Name(String),
    /// By the folder or file it came from.
    Path(PathBuf),
    /// By the address it came from, without `git+` and without what follows the address.
    Address(String),
}

impl Wanted {
    /// Reads what somebody wrote.
    ///
    /// # Errors
    /// A fault that says what is wrong with it and how to write it.
    pub(crate) fn read(text: &str, environ: &Environ) -> Result<Self, Fault> {
        let text = text.trim();
        let bad = |cause: &str| Fault::new(format!("`{}` {cause}", shown(text)));
        let example =
            "a name such as `opsbox-ec2-checks` or `name>=1.2`, a folder, a wheel, or `git+https://…`";
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(bad("is nothing that can be added").hint(format!("name {example}")));
        }
        if let Some((name, address)) = text.split_once(" @ ") {
            let inner = Self::read(address.trim(), environ)?;
            let (project, _) = project(name.trim()).ok_or_else(|| bad("begins with no name of a package"))?;
            refuse_original(project)?;
            return Ok(Self {
                what: format!("{} @ {}", name.trim(), inner.what),
                line: format!("{} @ {}", name.trim(), inner.line),
                place: Place::Name(normal(project)),
                secrets: inner.secrets,
            });
        }
        let is_address = |text: &str| {
            ["http://", "https://", "file://", "ssh://"]
                .iter()
                .any(|start| text.starts_with(start))
        };
        if let Some(address) = text.strip_prefix("git+") {
            if !is_address(address) {
                return Err(
                    bad("is no address of a repository").hint("write it as `git+https://…` or `git+ssh://…`")
                );
            }
            return Ok(Self::address(text, bare(address)));
        }
        if is_address(text) {
            if text.ends_with(".git") {
                return Err(bad("is a repository").hint(format!("write it as `git+{}`", shown(text))));
            }
            if let Some(path) = text.strip_prefix("file://") {
                return Self::read(&decoded(path), environ);
            }
            return Ok(Self::address(text, text.split('#').next().unwrap_or(text)));
        }
        if text.contains("://") {
            return Err(bad("is no address that can be added")
                .hint("write it with `https://`, `http://` or `file://`, a repository as `git+https://…`"));
        }
        let archive = [".whl", ".tar.gz", ".zip"].iter().any(|end| text.ends_with(end));
        if archive || text.contains('/') || text.starts_with(['.', '~']) {
            return Self::path(text, &environ.absolute(Path::new(text)));
        }
        let Some((name, rest)) = project(text) else {
            return Err(bad("is no name of a package").hint(format!("name {example}")));
        };
        if normal(name) == "opsbox" {
            return Self::light(text, rest);
        }
        Ok(Self {
            what: text.to_owned(),
            line: text.to_owned(),
            place: Place::Name(normal(name)),
            secrets: Vec::new(),
        })
    }

    fn address(text: &str, bare: &str) -> Self {
        Self {
            what: kept(text),
            line: text.to_owned(),
            place: Place::Address(bare.to_owned()),
            secrets: secrets(text),
        }
    }

    fn path(text: &str, path: &Path) -> Result<Self, Fault> {
        let shown_path = shown(&path.display().to_string());
        if path.is_dir() {
            if !["pyproject.toml", "setup.py"]
                .iter()
                .any(|name| path.join(name).is_file())
            {
                return Err(Fault::new(format!(
                    "folder `{shown_path}` is no Python project: it has neither `pyproject.toml` nor `setup.py`"
                ))
                .hint(
                    "for a folder of plugins that are no package, use `--plugin-dir` of `run` and the others",
                ));
            }
        } else if !path.is_file() {
            return Err(
                Fault::new(format!("there is no folder or file `{shown_path}`")).hint(format!(
                    "correct `{}`, or take it away with `opsbox plugins remove NAME` if it was added before",
                    shown(text)
                )),
            );
        }
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Ok(Self {
            what: path.display().to_string(),
            line: file_url(&path),
            place: Place::Path(path),
            secrets: Vec::new(),
        })
    }

    /// `opsbox` itself is always there, as the light distribution; only its extras can be asked for.
    fn light(text: &str, rest: &str) -> Result<Self, Fault> {
        let extras = rest.trim();
        if !(extras.is_empty() || extras.starts_with('[') && extras.ends_with(']')) {
            return Err(Fault::new(format!(
                "`{}` cannot be added: in this environment `opsbox` is the light distribution of this program",
                shown(text)
            ))
            .hint("for the original package use an environment of your own, with `--python PATH`; extras are `opsbox[llm]` and `opsbox[dates]`"));
        }
        Ok(Self {
            what: format!("opsbox{extras}"),
            line: format!("opsbox{extras}"),
            place: Place::Name("opsbox".to_owned()),
            secrets: Vec::new(),
        })
    }

    /// Returns the normalised name, where it was written or can be read off the wheel's name or the project's own file.
    pub(super) fn name(&self) -> Option<String> {
        match &self.place {
            Place::Name(name) => Some(name.clone()),
            Place::Path(path) => project_of(path),
            Place::Address(_) => None,
        }
    }

    /// Says what becomes of credentials in it; `None` where there are none.
    pub(super) fn warning(&self) -> Option<String> {
        let text = format!(
            "the credentials in `{}` are used this once and not kept: for later changes and `--locked`, give them to git by a credential helper, \
             or write them in ~/.netrc",
            self.what
        );
        (!self.secrets.is_empty()).then_some(text)
    }

    /// Returns the extras where this is the light distribution itself: `[llm]`.
    pub(super) fn light_extras(&self) -> Option<&str> {
        (self.place == Place::Name("opsbox".to_owned())).then(|| self.line.trim_start_matches("opsbox"))
    }
}

/// Returns the normalised name of a wheel, or of the project in a folder; a project may leave it to its build.
fn project_of(path: &Path) -> Option<String> {
    if path.is_file() {
        let wheel = path.file_name()?.to_str()?.strip_suffix(".whl")?;
        return wheel.split('-').next().map(normal);
    }
    let text = std::fs::read_to_string(path.join("pyproject.toml")).ok()?;
    let project: toml::Table = text.parse().ok()?;
    project.get("project")?.get("name")?.as_str().map(normal)
}

fn refuse_original(project: &str) -> Result<(), Fault> {
    if normal(project) == "opsbox" {
        return Err(Fault::new("another `opsbox` cannot be added: in this environment it is the light distribution of this program")
            .hint("use an environment of your own for it, with `--python PATH`"));
    }
    Ok(())
}

/// Splits a requirement into the project's name and what follows.
fn project(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let follows = rest.trim_start();
    let fits = follows.is_empty() || follows.starts_with(['[', '<', '>', '=', '!', '~', ';', '(']);
    let whole = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    (fits && whole).then_some((name, rest))
}

/// Returns a repository's address without the revision and the fragment.
fn bare(address: &str) -> &str {
    let address = address.split('#').next().unwrap_or(address);
    let path = address.find("://").map_or(0, |at| at + 3);
    let slash = address[path..].find('/').map_or(address.len(), |at| path + at);
    match address[slash..].rfind('@') {
        Some(at) => &address[..slash + at],
        None => address,
    }
}

/// Returns a path as an address, so that blanks and `#` in it mean themselves.
pub(super) fn file_url(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut url = "file://".to_owned();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~+".contains(byte) {
            url.push(char::from(*byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

/// Returns a text of an address with its `%XX` as the bytes they mean.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match byte {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environ::tests::environ;

    #[test]
    fn each_kind_is_told_from_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let environ = environ(folder.path(), &[]);
        let project = environ.cwd.join("my checks");
        std::fs::create_dir_all(&project).unwrap();
        std::fs::write(project.join("pyproject.toml"), "").unwrap();
        let read = |text: &str| Wanted::read(text, &environ).unwrap();
        assert_eq!(
            read("Opsbox_EC2.checks>=0.2").place,
            Place::Name("opsbox-ec2-checks".into())
        );
        let local = read("./my checks");
        let real = project.canonicalize().unwrap();
        assert_eq!(local.place, Place::Path(real.clone()));
        assert!(local.line.ends_with("/my%20checks"), "{}", local.line);
        assert_eq!(local.name(), None, "the project leaves it to its build");
        std::fs::write(
            project.join("pyproject.toml"),
            "[project]\nname = \"My.Checks\"\n",
        )
        .unwrap();
        assert_eq!(local.name().as_deref(), Some("my-checks"));
        std::fs::write(environ.cwd.join("my_checks-1-py3-none-any.whl"), "").unwrap();
        assert_eq!(
            read("my_checks-1-py3-none-any.whl").name().as_deref(),
            Some("my-checks")
        );
        assert_eq!(read(&local.what), local, "what is kept can be read again");
        assert_eq!(
            decoded(local.line.strip_prefix("file://").unwrap()),
            real.to_str().unwrap()
        );
        let secret = read("git+https://usr:geheim99@host/a/b.git@v1");
        assert_eq!(secret.what, "git+https://host/a/b.git@v1");
        assert_eq!(secret.line, "git+https://usr:geheim99@host/a/b.git@v1");
        let git = read("git+https://user@host/a/b.git@v1#subdirectory=x");
        assert_eq!(git.place, Place::Address("https://user@host/a/b.git".into()));
        assert_eq!(read("x @ git+https://h/x").place, Place::Name("x".into()));
        assert_eq!(read("opsbox[llm]").light_extras(), Some("[llm]"));
        assert_eq!(read("requests").light_extras(), None);
    }

    #[test]
    fn what_cannot_be_added_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let environ = environ(folder.path(), &[]);
        std::fs::create_dir_all(environ.cwd.join("plain")).unwrap();
        for (text, said) in [
            ("", "is nothing that can be added"),
            ("a\n--index-url=x", "is nothing that can be added"),
            ("./gone", "there is no folder or file"),
            ("./plain", "neither `pyproject.toml` nor `setup.py`"),
            ("my checks", "is no name of a package"),
            ("git+host/x", "is no address of a repository"),
            ("https://h/x.git", "is a repository"),
            ("ftp://h/x.whl", "is no address that can be added"),
            ("opsbox==0.2.5", "is the light distribution"),
            ("opsbox @ https://h/opsbox.whl", "another `opsbox`"),
        ] {
            let fault = Wanted::read(text, &environ).unwrap_err();
            assert!(fault.message.contains(said), "{text}: {fault:?}");
        }
    }

    #[test]
    fn no_fault_quotes_a_password() {
        let folder = tempfile::tempdir().unwrap();
        let environ = environ(folder.path(), &[]);
        for text in [
            "https://usr:geheim99@h/x.git",
            "git+usr:geheim99@h/x",
            "git+ftp://usr:geheim99@h/x",
            "ftp://usr:geheim99@h/x",
            "a b @ https://usr:geheim99@h/x.whl",
            "https://usr:geheim99@h/\nx",
            "opsbox==https://usr:geheim99@h/x",
        ] {
            let fault = Wanted::read(text, &environ).unwrap_err();
            let said = format!("{fault:?}");
            assert!(said.contains("<secret>") && !said.contains("geheim99"), "{said}");
        }
    }
}
