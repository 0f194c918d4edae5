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

    /// Runs one of the ignored tests below in a process of its own: signals are the process's.
    fn exit_code_of(child: &str) -> Option<i32> {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", &format!("signals::tests::{child}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .code()
    }

    #[test]
    fn the_first_signal_is_delivered_and_the_process_goes_on() {
        assert_eq!(exit_code_of("child_gets_one_signal"), Some(0));
    }

    #[test]
    fn the_second_signal_ends_the_process_with_its_code() {
        assert_eq!(exit_code_of("child_gets_two_signals"), Some(128 + 15));
    }

    #[test]
    #[ignore = "a child process of another test"]
    fn child_gets_one_signal() {
        let signals = StopSignals::install().unwrap();
        kill_process(getpid(), Signal::INT).unwrap();
        signals.wait().unwrap();
    }

    #[test]
    #[ignore = "a child process of another test"]
    fn child_gets_two_signals() {
        let signals = StopSignals::install().unwrap();
        kill_process(getpid(), Signal::INT).unwrap();
        signals.wait().unwrap();
        kill_process(getpid(), Signal::TERM).unwrap();
        std::thread::park_timeout(core::time::Duration::from_secs(20));
        unreachable!("the process has ended");
    }
}
