//! Rows and pin files: what is shipped is whole, and what is not whole is refused with its place.

use nda_boards::{BOARDS_TOML, Board, BoardError, Direction, Family, MEMORY_FILES, PIN_FILES, PinFile, Pll};
use std::collections::BTreeSet;
use std::path::Path;

fn boards() -> Vec<Board> {
    Board::all().expect("boards.toml")
}

/// The shipped rows with one text replaced.
fn doctored(from: &str, to: &str) -> String {
    assert!(BOARDS_TOML.contains(from), "'{from}' stands in boards.toml");
    Board::parse(&BOARDS_TOML.replacen(from, to, 1)).map(|_| ()).expect_err("a doctored row is refused").to_string()
}

#[test]
fn every_row_can_carry_its_configuration() {
    for board in boards() {
        board.check_image().unwrap_or_else(|e| panic!("{e}"));
    }
}

#[test]
fn ten_boards_are_routed_and_two_say_why_not() {
    let (routed, constraints): (Vec<Board>, Vec<Board>) = boards().into_iter().partition(|b| b.status.is_routed());
    assert_eq!((routed.len(), constraints.len()), (10, 2));
    assert!(constraints.iter().all(|b| b.note.len() > 20));
    for family in [Family::Ice40, Family::Ecp5, Family::Gowin] {
        assert!(routed.iter().any(|b| b.family == family), "{family:?}");
    }
}

/// An image in a flash somewhere says this number: it must never mean another board.
#[test]
fn ids_stay_with_their_boards() {
    let ids: Vec<(u16, String)> = boards().into_iter().map(|b| (b.id, b.name)).collect();
    let names = "ulx3s-85f ulx3s-25f ulx3s-12f colorlight-i5 icepi-zero icebreaker hx8k tang-nano-9k tang-nano-20k orangecrab tang-primer-25k gatemate-evb";
    let expected: Vec<(u16, String)> = names.split(' ').enumerate().map(|(i, name)| (i as u16 + 1, name.to_string())).collect();
    assert_eq!(ids, expected);
    // 13 was another image of the ULX3S 85F: boards that hold it say so.
    assert!(ids.iter().all(|(id, _)| *id != 13), "a number that is taken");
}

#[test]
fn every_pin_file_of_the_folder_is_a_rows_and_every_rows_is_there() {
    let folder = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the folder");
    let names = folder.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let is_constraint =
        |name: &String| ["lpf", "pcf", "cst", "ccf", "ebr"].iter().any(|end| Path::new(name).extension().is_some_and(|e| e == *end));
    let there: BTreeSet<String> = names.filter(is_constraint).collect();
    let listed: BTreeSet<String> = PIN_FILES.iter().chain(MEMORY_FILES).map(|(name, _)| name.to_string()).collect();
    let used: BTreeSet<String> = boards().into_iter().flat_map(|b| [b.pins, b.memories]).filter(|name| !name.is_empty()).collect();
    assert_eq!(there, listed, "the folder and the lists of files");
    assert_eq!(listed, used, "the lists of files and the rows");
}

#[test]
fn every_port_has_one_pin_and_every_pin_a_port() {
    for board in boards() {
        let file = board.pin_file().expect("a pin file");
        let ports: BTreeSet<&str> = board.ports().into_iter().map(|(port, _)| port).collect();
        let pinned: BTreeSet<&str> = file.pins.iter().map(|p| p.port.as_str()).collect();
        let sites: BTreeSet<&str> = file.pins.iter().map(|p| p.site.as_str()).collect();
        assert_eq!(ports, pinned, "{}", board.name);
        assert_eq!(sites.len(), file.pins.len(), "{}", board.name);
        assert_eq!(board.ports().iter().filter(|(_, direction)| *direction == Direction::Input).count(), 2, "{}", board.name);
    }
}

#[test]
fn every_ecp5_and_gowin_port_has_an_io_type_and_cst_files_one_statement_a_line() {
    for board in boards() {
        let file = board.pin_file().expect("a pin file");
        if matches!(board.family, Family::Ecp5 | Family::Gowin) {
            assert!(file.pins.iter().all(|p| p.io_type.starts_with("LVCMOS")), "{}", board.name);
        }
        if board.family == Family::Gowin {
            assert!(file.text.lines().all(|line| line.matches(';').count() <= 1), "{}", board.name);
        }
    }
}

