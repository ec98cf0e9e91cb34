//! What pages hold: seals with their CRC-32s, the digest of a request's pages, the seals of the program memory.

use super::Layout;
use super::head::Fields;
use super::states as s;
use crate::netlist::kept::Kept;
use crate::netlist::{Module, Style, Value};
use nda_spec::width::index_bits;

/// Bits of a page's number.
pub(super) const PAGE_BITS: usize = 8;
/// Cycles for which a unit of the program memory is asked for; its word stands at the end.
const PEEK_CYCLES: u64 = 6;

/// Inputs that tell of the tile store.
pub(super) struct Touched<'m> {
    /// A word of it is written.
    pub tile_write: Value<'m>,
    /// Which.
    pub write_address: Value<'m>,
    /// The command processor sealed the page of its request.
    pub sealed: Value<'m>,
    /// It found other contents there.
    pub mismatched: Value<'m>,
}

/// What comes of it.
pub(super) struct Pages<'m> {
    /// The page of a walk that is not sealed.
    pub page: Value<'m>,
    /// In `WALK_LOOK`: it is.
    pub is_sealed: Value<'m>,
    /// In `WALK_CRC` and `SEAL_BYTES`: the last byte.
    pub is_last_byte: Value<'m>,
    /// In `WALK_CRC`: of the last page.
    pub is_last_page: Value<'m>,
    /// In `SEAL_PEEK`: the unit stands.
    pub has_unit: Value<'m>,
    /// In `SEAL_BYTES`: of the last unit.
    pub is_last_unit: Value<'m>,
    /// The CRC-32 or digest found.
    pub found: Value<'m>,
    /// In `WALK_END` and `SEAL_END`: it is the one expected.
    pub is_same: Value<'m>,
    /// Where the program memory is read.
    pub peek_address: Value<'m>,
}

