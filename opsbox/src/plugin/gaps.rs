//! The gaps that a plugin reports, by call: of a flood the first ones, and how many more there were.

use std::collections::HashMap;

use super::call::Gap;

/// Of more gaps of one call than this only their number would tell anything.
const MOST_OF_CALL: usize = 1_000;
/// When so many are kept, each further call keeps one, so that no plugin fills the memory and none loses that it had gaps at all.
const MOST_OF_PLUGIN: usize = 10 * MOST_OF_CALL;

/// The gaps of one plugin that were not asked for yet.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    of_calls: HashMap<u64, Kept>,
    stray: Kept,
    n_kept: usize,
}

#[derive(Debug, Default)]
struct Kept {
    gaps: Vec<Gap>,
    /// How many there were after the last one that is kept.
    beyond: usize,
}

impl Gaps {
    /// Keeps a gap for its call, or for the next that asks where that one is not open.
    pub(super) fn add(&mut self, is_open: bool, gap: Gap) {
        let most = match self.n_kept {
            n if n < MOST_OF_PLUGIN => MOST_OF_CALL,
            _ => 1,
        };
        let kept = match is_open {
            true => self.of_calls.entry(gap.id).or_default(),
            false => &mut self.stray,
        };
        if kept.gaps.len() < most {
            kept.gaps.push(gap);
            self.n_kept += 1;
        } else {
            kept.beyond += 1;
        }
    }

    /// Returns the gaps of a call, once, and those of no open call.
    pub(super) fn take(&mut self, call: u64) -> Vec<Gap> {
        let mut gaps = self.of_calls.remove(&call).unwrap_or_default().told();
        gaps.extend(std::mem::take(&mut self.stray).told());
        gaps
    }
}

impl Kept {
    /// Returns what is kept; the last one stands for those after it too.
    fn told(mut self) -> Vec<Gap> {
        if let Some(last) = self.gaps.last_mut().filter(|_| self.beyond > 0) {
            last.what = format!("{} and {} more things", last.what, self.beyond);
            last.section = None;
            last.remedy = None;
        }
        self.gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(id: u64, what: &str) -> Gap {
        Gap {
            id,
            section: Some("disks".into()),
            what: what.into(),
            why: "no".into(),
            remedy: None,
        }
    }

    fn flood(gaps: &mut Gaps, call: u64, n: usize) {
        for index in 0..n {
            gaps.add(true, gap(call, &index.to_string()));
        }
    }

    #[test]
    fn of_a_flood_the_first_are_told_and_the_number_of_the_rest() {
        let mut gaps = Gaps::default();
        flood(&mut gaps, 1, MOST_OF_CALL + 7);
        let told = gaps.take(1);
        assert_eq!(told.len(), MOST_OF_CALL);
        assert_eq!(told[0].what, "0");
        let last = told.last().unwrap();
        assert_eq!(last.what, "999 and 7 more things");
        // What is not known by name concerns all sections.
        assert_eq!(last.section, None);
    }

    #[test]
    fn as_many_as_are_kept_are_told_as_they_came() {
        let mut gaps = Gaps::default();
        flood(&mut gaps, 1, MOST_OF_CALL);
        assert_eq!(gaps.take(1).last().unwrap().what, "999");
    }

    #[test]
    fn a_call_after_floods_has_its_gap_still() {
        let mut gaps = Gaps::default();
        for call in 1..=12 {
            flood(&mut gaps, call, MOST_OF_CALL);
        }
        flood(&mut gaps, 13, 3);
        let told = gaps.take(13);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].what, "0 and 2 more things");
        let all: usize = (1..=12).map(|call| gaps.take(call).len()).sum();
        assert_eq!(all, MOST_OF_PLUGIN + 2);
    }

    #[test]
    fn a_gap_of_no_open_call_goes_to_the_next_that_asks() {
        let mut gaps = Gaps::default();
        gaps.add(false, gap(9, "early"));
        assert_eq!(gaps.take(1).len(), 1);
        assert_eq!(gaps.take(1).len(), 0);
    }
}
