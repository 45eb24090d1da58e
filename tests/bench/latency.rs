//! The round trip of a small call through a session, against a raw pipe with a blocking echo at its other end.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use bytes::Bytes;
use opsbox::plugin::{Reply, Session};
use opsbox_protocol::Expect;

use crate::peer::{self, Host};
use crate::report::{self, Series};
use crate::{Options, Outcome};

/// The size of a whole message on the wire, its `\n` included.
const MESSAGE_BYTES: usize = 100;

pub(crate) fn measure(options: &Options) -> Outcome {
    let options = options.clone();
    peer::run(async move {
        let host = Host::new()?;
        let mut raw = Pipe::start("pipe")?;
        let mut plugin = Pipe::start("echo")?;
        let mut session = host.start(&["echo"]).await?;
        let (mut of_raw, mut of_plugin, mut of_session) =
            (Series::default(), Series::default(), Series::default());
        // The first round warms up and is thrown away.
        for round in 0..=options.rounds {
            let series = [
                through_pipe(&mut raw, options.calls)?,
                through_pipe(&mut plugin, options.calls)?,
                through_session(&mut session, options.calls).await?,
            ];
            if round > 0 {
                let medians = series.map(|series| series.median());
                of_raw.push(medians[0]);
                of_plugin.push(medians[1]);
                of_session.push(medians[2]);
            }
        }
        session.stop().await;
        report::heading(
            &format!(
                "round trip of {MESSAGE_BYTES} bytes, {} calls a round",
                options.calls
            ),
            options.rounds,
        )?;
        report::row("raw pipe, blocking echo", "us", &of_raw)?;
        report::row("raw pipe, echo plugin", "us", &of_plugin)?;
        report::row("Session::request, echo plugin", "us", &of_session)?;
        report::row("echo plugin / raw pipe", "x", &of_plugin.over(&of_raw))?;
        report::row("Session / raw pipe (goal 2)", "x", &of_session.over(&of_raw))
    })
}

/// A child at the other end of two pipes, and nothing in between.
struct Pipe {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
}

impl Pipe {
    fn start(role: &str) -> Outcome<Self> {
        let mut child = Command::new(peer::own()?)
            .args(["child", role])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (stdin, stdout) = child.stdin.take().zip(child.stdout.take()).ok_or("no pipes")?;
        Ok(Self { child, stdin, stdout })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // It may have ended on its own; either way it is waited for.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn through_pipe(pipe: &mut Pipe, n_calls: usize) -> Outcome<Series> {
    let message = message(r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":"#);
    let mut answer = [0; 4096];
    let mut took = Series::default();
    for _ in 0..n_calls {
        let since = Instant::now();
        pipe.stdin.write_all(message.as_bytes())?;
        let mut end = 0;
        while end == 0 || answer[end - 1] != b'\n' {
            end += pipe.stdout.read(&mut answer[end..])?;
        }
        took.push(since.elapsed().as_secs_f64() * 1e6);
    }
    Ok(took)
}

async fn through_session(session: &mut Session, n_calls: usize) -> Outcome<Series> {
    // Ids grow to six digits, so a message is a few bytes shorter at first.
    let message = message(r#"{"jsonrpc":"2.0","id":100000,"method":"echo","params":"#);
    let params = message.split_once("\"params\":").map_or("{}", |(_, rest)| rest);
    let params = Bytes::from(params.strip_suffix("}\n").unwrap_or(params).to_owned());
    let mut took = Series::default();
    for _ in 0..n_calls {
        let since = Instant::now();
        let outcome = session.request("echo", Expect::Raw, vec![params.clone()]).await;
        took.push(since.elapsed().as_secs_f64() * 1e6);
        match outcome.answer? {
            Reply::Raw(bytes) if bytes == params => {}
            _ => return Err("the echo is not what was sent".into()),
        }
    }
    Ok(took)
}

/// Fills a message of [`MESSAGE_BYTES`] after its head.
fn message(head: &str) -> String {
    let (open, close) = (r#"{"text":""#, "\"}}\n");
    let filling = "x".repeat(MESSAGE_BYTES - head.len() - open.len() - close.len());
    format!("{head}{open}{filling}{close}")
}
