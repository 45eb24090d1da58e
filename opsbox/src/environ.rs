//! The surroundings of a run as one value: variables, folders, the time. Only `main` fills it; tests make their own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use jiff::Zoned;

/// Variables that every plugin may see, and that never count as configuration; a star stands for any ending.
pub const COMMON_VARIABLES: [&str; 19] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_*",
    "TZ",
    "TMPDIR",
    "TERM",
    "COLUMNS",
    "NO_COLOR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
];

/// Variables that shells and systems set for themselves; nobody who has them meant to configure a plugin.
const SYSTEM_VARIABLES: [&str; 15] = [
    "LOGNAME",
    "SHELL",
    "LANGUAGE",
    "COLORTERM",
    "LINES",
    "FTP_PROXY",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "MAIL",
    "HOSTNAME",
    "HOSTTYPE",
    "EDITOR",
    "PAGER",
    "DISPLAY",
];

/// Returns whether a variable matches one of the patterns: a name, or a beginning with a star; case counts.
pub fn matches(name: &str, patterns: &[impl AsRef<str>]) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.as_ref().strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == pattern.as_ref(),
        })
}

/// Returns whether every plugin may see this variable.
pub fn is_common(name: &str) -> bool {
    // Proxies are looked up in lower case by curl, Python and Go.
    matches(name, &COMMON_VARIABLES)
        || (name.ends_with("_proxy") && matches(&name.to_uppercase(), &COMMON_VARIABLES))
}

/// Returns whether a variable never counts as a field of a plugin's configuration.
pub fn is_reserved(name: &str) -> bool {
    let upper = name.to_uppercase();
    matches(&upper, &COMMON_VARIABLES) || matches(&upper, &SYSTEM_VARIABLES) || upper.starts_with("OPSBOX_")
}

/// The surroundings of a run.
#[derive(Debug, Clone)]
pub struct Environ {
    vars: BTreeMap<OsString, OsString>,
    /// The working directory, absolute.
    pub cwd: PathBuf,
    /// This program's file, its links followed; `None` where the system does not tell.
    pub program: Option<PathBuf>,
    /// The user's home, where one is known.
    pub home: Option<PathBuf>,
    /// Where this program keeps what it can make again.
    pub cache_dir: PathBuf,
    /// Where the user keeps settings for this program.
    pub config_dir: PathBuf,
    /// Where this program keeps what it installed for the user.
    pub data_dir: PathBuf,
    /// Where this program keeps what it did.
    pub state_dir: PathBuf,
    /// The folder that stands in for a home where there is none, if one of the folders above lies in it; others may have made it.
    pub homeless: Option<PathBuf>,
    /// The time at the start, in the user's time zone.
    pub now: Zoned,
}

impl Environ {
    /// Makes the value from variables, working directory and time.
    pub fn new(vars: impl IntoIterator<Item = (OsString, OsString)>, cwd: PathBuf, now: Zoned) -> Self {
        let vars: BTreeMap<OsString, OsString> = vars.into_iter().collect();
        let absolute = |name: &str| {
            vars.get(OsStr::new(name))
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = absolute("HOME");
        // Without a home there is only the folder for temporary files, with a name of the user's own.
        let stand_in = absolute("TMPDIR")
            .unwrap_or_else(|| PathBuf::from("/tmp"))
            .join(format!("opsbox-homeless-{}", rustix::process::geteuid().as_raw()));
        let folder = |own: &str, xdg: &str, usual: &str| {
            absolute(own)
                .or_else(|| absolute(xdg).map(|base| base.join("opsbox")))
                .or_else(|| home.as_ref().map(|home| home.join(usual).join("opsbox")))
                .unwrap_or_else(|| stand_in.join(usual))
        };
        let cache_dir = folder("OPSBOX_CACHE_DIR", "XDG_CACHE_HOME", ".cache");
        let config_dir = folder("OPSBOX_CONFIG_DIR", "XDG_CONFIG_HOME", ".config");
        let data_dir = folder("OPSBOX_DATA_DIR", "XDG_DATA_HOME", ".local/share");
        let state_dir = folder("OPSBOX_STATE_DIR", "XDG_STATE_HOME", ".local/state");
        let is_needed = [&cache_dir, &config_dir, &data_dir, &state_dir]
            .iter()
            .any(|folder| folder.starts_with(&stand_in));
        Self {
            homeless: is_needed.then_some(stand_in),
            cache_dir,
            config_dir,
            data_dir,
            state_dir,
            home,
            vars,
            cwd,
            program: None,
            now,
        }
    }

    /// Puts another folder in the place of the one that stands in for a home.
    pub fn move_homeless(&mut self, to: &Path) {
        let Some(from) = self.homeless.replace(to.to_owned()) else {
            return;
        };
        for folder in [
            &mut self.cache_dir,
            &mut self.config_dir,
            &mut self.data_dir,
            &mut self.state_dir,
        ] {
            if let Ok(rest) = folder.strip_prefix(&from) {
                *folder = to.join(rest);
            }
        }
    }

    /// Returns a variable; one that is not UTF-8 reads as missing.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.var_os(name).and_then(OsStr::to_str)
    }

