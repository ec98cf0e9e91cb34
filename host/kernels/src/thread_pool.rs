//! The threads that share a product, and whatever else a step does between two products.
//!
//! A decode step is a hundred products of some ten microseconds each, which is what waking a sleeping thread costs. So
//! helpers stay awake for a while after a product: each runs a task that looks for the pool's other work until nothing
//! has come for [`AWAKE`].

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

use crate::cpu::CpuError;

/// How long a helper looks for the next product before it sleeps: longer than what stands between two products of a step.
const AWAKE: Duration = Duration::from_micros(500);
/// Looks at the helpers before the caller sleeps: some hundred microseconds.
const SPINS: usize = 1 << 13;
/// Turns of waiting between a helper's last word and the scope's.
const LAST_SPINS: usize = 8;
/// Looks for work between two looks at the clock.
const LOOKS: usize = 32;

/// The caller's thread and helpers; without helpers by default. A clone is the same pool, so that what stands between two products
/// can use the threads that are awake for them: threads of another pool would only take their cores.
#[derive(Debug, Clone, Default)]
pub struct ThreadPool {
    helpers: Option<Arc<rayon::ThreadPool>>,
    watch: Arc<Watch>,
}

/// When there was work last, and how many helpers look for more.
#[derive(Debug)]
struct Watch {
    start: Instant,
    last_ns: AtomicU64,
    looking: AtomicUsize,
}

impl Default for Watch {
    fn default() -> Self {
        Watch { start: Instant::now(), last_ns: AtomicU64::new(0), looking: AtomicUsize::new(0) }
    }
}

impl Watch {
    fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Does the pool's other work until none has come for a while.
    fn look(&self) {
        let limit = AWAKE.as_nanos() as u64;
        while self.now_ns().saturating_sub(self.last_ns.load(Ordering::Relaxed)) < limit {
            for _ in 0..LOOKS {
                if rayon::yield_now() != Some(rayon::Yield::Executed) {
                    std::hint::spin_loop();
                }
            }
        }
        self.looking.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Items that threads take one after another.
pub(crate) trait Queue: Send {
    /// What is done.
    type Item;

    /// The next item for a thread, the caller's being thread 0; `None` when no thread finds one any more.
    fn take(&mut self, thread: usize) -> Option<Self::Item>;
}

impl Queue for std::ops::Range<usize> {
    type Item = usize;

    fn take(&mut self, _thread: usize) -> Option<usize> {
        self.next()
    }
}

/// The next item. The lock is held for some nanoseconds only, so a thread that finds it taken looks again: to sleep for it, and
/// to be woken, would cost more than the item.
fn take<Q: Queue>(queue: &Mutex<Q>, thread: usize) -> Option<Q::Item> {
    loop {
        match queue.try_lock() {
            Ok(mut items) => return items.take(thread),
            // A thread panicked; the scope passes that panic on.
            Err(TryLockError::Poisoned(_)) => return None,
            Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
        }
    }
}

impl ThreadPool {
    /// `threads` threads, the caller's included.
    ///
    /// # Errors
    /// [`CpuError::NoThread`] for 0, [`CpuError::Threads`] if the system refuses to start them.
    pub fn new(threads: usize) -> Result<ThreadPool, CpuError> {
        let helpers = match threads {
            0 => return Err(CpuError::NoThread),
            1 => None,
            _ => {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads - 1).thread_name(|i| format!("nda-gemv-{i}"));
                Some(Arc::new(pool.build().map_err(|source| CpuError::Threads { threads, source })?))
            }
        };
        Ok(ThreadPool { helpers, watch: Arc::default() })
    }

    /// The threads, the caller's included.
    pub fn threads(&self) -> usize {
        1 + self.helpers.as_ref().map_or(0, |helpers| helpers.current_num_threads())
    }

    /// Does `work` of 0 to `tasks`, in any order.
    pub fn share(&self, tasks: usize, work: impl Fn(usize) + Sync) {
        self.run(0..tasks, work);
    }

    /// [`Self::share`] of work whose `size` is worth waking threads for, at least `least`; else the caller does it alone.
    pub fn share_large(&self, size: usize, least: usize, tasks: usize, work: impl Fn(usize) + Sync) {
        if size >= least && tasks > 1 { self.share(tasks, work) } else { (0..tasks).for_each(work) }
    }

    /// Does every item on all threads, each taking the next one when it is free, so a helper that wakes late does less, and
    /// the caller waits no longer than for its waking and one item. Allocates one small box per helper.
    pub(crate) fn run<Q: Queue>(&self, mut queue: Q, work: impl Fn(Q::Item) + Sync) {
        let Some(helpers) = &self.helpers else {
            while let Some(item) = queue.take(0) {
                work(item);
            }
            return;
        };
        self.wake(helpers);
        let queue = Mutex::new(queue);
        let drain = |thread| {
            while let Some(item) = take(&queue, thread) {
                work(item);
            }
        };
        let busy = AtomicUsize::new(helpers.current_num_threads());
        helpers.in_place_scope(|scope| {
            for helper in 0..helpers.current_num_threads() {
                let (drain, busy) = (&drain, &busy);
                scope.spawn(move |_| {
                    drain(helper + 1);
                    busy.fetch_sub(1, Ordering::Release);
                });
            }
            drain(0);
            // The scope would sleep until its helpers are done, and waking costs more than most products.
            for _ in 0..SPINS {
                if busy.load(Ordering::Acquire) == 0 {
                    break;
                }
                std::hint::spin_loop();
            }
            // The scope hears of the last helper a moment after this thread.
            (0..LAST_SPINS).for_each(|_| std::hint::spin_loop());
        });
        self.watch.last_ns.store(self.watch.now_ns(), Ordering::Relaxed);
    }

    /// Sees to it that every helper is looking for work.
    fn wake(&self, helpers: &rayon::ThreadPool) {
        self.watch.last_ns.store(self.watch.now_ns(), Ordering::Relaxed);
        let missing = helpers.current_num_threads().saturating_sub(self.watch.looking.load(Ordering::Relaxed));
        for _ in 0..missing {
            self.watch.looking.fetch_add(1, Ordering::Relaxed);
            let watch = Arc::clone(&self.watch);
            helpers.spawn(move || watch.look());
        }
    }
}
