//! The `dovetail` command: what is asked for on the command line, and with which status it ends.
mod input;
fn main() {
    let _ = input::read(&[], &|_| None);
    let _ = input::read_trace(std::path::Path::new(""));
}
