//! "Did you mean": the known name nearest to one that is not known.

/// Returns the candidate that looks most like `wanted`, where one is near enough to be a slip of the hand.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = wanted.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| *candidate != wanted)
        .map(|candidate| (score(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.75)
        // Equal scores: the first in order of name, so that the answer never depends on the caller's order.
        .max_by(|left, right| left.0.total_cmp(&right.0).then(right.1.cmp(left.1)))
        .map(|(_, candidate)| candidate)
}

/// Returns ``did you mean `name`?`` for the nearest candidate.
pub fn did_you_mean<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(wanted, candidates).map(|name| format!("did you mean `{name}`?"))
}

fn score(wanted: &str, candidate: &str) -> f64 {
    let length = wanted.chars().count().max(candidate.chars().count());
    // One slip is forgiven in short names too, where a ratio alone would refuse it.
    if length > 2 && strsim::osa_distance(wanted, candidate) <= 1 {
        return 0.99;
    }
    // A name whose words come in another order or spelling (`cli-out`, `cliout`) is near as well.
    let plain = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    if !wanted.is_empty() && plain(wanted) == plain(candidate) {
        return 1.0;
    }
    let similarity = strsim::normalized_damerau_levenshtein(wanted, candidate);
    // Jaro-Winkler alone calls unrelated names alike as soon as they begin alike.
    if similarity >= 0.55 {
        strsim::jaro_winkler(wanted, candidate).max(similarity)
    } else {
        similarity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slip_of_the_hand_finds_the_name() {
        let names = ["cli_out", "json_out", "text_out", "host", "ec2"];
        assert_eq!(nearest("cli_outt", names), Some("cli_out"));
        assert_eq!(nearest("cliout", names), Some("cli_out"));
        assert_eq!(nearest("jsn_out", names), Some("json_out"));
        assert_eq!(nearest("hots", names), Some("host"));
        assert_eq!(nearest("HOST", names), Some("host"));
    }

    #[test]
    fn unrelated_name_finds_nothing() {
        assert_eq!(nearest("kubernetes", ["cli_out", "host"]), None);
        assert_eq!(nearest("", ["cli_out", "host"]), None);
        assert_eq!(did_you_mean("zz", ["ab"]), None);
    }
}
