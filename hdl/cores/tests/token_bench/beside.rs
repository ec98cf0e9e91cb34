//! What stands beside the machine, played: the array from the tile store, the attention from the golden model.

use super::*;

/// What stands beside the machine, played.
#[derive(Default)]
pub struct Play {
    work: Coming,
    wide: Coming,
    rows: Coming,
    /// Codes that came of a job.
    array: Vec<i64>,
    query: Vec<i64>,
    /// The scale of the codes that came last.
    scale: Option<Scale>,
    beside: Array,
    mixed: (Vec<i32>, Vec<Scale>),
    addresses: VecDeque<u64>,
    scored: Option<u64>,
    mixes: Option<u64>,
}

/// The table array, played.
#[derive(Default)]
pub struct Array {
    /// Cycles of first loads.
    loads: VecDeque<u64>,
    last_load: Option<u64>,
    x: Vec<i64>,
    partial: Vec<Vec<i64>>,
    results: VecDeque<(u64, Vec<i64>)>,
    group: usize,
}

impl Play {
    pub fn see(&mut self, m: &mut Evaluation, e: &mut Expected) {
        for odd in 0..2 {
            if m.peek(&format!("work_writes_{odd}"))[0] == 1 {
                let word = m.peek("work_write_word")[0] as usize;
                let values = lanes(m.peek("work_written"), 18, WORD);
                self.work.put(word, values, &mut e.work, "work");
            }
        }
        let values = lanes(&all(m, "values"), 24, WORD);
        if m.peek("wide_writes")[0] == 1 {
            let word = m.peek("wide_write_at")[0] as usize - usize::from(e.bases[0]);
            let left = e.wide.len();
            self.wide.put(word, values.clone(), &mut e.wide, "wide values");
            if e.wide.len() < left {
                e.bases.pop_front();
            }
        }
        if m.get("append_valid") == 1 {
            let word = m.get("append_word") as usize;
            self.rows.put(word, values.clone(), &mut e.rows, "a row of the cache");
        }
        if m.get("logit_valid") == 1 {
            let keep = m.get("logit_keep") as usize;
            let kept = values.iter().enumerate().filter(|(k, _)| keep >> k & 1 == 1).map(|(_, v)| *v as i32);
            let kept: Vec<i32> = kept.collect();
            let rest = e.logits.split_off(kept.len());
            assert_eq!(kept, std::mem::replace(&mut e.logits, rest), "logits");
        }
        self.see_codes(m, e);
    }

    fn see_codes(&mut self, m: &mut Evaluation, e: &mut Expected) {
        if m.peek("codes_to_array")[0] == 1 {
            self.array.extend(lanes(m.peek("codes_word_of_makers"), 8, 16));
            let want = &e.array_codes[0];
            if self.array.len() >= want.len().next_multiple_of(128) {
                let mut want: Vec<i64> = want.iter().map(|c| i64::from(*c)).collect();
                want.resize(self.array.len(), 0);
                assert_eq!(self.array, want, "codes of the array");
                self.array.clear();
                self.scale = e.array_scales.pop_front();
                e.array_codes.pop_front();
            }
        }
        if m.get("query_valid") == 1 {
            self.query.extend(lanes(&all(m, "query_codes"), 8, 16));
            if self.query.len() >= e.query_codes[0].len() {
                let want: Vec<i64> = e.query_codes.pop_front().unwrap().iter().map(|c| i64::from(*c)).collect();
                assert_eq!(std::mem::take(&mut self.query), want, "codes of the query");
            }
        }
        if m.get("scale_valid") == 1 {
            let found = Scale { mantissa: m.get("scale_mantissa") as i32, exponent: i32::from(m.get("scale_exponent") as i8) };
            assert_eq!(Some(found), e.scales.pop_front(), "a scale of the query");
        }
    }

