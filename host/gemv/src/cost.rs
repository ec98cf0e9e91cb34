//! What products cost, and who multiplied.

use std::ops::{AddAssign, Sub};

/// Products that were executed: counted by the calls, never from a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Matrix-vector products.
    pub products: u64,
    /// Weights multiplied in them: stored codes, each stack counted, or floats of a table.
    pub weights: u64,
}

impl Work {
    /// Some products of as many weights each.
    pub fn of(products: usize, weights_of_each: usize) -> Work {
        Work { products: products as u64, weights: (products as u64).saturating_mul(weights_of_each as u64) }
    }

    /// The same work some times over.
    #[must_use]
    pub fn times(self, count: u64) -> Work {
        Work { products: self.products * count, weights: self.weights.saturating_mul(count) }
    }

    /// Whether nothing was multiplied.
    pub fn is_none(&self) -> bool {
        self.weights == 0
    }
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Work) {
        self.products += other.products;
        self.weights = self.weights.saturating_add(other.weights);
    }
}

impl Sub for Work {
    type Output = Work;

    fn sub(self, earlier: Work) -> Work {
        Work { products: self.products - earlier.products, weights: self.weights - earlier.weights }
    }
}

/// What a run cost. Zeros where the back end does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Cycles of the device from the request's first byte to the response's last.
    pub cycles: u64,
    /// Cycles of the run phases alone.
    pub run_cycles: u64,
    /// Beats in which the array worked.
    pub beats: u64,
    /// Bytes sent to the device, framing included.
    pub bytes_out: u64,
    /// Bytes received from the device, framing included.
    pub bytes_in: u64,
    /// Jobs run.
    pub jobs: u64,
    /// What a device multiplied.
    pub device: Work,
    /// What this machine's processor multiplied.
    pub cpu: Work,
}

impl Cost {
    /// The cost of products on the CPU: nothing else is counted of them.
    pub fn on_cpu(work: Work) -> Cost {
        Cost { cpu: work, ..Cost::default() }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Cost) {
        self.cycles += other.cycles;
        self.run_cycles += other.run_cycles;
        self.beats += other.beats;
        self.bytes_out += other.bytes_out;
        self.bytes_in += other.bytes_in;
        self.jobs += other.jobs;
        self.device += other.device;
        self.cpu += other.cpu;
    }
}

impl Sub for Cost {
    type Output = Cost;

    /// Counter by counter: what came after `earlier`.
    fn sub(self, earlier: Cost) -> Cost {
        Cost {
            cycles: self.cycles - earlier.cycles,
            run_cycles: self.run_cycles - earlier.run_cycles,
            beats: self.beats - earlier.beats,
            bytes_out: self.bytes_out - earlier.bytes_out,
            bytes_in: self.bytes_in - earlier.bytes_in,
            jobs: self.jobs - earlier.jobs,
            device: self.device - earlier.device,
            cpu: self.cpu - earlier.cpu,
        }
    }
}
