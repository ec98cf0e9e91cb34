//! What programs mean, on every tier.

use crate::common::{SMALL, on_every_tier, outcome, returned};
use nda_lang::{Limits, MAX_HEIGHT, Program, Tier, Value, binary, format, parse};

fn main_of(body: &str) -> String {
    format!("fn main() -> int {{\n{body}\n}}\n")
}

/// The error that `main` ends in, the same on every tier.
fn error(source: &str, limits: Limits) -> String {
    on_every_tier(source, limits, &[]).pop().expect("an end")
}

#[test]
fn statements_do_what_language_md_says() {
    for (body, expected) in [
        ("let x = 1; let y = { }; return x;", None),
        ("let x = 1; if true { let x = 2; x = 3; } return x;", Some("1")),
        ("let s = 0; loop 5 as i { if i == 3 { break; } s = s + i; } return s;", Some("3")),
        ("let s = 0; loop 0 { s = 1; } return s;", Some("0")),
        ("let n = 0; loop 3 { loop 4 { n = n + 1; break; } } return n;", Some("3")),
        ("let n = 3; let t = 0; loop n { n = 100; t = t + 1; } return t;", Some("3")),
        ("let i = 0; while i < 10 { i = i + 3; } return i;", Some("12")),
        ("if false { return 1; } else if true { return 2; } else { return 3; }", Some("2")),
        ("return -7 / 2 * 10 + -7 % 2;", Some("-31")),
        ("return -8 / 4 + -8 % 4 + -9 / 4 * 100 + -9 % 4 * 1000;", Some("-1202")),
        ("return 7 / -2 * 10 + 7 % -2;", Some("-29")),
        ("if 0.0 / 0.0 == 0.0 / 0.0 { return 1; } return 0;", Some("0")),
        ("if 0.0 / 0.0 != 0.0 / 0.0 { return 1; } return 0;", Some("1")),
        ("return int(-2.9) + int(2.9);", Some("0")),
        ("if true || 1 / 0 == 1 { return 1; } return 0;", Some("1")),
        ("if false && 1 / 0 == 1 { return 1; } return 0;", Some("0")),
        ("let x = zeros(2); let y = x; y[0] = 5.0; return int(x[0] * 10.0 + y[0]);", Some("5")),
        ("let a = \"x\"; let b = \"{a}\"; if a == b && a != \"y\" { return 1; } return 0;", Some("1")),
        ("return min(3, 2) * 100 + max(3, 2) * 10 + abs(-4);", Some("234")),
        ("return int(sqrt(16.0) + floor(-1.5) + pow(2.0, 3.0));", Some("10")),
        ("return -9223372036854775808 + 9223372036854775807;", Some("-1")),
    ] {
        let Some(expected) = expected else {
            assert!(Program::compile("t", &main_of(body), Tier::Closure).is_err(), "{body}");
            continue;
        };
        assert_eq!(returned(&main_of(body)), expected, "{body}");
    }
}

#[test]
fn functions_recurse_and_call_each_other_with_their_own_variables() {
    let source = "fn even(n: int) -> bool { if n == 0 { return true; } return odd(n - 1); }\n\
                  fn odd(n: int) -> bool { if n == 0 { return false; } return even(n - 1); }\n\
                  fn ack(m: int, n: int) -> int { if m == 0 { return n + 1; } if n == 0 { return ack(m - 1, 1); } return ack(m - 1, ack(m, n - 1)); }\n\
                  fn mix(a: int, x: vec, b: float, y: vec) -> float { let t = add(x, y); return t[a] + b; }\n\
                  fn main() -> int { let r = ack(2, 3); if even(10) && !odd(10) { r = r + 100; }\n\
                  return r + int(mix(ack(0, 0), scale(tensor(\"n\"), mix(0, zeros(1), 2.0, zeros(1))), mix(0, tensor(\"n\"), 0.5, zeros(4)), zeros(4))); }";
    // ack(2, 3) = 9; n = [1, -2, 3, 0.5] times 2.0, element 1 is -4; plus 1.5.
    assert_eq!(returned(source), "107");
}

