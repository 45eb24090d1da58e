//! From Results to the text of one screen. Pure: the terminal's facts come as values.

use anstyle::{AnsiColor, Style};
use opsbox_plugin::ResultRef;
use serde_json::value::RawValue;
use textwrap::core::display_width;

use super::checks::Checks;
use super::row::Row;
use crate::json;
use crate::severity::Severity;
use crate::text::{counted, cut, pad, shown};

/// The terminal's facts and what is wanted of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    pub(super) columns: usize,
    pub(super) color: bool,
    pub(super) show_all: bool,
}

/// Lines on the screen.
const MAX_LINES: usize = 24;
/// Findings on the screen; fewer where the lines around them need the place.
const MAX_ROWS: usize = 12;
/// Lines for Results that are text rather than findings.
const MAX_TEXT_LINES: usize = 7;
/// Width of the longest severity.
const SEVERITY_COLUMNS: usize = 8;

impl Screen {
    pub(super) fn render(self, results: &[ResultRef<'_>], checks: Checks<'_>) -> String {
        let mut rows = Vec::new();
        let mut quiet = Vec::new();
        let mut texts = Vec::new();
        let mut n_sources = 0;
        for result in results {
            match findings_of(result, checks) {
                Some(items) if items.is_empty() => {
                    if checks.is_clean(result) {
                        quiet.push(name_of(result));
                    }
                }
                Some(items) => {
                    n_sources += 1;
                    rows.extend(items.into_iter().map(|item| Row::new(&result.result_name, item)));
                }
                None => texts.push(result),
            }
        }
        quiet.extend(checks.clean_without_results());
        rows.sort_by_key(|row| row.severity);
        let statuses = checks.lines(self.columns, self.show_all);
        let mut rest = Vec::new();
        self.texts(&texts, !rows.is_empty(), statuses.len(), &mut rest);
        rest.extend(statuses);
        self.quiet(&quiet, &mut rest);
        let mut out = Vec::new();
        if !rows.is_empty() {
            out.push(self.headline(&rows, n_sources));
            // Two lines: the one above, and the one that counts what is not shown.
            self.table(
                &rows,
                MAX_LINES.saturating_sub(rest.len() + 2).min(MAX_ROWS),
                &mut out,
            );
        } else if texts.is_empty() {
            out.push(cut(&checks.headline(results.len()), self.columns));
        }
        // Texts alone are what was asked for; nobody was looking for findings.
        out.extend(rest);
        let mut text = out.join("\n");
        text.push('\n');
        text
    }

    fn headline(self, rows: &[Row], n_sources: usize) -> String {
        let mut counts: Vec<(Severity, usize)> = Vec::new();
        for row in rows {
            match counts.last_mut() {
                Some((severity, n)) if *severity == row.severity => *n += 1,
                _ => counts.push((row.severity, 1)),
            }
        }
        let parts: Vec<_> = counts
            .iter()
            .filter(|(severity, _)| *severity != Severity::Unknown)
            .map(|(severity, n)| format!("{n} {}", self.paint(*severity, severity.word())))
            .collect();
        let head = format!(
            "{} of {}",
            counted(rows.len(), "finding"),
            counted(n_sources, "check")
        );
        if parts.is_empty() {
            head
        } else {
            format!("{head}: {}", parts.join(", "))
        }
    }

    fn table(self, rows: &[Row], max_rows: usize, out: &mut Vec<String>) {
        let limit = if self.show_all { rows.len() } else { max_rows };
        let visible = &rows[..limit.min(rows.len())];
        let source_columns = visible
            .iter()
            .map(|row| display_width(&row.source))
            .max()
            .unwrap_or(0)
            .min(self.columns / 4);
        let indent = 2 + SEVERITY_COLUMNS + 2 + source_columns + 2;
        for row in visible {
            let severity = self.paint(row.severity, &pad(row.severity.word(), SEVERITY_COLUMNS));
            let source = pad(&cut(&row.source, source_columns), source_columns);
            let columns = self.columns.saturating_sub(indent).max(10);
            let lines = if self.show_all {
                wrap(&row.text, columns)
            } else {
                vec![cut(&row.text, columns)]
            };
            for (index, line) in lines.iter().enumerate() {
                let head = if index == 0 {
                    format!("  {severity}  {source}  ")
                } else {
                    " ".repeat(indent)
                };
                out.push(format!("{head}{line}").trim_end().to_owned());
            }
        }
        let n_more = rows.len() - visible.len();
        if n_more > 0 {
            out.push(format!(
                "  … {n_more} more; all of them: --set cli_out_show_all=true, or in files: json_out"
            ));
        }
    }

    fn texts(self, texts: &[&ResultRef<'_>], after_rows: bool, n_statuses: usize, out: &mut Vec<String>) {
        let mut budget = if self.show_all {
            usize::MAX
        } else {
            MAX_TEXT_LINES
                + if after_rows {
                    0
                } else {
                    MAX_ROWS - n_statuses.min(MAX_ROWS)
                }
        };
        let mut n_hidden = 0;
        for result in texts {
            if budget < 2 {
                n_hidden += 1;
                continue;
            }
            out.push(cut(&format!("{}:", name_of(result)), self.columns));
            let dedented = textwrap::dedent(&result.formatted);
            let text = if dedented.trim().is_empty() {
                &*result.result_description
            } else {
                &*dedented
            };
            let lines: Vec<_> = text.trim_matches('\n').lines().collect();
            let n_lines = lines.len().min(budget - 1);
            for line in &lines[..n_lines] {
                let line = shown(line);
                let lines = if self.show_all {
                    wrap(&line, self.columns - 2)
                } else {
                    vec![cut(&line, self.columns - 2)]
                };
                out.extend(lines.iter().map(|line| format!("  {line}").trim_end().to_owned()));
            }
            if n_lines < lines.len() {
                out.push(format!(
                    "  … {}; all: --set cli_out_show_all=true",
                    counted(lines.len() - n_lines, "more line")
                ));
            }
            budget = budget.saturating_sub(n_lines + 1);
        }
        if n_hidden > 0 {
            out.push(format!(
                "… {}; all: --set cli_out_show_all=true",
                counted(n_hidden, "more text")
            ));
        }
    }

    fn quiet(self, names: &[String], out: &mut Vec<String>) {
        if names.is_empty() {
            return;
        }
        let line = format!("nothing found by: {}", names.join(", "));
        out.push(if self.show_all || display_width(&line) <= self.columns {
            line
        } else {
            cut(
                &format!(
                    "nothing found by {}: {}",
                    counted(names.len(), "check"),
                    names.join(", ")
                ),
                self.columns,
            )
        });
    }

    fn paint(self, severity: Severity, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let style = match severity {
            Severity::Critical => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
            Severity::High => Style::new().fg_color(Some(AnsiColor::Red.into())),
            Severity::Medium => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
            Severity::Low => Style::new().fg_color(Some(AnsiColor::Cyan.into())),
            Severity::Info => Style::new().dimmed(),
            Severity::Unknown => return text.to_owned(),
        };
        format!("{style}{text}{style:#}")
    }
}

fn name_of(result: &ResultRef<'_>) -> String {
    shown(&result.result_name)
}

/// Returns the findings of a Result: the items of a list, or those of all lists in a check's report with sections. `None` where it is a text:
/// the data of a provider, or an object of lists that no check made, which is a summary.
fn findings_of<'a>(result: &ResultRef<'a>, checks: Checks<'_>) -> Option<Vec<&'a RawValue>> {
    if checks.is_data(result) {
        return None;
    }
    let details = result.details.get();
    if details.starts_with('[') || !checks.made(result) {
        return json::items(details);
    }
    let members = json::members(details).filter(|members| !members.is_empty())?;
    let sections: Option<Vec<_>> = members.iter().map(|(_, list)| json::items(list.get())).collect();
    Some(sections?.concat())
}

fn wrap(text: &str, columns: usize) -> Vec<String> {
    textwrap::wrap(text, columns.max(10))
        .into_iter()
        .map(std::borrow::Cow::into_owned)
        .collect()
}

#[cfg(test)]
mod tests;
