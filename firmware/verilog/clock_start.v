// Lets the clock run once the PLL is steady, and stops it for good if the PLL ever loses its lock.
//
// The cores have no reset: their registers wake up with their values, so the first edge that they see must be a whole
// one. `run` rises 4096 oscillator cycles after the PLL has locked and stayed so (an iCE40's block RAM needs some
// microseconds after configuration before it can be read; this is longer). A PLL that loses its lock later may
// have made edges that are too short, and nothing tells which registers missed them: `run` falls and stays low until
// the part is configured again, so that the board falls silent instead of giving a wrong number.
// All of it is clocked by the oscillator, which no PLL disturbs.
module clock_start(input wire oscillator, input wire locked, output reg run);
    reg [1:0] lock = 0;
    reg [12:0] steady = 0;
    reg stopped = 0;
    initial run = 0;
    always @(posedge oscillator) begin
        lock <= {lock[0], locked};
        if (!lock[1]) steady <= 0;
        else if (!steady[12]) steady <= steady + 1;
        if (run && !lock[1]) stopped <= 1;
        run <= steady[12] && lock[1] && !stopped;
    end
endmodule
