//! OpenAI's protocol over HTTP: one thread of HTTP, the caller's thread, which owns the model, and between them a thread for every request
//! that is answered at once. Where a token machine holds one text alone, the caller's thread answers by itself, one request after another.

mod connections;
mod guards;
mod hearing;
mod meters;
mod problem;
mod protocol;
mod queue;
mod replies;
mod routes;
mod scores;
mod slots;
mod vocabulary;
mod worker;

use self::slots::Keeping;
use crate::calls::CallForm;
use crate::dialect::Dialect;
use crate::error::ChatError;
use crate::lane::{Facts, Lane};
use crate::line::Line;
use crate::shared::Taker;
use crate::slots::Slots;
use crate::speaker::Speaker;
use connections::Grants;
use guards::Doors;
use meters::Meters;
use nda_engine::Sampling;
use protocol::Defaults;
pub use protocol::Names;
use queue::Queue;
use routes::Shared;
pub use slots::Shelf;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::thread::{self, Scope};
use std::time::Duration;
use tokio::sync::watch;
use vocabulary::Vocabulary;
use worker::{Desk, Job, Office};

/// What a server is to do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What clients call the model.
    pub model: String,
    /// Which names of models are taken in requests.
    pub names: Names,
    /// The address that it listens on.
    pub host: IpAddr,
    /// The port; 0 for one that is free.
    pub port: u16,
    /// What clients must show; needed where `host` is not this machine alone.
    pub key: Option<String>,
    /// The origin whose pages in a browser may ask, or `*`; only the server's own page unless given.
    pub origin: Option<String>,
    /// Requests that may wait while others are answered; more are refused. At least 1.
    pub queue: usize,
    /// Requests that are answered at once, each token of theirs in one step with the others'. At least 1; in whole tokens
    /// no more than the token machine holds texts, which on a board is 1.
    pub parallel: usize,
    /// Connections that may be open; more are refused. At least 1.
    pub connections: usize,
    /// How long a client may take for a request's head, and how long a connection may idle before it.
    pub head: Duration,
    /// How long a client may take for a request's body, and for reading what is left of an answer.
    pub body: Duration,
    /// How long a request may take from its arrival to its last token.
    pub deadline: Duration,
    /// Bytes that a request's body may have.
    pub body_bytes: usize,
    /// Where texts of slots are saved, if they are.
    pub shelf: Option<Arc<dyn Shelf>>,
    /// How tokens are drawn unless a request says otherwise. Each request without a seed has the next one.
    pub sampling: Sampling,
}

impl Settings {
    /// Loopback, any name of a model, eight requests at once and eight that wait, 256 connections, 20 seconds for a head and 30 for a body, ten minutes for an answer, a
    /// mebibyte, greedy.
    pub fn new(model: impl Into<String>, port: u16) -> Settings {
        Settings {
            model: model.into(),
            names: Names::Any,
            host: Ipv4Addr::LOCALHOST.into(),
            port,
            key: None,
            origin: None,
            queue: 8,
            parallel: 8,
            connections: 256,
            head: Duration::from_secs(20),
            body: Duration::from_secs(30),
            deadline: Duration::from_secs(600),
            body_bytes: 1 << 20,
            shelf: None,
            sampling: Sampling::GREEDY,
        }
    }

    fn grants(&self) -> Grants {
        // A body comes, is answered, and what is left of the answer is read.
        Grants { connections: self.connections.max(1), head: self.head, exchange: self.body + self.deadline + self.body }
    }
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    listener: TcpListener,
    address: SocketAddr,
    handle: Handle,
}

/// Ends a server from another thread.
#[derive(Debug, Clone)]
pub struct Handle {
    end: Arc<watch::Sender<bool>>,
}

impl Handle {
    /// Ends the server: what is being answered breaks off, and [`Server::run`] returns.
    pub fn end(&self) {
        self.end.send_replace(true);
    }

    fn is_ended(&self) -> bool {
        *self.end.borrow()
    }

