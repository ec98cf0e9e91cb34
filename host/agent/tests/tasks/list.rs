//! Fifty editing tasks in a small repository.

use std::fs;
use std::path::Path;

/// A task, the file that it is about, what is replaced and by what.
pub type Task = (&'static str, &'static str, &'static str, &'static str);

/// The small repository's files.
pub const FILES: [(&str, &str); 5] = [
    (
        "src/stats.rs",
        "//! Statistics.\n\n/// The mean of some numbers.\npub fn mean(values: &[f64]) -> f64 {\n    let sum: f64 = values.iter().sum();\n    sum / values.len() as f64\n}\n\n/// The largest.\npub fn largest(values: &[f64]) -> f64 {\n    values.iter().copied().fold(f64::MIN, f64::max)\n}\n\n/// The smallest.\npub fn smallest(values: &[f64]) -> f64 {\n    values.iter().copied().fold(f64::MAX, f64::min)\n}\n\nconst LIMIT: usize = 100;\n",
    ),
    (
        "rtl/counter.v",
        "// A counter.\nmodule counter(input clock, input enable, output reg [7:0] count);\n    initial count = 0;\n    always @(posedge clock) begin\n        if (enable) count <= count + 1;\n    end\nendmodule\n",
    ),
    (
        "model/tiny.nda",
        "// A model.\nlet width = 64;\nlet layers = 2;\n\nfn forward(x: vec) -> vec {\n    let y = gemv(\"a\", x);\n    return relu2(y);\n}\n",
    ),
    ("README.md", "# A small project\n\nIt counts.\n\n## Build\n\nRun `make`.\n\n## License\n\nMIT\n"),
    ("Makefile", "all: count\n\ncount: src/count.c\n\tcc -O2 -o count src/count.c\n\nclean:\n\trm -f count\n"),
];

