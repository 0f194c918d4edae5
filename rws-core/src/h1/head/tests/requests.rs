//! The rules for request heads.

use super::*;
use crate::message::{KnownName, PathAt, TargetForm, Version};

#[test]
fn a_plain_get_is_read() {
    let bytes = b"GET /a/b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nX-Odd:  v w \t\r\nAccept:*/*\r\n\r\n";
    let seen = Requests(Limits::SERVER).at_every_split(bytes).unwrap();
    let (head, index) = seen.unwrap();
    let spans = head.spans;
    assert_eq!((spans.method, spans.version, spans.body), (Method::Get, Version::Http11, BodyFraming::None));
    assert_eq!(spans.method_at.bytes(bytes), b"GET");
    assert_eq!(spans.target.form, TargetForm::Origin);
    assert_eq!(spans.target.raw.bytes(bytes), b"/a/b?c=d");
    assert_eq!(spans.target.path, PathAt::Arena(Span { at: 4, len: 4 }));
    assert_eq!(spans.target.query.unwrap().bytes(bytes), b"c=d");
    assert_eq!(spans.target.authority.bytes(bytes), b"example.com:8080");
    assert!(head.persistent && !spans.expect_continue && !spans.upgrade);
    let lines: Vec<_> =
        index.iter().map(|field| (field.name(bytes).as_bytes(), field.value(bytes))).collect();
    assert_eq!(lines, [(&b"Host"[..], &b"example.com:8080"[..]), (b"X-Odd", b"v w"), (b"Accept", b"*/*")]);
    assert_eq!(index[0].known_name(), Some(KnownName::Host));
    assert_eq!(index[1].known_name(), None);
}

#[test]
fn bytes_after_the_head_are_left_alone() {
    let bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n\0\xff next";
    let seen = Requests(Limits::SERVER).at_every_split(bytes).unwrap();
    assert_eq!(seen.unwrap().0.spans.arena_len, 27);
}

#[test]
fn the_method_is_any_token_and_case_counts() {
    assert_eq!(accepted(b"get / HTTP/1.1\r\nHost: a\r\n\r\n").spans.method, Method::Other);
    let purge = accepted(b"PURGE!~ / HTTP/1.1\r\nHost: a\r\n\r\n").spans;
    assert_eq!((purge.method, purge.method_at), (Method::Other, Span { at: 0, len: 7 }));
    for method in Method::NAMED {
        if method != Method::Connect {
            let bytes = alloc::format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", method.as_str());
            assert_eq!(accepted(bytes.as_bytes()).spans.method, method);
        }
    }
}

#[test]
fn a_method_that_is_no_token_is_refused() {
    for line in ["G@T / HTTP/1.1", " GET / HTTP/1.1", "G\tT / HTTP/1.1", "(GET) / HTTP/1.1", "\x16\x03\x01"] {
        refused(&alloc::format!("{line}\r\nHost: a\r\n\r\n").into_bytes(), PeerFault::MethodSyntax);
    }
    refused(b"GET\x80 / HTTP/1.1\r\nHost: a\r\n\r\n", PeerFault::MethodSyntax);
}

#[test]
fn a_request_line_has_exactly_two_single_spaces() {
    for line in [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / a HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /",
        "GET",
        "GET / ",
    ] {
        refused(&alloc::format!("{line}\r\nHost: a\r\n\r\n").into_bytes(), PeerFault::RequestLineSyntax);
    }
}

