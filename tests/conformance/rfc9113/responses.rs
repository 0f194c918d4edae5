//! Requests and their answers (RFC 9113 §8.1, §8.3.2, §10.5.1).

use rws_tests::h2::frame::MAX_CONCURRENT_STREAMS;
use rws_tests::h2::{Block, End, Field, Stop};

use crate::check::{Check, Verdict, broken, checks, holds};
use crate::site::Site;

pub(crate) const CHECKS: &[Check] = checks!["RFC 9113 §8.1, §8.3.2":
    a_request_is_answered_whole,
    the_status_is_the_only_pseudo_field_and_comes_first,
    names_in_answers_are_in_lower_case,
    answers_have_no_fields_of_the_connection,
    the_length_that_an_answer_tells_is_its_length,
    an_answer_to_head_has_no_content,
    an_unknown_path_is_answered_on_its_own_stream,
    an_unknown_method_is_answered,
    requests_of_one_connection_are_answered_side_by_side,
    a_client_that_waits_for_continue_is_answered,
    trailers_behind_content_are_taken,
    trailers_without_content_are_taken,
    a_block_that_is_too_large_is_answered_or_refused,
    many_fields_are_answered_or_refused,
];

fn a_request_is_answered_whole(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &site.get());
    let body = s.served(1)?.body;
    holds(body.len() >= 5, || format!("--path has only {} octets of content", body.len()))
}

/// The heads of answers to all kinds of requests.
fn heads(site: &Site) -> Result<Vec<Vec<Field>>, crate::check::Finding> {
    let mut s = site.open()?;
    let requests = [
        site.get(),
        Block::request("HEAD", &site.path, &site.authority),
        Block::request("GET", "/nobody/has/this", &site.authority),
        Block::request("DELETE", &site.path, &site.authority),
        Block::request("OPTIONS", "*", &site.authority),
    ];
    let mut heads = Vec::new();
    for (stream, request) in (1..).step_by(2).zip(&requests) {
        s.request(stream, request);
        heads.push(s.heard(stream)?.fields);
    }
    Ok(heads)
}

fn the_status_is_the_only_pseudo_field_and_comes_first(site: &Site) -> Verdict {
    for fields in heads(site)? {
        let is_first = fields.first().is_some_and(|(name, value)| name == ":status" && value.len() == 3);
        let count = fields.iter().filter(|(name, _)| name.starts_with(':')).count();
        holds(is_first && count == 1, || format!("{fields:?}"))?;
    }
    Ok(())
}

fn names_in_answers_are_in_lower_case(site: &Site) -> Verdict {
    for fields in heads(site)? {
        let is_bad = |octet: u8| matches!(octet, 0..=b' ' | b'A'..=b'Z' | 0x7f..);
        let bad = fields.iter().find(|(name, _)| name.is_empty() || name.bytes().any(is_bad));
        holds(bad.is_none(), || format!("{bad:?}"))?;
    }
    Ok(())
}

fn answers_have_no_fields_of_the_connection(site: &Site) -> Verdict {
    const FORBIDDEN: [&str; 5] =
        ["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"];
    for fields in heads(site)? {
        let bad = fields.iter().find(|(name, _)| FORBIDDEN.contains(&name.as_str()));
        holds(bad.is_none(), || format!("{bad:?}"))?;
    }
    Ok(())
}

fn the_length_that_an_answer_tells_is_its_length(site: &Site) -> Verdict {
    let mut s = site.open()?;
    for (stream, path) in [(1, site.path.as_str()), (3, "/nobody/has/this")] {
        s.request(stream, &Block::request("GET", path, &site.authority));
        let response = s.heard(stream)?;
        let told = response.field("content-length").map(str::parse);
        let length = response.body.len();
        holds(told.is_none() || told == Some(Ok(length)), || format!("{told:?} told, {length} came"))?;
    }
    Ok(())
}

fn an_answer_to_head_has_no_content(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &Block::request("HEAD", &site.path, &site.authority));
    let response = s.heard(1)?;
    holds(response.body.is_empty() && response.end == End::Whole, || format!("{response:?}"))?;
    s.sound(3)
}

fn an_unknown_path_is_answered_on_its_own_stream(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &Block::request("GET", "/nobody/has/this", &site.authority));
    let response = s.heard(1)?;
    holds((400..500).contains(&response.status), || format!("{}", response.status))?;
    s.sound(3)
}

fn an_unknown_method_is_answered(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.request(1, &Block::request("BREW", &site.path, &site.authority));
    let response = s.heard(1)?;
    holds(response.status >= 200, || format!("{response:?}"))?;
    s.sound(3)
}

fn requests_of_one_connection_are_answered_side_by_side(site: &Site) -> Verdict {
    let mut s = site.open()?;
    let streams: Vec<u32> = (1..40).step_by(2).collect();
    let at_once = s.setting(MAX_CONCURRENT_STREAMS, u32::MAX).clamp(1, 20) as usize;
    for streams in streams.chunks(at_once) {
        for stream in streams {
            s.request(*stream, &site.get());
        }
        for stream in streams {
            s.served(*stream)?;
        }
    }
    Ok(())
}

/// The client sends its content when it is told to, or at last when nobody says anything (RFC 9110 §10.1.1).
fn a_client_that_waits_for_continue_is_answered(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.accepted_post()?.field("expect", "100-continue").field("content-length", "7"));
    s.tolerates()?;
    s.data(1, b"content", true);
    let response = s.served(1)?;
    holds(response.interim.iter().all(|status| *status == 100), || format!("{:?}", response.interim))?;
    s.sound(3)
}

fn trailers_behind_content_are_taken(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.accepted_post()?.field("trailer", "x-checksum"));
    s.data(1, b"content", false);
    s.request(1, &Block::new().field("x-checksum", "1234"));
    s.served(1)?;
    s.sound(3)
}

fn trailers_without_content_are_taken(site: &Site) -> Verdict {
    let mut s = site.open()?;
    s.begin(1, &site.accepted_post()?);
    s.request(1, &Block::new().field("x-checksum", "1234"));
    s.served(1)?;
    s.sound(3)
}

/// §10.5.1: 431, a stream error, an end of the connection; and no silence.
fn a_block_that_is_too_large_is_answered_or_refused(site: &Site) -> Verdict {
    let block = (0..16).fold(site.get(), |block, at| block.field(format!("x-{at}"), vec![b'x'; 12_000]));
    is_answered_or_refused(site, &block)
}

fn many_fields_are_answered_or_refused(site: &Site) -> Verdict {
    let block = (0..4_000).fold(site.get(), |block, _| block.field("a", "b"));
    is_answered_or_refused(site, &block)
}

fn is_answered_or_refused(site: &Site, block: &Block) -> Verdict {
    use rws_tests::h2::frame::{CONTINUATION, END_HEADERS, END_STREAM, HEADERS};
    let mut s = site.open()?;
    let pieces: Vec<&[u8]> = block.0.chunks(16_384).collect();
    for (at, piece) in pieces.iter().enumerate() {
        let flags = if at + 1 == pieces.len() { END_HEADERS } else { 0 };
        match at {
            0 => s.frame(HEADERS, END_STREAM | flags, 1, piece),
            _ => s.frame(CONTINUATION, flags, 1, piece),
        };
    }
    match s.response(1).and_then(|_| s.ping()) {
        Ok(()) | Err(Stop::Closed) => site.open()?.sound(1),
        Err(stop) => broken(format!("{stop}; it sent {}", s.story())),
    }
}
