//! The writer of one plugin's stdin, fed by a lane that never blocks whoever sends.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;

use super::peer::Pieces;

/// Below this size a message is copied into one buffer: one system call instead of several.
const JOIN_BYTES: usize = 64 * 1024;

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
) -> Result<(), WriteFault> {
    while let Some(pieces) = lane.recv().await {
        let size: usize = pieces.iter().map(Bytes::len).sum();
        if size <= JOIN_BYTES {
            write_piece(&mut stdin, &pieces.concat(), stall).await?;
            continue;
        }
        for piece in pieces {
            write_piece(&mut stdin, &piece, stall).await?;
        }
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
