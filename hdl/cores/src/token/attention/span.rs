//! Which positions a step attends to, and where they stand in the ring.
//!
//! Function: the ring's slot of the present position and how many positions are seen, moved by `clear` and `advance`;
//! at a start, the oldest slot of the window and how many there are, `min(window, seen)`, 0 being the whole ring.
//! Latency: `first` and `count` stand 1 cycle after a window does, 3 behind a move.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 103 LUT4 for a ring of 102.
//! Golden model: `Span`, `KvStore::row`.

use super::Sizes;
use crate::netlist::{Module, Netlist};
use std::sync::Arc;

/// The core.
pub fn span(name: &str, sizes: &Sizes) -> Arc<Netlist> {
    let m = Module::new(name);
    let bits = sizes.count_bits();
    let [clear, advance] = m.flags(["clear", "advance"]);
    let (ring, window) = (m.input("ring", bits), m.input("window", bits));
    let ends = m.always("the ring's last slot");
    let ring_end = ends.register("ring_end", (ring - m.constant(1, bits)).low(bits).unsigned());

    let moves = m.stage("the present position", (clear | advance).named("moves"));
    let slot = moves.declare("slot", bits, 0);
    let seen = moves.declare("seen", bits, 1);
    let is_end = slot.equals(ring_end);
    moves.take(slot, (clear | is_end).mux(m.constant(0, bits), slot.next()));
    moves.take(seen, clear.mux(m.constant(1, bits), seen.equals(ring).mux(seen, seen.next())));

    // A cycle behind the position, which stands for a whole token.
    let late = m.always("what follows from the position");
    let behind = late.register("behind", slot + m.constant(1, 1));
    let behind_ring = late.register("behind_ring", behind + ring);
    let is_full = seen.equals(ring);
    let oldest = late.register("oldest", (is_full & !is_end).mux(slot.next(), m.constant(0, bits)));

    let asks = m.always("window against what is seen");
    let is_all = asks.register("is_all", !window.less(seen) | window.is(0));
    let below = asks.register("below", behind - window);
    let below_ring = asks.register("below_ring", (behind_ring - window).low(bits).unsigned());
    let is_wrapped = below.bit(below.bits - 1);
    let part = is_wrapped.mux(below_ring, below.low(bits).unsigned());
    m.output("slot", slot);
    m.output("ring_end", ring_end);
    m.output("first", is_all.mux(oldest, part));
    m.output("count", is_all.mux(seen, window));
    m.finish()
}
