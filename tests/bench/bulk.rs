//! One large Result from a provider to an output through the host, against a store-and-forward that looks for the `\n` and nothing else.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use opsbox::plugin::Session;
use opsbox_protocol::{Hook, outgoing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};

use crate::peer::{self, Host};
use crate::report::{self, Series};
use crate::tree::{self, Watched};
use crate::{Options, Outcome};

const PIPE_BYTES: usize = 1024 * 1024;

pub(crate) fn measure(options: &Options) -> Outcome {
    let options = options.clone();
    peer::run(async move {
        let megabytes = options.megabytes.to_string();
        let host = Host::new()?;
        let mut source = host.start(&["source", &megabytes]).await?;
        let mut sink = host.start(&["sink"]).await?;
        let mut raw_source = Raw::start(&["source", &megabytes])?;
        let mut raw_sink = Raw::start(&["sink"])?;
        let (mut of_raw, mut of_host) = (Series::default(), Series::default());
        for round in 0..=options.rounds {
            let raw = through_raw(&mut raw_source, &mut raw_sink).await?;
            let hosted = through_host(&mut source, &mut sink).await?;
            if round > 0 {
                of_raw.push(raw.as_secs_f64() * 1e3);
                of_host.push(hosted.as_secs_f64() * 1e3);
            }
        }
        source.stop().await;
        sink.stop().await;
        report::heading(
            &format!("{megabytes} MB from a provider to an output"),
            options.rounds,
        )?;
        report::row("raw tokio, store and forward", "ms", &of_raw)?;
        report::row("Session -> ResultSlice -> Session", "ms", &of_host)?;
        report::row("host / raw (goal 2)", "x", &of_host.over(&of_raw))
    })
}

/// The way that a run takes: the provider's Result, then the same bytes as part of the output's parameters.
async fn through_host(source: &mut Session, sink: &mut Session) -> Outcome<Duration> {
    let since = Instant::now();
    let nothing = vec![Bytes::from_static(b"{}")];
    let results = source
        .call(Hook::GatherData, nothing)
        .await
        .answer?
        .into_results();
    let result = results.into_iter().next().ok_or("no Result")?;
    let params = vec![
        Bytes::from_static(b"{\"results\":["),
        result.bytes,
        Bytes::from_static(b"]}"),
    ];
    sink.call(Hook::ProcessResults, params).await.answer?;
    Ok(since.elapsed())
}

struct Raw {
    /// Killed when it is dropped.
    _child: tokio::process::Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
}

impl Raw {
    fn start(role: &[&str]) -> Outcome<Self> {
        let mut child = tokio::process::Command::new(peer::own()?)
            .arg("child")
            .args(role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (stdin, stdout) = child.stdin.take().zip(child.stdout.take()).ok_or("no pipes")?;
        rustix::pipe::fcntl_setpipe_size(&stdin, PIPE_BYTES)?;
        rustix::pipe::fcntl_setpipe_size(&stdout, PIPE_BYTES)?;
        Ok(Self {
            _child: child,
            stdin,
            stdout,
        })
    }

    /// Reads up to the first `\n`, which ends the answer.
    async fn line(&mut self) -> Outcome<Vec<u8>> {
        let mut line = Vec::with_capacity(8 * 1024);
        let mut scanned = 0;
        loop {
            if line.len() == line.capacity() {
                line.reserve(line.len());
            }
            if self.stdout.read_buf(&mut line).await? == 0 {
                return Err("the child has ended".into());
            }
            if memchr::memchr(b'\n', &line[scanned..]).is_some() {
                return Ok(line);
            }
            scanned = line.len();
        }
    }
}

async fn through_raw(source: &mut Raw, sink: &mut Raw) -> Outcome<Duration> {
    let since = Instant::now();
    let call = format!(
        "{}{{}}{}",
        outgoing::request_head(1, "gather_data"),
        outgoing::TAIL
    );
    source.stdin.write_all(call.as_bytes()).await?;
    let line = source.line().await?;
    sink.stdin.write_all(&line).await?;
    sink.line().await?;
    Ok(since.elapsed())
}

/// One transfer in a process of its own, which then tells its own peak.
pub(crate) fn once(options: &Options) -> Outcome {
    let options = options.clone();
    peer::run(async move {
        let host = Host::new()?;
        let mut source = host.start(&["source", &options.megabytes.to_string()]).await?;
        let mut sink = host.start(&["sink"]).await?;
        let before = tree::peak_of("self")?;
        through_host(&mut source, &mut sink).await?;
        let peak = tree::peak_of("self")?;
        source.stop().await;
        sink.stop().await;
        report::line(&format!("{before} {peak}"))
    })
}

/// The host's peak over the payload: of the library's path alone, and of `opsbox run` as a user starts it.
pub(crate) fn memory(options: &Options) -> Outcome {
    let payload = (options.megabytes * 1_000_000) as f64;
    let (mut library, mut grown, mut binary) = (Series::default(), Series::default(), Series::default());
    let folder = options.folder()?;
    plugins(&folder.path, options.megabytes)?;
    for _ in 0..options.rounds {
        let told = Command::new(peer::own()?)
            .args(["bulk-once", "--megabytes", &options.megabytes.to_string()])
            .output()?;
        let text = String::from_utf8(told.stdout)?;
        let last = text.lines().last().unwrap_or_default();
        let (before, peak) = last.split_once(' ').ok_or("the child told no peak")?;
        let (before, peak): (f64, f64) = (before.parse()?, peak.parse()?);
        library.push(peak / payload);
        grown.push((peak - before) / payload);
        let watched = Watched::run(
            tree::command(&options.opsbox, &folder.path)
                .args(["run", "bench_source-bench_sink", "--plugin-dir"])
                .arg(folder.path.join("plugins")),
            Some(tree::Measure::Rss),
        )?;
        if watched.code != Some(0) {
            return Err(format!("`opsbox run` ended with {:?}:\n{}", watched.code, watched.stderr).into());
        }
        binary.push(watched.root_peak as f64 / payload);
    }
    report::heading(
        &format!(
            "peak memory of the host over a payload of {} MB",
            options.megabytes
        ),
        options.rounds,
    )?;
    report::row("Session -> Session: growth of the peak", "x", &grown)?;
    report::row("Session -> Session: whole process", "x", &library)?;
    report::row("`opsbox run`: whole process (goal 1.2)", "x", &binary)
}

fn plugins(folder: &std::path::Path, megabytes: usize) -> Outcome {
    let own = peer::own()?;
    let source = format!("\"source\", \"{megabytes}\"");
    for (name, kind, role) in [
        ("bench_source", "provider", source.as_str()),
        ("bench_sink", "output", "\"sink\""),
    ] {
        let home = folder.join("plugins").join(name);
        std::fs::create_dir_all(&home)?;
        let manifest = format!(
            "[info]\nname = \"{name}\"\ntype = \"{kind}\"\n\n[run]\ncommand = [\"{}\", \"child\", {role}]\n\n[limits]\nline = \"1GiB\"\n",
            own.display()
        );
        std::fs::write(home.join("manifest.toml"), manifest)?;
    }
    Ok(())
}
