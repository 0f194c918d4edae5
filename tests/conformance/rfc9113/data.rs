//! DATA (RFC 9113 §6.1) and PUSH_PROMISE (§6.6, §8.4).

use rws_tests::h2::codes::PROTOCOL_ERROR;
use rws_tests::h2::frame::{
    DATA, ENABLE_PUSH, END_HEADERS, END_STREAM, INITIAL_WINDOW_SIZE, PADDED, PUSH_PROMISE,
};

use crate::check::{Check, Verdict, checks, holds};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §6.1, §6.6":
    data_on_stream_zero_is_a_connection_error,
    padding_as_long_as_the_frame_is_a_connection_error,
    padded_data_is_content_without_its_padding,
    padding_counts_for_the_windows_and_comes_back,
    a_push_promise_from_a_client_is_a_connection_error,
    nothing_is_pushed_to_a_client_that_forbids_it,
];

fn data_on_stream_zero_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.data(0, b"test", true);
    s.connection_error(&[PROTOCOL_ERROR])
}

fn padding_as_long_as_the_frame_is_a_connection_error(site: &Site) -> Verdict {
    for payload in [&[6, b'a', b'b', 0, 0, 0][..], &[5, 0, 0, 0, 0], &[1], &[255, 0]] {
        let mut s = site.open()?;
        s.begin(1, &site.post());
        s.frame(DATA, PADDED | END_STREAM, 1, payload);
        s.connection_error(&[PROTOCOL_ERROR])?;
    }
    Ok(())
}

fn padded_data_is_content_without_its_padding(site: &Site) -> Verdict {
    let block = site.accepted_post()?.field("content-length", "7");
    let mut s = site.open()?;
    s.begin(1, &block);
    s.frame(DATA, PADDED, 1, [&[3][..], b"test", &[0; 3]].concat());
    s.frame(DATA, PADDED, 1, [&[255][..], &[0; 255]].concat());
    s.frame(DATA, PADDED, 1, [0]);
    s.frame(DATA, PADDED | END_STREAM, 1, [&[0][..], b"ing"].concat());
    let body = s.served(1)?.body;
    // An echo gives it back; another server may say what it likes.
    holds(body.is_empty() || body == b"testing" || !body.starts_with(b"test"), || {
        format!("{body:?} came back")
    })
}

fn padding_counts_for_the_windows_and_comes_back(site: &Site) -> Verdict {
    let block = site.accepted_post()?;
    let mut s = site.open()?;
    let mut left = i64::from(s.setting(INITIAL_WINDOW_SIZE, 65_535).min(65_535));
    s.begin(1, &block);
    // All of the window but for a little, in padding.
    while left > 256 + 8 {
        s.frame(DATA, PADDED, 1, [&[255][..], &[0; 255]].concat());
        left -= 256;
    }
    s.tolerates()?;
    s.frame(DATA, END_STREAM, 1, b"end");
    s.served(1).map(|_| ())
}

fn a_push_promise_from_a_client_is_a_connection_error(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.post());
    s.frame(PUSH_PROMISE, END_HEADERS, 1, [&3_u32.to_be_bytes()[..], &site.get().0].concat());
    s.connection_error(&[PROTOCOL_ERROR])
}

fn nothing_is_pushed_to_a_client_that_forbids_it(site: &Site) -> Verdict {
    let mut s = site.open_with(&[(ENABLE_PUSH, 0)])?;
    s.sound(1)?;
    s.tolerates()?;
    holds(!s.log.iter().any(|frame| frame.kind == PUSH_PROMISE), || s.story())
}
