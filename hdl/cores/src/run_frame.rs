//! A `RUN` frame made on the device: what the vector unit hands to the command processor in place of a frame of the host's.
//!
//! Function: keeps a vector's codes and gives the bytes of a request: 24 of header and descriptor, then the activation words of
//! the codes, plane groups heaviest first, as `nda_spec::job::pack_activations` has them. `ask` asks for a byte, in
//! order; it stands a cycle later, as a frame buffer's does. `start` takes the header and goes back to the first byte.
//! Codes come in order: `code_enable` takes one, `code_first` says that it is number 0; every eighth completes a word.
//! Timing: interval 1 both ways. Cost: a block RAM of 64-bit words, a register of 192 bits, counters.

use nda_spec::config::Geometry;
use nda_spec::width::index_bits;
use rust_hdl_core::prelude::*;

/// See the module's documentation.
#[derive(LogicBlock)]
pub struct RunFrame {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// Take a code.
    pub code_enable: Signal<In, Bit>,
    /// It is the first of its vector.
    pub code_first: Signal<In, Bit>,
    /// The code.
    pub code: Signal<In, Bits<8>>,
    /// Take `header` and begin.
    pub start: Signal<In, Bit>,
    /// Header and descriptor, first byte lightest.
    pub header: Signal<In, Bits<192>>,
    /// Beats of a row.
    pub beats: Signal<In, Bits<16>>,
    /// A byte is asked for.
    pub ask: Signal<In, Bit>,
    /// The byte, a cycle later.
    pub byte_data: Signal<Out, Bits<8>>,
    _geometry: Geometry,
}

impl RunFrame {
    /// Of a device of this geometry.
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            clock: Default::default(),
            code_enable: Default::default(),
            code_first: Default::default(),
            code: Default::default(),
            start: Default::default(),
            header: Default::default(),
            beats: Default::default(),
            ask: Default::default(),
            byte_data: Default::default(),
            _geometry: *geometry,
        }
    }
}

impl Logic for RunFrame {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.byte_data.connect();
    }

    fn hdl(&self) -> Verilog {
        let g = &self._geometry;
        // A column byte's codes are one word; a plane's bytes of a beat follow one another.
        let words = (g.vector_words / 8).max(2);
        let plane_bytes = g.array_cols / 8;
        let text = "\
            (* ram_style = \"block\" *) reg [63:0] mem [0:DEEP];\n\
            reg [63:0] gathered = 0;\n\
            reg [15:0] taken = 0;\n\
            wire [15:0] number = code_first ? 16'd0 : taken;\n\
            wire [63:0] assembled = {code, gathered[63:8]};\n\
            reg [63:0] fetched = 0;\n\
            reg [191:0] held = 0;\n\
            reg [4:0] sent = 0;\n\
            reg [7:0] head_byte = 0;\n\
            reg from_head = 0;\n\
            reg [2:0] plane = 0;\n\
            reg [2:0] asked = 0;\n\
            reg [15:0] in_plane = 0;\n\
            reg [3:0] in_group = 0;\n\
            reg [15:0] beat = 0;\n\
            reg [15:0] first = 0;\n\
            wire heading = sent != 5'd24;\n\
            wire [15:0] at = first + in_plane;\n\
            wire last_byte = in_plane == 16'dLAST_BYTE;\n\
            wire last_plane = in_group == 4'dLAST_PLANE;\n\
            wire last_beat = beat == beats - 16'd1;\n\
            wire [63:0] turned = fetched >> asked;\n\
            always @(*) byte_data = from_head ? head_byte : {turned[56], turned[48], turned[40], turned[32], turned[24], turned[16], turned[8], turned[0]};\n\
            always @(posedge clock) begin\n\
            \x20   if (code_enable) begin\n\
            \x20       gathered <= assembled;\n\
            \x20       taken <= number + 16'd1;\n\
            \x20       if (number[2:0] == 3'd7) mem[number[TOP:3]] <= assembled;\n\
            \x20   end\n\
            \x20   if (ask & !heading) fetched <= mem[at[WORD_TOP:0]];\n\
            \x20   if (ask) begin\n\
            \x20       from_head <= heading;\n\
            \x20       head_byte <= held[7:0];\n\
            \x20       asked <= plane;\n\
            \x20       if (heading) begin\n\
            \x20           held <= held >> 8;\n\
            \x20           sent <= sent + 5'd1;\n\
            \x20       end else begin\n\
            \x20           in_plane <= last_byte ? 16'd0 : in_plane + 16'd1;\n\
            \x20           if (last_byte) begin\n\
            \x20               in_group <= last_plane ? 4'd0 : in_group + 4'd1;\n\
            \x20               plane <= last_plane ? (last_beat ? plane - 3'dTWO_LESS : plane - 3'dONE_LESS) : plane + 3'd1;\n\
            \x20               if (last_plane) begin\n\
            \x20                   beat <= last_beat ? 16'd0 : beat + 16'd1;\n\
            \x20                   first <= last_beat ? 16'd0 : first + 16'dPLANE_BYTES;\n\
            \x20               end\n\
            \x20           end\n\
            \x20       end\n\
            \x20   end\n\
            \x20   if (start) begin\n\
            \x20       held <= header;\n\
            \x20       sent <= 5'd0;\n\
            \x20       in_plane <= 16'd0;\n\
            \x20       in_group <= 4'd0;\n\
            \x20       beat <= 16'd0;\n\
            \x20       first <= 16'd0;\n\
            \x20       plane <= 3'dHEAVIEST;\n\
            \x20   end\n\
            end\n";
        let number = |n: usize| n.to_string();
        // Behind a group's last plane the next beat begins at the group's first; behind the last beat at the next lighter group's.
        Verilog::Custom(
            text.replace("DEEP", &number(words - 1))
                .replace("WORD_TOP", &number(index_bits(words) - 1))
                .replace("TOP", &number(index_bits(words) + 2))
                .replace("LAST_BYTE", &number(plane_bytes - 1))
                .replace("LAST_PLANE", &number(g.planes - 1))
                .replace("TWO_LESS", &number((2 * g.planes - 1) % 8))
                .replace("ONE_LESS", &number((g.planes - 1) % 8))
                .replace("PLANE_BYTES", &number(plane_bytes))
                .replace("HEAVIEST", &number(8 - g.planes)),
        )
    }
}
