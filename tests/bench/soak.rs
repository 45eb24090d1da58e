//! Long runs: neither descriptors nor processes nor memory may grow with what was done before.

use std::process::Stdio;
use std::time::{Duration, Instant};

use opsbox::plugin::{Reply, Session};
use opsbox_protocol::Expect;

use crate::peer::{self, Host};
use crate::report;
use crate::tree;
use crate::{Options, Outcome};

/// What is done before the first look, so that caches and allocators have what they need.
const WARM: usize = 50;
const AT_ONCE: usize = 200;
/// Allocators keep some memory; a leak of one small buffer in each round is more.
const SLACK: u64 = 4 * 1024 * 1024;

/// What this process holds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Held {
    descriptors: usize,
    /// Its children, those that nobody has waited for included.
    children: usize,
    resident: u64,
}

impl Held {
    fn now() -> Outcome<Self> {
        let own = std::process::id().to_string();
        let children = std::fs::read_dir("/proc")?
            .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("stat")).ok())
            .filter(|stat| {
                let fields = stat.rsplit_once(") ").map(|(_, fields)| fields);
                fields.and_then(|fields| fields.split(' ').nth(1)) == Some(own.as_str())
            })
            .count();
        Ok(Self {
            descriptors: std::fs::read_dir("/proc/self/fd")?.count(),
            children,
            resident: tree::resident_of("self")?,
        })
    }

    /// Says how much more is held now than before.
    ///
    /// # Errors
    /// Where it is more than nothing, or than what an allocator keeps.
    fn compare(self, what: &str, rounds: usize, took: Duration) -> Outcome {
        let now = Self::now()?;
        let grown = now.resident.saturating_sub(self.resident);
        report::line(&format!(
            "{rounds} {what} in {:.1} s: descriptors {} -> {}, children {} -> {}, memory {:.1} -> {:.1} MiB",
            took.as_secs_f64(),
            self.descriptors,
            now.descriptors,
            self.children,
            now.children,
            mebibytes(self.resident),
            mebibytes(now.resident),
        ))?;
        if now.descriptors > self.descriptors || now.children > self.children || grown > SLACK {
            return Err(format!("{what}: something grew").into());
        }
        Ok(())
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Plugins started and stopped again, one after the other: `--rounds`.
pub(crate) fn cycles(options: &Options) -> Outcome {
    let rounds = options.rounds;
    peer::run(async move {
        let host = Host::new()?;
        let mut before = Held::now()?;
        let mut since = Instant::now();
        for round in 0..WARM + rounds {
            if round == WARM {
                before = settled().await?;
                since = Instant::now();
            }
            let mut session = host.start(&["echo"]).await?;
            echo(&mut session).await?;
            session.stop().await;
        }
        let took = since.elapsed();
        settled().await?;
        before.compare("plugins started and stopped", rounds, took)
    })
}

/// Calls to one plugin: `--calls`.
pub(crate) fn calls(options: &Options) -> Outcome {
    let calls = options.calls;
    peer::run(async move {
        let host = Host::new()?;
        let mut session = host.start(&["echo"]).await?;
        for _ in 0..WARM {
            echo(&mut session).await?;
        }
        let before = Held::now()?;
        let since = Instant::now();
        for _ in 0..calls {
            echo(&mut session).await?;
        }
        before.compare("calls to one plugin", calls, since.elapsed())?;
        session.stop().await;
        Ok(())
    })
}

/// Plugins at once, `AT_ONCE` of them, each called ten times while all live. What the first lot made the allocator keep, the next must do with.
pub(crate) fn plugins(options: &Options) -> Outcome {
    let rounds = options.rounds;
    peer::run(async move {
        let host = Host::new()?;
        at_once(&host).await?;
        let before = settled().await?;
        let since = Instant::now();
        for _ in 0..rounds {
            let most = at_once(&host).await?;
            report::line(&format!(
                "while {AT_ONCE} live: {} descriptors, {} children, {:.1} MiB in this process",
                most.descriptors,
                most.children,
                mebibytes(most.resident)
            ))?;
        }
        let took = since.elapsed();
        settled().await?;
        before.compare(&format!("times {AT_ONCE} plugins at once"), rounds, took)
    })
}

/// Starts them all, calls and stops them; returns what is held while they live.
async fn at_once(host: &Host) -> Outcome<Held> {
    let mut sessions = Vec::new();
    for _ in 0..AT_ONCE {
        sessions.push(host.start(&["echo"]).await?);
    }
    let most = Held::now()?;
    for _ in 0..10 {
        for session in &mut sessions {
            echo(session).await?;
        }
    }
    let stopping: Vec<_> = sessions
        .into_iter()
        .map(|session| tokio::spawn(session.stop()))
        .collect();
    for stopped in stopping {
        stopped.await?;
    }
    Ok(most)
}

/// Whole runs of the binary, one after the other, all kept: `--rounds`. What they leave is looked for in this tree and in their folder.
pub(crate) fn runs(options: &Options) -> Outcome {
    let folder = options.folder()?;
    let run = || -> Outcome {
        let status = tree::command(&options.opsbox, &folder.path)
            .args(["run", "disk_space,inodes-sort_severity-json_out"])
            .env("TMPDIR", &folder.path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        // What a user may not see is a gap.
        if !matches!(status.code(), Some(0 | 4)) {
            return Err(format!("a run ended with {status}").into());
        }
        Ok(())
    };
    let rest = || -> Outcome<Vec<String>> {
        let names = std::fs::read_dir(&folder.path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names: Vec<_> = names.collect::<std::io::Result<_>>()?;
        names.sort_unstable();
        Ok(names)
    };
    // Whoever is left of a run becomes a child of this process, and is counted.
    adopt()?;
    run()?;
    let (before, files) = (Held::now()?, rest()?);
    let since = Instant::now();
    for _ in 0..options.rounds {
        run()?;
    }
    before.compare("whole runs", options.rounds, since.elapsed())?;
    if rest()? != files {
        return Err(format!("files are left: {:?}, {files:?} before", rest()?).into());
    }
    let kept = tree::command(&options.opsbox, &folder.path)
        .args(["runs", "list", "--json"])
        .output()?;
    let kept: serde_json::Value = serde_json::from_slice(&kept.stdout)?;
    report::line(&format!(
        "kept of them: {} characters of `runs list --json`",
        kept.to_string().len()
    ))
}

/// Makes this process the parent of whoever loses theirs below it.
fn adopt() -> Outcome {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// Lets tasks that have nothing more to do end, then looks.
async fn settled() -> Outcome<Held> {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    Held::now()
}

async fn echo(session: &mut Session) -> Outcome {
    let params = vec![bytes::Bytes::from_static(b"{\"number\":1}")];
    match session.request("echo", Expect::Raw, params).await.answer? {
        Reply::Raw(answer) if answer == "{\"number\":1}" => Ok(()),
        other => Err(format!("the echo was {other:?}").into()),
    }
}
