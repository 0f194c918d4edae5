//! SIGTERM and SIGINT: the first asks for a graceful drain, the second ends the process at once.
//!
//! ```text
//!   ┌─────────┐ first: a byte into the pipe ┌──────────┐ second: exit code 128 + signal
//!   │ serving │────────────────────────────▶│ draining │──────────────────────────────▶ gone
//!   └─────────┘                             └──────────┘
//! ```

use alloc::sync::Arc;
use core::sync::atomic::AtomicBool;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level::pipe};

/// The receiving end of the process's wish to stop.
#[derive(Debug)]
pub struct StopSignals {
    receiver: UnixStream,
}

impl StopSignals {
    /// Takes SIGTERM and SIGINT over, for the rest of the process's life.
    ///
    /// # Errors
    /// The system's, when it has no descriptor left or forbids the handlers.
    pub fn install() -> io::Result<StopSignals> {
        let (receiver, sender) = UnixStream::pair()?;
        let is_draining = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // Handlers run in the order of their registration: the exit looks at what an earlier signal has set.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&is_draining))?;
            flag::register(signal, Arc::clone(&is_draining))?;
            pipe::register(signal, sender.try_clone()?)?;
        }
        Ok(StopSignals { receiver })
    }

    /// Blocks until a signal has come.
    ///
    /// # Errors
    /// The system's; none is to be expected.
    pub fn wait(&self) -> io::Result<()> {
        (&self.receiver).read_exact(&mut [0])
    }
}

/// Becomes readable when a signal has come: for epoll.
impl AsFd for StopSignals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.receiver.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::StopSignals;
    use rustix::process::{Signal, getpid, kill_process};
    use std::process::{Command, Stdio};

    /// Set in the process of its own that a test runs itself in: signals are the process's.
    const CHILD: &str = "RWS_SIGNALS_CHILD";

    fn is_child() -> bool {
        std::env::var_os(CHILD).is_some()
    }

    /// Runs `test` of this module in a process of its own.
    fn exit_code_of(test: &str) -> Option<i32> {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("signals::tests::{test}")])
            .env(CHILD, "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .code()
    }

    #[test]
    fn the_first_signal_is_delivered_and_the_process_goes_on() {
        if is_child() {
            let signals = StopSignals::install().unwrap();
            kill_process(getpid(), Signal::INT).unwrap();
            return signals.wait().unwrap();
        }
        assert_eq!(exit_code_of("the_first_signal_is_delivered_and_the_process_goes_on"), Some(0));
    }

    #[test]
    fn the_second_signal_ends_the_process_with_its_code() {
        if is_child() {
            let signals = StopSignals::install().unwrap();
            kill_process(getpid(), Signal::INT).unwrap();
            signals.wait().unwrap();
            kill_process(getpid(), Signal::TERM).unwrap();
            std::thread::park_timeout(core::time::Duration::from_secs(20));
            unreachable!("the process has ended");
        }
        assert_eq!(exit_code_of("the_second_signal_ends_the_process_with_its_code"), Some(128 + 15));
    }
}
