//! Rule heads, written so that the interpreter loses nothing.
//!
//! Where a head has no value for one of the things that a body finds, the interpreter (regorus 0.14) forgets what the same rule found
//! before: `details contains {"q": x.no} if some x in [{"no": 1}, {}]` is empty there, and `{{"q": 1}}` for OPA. Comprehensions are right,
//! so such a head is put into one: `details contains h if { some h in [{"q": x.no} | some x in [{"no": 1}, {}]] }`. Every piece keeps its
//! place in the order and its line.

use super::scan::{Spot, Token, tokens};

/// Words that stand at the start of a line and open no rule with a head.
const NO_RULES: [&str; 4] = ["package", "import", "default", "else"];
/// Words that go on with what stands before them.
const GO_ON: [&str; 6] = ["if", "contains", "in", "with", "as", "else"];
/// Words that go on with what follows them.
const OPEN_ENDED: [&str; 9] = [
    "if", "contains", "in", "not", "some", "every", "with", "as", "default",
];

/// Returns the text with every head guarded that may be without a value; `None` where there is none.
pub(crate) fn guarded(text: &str) -> Option<String> {
    let spots = tokens(text);
    let starts = rule_starts(&spots);
    let mut out = String::with_capacity(text.len() + 1024);
    let mut done = 0;
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(spots.len());
        let rule = Rule {
            text,
            spots: &spots[*start..end],
        };
        if let Some((guarded, from, to)) = rule.guarded() {
            out.push_str(&text[done..from]);
            out.push_str(&guarded);
            done = to;
        }
    }
    (done > 0).then(|| out + &text[done..])
}

/// Returns the indices of the tokens that start a rule, an import, an `else`, or whatever stands at the start of a line outside of brackets.
fn rule_starts(spots: &[Spot<'_>]) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut starts = Vec::new();
    for (at, spot) in spots.iter().enumerate() {
        match spot.token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Name("else") if depth == 0 => starts.push(at),
            Token::Name(name) if depth == 0 && spot.starts_line && !GO_ON.contains(&name) => {
                let open_ended = at.checked_sub(1).is_some_and(|before| match spots[before].token {
                    Token::Name(word) => OPEN_ENDED.contains(&word),
                    Token::Other(byte) => !matches!(byte, b'"' | b'`') && !byte.is_ascii_digit(),
                    Token::Open(_) | Token::Close(_) => false,
                });
                if !open_ended {
                    starts.push(at);
                }
            }
            _ => {}
        }
    }
    starts
}

/// One rule: the tokens from its name to the next rule.
struct Rule<'a> {
    text: &'a str,
    spots: &'a [Spot<'a>],
}

/// A piece of a rule: tokens from the first to before the second.
type Span = (usize, usize);

