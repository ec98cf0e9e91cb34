// Gowin's semi dual port block RAM with nine bits a byte, of which yosys has only the ports. Modelled from Gowin's documents
// (UG285, Gowin BSRAM & SSRAM User Guide: semi dual port mode, byte enables and the alignment of addresses) are the modes
// that yosys 0.70 uses for a memory with one write port and one read port of the same width and clock: port A writes, port B
// reads, no output register, no reset. Anything else stops the simulation.
//
// A read of a word in the cycle in which it is written gives the old word inverted, so that nothing can hang on it.
module SDPX9B(
    input CLKA, CEA, CLKB, CEB, OCE, RESETA, RESETB,
    input [13:0] ADA, ADB,
    input [2:0] BLKSELA, BLKSELB,
    input [35:0] DI,
    output [35:0] DO
);
    parameter READ_MODE = 1'b0;
    parameter BIT_WIDTH_0 = 36;
    parameter BIT_WIDTH_1 = 36;
    parameter BLK_SEL_0 = 3'b000;
    parameter BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [287:0] INIT_RAM_00 = 288'b0, INIT_RAM_01 = 288'b0;
    parameter [287:0] INIT_RAM_02 = 288'b0, INIT_RAM_03 = 288'b0;
    parameter [287:0] INIT_RAM_04 = 288'b0, INIT_RAM_05 = 288'b0;
    parameter [287:0] INIT_RAM_06 = 288'b0, INIT_RAM_07 = 288'b0;
    parameter [287:0] INIT_RAM_08 = 288'b0, INIT_RAM_09 = 288'b0;
    parameter [287:0] INIT_RAM_0A = 288'b0, INIT_RAM_0B = 288'b0;
    parameter [287:0] INIT_RAM_0C = 288'b0, INIT_RAM_0D = 288'b0;
    parameter [287:0] INIT_RAM_0E = 288'b0, INIT_RAM_0F = 288'b0;
    parameter [287:0] INIT_RAM_10 = 288'b0, INIT_RAM_11 = 288'b0;
    parameter [287:0] INIT_RAM_12 = 288'b0, INIT_RAM_13 = 288'b0;
    parameter [287:0] INIT_RAM_14 = 288'b0, INIT_RAM_15 = 288'b0;
    parameter [287:0] INIT_RAM_16 = 288'b0, INIT_RAM_17 = 288'b0;
    parameter [287:0] INIT_RAM_18 = 288'b0, INIT_RAM_19 = 288'b0;
    parameter [287:0] INIT_RAM_1A = 288'b0, INIT_RAM_1B = 288'b0;
    parameter [287:0] INIT_RAM_1C = 288'b0, INIT_RAM_1D = 288'b0;
    parameter [287:0] INIT_RAM_1E = 288'b0, INIT_RAM_1F = 288'b0;
    parameter [287:0] INIT_RAM_20 = 288'b0, INIT_RAM_21 = 288'b0;
    parameter [287:0] INIT_RAM_22 = 288'b0, INIT_RAM_23 = 288'b0;
    parameter [287:0] INIT_RAM_24 = 288'b0, INIT_RAM_25 = 288'b0;
    parameter [287:0] INIT_RAM_26 = 288'b0, INIT_RAM_27 = 288'b0;
    parameter [287:0] INIT_RAM_28 = 288'b0, INIT_RAM_29 = 288'b0;
    parameter [287:0] INIT_RAM_2A = 288'b0, INIT_RAM_2B = 288'b0;
    parameter [287:0] INIT_RAM_2C = 288'b0, INIT_RAM_2D = 288'b0;
    parameter [287:0] INIT_RAM_2E = 288'b0, INIT_RAM_2F = 288'b0;
    parameter [287:0] INIT_RAM_30 = 288'b0, INIT_RAM_31 = 288'b0;
    parameter [287:0] INIT_RAM_32 = 288'b0, INIT_RAM_33 = 288'b0;
    parameter [287:0] INIT_RAM_34 = 288'b0, INIT_RAM_35 = 288'b0;
    parameter [287:0] INIT_RAM_36 = 288'b0, INIT_RAM_37 = 288'b0;
    parameter [287:0] INIT_RAM_38 = 288'b0, INIT_RAM_39 = 288'b0;
    parameter [287:0] INIT_RAM_3A = 288'b0, INIT_RAM_3B = 288'b0;
    parameter [287:0] INIT_RAM_3C = 288'b0, INIT_RAM_3D = 288'b0;
    parameter [287:0] INIT_RAM_3E = 288'b0, INIT_RAM_3F = 288'b0;

    // Addresses count bits of the 16 in a word of 18; the low bits of an address wider than a byte enable its bytes.
    localparam SHIFT = BIT_WIDTH_0 == 36 ? 5 : BIT_WIDTH_0 == 18 ? 4 : 3;
    localparam WORDS = 16384 >> SHIFT;
    reg [BIT_WIDTH_0-1:0] mem [0:WORDS-1];
    reg [BIT_WIDTH_0-1:0] q = 0;
    wire [13:0] write_at = ADA >> SHIFT;
    wire [13:0] read_at = ADB >> SHIFT;
    wire [3:0] bytes = BIT_WIDTH_0 == 36 ? ADA[3:0] : BIT_WIDTH_0 == 18 ? {2'b00, ADA[1:0]} : 4'b0001;

    localparam [18431:0] INIT_RAM = {
        INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38,
        INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30,
        INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28,
        INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20,
        INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18,
        INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10,
        INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08,
        INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00};
    integer i;
    initial begin
        for (i = 0; i < WORDS; i = i + 1) mem[i] = INIT_RAM[i * BIT_WIDTH_0 +: BIT_WIDTH_0];
        if (BIT_WIDTH_0 != BIT_WIDTH_1 || BIT_WIDTH_0 < 9 || READ_MODE != 0 || BLK_SEL_0 != 0 || BLK_SEL_1 != 0) begin
            $display("SDPX9B %m: this mode is not modelled");
            $finish;
        end
    end

    integer b;
    always @(posedge CLKA) begin
        if (CEA)
            for (b = 0; b < BIT_WIDTH_0; b = b + 1)
                if (bytes[b / 9]) mem[write_at][b] <= DI[b];
        if (CEB) q <= CEA && bytes != 0 && write_at == read_at ? ~mem[read_at] : mem[read_at];
        if (RESETA || RESETB || BLKSELA != 0 || BLKSELB != 0) begin
            $display("SDPX9B %m: a reset or a block select is used: not modelled");
            $finish;
        end
    end
    assign DO = q;
endmodule
