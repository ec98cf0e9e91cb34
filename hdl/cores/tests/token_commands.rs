//! The commands of the token machine between a host, a command processor and a machine that are each a few lines here.

#[path = "token_commands/bench.rs"]
mod bench;

use bench::{Bench, LAYOUT, PAGE_BYTES, collect, request, text};
use nda_cores::netlist::Emit;
use nda_cores::token::commands::{Layout, commands};
use nda_spec::wire::{Generate, Making, Op, PROTOCOL_VERSION, Status, TokensReply, TokensRequest, crc32};

#[test]
fn texts_are_made_kept_and_told_whatever_their_length_in_turns() {
    let mut b = Bench::new();
    let digest = b.ready();
    let mut taken = Vec::new();
    // A prompt and its text; a prompt alone; one with stops; a turn that goes on.
    let mut after = 10;
    for (i, (prompt, most, stops)) in
        [(vec![1, 2, 3], 300, vec![]), (vec![9; 64], 0, vec![]), (vec![9, 4], 40, vec![]), (vec![5], 300, vec![17, 3, 200])]
            .iter()
            .enumerate()
    {
        let id = 10 + i as u16;
        let wanted = Generate { stops: stops.clone(), ..request(id, after, digest, *most, prompt) };
        assert_eq!(b.ask(Op::Generate, 0, 0, &wanted.to_bytes(1)), (Status::Ok, 0, vec![]), "{i}");
        assert_eq!(b.ask(Op::Generate, 0, 0, &wanted.to_bytes(1)).0, Status::Dup, "{i}");
        let expected = text(&mut taken, prompt, *most as usize, stops);
        assert_eq!(collect(&mut b, id), expected, "{i}");
        let ports = ["greedy", "inverse_temperature", "seed"].map(|port| b.core.get(port));
        assert_eq!(ports, [0, 1280, 0x0123_4567_89ab_cdef]);
        after = id;
    }
    assert_eq!(b.machine.taken, taken);
    assert_eq!(b.aborts, 2, "SYNC's and the new sequence's");
}

#[test]
fn a_full_queue_waits_for_the_host_and_a_further_frame_ends_a_wait() {
    let mut b = Bench::new();
    let digest = b.ready();
    let wanted = request(1, 1, digest, 5000, &[7]);
    assert_eq!(b.ask(Op::Generate, 0, 0, &wanted.to_bytes(1)).0, Status::Ok);
    (0..27_000).for_each(|_| b.cycle());
    assert_eq!(b.machine.taken.len(), 1024, "a token per place of the queue");
    let expected = text(&mut Vec::new(), &[7], 5000, &[]);
    assert_eq!(b.tokens(1, 0, 255, 1, 0).1.tokens, expected.0[..255]);
    // Told again until the host goes on.
    assert_eq!(b.tokens(1, 0, 5, 1, 0).1.tokens, expected.0[..5]);
    assert_eq!(b.tokens(1, 1025, 5, 1, 0).0, Status::Range);
    assert_eq!(b.tokens(1, 1024, 0, 0, 0).1, TokensReply { making: Making::On, tokens: vec![] });
    assert_eq!(b.tokens(1, 1000, 5, 0, 0).0, Status::Range, "they were let go");
    // 200 tokens take 4,000 cycles; the next frame comes at once.
    let asked = TokensRequest { id: 1, first: 1024, count: 200, wait: 255 };
    b.send(Op::Tokens, 0, asked.addr(), &asked.to_bytes());
    b.send(Op::Ident, 0, 1, &[]);
    let (_, _, payload) = b.receive("TOKENS");
    assert!(payload.len() < 60, "{} bytes", payload.len());
    assert_eq!(b.receive("IDENT"), (Status::Ok, 0, LAYOUT.sizes.to_page().to_vec()));
    // The end, by the host.
    let (status, reply) = b.tokens(1, 1024, 255, 9, 1);
    assert_eq!((status, reply.making), (Status::Ok, Making::Cancelled));
    assert_eq!(reply.tokens[..], expected.0[1024..1024 + reply.tokens.len()]);
}