    /// Waits until it ends.
    fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut end = self.end.subscribe();
        // An error means that nobody is left who could end it otherwise.
        async move {
            let _ = end.wait_for(|is_ended| *is_ended).await;
        }
    }
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// A port that cannot be had, or an address that others reach without a key to ask for.
    pub fn bind(settings: Settings) -> Result<Server, ChatError> {
        let address = SocketAddr::from((settings.host, settings.port));
        if !settings.host.is_loopback() && settings.key.is_none() {
            return Err(ChatError::Unguarded { address });
        }
        let failed = |source| ChatError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server { settings, listener, address, handle: Handle { end: Arc::new(watch::Sender::new(false)) } })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What ends it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Answers until it is ended; the model stays on this thread. Without a dialect, conversations are refused and
    /// plain completions are not.
    ///
    /// # Errors
    /// What the system refuses to a server. Failures of the model are told to the client that met them.
    pub fn run(self, speaker: &mut Speaker<'_, '_>, dialect: Option<&Dialect<'_>>) -> Result<(), ChatError> {
        let failed = |action| move |source| ChatError::System { action, source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed("start the server"))?;
        let Server { settings, listener, handle, .. } = self;
        let texts = speaker.shared_texts(settings.parallel.max(1));
        let takers = texts.as_ref().map_or(1, Vec::len);
        let (grants, queue, meters) = (settings.grants(), Queue::<Job>::new(settings.queue.max(1), takers), Arc::<Meters>::default());
        let slots = texts.map(|texts| Arc::new(Slots::new(texts)));
        let keeping = slots.as_ref().zip(speaker.session()).map(|(slots, session)| Keeping {
            slots: Arc::clone(slots),
            shelf: settings.shelf.clone(),
            model: settings.model.clone(),
            wanted: session.kept_as(),
            context: session.context(),
        });
        let router = Self::router(settings, keeping, &handle, &queue, &meters, speaker, dialect)?;
        let (closing, ends) = (Closing(Arc::clone(&queue)), handle.clone());
        let http = async move {
            connections::serve(tokio::net::TcpListener::from_std(listener)?, router, grants, &ends).await;
            Ok(())
        };
        let office = Office { dialect, grammars: Mutex::default(), meters, queue, handle, slots };
        thread::scope(|scope| {
            let spawned = thread::Builder::new().name("nda-http".into()).spawn_scoped(scope, move || {
                let _closing = closing;
                let done = runtime.block_on(http);
                // Takes the connections that still run with it.
                runtime.shutdown_background();
                done
            });
            let http = spawned.map_err(failed("start the server's thread"))?;
            match office.slots.as_ref().zip(speaker.taker()) {
                Some((slots, (facts, taker))) => answer_at_once(scope, (facts, taker), &office, slots, takers)?,
                None => Desk { speaker, office: &office }.serve(),
            }
            // A thread that panicked has said so itself.
            http.join().unwrap_or(Ok(())).map_err(failed("serve"))
        })
    }

    fn router(
        settings: Settings,
        keeping: Option<Keeping>,
        handle: &Handle,
        queue: &Arc<Queue<Job>>,
        meters: &Arc<Meters>,
        speaker: &Speaker<'_, '_>,
        dialect: Option<&Dialect<'_>>,
    ) -> Result<axum::Router, ChatError> {
        let origin = settings.origin.map(guards::origin).transpose()?;
        let shared = Shared {
            queue: Arc::clone(queue),
            context: speaker.context(),
            body: settings.body,
            deadline: settings.deadline,
            defaults: Defaults { model: settings.model, names: settings.names, sampling: settings.sampling },
            calls: dialect.map_or(CallForm::Tagged, Dialect::call_form),
            vocabulary: Vocabulary {
                tokenizer: speaker.shared_tokenizer(),
                bounds: speaker.bounds().clone(),
                size: speaker.vocab_size(),
                template: dialect.map(|dialect| dialect.source().to_owned()),
            },
            keeping,
            meters: Arc::clone(meters),
            doors: Doors { host: settings.host, key: settings.key, origin },
            requests: AtomicU64::new(0),
            started: std::time::SystemTime::now(),
            handle: handle.clone(),
        };
        Ok(routes::router(shared, settings.body_bytes))
    }
}

/// Answers several requests at once, each by a thread of its own; this one takes their tokens, all that wait in one step.
fn answer_at_once<'s, 'm>(
    scope: &'s Scope<'s, '_>,
    (facts, taker): (Facts<'m>, &mut dyn Taker),
    office: &'s Office<'s>,
    slots: &'s Arc<Slots>,
    takers: usize,
) -> Result<(), ChatError>
where
    'm: 's,
{
    let line = Arc::<Line>::default();
    let spawn = |number: usize| {
        let lane = Lane::new(facts.clone(), line.join(), Arc::clone(slots));
        let answer = move || Desk { speaker: &mut Speaker::in_lane(lane), office }.serve();
        thread::Builder::new().name(format!("nda-answer-{number}")).spawn_scoped(scope, answer).map(|_| ())
    };
    let spawned = (0..takers).try_for_each(spawn);
    if spawned.is_err() {
        // Those that are there may have begun: they end as at the server's end.
        office.handle.end();
    }
    line.serve(taker, |cost| office.meters.board(cost));
    spawned.map_err(|source| ChatError::System { action: "start a thread that answers", source })
}

/// Closes the queue when the server's thread ends, however it does.
struct Closing(Arc<Queue<Job>>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}
