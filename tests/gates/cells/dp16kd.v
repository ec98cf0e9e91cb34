// The ECP5's block RAM, of which yosys has only the ports. Modelled from Lattice's documents (ECP5 and ECP5-5G Memory Usage
// Guide, FPGA-TN-02204: the true dual port and pseudo dual port modes, byte enables, write modes and the alignment of addresses)
// are the modes that yosys 0.70 uses: both ports as wide as each other and of one clock, no output register, no reset. A pseudo dual
// port of 36 bits writes at port A and reads at port B; it has the lighter half of its word at DIA and DOA, the heavier at DIB and
// DOB, as yosys's brams_map_16kd.v wires it. Anything else stops the simulation.
//
// A read of a word in the cycle in which the other port writes it is undefined in the documents: it gives the old word
// inverted here, so that nothing can hang on it.
module DP16KD(
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
    input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
    input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
    input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
    parameter DATA_WIDTH_A = 18;
    parameter DATA_WIDTH_B = 18;
    parameter REGMODE_A = "NOREG";
    parameter REGMODE_B = "NOREG";
    parameter RESETMODE = "SYNC";
    parameter ASYNC_RESET_RELEASE = "SYNC";
    parameter CSDECODE_A = "0b000";
    parameter CSDECODE_B = "0b000";
    parameter WRITEMODE_A = "NORMAL";
    parameter WRITEMODE_B = "NORMAL";
    parameter GSR = "ENABLED";
    parameter CLKAMUX = "CLKA";
    parameter CLKBMUX = "CLKB";
    parameter [319:0] INITVAL_00 = 320'b0, INITVAL_01 = 320'b0;
    parameter [319:0] INITVAL_02 = 320'b0, INITVAL_03 = 320'b0;
    parameter [319:0] INITVAL_04 = 320'b0, INITVAL_05 = 320'b0;
    parameter [319:0] INITVAL_06 = 320'b0, INITVAL_07 = 320'b0;
    parameter [319:0] INITVAL_08 = 320'b0, INITVAL_09 = 320'b0;
    parameter [319:0] INITVAL_0A = 320'b0, INITVAL_0B = 320'b0;
    parameter [319:0] INITVAL_0C = 320'b0, INITVAL_0D = 320'b0;
    parameter [319:0] INITVAL_0E = 320'b0, INITVAL_0F = 320'b0;
    parameter [319:0] INITVAL_10 = 320'b0, INITVAL_11 = 320'b0;
    parameter [319:0] INITVAL_12 = 320'b0, INITVAL_13 = 320'b0;
    parameter [319:0] INITVAL_14 = 320'b0, INITVAL_15 = 320'b0;
    parameter [319:0] INITVAL_16 = 320'b0, INITVAL_17 = 320'b0;
    parameter [319:0] INITVAL_18 = 320'b0, INITVAL_19 = 320'b0;
    parameter [319:0] INITVAL_1A = 320'b0, INITVAL_1B = 320'b0;
    parameter [319:0] INITVAL_1C = 320'b0, INITVAL_1D = 320'b0;
    parameter [319:0] INITVAL_1E = 320'b0, INITVAL_1F = 320'b0;
    parameter [319:0] INITVAL_20 = 320'b0, INITVAL_21 = 320'b0;
    parameter [319:0] INITVAL_22 = 320'b0, INITVAL_23 = 320'b0;
    parameter [319:0] INITVAL_24 = 320'b0, INITVAL_25 = 320'b0;
    parameter [319:0] INITVAL_26 = 320'b0, INITVAL_27 = 320'b0;
    parameter [319:0] INITVAL_28 = 320'b0, INITVAL_29 = 320'b0;
    parameter [319:0] INITVAL_2A = 320'b0, INITVAL_2B = 320'b0;
    parameter [319:0] INITVAL_2C = 320'b0, INITVAL_2D = 320'b0;
    parameter [319:0] INITVAL_2E = 320'b0, INITVAL_2F = 320'b0;
    parameter [319:0] INITVAL_30 = 320'b0, INITVAL_31 = 320'b0;
    parameter [319:0] INITVAL_32 = 320'b0, INITVAL_33 = 320'b0;
    parameter [319:0] INITVAL_34 = 320'b0, INITVAL_35 = 320'b0;
    parameter [319:0] INITVAL_36 = 320'b0, INITVAL_37 = 320'b0;
    parameter [319:0] INITVAL_38 = 320'b0, INITVAL_39 = 320'b0;
    parameter [319:0] INITVAL_3A = 320'b0, INITVAL_3B = 320'b0;
    parameter [319:0] INITVAL_3C = 320'b0, INITVAL_3D = 320'b0;
    parameter [319:0] INITVAL_3E = 320'b0, INITVAL_3F = 320'b0;

    wire [35:0] di = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
                      DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
    wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};

    // Addresses count bits of the 16 in a word of 18; each byte has a ninth bit that widths of 1, 2 and 4 do not reach.
    localparam SHIFT = DATA_WIDTH_A == 36 ? 5 : DATA_WIDTH_A == 18 ? 4 : DATA_WIDTH_A == 9 ? 3 : DATA_WIDTH_A == 4 ? 2 : DATA_WIDTH_A == 2 ? 1 : 0;
    localparam WORDS = 16384 >> SHIFT;
    reg [DATA_WIDTH_A-1:0] mem [0:WORDS-1];
    reg [DATA_WIDTH_A-1:0] qa = 0, qb = 0;
    wire [13:0] at_a = ada >> SHIFT;
    wire [13:0] at_b = adb >> SHIFT;
    wire [3:0] bytes_a = DATA_WIDTH_A == 36 ? ada[3:0] : DATA_WIDTH_A == 18 ? {2'b00, ada[1:0]} : 4'b0001;
    wire [3:0] bytes_b = DATA_WIDTH_A == 18 ? {2'b00, adb[1:0]} : 4'b0001;
    wire write_a = CEA && WEA && bytes_a != 0;
    wire write_b = CEB && WEB && bytes_b != 0;
    wire is_same = at_a == at_b;

    localparam [20479:0] INITVALS_ALL = {
        INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
        INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
        INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
        INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
        INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
        INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
        INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
        INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00};
    integer i, j, place;
    initial
        for (i = 0; i < WORDS; i = i + 1)
            for (j = 0; j < DATA_WIDTH_A; j = j + 1) begin
                // The bit's place among the 1024 words of 18 bits, each of which takes 20 in the parameters.
                place = DATA_WIDTH_A >= 9 ? i * DATA_WIDTH_A + j
                      : (i * DATA_WIDTH_A + j) / 8 * 9 + (i * DATA_WIDTH_A + j) % 8;
                mem[i][j] = INITVALS_ALL[place / 18 * 20 + place % 18];
            end

    initial
        if (DATA_WIDTH_A != DATA_WIDTH_B || REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CLKAMUX != "CLKA" || CLKBMUX != "CLKB"
            || CSDECODE_A != "0b000" || CSDECODE_B != "0b000" || WRITEMODE_A == "WRITETHROUGH" || WRITEMODE_B == "WRITETHROUGH") begin
            $display("DP16KD %m: this mode is not modelled");
            $finish;
        end

    // What a port shows when it writes: NORMAL, what it showed before; READBEFOREWRITE, the word as it was.
    localparam KEEPS_A = WRITEMODE_A == "NORMAL";
    localparam KEEPS_B = WRITEMODE_B == "NORMAL";
    integer b;
    always @(posedge CLKA) begin
        for (b = 0; b < DATA_WIDTH_A; b = b + 1) begin
            if (write_a && bytes_a[b / 9]) mem[at_a][b] <= di[b];
            if (write_b && bytes_b[b / 9]) mem[at_b][b] <= di[18 + b];
        end
        if (CEA && !(WEA && KEEPS_A)) qa <= write_b && is_same ? ~mem[at_a] : mem[at_a];
        if (CEB && !(WEB && KEEPS_B)) qb <= write_a && is_same ? ~mem[at_b] : mem[at_b];
        if (write_a && write_b && is_same) begin
            $display("DP16KD %m: both ports write a word");
            $finish;
        end
        if ((DATA_WIDTH_A == 36 && WEB) || RSTA || RSTB || CSA0 || CSA1 || CSA2 || CSB0 || CSB1 || CSB2) begin
            $display("DP16KD %m: port B of a pseudo dual port writes, or a reset or chip select is used: not modelled");
            $finish;
        end
    end

    wire [35:0] word = qb;
    wire [17:0] doa = DATA_WIDTH_A == 36 ? word[17:0] : qa;
    wire [17:0] dob = DATA_WIDTH_A == 36 ? word[35:18] : word[17:0];
    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = doa;
    assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = dob;
endmodule
