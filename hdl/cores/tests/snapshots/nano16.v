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
    output reg  [15:0] read_data;

    // Update code (custom)
    (* ram_style = "block" *) reg [15:0] mem [0:127];
    reg [15:0] gathered = 0;
    reg [15:0] fetched = 0;
    reg fetched_new = 0;
    reg byte_in = 0;
    reg write_in = 0;
    reg [7:0] data_in = 0;
    reg [6:0] place_in = 0;
    wire [15:0] assembled = {data_in, gathered[15:8]};
    initial read_data = 0;
    always @(posedge clock) begin
        byte_in <= byte_enable;
        write_in <= write_enable;
        data_in <= byte_data;
        place_in <= write_address[6:0];
        if (byte_in) gathered <= assembled;
        if (write_in) mem[place_in] <= assembled;
        if (read_enable) fetched <= mem[read_address[6:0]];
        fetched_new <= read_enable;
        if (fetched_new) read_data <= fetched;
    end
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
    wire [23:0] sum_0;
    board_engine_array_row row_0(.clock(clock), .issue(issue), .is_first(is_first), .is_shift(is_shift), .is_heavy(is_heavy), .is_last(is_last), .ternary(ternary), .a2(a2), .init(init), .x(x), .w0(w[15:0]), .w1(w[31:16]), .sum(sum_0), .sum_valid(result_valid));
    assign result = {sum_0};
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

    // Constant declarations
    localparam  tile_byte_top = 8'h3;
    localparam  tile_byte_mask = 13'b11;
    localparam  tile_shift = 4'h2;
    localparam  act_byte_top = 8'h1;
    localparam  act_shift = 4'h1;
    localparam  page_shift = 5'b110;
    localparam  page_words = 16'h40;
    localparam  pages = 16'h20;
    localparam  tile_words = 18'b100000000000;
    localparam  act_words = 32'h80;
    localparam  result_words = 16'h100;
    localparam  result_bytes = 8'h3;
    localparam  most_groups = 8'h10;
    localparam  a2_groups = 8'h2;
    localparam  op_sync = 8'h1;
    localparam  op_ident = 8'h2;
    localparam  op_write = 8'h10;
    localparam  op_seal = 8'h11;
    localparam  op_run = 8'h20;
    localparam  op_read = 8'h30;
    localparam  op_stat = 8'h40;
    localparam  version = 8'h2;
    localparam  response_bit = 8'h80;
    localparam  st_ok = 8'h0;
    localparam  st_dup = 8'h3;
    localparam  st_bad_op = 8'h80;
    localparam  st_bad_len = 8'h81;
    localparam  st_range = 8'h82;
    localparam  st_dirty = 8'h83;
    localparam  st_other = 8'h8a;
    localparam  st_crc = 8'h85;
    localparam  st_version = 8'h87;
    localparam  st_stale = 8'h88;
    localparam  from_none = 2'b0;
    localparam  from_identity = 2'b1;
    localparam  from_counters = 2'b10;
    localparam  from_results = 2'b11;
    localparam  identity_words = 16'h10;
    localparam  counter_words = 16'ha;

    // Enums
    localparam CommandState$Idle = 0;
    localparam CommandState$Settle = 1;
    localparam CommandState$Header = 2;
    localparam CommandState$Sums = 3;
    localparam CommandState$Flags = 4;
    localparam CommandState$Dispatch = 5;
    localparam CommandState$Write = 6;
    localparam CommandState$SealRead = 7;
    localparam CommandState$SealWait = 8;
    localparam CommandState$SealLoad = 9;
    localparam CommandState$SealBytes = 10;
    localparam CommandState$SealCompare = 11;
    localparam CommandState$SealCheck = 12;
    localparam CommandState$RunActWords = 13;
    localparam CommandState$RunIdentify = 14;
    localparam CommandState$RunTileWords = 15;
    localparam CommandState$RunEnd = 16;
    localparam CommandState$RunOver = 17;
    localparam CommandState$RunRange = 18;
    localparam CommandState$RunPages = 19;
    localparam CommandState$RunSealed = 20;
    localparam CommandState$RunDigest = 21;
    localparam CommandState$RunCompare = 22;
    localparam CommandState$RunSame = 23;
    localparam CommandState$RunActs = 24;
    localparam CommandState$RunStart = 25;
    localparam CommandState$RunWait = 26;
    localparam CommandState$Answer = 27;
    localparam CommandState$Send = 28;
    localparam CommandState$Done = 29;

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
    reg  [4:0] state$d;
    wire  [4:0] state$q;
    reg  state$clock;
    reg  [12:0] position$d;
    wire  [12:0] position$q;
    reg  position$clock;
    reg  fetched$d;
    wire  fetched$q;
    reg  fetched$clock;
    reg  in_frame$d;
    wire  in_frame$q;
    reg  in_frame$clock;
    reg  [7:0] byte_index$d;
    wire  [7:0] byte_index$q;
    reg  byte_index$clock;
    reg  [15:0] word_at$d;
    wire  [15:0] word_at$q;
    reg  word_at$clock;
    reg  [15:0] words_left$d;
    wire  [15:0] words_left$q;
    reg  words_left$clock;
    reg  has_job$d;
    wire  has_job$q;
    reg  has_job$clock;
    reg  [15:0] job_id$d;
    wire  [15:0] job_id$q;
    reg  job_id$clock;
    reg  [15:0] job_rows$d;
    wire  [15:0] job_rows$q;
    reg  job_rows$clock;
    reg  [31:0] job_cycles$d;
    wire  [31:0] job_cycles$q;
    reg  job_cycles$clock;
    reg  [15:0] results$d;
    wire  [15:0] results$q;
    reg  results$clock;
    reg  [31:0] factor$d;
    wire  [31:0] factor$q;
    reg  factor$clock;
    reg  [15:0] multiplier$d;
    wire  [15:0] multiplier$q;
    reg  multiplier$clock;
    reg  [31:0] product$d;
    wire  [31:0] product$q;
    reg  product$clock;
    reg  [7:0] status$d;
    wire  [7:0] status$q;
    reg  status$clock;
    reg  [31:0] aux$d;
    wire  [31:0] aux$q;
    reg  aux$clock;
    reg  [1:0] source$d;
    wire  [1:0] source$q;
    reg  source$clock;
    reg  [15:0] send_words$d;
    wire  [15:0] send_words$q;
    reg  send_words$clock;
    reg  [7:0] bytes_left$d;
    wire  [7:0] bytes_left$q;
    reg  bytes_left$clock;
    reg  [12:0] payload_end$d;
    wire  [12:0] payload_end$q;
    reg  payload_end$clock;
    reg  [12:0] payload$d;
    wire  [12:0] payload$q;
    reg  payload$clock;
    reg  [12:0] act_bytes$d;
    wire  [12:0] act_bytes$q;
    reg  act_bytes$clock;
    reg  [17:0] write_end$d;
    wire  [17:0] write_end$q;
    reg  write_end$clock;
    reg  [17:0] read_end$d;
    wire  [17:0] read_end$q;
    reg  read_end$clock;
    reg  [17:0] tile_end$d;
    wire  [17:0] tile_end$q;
    reg  tile_end$clock;
    reg  [15:0] last_page$d;
    wire  [15:0] last_page$q;
    reg  last_page$clock;
    reg  [15:0] last_result$d;
    wire  [15:0] last_result$q;
    reg  last_result$clock;
    reg  [15:0] before_last$d;
    wire  [15:0] before_last$q;
    reg  before_last$clock;
    reg  [15:0] age$d;
    wire  [15:0] age$q;
    reg  age$clock;
    reg  [63:0] next_word$d;
    wire  [63:0] next_word$q;
    reg  next_word$clock;
    reg  at_last$d;
    wire  at_last$q;
    reg  at_last$clock;
    reg  at_last_page$d;
    wire  at_last_page$q;
    reg  at_last_page$clock;
    reg  is_sync$d;
    wire  is_sync$q;
    reg  is_sync$clock;
    reg  is_ident$d;
    wire  is_ident$q;
    reg  is_ident$clock;
    reg  is_stat$d;
    wire  is_stat$q;
    reg  is_stat$clock;
    reg  is_write$d;
    wire  is_write$q;
    reg  is_write$clock;
    reg  is_seal$d;
    wire  is_seal$q;
    reg  is_seal$clock;
    reg  is_run$d;
    wire  is_run$q;
    reg  is_run$clock;
    reg  is_read$d;
    wire  is_read$q;
    reg  is_read$clock;
    reg  is_version$d;
    wire  is_version$q;
    reg  is_version$clock;
    reg  has_payload$d;
    wire  has_payload$q;
    reg  has_payload$clock;
    reg  has_word$d;
    wire  has_word$q;
    reg  has_word$clock;
    reg  has_descriptor$d;
    wire  has_descriptor$q;
    reg  has_descriptor$clock;
    reg  has_tail$d;
    wire  has_tail$q;
    reg  has_tail$clock;
    reg  high_address$d;
    wire  high_address$q;
    reg  high_address$clock;
    reg  write_over$d;
    wire  write_over$q;
    reg  write_over$clock;
    reg  page_over$d;
    wire  page_over$q;
    reg  page_over$clock;
    reg  read_over$d;
    wire  read_over$q;
    reg  read_over$clock;
    reg  other_job$d;
    wire  other_job$q;
    reg  other_job$clock;
    reg  same_job$d;
    wire  same_job$q;
    reg  same_job$clock;
    reg  crc_same$d;
    wire  crc_same$q;
    reg  crc_same$clock;
    reg  digest_same$d;
    wire  digest_same$q;
    reg  digest_same$clock;
    reg  acts_wrong$d;
    wire  acts_wrong$q;
    reg  acts_wrong$clock;
    reg  acts_over$d;
    wire  acts_over$q;
    reg  acts_over$clock;
    reg  dup_over$d;
    wire  dup_over$q;
    reg  dup_over$clock;
    reg  tile_over$d;
    wire  tile_over$q;
    reg  tile_over$clock;
    reg  shape_bad$d;
    wire  shape_bad$q;
    reg  shape_bad$clock;
    reg  counts_bad$d;
    wire  counts_bad$q;
    reg  counts_bad$clock;
    reg  range_bad$d;
    wire  range_bad$q;
    reg  range_bad$clock;

    // Local signals
    reg  more;
    reg  store_done;
    reg  [12:0] tail;
    reg  [12:0] write_words;
    reg  [31:0] crc_found;
    reg  [15:0] page_now;
    reg  [15:0] write_page;
    reg  [15:0] first_seal;
    reg  [31:0] wanted_act_bytes;
    reg  [15:0] addr_high;
    reg  [15:0] addr_low;
    reg  [15:0] base_high;
    reg  [15:0] base_low;
    reg  [15:0] count_high;
    reg  [15:0] count_low;
    reg  [63:0] head;
    reg  [7:0] op_answer;
    reg  [31:0] page_word;

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
    board_engine_command_state state(
        .d(state$d),
        .q(state$q),
        .clock(state$clock)
    );
    board_engine_frames_bytes_0 position(
        .d(position$d),
        .q(position$q),
        .clock(position$clock)
    );
    board_engine_counters_up_0 fetched(
        .d(fetched$d),
        .q(fetched$q),
        .clock(fetched$clock)
    );
    board_engine_counters_up_0 in_frame(
        .d(in_frame$d),
        .q(in_frame$q),
        .clock(in_frame$clock)
    );
    board_engine_command_byte_index byte_index(
        .d(byte_index$d),
        .q(byte_index$q),
        .clock(byte_index$clock)
    );
    board_engine_command_age word_at(
        .d(word_at$d),
        .q(word_at$q),
        .clock(word_at$clock)
    );
    board_engine_command_age words_left(
        .d(words_left$d),
        .q(words_left$q),
        .clock(words_left$clock)
    );
    board_engine_counters_up_0 has_job(
        .d(has_job$d),
        .q(has_job$q),
        .clock(has_job$clock)
    );
    board_engine_command_age job_id(
        .d(job_id$d),
        .q(job_id$q),
        .clock(job_id$clock)
    );
    board_engine_command_age job_rows(
        .d(job_rows$d),
        .q(job_rows$q),
        .clock(job_rows$clock)
    );
    board_engine_command_seal_crc_state job_cycles(
        .d(job_cycles$d),
        .q(job_cycles$q),
        .clock(job_cycles$clock)
    );
    board_engine_command_age results(
        .d(results$d),
        .q(results$q),
        .clock(results$clock)
    );
    board_engine_command_seal_crc_state factor(
        .d(factor$d),
        .q(factor$q),
        .clock(factor$clock)
    );
    board_engine_command_age multiplier(
        .d(multiplier$d),
        .q(multiplier$q),
        .clock(multiplier$clock)
    );
    board_engine_command_seal_crc_state product(
        .d(product$d),
        .q(product$q),
        .clock(product$clock)
    );
    board_engine_command_byte_index status(
        .d(status$d),
        .q(status$q),
        .clock(status$clock)
    );
    board_engine_command_seal_crc_state aux(
        .d(aux$d),
        .q(aux$q),
        .clock(aux$clock)
    );
    board_engine_command_source source(
        .d(source$d),
        .q(source$q),
        .clock(source$clock)
    );
    board_engine_command_age send_words(
        .d(send_words$d),
        .q(send_words$q),
        .clock(send_words$clock)
    );
    board_engine_command_byte_index bytes_left(
        .d(bytes_left$d),
        .q(bytes_left$q),
        .clock(bytes_left$clock)
    );
    board_engine_frames_bytes_0 payload_end(
        .d(payload_end$d),
        .q(payload_end$q),
        .clock(payload_end$clock)
    );
    board_engine_frames_bytes_0 payload(
        .d(payload$d),
        .q(payload$q),
        .clock(payload$clock)
    );
    board_engine_frames_bytes_0 act_bytes(
        .d(act_bytes$d),
        .q(act_bytes$q),
        .clock(act_bytes$clock)
    );
    board_engine_command_read_end write_end(
        .d(write_end$d),
        .q(write_end$q),
        .clock(write_end$clock)
    );
    board_engine_command_read_end read_end(
        .d(read_end$d),
        .q(read_end$q),
        .clock(read_end$clock)
    );
    board_engine_command_read_end tile_end(
        .d(tile_end$d),
        .q(tile_end$q),
        .clock(tile_end$clock)
    );
    board_engine_command_age last_page(
        .d(last_page$d),
        .q(last_page$q),
        .clock(last_page$clock)
    );
    board_engine_command_age last_result(
        .d(last_result$d),
        .q(last_result$q),
        .clock(last_result$clock)
    );
    board_engine_command_age before_last(
        .d(before_last$d),
        .q(before_last$q),
        .clock(before_last$clock)
    );
    board_engine_command_age age(
        .d(age$d),
        .q(age$q),
        .clock(age$clock)
    );
    board_engine_command_next_word next_word(
        .d(next_word$d),
        .q(next_word$q),
        .clock(next_word$clock)
    );
    board_engine_counters_up_0 at_last(
        .d(at_last$d),
        .q(at_last$q),
        .clock(at_last$clock)
    );
    board_engine_counters_up_0 at_last_page(
        .d(at_last_page$d),
        .q(at_last_page$q),
        .clock(at_last_page$clock)
    );
    board_engine_counters_up_0 is_sync(
        .d(is_sync$d),
        .q(is_sync$q),
        .clock(is_sync$clock)
    );
    board_engine_counters_up_0 is_ident(
        .d(is_ident$d),
        .q(is_ident$q),
        .clock(is_ident$clock)
    );
    board_engine_counters_up_0 is_stat(
        .d(is_stat$d),
        .q(is_stat$q),
        .clock(is_stat$clock)
    );
    board_engine_counters_up_0 is_write(
        .d(is_write$d),
        .q(is_write$q),
        .clock(is_write$clock)
    );
    board_engine_counters_up_0 is_seal(
        .d(is_seal$d),
        .q(is_seal$q),
        .clock(is_seal$clock)
    );
    board_engine_counters_up_0 is_run(
        .d(is_run$d),
        .q(is_run$q),
        .clock(is_run$clock)
    );
    board_engine_counters_up_0 is_read(
        .d(is_read$d),
        .q(is_read$q),
        .clock(is_read$clock)
    );
    board_engine_counters_up_0 is_version(
        .d(is_version$d),
        .q(is_version$q),
        .clock(is_version$clock)
    );
    board_engine_counters_up_0 has_payload(
        .d(has_payload$d),
        .q(has_payload$q),
        .clock(has_payload$clock)
    );
    board_engine_counters_up_0 has_word(
        .d(has_word$d),
        .q(has_word$q),
        .clock(has_word$clock)
    );
    board_engine_counters_up_0 has_descriptor(
        .d(has_descriptor$d),
        .q(has_descriptor$q),
        .clock(has_descriptor$clock)
    );
    board_engine_counters_up_0 has_tail(
        .d(has_tail$d),
        .q(has_tail$q),
        .clock(has_tail$clock)
    );
    board_engine_counters_up_0 high_address(
        .d(high_address$d),
        .q(high_address$q),
        .clock(high_address$clock)
    );
    board_engine_counters_up_0 write_over(
        .d(write_over$d),
        .q(write_over$q),
        .clock(write_over$clock)
    );
    board_engine_counters_up_0 page_over(
        .d(page_over$d),
        .q(page_over$q),
        .clock(page_over$clock)
    );
    board_engine_counters_up_0 read_over(
        .d(read_over$d),
        .q(read_over$q),
        .clock(read_over$clock)
    );
    board_engine_counters_up_0 other_job(
        .d(other_job$d),
        .q(other_job$q),
        .clock(other_job$clock)
    );
    board_engine_counters_up_0 same_job(
        .d(same_job$d),
        .q(same_job$q),
        .clock(same_job$clock)
    );
    board_engine_counters_up_0 crc_same(
        .d(crc_same$d),
        .q(crc_same$q),
        .clock(crc_same$clock)
    );
    board_engine_counters_up_0 digest_same(
        .d(digest_same$d),
        .q(digest_same$q),
        .clock(digest_same$clock)
    );
    board_engine_counters_up_0 acts_wrong(
        .d(acts_wrong$d),
        .q(acts_wrong$q),
        .clock(acts_wrong$clock)
    );
    board_engine_counters_up_0 acts_over(
        .d(acts_over$d),
        .q(acts_over$q),
        .clock(acts_over$clock)
    );
    board_engine_counters_up_0 dup_over(
        .d(dup_over$d),
        .q(dup_over$q),
        .clock(dup_over$clock)
    );
    board_engine_counters_up_0 tile_over(
        .d(tile_over$d),
        .q(tile_over$q),
        .clock(tile_over$clock)
    );
    board_engine_counters_up_0 shape_bad(
        .d(shape_bad$d),
        .q(shape_bad$q),
        .clock(shape_bad$clock)
    );
    board_engine_counters_up_0 counts_bad(
        .d(counts_bad$d),
        .q(counts_bad$q),
        .clock(counts_bad$clock)
    );
    board_engine_counters_up_0 range_bad(
        .d(range_bad$d),
        .q(range_bad$q),
        .clock(range_bad$clock)
    );

    // Update code
    always @(*) begin
        state$clock = clock;
        position$clock = clock;
        fetched$clock = clock;
        in_frame$clock = clock;
        byte_index$clock = clock;
        word_at$clock = clock;
        words_left$clock = clock;
        state$d = state$q;
        position$d = position$q;
        fetched$d = fetched$q;
        in_frame$d = in_frame$q;
        byte_index$d = byte_index$q;
        word_at$d = word_at$q;
        words_left$d = words_left$q;
        has_job$clock = clock;
        job_id$clock = clock;
        job_rows$clock = clock;
        job_cycles$clock = clock;
        results$clock = clock;
        factor$clock = clock;
        multiplier$clock = clock;
        product$clock = clock;
        has_job$d = has_job$q;
        job_id$d = job_id$q;
        job_rows$d = job_rows$q;
        job_cycles$d = job_cycles$q;
        results$d = results$q;
        factor$d = factor$q;
        multiplier$d = multiplier$q;
        product$d = product$q;
        status$clock = clock;
        aux$clock = clock;
        source$clock = clock;
        send_words$clock = clock;
        bytes_left$clock = clock;
        status$d = status$q;
        aux$d = aux$q;
        source$d = source$q;
        send_words$d = send_words$q;
        bytes_left$d = bytes_left$q;
        payload_end$clock = clock;
        payload$clock = clock;
        act_bytes$clock = clock;
        write_end$clock = clock;
        read_end$clock = clock;
        tile_end$clock = clock;
        last_page$clock = clock;
        last_result$clock = clock;
        before_last$clock = clock;
        at_last$clock = clock;
        at_last_page$clock = clock;
        age$clock = clock;
        next_word$clock = clock;
        payload_end$d = payload_end$q;
        payload$d = payload$q;
        act_bytes$d = act_bytes$q;
        write_end$d = write_end$q;
        read_end$d = read_end$q;
        tile_end$d = tile_end$q;
        last_page$d = last_page$q;
        last_result$d = last_result$q;
        before_last$d = before_last$q;
        at_last$d = at_last$q;
        at_last_page$d = at_last_page$q;
        age$d = age$q;
        next_word$d = next_word$q;
        is_sync$clock = clock;
        is_ident$clock = clock;
        is_stat$clock = clock;
        is_write$clock = clock;
        is_seal$clock = clock;
        is_run$clock = clock;
        is_read$clock = clock;
        is_version$clock = clock;
        has_payload$clock = clock;
        has_word$clock = clock;
        is_sync$d = is_sync$q;
        is_ident$d = is_ident$q;
        is_stat$d = is_stat$q;
        is_write$d = is_write$q;
        is_seal$d = is_seal$q;
        is_run$d = is_run$q;
        is_read$d = is_read$q;
        is_version$d = is_version$q;
        has_payload$d = has_payload$q;
        has_word$d = has_word$q;
        has_descriptor$clock = clock;
        has_tail$clock = clock;
        high_address$clock = clock;
        write_over$clock = clock;
        page_over$clock = clock;
        read_over$clock = clock;
        other_job$clock = clock;
        same_job$clock = clock;
        crc_same$clock = clock;
        has_descriptor$d = has_descriptor$q;
        has_tail$d = has_tail$q;
        high_address$d = high_address$q;
        write_over$d = write_over$q;
        page_over$d = page_over$q;
        read_over$d = read_over$q;
        other_job$d = other_job$q;
        same_job$d = same_job$q;
        crc_same$d = crc_same$q;
        digest_same$clock = clock;
        acts_wrong$clock = clock;
        acts_over$clock = clock;
        dup_over$clock = clock;
        tile_over$clock = clock;
        shape_bad$clock = clock;
        counts_bad$clock = clock;
        range_bad$clock = clock;
        digest_same$d = digest_same$q;
        acts_wrong$d = acts_wrong$q;
        acts_over$d = acts_over$q;
        dup_over$d = dup_over$q;
        tile_over$d = tile_over$q;
        shape_bad$d = shape_bad$q;
        counts_bad$d = counts_bad$q;
        range_bad$d = range_bad$q;
        header$clock = clock;
        seals$clock = clock;
        seal_bytes$clock = clock;
        seal_crc$clock = clock;
        answer$clock = clock;
        frame_done = 1'b0;
        read_enable = 1'b0;
        read_address = position$q;
        tile_byte_enable = 1'b0;
        tile_write_enable = 1'b0;
        act_byte_enable = 1'b0;
        act_write_enable = 1'b0;
        tile_read_enable = 1'b0;
        tile_read_address = word_at$q;
        start = 1'b0;
        run_cycle = 1'b0;
        out_valid = 1'b0;
        out_last = 1'b0;
        header$enable = 1'b0;
        header$byte_data = 32'h0;
        seals$seal = 1'b0;
        seals$clear = 1'b0;
        seal_bytes$load = 1'b0;
        seal_bytes$shift = 1'b0;
        seal_bytes$word = tile_read_data;
        seal_crc$clear = 1'b0;
        seal_crc$enable = 1'b0;
        seal_crc$data = seal_bytes$byte_data;
        answer$load = 1'b0;
        answer$shift = 1'b0;
        addr_low = header$addr[(32'h0)+:(16)];
        addr_high = header$addr[(32'h10)+:(16)];
        base_low = header$base[(32'h0)+:(16)];
        base_high = header$base[(32'h10)+:(16)];
        count_low = header$word[(32'h0)+:(16)];
        count_high = header$word[(32'h10)+:(16)];
        base = base_low;
        row_groups = header$row_groups;
        col_beats = header$col_beats;
        plane_groups = header$plane_groups;
        ternary = header$ternary;
        a2 = header$a2;
        init = header$init;
        payload_end$d = frame_bytes - 32'h4;
        payload$d = frame_bytes - 32'hc;
        act_bytes$d = frame_bytes - 32'h20;
        more = position$q != payload_end$q;
        fetched$d = 1'b0;
        store_done = ~more & ~fetched$q;
        store_byte = read_data;
        write_address = word_at$q;
        tail = payload$q & tile_byte_mask;
        write_words = payload$q >> tile_shift;
        write_end$d = ((addr_low) & 18'h3ffff) + ((write_words) & 18'h3ffff);
        tile_end$d = ((base_low) & 18'h3ffff) + ((product$q) & 18'h3ffff);
        read_end$d = ((addr_low) & 18'h3ffff) + ((count_low) & 18'h3ffff);
        last_page$d = tile_end$q[(32'h0)+:(16)] - 32'h1;
        last_result$d = header$row_groups - 32'h1;
        before_last$d = last_result$q - 32'h1;
        at_last$d = results$q == last_result$q;
        if (result_valid) begin
            at_last$d = results$q == before_last$q;
        end
        age$d = header$job_id - job_id$q;
        crc_found = ~seal_crc$crc;
        wanted_act_bytes = product$q << act_shift;
        is_sync$d = header$op == op_sync;
        is_ident$d = header$op == op_ident;
        is_stat$d = header$op == op_stat;
        is_write$d = header$op == op_write;
        is_seal$d = header$op == op_seal;
        is_run$d = header$op == op_run;
        is_read$d = header$op == op_read;
        is_version$d = header$arg == version;
        has_payload$d = payload$q != 32'h0;
        has_word$d = payload$q == 32'h4;
        has_descriptor$d = payload$q >= 32'h14;
        has_tail$d = tail != 32'h0;
        high_address$d = addr_high != 32'h0;
        write_over$d = write_end$q > tile_words;
        page_over$d = addr_low >= pages;
        read_over$d = (count_high != 32'h0) | (read_end$q > ((job_rows$q) & 18'h3ffff));
        other_job$d = addr_high != job_id$q;
        same_job$d = age$q == 32'h0;
        crc_same$d = crc_found == header$word;
        digest_same$d = crc_found == header$digest;
        acts_wrong$d = wanted_act_bytes != ((act_bytes$q) & 32'hffffffff);
        acts_over$d = product$q > act_words;
        dup_over$d = addr_low > job_rows$q;
        tile_over$d = tile_end$q > tile_words;
        shape_bad$d = (header$plane_groups == 32'h0) | (header$plane_groups > most_groups) | (header$a2 & (header$plane_groups != a2_groups)) | (header$row_groups > result_words) | (addr_low > header$row_groups);
        counts_bad$d = (base_high != 32'h0) | (product$q[(32'h10)+:(16)] != 32'h0) | (header$row_groups == 32'h0) | (header$col_beats == 32'h0);
        range_bad$d = shape_bad$q | counts_bad$q | tile_over$q | high_address$q;
        page_now = word_at$q;
        at_last_page$d = word_at$q == words_left$q;
        write_page = word_at$q >> page_shift;
        first_seal = addr_low << page_shift;
        seals$page = write_page[(32'h0)+:(8)];
        seals$query = page_now[(32'h0)+:(8)];
        seals$crc = header$word;
        page_address = word_at$q[(32'h0)+:(4)];
        page_word = identity_data;
        if (source$q == from_counters) begin
            page_word = counter_data;
        end
        next_word$d = ((page_word) & 64'hffffffffffffffff);
        if (source$q == from_results) begin
            next_word$d = ((result_read_data) & 64'hffffffffffffffff);
        end
        result_read_address = word_at$q[(32'h0)+:(12)];
        result_write_address = results$q[(32'h0)+:(12)];
        op_answer = header$op | response_bit;
        head = (((aux$q) & 64'hffffffffffffffff) << 32'h20) | (((header$seq) & 64'hffffffffffffffff) << 32'h10) | (((status$q) & 64'hffffffffffffffff) << 32'h8) | ((op_answer) & 64'hffffffffffffffff);
        answer$word = next_word$q;
        out_data = answer$byte_data;
        case (state$q)
            CommandState$Idle:
                begin
                    position$d = 32'h0;
                    byte_index$d = 32'h0;
                    if (frame_valid) begin
                        state$d = CommandState$Settle;
                    end
                end
            CommandState$Settle:
                begin
                    state$d = CommandState$Header;
                end
            CommandState$Header:
                begin
                    in_frame$d = position$q < payload_end$q;
                    if (position$q < 32'h1c) begin
                        read_enable = 1'b1;
                        fetched$d = 1'b1;
                        position$d = position$q + 32'h1;
                    end
                    if (fetched$q) begin
                        header$enable = 1'b1;
                        if (in_frame$q) begin
                            header$byte_data = read_data;
                        end
                        if (position$q == 32'h1c) begin
                            state$d = CommandState$Sums;
                        end
                    end
                end
            CommandState$Sums:
                begin
                    state$d = CommandState$Flags;
                end
            CommandState$Flags:
                begin
                    status$d = st_ok;
                    aux$d = 32'h0;
                    source$d = from_none;
                    send_words$d = 32'h0;
                    word_at$d = 32'h0;
                    words_left$d = page_words;
                    factor$d = ((header$col_beats) & 32'hffffffff);
                    multiplier$d = ((header$plane_groups) & 16'hffff);
                    product$d = 32'h0;
                    state$d = CommandState$Dispatch;
                end
            CommandState$Dispatch:
                begin
                    state$d = CommandState$Answer;
                    if (is_sync$q) begin
                        if (has_payload$q) begin
                            status$d = st_bad_len;
                        end
                        else begin
                            aux$d = header$addr;
                            has_job$d = 1'b0;
                            if (~is_version$q) begin
                                status$d = st_version;
                            end
                        end
                    end
                    else begin
                        if (is_ident$q) begin
                            if (has_payload$q) begin
                                status$d = st_bad_len;
                            end
                            else begin
                                source$d = from_identity;
                                send_words$d = identity_words;
                            end
                        end
                        else begin
                            if (is_stat$q) begin
                                if (has_payload$q) begin
                                    status$d = st_bad_len;
                                end
                                else begin
                                    source$d = from_counters;
                                    send_words$d = counter_words;
                                end
                            end
                            else begin
                                if (is_write$q) begin
                                    if (~has_payload$q | has_tail$q) begin
                                        status$d = st_bad_len;
                                    end
                                    else begin
                                        if (high_address$q | write_over$q) begin
                                            status$d = st_range;
                                        end
                                        else begin
                                            aux$d = header$addr;
                                            word_at$d = addr_low;
                                            position$d = 32'h8;
                                            state$d = CommandState$Write;
                                        end
                                    end
                                end
                                else begin
                                    if (is_seal$q) begin
                                        if (~has_word$q) begin
                                            status$d = st_bad_len;
                                        end
                                        else begin
                                            if (high_address$q | page_over$q) begin
                                                status$d = st_range;
                                            end
                                            else begin
                                                word_at$d = first_seal;
                                                seal_crc$clear = 1'b1;
                                                state$d = CommandState$SealRead;
                                            end
                                        end
                                    end
                                    else begin
                                        if (is_run$q) begin
                                            if (~has_descriptor$q) begin
                                                status$d = st_bad_len;
                                            end
                                            else begin
                                                state$d = CommandState$RunActWords;
                                            end
                                        end
                                        else begin
                                            if (is_read$q) begin
                                                if (~has_word$q) begin
                                                    status$d = st_bad_len;
                                                end
                                                else begin
                                                    if (~has_job$q | other_job$q) begin
                                                        status$d = st_stale;
                                                        if (has_job$q) begin
                                                            aux$d = ((job_id$q) & 32'hffffffff);
                                                        end
                                                    end
                                                    else begin
                                                        if (read_over$q) begin
                                                            status$d = st_range;
                                                        end
                                                        else begin
                                                            aux$d = header$addr;
                                                            source$d = from_results;
                                                            send_words$d = count_low;
                                                            word_at$d = addr_low;
                                                        end
                                                    end
                                                end
                                            end
                                            else begin
                                                status$d = st_bad_op;
                                            end
                                        end
                                    end
                                end
                            end
                        end
                    end
                end
            CommandState$Write:
                begin
                    if (more) begin
                        read_enable = 1'b1;
                        fetched$d = 1'b1;
                        position$d = position$q + 32'h1;
                    end
                    if (fetched$q) begin
                        tile_byte_enable = 1'b1;
                        byte_index$d = byte_index$q + 32'h1;
                        if (byte_index$q == tile_byte_top) begin
                            byte_index$d = 32'h0;
                            tile_write_enable = 1'b1;
                            seals$clear = 1'b1;
                            word_at$d = word_at$q + 32'h1;
                        end
                    end
                    if (store_done) begin
                        state$d = CommandState$Answer;
                    end
                end
            CommandState$SealRead:
                begin
                    tile_read_enable = 1'b1;
                    state$d = CommandState$SealWait;
                end
            CommandState$SealWait:
                begin
                    state$d = CommandState$SealLoad;
                end
            CommandState$SealLoad:
                begin
                    seal_bytes$load = 1'b1;
                    state$d = CommandState$SealBytes;
                end
            CommandState$SealBytes:
                begin
                    seal_crc$enable = 1'b1;
                    seal_bytes$shift = 1'b1;
                    byte_index$d = byte_index$q + 32'h1;
                    if (byte_index$q == tile_byte_top) begin
                        byte_index$d = 32'h0;
                        words_left$d = words_left$q - 32'h1;
                        if (words_left$q == 32'h1) begin
                            state$d = CommandState$SealCompare;
                        end
                        else begin
                            word_at$d = word_at$q + 32'h1;
                            state$d = CommandState$SealRead;
                        end
                    end
                end
            CommandState$SealCompare:
                begin
                    state$d = CommandState$SealCheck;
                end
            CommandState$SealCheck:
                begin
                    aux$d = crc_found;
                    if (crc_same$q) begin
                        seals$seal = 1'b1;
                    end
                    else begin
                        seals$clear = 1'b1;
                        status$d = st_crc;
                    end
                    state$d = CommandState$Answer;
                end
            CommandState$RunActWords:
                begin
                    if (multiplier$q == 32'h0) begin
                        state$d = CommandState$RunIdentify;
                    end
                    else begin
                        if (multiplier$q[32'h0]) begin
                            product$d = product$q + factor$q;
                        end
                        factor$d = factor$q << 32'h1;
                        multiplier$d = multiplier$q >> 32'h1;
                    end
                end
            CommandState$RunIdentify:
                begin
                    factor$d = ((header$col_beats) & 32'hffffffff);
                    multiplier$d = header$row_groups;
                    product$d = 32'h0;
                    state$d = CommandState$Answer;
                    if (acts_wrong$q) begin
                        status$d = st_bad_len;
                    end
                    else begin
                        if (has_job$q & same_job$q) begin
                            if (high_address$q | dup_over$q) begin
                                status$d = st_range;
                            end
                            else begin
                                status$d = st_dup;
                                aux$d = job_cycles$q;
                                source$d = from_results;
                                send_words$d = addr_low;
                            end
                        end
                        else begin
                            if (has_job$q & age$q[32'hf]) begin
                                status$d = st_stale;
                                aux$d = ((job_id$q) & 32'hffffffff);
                            end
                            else begin
                                if (acts_over$q) begin
                                    status$d = st_range;
                                end
                                else begin
                                    state$d = CommandState$RunTileWords;
                                end
                            end
                        end
                    end
                end
            CommandState$RunTileWords:
                begin
                    if (multiplier$q == 32'h0) begin
                        state$d = CommandState$RunEnd;
                    end
                    else begin
                        if (multiplier$q[32'h0]) begin
                            product$d = product$q + factor$q;
                        end
                        factor$d = factor$q << 32'h1;
                        multiplier$d = multiplier$q >> 32'h1;
                    end
                end
            CommandState$RunEnd:
                begin
                    state$d = CommandState$RunOver;
                end
            CommandState$RunOver:
                begin
                    state$d = CommandState$RunRange;
                end
            CommandState$RunRange:
                begin
                    state$d = CommandState$RunPages;
                    seal_crc$clear = 1'b1;
                    word_at$d = base_low >> page_shift;
                    words_left$d = last_page$q >> page_shift;
                    if (range_bad$q) begin
                        status$d = st_range;
                        state$d = CommandState$Answer;
                    end
                end
            CommandState$RunPages:
                begin
                    state$d = CommandState$RunSealed;
                end
            CommandState$RunSealed:
                begin
                    seal_bytes$word = ((seals$page_crc) & 32'hffffffff);
                    seal_bytes$load = 1'b1;
                    state$d = CommandState$RunDigest;
                    if (~seals$is_sealed) begin
                        status$d = st_dirty;
                        aux$d = ((word_at$q) & 32'hffffffff);
                        word_at$d = 32'h0;
                        state$d = CommandState$Answer;
                    end
                end
            CommandState$RunDigest:
                begin
                    seal_bytes$word = ((seals$page_crc) & 32'hffffffff);
                    seal_crc$enable = 1'b1;
                    seal_bytes$shift = 1'b1;
                    byte_index$d = byte_index$q + 32'h1;
                    if (byte_index$q == 32'h3) begin
                        byte_index$d = 32'h0;
                        word_at$d = word_at$q + 32'h1;
                        state$d = CommandState$RunPages;
                        if (at_last_page$q) begin
                            state$d = CommandState$RunCompare;
                        end
                    end
                end
            CommandState$RunCompare:
                begin
                    state$d = CommandState$RunSame;
                end
            CommandState$RunSame:
                begin
                    word_at$d = 32'h0;
                    position$d = 32'h1c;
                    state$d = CommandState$RunActs;
                    if (~digest_same$q) begin
                        status$d = st_other;
                        aux$d = crc_found;
                        state$d = CommandState$Answer;
                    end
                end
            CommandState$RunActs:
                begin
                    if (more) begin
                        read_enable = 1'b1;
                        fetched$d = 1'b1;
                        position$d = position$q + 32'h1;
                    end
                    if (fetched$q) begin
                        act_byte_enable = 1'b1;
                        byte_index$d = byte_index$q + 32'h1;
                        if (byte_index$q == act_byte_top) begin
                            byte_index$d = 32'h0;
                            act_write_enable = 1'b1;
                            word_at$d = word_at$q + 32'h1;
                        end
                    end
                    if (store_done) begin
                        state$d = CommandState$RunStart;
                    end
                end
            CommandState$RunStart:
                begin
                    start = 1'b1;
                    has_job$d = 1'b1;
                    job_id$d = header$job_id;
                    job_rows$d = header$row_groups;
                    job_cycles$d = 32'h0;
                    results$d = 32'h0;
                    word_at$d = 32'h0;
                    source$d = from_results;
                    send_words$d = addr_low;
                    state$d = CommandState$RunWait;
                end
            CommandState$RunWait:
                begin
                    run_cycle = 1'b1;
                    job_cycles$d = job_cycles$q + 32'h1;
                    if (result_valid) begin
                        results$d = results$q + 32'h1;
                        aux$d = job_cycles$q + 32'h1;
                        if (at_last$q) begin
                            state$d = CommandState$Answer;
                        end
                    end
                end
            CommandState$Answer:
                begin
                    answer$load = 1'b1;
                    answer$word = ((head) & 64'hffffffffffffffff);
                    bytes_left$d = 32'h8;
                    state$d = CommandState$Send;
                end
            CommandState$Send:
                begin
                    out_valid = 1'b1;
                    out_last = (bytes_left$q == 32'h1) & (send_words$q == 32'h0);
                    if (out_ready) begin
                        answer$shift = 1'b1;
                        bytes_left$d = bytes_left$q - 32'h1;
                        if (bytes_left$q == 32'h1) begin
                            if (send_words$q == 32'h0) begin
                                state$d = CommandState$Done;
                            end
                            else begin
                                answer$load = 1'b1;
                                send_words$d = send_words$q - 32'h1;
                                word_at$d = word_at$q + 32'h1;
                                bytes_left$d = 32'h4;
                                if (source$q == from_results) begin
                                    bytes_left$d = result_bytes;
                                end
                            end
                        end
                    end
                end
            CommandState$Done:
                begin
                    frame_done = 1'b1;
                    state$d = CommandState$Idle;
                end
            default:
                begin
                    state$d = CommandState$Idle;
                end
        endcase
    end

endmodule

module board_engine_command_age(d,q,clock);

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

module board_engine_command_answer(clock,load,word,shift,byte_data);

    // Module arguments
    input wire  clock;
    input wire  load;
    input wire  [63:0] word;
    input wire  shift;
    output reg  [7:0] byte_data;

    // Update code (custom)
    reg [63:0] held = 0;
    always @(posedge clock)
        if (load) held <= word;
        else if (shift) held <= held >> 8;
    always @(*) byte_data = held[7:0];
endmodule

module board_engine_command_byte_index(d,q,clock);

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

module board_engine_command_header(clock,enable,byte_data,op,arg,seq,addr,word,job_id,ternary,a2,plane_groups,base,row_groups,col_beats,init,digest);

    // Module arguments
    input wire  clock;
    input wire  enable;
    input wire  [7:0] byte_data;
    output reg  [7:0] op;
    output reg  [7:0] arg;
    output reg  [15:0] seq;
    output reg  [31:0] addr;
    output reg  [31:0] word;
    output reg  [15:0] job_id;
    output reg  ternary;
    output reg  a2;
    output reg  [7:0] plane_groups;
    output reg  [31:0] base;
    output reg  [15:0] row_groups;
    output reg  [15:0] col_beats;
    output reg  [23:0] init;
    output reg  [31:0] digest;

    // Update code (custom)
    reg [223:0] held = 0;
    always @(posedge clock) if (enable) held <= {byte_data, held[223:8]};
    always @(*) op = held[7:0];
    always @(*) arg = held[15:8];
    always @(*) seq = held[31:16];
    always @(*) addr = held[63:32];
    always @(*) word = held[95:64];
    always @(*) job_id = held[79:64];
    always @(*) plane_groups = held[95:88];
    always @(*) base = held[127:96];
    always @(*) row_groups = held[143:128];
    always @(*) col_beats = held[159:144];
    always @(*) init = held[183:160];
    always @(*) digest = held[223:192];
    always @(*) ternary = held[80];
    always @(*) a2 = held[81];
endmodule

module board_engine_command_next_word(d,q,clock);

    // Module arguments
    input wire  [63:0] d;
    output reg  [63:0] q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 64'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_command_read_end(d,q,clock);

    // Module arguments
    input wire  [17:0] d;
    output reg  [17:0] q;
    input wire  clock;

    // Update code (custom)
    initial begin
       q = 18'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

endmodule

module board_engine_command_seal_bytes(clock,load,word,shift,byte_data);

    // Module arguments
    input wire  clock;
    input wire  load;
    input wire  [31:0] word;
    input wire  shift;
    output reg  [7:0] byte_data;

    // Update code (custom)
    reg [31:0] held = 0;
    always @(posedge clock)
        if (load) held <= word;
        else if (shift) held <= held >> 8;
    always @(*) byte_data = held[7:0];
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
    output reg  is_sealed;
    output reg  [31:0] page_crc;

    // Update code (custom)
    reg [31:0] sealed = 0;
    reg change = 0;
    reg value = 0;
    reg [4:0] place = 0;
    reg [31:0] held = 0;
    reg [31:0] crcs [0:31];
    initial is_sealed = 0;
    initial page_crc = 0;
    always @(posedge clock) begin
        change <= clear | seal;
        value <= ~clear;
        place <= page[4:0];
        held <= crc;
        if (change) sealed[place] <= value;
        is_sealed <= sealed[query[4:0]];
    end
    always @(posedge clock) begin
        if (change) crcs[place] <= held;
        page_crc <= crcs[query[4:0]];
    end
endmodule

module board_engine_command_source(d,q,clock);

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

module board_engine_command_state(d,q,clock);

    // Module arguments
    input wire  [4:0] d;
    output reg  [4:0] q;
    input wire  clock;

    // Enums
    localparam CommandState$Idle = 0;
    localparam CommandState$Settle = 1;
    localparam CommandState$Header = 2;
    localparam CommandState$Sums = 3;
    localparam CommandState$Flags = 4;
    localparam CommandState$Dispatch = 5;
    localparam CommandState$Write = 6;
    localparam CommandState$SealRead = 7;
    localparam CommandState$SealWait = 8;
    localparam CommandState$SealLoad = 9;
    localparam CommandState$SealBytes = 10;
    localparam CommandState$SealCompare = 11;
    localparam CommandState$SealCheck = 12;
    localparam CommandState$RunActWords = 13;
    localparam CommandState$RunIdentify = 14;
    localparam CommandState$RunTileWords = 15;
    localparam CommandState$RunEnd = 16;
    localparam CommandState$RunOver = 17;
    localparam CommandState$RunRange = 18;
    localparam CommandState$RunPages = 19;
    localparam CommandState$RunSealed = 20;
    localparam CommandState$RunDigest = 21;
    localparam CommandState$RunCompare = 22;
    localparam CommandState$RunSame = 23;
    localparam CommandState$RunActs = 24;
    localparam CommandState$RunStart = 25;
    localparam CommandState$RunWait = 26;
    localparam CommandState$Answer = 27;
    localparam CommandState$Send = 28;
    localparam CommandState$Done = 29;

    // Update code (custom)
    initial begin
       q = 64'h0;
    end

    always @(posedge clock) begin
       q <= d;
    end

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
    board_engine_command_byte_index left(
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
    board_engine_command_byte_index out_byte(
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
    reg  is_free;
    reg  [7:0] next_held;
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
    board_engine_encoder_state state(
        .d(state$d),
        .q(state$q),
        .clock(state$clock)
    );
    board_engine_command_source crc_index(
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
    board_engine_command_byte_index block_bytes(
        .d(block_bytes$d),
        .q(block_bytes$q),
        .clock(block_bytes$clock)
    );
    board_engine_counters_up_0 has_byte(
        .d(has_byte$d),
        .q(has_byte$q),
        .clock(has_byte$clock)
    );
    board_engine_command_byte_index held(
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
    board_engine_command_byte_index spare(
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
    board_engine_command_byte_index write_what(
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
        held$clock = clock;
        held_zero$clock = clock;
        held_last$clock = clock;
        has_held$clock = clock;
        spare$clock = clock;
        spare_last$clock = clock;
        has_spare$clock = clock;
        is_full$clock = clock;
        write_now$clock = clock;
        write_where$clock = clock;
        write_what$clock = clock;
        visible$clock = clock;
        held$d = held$q;
        held_zero$d = held_zero$q;
        held_last$d = held_last$q;
        has_held$d = has_held$q;
        spare$d = spare$q;
        spare_last$d = spare_last$q;
        has_spare$d = has_spare$q;
        is_full$d = is_full$q;
        write_now$d = write_now$q;
        write_where$d = write_where$q;
        write_what$d = write_what$q;
        visible$d = visible$q;
        ram$clock = clock;
        crc$clock = clock;
        used = write_at$q - read_at$q;
        has_room$d = used < room_limit;
        next_at = write_at$q + 32'h1;
        write_now$d = 1'b0;
        write_where$d = write_at$q;
        write_what$d = held$q;
        ram$write_enable = write_now$q;
        ram$write_address = write_where$q;
        ram$write_data = write_what$q;
        visible$d = closed$q;
        crc$clear = 1'b0;
        crc$enable = 1'b0;
        crc$data = held$q;
        crc_value = ~crc$crc;
        crc_amount = ((crc_index$q) & 5'h1f) << 32'h3;
        crc_shifted = crc_value >> crc_amount;
        next_block_bytes = block_bytes$q;
        crc_byte = crc_shifted[(32'h0)+:(8)];
        offered = 1'b0;
        offer = held$q;
        offer_zero = held_zero$q;
        taken = 1'b0;
        case (state$q)
            EncoderState$Idle:
                begin
                    crc$clear = 1'b1;
                    crc_index$d = 32'h0;
                    if (has_held$q & has_room$q) begin
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
                    offered = has_held$q;
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
                if (held_last$q) begin
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
        ready = ~has_spare$q;
        is_free = ~has_held$q | (taken & (state$q == EncoderState$Body));
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

module board_engine_encoder_ram(clock,write_enable,write_address,write_data,read_enable,read_address,read_data);

    // Module arguments
    input wire  clock;
    input wire  write_enable;
    input wire  [8:0] write_address;
    input wire  [7:0] write_data;
    input wire  read_enable;
    input wire  [8:0] read_address;
    output reg  [7:0] read_data;

    // Update code (custom)
    (* ram_style = "block" *) reg [7:0] mem [0:511];
    initial read_data = 0;
    always @(posedge clock) begin
        if (write_enable) mem[write_address[8:0]] <= write_data;
        if (read_enable) read_data <= mem[read_address[8:0]];
    end
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
    output reg  [7:0] read_data;

    // Update code (custom)
    (* ram_style = "block" *) reg [7:0] mem [0:1023];
    initial read_data = 0;
    always @(posedge clock) begin
        if (write_enable) mem[write_address[9:0]] <= write_data;
        if (read_enable) read_data <= mem[read_address[9:0]];
    end
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
    output reg  [31:0] data;

    // Update code (custom)
    always @(*) case (address)
        4'd0: data = 32'h47504232;
        4'd1: data = 32'h00000102;
        4'd2: data = 32'h00100001;
        4'd3: data = 32'h00400001;
        4'd4: data = 32'h00000800;
        4'd5: data = 32'h01000080;
        4'd6: data = 32'h000201f4;
        4'd7: data = 32'h016e3600;
        4'd8: data = 32'h002dc6c0;
        4'd9: data = 32'h00000000;
        4'd10: data = 32'h6f6e616e;
        4'd11: data = 32'h00003631;
        4'd12: data = 32'h00000000;
        4'd13: data = 32'h00000000;
        4'd14: data = 32'h74339b44;
        4'd15: data = 32'h45e560d0;
    endcase
endmodule

module board_engine_results(clock,write_enable,write_address,write_data,read_enable,read_address,read_data);

    // Module arguments
    input wire  clock;
    input wire  write_enable;
    input wire  [11:0] write_address;
    input wire  [23:0] write_data;
    input wire  read_enable;
    input wire  [11:0] read_address;
    output reg  [23:0] read_data;

    // Update code (custom)
    (* ram_style = "block" *) reg [23:0] mem [0:255];
    initial read_data = 0;
    always @(posedge clock) begin
        if (write_enable) mem[write_address[7:0]] <= write_data;
        if (read_enable) read_data <= mem[read_address[7:0]];
    end
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
    board_engine_command_age rows_left(
        .d(rows_left$d),
        .q(rows_left$q),
        .clock(rows_left$clock)
    );
    board_engine_command_age beat(
        .d(beat$d),
        .q(beat$q),
        .clock(beat$clock)
    );
    board_engine_command_byte_index group(
        .d(group$d),
        .q(group$q),
        .clock(group$clock)
    );
    board_engine_command_age row_base(
        .d(row_base$d),
        .q(row_base$q),
        .clock(row_base$clock)
    );
    board_engine_command_age tile(
        .d(tile$d),
        .q(tile$q),
        .clock(tile$clock)
    );
    board_engine_command_age act(
        .d(act$d),
        .q(act$q),
        .clock(act$clock)
    );
    board_engine_command_age last_beat(
        .d(last_beat$d),
        .q(last_beat$q),
        .clock(last_beat$clock)
    );
    board_engine_command_byte_index last_group(
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
    output reg  out_enable;
    output reg  [15:0] out_address;

    // Update code (custom)
    wire [16:0] due = {enable, address};
    always @(*) begin
        out_enable = due[16];
        out_address = due[15:0];
    end
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
    output reg  [31:0] read_data;

    // Update code (custom)
    (* ram_style = "block" *) reg [31:0] mem [0:2047];
    reg [31:0] gathered = 0;
    reg [31:0] fetched = 0;
    reg fetched_new = 0;
    reg byte_in = 0;
    reg write_in = 0;
    reg [7:0] data_in = 0;
    reg [10:0] place_in = 0;
    wire [31:0] assembled = {data_in, gathered[31:8]};
    initial read_data = 0;
    always @(posedge clock) begin
        byte_in <= byte_enable;
        write_in <= write_enable;
        data_in <= byte_data;
        place_in <= write_address[10:0];
        if (byte_in) gathered <= assembled;
        if (write_in) mem[place_in] <= assembled;
        if (read_enable) fetched <= mem[read_address[10:0]];
        fetched_new <= read_enable;
        if (fetched_new) read_data <= fetched;
    end
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
    board_engine_command_age count(
        .d(count$d),
        .q(count$q),
        .clock(count$clock)
    );
    board_engine_frames_used bit_index(
        .d(bit_index$d),
        .q(bit_index$q),
        .clock(bit_index$clock)
    );
    board_engine_command_byte_index shift(
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
    board_engine_command_age count(
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

module board_engine_array_row(clock, issue, is_first, is_shift, is_heavy, is_last, ternary, a2, init, w0, w1, x, sum, sum_valid);
    input wire [0:0] clock;
    input wire [0:0] issue;
    input wire [0:0] is_first;
    input wire [0:0] is_shift;
    input wire [0:0] is_heavy;
    input wire [0:0] is_last;
    input wire [0:0] ternary;
    input wire [0:0] a2;
    input wire [23:0] init;
    input wire [15:0] w0;
    input wire [15:0] w1;
    input wire [15:0] x;
    output reg [23:0] sum;
    output reg [0:0] sum_valid;
initial sum = 0;
initial sum_valid = 0;
// Registers: products 2, tree 1, weights 1, planes 1, accumulator 1, sum 1.
reg [8:1] valid = 0;
always @(posedge clock) valid <= {valid[7:1], issue};
reg [6:1] d_is_heavy = 0;
always @(posedge clock) d_is_heavy <= {d_is_heavy[5:1], is_heavy};
reg [7:1] d_is_first = 0;
always @(posedge clock) d_is_first <= {d_is_first[6:1], is_first};
reg [7:1] d_is_shift = 0;
always @(posedge clock) d_is_shift <= {d_is_shift[6:1], is_shift};
reg [8:1] d_is_last = 0;
always @(posedge clock) d_is_last <= {d_is_last[7:1], is_last};
always @(posedge clock) sum_valid <= valid[8] & d_is_last[8];
wire [4:0] count_0_0;
board_engine_array_row_popcount popcount_0_0(.clock(clock), .valid(valid[4:2]), .w(w0), .x(x[15:0]), .count(count_0_0));
wire [4:0] count_0_1;
board_engine_array_row_popcount popcount_0_1(.clock(clock), .valid(valid[4:2]), .w(w1), .x(x[15:0]), .count(count_0_1));
reg [7:0] c0_0;
reg [7:0] c1_0;
reg [7:0] twice_0;
reg [7:0] once_0;
reg signed [7:0] d_0 = 0;
reg signed [10:0] e_0;
reg signed [10:0] e_3;
reg signed [10:0] e_m;
reg signed [10:0] s = 0;
reg signed [23:0] old;
reg signed [23:0] acc = 0;
always @(posedge clock) if (valid[5]) begin
    c0_0 = count_0_0;
    c1_0 = count_0_1;
    twice_0 = (ternary ? c1_0 : c0_0) << 1;
    once_0 = ternary ? ~c0_0 + 1'b1 : c0_0 + c1_0;
    d_0 <= twice_0 + once_0;
end
always @(posedge clock) if (valid[6]) begin
    e_0 = d_0;
    e_3 = (e_0 <<< 1) + e_0;
    e_m = -e_0;
    s <= d_is_heavy[6] ? (a2 ? e_3 : e_m) : e_0;
end
always @(posedge clock) if (valid[7]) begin
    old = d_is_first[7] ? 24'sd0 : (d_is_shift[7] & ~a2) ? acc <<< 1 : acc;
    acc <= old + s;
end
always @(posedge clock) if (valid[8]) begin
    if (d_is_last[8]) sum <= acc + init;
end
endmodule

module board_engine_array_row_popcount(clock, valid, w, x, count);
    input wire [0:0] clock;
    input wire [2:0] valid;
    input wire [15:0] w;
    input wire [15:0] x;
    output wire [4:0] count;
reg [15:0] p;
reg [15:0] odd = 0;
reg [15:0] both = 0;
reg [15:0] ones;
reg [15:0] carry;
reg [15:0] twos;
reg [15:0] fours;
reg [15:0] leaves = 0;
reg [7:0] halves;
reg [4:0] t2_0 = 0;
always @(posedge clock) if (valid[0]) begin
    p = w & x;
    odd <= (p ^ (p >> 1)) & 16'h5555;
    both <= (p & (p >> 1)) & 16'h5555;
end
always @(posedge clock) if (valid[1]) begin
    ones = (odd ^ (odd >> 2) ^ (odd >> 4)) & 16'h1041;
    carry = ((odd & (odd >> 2)) | ((odd >> 4) & (odd | (odd >> 2)))) & 16'h1041;
    twos = (carry ^ both ^ (both >> 2) ^ (both >> 4)) & 16'h1041;
    fours = ((carry & (both | (both >> 2) | (both >> 4))) | (both & ((both >> 2) | (both >> 4))) | ((both >> 2) & (both >> 4))) & 16'h1041;
    leaves <= ones | (twos << 1) | (fours << 2);
end
always @(posedge clock) if (valid[2]) begin
    halves = {1'd0, leaves[8:6], 1'd0, leaves[2:0]} + {4'd0, 1'd0, leaves[14:12]};
    t2_0 <= halves[3:0] + halves[7:4];
end
assign count = t2_0;
endmodule

