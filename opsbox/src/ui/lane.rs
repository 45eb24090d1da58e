//! The outputs' text on stdout, in the order of the pipeline although the outputs run side by side.

use std::collections::{BTreeMap, BTreeSet};

/// Keeps the text of an output until all outputs before it have ended.
#[derive(Debug, Default)]
pub struct Lane {
    order: Vec<usize>,
    front: usize,
    held: BTreeMap<usize, String>,
    ended: BTreeSet<usize>,
}

impl Lane {
    /// Makes a lane for these steps, in the order of the pipeline.
    pub fn new(order: Vec<usize>) -> Self {
        Self {
            order,
            ..Self::default()
        }
    }

    /// Takes text of a step; returns what may be written now.
    pub fn push(&mut self, step: usize, text: String) -> Option<String> {
        if self.order.get(self.front) == Some(&step) || !self.order.contains(&step) {
            return Some(text);
        }
        self.held.entry(step).or_default().push_str(&text);
        None
    }

    /// Returns whether text of a step is kept.
    pub fn holds(&self, step: usize) -> bool {
        self.held.contains_key(&step)
    }

    /// Returns the text of a step that is kept; whoever asks knows that its turn has come.
    pub fn take(&mut self, step: usize) -> String {
        self.held.remove(&step).unwrap_or_default()
    }

    /// A step has ended; returns what may be written now, with the step whose text it is.
    pub fn end(&mut self, step: usize) -> Vec<(usize, String)> {
        self.ended.insert(step);
        let mut texts = Vec::new();
        while let Some(front) = self.order.get(self.front) {
            texts.extend(self.held.remove(front).map(|text| (*front, text)));
            if !self.ended.contains(front) {
                break;
            }
            self.front += 1;
        }
        texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_in_the_order_of_the_pipeline() {
        let mut lane = Lane::new(vec![5, 6, 7]);
        assert_eq!(lane.push(6, "second ".into()), None);
        assert_eq!(lane.push(7, "third".into()), None);
        assert_eq!(lane.push(5, "first ".into()), Some("first ".into()));
        assert_eq!(lane.end(7), []);
        assert_eq!(lane.end(5), [(6, "second ".into())]);
        assert_eq!(lane.push(6, "more ".into()), Some("more ".into()));
        assert_eq!(lane.end(6), [(7, "third".into())]);
    }
}
