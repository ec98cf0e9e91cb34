//! Products of one document's matrices on a back end.

use crate::document::{Document, Part};
use crate::fault::Fault;
use nda_backends::Backend;
use nda_gemv::{Activations, Cost, MatrixId, run_vectors};
use self_cell::self_cell;
use std::collections::HashMap;
use std::sync::Arc;

/// A back end and what it has of the document.
pub(crate) struct Bench<'m> {
    backend: Backend<'m>,
    prepared: HashMap<(u32, usize), MatrixId>,
}

self_cell!(
    /// A document and a back end that has some of its matrices.
    pub(crate) struct Products {
        owner: Arc<Document>,

        #[not_covariant]
        dependent: Bench,
    }
);

impl Products {
    /// A back end for the matrices of a document; it has none yet.
    pub fn of(document: &Arc<Document>, backend: Backend<'static>) -> Products {
        Products::new(Arc::clone(document), |_| Bench { backend, prepared: HashMap::new() })
    }

    /// Whether it is that document's.
    pub fn is_of(&self, document: &Arc<Document>) -> bool {
        Arc::ptr_eq(self.borrow_owner(), document)
    }

    /// `y = W x` of several vectors; the weights go to the back end with the first of them.
    pub fn gemv(&mut self, part: &Part, vectors: usize, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, Fault> {
        let (index, stack) = part.key();
        let failed = |error| Fault::of_gemv(&error, part.place());
        self.with_dependent_mut(|document, bench| {
            let gemv = bench.backend.gemv();
            let id = match bench.prepared.get(&(index, stack)) {
                Some(id) => *id,
                None => {
                    let frame = document.content().matrix_at(index).expect("the part is of this document");
                    let id = gemv.prepare(&[frame.stack(stack)]).map_err(failed)?;
                    bench.prepared.insert((index, stack), id);
                    id
                }
            };
            run_vectors(gemv, id, vectors, x, y).map_err(failed)
        })
    }
}
