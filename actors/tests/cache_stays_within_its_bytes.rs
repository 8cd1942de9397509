//! What the cache of decisions says that it weighs is what it takes of the heap, or more. A program of its own, since it
//! replaces the allocator.

use actors::router::cache::{Cache, Occasion};
use actors::router::situation::{Class, Situation};
use actors::router::verdict::Verdict;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::rc::Rc;
use wire::hash::Hash;
use wire::random::SplitMix64;

struct Weighing;

thread_local! {
    /// Bytes that this thread holds.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn weigh(bytes: isize) {
    // A thread that is ending has no counter any more, and nobody who asks for it.
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Weighing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        weigh(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        weigh(-(layout.size() as isize));
        // SAFETY: the pointer comes from `alloc` above, which is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        weigh(size as isize - layout.size() as isize);
        // SAFETY: the pointer comes from `alloc` above, which is the system's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Weighing = Weighing;

/// Decides so many times at random; gives the most that the heap held, and the most that the cache said.
fn churn(decisions: u64, limit: usize) -> (usize, usize) {
    let before = HELD.get();
    let mut random = SplitMix64(5);
    let mut cache = Cache::new(limit, 3);
    let (mut most_held, mut most_said) = (0, 0);
    for now in 0..decisions {
        let key = Hash(random.bits() % (decisions / 8));
        let situation = Situation { key, world: key, class: Class::Dungeon, is_known: true };
        let occasion = Occasion { prompt: Hash(random.bits() % decisions), situation, picture: random.bits() & 0xFFFF };
        let verdict = Verdict {
            skill: ["fight", "explore", "rest"][random.below(3)].to_string(),
            arguments: "{\"steps\":4}".to_string(),
            reason: "x".repeat(random.below(200)),
            ..Verdict::default()
        };
        cache.learn(&occasion, Rc::new(verdict), now);
        cache.similar(&occasion, 0, now);
        cache.exact(Hash(random.bits() % decisions), now);
        let held = usize::try_from(HELD.get() - before).unwrap_or(0);
        assert!(held <= cache.bytes(), "it holds {held} bytes and says {} after {now} decisions", cache.bytes());
        most_held = most_held.max(held);
        most_said = most_said.max(cache.bytes());
    }
    (most_held, most_said)
}

#[test]
fn the_heap_never_holds_more_than_the_cache_says() {
    let limit = 1 << 20;
    let (held, said) = churn(50_000, limit);
    println!("held {held}, said {said}");
    assert!(said <= limit && said > limit * 9 / 10);
    assert!(held > limit / 2, "it says twice as much as it holds: {held} of {said}");
}

#[test]
#[ignore = "a million decisions: some seconds"]
fn the_cache_stays_within_its_bytes_over_a_million_decisions() {
    let limit = 8 << 20;
    let (held, said) = churn(1_000_000, limit);
    println!("held {held}, said {said}");
    assert!(said <= limit && said > limit * 9 / 10);
}
