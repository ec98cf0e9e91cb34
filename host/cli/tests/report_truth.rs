//! The report says what happened: products are counted where they were executed, a board that multiplied nothing is not called
//! equal, and a plan promises no speed that no array gives.

use nda_engine::{EMBEDDING, FINAL_NORM, HEAD, block_tensor};
use nda_ndf::{DocumentWriter, Granularity, GridContent, MatrixContent, Outliers, TileBuffer, Tokenizer, VectorContent, VectorShape};
use nda_spec::WeightCode;
use nda_spec::grid::{GroupCols, scale_count};
use nda_spec::random::Random;
use serde_json::{Value, json};
use std::process::{Command, Output};
use tempfile::TempDir;

const D: usize = 64;
const FF: usize = 128;
const VOCAB: usize = 256;
/// A layer's products: q+k+v, o, gate+up, down.
const LAYER: [usize; 4] = [3 * D * D, D * D, 2 * FF * D, D * FF];
/// Tokens of every run: two of the prompt, of which the first needs no head, and six that are drawn.
const TAKEN: usize = 7;
const DRAWN: usize = 6;

/// How a document holds its weights.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Floats,
    /// One stack of codes.
    Codes,
    /// Codes, but for the head.
    FloatHead,
    /// Two stacks that share a scale for 32 columns.
    Grids,
}

struct Model {
    folder: TempDir,
}

impl Model {
    fn new(form: Form) -> Model {
        let mut random = Random::new(5);
        let mut writer = DocumentWriter::new();
        for (key, value) in [
            ("architecture", "llama"),
            ("vocab", "bytes"),
            ("d_model", "64"),
            ("n_layers", "1"),
            ("n_heads", "4"),
            ("ff", "128"),
            ("rope_theta", "10000"),
            ("rms_eps", "1e-5"),
            ("context", "32"),
            ("activation", "A8"),
        ] {
            writer.metadata().set(key, value);
        }
        writer.set_tokenizer(Tokenizer::Bytes).unwrap();
        let at = |part: &str| block_tensor(0, part);
        floats(&mut writer, &mut random, EMBEDDING, VectorShape::Table { rows: VOCAB, cols: D });
        for norm in [&at("attn_norm"), &at("ffn_norm"), FINAL_NORM] {
            floats(&mut writer, &mut random, norm, VectorShape::Vector(D));
        }
        let shapes = [("q", D, D), ("k", D, D), ("v", D, D), ("o", D, D), ("gate", FF, D), ("up", FF, D), ("down", D, FF)];
        let all = shapes.map(|(part, rows, cols)| (at(part), rows, cols)).into_iter().chain([(HEAD.to_string(), VOCAB, D)]);
        for (name, rows, cols) in all {
            match form {
                Form::FloatHead if name != HEAD => codes(&mut writer, &mut random, &name, rows, cols),
                Form::Floats | Form::FloatHead => floats(&mut writer, &mut random, &name, VectorShape::Table { rows, cols }),
                Form::Codes => codes(&mut writer, &mut random, &name, rows, cols),
                Form::Grids => grid(&mut writer, &mut random, &name, rows, cols),
            }
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("m.ndf"), writer.finish().unwrap()).unwrap();
        Model { folder }
    }

    fn nda(&self, command: &str, more: &[&str]) -> Output {
        let model = self.folder.path().join("m.ndf");
        Command::new(env!("CARGO_BIN_EXE_nda")).arg(command).arg(model).args(more).output().unwrap()
    }

    /// Standard output and standard error of a command that must succeed.
    fn good(&self, command: &str, more: &[&str]) -> (String, String) {
        let output = self.nda(command, more);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{command} {more:?}: {}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    }

    fn json(&self, command: &str, more: &[&str]) -> Value {
        serde_json::from_str(&self.good(command, &[more, &["--json"]].concat()).0).unwrap()
    }

    /// `nda run` of [`TAKEN`] tokens, product by product.
    fn run(&self, backend: &str) -> Value {
        self.json("run", &["--prompt", "ab", "--max-tokens", "6", "--offload", "gemv", "--backend", backend])
    }
}

fn floats(writer: &mut DocumentWriter, random: &mut Random, name: &str, shape: VectorShape) {
    let (rows, cols) = shape.rows_cols();
    let values: Vec<f32> = (0..rows * cols).map(|_| random.unit() as f32 - 0.3).collect();
    writer.add_vector(&VectorContent { name, shape, values: &values }).unwrap();
}

fn stack(random: &mut Random, rows: usize, cols: usize) -> TileBuffer {
    let values: Vec<i8> = (0..rows * cols).map(|_| WeightCode::Quaternary.values()[random.below(4)]).collect();
    TileBuffer::from_values(rows, cols, WeightCode::Quaternary, &values).unwrap()
}

