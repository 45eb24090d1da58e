//! A handler that crashed while it served one step is started again for the next one: nothing that it has done is repeated.
//!
//! The step that it crashed in has failed; what it may have called by then cannot be taken back. The plugins that it serves are not started
//! again: each has one step, and only its handler knows what an earlier call left in it.

use std::sync::Arc;

use super::super::Shared;
use super::super::lives::Lives;
use super::super::member::{self, Member};
use super::{Seat, Switchboard, locked};
use crate::manifest::Manifest;

/// What it takes to start a partner once more.
pub(super) struct Spare {
    manifest: Arc<Manifest>,
    config: serde_json::Map<String, serde_json::Value>,
    lives: Lives,
}

impl Spare {
    pub(super) fn of(member: &Member, shared: &Shared) -> Self {
        Self {
            manifest: Arc::clone(&member.manifest),
            config: member.config.clone(),
            lives: Lives::of(&member.manifest, &shared.ctx).for_run(),
        }
    }
}

impl Switchboard {
    /// Starts a handler again that crashed in an earlier step, as often as its budget allows; else the seat says why not.
    pub(super) async fn revive(&self, index: usize, seat: &mut Seat) {
        let Seat::Live(session) = &*seat else { return };
        let Some(partner) = self.partners.get(index).and_then(Option::as_ref) else {
            return;
        };
        let Some(mut error) = session.died_of() else {
            return;
        };
        let mut spare = partner.spare.lock().await;
        *seat = loop {
            if let Err(error) = spare.lives.outlive(&self.shared, index, error).await {
                break Seat::Failed(error);
            }
            let started = async {
                let mut live = member::start(&self.shared, index, &spare.manifest).await?;
                member::activate(&mut live, &spare.config).await?;
                Ok(live)
            };
            match started.await {
                Ok(live) => {
                    *locked(&partner.killer) = Some(live.session.killer());
                    break Seat::Live(Box::new(live.session));
                }
                Err(again) => error = again,
            }
        };
    }
}
