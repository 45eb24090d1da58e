//! What packages demand of Python: version specifiers, as far as they speak of released versions of CPython.

/// A version of Python: major, minor, patch.
pub(crate) type Version = (u32, u32, u32);

/// Returns whether a specifier such as `>=3.9,!=3.10.*,<4` admits this version; what cannot be read admits every version.
pub(crate) fn admits(specifier: &str, version: Version) -> bool {
    specifier
        .split(',')
        .map(str::trim)
        .filter(|clause| !clause.is_empty())
        .all(|clause| admits_clause(clause, version))
}

fn admits_clause(clause: &str, version: Version) -> bool {
    let operators = ["===", "~=", "==", "!=", ">=", "<=", ">", "<"];
    let Some(operator) = operators
        .into_iter()
        .find(|operator| clause.starts_with(operator))
    else {
        return true;
    };
    let text = clause[operator.len()..].trim();
    let (text, wildcard) = text.strip_suffix(".*").map_or((text, false), |text| (text, true));
    let Some(parts) = numbers(text) else {
        return true;
    };
    let own = [version.0, version.1, version.2];
    let part = |index: usize| parts.get(index).copied().unwrap_or(0);
    let wanted = [part(0), part(1), part(2)];
    let begins = |length: usize| {
        own.iter()
            .zip(&wanted)
            .take(length)
            .all(|(own, wanted)| own == wanted)
    };
    match operator {
        "==" | "===" if wildcard => begins(parts.len()),
        "!=" if wildcard => !begins(parts.len()),
        "==" | "===" => own == wanted,
        "!=" => own != wanted,
        // `~=3.9` is `>=3.9, ==3.*`.
        "~=" => own >= wanted && begins(parts.len().saturating_sub(1)),
        ">=" => own >= wanted,
        "<=" => own <= wanted,
        ">" => own > wanted,
        _ => own < wanted,
    }
}

/// Reads `3.11` or `3.12.0rc1`, without what follows the numbers.
fn numbers(text: &str) -> Option<Vec<u32>> {
    let parts = text.trim_start_matches('v').split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_of_published_packages() {
        let check = |specifier: &str, yes: &[Version], no: &[Version]| {
            for version in yes {
                assert!(admits(specifier, *version), "{specifier} {version:?}");
            }
            for version in no {
                assert!(!admits(specifier, *version), "{specifier} {version:?}");
            }
        };
        check("==3.11.*", &[(3, 11, 0), (3, 11, 7)], &[(3, 10, 9), (3, 12, 0)]);
        check(">=3.9,<4.0", &[(3, 9, 0), (3, 13, 1)], &[(3, 8, 18), (4, 0, 0)]);
        check(
            "!=3.9.0, !=3.10.*, >=3.8",
            &[(3, 9, 1), (3, 8, 0)],
            &[(3, 9, 0), (3, 10, 4)],
        );
        check("~=3.9", &[(3, 9, 0), (3, 12, 0)], &[(3, 8, 0), (4, 0, 0)]);
        check("~=3.11.2", &[(3, 11, 4)], &[(3, 12, 0), (3, 11, 1)]);
        check(">3.9", &[(3, 9, 1), (3, 10, 0)], &[(3, 9, 0)]);
        check("<=3.11.7", &[(3, 11, 7)], &[(3, 11, 8)]);
        check("", &[(2, 7, 0)], &[]);
        check("what?", &[(3, 9, 0)], &[]);
    }
}
