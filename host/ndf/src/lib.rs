//! The `.ndf` document and the articles' matrix files.
