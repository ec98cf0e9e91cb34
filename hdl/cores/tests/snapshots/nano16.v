// Emitted from hdl/cores by nda-cores; do not edit.
`default_nettype wire
module board(clock,rx,tx,link,busy,fault);

    // Module arguments
    input wire  clock;
    input wire  rx;
    output reg  tx;
    output reg  link;
    output reg  busy;
    output reg  fault;

    // Stub signals
    reg  engine$clock;
    reg  engine$rx_valid;
    reg  [7:0] engine$rx_data;
    reg  engine$rx_bad;
    wire  engine$rx_ready;
    wire  engine$tx_valid;
    wire  [7:0] engine$tx_data;
    reg  engine$tx_ready;
    wire  engine$frame_ok;
    wire  engine$refused;
    wire  engine$run_cycle;
    reg  uart_rx$clock;
    reg  uart_rx$rx;
    wire  uart_rx$valid;
    wire  [7:0] uart_rx$data;
    wire  uart_rx$bad;
    reg  uart_tx$clock;
    reg  uart_tx$valid;
    reg  [7:0] uart_tx$data;
    wire  uart_tx$ready;
    wire  uart_tx$tx;
    reg  lights$clock;
    reg  lights$frame;
    reg  lights$run_cycle;
    reg  lights$refused;
    wire  lights$link;
    wire  lights$busy;
    wire  lights$fault;

    // Sub module instances
    board_engine engine(
        .clock(engine$clock),
        .rx_valid(engine$rx_valid),
        .rx_data(engine$rx_data),
        .rx_bad(engine$rx_bad),
        .rx_ready(engine$rx_ready),
        .tx_valid(engine$tx_valid),
        .tx_data(engine$tx_data),
        .tx_ready(engine$tx_ready),
        .frame_ok(engine$frame_ok),
        .refused(engine$refused),
        .run_cycle(engine$run_cycle)
    );
    board_uart_rx uart_rx(
        .clock(uart_rx$clock),
        .rx(uart_rx$rx),
        .valid(uart_rx$valid),
        .data(uart_rx$data),
        .bad(uart_rx$bad)
    );
    board_uart_tx uart_tx(
        .clock(uart_tx$clock),
        .valid(uart_tx$valid),
        .data(uart_tx$data),
        .ready(uart_tx$ready),
        .tx(uart_tx$tx)
    );
    board_lights lights(
        .clock(lights$clock),
        .frame(lights$frame),
        .run_cycle(lights$run_cycle),
        .refused(lights$refused),
        .link(lights$link),
        .busy(lights$busy),
        .fault(lights$fault)
    );

    // Update code
    always @(*) begin
        engine$clock = clock;
        uart_rx$clock = clock;
        uart_tx$clock = clock;
        lights$clock = clock;
        uart_rx$rx = rx;
        engine$rx_valid = uart_rx$valid;
        engine$rx_data = uart_rx$data;
        engine$rx_bad = uart_rx$bad;
        uart_tx$valid = engine$tx_valid;
        uart_tx$data = engine$tx_data;
        engine$tx_ready = uart_tx$ready;
        tx = uart_tx$tx;
        lights$frame = engine$frame_ok;
        lights$refused = engine$refused;
        lights$run_cycle = engine$run_cycle;
        link = lights$link;
        busy = lights$busy;
        fault = lights$fault;
    end

endmodule

module board_engine(clock,rx_valid,rx_data,rx_bad,rx_ready,tx_valid,tx_data,tx_ready,frame_ok,refused,run_cycle);

    // Module arguments
    input wire  clock;
    input wire  rx_valid;
    input wire  [7:0] rx_data;
    input wire  rx_bad;
    output reg  rx_ready;
    output reg  tx_valid;
    output reg  [7:0] tx_data;
    input wire  tx_ready;
    output reg  frame_ok;
    output reg  refused;
    output reg  run_cycle;

    // Stub signals
    reg  decoder$clock;
    reg  decoder$valid;
    reg  [7:0] decoder$data;
    reg  decoder$bad;
    wire  decoder$ready;
    reg  decoder$out_ready;
    wire  decoder$data_valid;
    wire  [7:0] decoder$out_data;
    wire  decoder$frame_end;
    wire  decoder$frame_good;
    reg  frames$clock;
    reg  frames$data_valid;
    reg  [7:0] frames$data;
    reg  frames$frame_end;
    reg  frames$frame_good;
    wire  frames$ready;
    wire  frames$frame_valid;
    wire  [12:0] frames$frame_bytes;
    reg  frames$frame_done;
    reg  frames$read_enable;
    reg  [12:0] frames$read_address;
    wire  [7:0] frames$read_data;
    wire  frames$count_ok;
    wire  frames$count_crc;
    wire  frames$count_frame;
    wire  frames$count_overrun;
    reg  command$clock;
    reg  command$frame_valid;
    reg  [12:0] command$frame_bytes;
    wire  command$frame_done;
    wire  command$read_enable;
    wire  [12:0] command$read_address;
    reg  [7:0] command$read_data;
    wire  [7:0] command$store_byte;
    wire  command$tile_byte_enable;
    wire  command$tile_write_enable;
    wire  command$act_byte_enable;
    wire  command$act_write_enable;
    wire  [15:0] command$write_address;
    wire  command$tile_read_enable;
    wire  [15:0] command$tile_read_address;
    reg  [31:0] command$tile_read_data;
    wire  command$start;
    wire  [15:0] command$base;
    wire  [15:0] command$row_groups;
    wire  [15:0] command$col_beats;
    wire  [7:0] command$plane_groups;
    wire  command$ternary;
    wire  command$a2;
    wire  [23:0] command$init;
    reg  command$result_valid;
    wire  [11:0] command$result_write_address;
    wire  [11:0] command$result_read_address;
    reg  [23:0] command$result_read_data;
    wire  [3:0] command$page_address;
    reg  [31:0] command$identity_data;
    reg  [31:0] command$counter_data;
    wire  command$run_cycle;
    wire  command$out_valid;
    wire  [7:0] command$out_data;
    wire  command$out_last;
    reg  command$out_ready;
    reg  encoder$clock;
    reg  encoder$valid;
    reg  [7:0] encoder$data;
    reg  encoder$last;
    wire  encoder$ready;
    wire  encoder$out_valid;
    wire  [7:0] encoder$out_data;
    reg  encoder$out_ready;
    reg  tiles$clock;
    reg  tiles$byte_enable;
    reg  [7:0] tiles$byte_data;
    reg  tiles$write_enable;
    reg  [15:0] tiles$write_address;
    reg  tiles$read_enable;
    reg  [15:0] tiles$read_address;
    wire  [31:0] tiles$read_data;
    reg  activations$clock;
    reg  activations$byte_enable;
    reg  [7:0] activations$byte_data;
    reg  activations$write_enable;
    reg  [15:0] activations$write_address;
    reg  activations$read_enable;
    reg  [15:0] activations$read_address;
    wire  [15:0] activations$read_data;
    reg  results$clock;
    reg  results$write_enable;
    reg  [11:0] results$write_address;
    reg  [23:0] results$write_data;
    reg  results$read_enable;
    reg  [11:0] results$read_address;
    wire  [23:0] results$read_data;
    reg  sequencer$clock;
    reg  sequencer$start;
    reg  [15:0] sequencer$base;
    reg  [15:0] sequencer$row_groups;
    reg  [15:0] sequencer$col_beats;
    reg  [7:0] sequencer$plane_groups;
    wire  sequencer$running;
    wire  sequencer$is_load;
    wire  sequencer$is_beat;
    wire  sequencer$act_read;
    wire  [15:0] sequencer$tile_address;
    wire  [15:0] sequencer$act_address;
    wire  sequencer$is_first;
    wire  sequencer$is_shift;
    wire  sequencer$is_heavy;
    wire  sequencer$is_last;
    reg  tile_request$clock;
    reg  tile_request$enable;
    reg  [15:0] tile_request$address;
    wire  tile_request$out_enable;
    wire  [15:0] tile_request$out_address;
    reg  array$clock;
    reg  array$issue;
    reg  array$is_load;
    reg  array$is_first;
    reg  array$is_shift;
    reg  array$is_heavy;
    reg  array$is_last;
    reg  array$ternary;
    reg  array$a2;
    reg  [23:0] array$init;
    reg  [31:0] array$w;
    reg  [15:0] array$x;
    wire  array$result_valid;
    wire  [23:0] array$result;
    reg  [3:0] identity$address;
    wire  [31:0] identity$data;
    reg  counters$clock;
    reg  counters$frame_ok;
    reg  counters$bad_crc;
    reg  counters$bad_frame;
    reg  counters$overrun;
    reg  counters$job;
    reg  counters$run_cycle;
    reg  counters$beat;
    reg  counters$tx_wait;
    reg  counters$rx_wait;
    reg  [3:0] counters$address;
    wire  [31:0] counters$data;

    // Sub module instances
    board_engine_decoder decoder(
        .clock(decoder$clock),
        .valid(decoder$valid),
        .data(decoder$data),
        .bad(decoder$bad),
        .ready(decoder$ready),
        .out_ready(decoder$out_ready),
        .data_valid(decoder$data_valid),
        .out_data(decoder$out_data),
        .frame_end(decoder$frame_end),
        .frame_good(decoder$frame_good)
    );
    board_engine_frames frames(
        .clock(frames$clock),
        .data_valid(frames$data_valid),
        .data(frames$data),
        .frame_end(frames$frame_end),
        .frame_good(frames$frame_good),
        .ready(frames$ready),
        .frame_valid(frames$frame_valid),
        .frame_bytes(frames$frame_bytes),
        .frame_done(frames$frame_done),
        .read_enable(frames$read_enable),
        .read_address(frames$read_address),
        .read_data(frames$read_data),
        .count_ok(frames$count_ok),
        .count_crc(frames$count_crc),
        .count_frame(frames$count_frame),
        .count_overrun(frames$count_overrun)
    );
    board_engine_command command(
        .clock(command$clock),
        .frame_valid(command$frame_valid),
        .frame_bytes(command$frame_bytes),
        .frame_done(command$frame_done),
        .read_enable(command$read_enable),
        .read_address(command$read_address),
        .read_data(command$read_data),
        .store_byte(command$store_byte),
        .tile_byte_enable(command$tile_byte_enable),
        .tile_write_enable(command$tile_write_enable),
        .act_byte_enable(command$act_byte_enable),
        .act_write_enable(command$act_write_enable),
        .write_address(command$write_address),
        .tile_read_enable(command$tile_read_enable),
        .tile_read_address(command$tile_read_address),
        .tile_read_data(command$tile_read_data),
        .start(command$start),
        .base(command$base),
        .row_groups(command$row_groups),
        .col_beats(command$col_beats),
        .plane_groups(command$plane_groups),
        .ternary(command$ternary),
        .a2(command$a2),
        .init(command$init),
        .result_valid(command$result_valid),
        .result_write_address(command$result_write_address),
        .result_read_address(command$result_read_address),
        .result_read_data(command$result_read_data),
        .page_address(command$page_address),
        .identity_data(command$identity_data),
        .counter_data(command$counter_data),
        .run_cycle(command$run_cycle),
        .out_valid(command$out_valid),
        .out_data(command$out_data),
        .out_last(command$out_last),
        .out_ready(command$out_ready)
    );
    board_engine_encoder encoder(
        .clock(encoder$clock),
        .valid(encoder$valid),
        .data(encoder$data),
        .last(encoder$last),
        .ready(encoder$ready),
        .out_valid(encoder$out_valid),
        .out_data(encoder$out_data),
        .out_ready(encoder$out_ready)
    );
    board_engine_tiles tiles(
        .clock(tiles$clock),
        .byte_enable(tiles$byte_enable),
        .byte_data(tiles$byte_data),
        .write_enable(tiles$write_enable),
        .write_address(tiles$write_address),
        .read_enable(tiles$read_enable),
        .read_address(tiles$read_address),
        .read_data(tiles$read_data)
    );
    board_engine_activations activations(
        .clock(activations$clock),
        .byte_enable(activations$byte_enable),
        .byte_data(activations$byte_data),
        .write_enable(activations$write_enable),
        .write_address(activations$write_address),
        .read_enable(activations$read_enable),
        .read_address(activations$read_address),
        .read_data(activations$read_data)
    );
    board_engine_results results(
        .clock(results$clock),
        .write_enable(results$write_enable),
        .write_address(results$write_address),
        .write_data(results$write_data),
        .read_enable(results$read_enable),
        .read_address(results$read_address),
        .read_data(results$read_data)
    );
    board_engine_sequencer sequencer(
        .clock(sequencer$clock),
        .start(sequencer$start),
        .base(sequencer$base),
        .row_groups(sequencer$row_groups),
        .col_beats(sequencer$col_beats),
        .plane_groups(sequencer$plane_groups),
        .running(sequencer$running),
        .is_load(sequencer$is_load),
        .is_beat(sequencer$is_beat),
        .act_read(sequencer$act_read),
        .tile_address(sequencer$tile_address),
        .act_address(sequencer$act_address),
        .is_first(sequencer$is_first),
        .is_shift(sequencer$is_shift),
        .is_heavy(sequencer$is_heavy),
        .is_last(sequencer$is_last)
    );
    board_engine_tile_request tile_request(
        .clock(tile_request$clock),
        .enable(tile_request$enable),
        .address(tile_request$address),
        .out_enable(tile_request$out_enable),
        .out_address(tile_request$out_address)
    );
    board_engine_array array(
        .clock(array$clock),
        .issue(array$issue),
        .is_load(array$is_load),
        .is_first(array$is_first),
        .is_shift(array$is_shift),
        .is_heavy(array$is_heavy),
        .is_last(array$is_last),
        .ternary(array$ternary),
        .a2(array$a2),
        .init(array$init),
        .w(array$w),
        .x(array$x),
        .result_valid(array$result_valid),
        .result(array$result)
    );
    board_engine_identity identity(
        .address(identity$address),
        .data(identity$data)
    );
    board_engine_counters counters(
        .clock(counters$clock),
        .frame_ok(counters$frame_ok),
        .bad_crc(counters$bad_crc),
        .bad_frame(counters$bad_frame),
        .overrun(counters$overrun),
        .job(counters$job),
        .run_cycle(counters$run_cycle),
        .beat(counters$beat),
        .tx_wait(counters$tx_wait),
        .rx_wait(counters$rx_wait),
        .address(counters$address),
        .data(counters$data)
    );

    // Update code
    always @(*) begin
        decoder$clock = clock;
        frames$clock = clock;
        command$clock = clock;
        encoder$clock = clock;
        tiles$clock = clock;
        activations$clock = clock;
        results$clock = clock;
        sequencer$clock = clock;
        tile_request$clock = clock;
        array$clock = clock;
        counters$clock = clock;
        decoder$valid = rx_valid;
        decoder$data = rx_data;
        decoder$bad = rx_bad;
        rx_ready = decoder$ready;
        decoder$out_ready = frames$ready;
        frames$data_valid = decoder$data_valid;
        frames$data = decoder$out_data;
        frames$frame_end = decoder$frame_end;
        frames$frame_good = decoder$frame_good;
        command$frame_valid = frames$frame_valid;
        command$frame_bytes = frames$frame_bytes;
        frames$frame_done = command$frame_done;
        frames$read_enable = command$read_enable;
        frames$read_address = command$read_address;
        command$read_data = frames$read_data;
        tiles$byte_enable = command$tile_byte_enable;
        tiles$byte_data = command$store_byte;
        tiles$write_enable = command$tile_write_enable;
        tiles$write_address = command$write_address;
        tile_request$enable = sequencer$is_beat;
        tile_request$address = sequencer$tile_address;
        tiles$read_enable = command$tile_read_enable | tile_request$out_enable;
        tiles$read_address = command$tile_read_address;
        if (tile_request$out_enable) begin
            tiles$read_address = tile_request$out_address;
        end
        command$tile_read_data = tiles$read_data;
        activations$byte_enable = command$act_byte_enable;
        activations$byte_data = command$store_byte;
        activations$write_enable = command$act_write_enable;
        activations$write_address = command$write_address;
        activations$read_enable = sequencer$act_read;
        activations$read_address = sequencer$act_address;
        sequencer$start = command$start;
        sequencer$base = command$base;
        sequencer$row_groups = command$row_groups;
        sequencer$col_beats = command$col_beats;
        sequencer$plane_groups = command$plane_groups;
        array$issue = sequencer$running;
        array$is_load = sequencer$is_load;
        array$is_first = sequencer$is_first;
        array$is_shift = sequencer$is_shift;
        array$is_heavy = sequencer$is_heavy;
        array$is_last = sequencer$is_last;
        array$ternary = command$ternary;
        array$a2 = command$a2;
        array$init = command$init;
        array$w = tiles$read_data;
        array$x = activations$read_data;
        results$write_enable = array$result_valid;
        results$write_address = command$result_write_address;
        results$write_data = array$result;
        results$read_enable = 1'b1;
        results$read_address = command$result_read_address;
        command$result_valid = array$result_valid;
        command$result_read_data = results$read_data;
        identity$address = command$page_address;
        command$identity_data = identity$data;
        counters$address = command$page_address;
        command$counter_data = counters$data;
        encoder$valid = command$out_valid;
        encoder$data = command$out_data;
        encoder$last = command$out_last;
        command$out_ready = encoder$ready;
        tx_valid = encoder$out_valid;
        tx_data = encoder$out_data;
        encoder$out_ready = tx_ready;
        frame_ok = frames$count_ok;
        refused = frames$count_crc | frames$count_frame | frames$count_overrun;
        run_cycle = command$run_cycle;
        counters$frame_ok = frames$count_ok;
        counters$bad_crc = frames$count_crc;
        counters$bad_frame = frames$count_frame;
        counters$overrun = frames$count_overrun;
        counters$job = command$start;
        counters$run_cycle = command$run_cycle;
        counters$beat = sequencer$is_beat;
        counters$tx_wait = encoder$out_valid & ~tx_ready;
        counters$rx_wait = rx_valid & ~decoder$ready;
    end

endmodule

module board_engine_activations(clock,byte_enable,byte_data,write_enable,write_address,read_enable,read_address,read_data);

    // Module arguments
    input wire  clock;
    input wire  byte_enable;
    input wire  [7:0] byte_data;
    input wire  write_enable;
    input wire  [15:0] write_address;
    input wire  read_enable;
    input wire  [15:0] read_address;
    output wire  [15:0] read_data;

    // Update code (wrapper)
    board_engine_activations_packed core(.clock(clock), .byte_enable(byte_enable), .byte_data(byte_data), .write_enable(write_enable), .write_address(write_address), .read_enable(read_enable), .read_address(read_address), .read_data(read_data));
endmodule

module board_engine_array(clock,issue,is_load,is_first,is_shift,is_heavy,is_last,ternary,a2,init,w,x,result_valid,result);

    // Module arguments
    input wire  clock;
    input wire  issue;
    input wire  is_load;
    input wire  is_first;
    input wire  is_shift;
    input wire  is_heavy;
    input wire  is_last;
    input wire  ternary;
    input wire  a2;
    input wire  [23:0] init;
    input wire  [31:0] w;
    input wire  [15:0] x;
    output wire  result_valid;
    output wire  [23:0] result;

    // Update code (wrapper)
    // 1 rows x 16 columns x 1 planes
    wire row_0_sum_valid;
    wire [23:0] row_0_sum;
    board_engine_array_row row_0(
        .clock(clock),
        .issue(issue),
        .is_first(is_first),
        .is_shift(is_shift),
        .is_heavy(is_heavy),
        .is_last(is_last),
        .ternary(ternary),
        .a2(a2),
        .init(init),
        .w0(w[15:0]),
        .w1(w[31:16]),
        .x(x),
        .sum_valid(row_0_sum_valid),
        .sum(row_0_sum)
    );
    assign result_valid = row_0_sum_valid;
    assign result = {row_0_sum};
endmodule

module board_engine_command(clock,frame_valid,frame_bytes,frame_done,read_enable,read_address,read_data,store_byte,tile_byte_enable,tile_write_enable,act_byte_enable,act_write_enable,write_address,tile_read_enable,tile_read_address,tile_read_data,start,base,row_groups,col_beats,plane_groups,ternary,a2,init,result_valid,result_write_address,result_read_address,result_read_data,page_address,identity_data,counter_data,run_cycle,out_valid,out_data,out_last,out_ready);

    // Module arguments
    input wire  clock;
    input wire  frame_valid;
    input wire  [12:0] frame_bytes;
    output reg  frame_done;
    output reg  read_enable;
    output reg  [12:0] read_address;
    input wire  [7:0] read_data;
    output reg  [7:0] store_byte;
    output reg  tile_byte_enable;
    output reg  tile_write_enable;
    output reg  act_byte_enable;
    output reg  act_write_enable;
    output reg  [15:0] write_address;
    output reg  tile_read_enable;
    output reg  [15:0] tile_read_address;
    input wire  [31:0] tile_read_data;
    output reg  start;
    output reg  [15:0] base;
    output reg  [15:0] row_groups;
    output reg  [15:0] col_beats;
    output reg  [7:0] plane_groups;
    output reg  ternary;
    output reg  a2;
    output reg  [23:0] init;
    input wire  result_valid;
    output reg  [11:0] result_write_address;
    output reg  [11:0] result_read_address;
    input wire  [23:0] result_read_data;
    output reg  [3:0] page_address;
    input wire  [31:0] identity_data;
    input wire  [31:0] counter_data;
    output reg  run_cycle;
    output reg  out_valid;
    output reg  [7:0] out_data;
    output reg  out_last;
    input wire  out_ready;

    // Stub signals
    reg  header$clock;
    reg  header$enable;
    reg  [7:0] header$byte_data;
    wire  [7:0] header$op;
    wire  [7:0] header$arg;
    wire  [15:0] header$seq;
    wire  [31:0] header$addr;
    wire  [31:0] header$word;
    wire  [15:0] header$job_id;
    wire  header$ternary;
    wire  header$a2;
    wire  [7:0] header$plane_groups;
    wire  [31:0] header$base;
    wire  [15:0] header$row_groups;
    wire  [15:0] header$col_beats;
    wire  [23:0] header$init;
    wire  [31:0] header$digest;
    reg  seals$clock;
    reg  seals$seal;
    reg  seals$clear;
    reg  [7:0] seals$page;
    reg  [31:0] seals$crc;
    reg  [7:0] seals$query;
    wire  seals$is_sealed;
    wire  [31:0] seals$page_crc;
    reg  seal_bytes$clock;
    reg  seal_bytes$load;
    reg  [31:0] seal_bytes$word;
    reg  seal_bytes$shift;
    wire  [7:0] seal_bytes$byte_data;
    reg  seal_crc$clock;
    reg  seal_crc$clear;
    reg  seal_crc$enable;
    reg  [7:0] seal_crc$data;
    wire  [31:0] seal_crc$crc;
    reg  answer$clock;
    reg  answer$load;
    reg  [63:0] answer$word;
    reg  answer$shift;
    wire  [7:0] answer$byte_data;
    reg  control$clock;
    reg  control$frame_valid;
    reg  [12:0] control$frame_bytes;
    reg  [7:0] control$read_data;
    reg  [7:0] control$op;
    reg  [7:0] control$arg;
    reg  [15:0] control$seq;
    reg  [31:0] control$addr;
    reg  [31:0] control$word;
    reg  [15:0] control$job_id;
    reg  control$a2;
    reg  [7:0] control$plane_groups;
    reg  [31:0] control$base;
    reg  [15:0] control$row_groups;
    reg  [15:0] control$col_beats;
    reg  [31:0] control$digest;
    reg  control$is_sealed;
    reg  [31:0] control$crc;
    reg  control$result_valid;
    reg  [23:0] control$result_read_data;
    reg  [31:0] control$identity_data;
    reg  [31:0] control$counter_data;
    reg  control$out_ready;
    wire  control$frame_done;
    wire  control$read_enable;
    wire  [12:0] control$read_address;
    wire  control$head_enable;
    wire  [7:0] control$head_byte;
    wire  control$tile_byte_enable;
    wire  control$tile_write_enable;
    wire  control$act_byte_enable;
    wire  control$act_write_enable;
    wire  [15:0] control$word_address;
    wire  control$tile_read_enable;
    wire  control$page_seal;
    wire  control$page_clear;
    wire  [7:0] control$page;
    wire  [7:0] control$page_query;
    wire  control$word_load;
    wire  control$word_is_page_crc;
    wire  control$word_shift;
    wire  control$crc_clear;
    wire  control$start;
    wire  control$run_cycle;
    wire  [11:0] control$result_write_address;
    wire  control$answer_load;
    wire  [63:0] control$answer_word;
    wire  control$answer_shift;
    wire  control$out_valid;
    wire  control$out_last;

    // Sub module instances
    board_engine_command_header header(
        .clock(header$clock),
        .enable(header$enable),
        .byte_data(header$byte_data),
        .op(header$op),
        .arg(header$arg),
        .seq(header$seq),
        .addr(header$addr),
        .word(header$word),
        .job_id(header$job_id),
        .ternary(header$ternary),
        .a2(header$a2),
        .plane_groups(header$plane_groups),
        .base(header$base),
        .row_groups(header$row_groups),
        .col_beats(header$col_beats),
        .init(header$init),
        .digest(header$digest)
    );
    board_engine_command_seals seals(
        .clock(seals$clock),
        .seal(seals$seal),
        .clear(seals$clear),
        .page(seals$page),
        .crc(seals$crc),
        .query(seals$query),
        .is_sealed(seals$is_sealed),
        .page_crc(seals$page_crc)
    );
    board_engine_command_seal_bytes seal_bytes(
        .clock(seal_bytes$clock),
        .load(seal_bytes$load),
        .word(seal_bytes$word),
        .shift(seal_bytes$shift),
        .byte_data(seal_bytes$byte_data)
    );
    board_engine_command_seal_crc seal_crc(
        .clock(seal_crc$clock),
        .clear(seal_crc$clear),
        .enable(seal_crc$enable),
        .data(seal_crc$data),
        .crc(seal_crc$crc)
    );
    board_engine_command_answer answer(
        .clock(answer$clock),
        .load(answer$load),
        .word(answer$word),
        .shift(answer$shift),
        .byte_data(answer$byte_data)
    );
    board_engine_command_control control(
        .clock(control$clock),
        .frame_valid(control$frame_valid),
        .frame_bytes(control$frame_bytes),
        .read_data(control$read_data),
        .op(control$op),
        .arg(control$arg),
        .seq(control$seq),
        .addr(control$addr),
        .word(control$word),
        .job_id(control$job_id),
        .a2(control$a2),
        .plane_groups(control$plane_groups),
        .base(control$base),
        .row_groups(control$row_groups),
        .col_beats(control$col_beats),
        .digest(control$digest),
        .is_sealed(control$is_sealed),
        .crc(control$crc),
        .result_valid(control$result_valid),
        .result_read_data(control$result_read_data),
        .identity_data(control$identity_data),
        .counter_data(control$counter_data),
        .out_ready(control$out_ready),
        .frame_done(control$frame_done),
        .read_enable(control$read_enable),
        .read_address(control$read_address),
        .head_enable(control$head_enable),
        .head_byte(control$head_byte),
        .tile_byte_enable(control$tile_byte_enable),
        .tile_write_enable(control$tile_write_enable),
        .act_byte_enable(control$act_byte_enable),
        .act_write_enable(control$act_write_enable),
        .word_address(control$word_address),
        .tile_read_enable(control$tile_read_enable),
        .page_seal(control$page_seal),
        .page_clear(control$page_clear),
        .page(control$page),
        .page_query(control$page_query),
        .word_load(control$word_load),
        .word_is_page_crc(control$word_is_page_crc),
        .word_shift(control$word_shift),
        .crc_clear(control$crc_clear),
        .start(control$start),
        .run_cycle(control$run_cycle),
        .result_write_address(control$result_write_address),
        .answer_load(control$answer_load),
        .answer_word(control$answer_word),
        .answer_shift(control$answer_shift),
        .out_valid(control$out_valid),
        .out_last(control$out_last)
    );

    // Update code
    always @(*) begin
        header$clock = clock;
        seals$clock = clock;
        seal_bytes$clock = clock;
        seal_crc$clock = clock;
        answer$clock = clock;
        control$clock = clock;
        control$frame_valid = frame_valid;
        control$frame_bytes = frame_bytes;
        control$read_data = read_data;
        frame_done = control$frame_done;
        read_enable = control$read_enable;
        read_address = control$read_address;
        header$enable = control$head_enable;
        header$byte_data = control$head_byte;
        control$op = header$op;
        control$arg = header$arg;
        control$seq = header$seq;
        control$addr = header$addr;
        control$word = header$word;
        control$job_id = header$job_id;
        control$a2 = header$a2;
        control$plane_groups = header$plane_groups;
        control$base = header$base;
        control$row_groups = header$row_groups;
        control$col_beats = header$col_beats;
        control$digest = header$digest;
        store_byte = read_data;
        tile_byte_enable = control$tile_byte_enable;
        tile_write_enable = control$tile_write_enable;
        act_byte_enable = control$act_byte_enable;
        act_write_enable = control$act_write_enable;
        write_address = control$word_address;
        seals$seal = control$page_seal;
        seals$clear = control$page_clear;
        seals$page = control$page;
        seals$crc = header$word;
        seals$query = control$page_query;
        control$is_sealed = seals$is_sealed;
        tile_read_enable = control$tile_read_enable;
        tile_read_address = control$word_address;
        seal_bytes$load = control$word_load;
        seal_bytes$shift = control$word_shift;
        seal_bytes$word = tile_read_data;
        if (control$word_is_page_crc) begin
            seal_bytes$word = ((seals$page_crc) & 32'hffffffff);
        end
        seal_crc$clear = control$crc_clear;
        seal_crc$enable = control$word_shift;
        seal_crc$data = seal_bytes$byte_data;
        control$crc = seal_crc$crc;
        start = control$start;
        base = header$base[(32'h0)+:(16)];
        row_groups = header$row_groups;
        col_beats = header$col_beats;
        plane_groups = header$plane_groups;
        ternary = header$ternary;
        a2 = header$a2;
        init = header$init;
        run_cycle = control$run_cycle;
        control$result_valid = result_valid;
        result_write_address = control$result_write_address;
        result_read_address = control$word_address[(32'h0)+:(12)];
        control$result_read_data = result_read_data;
        page_address = control$word_address[(32'h0)+:(4)];
        control$identity_data = identity_data;
        control$counter_data = counter_data;
        answer$load = control$answer_load;
        answer$word = control$answer_word;
        answer$shift = control$answer_shift;
        out_valid = control$out_valid;
        out_data = answer$byte_data;
        out_last = control$out_last;
        control$out_ready = out_ready;
    end

endmodule

module board_engine_command_answer(clock,load,word,shift,byte_data);

    // Module arguments
    input wire  clock;
    input wire  load;
    input wire  [63:0] word;
    input wire  shift;
    output wire  [7:0] byte_data;

    // Update code (wrapper)
    board_engine_command_answer_bytes core(.clock(clock), .load(load), .word(word), .shift(shift), .byte_data(byte_data));
endmodule

module board_engine_command_control(clock,frame_valid,frame_bytes,read_data,op,arg,seq,addr,word,job_id,a2,plane_groups,base,row_groups,col_beats,digest,is_sealed,crc,result_valid,result_read_data,identity_data,counter_data,out_ready,frame_done,read_enable,read_address,head_enable,head_byte,tile_byte_enable,tile_write_enable,act_byte_enable,act_write_enable,word_address,tile_read_enable,page_seal,page_clear,page,page_query,word_load,word_is_page_crc,word_shift,crc_clear,start,run_cycle,result_write_address,answer_load,answer_word,answer_shift,out_valid,out_last);

    // Module arguments
    input wire  clock;
    input wire  frame_valid;
    input wire  [12:0] frame_bytes;
    input wire  [7:0] read_data;
    input wire  [7:0] op;
    input wire  [7:0] arg;
    input wire  [15:0] seq;
    input wire  [31:0] addr;
    input wire  [31:0] word;
    input wire  [15:0] job_id;
    input wire  a2;
    input wire  [7:0] plane_groups;
    input wire  [31:0] base;
    input wire  [15:0] row_groups;
    input wire  [15:0] col_beats;
    input wire  [31:0] digest;
    input wire  is_sealed;
    input wire  [31:0] crc;
    input wire  result_valid;
    input wire  [23:0] result_read_data;
    input wire  [31:0] identity_data;
    input wire  [31:0] counter_data;
    input wire  out_ready;
    output wire  frame_done;
    output wire  read_enable;
    output wire  [12:0] read_address;
    output wire  head_enable;
    output wire  [7:0] head_byte;
    output wire  tile_byte_enable;
    output wire  tile_write_enable;
    output wire  act_byte_enable;
    output wire  act_write_enable;
    output wire  [15:0] word_address;
    output wire  tile_read_enable;
    output wire  page_seal;
    output wire  page_clear;
    output wire  [7:0] page;
    output wire  [7:0] page_query;
    output wire  word_load;
    output wire  word_is_page_crc;
    output wire  word_shift;
    output wire  crc_clear;
    output wire  start;
    output wire  run_cycle;
    output wire  [11:0] result_write_address;
    output wire  answer_load;
    output wire  [63:0] answer_word;
    output wire  answer_shift;
    output wire  out_valid;
    output wire  out_last;

    // Update code (wrapper)
    board_engine_command_control_control core(.clock(clock), .frame_valid(frame_valid), .is_sealed(is_sealed), .result_valid(result_valid), .out_ready(out_ready), .frame_bytes(frame_bytes), .read_data(read_data), .op(op), .arg(arg), .seq(seq), .addr(addr), .word(word), .job_id(job_id), .a2(a2), .plane_groups(plane_groups), .base(base), .row_groups(row_groups), .col_beats(col_beats), .digest(digest), .crc(crc), .identity_data(identity_data), .counter_data(counter_data), .result_read_data(result_read_data), .frame_done(frame_done), .read_enable(read_enable), .read_address(read_address), .head_enable(head_enable), .head_byte(head_byte), .tile_byte_enable(tile_byte_enable), .tile_write_enable(tile_write_enable), .act_byte_enable(act_byte_enable), .act_write_enable(act_write_enable), .word_address(word_address), .tile_read_enable(tile_read_enable), .page_seal(page_seal), .page_clear(page_clear), .page(page), .page_query(page_query), .word_load(word_load), .word_is_page_crc(word_is_page_crc), .word_shift(word_shift), .crc_clear(crc_clear), .start(start), .run_cycle(run_cycle), .result_write_address(result_write_address), .answer_load(answer_load), .answer_word(answer_word), .answer_shift(answer_shift), .out_valid(out_valid), .out_last(out_last));
endmodule

module board_engine_command_header(clock,enable,byte_data,op,arg,seq,addr,word,job_id,ternary,a2,plane_groups,base,row_groups,col_beats,init,digest);

    // Module arguments
    input wire  clock;
    input wire  enable;
    input wire  [7:0] byte_data;
    output wire  [7:0] op;
    output wire  [7:0] arg;
    output wire  [15:0] seq;
    output wire  [31:0] addr;
    output wire  [31:0] word;
    output wire  [15:0] job_id;
    output wire  ternary;
    output wire  a2;
    output wire  [7:0] plane_groups;
    output wire  [31:0] base;
    output wire  [15:0] row_groups;
    output wire  [15:0] col_beats;
    output wire  [23:0] init;
    output wire  [31:0] digest;

    // Update code (wrapper)
    board_engine_command_header_fields core(.clock(clock), .enable(enable), .byte_data(byte_data), .op(op), .arg(arg), .seq(seq), .addr(addr), .word(word), .job_id(job_id), .ternary(ternary), .a2(a2), .plane_groups(plane_groups), .base(base), .row_groups(row_groups), .col_beats(col_beats), .init(init), .digest(digest));
endmodule

module board_engine_command_seal_bytes(clock,load,word,shift,byte_data);

    // Module arguments
    input wire  clock;
    input wire  load;
    input wire  [31:0] word;
    input wire  shift;
    output wire  [7:0] byte_data;

    // Update code (wrapper)
    board_engine_command_seal_bytes_bytes core(.clock(clock), .load(load), .word(word), .shift(shift), .byte_data(byte_data));
endmodule

module board_engine_command_seal_crc(clock,clear,enable,data,crc);

    // Module arguments
    input wire  clock;
    input wire  clear;
    input wire  enable;
    input wire  [7:0] data;
    output reg  [31:0] crc;

    // Constant declarations
    localparam  polynomial = 32'hedb88320;

    // Stub signals
    reg  [31:0] state$d;
    wire  [31:0] state$q;
    reg  state$clock;

    // Local signals
    reg  [31:0] step$0;
    reg  [31:0] step$1;
    reg  [31:0] step$2;
    reg  [31:0] step$3;
    reg  [31:0] step$4;
    reg  [31:0] step$5;
    reg  [31:0] step$6;
    reg  [31:0] step$7;
    reg  [31:0] step$8;
    reg  [31:0] half$0;
    reg  [31:0] half$1;
    reg  [31:0] half$2;
    reg  [31:0] half$3;
    reg  [31:0] half$4;
    reg  [31:0] half$5;
    reg  [31:0] half$6;
    reg  [31:0] half$7;
    reg  [31:0] value;

    // Sub module instances
    board_engine_command_seal_crc_state state(
        .d(state$d),
        .q(state$q),
        .clock(state$clock)
    );

    // Update code
    always @(*) begin
        state$clock = clock;
        state$d = state$q;
        value = ~state$q;
        crc = ~state$q;
        step$0 = value ^ ((data) & 32'hffffffff);
        half$0 = step$0 >> 32'h1;
        step$1 = half$0;
        if (step$0[32'h0]) begin
            step$1 = half$0 ^ polynomial;
        end
        half$1 = step$1 >> 32'h1;
        step$2 = half$1;
        if (step$1[32'h0]) begin
            step$2 = half$1 ^ polynomial;
        end
        half$2 = step$2 >> 32'h1;
        step$3 = half$2;
        if (step$2[32'h0]) begin
            step$3 = half$2 ^ polynomial;
        end
        half$3 = step$3 >> 32'h1;
        step$4 = half$3;
        if (step$3[32'h0]) begin
            step$4 = half$3 ^ polynomial;
        end
        half$4 = step$4 >> 32'h1;
        step$5 = half$4;
        if (step$4[32'h0]) begin
            step$5 = half$4 ^ polynomial;
        end
        half$5 = step$5 >> 32'h1;
        step$6 = half$5;
        if (step$5[32'h0]) begin
            step$6 = half$5 ^ polynomial;
        end
        half$6 = step$6 >> 32'h1;
        step$7 = half$6;
        if (step$6[32'h0]) begin
            step$7 = half$6 ^ polynomial;
        end
        half$7 = step$7 >> 32'h1;
        step$8 = half$7;
        if (step$7[32'h0]) begin
            step$8 = half$7 ^ polynomial;
        end
        if (enable) begin
            state$d = ~step$8;
        end
        if (clear) begin
            state$d = 32'h0;
        end
    end

endmodule

module board_engine_command_seal_crc_state(d,q,clock);

    // Module arguments
    input wire  [31:0] d;
    output reg  [31:0] q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 32'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_command_seals(clock,seal,clear,page,crc,query,is_sealed,page_crc);

    // Module arguments
    input wire  clock;
    input wire  seal;
    input wire  clear;
    input wire  [7:0] page;
    input wire  [31:0] crc;
    input wire  [7:0] query;
    output wire  is_sealed;
    output wire  [31:0] page_crc;

    // Update code (wrapper)
    board_engine_command_seals_seals core(.clock(clock), .seal(seal), .clear(clear), .page(page), .crc(crc), .query(query), .is_sealed(is_sealed), .page_crc(page_crc));
endmodule

module board_engine_counters(clock,frame_ok,bad_crc,bad_frame,overrun,job,run_cycle,beat,tx_wait,rx_wait,address,data);

    // Module arguments
    input wire  clock;
    input wire  frame_ok;
    input wire  bad_crc;
    input wire  bad_frame;
    input wire  overrun;
    input wire  job;
    input wire  run_cycle;
    input wire  beat;
    input wire  tx_wait;
    input wire  rx_wait;
    input wire  [3:0] address;
    output reg  [31:0] data;

    // Constant declarations
    localparam  one = 16'h1;

    // Stub signals
    reg  [31:0] count$0$d;
    wire  [31:0] count$0$q;
    reg  count$0$clock;
    reg  [31:0] count$1$d;
    wire  [31:0] count$1$q;
    reg  count$1$clock;
    reg  [31:0] count$2$d;
    wire  [31:0] count$2$q;
    reg  count$2$clock;
    reg  [31:0] count$3$d;
    wire  [31:0] count$3$q;
    reg  count$3$clock;
    reg  [31:0] count$4$d;
    wire  [31:0] count$4$q;
    reg  count$4$clock;
    reg  [31:0] count$5$d;
    wire  [31:0] count$5$q;
    reg  count$5$clock;
    reg  [31:0] count$6$d;
    wire  [31:0] count$6$q;
    reg  count$6$clock;
    reg  [31:0] count$7$d;
    wire  [31:0] count$7$q;
    reg  count$7$clock;
    reg  [31:0] count$8$d;
    wire  [31:0] count$8$q;
    reg  count$8$clock;
    reg  [31:0] count$9$d;
    wire  [31:0] count$9$q;
    reg  count$9$clock;
    reg  up$0$d;
    wire  up$0$q;
    reg  up$0$clock;
    reg  up$1$d;
    wire  up$1$q;
    reg  up$1$clock;
    reg  up$2$d;
    wire  up$2$q;
    reg  up$2$clock;
    reg  up$3$d;
    wire  up$3$q;
    reg  up$3$clock;
    reg  up$4$d;
    wire  up$4$q;
    reg  up$4$clock;
    reg  up$5$d;
    wire  up$5$q;
    reg  up$5$clock;
    reg  up$6$d;
    wire  up$6$q;
    reg  up$6$clock;
    reg  up$7$d;
    wire  up$7$q;
    reg  up$7$clock;
    reg  up$8$d;
    wire  up$8$q;
    reg  up$8$clock;
    reg  up$9$d;
    wire  up$9$q;
    reg  up$9$clock;
    reg  [31:0] held$d;
    wire  [31:0] held$q;
    reg  held$clock;

    // Local signals
    reg  [15:0] chosen;

    // Sub module instances
    board_engine_command_seal_crc_state count$0(
        .d(count$0$d),
        .q(count$0$q),
        .clock(count$0$clock)
    );
    board_engine_command_seal_crc_state count$1(
        .d(count$1$d),
        .q(count$1$q),
        .clock(count$1$clock)
    );
    board_engine_command_seal_crc_state count$2(
        .d(count$2$d),
        .q(count$2$q),
        .clock(count$2$clock)
    );
    board_engine_command_seal_crc_state count$3(
        .d(count$3$d),
        .q(count$3$q),
        .clock(count$3$clock)
    );
    board_engine_command_seal_crc_state count$4(
        .d(count$4$d),
        .q(count$4$q),
        .clock(count$4$clock)
    );
    board_engine_command_seal_crc_state count$5(
        .d(count$5$d),
        .q(count$5$q),
        .clock(count$5$clock)
    );
    board_engine_command_seal_crc_state count$6(
        .d(count$6$d),
        .q(count$6$q),
        .clock(count$6$clock)
    );
    board_engine_command_seal_crc_state count$7(
        .d(count$7$d),
        .q(count$7$q),
        .clock(count$7$clock)
    );
    board_engine_command_seal_crc_state count$8(
        .d(count$8$d),
        .q(count$8$q),
        .clock(count$8$clock)
    );
    board_engine_command_seal_crc_state count$9(
        .d(count$9$d),
        .q(count$9$q),
        .clock(count$9$clock)
    );
    board_engine_counters_up_0 up$0(
        .d(up$0$d),
        .q(up$0$q),
        .clock(up$0$clock)
    );
    board_engine_counters_up_0 up$1(
        .d(up$1$d),
        .q(up$1$q),
        .clock(up$1$clock)
    );
    board_engine_counters_up_0 up$2(
        .d(up$2$d),
        .q(up$2$q),
        .clock(up$2$clock)
    );
    board_engine_counters_up_0 up$3(
        .d(up$3$d),
        .q(up$3$q),
        .clock(up$3$clock)
    );
    board_engine_counters_up_0 up$4(
        .d(up$4$d),
        .q(up$4$q),
        .clock(up$4$clock)
    );
    board_engine_counters_up_0 up$5(
        .d(up$5$d),
        .q(up$5$q),
        .clock(up$5$clock)
    );
    board_engine_counters_up_0 up$6(
        .d(up$6$d),
        .q(up$6$q),
        .clock(up$6$clock)
    );
    board_engine_counters_up_0 up$7(
        .d(up$7$d),
        .q(up$7$q),
        .clock(up$7$clock)
    );
    board_engine_counters_up_0 up$8(
        .d(up$8$d),
        .q(up$8$q),
        .clock(up$8$clock)
    );
    board_engine_counters_up_0 up$9(
        .d(up$9$d),
        .q(up$9$q),
        .clock(up$9$clock)
    );
    board_engine_command_seal_crc_state held(
        .d(held$d),
        .q(held$q),
        .clock(held$clock)
    );

    // Update code
    always @(*) begin
        up$0$d = frame_ok;
        up$1$d = bad_crc;
        up$2$d = bad_frame;
        up$3$d = overrun;
        up$4$d = job;
        up$5$d = run_cycle;
        up$6$d = beat;
        up$7$d = tx_wait;
        up$8$d = rx_wait;
        up$9$d = 1'b1;
        held$clock = clock;
        held$d = held$q;
        data = held$q;
        held$d = 32'h0;
        chosen = one << address;
        count$0$clock = clock;
        up$0$clock = clock;
        count$0$d = count$0$q;
        if (up$0$q) begin
            count$0$d = count$0$q + 32'h1;
        end
        if (chosen[0]) begin
            held$d = count$0$q;
        end
        count$1$clock = clock;
        up$1$clock = clock;
        count$1$d = count$1$q;
        if (up$1$q) begin
            count$1$d = count$1$q + 32'h1;
        end
        if (chosen[1]) begin
            held$d = count$1$q;
        end
        count$2$clock = clock;
        up$2$clock = clock;
        count$2$d = count$2$q;
        if (up$2$q) begin
            count$2$d = count$2$q + 32'h1;
        end
        if (chosen[2]) begin
            held$d = count$2$q;
        end
        count$3$clock = clock;
        up$3$clock = clock;
        count$3$d = count$3$q;
        if (up$3$q) begin
            count$3$d = count$3$q + 32'h1;
        end
        if (chosen[3]) begin
            held$d = count$3$q;
        end
        count$4$clock = clock;
        up$4$clock = clock;
        count$4$d = count$4$q;
        if (up$4$q) begin
            count$4$d = count$4$q + 32'h1;
        end
        if (chosen[4]) begin
            held$d = count$4$q;
        end
        count$5$clock = clock;
        up$5$clock = clock;
        count$5$d = count$5$q;
        if (up$5$q) begin
            count$5$d = count$5$q + 32'h1;
        end
        if (chosen[5]) begin
            held$d = count$5$q;
        end
        count$6$clock = clock;
        up$6$clock = clock;
        count$6$d = count$6$q;
        if (up$6$q) begin
            count$6$d = count$6$q + 32'h1;
        end
        if (chosen[6]) begin
            held$d = count$6$q;
        end
        count$7$clock = clock;
        up$7$clock = clock;
        count$7$d = count$7$q;
        if (up$7$q) begin
            count$7$d = count$7$q + 32'h1;
        end
        if (chosen[7]) begin
            held$d = count$7$q;
        end
        count$8$clock = clock;
        up$8$clock = clock;
        count$8$d = count$8$q;
        if (up$8$q) begin
            count$8$d = count$8$q + 32'h1;
        end
        if (chosen[8]) begin
            held$d = count$8$q;
        end
        count$9$clock = clock;
        up$9$clock = clock;
        count$9$d = count$9$q;
        if (up$9$q) begin
            count$9$d = count$9$q + 32'h1;
        end
        if (chosen[9]) begin
            held$d = count$9$q;
        end
    end

endmodule

module board_engine_counters_up_0(d,q,clock);

    // Module arguments
    input wire  d;
    output reg  q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 1'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_decoder(clock,valid,data,bad,ready,out_ready,data_valid,out_data,frame_end,frame_good);

    // Module arguments
    input wire  clock;
    input wire  valid;
    input wire  [7:0] data;
    input wire  bad;
    output reg  ready;
    input wire  out_ready;
    output reg  data_valid;
    output reg  [7:0] out_data;
    output reg  frame_end;
    output reg  frame_good;

    // Stub signals
    reg  [7:0] left$d;
    wire  [7:0] left$q;
    reg  left$clock;
    reg  owes_zero$d;
    wire  owes_zero$q;
    reg  owes_zero$clock;
    reg  in_frame$d;
    wire  in_frame$q;
    reg  in_frame$clock;
    reg  spoiled$d;
    wire  spoiled$q;
    reg  spoiled$clock;
    reg  has_data$d;
    wire  has_data$q;
    reg  has_data$clock;
    reg  [7:0] out_byte$d;
    wire  [7:0] out_byte$q;
    reg  out_byte$clock;
    reg  has_end$d;
    wire  has_end$q;
    reg  has_end$clock;
    reg  good$d;
    wire  good$q;
    reg  good$clock;

    // Sub module instances
    board_engine_encoder_front_held left(
        .d(left$d),
        .q(left$q),
        .clock(left$clock)
    );
    board_engine_counters_up_0 owes_zero(
        .d(owes_zero$d),
        .q(owes_zero$q),
        .clock(owes_zero$clock)
    );
    board_engine_counters_up_0 in_frame(
        .d(in_frame$d),
        .q(in_frame$q),
        .clock(in_frame$clock)
    );
    board_engine_counters_up_0 spoiled(
        .d(spoiled$d),
        .q(spoiled$q),
        .clock(spoiled$clock)
    );
    board_engine_counters_up_0 has_data(
        .d(has_data$d),
        .q(has_data$q),
        .clock(has_data$clock)
    );
    board_engine_encoder_front_held out_byte(
        .d(out_byte$d),
        .q(out_byte$q),
        .clock(out_byte$clock)
    );
    board_engine_counters_up_0 has_end(
        .d(has_end$d),
        .q(has_end$q),
        .clock(has_end$clock)
    );
    board_engine_counters_up_0 good(
        .d(good$d),
        .q(good$q),
        .clock(good$clock)
    );

    // Update code
    always @(*) begin
        left$clock = clock;
        owes_zero$clock = clock;
        in_frame$clock = clock;
        spoiled$clock = clock;
        has_data$clock = clock;
        out_byte$clock = clock;
        has_end$clock = clock;
        good$clock = clock;
        left$d = left$q;
        owes_zero$d = owes_zero$q;
        in_frame$d = in_frame$q;
        spoiled$d = spoiled$q;
        has_data$d = has_data$q;
        out_byte$d = out_byte$q;
        has_end$d = has_end$q;
        good$d = good$q;
        data_valid = has_data$q;
        out_data = out_byte$q;
        frame_end = has_end$q;
        frame_good = good$q;
        ready = out_ready;
        if (out_ready) begin
            has_data$d = 1'b0;
            has_end$d = 1'b0;
            if (valid) begin
                out_byte$d = data;
                if (bad) begin
                    spoiled$d = 1'b1;
                    in_frame$d = 1'b1;
                end
                else begin
                    if (data == 32'h0) begin
                        has_end$d = in_frame$q;
                        good$d = (left$q == 32'h0) & ~spoiled$q;
                        in_frame$d = 1'b0;
                        spoiled$d = 1'b0;
                        owes_zero$d = 1'b0;
                        left$d = 32'h0;
                    end
                    else begin
                        in_frame$d = 1'b1;
                        if (left$q == 32'h0) begin
                            left$d = data - 32'h1;
                            owes_zero$d = data != 32'hff;
                            has_data$d = owes_zero$q;
                            out_byte$d = 32'h0;
                        end
                        else begin
                            left$d = left$q - 32'h1;
                            has_data$d = 1'b1;
                        end
                    end
                end
            end
        end
    end

endmodule

module board_engine_encoder(clock,valid,data,last,ready,out_valid,out_data,out_ready);

    // Module arguments
    input wire  clock;
    input wire  valid;
    input wire  [7:0] data;
    input wire  last;
    output reg  ready;
    output reg  out_valid;
    output reg  [7:0] out_data;
    input wire  out_ready;

    // Constant declarations
    localparam  room_limit = 9'b111111010;

    // Enums
    localparam EncoderState$Idle = 0;
    localparam EncoderState$Body = 1;
    localparam EncoderState$Crc = 2;
    localparam EncoderState$Close = 3;
    localparam EncoderState$Delimit = 4;

    // Stub signals
    reg  ram$clock;
    reg  ram$write_enable;
    reg  [8:0] ram$write_address;
    reg  [7:0] ram$write_data;
    reg  ram$read_enable;
    reg  [8:0] ram$read_address;
    wire  [7:0] ram$read_data;
    reg  crc$clock;
    reg  crc$clear;
    reg  crc$enable;
    reg  [7:0] crc$data;
    wire  [31:0] crc$crc;
    reg  front$clock;
    reg  front$valid;
    reg  [7:0] front$data;
    reg  front$last;
    wire  front$ready;
    wire  front$out_valid;
    wire  [7:0] front$out_data;
    wire  front$out_zero;
    wire  front$out_last;
    reg  front$taken;
    reg  [2:0] state$d;
    wire  [2:0] state$q;
    reg  state$clock;
    reg  [1:0] crc_index$d;
    wire  [1:0] crc_index$q;
    reg  crc_index$clock;
    reg  [8:0] code_at$d;
    wire  [8:0] code_at$q;
    reg  code_at$clock;
    reg  [8:0] write_at$d;
    wire  [8:0] write_at$q;
    reg  write_at$clock;
    reg  [8:0] read_at$d;
    wire  [8:0] read_at$q;
    reg  read_at$clock;
    reg  [8:0] closed$d;
    wire  [8:0] closed$q;
    reg  closed$clock;
    reg  [7:0] block_bytes$d;
    wire  [7:0] block_bytes$q;
    reg  block_bytes$clock;
    reg  has_byte$d;
    wire  has_byte$q;
    reg  has_byte$clock;
    reg  is_full$d;
    wire  is_full$q;
    reg  is_full$clock;
    reg  write_now$d;
    wire  write_now$q;
    reg  write_now$clock;
    reg  [8:0] write_where$d;
    wire  [8:0] write_where$q;
    reg  write_where$clock;
    reg  [7:0] write_what$d;
    wire  [7:0] write_what$q;
    reg  write_what$clock;
    reg  [8:0] visible$d;
    wire  [8:0] visible$q;
    reg  visible$clock;
    reg  has_room$d;
    wire  has_room$q;
    reg  has_room$clock;

    // Local signals
    reg  [8:0] used;
    reg  has_closed;
    reg  fetch;
    reg  offered;
    reg  [7:0] offer;
    reg  offer_zero;
    reg  [7:0] crc_byte;
    reg  [7:0] next_block_bytes;
    reg  taken;
    reg  [8:0] next_at;
    reg  [31:0] crc_value;
    reg  [31:0] crc_shifted;
    reg  [4:0] crc_amount;

    // Sub module instances
    board_engine_encoder_ram ram(
        .clock(ram$clock),
        .write_enable(ram$write_enable),
        .write_address(ram$write_address),
        .write_data(ram$write_data),
        .read_enable(ram$read_enable),
        .read_address(ram$read_address),
        .read_data(ram$read_data)
    );
    board_engine_command_seal_crc crc(
        .clock(crc$clock),
        .clear(crc$clear),
        .enable(crc$enable),
        .data(crc$data),
        .crc(crc$crc)
    );
    board_engine_encoder_front front(
        .clock(front$clock),
        .valid(front$valid),
        .data(front$data),
        .last(front$last),
        .ready(front$ready),
        .out_valid(front$out_valid),
        .out_data(front$out_data),
        .out_zero(front$out_zero),
        .out_last(front$out_last),
        .taken(front$taken)
    );
    board_engine_encoder_state state(
        .d(state$d),
        .q(state$q),
        .clock(state$clock)
    );
    board_engine_encoder_crc_index crc_index(
        .d(crc_index$d),
        .q(crc_index$q),
        .clock(crc_index$clock)
    );
    board_engine_encoder_closed code_at(
        .d(code_at$d),
        .q(code_at$q),
        .clock(code_at$clock)
    );
    board_engine_encoder_closed write_at(
        .d(write_at$d),
        .q(write_at$q),
        .clock(write_at$clock)
    );
    board_engine_encoder_closed read_at(
        .d(read_at$d),
        .q(read_at$q),
        .clock(read_at$clock)
    );
    board_engine_encoder_closed closed(
        .d(closed$d),
        .q(closed$q),
        .clock(closed$clock)
    );
    board_engine_encoder_front_held block_bytes(
        .d(block_bytes$d),
        .q(block_bytes$q),
        .clock(block_bytes$clock)
    );
    board_engine_counters_up_0 has_byte(
        .d(has_byte$d),
        .q(has_byte$q),
        .clock(has_byte$clock)
    );
    board_engine_counters_up_0 is_full(
        .d(is_full$d),
        .q(is_full$q),
        .clock(is_full$clock)
    );
    board_engine_counters_up_0 write_now(
        .d(write_now$d),
        .q(write_now$q),
        .clock(write_now$clock)
    );
    board_engine_encoder_closed write_where(
        .d(write_where$d),
        .q(write_where$q),
        .clock(write_where$clock)
    );
    board_engine_encoder_front_held write_what(
        .d(write_what$d),
        .q(write_what$q),
        .clock(write_what$clock)
    );
    board_engine_encoder_closed visible(
        .d(visible$d),
        .q(visible$q),
        .clock(visible$clock)
    );
    board_engine_counters_up_0 has_room(
        .d(has_room$d),
        .q(has_room$q),
        .clock(has_room$clock)
    );

    // Update code
    always @(*) begin
        state$clock = clock;
        crc_index$clock = clock;
        code_at$clock = clock;
        write_at$clock = clock;
        read_at$clock = clock;
        closed$clock = clock;
        block_bytes$clock = clock;
        has_byte$clock = clock;
        has_room$clock = clock;
        state$d = state$q;
        crc_index$d = crc_index$q;
        code_at$d = code_at$q;
        write_at$d = write_at$q;
        read_at$d = read_at$q;
        closed$d = closed$q;
        block_bytes$d = block_bytes$q;
        has_byte$d = has_byte$q;
        has_room$d = has_room$q;
        is_full$clock = clock;
        write_now$clock = clock;
        write_where$clock = clock;
        write_what$clock = clock;
        visible$clock = clock;
        is_full$d = is_full$q;
        write_now$d = write_now$q;
        write_where$d = write_where$q;
        write_what$d = write_what$q;
        visible$d = visible$q;
        ram$clock = clock;
        crc$clock = clock;
        front$clock = clock;
        front$valid = valid;
        front$data = data;
        front$last = last;
        ready = front$ready;
        used = write_at$q - read_at$q;
        has_room$d = used < room_limit;
        next_at = write_at$q + 32'h1;
        write_now$d = 1'b0;
        write_where$d = write_at$q;
        write_what$d = front$out_data;
        ram$write_enable = write_now$q;
        ram$write_address = write_where$q;
        ram$write_data = write_what$q;
        visible$d = closed$q;
        crc$clear = 1'b0;
        crc$enable = 1'b0;
        crc$data = front$out_data;
        crc_value = ~crc$crc;
        crc_amount = ((crc_index$q) & 5'h1f) << 32'h3;
        crc_shifted = crc_value >> crc_amount;
        next_block_bytes = block_bytes$q;
        crc_byte = crc_shifted[(32'h0)+:(8)];
        offered = 1'b0;
        offer = front$out_data;
        offer_zero = front$out_zero;
        taken = 1'b0;
        case (state$q)
            EncoderState$Idle:
                begin
                    crc$clear = 1'b1;
                    crc_index$d = 32'h0;
                    if (front$out_valid & has_room$q) begin
                        write_now$d = 1'b1;
                        write_what$d = 32'h0;
                        code_at$d = next_at;
                        write_at$d = write_at$q + 32'h2;
                        closed$d = next_at;
                        next_block_bytes = 32'h1;
                        state$d = EncoderState$Body;
                    end
                end
            EncoderState$Body:
                begin
                    offered = front$out_valid;
                end
            EncoderState$Crc:
                begin
                    offered = 1'b1;
                    offer = crc_byte;
                    offer_zero = crc_byte == 32'h0;
                end
            EncoderState$Close:
                begin
                    write_now$d = 1'b1;
                    write_where$d = code_at$q;
                    write_what$d = block_bytes$q;
                    state$d = EncoderState$Delimit;
                end
            EncoderState$Delimit:
                begin
                    if (has_room$q) begin
                        write_now$d = 1'b1;
                        write_what$d = 32'h0;
                        write_at$d = next_at;
                        closed$d = next_at;
                        state$d = EncoderState$Idle;
                    end
                end
            default:
                begin
                    state$d = EncoderState$Idle;
                end
        endcase
        if (offered & has_room$q) begin
            if (is_full$q) begin
                write_now$d = 1'b1;
                write_where$d = code_at$q;
                write_what$d = block_bytes$q;
                code_at$d = write_at$q;
                closed$d = write_at$q;
                write_at$d = next_at;
                next_block_bytes = 32'h1;
            end
            else begin
                taken = 1'b1;
                write_now$d = 1'b1;
                write_at$d = next_at;
                if (offer_zero) begin
                    write_where$d = code_at$q;
                    write_what$d = block_bytes$q;
                    code_at$d = write_at$q;
                    closed$d = write_at$q;
                    next_block_bytes = 32'h1;
                end
                else begin
                    write_what$d = offer;
                    next_block_bytes = block_bytes$q + 32'h1;
                end
            end
        end
        if (taken) begin
            if (state$q == EncoderState$Body) begin
                crc$enable = 1'b1;
                if (front$out_last) begin
                    state$d = EncoderState$Crc;
                end
            end
            if (state$q == EncoderState$Crc) begin
                crc_index$d = crc_index$q + 32'h1;
                if (crc_index$q == 32'h3) begin
                    state$d = EncoderState$Close;
                end
            end
        end
        block_bytes$d = next_block_bytes;
        is_full$d = next_block_bytes == 32'hff;
        front$taken = taken & (state$q == EncoderState$Body);
        has_closed = read_at$q != visible$q;
        fetch = has_closed & (~has_byte$q | out_ready);
        ram$read_enable = fetch;
        ram$read_address = read_at$q;
        out_valid = has_byte$q;
        out_data = ram$read_data;
        if (fetch) begin
            read_at$d = read_at$q + 32'h1;
            has_byte$d = 1'b1;
        end
        else begin
            if (out_ready) begin
                has_byte$d = 1'b0;
            end
        end
    end

endmodule

module board_engine_encoder_closed(d,q,clock);

    // Module arguments
    input wire  [8:0] d;
    output reg  [8:0] q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 9'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_encoder_crc_index(d,q,clock);

    // Module arguments
    input wire  [1:0] d;
    output reg  [1:0] q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 2'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_encoder_front(clock,valid,data,last,ready,out_valid,out_data,out_zero,out_last,taken);

    // Module arguments
    input wire  clock;
    input wire  valid;
    input wire  [7:0] data;
    input wire  last;
    output reg  ready;
    output reg  out_valid;
    output reg  [7:0] out_data;
    output reg  out_zero;
    output reg  out_last;
    input wire  taken;

    // Stub signals
    reg  [7:0] held$d;
    wire  [7:0] held$q;
    reg  held$clock;
    reg  held_zero$d;
    wire  held_zero$q;
    reg  held_zero$clock;
    reg  held_last$d;
    wire  held_last$q;
    reg  held_last$clock;
    reg  has_held$d;
    wire  has_held$q;
    reg  has_held$clock;
    reg  [7:0] spare$d;
    wire  [7:0] spare$q;
    reg  spare$clock;
    reg  spare_last$d;
    wire  spare_last$q;
    reg  spare_last$clock;
    reg  has_spare$d;
    wire  has_spare$q;
    reg  has_spare$clock;

    // Local signals
    reg  is_free;
    reg  [7:0] next_held;

    // Sub module instances
    board_engine_encoder_front_held held(
        .d(held$d),
        .q(held$q),
        .clock(held$clock)
    );
    board_engine_counters_up_0 held_zero(
        .d(held_zero$d),
        .q(held_zero$q),
        .clock(held_zero$clock)
    );
    board_engine_counters_up_0 held_last(
        .d(held_last$d),
        .q(held_last$q),
        .clock(held_last$clock)
    );
    board_engine_counters_up_0 has_held(
        .d(has_held$d),
        .q(has_held$q),
        .clock(has_held$clock)
    );
    board_engine_encoder_front_held spare(
        .d(spare$d),
        .q(spare$q),
        .clock(spare$clock)
    );
    board_engine_counters_up_0 spare_last(
        .d(spare_last$d),
        .q(spare_last$q),
        .clock(spare_last$clock)
    );
    board_engine_counters_up_0 has_spare(
        .d(has_spare$d),
        .q(has_spare$q),
        .clock(has_spare$clock)
    );

    // Update code
    always @(*) begin
        held$clock = clock;
        held_zero$clock = clock;
        held_last$clock = clock;
        has_held$clock = clock;
        spare$clock = clock;
        spare_last$clock = clock;
        has_spare$clock = clock;
        held$d = held$q;
        held_zero$d = held_zero$q;
        held_last$d = held_last$q;
        has_held$d = has_held$q;
        spare$d = spare$q;
        spare_last$d = spare_last$q;
        has_spare$d = has_spare$q;
        ready = ~has_spare$q;
        out_valid = has_held$q;
        out_data = held$q;
        out_zero = held_zero$q;
        out_last = held_last$q;
        is_free = ~has_held$q | taken;
        next_held = data;
        if (has_spare$q) begin
            next_held = spare$q;
        end
        if (is_free) begin
            held$d = next_held;
            held_zero$d = next_held == 32'h0;
            held_last$d = last;
            has_held$d = valid | has_spare$q;
            if (has_spare$q) begin
                held_last$d = spare_last$q;
            end
            has_spare$d = 1'b0;
        end
        else begin
            if (valid & ~has_spare$q) begin
                has_spare$d = 1'b1;
                spare$d = data;
                spare_last$d = last;
            end
        end
    end

endmodule

module board_engine_encoder_front_held(d,q,clock);

    // Module arguments
    input wire  [7:0] d;
    output reg  [7:0] q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 8'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_encoder_ram(clock,write_enable,write_address,write_data,read_enable,read_address,read_data);

    // Module arguments
    input wire  clock;
    input wire  write_enable;
    input wire  [8:0] write_address;
    input wire  [7:0] write_data;
    input wire  read_enable;
    input wire  [8:0] read_address;
    output wire  [7:0] read_data;

    // Update code (wrapper)
    board_engine_encoder_ram_words core(.clock(clock), .write_enable(write_enable), .write_address(write_address), .write_data(write_data), .read_enable(read_enable), .read_address(read_address), .read_data(read_data));
endmodule

module board_engine_encoder_state(d,q,clock);

    // Module arguments
    input wire  [2:0] d;
    output reg  [2:0] q;
    input wire  clock;

    // Enums
    localparam EncoderState$Idle = 0;
    localparam EncoderState$Body = 1;
    localparam EncoderState$Crc = 2;
    localparam EncoderState$Close = 3;
    localparam EncoderState$Delimit = 4;

    // Update code (custom)
    initial begin
       q = 64'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_frames(clock,data_valid,data,frame_end,frame_good,ready,frame_valid,frame_bytes,frame_done,read_enable,read_address,read_data,count_ok,count_crc,count_frame,count_overrun);

    // Module arguments
    input wire  clock;
    input wire  data_valid;
    input wire  [7:0] data;
    input wire  frame_end;
    input wire  frame_good;
    output reg  ready;
    output reg  frame_valid;
    output reg  [12:0] frame_bytes;
    input wire  frame_done;
    input wire  read_enable;
    input wire  [12:0] read_address;
    output reg  [7:0] read_data;
    output reg  count_ok;
    output reg  count_crc;
    output reg  count_frame;
    output reg  count_overrun;

    // Constant declarations
    localparam  slots = 4'h2;
    localparam  last_slot = 3'b1;
    localparam  last_byte = 13'b111111111;
    localparam  slot_shift = 5'b1001;
    localparam  least_last = 13'b1011;
    localparam  residue = 32'hdebb20e3;
    localparam  drop_when_full = 1'b1;
    localparam  one = 8'h1;

    // Stub signals
    reg  ram$clock;
    reg  ram$write_enable;
    reg  [9:0] ram$write_address;
    reg  [7:0] ram$write_data;
    reg  ram$read_enable;
    reg  [9:0] ram$read_address;
    wire  [7:0] ram$read_data;
    reg  crc$clock;
    reg  crc$clear;
    reg  crc$enable;
    reg  [7:0] crc$data;
    wire  [31:0] crc$crc;
    reg  [12:0] position$d;
    wire  [12:0] position$q;
    reg  position$clock;
    reg  enough$d;
    wire  enough$q;
    reg  enough$clock;
    reg  filled$d;
    wire  filled$q;
    reg  filled$clock;
    reg  dropped$d;
    wire  dropped$q;
    reg  dropped$clock;
    reg  [2:0] write_slot$d;
    wire  [2:0] write_slot$q;
    reg  write_slot$clock;
    reg  [2:0] read_slot$d;
    wire  [2:0] read_slot$q;
    reg  read_slot$clock;
    reg  [3:0] used$d;
    wire  [3:0] used$q;
    reg  used$clock;
    reg  [12:0] bytes$0$d;
    wire  [12:0] bytes$0$q;
    reg  bytes$0$clock;
    reg  [12:0] bytes$1$d;
    wire  [12:0] bytes$1$q;
    reg  bytes$1$clock;
    reg  [12:0] bytes$2$d;
    wire  [12:0] bytes$2$q;
    reg  bytes$2$clock;
    reg  [12:0] bytes$3$d;
    wire  [12:0] bytes$3$q;
    reg  bytes$3$clock;
    reg  [12:0] bytes$4$d;
    wire  [12:0] bytes$4$q;
    reg  bytes$4$clock;
    reg  [12:0] bytes$5$d;
    wire  [12:0] bytes$5$q;
    reg  bytes$5$clock;
    reg  [12:0] bytes$6$d;
    wire  [12:0] bytes$6$q;
    reg  bytes$6$clock;
    reg  [12:0] bytes$7$d;
    wire  [12:0] bytes$7$q;
    reg  bytes$7$clock;
    reg  [12:0] length$d;
    wire  [12:0] length$q;
    reg  length$clock;
    reg  ended$d;
    wire  ended$q;
    reg  ended$clock;
    reg  well_formed$d;
    wire  well_formed$q;
    reg  well_formed$clock;
    reg  crc_same$d;
    wire  crc_same$q;
    reg  crc_same$clock;

    // Local signals
    reg  is_free;
    reg  takes;
    reg  fits;
    reg  accepted;
    reg  [9:0] write_base;
    reg  [9:0] read_base;
    reg  [7:0] reads;
    reg  [7:0] writes;

    // Sub module instances
    board_engine_frames_ram ram(
        .clock(ram$clock),
        .write_enable(ram$write_enable),
        .write_address(ram$write_address),
        .write_data(ram$write_data),
        .read_enable(ram$read_enable),
        .read_address(ram$read_address),
        .read_data(ram$read_data)
    );
    board_engine_command_seal_crc crc(
        .clock(crc$clock),
        .clear(crc$clear),
        .enable(crc$enable),
        .data(crc$data),
        .crc(crc$crc)
    );
    board_engine_frames_bytes_0 position(
        .d(position$d),
        .q(position$q),
        .clock(position$clock)
    );
    board_engine_counters_up_0 enough(
        .d(enough$d),
        .q(enough$q),
        .clock(enough$clock)
    );
    board_engine_counters_up_0 filled(
        .d(filled$d),
        .q(filled$q),
        .clock(filled$clock)
    );
    board_engine_counters_up_0 dropped(
        .d(dropped$d),
        .q(dropped$q),
        .clock(dropped$clock)
    );
    board_engine_frames_read_slot write_slot(
        .d(write_slot$d),
        .q(write_slot$q),
        .clock(write_slot$clock)
    );
    board_engine_frames_read_slot read_slot(
        .d(read_slot$d),
        .q(read_slot$q),
        .clock(read_slot$clock)
    );
    board_engine_frames_used used(
        .d(used$d),
        .q(used$q),
        .clock(used$clock)
    );
    board_engine_frames_bytes_0 bytes$0(
        .d(bytes$0$d),
        .q(bytes$0$q),
        .clock(bytes$0$clock)
    );
    board_engine_frames_bytes_0 bytes$1(
        .d(bytes$1$d),
        .q(bytes$1$q),
        .clock(bytes$1$clock)
    );
    board_engine_frames_bytes_0 bytes$2(
        .d(bytes$2$d),
        .q(bytes$2$q),
        .clock(bytes$2$clock)
    );
    board_engine_frames_bytes_0 bytes$3(
        .d(bytes$3$d),
        .q(bytes$3$q),
        .clock(bytes$3$clock)
    );
    board_engine_frames_bytes_0 bytes$4(
        .d(bytes$4$d),
        .q(bytes$4$q),
        .clock(bytes$4$clock)
    );
    board_engine_frames_bytes_0 bytes$5(
        .d(bytes$5$d),
        .q(bytes$5$q),
        .clock(bytes$5$clock)
    );
    board_engine_frames_bytes_0 bytes$6(
        .d(bytes$6$d),
        .q(bytes$6$q),
        .clock(bytes$6$clock)
    );
    board_engine_frames_bytes_0 bytes$7(
        .d(bytes$7$d),
        .q(bytes$7$q),
        .clock(bytes$7$clock)
    );
    board_engine_frames_bytes_0 length(
        .d(length$d),
        .q(length$q),
        .clock(length$clock)
    );
    board_engine_counters_up_0 ended(
        .d(ended$d),
        .q(ended$q),
        .clock(ended$clock)
    );
    board_engine_counters_up_0 well_formed(
        .d(well_formed$d),
        .q(well_formed$q),
        .clock(well_formed$clock)
    );
    board_engine_counters_up_0 crc_same(
        .d(crc_same$d),
        .q(crc_same$q),
        .clock(crc_same$clock)
    );

    // Update code
    always @(*) begin
        position$clock = clock;
        enough$clock = clock;
        filled$clock = clock;
        dropped$clock = clock;
        write_slot$clock = clock;
        read_slot$clock = clock;
        used$clock = clock;
        length$clock = clock;
        ended$clock = clock;
        well_formed$clock = clock;
        crc_same$clock = clock;
        position$d = position$q;
        enough$d = enough$q;
        filled$d = filled$q;
        dropped$d = dropped$q;
        write_slot$d = write_slot$q;
        read_slot$d = read_slot$q;
        used$d = used$q;
        length$d = length$q;
        ended$d = ended$q;
        well_formed$d = well_formed$q;
        crc_same$d = crc_same$q;
        ram$clock = clock;
        crc$clock = clock;
        bytes$0$clock = clock;
        bytes$0$d = bytes$0$q;
        bytes$1$clock = clock;
        bytes$1$d = bytes$1$q;
        bytes$2$clock = clock;
        bytes$2$d = bytes$2$q;
        bytes$3$clock = clock;
        bytes$3$d = bytes$3$q;
        bytes$4$clock = clock;
        bytes$4$d = bytes$4$q;
        bytes$5$clock = clock;
        bytes$5$d = bytes$5$q;
        bytes$6$clock = clock;
        bytes$6$d = bytes$6$q;
        bytes$7$clock = clock;
        bytes$7$d = bytes$7$q;
        is_free = used$q != slots;
        ready = is_free | drop_when_full;
        takes = data_valid & (is_free | drop_when_full);
        fits = is_free & ~filled$q;
        write_base = ((write_slot$q) & 10'h3ff) << slot_shift;
        read_base = ((read_slot$q) & 10'h3ff) << slot_shift;
        ram$write_enable = takes & fits;
        ram$write_address = write_base | ((position$q) & 10'h3ff);
        ram$write_data = data;
        ram$read_enable = read_enable;
        ram$read_address = read_base | ((read_address) & 10'h3ff);
        read_data = ram$read_data;
        crc$enable = takes;
        crc$data = data;
        crc$clear = 1'b0;
        if (takes) begin
            if (fits) begin
                position$d = position$q + 32'h1;
                if (position$q == least_last) begin
                    enough$d = 1'b1;
                end
                if (position$q == last_byte) begin
                    filled$d = 1'b1;
                end
            end
            else begin
                dropped$d = 1'b1;
            end
        end
        count_ok = 1'b0;
        count_crc = 1'b0;
        count_frame = 1'b0;
        count_overrun = 1'b0;
        accepted = 1'b0;
        ended$d = frame_end & (is_free | drop_when_full);
        well_formed$d = frame_good;
        crc_same$d = crc$crc == residue;
        if (ended$q) begin
            crc$clear = 1'b1;
            position$d = 32'h0;
            enough$d = 1'b0;
            filled$d = 1'b0;
            dropped$d = 1'b0;
            if (~well_formed$q) begin
                count_frame = 1'b1;
            end
            else begin
                if (dropped$q | ~is_free) begin
                    count_overrun = 1'b1;
                end
                else begin
                    if (~crc_same$q | ~enough$q) begin
                        count_crc = 1'b1;
                    end
                    else begin
                        count_ok = 1'b1;
                        accepted = 1'b1;
                    end
                end
            end
        end
        frame_valid = used$q != 32'h0;
        reads = one << read_slot$q;
        writes = one << write_slot$q;
        frame_bytes = length$q;
        length$d = 32'h0;
        if (reads[0]) begin
            length$d = bytes$0$q;
        end
        if (reads[1]) begin
            length$d = bytes$1$q;
        end
        if (reads[2]) begin
            length$d = bytes$2$q;
        end
        if (reads[3]) begin
            length$d = bytes$3$q;
        end
        if (reads[4]) begin
            length$d = bytes$4$q;
        end
        if (reads[5]) begin
            length$d = bytes$5$q;
        end
        if (reads[6]) begin
            length$d = bytes$6$q;
        end
        if (reads[7]) begin
            length$d = bytes$7$q;
        end
        if (accepted) begin
            if (writes[0]) begin
                bytes$0$d = position$q;
            end
            if (writes[1]) begin
                bytes$1$d = position$q;
            end
            if (writes[2]) begin
                bytes$2$d = position$q;
            end
            if (writes[3]) begin
                bytes$3$d = position$q;
            end
            if (writes[4]) begin
                bytes$4$d = position$q;
            end
            if (writes[5]) begin
                bytes$5$d = position$q;
            end
            if (writes[6]) begin
                bytes$6$d = position$q;
            end
            if (writes[7]) begin
                bytes$7$d = position$q;
            end
            write_slot$d = write_slot$q + 32'h1;
            if (write_slot$q == last_slot) begin
                write_slot$d = 32'h0;
            end
        end
        if (frame_done) begin
            read_slot$d = read_slot$q + 32'h1;
            if (read_slot$q == last_slot) begin
                read_slot$d = 32'h0;
            end
        end
        if (accepted & ~frame_done) begin
            used$d = used$q + 32'h1;
        end
        if (~accepted & frame_done) begin
            used$d = used$q - 32'h1;
        end
    end

endmodule

module board_engine_frames_bytes_0(d,q,clock);

    // Module arguments
    input wire  [12:0] d;
    output reg  [12:0] q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 13'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_frames_ram(clock,write_enable,write_address,write_data,read_enable,read_address,read_data);

    // Module arguments
    input wire  clock;
    input wire  write_enable;
    input wire  [9:0] write_address;
    input wire  [7:0] write_data;
    input wire  read_enable;
    input wire  [9:0] read_address;
    output wire  [7:0] read_data;

    // Update code (wrapper)
    board_engine_frames_ram_words core(.clock(clock), .write_enable(write_enable), .write_address(write_address), .write_data(write_data), .read_enable(read_enable), .read_address(read_address), .read_data(read_data));
endmodule

module board_engine_frames_read_slot(d,q,clock);

    // Module arguments
    input wire  [2:0] d;
    output reg  [2:0] q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 3'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_frames_used(d,q,clock);

    // Module arguments
    input wire  [3:0] d;
    output reg  [3:0] q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 4'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_identity(address,data);

    // Module arguments
    input wire  [3:0] address;
    output wire  [31:0] data;

    // Update code (wrapper)
    board_engine_identity_words core(.address(address), .data(data));
endmodule

module board_engine_results(clock,write_enable,write_address,write_data,read_enable,read_address,read_data);

    // Module arguments
    input wire  clock;
    input wire  write_enable;
    input wire  [11:0] write_address;
    input wire  [23:0] write_data;
    input wire  read_enable;
    input wire  [11:0] read_address;
    output wire  [23:0] read_data;

    // Update code (wrapper)
    board_engine_results_words core(.clock(clock), .write_enable(write_enable), .write_address(write_address), .write_data(write_data), .read_enable(read_enable), .read_address(read_address), .read_data(read_data));
endmodule

module board_engine_sequencer(clock,start,base,row_groups,col_beats,plane_groups,running,is_load,is_beat,act_read,tile_address,act_address,is_first,is_shift,is_heavy,is_last);

    // Module arguments
    input wire  clock;
    input wire  start;
    input wire  [15:0] base;
    input wire  [15:0] row_groups;
    input wire  [15:0] col_beats;
    input wire  [7:0] plane_groups;
    output reg  running;
    output reg  is_load;
    output reg  is_beat;
    output reg  act_read;
    output reg  [15:0] tile_address;
    output reg  [15:0] act_address;
    output reg  is_first;
    output reg  is_shift;
    output reg  is_heavy;
    output reg  is_last;

    // Constant declarations
    localparam  tables = 1'b0;
    localparam  last_step = 5'b1111;

    // Stub signals
    reg  busy$d;
    wire  busy$q;
    reg  busy$clock;
    reg  loading$d;
    wire  loading$q;
    reg  loading$clock;
    reg  [4:0] step$d;
    wire  [4:0] step$q;
    reg  step$clock;
    reg  [15:0] rows_left$d;
    wire  [15:0] rows_left$q;
    reg  rows_left$clock;
    reg  [15:0] beat$d;
    wire  [15:0] beat$q;
    reg  beat$clock;
    reg  [7:0] group$d;
    wire  [7:0] group$q;
    reg  group$clock;
    reg  [15:0] row_base$d;
    wire  [15:0] row_base$q;
    reg  row_base$clock;
    reg  [15:0] tile$d;
    wire  [15:0] tile$q;
    reg  tile$clock;
    reg  [15:0] act$d;
    wire  [15:0] act$q;
    reg  act$clock;
    reg  [15:0] last_beat$d;
    wire  [15:0] last_beat$q;
    reg  last_beat$clock;
    reg  [7:0] last_group$d;
    wire  [7:0] last_group$q;
    reg  last_group$clock;

    // Local signals
    reg  at_last_beat;
    reg  at_last_group;
    reg  at_first_beat;
    reg  at_first_group;
    reg  [15:0] next_tile;
    reg  [15:0] next_row;
    reg  [15:0] next_base;
    reg  at_first_step;

    // Sub module instances
    board_engine_counters_up_0 busy(
        .d(busy$d),
        .q(busy$q),
        .clock(busy$clock)
    );
    board_engine_counters_up_0 loading(
        .d(loading$d),
        .q(loading$q),
        .clock(loading$clock)
    );
    board_engine_sequencer_step step(
        .d(step$d),
        .q(step$q),
        .clock(step$clock)
    );
    board_engine_sequencer_act rows_left(
        .d(rows_left$d),
        .q(rows_left$q),
        .clock(rows_left$clock)
    );
    board_engine_sequencer_act beat(
        .d(beat$d),
        .q(beat$q),
        .clock(beat$clock)
    );
    board_engine_encoder_front_held group(
        .d(group$d),
        .q(group$q),
        .clock(group$clock)
    );
    board_engine_sequencer_act row_base(
        .d(row_base$d),
        .q(row_base$q),
        .clock(row_base$clock)
    );
    board_engine_sequencer_act tile(
        .d(tile$d),
        .q(tile$q),
        .clock(tile$clock)
    );
    board_engine_sequencer_act act(
        .d(act$d),
        .q(act$q),
        .clock(act$clock)
    );
    board_engine_sequencer_act last_beat(
        .d(last_beat$d),
        .q(last_beat$q),
        .clock(last_beat$clock)
    );
    board_engine_encoder_front_held last_group(
        .d(last_group$d),
        .q(last_group$q),
        .clock(last_group$clock)
    );

    // Update code
    always @(*) begin
        busy$clock = clock;
        loading$clock = clock;
        step$clock = clock;
        rows_left$clock = clock;
        beat$clock = clock;
        group$clock = clock;
        row_base$clock = clock;
        tile$clock = clock;
        act$clock = clock;
        last_beat$clock = clock;
        last_group$clock = clock;
        busy$d = busy$q;
        loading$d = loading$q;
        step$d = step$q;
        rows_left$d = rows_left$q;
        beat$d = beat$q;
        group$d = group$q;
        row_base$d = row_base$q;
        tile$d = tile$q;
        act$d = act$q;
        last_beat$d = last_beat$q;
        last_group$d = last_group$q;
        running = busy$q;
        is_load = loading$q;
        is_beat = busy$q & ~loading$q;
        at_first_step = loading$q & (step$q == 32'h0);
        act_read = busy$q & (~tables | at_first_step);
        tile_address = tile$q;
        act_address = act$q;
        last_beat$d = col_beats - 32'h1;
        last_group$d = plane_groups - 32'h1;
        at_last_beat = beat$q == last_beat$q;
        at_last_group = group$q == last_group$q;
        at_first_beat = beat$q == 32'h0;
        at_first_group = group$q == 32'h0;
        next_tile = tile$q + 32'h1;
        next_row = tile$q + col_beats;
        next_base = row_base$q + 32'h1;
        is_first = at_first_beat & at_first_group;
        is_shift = at_first_beat & ~at_first_group;
        is_heavy = at_first_group;
        is_last = at_last_beat & at_last_group;
        if (start) begin
            busy$d = 1'b1;
            loading$d = tables;
            step$d = 32'h0;
            rows_left$d = row_groups;
            beat$d = 32'h0;
            group$d = 32'h0;
            row_base$d = base;
            tile$d = base;
            act$d = 32'h0;
        end
        if (busy$q & loading$q) begin
            step$d = step$q + 32'h1;
            if (step$q == last_step) begin
                step$d = 32'h0;
                loading$d = 1'b0;
            end
        end
        if (busy$q & tables & ~loading$q) begin
            tile$d = next_row;
            rows_left$d = rows_left$q - 32'h1;
            if (rows_left$q == 32'h1) begin
                rows_left$d = row_groups;
                row_base$d = next_base;
                tile$d = next_base;
                act$d = act$q + 32'h1;
                beat$d = beat$q + 32'h1;
                loading$d = 1'b1;
                if (at_last_beat) begin
                    loading$d = 1'b0;
                    busy$d = 1'b0;
                end
            end
        end
        if (busy$q & ~tables) begin
            tile$d = next_tile;
            act$d = act$q + 32'h1;
            beat$d = beat$q + 32'h1;
            if (at_last_beat) begin
                beat$d = 32'h0;
                group$d = group$q + 32'h1;
                if (at_last_group) begin
                    group$d = 32'h0;
                    act$d = 32'h0;
                    row_base$d = next_tile;
                    rows_left$d = rows_left$q - 32'h1;
                    if (rows_left$q == 32'h1) begin
                        busy$d = 1'b0;
                    end
                end
                else begin
                    tile$d = row_base$q;
                end
            end
        end
    end

endmodule

module board_engine_sequencer_act(d,q,clock);

    // Module arguments
    input wire  [15:0] d;
    output reg  [15:0] q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 16'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_sequencer_step(d,q,clock);

    // Module arguments
    input wire  [4:0] d;
    output reg  [4:0] q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 5'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_tile_request(clock,enable,address,out_enable,out_address);

    // Module arguments
    input wire  clock;
    input wire  enable;
    input wire  [15:0] address;
    output wire  out_enable;
    output wire  [15:0] out_address;

    // Update code (wrapper)
    board_engine_tile_request_delay core(.clock(clock), .enable(enable), .address(address), .out_enable(out_enable), .out_address(out_address));
endmodule

module board_engine_tiles(clock,byte_enable,byte_data,write_enable,write_address,read_enable,read_address,read_data);

    // Module arguments
    input wire  clock;
    input wire  byte_enable;
    input wire  [7:0] byte_data;
    input wire  write_enable;
    input wire  [15:0] write_address;
    input wire  read_enable;
    input wire  [15:0] read_address;
    output wire  [31:0] read_data;

    // Update code (wrapper)
    board_engine_tiles_packed core(.clock(clock), .byte_enable(byte_enable), .byte_data(byte_data), .write_enable(write_enable), .write_address(write_address), .read_enable(read_enable), .read_address(read_address), .read_data(read_data));
endmodule

module board_lights(clock,frame,run_cycle,refused,link,busy,fault);

    // Module arguments
    input wire  clock;
    input wire  frame;
    input wire  run_cycle;
    input wire  refused;
    output reg  link;
    output reg  busy;
    output reg  fault;

    // Constant declarations
    localparam  mask = 24'h3ffff;
    localparam  lit = 3'b111;

    // Stub signals
    reg  events$0$d;
    wire  events$0$q;
    reg  events$0$clock;
    reg  events$1$d;
    wire  events$1$q;
    reg  events$1$clock;
    reg  events$2$d;
    wire  events$2$q;
    reg  events$2$clock;
    reg  [23:0] ticker$d;
    wire  [23:0] ticker$q;
    reg  ticker$clock;
    reg  tick$d;
    wire  tick$q;
    reg  tick$clock;
    reg  [2:0] link_left$d;
    wire  [2:0] link_left$q;
    reg  link_left$clock;
    reg  [2:0] busy_left$d;
    wire  [2:0] busy_left$q;
    reg  busy_left$clock;
    reg  [2:0] fault_left$d;
    wire  [2:0] fault_left$q;
    reg  fault_left$clock;

    // Local signals
    reg  [23:0] next_ticker;

    // Sub module instances
    board_engine_counters_up_0 events$0(
        .d(events$0$d),
        .q(events$0$q),
        .clock(events$0$clock)
    );
    board_engine_counters_up_0 events$1(
        .d(events$1$d),
        .q(events$1$q),
        .clock(events$1$clock)
    );
    board_engine_counters_up_0 events$2(
        .d(events$2$d),
        .q(events$2$q),
        .clock(events$2$clock)
    );
    board_lights_ticker ticker(
        .d(ticker$d),
        .q(ticker$q),
        .clock(ticker$clock)
    );
    board_engine_counters_up_0 tick(
        .d(tick$d),
        .q(tick$q),
        .clock(tick$clock)
    );
    board_engine_frames_read_slot link_left(
        .d(link_left$d),
        .q(link_left$q),
        .clock(link_left$clock)
    );
    board_engine_frames_read_slot busy_left(
        .d(busy_left$d),
        .q(busy_left$q),
        .clock(busy_left$clock)
    );
    board_engine_frames_read_slot fault_left(
        .d(fault_left$d),
        .q(fault_left$q),
        .clock(fault_left$clock)
    );

    // Update code
    always @(*) begin
        ticker$clock = clock;
        tick$clock = clock;
        link_left$clock = clock;
        busy_left$clock = clock;
        fault_left$clock = clock;
        ticker$d = ticker$q;
        tick$d = tick$q;
        link_left$d = link_left$q;
        busy_left$d = busy_left$q;
        fault_left$d = fault_left$q;
        events$0$clock = clock;
        events$1$clock = clock;
        events$2$clock = clock;
        events$0$d = frame;
        events$1$d = run_cycle;
        events$2$d = refused;
        next_ticker = ticker$q + 32'h1;
        ticker$d = next_ticker & mask;
        tick$d = ticker$q == 32'h0;
        link = link_left$q != 32'h0;
        busy = busy_left$q != 32'h0;
        fault = fault_left$q != 32'h0;
        if (tick$q & (link_left$q != 32'h0)) begin
            link_left$d = link_left$q - 32'h1;
        end
        if (tick$q & (busy_left$q != 32'h0)) begin
            busy_left$d = busy_left$q - 32'h1;
        end
        if (tick$q & (fault_left$q != 32'h0)) begin
            fault_left$d = fault_left$q - 32'h1;
        end
        if (events$0$q) begin
            link_left$d = lit;
        end
        if (events$1$q) begin
            busy_left$d = lit;
        end
        if (events$2$q) begin
            fault_left$d = lit;
        end
    end

endmodule

module board_lights_ticker(d,q,clock);

    // Module arguments
    input wire  [23:0] d;
    output reg  [23:0] q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 24'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_uart_rx(clock,rx,valid,data,bad);

    // Module arguments
    input wire  clock;
    input wire  rx;
    output reg  valid;
    output reg  [7:0] data;
    output reg  bad;

    // Constant declarations
    localparam  divisor_minus_1 = 16'h7;
    localparam  half = 16'h1;
    localparam  top_bit = 8'h80;

    // Stub signals
    reg  meta$d;
    wire  meta$q;
    reg  meta$clock;
    reg  line$d;
    wire  line$q;
    reg  line$clock;
    reg  busy$d;
    wire  busy$q;
    reg  busy$clock;
    reg  broken$d;
    wire  broken$q;
    reg  broken$clock;
    reg  [15:0] count$d;
    wire  [15:0] count$q;
    reg  count$clock;
    reg  [3:0] bit_index$d;
    wire  [3:0] bit_index$q;
    reg  bit_index$clock;
    reg  [7:0] shift$d;
    wire  [7:0] shift$q;
    reg  shift$clock;

    // Local signals
    reg  [7:0] shifted;
    reg  level;

    // Sub module instances
    board_engine_counters_up_0 meta(
        .d(meta$d),
        .q(meta$q),
        .clock(meta$clock)
    );
    board_engine_counters_up_0 line(
        .d(line$d),
        .q(line$q),
        .clock(line$clock)
    );
    board_engine_counters_up_0 busy(
        .d(busy$d),
        .q(busy$q),
        .clock(busy$clock)
    );
    board_engine_counters_up_0 broken(
        .d(broken$d),
        .q(broken$q),
        .clock(broken$clock)
    );
    board_engine_sequencer_act count(
        .d(count$d),
        .q(count$q),
        .clock(count$clock)
    );
    board_engine_frames_used bit_index(
        .d(bit_index$d),
        .q(bit_index$q),
        .clock(bit_index$clock)
    );
    board_engine_encoder_front_held shift(
        .d(shift$d),
        .q(shift$q),
        .clock(shift$clock)
    );

    // Update code
    always @(*) begin
        meta$clock = clock;
        line$clock = clock;
        busy$clock = clock;
        broken$clock = clock;
        count$clock = clock;
        bit_index$clock = clock;
        shift$clock = clock;
        meta$d = meta$q;
        line$d = line$q;
        busy$d = busy$q;
        broken$d = broken$q;
        count$d = count$q;
        bit_index$d = bit_index$q;
        shift$d = shift$q;
        meta$d = ~rx;
        line$d = meta$q;
        level = ~line$q;
        valid = 1'b0;
        bad = 1'b0;
        data = shift$q;
        shifted = shift$q >> 32'h1;
        if (~busy$q) begin
            count$d = half;
            bit_index$d = 32'h0;
            if (level) begin
                broken$d = 1'b0;
            end
            else begin
                busy$d = ~broken$q;
            end
        end
        else begin
            count$d = count$q - 32'h1;
            if (count$q == 32'h0) begin
                count$d = divisor_minus_1;
                bit_index$d = bit_index$q + 32'h1;
                if (bit_index$q == 32'h0) begin
                    if (level) begin
                        busy$d = 1'b0;
                    end
                end
                else begin
                    if (bit_index$q == 32'h9) begin
                        valid = 1'b1;
                        bad = ~level;
                        broken$d = ~level;
                        busy$d = 1'b0;
                    end
                    else begin
                        shift$d = shifted;
                        if (level) begin
                            shift$d = shifted | top_bit;
                        end
                    end
                end
            end
        end
    end

endmodule

module board_uart_tx(clock,valid,data,ready,tx);

    // Module arguments
    input wire  clock;
    input wire  valid;
    input wire  [7:0] data;
    output reg  ready;
    output reg  tx;

    // Constant declarations
    localparam  divisor_minus_1 = 16'h7;
    localparam  start = 9'b1;

    // Stub signals
    reg  [8:0] shift$d;
    wire  [8:0] shift$q;
    reg  shift$clock;
    reg  [15:0] count$d;
    wire  [15:0] count$q;
    reg  count$clock;
    reg  [3:0] bits_left$d;
    wire  [3:0] bits_left$q;
    reg  bits_left$clock;

    // Local signals
    reg  [7:0] inverted;
    reg  [8:0] wide;

    // Sub module instances
    board_engine_encoder_closed shift(
        .d(shift$d),
        .q(shift$q),
        .clock(shift$clock)
    );
    board_engine_sequencer_act count(
        .d(count$d),
        .q(count$q),
        .clock(count$clock)
    );
    board_engine_frames_used bits_left(
        .d(bits_left$d),
        .q(bits_left$q),
        .clock(bits_left$clock)
    );

    // Update code
    always @(*) begin
        shift$clock = clock;
        count$clock = clock;
        bits_left$clock = clock;
        shift$d = shift$q;
        count$d = count$q;
        bits_left$d = bits_left$q;
        inverted = ~data;
        wide = ((inverted) & 9'h1ff) << 32'h1;
        tx = ~shift$q[32'h0];
        ready = 1'b0;
        if (bits_left$q == 32'h0) begin
            ready = 1'b1;
            if (valid) begin
                shift$d = wide | start;
                count$d = divisor_minus_1;
                bits_left$d = 32'ha;
            end
        end
        else begin
            count$d = count$q - 32'h1;
            if (count$q == 32'h0) begin
                count$d = divisor_minus_1;
                shift$d = shift$q >> 32'h1;
                bits_left$d = bits_left$q - 32'h1;
            end
        end
    end

endmodule

module board_engine_activations_packed(
    input wire clock,
    input wire byte_enable,
    input wire [7:0] byte_data,
    input wire write_enable,
    input wire [15:0] write_address,
    input wire read_enable,
    input wire [15:0] read_address,
    output reg [15:0] read_data
);
// what comes in
reg byte_in = 1'd0;
reg write_in = 1'd0;
reg [7:0] data_in = 8'd0;
reg [6:0] place_in = 7'd0;
always @(posedge clock) begin
    byte_in <= byte_enable;
    write_in <= write_enable;
    data_in <= byte_data;
    place_in <= write_address[6:0];
end
// a byte is gathered
/* verilator lint_off UNUSEDSIGNAL */
reg [15:0] gathered = 16'd0;
/* verilator lint_on UNUSEDSIGNAL */
wire [15:0] assembled = {data_in, gathered[15:8]};
(* ram_style = "block" *) reg [15:0] mem [0:127];
always @(posedge clock) if (byte_in) gathered <= assembled;
// the word is written
always @(posedge clock) if (write_in) mem[place_in] <= assembled;
// a word is read
reg [15:0] fetched = 16'd0;
always @(posedge clock) if (read_enable) fetched <= mem[read_address[6:0]];
// a word was read
reg fetched_new = 1'd0;
always @(posedge clock) fetched_new <= read_enable;
// its output register
initial read_data = 16'd0;
always @(posedge clock) if (fetched_new) read_data <= fetched;
endmodule

module board_engine_array_row_popcount(
    input wire clock,
    input wire [2:0] valid,
    input wire [15:0] w,
    input wire [15:0] x,
    output wire [4:0] count
);
// pairs of products
reg [15:0] odd = 16'd0;
reg [15:0] both = 16'd0;
always @(posedge clock) if (valid[0]) begin : within_0
    reg [15:0] p;
    /* verilator lint_off BLKSEQ */
    p = w & x;
    /* verilator lint_on BLKSEQ */
    odd <= (p ^ (p >> 1)) & 16'h5555;
    both <= (p & (p >> 1)) & 16'h5555;
end
// three pairs to a number
/* verilator lint_off UNUSEDSIGNAL */
reg [15:0] leaves = 16'd0;
/* verilator lint_on UNUSEDSIGNAL */
always @(posedge clock) if (valid[1]) begin : within_1
    reg [15:0] ones;
    reg [15:0] carry;
    reg [15:0] twos;
    reg [15:0] fours;
    /* verilator lint_off BLKSEQ */
    ones = ((odd ^ (odd >> 2)) ^ (odd >> 4)) & 16'h1041;
    carry = ((odd & (odd >> 2)) | ((odd >> 4) & (odd | (odd >> 2)))) & 16'h1041;
    twos = (((carry ^ both) ^ (both >> 2)) ^ (both >> 4)) & 16'h1041;
    fours = (((carry & ((both | (both >> 2)) | (both >> 4))) | (both & ((both >> 2) | (both >> 4)))) | ((both >> 2) &
        (both >> 4))) & 16'h1041;
    /* verilator lint_on BLKSEQ */
    leaves <= (ones | (twos << 1)) | (fours << 2);
end
// two levels of the tree
reg [4:0] t2_0 = 5'd0;
always @(posedge clock) if (valid[2]) begin : within_2
    reg [7:0] halves;
    /* verilator lint_off BLKSEQ */
    halves = {{1'd0, leaves[8:6]}, {1'd0, leaves[2:0]}} + {4'd0, {1'd0, leaves[14:12]}};
    /* verilator lint_on BLKSEQ */
    t2_0 <= {1'd0, halves[3:0]} + {1'd0, halves[7:4]};
end
assign count = t2_0;
endmodule

module board_engine_array_row(
    input wire clock,
    input wire issue,
    input wire is_first,
    input wire is_shift,
    input wire is_heavy,
    input wire is_last,
    input wire ternary,
    input wire a2,
    input wire [23:0] init,
    input wire [15:0] w0,
    input wire [15:0] w1,
    input wire [15:0] x,
    output reg sum_valid,
    output reg [23:0] sum
);
// Registers: products 2, tree 1, weights 1, planes 1, accumulator 1, sum 1.
// valid
reg [7:0] valid = 8'd0;
always @(posedge clock) valid <= {valid[6:0], issue};
// d_is_heavy
reg [5:0] d_is_heavy = 6'd0;
always @(posedge clock) d_is_heavy <= {d_is_heavy[4:0], is_heavy};
// d_is_first
reg [6:0] d_is_first = 7'd0;
always @(posedge clock) d_is_first <= {d_is_first[5:0], is_first};
// d_is_shift
reg [6:0] d_is_shift = 7'd0;
always @(posedge clock) d_is_shift <= {d_is_shift[5:0], is_shift};
// d_is_last
reg [7:0] d_is_last = 8'd0;
wire stands = valid[7] & d_is_last[7];
always @(posedge clock) d_is_last <= {d_is_last[6:0], is_last};
// the sum's flag
initial sum_valid = 1'd0;
always @(posedge clock) sum_valid <= stands;
wire [4:0] popcount_0_0_count;
board_engine_array_row_popcount popcount_0_0(
    .clock(clock),
    .valid(valid[3:1]),
    .w(w0),
    .x(x),
    .count(popcount_0_0_count)
);
wire [4:0] popcount_0_1_count;
board_engine_array_row_popcount popcount_0_1(
    .clock(clock),
    .valid(valid[3:1]),
    .w(w1),
    .x(x),
    .count(popcount_0_1_count)
);
// the weights
reg [7:0] d_0 = 8'd0;
always @(posedge clock) if (valid[4]) begin : within_6
    reg [7:0] c0_0;
    reg [7:0] c1_0;
    reg [7:0] twice_0;
    reg [7:0] once_0;
    /* verilator lint_off BLKSEQ */
    c0_0 = {3'd0, popcount_0_0_count};
    c1_0 = {3'd0, popcount_0_1_count};
    twice_0 = (ternary ? c1_0 : c0_0) << 1;
    once_0 = ternary ? (~c0_0 + {7'd0, 1'd1}) : (c0_0 + c1_0);
    /* verilator lint_on BLKSEQ */
    d_0 <= twice_0 + once_0;
end
// the planes
reg [10:0] s = 11'd0;
always @(posedge clock) if (valid[5]) begin : within_7
    reg [10:0] e_0;
    reg [10:0] w61;
    reg [10:0] e_3;
    reg [10:0] w67;
    reg [10:0] e_m;
    /* verilator lint_off BLKSEQ */
    e_0 = {{3{d_0[7]}}, d_0};
    w61 = e_0 << 1;
    e_3 = w61 + e_0;
    w67 = 11'd0;
    e_m = w67 - e_0;
    /* verilator lint_on BLKSEQ */
    s <= d_is_heavy[5] ? (a2 ? e_3 : e_m) : e_0;
end
// the accumulator
reg [23:0] acc = 24'd0;
always @(posedge clock) if (valid[6]) begin : within_8
    reg [23:0] old;
    /* verilator lint_off BLKSEQ */
    old = d_is_first[6] ? 24'd0 : ((d_is_shift[6] & ~a2) ? (acc << 1) : acc);
    /* verilator lint_on BLKSEQ */
    acc <= old + {{13{s[10]}}, s};
end
// the sum
initial sum = 24'd0;
always @(posedge clock) if (stands) sum <= acc + init;
endmodule

module board_engine_command_answer_bytes(
    input wire clock,
    input wire load,
    input wire [63:0] word,
    input wire shift,
    output wire [7:0] byte_data
);
// a word comes or a byte goes
reg [63:0] held = 64'd0;
always @(posedge clock) if (load | shift) held <= load ? word : (held >> 8);
assign byte_data = held[7:0];
endmodule

module board_engine_command_control_control(
    input wire clock,
    input wire frame_valid,
    input wire is_sealed,
    input wire result_valid,
    input wire out_ready,
    input wire [12:0] frame_bytes,
    input wire [7:0] read_data,
    input wire [7:0] op,
    input wire [7:0] arg,
    input wire [15:0] seq,
    input wire [31:0] addr,
    input wire [31:0] word,
    input wire [15:0] job_id,
    input wire a2,
    input wire [7:0] plane_groups,
    input wire [31:0] base,
    input wire [15:0] row_groups,
    input wire [15:0] col_beats,
    input wire [31:0] digest,
    input wire [31:0] crc,
    input wire [31:0] identity_data,
    input wire [31:0] counter_data,
    input wire [23:0] result_read_data,
    output wire frame_done,
    output wire read_enable,
    output wire [12:0] read_address,
    output wire head_enable,
    output wire [7:0] head_byte,
    output wire tile_byte_enable,
    output wire tile_write_enable,
    output wire act_byte_enable,
    output wire act_write_enable,
    output wire [15:0] word_address,
    output wire tile_read_enable,
    output wire page_seal,
    output wire page_clear,
    output wire [7:0] page,
    output wire [7:0] page_query,
    output reg word_load,
    output reg word_is_page_crc,
    output wire word_shift,
    output wire crc_clear,
    output wire start,
    output wire run_cycle,
    output wire [11:0] result_write_address,
    output wire answer_load,
    output wire [63:0] answer_word,
    output wire answer_shift,
    output wire out_valid,
    output wire out_last
);
wire [31:0] crc_found = ~crc;
// state
reg [4:0] state = 5'd0;
// position
reg [12:0] position = 13'd0;
// word_at
reg [15:0] word_at = 16'd0;
// words_left
reg [15:0] words_left = 16'd0;
// status
reg [7:0] status = 8'd0;
// aux
reg [31:0] aux = 32'd0;
// source
reg [1:0] source = 2'd0;
// send_words
reg [15:0] send_words = 16'd0;
// has_job
reg has_job = 1'd0;
// held_id
reg [15:0] held_id = 16'd0;
// job_rows
reg [15:0] job_rows = 16'd0;
// job_cycles
reg [31:0] job_cycles = 32'd0;
// factor
reg [31:0] factor = 32'd0;
// multiplier
reg [15:0] multiplier = 16'd0;
// product
reg [31:0] product = 32'd0;
// the frame's ends
reg [12:0] payload_end = 13'd0;
reg [12:0] payload = 13'd0;
reg [12:0] act_bytes = 13'd0;
wire more = ~(position == payload_end);
wire asks = ((state == 5'd2) & (position < 13'h1c)) | (((state == 5'd6) | (state == 5'd24)) & more);
reg fetched = 1'd0;
reg in_frame = 1'd0;
wire payload_is_over = ~more & ~fetched;
always @(posedge clock) begin
    payload_end <= frame_bytes - 13'h4;
    payload <= frame_bytes - 13'hc;
    act_bytes <= frame_bytes - 13'h20;
    fetched <= asks;
    in_frame <= position < payload_end;
end
// byte_index
reg [7:0] byte_index = 8'd0;
wire stored = fetched & ((state == 5'd6) | (state == 5'd24));
wire summed = (state == 5'd10) | (state == 5'd21);
wire word_ends = (stored | summed) & (byte_index == ((state == 5'd21) ? 8'h3 : ((state == 5'd24) ? 8'h1 : 8'h3)));
always @(posedge clock) byte_index <= (stored | summed) ? (word_ends ? 8'd0 : (byte_index + {7'd0, 1'd1})) : ((state ==
    5'd0) ? 8'd0 : byte_index);
// checks of a request
reg [16:0] write_end = 17'd0;
reg [16:0] read_end = 17'd0;
reg is_sync = 1'd0;
reg is_ident = 1'd0;
reg is_stat = 1'd0;
reg is_write = 1'd0;
reg is_seal = 1'd0;
reg is_run = 1'd0;
reg is_read = 1'd0;
reg is_version = 1'd0;
reg has_payload = 1'd0;
reg has_word = 1'd0;
reg has_descriptor = 1'd0;
reg has_tail = 1'd0;
reg high_address = 1'd0;
reg write_over = 1'd0;
reg page_over = 1'd0;
reg read_over = 1'd0;
reg other_job = 1'd0;
always @(posedge clock) begin
    write_end <= {1'd0, addr[15:0]} + {4'd0, (payload >> 2)};
    read_end <= {1'd0, addr[15:0]} + {1'd0, word[15:0]};
    is_sync <= op == 8'h1;
    is_ident <= op == 8'h2;
    is_stat <= op == 8'h40;
    is_write <= op == 8'h10;
    is_seal <= op == 8'h11;
    is_run <= op == 8'h20;
    is_read <= op == 8'h30;
    is_version <= arg == 8'h2;
    has_payload <= |payload;
    has_word <= payload == 13'h4;
    has_descriptor <= ~(payload < 13'h14);
    has_tail <= |payload[1:0];
    high_address <= |addr[31:16];
    write_over <= 17'h800 < write_end;
    page_over <= ~(addr[15:0] < 16'h20);
    read_over <= (|word[31:16]) | ({1'd0, job_rows} < read_end);
    other_job <= ~(addr[31:16] == held_id);
end
// checks of a job
reg [16:0] tile_end = 17'd0;
reg tile_over = 1'd0;
reg [15:0] last_word = 16'd0;
reg [15:0] age = 16'd0;
reg shape_bad = 1'd0;
reg counts_bad = 1'd0;
reg crc_same = 1'd0;
reg digest_same = 1'd0;
reg at_last_page = 1'd0;
reg same_job = 1'd0;
reg acts_wrong = 1'd0;
reg acts_over = 1'd0;
reg again_over = 1'd0;
reg range_bad = 1'd0;
wire decides = state == 5'd5;
wire writes = is_write & (has_payload & ~has_tail);
wire seals = is_seal & has_word;
wire reads = is_read & has_word;
wire stale = ~has_job | other_job;
wire is_bare_request = decides & ~has_payload;
wire syncs = is_bare_request & is_sync;
wire begins_write = decides & (writes & ~(high_address | write_over));
wire begins_seal = decides & (seals & ~(high_address | page_over));
wire begins_read = decides & ((reads & ~stale) & ~read_over);
wire begins_product = (state == 5'd4) | (state == 5'd14);
wire multiplies = ((state == 5'd13) | (state == 5'd15)) & (|multiplier);
wire identifies = state == 5'd14;
wire has_all_acts = identifies & ~acts_wrong;
wire again = (has_all_acts & has_job) & same_job;
wire answers_again = again & ~(high_address | again_over);
wire is_other_job = has_all_acts & ~(has_job & same_job);
wire is_old_job = (is_other_job & has_job) & age[15];
wire is_new_job = is_other_job & ~(has_job & age[15]);
/* verilator lint_off UNUSEDSIGNAL */
wire [15:0] w487 = word_at >> 6;
/* verilator lint_on UNUSEDSIGNAL */
wire seal_word_ends = (state == 5'd10) & word_ends;
wire checks_seal = state == 5'd12;
wire is_dirty = (state == 5'd20) & ~is_sealed;
wire page_ends = (state == 5'd21) & word_ends;
wire is_other = (state == 5'd23) & ~digest_same;
always @(posedge clock) begin
    tile_end <= {1'd0, base[15:0]} + {1'd0, product[15:0]};
    tile_over <= 17'h800 < tile_end;
    last_word <= tile_end[15:0] - 16'h1;
    age <= job_id - held_id;
    shape_bad <= (((~(|plane_groups) | (8'h10 < plane_groups)) | (a2 & ~(plane_groups == 8'h2))) | (16'h100 <
        row_groups)) | (row_groups < addr[15:0]);
    counts_bad <= (((|base[31:16]) | (|product[31:16])) | ~(|row_groups)) | ~(|col_beats);
    crc_same <= crc_found == word;
    digest_same <= crc_found == digest;
    at_last_page <= word_at == words_left;
    same_job <= ~(|age);
    acts_wrong <= ~((product << 1) == {19'd0, act_bytes});
    acts_over <= 32'h80 < product;
    again_over <= job_rows < addr[15:0];
    range_bad <= ((shape_bad | counts_bad) | tile_over) | high_address;
end
always @(posedge clock) factor <= begins_product ? {16'd0, col_beats} : (multiplies ? (factor << 1) : factor);
always @(posedge clock) multiplier <= begins_product ? ((state == 5'd14) ? row_groups : {8'd0, plane_groups}) :
    (multiplies ? (multiplier >> 1) : multiplier);
always @(posedge clock) product <= begins_product ? 32'd0 : ((multiplies & multiplier[0]) ? (product + factor) :
    product);
// what the next state takes
initial word_load = 1'd0;
initial word_is_page_crc = 1'd0;
wire result_comes = (state == 5'd26) & result_valid;
always @(posedge clock) begin
    word_load <= (state == 5'd8) | (state == 5'd19);
    word_is_page_crc <= (state == 5'd19) | (state == 5'd20);
end
// results
reg [15:0] results = 16'd0;
// the last result
reg [15:0] last_result = 16'd0;
reg [15:0] before_last = 16'd0;
reg at_last = 1'd0;
always @(posedge clock) begin
    last_result <= row_groups - 16'h1;
    before_last <= last_result - 16'h1;
    at_last <= results == (result_valid ? before_last : last_result);
end
always @(posedge clock) results <= result_comes ? (results + {15'd0, 1'd1}) : ((state == 5'd25) ? 16'd0 : results);
// the next word
reg [63:0] next_word = 64'd0;
always @(posedge clock) next_word <= (source == 2'd3) ? {40'd0, result_read_data} : {32'd0, ((source == 2'd2) ?
    counter_data : identity_data)};
// bytes_left
reg [7:0] bytes_left = 8'd0;
wire sends_byte = (state == 5'd28) & out_ready;
wire sent_word = sends_byte & (bytes_left == 8'h1);
wire loads_next = sent_word & (|send_words);
always @(posedge clock) bytes_left <= (state == 5'd27) ? 8'h8 : (loads_next ? ((source == 2'd3) ? 8'h3 : 8'h4) :
    (sends_byte ? (bytes_left - 8'h1) : bytes_left));
always @(posedge clock) state <= (state == 5'd29) ? 5'd0 : ((sent_word & ~(|send_words)) ? 5'd29 : ((state == 5'd27) ?
    5'd28 : ((result_comes & at_last) ? 5'd27 : ((state == 5'd25) ? 5'd26 : (((state == 5'd24) & payload_is_over) ?
    5'd25 : (is_other ? 5'd27 : ((state == 5'd23) ? 5'd24 : ((state == 5'd22) ? 5'd23 : ((page_ends & at_last_page) ?
    5'd22 : (page_ends ? 5'd19 : (is_dirty ? 5'd27 : ((state == 5'd20) ? 5'd21 : ((state == 5'd19) ? 5'd20 :
    (checks_seal ? 5'd27 : ((state == 5'd11) ? 5'd12 : ((seal_word_ends & (words_left == 16'h1)) ? 5'd11 :
    (seal_word_ends ? 5'd7 : ((state == 5'd9) ? 5'd10 : ((state == 5'd8) ? 5'd9 : ((state == 5'd7) ? 5'd8 : (((state ==
    5'd18) & range_bad) ? 5'd27 : ((state == 5'd18) ? 5'd19 : ((state == 5'd17) ? 5'd18 : ((state == 5'd16) ? 5'd17 :
    ((is_new_job & ~acts_over) ? 5'd15 : (identifies ? 5'd27 : (((state == 5'd15) & ~(|multiplier)) ? 5'd16 : (((state
    == 5'd13) & ~(|multiplier)) ? 5'd14 : (((state == 5'd6) & payload_is_over) ? 5'd27 : ((decides & (is_run &
    has_descriptor)) ? 5'd13 : (begins_seal ? 5'd7 : (begins_write ? 5'd6 : (decides ? 5'd27 : ((state == 5'd4) ? 5'd5 :
    ((state == 5'd3) ? 5'd4 : ((((state == 5'd2) & fetched) & (position == 13'h1c)) ? 5'd3 : ((state == 5'd1) ? 5'd2 :
    (((state == 5'd0) & frame_valid) ? 5'd1 : state))))))))))))))))))))))))))))))))))))));
always @(posedge clock) position <= (state == 5'd23) ? 13'h1c : (begins_write ? 13'h8 : (asks ? (position + {12'd0,
    1'd1}) : ((state == 5'd0) ? 13'd0 : position)));
always @(posedge clock) word_at <= loads_next ? (word_at + {15'd0, 1'd1}) : ((state == 5'd25) ? 16'd0 : ((state ==
    5'd23) ? 16'd0 : (is_dirty ? 16'd0 : ((state == 5'd18) ? (base[15:0] >> 6) : ((begins_write | begins_read) ?
    addr[15:0] : (begins_seal ? (addr[15:0] << 6) : ((state == 5'd4) ? 16'd0 : ((word_ends & ~((state == 5'd10) &
    (words_left == 16'h1))) ? (word_at + {15'd0, 1'd1}) : word_at))))))));
always @(posedge clock) words_left <= seal_word_ends ? (words_left - 16'h1) : ((state == 5'd18) ? (last_word >> 6) :
    ((state == 5'd4) ? 16'h40 : words_left));
always @(posedge clock) status <= is_other ? 8'h8a : (is_dirty ? 8'h83 : ((checks_seal & ~crc_same) ? 8'h85 : (((state
    == 5'd18) & range_bad) ? 8'h82 : ((is_new_job & acts_over) ? 8'h82 : (is_old_job ? 8'h88 : ((again & (high_address |
    again_over)) ? 8'h82 : (again ? 8'h3 : ((identifies & acts_wrong) ? 8'h81 : ((syncs & ~is_version) ? 8'h87 :
    ((decides & ~((((((is_sync | is_ident) | is_stat) | is_write) | is_seal) | is_run) | is_read)) ? 8'h80 : ((decides &
    (reads & stale)) ? 8'h88 : ((decides & (((writes & (high_address | write_over)) | (seals & (high_address |
    page_over))) | ((reads & ~stale) & read_over))) ? 8'h82 : ((decides & ((((((is_sync | is_ident) | is_stat) &
    has_payload) | (is_write & ~(has_payload & ~has_tail))) | ((is_seal | is_read) & ~has_word)) | (is_run &
    ~has_descriptor))) ? 8'h81 : ((state == 5'd4) ? 8'd0 : status))))))))))))));
always @(posedge clock) aux <= result_comes ? (job_cycles + {31'd0, 1'd1}) : (is_other ? crc_found : (is_dirty ? {16'd0,
    word_at} : (checks_seal ? crc_found : (is_old_job ? {16'd0, held_id} : (answers_again ? job_cycles : (((syncs |
    begins_write) | begins_read) ? addr : ((decides & ((reads & stale) & has_job)) ? {16'd0, held_id} : ((state == 5'd4)
    ? 32'd0 : aux))))))));
always @(posedge clock) source <= (state == 5'd25) ? 2'd3 : (answers_again ? 2'd3 : (begins_read ? 2'd3 :
    ((is_bare_request & is_stat) ? 2'd2 : ((is_bare_request & is_ident) ? 2'd1 : ((state == 5'd4) ? 2'd0 : source)))));
always @(posedge clock) send_words <= loads_next ? (send_words - 16'h1) : ((state == 5'd25) ? addr[15:0] :
    (answers_again ? addr[15:0] : (begins_read ? word[15:0] : ((is_bare_request & is_stat) ? 16'ha : ((is_bare_request &
    is_ident) ? 16'h10 : ((state == 5'd4) ? 16'd0 : send_words))))));
always @(posedge clock) has_job <= (state == 5'd25) ? 1'd1 : (syncs ? 1'd0 : has_job);
always @(posedge clock) held_id <= (state == 5'd25) ? job_id : held_id;
always @(posedge clock) job_rows <= (state == 5'd25) ? row_groups : job_rows;
always @(posedge clock) job_cycles <= (state == 5'd26) ? (job_cycles + {31'd0, 1'd1}) : ((state == 5'd25) ? 32'd0 :
    job_cycles);
assign frame_done = (state == 5'd29);
assign read_enable = asks;
assign read_address = position;
assign head_enable = ((state == 5'd2) & fetched);
assign head_byte = (in_frame ? read_data : 8'd0);
assign tile_byte_enable = ((state == 5'd6) & stored);
assign tile_write_enable = ((state == 5'd6) & word_ends);
assign act_byte_enable = ((state == 5'd24) & stored);
assign act_write_enable = ((state == 5'd24) & word_ends);
assign word_address = word_at;
assign tile_read_enable = (state == 5'd7);
assign page_seal = (checks_seal & crc_same);
assign page_clear = ((checks_seal & ~crc_same) | ((state == 5'd6) & word_ends));
assign page = w487[7:0];
assign page_query = word_at[7:0];
assign word_shift = summed;
assign crc_clear = (begins_seal | (state == 5'd18));
assign start = (state == 5'd25);
assign run_cycle = (state == 5'd26);
assign result_write_address = results[11:0];
assign answer_load = ((state == 5'd27) | loads_next);
assign answer_word = ((state == 5'd27) ? {aux, seq, status, (op | 8'h80)} : next_word);
assign answer_shift = sends_byte;
assign out_valid = (state == 5'd28);
assign out_last = (((state == 5'd28) & (bytes_left == 8'h1)) & ~(|send_words));
endmodule

module board_engine_command_header_fields(
    input wire clock,
    input wire enable,
    input wire [7:0] byte_data,
    output wire [7:0] op,
    output wire [7:0] arg,
    output wire [15:0] seq,
    output wire [31:0] addr,
    output wire [31:0] word,
    output wire [15:0] job_id,
    output wire ternary,
    output wire a2,
    output wire [7:0] plane_groups,
    output wire [31:0] base,
    output wire [15:0] row_groups,
    output wire [15:0] col_beats,
    output wire [23:0] init,
    output wire [31:0] digest
);
// a byte comes
reg [223:0] held = 224'd0;
always @(posedge clock) if (enable) held <= {byte_data, held[223:8]};
assign op = held[7:0];
assign arg = held[15:8];
assign seq = held[31:16];
assign addr = held[63:32];
assign word = held[95:64];
assign job_id = held[79:64];
assign ternary = held[80];
assign a2 = held[81];
assign plane_groups = held[95:88];
assign base = held[127:96];
assign row_groups = held[143:128];
assign col_beats = held[159:144];
assign init = held[183:160];
assign digest = held[223:192];
endmodule

module board_engine_command_seal_bytes_bytes(
    input wire clock,
    input wire load,
    input wire [31:0] word,
    input wire shift,
    output wire [7:0] byte_data
);
// a word comes or a byte goes
reg [31:0] held = 32'd0;
always @(posedge clock) if (load | shift) held <= load ? word : (held >> 8);
assign byte_data = held[7:0];
endmodule

module board_engine_command_seals_seals(
    input wire clock,
    input wire seal,
    input wire clear,
    input wire [7:0] page,
    input wire [31:0] crc,
    input wire [7:0] query,
    output reg is_sealed,
    output reg [31:0] page_crc
);
// what comes in
reg change = 1'd0;
reg value = 1'd0;
reg [4:0] place = 5'd0;
reg [31:0] held = 32'd0;
always @(posedge clock) begin
    change <= clear | seal;
    value <= ~clear;
    place <= page[4:0];
    held <= crc;
end
// a page is sealed or unsealed
reg [31:0] sealed = 32'd0;
reg [31:0] crcs [0:31];
always @(posedge clock) if (change) sealed <= {((place == 5'd31) ? value : sealed[31]), ((place == 5'd30) ? value :
    sealed[30]), ((place == 5'd29) ? value : sealed[29]), ((place == 5'd28) ? value : sealed[28]), ((place == 5'd27) ?
    value : sealed[27]), ((place == 5'd26) ? value : sealed[26]), ((place == 5'd25) ? value : sealed[25]), ((place ==
    5'd24) ? value : sealed[24]), ((place == 5'd23) ? value : sealed[23]), ((place == 5'd22) ? value : sealed[22]),
    ((place == 5'd21) ? value : sealed[21]), ((place == 5'd20) ? value : sealed[20]), ((place == 5'd19) ? value :
    sealed[19]), ((place == 5'd18) ? value : sealed[18]), ((place == 5'd17) ? value : sealed[17]), ((place == 5'd16) ?
    value : sealed[16]), ((place == 5'd15) ? value : sealed[15]), ((place == 5'd14) ? value : sealed[14]), ((place ==
    5'd13) ? value : sealed[13]), ((place == 5'd12) ? value : sealed[12]), ((place == 5'd11) ? value : sealed[11]),
    ((place == 5'd10) ? value : sealed[10]), ((place == 5'd9) ? value : sealed[9]), ((place == 5'd8) ? value :
    sealed[8]), ((place == 5'd7) ? value : sealed[7]), ((place == 5'd6) ? value : sealed[6]), ((place == 5'd5) ? value :
    sealed[5]), ((place == 5'd4) ? value : sealed[4]), ((place == 5'd3) ? value : sealed[3]), ((place == 5'd2) ? value :
    sealed[2]), ((place == 5'd1) ? value : sealed[1]), ((place == 5'd0) ? value : sealed[0])};
// its CRC-32
always @(posedge clock) if (change) crcs[place] <= held;
// the page that is looked up
initial is_sealed = 1'd0;
initial page_crc = 32'd0;
always @(posedge clock) begin
    is_sealed <= query[4] ? (query[3] ? (query[2] ? (query[1] ? (query[0] ? sealed[31] : sealed[30]) : (query[0] ?
        sealed[29] : sealed[28])) : (query[1] ? (query[0] ? sealed[27] : sealed[26]) : (query[0] ? sealed[25] :
        sealed[24]))) : (query[2] ? (query[1] ? (query[0] ? sealed[23] : sealed[22]) : (query[0] ? sealed[21] :
        sealed[20])) : (query[1] ? (query[0] ? sealed[19] : sealed[18]) : (query[0] ? sealed[17] : sealed[16])))) :
        (query[3] ? (query[2] ? (query[1] ? (query[0] ? sealed[15] : sealed[14]) : (query[0] ? sealed[13] : sealed[12]))
        : (query[1] ? (query[0] ? sealed[11] : sealed[10]) : (query[0] ? sealed[9] : sealed[8]))) : (query[2] ?
        (query[1] ? (query[0] ? sealed[7] : sealed[6]) : (query[0] ? sealed[5] : sealed[4])) : (query[1] ? (query[0] ?
        sealed[3] : sealed[2]) : (query[0] ? sealed[1] : sealed[0]))));
    page_crc <= crcs[query[4:0]];
end
endmodule

module board_engine_encoder_ram_words(
    input wire clock,
    input wire write_enable,
    input wire [8:0] write_address,
    input wire [7:0] write_data,
    input wire read_enable,
    input wire [8:0] read_address,
    output reg [7:0] read_data
);
(* ram_style = "block" *) reg [7:0] mem [0:511];
// write mem
always @(posedge clock) if (write_enable) mem[write_address] <= write_data;
// read mem
initial read_data = 8'd0;
always @(posedge clock) if (read_enable) read_data <= mem[read_address];
endmodule

module board_engine_frames_ram_words(
    input wire clock,
    input wire write_enable,
    input wire [9:0] write_address,
    input wire [7:0] write_data,
    input wire read_enable,
    input wire [9:0] read_address,
    output reg [7:0] read_data
);
(* ram_style = "block" *) reg [7:0] mem [0:1023];
// write mem
always @(posedge clock) if (write_enable) mem[write_address] <= write_data;
// read mem
initial read_data = 8'd0;
always @(posedge clock) if (read_enable) read_data <= mem[read_address];
endmodule

module board_engine_identity_words(
    input wire [3:0] address,
    output wire [31:0] data
);
(* ram_style = "logic" *) reg [31:0] page [0:15];
initial begin
    page[0] = 32'h47504232;
    page[1] = 32'h102;
    page[2] = 32'h100001;
    page[3] = 32'h400001;
    page[4] = 32'h800;
    page[5] = 32'h1000080;
    page[6] = 32'h201f4;
    page[7] = 32'h16e3600;
    page[8] = 32'h2dc6c0;
    page[9] = 32'd0;
    page[10] = 32'h6f6e616e;
    page[11] = 32'h3631;
    page[12] = 32'd0;
    page[13] = 32'd0;
    page[14] = 32'h73bb8dd3;
    page[15] = 32'h2bd4bc81;
end
assign data = page[address];
endmodule

module board_engine_results_words(
    input wire clock,
    input wire write_enable,
    input wire [11:0] write_address,
    input wire [23:0] write_data,
    input wire read_enable,
    input wire [11:0] read_address,
    output reg [23:0] read_data
);
(* ram_style = "block" *) reg [23:0] mem [0:255];
// write mem
always @(posedge clock) if (write_enable) mem[write_address[7:0]] <= write_data;
// read mem
initial read_data = 24'd0;
always @(posedge clock) if (read_enable) read_data <= mem[read_address[7:0]];
endmodule

module board_engine_tile_request_delay(
    input wire clock,
    input wire enable,
    input wire [15:0] address,
    output wire out_enable,
    output wire [15:0] out_address
);
wire [16:0] due = {enable, address};
assign out_enable = due[16];
assign out_address = due[15:0];
endmodule

module board_engine_tiles_packed(
    input wire clock,
    input wire byte_enable,
    input wire [7:0] byte_data,
    input wire write_enable,
    input wire [15:0] write_address,
    input wire read_enable,
    input wire [15:0] read_address,
    output reg [31:0] read_data
);
// what comes in
reg byte_in = 1'd0;
reg write_in = 1'd0;
reg [7:0] data_in = 8'd0;
reg [10:0] place_in = 11'd0;
always @(posedge clock) begin
    byte_in <= byte_enable;
    write_in <= write_enable;
    data_in <= byte_data;
    place_in <= write_address[10:0];
end
// a byte is gathered
/* verilator lint_off UNUSEDSIGNAL */
reg [31:0] gathered = 32'd0;
/* verilator lint_on UNUSEDSIGNAL */
wire [31:0] assembled = {data_in, gathered[31:8]};
(* ram_style = "block" *) reg [31:0] mem [0:2047];
always @(posedge clock) if (byte_in) gathered <= assembled;
// the word is written
always @(posedge clock) if (write_in) mem[place_in] <= assembled;
// a word is read
reg [31:0] fetched = 32'd0;
always @(posedge clock) if (read_enable) fetched <= mem[read_address[10:0]];
// a word was read
reg fetched_new = 1'd0;
always @(posedge clock) fetched_new <= read_enable;
// its output register
initial read_data = 32'd0;
always @(posedge clock) if (fetched_new) read_data <= fetched;
endmodule

