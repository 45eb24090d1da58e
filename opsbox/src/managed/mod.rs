//! The managed Python environment: where it is, what is in it, and how packages get into it.
//!
//! An environment is made whole in a folder of its own and then pointed to; the one before stays as it was until then. Nothing here touches
//! an environment that somebody else made.

mod build;
mod change;
pub(crate) mod demand;
mod faults;
mod hashes;
mod installed;
mod installer;
mod light;
mod lock;
mod making;
mod pythons;
pub(crate) mod request;
mod secret;
mod store;
mod trouble;

pub use change::{Changed, Manager, Now, Options};
pub use installer::Watch;
pub use light::{LIGHT_VERSION, light_hash, light_name, light_wheel, write_light};
pub(crate) use lock::normal;
pub use lock::{LOCK_FILE, LockFile, Package, Requested, Source};
pub use store::{Active, Store};
