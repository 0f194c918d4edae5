//! The rules for request heads.

use super::*;
use crate::h2::ErrorCode;
use crate::message::{BodyFraming, PathAt, TargetForm, Version};

#[test]
fn a_head_looks_as_if_it_had_come_over_http_1() {
    let mut room = Room::of(&get_with(&[("accept", "*/*"), ("x-odd", "v w"), ("te", "trailers")]));
    room.lines[4].never_indexed = true;
    let parsed = room.request(true, &RULES).unwrap();
    assert_eq!(
        (parsed.spans.version, parsed.spans.body, parsed.length),
        (Version::Http2, BodyFraming::None, None)
    );
    let head = room.head(&parsed);
    assert_eq!(
        (head.method(), head.method_bytes(), head.form()),
        (Method::Get, &b"GET"[..], TargetForm::Origin)
    );
    assert_eq!((head.target(), head.path(), head.authority()), (&b"/"[..], "/", &b"a.example"[..]));
    let (_, index) = head.fields().parts();
    assert!(index[1].is_never_indexed() && !index[2].is_never_indexed());
    let expected = [("Host", "a.example"), ("Accept", "*/*"), ("x-odd", "v w"), ("TE", "trailers")];
    assert_eq!(pairs(&lines_of(head.fields())), expected);
}

#[test]
fn a_view_over_shared_memory_finds_the_same() {
    let mut room = Room::of(&get_with(&[("accept", "*/*")]));
    let parsed = room.request(true, &RULES).unwrap();
    let head = parsed.spans.view_shared(b"rx", &room.bytes, &room.fields, Scratch::default());
    assert_eq!((head.path(), head.fields().first(KnownName::Accept)), ("/", Some(&b"*/*"[..])));
    let words = head.words().unwrap();
    let (arena, _) = head.fields().parts();
    assert_eq!(words.target.bytes(arena), b"/");
    assert_eq!((words.method.bytes(arena), words.authority.bytes(arena)), (&b"GET"[..], &b"a.example"[..]));
}

#[test]
fn a_path_that_must_be_decoded_is_decoded_behind_the_lines() {
    let mut room = Room::of(&[GET[0], GET[1], GET[2], (":path", "/a%20b/../c?d=%41")]);
    let parsed = room.request(true, &RULES).unwrap();
    assert!(matches!(parsed.spans.target.path, PathAt::Arena(_)));
    let head = room.head(&parsed);
    assert_eq!(
        (head.path(), head.query(), head.target()),
        ("/c", Some(&b"d=%41"[..]), &b"/a%20b/../c?d=%41"[..])
    );
}

#[test]
fn edits_go_behind_all_that_belongs_to_the_head() {
    let mut room = Room::of(&[GET[0], GET[1], GET[2], (":path", "/a%20b"), ("accept", "x")]);
    let parsed = room.request(true, &RULES).unwrap();
    let mut head = room.head(&parsed);
    head.fields_mut().edit().unwrap().push("x-more", b"1").unwrap();
    assert_eq!((head.path(), head.fields().first("x-more")), ("/a b", Some(&b"1"[..])));
    assert_eq!(head.fields().first(KnownName::Host), Some(&b"a.example"[..]));
}

#[test]
fn each_pseudo_field_must_be_there_once_and_before_all_others() {
    for missing in [0, 1, 3] {
        let lines: Vec<_> = (0..4).filter(|&at| at != missing).map(|at| GET[at]).collect();
        malformed(&lines, PeerFault::PseudoFields);
    }
    for line in GET {
        malformed(&get_with(&[line]), PeerFault::PseudoFields);
        malformed(&get_with(&[("accept", "x"), line]), PeerFault::PseudoFields);
    }
    malformed(&[("accept", "x"), GET[0], GET[1], GET[2], GET[3]], PeerFault::PseudoFields);
    malformed(&[], PeerFault::PseudoFields);
}

