//! The answers of some queries that stand in one frame. Which thread looks at what changes no bit: sources are taken in groups of
//! [`GROUP`], in order, and so are the groups.

use crate::call::{Call, places};
use crate::frames::Frames;
use crate::source::{Means, Queries, Scratch, Source};
use nda_kernels::ThreadPool;
use nda_kernels::kv::weigh::rotate;
use nda_kernels::quantize::{absmax, codes_of};
use nda_spec::kv::{MAX_CODE, Rotation};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Sources whose mean is taken before it meets that of others. Part of what the cache computes: another number gives other bits.
const GROUP: usize = 4;
/// Queries that one task takes over a source, where there are many.
const TASK_QUERIES: usize = 24;
/// Scores from which on threads share an attention: some ten microseconds' worth.
const SHARED_SCORES: usize = 1 << 11;
/// The smallest magnitude that a query's scale is taken from.
const LEAST: f32 = 1e-30;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

/// Queries of one key head at some positions.
struct Tile<'f> {
    head: usize,
    at: Range<usize>,
    queries: Queries,
    groups: Vec<Vec<Source<'f>>>,
}

/// Answers the queries at the positions `taken` of a call, whose keys and values are in the cache.
pub(crate) fn answer(cache: &Frames, pool: &ThreadPool, call: &Call<'_>, taken: Range<usize>, out: &mut [f32]) {
    let heads = call.heads;
    let per_tile = (TASK_QUERIES / heads.group()).max(1);
    let tile = |head: usize, first: usize| {
        let at = first..taken.end.min(first + per_tile);
        let groups = cache.sources(call.block, head).chunks(GROUP).map(<[Source<'_>]>::to_vec).collect();
        Tile { head, queries: queries(cache.form.rotation, call, head, at.clone()), at, groups }
    };
    let places_of = |head| taken.clone().step_by(per_tile).map(move |first| (head, first));
    let tiles: Vec<(usize, usize)> = (0..heads.keys).flat_map(places_of).collect();
    let size = taken.len() * heads.queries * (call.first + taken.end);
    let outs = places(call, out);
    let finish = |tile: &Tile<'_>, means: Means| {
        let mut values = means.finish();
        if cache.form.rotation == Rotation::Hadamard {
            values.chunks_exact_mut(heads.head_dim).for_each(rotate);
        }
        for (position, found) in tile.at.clone().zip(values.chunks_exact(heads.group() * heads.head_dim)) {
            // Nobody else takes this place, and a panic of another is passed on by whoever shares.
            outs[position * heads.keys + tile.head].lock().unwrap_or_else(PoisonError::into_inner).copy_from_slice(found);
        }
    };
    if tiles.len() >= 2 * pool.threads() {
        pool.share_large(size, SHARED_SCORES, tiles.len(), |at| {
            let tile = tile(tiles[at].0, tiles[at].1);
            let mut all = Means::new(tile.queries.factors.len(), heads.head_dim);
            tile.groups.iter().for_each(|group| all.add_all(&look(cache, &tile, group)));
            finish(&tile, all);
        });
        return;
    }
    let tiles: Vec<Tile<'_>> = tiles.into_iter().map(|(head, first)| tile(head, first)).collect();
    // Few queries: threads share what they look at.
    let groups = |(at, tile): (usize, &Tile<'_>)| (0..tile.groups.len()).map(move |group| (at, group));
    let tasks: Vec<(usize, usize)> = tiles.iter().enumerate().flat_map(groups).collect();
    let found: Vec<Mutex<Option<Means>>> = tasks.iter().map(|_| Mutex::new(None)).collect();
    pool.share_large(size, SHARED_SCORES, tasks.len(), |task| {
        let (at, group) = tasks[task];
        *found[task].lock().unwrap_or_else(PoisonError::into_inner) = Some(look(cache, &tiles[at], &tiles[at].groups[group]));
    });
    let mut found = found.into_iter().filter_map(|means| means.into_inner().unwrap_or_else(PoisonError::into_inner));
    for tile in &tiles {
        let mut all = Means::new(tile.queries.factors.len(), heads.head_dim);
        found.by_ref().take(tile.groups.len()).for_each(|means| all.add_all(&means));
        finish(tile, all);
    }
}

/// What a tile's queries make of a group of sources.
fn look(cache: &Frames, tile: &Tile<'_>, group: &[Source<'_>]) -> Means {
    let mut means = Means::new(tile.queries.factors.len(), tile.queries.head_dim);
    SCRATCH.with_borrow_mut(|scratch| {
        for source in group {
            source.attend(&cache.tools.kernels, &tile.queries, scratch, |query, weighed, sums| means.add(query, weighed, sums));
        }
    });
    means
}

/// Queries as A8 codes, each with a scale of its own.
fn queries(rotation: Rotation, call: &Call<'_>, head: usize, at: Range<usize>) -> Queries {
    let head_dim = call.heads.head_dim;
    let mut values = call.queries(head, at.clone());
    let mut queries = Queries { head_dim, codes: vec![0; values.len()], ..Queries::default() };
    let most = f32::from(MAX_CODE);
    for (x, codes) in values.chunks_exact_mut(head_dim).zip(queries.codes.chunks_exact_mut(head_dim)) {
        if rotation == Rotation::Hadamard {
            rotate(x);
        }
        let scale = absmax(x, LEAST) / most;
        codes_of(x, scale, most, codes);
        queries.factors.push(scale * call.scale);
    }
    queries.seen = at.flat_map(|at| std::iter::repeat_n(call.seen(call.first + at), call.heads.group())).collect();
    queries.vectors.set(head_dim, &queries.codes);
    queries
}
