//! The cache of closed frames: what blocks have taken, what is closed of it, and how far it can be taken back.

use crate::body::{Body, BodyHead, Closings};
use crate::call::Call;
use crate::error::KvError;
use crate::exact::ExactHead;
use crate::frame::{Frame, Link};
use crate::source::{Kernels, Source};
use crate::store::FrameStore;
use nda_kernels::quantize::first_not_finite;
use nda_kernels::{FrameKernel, ThreadPool};
use nda_spec::kv::close::Closing;
use nda_spec::kv::{FRAME_POSITIONS, FrameForm};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// What one block has beside the closed frames of all blocks.
#[derive(Debug, Default, Clone)]
pub(crate) struct Block {
    pub head_dim: usize,
    /// The open frame, head by head.
    pub open: Vec<ExactHead>,
    /// The newest closed frames as they were, the newest last.
    pub recent: VecDeque<Vec<ExactHead>>,
    /// The first positions, once frame 0 is closed.
    pub sinks: Vec<ExactHead>,
    /// Frames that this block has closed and others have not yet.
    pub pending: Vec<Body>,
}

impl Block {
    pub fn open_positions(&self) -> usize {
        self.open.first().map_or(0, ExactHead::positions)
    }
}

/// A form's kernels and tables.
#[derive(Debug)]
pub(crate) struct Tools {
    pub kernels: Kernels,
    pub closings: Closings,
}

/// A cache of closed frames.
#[derive(Debug, Clone)]
pub struct Frames {
    pub(crate) form: &'static FrameForm,
    pub(crate) tools: Arc<Tools>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) closed: Vec<Arc<Frame>>,
    /// Every token whose step is done.
    pub(crate) tokens: Vec<u32>,
    /// What the chain begins with.
    pub(crate) genesis: blake3::Hash,
    store: Option<Arc<Mutex<FrameStore>>>,
}

/// Values from which on threads share the appending of positions: some microseconds' worth.
const SHARED_VALUES: usize = 1 << 12;

impl Frames {
    /// An empty cache of a form.
    pub fn new(form: &'static FrameForm) -> Frames {
        let kernels = Kernels { keys: FrameKernel::best(&form.keys), values: FrameKernel::best(&form.values) };
        let closings = Closings { keys: Closing::new(&form.keys), values: Closing::new(&form.values) };
        let (tools, genesis) = (Arc::new(Tools { kernels, closings }), blake3::Hash::from_bytes([0; 32]));
        Frames { form, tools, blocks: Vec::new(), closed: Vec::new(), tokens: Vec::new(), genesis, store: None }
    }

    /// Says what the chain begins with ([`crate::genesis`]), and where closed frames are shared, if they are. An empty cache only.
    pub fn begin(&mut self, genesis: blake3::Hash, store: Option<Arc<Mutex<FrameStore>>>) {
        (self.genesis, self.store) = (genesis, store);
    }

    /// What the chain begins with.
    pub fn genesis(&self) -> blake3::Hash {
        self.genesis
    }

    /// Where closed frames are shared, if they are.
    pub fn store(&self) -> Option<Arc<Mutex<FrameStore>>> {
        self.store.clone()
    }

    /// What the next frame is bound to.
    pub(crate) fn link(&self) -> Link {
        self.closed.last().map_or_else(|| Link::first(self.genesis), |frame| frame.link())
    }

    /// Closed frames.
    pub fn closed(&self) -> &[Arc<Frame>] {
        &self.closed
    }

    /// Makes the beginning of `tokens` the text, as much of it as the text or the store has; returns how many tokens that is.
    pub fn resume(&mut self, tokens: &[u32]) -> usize {
        let own = self.tokens.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        // What is read exactly is not in the store, so a form that reads closed frames exactly goes on from its own text alone.
        let shared = match &self.store {
            Some(store) if self.form.exact_frames == 0 => {
                store.lock().unwrap_or_else(PoisonError::into_inner).longest(self.genesis, tokens)
            }
            _ => Vec::new(),
        };
        if shared.len() * FRAME_POSITIONS > self.left_of(own) { self.adopt(shared) } else { self.truncate(own) }
    }

    /// Where this text's keys and values differ first from another's; `None` where they are the same.
    pub fn first_difference(&self, other: &Frames) -> Option<String> {
        let differs = |at: usize| self.closed.get(at).map(|f| f.seal()) != other.closed.get(at).map(|f| f.seal());
        if let Some(frame) = (0..self.closed.len().max(other.closed.len())).find(|&at| differs(at)) {
            return Some(format!("frame {frame} (positions {} to {})", frame * FRAME_POSITIONS, (frame + 1) * FRAME_POSITIONS - 1));
        }
        let same = |(a, b): (&Block, &Block)| {
            // A text that was taken back has fewer of them.
            let recent = a.recent.iter().rev().zip(b.recent.iter().rev()).all(|(a, b)| a == b);
            a.open == b.open && a.sinks == b.sinks && recent
        };
        let is_same =
            self.tokens == other.tokens && self.blocks.len() == other.blocks.len() && self.blocks.iter().zip(&other.blocks).all(same);
        (!is_same).then(|| "the open positions".into())
    }