#[test]
fn a_pseudo_field_that_no_request_has_is_malformed() {
    for line in [(":status", "200"), (":foo", "x"), (":", ""), (":Path", "/"), (":protocol", "websocket")] {
        malformed(&get_with(&[line]), PeerFault::PseudoFields);
    }
}

#[test]
fn a_name_is_a_token_in_lower_case() {
    for name in ["Accept", "x-Odd", "X", "", "a b", "a:b", "a\0", "a\r\nb", "a\u{7f}", "\u{e9}", " a", "a "] {
        malformed(&[GET[0], GET[1], GET[2], GET[3], (name, "v")], PeerFault::FieldNameSyntax);
    }
}

#[test]
fn a_value_has_no_control_character_and_no_space_at_its_ends() {
    for value in ["a\r", "a\n", "a\r\nb: c", "\0", "a\0b", " a", "a ", "\ta", "a\t", "\u{1}", "\u{7f}"] {
        malformed(&get_with_value(value), PeerFault::FieldValueSyntax);
        let path = [GET[0], GET[1], GET[2], (":path", value)];
        malformed(&path, PeerFault::FieldValueSyntax);
    }
    for value in ["", "a\tb", "a b", "\u{e9}"] {
        assert!(Room::of(&get_with_value(value)).request(true, &RULES).is_ok(), "{value}");
    }
}

fn get_with_value(value: &str) -> [(&str, &str); 5] {
    [GET[0], GET[1], GET[2], GET[3], ("x-value", value)]
}

#[test]
fn fields_of_an_http_1_connection_are_malformed() {
    for line in [
        ("connection", "close"),
        ("connection", ""),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("te", "trailers, gzip"),
        ("te", "gzip"),
        ("te", ""),
    ] {
        malformed(&get_with(&[line]), PeerFault::ConnectionField);
    }
    assert!(Room::of(&get_with(&[("te", "Trailers")])).request(true, &RULES).is_ok());
}

#[test]
fn host_may_say_again_what_the_authority_says_and_nothing_else() {
    for host in ["a.example", "A.EXAMPLE", "a.example:443", "a.example:"] {
        let mut room = Room::of(&get_with_host(host));
        let parsed = room.request(true, &RULES).unwrap();
        let head = room.head(&parsed);
        assert_eq!(pairs(&lines_of(head.fields())), [("Host", "a.example"), ("Accept", "x")]);
    }
    for host in ["b.example", "a.example:80", "a.example:8443", "", "a.example,b"] {
        malformed(&get_with_host(host), PeerFault::AuthorityConflict);
    }
    malformed(&get_with(&[("host", "a.example"), ("host", "a.example")]), PeerFault::HostRepeated);
}

fn get_with_host(host: &str) -> [(&str, &str); 6] {
    [GET[0], GET[1], GET[2], GET[3], ("host", host), ("accept", "x")]
}

#[test]
fn without_an_authority_host_says_it() {
    let mut room = Room::of(&[GET[0], GET[1], GET[3], ("accept", "x"), ("host", "b.example")]);
    let parsed = room.request(true, &RULES).unwrap();
    let head = room.head(&parsed);
    assert_eq!(head.authority(), b"b.example");
    assert_eq!(pairs(&lines_of(head.fields())), [("Accept", "x"), ("Host", "b.example")]);
    answered(&[GET[0], GET[1], GET[3]], PeerFault::HostMissing);
    let twice = [GET[0], GET[1], GET[3], ("host", "b.example"), ("host", "b.example")];
    malformed(&twice, PeerFault::HostRepeated);
}

#[test]
fn an_authority_that_is_no_host_is_answered_with_400() {
    for authority in ["", "user@a.example", "a.example:x", "a..b", "a/b"] {
        answered(&[GET[0], GET[1], (":authority", authority), GET[3]], PeerFault::HostSyntax);
    }
}

