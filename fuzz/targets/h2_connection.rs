#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| rws_fuzz::h2_connection::check(data));

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("built without coverage: use `cargo +nightly fuzz run h2_connection`");
}
