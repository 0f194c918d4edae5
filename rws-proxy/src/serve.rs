//! From a checked configuration to a running server.

use crate::config::Config;
use std::io;

/// Serves `config` until a signal ends it.
///
/// # Errors
/// The listener cannot be opened, or a shard fails.
pub fn serve(config: Config) -> io::Result<()> {
    let message = format!("serving {}:{} is not part of this build yet", config.ip, config.port);
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}