#[test]
fn builtins_take_tensors_metadata_and_quantized_vectors() {
    let source = "let four = meta_int(\"four\");\nlet half = meta_float(\"half\");\n\
        fn main() -> int {\n    let x = row(\"t.{four}\", 2);\n    return 0;\n}";
    assert_eq!(error(source, Limits::default()), "error: test.nda:4:13: the document has no tensor 't.4'");
    let source = "fn main() -> int {\n loop 2 as i {\n  let q = quantize(tensor(\"n\"), \"A8\");\n  print(\"t.{i}\", gemv(\"t.{i}\", \"t.{i}\", q), len(q), q[2], dequantize(q));\n }\n return argmax(tensor(\"n\"));\n}";
    let lines = on_every_tier(source, Limits::default(), &[]);
    assert_eq!(lines.last().unwrap(), "2");
    assert_eq!(returned(&main_of("return rows(\"t.0\") * 10 + cols(\"t.1\");")), "54");
    assert!(lines[0].starts_with("t.0 [1.98") && lines[0].contains(" 4 127 ["), "{}", lines[0]);
}

#[test]
fn rows_of_tokens_are_what_their_tokens_are_one_by_one() {
    // n = [1, -2, 3, 0.5], twice: two rows of four, and two positions.
    let of = |one: &str, rows: &str| {
        let source = format!(
            "fn main() -> int {{ let n = tensor(\"n\"); let m = scale(n, 3.0); let both = concat(n, m);\n\
             print({one}); print({rows}); return 0; }}"
        );
        let lines = on_every_tier(&source, Limits::default(), &[]);
        assert_eq!(lines[0], lines[1], "{one} against {rows}");
        assert!(lines[0].starts_with('['), "{}", lines[0]);
    };
    of("concat(rms_norm(n, m, 0.5), rms_norm(m, m, 0.5))", "rms_norm(both, m, 0.5)");
    of("concat(rope(n, 5, 2, 1e4), rope(m, 6, 2, 1e4))", "rope_rows(both, 4, 5, 2, 1e4)");
    of("concat(rope(n, 5, 4, 1e4), rope(m, 6, 4, 1e4))", "rope_scaled(both, 4, 5, 1e4, concat(slice(n, 0, 1), slice(n, 0, 1)))");
    of("concat(rope(n, 8, 4, 1e4), rope(m, 10, 4, 1e4))", "rope_scaled(both, 4, 4, 1e4, concat(slice(n, 3, 4), slice(n, 3, 4)))");
    of("concat(add(n, scale(n, 0.5)), add(m, scale(n, 0.5)))", "add(both, scale(n, 0.5))");
    of("concat(slice(n, 1, 3), slice(m, 1, 3))", "columns(both, 4, 1, 3)");
    of("concat(row(\"t.1\", 2), row(\"t.1\", 0))", "gather(\"t.1\", ints(concat(scale(slice(n, 0, 1), 2.0), zeros(1))))");
    of("attend(3, n, m, m, 2, 2)", "attend_rows(3, 1, n, m, m, 2, 2, 0, 1.0 / sqrt(2.0))");
}

