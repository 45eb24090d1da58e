//! The section `sshd`: the server's settings as it would take them, from its files.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::processes::Processes;
use super::root::{Missing, Root};

const MAIN: &str = "/etc/ssh/sshd_config";
/// As many as the server itself allows.
const MAX_INCLUDES: usize = 16;

/// Keywords that add up where they stand several times; of all others the first one counts.
const LISTS: [&str; 12] = [
    "acceptenv",
    "allowgroups",
    "allowusers",
    "denygroups",
    "denyusers",
    "hostcertificate",
    "hostkey",
    "listenaddress",
    "permitlisten",
    "port",
    "setenv",
    "subsystem",
];

pub(super) struct Found {
    pub(super) section: Result<Sshd, Missing>,
    pub(super) unreadable: Vec<Missing>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Sshd {
    installed: bool,
    running: bool,
    files: Vec<String>,
    /// Absent where the main file cannot be read: then nothing is known, not even which defaults hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<BTreeMap<String, Value>>,
    match_blocks: Vec<MatchBlock>,
}

/// Settings for some connections only.
#[derive(Debug, PartialEq, Serialize)]
struct MatchBlock {
    criteria: String,
    file: String,
    line: usize,
    settings: BTreeMap<String, Value>,
}

pub(super) fn sshd(root: &Root, processes: Option<&Processes>) -> Found {
    let programs = [
        "/usr/sbin/sshd",
        "/usr/local/sbin/sshd",
        "/usr/bin/sshd",
        "/sbin/sshd",
        "/run/current-system/sw/bin/sshd",
    ];
    let installed = programs.iter().any(|program| root.exists(program));
    let running = processes.is_some_and(|seen| seen.list.iter().any(|process| process.name == "sshd"));
    let mut reader = Reader {
        root,
        sshd: Sshd {
            installed,
            running,
            ..Sshd::default()
        },
        unreadable: Vec::new(),
    };
    if root.exists(MAIN) || installed {
        reader.sshd.settings = Some(BTreeMap::new());
        reader.read_file(MAIN, 0);
        if !reader.sshd.files.iter().any(|file| file == MAIN) {
            reader.sshd.settings = None;
        }
    } else {
        reader.sshd.settings = Some(BTreeMap::new());
    }
    if installed && !running && processes.is_none_or(|seen| seen.hidden.is_some()) {
        reader.unreadable.push(
            Missing::new("whether sshd runs", "other users' processes are not seen")
                .remedy("run opsbox as root"),
        );
    }
    Found {
        section: Ok(reader.sshd),
        unreadable: reader.unreadable,
    }
}

struct Reader<'a> {
    root: &'a Root,
    sshd: Sshd,
    unreadable: Vec<Missing>,
}

impl Reader<'_> {
    fn read_file(&mut self, path: &str, depth: usize) {
        let text = match self.root.read(path) {
            Ok(text) => text,
            Err(error) => return self.unreadable.push(Missing::unread(path, &error)),
        };
        self.sshd.files.push(path.to_owned());
        // A block of this file; it ends with the file.
        let mut block: Option<usize> = None;
        for (index, line) in text.lines().enumerate() {
            let Some((keyword, value)) = setting(line) else {
                continue;
            };
            match keyword.as_str() {
                "match" => {
                    // `Match all` holds for every connection, which is how a block is ended by hand.
                    block = (!value.eq_ignore_ascii_case("all")).then(|| {
                        let (criteria, file, line) = (value, path.to_owned(), index + 1);
                        self.sshd.match_blocks.push(MatchBlock {
                            criteria,
                            file,
                            line,
                            settings: BTreeMap::new(),
                        });
                        self.sshd.match_blocks.len() - 1
                    });
                }
                "include" if block.is_none() => {
                    for pattern in value.split_whitespace() {
                        self.include(pattern.trim_matches('"'), depth);
                    }
                }
                _ => {
                    let settings = match block {
                        Some(block) => Some(&mut self.sshd.match_blocks[block].settings),
                        None => self.sshd.settings.as_mut(),
                    };
                    if let Some(settings) = settings {
                        put(settings, keyword, value);
                    }
                }
            }
        }
    }

    fn include(&mut self, pattern: &str, depth: usize) {
        if depth >= MAX_INCLUDES {
            return self.unreadable.push(Missing::new(
                pattern,
                format!("it is included {MAX_INCLUDES} levels deep"),
            ));
        }
        let absolute = if pattern.starts_with('/') {
            pattern.to_owned()
        } else {
            format!("/etc/ssh/{pattern}")
        };
        let (folder, name) = absolute.rsplit_once('/').unwrap_or(("", &absolute));
        // The server reads what matches in the order of names, and nothing where nothing matches.
        let Ok(matcher) = glob::Pattern::new(name) else {
            return self
                .unreadable
                .push(Missing::new(pattern, "its pattern is not understood"));
        };
        let folder_pattern = self.root.path(folder);
        let folders = glob::glob(&folder_pattern.to_string_lossy())
            .into_iter()
            .flatten()
            .flatten();
        let prefix = self.root.path("/");
        let folders: Vec<_> = folders
            .filter_map(|folder| Some(format!("/{}", folder.strip_prefix(&prefix).ok()?.to_str()?)))
            .collect();
        for folder in folders {
            if let Err(error) = std::fs::read_dir(self.root.path(&folder)) {
                self.unreadable.push(Missing::unread(&folder, &error));
            }
            let options = glob::MatchOptions {
                require_literal_leading_dot: true,
                ..glob::MatchOptions::new()
            };
            for name in self
                .root
                .names_in(&folder)
                .into_iter()
                .filter(|name| matcher.matches_with(name, options))
            {
                self.read_file(&format!("{folder}/{name}"), depth + 1);
            }
        }
    }
}

