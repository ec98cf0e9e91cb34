//! How long a saved text of 2,048 positions takes to be read and checked: `cargo run --release -p nda-kv --example restore`.
//!
//! The text has the shape of SmolLM2 135M: 30 blocks of 3 key heads, 64 channels each; its keys and values are random.

use nda_kernels::ThreadPool;
use nda_kv::file::{read, write};
use nda_kv::{Cache, CacheForm, Call, Heads};
use nda_spec::random::Random;
use std::error::Error;
use std::time::Instant;

const BLOCKS: usize = 30;
const HEADS: Heads = Heads { queries: 3, keys: 3, head_dim: 64 };
const WIDTH: usize = 3 * 64;
const POSITIONS: usize = 2048;
const BATCH: usize = 64;
const ROUNDS: usize = 21;

fn text(form: CacheForm) -> Result<Cache, Box<dyn Error>> {
    let pool = ThreadPool::new(std::thread::available_parallelism()?.get())?;
    let mut random = Random::new(1);
    let (mut cache, mut out) = (Cache::new(form), vec![0.0; BATCH * WIDTH]);
    for first in (0..POSITIONS).step_by(BATCH) {
        let mut values = || -> Vec<f32> { (0..BATCH * WIDTH).map(|_| (2.0 * random.unit() - 1.0) as f32).collect() };
        let [q, key, value] = [values(), values(), values()];
        for block in 0..BLOCKS {
            let call = Call { block, first, heads: HEADS, window: Some(1), scale: 0.125, q: &q, key: &key, value: &value };
            cache.attend(&pool, &call, &mut out)?;
        }
        let tokens: Vec<u32> = (first as u32..).take(BATCH).collect();
        cache.commit(&tokens);
    }
    Ok(cache)
}

fn main() -> Result<(), Box<dyn Error>> {
    for form in ["b4", "b2"] {
        let cache = text(form.parse()?)?;
        let frames = cache.frames().ok_or("a cache of floats")?;
        let bytes = write(frames, "random", b"");
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let back = read(&bytes)?;
            times.push(start.elapsed());
            if back.frames.first_difference(frames).is_some() {
                return Err("other keys and values came back".into());
            }
        }
        times.sort_unstable();
        let [least, median, most] = [0, ROUNDS / 2, ROUNDS - 1].map(|at| times[at].as_secs_f64() * 1e3);
        println!("{form}: {:.1} MB in {median:.1} ms ({least:.1} to {most:.1})", bytes.len() as f64 / 1e6);
    }
    Ok(())
}
