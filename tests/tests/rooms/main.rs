//! The house rules, read from the sources themselves: how long files and functions are, which signatures have boolean
//! parameters, who prints, who waits, who has unsafe code, and whether the paths that texts name exist.

mod doors;
mod paths;
mod sizes;
mod sources;
