//! rws on threads and epoll.