    /// Returns a variable that is set to something.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.var(name).filter(|value| !value.is_empty())
    }

    /// Returns a variable as it is.
    pub fn var_os(&self, name: &str) -> Option<&OsStr> {
        self.vars.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// Returns all variables, sorted by name.
    pub fn vars(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.vars
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Returns a path as seen from the working directory, without `.` in it; a leading `~/` means the home.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), &self.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            // `--plugin-dir .` would otherwise be shown as `/work/./a/manifest.toml`.
            _ => self.cwd.join(path).components().collect(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Makes surroundings with a home and a working directory in `folder`, at a fixed time in UTC.
    pub(crate) fn environ(folder: &Path, vars: &[(&str, &str)]) -> Environ {
        let home = folder.join("home");
        let cwd = folder.join("work");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::create_dir_all(&cwd).unwrap();
        let mut all = vec![(OsString::from("HOME"), home.into_os_string())];
        all.extend(
            vars.iter()
                .map(|(name, value)| (OsString::from(name), OsString::from(value))),
        );
        Environ::new(all, cwd, "2026-03-31T12:00:00+00:00[+00:00]".parse().unwrap())
    }

    #[test]
    fn folders_follow_xdg_then_home() {
        let folder = tempfile::tempdir().unwrap();
        let plain = environ(folder.path(), &[]);
        assert_eq!(plain.cache_dir, folder.path().join("home/.cache/opsbox"));
        let xdg = environ(
            folder.path(),
            &[("XDG_CACHE_HOME", "/c"), ("XDG_STATE_HOME", "relative")],
        );
        assert_eq!(xdg.cache_dir, PathBuf::from("/c/opsbox"));
        assert_eq!(xdg.data_dir, folder.path().join("home/.local/share/opsbox"));
        assert_eq!(xdg.state_dir, folder.path().join("home/.local/state/opsbox"));
    }

    #[test]
    fn without_a_home_the_user_has_a_folder_of_its_own_for_what_no_variable_names() {
        let now: Zoned = "2026-03-31T12:00:00+00:00[+00:00]".parse().unwrap();
        let vars = |vars: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| (OsString::from(name), OsString::from(value));
            Environ::new(
                vars.iter().map(own).collect::<Vec<_>>(),
                PathBuf::from("/w"),
                now.clone(),
            )
        };
        let user = rustix::process::geteuid().as_raw();
        let mut environ = vars(&[("TMPDIR", "/t"), ("OPSBOX_DATA_DIR", "/d")]);
        let stand_in = PathBuf::from(format!("/t/opsbox-homeless-{user}"));
        assert_eq!(environ.homeless.as_deref(), Some(stand_in.as_path()));
        assert_eq!(environ.cache_dir, stand_in.join(".cache"));
        environ.move_homeless(Path::new("/other"));
        assert_eq!(environ.state_dir, PathBuf::from("/other/.local/state"));
        assert_eq!(environ.data_dir, PathBuf::from("/d"), "it has a place of its own");
        assert_eq!(vars(&[("HOME", "/h")]).homeless, None);
    }

    #[test]
    fn paths_are_seen_from_the_working_directory() {
        let folder = tempfile::tempdir().unwrap();
        let environ = environ(folder.path(), &[]);
        assert_eq!(environ.absolute(Path::new("a/b")), folder.path().join("work/a/b"));
        assert_eq!(environ.absolute(Path::new("~/a")), folder.path().join("home/a"));
        assert_eq!(
            environ.absolute(Path::new("./a/.")).to_str(),
            folder.path().join("work/a").to_str()
        );
        assert_eq!(environ.absolute(Path::new("/a")), PathBuf::from("/a"));
    }

    #[test]
    fn common_variables_never_count_as_fields() {
        for name in ["PATH", "home", "LC_ALL", "https_proxy", "OPSBOX_JOBS", "HOSTNAME"] {
            assert!(is_reserved(name), "{name}");
        }
        assert!(!is_reserved("AWS_REGION"));
    }
}
