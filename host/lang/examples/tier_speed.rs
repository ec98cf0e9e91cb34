//! Speed of the tiers on small programs, against Rust, Lua 5.4 and LuaJIT if they are installed.
//!
//! Answers are compared before anything is timed. Every figure is a median over interleaved rounds of one process;
//! ratios are of such medians. Run with `cargo run --release -p nda-lang --example tier_speed`.

use nda_lang::{Attention, Builtins, Document, HostError, Input, Instance, Limits, Links, NoDocument, Program, Tier, Value};
use std::process::Command;
use std::time::{Duration, Instant};

const ROUNDS: usize = 9;

/// A program in all languages. `n` is chosen per tier, so that slow tiers end too; figures are per unit of `n`.
struct Case {
    name: &'static str,
    nda: &'static str,
    rust: fn(i64) -> i64,
    lua: &'static str,
    /// Work for the interpreter, the closures, and everything compiled.
    n: [i64; 3],
    /// Units of work in `n`: calls of a recursion grow faster than its argument.
    units: fn(i64) -> f64,
}

fn same(n: i64) -> f64 {
    n as f64
}

#[inline(never)]
fn counting(n: i64) -> i64 {
    let mut i: i64 = 0;
    // Without the box the optimiser sees what the loop ends with and leaves it out; the loop is to count.
    while std::hint::black_box(i) < n {
        i = i.checked_add(1).expect("in range");
    }
    i
}

#[inline(never)]
fn sums(n: i64) -> i64 {
    let (mut i, mut sum): (i64, i64) = (0, 0);
    while i < n {
        sum = sum.checked_add(i % 7 * i).expect("in range") % 1_000_003;
        i = i.checked_add(1).expect("in range");
    }
    sum
}

#[inline(never)]
fn collatz(n: i64) -> i64 {
    let (mut steps, mut start): (i64, i64) = (0, 1);
    while start <= n {
        let mut x = start;
        while x != 1 {
            x = if x % 2 == 0 { x / 2 } else { x.checked_mul(3).and_then(|x| x.checked_add(1)).expect("in range") };
            steps = steps.checked_add(1).expect("in range");
        }
        start += 1;
    }
    steps
}

#[inline(never)]
fn fib(n: i64) -> i64 {
    if n < 2 {
        n
    } else {
        fib(n.checked_sub(1).expect("in range")).checked_add(fib(n.checked_sub(2).expect("in range"))).expect("in range")
    }
}

const CASES: [Case; 4] = [
    Case {
        name: "count",
        nda: "fn main(n: int) -> int { let i = 0; while i < n { i = i + 1; } return i; }",
        rust: counting,
        lua: "local i = 0; while i < n do i = i + 1 end; return i",
        n: [200_000, 2_000_000, 50_000_000],
        units: same,
    },
    Case {
        name: "sum",
        nda: "fn main(n: int) -> int { let i = 0; let s = 0; while i < n { s = (s + i % 7 * i) % 1000003; i = i + 1; } return s; }",
        rust: sums,
        lua: "local i, s = 0, 0; while i < n do s = (s + i % 7 * i) % 1000003; i = i + 1 end; return s",
        n: [100_000, 1_000_000, 4_000_000],
        units: same,
    },
    Case {
        name: "collatz",
        nda: "fn main(n: int) -> int { let steps = 0; let start = 1; while start <= n { let x = start; while x != 1 { \
              if x % 2 == 0 { x = x / 2; } else { x = x * 3 + 1; } steps = steps + 1; } start = start + 1; } return steps; }",
        rust: collatz,
        lua: "local steps, start = 0, 1; while start <= n do local x = start; while x ~= 1 do \
              if x % 2 == 0 then x = DIV(x) else x = x * 3 + 1 end; steps = steps + 1 end; start = start + 1 end; return steps",
        n: [1000, 10_000, 100_000],
        units: |n| collatz(n) as f64,
    },
    Case {
        name: "fib",
        nda: "fn fib(n: int) -> int { if n < 2 { return n; } return fib(n - 1) + fib(n - 2); } fn main(n: int) -> int { return fib(n); }",
        rust: fib,
        lua: "local function fib(n) if n < 2 then return n end; return fib(n - 1) + fib(n - 2) end; return fib(n)",
        n: [18, 24, 30],
        units: |n| fib(n) as f64,
    },
];

/// A host for programs that ask for nothing.
struct Nothing;

impl Builtins for Nothing {
    fn document(&self) -> &dyn Document {
        &NoDocument
    }

    fn print(&mut self, line: &str) {
        println!("{line}");
    }

    fn gemv(&mut self, _: usize, _: Input<'_>, _: &mut [f32]) -> Result<(), HostError> {
        Err("nothing multiplies here".into())
    }

