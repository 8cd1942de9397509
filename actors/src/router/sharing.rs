//! Questions under way: who asks what another is asking already waits for the same answer.
//!
//! A call lives as long as anybody waits for it. Whoever stops waiting takes nothing from the others; with the last of them it
//! is dropped, which cancels it.

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared, WeakShared};
use std::collections::HashMap;
use std::future::Future;
use wire::hash::Hash;

/// A call that several may wait for.
pub type Call<T> = Shared<LocalBoxFuture<'static, T>>;

/// The calls under way, by the keys of their prompts.
pub struct Sharing<T: Clone> {
    calls: HashMap<Hash, WeakShared<LocalBoxFuture<'static, T>>>,
}

impl<T: Clone> Default for Sharing<T> {
    fn default() -> Sharing<T> {
        Sharing { calls: HashMap::new() }
    }
}

impl<T: Clone> Sharing<T> {
    /// The call that asks this already.
    pub fn join(&self, key: Hash) -> Option<Call<T>> {
        self.calls.get(&key).and_then(WeakShared::upgrade)
    }

    /// Begins a call that others may join.
    pub fn begin(&mut self, key: Hash, call: impl Future<Output = T> + 'static) -> Call<T> {
        self.calls.retain(|_, call| call.upgrade().is_some());
        let call = call.boxed_local().shared();
        if let Some(weak) = call.downgrade() {
            self.calls.insert(key, weak);
        }
        call
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn one_who_stops_waiting_takes_nothing_from_the_others() {
        let mut sharing = Sharing::default();
        let (sender, receiver) = oneshot::channel();
        let first = sharing.begin(Hash(1), async move { receiver.await.ok() });
        let second = sharing.join(Hash(1)).expect("it is under way");
        assert!(sharing.join(Hash(2)).is_none());
        drop(first);
        sender.send(7).expect("the call lives");
        assert_eq!(second.await, Some(7));
        assert!(sharing.join(Hash(1)).is_none(), "it is over");
    }

    #[tokio::test]
    async fn a_call_that_nobody_waits_for_is_dropped() {
        let mut sharing = Sharing::default();
        let alive = Rc::new(());
        let held = alive.clone();
        let call = sharing.begin(Hash(1), async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        let other = sharing.join(Hash(1)).expect("it is under way");
        drop(call);
        assert_eq!(Rc::strong_count(&alive), 2);
        drop(other);
        assert_eq!(Rc::strong_count(&alive), 1);
        drop(sharing.begin(Hash(2), async {}));
        assert_eq!(sharing.calls.len(), 1, "calls that are over are forgotten");
    }
}
