//! What `nda_spec::plan` counts is what the driver does.

use nda_device::testing::{RandomMatrix, random_vector};
use nda_device::{Driver, DriverOptions, FabricGemv, Loopback, ModelDevice, ModelPort};
use nda_gemv::{Activations, Gemv};
use nda_spec::plan::{Layer, layer_cost};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, Config, WeightCode};

#[test]
fn planned_jobs_and_cycles_are_the_drivers_and_its_bytes_just_above_the_planned_ones() {
    let mut random = Random::new(11);
    for config in Config::all().unwrap() {
        let g = config.geometry;
        for (parts, cols) in [(vec![1], 1), (vec![64, 33], 128), (vec![g.array_rows * 3 + 1, 5, 1], g.array_cols * 2 + 1), (vec![40], 520)]
        {
            let layer = Layer { parts, cols };
            if layer.words(&g) > g.tile_words {
                continue;
            }
            let link = Loopback::new(ModelDevice::new(&config, ModelPort::Uart));
            let mut fabric = FabricGemv::new(Driver::open(link, DriverOptions { seed: 7, ..DriverOptions::default() }).unwrap());
            let stack: Vec<_> =
                layer.parts.iter().map(|&rows| RandomMatrix::new(rows, cols, WeightCode::Quaternary, &mut random)).collect();
            let id = fabric.prepare(&stack.iter().map(RandomMatrix::view).collect::<Vec<_>>()).unwrap();
            fabric.upload().unwrap();
            let x = random_vector(cols, ActivationCode::A8, &mut random);
            let mut y = vec![0; layer.parts.iter().sum()];
            let cost = fabric.run(id, Activations { code: ActivationCode::A8, values: &x }, &mut y).unwrap();
            let plan = layer_cost(&config, &layer, ActivationCode::A8);
            assert_eq!((plan.jobs, plan.beats, plan.run_cycles), (cost.jobs, cost.beats, cost.run_cycles), "{}: {layer:?}", config.name);
            let bytes = cost.bytes_out + cost.bytes_in;
            // Stuffing is one byte per frame at least, and one in 254 more at most; zeros take the least.
            assert!((plan.wire_bytes..=plan.wire_bytes + plan.wire_bytes / 254).contains(&bytes), "{bytes} of {plan:?}");
            let cost = fabric.run(id, Activations { code: ActivationCode::A8, values: &vec![0; cols] }, &mut y).unwrap();
            assert_eq!(cost.bytes_out + cost.bytes_in, plan.wire_bytes, "{}: {layer:?}", config.name);
        }
    }
}
