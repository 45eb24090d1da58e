//! Reports as JUnit XML, as CI systems read it.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

/// What was tested together.
#[derive(Debug)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// Its tests.
    pub cases: Vec<Case>,
}

/// One test.
#[derive(Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// What it belongs to.
    pub class: String,
    /// How long it took, where that is known.
    pub seconds: Option<f64>,
    /// How it ended.
    pub verdict: Verdict,
}

/// How a test ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Pass,
    /// It does not apply; why.
    Skipped(String),
    /// It could not be done; why.
    Error(String),
    /// Not as it should.
    Failure {
        /// In one sentence.
        message: String,
        /// All that is known.
        details: String,
    },
    /// As it should, with something to read.
    Output(String),
}

/// Returns the report's text. Characters that XML cannot hold are replaced.
///
/// # Errors
/// As the writer's, which writes to memory.
pub fn text(suite: &Suite) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let count = |of: fn(&Verdict) -> bool| {
        let n = suite.cases.iter().filter(|case| of(&case.verdict)).count();
        n.to_string()
    };
    let attributes = [
        ("name", allowed(&suite.name)),
        ("tests", suite.cases.len().to_string()),
        (
            "failures",
            count(|verdict| matches!(verdict, Verdict::Failure { .. })),
        ),
        ("errors", count(|verdict| matches!(verdict, Verdict::Error(_)))),
        ("skipped", count(|verdict| matches!(verdict, Verdict::Skipped(_)))),
    ];
    let attributes = || attributes.iter().map(|(key, value)| (*key, value.as_str()));
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer
        .create_element("testsuites")
        .with_attributes(attributes())
        .write_inner_content(|writer| {
            writer
                .create_element("testsuite")
                .with_attributes(attributes())
                .write_inner_content(|writer| suite.cases.iter().try_for_each(|one| case(writer, one)))?;
            Ok(())
        })?;
    let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    text.push('\n');
    Ok(text)
}

fn case(writer: &mut Writer<Vec<u8>>, case: &Case) -> io::Result<()> {
    let (name, class) = (allowed(&case.name), allowed(&case.class));
    let mut element = writer
        .create_element("testcase")
        .with_attributes([("name", name.as_str()), ("classname", class.as_str())]);
    let seconds = case.seconds.map(|seconds| format!("{seconds:.4}"));
    if let Some(seconds) = &seconds {
        element = element.with_attribute(("time", seconds.as_str()));
    }
    let empty = |name: &'static str, why: &str| {
        let why = allowed(why);
        move |writer: &mut Writer<Vec<u8>>| {
            let element = writer.create_element(name);
            element.with_attribute(("message", why.as_str())).write_empty()?;
            Ok(())
        }
    };
    match &case.verdict {
        Verdict::Pass => element.write_empty()?,
        Verdict::Skipped(why) => element.write_inner_content(empty("skipped", why))?,
        Verdict::Error(why) => element.write_inner_content(empty("error", why))?,
        Verdict::Failure { message, details } => element.write_inner_content(|writer| {
            let message = allowed(message);
            writer
                .create_element("failure")
                .with_attribute(("message", message.as_str()))
                .write_text_content(BytesText::new(&allowed(details)))?;
            Ok(())
        })?,
        Verdict::Output(text) => element.write_inner_content(|writer| {
            writer
                .create_element("system-out")
                .write_text_content(BytesText::new(&allowed(text)))?;
            Ok(())
        })?,
    };
    Ok(())
}

/// Returns a text without the characters that XML 1.0 has no way to write.
fn allowed(text: &str) -> String {
    let one = |c: char| {
        let fine =
            matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        if fine { c } else { '\u{fffd}' }
    };
    text.chars().map(one).collect()
}
