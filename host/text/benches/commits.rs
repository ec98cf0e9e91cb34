//! Edits beside ropey and crop: nanoseconds of each, 100,000 edits, every result compared before it is timed.
//!
//! cargo bench -p nda-text

use nda_spec::random::Random;
use nda_text::{Step, Text};
use std::hint::black_box;
use std::time::Instant;

const EDITS: usize = 100_000;
const TYPED: &str = "let x = y;\nabcdefghi klm";

trait Peer {
    fn insert(&mut self, at: usize, text: &str);
    fn remove(&mut self, at: usize, bytes: usize);
    fn bytes(&self) -> usize;
    fn text(&self) -> String;
    fn line(&self, line: usize) -> usize;
}

impl Peer for Text {
    fn insert(&mut self, at: usize, text: &str) {
        self.edit(at..at, text, Step::Joined).unwrap();
    }
    fn remove(&mut self, at: usize, bytes: usize) {
        self.edit(at..at + bytes, "", Step::Joined).unwrap();
    }
    fn bytes(&self) -> usize {
        self.now().bytes()
    }
    fn text(&self) -> String {
        self.now().to_string()
    }
    fn line(&self, line: usize) -> usize {
        self.now().line_start(line)
    }
}

/// The same, each edit a step of undo: the path is copied every time.
struct Stepped(Text);

impl Peer for Stepped {
    fn insert(&mut self, at: usize, text: &str) {
        self.0.edit(at..at, text, Step::New).unwrap();
    }
    fn remove(&mut self, at: usize, bytes: usize) {
        self.0.edit(at..at + bytes, "", Step::New).unwrap();
    }
    fn bytes(&self) -> usize {
        self.0.bytes()
    }
    fn text(&self) -> String {
        self.0.text()
    }
    fn line(&self, line: usize) -> usize {
        self.0.line(line)
    }
}

impl Peer for ropey::Rope {
    fn insert(&mut self, at: usize, text: &str) {
        // The texts are ASCII, so characters are bytes.
        ropey::Rope::insert(self, at, text);
    }
    fn remove(&mut self, at: usize, bytes: usize) {
        ropey::Rope::remove(self, at..at + bytes);
    }
    fn bytes(&self) -> usize {
        self.len_bytes()
    }
    fn text(&self) -> String {
        self.to_string()
    }
    fn line(&self, line: usize) -> usize {
        self.line_to_byte(line)
    }
}

impl Peer for crop::Rope {
    fn insert(&mut self, at: usize, text: &str) {
        crop::Rope::insert(self, at, text);
    }
    fn remove(&mut self, at: usize, bytes: usize) {
        self.delete(at..at + bytes);
    }
    fn bytes(&self) -> usize {
        self.byte_len()
    }
    fn text(&self) -> String {
        self.to_string()
    }
    fn line(&self, line: usize) -> usize {
        self.byte_of_line(line)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Places {
    /// 1 to 20 bytes anywhere.
    Random,
    /// 200 keystrokes at one place, then elsewhere.
    Typing,
}

fn run(name: &str, peer: &mut dyn Peer, places: Places, expected: &mut Option<String>) {
    let (mut random, mut at) = (Random::new(1), peer.bytes() / 2);
    let mut times = Vec::with_capacity(EDITS);
    for edit in 0..EDITS {
        let bytes = if places == Places::Typing { 1 } else { 1 + random.below(20) };
        let inserts = random.below(10) < 6;
        if places == Places::Random || edit % 200 == 0 {
            at = random.below(peer.bytes());
        }
        if inserts || at + bytes > peer.bytes() || at == 0 {
            let begun = Instant::now();
            peer.insert(at, &TYPED[..bytes]);
            times.push(begun.elapsed().as_nanos() as u32);
            at += bytes;
        } else {
            at -= usize::from(places == Places::Typing);
            let begun = Instant::now();
            peer.remove(at, bytes);
            times.push(begun.elapsed().as_nanos() as u32);
        }
    }
    let text = peer.text();
    assert!(expected.get_or_insert_with(|| text.clone()) == &text, "{name}: another text");
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let lines = text.matches('\n').count();
    let begun = Instant::now();
    let sum = (0..10_000).fold(0, |sum, _| sum ^ peer.line(random.below(lines)));
    let line_ns = begun.elapsed().as_nanos() / 10_000;
    black_box(sum);
    println!("{name:28} p50 {:5}  p90 {:5}  p99 {:5}  max {:8} ns; line to byte {line_ns} ns", at(0.5), at(0.9), at(0.99), at(1.0));
}

fn main() {
    let begun = Instant::now();
    (0..100_000).for_each(|_| _ = black_box(Instant::now().elapsed()));
    println!("the timer itself: {} ns of each edit", begun.elapsed().as_nanos() / 200_000);
    let base: String = (0..).map(|n| format!("{:width$}fn line_{n}() {{ work({n}) }}\n", "", width = n % 5 * 4)).take(400_000).collect();
    for megabytes in [1, 10] {
        let text = &base[..megabytes << 20];
        for places in [Places::Random, Places::Typing] {
            let what = if places == Places::Random { "1 to 20 bytes anywhere" } else { "200 keystrokes at a place, then elsewhere" };
            println!("\n{megabytes} MB, {EDITS} edits, {what}");
            let mut expected = None;
            run("nda-text", &mut Text::new(text).unwrap(), places, &mut expected);
            run("nda-text, each undoable", &mut Stepped(Text::new(text).unwrap()), places, &mut expected);
            run("ropey 1.6", &mut ropey::Rope::from_str(text), places, &mut expected);
            run("crop 0.4", &mut crop::Rope::from(text), places, &mut expected);
        }
    }
    snapshots(&base[..1 << 20]);
}

/// A snapshot kept before each edit.
fn snapshots(text: &str) {
    let mut random = Random::new(5);
    let mut mine = Text::new(text).unwrap();
    let begun = Instant::now();
    for _ in 0..EDITS {
        let kept = mine.snapshot();
        let at = random.below(1 << 20);
        mine.edit(at..at, "x", Step::Joined).unwrap();
        black_box(kept);
    }
    let ours = begun.elapsed().as_nanos() / EDITS as u128;
    let (mut rope, begun) = (ropey::Rope::from_str(text), Instant::now());
    for _ in 0..EDITS {
        let kept = rope.clone();
        rope.insert(random.below(1 << 20), "x");
        black_box(kept);
    }
    let ropeys = begun.elapsed().as_nanos() / EDITS as u128;
    let (mut rope, begun) = (crop::Rope::from(text), Instant::now());
    for _ in 0..EDITS {
        let kept = rope.clone();
        rope.insert(random.below(1 << 20), "x");
        black_box(kept);
    }
    let crops = begun.elapsed().as_nanos() / EDITS as u128;
    println!("\na snapshot and an edit, mean: nda-text {ours}, ropey {ropeys}, crop {crops} ns");
}
