//! Jobs of fewer columns, for links on which the frames of wide ones hardly ever get through.

use crate::fabric::FabricGemv;
use crate::transport::Transport;
use nda_spec::ActivationCode;
use nda_spec::job::plane_groups;
use nda_spec::wire::JOB_BYTES;

impl<T: Transport> FabricGemv<'_, T> {
    /// Splits a matrix into jobs of fewer columns if the link is so noisy that its `RUN` frames, which have all of a job's
    /// activations under one CRC, have no chance. Its tiles get other places, and travel again.
    ///
    /// Segments only ever become fewer columns, at least one beat's, so this happens a bounded number of times. Matrices that
    /// were not used yet, and all later ones, are split alike.
    pub(crate) fn narrow(&mut self, index: usize, code: ActivationCode) {
        let g = *self.driver().geometry();
        let widest = self.matrices[index].blocks.iter().map(|block| block.col_beats).max().unwrap_or(0);
        let beat_bytes = plane_groups(code, g.planes) * g.act_word_bytes();
        let Some(limit) = self.driver().job_limit(JOB_BYTES + widest * beat_bytes) else { return };
        let beats = (limit.saturating_sub(JOB_BYTES) / beat_bytes).max(1);
        if beats >= widest {
            return;
        }
        self.limits.segment_cols = self.limits.segment_cols.min(beats * g.array_cols);
        // Places of the ring are named by block, and blocks change.
        self.ring.clear();
        self.allocator.next_word = 0;
        (0..self.matrices.len()).for_each(|i| self.place_fixed(i));
    }
}
