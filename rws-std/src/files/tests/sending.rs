//! Bodies: copied, sent by the kernel, and cut off.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;

use super::*;

/// Up to this length a file is held in memory.
const LIMIT: usize = 32 * 1024;

fn letters(len: usize) -> Vec<u8> {
    (0..len).map(|at| b'a' + (at % 23) as u8).collect()
}

#[test]
fn a_small_file_is_held_in_memory_without_a_descriptor() {
    let site = Site::new();
    site.write("small", &letters(LIMIT));
    site.write("large", &letters(LIMIT + 1));
    let mut cache = site.cache();
    let mut plan = get(&mut cache, "/small");
    assert_eq!((cache.descriptors(), cache.memory_bytes()), (0, LIMIT as u64));
    assert_eq!(plan.body().direct(), 0);
    assert_eq!(body(&mut plan), letters(LIMIT));
    let mut plan = get(&mut cache, "/large");
    assert_eq!((cache.descriptors(), cache.memory_bytes()), (1, LIMIT as u64));
    assert_eq!(body(&mut plan), letters(LIMIT + 1));
}

#[test]
fn a_large_file_goes_through_sendfile_in_any_pieces() {
    let site = Site::new();
    let content = letters(1_000_000);
    site.write("large", &content);
    let mut cache = site.cache();
    let mut plan = get(&mut cache, "/large");
    assert_eq!(plan.body().direct(), 1_000_000);
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let reader = std::thread::spawn(move || {
        let mut got = Vec::new();
        theirs.read_to_end(&mut got).unwrap();
        got
    });
    let mut sent = 0_u64;
    let mut piece = 1_u64;
    while sent < 1_000_000 {
        match plan.body_mut().send_to(&ours, piece) {
            Ok(n) => {
                assert!(n > 0 && n as u64 <= piece);
                sent += n as u64;
                piece = piece * 3 + 1;
                assert_eq!(plan.body().left(), 1_000_000 - sent);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(plan.body().direct(), 0);
    drop(ours);
    assert_eq!(reader.join().unwrap(), content);
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_is_cut_off() {
    let site = Site::new();
    site.write("large", &letters(100_000));
    let mut cache = site.cache();
    let (mut copied, mut direct) = (get(&mut cache, "/large"), get(&mut cache, "/large"));
    let mut piece = [0; 60_000];
    assert_eq!(copied.body_mut().fill(&mut piece), Fill::More(60_000));
    let (ours, _theirs) = UnixStream::pair().unwrap();
    assert_eq!(direct.body_mut().send_to(&ours, 60_000).unwrap(), 60_000);
    fs::File::options().write(true).open(site.path("large")).unwrap().set_len(70_000).unwrap();
    assert_eq!(copied.body_mut().fill(&mut piece), Fill::Abort);
    assert_eq!(direct.body_mut().send_to(&ours, 60_000).unwrap(), 10_000);
    assert_eq!(direct.body_mut().send_to(&ours, 60_000).unwrap(), 0);
}

#[test]
fn a_file_that_is_replaced_while_it_is_sent_is_sent_as_it_was() {
    let site = Site::new();
    site.write("large", &letters(100_000));
    let mut cache = site.cache();
    let mut plan = get(&mut cache, "/large");
    site.write("next", b"short");
    fs::rename(site.path("next"), site.path("large")).unwrap();
    assert_eq!(body(&mut plan), letters(100_000));
    cache.clear();
    assert_eq!(content(&mut cache, "/large"), "short");
}

#[test]
fn a_file_that_grows_is_sent_to_the_length_that_was_announced() {
    let site = Site::new();
    site.write("large", &letters(50_000));
    let mut cache = site.cache();
    let mut plan = get(&mut cache, "/large");
    site.write("large", &letters(90_000));
    assert_eq!(body(&mut plan), letters(50_000));
}

#[test]
fn a_socket_that_is_closed_is_told_apart_from_a_file_that_fails() {
    let site = Site::new();
    site.write("large", &letters(100_000));
    let mut cache = site.cache();
    let mut plan = get(&mut cache, "/large");
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    assert_eq!(plan.body_mut().send_to(&ours, 1000).unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn an_empty_file_has_a_length_of_zero() {
    let site = Site::with(&[("empty", "")]);
    let mut cache = site.cache();
    let mut plan = get(&mut cache, "/empty");
    assert_eq!(plan.head().1, rws_core::connection::BodyPlan::Sized(0));
    assert_eq!(plan.body_mut().fill(&mut [0; 8]), Fill::End(0));
}
