//! From Results to the text of one screen. Pure: the terminal's facts come as values.

use anstyle::{AnsiColor, Style};
use opsbox_plugin::ResultRef;
use textwrap::core::display_width;

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

/// Findings on the screen; with the lines around them it stays under 25 lines.
const MAX_ROWS: usize = 12;
/// Lines for Results that are text rather than findings.
const MAX_TEXT_LINES: usize = 7;
/// Width of the longest severity.
const SEVERITY_COLUMNS: usize = 8;

impl Screen {
    pub(super) fn render(self, results: &[ResultRef<'_>]) -> String {
        let mut rows = Vec::new();
        let mut quiet = Vec::new();
        let mut texts = Vec::new();
        for result in results {
            match json::items(result.details.get()) {
                Some(items) if items.is_empty() => quiet.push(name_of(result)),
                Some(items) => rows.extend(items.into_iter().map(|item| Row::new(&result.result_name, item))),
                None => texts.push(result),
            }
        }
        let n_sources = results.len() - quiet.len() - texts.len();
        rows.sort_by_key(|row| row.severity);
        let mut out = Vec::new();
        out.push(self.headline(&rows, n_sources));
        self.table(&rows, &mut out);
        self.texts(&texts, !rows.is_empty(), &mut out);
        self.quiet(&quiet, &mut out);
        let mut text = out.join("\n");
        text.push('\n');
        text
    }

    fn headline(self, rows: &[Row], n_sources: usize) -> String {
        if rows.is_empty() {
            return "no findings".to_owned();
        }
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

    fn table(self, rows: &[Row], out: &mut Vec<String>) {
        let limit = if self.show_all { rows.len() } else { MAX_ROWS };
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

    fn texts(self, texts: &[&ResultRef<'_>], after_rows: bool, out: &mut Vec<String>) {
        if texts.is_empty() {
            return;
        }
        if !after_rows {
            // Texts alone are what was asked for; nobody was looking for findings.
            out.clear();
        }
        let mut budget = if self.show_all {
            usize::MAX
        } else {
            MAX_TEXT_LINES + if after_rows { 0 } else { MAX_ROWS }
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

fn wrap(text: &str, columns: usize) -> Vec<String> {
    textwrap::wrap(text, columns.max(10))
        .into_iter()
        .map(std::borrow::Cow::into_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Screen = Screen {
        columns: 80,
        color: false,
        show_all: false,
    };

    fn render(screen: Screen, results: &str) -> String {
        screen.render(&serde_json::from_str::<Vec<ResultRef<'_>>>(results).expect("Results"))
    }

    fn result(name: &str, details: &str, formatted: &str) -> String {
        let formatted = serde_json::Value::from(formatted);
        format!(
            r#"{{"relates_to":"host","result_name":"{name}","result_description":"","details":{details},"formatted":{formatted}}}"#
        )
    }

    #[test]
    fn findings_stand_worst_first_and_quiet_checks_are_named() {
        let disk = r#"[{"resource":"/home","message":"/home is 86 % full","severity":"medium"},
            {"resource":"/var","message":"/var is 97 % full","severity":"critical"}]"#;
        let ports = r#"[{"resource":"tcp/22","message":"tcp port 22 is open on every address (sshd), which is much too long for a row","severity":"high"}]"#;
        let all = [
            result("disk_space", disk, "x"),
            result("exposed_ports", ports, "x"),
            result("inodes", "[]", ""),
        ];
        assert_eq!(
            render(PLAIN, &format!("[{}]", all.join(","))),
            "3 findings of 2 checks: 1 critical, 1 high, 1 medium\n\
             \x20 critical  disk_space     /var is 97 % full\n\
             \x20 high      exposed_ports  tcp/22: tcp port 22 is open on every address (sshd),…\n\
             \x20 medium    disk_space     /home is 86 % full\n\
             nothing found by: inodes\n"
        );
    }

    #[test]
    fn the_first_screen_stays_under_25_lines_and_80_columns_whatever_comes() {
        let finding = r#"{"resource":"a very long name of a resource that goes on and on and on and on","severity":"low"}"#;
        let mut all = Vec::new();
        for index in 0..40 {
            let findings = vec![finding; 50].join(",");
            all.push(result(
                &format!("a_check_with_quite_a_long_name_{index}"),
                &format!("[{findings}]"),
                "",
            ));
            all.push(result(
                &format!("summary_{index}"),
                "{}",
                &"a line of text\n".repeat(100),
            ));
            all.push(result(&format!("quiet_{index}"), "[]", ""));
        }
        let text = render(PLAIN, &format!("[{}]", all.join(",")));
        assert!(text.lines().count() < 25, "{text}");
        assert!(text.lines().all(|line| display_width(line) <= 80), "{text}");
        assert!(
            text.contains("… 1988 more; all of them: --set cli_out_show_all=true"),
            "{text}"
        );
        let whole = render(
            Screen {
                show_all: true,
                ..PLAIN
            },
            &format!("[{}]", all.join(",")),
        );
        assert!(whole.lines().count() > 2000, "{}", whole.lines().count());
    }

    #[test]
    fn text_alone_is_shown_as_it_is_without_escapes() {
        let text = render(
            PLAIN,
            &format!(
                "[{}]",
                result("summary", "{}", "\n    one\n      two \u{1b}[2J\n")
            ),
        );
        assert_eq!(text, "summary:\n  one\n    two \\u{1b}[2J\n");
    }

    #[test]
    fn color_marks_severities_only() {
        let finding = r#"[{"resource":"a","severity":"high"}]"#;
        let text = render(
            Screen { color: true, ..PLAIN },
            &format!("[{}]", result("c", finding, "")),
        );
        assert_eq!(
            text,
            "1 finding of 1 check: 1 \u{1b}[31mhigh\u{1b}[0m\n  \u{1b}[31mhigh    \u{1b}[0m  c  a\n"
        );
    }

    #[test]
    fn no_results_are_said_so() {
        assert_eq!(render(PLAIN, "[]"), "no findings\n");
    }
}
