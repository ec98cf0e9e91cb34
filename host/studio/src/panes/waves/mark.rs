//! A moment of a wave that somebody looks for: where the sums of a product stand, and in which cycle that is.

use super::Wave;

/// A moment of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Number of the variable.
    pub variable: usize,
    /// When it takes the value.
    pub time: u64,
    /// Rises of the clock until then, if the wave has a clock.
    pub cycle: Option<usize>,
}

impl Wave {
    /// The first moment in which a variable has something to say: its flag `…_valid` rises, or, without one, it leaves its first value.
    pub fn mark(&mut self, name: &str) -> Option<Mark> {
        let variable = self.number(name)?;
        let valid = self.number(&format!("{name}_valid")).filter(|number| self.variables[*number].bits == Some(1));
        let from = valid.and_then(|number| self.rises(number).first().copied());
        let start = self.times(variable).first().copied().unwrap_or(0);
        let time = from.or_else(|| self.times(variable).into_iter().find(|time| *time > start)).unwrap_or(start);
        self.marked(variable, time)
    }

    /// The change of the marked variable behind the mark, or before it.
    pub fn next_mark(&mut self, mark: Mark, towards: Towards) -> Option<Mark> {
        let mut times = self.times(mark.variable).into_iter();
        let time = match towards {
            Towards::End => times.find(|time| *time > mark.time),
            Towards::Start => times.rfind(|time| *time < mark.time),
        };
        self.marked(mark.variable, time?)
    }

    fn marked(&mut self, variable: usize, time: u64) -> Option<Mark> {
        let is_clock = |name: &str| ["clk", "clock"].contains(&name.rsplit('.').next().unwrap_or_default());
        let clock = self.variables.iter().position(|one| one.bits == Some(1) && is_clock(&one.name));
        let cycle = clock.map(|clock| self.rises(clock).partition_point(|rise| *rise <= time));
        Some(Mark { variable, time, cycle })
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|one| one.name == name)
    }

    /// When a bit becomes one.
    pub(super) fn rises(&mut self, number: usize) -> Vec<u64> {
        self.know(number).iter().filter(|(_, value)| value == "1").map(|(time, _)| *time).collect()
    }

    /// When a variable changes.
    fn times(&mut self, number: usize) -> Vec<u64> {
        self.know(number).iter().map(|(time, _)| *time).collect()
    }
}

/// A direction in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Towards {
    /// Later.
    End,
    /// Earlier.
    Start,
}