#[test]
fn a_tab_or_control_byte_or_obs_text_in_the_target_is_refused() {
    for byte in [b'\t', 0, 0x0b, 0x7f, 0x80, 0xff] {
        let bytes = [b"GET /a".as_slice(), &[byte], b"b HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        refused(&bytes, PeerFault::TargetSyntax);
    }
}

#[test]
fn a_target_longer_than_its_limit_is_refused_before_the_head_ends() {
    let limits = Limits { target_bytes_max: 20, ..Limits::SERVER };
    let fits = b"GET /2345678901234567890 HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(Requests(limits).at_every_split(fits).unwrap().is_some());
    let long = b"GET /23456789012345678901 HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(Requests(limits).at_every_split(long), Err(PeerFault::TargetTooLong));
    assert_eq!(Requests(limits).at_every_split(&long[..26]), Err(PeerFault::TargetTooLong));
}

#[test]
fn the_version_is_exact() {
    for version in ["HTTP/1", "HTTP/1.", "HTTP/a.1", "HTTP/1,1", "HTTP/1.x", "HTTP/11.1", "HTTP/-1.1"] {
        refused(&alloc::format!("GET / {version}\r\nHost: a\r\n\r\n").into_bytes(), PeerFault::VersionSyntax);
    }
    for version in ["HTTP/1.10", "http/1.1", "HTTPS/1.1", "HTTP 1.1", "ICE/1.0", "H"] {
        refused(
            &alloc::format!("GET / {version}\r\nHost: a\r\n\r\n").into_bytes(),
            PeerFault::RequestLineSyntax,
        );
    }
}

#[test]
fn an_unknown_major_version_is_505() {
    for version in ["HTTP/2.0", "HTTP/0.9", "HTTP/3.1", "HTTP/9.9"] {
        refused(
            &alloc::format!("GET / {version}\r\nHost: a\r\n\r\n").into_bytes(),
            PeerFault::VersionUnsupported,
        );
    }
}

#[test]
fn a_later_minor_version_counts_as_1_1() {
    assert_eq!(accepted(b"GET / HTTP/1.2\r\nHost: a\r\n\r\n").spans.version, Version::Http11);
    assert_eq!(accepted(b"GET / HTTP/1.9\r\nHost: a\r\n\r\n").spans.version, Version::Http11);
    refused(b"GET / HTTP/1.2\r\n\r\n", PeerFault::HostMissing);
}

#[test]
fn a_bare_lf_in_the_head_is_refused() {
    refused(b"GET / HTTP/1.1\nHost: a\r\n\r\n", PeerFault::BareLineEnding);
    refused(b"GET / HTTP/1.1\r\nHost: a\n\r\n", PeerFault::BareLineEnding);
    refused(b"GET / HTTP/1.1\r\nHost: a\r\n\n", PeerFault::BareLineEnding);
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nX: b\nY: c\r\n\r\n", PeerFault::BareLineEnding);
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nX\n\r\n", PeerFault::BareLineEnding);
    refused(b"GET / HTTP/1.1\n\n", PeerFault::BareLineEnding);
}

#[test]
fn a_bare_cr_in_the_head_is_refused() {
    refused(b"GET / HTTP/1.1\rHost: a\r\n\r\n", PeerFault::BareLineEnding);
    refused(b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", PeerFault::BareLineEnding);
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", PeerFault::BareLineEnding);
    refused(b"GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n", PeerFault::BareLineEnding);
    refused(b"GET / HTTP/1.1\r\n\r\r\n", PeerFault::BareLineEnding);
}

#[test]
fn a_control_byte_in_a_value_is_refused() {
    for byte in (0..=0x1f).chain([0x7f]).filter(|byte| !matches!(byte, b'\t' | b'\r' | b'\n')) {
        let bytes = [b"GET / HTTP/1.1\r\nHost: a\r\nX: b".as_slice(), &[byte], b"c\r\n\r\n"].concat();
        refused(&bytes, PeerFault::FieldValueSyntax);
    }
}

#[test]
fn a_tab_and_obs_text_in_a_value_are_kept() {
    let bytes = b"GET / HTTP/1.1\r\nHost: a\r\nX:\t b\t\xc3\xa4 c\x80 \r\n\r\n";
    let (_, index) = Requests(Limits::SERVER).at_every_split(bytes).unwrap().unwrap();
    assert_eq!(index[1].value(bytes), b"b\t\xc3\xa4 c\x80");
}

#[test]
fn an_empty_or_blank_value_is_empty() {
    let bytes = b"GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t \r\n\r\n";
    let (_, index) = Requests(Limits::SERVER).at_every_split(bytes).unwrap().unwrap();
    assert_eq!((index[1].value(bytes), index[2].value(bytes)), (&b""[..], &b""[..]));
}

#[test]
fn a_folded_line_is_refused() {
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", PeerFault::ObsoleteFold);
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n", PeerFault::ObsoleteFold);
    refused(b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", PeerFault::ObsoleteFold);
}

#[test]
fn space_before_the_colon_is_refused() {
    refused(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", PeerFault::FieldNameSyntax);
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length\t: 1\r\n\r\n", PeerFault::FieldNameSyntax);
}

#[test]
fn a_field_name_is_a_token_that_is_not_empty() {
    for name in ["", "a b", "a\0", "a\"", "a(", "a/b", "a@", "a[", "\u{e4}", "Content\x0bLength"] {
        refused(&post(&alloc::format!("{name}: 1")), PeerFault::FieldNameSyntax);
    }
    refused(&post("no colon"), PeerFault::FieldNameSyntax);
    refused(&post("nocolon"), PeerFault::FieldNameSyntax);
}

#[test]
fn host_must_be_there_once_and_valid() {
    refused(b"GET / HTTP/1.1\r\n\r\n", PeerFault::HostMissing);
    refused(b"GET / HTTP/1.1\r\nX-Host: a\r\n\r\n", PeerFault::HostMissing);
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", PeerFault::HostRepeated);
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", PeerFault::HostRepeated);
    refused(b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", PeerFault::HostRepeated);
    for host in [
        "", " ", "a b", "a,b c", "a/b", "u@a", "a:b", "a:65536", ":80", "a:1:2", "a?b", "a#b", "a\\b", "%4",
        "%zz",
    ] {
        refused(
            &alloc::format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes(),
            PeerFault::HostSyntax,
        );
    }
    for host in
        ["[::1", "[::1]a", "[::1]80", "[]", "[1.2.3.4]", "[v1.a]", "::1", "[fe80::1%25eth0]", "\u{e4}"]
    {
        refused(
            &alloc::format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes(),
            PeerFault::HostSyntax,
        );
    }
}

#[test]
fn a_valid_host_is_the_authority() {
    for host in
        ["a", "127.0.0.1:8080", "[::1]", "[2001:db8::1]:443", "x_y.example", "a:", "a:65535", "xn--a!"]
    {
        let bytes = alloc::format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
        assert_eq!(accepted(&bytes).spans.target.authority.bytes(&bytes), host.as_bytes());
    }
}

#[test]
fn the_authority_of_an_absolute_target_wins() {
    let bytes = b"GET http://b:81/x HTTP/1.1\r\nHost: a\r\n\r\n";
    let target = accepted(bytes).spans.target;
    assert_eq!((target.form, target.authority.bytes(bytes)), (TargetForm::Absolute, &b"b:81"[..]));
    refused(b"GET http://b/ HTTP/1.1\r\n\r\n", PeerFault::HostMissing);
    refused(b"GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n", PeerFault::HostSyntax);
}

#[test]
fn the_path_is_decoded_into_scratch() {
    let mut room = Room::new();
    let bytes = b"GET /a%20b/./c HTTP/1.1\r\nHost: a\r\n\r\n";
    let head = Requests(Limits::SERVER).parse(bytes, &mut 0, &mut room).unwrap().unwrap();
    assert_eq!(head.spans.view(bytes, room.scratch()).path(), "/a b/c");
    refused(b"GET /../a HTTP/1.1\r\nHost: a\r\n\r\n", PeerFault::TargetAmbiguous);
    refused(b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", PeerFault::TargetSyntax);
}

#[test]
fn http_1_0_may_leave_host_out() {
    let head = accepted(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!((head.spans.version, head.spans.target.authority), (Version::Http10, Span::EMPTY));
    refused(b"GET / HTTP/1.0\r\nHost: \r\n\r\n", PeerFault::HostSyntax);
}

#[test]
fn content_length_is_one_plain_decimal_number() {
    for value in
        ["", "-1", "+1", "1 2", "1,1", "1, 1", "0x10", "1e3", "1.0", "a", "1a", "\"1\"", "1;", "\u{663}"]
    {
        refused(&post(&alloc::format!("Content-Length: {value}")), PeerFault::ContentLengthSyntax);
    }
    refused(&post("Content-Length: 18446744073709551616"), PeerFault::ContentLengthSyntax);
    refused(&post("Content-Length: 99999999999999999999999"), PeerFault::ContentLengthSyntax);
    for (value, length) in [("0", 0), ("42", 42), ("007", 7), ("18446744073709551615", u64::MAX)] {
        let head = accepted(&post(&alloc::format!("content-LENGTH:\t{value} ")));
        assert_eq!(head.spans.body, BodyFraming::Sized(length));
    }
}

#[test]
fn a_repeated_content_length_is_refused_even_if_equal() {
    refused(&post("Content-Length: 1\r\nContent-Length: 1"), PeerFault::ContentLengthRepeated);
    refused(&post("Content-Length: 1\r\nX: y\r\ncontent-length: 2"), PeerFault::ContentLengthRepeated);
}

#[test]
fn content_length_with_transfer_encoding_is_refused() {
    refused(&post("Content-Length: 1\r\nTransfer-Encoding: chunked"), PeerFault::LengthAndEncoding);
    refused(&post("Transfer-Encoding: chunked\r\nContent-Length: 0"), PeerFault::LengthAndEncoding);
}

#[test]
fn one_chunked_is_the_only_transfer_coding() {
    for value in ["chunked", "CHUNKED", "Chunked", "\tchunked\t"] {
        let head = accepted(&post(&alloc::format!("Transfer-Encoding:{value}")));
        assert_eq!(head.spans.body, BodyFraming::Streamed);
    }
    refused(
        &post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        PeerFault::TransferEncodingSyntax,
    );
    for value in
        ["", "identity", "gzip", "chunked, gzip", "chunked, chunked", "xchunked", "chunked;a=b", "chunked,"]
    {
        refused(&post(&alloc::format!("Transfer-Encoding: {value}")), PeerFault::TransferEncodingSyntax);
    }
    for value in ["\"chunked\"", "chun ked", ",chunked", " ,chunked", "chunked chunked", "gzip;q=1, chunked"]
    {
        refused(&post(&alloc::format!("Transfer-Encoding: {value}")), PeerFault::TransferEncodingSyntax);
    }
}

#[test]
fn a_coding_we_lack_before_a_final_chunked_is_501() {
    refused(&post("Transfer-Encoding: gzip, chunked"), PeerFault::TransferEncodingUnsupported);
    refused(&post("Transfer-Encoding: a,b ,\tchunked"), PeerFault::TransferEncodingUnsupported);
}

#[test]
fn transfer_encoding_in_http_1_0_is_refused() {
    refused(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", PeerFault::TransferEncodingSyntax);
}

#[test]
fn expect_is_100_continue_or_417() {
    let head = accepted(&post("Content-Length: 3\r\nExpect: 100-Continue"));
    assert!(head.spans.expect_continue);
    for value in ["", "100", "100-continue, x", "200-ok", "100-continue; a=b"] {
        refused(&post(&alloc::format!("Expect: {value}")), PeerFault::ExpectationUnknown);
    }
}

#[test]
fn an_expectation_without_content_or_in_http_1_0_is_ignored() {
    assert!(!accepted(&post("Expect: 100-continue")).spans.expect_continue);
    assert!(!accepted(&post("Content-Length: 0\r\nExpect: 100-continue")).spans.expect_continue);
    let old = accepted(b"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    assert!(!old.spans.expect_continue);
}

#[test]
fn an_upgrade_needs_both_fields_and_http_1_1() {
    assert!(accepted(&post("Connection: keep-alive, Upgrade\r\nUpgrade: websocket")).spans.upgrade);
    assert!(accepted(&post("Upgrade: websocket\r\nConnection: UPGRADE")).spans.upgrade);
    assert!(!accepted(&post("Upgrade: websocket")).spans.upgrade);
    assert!(!accepted(&post("Connection: upgrade")).spans.upgrade);
    assert!(!accepted(&post("Connection: upgrade\r\nUpgrade:")).spans.upgrade);
    assert!(!accepted(b"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n").spans.upgrade);
}

#[test]
fn an_upgrade_with_a_body_is_refused() {
    let lines = "Connection: upgrade\r\nUpgrade: h2c\r\n";
    refused(&post(&alloc::format!("{lines}Content-Length: 1")), PeerFault::UpgradeWithBody);
    refused(&post(&alloc::format!("{lines}Transfer-Encoding: chunked")), PeerFault::UpgradeWithBody);
    assert!(accepted(&post(&alloc::format!("{lines}Content-Length: 0"))).spans.upgrade);
}

#[test]
fn a_trace_with_a_body_is_refused() {
    refused(b"TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", PeerFault::TraceWithBody);
    refused(b"TRACE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", PeerFault::TraceWithBody);
    assert_eq!(accepted(b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n").spans.body, BodyFraming::None);
}

#[test]
fn connect_is_refused_unless_it_is_switched_on() {
    refused(b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", PeerFault::ConnectRefused);
    let limits = Limits { connect_method: true, ..Limits::SERVER };
    let seen = Requests(limits).at_every_split(b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n").unwrap();
    assert_eq!(seen.unwrap().0.spans.target.form, TargetForm::Authority);
    for body in ["Content-Length: 1", "Transfer-Encoding: chunked"] {
        let head = alloc::format!("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n{body}\r\n\r\n");
        let seen = Requests(limits).at_every_split(head.as_bytes());
        assert_eq!(seen.unwrap_err(), PeerFault::UpgradeWithBody);
    }
}

#[test]
fn the_connection_persists_as_version_and_options_say() {
    let persists = |version: &str, lines: &str| {
        accepted(&alloc::format!("GET / HTTP/{version}\r\nHost: a\r\n{lines}\r\n").into_bytes()).persistent
    };
    assert!(persists("1.1", ""));
    assert!(persists("1.1", "Connection: keep-alive\r\n"));
    assert!(persists("1.1", "Connection: x-close\r\n"));
    assert!(!persists("1.1", "Connection: Close\r\n"));
    assert!(!persists("1.1", "Connection: a ,\t close,b\r\n"));
    assert!(!persists("1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
    assert!(!persists("1.0", ""));
    assert!(persists("1.0", "Connection: Keep-Alive\r\n"));
    assert!(!persists("1.0", "Connection: keep-alive, close\r\n"));
}

#[test]
fn a_head_longer_than_its_limit_is_refused() {
    let bytes = b"GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789\r\n\r\n";
    let with_max = |head_bytes_max: usize| {
        Requests(Limits { head_bytes_max: head_bytes_max as u16, ..Limits::SERVER }).at_every_split(bytes)
    };
    assert!(with_max(bytes.len()).unwrap().is_some());
    for max in 0..bytes.len() {
        assert_eq!(with_max(max), Err(PeerFault::HeadTooLarge), "{max}");
    }
}

#[test]
fn an_endless_head_is_refused_at_its_limit() {
    let bytes = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &alloc::vec![b'x'; 70_000]].concat();
    for head_bytes_max in [1024, 32 * 1024, u16::MAX] {
        let limits = Limits { head_bytes_max, ..Limits::SERVER };
        let max = usize::from(head_bytes_max);
        assert_eq!(Requests(limits).fed(&bytes, core::iter::once(max - 1)), Ok(None));
        assert_eq!(Requests(limits).fed(&bytes, [max - 1, max].into_iter()), Err(PeerFault::HeadTooLarge));
        assert_eq!(Requests(limits).fed(&bytes, core::iter::once(bytes.len())), Err(PeerFault::HeadTooLarge));
    }
}

#[test]
fn a_name_longer_than_a_field_can_hold_is_refused() {
    let bytes = |len: usize| post(&alloc::format!("{}: v", "n".repeat(len)));
    let whole = |len: usize| {
        let bytes = bytes(len);
        Requests(Limits::SERVER).fed(&bytes, core::iter::once(bytes.len()))
    };
    assert!(whole(Field::NAME_BYTES_MAX).unwrap().is_some());
    assert_eq!(whole(Field::NAME_BYTES_MAX + 1), Err(PeerFault::HeadTooLarge));
}

#[test]
fn more_fields_than_allowed_are_refused() {
    let bytes = post("A: 1\r\nB: 2");
    let with_max = |fields_max| Requests(Limits { fields_max, ..Limits::SERVER }).at_every_split(&bytes);
    assert!(with_max(3).unwrap().is_some());
    for fields_max in 0..3 {
        assert_eq!(with_max(fields_max), Err(PeerFault::TooManyFields));
    }
}

#[test]
fn too_few_lent_slots_count_as_too_many_fields() {
    let bytes = post("A: 1");
    let mut fields = [Field::default(); 1];
    let mut scratch = Scratch { bytes: &mut [], fields: &mut fields };
    let seen = parse_request(&bytes, &mut 0, &mut scratch, &Limits::SERVER);
    assert_eq!(seen, Err(PeerFault::TooManyFields));
}

#[test]
fn a_hopeless_head_is_refused_before_it_ends() {
    for (start, fault) in [
        ("GET\0", PeerFault::MethodSyntax),
        ("GET / HTTP/2.0", PeerFault::VersionUnsupported),
        ("GET / HTTP/1.1\r\nA\n", PeerFault::BareLineEnding),
        ("GET / HTTP/1.1\r\nHost : a", PeerFault::FieldNameSyntax),
        ("GET / HTTP/1.1\r\nContent-Length: x\r\n", PeerFault::ContentLengthSyntax),
        ("GET / HTTP/1.1\r\nA: b\x01", PeerFault::FieldValueSyntax),
    ] {
        refused(start.as_bytes(), fault);
    }
}
