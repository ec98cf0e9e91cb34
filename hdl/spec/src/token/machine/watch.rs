//! A look into the machine behind every step, for whoever compares another one with it.

use super::{Machine, Products, Scale, Step};

impl Machine {
    /// As [`Machine::logits`], and after every step `watch` sees the machine.
    ///
    /// # Errors
    /// The products'.
    ///
    /// # Panics
    /// If the program has no such token.
    pub fn watched<P: Products>(&mut self, products: &mut P, token: u32, mut watch: impl FnMut(&Machine, &Step)) -> Result<(), P::Error> {
        let steps: Vec<Step> = self.program.steps().copied().collect();
        for step in &steps {
            self.step(step, products, token)?;
            watch(self, step);
        }
        self.advance();
        Ok(())
    }

    /// Wide values.
    pub fn wide(&self) -> &[i32] {
        &self.wide
    }

    /// The narrow vector that codes are made of.
    pub fn work(&self) -> &[i32] {
        &self.work
    }

    /// The codes that matrices are multiplied by, and their scale.
    pub fn array_codes(&self) -> (&[i8], Scale) {
        (&self.array.0, self.array.1)
    }

    /// The codes that keys are multiplied by, and a scale per head.
    pub fn query_codes(&self) -> (&[i8], &[Scale]) {
        (&self.query.0, &self.query.1)
    }

    /// What the last [`Step::Mix`] left, and the factor of each head.
    pub fn mixed(&self) -> (&[i32], &[Scale]) {
        (&self.attention.mixed, &self.attention.sums)
    }

    /// The values that the last pass wrote; not those of a choice.
    pub fn written(&self) -> &[i32] {
        &self.read
    }

    /// The logits of the last choice.
    pub fn last_logits(&self) -> &[i32] {
        &self.logits
    }
}
