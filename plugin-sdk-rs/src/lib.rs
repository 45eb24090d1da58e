//! The SDK for Opsbox plugins in Rust.
//!
//! A plugin is a program that the host starts and asks over stdin and stdout. It implements [`Plugin`] and the trait of its
//! role ([`Provider`], [`Input`], [`Check`], [`Assistant`], [`Output`], [`Handler`], or [`Handled`] for a type that a handler
//! serves), and its `main` serves it:
//!
//! ```no_run
//! use opsbox_plugin::{Ctx, Gap, OpsResult, Plugin, Provider, Result, Service};
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Config {
//!     /// Folders whose backups are looked at.
//!     backup_folders: Vec<std::path::PathBuf>,
//! }
//! struct Backups(Config);
//! impl Plugin for Backups {
//!     type Config = Config;
//!     fn configure(config: Config) -> Result<Self> {
//!         Ok(Self(config))
//!     }
//! }
//! impl Provider for Backups {
//!     fn gather_data(&mut self, ctx: &Ctx) -> Result<OpsResult> {
//!         let mut backups = Vec::new();
//!         for folder in &self.0.backup_folders {
//!             match std::fs::metadata(folder).and_then(|data| data.modified()) {
//!                 Ok(time) => backups.push(serde_json::json!({"folder": folder, "age": time.elapsed()?.as_secs()})),
//!                 Err(error) => ctx.gap(Gap::new(folder.display().to_string(), error.to_string())),
//!             }
//!         }
//!         Ok(OpsResult::new("backups", "backups").details(&serde_json::json!({"backups": backups}))?)
//!     }
//! }
//! fn main() -> std::process::ExitCode {
//!     Service::provider::<Backups>().serve()
//! }
//! ```
//!
//! Beside the program lies its manifest:
//!
//! ```toml
//! [info]
//! name = "backups"
//! type = "provider"
//!
//! [run]
//! command = ["target/release/backups"]
//! ```
//!
//! The rest is done here: the handshake, the configuration's JSON Schema, cancellation, the end of the process when the host
//! goes away, and standard output, which belongs to the protocol (`println!` in a plugin goes to stderr). A panic in a hook
//! is an error of that call. [`Harness`] runs a plugin in memory through the same loop, for tests.

mod role;

mod ctx;
mod error;
mod host;
mod result;
mod service;

mod asking;
mod harness;
mod listen;
mod session;
mod stdio;
mod wire;

pub use ctx::{Ctx, Gap};
pub use error::{Cancelled, Error, Failure, Result};
pub use harness::{Harness, Told};
pub use host::{HookAnswer, HookParams, Host, HostError, PluginFacts};
pub use opsbox_protocol::message::{InitializeParams, LogLevel, Status, StepStatus, Terminal};
pub use opsbox_protocol::{ErrorBody, ErrorData, code};
pub use result::{OpsResult, ResultRef};
pub use role::{Assistant, Check, CheckHook, Handled, Handler, Input, NoConfig, Output, Plugin, Provider};
pub use service::{Service, config_schema};
