//! Every core's emitted Verilog against its golden model, under seeded random stalls, exhaustively where finite.

mod array;
#[path = "../../../hdl/cores/tests/token_units/circuit.rs"]
mod circuit;
mod elements;
mod link;
mod recorded;
mod stores;
mod token;

use nda_sim::{Model, PortId};

/// A model with its ports by name, for tests.
struct Bench {
    model: Model,
}

impl Bench {
    fn new(name: &str) -> Bench {
        let mut model = Model::new(name).expect("a model of that name is built in");
        model.eval();
        Bench { model }
    }

    fn port(&self, name: &str) -> PortId {
        self.model.port(name)
    }

    fn set(&mut self, name: &str, value: u64) {
        let port = self.port(name);
        self.model.set(port, value);
    }

    fn get(&self, name: &str) -> u64 {
        self.model.get(self.port(name))
    }

    fn is(&self, name: &str) -> bool {
        self.get(name) == 1
    }

    fn eval(&mut self) {
        self.model.eval();
    }

    fn tick(&mut self) {
        self.model.tick();
    }
}
