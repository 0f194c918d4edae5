//! The format of frames (RFC 9113 §4.1).

use rws_tests::h2::frame::{
    ACK, END_HEADERS, END_STREAM, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    priority_fields,
};

use crate::check::{Check, Verdict, checks};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §4.1":
    a_frame_of_unknown_type_is_ignored,
    a_frame_of_unknown_type_is_ignored_on_any_stream,
    flags_without_a_meaning_are_ignored,
    the_reserved_bit_is_ignored,
];

const RESERVED: u32 = 1 << 31;

fn a_frame_of_unknown_type_is_ignored(site: &Site) -> Verdict {
    let mut s = site.open()?;
    for kind in [0x16, 0x7f, 0xff] {
        s.frame(kind, 0xff, 0, b"whatever this is");
        s.frame(kind, 0, 0, b"");
    }
    s.tolerates()?;
    s.sound(1)
}

fn a_frame_of_unknown_type_is_ignored_on_any_stream(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(0x16, 0, 9, b"idle");
    s.begin(1, &site.post());
    s.frame(0x16, 0, 1, vec![0; 16_384]);
    s.data(1, b"", true);
    s.heard(1)?;
    s.frame(0x16, 0xff, 1, b"closed");
    s.sound(3)
}

fn flags_without_a_meaning_are_ignored(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(PING, !ACK, 0, [7; 8]);
    s.frame(SETTINGS, !ACK, 0, []);
    s.frame(WINDOW_UPDATE, 0xff, 0, 1_u32.to_be_bytes());
    s.frame(PRIORITY, 0xff, 1, priority_fields(0));
    s.frame(HEADERS, 0xd2 | END_STREAM | END_HEADERS, 1, site.get().0);
    s.served(1)?;
    s.frame(HEADERS, END_HEADERS, 3, site.post().0);
    s.frame(RST_STREAM, 0xff, 3, 8_u32.to_be_bytes());
    s.sound(5)
}

fn the_reserved_bit_is_ignored(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.frame(PING, 0, RESERVED, [7; 8]);
    s.frame(WINDOW_UPDATE, 0, RESERVED, (1 | RESERVED).to_be_bytes());
    s.frame(HEADERS, END_STREAM | END_HEADERS, 1 | RESERVED, site.get().0);
    s.served(1)?;
    s.sound(3)
}