pub const TASKS: [Task; 50] = [
    (
        "Return 0 for the mean of nothing.",
        "src/stats.rs",
        "    sum / values.len() as f64",
        "    if values.is_empty() { 0.0 } else { sum / values.len() as f64 }",
    ),
    ("Rename LIMIT to MOST.", "src/stats.rs", "const LIMIT: usize", "const MOST: usize"),
    ("Raise the limit to 200.", "src/stats.rs", "usize = 100", "usize = 200"),
    ("Make the limit public.", "src/stats.rs", "const LIMIT", "pub const LIMIT"),
    ("Document the limit.", "src/stats.rs", "const LIMIT", "/// How many values are taken.\nconst LIMIT"),
    ("Say in the header that it is about slices.", "src/stats.rs", "//! Statistics.", "//! Statistics of slices."),
    ("Mark mean as inline.", "src/stats.rs", "pub fn mean", "#[inline]\npub fn mean"),
    ("Rename largest to maximum.", "src/stats.rs", "pub fn largest", "pub fn maximum"),
    ("Rename smallest to minimum.", "src/stats.rs", "pub fn smallest", "pub fn minimum"),
    ("Start largest at minus infinity.", "src/stats.rs", "f64::MIN, f64::max", "f64::NEG_INFINITY, f64::max"),
    ("Start smallest at infinity.", "src/stats.rs", "f64::MAX, f64::min", "f64::INFINITY, f64::min"),
    ("Say what the mean of nothing is.", "src/stats.rs", "/// The mean of some numbers.", "/// The mean of some numbers; NaN of none."),
    (
        "Let mean panic on nothing.",
        "src/stats.rs",
        "    let sum: f64",
        "    assert!(!values.is_empty(), \"a mean of nothing\");\n    let sum: f64",
    ),
    ("Take the sum by a fold.", "src/stats.rs", "values.iter().sum()", "values.iter().fold(0.0, |a, b| a + b)"),
    (
        "Add a range function.",
        "src/stats.rs",
        "const LIMIT",
        "/// Largest less smallest.\npub fn range(values: &[f64]) -> f64 {\n    largest(values) - smallest(values)\n}\n\nconst LIMIT",
    ),
    ("Remove the limit.", "src/stats.rs", "\nconst LIMIT: usize = 100;\n", ""),
    ("Use u32 for the limit.", "src/stats.rs", "LIMIT: usize", "LIMIT: u32"),
    (
        "Name the sum total.",
        "src/stats.rs",
        "    let sum: f64 = values.iter().sum();\n    sum / ",
        "    let total: f64 = values.iter().sum();\n    total / ",
    ),
    ("Widen the counter to 16 bits.", "rtl/counter.v", "[7:0] count", "[15:0] count"),
    ("Count down.", "rtl/counter.v", "count + 1", "count - 1"),
    ("Start at 1.", "rtl/counter.v", "initial count = 0", "initial count = 1"),
    ("Count by 2.", "rtl/counter.v", "count + 1", "count + 2"),
    ("Make the literal sized.", "rtl/counter.v", "count + 1;", "count + 8'd1;"),
    ("Add a reset input.", "rtl/counter.v", "input enable,", "input reset, input enable,"),
    ("Rename the module to up_counter.", "rtl/counter.v", "module counter(", "module up_counter("),
    ("Count on falling edges.", "rtl/counter.v", "posedge clock", "negedge clock"),
    ("Always count.", "rtl/counter.v", "if (enable) count", "count"),
    ("Say that it wraps around.", "rtl/counter.v", "// A counter.", "// A counter that wraps around."),
    ("Name the module at its end.", "rtl/counter.v", "endmodule", "endmodule // counter"),
    ("Hold at the top.", "rtl/counter.v", "if (enable) count", "if (enable && count != 8'hff) count"),
    ("Add a default net type.", "rtl/counter.v", "// A counter.\n", "// A counter.\n`default_nettype none\n"),
    ("Double the width of the model.", "model/tiny.nda", "width = 64", "width = 128"),
    ("Use four layers.", "model/tiny.nda", "layers = 2", "layers = 4"),
    ("Use the matrix b.", "model/tiny.nda", "gemv(\"a\", x)", "gemv(\"b\", x)"),
    ("Return without an activation.", "model/tiny.nda", "return relu2(y)", "return y"),
    (
        "Rename y to hidden.",
        "model/tiny.nda",
        "    let y = gemv(\"a\", x);\n    return relu2(y);",
        "    let hidden = gemv(\"a\", x);\n    return relu2(hidden);",
    ),
    ("Say that it is tiny.", "model/tiny.nda", "// A model.", "// A tiny model."),
    ("Check the width.", "model/tiny.nda", "let layers = 2;\n", "let layers = 2;\nexpect(width == 64, \"another width\");\n"),
    ("Name the head size.", "model/tiny.nda", "let layers", "let head = 16;\nlet layers"),
    ("Multiply twice.", "model/tiny.nda", "    return relu2(y);", "    let z = gemv(\"b\", relu2(y));\n    return z;"),
    ("Call the project a counter.", "README.md", "# A small project", "# A counter"),
    ("Say how to clean.", "README.md", "Run `make`.", "Run `make`, and `make clean` to begin anew."),
    ("Name both licences.", "README.md", "\nMIT\n", "\nMIT or Apache-2.0\n"),
    ("Say that it counts up.", "README.md", "It counts.", "It counts up."),
    ("Add a section on tests.", "README.md", "## License", "## Tests\n\nRun `make test`.\n\n## License"),
    ("Optimise more.", "Makefile", "-O2", "-O3"),
    ("Warn about everything.", "Makefile", "cc -O2", "cc -Wall -Wextra -O2"),
    ("Add a phony line.", "Makefile", "all: count\n", ".PHONY: all clean\n\nall: count\n"),
    ("Name the compiler by a variable.", "Makefile", "\tcc -O2", "\t$(CC) -O2"),
    ("Clean object files too.", "Makefile", "rm -f count", "rm -f count *.o"),
];

/// Writes the repository's files as they are before a task.
pub fn fill(root: &Path) {
    for (path, text) in FILES {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
}

/// Whether the task's file is as it should be and the others are as they were.
pub fn is_solved(root: &Path, (task, path, old, new): &Task) -> bool {
    let is_as_wanted = |(file, text): &(&str, &str)| {
        let wanted = if file == path { text.replacen(old, new, 1) } else { (*text).to_owned() };
        assert!(file != path || text.matches(old).count() == 1, "{task}");
        fs::read(root.join(file)).is_ok_and(|found| found == wanted.as_bytes())
    };
    FILES.iter().all(is_as_wanted)
}