#[test]
fn a_path_begins_with_a_slash() {
    for path in ["", "a", "http://a.example/", "?a", "*", "**", "#"] {
        malformed(&[GET[0], GET[1], GET[2], (":path", path)], PeerFault::TargetSyntax);
    }
    for path in ["/%2f", "//a", "/..", "/%00", "/\\"] {
        answered(&[GET[0], GET[1], GET[2], (":path", path)], PeerFault::TargetAmbiguous);
    }
    for path in ["/ a", "/a b", "/#", "/%", "/\u{e9}"] {
        answered(&[GET[0], GET[1], GET[2], (":path", path)], PeerFault::TargetSyntax);
    }
}

#[test]
fn an_asterisk_is_for_options_alone() {
    let mut room = Room::of(&[(":method", "OPTIONS"), GET[1], GET[2], (":path", "*")]);
    let parsed = room.request(true, &RULES).unwrap();
    assert_eq!((parsed.spans.target.form, room.head(&parsed).path()), (TargetForm::Asterisk, ""));
}

#[test]
fn a_scheme_is_a_scheme_and_need_not_be_https() {
    for scheme in ["http", "HTTPS", "coap+tcp", "a.b-1"] {
        assert!(Room::of(&[GET[0], (":scheme", scheme), GET[2], GET[3]]).request(true, &RULES).is_ok());
    }
    for scheme in ["", "1a", "http://", "a b", "ht_tp", ":"] {
        malformed(&[GET[0], (":scheme", scheme), GET[2], GET[3]], PeerFault::PseudoFields);
    }
}

#[test]
fn a_method_is_any_token_and_case_counts() {
    let method = |method| Room::of(&[(":method", method), GET[1], GET[2], GET[3]]).request(true, &RULES);
    assert_eq!(method("get").unwrap().spans.method, Method::Other);
    assert_eq!(method("PURGE").unwrap().spans.method, Method::Other);
    for bad in ["", "G T", "GET/", "G\u{e9}T"] {
        assert_eq!(method(bad), Err(Refusal::Malformed(PeerFault::MethodSyntax)), "{bad}");
    }
}

#[test]
fn crumbs_of_cookies_are_put_together_where_the_first_stood() {
    let crumbs = [("cookie", "a=b"), ("accept", "x"), ("cookie", "c=d"), ("cookie", "e=f"), ("x-last", "y")];
    let mut room = Room::of(&get_with(&crumbs));
    let parsed = room.request(true, &RULES).unwrap();
    let head = room.head(&parsed);
    let expected = [("Host", "a.example"), ("Cookie", "a=b; c=d; e=f"), ("Accept", "x"), ("x-last", "y")];
    assert_eq!(pairs(&lines_of(head.fields())), expected);
}

#[test]
fn an_empty_crumb_leaves_no_space_at_an_end() {
    for (crumbs, joined) in [
        (["a=b", "", "c=d"], "a=b; c=d"),
        (["", "a=b", ""], "a=b"),
        (["a=b", "", ""], "a=b"),
        (["", "", ""], ""),
    ] {
        let mut room = Room::of(&get_with(&crumbs.map(|crumb| ("cookie", crumb))));
        let parsed = room.request(true, &RULES).unwrap();
        assert_eq!(room.head(&parsed).fields().single(KnownName::Cookie), Some(joined.as_bytes()));
    }
}

#[test]
fn one_cookie_costs_no_memory_and_crumbs_without_room_are_too_large() {
    let none = Rules { spare_bytes: 0, ..RULES };
    let one = get_with(&[("cookie", "a=b; c=d")]);
    assert!(Room::of(&one).request(true, &none).is_ok());
    let two = get_with(&[("cookie", "a=b"), ("cookie", "c=d")]);
    for spare in 0..8 {
        let rules = Rules { spare_bytes: spare, ..RULES };
        let refusal = Refusal::Answer(PeerFault::HeadTooLarge);
        assert_eq!(Room::of(&two).request(true, &rules), Err(refusal), "{spare}");
    }
    assert!(Room::of(&two).request(true, &Rules { spare_bytes: 8, ..RULES }).is_ok());
}

