//! Adding and removing packages: a whole new environment beside the old one, which stays until the new one is there.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::build::{Builder, Built};
use super::faults::{anew, earlier, failure, not_added};
use super::installer::{Installer, Watch};
use super::lock::{LOCK_FILE, LockFile, Source, normal};
use super::pythons::{Pythons, base_of, no_python};
use super::request::Wanted;
use super::store::{Active, Changing, Store};
use super::trouble::Trouble;
use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::halt::Halt;
use crate::python::{Interpreter, Runner};

/// How often somebody who waits for another one looks again.
const LOOK: Duration = Duration::from_millis(100);

/// Changes the managed environment.
pub struct Manager<'a> {
    /// The surroundings.
    pub environ: &'a Environ,
    /// The Python files of this binary, for the probe.
    pub files: &'a [(&'a str, &'a str)],
    /// Starts the probe.
    pub run: Runner<'a>,
    /// Who is told what happens.
    pub watch: &'a dyn Watch,
}

/// How an environment is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Ignore what packages demand of Python.
    pub any_python: bool,
    /// Make it with this interpreter and no other.
    pub python: Option<PathBuf>,
}

/// What a change came to.
#[derive(Debug)]
pub struct Changed {
    /// What was in the environment before.
    pub before: Option<LockFile>,
    /// What is in it now; `None` where nothing is left and the environment is gone.
    pub now: Option<Now>,
}

/// The environment after a change. As long as this lives, nobody removes it.
#[derive(Debug)]
pub struct Now {
    /// The environment.
    pub active: Active,
    /// What is in it.
    pub lock: LockFile,
}

/// The state before a change.
struct Before {
    active: Option<Active>,
    lock: Option<LockFile>,
}

