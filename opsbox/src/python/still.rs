//! What is in the virtual environment of the working folder, told from its files: whoever filled that folder starts nothing by it.
//!
//! An interpreter would run what lies in its environment before it answers, `.pth` files with code in them and its own program first.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::editable;
use super::probe::too_old;
use super::{Candidate, Interpreter, LEAST_VERSION};
use crate::bounded;
use crate::environ::Environ;
use crate::error::Fault;

/// A `pyvenv.cfg` or a `.pth` file is no larger than this.
const MOST: u64 = 1 << 20;

/// The packages that matter to plugins, as the probe names them.
const PACKAGES: [&str; 8] = [
    "pluggy",
    "pydantic",
    "pydantic_core",
    "opsbox",
    "core",
    "loguru",
    "rich",
    "yaml",
];

/// What an environment's `pyvenv.cfg` says, and the folder of its library.
#[derive(Debug)]
struct Made {
    /// The folder of the interpreter that it was made with.
    home: Option<PathBuf>,
    version: (u32, u32, u32),
    implementation: String,
    /// Whether it has the packages of that interpreter as well.
    system: bool,
    /// The name of the folder below `lib`: `python3.11`.
    library: String,
}

/// Returns whether a folder looks like an environment whose packages can be found.
pub(super) fn is_environment(folder: &Path) -> bool {
    made(folder).is_some()
}

/// Returns what is in the candidate's environment.
///
/// # Errors
/// A fault where it is no environment, or one of a Python that is too old.
pub(super) fn read(environ: &Environ, candidate: &Candidate) -> Result<Interpreter, Fault> {
    let prefix = candidate.path.ancestors().nth(2).unwrap_or(Path::new("/"));
    let made = made(prefix).ok_or_else(|| {
        Fault::new(format!(
            "`{}` is no virtual environment: it has no `lib/python3.N/site-packages`",
            prefix.display()
        ))
        .hint("name an interpreter with `--python PATH`")
    })?;
    if made.version < LEAST_VERSION {
        let (major, minor, patch) = made.version;
        return Err(too_old(candidate, &format!("{major}.{minor}.{patch}")));
    }
    let sites = sites(prefix, &made.library);
    let mut sys_path = standard(prefix, &made);
    let mut editable = BTreeMap::new();
    let system = if made.system {
        system(environ, &made)
    } else {
        Vec::new()
    };
    for site in sites.iter().chain(&system) {
        add(&mut sys_path, site.clone());
        for more in paths_of(site) {
            add(&mut sys_path, more);
        }
        editable::read(site, &mut editable);
    }
    let there = |name: &&str| {
        let holds =
            |folder: &PathBuf| folder.join(name).is_dir() || folder.join(format!("{name}.py")).is_file();
        sys_path.iter().any(holds) || editable.contains_key(*name)
    };
    let packages = PACKAGES
        .iter()
        .map(|name| ((*name).to_owned(), there(name)))
        .collect();
    Ok(Interpreter {
        path: candidate.path.clone(),
        version: made.version,
        why: candidate.why.clone(),
        implementation: made.implementation,
        prefix: prefix.to_owned(),
        sys_path,
        editable,
        packages,
    })
}

fn made(folder: &Path) -> Option<Made> {
    let text =
        bounded::read_text(&folder.join("pyvenv.cfg"), MOST).map_or_else(|_| String::new(), |(text, _)| text);
    let value = |wanted: &str| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    // `venv` says `version`, uv says `version_info`, and virtualenv says both.
    let said = value("version").or(value("version_info")).and_then(version);
    let libraries = ["lib", "lib64"]
        .iter()
        .flat_map(|lib| children(&folder.join(lib)));
    let (minor, library) = libraries
        .filter(|library| library.join("site-packages").is_dir())
        .filter_map(|library| {
            let name = library.file_name()?.to_str()?.to_owned();
            Some((minor(&name)?, name))
        })
        .filter(|(minor, _)| said.is_none_or(|(_, said, _)| said == *minor))
        .max()?;
    let pypy = library.starts_with("pypy");
    let implementation = value("implementation").map(str::to_lowercase);
    Some(Made {
        home: value("home").map(PathBuf::from).filter(|home| home.is_absolute()),
        version: said.unwrap_or((3, minor, 0)),
        implementation: implementation.unwrap_or_else(|| if pypy { "pypy" } else { "cpython" }.to_owned()),
        system: value("include-system-site-packages").is_some_and(|value| value.eq_ignore_ascii_case("true")),
        library,
    })
}

/// Returns the 11 of `python3.11`, `python3.11t` and `pypy3.11`.
fn minor(library: &str) -> Option<u32> {
    let rest = library
        .strip_prefix("python3.")
        .or(library.strip_prefix("pypy3."))?;
    rest.trim_end_matches('t').parse().ok()
}

/// Returns the numbers of `3.11.7` and `3.11.7.final.0`.
fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = text.split('.').map(|part| part.parse().ok());
    let mut next = || numbers.next().flatten();
    Some((next()?, next()?, next().unwrap_or(0)))
}

