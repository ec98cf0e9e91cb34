//! The token machine's cores, described as netlists: golden model `nda_spec::token`.

pub mod attention;
pub mod chooser;