impl Manager<'_> {
    /// Adds packages, folders, wheels or addresses to what was added before.
    ///
    /// # Errors
    /// A usage failure for what cannot be added at all; a failure of the run, and the environment as it was, where the installation failed;
    /// an interrupt.
    pub fn add(&self, what: &[String], options: &Options) -> Result<Changed, Failure> {
        let mut wanted = Vec::new();
        for text in what {
            wanted.push(Wanted::read(text, self.environ).map_err(Failure::usage)?);
        }
        for warning in wanted.iter().filter_map(Wanted::warning) {
            self.watch.note(&warning);
        }
        let (store, right) = self.begin()?;
        let before = before(&store)?;
        let named: Vec<String> = wanted
            .iter()
            .filter_map(|wanted| self.known_name(wanted, &before))
            .collect();
        let mut all = Vec::new();
        for old in before.lock.iter().flat_map(|lock| &lock.requested) {
            let is_anew = named.contains(&old.name) || wanted.iter().any(|wanted| wanted.what == old.what);
            if !is_anew {
                all.push(Wanted::read(&old.what, self.environ).map_err(|fault| earlier(fault, old))?);
            }
        }
        all.extend(wanted);
        let pins = before
            .lock
            .as_ref()
            .map(|lock| pins(lock, &named))
            .unwrap_or_default();
        self.change(&store, &right, before, options, |builder, base, with_pins| {
            builder.resolve(base, &all, if with_pins { &pins } else { "" })
        })
    }

    /// Removes packages that were added; what nobody needs any more goes with them.
    ///
    /// # Errors
    /// As for [`Self::add`]; a usage failure for a name that was not added.
    pub fn remove(&self, names: &[String]) -> Result<Changed, Failure> {
        let (store, right) = self.begin()?;
        let before = before(&store)?;
        let Some(lock) = &before.lock else {
            let fault = Fault::new("there is no managed environment, so nothing can be removed");
            return Err(Failure::usage(
                fault.hint("add packages with `opsbox plugins add NAME`"),
            ));
        };
        for name in names {
            not_added(lock, name).map_or(Ok(()), |fault| Err(Failure::usage(fault)))?;
        }
        let names: Vec<String> = names.iter().map(|name| normal(name)).collect();
        let left = lock.requested.iter().filter(|old| !names.contains(&old.name));
        let mut all = Vec::new();
        for old in left {
            all.push(Wanted::read(&old.what, self.environ).map_err(|fault| earlier(fault, old))?);
        }
        if all.is_empty() {
            let failed = |error: std::io::Error| {
                Failure::run(Fault::new(format!("cannot remove the environment: {error}")))
            };
            store.point_nowhere(&right).map_err(failed)?;
            drop(before.active);
            store.sweep(&right);
            return Ok(Changed {
                before: before.lock,
                now: None,
            });
        }
        let pins = pins(lock, &[]);
        let options = Options {
            any_python: lock.any_python,
            python: None,
        };
        self.change(&store, &right, before, &options, |builder, base, with_pins| {
            builder.resolve(base, &all, if with_pins { &pins } else { "" })
        })
    }

    /// Installs exactly what a lock file says; without a path, the one of the environment that is there.
    ///
    /// # Errors
    /// As for [`Self::add`].
    pub fn add_locked(&self, path: Option<&Path>, options: &Options) -> Result<Changed, Failure> {
        let (store, right) = self.begin()?;
        let before = before(&store)?;
        let path = match (path, &before.active) {
            (Some(path), _) => self.environ.absolute(path),
            (None, Some(active)) => active.folder.join(LOCK_FILE),
            (None, None) => {
                let fault = Fault::new("there is no managed environment whose lock file could be used");
                return Err(Failure::usage(
                    fault.hint("name one: `opsbox plugins add --locked LOCKFILE`"),
                ));
            }
        };
        let lock = LockFile::read(&path).map_err(Failure::usage)?;
        let options = Options {
            any_python: options.any_python || lock.any_python,
            ..options.clone()
        };
        self.change(&store, &right, before, &options, |builder, base, _| {
            // Of a lock file nothing can be chosen otherwise.
            builder.repeat(base, &lock).map_err(|trouble| match trouble {
                Trouble::Conflict { fault, .. } => Trouble::Failed(fault),
                other => other,
            })
        })
    }

    /// Waits until nobody else changes the store.
    fn begin(&self) -> Result<(Store, Changing), Failure> {
        let store = Store::of(self.environ);
        let mut told = false;
        loop {
            match store.try_change() {
                Ok(Some(right)) => return Ok((store, right)),
                Ok(None) => {}
                Err(error) => {
                    let what = format!("cannot write to `{}`", store.root().display());
                    return Err(failure(Trouble::io(&what, &error)));
                }
            }
            if !told {
                self.watch.step("waiting for another `opsbox plugins add` to end");
                told = true;
            }
            if *self.watch.halt().borrow() != Halt::Go {
                return Err(failure(Trouble::Interrupted));
            }
            thread::sleep(LOOK);
        }
    }

    fn known_name(&self, wanted: &Wanted, before: &Before) -> Option<String> {
        let known = before.lock.iter().flat_map(|lock| &lock.requested);
        wanted.name().or_else(|| {
            known
                .into_iter()
                .find(|old| old.what == wanted.what)
                .map(|old| old.name.clone())
        })
    }

    /// Builds with the first interpreter that all packages accept, then makes the result the environment that counts.
    fn change(
        &self,
        store: &Store,
        right: &Changing,
        before: Before,
        options: &Options,
        build: impl Fn(&Builder<'_>, &Interpreter, bool) -> Result<Built, Trouble>,
    ) -> Result<Changed, Failure> {
        store.sweep(right);
        let any_python = options.any_python || before.lock.as_ref().is_some_and(|lock| lock.any_python);
        let choose = || Installer::choose(self.environ, store.root(), self.watch);
        choose().map_err(Failure::usage)?;
        let builder = |installer| Builder {
            store,
            right,
            installer,
            watch: self.watch,
            any_python,
        };
        let attempt = |base: &Interpreter| {
            let made = builder(choose().map_err(Trouble::Failed)?);
            match build(&made, base, true) {
                Err(Trouble::Conflict { python, .. }) if before.lock.is_some() => {
                    let was = before.lock.as_ref().map(|lock| version_of(&lock.python));
                    self.watch.note(&anew(python, was, base));
                    build(&made, base, false)
                }
                Err(Trouble::Python(_)) if any_python && made.installer.is_uv() => {
                    self.watch
                        .note("uv does not ignore what packages demand of Python; pip installs instead");
                    build(&builder(made.installer.with_pip()), base, true)
                }
                done => done,
            }
        };
        let pythons = Pythons {
            environ: self.environ,
            files: self.files,
            run: self.run,
            store: store.root(),
        };
        let mut refused: Vec<(Interpreter, Vec<String>)> = Vec::new();
        let mut built = None;
        let chosen: Box<dyn Iterator<Item = Interpreter>> = match &options.python {
            Some(path) => Box::new(std::iter::once(pythons.named(path).map_err(Failure::usage)?)),
            None => {
                let first = before.active.as_ref().and_then(|active| base_of(&active.folder));
                let version = before.lock.as_ref().map(|lock| version_of(&lock.python));
                Box::new(pythons.all(first.as_deref(), version))
            }
        };
        for base in chosen {
            match attempt(&base) {
                Ok(done) => {
                    built = Some(done);
                    break;
                }
                Err(Trouble::Python(demands)) => refused.push((base, demands)),
                Err(trouble) => return Err(failure(trouble)),
            }
        }
        let Some(built) = built else {
            return Err(Failure::run(no_python(&refused)));
        };
        self.keep(store, right, before, built)
    }

    fn keep(
        &self,
        store: &Store,
        right: &Changing,
        before: Before,
        built: Built,
    ) -> Result<Changed, Failure> {
        let failed = |error: std::io::Error| {
            failure(Trouble::io(
                &format!("cannot write to `{}`", store.root().display()),
                &error,
            ))
        };
        if *self.watch.halt().borrow() != Halt::Go {
            return Err(failure(Trouble::Interrupted));
        }
        let folder = built.folder.path().to_owned();
        built.lock.write(&folder.join(LOCK_FILE)).map_err(failed)?;
        store.point_to(&folder, right).map_err(failed)?;
        built.folder.keep();
        drop(before.active);
        store.sweep(right);
        let gone = || std::io::Error::other("the new environment is not there");
        let active = store
            .active()
            .and_then(|active| active.ok_or_else(gone))
            .map_err(failed)?;
        Ok(Changed {
            before: before.lock,
            now: Some(Now {
                active,
                lock: built.lock,
            }),
        })
    }
}

fn before(store: &Store) -> Result<Before, Failure> {
    let active = store.present().map_err(|(path, error)| {
        let text = format!(
            "the managed environment cannot be read: `{}`: {error}; nothing was changed",
            path.display()
        );
        let hint = format!(
            "mend what is named; to begin anew, remove the folder `{}`",
            store.root().display()
        );
        Failure::run(Fault::new(text).hint(hint))
    })?;
    let lock = match &active {
        Some(active) => {
            let path = active.folder.join(LOCK_FILE);
            Some(LockFile::read(&path).map_err(|fault| {
                let hint = format!("to begin anew, remove the folder `{}`", store.root().display());
                Failure::run(fault.hint(hint))
            })?)
        }
        None => None,
    };
    Ok(Before { active, lock })
}

/// Returns the versions to keep to: those of all packages of an index but the named ones.
fn pins(lock: &LockFile, but: &[String]) -> String {
    let kept = lock
        .packages
        .iter()
        .filter(|package| package.source == Source::Index && !but.contains(&normal(&package.name)));
    kept.map(|package| format!("{}=={}\n", package.name, package.version))
        .collect()
}

fn version_of(text: &str) -> (u32, u32, u32) {
    let mut numbers = text.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}