fn codes(writer: &mut DocumentWriter, random: &mut Random, name: &str, rows: usize, cols: usize) {
    let tiles = stack(random, rows, cols);
    let scales = vec![0.05; rows];
    let outliers = Outliers::default();
    writer
        .add_matrix(&MatrixContent { name, granularity: Granularity::Row, scales: &scales, stacks: &[tiles.matrix()], outliers })
        .unwrap();
}

fn grid(writer: &mut DocumentWriter, random: &mut Random, name: &str, rows: usize, cols: usize) {
    let tiles = [stack(random, rows, cols), stack(random, rows, cols)];
    let scales = vec![0x2000; scale_count(rows, cols, GroupCols::C32).unwrap()];
    let stacks = [tiles[0].matrix(), tiles[1].matrix()];
    writer.add_grid(&GridContent { name, group: GroupCols::C32, coefficients: &[4, 7], scales: &scales, stacks: &stacks }).unwrap();
}

/// Products of some layers by all tokens and, if they have it, the head.
fn work(layers: &[usize], head: usize) -> Value {
    let weights: usize = layers.iter().sum();
    json!({ "products": layers.len() * TAKEN + head * DRAWN, "weights": weights * TAKEN + head * VOCAB * D * DRAWN })
}

const IDLE: &str = "all weights are floats; convert with --weights k2";

fn a_document_of_floats_on(backend: &str) {
    let model = Model::new(Form::Floats);
    let run = model.run(backend);
    assert_eq!(run["work"], json!({ "device": work(&[], 0), "cpu": work(&LAYER, 1) }), "{run}");
    assert_eq!(run["board_does_no_work"], IDLE);
    assert!(run["backend"].as_str().unwrap().starts_with("cpu ("), "{run}");
    assert_eq!((run["on_cpu"].as_array().unwrap().len(), &run["decode"]["cycles_per_token"]), (5, &Value::Null), "{run}");
    let (_, said) = model.good("run", &["--prompt", "ab", "--max-tokens", "6", "--backend", backend]);
    assert!(said.starts_with(&format!("note: the board does no work: {IDLE}")), "{said}");
    assert!(said.contains("executed: 0 products of 0 weights on the device, 34 products of"), "{said}");
    // Equal tokens say nothing of a board that multiplied nothing.
    let demo = ["--max-tokens", "4", "--backends", &format!("cpu,{backend}")];
    let (table, _) = model.good("demo", &demo);
    let row = table.lines().find(|line| line.contains("nothing on fabric")).unwrap_or_else(|| panic!("{table}"));
    assert!(row.contains("the board did no work") && !row.contains("equal"), "{table}");
    let rows = model.json("demo", &demo)["backends"].clone();
    assert_eq!((&rows[1]["equal_tokens"], &rows[1]["board_does_no_work"]), (&Value::Null, &json!(IDLE)), "{rows}");
    assert_eq!((&rows[0]["equal_tokens"], &rows[0]["board_does_no_work"]), (&json!(4), &Value::Null), "{rows}");
    let text = model.folder.path().join("text");
    std::fs::write(&text, "some text").unwrap();
    let eval = model.json("eval", &["--text", text.to_str().unwrap(), "--backend", backend]);
    assert_eq!((&eval["work"]["device"]["products"], &eval["work"]["cpu"]["products"]), (&json!(0), &json!(8 * 5)), "{eval}");
}

fn a_model_that_fits_on(backend: &str) {
    let model = Model::new(Form::Codes);
    let run = model.run(backend);
    assert_eq!(run["work"], json!({ "device": work(&LAYER, 1), "cpu": work(&[], 0) }), "{run}");
    assert_eq!((&run["board_does_no_work"], run["on_cpu"].as_array().unwrap().len()), (&Value::Null, 0));
    assert_eq!(run["tokens"], model.run("cpu")["tokens"]);
    let (table, _) = model.good("demo", &["--max-tokens", "4", "--backends", &format!("cpu,{backend}")]);
    assert_eq!(table.lines().filter(|line| line.ends_with("4 of 4 tokens equal to cpu")).count(), 2, "{table}");
    assert!(table.contains("100.0 %"), "{table}");
}

/// On a board of 32,768 weights down and head find no room.
fn a_model_that_fits_by_half_on(backend: &str) {
    let model = Model::new(Form::Codes);
    let run = model.run(backend);
    let [qkv, o, gate_up, down] = LAYER;
    let (device, cpu) = (work(&[qkv, o, gate_up], 0), work(&[down], 1));
    assert_eq!(run["work"], json!({ "device": device, "cpu": cpu }), "{run}");
    assert_eq!((&run["board_does_no_work"], run["on_cpu"].as_array().unwrap().len()), (&Value::Null, 2));
    assert_eq!(run["tokens"], model.run("cpu")["tokens"]);
    let (_, said) = model.good("run", &["--prompt", "ab", "--max-tokens", "6", "--backend", backend]);
    assert!(said.contains("2 products run on the CPU") && said.contains("21 products of 229376 weights on the device"), "{said}");
}

