//! Netlists of the arrays alone, for every code and extreme, and what becomes of them when one entry of one LUT is wrong.

use nda_cores::emit::units::{ARRAYS, units};
use nda_gates::{Family, GateBench, GateError, Netlist, Shim, Tools, build, cell_models, synthesise, with_mutable_luts};
use nda_spec::config::{ArrayKind, Geometry};
use nda_spec::job::{Job, array_golden, plane_groups};
use nda_spec::random::Random;
use nda_spec::wire::JobFlags;
use nda_spec::{ActivationCode, WeightCode, cycles};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("gates").join(name)
}

/// A unit of `nda_cores::emit::units` and its geometry.
fn unit(name: &str) -> (String, Geometry) {
    let verilog = units().unwrap().into_iter().find(|u| u.0 == name).expect("a unit of that name").1;
    (verilog, ARRAYS.iter().find(|a| a.0 == name).expect("an array of that name").1)
}

/// A recorded run: what goes in, cycle by cycle, and the sums that must come out.
struct Script {
    cycles: usize,
    inputs: Vec<u8>,
    sums: Vec<i32>,
}

/// An issue of the sequencer, with the words that are read for it.
#[derive(Clone, Copy, Default)]
struct Issue {
    is_load: bool,
    group: usize,
    beat: usize,
    act: Option<usize>,
    tile: Option<usize>,
}

/// What the sequencer issues for a job, in its order.
fn issues(g: &Geometry, job: &Job) -> Vec<Issue> {
    let (row_groups, col_beats) = (usize::from(job.row_groups), usize::from(job.col_beats));
    let mut all = Vec::new();
    match g.array {
        ArrayKind::Planes => {
            for row in 0..row_groups {
                for group in 0..usize::from(job.plane_groups) {
                    let at = |beat| Issue {
                        group,
                        beat,
                        act: Some(group * col_beats + beat),
                        tile: Some(row * col_beats + beat),
                        is_load: false,
                    };
                    all.extend((0..col_beats).map(at));
                }
            }
        }
        ArrayKind::Tables => {
            for beat in 0..col_beats {
                let load = |step| Issue { is_load: true, beat, act: (step == 0).then_some(beat), ..Issue::default() };
                all.extend((0..cycles::TABLE_WORDS).map(load));
                all.extend((0..row_groups).map(|row| Issue { beat, tile: Some(row * col_beats + beat), ..Issue::default() }));
            }
        }
    }
    all
}

/// A number's bytes, lightest first, for a port of this many bits.
fn number(value: u64, bits: usize) -> Vec<u8> {
    value.to_le_bytes()[..bits.div_ceil(8)].to_vec()
}

/// Jobs of every code, random and at both extremes, with gaps in one half of them.
fn script(g: &Geometry, ports: &[(String, usize)]) -> Script {
    let mut random = Random::new(17);
    let mut script = Script { cycles: 0, inputs: Vec::new(), sums: Vec::new() };
    for code in WeightCode::ALL {
        for x_code in ActivationCode::ALL {
            for (fill, (row_groups, col_beats)) in [(1, 1), (2, 1), (3, 3), (2, 2), (1, 3), (3, 2)].into_iter().enumerate() {
                let groups = plane_groups(x_code, g.planes);
                let mut bytes =
                    |n: usize, kind: usize| -> Vec<u8> { (0..n).map(|_| [0, u8::MAX, random.next_u64() as u8][kind]).collect() };
                let (w_kind, x_kind) = [(2, 2), (1, 1), (2, 2), (1, 2), (2, 1), (2, 2)][fill];
                let tile = bytes(row_groups * col_beats * g.tile_word_bytes(), w_kind);
                let act = bytes(groups * col_beats * g.act_word_bytes(), x_kind);
                let init = [0, (1 << 23) - 1, -(1 << 23), -1][fill % 4];
                let job = Job {
                    id: 0,
                    flags: JobFlags::new(code, x_code),
                    plane_groups: groups as u8,
                    base: 0,
                    row_groups: row_groups as u16,
                    col_beats: col_beats as u16,
                    init,
                    digest: 0,
                };
                script.sums.extend(array_golden(g, &job, &tile, &act));
                record(&mut script, g, ports, (&job, &tile, &act), if fill % 2 == 0 { 0 } else { 3_000 }, &mut random);
            }
        }
    }
    script
}

