//! Which tokens of prompts are made side by side.

use nda_spec::token::{CodesTo, Factor, Into, Pass, Program, Source, Step, WORD};

/// How many tokens are made side by side, and what the caches hold.
#[derive(Debug)]
pub(super) struct Batches {
    most: usize,
    ring: usize,
    /// The most positions that a step reads.
    window: usize,
    /// Positions that each text's cache holds.
    filled: Vec<usize>,
}

/// Tokens of one text in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    pub text: usize,
    pub tokens: usize,
}

impl Batches {
    pub fn new(program: &Program, most: usize, texts: usize) -> Batches {
        let windows = program.steps().filter_map(|step| match *step {
            Step::Scores { window, .. } | Step::Mix { window, .. } => Some(program.window(window)),
            _ => None,
        });
        Batches { most, ring: program.kv.ring, window: windows.max().unwrap_or(0), filled: vec![0; texts] }
    }

    /// Nothing is in a text's cache.
    pub fn clear(&mut self, text: usize) {
        self.filled[text] = 0;
    }

    /// Splits new tokens of different texts into batches, and counts them as cached.
    pub fn split(&mut self, mut left: Vec<Share>) -> Vec<Vec<Share>> {
        let mut all = Vec::new();
        while left.iter().any(|share| share.tokens > 0) {
            let mut batch = Vec::new();
            let mut room = self.most;
            for share in &mut left {
                let filled = &mut self.filled[share.text];
                // The last token of a batch must not take the place of a position that its text's first one reads.
                let keeps = (self.ring - *filled).max((self.ring + 1).saturating_sub(self.window)).max(1);
                let tokens = share.tokens.min(room).min(keeps);
                if tokens > 0 {
                    batch.push(Share { tokens, ..*share });
                    *filled = (*filled + tokens).min(self.ring);
                    share.tokens -= tokens;
                    room -= tokens;
                }
            }
            all.push(batch);
        }
        all
    }
}

/// Whether a token reads nothing but the cache that another token left: else only one can be made at a time.
pub(super) fn stands_alone(program: &Program) -> bool {
    let mut seen = Seen { program, wide: vec![false; program.wide_words], columns: None, has_query: false, has_mixed: false };
    matches!(program.body.first(), Some(Step::Embed { .. })) && program.steps().all(|step| seen.step(step))
}

/// What a token has written so far.
struct Seen<'p> {
    program: &'p Program,
    wide: Vec<bool>,
    /// Of the codes that matrices are multiplied by.
    columns: Option<usize>,
    has_query: bool,
    has_mixed: bool,
}

impl Seen<'_> {
    /// Whether a step reads what was written.
    fn step(&mut self, step: &Step) -> bool {
        match *step {
            Step::Embed { at, .. } => self.write(at, self.program.embedding.width / WORD),
            Step::Codes { count, to: CodesTo::Array, .. } => {
                self.columns = Some(usize::from(count) * WORD);
                true
            }
            Step::Codes { to: CodesTo::Query, .. } => {
                self.has_query = true;
                true
            }
            Step::Scores { .. } => self.has_query,
            Step::Mix { .. } => {
                self.has_mixed = true;
                true
            }
            Step::Pass(pass) => self.pass(&pass),
        }
    }

    fn pass(&mut self, pass: &Pass) -> bool {
        let count = usize::from(pass.count);
        let is_read = match pass.source {
            Source::Wide { at, .. } => self.has(at, if pass.gate.is_some() { 2 * count } else { count }),
            Source::Mixed => self.has_mixed,
            Source::Product { matrix } => {
                // Words of 64 columns, one vector behind the other, as the product takes them.
                let cols = self.program.matrices.get(usize::from(matrix)).map(|m| m.cols.div_ceil(64));
                cols.is_some() && cols == self.columns.map(|columns| columns.div_ceil(64))
            }
        };
        let has_factor = match pass.factor {
            Factor::One | Factor::Root(_) => true,
            Factor::Codes => self.columns.is_some(),
            Factor::Sums => self.has_mixed,
        };
        is_read
            && has_factor
            && match pass.into {
                Into::Add(at) => self.has(at, count),
                Into::Wide(at) => self.write(at, count),
                Into::Work | Into::Keys(_) | Into::Values(_) | Into::Choice => true,
            }
    }

    fn has(&self, at: u16, words: usize) -> bool {
        self.wide.iter().skip(usize::from(at)).take(words).filter(|written| **written).count() == words
    }

    fn write(&mut self, at: u16, words: usize) -> bool {
        self.wide.iter_mut().skip(usize::from(at)).take(words).for_each(|written| *written = true);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Batches, Share};

    fn batches(ring: usize, window: usize, texts: usize) -> Batches {
        Batches { most: 16, ring, window, filled: vec![0; texts] }
    }

    /// The batches of some tokens of one text.
    fn alone(batches: &mut Batches, tokens: usize) -> Vec<usize> {
        batches.split(vec![Share { text: 0, tokens }]).iter().map(|batch| batch.iter().map(|share| share.tokens).sum()).collect()
    }

    #[test]
    fn a_batch_never_takes_the_place_of_what_it_reads() {
        assert_eq!(alone(&mut batches(100, 100, 1), 40), [16, 16, 8]);
        // Full: the oldest position would go while it is read.
        let mut full = batches(32, 32, 1);
        assert_eq!((alone(&mut full, 32), alone(&mut full, 3)), (vec![16, 16], vec![1, 1, 1]));
        full.clear(0);
        assert_eq!(alone(&mut full, 20), [16, 4]);
        // A window that leaves room for a batch: 17 positions are read, 16 are written.
        assert_eq!(alone(&mut batches(32, 17, 1), 64), [16; 4]);
        assert_eq!(alone(&mut batches(32, 18, 1), 48), [16, 16, 15, 1]);
        assert!(alone(&mut batches(32, 32, 1), 0).is_empty());
    }

    #[test]
    fn texts_share_batches_and_a_full_ring_holds_up_none_but_its_own() {
        let mut texts = batches(20, 20, 3);
        let share = |text, tokens| Share { text, tokens };
        assert_eq!(texts.split(vec![share(0, 20), share(1, 3)]), [vec![share(0, 16)], vec![share(0, 4), share(1, 3)]]);
        let split = texts.split(vec![share(0, 3), share(1, 4), share(2, 30)]);
        assert_eq!(split[0], [share(0, 1), share(1, 4), share(2, 11)]);
        assert_eq!(split[1], [share(0, 1), share(2, 9)], "the third is full now");
        assert_eq!(split[2], [share(0, 1), share(2, 1)]);
        assert_eq!(split.len(), 12);
        assert!(split[3..].iter().all(|batch| *batch == [share(2, 1)]));
    }
}
