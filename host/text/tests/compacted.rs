//! Texts that many edits have compacted, and whose oldest steps are forgotten, compared with ropey.

use nda_spec::random::Random;
use nda_text::{Step, Text};

/// A text and what it should be; a rope's clone is a pointer.
struct Pair {
    text: Text,
    rope: ropey::Rope,
    back: Vec<ropey::Rope>,
    on: Vec<ropey::Rope>,
}

impl Pair {
    fn new(base: String) -> Pair {
        Pair { rope: ropey::Rope::from_str(&base), text: Text::new(base).unwrap(), back: Vec::new(), on: Vec::new() }
    }

    fn edit(&mut self, from: usize, to: usize, new: &str, step: Step) {
        if step == Step::New {
            self.back.push(self.rope.clone());
        }
        self.on.clear();
        self.text.edit(from..to, new, step).unwrap();
        self.rope.remove(from..to);
        self.rope.insert(from, new);
    }

    fn undo(&mut self) {
        if self.text.undo() {
            let before = self.back.pop().unwrap();
            self.on.push(std::mem::replace(&mut self.rope, before));
        }
    }

    fn redo(&mut self) {
        if self.text.redo() {
            let behind = self.on.pop().unwrap();
            self.back.push(std::mem::replace(&mut self.rope, behind));
        }
    }

    fn holds(&self, what: &str) {
        assert!(self.rope == *self.text.now().to_string(), "{what}");
        assert!(self.text.now().is_sound(), "{what}");
    }
}

#[test]
fn a_hundred_thousand_steps_equal_ropeys_and_leave_few_pieces_and_a_bounded_undo() {
    let mut random = Random::new(11);
    let mut pair = Pair::new((0..20_000).map(|n| format!("line {n} of a text\n")).collect());
    let mut at = 0;
    for edit in 0..100_000 {
        let bytes = pair.text.now().bytes();
        match random.below(8) {
            // The texts are ASCII, so characters are bytes.
            0 => at = random.below(bytes + 1),
            1 => pair.undo(),
            2 => pair.redo(),
            3 => pair.edit(at.min(bytes).saturating_sub(1), at.min(bytes), "", Step::New),
            more => {
                let from = at.min(bytes);
                pair.edit(from, from, ["a", "bc\n", "def "][more % 3], Step::New);
                at = from + 1;
            }
        }
        if edit % 5000 == 0 {
            pair.holds(&format!("edit {edit}"));
        }
    }
    let (pieces, steps) = (pair.text.now().shape().0, pair.text.steps_back());
    // Each of the 12,000 places that were gone to is two or three pieces, beside what was edited since the text was compacted.
    assert!(pieces < 50_000, "{pieces} pieces");
    assert!((500..5000).contains(&steps), "{steps} steps");
    (0..steps).for_each(|_| pair.undo());
    pair.holds("all steps back");
    assert!(!pair.text.undo());
    (0..steps).for_each(|_| pair.redo());
    pair.holds("all steps on");
}

#[test]
fn large_steps_go_back_and_on_whatever_is_forgotten_between() {
    let mut pair = Pair::new("0123456789abcdef\n".repeat(100_000));
    for round in 0..40 {
        pair.edit(round * 100, round * 100 + [90_000, 10, 40_000, 300][round % 4], "new", Step::New);
        // A step of many places, and letters behind letters.
        pair.edit(7, 7, "x", Step::New);
        (0..[3000, 20][round % 2]).for_each(|place| pair.edit(8 + 3 * place, 8 + 3 * place + 1, "yz", Step::Joined));
        pair.edit(0, 0, &"pasted ".repeat(20_000), Step::New);
        pair.holds(&format!("round {round}"));
        (0..2).for_each(|_| pair.undo());
        pair.holds(&format!("round {round}, back"));
        pair.redo();
        pair.holds(&format!("round {round}, on"));
    }
    while pair.text.steps_back() > 0 {
        pair.undo();
        pair.holds("back");
    }
    while pair.text.steps_on() > 0 {
        pair.redo();
        pair.holds("on");
    }
}
