//! A session's cache in every form: batches, texts that begin alike, saved texts.

mod common;

use common::trained;
use nda_engine::saved::{FileError, read};
use nda_engine::{CacheForm, FrameStore, Session, compare};
use std::sync::{Arc, Mutex};

/// Calls `work` with a session of the trained model, and a text that fills its context.
fn with_session<T>(work: impl FnOnce(&mut Session<'_, '_>, &[u32]) -> T) -> T {
    trained::with_session(|session, tokens| {
        let context = session.context();
        assert!(context > 150, "the model's context is longer than two frames");
        work(session, &tokens[..context])
    })
}

fn forms() -> impl Iterator<Item = CacheForm> {
    CacheForm::names().into_iter().map(|name| name.parse().unwrap())
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn every_form_gives_the_same_logits_in_batches_and_token_by_token() {
    with_session(|session, tokens| {
        for form in forms() {
            session.use_cache(form);
            tokens[..149].iter().for_each(|&token| session.feed(token).unwrap());
            let one = bits(session.predict(tokens[149]).unwrap());
            session.clear();
            session.feed_all(&tokens[..149]).unwrap();
            assert_eq!(bits(session.predict(tokens[149]).unwrap()), one, "{form}");
        }
    });
}

#[test]
fn a_text_that_begins_as_an_earlier_one_goes_on_from_there() {
    with_session(|session, tokens| {
        let store = Arc::new(Mutex::new(FrameStore::new(1 << 24)));
        session.share_cache("b4".parse().unwrap(), Arc::clone(&store));
        session.feed_all(&tokens[..149]).unwrap();
        let expected = bits(session.predict(tokens[149]).unwrap());
        // Another text in between, of which nothing is kept.
        assert_eq!(session.resume(&tokens[50..60]), 0);
        session.feed_all(&tokens[50..120]).unwrap();
        assert_eq!(session.resume(&tokens[..149]), 128);
        session.feed_all(&tokens[128..149]).unwrap();
        assert_eq!(bits(session.predict(tokens[149]).unwrap()), expected);
        // Its own end is nearer than a frame's.
        assert_eq!(session.resume(&tokens[..140]), 140);
        assert_eq!(session.position(), 140);
    });
}

#[test]
fn a_saved_text_is_restored_proved_and_refused_elsewhere() {
    with_session(|session, tokens| {
        session.use_cache("b4".parse().unwrap());
        session.feed_all(&tokens[..149]).unwrap();
        let bytes = session.saved("tiny", b"note").unwrap();
        let expected = bits(session.predict(tokens[149]).unwrap());
        session.clear();
        assert_eq!(session.restore(read(&bytes).unwrap()).unwrap(), (tokens[..149].to_vec(), b"note".to_vec()));
        assert_eq!(bits(session.predict(tokens[149]).unwrap()), expected);
        let saved = read(&bytes).unwrap();
        assert_eq!(session.recompute(&saved.frames).unwrap(), None);
        // A file whose hashes are right and whose numbers are another text's: only computing it again tells.
        session.clear();
        session.feed_all(&tokens[1..150]).unwrap();
        let other = read(&session.saved("tiny", b"").unwrap()).unwrap();
        session.recompute(&saved.frames).unwrap();
        assert_ne!(other.frames.first_difference(&saved.frames), None);
        session.use_cache("b2".parse().unwrap());
        session.feed_all(&tokens[..5]).unwrap();
        assert!(matches!(session.restore(read(&bytes).unwrap()), Err(FileError::Foreign { form: "b4", .. })));
        let mut broken = bytes.clone();
        broken[bytes.len() / 2] ^= 1;
        assert!(matches!(read(&broken), Err(FileError::Seal { .. })));
        assert_eq!(session.position(), 5, "a refused file changes nothing");
    });
}

#[test]
fn a_form_loses_little_and_the_seeds_form_much() {
    with_session(|reference, tokens| {
        let lost = |form: &str| {
            with_session(|session, _| {
                session.use_cache(form.parse().unwrap());
                compare(reference, session, tokens, tokens.len(), |_, _| ()).unwrap()
            })
        };
        let mut lost = lost;
        let (four, two) = (lost("b4"), lost("b2"));
        assert!(four.divergence < 0.02 && four.same_first > 0.9, "{four:?}");
        assert!(two.divergence < 0.05, "{two:?}");
        let seed = lost("seed");
        assert!(seed.divergence > four.divergence && seed.divergence > two.divergence, "{seed:?} beside {four:?} and {two:?}");
        let same = lost("f32");
        assert!(same.divergence.abs() < 1e-9 && same.same_first == 1.0 && same.reference == same.other, "{same:?}");
    });
}
