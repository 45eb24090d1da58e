//! What the statuses of the checks add to the screen: which found nothing, which could not look, which do not apply.

use opsbox_plugin::{ResultRef, Status, StepStatus};
use textwrap::core::display_width;

use crate::text::{counted, cut, shown};

/// Lines for checks that are not whole; where their causes need more, they are grouped by status alone.
const MAX_LINES: usize = 6;
/// Lines of one cause.
const MAX_CAUSE_LINES: usize = 2;
/// What broke comes before what follows from it.
const ORDER: [Status; 4] = [
    Status::Failed,
    Status::Unknown,
    Status::Incomplete,
    Status::Skipped,
];

/// The checks of a run as the host told of them; none where it does not tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checks<'a>(pub(super) &'a [StepStatus]);

impl<'a> Checks<'a> {
    /// Returns the line that stands in place of findings where there are none to show.
    pub(super) fn headline(self, n_results: usize) -> String {
        let n_whole = self.checks().filter(|step| step.status.is_whole()).count();
        let n_checks = self.checks().count();
        if self.0.is_empty() {
            return match n_results {
                0 => "no results: nothing was looked at, or this host does not tell".to_owned(),
                n => format!(
                    "nothing found in {}; statuses are not known",
                    counted(n, "result")
                ),
            };
        }
        let finders = names(self.of(Status::Findings));
        if !finders.is_empty() {
            return format!(
                "findings were made and are not in the results: {}",
                finders.join(", ")
            );
        }
        let n_unfit = self.unfit().count();
        if n_checks == 0 && self.0.iter().all(|step| step.status.is_whole()) {
            "no results".to_owned()
        } else if n_whole == 0 && self.of(Status::Incomplete).next().is_none() {
            "nothing was looked at".to_owned()
        } else if n_whole == 0 {
            "nothing found, but no check looked at everything".to_owned()
        } else if n_whole + n_unfit < n_checks {
            format!(
                "nothing found, but only {n_whole} of {} looked at everything",
                counted(n_checks, "check")
            )
        } else if n_unfit > 0 {
            format!(
                "nothing found by {n_whole} of {}, the others do not apply here",
                counted(n_checks, "check")
            )
        } else if n_results == 0 {
            "no results".to_owned()
        } else {
            "no findings".to_owned()
        }
    }

    /// Returns whether a Result is known to be a check's own.
    pub(super) fn made(self, result: &ResultRef<'_>) -> bool {
        let key = format!("{}/{}", result.relates_to, result.result_name);
        self.0.iter().any(|step| step.results.contains(&key))
    }

    /// Returns whether a Result is the data of a provider, in which nobody looked for findings.
    pub(super) fn is_data(self, result: &ResultRef<'_>) -> bool {
        let key = format!("{}/{}", result.relates_to, result.result_name);
        let mut makers = self
            .0
            .iter()
            .filter(|step| step.results.contains(&key))
            .peekable();
        makers.peek().is_some() && makers.all(|step| step.data)
    }

