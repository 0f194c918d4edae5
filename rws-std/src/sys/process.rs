//! The process: how many descriptors it may open, what its threads are called.

use alloc::ffi::CString;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Raises the limit of open files as far as an unprivileged process may, and says what it is then
/// (`None`: unlimited). Each connection needs one.
///
/// # Errors
/// The system's; the old limit stays.
pub fn raise_open_files_limit() -> io::Result<Option<u64>> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    }
    Ok(limit.maximum)
}

/// Names the calling thread, as `top -H` and debuggers show it; Linux keeps 15 bytes.
pub fn set_thread_name(name: &str) {
    if cfg!(miri) {
        return; // Miri runs the hand-over's tests, but has no `prctl`.
    }
    let end = name.floor_char_boundary(15);
    if let Ok(name) = CString::new(name.split_at(end).0) {
        // The name is for people who look; that it could not be set is nothing to stop for.
        let _ = rustix::thread::set_name(&name);
    }
}

/// CPU time that the calling thread has used, in µs.
pub(super) fn thread_cpu_us() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000
}

/// What a thread of this process is doing, as the kernel tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ThreadActivity {
    /// It runs or waits for a CPU, as opposed to sleeping in a call. False when unknown.
    pub(super) is_runnable: bool,
    /// CPU time that it has used.
    pub(super) cpu_us: u64,
}

impl ThreadActivity {
    /// The calling thread's number, for [`ThreadActivity::of`].
    pub(super) fn this_thread() -> u64 {
        rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs().into()
    }

    /// What the thread with this number does. Without `/proc` it is unknown.
    pub(super) fn of(thread: u64) -> ThreadActivity {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/self/task/{thread}/{file}"));
        // "tid (name, which may hold anything) state …" and "nanoseconds-on-cpu nanoseconds-waited slices".
        let stat = read("stat").unwrap_or_default();
        let state = stat.rsplit_once(')').map(|(_, fields)| fields.trim_start());
        let schedule = read("schedstat").unwrap_or_default();
        let cpu_ns = schedule.split(' ').next().and_then(|ns| ns.parse::<u64>().ok());
        ThreadActivity {
            is_runnable: state.is_some_and(|state| state.starts_with('R')) && cpu_ns.is_some(),
            cpu_us: cpu_ns.unwrap_or(0) / 1_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ThreadActivity, raise_open_files_limit, set_thread_name, thread_cpu_us};
    use rustix::process::{Resource, getrlimit};

    #[test]
    fn the_soft_limit_of_open_files_is_the_hard_one_afterwards() {
        let raised = raise_open_files_limit().unwrap();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, raised);
        assert_eq!(limit.current, limit.maximum);
    }

    #[test]
    fn a_long_thread_name_is_cut_at_a_character() {
        set_thread_name("rws-shard-1234é");
        assert_eq!(rustix::thread::name().unwrap().to_str().unwrap(), "rws-shard-1234");
    }

    #[test]
    fn a_thread_that_computes_is_told_from_one_that_sleeps() {
        let mine = ThreadActivity::of(ThreadActivity::this_thread());
        if !mine.is_runnable {
            return; // No `/proc` here.
        }
        assert!(mine.cpu_us <= thread_cpu_us() + 1_000);
        let (tell, told) = std::sync::mpsc::channel();
        let (release, until) = std::sync::mpsc::channel::<()>();
        let sleeper = std::thread::spawn(move || {
            tell.send(ThreadActivity::this_thread()).unwrap();
            until.recv().unwrap_err();
        });
        let thread = told.recv().unwrap();
        while ThreadActivity::of(thread).is_runnable {
            std::thread::yield_now();
        }
        drop(release);
        sleeper.join().unwrap();
        assert!(!ThreadActivity::of(u64::MAX).is_runnable, "unknown threads don't run");
    }
}
