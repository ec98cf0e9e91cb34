//! The link: CRC-32 against its definition bit by bit, its residue, and a frame from the encoder through the decoder.

use super::{Checks, keeps};
use crate::proof::{Method, Mutant, Part};
use crate::text::{TextError, Verilog};
use nda_spec::wire::{CRC_BYTES, CRC_RESIDUE};

/// Bytes of the frames that a round trip is proved for.
const ROUND_TRIPS: [usize; 3] = [2, 6, 12];

pub(super) fn parts() -> Result<Vec<Part>, TextError> {
    let mut parts = vec![crc_step()?, crc_residue()?];
    for bytes in ROUND_TRIPS {
        parts.push(round_trip(bytes)?);
    }
    Ok(parts)
}

/// The definition of IEEE 802.3, reflected: one bit of the message after another.
const CRC_BIT_BY_BIT: &str = "\
function [31:0] crc_after(input [31:0] before, input [7:0] message);
    integer bit_index;
    begin
        crc_after = before;
        for (bit_index = 0; bit_index < 8; bit_index = bit_index + 1)
            crc_after = (crc_after >> 1) ^ ((crc_after[0] ^ message[bit_index]) ? 32'hedb88320 : 32'd0);
    end
endfunction";

fn crc_step() -> Result<Part, TextError> {
    let mut checks = Checks::new();
    checks.say(CRC_BIT_BY_BIT);
    checks.say("always @(posedge clock) if (!past) assert (crc == 32'hffffffff);");
    checks.equal("1'b1", "crc", 32, "$past(clear) ? 32'hffffffff : $past(enable) ? crc_after($past(crc), $past(data)) : $past(crc)");
    Ok(Part {
        name: "crc32_step".into(),
        claim: "a byte moves the CRC as the eight bits of its definition do; clear and hold".into(),
        bound: "any register, any byte, for all time".into(),
        method: Method::Induction { steps: 2, cycles: 7 },
        top: "crc32".into(),
        verilog: Verilog::unit("crc32")?.with_checks("crc32", &checks.text)?,
        mutants: vec![
            Mutant::new("one of the eight steps, one entry", "if (step$3[32'h0])", "if (step$3[32'h0] ^ (step$3 == 32'h12345678))"),
            Mutant::new("clear, one entry", "if (clear)", "if (clear && data != 8'ha5)"),
        ],
        quick: true,
    })
}

/// Any message, then its CRC: as any register can stand behind a message, four bytes of its inverse are all to be shown.
fn crc_residue() -> Result<Part, TextError> {
    let mut checks = Checks::new();
    checks.always("left <= 4");
    checks.say(&format!("always @(posedge clock) if (ends) assert (crc == 32'h{CRC_RESIDUE:08x});"));
    let harness = format!(
        "module residue(input clock, input clear, enable, ends_message, input [7:0] data);\n\
         wire [31:0] crc;\n\
         reg [2:0] left = 0;\nreg [31:0] sending = 0;\nreg ends = 0;\n\
         crc32 crc32(.clock(clock), .clear(left == 0 && !ends_message && clear), .enable(left != 0 || (!ends_message && enable)),\n\
         \x20   .data(left != 0 ? sending[7:0] : data), .crc(crc));\n\
         always @(posedge clock) begin\n\
         \x20   ends <= left == 1;\n\
         \x20   if (left != 0) begin left <= left - 1; sending <= sending >> 8; end\n\
         \x20   else if (ends_message) begin left <= {CRC_BYTES}; sending <= ~crc; end\n\
         end\n{}endmodule\n",
        checks.text
    );
    Ok(Part {
        name: "crc32_residue".into(),
        claim: "any message with its CRC behind it leaves the residue that the frame buffer compares with".into(),
        bound: "messages of any length, for all time".into(),
        method: Method::Induction { steps: 8, cycles: 9 },
        top: "residue".into(),
        verilog: Verilog::unit("crc32")?.and(&Verilog::new(harness)),
        mutants: vec![Mutant::new(
            "one of the eight steps, one entry",
            "if (step$0[32'h0])",
            "if (step$0[32'h0] ^ (step$0[31:24] == 8'h5a))",
        )],
        quick: true,
    })
}