#[test]
fn a_bad_row_is_named_with_its_field() {
    let cases = [
        ("name = \"hx8k\"", "name = \"HX8K\"", "board 'HX8K': name: must be lower case"),
        ("name = \"hx8k\"", "name = \"icebreaker\"", "board 'icebreaker': name: another row has this name"),
        ("id = 7\n", "id = 0\n", "board 'hx8k': id: must not be 0"),
        ("id = 7\n", "id = 6\n", "board 'hx8k': id: another row has the id 6"),
        ("[\"iceprog\", \"-S\", \"{bitstream}\"]", "[\"iceprog\", \"-S\"]", "board 'hx8k': programmer: must name {bitstream} once"),
        ("pins = \"hx8k-breakout.pcf\"", "pins = \"ulx3s.lpf\"", "board 'hx8k': pins: must end in .pcf"),
        ("memories = \"ulx3s-85f.ebr\"", "memories = \"other.ebr\"", "board 'ulx3s-85f': memories: there is no memory file 'other.ebr'"),
        (
            "pins = \"hx8k-breakout.pcf\"",
            "pins = \"hx8k-breakout.pcf\"\nmemories = \"ulx3s-85f.ebr\"",
            "board 'hx8k': memories: only an ECP5's block RAMs can be placed by a file",
        ),
        ("pins = \"hx8k-breakout.pcf\"", "pins = \"other.pcf\"", "board 'hx8k': pins: there is no pin file 'other.pcf'"),
        ("rx = \"ser_rx\"", "rx = \"rts\"", "board 'hx8k': pins: port 'rts' has no pin"),
        ("rx = \"ser_rx\"", "rx = \"ser_tx\"", "board 'hx8k': ports: two of the ports have one name"),
        ("\"leds[7]\"]", "\"leds[8]\"]", "board 'hx8k': ports: the bits of 'leds' must be 0, 1 and so on"),
        (
            "\"leds[3]\", \"leds[4]\", \"leds[5]\", \"leds[6]\", \"leds[7]\"]",
            "\"leds[4]\", \"leds[5]\", \"leds[6]\", \"leds[7]\"]",
            "'leds'",
        ),
        ("dark = [\"led[3]\", \"led[4]\"]", "dark = [\"led[3]\"]", "has a pin for 'led[4]', which is not a port of the row"),
        ("id = 7\n", "id = 7\nspeling = 1\n", "unknown field `speling`"),
        (
            "note = \"hx64 asks for 48 MHz; nextpnr 0.11.1 estimates 44.9 after placement, and its PLL misses the clock by 0.17 %: a configuration of 40 MHz or less is missing, and its packer in the flow.\"\n",
            "",
            "board 'gatemate-evb': note: must say why",
        ),
    ];
    for (from, to, expected) in cases {
        let message = doctored(from, to);
        assert!(message.contains(expected), "{from} -> {to}: {message}");
    }
}

#[test]
fn an_unknown_board_is_answered_with_the_names_there_are() {
    let Err(BoardError::Unknown { known, .. }) = Board::named("arty") else { panic!("arty is unknown") };
    assert!(known.contains("ulx3s-85f, ulx3s-25f"));
}

#[test]
fn an_image_that_the_board_cannot_carry_is_refused() {
    let board = || Board::named("hx8k").expect("hx8k");
    let slow = Board { max_baud: 9_600, ..board() };
    assert!(slow.check_image().unwrap_err().to_string().contains("max_baud: the bridge does 9600"));
    let unknown = Board { configuration: "wide9".into(), ..board() };
    assert!(unknown.check_image().unwrap_err().to_string().contains("no configuration is called 'wide9'"));
    let without = Board { pll: None, ..board() };
    assert!(without.check_image().unwrap_err().to_string().contains("a routed board needs one"));
    let off = Board { pll: Some(Pll::SbPll40Core { divr: 0, divf: 62, divq: 3 }), ..board() };
    assert!(off.check_image().unwrap_err().to_string().contains("pll: the output is 94.5000 MHz, but 96.0000 MHz are needed"));
}