impl Rule<'_> {
    /// Returns the rule's new text, and from where to where it takes the place of the old.
    fn guarded(&self) -> Option<(String, usize, usize)> {
        let Token::Name(name) = self.spots.first()?.token else {
            return None;
        };
        if NO_RULES.contains(&name) {
            return None;
        }
        let (keys, mut at) = self.keys();
        let mut value: Option<Span> = None;
        let mut joint = "";
        match self.spots.get(at).map(|spot| spot.token) {
            Some(Token::Name("contains")) => {
                let end = self.find_if(at + 1);
                (value, at, joint) = (Some((at + 1, end)), end, " contains ");
            }
            Some(Token::Other(b':' | b'=')) => {
                let first = if self.is_other(at, b':') { at + 2 } else { at + 1 };
                let end = self.find_if(first);
                (value, at, joint) = (Some((first, end)), end, " := ");
            }
            Some(Token::Name("if")) => {}
            // A body of the old syntax: `name[key] { … }` is a set.
            Some(Token::Open(b'{')) if !keys.is_empty() => return self.old_set(&keys, at),
            _ => return None,
        }
        if value.is_some_and(|(from, to)| from >= to) {
            return None;
        }
        let has_body = at < self.spots.len();
        if !has_body && joint == " := " {
            return None;
        }
        let body = if has_body { Some(self.body(at + 1)?) } else { None };
        self.assemble(&keys, value, joint, body)
    }

    /// Puts `keys` and `value` of a head into a comprehension over its body.
    fn assemble(
        &self,
        keys: &[Span],
        value: Option<Span>,
        joint: &str,
        body: Option<(Span, usize)>,
    ) -> Option<(String, usize, usize)> {
        let pieces: Vec<Span> = keys
            .iter()
            .copied()
            .chain(value)
            .filter(|span| !self.is_literal(*span))
            .collect();
        if pieces.iter().all(|piece| self.is_variable(*piece)) {
            return None;
        }
        let mut head = String::new();
        let mut names = Vec::new();
        let mut place = |span: Span| {
            if self.is_literal(span) {
                return self.slice(span).to_owned();
            }
            let name = format!("opsbox_head_{}", names.len());
            names.push(name.clone());
            name
        };
        // Up to the first key the head stays as it is: it is names and dots.
        let head_end = keys
            .first()
            .map_or(self.head_end(), |(from, _)| self.spots[from - 1].start);
        head.push_str(&self.text[self.spots[0].start..head_end]);
        for key in keys {
            head.push_str(&format!("[{}]", place(*key)));
            let after = key.1 + 1;
            let next = keys.iter().map(|(from, _)| from - 1).find(|from| *from >= after);
            head.push_str(
                &self.text
                    [self.spots[key.1].end..next.map_or(self.head_end(), |next| self.spots[next].start)],
            );
        }
        if let Some(value) = value {
            head.push_str(joint);
            head.push_str(&place(value));
        }
        let (open, close) = if names.len() == 1 { ("", "") } else { ("[", "]") };
        head.push_str(&format!(
            " if {{ some {open}{}{close} in [{open}",
            names.join(", ")
        ));
        // What is copied keeps its line: line ends between the pieces are copied as well.
        let mut done = self.spots[0].start;
        for (index, piece) in pieces.iter().enumerate() {
            head.push_str(if index > 0 { ", " } else { "" });
            head.push_str(&self.line_ends(done, self.spots[piece.0].start));
            head.push_str(&self.term(*piece));
            done = self.spots[piece.1 - 1].end;
        }
        head.push_str(&format!("{close} |"));
        let to = match body {
            None => {
                head.push_str(" true");
                done
            }
            Some((body, last)) => {
                let (from, to) = self.inside(body, last);
                head.push_str(&self.line_ends(done, from));
                head.push(' ');
                head.push_str(&self.text[from..to]);
                self.spots[last].end
            }
        };
        head.push_str("] }");
        Some((head, self.spots[0].start, to))
    }

    /// Guards `name[key] { … }` of the old syntax.
    fn old_set(&self, keys: &[Span], at: usize) -> Option<(String, usize, usize)> {
        let ([key], Some((body, last))) = (keys, self.body(at)) else {
            return None;
        };
        if self.is_literal(*key) || self.is_variable(*key) || last + 1 != self.spots.len() {
            return None;
        }
        let (from, to) = self.inside(body, last);
        let start = self.spots[0].start;
        let text = format!(
            "{}[opsbox_head_0] {{ opsbox_head_0 := [{}{} |{} {}][_] }}",
            &self.text[start..self.spots[key.0 - 1].start],
            self.line_ends(start, self.spots[key.0].start),
            self.term(*key),
            self.line_ends(self.spots[key.1 - 1].end, from),
            &self.text[from..to],
        );
        Some((text, start, self.spots[last].end))
    }

    /// Returns what stands in the brackets after the name, and the index of the token after them.
    fn keys(&self) -> (Vec<Span>, usize) {
        let mut keys = Vec::new();
        let mut at = 1;
        loop {
            let end = self.spots[at - 1].end;
            match self.spots.get(at) {
                Some(spot) if spot.token == Token::Open(b'[') && spot.start == end => {
                    let close = self.closing(at);
                    if close + 1 > self.spots.len() || close == at + 1 {
                        return (keys, self.spots.len());
                    }
                    keys.push((at + 1, close));
                    at = close + 1;
                }
                Some(spot)
                    if spot.token == Token::Other(b'.')
                        && spot.start == end
                        && matches!(
                            self.spots.get(at + 1).map(|next| next.token),
                            Some(Token::Name(_))
                        ) =>
                {
                    at += 2;
                }
                _ => return (keys, at),
            }
        }
    }

    /// Returns where the head's names and brackets end in the text.
    fn head_end(&self) -> usize {
        let (_, at) = self.keys();
        self.spots[at - 1].end
    }

    /// Returns the index of the bracket that closes the one at this index, or the end.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (at, spot) in self.spots.iter().enumerate().skip(open) {
            match spot.token {
                Token::Open(_) => depth += 1,
                Token::Close(_) => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at;
                    }
                }
                _ => {}
            }
        }
        self.spots.len()
    }

    /// Returns the index of the next `if` outside of brackets, or the end.
    fn find_if(&self, from: usize) -> usize {
        let mut at = from;
        while let Some(spot) = self.spots.get(at) {
            match spot.token {
                Token::Name("if") => return at,
                Token::Open(_) => at = self.closing(at) + 1,
                _ => at += 1,
            }
        }
        self.spots.len()
    }

    /// Returns the tokens of a body that begins here, and its last token; `None` where something else follows.
    fn body(&self, at: usize) -> Option<(Span, usize)> {
        let end = self.spots.len();
        if self.spots.get(at)?.token != Token::Open(b'{') {
            return Some(((at, end), end - 1));
        }
        let close = self.closing(at);
        match close {
            _ if close + 1 == end && close > at + 1 => Some(((at + 1, close), close)),
            // `if {…} == x` is a body without braces.
            _ if close + 1 < end && matches!(self.spots[close + 1].token, Token::Other(_)) => {
                Some(((at, end), end - 1))
            }
            _ => None,
        }
    }

    /// Returns where the text of a body begins and ends, with the comments in its braces.
    fn inside(&self, body: Span, last: usize) -> (usize, usize) {
        if last >= body.1 {
            (self.spots[body.0 - 1].end, self.spots[last].start)
        } else {
            (self.spots[body.0].start, self.spots[last].end)
        }
    }

    /// Says whether a piece is a text, a number or another constant.
    fn is_literal(&self, (from, to): Span) -> bool {
        match &self.spots[from..to] {
            [one] => match one.token {
                Token::Name(name) => matches!(name, "true" | "false" | "null"),
                Token::Other(byte) => matches!(byte, b'"' | b'`') || byte.is_ascii_digit(),
                Token::Open(_) | Token::Close(_) => false,
            },
            many => many.iter().all(
                |spot| matches!(spot.token, Token::Other(byte) if byte.is_ascii_digit() || byte == b'.' || byte == b'-'),
            ),
        }
    }

    /// Says whether a piece is a variable, which has a value wherever a body finds something, or a rule, which is the same each time.
    fn is_variable(&self, (from, to): Span) -> bool {
        to == from + 1 && matches!(self.spots[from].token, Token::Name(name) if !name.contains('.'))
    }

    fn is_other(&self, at: usize, byte: u8) -> bool {
        self.spots
            .get(at)
            .is_some_and(|spot| spot.token == Token::Other(byte))
    }

    fn slice(&self, (from, to): Span) -> &str {
        &self.text[self.spots[from].start..self.spots[to - 1].end]
    }

    /// Returns a piece as the term of a comprehension or an item of an array: a union's `|` would begin the body there, and
    /// `k, x in y` would ask for a key as well.
    fn term(&self, (from, to): Span) -> String {
        let mut at = from;
        while at < to {
            match self.spots[at].token {
                Token::Other(b'|') | Token::Name("in") => return format!("({})", self.slice((from, to))),
                Token::Open(_) => at = self.closing(at) + 1,
                _ => at += 1,
            }
        }
        self.slice((from, to)).to_owned()
    }

    fn line_ends(&self, from: usize, to: usize) -> String {
        let between = self.text.get(from..to).unwrap_or_default();
        "\n".repeat(between.matches('\n').count())
    }
}

#[cfg(test)]
mod tests;