/// The seals; `written` is the program memory's page of a unit that is being written, if one is.
pub(super) fn update<'m>(
    m: &'m Module,
    layout: &Layout,
    state: Value<'m>,
    fields: &Fields<'m>,
    touched: &Touched<'m>,
    written: (Value<'m>, Value<'m>),
    peek_data: Value<'m>,
) -> Pages<'m> {
    let always = m.always("pages");
    let is = |number: u64| state.is(number);
    let (tile_pages, all_pages) = (layout.tile_pages as u64, layout.all_pages());
    let page_of = |value: Value<'m>| value.low(PAGE_BITS).unsigned();
    // The walk over a request's pages: those of the tile store, then all of the program memory's.
    let page = Kept::new(m, "page", PAGE_BITS);
    let behind = always.register("page_behind", page_of(fields.first_page + fields.pages));
    let next = page.q.next();
    let at_border = next.equals(behind).named("at_border");
    let is_last_page = page.q.is(all_pages as u64 - 1);
    let step = Kept::new(m, "byte_step", 3);
    let is_last_byte = (is(s::WALK_CRC) & step.q.is(3)) | (is(s::SEAL_BYTES) & step.q.is(7));
    page.when(is(s::DECIDE), page_of(fields.first_page));
    page.when(is(s::WALK_CRC) & step.q.is(3), at_border.mux(m.constant(tile_pages, PAGE_BITS), next));
    let stepping = is(s::WALK_CRC) | is(s::SEAL_BYTES);
    step.when(!stepping, m.constant(0, 3));
    step.count(stepping);
    // Seals.
    let crcs = m.memory("crcs", Style::Distributed, all_pages.next_power_of_two(), 32);
    let address = |page: Value<'m>| page.low(index_bits(all_pages)).unsigned();
    let of_request = page_of(fields.addr);
    let own_seal = (is(s::SEAL_END)).named("own_seal");
    let same = Kept::new(m, "is_same", 1);
    let (is_written, written_page) = written;
    let tile_page = page_of(touched.write_address >> layout.page_words.trailing_zeros() as usize);
    let seals = always.register("seals", touched.sealed | (own_seal & same.q));
    let request_clears = always.register("request_clears", touched.mismatched | (own_seal & !same.q));
    let request_page = always.register("request_page", of_request);
    let tile_clears = always.register("tile_clears", touched.tile_write);
    let cleared_tile = always.register("cleared_tile", tile_page);
    let program_clears = always.register("program_clears", is_written);
    let cleared_program = always.register("cleared_program", written_page);
    let place = |page: Value<'m>| m.concat(&(0..all_pages as u64).rev().map(|number| address(page).is(number)).collect::<Vec<_>>());
    let nothing = m.constant(0, all_pages);
    let set = seals.mux(place(request_page), nothing);
    let clear = request_clears.mux(place(request_page), nothing)
        | tile_clears.mux(place(cleared_tile), nothing)
        | program_clears.mux(place(cleared_program), nothing);
    let changes = (seals | request_clears | tile_clears | program_clears).named("seals_change");
    let sealed = m.stage("sealed pages", changes).feedback("sealed", all_pages, |sealed| (sealed & !clear) | set);
    m.stage("crcs", seals).write(crcs, address(request_page), fields.word);
    let is_sealed = always.register("is_sealed", sealed.shifted_right(address(page.q)).bit(0));
    let crc_of_page = always.register("crc_of_page", crcs.at(address(page.q)));
    // The program memory, unit by unit.
    let unit = Kept::new(m, "unit", 20);
    let waited = Kept::new(m, "peek_waited", 3);
    waited.when(!is(s::SEAL_PEEK), m.constant(0, 3));
    waited.count(is(s::SEAL_PEEK));
    let has_unit = waited.q.is(PEEK_CYCLES - 1);
    let units = layout.page_units() as u64;
    let is_last_unit = (unit.q.low(layout.page_units().trailing_zeros() as usize)).unsigned().is(units - 1);
    let own_page = (of_request - m.constant(tile_pages, PAGE_BITS)).low(PAGE_BITS).unsigned();
    let first_unit = (own_page.extend(20) << layout.page_units().trailing_zeros() as usize).named("first_unit");
    unit.when(is(s::DECIDE), first_unit);
    unit.count(is(s::SEAL_BYTES) & step.q.is(7));
    // The bytes of either.
    let bytes = Kept::new(m, "bytes", 64);
    bytes.when(stepping, bytes.q >> 8);
    bytes.when(is(s::WALK_LOOK), crc_of_page.extend(64));
    bytes.when(is(s::SEAL_PEEK) & has_unit, peek_data);
    let crc = Kept::new(m, "crc", 32);
    crc.when(is(s::DECIDE), m.constant(u64::from(u32::MAX), 32));
    crc.when(stepping, crc_step(m, crc.q, bytes.q.low(8).unsigned()));
    let found = (!crc.q).named("crc_found");
    let expected = is(s::WALK_COMPARE).mux(fields.digest, fields.word);
    same.when(is(s::WALK_COMPARE) | is(s::SEAL_COMPARE), found.equals(expected));
    let of =
        Pages { page: page.q, is_sealed, is_last_byte, is_last_page, has_unit, is_last_unit, found, is_same: same.q, peek_address: unit.q };
    [page, step, same, unit, waited, bytes, crc].into_iter().for_each(Kept::close);
    of
}

/// The running CRC-32 after one more byte; `nda_spec::wire::crc32_step`.
fn crc_step<'m>(m: &'m Module, crc: Value<'m>, byte: Value<'m>) -> Value<'m> {
    let zeros = m.constant(0, 32);
    let polynomial = m.constant(0xEDB8_8320, 32);
    let mixed = (crc ^ byte.extend(32)).named("crc_mixed");
    (0..8).fold(mixed, |crc, bit| {
        let shifted = crc.bit(0).mux((crc >> 1) ^ polynomial, (crc >> 1) ^ zeros);
        shifted.named(&format!("crc_after_{bit}"))
    })
}
