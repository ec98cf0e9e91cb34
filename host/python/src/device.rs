//! A back end that documents and models take turns on.

use crate::document::Part;
use crate::fault::{Fault, Kind};
use crate::model::{Asked, Model, Offload, Said};
use crate::products::Products;
use crate::text::Running;
use nda_backends::{Backend, BackendName};
use nda_gemv::{Activations, Cost};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// A back end by its name. It has the weights of one document or model at a time: whoever comes next finds it empty. Threads wait for
/// one another.
pub struct Device {
    name: BackendName,
    /// Who is inside.
    holder: Mutex<Option<ThreadId>>,
    state: Mutex<State>,
}

/// What a device has.
enum State {
    /// Not open: no port is taken and no thread waits.
    Closed,
    /// Open, without weights.
    Idle(Box<Backend<'static>>),
    /// Some matrices of a document.
    Products(Products),
    /// A model.
    Model(Running),
}

/// Says that nobody is inside any more, also after a panic.
struct Inside<'d>(&'d Device);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        *lock(&self.0.holder) = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Device {
    /// Opens a back end: `cpu`, `sim`, `serial:/dev/ttyUSB0`, whatever `--backend` takes.
    ///
    /// # Errors
    /// An unknown name; kernels, boards or a simulator that this machine lacks.
    pub fn open(name: &str) -> Result<Device, Fault> {
        let device = Device::named(name)?;
        *lock(&device.state) = State::Idle(Box::new(Backend::open(&device.name)?));
        Ok(device)
    }

    /// The same, but it is opened with the first use.
    ///
    /// # Errors
    /// An unknown name.
    pub fn named(name: &str) -> Result<Device, Fault> {
        let name = BackendName::parse(name).map_err(|error| Fault { at: "the device's name".into(), ..error.into() })?;
        Ok(Device { name, holder: Mutex::new(None), state: Mutex::new(State::Closed) })
    }

    /// Its name in full: `sim:token1024`.
    pub fn name(&self) -> String {
        self.name.to_string()
    }

    /// Gives back port, threads and memory; the next use opens it again.
    ///
    /// # Errors
    /// A call from within.
    pub fn close(&self) -> Result<(), Fault> {
        self.enter(|state| {
            *state = State::Closed;
            Ok(())
        })
    }

    /// `y = W x` of several vectors, exact. The weights go to the device with the first product of them.
    ///
    /// # Errors
    /// Lengths that do not fit, values that the code does not have, the back end's failure.
    pub fn gemv(&self, part: &Part, vectors: usize, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, Fault> {
        self.enter(|state| {
            if !matches!(state, State::Products(products) if products.is_of(part.document())) {
                let backend = match std::mem::replace(state, State::Closed) {
                    State::Idle(backend) => *backend,
                    // A port is opened once: what had it goes first.
                    other => {
                        drop(other);
                        Backend::open(&self.name)?
                    }
                };
                *state = State::Products(Products::of(part.document(), backend));
            }
            match state {
                State::Products(products) => products.gemv(part, vectors, x, y),
                _ => unreachable!("it was made above"),
            }
        })
    }

    /// A text of a model, each piece told to `piece`, which may end it.
    ///
    /// # Errors
    /// A request that cannot be met, the back end's failure.
    pub fn generate(
        &self,
        model: &Arc<Model>,
        asked: &Asked<'_>,
        piece: &mut dyn FnMut(&str) -> std::ops::ControlFlow<()>,
    ) -> Result<Said, Fault> {
        asked.check()?;
        self.enter(|state| self.running(state, model, asked.form(model)?)?.generate(asked, piece))
    }

    /// The logits of what follows every one of some tokens, one row after another.
    ///
    /// # Errors
    /// Tokens that there are not, too many of them, the back end's failure.
    pub fn logits(&self, model: &Arc<Model>, tokens: &[u32]) -> Result<Vec<f32>, Fault> {
        self.enter(|state| self.running(state, model, model.offload())?.logits(tokens))
    }

    /// The model on this device.
    fn running<'s>(&self, state: &'s mut State, model: &Arc<Model>, offload: Offload) -> Result<&'s mut Running, Fault> {
        if !matches!(state, State::Model(running) if running.is_of(model, offload)) {
            *state = State::Closed;
            *state = State::Model(Running::of(model, &self.name, offload)?);
        }
        match state {
            State::Model(running) => Ok(running),
            _ => unreachable!("it was made above"),
        }
    }

    /// Waits until nobody else is inside.
    fn enter<R>(&self, work: impl FnOnce(&mut State) -> Result<R, Fault>) -> Result<R, Fault> {
        let own = thread::current().id();
        if *lock(&self.holder) == Some(own) {
            let help = "let the call that speaks return first, or use another Device";
            return Err(Fault::new(Kind::Argument, "the device is in use by the call that called this function", self.name(), help));
        }
        let mut state = self.state.lock().unwrap_or_else(|poisoned| {
            // What a panic left behind is not used again.
            self.state.clear_poison();
            let mut state = poisoned.into_inner();
            *state = State::Closed;
            state
        });
        *lock(&self.holder) = Some(own);
        let _inside = Inside(self);
        work(&mut state)
    }
}
