//! Moving bytes through non-blocking sockets, and telling how a connection ended.

use core::net::SocketAddr;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType, ipproto, socket_with, sockopt,
};

/// The outcome of a transfer that didn't fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// So many bytes went, more than none.
    Bytes(usize),
    /// Nothing can go now; epoll tells when to try again.
    Blocked,
    /// Reading: the peer has closed its side. Writing a file: the file is shorter than was thought.
    End,
}

/// Reads what is there into `into`, which must not be empty.
///
/// # Errors
/// The system's, such as a reset.
#[inline]
pub fn recv(socket: impl AsFd, into: &mut [u8]) -> io::Result<Transfer> {
    debug_assert!(!into.is_empty(), "an empty buffer can't be told from the peer's end");
    let mut result = rustix::net::recv(&socket, &mut *into, RecvFlags::empty());
    while matches!(result, Err(Errno::INTR)) {
        result = rustix::net::recv(&socket, &mut *into, RecvFlags::empty());
    }
    transfer(result.map(|(received, _)| received))
}

/// Sends as much of `bytes` as there is room for.
///
/// # Errors
/// The system's; a peer that is gone is an error and never a signal.
#[inline]
pub fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<Transfer> {
    send_flagged(socket, bytes, SendFlags::NOSIGNAL)
}

/// Like [`send`], and says that more follows at once (`MSG_MORE`), as before [`send_file`]: head and body then
/// share their packets.
///
/// # Errors
/// As [`send`].
#[inline]
pub fn send_more(socket: impl AsFd, bytes: &[u8]) -> io::Result<Transfer> {
    send_flagged(socket, bytes, SendFlags::NOSIGNAL | SendFlags::MORE)
}

#[inline]
fn send_flagged(socket: impl AsFd, bytes: &[u8], flags: SendFlags) -> io::Result<Transfer> {
    let mut result = rustix::net::send(&socket, bytes, flags);
    while matches!(result, Err(Errno::INTR)) {
        result = rustix::net::send(&socket, bytes, flags);
    }
    transfer(result)
}

/// Sends as much of `parts`, one after the other, as there is room for, in one call.
///
/// # Errors
/// As [`send`].
pub fn send_vectored(socket: impl AsFd, parts: &[IoSlice<'_>]) -> io::Result<Transfer> {
    // `writev` has no flag against SIGPIPE; Rust's runtime ignores that signal, but a host program need not.
    let mut result = sendmsg(&socket, parts);
    while matches!(result, Err(Errno::INTR)) {
        result = sendmsg(&socket, parts);
    }
    transfer(result)
}

fn sendmsg(socket: &impl AsFd, parts: &[IoSlice<'_>]) -> Result<usize, Errno> {
    rustix::net::sendmsg(socket, parts, &mut Default::default(), SendFlags::NOSIGNAL)
}

/// Sends up to `count` bytes of `file` from `offset`, which it moves on, without a copy through this process.
/// [`Transfer::End`] says that the file ends at `offset`.
///
/// # Errors
/// The system's, the socket's or the file's.
pub fn send_file(socket: impl AsFd, file: impl AsFd, offset: &mut u64, count: usize) -> io::Result<Transfer> {
    let mut result = rustix::fs::sendfile(&socket, &file, Some(offset), count);
    while matches!(result, Err(Errno::INTR)) {
        result = rustix::fs::sendfile(&socket, &file, Some(offset), count);
    }
    transfer(result)
}

fn transfer(result: Result<usize, Errno>) -> io::Result<Transfer> {
    match result {
        Ok(0) => Ok(Transfer::End),
        Ok(bytes) => Ok(Transfer::Bytes(bytes)),
        // EAGAIN and EWOULDBLOCK are one number on Linux.
        Err(Errno::AGAIN) => Ok(Transfer::Blocked),
        Err(error) => Err(error.into()),
    }
}

/// Starts to connect; the socket becomes writable when it is done, and [`pending_error`] tells how it went.
///
/// # Errors
/// The system's, when the attempt can't even begin.
pub fn connect(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// Whether `error` says that this process or machine has no descriptor or memory left for another socket, which is
/// nobody's fault but ours.
pub fn is_exhausted(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::NOSPC)
    )
}

/// Says that we send no more (FIN) and goes on reading: first half of the close that doesn't destroy the last
/// answer (RFC 9112 §9.6).
///
/// # Errors
/// The system's, when the connection is gone already.
pub fn half_close(socket: impl AsFd) -> io::Result<()> {
    Ok(rustix::net::shutdown(socket, Shutdown::Write)?)
}

/// Closes at once and tells the peer so by a reset: for peers that must not mistake a cut for an end, such as
/// the reader of a close-delimited body that we can't finish.
pub fn close_with_reset(socket: OwnedFd) {
    // If the option can't be set, the connection is gone already.
    let _ = sockopt::set_socket_linger(&socket, Some(core::time::Duration::ZERO));
    drop(socket);
}

/// The error that waits on the socket, which asking clears: the outcome of [`connect`], or why epoll reports a
/// broken connection.
///
/// # Errors
/// The system's, when the descriptor is not a socket.
pub fn pending_error(socket: impl AsFd) -> io::Result<Option<io::Error>> {
    Ok(sockopt::socket_error(socket)?.err().map(io::Error::from))
}

/// Whether an error of a transfer or of [`pending_error`] means that the peer has cut the connection, as
/// opposed to having closed it in order.
#[must_use]
pub fn was_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
    )
}

