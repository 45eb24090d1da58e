//! Reading one line: classification by its keys, and the shape of a payload, in one pass.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{ErrorBody, code};
use crate::recover::{is_valid_id, recover_id};
use crate::result::{PayloadSeed, ResultView, ShapeFault};

/// A well-formed message.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// `method` and `id`.
    Request {
        /// The id's JSON text, to be echoed byte for byte.
        id: &'a str,
        /// The method.
        method: Cow<'a, str>,
        /// The parameters' JSON text; absent where the member is.
        params: Option<&'a RawValue>,
    },
    /// `method` without `id`.
    Notification {
        /// The method.
        method: Cow<'a, str>,
        /// The parameters' JSON text; absent where the member is.
        params: Option<&'a RawValue>,
    },
    /// `id` and exactly one of `result` and `error`.
    Response {
        /// The id's JSON text.
        id: &'a str,
        /// What was answered.
        outcome: Outcome<'a>,
    },
}

/// What a response says.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// Success.
    Result(Payload<'a>),
    /// Failure.
    Error(ErrorBody),
}

/// The `result` of a response, in the shape that was expected for its id.
#[derive(Debug)]
pub enum Payload<'a> {
    /// Any JSON.
    Raw(&'a RawValue),
    /// A Result, or a list of them, each a slice of the line.
    Results(Vec<ResultView<'a>>),
    /// Valid JSON, but not of the expected shape.
    Fault(ShapeFault),
}

/// The shape that a call expects of its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Any JSON, as it is.
    Raw,
    /// One Result.
    Result,
    /// A list of Results.
    Results,
    /// One Result or a list of them.
    ResultOrResults,
}

/// Why a line is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// Not a JSON object with a `jsonrpc` member: a banner, a stray print.
    #[error("not a protocol message")]
    Noise,
    /// Meant as a message, but broken.
    #[error("{why}")]
    Damaged {
        /// The id's JSON text where one can be read.
        id: Option<String>,
        /// What is wrong.
        why: String,
        /// The code to answer with where this was a request: its sender waits. `None`: it is not answered.
        answer: Option<i64>,
    },
}

/// Reads one line, without its line end.
///
/// `expect` tells the shape wanted for a response with this id (its JSON text); with it a payload is checked and cut into Results in the same
/// pass. Where the id stands after the payload, against the order of writers, the payload is read a second time.
///
/// # Errors
/// [`LineFault::Noise`] for what was never meant as a message, [`LineFault::Damaged`] for a message that breaks a rule.
pub fn parse_line<'a>(
    line: &'a str,
    expect: &dyn Fn(&str) -> Option<Expect>,
) -> Result<Incoming<'a>, LineFault> {
    let text = line
        .strip_prefix('\u{feff}')
        .unwrap_or(line)
        .trim_matches([' ', '\t', '\r', '\n']);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = EnvelopeSeed { line: text, expect }
        .deserialize(&mut deserializer)
        .and_then(|envelope| deserializer.end().map(|()| envelope));
    match parsed {
        Ok(envelope) => envelope.classify(text, expect),
        Err(error) if shows_jsonrpc(text) => {
            let why = if text.starts_with('[') {
                "a batch (an array) is not part of the protocol".to_owned()
            } else {
                format!("not valid JSON: {error}")
            };
            {
                let id = recover_id(text);
                // Ids of plugins are strings: with such a one this was a request.
                let answer = id.as_ref().filter(|id| id.starts_with('"')).map(|_| code::PARSE);
                Err(LineFault::Damaged { id, why, answer })
            }
        }
        Err(_) => Err(LineFault::Noise),
    }
}

fn shows_jsonrpc(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), b"\"jsonrpc\"").is_some()
}

#[derive(Default)]
struct Envelope<'a> {
    jsonrpc: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
    result: Option<Payload<'a>>,
    error: Option<&'a RawValue>,
    doubled: Option<&'static str>,
}

