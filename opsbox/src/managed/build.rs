//! Making one environment: from what was asked for, or exactly as a lock file says.

use std::fs;
use std::path::Path;

use super::hashes::Hashes;
use super::installed::{Installed, installed};
use super::installer::{How, Installer, Watch};
use super::light::{LIGHT_VERSION, light_hash, write_light};
use super::lock::{LockFile, Package, Requested, Source, normal};
use super::making::Making;
use super::request::{Place, Wanted, file_url};
use super::store::{Changing, Store, WHEELS, WORK};
use super::trouble::Trouble;
use crate::error::Fault;
use crate::python::Interpreter;

/// Packages that a fresh environment may hold and that plugins do not need.
const TOOLS: [&str; 3] = ["pip", "setuptools", "wheel"];

/// Makes environments; each is gone again unless it is kept.
pub(super) struct Builder<'a> {
    pub(super) store: &'a Store,
    pub(super) right: &'a Changing,
    pub(super) installer: Installer<'a>,
    pub(super) watch: &'a dyn Watch,
    pub(super) any_python: bool,
}

/// An environment that is whole but does not count yet.
pub(super) struct Built {
    pub(super) folder: Making,
    pub(super) lock: LockFile,
}

impl Builder<'_> {
    /// Makes an environment with everything wanted; `pins` are lines `name==version` to keep to, or nothing.
    pub(super) fn resolve(
        &self,
        base: &Interpreter,
        wanted: &[Wanted],
        pins: &str,
    ) -> Result<Built, Trouble> {
        let (folder, work, light) = self.begin(base)?;
        let extras: String = wanted
            .iter()
            .filter_map(Wanted::light_extras)
            .collect::<Vec<_>>()
            .join("");
        let mut lines = format!("opsbox{} @ {light}\n", extras.replace("][", ","));
        for one in wanted.iter().filter(|wanted| wanted.light_extras().is_none()) {
            lines.push_str(&one.line);
            lines.push('\n');
        }
        let list = written(work.path(), "wanted.txt", &lines)?;
        let constraints = match pins {
            "" => None,
            pins => Some(written(work.path(), "pins.txt", pins)?),
        };
        let names: Vec<&str> = wanted.iter().map(|wanted| wanted.what.as_str()).collect();
        self.watch.step(&format!(
            "installing {} by {}",
            names.join(", "),
            self.installer.name(folder.path())
        ));
        let secrets: Vec<String> = wanted.iter().flat_map(|one| one.secrets.clone()).collect();
        let how = How {
            any_python: self.any_python,
            no_deps: false,
            hashes: false,
            constraints: constraints.as_deref(),
            secrets: &secrets,
        };
        let hashes = self.installer.install(folder.path(), &list, how)?;
        let found = self.checked(base, folder.path(), &hashes)?;
        let mut lock = self.lock(base, folder.path(), &found, &hashes);
        for one in wanted {
            let asked = Requested {
                name: name_of(one, &found),
                what: one.what.clone(),
            };
            // Of two that turn out to be the same package, the later one counts.
            lock.requested.retain(|known| known.name != asked.name);
            lock.requested.push(asked);
        }
        Ok(Built { folder, lock })
    }

    /// Makes an environment exactly as a lock file says.
    pub(super) fn repeat(&self, base: &Interpreter, wanted: &LockFile) -> Result<Built, Trouble> {
        let minor = |version: &str| version.split('.').take(2).collect::<Vec<_>>().join(".");
        let own = base.version_text();
        if minor(&own) != minor(&wanted.python) && !self.any_python {
            return Err(Trouble::Python(vec![format!(
                "the lock file was made with Python {}",
                minor(&wanted.python)
            )]));
        }
        let (folder, work, light) = self.begin(base)?;
        let (mut hashed, mut rest) = (String::new(), String::new());
        for package in &wanted.packages {
            let line = self.line(package, &light)?;
            if package.source == Source::Light {
                hashed.push_str(&format!("{line} --hash={}\n", light_hash()));
            } else if package.hashes.is_empty() {
                rest.push_str(&format!("{line}\n"));
            } else {
                let hashes: String = package
                    .hashes
                    .iter()
                    .map(|hash| format!(" --hash={hash}"))
                    .collect();
                hashed.push_str(&format!("{line}{hashes}\n"));
            }
        }
        let n_packages = wanted.packages.len();
        self.watch.step(&format!(
            "installing {n_packages} packages of the lock file by {}",
            self.installer.name(folder.path())
        ));
        for (name, lines, hashes) in [("hashed.txt", &hashed, true), ("rest.txt", &rest, false)] {
            if !lines.is_empty() {
                let list = written(work.path(), name, lines)?;
                let how = How {
                    any_python: self.any_python,
                    no_deps: true,
                    hashes,
                    constraints: None,
                    secrets: &[],
                };
                self.installer.install(folder.path(), &list, how)?;
            }
        }
        let told: Hashes = wanted
            .packages
            .iter()
            .map(|package| (normal(&package.name), package.hashes.clone()))
            .collect();
        let found = self.checked(base, folder.path(), &told)?;
        let mut lock = self.lock(base, folder.path(), &found, &told);
        lock.requested.clone_from(&wanted.requested);
        for package in &wanted.packages {
            let same = lock
                .package(&package.name)
                .is_some_and(|now| now.version == package.version);
            if !same && package.source != Source::Light {
                let now = lock
                    .package(&package.name)
                    .map_or("nothing", |now| now.version.as_str());
                let text = format!(
                    "`{}` of the lock file is {}, and its source holds {now} now",
                    package.name, package.version
                );
                return Err(Trouble::Failed(
                    Fault::new(text).hint("add it again without `--locked`"),
                ));
            }
        }
        Ok(Built { folder, lock })
    }

    /// Makes the empty environment, a folder for lists, and the light distribution.
    fn begin(&self, base: &Interpreter) -> Result<(Making, tempfile::TempDir, String), Trouble> {
        let cannot = |error: std::io::Error| {
            Trouble::io(
                &format!("cannot write to `{}`", self.store.root().display()),
                &error,
            )
        };
        self.watch.step(&format!(
            "making an environment with Python {} ({})",
            base.version_text(),
            base.path.display()
        ));
        let folder = Making::new(self.store.fresh(self.right).map_err(cannot)?);
        let work = tempfile::Builder::new()
            .prefix(WORK)
            .tempdir_in(self.store.root())
            .map_err(cannot)?;
        let light = write_light(&self.store.root().join(WHEELS)).map_err(cannot)?;
        self.installer.environment(base, folder.path())?;
        Ok((folder, work, file_url(&light)))
    }

    /// Checks what was installed, and takes away what only the installation needed.
    fn checked(&self, base: &Interpreter, folder: &Path, told: &Hashes) -> Result<Vec<Installed>, Trouble> {
        let found = installed(folder);
        // uv looks at the least version that a package demands, and not at the greatest.
        let refused: Vec<String> = found.iter().filter_map(|one| one.refuses(base.version)).collect();
        if !refused.is_empty() && !self.any_python {
            return Err(Trouble::Python(refused));
        }
        if !found.iter().any(Installed::is_light) {
            let text = format!("another `opsbox` was installed than the light distribution {LIGHT_VERSION}");
            return Err(Trouble::Failed(
                Fault::new(text).hint("a package names an address for `opsbox`: it cannot be managed"),
            ));
        }
        let needed = |name: &str| {
            told.contains_key(name) || found.iter().any(|one| one.needs.iter().any(|need| need == name))
        };
        let spare: Vec<&str> = found
            .iter()
            .filter(|one| TOOLS.contains(&normal(&one.name).as_str()) && !needed(&normal(&one.name)))
            .map(|one| one.name.as_str())
            .collect();
        if spare.contains(&"pip") && !self.installer.is_uv() {
            self.installer.uninstall(folder, &spare)?;
            return Ok(installed(folder));
        }
        Ok(found)
    }

    fn lock(&self, base: &Interpreter, folder: &Path, found: &[Installed], hashes: &Hashes) -> LockFile {
        let told = |one: &Installed| hashes.get(&normal(&one.name)).cloned().unwrap_or_default();
        let installer = if self.installer.is_uv() {
            self.installer.name(folder)
        } else {
            "pip".to_owned()
        };
        let mut lock = LockFile::new(base.version_text(), self.any_python, installer);
        lock.packages = found.iter().map(|one| one.package(told(one))).collect();
        lock
    }

    /// Returns what an installer is told to get a package of the lock file again.
    fn line(&self, package: &Package, light: &str) -> Result<String, Trouble> {
        let name = &package.name;
        let gone = |path: &Path| {
            let text = format!(
                "`{name}` of the lock file came from `{}`, which is not there",
                path.display()
            );
            Trouble::Failed(Fault::new(text).hint("put it back, or add the rest without it"))
        };
        Ok(match &package.source {
            Source::Index => format!("{name}=={}", package.version),
            Source::Light => {
                if package.version != LIGHT_VERSION {
                    self.watch.note(&format!(
                        "the lock file has opsbox {}; this program's {LIGHT_VERSION} takes its place",
                        package.version
                    ));
                }
                format!("opsbox @ {light}")
            }
            Source::Folder { path } | Source::File { path } if !path.exists() => return Err(gone(path)),
            Source::Folder { path } | Source::File { path } => format!("{name} @ {}", file_url(path)),
            Source::Url { url } => format!("{name} @ {url}"),
            Source::Git {
                url,
                commit,
                subdirectory,
            } => {
                let below = subdirectory
                    .as_ref()
                    .map(|below| format!("#subdirectory={below}"));
                format!("{name} @ git+{url}@{commit}{}", below.unwrap_or_default())
            }
        })
    }
}

