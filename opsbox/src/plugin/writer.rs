//! The writer of one plugin's stdin, fed by a lane that never blocks whoever sends.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;

use super::peer::Pieces;
use crate::trace::Tracer;

/// Pieces are gathered up to about this size: one system call instead of one for each comma.
const JOIN_BYTES: usize = 64 * 1024;
/// A piece of more than this is written from where it lies.
const OWN_WRITE_BYTES: usize = 16 * 1024;

/// Why the writer stopped before it was asked to.
#[derive(Debug)]
pub(crate) enum WriteFault {
    /// The plugin closed its stdin or died.
    Closed,
    /// It reads nothing.
    Stalled,
}

/// Writes messages until the lane closes; then stdin is closed.
pub(crate) async fn write_all(
    mut stdin: ChildStdin,
    mut lane: mpsc::UnboundedReceiver<Pieces>,
    stall: Option<Duration>,
    trace: Option<Arc<Tracer>>,
) -> Result<(), WriteFault> {
    while let Some(pieces) = lane.recv().await {
        if let Some(trace) = &trace {
            trace.sent(&pieces);
        }
        let mut small = Vec::new();
        for piece in pieces {
            if piece.len() > OWN_WRITE_BYTES {
                write_piece(&mut stdin, &std::mem::take(&mut small), stall).await?;
                write_piece(&mut stdin, &piece, stall).await?;
                continue;
            }
            small.extend_from_slice(&piece);
            if small.len() > JOIN_BYTES {
                write_piece(&mut stdin, &std::mem::take(&mut small), stall).await?;
            }
        }
        write_piece(&mut stdin, &small, stall).await?;
    }
    if let Some(trace) = &trace {
        trace.process("end of its input");
    }
    Ok(())
}

async fn write_piece(
    stdin: &mut ChildStdin,
    mut rest: &[u8],
    stall: Option<Duration>,
) -> Result<(), WriteFault> {
    while !rest.is_empty() {
        let written = match stall {
            None => stdin.write(rest).await,
            Some(limit) => tokio::time::timeout(limit, stdin.write(rest))
                .await
                .map_err(|_| WriteFault::Stalled)?,
        };
        match written {
            Ok(0) | Err(_) => return Err(WriteFault::Closed),
            Ok(written) => rest = &rest[written..],
        }
    }
    Ok(())
}
