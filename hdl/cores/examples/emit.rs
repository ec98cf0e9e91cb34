//! Prints the Verilog of a configuration.
fn main() {
    let mut args = std::env::args().skip(1);
    let config = nda_spec::Config::named(&args.next().unwrap_or_else(|| "wide256".into())).expect("a configuration");
    let port = if args.next().as_deref() == Some("uart") { nda_cores::Port::Uart } else { nda_cores::Port::Parallel };
    match nda_cores::emit(&config, port) {
        Ok(emitted) => print!("{}", emitted.verilog),
        Err(e) => eprintln!("{e}"),
    }
}