#[test]
fn a_length_is_one_number_and_agrees_with_the_end_of_the_stream() {
    let length =
        |lines: &[(&'static str, &'static str)], end| Room::of(&get_with(lines)).request(end, &RULES);
    let parsed = length(&[("content-length", "5")], false).unwrap();
    assert_eq!((parsed.length, parsed.spans.body), (Some(5), BodyFraming::Sized(5)));
    let parsed = length(&[("content-length", "0")], true).unwrap();
    assert_eq!((parsed.length, parsed.spans.body), (Some(0), BodyFraming::None));
    let parsed = length(&[("content-length", "0")], false).unwrap();
    assert_eq!((parsed.length, parsed.spans.body), (Some(0), BodyFraming::Streamed));
    assert_eq!(length(&[], false).unwrap().spans.body, BodyFraming::Streamed);
    let conflict = Err(Refusal::Malformed(PeerFault::LengthConflict));
    assert_eq!(length(&[("content-length", "5")], true), conflict);
    for value in ["", "+5", "5,5", "0x5", "5.", "99999999999999999999"] {
        let lines = [GET[0], GET[1], GET[2], GET[3], ("content-length", value)];
        malformed(&lines, PeerFault::ContentLengthSyntax);
    }
    let twice = [("content-length", "5"), ("content-length", "5")];
    malformed(&get_with(&twice), PeerFault::ContentLengthRepeated);
}

#[test]
fn an_expectation_is_known_or_refused() {
    let lines = get_with(&[("expect", "100-Continue")]);
    assert!(Room::of(&lines).request(false, &RULES).unwrap().spans.expect_continue);
    assert!(!Room::of(&lines).request(true, &RULES).unwrap().spans.expect_continue);
    answered(&get_with(&[("expect", "200-ok")]), PeerFault::ExpectationUnknown);
}

const CONNECT: [(&str, &str); 2] = [(":method", "CONNECT"), (":authority", "a.example:443")];

fn connect_rules() -> Rules {
    Rules { limits: Limits { connect_method: true, ..Limits::SERVER }, ..RULES }
}

#[test]
fn connect_names_a_host_and_a_port_and_nothing_else() {
    answered(&CONNECT, PeerFault::ConnectRefused);
    let mut room = Room::of(&CONNECT);
    let parsed = room.request(false, &connect_rules()).unwrap();
    assert_eq!((parsed.spans.target.form, parsed.spans.body), (TargetForm::Authority, BodyFraming::Streamed));
    assert_eq!(room.head(&parsed).authority(), b"a.example:443");
    malformed(&[CONNECT[0], CONNECT[1], GET[3]], PeerFault::PseudoFields);
    malformed(&[CONNECT[0], CONNECT[1], GET[1]], PeerFault::PseudoFields);
    malformed(&[CONNECT[0], ("host", "a.example:443")], PeerFault::PseudoFields);
    let no_port = Room::of(&[CONNECT[0], GET[2]]).request(false, &connect_rules());
    assert_eq!(no_port, Err(Refusal::Answer(PeerFault::TargetSyntax)));
    let with_length = Room::of(&[CONNECT[0], CONNECT[1], ("content-length", "1")]);
    let refusal = Refusal::Answer(PeerFault::UpgradeWithBody);
    assert_eq!({ with_length }.request(false, &connect_rules()), Err(refusal));
}