    /// Returns the steps that look for findings.
    fn checks(self) -> impl Iterator<Item = &'a StepStatus> {
        self.0.iter().filter(|step| !step.data)
    }

    /// Returns whether a Result without findings means that there are none.
    pub(super) fn is_clean(self, result: &ResultRef<'_>) -> bool {
        let key = format!("{}/{}", result.relates_to, result.result_name);
        let mut makers = self
            .0
            .iter()
            .filter(|step| step.results.contains(&key))
            .peekable();
        if makers.peek().is_some() {
            makers.all(|step| step.status.is_whole())
        } else {
            // An assistant's own, or one that it renamed: nobody knows which checks stand behind it.
            self.0.iter().all(|step| step.status.is_whole() || is_unfit(step))
        }
    }

    /// Returns the names of the checks that found nothing and made no Result that could say so.
    pub(super) fn clean_without_results(self) -> Vec<String> {
        names(
            self.of(Status::Clean)
                .filter(|step| step.results.is_empty() && !step.data),
        )
    }

    /// Returns the lines that name every check that is not whole, with its status and cause.
    pub(super) fn lines(self, columns: usize, show_all: bool) -> Vec<String> {
        let mut lines = self.causes(columns, show_all);
        let unfit = names(self.unfit());
        if !unfit.is_empty() {
            lines.extend(named("not applicable", &unfit, columns, show_all));
        }
        lines
    }

    fn causes(self, columns: usize, show_all: bool) -> Vec<String> {
        let mut causes: Vec<(Status, String, Vec<&StepStatus>)> = Vec::new();
        for status in ORDER {
            for step in self.of(status).filter(|step| !is_unfit(step)) {
                let why = step
                    .why
                    .as_deref()
                    .map_or_else(|| "no cause was given".to_owned(), shown);
                match causes.iter_mut().find(|(s, w, _)| *s == status && *w == why) {
                    Some((_, _, steps)) => steps.push(step),
                    None => causes.push((status, why, vec![step])),
                }
            }
        }
        let mut lines = Vec::new();
        for (status, why, steps) in &causes {
            let names = names(steps.iter().copied());
            let text = format!("{} {}: {why}", status.word(), names.join(", "));
            let is_long = display_width(&text) - display_width(why) > columns / 2;
            if show_all {
                lines.extend(wrap(&text, columns));
            } else if is_long {
                lines.extend(named(status.word(), &names, columns, false));
                lines.push(cut(&format!("  {why}"), columns));
            } else {
                lines.extend(first_lines(&text, columns));
            }
        }
        if show_all || lines.len() <= MAX_LINES {
            lines
        } else {
            self.by_status(columns)
        }
    }

    /// One line for each status, where there are too many causes for the screen.
    fn by_status(self, columns: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for status in ORDER {
            let names = names(self.of(status).filter(|step| !is_unfit(step)));
            if !names.is_empty() {
                lines.extend(named(status.word(), &names, columns, false));
            }
        }
        lines.push("  … why: --set cli_out_show_all=true".to_owned());
        lines
    }

    fn of(self, status: Status) -> impl Iterator<Item = &'a StepStatus> {
        self.0.iter().filter(move |step| step.status == status)
    }

    fn unfit(self) -> impl Iterator<Item = &'a StepStatus> {
        self.0.iter().filter(|step| is_unfit(step))
    }
}

/// Returns whether the check was skipped because there is nothing here to check.
fn is_unfit(step: &StepStatus) -> bool {
    step.status == Status::Skipped
        && step
            .why
            .as_deref()
            .is_none_or(|why| why.starts_with("not applicable"))
}

fn names<'a>(steps: impl Iterator<Item = &'a StepStatus>) -> Vec<String> {
    steps.map(|step| shown(&step.plugin)).collect()
}

/// Returns a list of names after its label: on one line with as many as fit, or all of them.
fn named(label: &str, names: &[String], columns: usize, show_all: bool) -> Vec<String> {
    let line = format!("{label}: {}", names.join(", "));
    if show_all {
        return wrap(&line, columns);
    }
    if display_width(&line) <= columns {
        return vec![line];
    }
    let with = |n_shown: usize| {
        let shown = names[..n_shown].join(", ");
        format!(
            "{label}, {}: {shown} and {} more",
            counted(names.len(), "check"),
            names.len() - n_shown
        )
    };
    let fitting = (1..names.len())
        .rev()
        .map(with)
        .find(|line| display_width(line) <= columns);
    vec![fitting.unwrap_or_else(|| cut(&line, columns))]
}

fn first_lines(text: &str, columns: usize) -> Vec<String> {
    let mut lines = wrap(text, columns);
    if lines.len() > MAX_CAUSE_LINES {
        lines.truncate(MAX_CAUSE_LINES);
        if let Some(last) = lines.last_mut() {
            *last = cut(&format!("{last} …"), columns);
        }
    }
    lines
}

