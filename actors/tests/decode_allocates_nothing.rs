//! Decoding allocates nothing once its buffers have grown. A program of its own, since it replaces the allocator.

use actors::decode::Decoder;
use actors::decode::largest_floor::{DUNGEON_ADDRESS, full_snapshot, poke};
use actors::profile::Profiles;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use wire::observation::Observation;

struct Counting;

thread_local! {
    /// Allocations of this thread: the test's own harness allocates on another one meanwhile.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter any more, and nobody who asks for it.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer comes from `alloc` above, which is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the pointer comes from `alloc` above, which is the system's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn decoding_allocates_nothing_once_its_buffers_have_grown() {
    let profiles = Profiles::built_in();
    let mut decoder = Decoder::new(profiles.named("burrow").unwrap(), true);
    let mut observation = Observation::default();
    let command = full_snapshot();
    let mut dialogue = full_snapshot();
    poke(&mut dialogue, 0x0202_E744, &[9]);
    poke(&mut dialogue, 0x0202_E798, &[b'x'; 999]);
    let mut menu = full_snapshot();
    poke(&mut menu, 0x0202_EDD0, &[10]);
    poke(&mut menu, 0x0202_EE6C, &[10]);
    let mut broken = full_snapshot();
    poke(&mut broken, DUNGEON_ADDRESS + 0x645, &[0]);
    let mut round = || {
        decoder.decode(&command, &mut observation).unwrap();
        decoder.decode(&dialogue, &mut observation).unwrap();
        decoder.decode(&menu, &mut observation).unwrap();
        decoder.decode(&broken, &mut observation).unwrap_err();
    };
    round();
    let before = ALLOCATIONS.get();
    (0..1_000).for_each(|_| round());
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