    pub fn answer(&mut self, m: &mut Evaluation, tiles: &[Vec<i8>], e: &mut Expected, now: u64) {
        if m.get("array_issue") == 1 && m.get("array_is_load") == 0 {
            let exponent = i32::from(m.peek("codes_exponent")[0] as i8);
            assert_eq!(
                Some(Scale { mantissa: m.peek("codes_mantissa")[0] as i32, exponent }),
                self.scale,
                "the scale of the array's codes"
            );
        }
        self.beside.answer(m, tiles, now);
        m.set("query_ready", &[1]);
        m.set("kv_ready", &[1]);
        if m.get("score_start") == 1 {
            self.scored = Some(now + PLAYED_CYCLES);
        }
        if m.get("mix_start") == 1 {
            self.mixes = Some(now + PLAYED_CYCLES);
            self.mixed = e.mixed.pop_front().expect("a mix");
        }
        m.set("score_done", &[u64::from(self.scored == Some(now))]);
        m.set("mix_done", &[u64::from(self.mixes == Some(now + 1))]);
        // Three cycles from an address to what was mixed, one to its factor.
        if let Some(word) = self.addresses.back() {
            let dim = (self.mixed.0.len() / self.mixed.1.len().max(1)).max(1);
            if let Some(scale) = self.mixed.1.get(*word as usize * WORD / dim) {
                m.set("mixed_mantissa", &[scale.mantissa as u64]);
                m.set("mixed_exponent", &[scale.exponent as u64 & 255]);
            }
        }
        self.addresses.push_back(m.get("mixed_address"));
        if self.addresses.len() > 3 {
            let word = self.addresses.pop_front().unwrap() as usize;
            if let Some(values) = self.mixed.0.get(word * WORD..(word + 1) * WORD) {
                m.set("mixed", &packed(&values.iter().map(|v| i64::from(*v)).collect::<Vec<_>>(), 18));
            }
        }
    }
}

impl Array {
    /// The table array: what is loaded stands two cycles after its first issue, sums come 15 after a beat's.
    pub fn answer(&mut self, m: &mut Evaluation, tiles: &[Vec<i8>], now: u64) {
        if self.loads.front().is_some_and(|at| at + 2 == now) {
            self.loads.pop_front();
            let bits = all(m, "x");
            let code = |col: usize| (0..8).fold(0_u8, |c, p| c | ((bits[(p * 128 + col) / 64] >> (col % 64) & 1) as u8) << p) as i8;
            self.x = (0..128).map(|col| i64::from(code(col))).collect();
        }
        if m.get("array_issue") == 1 && m.get("array_is_load") == 1 {
            // Loads come sixteen in a row.
            if self.loads.back().is_none_or(|at| at + 16 <= now) && self.last_load.is_none_or(|at| at + 16 <= now) {
                self.loads.push_back(now);
                self.last_load = Some(now);
                self.group = 0;
            }
        } else if m.get("array_issue") == 1 {
            let tile = &tiles[m.get("tile_address") as usize];
            let sum = |row: usize| tile[row * 128..][..128].iter().zip(&self.x).map(|(w, x)| i64::from(*w) * x).sum::<i64>();
            let rows = tile.len() / 128;
            let mut sums: Vec<i64> = (0..rows).map(sum).collect();
            self.partial.resize(self.partial.len().max(self.group + 1), vec![0; rows]);
            if m.get("array_is_first") == 0 {
                sums.iter_mut().zip(&self.partial[self.group]).for_each(|(s, p)| *s += p);
            }
            self.partial[self.group].clone_from(&sums);
            self.group += 1;
            if m.get("array_is_last") == 1 {
                self.results.push_back((now + 15, sums));
            }
        }
        match self.results.front() {
            Some((at, _)) if *at == now => {
                let (_, sums) = self.results.pop_front().unwrap();
                m.set("result", &packed(&sums, 24));
            }
            // Nothing that anybody may take.
            _ => m.set("result", &packed(&vec![0x5a_5a5a; tiles[0].len() / 128], 24)),
        }
    }
}
