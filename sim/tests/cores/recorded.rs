//! Waves of cores that stand on no simulated board, for their pages in the manual: WaveJSON in docs/recorded, which docs/cores.py draws.

use crate::Bench;
use nda_cores::emit::units::BUS_ARRAY;
use nda_spec::cycles::drain_cycles;
use nda_spec::seed::add_lut_q16;
use std::path::Path;

/// A bench whose ports are written down in every cycle, just before the clock's edge.
struct Recorder {
    bench: Bench,
    /// Name, bits, values.
    lanes: Vec<(&'static str, u32, Vec<u64>)>,
}

impl Recorder {
    fn new(unit: &str, ports: &[(&'static str, u32)]) -> Recorder {
        Recorder { bench: Bench::new(unit), lanes: ports.iter().map(|&(name, bits)| (name, bits, Vec::new())).collect() }
    }

    fn set(&mut self, values: &[(&str, u64)]) {
        values.iter().for_each(|(name, value)| self.bench.set(name, *value));
    }

    /// Whether that output stands at the end of this cycle.
    fn cycle(&mut self, output: &str) -> bool {
        self.bench.eval();
        let values: Vec<u64> = self.lanes.iter().map(|(name, ..)| self.bench.get(name)).collect();
        self.lanes.iter_mut().zip(values).for_each(|((.., lane), value)| lane.push(value));
        let stands = self.bench.is(output);
        self.bench.tick();
        stands
    }

    fn cycles(&mut self, count: usize) {
        let output = self.lanes[0].0;
        for _ in 0..count {
            self.cycle(output);
        }
    }

    /// What WaveDrom reads, a signal per line.
    fn wave_json(&self) -> String {
        let count = self.lanes[0].2.len();
        let clock = format!("{{\"name\": \"clock\", \"wave\": \"p{}\"}}", ".".repeat(count - 1));
        let lanes = self.lanes.iter().map(|(name, bits, values)| lane(name, *bits, values));
        let lines: Vec<String> = [clock].into_iter().chain(lanes).collect();
        format!("{{\"head\": {{\"tick\": 0}}, \"signal\": [\n  {}\n]}}\n", lines.join(",\n  "))
    }

    /// Compares with what is kept, or keeps it.
    fn finish(&self, core: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recorded").join(core).with_extension("json");
        let text = self.wave_json();
        if std::env::var_os("BLESS").is_some() {
            return std::fs::write(&path, text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "{} is of another core: BLESS=1 records it anew\n{text}", path.display());
    }
}

fn lane(name: &str, bits: u32, values: &[u64]) -> String {
    let (mut wave, mut data) = (String::new(), Vec::new());
    for (k, value) in values.iter().enumerate() {
        if k > 0 && values[k - 1] == *value {
            wave.push('.');
        } else if bits == 1 {
            wave += &value.to_string();
        } else {
            wave.push('=');
            data.push(format!("\"{value:x}\""));
        }
    }
    let data = if data.is_empty() { String::new() } else { format!(", \"data\": [{}]", data.join(", ")) };
    format!("{{\"name\": \"{name}\", \"wave\": \"{wave}\"{data}}}")
}

#[test]
fn the_wave_of_the_growing_sum_shows_one_vector_that_fits_and_one_that_grows() {
    let ports = [
        ("x_log2", 8),
        ("d_log2", 8),
        ("in_valid", 1),
        ("in_ready", 1),
        ("in_last", 1),
        ("x", 32),
        ("d", 32),
        ("keep", 4),
        ("is_measuring", 1),
        ("out_valid", 1),
        ("out_ready", 1),
        ("out_last", 1),
        ("sum", 32),
        ("log2", 8),
    ];
    let mut recorder = Recorder::new("growing_add_4x8", &ports);
    recorder.set(&[("out_ready", 1)]);
    recorder.cycles(2);
    let vectors = [[(0x0102_0304, 0x1011_1213), (0x0506_0708, 0x2021_2223)], [(0x6464_6464, 0x4041_4243), (0x0506_0708, 0x1011_1213)]];
    for vector in vectors {
        for _pass in 0..2 {
            for (beat, (x, d)) in vector.into_iter().enumerate() {
                recorder.set(&[("in_valid", 1), ("in_last", beat as u64), ("x", x), ("d", d), ("keep", 15)]);
                // Nobody takes the second sum at once.
                while !recorder.cycle("in_ready") {
                    recorder.set(&[("out_ready", 1)]);
                }
                recorder.set(&[("out_ready", u64::from(beat == 0))]);
            }
        }
        recorder.set(&[("in_valid", 0), ("in_last", 0)]);
        recorder.cycles(2);
        recorder.set(&[("out_ready", 1)]);
        recorder.cycles(2);
    }
    recorder.finish("growing_add");
}

#[test]
fn the_wave_of_the_table_shows_two_words_written_and_four_results() {
    let ports = [
        ("write_enable", 1),
        ("write_address", 15),
        ("write_data", 16),
        ("in_valid", 1),
        ("in_ready", 1),
        ("x_sign", 4),
        ("x_extra", 4),
        ("d_sign", 4),
        ("d_extra", 4),
        ("keep", 4),
        ("out_valid", 1),
        ("out_ready", 1),
        ("sign", 4),
        ("extra", 4),
    ];
    let mut recorder = Recorder::new("seed_table", &ports);
    let table = add_lut_q16();
    recorder.set(&[("out_ready", 1), ("keep", 15)]);
    recorder.cycles(2);
    let indices = [0x1a35_usize, 0xc5f2];
    for index in indices {
        let word = index / 2;
        let data = u64::from(table[2 * word]) | u64::from(table[2 * word + 1]) << 8;
        recorder.set(&[("write_enable", 1), ("write_address", word as u64), ("write_data", data)]);
        recorder.cycles(1);
    }
    recorder.set(&[("write_enable", 0)]);
    recorder.cycles(1);
    for index in indices.into_iter().chain(indices.map(|index| index ^ 1)) {
        let nibble = |at: usize| (index >> at & 15) as u64;
        recorder.set(&[("in_valid", 1), ("x_sign", nibble(0)), ("x_extra", nibble(4)), ("d_sign", nibble(8)), ("d_extra", nibble(12))]);
        // The second result waits for a cycle.
        while !recorder.cycle("in_ready") {
            recorder.set(&[("out_ready", 1)]);
        }
        recorder.set(&[("out_ready", u64::from(index != indices[0]))]);
    }
    recorder.set(&[("in_valid", 0), ("out_ready", 1)]);
    recorder.cycles(3);
    recorder.finish("seed_table");
}

/// A bus' array in its reset for as long as it must be.
fn reset_cycles() -> usize {
    let geometry = nda_cores::bus::geometry(BUS_ARRAY.0, BUS_ARRAY.1);
    drain_cycles(&geometry) as usize + 2
}

/// Two beats of a vector, and two row groups of two beats.
const VECTOR: [u64; 2] = [0x0807_0605_0403_0201, 0xf8f9_fafb_fcfd_feff];
const WEIGHTS: [u64; 4] = [0x0f0f_f0f0, 0xffff_0000, 0x1234_5678, 0x00ff_00ff];

#[test]
fn the_wave_of_the_streams_shows_a_vector_a_matrix_and_two_results() {
    let ports = [
        ("aresetn", 1),
        ("ternary", 1),
        ("s_axis_x_tvalid", 1),
        ("s_axis_x_tready", 1),
        ("s_axis_x_tdata", 64),
        ("s_axis_x_tlast", 1),
        ("s_axis_w_tvalid", 1),
        ("s_axis_w_tready", 1),
        ("s_axis_w_tdata", 32),
        ("s_axis_w_tlast", 1),
        ("m_axis_y_tvalid", 1),
        ("m_axis_y_tready", 1),
        ("m_axis_y_tdata", 64),
        ("m_axis_y_tlast", 1),
        ("error", 1),
    ];
    let mut recorder = Recorder::new("gemv_axis", &ports);
    recorder.set(&[("ternary", 1), ("m_axis_y_tready", 1)]);
    recorder.cycles(reset_cycles());
    // Of the reset the picture shows its end.
    recorder.lanes.iter_mut().for_each(|(.., values)| drop(values.drain(..values.len() - 2)));
    recorder.set(&[("aresetn", 1)]);
    let sent = [("x", &VECTOR[..]), ("w", &WEIGHTS[..])];
    for (stream, words) in sent {
        let [valid, ready, data, last] = ["tvalid", "tready", "tdata", "tlast"].map(|signal| format!("s_axis_{stream}_{signal}"));
        for (k, word) in words.iter().enumerate() {
            recorder.set(&[(&valid, 1), (&data, *word), (&last, u64::from(k + 1 == words.len()))]);
            while !recorder.cycle(&ready) {}
        }
        recorder.set(&[(&valid, 0), (&last, 0)]);
    }
    while !recorder.cycle("m_axis_y_tlast") {}
    recorder.cycles(3);
    recorder.finish("bus_stream");
}

#[test]
fn the_wave_of_the_registers_shows_a_vector_a_row_group_and_two_sums() {
    let ports = [
        ("wb_rst_i", 1),
        ("wb_cyc_i", 1),
        ("wb_stb_i", 1),
        ("wb_we_i", 1),
        ("wb_adr_i", 6),
        ("wb_dat_i", 32),
        ("wb_dat_o", 32),
        ("wb_ack_o", 1),
        ("wb_err_o", 1),
    ];
    let mut recorder = Recorder::new("gemv_wb", &ports);
    recorder.set(&[("wb_rst_i", 1)]);
    recorder.cycles(reset_cycles());
    recorder.lanes.iter_mut().for_each(|(.., values)| drop(values.drain(..values.len() - 2)));
    recorder.set(&[("wb_rst_i", 0)]);
    let access = |recorder: &mut Recorder, address: u64, data: Option<u64>| {
        recorder.set(&[("wb_cyc_i", 1), ("wb_stb_i", 1), ("wb_we_i", u64::from(data.is_some()))]);
        recorder.set(&[("wb_adr_i", address), ("wb_dat_i", data.unwrap_or(0))]);
        recorder.cycles(1);
        let is_good = recorder.cycle("wb_ack_o");
        recorder.set(&[("wb_cyc_i", 0), ("wb_stb_i", 0), ("wb_we_i", 0)]);
        is_good
    };
    // The addresses of CONTROL, X, X_LAST and W_LAST; until there is room for them, and until Y has something, an error answers.
    for (address, data) in [(0x08, 1), (0x10, 0x0403_0201), (0x14, 0x0807_0605), (0x1c, 0x0f0f_f0f0)] {
        while !access(&mut recorder, address, Some(data)) {}
    }
    recorder.cycles(8);
    for _ in 0..BUS_ARRAY.0 {
        while !access(&mut recorder, 0x20, None) {}
    }
    recorder.cycles(1);
    recorder.finish("bus_wishbone");
}
