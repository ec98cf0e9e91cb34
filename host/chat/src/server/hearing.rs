//! What a connection hears of its request, with an end to every wait.

use super::Handle;
use super::problem::Problem;
use super::protocol::Request;
use super::queue::{Place, Queue, Refused};
use super::worker::{Job, MORE_NEWS, News};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, Receiver};

/// News of one request. Dropped, it takes the request out of the queue, or ends its answer after the next token.
pub(super) struct Hearing {
    news: Receiver<News>,
    until: Instant,
    deadline: Duration,
    handle: Handle,
    _place: Place<Job>,
}

impl Hearing {
    /// Puts a request into the queue. `context` is the most tokens that an answer can have.
    pub fn begin(
        queue: &Arc<Queue<Job>>,
        request: Request,
        context: usize,
        deadline: Duration,
        handle: &Handle,
    ) -> Result<Hearing, Problem> {
        let choices = request.choices();
        let (sender, news) = mpsc::channel(choices * (context + MORE_NEWS));
        let came = Instant::now();
        let until = came + deadline;
        match queue.enter(Job { request, came, until, deadline, news: sender }) {
            Ok(place) => Ok(Hearing { news, until, deadline, handle: handle.clone(), _place: place }),
            Err(Refused::Full) => Err(Problem::queue_full(queue.places())),
            Err(Refused::Closed) => Err(Problem::ending()),
        }
    }

    /// Waits for the next news. The model looks at the time and for the server's end between tokens alone, and a token may
    /// take long: so both are looked for here too.
    pub async fn next(&mut self) -> News {
        tokio::select! {
            biased;
            news = self.news.recv() => news.unwrap_or_else(|| News::Failed(Problem::ending())),
            () = self.handle.ended() => News::Failed(Problem::ending()),
            () = tokio::time::sleep_until(self.until.into()) => News::Failed(Problem::timeout(self.deadline.as_secs_f32())),
        }
    }
}
