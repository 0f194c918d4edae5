//! The command line of `rws`.

use crate::config::Overrides;
use clap::Parser;
use core::net::IpAddr;
use std::path::PathBuf;

/// A web server and reverse proxy, driven by rws.config.toml.
///
/// Without a configuration it serves the current directory on port 7878 of this machine. What is given here wins over the
/// file, and the file wins over RWS_CONFIG_* variables.
#[derive(Clone, Debug, Parser)]
#[command(name = "rws", version, about)]
pub struct Cli {
    /// The configuration file; otherwise rws.config.toml in the current directory, if it is there
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The address to listen on
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Option<IpAddr>,

    /// The port to listen on; 0 lets the system choose one
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,

    /// How many threads serve; one per core otherwise
    #[arg(long, value_name = "COUNT")]
    pub thread_count: Option<u16>,

    /// The directory whose files are served where no route takes a request
    #[arg(long, value_name = "DIRECTORY")]
    pub root: Option<PathBuf>,

    /// Check the configuration, print every error, and exit (status 1 if there is one)
    #[arg(long)]
    pub check: bool,
}

impl Cli {
    /// What the command line sets in the configuration.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        Overrides {
            config: self.config.clone(),
            ip: self.ip,
            port: self.port,
            thread_count: self.thread_count,
            root: self.root.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_reaches_the_overrides() {
        let words = "rws --config a.toml --ip ::1 --port 0 --thread-count 2 --root /srv --check";
        let cli = Cli::try_parse_from(words.split(' ')).expect("a good command line");
        let overrides = cli.overrides();
        assert_eq!(overrides.config.as_deref(), Some("a.toml".as_ref()));
        assert_eq!(overrides.ip.map(|ip| ip.to_string()).as_deref(), Some("::1"));
        assert_eq!((overrides.port, overrides.thread_count), (Some(0), Some(2)));
        assert_eq!(overrides.root.as_deref(), Some("/srv".as_ref()));
        assert!(cli.check);
    }

    #[test]
    fn what_is_no_port_or_address_is_refused() {
        for words in ["rws --port 65536", "rws --ip localhost", "rws --thread-count -1", "rws file.toml"] {
            assert!(Cli::try_parse_from(words.split(' ')).is_err(), "{words}");
        }
    }
}