#[test]
fn every_error_names_its_place_and_its_numbers() {
    for (body, expected) in [
        ("let x = 9223372036854775807;\n return x + 1;", "3:9: integer overflow: 9223372036854775807 + 1 does not fit an int"),
        ("let x = -9223372036854775808;\n return -x;", "3:9: integer overflow: 0 - -9223372036854775808 does not fit an int"),
        ("let x = -9223372036854775808;\n return x / -1;", "3:9: integer overflow: -9223372036854775808 / -1 does not fit an int"),
        ("let x = 3037000500;\n return x * x;", "3:9: integer overflow: 3037000500 * 3037000500 does not fit an int"),
        ("let z = 0;\n return 7 % z;", "3:9: division by zero: 7 % 0"),
        ("return int(1e300);", "2:8: 1e300 does not fit an int"),
        ("return int(sqrt(-1.0));", "2:8: NaN does not fit an int"),
        ("loop -2 { }\n return 0;", "2:6: a loop cannot run -2 times"),
        ("let v = zeros(3);\n return int(v[3]);", "3:13: index 3 is outside of the vector's 3 elements"),
        ("let v = zeros(3);\n v[-1] = 1.0;\n return 0;", "3:2: index -1 is outside of the vector's 3 elements"),
        ("let v = slice(zeros(3), 2, 1);\n return 0;", "2:9: elements 2..1 are not a part of the vector's 3"),
        ("let v = add(zeros(3), zeros(2));\n return 0;", "2:9: two vectors need equal lengths: 3 elements against 2"),
        ("let v = zeros(-1);\n return 0;", "2:9: the length is -1, but must be 0 or more"),
        (
            "let v = rope(zeros(3), 0, 2, 1e4);\n return 0;",
            "2:9: rope needs heads of an even length that fill the vector: 2 elements against 3",
        ),
        ("let v = rope_rows(zeros(6), 4, 0, 2, 1e4);\n return 0;", "2:9: rope_rows needs a whole number of rows: 4 elements against 6"),
        (
            "let v = rope_scaled(zeros(6), 4, 0, 1e4, zeros(2));\n return 0;",
            "2:9: rope_rows needs a whole number of rows: 4 elements against 6",
        ),
        (
            "let v = rope_scaled(zeros(6), 6, 0, 1e4, zeros(0));\n return 0;",
            "2:9: rope needs heads of an even length that fill the vector: 0 elements against 6",
        ),
        ("let v = columns(zeros(6), 4, 0, 1);\n return 0;", "2:9: columns needs a whole number of rows: 4 elements against 6"),
        ("let v = columns(zeros(8), 4, 3, 5);\n return 0;", "2:9: elements 3..5 are not a part of the vector's 4"),
        ("let v = gather(\"t.0\", ints(scale(tensor(\"n\"), 2.0)));\n return 0;", "2:9: tensor 0 has no row -4"),
        ("let v = ints(tensor(\"n\"));\n return v[0] + len(v);", "2:9: 0.5 does not fit an int"),
        ("let v = ints(zeros(2));\n return v[2];", "3:9: index 2 is outside of the vector's 2 elements"),
        (
            "let v = rms_norm(zeros(6), zeros(4), 0.5);\n return 0;",
            "2:9: rms_norm needs a whole number of rows, each as long as the weights: 6 elements against 4",
        ),
        (
            "let v = attend_rows(0, 2, zeros(4), zeros(4), zeros(4), 1, 1, -1, 1.0);\n return 0;",
            "2:9: attend_rows' window is -1, but must be 0 or more",
        ),
        ("let v = gemv(\"t.0\", zeros(3));\n return 0;", "2:9: layer 0 takes 4 elements, not 3"),
        ("let n = 3;\n expect(n < 3, \"n is {n}\");\n return 0;", "3:2: n is 3"),
        ("return meta_int(\"five\");", "2:8: the metadata have no int 'five'"),
    ] {
        assert_eq!(error(&main_of(body), Limits::default()), format!("error: test.nda:{expected}"), "{body}");
    }
}

#[test]
fn a_recursion_without_end_is_an_error_and_not_a_crash_even_on_a_small_stack() {
    // Every call nests its own call deep in statements and expressions, so that it takes as much stack as one can.
    let nested = |inner: &str, by: usize| format!("{}{inner}{}", "(1 + ".repeat(by), ")".repeat(by));
    let blocks = |inner: &str, by: usize| format!("{}{inner}{}", "if true { ".repeat(by), " }".repeat(by));
    let deep = format!(
        "fn f(n: int) -> int {{ {} return 0; }} fn main() -> int {{ return f(1); }}",
        blocks(&format!("return {};", nested("f(n + 1)", 40)), 40)
    );
    let object = deep.replace("n: int", "n: int, v: vec").replace("f(n + 1)", "f(n + 1, v)").replace("f(1)", "f(1, zeros(1))");
    let plain = "fn f(n: int) -> int { return f(n + 1); } fn main() -> int { return f(1); }".to_string();
    let run = move || {
        for source in [&deep, &object, &plain] {
            let error = error(source, Limits { depth: 20_000, ..Limits::default() });
            assert!(error.ends_with("the limit of 20000 open calls is reached"), "{error}");
        }
    };
    std::thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap().join().unwrap();
}

#[test]
fn limits_on_steps_and_memory_end_a_run_at_the_same_place_on_every_tier() {
    let limits = Limits { steps: 1000, depth: 50, memory_bytes: 1000 };
    assert_eq!(error(&main_of("while true { }\n return 0;"), limits), "error: test.nda:2:7: the limit of 1000 steps is reached");
    assert_eq!(error(&main_of("loop 2000 { }\n return 0;"), limits), "error: test.nda:2:6: the limit of 1000 steps is reached");
    let grows = main_of("let v = zeros(1);\n while true { v = concat(v, v); }\n return 0;");
    assert_eq!(error(&grows, limits), "error: test.nda:3:19: 1024 more bytes would exceed the 1000 that this program may use");
    let text = main_of("let t = \"0123456789\";\n while true { t = \"{t}{t}\"; }\n return 0;");
    assert_eq!(error(&text, limits), "error: test.nda:3:19: 1280 more bytes would exceed the 1000 that this program may use");
    // What is given up counts no longer: this runs for ever in little memory, until the steps end.
    let steady = main_of("while true { let v = zeros(100); let q = quantize(v, \"A8\"); }\n return 0;");
    assert!(error(&steady, limits).ends_with("steps is reached"));
    // Exactly as many steps as there are: main is one, and every turn.
    assert_eq!(error(&main_of("loop 999 { }\n return 0;"), limits), "0");
}