/// Reads a line: `Keyword value`, `Keyword=value`, either quoted; `None` for blanks and comments.
fn setting(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (keyword, value) = line.split_once(|c: char| c.is_whitespace() || c == '=')?;
    let value = value.trim_start_matches(|c: char| c.is_whitespace() || c == '=');
    let value = value.split(" #").next().unwrap_or_default().trim();
    let bare = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|bare| !bare.contains('"'));
    Some((keyword.to_ascii_lowercase(), bare.unwrap_or(value).to_owned()))
}

fn put(settings: &mut BTreeMap<String, Value>, keyword: String, value: String) {
    let adds = LISTS.contains(&keyword.as_str());
    match settings.get_mut(&keyword) {
        None => drop(settings.insert(keyword, value.into())),
        Some(known) if adds => match known {
            Value::Array(values) => values.push(value.into()),
            first => *first = Value::Array(vec![first.take(), value.into()]),
        },
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::host::processes::Process;
    use crate::host::tests_root::root;

    #[test]
    fn the_first_value_counts_includes_are_followed_and_blocks_stand_apart() {
        let (_temp, root) = root(&[
            ("usr/sbin/sshd", ""),
            (
                "etc/ssh/sshd_config",
                "# comment\nInclude /etc/ssh/sshd_config.d/*.conf\nPort 22\nPort 2222\nPermitRootLogin yes\n\
                 X11Forwarding=no # why\nBanner \"/etc/a b\"\nMatch User bob\n  PasswordAuthentication yes\n\
                 Match all\nMaxAuthTries 3\n",
            ),
            (
                "etc/ssh/sshd_config.d/20.conf",
                "PermitRootLogin no\nMatch Group x\nUsePAM no\n",
            ),
            (
                "etc/ssh/sshd_config.d/10.conf",
                "permitrootlogin prohibit-password\n",
            ),
            ("etc/ssh/sshd_config.d/.hidden.conf", "UsePAM no\n"),
        ]);
        let seen = Processes {
            list: vec![Process::sample(9, "sshd")],
            hidden: None,
        };
        let found = sshd(&root, Some(&seen));
        assert_eq!(found.unreadable, []);
        let section = serde_json::to_value(found.section.expect("read")).expect("JSON");
        assert_eq!(
            section,
            json!({
                "installed": true,
                "running": true,
                "files": ["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/10.conf", "/etc/ssh/sshd_config.d/20.conf"],
                "settings": {
                    "port": ["22", "2222"], "permitrootlogin": "prohibit-password", "x11forwarding": "no",
                    "banner": "/etc/a b", "maxauthtries": "3",
                },
                "match_blocks": [
                    {"criteria": "Group x", "file": "/etc/ssh/sshd_config.d/20.conf", "line": 2, "settings": {"usepam": "no"}},
                    {"criteria": "User bob", "file": "/etc/ssh/sshd_config", "line": 8, "settings": {"passwordauthentication": "yes"}},
                ],
            })
        );
    }

    #[test]
    fn a_machine_without_the_server_has_no_settings_and_no_gap() {
        let (_temp, root) = root(&[]);
        let found = sshd(
            &root,
            Some(&Processes {
                list: Vec::new(),
                hidden: None,
            }),
        );
        let section = serde_json::to_value(found.section.expect("read")).expect("JSON");
        assert_eq!(
            section,
            json!({"installed": false, "running": false, "files": [], "settings": {}, "match_blocks": []})
        );
        assert_eq!(found.unreadable, []);
    }

    #[test]
    fn an_include_of_itself_ends_and_a_main_file_that_cannot_be_read_leaves_no_settings() {
        let (_temp, looping) = root(&[("etc/ssh/sshd_config", "Include sshd_config\n")]);
        assert_eq!(sshd(&looping, None).unreadable.len(), 1);
        let (temp, unread) = root(&[("usr/sbin/sshd", "")]);
        std::fs::create_dir_all(temp.path().join("etc/ssh/sshd_config")).expect("made");
        let found = sshd(
            &unread,
            Some(&Processes {
                list: Vec::new(),
                hidden: None,
            }),
        );
        assert_eq!(
            (found.section.expect("read").settings, found.unreadable.len()),
            (None, 1)
        );
    }
}
