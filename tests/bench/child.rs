//! The children that the figures talk to: blocking, no runtime, and as little work as a line needs.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use crate::{Outcome, volumes};

/// As much of a line as is looked at: its head, and parameters where they are small.
const HEAD_BYTES: usize = 512;
const PIPE_BYTES: usize = 1024 * 1024;

/// Serves until stdin ends: `pipe` sends back what it reads; `echo`, `source MEGABYTES` and `sink` speak the protocol.
pub(crate) fn serve(args: &[String]) -> Outcome {
    let input = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let output = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    let plugin = |hook, payload| Plugin {
        output,
        hook,
        payload,
    };
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["pipe"] => pipe(input, plugin("", Vec::new()).output),
        ["echo"] => plugin("echo", Vec::new()).serve(input),
        ["sink"] => plugin("process_results", b"{}".to_vec()).serve(input),
        ["source", megabytes] => {
            let payload = volumes::result(megabytes.parse::<usize>()? * 1_000_000);
            plugin("gather_data", payload).serve(input)
        }
        _ => Err("child: pipe | echo | source MEGABYTES | sink".into()),
    }
}

fn pipe(mut input: File, mut output: File) -> Outcome {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match input.read(&mut buffer)? {
            0 => return Ok(()),
            read => output.write_all(&buffer[..read])?,
        }
    }
}

/// A plugin with one hook, whose answer is ready before it is asked. `echo` answers with its parameters.
struct Plugin {
    output: File,
    hook: &'static str,
    payload: Vec<u8>,
}

impl Plugin {
    fn serve(mut self, mut input: File) -> Outcome {
        let mut buffer = vec![0; PIPE_BYTES];
        let mut head = Vec::with_capacity(HEAD_BYTES);
        loop {
            let read = match input.read(&mut buffer)? {
                0 => return Ok(()),
                read => read,
            };
            let mut rest = &buffer[..read];
            while !rest.is_empty() {
                let newline = memchr::memchr(b'\n', rest);
                let (piece, next) = rest.split_at(newline.map_or(rest.len(), |at| at + 1));
                head.extend_from_slice(&piece[..piece.len().min(HEAD_BYTES - head.len())]);
                if newline.is_some() {
                    self.answer(std::str::from_utf8(&head)?.trim_end())?;
                    head.clear();
                }
                rest = next;
            }
        }
    }

    /// Relies on the host's order of members: `jsonrpc`, `id`, `method`, `params`.
    fn answer(&mut self, line: &str) -> Outcome {
        let after = |text: &'static str| line.split_once(text).map(|(_, rest)| rest);
        let Some((id, _)) = after("\"id\":").and_then(|rest| rest.split_once(',')) else {
            return Ok(());
        };
        let method = after("\"method\":\"")
            .and_then(|rest| rest.split_once('"'))
            .map_or("", |(name, _)| name);
        let (initialize, params);
        let payload: &[u8] = match method {
            "initialize" => {
                initialize = format!(
                    r#"{{"protocol":1,"plugin":{{"name":"bench","version":"1"}},"hooks":["{}"],"features":[],"cancel":"none"}}"#,
                    self.hook
                );
                initialize.as_bytes()
            }
            "echo" => {
                params = after("\"params\":")
                    .and_then(|rest| rest.strip_suffix('}'))
                    .unwrap_or("{}");
                params.as_bytes()
            }
            method if method == self.hook => &self.payload,
            _ => b"{}",
        };
        let head = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":");
        if payload.len() < HEAD_BYTES {
            return Ok(self
                .output
                .write_all(&[head.as_bytes(), payload, b"}\n"].concat())?);
        }
        self.output.write_all(head.as_bytes())?;
        self.output.write_all(payload)?;
        Ok(self.output.write_all(b"}\n")?)
    }
}
