//! A block's netlist in Rust-HDL's own simulator gives what the netlist's evaluation gives, cycle by cycle: arithmetic, memories, arrays.

use nda_cores::array::gemv_array::{self, GemvArray};
use nda_cores::netlist::{Evaluation, Words};
use nda_cores::seed::growing_add::{self, GrowingAdd};
use nda_cores::seed::seed_truthy::{self, SeedTruthy};
use nda_cores::store::block_ram::{self, BlockRam};
use nda_spec::Config;
use nda_spec::random::Random;
use rust_hdl_core::prelude::*;

const CYCLES: usize = 400;

/// A value of as many bits as the one that stands.
fn like<T: Words>(standing: &T, random: &mut Random) -> T {
    let words: Vec<u64> = standing.words().iter().map(|_| random.next_u64()).collect();
    T::of_words(&words)
}

/// Runs a block in Rust-HDL with random inputs and compares every output with the evaluation of its netlist, in every cycle before the
/// edge. Outputs must move, or nothing would have been compared.
macro_rules! run_alike {
    ($Block:ty, $new:expr, $netlist:expr, { $($in:ident),* } { $($out:ident),* }) => {{
        let mut simulation: Simulation<$Block> = Simulation::new();
        simulation.add_clock(5, |x: &mut Box<$Block>| x.clock.next = !x.clock.val());
        simulation.add_testbench(move |mut sim: Sim<$Block>| {
            let mut x = sim.init()?;
            let (mut evaluation, mut random, mut moved) = (Evaluation::new(&$netlist), Random::new(7), 0);
            let mut before: Vec<Vec<u64>> = Vec::new();
            for cycle in 0..CYCLES {
                $(
                    let value = like(&x.$in.val(), &mut random);
                    evaluation.set(stringify!($in), &value.words());
                    x.$in.next = value;
                )*
                x = sim.wait(1, x)?;
                let seen = vec![$(x.$out.val().words()),*];
                let wanted = vec![$(evaluation.output_of(stringify!($out)).to_vec()),*];
                assert_eq!(seen, wanted, "cycle {cycle}");
                moved += usize::from(seen != before);
                before = seen;
                wait_clock_true!(sim, clock, x);
                evaluation.clock();
                wait_clock_false!(sim, clock, x);
            }
            assert!(moved > CYCLES / 4, "outputs moved in {moved} of {CYCLES} cycles");
            sim.done(x)
        });
        let mut block: $Block = $new;
        block.connect_all();
        simulation.run(Box::new(block), 20 * CYCLES as u64).unwrap();
    }};
}

#[test]
fn a_growing_sum_runs_in_rust_hdl_as_its_netlist_says() {
    run_alike!(GrowingAdd<3, 12>, Default::default(), growing_add::netlist(3, 4),
        { x_log2, d_log2, in_valid, in_last, x, d, keep, out_ready }
        { in_ready, is_measuring, out_valid, out_last, sum, log2 });
}

#[test]
fn truthy_runs_in_rust_hdl_as_its_netlist_says() {
    run_alike!(SeedTruthy<70>, Default::default(), seed_truthy::netlist(70),
        { in_valid, in_last, x_sign, x_extra, keep, out_ready } { in_ready, out_valid, is_true });
}

#[test]
fn a_memory_runs_in_rust_hdl_as_its_netlist_says() {
    run_alike!(BlockRam<72, 4>, BlockRam::new(16), block_ram::words(72, 4, 16, 4),
        { write_enable, write_address, write_data, read_enable, read_address } { read_data });
}

#[test]
fn the_array_runs_in_rust_hdl_as_its_netlist_says() {
    let geometry = || Config::named("nano16").unwrap().geometry;
    let g = geometry();
    assert_eq!((g.array_rows, g.array_cols, g.planes), (1, 16, 1), "the widths below are nano16's");
    run_alike!(GemvArray<32, 16, 24>, GemvArray::new(&geometry()), gemv_array::netlist(&geometry()),
        { issue, is_first, is_shift, is_heavy, is_last, ternary, a2, init, w, x } { result_valid, result });
}