#[test]
fn the_cpu_multiplies_everything_on_the_cpu() {
    for form in [Form::Codes, Form::Floats] {
        let run = Model::new(form).run("cpu");
        assert_eq!(run["work"], json!({ "device": work(&[], 0), "cpu": work(&LAYER, 1) }), "{run}");
        assert_eq!((&run["board_does_no_work"], run["on_cpu"].as_array().unwrap().len()), (&Value::Null, 0), "{run}");
    }
}

#[test]
fn a_document_of_floats_is_never_the_boards_work() {
    a_document_of_floats_on("loopback");
    a_document_of_floats_on("loopback:nano16");
}

#[test]
fn a_model_that_fits_a_board_is_all_the_boards_work() {
    a_model_that_fits_on("loopback");
    a_model_that_fits_on("loopback:small64*2");
}

#[test]
fn a_model_that_fits_by_half_is_counted_where_each_product_ran() {
    a_model_that_fits_by_half_on("loopback:nano16");
}

#[cfg(feature = "verilator")]
#[test]
fn the_emitted_verilog_is_reported_as_truly() {
    a_document_of_floats_on("sim:nano16");
    a_model_that_fits_by_half_on("sim:nano16");
}

#[test]
fn a_float_head_is_the_cpus_work_beside_a_board_that_has_the_rest() {
    let model = Model::new(Form::FloatHead);
    let run = model.run("loopback");
    assert_eq!(run["work"], json!({ "device": work(&LAYER, 0), "cpu": work(&[], 1) }), "{run}");
    assert_eq!(run["on_cpu"].as_array().unwrap().len(), 1, "{run}");
    let (plan, _) = model.good("plan", &[]);
    assert!(!plan.contains("every layer stays on the device") && plan.contains("1 of 5 layers run on the CPU"), "{plan}");
    assert!(plan.contains("head: its weights are floats") && plan.contains("those on the CPU not counted"), "{plan}");
}

#[test]
fn what_a_board_has_no_room_for_runs_on_the_cpus_grid_kernel_whole() {
    let model = Model::new(Form::Grids);
    let run = model.run("loopback:nano16");
    let [qkv, o, gate_up, down] = LAYER;
    // On the board half word by half word, two to a product of 64 columns; on the CPU one product each. Two stacks of every weight.
    let weights = |layers: usize, head: usize| 2 * (layers * TAKEN + head * VOCAB * D * DRAWN);
    assert_eq!(run["work"]["device"], json!({ "products": 4 * TAKEN, "weights": weights(qkv + o, 0) }), "{run}");
    assert_eq!(run["work"]["cpu"], json!({ "products": 2 * TAKEN + DRAWN, "weights": weights(gate_up + down, 1) }), "{run}");
    assert_eq!(run["tokens"], model.run("cpu")["tokens"]);
}

#[test]
fn a_plan_promises_nothing_of_floats() {
    let model = Model::new(Form::Floats);
    for more in [&[][..], &["--config", "nano16"], &["--board", "ulx3s-85f"], &["--board", "all"]] {
        let (plan, _) = model.good("plan", more);
        assert!(plan.contains("every product runs on the CPU") && plan.contains("convert with --weights k2"), "{more:?}: {plan}");
        assert!(!plan.contains("tokens/s") && !plan.contains("stays on the device"), "{more:?}: {plan}");
    }
    let plan = model.json("plan", &[]);
    assert_eq!((&plan["token"]["tokens_per_second_at_most"], &plan["token"]["layers_on_device"]), (&Value::Null, &json!(0)), "{plan}");
    let layers = plan["layers"].as_array().unwrap();
    assert!(layers.len() == 5 && layers.iter().all(|layer| layer["resident"] == false && layer["limit"] == "cpu"), "{plan}");
    let board = model.json("plan", &["--board", "ulx3s-85f"]);
    assert_eq!(board["board"]["tokens_per_second"], Value::Null, "{board}");
    assert_eq!(model.json("plan", &["--board", "all"])["boards"], json!([]));
    let placed = Model::new(Form::Codes).json("plan", &[]);
    assert!(placed["token"]["tokens_per_second_at_most"].as_f64().unwrap() > 1.0, "{placed}");
}

#[test]
fn one_token_gives_no_speed() {
    let model = Model::new(Form::Codes);
    let run = model.json("run", &["--prompt", "ab", "--max-tokens", "1"]);
    assert_eq!((&run["decode"]["measured_tokens"], &run["decode"]["tokens_per_second"]), (&json!(0), &Value::Null), "{run}");
    let (_, said) = model.good("run", &["--prompt", "ab", "--max-tokens", "1"]);
    assert!(said.contains("no token after the first one, so no speed"), "{said}");
}
