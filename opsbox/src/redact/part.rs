//! Parts of secrets beside an ellipsis: what a plugin or a library has cut before the host could see it.

use std::collections::BTreeSet;
use std::ops::{Bound, Range};

use memchr::memmem;

/// A shorter part tells nothing, and would be found in many texts.
const LEAST_BYTES: usize = 4;
/// Of more ellipses than this in one text the rest is not looked at.
const MOST: usize = 32;

/// The spellings by their beginnings and by their ends.
#[derive(Debug, Default)]
pub(super) struct Parts {
    forward: BTreeSet<Vec<u8>>,
    backward: BTreeSet<Vec<u8>>,
    longest: usize,
}

impl Parts {
    pub(super) fn of<'a>(spellings: impl Iterator<Item = &'a String> + Clone) -> Self {
        Self {
            forward: spellings.clone().map(|text| text.clone().into_bytes()).collect(),
            backward: spellings
                .clone()
                .map(|text| text.bytes().rev().collect())
                .collect(),
            longest: spellings.map(String::len).max().unwrap_or_default(),
        }
    }

    /// Returns where a beginning of a secret stands before an ellipsis, or an end of one after it.
    pub(super) fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        if self.longest == 0 {
            return Vec::new();
        }
        let mut found = Vec::new();
        for ellipsis in ["…", "..."] {
            let at = memmem::find_iter(bytes, ellipsis).take(MOST);
            for (start, end) in at.map(|at| (at, at + ellipsis.len())) {
                found.extend(self.before(bytes, start));
                found.extend(self.after(bytes, end));
            }
        }
        found
    }

    fn before(&self, bytes: &[u8], end: usize) -> Option<Range<usize>> {
        let most = self.longest.min(end);
        let length = (LEAST_BYTES..=most)
            .rev()
            .find(|n| begins(&self.forward, &bytes[end - n..end]))?;
        Some(end - length..end)
    }

    fn after(&self, bytes: &[u8], start: usize) -> Option<Range<usize>> {
        let most = self.longest.min(bytes.len() - start);
        let mut reversed: Vec<u8> = bytes[start..start + most].to_vec();
        reversed.reverse();
        let length = (LEAST_BYTES..=most)
            .rev()
            .find(|n| begins(&self.backward, &reversed[most - n..]))?;
        Some(start..start + length)
    }
}

/// Returns whether one of the texts begins so.
fn begins(sorted: &BTreeSet<Vec<u8>>, part: &[u8]) -> bool {
    let next = sorted
        .range::<[u8], _>((Bound::Included(part), Bound::Unbounded))
        .next();
    next.is_some_and(|text| text.starts_with(part))
}
