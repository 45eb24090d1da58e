//! The interpreter that this program is installed beside: `pip install opsbox` puts the program into an environment's folder of scripts.
//!
//! Nothing is run to find it. A program that merely lies in the same folder as a `python3`, as one of cargo or of a system's
//! packages may, is not taken for a part of that Python.

use std::fs;
use std::path::{Path, PathBuf};

use super::choose::on_path;
use crate::environ::Environ;

/// Why such an interpreter was chosen, for people.
pub(super) const WHY: &str = "beside the program";

/// Returns the interpreter of the environment that this program belongs to, if it belongs to one.
///
/// That is a virtual environment whose `bin` holds it, or the Python in whose packages a distribution `opsbox` of version 1 or
/// newer lists it among its files.
pub(super) fn interpreter(environ: &Environ) -> Option<PathBuf> {
    let program = environ.program.as_deref()?;
    let scripts = program.parent()?;
    let prefix = scripts.parent()?;
    let in_scripts = |name: &str| Some(scripts.join(name)).filter(|path| path.is_file());
    if prefix.join("pyvenv.cfg").is_file() {
        return ["python3", "python"].into_iter().find_map(in_scripts);
    }
    let mut folders = children(&prefix.join("lib"));
    // Of two Pythons that both have it, the newer one.
    folders.sort_by_key(|folder| std::cmp::Reverse(minor(folder)));
    folders.into_iter().find_map(|folder| {
        let name = folder.file_name()?.to_str()?.to_owned();
        let packages = ["site-packages", "dist-packages"].map(|name| folder.join(name));
        minor(&folder)?;
        if !packages.iter().any(|packages| lists(packages, program)) {
            return None;
        }
        // The folders of a user, `~/.local`, hold no interpreter.
        in_scripts(&name).or_else(|| on_path(environ, &name))
    })
}

/// Returns the 11 of `python3.11`.
fn minor(folder: &Path) -> Option<u32> {
    folder
        .file_name()?
        .to_str()?
        .strip_prefix("python3.")?
        .parse()
        .ok()
}

/// Returns whether these packages hold a distribution `opsbox` that installed this program.
fn lists(packages: &Path, program: &Path) -> bool {
    children(packages).iter().any(|info| {
        let version = info
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix("opsbox-")?.strip_suffix(".dist-info"));
        // The original, 0.x, lists a program of the same name, which may have been replaced by ours since.
        let ours = version.is_some_and(|version| !version.starts_with("0."));
        ours && fs::read_to_string(info.join("RECORD")).is_ok_and(|record| {
            let files = record.lines().filter_map(|line| line.split(',').next());
            files
                .filter(|file| file.ends_with("/opsbox"))
                .any(|file| same(&packages.join(file), program))
        })
    })
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environ::tests::environ;
    use crate::python::choose::choose;
    use crate::python::choose::tests::program;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new(files: &[&str]) -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            for file in files {
                program(&place.at(file));
            }
            place
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn records(&self, info: &str, files: &str) {
            let record = self.at(info).join("RECORD");
            fs::create_dir_all(record.parent().unwrap()).unwrap();
            fs::write(record, files).unwrap();
        }

        fn chosen(&self, vars: &[(&str, &str)], own: &str) -> (PathBuf, String) {
            let mut environ = environ(self.0.path(), vars);
            environ.program = Some(self.at(own));
            let found = choose(&environ, None).unwrap();
            (found.path, found.why)
        }
    }

    #[test]
    fn program_in_a_virtual_environment_takes_its_interpreter() {
        let place = Place::new(&["env/bin/opsbox", "env/bin/python3", "other/bin/python3"]);
        fs::write(place.at("env/pyvenv.cfg"), "").unwrap();
        let other = place.at("other").display().to_string();
        let found = (place.at("env/bin/python3"), WHY.to_owned());
        assert_eq!(place.chosen(&[], "env/bin/opsbox"), found);
        assert_eq!(
            place.chosen(&[("VIRTUAL_ENV", &other)], "env/bin/opsbox"),
            found,
            "the environment that it is part of comes before the active one"
        );
        let asked = place.chosen(&[("OPSBOX_PYTHON", &other)], "env/bin/opsbox");
        assert_eq!(asked, (place.at("other/bin/python3"), "OPSBOX_PYTHON".to_owned()));
    }

    #[test]
    fn program_beside_a_python_that_knows_nothing_of_it_is_not_part_of_it() {
        let place = Place::new(&[
            "usr/bin/opsbox",
            "usr/bin/python3",
            "usr/bin/python3.11",
            "path/python3",
        ]);
        let path = place.at("path").display().to_string();
        let elsewhere = (place.at("path/python3"), "PATH".to_owned());
        let chosen = || place.chosen(&[("PATH", &path)], "usr/bin/opsbox");
        assert_eq!(chosen(), elsewhere);
        let packages = "usr/lib/python3.11/site-packages";
        place.records(
            &format!("{packages}/opsbox_ec2_checks-1.0.dist-info"),
            "../../../bin/opsbox,,\n",
        );
        place.records(
            &format!("{packages}/opsbox-0.2.5.dist-info"),
            "../../../bin/opsbox,sha256=x,210\n",
        );
        place.records(
            &format!("{packages}/opsbox-1.1.0.dist-info"),
            "opsbox/main.py,,\n",
        );
        assert_eq!(chosen(), elsewhere);
        place.records(
            &format!("{packages}/opsbox-1.0.0.dist-info"),
            "../../../bin/opsbox,sha256=x,210\n",
        );
        assert_eq!(chosen(), (place.at("usr/bin/python3.11"), WHY.to_owned()));
    }

    #[test]
    fn program_in_the_users_folder_takes_the_python_of_its_packages() {
        let place = Place::new(&["local/bin/opsbox", "path/python3", "path/python3.12"]);
        place.records(
            "local/lib/python3.12/site-packages/opsbox-1.0.0.dist-info",
            "../../../bin/opsbox,,\n",
        );
        let path = place.at("path").display().to_string();
        assert_eq!(
            place.chosen(&[("PATH", &path)], "local/bin/opsbox"),
            (place.at("path/python3.12"), WHY.to_owned())
        );
    }
}