/// Adds a job as sequencer and stores would drive it, its drain included; words that nobody reads are noise.
fn record(
    script: &mut Script,
    g: &Geometry,
    ports: &[(String, usize)],
    (job, tile, act): (&Job, &[u8], &[u8]),
    gaps: u32,
    random: &mut Random,
) {
    let mut issues = VecDeque::from(issues(g, job));
    let mut tiles: VecDeque<Option<usize>> = VecDeque::from(vec![None; cycles::MEMORY_STAGES + cycles::tile_delay(g)]);
    let mut acts: VecDeque<Option<usize>> = VecDeque::from(vec![None; cycles::MEMORY_STAGES]);
    let (mut x, mut idle) = (vec![0; g.act_word_bytes()], 0);
    while idle <= cycles::drain_cycles(g) + 2 {
        let issue = if random.chance(gaps) { None } else { issues.pop_front() };
        idle = if issue.is_some() || !issues.is_empty() { 0 } else { idle + 1 };
        let stands = issue.unwrap_or_default();
        tiles.push_back(stands.tile);
        acts.push_back(stands.act);
        let mut noise = |n: usize| (0..n).map(|_| random.next_u64() as u8).collect::<Vec<u8>>();
        let word = |words: &[u8], at: usize, bytes: usize| words[at * bytes..(at + 1) * bytes].to_vec();
        let w = match tiles.pop_front().flatten() {
            Some(at) => word(tile, at, g.tile_word_bytes()),
            None => noise(g.tile_word_bytes()),
        };
        match acts.pop_front().flatten() {
            Some(at) => x = word(act, at, g.act_word_bytes()),
            // The activation store keeps its last word for the tables.
            None if g.array == ArrayKind::Planes => x = noise(g.act_word_bytes()),
            None => {}
        }
        let is_last = stands.group + 1 == usize::from(job.plane_groups) && stands.beat + 1 == usize::from(job.col_beats);
        for (port, bits) in ports {
            let value = match port.as_str() {
                "issue" => u64::from(issue.is_some()),
                "is_load" => u64::from(stands.is_load),
                "is_first" => u64::from(stands.group == 0 && stands.beat == 0),
                "is_shift" => u64::from(stands.group > 0 && stands.beat == 0),
                "is_heavy" => u64::from(stands.group == 0),
                "is_last" => u64::from(is_last),
                "ternary" => u64::from(job.flags.ternary),
                "a2" => u64::from(job.flags.a2),
                "init" => u64::from(job.init as u32 & 0x00ff_ffff),
                "w" | "x" => {
                    script.inputs.extend(if port == "w" { &w } else { &x });
                    continue;
                }
                other => panic!("a port '{other}' that this test does not know"),
            };
            script.inputs.extend(number(value, *bits));
        }
        script.cycles += 1;
    }
}

/// The sums that a program gives for a script.
fn sums(program: &Path, g: &Geometry, script: &Script, outputs: &[(String, usize)], arguments: &[String]) -> Result<Vec<i32>, GateError> {
    let bytes: usize = outputs.iter().map(|(_, bits)| bits.div_ceil(8)).sum();
    let place = |name: &str| -> usize { outputs.iter().take_while(|o| o.0 != name).map(|(_, bits)| bits.div_ceil(8)).sum() };
    let (valid, result) = (place("result_valid"), place("result"));
    let all = GateBench::start(program, 5, arguments)?.run(script.cycles, &script.inputs, bytes)?;
    let valid_cycles = all.chunks_exact(bytes).filter(|cycle| cycle[valid] == 1);
    let words = valid_cycles.flat_map(|cycle| cycle[result..result + 3 * g.array_rows].chunks_exact(3));
    Ok(words.map(|sum| i32::from_le_bytes([0, sum[0], sum[1], sum[2]]) >> 8).collect())
}

struct Bed {
    g: Geometry,
    netlist: Netlist,
    script: Script,
    outputs: Vec<(String, usize)>,
    cells: String,
    shim: Shim,
    folder: PathBuf,
}