fn written(folder: &Path, name: &str, text: &str) -> Result<std::path::PathBuf, Trouble> {
    let path = folder.join(name);
    fs::write(&path, text)
        .map_err(|error| Trouble::io(&format!("cannot write `{}`", path.display()), &error))?;
    Ok(path)
}

/// Returns the name of the distribution that something wanted turned out to be.
fn name_of(wanted: &Wanted, found: &[Installed]) -> String {
    let same = |one: &&Installed| match &wanted.place {
        Place::Name(name) => normal(&one.name) == *name,
        Place::Path(path) => one
            .path()
            .is_some_and(|from| from.canonicalize().is_ok_and(|from| from == *path)),
        Place::Address(address) => one
            .address()
            .is_some_and(|from| anonymous(from) == anonymous(address)),
    };
    match found.iter().find(same) {
        Some(one) => normal(&one.name),
        // An installer that leaves no address behind: the last part of what was asked for is what people call it.
        None => normal(
            wanted
                .what
                .rsplit(['/', '+'])
                .next()
                .unwrap_or(&wanted.what)
                .trim_end_matches(".git"),
        ),
    }
}

/// Returns an address without the user in it, which installers leave out of what they keep.
fn anonymous(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let slash = rest.find('/').unwrap_or(rest.len());
            let host = rest[..slash].rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{}", &rest[slash..])
        }
        None => address.to_owned(),
    }
}