#[cfg(test)]
mod tests {
    use super::{
        Transfer, close_with_reset, connect, half_close, pending_error, recv, send, send_file, send_more,
        send_vectored, was_reset,
    };
    use crate::sys::{Epoll, Events, Interest};
    use core::time::Duration;
    use std::io::{IoSlice, Read, Seek, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::OwnedFd;

    fn pair() -> (OwnedFd, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (ours, _) = listener.accept().unwrap();
        ours.set_nonblocking(true).unwrap();
        (ours.into(), theirs)
    }

    fn wait_readable(socket: &OwnedFd) -> crate::sys::Event {
        let (epoll, mut events) = (Epoll::new().unwrap(), Events::with_capacity(1));
        epoll.add(socket, 0, Interest::Read).unwrap();
        epoll.wait(&mut events, Some(Duration::from_secs(10))).unwrap();
        events.at(0).expect("an event within ten seconds")
    }

    #[test]
    fn reading_tells_bytes_from_nothing_yet_from_the_end() {
        let (ours, mut theirs) = pair();
        let mut buffer = [0; 16];
        assert_eq!(recv(&ours, &mut buffer).unwrap(), Transfer::Blocked);
        theirs.write_all(b"hello").unwrap();
        wait_readable(&ours);
        assert_eq!(recv(&ours, &mut buffer).unwrap(), Transfer::Bytes(5));
        assert_eq!(buffer.get(..5).unwrap(), b"hello");
        drop(theirs);
        wait_readable(&ours);
        assert_eq!(recv(&ours, &mut buffer).unwrap(), Transfer::End);
    }

    #[test]
    fn every_way_to_send_arrives_in_order() {
        let (ours, mut theirs) = pair();
        let mut file = tempfile();
        file.write_all(b"0123456789").unwrap();
        file.rewind().unwrap();
        assert_eq!(send(&ours, b"a").unwrap(), Transfer::Bytes(1));
        let parts = [IoSlice::new(b"bc"), IoSlice::new(b"de")];
        assert_eq!(send_vectored(&ours, &parts).unwrap(), Transfer::Bytes(4));
        assert_eq!(send_more(&ours, b"f").unwrap(), Transfer::Bytes(1));
        let mut offset = 4;
        assert_eq!(send_file(&ours, &file, &mut offset, 100).unwrap(), Transfer::Bytes(6));
        assert_eq!(offset, 10);
        assert_eq!(send_file(&ours, &file, &mut offset, 100).unwrap(), Transfer::End);
        half_close(&ours).unwrap();
        let mut arrived = String::new();
        theirs.read_to_string(&mut arrived).unwrap();
        assert_eq!(arrived, "abcdef456789");
    }

    fn tempfile() -> std::fs::File {
        let flags = rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::RDWR;
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::open(std::env::temp_dir(), flags, mode).unwrap().into()
    }

    #[test]
    fn a_full_socket_is_blocked_and_not_an_error() {
        let (ours, _theirs) = pair();
        let chunk = [0; 65_536];
        let mut sent = 0;
        while let Transfer::Bytes(bytes) = send(&ours, &chunk).unwrap() {
            sent += bytes;
            assert!(sent < 1 << 30, "the kernel buffers without end");
        }
        assert_eq!(send(&ours, &chunk).unwrap(), Transfer::Blocked);
    }

    #[test]
    fn a_reset_is_told_from_an_orderly_close() {
        let (ours, theirs) = pair();
        close_with_reset(theirs.into());
        assert!(wait_readable(&ours).is_broken());
        let error = pending_error(&ours).unwrap().expect("the reset waits as an error");
        assert!(was_reset(&error), "{error}");

        let (ours, theirs) = pair();
        drop(theirs);
        assert!(!wait_readable(&ours).is_broken());
        assert!(pending_error(&ours).unwrap().is_none());
    }

    #[test]
    fn connecting_ends_writable_or_with_a_pending_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (epoll, mut events) = (Epoll::new().unwrap(), Events::with_capacity(1));
        let socket = connect(address).unwrap();
        epoll.add(&socket, 0, Interest::ReadWrite).unwrap();
        epoll.wait(&mut events, Some(Duration::from_secs(10))).unwrap();
        assert!(events.at(0).unwrap().is_writable());
        assert!(pending_error(&socket).unwrap().is_none());

        drop(listener);
        let refused = connect(address).and_then(|socket| {
            epoll.add(&socket, 1, Interest::ReadWrite)?;
            epoll.wait(&mut events, Some(Duration::from_secs(10)))?;
            pending_error(&socket)?.map_or(Ok(()), Err)
        });
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    }
}