fn bed(name: &str, family: Family) -> Bed {
    let tools = Tools::find().unwrap();
    let (verilog, g) = unit(name);
    let folder = folder(&format!("{name}_{}", family.name()));
    let netlist = synthesise(&tools, &verilog, name, family, &folder).unwrap();
    println!("{name} for {}: {:?}", family.name(), netlist.cells());
    let (inputs, outputs) = netlist.ports();
    let script = script(&g, &inputs);
    let cells = cell_models(&tools, family).unwrap();
    Bed { g, netlist, script, outputs: outputs.clone(), cells, shim: Shim::Ports(inputs, outputs), folder }
}

fn equals_golden(name: &str, family: Family) {
    let bed = bed(name, family);
    let program = build(&bed.netlist, &bed.cells, &bed.shim, &bed.folder).unwrap();
    assert_eq!(sums(&program, &bed.g, &bed.script, &bed.outputs, &[]).unwrap(), bed.script.sums, "{name} for {}", family.name());
    println!("{name} for {}: {} sums in {} cycles equal golden", family.name(), bed.script.sums.len(), bed.script.cycles);
}

#[test]
fn the_plane_arrays_netlist_equals_golden_on_ecp5() {
    equals_golden("plane_array_2x24x2", Family::Ecp5);
}

#[test]
fn the_plane_arrays_netlist_equals_golden_on_gowin() {
    equals_golden("plane_array_2x24x2", Family::Gowin);
}

#[test]
fn the_table_arrays_netlist_equals_golden_on_ecp5() {
    equals_golden("table_array_2x16", Family::Ecp5);
}

#[test]
fn the_table_arrays_netlist_equals_golden_on_gowin() {
    equals_golden("table_array_2x16", Family::Gowin);
}

/// Entries of a LUT's table that its constant inputs let it reach, of which one is picked.
fn entry(instance: &str, names: [&str; 4], random: &mut Random) -> usize {
    (0..4).fold(0, |entry, bit| {
        let constant = |value: usize| instance.contains(&format!(".{}(1'h{value})", names[bit]));
        let is_set = if constant(1) { true } else { !constant(0) && random.next_u64() & 1 == 1 };
        entry | usize::from(is_set) << bit
    })
}

/// Entries of a LUT that are tried until one is seen.
const TRIES: usize = 6;

/// The negative control: one entry of one LUT at a time, for every LUT of the netlist, until a wrong one is seen. The vectors
/// must miss almost no LUT: what is left are those whose wrong entries no state of the array reaches.
fn mutants_are_seen(name: &str, family: Family, module: &str, names: [&str; 4], least_percent: usize) {
    let mut bed = bed(name, family);
    let (mutable, luts) = with_mutable_luts(&bed.netlist).unwrap();
    let instances: Vec<String> =
        bed.netlist.verilog.split(&format!("  {module} #(\n")).skip(1).map(|i| i.split(';').next().unwrap_or_default().into()).collect();
    assert_eq!(instances.len(), luts);
    bed.netlist = mutable;
    let program = build(&bed.netlist, &bed.cells, &bed.shim, &bed.folder.join("mutable")).unwrap();
    let run = |arguments: &[String]| sums(&program, &bed.g, &bed.script, &bed.outputs, arguments).unwrap();
    assert_eq!(run(&[]), bed.script.sums, "without a mutant");
    let mut random = Random::new(3);
    let seen = (0..luts).filter(|&lut| {
        let mutants: Vec<usize> = (0..TRIES).map(|_| 16 * lut + entry(&instances[lut], names, &mut random)).collect();
        mutants.iter().any(|mutant| run(&[format!("+mutant={mutant}")]) != bed.script.sums)
    });
    let seen = seen.count();
    println!("{name} for {}: {seen} of {luts} LUTs seen", family.name());
    assert!(luts > 100 && 100 * seen >= least_percent * luts, "{seen} of {luts} LUTs seen");
}

#[test]
fn one_wrong_entry_of_a_lut_is_seen_in_the_plane_array_on_ice40() {
    mutants_are_seen("plane_array_1x16x1", Family::Ice40, "SB_LUT4", ["I0", "I1", "I2", "I3"], 95);
}

#[test]
fn one_wrong_entry_of_a_lut_is_seen_in_the_table_array_on_ecp5() {
    mutants_are_seen("table_array_1x8", Family::Ecp5, "LUT4", ["A", "B", "C", "D"], 95);
}