/// Bytes into the encoder, its wire into the decoder, what the decoder says against the bytes.
fn round_trip_harness(bytes: usize) -> (String, usize) {
    // A block is sent when it is closed: the bytes go in and then out. Delimiters, length and both cores' pipelines on top.
    let cycles = 2 * (bytes + CRC_BYTES) + 12;
    let mut checks = Checks::new();
    keeps(&mut checks, &["frame", "bytes"]);
    checks.assume(&format!("bytes >= 1 && bytes <= {bytes}"));
    checks.say(&format!(
        "wire [7:0] expected = got < bytes ? frame >> (8 * got) : ~(crc >> (8 * (got - bytes)));\n\
         reg [31:0] crc = 32'hffffffff;\n\
         always @(posedge clock) begin\n\
         \x20   if (data_valid) begin\n\
         \x20       assert (out_data == expected && !ended && got < bytes + {CRC_BYTES});\n\
         \x20       got <= got + 1;\n\
         \x20       if (got < bytes) crc <= {{out_data, crc[31:8]}};\n\
         \x20   end\n\
         \x20   if (frame_end) begin\n\
         \x20       assert (!ended && frame_good && got == bytes + {CRC_BYTES});\n\
         \x20       ended <= 1;\n\
         \x20   end\n\
         \x20   // On the wire zeros stand first and last and nowhere else.\n\
         \x20   if (wire_valid) begin\n\
         \x20       on_wire <= on_wire + 1;\n\
         \x20       if (wire_data == 0) zeros <= zeros + 1;\n\
         \x20       assert ((wire_data == 0) == (on_wire == 0 || on_wire == bytes + {CRC_BYTES} + 2));\n\
         \x20   end\n\
         \x20   assert (ended || cycle < {cycles});\n\
         end"
    ));
    let harness = format!(
        "module round_trip(input clock, input [{top}:0] frame, input [7:0] bytes);\n\
         reg [7:0] cycle = 0, sent = 0, got = 0, on_wire = 0;\nreg [1:0] zeros = 0;\nreg ended = 0;\n\
         wire ready, wire_valid, data_valid, frame_end, frame_good, decoder_ready;\nwire [7:0] wire_data, out_data;\n\
         wire valid = sent < bytes;\n\
         wire [7:0] data = frame >> (8 * sent);\n\
         frame_encoder encoder(.clock(clock), .valid(valid), .data(data), .last(sent + 1 == bytes), .ready(ready), .out_valid(wire_valid),\n\
         \x20   .out_data(wire_data), .out_ready(decoder_ready));\n\
         cobs_decoder decoder(.clock(clock), .valid(wire_valid), .data(wire_data), .bad(1'b0), .ready(decoder_ready), .out_ready(1'b1),\n\
         \x20   .data_valid(data_valid), .out_data(out_data), .frame_end(frame_end), .frame_good(frame_good));\n\
         always @(posedge clock) begin\n\
         \x20   cycle <= cycle + 1;\n\
         \x20   if (valid && ready) sent <= sent + 1;\n\
         end\n{}endmodule\n",
        checks.text,
        top = 8 * bytes - 1,
    );
    (harness, cycles)
}

/// What stands for the CRC in a round trip: the last four bytes that it was given. So any four bytes can follow a frame,
/// and each of the frame's must have been given once and in order; what the CRC makes of them is proved above.
const LAST_FOUR_BYTES: &str = "\
reg [31:0] state = 32'hffffffff;
always @(posedge clock) if (clear) state <= 32'hffffffff; else if (enable) state <= {data, state[31:8]};
always @(*) crc = state;";

/// The encoder's ring as far as a short frame reaches: as many words as that, and checks that no address is beyond them,
/// so that within the bound it is the same memory.
fn short_ring(words: usize) -> String {
    format!(
        "reg [7:0] mem [0:{}];\ninitial read_data = 0;\n\
         always @(posedge clock) begin\n\
         \x20   if (write_enable) assert (write_address < {words});\n\
         \x20   if (read_enable) assert (read_address < {words});\n\
         \x20   if (write_enable) mem[write_address[{top}:0]] <= write_data;\n\
         \x20   if (read_enable) read_data <= mem[read_address[{top}:0]];\n\
         end",
        words - 1,
        top = nda_spec::width::index_bits(words) - 1,
    )
}

fn round_trip(bytes: usize) -> Result<Part, TextError> {
    let (harness, cycles) = round_trip_harness(bytes);
    // Two delimiters, a length, the CRC and the bytes.
    let words = (bytes + CRC_BYTES + 3).next_power_of_two();
    let encoder = Verilog::unit("frame_encoder")?.with_inside("frame_encoder_ram_words", &short_ring(words))?;
    let encoder = encoder.with_inside("frame_encoder_crc", LAST_FOUR_BYTES)?;
    let verilog = encoder.and(&Verilog::unit("cobs_decoder")?).and(&Verilog::new(harness));
    Ok(Part {
        name: format!("frame_{bytes}"),
        claim: "encoder and decoder in a row give the frame back, with its CRC, once, in time; zeros on the wire delimit it only".into(),
        bound: format!("every frame of 1 to {bytes} bytes and any CRC behind it, a reader that never waits"),
        method: Method::Bounded { cycles: cycles + 1 },
        top: "round_trip".into(),
        verilog,
        mutants: vec![
            Mutant::new(
                "the encoder's zero, one entry",
                "held_zero$d = next_held == 32'h0;",
                "held_zero$d = (next_held == 32'h0) ^ (next_held == 32'h80);",
            ),
            Mutant::new(
                "the decoder's zero, one entry",
                "owes_zero$d = data != 32'hff;",
                "owes_zero$d = (data != 32'hff) ^ (data == 32'h3);",
            ),
        ],
        quick: false,
    })
}
