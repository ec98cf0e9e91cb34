// Runs a board's top through a PLL that is noisy until it locks, loses its lock once early, locks, and loses it for good.
`timescale 1ns / 1ps

module bench;
    reg oscillator = 0, pll_clock = 0, pll_locked = 0, noisy = 1;
    always #(`OSCILLATOR_NS / 2.0) oscillator = !oscillator;
    always begin
        if (noisy) #(0.1 + ($urandom % 30) / 10.0); else #(`FAST_NS / 2.0);
        pll_clock = !pll_clock;
    end

    reg rx = 1;
    `TOP

    // The bounds of each stretch of time: edges of `clock`, and the shortest time between two of them.
    integer edges = 0;
    real last = 0, shortest = 1e9;
    always @(top.clock) begin
        if (edges > 0 && $realtime - last < shortest) shortest = $realtime - last;
        last = $realtime;
        edges = edges + 1;
    end

    task check(input good, input [8 * 60 - 1:0] claim);
        if (!good) begin
            $display("FAILED at %0t: %0s (edges %0d, shortest %f)", $realtime, claim, edges, shortest);
            $stop;
        end
    endtask

    initial begin
        #1;
        edges = 0;
        repeat (6000) @(posedge oscillator);
        check(edges == 0, "no edge before the PLL locks");
        pll_locked = 1;
        noisy = 0;
        repeat (4000) @(posedge oscillator);
        pll_locked = 0;
        noisy = 1;
        repeat (10) @(posedge oscillator);
        pll_locked = 1;
        noisy = 0;
        repeat (4096) @(posedge oscillator);
        check(edges == 0, "no edge before the lock was steady");
        repeat (50) @(posedge oscillator);
        check(edges > 50, "the clock runs once the lock was steady");
        check(shortest > `PHASE_NS - 0.01, "every phase is a whole one");
        check(`LIT, "the pins show link and fault, not busy, and the rest dark");
        check(top.sent == !rx && `SENT == 0, "tx follows the board");
        rx = 0;
        #1 check(`SENT == 1, "rx reaches the board");
        pll_locked = 0;
        noisy = 1;
        repeat (20) @(posedge oscillator);
        edges = 0;
        repeat (100) @(posedge oscillator);
        pll_locked = 1;
        noisy = 0;
        repeat (9000) @(posedge oscillator);
        check(edges == 0, "a lost lock stops the clock for good");
        $display("PASSED");
        $finish;
    end
endmodule