fn sites(prefix: &Path, library: &str) -> Vec<PathBuf> {
    let site = |lib: &str| prefix.join(lib).join(library).join("site-packages");
    let mut sites: Vec<PathBuf> = Vec::new();
    for site in [site("lib"), site("lib64")]
        .into_iter()
        .filter(|site| site.is_dir())
    {
        // `lib64` is mostly a link to `lib`.
        let same =
            |known: &PathBuf| matches!((known.canonicalize(), site.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if !sites.iter().any(same) {
            sites.push(site);
        }
    }
    sites
}

/// Returns the standard library's folders: a module there hides one of its name in the packages. An environment of conda has its own.
fn standard(prefix: &Path, made: &Made) -> Vec<PathBuf> {
    let prefix = made.home.as_deref().map_or(Some(prefix), Path::parent);
    let folders = prefix.into_iter().flat_map(|prefix| {
        ["lib64", "lib"]
            .map(|lib| prefix.join(lib).join(&made.library))
            .into_iter()
    });
    let all = folders.flat_map(|folder| [folder.clone(), folder.join("lib-dynload")]);
    all.filter(|folder| folder.is_dir()).collect()
}

/// Returns the folders of packages of the user and of the interpreter that the environment was made with.
fn system(environ: &Environ, made: &Made) -> Vec<PathBuf> {
    let user = environ.home.iter().map(|home| home.join(".local"));
    let prefix = made.home.as_deref().and_then(Path::parent);
    let prefixes = prefix
        .into_iter()
        .flat_map(|prefix| [prefix.join("local"), prefix.to_owned()]);
    let folders = user.chain(prefixes).flat_map(|prefix| {
        let library = |lib: &str, name: &str| prefix.join(lib).join(name);
        [
            library("lib", &made.library).join("site-packages"),
            library("lib64", &made.library).join("site-packages"),
            library("lib", &made.library).join("dist-packages"),
            library("lib", "python3").join("dist-packages"),
        ]
    });
    folders.filter(|folder| folder.is_dir()).collect()
}

/// Returns the folders that the `.pth` files of a folder of packages add; lines that hold code are passed over.
fn paths_of(site: &Path) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        name.ends_with(".pth") && !name.starts_with('.')
    };
    let mut found = Vec::new();
    for file in children(site).into_iter().filter(is_one) {
        let Ok((text, _)) = bounded::read_text(&file, MOST) else {
            continue;
        };
        let lines = text.lines().map(str::trim_end);
        let named = lines
            .filter(|line| !line.is_empty() && !line.starts_with(['#', '\0']) && !line.starts_with("import"));
        found.extend(named.map(|line| site.join(line)).filter(|path| path.is_dir()));
    }
    found
}

fn add(sys_path: &mut Vec<PathBuf>, folder: PathBuf) {
    if !sys_path.contains(&folder) {
        sys_path.push(folder);
    }
}

/// Returns what is in a folder, sorted by name.
pub(super) fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environ::tests::environ;

    const SITE: &str = "work/.venv/lib/python3.12/site-packages";

    struct Place(tempfile::TempDir);

    impl Place {
        fn new(files: &[(&str, &str)]) -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            for (path, text) in files {
                let path = place.at(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text.replace("ROOT", place.0.path().to_str().unwrap())).unwrap();
            }
            place
        }

        fn at(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn read(&self) -> Result<Interpreter, Fault> {
            let candidate = Candidate {
                path: self.at("work/.venv/bin/python3"),
                why: ".venv".to_owned(),
            };
            read(&environ(self.0.path(), &[]), &candidate)
        }
    }

    #[test]
    fn paths_follow_the_settings_and_the_pth_files_that_name_folders() {
        let place = Place::new(&[
            (
                "work/.venv/pyvenv.cfg",
                "home = ROOT/usr/bin\nversion_info = 3.12.4.final.0\ninclude-system-site-packages = true\nimplementation = CPython\n",
            ),
            ("usr/lib/python3.12/email.py", ""),
            ("usr/lib/python3/dist-packages/yaml/__init__.py", ""),
            ("src/plugin/plugin.py", ""),
            (
                &format!("{SITE}/a.pth"),
                "# no\nROOT/src\nnot/there\nimport evil\n",
            ),
            (&format!("{SITE}/.hidden.pth"), "ROOT\n"),
            (&format!("{SITE}/core/__init__.py"), ""),
        ]);
        let found = place.read().unwrap();
        assert_eq!(
            (found.version, found.implementation.as_str()),
            ((3, 12, 4), "cpython")
        );
        let wanted = ["usr/lib/python3.12", SITE, "src", "usr/lib/python3/dist-packages"];
        assert_eq!(found.sys_path, wanted.map(|path| place.at(path)));
        assert!(found.packages["core"] && found.packages["yaml"] && !found.packages["rich"]);
    }

    #[test]
    fn without_settings_the_library_tells_the_version_and_without_both_it_is_no_environment() {
        let place = Place::new(&[(&format!("{SITE}/x.py"), ""), ("work/.venv/bin/python3", "")]);
        let found = place.read().unwrap();
        assert_eq!(found.version, (3, 12, 0));
        let library = place.at("work/.venv/lib/python3.12");
        assert_eq!(found.sys_path, [library, place.at(SITE)]);
        fs::remove_dir_all(place.at("work/.venv/lib")).unwrap();
        assert!(
            place
                .read()
                .unwrap_err()
                .message
                .contains("is no virtual environment")
        );
        assert!(!is_environment(&place.at("work/.venv")));
    }

    #[test]
    fn an_old_python_is_told_as_when_it_is_asked() {
        let place = Place::new(&[
            ("work/.venv/pyvenv.cfg", "version = 3.8.2\n"),
            ("work/.venv/lib/python3.8/site-packages/x.py", ""),
        ]);
        let fault = place.read().unwrap_err();
        assert!(
            fault
                .message
                .contains("is version 3.8.2, and 3.9 or newer is needed"),
            "{fault:?}"
        );
    }
}
