//! Which tokens of a prompt are made side by side.

use nda_spec::token::{CodesTo, Factor, Into, Pass, Program, Source, Step, WORD};

/// How many tokens are made side by side, and what the cache holds.
#[derive(Debug)]
pub(super) struct Batches {
    most: usize,
    ring: usize,
    /// The most positions that a step reads.
    window: usize,
    /// Positions that the cache holds.
    filled: usize,
}

impl Batches {
    pub fn new(program: &Program, most: usize) -> Batches {
        let windows = program.steps().filter_map(|step| match *step {
            Step::Scores { window, .. } | Step::Mix { window, .. } => Some(program.window(window)),
            _ => None,
        });
        Batches { most, ring: program.kv.ring, window: windows.max().unwrap_or(0), filled: 0 }
    }

    /// Nothing is in the cache.
    pub fn clear(&mut self) {
        self.filled = 0;
    }

    /// Splits `tokens` new tokens into batches, and counts them as cached.
    pub fn split(&mut self, tokens: usize) -> Vec<u32> {
        let (mut left, mut all) = (tokens, Vec::new());
        while left > 0 {
            let batch = left.min(self.most);
            // The last token of a batch must not take the place of a position that the first one reads.
            let keeps = self.filled + batch <= self.ring || self.window + batch <= self.ring + 1;
            let batch = if keeps { batch } else { 1 };
            self.filled = (self.filled + batch).min(self.ring);
            left -= batch;
            all.push(batch as u32);
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
    use super::Batches;

    #[test]
    fn a_batch_never_takes_the_place_of_what_it_reads() {
        let batches = |ring, window| Batches { most: 16, ring, window, filled: 0 };
        assert_eq!(batches(100, 100).split(40), [16, 16, 8]);
        // Full: the oldest position would go while it is read.
        let mut full = batches(32, 32);
        assert_eq!((full.split(32), full.split(3)), (vec![16, 16], vec![1, 1, 1]));
        full.clear();
        assert_eq!(full.split(20), [16, 4]);
        // A window that leaves room for a batch: 17 positions are read, 16 are written.
        assert_eq!(batches(32, 17).split(64), [16; 4]);
        assert_eq!(batches(32, 18).split(48)[..2], [16; 2]);
        assert_eq!(batches(32, 18).split(48)[2..], [1, 15], "one by one until what is left has room");
        assert!(batches(32, 32).split(0).is_empty());
    }
}
