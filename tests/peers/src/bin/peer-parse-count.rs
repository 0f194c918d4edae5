//! httparse over one request file, N times, for callgrind: `peer-parse-count FILE N`.

use std::hint::black_box;
use std::mem::MaybeUninit;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(times)) =
        (arguments.next(), arguments.next().and_then(|text| text.parse::<u64>().ok()))
    else {
        panic!("usage: peer-parse-count FILE N");
    };
    let bytes = std::fs::read(file).expect("a readable request file");
    let mut fields = 0;
    for _ in 0..times {
        fields += parse(black_box(&bytes));
    }
    println!("{fields}");
}

/// The fastest of its entry points: the header array is not initialised first.
#[inline(never)]
fn parse(bytes: &[u8]) -> usize {
    let mut headers = [MaybeUninit::<httparse::Header<'_>>::uninit(); 64];
    let mut request = httparse::Request::new(&mut []);
    let status = request.parse_with_uninit_headers(bytes, &mut headers).expect("a well-formed request");
    assert!(status.is_complete());
    black_box(&request).headers.len()
}
