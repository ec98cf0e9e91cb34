//! Work beside the view: each job in a thread of its own that ends with it, and one queue for what comes of them. Nothing polls.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Tells the face that something is in the queue.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The queue.
pub struct Work<E> {
    sender: Sender<E>,
    receiver: Receiver<E>,
    wake: Wake,
}

/// Where a job puts what came of it.
pub struct Post<E> {
    sender: Sender<E>,
    wake: Wake,
}

impl<E> Clone for Post<E> {
    fn clone(&self) -> Post<E> {
        Post { sender: self.sender.clone(), wake: self.wake.clone() }
    }
}

impl<E> Post<E> {
    /// Puts an event into the queue; a view that is gone needs none.
    pub fn tell(&self, event: E) {
        self.send(event);
    }

    /// Puts an event into the queue; whether the view is still there.
    pub fn send(&self, event: E) -> bool {
        let is_there = self.sender.send(event).is_ok();
        (self.wake)();
        is_there
    }
}

impl<E: Send + 'static> Work<E> {
    /// A queue whose face is told by `wake`.
    pub fn new(wake: Wake) -> Work<E> {
        let (sender, receiver) = channel();
        Work { sender, receiver, wake }
    }

    /// Where events are put.
    pub fn post(&self) -> Post<E> {
        Post { sender: self.sender.clone(), wake: self.wake.clone() }
    }

    /// Does something beside the view.
    pub fn start(&self, job: impl FnOnce(Post<E>) + Send + 'static) {
        let post = self.post();
        // A small stack: a job reads files and pipes.
        let started = std::thread::Builder::new().stack_size(1 << 20).spawn(move || job(post));
        // Without a thread there is no answer; the system is out of them, and the next key tries again.
        drop(started);
    }

    /// What has come; none if nothing has.
    pub fn next(&self) -> Option<E> {
        self.receiver.try_recv().ok()
    }

    /// Waits for the next event.
    pub fn wait(&self) -> Option<E> {
        self.receiver.recv().ok()
    }
}
