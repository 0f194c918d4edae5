//! Our head parser over one request file, N times, for callgrind: `parse-count FILE N`.
//!
//! Each pass validates the head, identifies the known names and finds the framing, as a server's connection
//! would have it done.

use core::hint::black_box;
use std::process::ExitCode;

use rws_core::h1::head::{self, ParsedRequest};
use rws_core::{Field, Limits, Scratch};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(times)) =
        (arguments.next(), arguments.next().and_then(|text| text.parse::<u64>().ok()))
    else {
        eprintln!("usage: parse-count FILE N");
        return ExitCode::from(2);
    };
    let bytes = match std::fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("parse-count: {file}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (mut arena, mut fields) = ([0; 4096], [Field::default(); 64]);
    let mut scratch = Scratch { bytes: &mut arena, fields: &mut fields };
    for _ in 0..times {
        if !parse(black_box(&bytes), &mut scratch) {
            eprintln!("parse-count: {file} is not a whole, acceptable request head");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

#[inline(never)]
fn parse(bytes: &[u8], scratch: &mut Scratch<'_>) -> bool {
    let mut head = ParsedRequest::BLANK;
    let read = head::parse_request_into(bytes, &mut 0, scratch, &Limits::SERVER, &mut head);
    black_box(&head);
    read == Ok(true)
}
