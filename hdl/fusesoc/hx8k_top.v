// The pins of an iCE40HX8K-B-EVN around an emitted board, straight off the oscillator.
module hx8k_top(input clk, input ser_rx, output ser_tx, output [7:0] leds);
    board board(.clock(clk), .rx(ser_rx), .tx(ser_tx), .link(leds[0]), .busy(leds[1]), .fault(leds[2]));
    assign leds[7:3] = 5'd0;
endmodule
