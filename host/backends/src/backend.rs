//! An open back end of any kind.

use crate::Boards;
use crate::error::BackendError;
use crate::router::Router;
use nda_gemv::Gemv;
use nda_kernels::{CpuGemv, ThreadPool};

/// An open back end.
pub struct Backend<'m> {
    kind: Kind<'m>,
    notes: Vec<String>,
    /// How a model is run on it, if not product by product.
    form: Option<&'static str>,
}

#[expect(clippy::large_enum_variant, reason = "there is one of them in a program")]
pub(crate) enum Kind<'m> {
    Cpu(CpuGemv<'m>),
    #[cfg(feature = "gpu")]
    Gpu(Box<nda_gpu::GpuGemv>),
    Boards(Box<Boards<'m>>),
    /// Boards with the CPU beside them.
    Router(Box<Router<'m>>),
}

impl<'m> Backend<'m> {
    pub(crate) fn new(kind: Kind<'m>, notes: Vec<String>) -> Backend<'m> {
        Backend { kind, notes, form: None }
    }

    /// Who multiplies.
    pub fn gemv(&mut self) -> &mut dyn Gemv<'m> {
        match &mut self.kind {
            Kind::Cpu(gemv) => gemv,
            #[cfg(feature = "gpu")]
            Kind::Gpu(gemv) => &mut **gemv,
            Kind::Boards(gemv) => &mut **gemv,
            Kind::Router(gemv) => &mut **gemv,
        }
    }

    /// Threads for what stands between products.
    pub fn threads(&self) -> ThreadPool {
        match &self.kind {
            Kind::Cpu(gemv) => gemv.pool().clone(),
            #[cfg(feature = "gpu")]
            Kind::Gpu(_) => CpuGemv::new().pool().clone(),
            Kind::Boards(_) => ThreadPool::default(),
            Kind::Router(router) => router.cpu().pool().clone(),
        }
    }

    /// What a person calls it.
    pub fn name(&self) -> String {
        let name = match &self.kind {
            Kind::Cpu(gemv) => gemv.name(),
            #[cfg(feature = "gpu")]
            Kind::Gpu(gemv) => Gemv::name(&**gemv),
            Kind::Boards(gemv) => gemv.name(),
            Kind::Router(gemv) => gemv.name(),
        };
        self.form.map_or(name.clone(), |form| format!("{name}, {form}"))
    }

    /// Says how a model is run, for [`Self::name`].
    pub fn set_form(&mut self, form: &'static str) {
        self.form = Some(form);
    }

    /// What was noticed at the opening: a port's remarks.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Why each product that a board has no room for runs on the CPU.
    pub fn refusals(&self) -> &[String] {
        match &self.kind {
            Kind::Router(router) => router.refusals(),
            _ => &[],
        }
    }

    /// The first word of the tile store that a further product would have; none if there is no board, or more than one.
    pub fn next_word(&self) -> Option<usize> {
        let boards = match &self.kind {
            Kind::Boards(boards) => boards.boards(),
            Kind::Router(router) => router.boards().boards(),
            _ => return None,
        };
        match boards {
            [board] => Some(board.next_word()),
            _ => None,
        }
    }

    /// Whether there are boards, at work or not.
    pub fn has_boards(&self) -> bool {
        matches!(self.kind, Kind::Boards(_) | Kind::Router(_))
    }

    /// Why the boards do nothing of what was prepared, if there are boards and they do nothing.
    pub fn idle(&self) -> Option<String> {
        let Kind::Router(router) = &self.kind else { return None };
        if router.has_boards_at_work() {
            return None;
        }
        Some(match router.refusals().first() {
            None => "all weights are floats; convert with --weights k2".into(),
            Some(first) => format!("no product has room there, the first because {first}; see 'nda plan'"),
        })
    }

    /// Sends all weights to the boards now and tells `progress` the bytes done and the bytes in all; a CPU and a GPU have them already.
    ///
    /// # Errors
    /// A board's failure.
    pub fn upload(&mut self, progress: impl FnMut(u64, u64) + Send + 'static) -> Result<(), BackendError> {
        let boards = match &mut self.kind {
            Kind::Boards(boards) => boards,
            Kind::Router(router) => router.boards_mut(),
            // Their weights are where they multiply.
            _ => return Ok(()),
        };
        boards.set_progress(progress);
        boards.upload().map_err(|e| BackendError::device(boards.name(), e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_back_end_goes_to_another_thread_and_one_without_weights_takes_those_of_any_document() {
        fn is_sent<T: Send>() {}
        is_sent::<Backend<'_>>();
        fn shortened<'m>(backend: Backend<'static>, _weights: &'m [u64]) -> Backend<'m> {
            backend
        }
        let words = [0];
        assert!(!shortened(Backend::new(Kind::Cpu(CpuGemv::new()), Vec::new()), &words).has_boards());
    }
}
