//! Programs of the vector unit.

use super::{Answer, LastProgram, ModelDevice};
use nda_spec::job::pack_activations;
use nda_spec::vector::cycles::{answer_bytes, probe, product, program_cost};
use nda_spec::vector::{Op as VectorOp, STEP_BYTES, Step, StepWord, WIDE_BYTES};
use nda_spec::wire::{CRC_BYTES, HEADER_BYTES, JOB_BYTES, PROGRAM_BYTES, Request, Status};
use nda_spec::{ActivationCode, width};

impl ModelDevice {
    pub(super) fn program(&mut self, request: &Request, payload: &[u8]) -> Answer {
        let refuse = |status, aux| (status, aux, Vec::new());
        let Some((&[a, b, c, d], input)) = payload.split_first_chunk::<PROGRAM_BYTES>() else { return refuse(Status::BadLen, 0) };
        let (id, after) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        if let Some(chain) = self.chain.as_ref().filter(|chain| chain.id == id) {
            return (Status::Dup, chain.cycles, chain.output.clone());
        }
        if after != id && self.chain.as_ref().is_none_or(|chain| chain.id != after) {
            return refuse(Status::StaleJob, id.into());
        }
        let (base, words) = (request.addr as u16, (request.addr >> 16) as u16);
        let g = self.geometry();
        // The seals of the program's own words, asked for as a job's are.
        if let Err(refused) = self.run_inside(&probe(id, base, words), 0, &vec![0; g.act_word_bytes()]) {
            return refused;
        }
        self.chain = None;
        let bytes = usize::from(base) * g.tile_word_bytes()..(usize::from(base) + usize::from(words)) * g.tile_word_bytes();
        let bytes = self.tiles[bytes].to_vec();
        match self.steps(id, &bytes, input) {
            Err(refused) => refused,
            Ok(output) => {
                let cost = program_cost(&g, base, &bytes).map_or(0, |cost| cost.cycles) as u32;
                self.cycles += u64::from(cost);
                self.chain = Some(LastProgram { id, cycles: cost, output: output.clone() });
                (Status::Ok, cost, output)
            }
        }
    }

    /// The steps of a program whose words are sealed; returns what it answers.
    fn steps(&mut self, id: u16, bytes: &[u8], mut input: &[u8]) -> Result<Vec<u8>, Answer> {
        let g = self.geometry();
        let bad = |status| (status, 0, Vec::new());
        let none = bad(Status::BadProgram);
        let mut rest = bytes;
        let mut declared = None;
        let (mut output, mut run_id) = (Vec::new(), id);
        loop {
            let (step, after) = rest.split_first_chunk::<STEP_BYTES>().ok_or_else(|| none.clone())?;
            let word = StepWord::from_bytes(step).ok_or_else(|| none.clone())?;
            if declared.is_some() == (word.op == VectorOp::Begin) {
                return Err(none);
            }
            let mut sums = Vec::new();
            match word.op {
                VectorOp::Begin if usize::from(word.count) != input.len() => return Err(bad(Status::BadLen)),
                VectorOp::Begin if usize::from(word.with) > answer_bytes(&g) => return Err(none),
                VectorOp::Begin => declared = Some(usize::from(word.with)),
                VectorOp::End if input.is_empty() && declared == Some(output.len()) => return Ok(output),
                VectorOp::End => return Err(none),
                VectorOp::Product => {
                    run_id = run_id.wrapping_add(1);
                    sums = self.product(run_id, &word)?;
                }
                _ => {}
            }
            let (constants, later) = after.split_at_checked(word.constant_bytes(&g)).ok_or_else(|| none.clone())?;
            rest = later;
            let mut step = Step::new(word);
            if word.op == VectorOp::Squares {
                step.floor = constants.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            } else {
                let wide = |b: &[u8]| i32::from_le_bytes([0, b[0], b[1], b[2]]) >> 8;
                step.constants = constants.chunks_exact(WIDE_BYTES).map(wide).collect();
            }
            let machine = self.machine.as_mut().ok_or_else(|| none.clone())?;
            machine.device_step(&step, &sums, &mut input, &mut output).map_err(|_| none.clone())?;
        }
    }

    /// The sums of a product step.
    fn product(&mut self, id: u16, word: &StepWord) -> Result<Vec<i32>, Answer> {
        let g = self.geometry();
        let Some(machine) = &self.machine else { return Err((Status::BadOp, 0, Vec::new())) };
        let cols = usize::from(word.beats) * g.array_cols;
        // The frame that the unit makes has a length of 13 bits.
        if cols + JOB_BYTES + HEADER_BYTES + CRC_BYTES >= 1 << 13 {
            return Err((Status::BadLen, 0, Vec::new()));
        }
        let codes: Vec<i8> = machine.codes.iter().cycle().take(cols).copied().collect();
        let job = product(&g, id, word, machine.sum);
        let results = self.run_inside(&job, word.groups, &pack_activations(&g, ActivationCode::A8, &codes))?;
        Ok(results.chunks_exact(width::RESULT_BYTES).map(|b| i32::from_le_bytes([0, b[0], b[1], b[2]]) >> 8).collect())
    }
}