#[test]
fn a_bad_line_of_a_pin_file_is_refused_with_its_number() {
    use Family::{Ecp5, Gatemate, Gowin, Ice40};
    let cases = [
        (Ice40, "set_io a 1\nset_io b 1\n", "t, line 2: pin 1 gets a second port, 'b'"),
        (Ice40, "set_io a 1\nset_io a 2\n", "t, line 2: port 'a' gets a second pin"),
        (Ice40, "set_io a\n", "t, line 1: 'set_io a' is not"),
        (Ice40, "# only words\n\nset_pin a 1\n", "t, line 3:"),
        (Gowin, "IO_LOC \"a\" 1; IO_PORT \"a\" IO_TYPE=LVCMOS33;\n", "t, line 1: one statement a line"),
        (Gowin, "IO_LOC \"a\" 1;\n", "t, line 1: port 'a' has no IO_TYPE"),
        (Gowin, "IO_LOC \"a\" 1;\nIO_PORT \"a\" PULL_MODE=UP;\n", "t, line 2: IO_TYPE is missing"),
        (Gowin, "IO_LOC \"a\" 1\n", "t, line 1: 'IO_LOC \"a\" 1' does not end with a semicolon"),
        (Gowin, "IO_LOC a 1;\n", "t, line 1: 'a' should stand in quotation marks"),
        (
            Ecp5,
            "LOCATE COMP \"a\" SITE \"B1\"; IOBUF PORT \"b\" IO_TYPE=LVCMOS33;\n",
            "t, line 1: 'b' gets attributes before it gets a pin",
        ),
        (Ecp5, "LOCATE COMP \"a\" SITE \"B1\";\nFREQUENCY PORT \"a\" 25 MHZ;\n", "t, line 2: 'FREQUENCY PORT \"a\" 25 MHZ' is not"),
        (Gatemate, "Pin_in \"a\" Loc \"IO_SB_A8\";\n", "t, line 1:"),
    ];
    for (family, text, expected) in cases {
        let message = PinFile::parse(family, "t", text).expect_err(text).to_string();
        assert!(message.contains(expected), "{text:?}: {message}");
    }
    let one_line = "LOCATE COMP \"a\" SITE \"B1\"; IOBUF PORT \"a\" PULLMODE=UP IO_TYPE=LVCMOS33; # nextpnr-ecp5 takes both\n";
    assert_eq!(PinFile::parse(Ecp5, "t", one_line).expect("a good line").pins[0].io_type, "LVCMOS33");
}

