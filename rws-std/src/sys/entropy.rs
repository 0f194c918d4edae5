//! Randomness.

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

/// Fills `out` from the operating system's generator.
///
/// # Panics
/// If the system has none: going on without would make every token guessable.
pub fn entropy(out: &mut [u8]) {
    let mut filled = 0;
    while filled < out.len() {
        match getrandom(&mut out[filled..], GetRandomFlags::empty()) {
            Ok(n) => filled += n,
            Err(Errno::INTR) => {}
            Err(error) => panic!("the system gives no randomness: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::entropy;

    #[test]
    fn two_draws_differ() {
        let (mut a, mut b) = ([0; 32], [0; 32]);
        entropy(&mut a);
        entropy(&mut b);
        assert_ne!(a, b);
    }
}