const WEBSOCKET: [(&str, &str); 5] =
    [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/chat"), GET[2]];

#[test]
fn an_extended_connect_asks_for_an_upgrade_as_http_1_would() {
    let rules = Rules { connect_protocol: true, ..RULES };
    let mut room = Room::of(&WEBSOCKET);
    let parsed = room.request(false, &rules).unwrap();
    let head = room.head(&parsed);
    assert!(head.asks_upgrade() && head.method() == Method::Connect && head.form() == TargetForm::Origin);
    assert_eq!((head.path(), head.authority()), ("/chat", &b"a.example"[..]));
    assert_eq!(head.fields().single(KnownName::Upgrade), Some(&b"websocket"[..]));
}

#[test]
fn an_extended_connect_needs_our_setting_and_all_of_its_fields() {
    malformed(&WEBSOCKET, PeerFault::PseudoFields);
    let rules = Rules { connect_protocol: true, ..RULES };
    let refusal = Err(Refusal::Malformed(PeerFault::PseudoFields));
    for missing in [0, 2, 3, 4] {
        let lines: Vec<_> = (0..5).filter(|&at| at != missing).map(|at| WEBSOCKET[at]).collect();
        assert_eq!(Room::of(&lines).request(false, &rules), refusal, "{lines:?}");
    }
    let mut get = WEBSOCKET;
    get[0] = GET[0];
    assert_eq!(Room::of(&get).request(false, &rules), refusal);
}

#[test]
fn trace_has_no_body() {
    let trace = [(":method", "TRACE"), GET[1], GET[2], GET[3]];
    assert!(Room::of(&trace).request(true, &RULES).is_ok());
    let refusal = Refusal::Answer(PeerFault::TraceWithBody);
    assert_eq!(Room::of(&trace).request(false, &RULES), Err(refusal));
}

#[test]
fn a_limit_that_is_hit_is_an_answer_for_this_stream() {
    let fields = Rules { limits: Limits { fields_max: 3, ..Limits::SERVER }, ..RULES };
    // `Host` takes one.
    assert!(Room::of(&get_with(&[("a", "1"), ("b", "2")])).request(true, &fields).is_ok());
    let refusal =
        Room::of(&get_with(&[("a", "1"), ("b", "2"), ("c", "3")])).request(true, &fields).unwrap_err();
    assert_eq!((refusal.fault(), refusal.status().unwrap().code()), (PeerFault::TooManyFields, 431));
    let target = Rules { limits: Limits { target_bytes_max: 3, ..Limits::SERVER }, ..RULES };
    assert!(Room::of(&[GET[0], GET[1], GET[2], (":path", "/ab")]).request(true, &target).is_ok());
    let refusal = Room::of(&[GET[0], GET[1], GET[2], (":path", "/abc")]).request(true, &target).unwrap_err();
    assert_eq!((refusal.fault(), refusal.status().unwrap().code()), (PeerFault::TargetTooLong, 414));
    assert_eq!(refusal.code(), ErrorCode::CANCEL);
}

#[test]
fn a_list_that_was_too_large_is_refused_unless_it_was_malformed_before() {
    for (line, refusal) in [
        (("accept", "x"), Refusal::Answer(PeerFault::HeadTooLarge)),
        (("Accept", "x"), Refusal::Malformed(PeerFault::FieldNameSyntax)),
    ] {
        let room = Room::of(&get_with(&[line]));
        let mut fields = room.fields.clone();
        let mut lines = Lines::of_request(&mut fields, &Limits::SERVER);
        let taken = room.lines.iter().filter(|line| lines.take(line, &room.bytes)).count();
        lines.refuse_size();
        assert_eq!(taken == 5, refusal.status().is_some());
        assert_eq!(lines.request(&mut [0; 64], 0, true, false, &Limits::SERVER), Err(refusal));
    }
}

#[test]
fn memory_of_any_size_gives_a_head_or_a_refusal() {
    let lines = get_with(&[("cookie", "a=b"), ("cookie", "c=d"), ("x-odd", "1")]);
    let mut room = Room::of(&lines);
    for slots in 0..9 {
        let mut fields = alloc::vec![Field::default(); slots];
        let mut lines = Lines::of_request(&mut fields, &Limits::SERVER);
        for line in &room.lines {
            lines.take(line, &room.bytes);
        }
        let parsed = lines.request(&mut room.bytes, room.used as u16, true, false, &Limits::SERVER);
        assert_eq!(parsed.is_ok(), slots >= 4, "{slots}");
    }
}