#[test]
fn plls_make_the_frequencies_of_their_data_sheets_and_refuse_others() {
    let ecp5 = |clki_div, clkfb_div, clkop_div| Pll::Ehxplll { clki_div, clkfb_div, clkop_div };
    let check = |pll: Pll, input: u32, wanted: u64| {
        let (family, part) = match pll {
            Pll::Ehxplll { .. } => (Family::Ecp5, "LFE5U-25F"),
            Pll::Rpll { .. } => (Family::Gowin, "GW2AR-LV18QN88C8/I7"),
            Pll::Plla { .. } => (Family::Gowin, "GW5A-LV25MG121NC1/I0"),
            _ => (Family::Ice40, "iCE40HX8K"),
        };
        pll.check(family, part, input, wanted).map_err(|e| e.to_string())
    };
    assert_eq!(check(ecp5(1, 4, 6), 25_000_000, 100_000_000), Ok(()));
    assert_eq!(ecp5(5, 24, 5).output(25_000_000).expect("no overflow").mhz(), 120.0);
    let refused = [
        (ecp5(1, 4, 3), 25_000_000, "the VCO is 300.000 MHz"),
        (ecp5(1, 4, 9), 25_000_000, "the VCO is 900.000 MHz"),
        (ecp5(10, 40, 6), 25_000_000, "the phase detector's clock is 2.500 MHz"),
        (ecp5(0, 4, 6), 25_000_000, "clki_div is 0, but must be 1 to 128"),
        (ecp5(1, 4, u32::MAX), 25_000_000, "clkop_div is 4294967295"),
        (ecp5(1, 5, 5), 25_000_000, "the output is 125.0000 MHz, but 100.0000 MHz are needed"),
        (Pll::SbPll40Core { divr: 0, divf: 32, divq: 2 }, 12_000_000, "the VCO is 396.000 MHz"),
        (Pll::SbPll40TwoPad { divr: 1, divf: 100, divq: 3 }, 12_000_000, "the phase detector's clock is 6.000 MHz"),
        (Pll::SbPll40Core { divr: 0, divf: 63, divq: u32::MAX }, 12_000_000, "divq is 4294967295"),
        (Pll::Rpll { idiv_sel: 0, fbdiv_sel: 5, odiv_sel: 2 }, 27_000_000, "the VCO is 324.000 MHz"),
        (Pll::Rpll { idiv_sel: 0, fbdiv_sel: 5, odiv_sel: 3 }, 27_000_000, "odiv_sel is 3"),
        (Pll::Plla { idiv_sel: 1, mdiv_sel: 15, odiv_sel: 7 }, 50_000_000, "the VCO is 750.000 MHz"),
        (Pll::Plla { idiv_sel: 8, mdiv_sel: 128, odiv_sel: 8 }, 50_000_000, "the phase detector's clock is 6.250 MHz"),
        (Pll::Plla { idiv_sel: 1, mdiv_sel: 16, odiv_sel: 0 }, 50_000_000, "odiv_sel is 0, but must be 1 to 128"),
    ];
    for (pll, input, expected) in refused {
        let message = check(pll, input, 100_000_000).expect_err("refused");
        assert!(message.contains(expected), "{pll:?}: {message}");
    }
    // Within one part in a thousand, and not beyond.
    let at = |wanted| check(ecp5(1, 4, 6), 25_000_000, wanted).is_ok();
    assert!(at(100_050_000) && at(99_950_000) && !at(100_200_000) && !at(99_800_000));
    assert_eq!(check(Pll::Rpll { idiv_sel: 0, fbdiv_sel: 5, odiv_sel: 4 }, 27_000_000, 162_000_000), Ok(()));
    assert_eq!(check(Pll::Plla { idiv_sel: 3, mdiv_sel: 68, odiv_sel: 7 }, 50_000_000, 162_000_000), Ok(()));
    assert!(Pll::Rpll { idiv_sel: 0, fbdiv_sel: 5, odiv_sel: 4 }.check(Family::Ecp5, "LFE5U", 27_000_000, 1).is_err());
    assert_eq!([12_000_000, 20_000_000, 48_000_000].map(|hz| Pll::SbPll40Core { divr: 0, divf: 63, divq: 4 }.filter_range(hz)), [1, 2, 4]);
}

/// Rights for some bridges alone leave the others' owners with "permission denied".
#[test]
fn every_bridge_has_its_udev_rule() {
    let rules = include_str!("../80-nda.rules");
    let ids = |bridge: &str| match bridge.split([' ', ',']).next().unwrap_or_default() {
        "FT231X" => Some(["0403", "6015"]),
        "FT2232H" | "BL702" | "BL616" => Some(["0403", "6010"]),
        "RP2040" => Some(["1209", "c0ca"]),
        _ => None,
    };
    for board in boards().iter().filter(|board| !board.bridge.starts_with("none")) {
        let name = board.bridge.split([' ', ',']).next().unwrap_or_default();
        let is_rule = |line: &str| match ids(&board.bridge) {
            Some([vendor, product]) => {
                line.contains(&format!("ATTR{{idVendor}}==\"{vendor}\"")) && line.contains(&format!("ATTR{{idProduct}}==\"{product}\""))
            }
            None => line.contains(&format!("*{name}*")),
        };
        let has_rule = rules.lines().any(|line| is_rule(line) && line.contains("GROUP=\"dialout\""));
        assert!(has_rule && rules.contains(name), "{}: no rule for {}", board.name, board.bridge);
    }
}