#[test]
fn every_refusal_is_the_one_that_the_protocol_names() {
    let mut b = Bench::new();
    let digest = b.ready();
    let generate = |b: &mut Bench, request: &Generate| b.ask(Op::Generate, 0, 0, &request.to_bytes(1));
    let fine = request(100, 100, digest, 3, &[1, 2]);
    let bytes = fine.to_bytes(1);
    assert_eq!(b.ask(Op::Generate, 0, 0, &bytes[..37]).0, Status::BadLen);
    assert_eq!(b.ask(Op::Generate, 0, 0, &[&bytes[..], &[0]].concat()).0, Status::BadLen);
    assert_eq!(b.ask(Op::Step, 0, 0, &bytes).0, Status::BadLen, "two tokens");
    assert_eq!(generate(&mut b, &Generate { stops: vec![1; 17], ..fine.clone() }).0, Status::Range);
    for wrong in [
        Generate { pages: 0, ..fine.clone() },
        Generate { token_cycles: 1 << 24, ..fine.clone() },
        Generate { first_page: 3, ..fine.clone() },
        Generate { prompt: vec![], ..fine.clone() },
        Generate { prompt: vec![1; 65], ..fine.clone() },
        Generate { prompt: vec![1, 251], ..fine.clone() },
    ] {
        assert_eq!(generate(&mut b, &wrong).0, Status::Range, "{wrong:?}");
    }
    assert_eq!(generate(&mut b, &Generate { pages: 3, ..fine.clone() }), (Status::TileDirty, 2, vec![]));
    assert_eq!(generate(&mut b, &Generate { digest: 5, ..fine.clone() }), (Status::OtherPages, digest, vec![]));
    assert_eq!(generate(&mut b, &Generate { after: 99, ..fine.clone() }), (Status::StaleJob, 0, vec![]));
    assert_eq!(b.tokens(100, 0, 1, 0, 0).0, Status::StaleJob);
    assert_eq!(generate(&mut b, &fine).0, Status::Ok);
    assert_eq!(generate(&mut b, &Generate { id: 99, after: 99, ..fine.clone() }), (Status::StaleJob, 100, vec![]));
    assert_eq!(collect(&mut b, 100), text(&mut Vec::new(), &[1, 2], 3, &[]));
}

#[test]
fn older_contents_that_come_back_sealed_are_refused() {
    let mut b = Bench::new();
    let digest = b.ready();
    let generate = |b: &mut Bench, request: &Generate| b.ask(Op::Generate, 0, 0, &request.to_bytes(1));
    assert_eq!(generate(&mut b, &request(100, 100, digest, 0, &[1])).0, Status::Ok);
    // A WRITE takes the program's seal, and an old pair of WRITE and SEAL brings older weights back: sealed, and refused.
    assert_eq!(b.ask(Op::Write, 0, 10, &[3; 64]).0, Status::Ok);
    let next = request(101, 100, digest, 3, &[1]);
    assert_eq!(generate(&mut b, &next), (Status::TileDirty, 5, vec![]));
    let bytes: Vec<u8> = (0..PAGE_BYTES).map(|i| (i * 7 + 1) as u8).collect();
    assert_eq!(b.ask(Op::Write, 0, 10, &bytes).0, Status::Ok);
    assert_eq!(b.ask(Op::Seal, 0, 5, &crc32(&bytes).to_le_bytes()).0, Status::Ok);
    b.core.set("tile_write", &[1]);
    b.core.set("write_address", &[3]);
    b.cycle();
    b.core.set("tile_write", &[0]);
    assert_eq!(generate(&mut b, &next), (Status::TileDirty, 1, vec![]));
    assert_eq!(b.ask(Op::Seal, 0, 1, &[9; 4]).0, Status::Ok);
    assert_eq!(generate(&mut b, &next).0, Status::OtherPages);
    b.command_status = Status::CrcMismatch;
    assert_eq!(b.ask(Op::Seal, 0, 1, &[9; 4]).0, Status::CrcMismatch);
    assert_eq!(generate(&mut b, &next), (Status::TileDirty, 1, vec![]));
    b.command_status = Status::Ok;
    assert_eq!(b.ask(Op::Seal, 0, 1, &0x1111_0001_u32.to_le_bytes()).0, Status::Ok);
    for (op, addr, payload, status) in [
        (Op::Write, 8, vec![0; 63], Status::BadLen),
        (Op::Write, 12, vec![0; 64], Status::Range),
        (Op::Write, 11, vec![0; 128], Status::Range),
        (Op::Seal, 6, vec![0; 4], Status::Range),
        (Op::Seal, 5, vec![0; 3], Status::BadLen),
        (Op::Tokens, 100 << 16, vec![0; 3], Status::BadLen),
    ] {
        assert_eq!(b.ask(op, 0, addr, &payload).0, status, "{op:?} at {addr}");
    }
}

