//! Requests that wait for an answer, in their order; whoever leaves gives the place back at once.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A bounded queue from connections to the threads that answer.
///
/// Items that were taken count too, until they are answered: one who hears the last word of an answer finds a place, though nobody may
/// have taken the next item yet.
pub(super) struct Queue<T> {
    places: usize,
    /// Who take items.
    takers: usize,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// What waits, each with the number of its [`Place`].
    waiting: VecDeque<(u64, T)>,
    /// The number of the next place.
    next: u64,
    /// Items that were taken and are not answered yet.
    serving: usize,
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
    pub fn new(places: usize, takers: usize) -> Arc<Queue<T>> {
        let state = State { waiting: VecDeque::new(), next: 0, serving: 0, is_open: true };
        Arc::new(Queue { places, takers, state: Mutex::new(state), changed: Condvar::new() })
    }

    /// A panic elsewhere leaves the state whole: every change of it is one step.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many may wait behind those that are answered.
    pub fn places(&self) -> usize {
        self.places
    }

    /// How many are answered at once.
    pub fn takers(&self) -> usize {
        self.takers
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
        if state.waiting.len() + state.serving >= self.places + self.takers {
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
                state.serving += 1;
                return Some(item);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// Gives back the place of an item that was taken.
    pub fn answered(&self) {
        self.state().serving -= 1;
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
        let queue = Queue::new(2, 1);
        let mut places: Vec<_> = (0..3).map(|item| queue.enter(item).ok().unwrap()).collect();
        assert_eq!(queue.enter(9).err(), Some(Refused::Full));
        drop(places.remove(1));
        assert_eq!(queue.waiting(), 2);
        places.push(queue.enter(3).ok().unwrap());
        let take = || {
            let item = queue.take();
            queue.answered();
            item
        };
        assert_eq!([take(), take(), take()], [Some(0), Some(2), Some(3)]);
        // Their turn is over: places that are dropped now take nothing with them.
        places.push(queue.enter(4).ok().unwrap());
        places.drain(..3);
        assert_eq!(queue.take(), Some(4));
    }

    #[test]
    fn a_place_is_free_as_soon_as_an_answer_is_over() {
        let queue = Queue::new(2, 1);
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
    fn as_many_as_are_answered_at_once_leave_the_places_to_others() {
        let queue = Queue::new(1, 3);
        let places: Vec<_> = (0..4).map(|item| queue.enter(item).ok().unwrap()).collect();
        assert_eq!((queue.enter(4).err(), [queue.take(), queue.take(), queue.take()]), (Some(Refused::Full), [Some(0), Some(1), Some(2)]));
        assert_eq!((queue.waiting(), queue.enter(4).err()), (1, Some(Refused::Full)));
        queue.answered();
        assert!(queue.enter(4).is_ok());
        drop(places);
    }

    #[test]
    fn closing_wakes_whoever_takes() {
        let queue = Queue::<u8>::new(1, 1);
        let taking = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.take()
        });
        queue.close();
        assert_eq!(taking.join().unwrap(), None);
        assert_eq!(queue.enter(1).err(), Some(Refused::Closed));
    }
}