    fn attend(&mut self, _: i64, _: [&[f32]; 3], _: Attention, _: &mut [f32]) -> Result<(), HostError> {
        Err("nothing attends here".into())
    }
}

fn run(source: &str, tier: Tier, n: i64) -> (i64, Duration) {
    let program = Program::compile("speed.nda", source, tier).expect("a right program");
    let links = Links::default();
    let mut instance = Instance::new(&program, &links, Limits::default(), &mut Nothing).expect("no globals");
    let main = program.entry("main").expect("a main");
    let started = Instant::now();
    let value = instance.call(&mut Nothing, main, vec![Value::Int(n)]).expect("an end");
    let Value::Int(value) = value else { panic!("main gives an int") };
    (value, started.elapsed())
}

/// The seconds that a Lua takes by its own clock, and its answer.
fn lua(command: &str, body: &str, n: i64) -> Option<(i64, Duration)> {
    let halved = if command == "luajit" { "x / 2" } else { "x // 2" };
    let body = body.replace("DIV(x)", halved);
    let script = format!(
        "local n = {n}; local t = os.clock(); local r = (function() {body} end)(); print(string.format('%.0f', r), os.clock() - t)"
    );
    let output = Command::new(command).args(["-e", &script]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut words = text.split_whitespace();
    let answer = words.next()?.parse().ok()?;
    Some((answer, Duration::from_secs_f64(words.next()?.parse().ok()?)))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The counting loop among `others` variables with long names declared around it.
fn among(others: usize) -> String {
    let declared: String = (0..others).map(|i| format!("let a_variable_with_a_long_name_that_is_number_{i} = {i}; ")).collect();
    format!("fn main(n: int) -> int {{ let i = 0; {declared} while i < n {{ i = i + 1; }} return i; }}")
}

/// A slot is an index: how many variables there are and what they are called does not matter at run time.
fn slots() {
    println!("\nnanoseconds per turn of the counting loop, alone and among 300 variables with long names");
    let (alone, among) = (among(0), among(300));
    for (tier, n) in [(Tier::Interpreter, 20_000), (Tier::Closure, 1_000_000), (Tier::Native, 20_000_000)] {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (source, times) in [&alone, &among].into_iter().zip(&mut times) {
                let (answer, elapsed) = run(source, tier, n);
                assert_eq!(answer, n);
                times.push(elapsed.as_secs_f64() * 1e9 / n as f64);
            }
        }
        let [alone, among] = times.map(median);
        println!("{:12} {alone:.2} {among:.2} ({:.2} times)", tier.name(), among / alone);
    }
}

type Contender<'c> = (&'static str, usize, Box<dyn Fn(i64) -> Option<(i64, Duration)> + 'c>);

fn main() {
    println!("nanoseconds per unit, medians of {ROUNDS} interleaved rounds; in brackets: times the native tier");
    for case in &CASES {
        let contenders: Vec<Contender<'_>> = vec![
            ("interpreter", 0, Box::new(|n| Some(run(case.nda, Tier::Interpreter, n)))),
            ("closure", 1, Box::new(|n| Some(run(case.nda, Tier::Closure, n)))),
            ("native", 2, Box::new(|n| Some(run(case.nda, Tier::Native, n)))),
            (
                "rust",
                2,
                Box::new(|n| {
                    let started = Instant::now();
                    let value = (case.rust)(std::hint::black_box(n));
                    Some((value, started.elapsed()))
                }),
            ),
            ("lua5.4", 1, Box::new(|n| lua("lua5.4", case.lua, n))),
            ("luajit", 2, Box::new(|n| lua("luajit", case.lua, n))),
        ];
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
        for _ in 0..ROUNDS {
            for ((name, size, contender), times) in contenders.iter().zip(&mut times) {
                let n = case.n[*size];
                let Some((answer, elapsed)) = contender(n) else { continue };
                assert_eq!(answer, (case.rust)(n), "{} of {n} by {name}", case.name);
                times.push(elapsed.as_secs_f64() * 1e9 / (case.units)(n));
            }
        }
        let medians: Vec<Option<f64>> = times.into_iter().map(|t| (!t.is_empty()).then(|| median(t))).collect();
        let native = medians[2].unwrap_or(f64::NAN);
        print!("{:8}", case.name);
        for ((name, ..), median) in contenders.iter().zip(&medians) {
            match median {
                Some(ns) => print!("  {name} {ns:.2} ({:.1})", ns / native),
                None => print!("  {name} not installed"),
            }
        }
        println!();
        if let (Some(interpreter), Some(closure)) = (medians[0], medians[1]) {
            println!("          closures {:.1} times the interpreter, native {:.1}", interpreter / closure, interpreter / native);
        }
    }
    slots();
}