impl<'a> Envelope<'a> {
    fn classify(
        self,
        line: &'a str,
        expect: &dyn Fn(&str) -> Option<Expect>,
    ) -> Result<Incoming<'a>, LineFault> {
        let Some(jsonrpc) = self.jsonrpc else {
            return Err(LineFault::Noise);
        };
        let id_text = self.id.map(RawValue::get);
        let damaged = |why: String| {
            let id = id_text.filter(|id| is_valid_id(id)).map(str::to_owned);
            let answer = self.method.and(id.as_ref()).map(|_| code::INVALID_REQUEST);
            Err(LineFault::Damaged { id, why, answer })
        };
        if let Some(member) = self.doubled {
            return damaged(format!("the member `{member}` stands twice"));
        }
        if jsonrpc.get() != "\"2.0\"" {
            return damaged("`jsonrpc` must be \"2.0\"".into());
        }
        if let Some(id) = id_text
            && !is_valid_id(id)
        {
            return damaged(format!(
                "the id {} is neither a string nor an integer",
                shorten(id)
            ));
        }
        if let Some(method) = self.method {
            let Ok(method) = serde_json::from_str::<CowStr<'a>>(method.get()) else {
                return damaged("`method` must be a string".into());
            };
            if self.result.is_some() || self.error.is_some() {
                return damaged("a message with `method` may have neither `result` nor `error`".into());
            }
            return Ok(match id_text {
                Some(id) => Incoming::Request {
                    id,
                    method: method.0,
                    params: self.params,
                },
                None => Incoming::Notification {
                    method: method.0,
                    params: self.params,
                },
            });
        }
        let Some(id) = id_text else {
            return damaged("neither `method` nor `id`".into());
        };
        match (self.result, self.error) {
            (Some(_), Some(_)) => damaged("both `result` and `error`".into()),
            (None, None) => damaged("neither `result` nor `error`".into()),
            (None, Some(error)) => match serde_json::from_str(error.get()) {
                Ok(error) => Ok(Incoming::Response {
                    id,
                    outcome: Outcome::Error(error),
                }),
                Err(_) => damaged("`error` must be an object with an integer `code`".into()),
            },
            (Some(Payload::Raw(raw)), None) => {
                let payload = match expect(id) {
                    None | Some(Expect::Raw) => Payload::Raw(raw),
                    Some(shape) => PayloadSeed { line, expect: shape }.reread(raw),
                };
                Ok(Incoming::Response {
                    id,
                    outcome: Outcome::Result(payload),
                })
            }
            (Some(payload), None) => Ok(Incoming::Response {
                id,
                outcome: Outcome::Result(payload),
            }),
        }
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 {
        text.to_owned()
    } else {
        text.chars().take(40).collect::<String>() + "…"
    }
}

#[derive(serde::Deserialize)]
struct CowStr<'a>(#[serde(borrow)] Cow<'a, str>);

struct EnvelopeSeed<'a, 'e> {
    line: &'a str,
    expect: &'e dyn Fn(&str) -> Option<Expect>,
}

impl<'a> DeserializeSeed<'a> for EnvelopeSeed<'a, '_> {
    type Value = Envelope<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for EnvelopeSeed<'a, '_> {
    type Value = Envelope<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(CowStr(key)) = map.next_key()? {
            let doubled = match &*key {
                "jsonrpc" => envelope.jsonrpc.replace(map.next_value()?).map(|_| "jsonrpc"),
                "id" => envelope.id.replace(map.next_value()?).map(|_| "id"),
                "method" => envelope.method.replace(map.next_value()?).map(|_| "method"),
                "params" => envelope.params.replace(map.next_value()?).map(|_| "params"),
                "error" => envelope.error.replace(map.next_value()?).map(|_| "error"),
                "result" => {
                    let shape = envelope.id.and_then(|id| (self.expect)(id.get()));
                    let payload = match shape {
                        None | Some(Expect::Raw) => Payload::Raw(map.next_value()?),
                        Some(expect) => map.next_value_seed(PayloadSeed {
                            line: self.line,
                            expect,
                        })?,
                    };
                    envelope.result.replace(payload).map(|_| "result")
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    None
                }
            };
            envelope.doubled = envelope.doubled.or(doubled);
        }
        Ok(envelope)
    }
}