fn wrap(text: &str, columns: usize) -> Vec<String> {
    let options = textwrap::Options::new(columns.max(10)).subsequent_indent("  ");
    textwrap::wrap(text, options)
        .into_iter()
        .map(std::borrow::Cow::into_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(plugin: &str, status: Status, why: &str) -> StepStatus {
        StepStatus {
            plugin: plugin.to_owned(),
            status,
            data: false,
            results: Vec::new(),
            why: (!why.is_empty()).then(|| why.to_owned()),
        }
    }

    fn headline(steps: &[StepStatus], n_results: usize) -> String {
        Checks(steps).headline(n_results)
    }

    #[test]
    fn no_findings_is_said_only_where_every_check_looked_and_there_were_results() {
        let clean = step("a", Status::Clean, "");
        assert_eq!(headline(std::slice::from_ref(&clean), 1), "no findings");
        assert_eq!(headline(std::slice::from_ref(&clean), 0), "no results");
        for status in ORDER {
            let odd = step("b", status, "the cause");
            for n_results in [0, 1, 2] {
                let text = headline(&[clean.clone(), odd.clone()], n_results);
                assert_eq!(text, "nothing found, but only 1 of 2 checks looked at everything");
            }
        }
        assert_eq!(
            headline(&[clean.clone(), step("b", Status::Skipped, "")], 1),
            "nothing found by 1 of 2 checks, the others do not apply here"
        );
        assert_eq!(
            headline(&[step("b", Status::Incomplete, "x")], 1),
            "nothing found, but no check looked at everything"
        );
        assert_eq!(
            headline(&[step("b", Status::Unknown, "x")], 0),
            "nothing was looked at"
        );
        assert_eq!(
            headline(&[step("b", Status::Skipped, "")], 0),
            "nothing was looked at"
        );
        assert_eq!(
            headline(&[clean, step("b", Status::Findings, "")], 1),
            "findings were made and are not in the results: b"
        );
    }

    #[test]
    fn a_provider_that_is_handed_on_is_not_counted_as_a_check() {
        let data = StepStatus {
            data: true,
            ..step("estate", Status::Clean, "")
        };
        let clean = step("a", Status::Clean, "");
        assert_eq!(headline(std::slice::from_ref(&data), 0), "no results");
        assert_eq!(headline(&[data.clone(), clean.clone()], 1), "no findings");
        assert_eq!(
            headline(&[data.clone(), clean, step("b", Status::Unknown, "x")], 1),
            "nothing found, but only 1 of 2 checks looked at everything"
        );
        let dark = StepStatus {
            status: Status::Unknown,
            ..data
        };
        assert_eq!(headline(&[dark], 0), "nothing was looked at");
    }

    #[test]
    fn a_host_that_does_not_tell_is_not_taken_as_green() {
        assert_eq!(
            headline(&[], 0),
            "no results: nothing was looked at, or this host does not tell"
        );
        assert_eq!(
            headline(&[], 2),
            "nothing found in 2 results; statuses are not known"
        );
    }

    #[test]
    fn equal_causes_are_grouped_and_what_broke_stands_first() {
        let steps = [
            step("a", Status::Skipped, ""),
            step("b", Status::Unknown, "its provider `ec2` failed"),
            step("c", Status::Failed, "KeyError: 'size'\u{1b}[2J"),
            step("d", Status::Unknown, "its provider `ec2` failed"),
            step("e", Status::Skipped, "left out here: too slow"),
            step("f", Status::Skipped, "not applicable here"),
            step("g", Status::Incomplete, &"a long cause ".repeat(20)),
        ];
        assert_eq!(
            Checks(&steps).lines(60, false),
            [
                "failed c: KeyError: 'size'\\u{1b}[2J",
                "unknown b, d: its provider `ec2` failed",
                "incomplete g: a long cause a long cause a long cause a long",
                "  cause a long cause a long cause a long cause a long cause…",
                "skipped e: left out here: too slow",
                "not applicable: a, f",
            ]
        );
        let whole = Checks(&steps).lines(60, true).join("\n");
        assert_eq!(whole.matches("cause").count(), 20, "{whole}");
    }

    #[test]
    fn many_checks_of_one_cause_keep_the_cause_and_many_causes_the_names() {
        let same: Vec<_> = (0..30)
            .map(|index| step(&format!("check_{index}"), Status::Unknown, "no credentials"))
            .collect();
        assert_eq!(
            Checks(&same).lines(60, false),
            [
                "unknown, 30 checks: check_0, check_1, check_2 and 27 more",
                "  no credentials",
            ]
        );
        let each: Vec<_> = (0..8)
            .map(|index| step(&format!("c{index}"), Status::Failed, &format!("cause {index}")))
            .collect();
        assert_eq!(
            Checks(&each).lines(60, false),
            [
                "failed: c0, c1, c2, c3, c4, c5, c6, c7",
                "  … why: --set cli_out_show_all=true",
            ]
        );
        assert_eq!(Checks(&each).lines(60, true).len(), 8);
    }
}
