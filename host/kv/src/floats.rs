//! Keys and values as floats: of 32 bits as they come, the reference of every other form, or rounded to 16.
//!
//! Attention is the same of both: that of 32 bits, over what is stored.

use crate::call::{Call, places};
use crate::error::KvError;
use half::f16;
use half::slice::HalfFloatSliceExt;
use nda_kernels::ThreadPool;
use nda_kernels::attention::{HeadCache, Queries, attend};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::PoisonError;

/// How a float is stored.
pub trait Stored: Copy + Send + Sync + 'static {
    /// Appends values.
    fn append(to: &mut Vec<Self>, values: &[f32]);

    /// Values as floats of 32 bits, in place or in memory of the caller's.
    fn read<'v>(values: &'v [Self], memory: &'v mut Vec<f32>) -> &'v [f32];
}

impl Stored for f32 {
    fn append(to: &mut Vec<f32>, values: &[f32]) {
        to.extend_from_slice(values);
    }

    fn read<'v>(values: &'v [f32], _: &'v mut Vec<f32>) -> &'v [f32] {
        values
    }
}

/// Rounded to the nearest, ties to even; what is beyond the largest one saturates.
impl Stored for f16 {
    fn append(to: &mut Vec<f16>, values: &[f32]) {
        let most = f16::MAX.to_f32();
        to.extend(values.iter().map(|v| f16::from_f32(v.clamp(-most, most))));
    }

    fn read<'v>(values: &'v [f16], memory: &'v mut Vec<f32>) -> &'v [f32] {
        memory.resize(values.len(), 0.0);
        // Exact, whatever instructions do it.
        values.convert_to_f32_slice(memory);
        memory
    }
}

/// Keys and values of a block, head by head, position by position.
#[derive(Debug, Clone)]
struct Block<S> {
    heads: Vec<[Vec<S>; 2]>,
    /// Values of a head.
    head_dim: usize,
}

impl<S> Default for Block<S> {
    fn default() -> Self {
        Block { heads: Vec::new(), head_dim: 0 }
    }
}

impl<S> Block<S> {
    fn width(&self) -> usize {
        self.heads.len() * self.head_dim
    }

    fn positions(&self) -> usize {
        self.heads.first().map_or(0, |[keys, _]| keys.len() / self.head_dim)
    }
}

/// A cache of floats.
#[derive(Debug, Clone)]
pub struct Floats<S = f32> {
    blocks: Vec<Block<S>>,
}

impl<S> Default for Floats<S> {
    fn default() -> Self {
        Floats { blocks: Vec::new() }
    }
}

/// Scores from which on threads share an attention: some ten microseconds' worth.
const SHARED_SCORES: usize = 1 << 10;
/// Queries that one task takes over the rows of a head, where there are many: the rows are read once for some of them.
const TASK_QUERIES: usize = 12;

thread_local! {
    /// The scores of some queries, and keys and values that are stored otherwise than they are read.
    static MEMORY: RefCell<[Vec<f32>; 3]> = const { RefCell::new([Vec::new(), Vec::new(), Vec::new()]) };
}

