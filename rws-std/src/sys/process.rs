//! The process: how many descriptors it may open, what its threads are called.

use alloc::ffi::CString;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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

#[cfg(test)]
mod tests {
    use super::{raise_open_files_limit, set_thread_name};
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
}
