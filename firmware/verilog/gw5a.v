// The global buffer of a GW5A: yosys 0.70 has it for Gowin's other parts alone, nextpnr for all.
(* blackbox *) module BUFG(input wire I, output wire O);
endmodule
