//! Hashes of all frames at once, on as many threads as there are: a frame's hash covers the stored hash of the frame
//! before it and not that frame, so they can be made in any order (FORMAT.md, section 9).

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::layout::{FRAME_HEADER_BYTES, HASH_BYTES, HEADER_BYTES, align_up, frame};

/// Bytes below which a document is hashed on the caller's thread: starting another takes about as long as hashing these.
const SHARED_BYTES: usize = 1 << 18;
/// Most threads that hash.
const MAX_THREADS: usize = 16;

/// The ranges of the frames as their lengths say, up to the first that cannot be: the walk finds out why.
fn ranges(bytes: &[u8], frame_count: u32) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = HEADER_BYTES;
    for _ in 0..frame_count {
        let field = bytes.get(start..).and_then(|rest| rest.get(frame::PAYLOAD_BYTES..frame::PAYLOAD_BYTES + 8));
        let payload = field.and_then(|field| field.try_into().ok()).map(u64::from_le_bytes);
        let length = payload.and_then(|n| usize::try_from(n).ok()?.checked_add(FRAME_HEADER_BYTES)).and_then(align_up);
        let Some(end) = length.and_then(|n| n.checked_add(start)).filter(|&end| end <= bytes.len()) else { break };
        ranges.push(start..end);
        start = end;
    }
    ranges
}

/// What the hash of every frame must be, in file order, up to the first frame whose end is not in the file.
pub(crate) fn frames(bytes: &[u8], frame_count: u32) -> Vec<[u8; HASH_BYTES]> {
    let ranges = ranges(bytes, frame_count);
    let hash = |range: &Range<usize>| *blake3::hash(&bytes[range.start + frame::HASHED_FROM..range.end]).as_bytes();
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS).min(ranges.len());
    if cores < 2 || bytes.len() < SHARED_BYTES {
        return ranges.iter().map(hash).collect();
    }
    let next = AtomicUsize::new(0);
    // Each thread takes the next frame that nobody has; a thread that the system refuses is one less.
    let work = || {
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&index| index < ranges.len());
        std::iter::from_fn(take).map(|index| (index, hash(&ranges[index]))).collect::<Vec<_>>()
    };
    let mut hashes = vec![[0; HASH_BYTES]; ranges.len()];
    let mut done = vec![false; ranges.len()];
    thread::scope(|scope| {
        let helpers: Vec<_> = (1..cores).filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut keep = |found: Vec<(usize, [u8; HASH_BYTES])>| {
            for (index, hash) in found {
                (hashes[index], done[index]) = (hash, true);
            }
        };
        keep(work());
        helpers.into_iter().filter_map(|helper| helper.join().ok()).for_each(keep);
    });
    // What a thread took and did not bring back, the walk hashes itself.
    hashes.truncate(done.iter().position(|done| !done).unwrap_or(done.len()));
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DocumentWriter, VectorContent, VectorShape};

    #[test]
    fn hashes_of_all_threads_are_those_in_the_file() {
        let mut writer = DocumentWriter::new();
        for index in 0..40 {
            let (name, values) = (format!("v{index}"), vec![index as f32; 4000]);
            let shape = VectorShape::Vector(values.len());
            writer.add_vector(&VectorContent { name: &name, shape, values: &values }).unwrap();
        }
        let bytes = writer.finish().unwrap();
        assert!(bytes.len() > SHARED_BYTES, "too small to be shared");
        let found = frames(&bytes, 41);
        let stored: Vec<&[u8]> = ranges(&bytes, 41).iter().map(|range| &bytes[range.start..range.start + HASH_BYTES]).collect();
        assert_eq!(found.iter().map(|hash| hash.as_slice()).collect::<Vec<_>>(), stored);
        assert_eq!((found.len(), frames(&bytes, u32::MAX).len(), frames(&bytes[..bytes.len() - 1], 41).len()), (41, 41, 40));
    }
}