#[test]
fn the_native_tier_compiles_scalar_functions_and_loops_and_takes_any_number_of_variables() {
    let parts = |source: &str| Program::compile("t", source, Tier::Native).unwrap().native_parts();
    assert_eq!(parts("fn f(n: int) -> int { return f(n); } fn main() { print(f(1)); }"), (1, 0));
    assert_eq!(parts("fn main() { print(1); let i = 0; while i < 3 { i = i + 1; } loop 3 { print(i); loop 3 { i = i + 1; } } }"), (0, 2));
    assert_eq!(parts("fn main() { print(1); }"), (0, 0));
    let many: String = (0..500).map(|i| format!("let v{i} = {i};\n")).collect();
    let sum: String = (0..500).map(|i| format!("s = s + v{i};\n")).collect();
    let source = format!("fn main() -> int {{\n{many}let s = 0;\nloop 3 {{\n{sum}}}\nreturn s;\n}}");
    assert_eq!(parts(&source), (1, 0));
    assert_eq!(returned(&source), (3 * 499 * 250).to_string());
}

#[test]
fn a_region_leaves_its_variables_as_the_loop_would_and_may_return_from_its_function() {
    let source = "fn f(v: vec, n: int) -> int { let i = 0; let x = 0.5; while true { i = i + 1; x = x * 2.0; if i == n { return i * 100; } if i == 5 { break; } }\n\
                  return i + int(x) + len(v); }\nfn main() -> int { return f(zeros(1), 3) * 1000 + f(zeros(1), 9); }";
    assert_eq!(returned(source), "300022");
    assert_eq!(Program::compile("t", source, Tier::Native).unwrap().native_parts(), (0, 1));
}

#[test]
fn a_run_that_failed_leaves_nothing_that_the_next_one_sees() {
    let source = "fn main(n: int) -> int { let v = zeros(50); let w = zeros(n); return len(w); }";
    for tier in Tier::ALL {
        // `outcome` calls main twice on one instance; both end for lack of memory at the same number.
        let lines = outcome(source, tier, SMALL, &[Value::Int(20)]);
        assert_eq!(lines[0], lines[1], "{}", tier.name());
        assert_eq!(outcome(source, tier, SMALL, &[Value::Int(10)]), ["10", "10"]);
    }
}

#[test]
fn printing_shows_every_type() {
    let source = main_of(
        "print(ints(zeros(2)));\n print(1, -2.5, true, \"a b\", zeros(2), quantize(zeros(2), \"A4\"));\n print();\n print(1e300, 1.0 / 0.0, zeros(20));\n return 0;",
    );
    let lines = on_every_tier(&source, Limits::default(), &[]);
    assert_eq!(lines[0], "[0, 0]");
    let lines = &lines[1..];
    assert_eq!(lines[0], "1 -2.5 true a b [0.0, 0.0] 1.4285714e-9 * [0, 0]");
    assert_eq!(lines[1], "");
    assert!(lines[2].starts_with("1e300 inf [0.0, ") && lines[2].ends_with("... 4 more]"), "{}", lines[2]);
}

