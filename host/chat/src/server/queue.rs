//! Requests that wait for the model, in their order; whoever leaves gives the place back at once.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A bounded queue from connections to the model's thread.
///
/// The item that was taken last counts too, until it is answered: one who hears the last word of an answer finds a place, though the
/// model's thread may not have taken the next item yet.
pub(super) struct Queue<T> {
    places: usize,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// What waits, each with the number of its [`Place`].
    waiting: VecDeque<(u64, T)>,
    /// The number of the next place.
    next: u64,
    /// Whether an item was taken and is not answered yet.
    is_serving: bool,
    is_open: bool,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closed,
}

/// A place in the queue, kept by whoever waits. Dropped before its turn, it takes what waits out of the queue.
pub(super) struct Place<T> {
    queue: Arc<Queue<T>>,
    number: u64,
}

impl<T> Queue<T> {
    pub fn new(places: usize) -> Arc<Queue<T>> {
        let state = State { waiting: VecDeque::new(), next: 0, is_serving: false, is_open: true };
        Arc::new(Queue { places, state: Mutex::new(state), changed: Condvar::new() })
    }

    /// A panic elsewhere leaves the state whole: every change of it is one step.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many may wait behind the one that is answered.
    pub fn places(&self) -> usize {
        self.places
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Puts an item behind all others.
    pub fn enter(self: &Arc<Self>, item: T) -> Result<Place<T>, Refused> {
        let mut state = self.state();
        if !state.is_open {
            return Err(Refused::Closed);
        }
        if state.waiting.len() + usize::from(state.is_serving) > self.places {
            return Err(Refused::Full);
        }
        let number = state.next;
        state.next += 1;
        state.waiting.push_back((number, item));
        self.changed.notify_one();
        Ok(Place { queue: Arc::clone(self), number })
    }

    /// Waits for the item whose turn it is; `None` once the queue is closed. Until [`Self::answered`] it keeps its place.
    pub fn take(&self) -> Option<T> {
        let mut state = self.state();
        while state.is_open {
            if let Some((_, item)) = state.waiting.pop_front() {
                state.is_serving = true;
                return Some(item);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// Gives back the place of the item that was taken last.
    pub fn answered(&self) {
        self.state().is_serving = false;
    }

    /// Ends the queue: nobody enters any more, and [`Self::take`] gives `None`.
    pub fn close(&self) {
        self.state().is_open = false;
        self.changed.notify_all();
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        let at = state.waiting.iter().position(|(number, _)| *number == self.number);
        let left = at.and_then(|at| state.waiting.remove(at));
        drop(state);
        // Whatever the item's own end does, it does it without the lock.
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn items_come_in_their_order_without_those_that_left() {
        let queue = Queue::new(2);
        let mut places: Vec<_> = (0..3).map(|item| queue.enter(item).ok().unwrap()).collect();
        assert_eq!(queue.enter(9).err(), Some(Refused::Full));
        drop(places.remove(1));
        assert_eq!(queue.waiting(), 2);
        places.push(queue.enter(3).ok().unwrap());
        assert_eq!([queue.take(), queue.take(), queue.take()], [Some(0), Some(2), Some(3)]);
        // Their turn is over: places that are dropped now take nothing with them.
        places.push(queue.enter(4).ok().unwrap());
        places.drain(..3);
        assert_eq!(queue.take(), Some(4));
    }

    #[test]
    fn a_place_is_free_as_soon_as_an_answer_is_over() {
        let queue = Queue::new(2);
        let mut places = vec![queue.enter(0).ok().unwrap()];
        assert_eq!(queue.take(), Some(0));
        places.extend((1..3).map(|item| queue.enter(item).ok().unwrap()));
        assert_eq!(queue.enter(3).err(), Some(Refused::Full));
        // The model's thread has not come back for the next yet.
        queue.answered();
        places.push(queue.enter(3).ok().unwrap());
        assert_eq!((queue.enter(4).err(), queue.take()), (Some(Refused::Full), Some(1)));
        assert_eq!(queue.enter(4).err(), Some(Refused::Full));
    }

    #[test]
    fn closing_wakes_whoever_takes() {
        let queue = Queue::<u8>::new(1);
        let taking = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.take()
        });
        queue.close();
        assert_eq!(taking.join().unwrap(), None);
        assert_eq!(queue.enter(1).err(), Some(Refused::Closed));
    }
}