impl<S: Stored> Floats<S> {
    /// Forgets all positions from one on; the memory is kept.
    pub fn truncate(&mut self, position: usize) {
        for block in &mut self.blocks {
            let kept = position * block.head_dim;
            block.heads.iter_mut().flatten().for_each(|values| values.truncate(kept));
        }
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> usize {
        self.blocks.iter().flat_map(|block| block.heads.iter().flatten()).map(|values| size_of_val(values.as_slice())).sum()
    }

    /// Takes keys and values of some positions and answers their queries.
    ///
    /// # Errors
    /// [`KvError::Turn`].
    pub fn attend(&mut self, pool: &ThreadPool, call: &Call<'_>, out: &mut [f32]) -> Result<(), KvError> {
        let Call { block: index, heads, .. } = *call;
        if self.blocks.len() <= index {
            self.blocks.resize_with(index + 1, Block::default);
        }
        let block = &mut self.blocks[index];
        if block.positions() == 0 && (block.heads.len(), block.head_dim) != (heads.keys, heads.head_dim) {
            *block = Block { heads: (0..heads.keys).map(|_| [Vec::new(), Vec::new()]).collect(), head_dim: heads.head_dim };
        }
        let fits = (block.heads.len(), block.head_dim) == (heads.keys, heads.head_dim);
        if !fits || block.positions() != call.first {
            let (taken, width) = (block.positions(), block.width());
            return Err(KvError::Turn { block: index, taken, width, found: heads.width(), position: call.first });
        }
        for (values, which) in [(call.key, 0), (call.value, 1)] {
            for position in values.chunks_exact(heads.width()) {
                let heads = block.heads.iter_mut().zip(position.chunks_exact(heads.head_dim));
                heads.for_each(|(head, values)| S::append(&mut head[which], values));
            }
        }
        attend_block(pool, call, block, out);
        Ok(())
    }
}

/// A few positions of a head are what a thread takes; the order of evaluation is each query's own, so threads change no bit.
fn attend_block<S: Stored>(pool: &ThreadPool, call: &Call<'_>, block: &Block<S>, out: &mut [f32]) {
    let (heads, positions) = (call.heads, call.positions());
    let outs = places(call, out);
    let per_task = (TASK_QUERIES / heads.group()).max(1);
    let tiles = positions.div_ceil(per_task);
    let one = |task: usize| {
        let (head, first) = (task / tiles, task % tiles * per_task);
        let at = first..(first + per_task).min(positions);
        let queries = call.queries(head, at.clone());
        let mut found = vec![0.0; queries.len()];
        answer(call, &block.heads[head], at.clone(), &queries, &mut found);
        for (position, found) in at.zip(found.chunks_exact(heads.group() * heads.head_dim)) {
            // Nobody else takes this place, and a panic of another is passed on by whoever shares.
            outs[position * heads.keys + head].lock().unwrap_or_else(PoisonError::into_inner).copy_from_slice(found);
        }
    };
    let tasks = heads.keys * tiles;
    pool.share_large(positions * heads.queries * (call.first + positions), SHARED_SCORES, tasks, one);
}

/// The queries of one key head at some positions.
fn answer<S: Stored>(call: &Call<'_>, [keys, values]: &[Vec<S>; 2], at: Range<usize>, queries: &[f32], out: &mut [f32]) {
    let seen: Vec<Range<usize>> = at.flat_map(|at| std::iter::repeat_n(call.seen(call.first + at), call.heads.group())).collect();
    let stride = call.heads.head_dim;
    let queries = Queries { values: queries, seen: &seen, scale: call.scale };
    MEMORY.with_borrow_mut(|[scores, of_keys, of_values]| {
        let keys = HeadCache { values: S::read(keys, of_keys), stride };
        let values = HeadCache { values: S::read(values, of_values), stride };
        attend(queries, keys, values, scores, out);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Heads;
    use nda_kernels::attention::attend_plainly;

    fn values(seed: usize, count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 1000) as f32 / 333.0 - 1.5).collect()
    }

    #[test]
    fn batches_and_threads_change_no_bit_and_every_head_has_its_own_keys() {
        let heads = Heads { queries: 6, keys: 2, head_dim: 20 };
        let count = 37;
        let (q, key, value) = (values(1, count * 120), values(2, count * 40), values(3, count * 40));
        for window in [None, Some(5)] {
            let mut expected = vec![0.0; q.len()];
            for (place, out) in expected.chunks_exact_mut(20).enumerate() {
                let (position, head) = (place / 6, place % 6 / 3);
                let of = |values| HeadCache { values, stride: 40 };
                let seen = window.map_or(0, |w| (position + 1_usize).saturating_sub(w))..position + 1;
                attend_plainly(&q[place * 20..][..20], of(&key[head * 20..]), of(&value[head * 20..]), 0.2, seen, out);
            }
            for (batch, threads) in [(1, 1), (7, 2), (32, 3), (37, 1)] {
                let (mut cache, pool) = (Floats::<f32>::default(), ThreadPool::new(threads).unwrap());
                let mut out = vec![0.0; q.len()];
                for first in (0..count).step_by(batch) {
                    let taken = batch.min(count - first);
                    let (q, key, value) =
                        (&q[first * 120..][..taken * 120], &key[first * 40..][..taken * 40], &value[first * 40..][..taken * 40]);
                    let call = Call { block: 1, first, heads, window, scale: 0.2, q, key, value };
                    cache.attend(&pool, &call, &mut out[first * 120..][..taken * 120]).unwrap();
                }
                let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&out), bits(&expected), "batches of {batch}, {threads} threads, window {window:?}");
            }
        }
    }

    #[test]
    fn a_block_that_attends_twice_or_changes_is_refused_and_truncation_goes_back() {
        let heads = Heads { queries: 1, keys: 1, head_dim: 4 };
        let x = values(1, 8);
        let (mut cache, pool) = (Floats::<f32>::default(), ThreadPool::default());
        let call = |first: usize, count: usize, heads| Call {
            block: 0,
            first,
            heads,
            window: None,
            scale: 1.0,
            q: &x[..4 * count],
            key: &x[..4 * count],
            value: &x[..4 * count],
        };
        cache.attend(&pool, &call(0, 2, heads), &mut [0.0; 8]).unwrap();
        let again = cache.attend(&pool, &call(0, 1, heads), &mut [0.0; 4]);
        assert_eq!(again, Err(KvError::Turn { block: 0, taken: 2, width: 4, found: 4, position: 0 }));
        let two = Heads { queries: 2, keys: 2, head_dim: 2 };
        assert!(cache.attend(&pool, &call(2, 1, two), &mut [0.0; 4]).is_err());
        cache.truncate(1);
        cache.attend(&pool, &call(1, 1, heads), &mut [0.0; 4]).unwrap();
    }

    #[test]
    fn half_floats_are_floats_that_were_rounded_in_half_the_bytes() {
        let heads = Heads { queries: 6, keys: 2, head_dim: 20 };
        let (q, mut key, value) = (values(1, 9 * 120), values(2, 9 * 40), values(3, 9 * 40));
        // Subnormal in 16 bits, beyond them, and between two of them.
        (key[0], key[1], key[2]) = (3e-7, 1e6, 1.000_488_3);
        let rounded = |x: &[f32]| -> Vec<f32> { x.iter().map(|v| f16::from_f32(v.clamp(-65504.0, 65504.0)).to_f32()).collect() };
        assert_eq!(rounded(&key)[..3], [2.980_232_2e-7, 65504.0, 1.0]);
        let pool = ThreadPool::new(2).unwrap();
        let (mut halves, mut floats) = (Floats::<f16>::default(), Floats::<f32>::default());
        for (first, taken) in [(0, 5), (5, 1), (6, 3)] {
            let q = &q[first * 120..][..taken * 120];
            let own = |x: &[f32]| x[first * 40..][..taken * 40].to_vec();
            let (k, v, rounded_k, rounded_v) = (own(&key), own(&value), own(&rounded(&key)), own(&rounded(&value)));
            let call = Call { block: 0, first, heads, window: None, scale: 1e-3, q, key: &k, value: &v };
            let [mut out, mut expected] = [vec![0.0; q.len()], vec![0.0; q.len()]];
            halves.attend(&pool, &call, &mut out).unwrap();
            floats.attend(&pool, &Call { key: &rounded_k, value: &rounded_v, ..call }, &mut expected).unwrap();
            let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&out), bits(&expected), "from position {first}");
        }
        assert_eq!((2 * halves.bytes(), halves.bytes()), (floats.bytes(), 9 * 80 * 2));
    }
}
