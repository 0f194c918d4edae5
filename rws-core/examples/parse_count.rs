//! Parses the request head in a file N times: `parse_count FILE N`.
//!
//! Under `valgrind --tool=callgrind` the difference between two runs, divided by the difference of their N,
//! is the cost of one parse in instructions, with that of the loop here.

use core::hint::black_box;

use rws_core::h1::head::parse_request;
use rws_core::{Field, Limits, Scratch};

fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(path), Some(count)) = (args.next(), args.next().and_then(|count| count.parse::<u64>().ok()))
    else {
        eprintln!("usage: parse_count FILE N");
        std::process::exit(2);
    };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("{path}: {error}");
            std::process::exit(1);
        }
    };
    let (mut decoded, mut fields) = ([0; 8192], [Field::default(); 128]);
    let mut scratch = Scratch { bytes: &mut decoded, fields: &mut fields };
    let mut fields_seen = 0_u64;
    for _ in 0..count {
        let parsed = parse_request(black_box(&bytes), &mut 0, &mut scratch, &Limits::SERVER);
        match black_box(&parsed) {
            Ok(Some(head)) => fields_seen += u64::from(head.spans.fields_len),
            Ok(None) => return eprintln!("{path}: the head is incomplete"),
            Err(fault) => return eprintln!("{path}: {fault}"),
        }
    }
    println!("{count} heads, {fields_seen} fields");
}
