//! Memory for layers that a thread keeps from one request to the next.

use core::cell::RefCell;

use rws_core::middleware::{Heap, Memory, Room};

/// A [`Room`] on the heap that goes back to its thread when the exchange ends, so that a stack whose layers
/// edit answers allocates nothing per request. An exchange that needs no memory takes none.
///
/// What is lent may hold the bytes of an earlier request; a layer is shown only what was written for it.
#[derive(Debug, Default)]
pub struct PooledRoom(Option<Heap>);

/// Rooms that a thread keeps.
const ROOMS_PER_THREAD_MAX: usize = 16;
/// A room that has grown beyond this goes back to the allocator: bytes.
const ROOM_KEPT_BYTES_MAX: usize = 16 * 1024;

thread_local! {
    static ROOMS: RefCell<Vec<Heap>> = const { RefCell::new(Vec::new()) };
}

impl PooledRoom {
    fn heap(&mut self) -> &mut Heap {
        self.0.get_or_insert_with(|| {
            let kept = ROOMS.try_with(|rooms| rooms.borrow_mut().pop());
            kept.ok().flatten().unwrap_or_default()
        })
    }
}

impl Drop for PooledRoom {
    fn drop(&mut self) {
        let Some(heap) = self.0.take() else { return };
        if heap.held_bytes() > ROOM_KEPT_BYTES_MAX {
            return;
        }
        // A thread that is ending keeps nothing.
        let _ = ROOMS.try_with(|rooms| {
            let mut rooms = rooms.borrow_mut();
            if rooms.len() < ROOMS_PER_THREAD_MAX {
                rooms.push(heap);
            }
        });
    }
}

impl Room for PooledRoom {
    fn reserve_head(&mut self, bytes: usize, fields: usize) {
        self.heap().reserve_head(bytes, fields);
    }
    fn reserve_body(&mut self, bytes: usize) {
        self.heap().reserve_body(bytes);
    }
    fn reserve_stage(&mut self, pieces: usize) {
        self.heap().reserve_stage(pieces);
    }
    fn memory(&mut self) -> Memory<'_> {
        self.0.as_mut().map(Room::memory).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> usize {
        ROOMS.with_borrow(Vec::len)
    }

    #[test]
    fn a_room_goes_back_to_its_thread_and_comes_again() {
        ROOMS.take();
        let mut room = PooledRoom::default();
        assert!(room.memory().text.is_empty());
        drop(room);
        assert_eq!(kept(), 0, "one that was not used has nothing to give back");
        let mut room = PooledRoom::default();
        room.reserve_head(100, 4);
        assert_eq!((room.memory().text.len(), room.memory().fields.len()), (100, 4));
        drop(room);
        assert_eq!(kept(), 1);
        let mut room = PooledRoom::default();
        room.reserve_head(50, 2);
        assert_eq!((room.memory().text.len(), kept()), (100, 0));
    }

    #[test]
    fn a_room_that_has_grown_large_is_not_kept_and_neither_are_too_many() {
        ROOMS.take();
        let mut large = PooledRoom::default();
        large.reserve_body(ROOM_KEPT_BYTES_MAX + 1);
        drop(large);
        assert_eq!(kept(), 0);
        let mut rooms: Vec<PooledRoom> = Vec::new();
        rooms.resize_with(ROOMS_PER_THREAD_MAX + 3, PooledRoom::default);
        rooms.iter_mut().for_each(|room| room.reserve_head(10, 1));
        drop(rooms);
        assert_eq!(kept(), ROOMS_PER_THREAD_MAX);
    }
}
