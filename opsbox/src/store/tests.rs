//! What the store does on its own, without a run.
