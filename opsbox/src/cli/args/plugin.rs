//! The grammar of `plugin`: what authors of plugins need.

use clap::Subcommand;

use crate::cli::request::Request;
use crate::error::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Plugin {}

/// Returns the request of a command of the group.
///
/// # Errors
/// A usage failure that names the argument.
pub(super) fn request(command: Plugin) -> Result<Request, Failure> {
    match command {}
}
