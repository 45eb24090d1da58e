//! The sections `users` and `passwords`.

use serde::Serialize;

use super::root::{Missing, Root};

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    gid: u32,
    home: String,
    shell: String,
    login: bool,
}

pub(super) fn users(root: &Root) -> Result<Vec<User>, Missing> {
    let text = root.need("/etc/passwd")?;
    Ok(lines(&text)
        .filter_map(|fields| {
            let [name, _, uid, gid, _, home, shell, ..] = fields[..] else {
                return None;
            };
            Some(User {
                name: name.to_owned(),
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
                home: home.to_owned(),
                shell: shell.to_owned(),
                login: is_login(shell),
            })
        })
        .collect())
}

/// Returns whether the shell lets somebody in. An empty one stands for `/bin/sh`.
fn is_login(shell: &str) -> bool {
    let program = shell.rsplit('/').next().unwrap_or_default();
    !matches!(
        program,
        "nologin" | "false" | "true" | "sync" | "halt" | "shutdown"
    )
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Password {
    name: String,
    status: &'static str,
}

pub(super) fn passwords(root: &Root) -> Result<Vec<Password>, Missing> {
    let passwd = root.need("/etc/passwd")?;
    // Anything but `x` in the open file is the password itself: empty, locked or an old hash.
    let open: Vec<_> = lines(&passwd)
        .filter_map(|fields| Some((*fields.first()?, *fields.get(1)?)))
        .collect();
    let shadow = match root.read("/etc/shadow") {
        Ok(text) => text,
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound
                && open.iter().all(|(_, field)| *field != "x") =>
        {
            String::new()
        }
        Err(error) => return Err(Missing::unread("/etc/shadow", &error)),
    };
    let hashes = lines(&shadow).filter_map(|fields| Some((*fields.first()?, *fields.get(1)?)));
    let hidden: std::collections::HashMap<_, _> = hashes.collect();
    Ok(open
        .into_iter()
        .map(|(name, field)| {
            let field = if field == "x" {
                hidden.get(name).copied().unwrap_or("*")
            } else {
                field
            };
            Password {
                name: name.to_owned(),
                status: status_of(field),
            }
        })
        .collect())
}

fn status_of(field: &str) -> &'static str {
    match field.as_bytes() {
        [] => "empty",
        [b'!' | b'*', ..] => "locked",
        _ => "set",
    }
}

/// Returns the fields of every line that is an account, not a comment or a reference to a directory service.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let accounts = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with(['#', '+', '-']));
    accounts.map(|line| line.split(':').collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tests_root::root;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        daemon:x:1:1::/:/usr/sbin/nologin\n\
        open::1000:1000::/home/open:\n\
        bad line\n+nis::::::\n\
        ann:x:1001:1001:Ann,,,:/home/ann:/bin/zsh\n\
        bob:x:1002:1002::/home/bob:/bin/sh\n";

    #[test]
    fn users_are_listed_and_an_empty_shell_is_a_login() {
        let (_temp, root) = root(&[("etc/passwd", PASSWD)]);
        let users = users(&root).expect("read");
        let seen: Vec<_> = users
            .iter()
            .map(|user| (user.name.as_str(), user.uid, user.login))
            .collect();
        assert_eq!(
            seen,
            [
                ("root", 0, true),
                ("daemon", 1, false),
                ("open", 1000, true),
                ("ann", 1001, true),
                ("bob", 1002, true)
            ]
        );
    }

    #[test]
    fn passwords_tell_their_status_and_never_a_hash() {
        let shadow = "root:!$6$abc:1::::::\ndaemon:*:1::::::\nann:$6$secret:1::::::\nbob::1::::::\n";
        let (_temp, root) = root(&[("etc/passwd", PASSWD), ("etc/shadow", shadow)]);
        let passwords = passwords(&root).expect("read");
        let seen: Vec<_> = passwords
            .iter()
            .map(|password| (password.name.as_str(), password.status))
            .collect();
        assert_eq!(
            seen,
            [
                ("root", "locked"),
                ("daemon", "locked"),
                ("open", "empty"),
                ("ann", "set"),
                ("bob", "empty")
            ]
        );
    }

    #[test]
    fn a_shadow_file_that_is_not_there_is_missing() {
        let (_temp, root) = root(&[("etc/passwd", PASSWD)]);
        assert!(passwords(&root).is_err());
    }
}