/// Rows of operators and chains of `else if` lean to one side: they are long, and nothing in them is nested.
#[test]
fn long_sums_and_long_else_if_chains_mean_the_same_on_every_tier_even_on_a_small_stack() {
    const LONG: usize = MAX_HEIGHT - 1;
    let sum = |of: &str| (0..LONG).map(|_| format!(" + {of}")).collect::<String>();
    let arms: String = (1..LONG).map(|n| format!(" else if n == {n} {{ let t = \"{n}\"; print(t); return {n} * 2; }}")).collect();
    let source = format!(
        "fn whole(n: int) -> int {{ return n{}; }}\n\
         fn floats(x: float) -> float {{ return x{}; }}\n\
         fn mixed(n: int) -> int {{ return n{}; }}\n\
         fn all(n: int) -> bool {{ return n > 0{}; }}\n\
         fn any(n: int) -> bool {{ return n > 9{}; }}\n\
         fn arm(n: int) -> int {{ if n == 0 {{ return 1; }}{arms} else {{ return -1; }} }}\n\
         fn overflows(n: int) -> int {{ return n{}; }}\n\
         fn main() -> int {{ print(whole(2), floats(0.5), mixed(3), all(1), all(0), any(1), any(10));\n\
         print(arm(0), arm({}), arm({LONG}), arm(-7)); return overflows(9223372036854775800); }}\n",
        sum("n"),
        sum("x"),
        " - 1 * n + 2 * n".repeat(LONG / 4),
        " && n < 9".repeat(LONG / 2),
        " || n > 9 && n > 10".repeat(LONG / 4),
        sum("1"),
        LONG - 1,
    );
    let run = move || {
        let lines = on_every_tier(&source, Limits::default(), &[]);
        let (ints, floats, mixed) = (2 * (LONG + 1), (LONG + 1) as f64 / 2.0, 3 + 3 * (LONG / 4));
        assert_eq!(lines[0], format!("{ints} {floats:?} {mixed} true false false true"));
        assert_eq!(lines[1..3], [format!("{}", LONG - 1), format!("1 {} -1 -1", 2 * (LONG - 1))]);
        let last = lines.last().expect("an end");
        assert!(last.ends_with("integer overflow: 9223372036854775807 + 1 does not fit an int"), "{last}");
        let (ast, _) = parse(&source);
        let formatted = format(&ast);
        assert_eq!(binary::root(&parse(&formatted).0), binary::root(&ast), "the formatter keeps them");
        assert_eq!(binary::decode(&binary::encode(&ast)).unwrap(), formatted, "so does the binary form");
        let other = parse(&source.replace("fn whole(n: int) -> int { return n", "fn whole(n: int) -> int { return 1")).0;
        assert_eq!(binary::changes(&ast, &other).len(), 1);
        assert!(binary::listing(&ast).lines().count() > LONG);
    };
    std::thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap().join().unwrap();
}

/// As deep as anything can be: calls in calls, each behind a row of operators.
#[test]
fn rows_of_operators_in_nested_calls_take_no_more_stack_than_there_is() {
    for row in [1, 8, 9, 40] {
        let inner = format!("{}g(n + 1){}", "max(".repeat(90), format!(", 0){}", " + n".repeat(row)).repeat(90));
        let source = format!("fn g(n: int) -> int {{ return {inner}; }} fn main() -> int {{ return g(1); }}");
        let run = move || {
            let error = error(&source, Limits { depth: 2000, ..Limits::default() });
            assert!(error.ends_with("the limit of 2000 open calls is reached"), "{row} {error}");
        };
        std::thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap().join().unwrap();
    }
}

#[test]
fn a_vector_with_nan_or_an_infinity_is_not_quantized_on_any_tier() {
    for (value, shown) in [("0.0 / z", "NaN"), ("1.0 / z", "inf"), ("-1.0 / z", "-inf"), ("1e39 + z", "inf")] {
        for code in ["A8", "A4", "A2"] {
            let body = format!("let z = 0.0;\n let v = zeros(3);\n v[1] = {value};\n let q = quantize(v, \"{code}\");\n return len(q);");
            let expected = format!("error: test.nda:5:10: a vector with {shown} at index 1 cannot be quantized");
            assert_eq!(error(&main_of(&body), Limits::default()), expected, "{value} {code}");
        }
    }
}

#[test]
fn memory_that_the_limit_allows_and_the_system_has_not_is_an_error_on_every_tier() {
    let limits = Limits { memory_bytes: usize::MAX, ..Limits::default() };
    for (len, wanted) in [(1_u64 << 46, 1_u64 << 48), (1 << 60, 1 << 62)] {
        // The second vector takes over what the first has left.
        for first in ["", "zeros(5);"] {
            let first = if first.is_empty() { String::new() } else { format!("let old = {first} old = zeros(1);") };
            let body = format!("{first} let v = zeros({len});\n return len(v);");
            let end = format!("the system does not have {wanted} more bytes of memory");
            assert!(error(&main_of(&body), limits).ends_with(&end), "{len}: {}", error(&main_of(&body), limits));
        }
    }
}