    /// Goes on with another text of the same chain's beginning, whose frames are put where this one's are shared.
    pub fn replace(&mut self, other: Frames) {
        let store = self.store.take();
        *self = other;
        if let Some(shared) = &store {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            self.closed.iter_mut().for_each(|frame| *frame = shared.insert(frame));
        }
        self.store = store;
    }

    /// Makes a chain of frames the text.
    fn adopt(&mut self, chain: Vec<Arc<Frame>>) -> usize {
        let Some(first) = chain.first() else { return self.truncate(0) };
        let block = |(body, sinks): (&Body, &Vec<ExactHead>)| {
            let open = vec![ExactHead::default(); body.len()];
            Block { head_dim: body.head_dim(), open, sinks: sinks.clone(), ..Block::default() }
        };
        self.blocks = first.bodies().iter().zip(first.sinks()).map(block).collect();
        self.tokens = chain.iter().flat_map(|frame| frame.tokens()).copied().collect();
        self.closed = chain;
        self.tokens.len()
    }

    /// The form.
    pub fn form(&self) -> &'static FrameForm {
        self.form
    }

    /// Tokens whose step is done.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Bytes of keys and values, closed and open.
    pub fn bytes(&self) -> usize {
        let exact = |heads: &[ExactHead]| heads.iter().map(ExactHead::bytes).sum::<usize>();
        let of = |block: &Block| {
            let pending: usize = block.pending.iter().map(Body::bytes).sum();
            exact(&block.open) + exact(&block.sinks) + block.recent.iter().map(|heads| exact(heads)).sum::<usize>() + pending
        };
        self.closed.iter().map(|frame| frame.bytes()).sum::<usize>() + self.blocks.iter().map(of).sum::<usize>()
    }

    /// The frame that a block has open.
    pub(crate) fn open_frame(&self, block: &Block) -> usize {
        self.closed.len() + block.pending.len()
    }

    /// Takes keys and values of some positions and answers their queries.
    ///
    /// # Errors
    /// [`KvError::Turn`], [`KvError::NotFinite`].
    pub fn attend(&mut self, pool: &ThreadPool, call: &Call<'_>, out: &mut [f32]) -> Result<(), KvError> {
        self.check(call)?;
        let mut at = 0;
        while at < call.positions() {
            let block = &self.blocks[call.block];
            let room = FRAME_POSITIONS - block.open_positions();
            let taken = at..call.positions().min(at + room);
            self.append(pool, call, taken.clone());
            crate::answer::answer(self, pool, call, taken.clone(), out);
            if taken.len() == room {
                self.close(pool, call.block);
            }
            at = taken.end;
        }
        Ok(())
    }

    fn check(&mut self, call: &Call<'_>) -> Result<(), KvError> {
        let Call { block: index, heads, first, .. } = *call;
        if self.blocks.len() <= index {
            self.blocks.resize(index + 1, Block::default());
        }
        let taken = self.open_frame(&self.blocks[index]) * FRAME_POSITIONS + self.blocks[index].open_positions();
        let block = &mut self.blocks[index];
        if taken == 0 && (block.open.len(), block.head_dim) != (heads.keys, heads.head_dim) {
            *block = Block { head_dim: heads.head_dim, open: vec![ExactHead::default(); heads.keys], ..Block::default() };
        }
        if (block.open.len(), block.head_dim) != (heads.keys, heads.head_dim) || taken != first {
            let width = block.open.len() * block.head_dim;
            return Err(KvError::Turn { block: index, taken, width, found: heads.width(), position: first });
        }
        let all = [("query", call.q), ("key", call.key), ("value", call.value)];
        let fault = all.iter().find(|(_, x)| first_not_finite(x).is_some());
        fault.map_or(Ok(()), |(what, _)| Err(KvError::NotFinite { block: index, what }))
    }

    fn append(&mut self, pool: &ThreadPool, call: &Call<'_>, taken: Range<usize>) {
        let (rotation, width, head_dim) = (self.form.rotation, call.heads.width(), call.heads.head_dim);
        let heads: Vec<_> = self.blocks[call.block].open.iter_mut().map(Mutex::new).collect();
        pool.share_large(taken.len() * width, SHARED_VALUES, heads.len(), |head| {
            // Nobody else takes this head, and a panic of another is passed on by whoever shares.
            let mut exact = heads[head].lock().unwrap_or_else(PoisonError::into_inner);
            let mut scratch = Vec::with_capacity(head_dim);
            for position in taken.clone() {
                let at = position * width + head * head_dim;
                exact.keys.push(rotation, &call.key[at..at + head_dim], &mut scratch);
                exact.values.push(rotation, &call.value[at..at + head_dim], &mut scratch);
            }
        });
    }

    /// Closes a block's open frame.
    fn close(&mut self, pool: &ThreadPool, block: usize) {
        let is_first = self.open_frame(&self.blocks[block]) == 0;
        let (form, closings) = (self.form, &self.tools.closings);
        let block = &mut self.blocks[block];
        let closed: Vec<Mutex<Option<BodyHead>>> = block.open.iter().map(|_| Mutex::new(None)).collect();
        pool.share(closed.len(), |head| {
            *closed[head].lock().unwrap_or_else(PoisonError::into_inner) =
                Some(BodyHead::close(form, closings, &block.open[head], if is_first { form.sinks } else { 0 }));
        });
        let heads = closed.into_iter().filter_map(|head| head.into_inner().unwrap_or_else(PoisonError::into_inner));
        block.pending.push(Body::of(heads.collect()));
        if is_first {
            block.sinks = block.open.iter().map(|head| head.first(form.sinks, block.head_dim)).collect();
        }
        let open = vec![ExactHead::default(); block.open.len()];
        block.recent.push_back(std::mem::replace(&mut block.open, open));
        // One more than queries read, so that the step that closed a frame can be taken back.
        while block.recent.len() > form.exact_frames + 1 {
            block.recent.pop_front();
        }
    }

    /// Says which tokens the step that is done has taken: what all blocks have closed becomes frames.
    pub fn commit(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
        while !self.blocks.is_empty() && self.blocks.iter().all(|block| !block.pending.is_empty()) {
            let first = self.closed.len() * FRAME_POSITIONS;
            let Some(tokens) = self.tokens.get(first..first + FRAME_POSITIONS) else { break };
            let bodies = self.blocks.iter_mut().map(|block| block.pending.remove(0)).collect();
            let sinks = if first == 0 { self.blocks.iter().map(|block| block.sinks.clone()).collect() } else { Vec::new() };
            let frame = Arc::new(Frame::new(self.link(), tokens, bodies, sinks));
            self.closed.push(match &self.store {
                Some(store) => store.lock().unwrap_or_else(PoisonError::into_inner).insert(&frame),
                None => frame,
            });
        }
    }

    /// Forgets all positions from one on, and as many before it as the exact form is gone of: at most the rest of a frame, or, in a
    /// form that reads closed frames exactly, everything. Returns how many are left.
    pub fn truncate(&mut self, position: usize) -> usize {
        self.go_back_to(self.left_of(position));
        self.tokens.len()
    }

    /// How many positions would be left of that many.
    fn left_of(&self, position: usize) -> usize {
        let position = position.min(self.tokens.len());
        [position, position / FRAME_POSITIONS * FRAME_POSITIONS].into_iter().find(|&left| self.can_go_back_to(left)).unwrap_or(0)
    }

    fn can_go_back_to(&self, position: usize) -> bool {
        let (frame, rest) = (position / FRAME_POSITIONS, position % FRAME_POSITIONS);
        let needed = frame.saturating_sub(self.form.exact_frames)..frame + usize::from(rest > 0);
        self.blocks.iter().all(|block| {
            let open = self.open_frame(block);
            // The open frame itself is there.
            let needed = needed.start..needed.end.min(open);
            needed.is_empty() || needed.start >= open - block.recent.len()
        })
    }

    fn go_back_to(&mut self, position: usize) {
        let (frame, rest) = (position / FRAME_POSITIONS, position % FRAME_POSITIONS);
        let closed = self.closed.len();
        for block in &mut self.blocks {
            let open = closed + block.pending.len();
            if open > frame {
                let kept = block.recent.len().saturating_sub(open - frame);
                let later = block.recent.split_off(kept);
                let empty = || vec![ExactHead::default(); block.open.len()];
                block.open = if rest > 0 { later.into_iter().next().unwrap_or_else(empty) } else { empty() };
                block.pending.truncate(frame.saturating_sub(closed));
            }
            block.open.iter_mut().for_each(|head| head.truncate(rest, block.head_dim));
            if frame == 0 {
                block.sinks.clear();
            }
        }
        self.closed.truncate(frame);
        self.tokens.truncate(position);
    }

    /// Positions of a head in the order in which queries at a block's open frame look at them.
    pub(crate) fn sources(&self, index: usize, head: usize) -> Vec<Source<'_>> {
        let block = &self.blocks[index];
        let open = self.open_frame(block);
        let exact_from = open.saturating_sub(self.form.exact_frames);
        let sinks = if exact_from > 0 { self.form.sinks } else { 0 };
        let mut sources = Vec::with_capacity(open + 2);
        if sinks > 0 {
            sources.push(Source::Exact { head: &block.sinks[head], first: 0 });
        }
        for frame in 0..exact_from {
            let body = match self.closed.get(frame) {
                Some(closed) => closed.body(index),
                None => &block.pending[frame - self.closed.len()],
            };
            let first = frame * FRAME_POSITIONS;
            sources.push(Source::Closed { head: body.head(head), first, from: first.max(sinks) });
        }
        for frame in exact_from..open {
            let heads = &block.recent[block.recent.len() - (open - frame)];
            sources.push(Source::Exact { head: &heads[head], first: frame * FRAME_POSITIONS });
        }
        sources.push(Source::Exact { head: &block.open[head], first: open * FRAME_POSITIONS });
        sources
    }
}
