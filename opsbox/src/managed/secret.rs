//! Credentials in addresses: used for the one installation that they were written for, never shown and never kept.

use crate::config::SECRET;

/// Shorter parts are too common to be looked for outside of an address.
const MIN_CHARS: usize = 4;

/// Returns a text as people may see it: `<secret>` in the place of name and password of every address in it.
///
/// A name alone before an `ssh` host, mostly `git`, is no secret.
pub(super) fn shown(text: &str) -> String {
    // `git+` without a scheme is no address, but what stands before its host is as secret.
    if let Some(rest) = text.strip_prefix("git+").filter(|_| !text.contains("://")) {
        let host = rest.split('/').next().unwrap_or(rest);
        if let Some(at) = host.rfind('@') {
            return format!("git+{SECRET}{}", &rest[at..]);
        }
    }
    replaced(text, |scheme, user| match user.split_once(':') {
        None if scheme.ends_with("ssh") => format!("{user}@"),
        _ => format!("{SECRET}@"),
    })
}

/// Returns a text as it may be kept: its addresses without name and password, but for the name that `ssh` needs.
pub(super) fn kept(text: &str) -> String {
    replaced(text, |scheme, user| {
        let name = user.split(':').next().unwrap_or(user);
        match scheme.ends_with("ssh") && !name.is_empty() {
            true => format!("{name}@"),
            false => String::new(),
        }
    })
}

/// Returns the secret parts of the addresses in a text, the longest first.
pub(super) fn secrets(text: &str) -> Vec<String> {
    let found = std::cell::RefCell::new(Vec::new());
    replaced(text, |scheme, user| {
        let parts = match user.split_once(':') {
            Some((name, password)) if !scheme.ends_with("ssh") => vec![user, password, name],
            Some((_, password)) => vec![user, password],
            None if scheme.ends_with("ssh") => Vec::new(),
            None => vec![user],
        };
        let both = parts
            .iter()
            .flat_map(|part| [(*part).to_owned(), super::request::decoded(part)]);
        found.borrow_mut().extend(both);
        String::new()
    });
    let mut found = found.into_inner();
    found.retain(|part: &String| part.chars().count() >= MIN_CHARS);
    found.sort_by_key(|part| std::cmp::Reverse(part.len()));
    found.dedup();
    found
}

/// Returns an installer's line without these secrets, and without name and password of any other address, such as that of an index.
pub(super) fn hidden(line: &str, secrets: &[String]) -> String {
    let line = secrets
        .iter()
        .fold(line.to_owned(), |line, secret| line.replace(secret, SECRET));
    shown(&line)
}

/// Replaces what stands before the host of every address, with its `@`; `by` is given the scheme and what stands there.
fn replaced(text: &str, by: impl Fn(&str, &str) -> String) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (scheme, after) = (&rest[..at], &rest[at + 3..]);
        let end = after
            .find(|c: char| c.is_whitespace() || "/?#\"'`".contains(c))
            .unwrap_or(after.len());
        done.push_str(&rest[..at + 3]);
        match after[..end].rfind('@') {
            Some(user) => {
                done.push_str(&by(scheme, &after[..user]));
                rest = &after[user + 1..];
            }
            None => rest = after,
        }
    }
    done + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_password_are_neither_shown_nor_kept() {
        for (text, seen, left) in [
            (
                "x @ git+https://u:pw99@h:1/x.git@v1#subdirectory=y",
                "x @ git+https://<secret>@h:1/x.git@v1#subdirectory=y",
                "x @ git+https://h:1/x.git@v1#subdirectory=y",
            ),
            (
                "https://token@h/x.whl",
                "https://<secret>@h/x.whl",
                "https://h/x.whl",
            ),
            ("http://u:p@ss@h", "http://<secret>@h", "http://h"),
            ("git+ssh://git@h/x", "git+ssh://git@h/x", "git+ssh://git@h/x"),
            (
                "git+ssh://git:pw99@h/x",
                "git+ssh://<secret>@h/x",
                "git+ssh://git@h/x",
            ),
            ("git+u:pw99@h/x", "git+<secret>@h/x", "git+u:pw99@h/x"),
            (
                "from 'http://a:b@h' to 'http://c@h'",
                "from 'http://<secret>@h' to 'http://<secret>@h'",
                "from 'http://h' to 'http://h'",
            ),
            ("https://h/a@b", "https://h/a@b", "https://h/a@b"),
            ("me@h", "me@h", "me@h"),
        ] {
            assert_eq!(shown(text), seen);
            assert_eq!(kept(text), left);
        }
    }

    #[test]
    fn a_secret_is_found_outside_of_its_address_too() {
        let secrets = secrets("git+https://usr:geh%65im99@h/x");
        assert_eq!(
            secrets,
            ["usr:geh%65im99", "usr:geheim99", "geh%65im99", "geheim99"]
        );
        assert_eq!(
            hidden("login usr:geheim99 (geh%65im99) to http://a:b@h", &secrets),
            "login <secret> (<secret>) to http://<secret>@h"
        );
    }
}
