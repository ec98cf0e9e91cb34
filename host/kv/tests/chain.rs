//! Frames are shared by texts that begin alike, and a saved text comes back as it was or not at all.

mod common;

use common::{K, Q, Text, bits};
use nda_kernels::ThreadPool;
use nda_kv::file::{FileError, Saved, read, read_header, write};
use nda_kv::{Cache, FrameStore, genesis};
use std::sync::{Arc, Mutex};

fn cache(form: &str, store: Option<&Arc<Mutex<FrameStore>>>) -> Cache {
    let mut cache = Cache::new(form.parse().unwrap());
    cache.frames_mut().unwrap().begin(genesis(&[7; 32], "program", form), store.cloned());
    cache
}

#[test]
fn texts_that_begin_alike_share_frames_and_answer_as_alone() {
    let pool = ThreadPool::default();
    let text = Text::new(300);
    // The same first 200 tokens, then others: keys and values follow from tokens in a model, so they are the same ones here too.
    let mut other = Text::new(300);
    other.tokens[200..].iter_mut().for_each(|token| *token += 1);
    other.key[200 * K..].iter_mut().for_each(|v| *v += 0.5);
    let alone = other.take(&mut cache("b4", None), &pool, 32, (0, 300), None);

    let store = Arc::new(Mutex::new(FrameStore::new(1 << 30)));
    let mut first = cache("b4", Some(&store));
    text.take(&mut first, &pool, 32, (0, 300), None);
    let held = store.lock().unwrap().bytes();
    let mut second = cache("b4", Some(&store));
    let kept = second.frames_mut().unwrap().resume(&other.tokens);
    assert_eq!(kept, 192);
    let found = other.take(&mut second, &pool, 7, (kept, 300), None);
    assert_eq!(bits(&found), bits(&alone[kept * Q..]));
    // Three frames are held once: only the fourth of the second text is new.
    let [one, two] = [&first, &second].map(|cache| cache.frames().unwrap().closed());
    assert!((0..3).all(|frame| Arc::ptr_eq(&one[frame], &two[frame])) && !Arc::ptr_eq(&one[3], &two[3]));
    assert_eq!(store.lock().unwrap().bytes() - held, two[3].bytes());
    // A frame that a third text computes anew is the one that is held.
    let mut third = cache("b4", Some(&store));
    text.take(&mut third, &pool, 64, (0, 128), None);
    assert!(Arc::ptr_eq(&third.frames().unwrap().closed()[1], &one[1]));
}

#[test]
fn what_was_used_longest_ago_goes_first_and_never_before_what_stands_behind_it() {
    let pool = ThreadPool::default();
    let text = Text::new(256);
    let mut other = Text::new(256);
    other.tokens[64..].iter_mut().for_each(|token| *token += 1);
    let mut alone = cache("b4", None);
    text.take(&mut alone, &pool, 64, (0, 256), None);
    let frame = alone.frames().unwrap().closed()[1].bytes();
    let store = Arc::new(Mutex::new(FrameStore::new(alone.frames().unwrap().closed()[0].bytes() + 4 * frame)));
    text.take(&mut cache("b4", Some(&store)), &pool, 64, (0, 256), None);
    other.take(&mut cache("b4", Some(&store)), &pool, 64, (0, 256), None);
    let origin = genesis(&[7; 32], "program", "b4");
    let mut store = store.lock().unwrap();
    // The first frame is both's; of the first text the last frames went.
    let (one, two) = (store.longest(origin, &text.tokens).len(), store.longest(origin, &other.tokens).len());
    assert_eq!((one, two, store.len()), (2, 4, 5));
    assert!(store.longest(genesis(&[8; 32], "program", "b4"), &text.tokens).is_empty(), "another document's frames are not found");
}

#[test]
fn a_saved_text_goes_on_as_if_it_had_never_been_away() {
    let pool = ThreadPool::default();
    let text = Text::new(260);
    for form in ["b4", "b4v2", "b2", "seed"] {
        for positions in [0, 5, 64, 130, 192, 250] {
            let mut whole = cache(form, None);
            text.take(&mut whole, &pool, 32, (0, positions), None);
            let bytes = write(whole.frames().unwrap(), "a model", b"what was said");
            let Saved { header, frames: back, note } = read(&bytes).unwrap();
            assert_eq!((header.model.as_str(), header.form().name, header.positions()), ("a model", form, positions));
            assert_eq!((write(&back, "a model", &note), note.as_slice()), (bytes, &b"what was said"[..]));
            let mut back = Cache::Frames(Box::new(back));
            let [a, b] = [&mut whole, &mut back].map(|cache| text.take(cache, &pool, 13, (positions, 260), None));
            assert_eq!(bits(&a), bits(&b), "{form} from {positions}");
        }
    }
}

#[test]
fn any_changed_byte_is_found_and_so_is_every_length() {
    let pool = ThreadPool::default();
    let text = Text::new(140);
    let mut saved = cache("b2", None);
    text.take(&mut saved, &pool, 32, (0, 140), None);
    let bytes = write(saved.frames().unwrap(), "a model", b"");
    let header_len = bytes.len() - (bytes.len() - 8 - 4 - 4 - 7 - 32 - 16 - 2 * 8 - 32);
    // Every byte of the header and of seals, and one in 97 of the rest.
    for at in (0..bytes.len()).filter(|&at| at < header_len || at % 97 == 0 || at + 40 > bytes.len()) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        assert!(read(&changed).is_err(), "byte {at} of {}", bytes.len());
    }
    for len in (0..bytes.len()).step_by(1009).chain([bytes.len() - 1]) {
        assert!(matches!(read(&bytes[..len]), Err(FileError::Short { .. } | FileError::Magic)), "cut to {len}");
    }
    assert_eq!(read(&[&bytes[..], b"x"].concat()).err(), Some(FileError::Long(1)));
    let mut flipped = bytes.clone();
    flipped[header_len + 256 + 100] ^= 1;
    assert_eq!(read(&flipped).err(), Some(FileError::Seal { place: "frame 0 (positions 0 to 63)".into() }));
}

#[test]
fn frames_that_changed_places_and_those_of_another_text_are_found() {
    let pool = ThreadPool::default();
    let text = Text::new(256);
    let mut saved = cache("b4", None);
    text.take(&mut saved, &pool, 32, (0, 256), None);
    let bytes = write(saved.frames().unwrap(), "m", b"");
    let header_len = 8 + 4 + 4 + 1 + 32 + 16 + 2 * 8 + 32;
    let tail = bytes.len() - 32 - 4 - {
        // The open frame is empty, but the one before is there exactly: two blocks, two heads, keys and values.
        2 * 2 * 2 * 64 * 33
    };
    let sinks = 2 * 2 * 2 * 4 * 33;
    let frame = (tail - header_len - sinks) / 4;
    let second = header_len + frame + sinks;
    let mut swapped = bytes.clone();
    swapped[second..second + frame].copy_from_slice(&bytes[second + frame..second + 2 * frame]);
    swapped[second + frame..second + 2 * frame].copy_from_slice(&bytes[second..second + frame]);
    assert_eq!(read(&swapped).err(), Some(FileError::Seal { place: "frame 1 (positions 64 to 127)".into() }));
    let mut doubled = bytes.clone();
    doubled[second + frame..second + 2 * frame].copy_from_slice(&bytes[second..second + frame]);
    assert_eq!(read(&doubled).err(), Some(FileError::Seal { place: "frame 2 (positions 128 to 191)".into() }));
    assert_eq!(read_header(&bytes).unwrap().genesis, genesis(&[7; 32], "program", "b4"));
}