#[test]
fn beside_a_text_nothing_disturbs_it_and_a_new_one_or_a_sync_ends_it() {
    let mut b = Bench::new();
    let digest = b.ready();
    let generate = |b: &mut Bench, request: &Generate| b.ask(Op::Generate, 0, 0, &request.to_bytes(1));
    assert_eq!(generate(&mut b, &request(100, 100, digest, 0, &[1])).0, Status::Ok);
    // What would disturb it is refused, a new text ends it, a SYNC too.
    let long = request(102, 100, digest, 100_000, &[1]);
    assert_eq!(generate(&mut b, &long).0, Status::Ok);
    for op in [Op::Write, Op::Seal, Op::Run, Op::Step] {
        assert_eq!(b.ask(op, 0, 0, &[0; 64]).0, Status::Busy, "{op:?}");
    }
    assert_eq!(generate(&mut b, &Generate { id: 103, after: 102, ..long.clone() }).0, Status::Busy);
    assert_eq!(generate(&mut b, &request(104, 104, digest, 2, &[8])).0, Status::Ok);
    assert_eq!(collect(&mut b, 104), text(&mut Vec::new(), &[8], 2, &[]));
    assert_eq!(generate(&mut b, &Generate { id: 105, after: 104, ..long }).0, Status::Ok);
    assert_eq!(b.ask(Op::Sync, PROTOCOL_VERSION, 5, &[]), (Status::Ok, 5, vec![]));
    assert_eq!(b.tokens(105, 0, 1, 0, 0).0, Status::StaleJob);
    let taken = b.machine.taken.len();
    (0..1000).for_each(|_| b.cycle());
    assert_eq!(b.machine.taken.len(), taken, "nothing goes on behind a SYNC");
    assert_eq!(generate(&mut b, &request(7, 7, digest, 2, &[8])).0, Status::Ok, "after SYNC any id begins");
    assert_eq!(collect(&mut b, 7), text(&mut Vec::new(), &[8], 2, &[]));
}

#[test]
fn rows_are_read_like_results_and_a_token_without_end_is_given_up() {
    let mut b = Bench::new();
    let digest = b.ready();
    let word = |word: u64| [word, word * 3, word * 5].map(u64::to_le_bytes).concat();
    let step = |id: u16, after: u16, token: u32| request(id, after, digest, 0, &[token]).to_bytes(1);
    let (status, cycles, row) = b.ask(Op::Step, 0, 2, &step(1, 1, 50));
    assert_eq!((status, row), (Status::Ok, [word(1000), word(1001)].concat()));
    assert!((20..40).contains(&cycles), "{cycles}");
    assert_eq!(b.ask(Op::Step, 0, 1, &step(1, 1, 50)), (Status::Dup, cycles, word(1000)));
    assert_eq!(b.ask(Op::Read, 0, 1 << 16 | 3, &2_u32.to_le_bytes()), (Status::Ok, 1 << 16 | 3, [word(1003), word(1004)].concat()));
    assert_eq!(b.ask(Op::Read, 0, 1 << 16 | 4, &2_u32.to_le_bytes()).0, Status::Range);
    assert_eq!(b.ask(Op::Read, 0, 9 << 16, &2_u32.to_le_bytes()), (Status::StaleJob, 1, vec![]));
    assert_eq!(b.ask(Op::Step, 0, 6, &step(2, 1, 60)).0, Status::Range, "six of five words");
    assert_eq!(b.ask(Op::Step, 0, 0, &step(3, 2, 70)).0, Status::Ok);
    assert_eq!(b.ask(Op::Generate, 0, 0, &request(4, 3, digest, 5, &[80]).to_bytes(1)).0, Status::Ok);
    assert_eq!(collect(&mut b, 4), text(&mut vec![50, 60, 70], &[80], 5, &[]));
    // A machine that does not come to an end.
    b.machine.token_cycles = 1_000_000;
    let aborts = b.aborts;
    assert_eq!(b.ask(Op::Generate, 0, 0, &request(5, 4, digest, 5, &[80]).to_bytes(1)).0, Status::Ok);
    assert_eq!(b.tokens(5, 0, 1, 255, 0).1.making, Making::Failed);
    assert_eq!(b.aborts, aborts + 1);
    assert_eq!(b.ask(Op::Step, 0, 0, &step(6, 5, 70)).0, Status::StaleJob, "the sequence is lost");
    assert_eq!(b.ask(Op::Step, 0, 0, &step(7, 7, 70)).0, Status::BadProgram);
    b.machine.token_cycles = 20;
    assert_eq!(b.ask(Op::Step, 0, 0, &step(8, 8, 70)).0, Status::Ok);
}

#[test]
fn the_configurations_commands_are_verilog_of_one_module() {
    let config = nda_spec::Config::named("token1024").unwrap();
    let layout = Layout::of(&config).unwrap();
    assert_eq!((layout.tile_pages, layout.page_units(), layout.row_bytes()), (62, 512, 24));
    let verilog = commands("token_commands", &layout).emit("token_commands").unwrap();
    assert!(verilog.matches("endmodule").count() <= 2 && verilog.contains("token_valid"), "{} bytes", verilog.len());
}
