//! Media types: by extension, and parsed (RFC 9110 §8.3).

use super::list::{item, parameters, trim, unquoted};
use crate::message::is_token;
use crate::scan::copy_into;

/// What is said of bytes of which nothing is known.
pub const OCTET_STREAM: &str = "application/octet-stream";

/// The `Content-Type` of a file with this name or path, by its last extension in any case; text comes with
/// its charset. [`OCTET_STREAM`] for what is not in the table.
pub fn of_path(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((_, extension)) = name.rsplit_once('.') else { return OCTET_STREAM };
    let mut lower = [0; EXTENSION_BYTES_MAX];
    let Some(room) = lower.get_mut(..extension.len()) else { return OCTET_STREAM };
    copy_into(room, extension.as_bytes());
    room.make_ascii_lowercase();
    let found = TABLE.binary_search_by(|(known, _)| known.as_bytes().cmp(room));
    found.ok().and_then(|at| TABLE.get(at)).map_or(OCTET_STREAM, |(_, kind)| kind)
}

const EXTENSION_BYTES_MAX: usize = 11;

/// Sorted by extension.
const TABLE: &[(&str, &str)] = &[
    ("3gp", "video/3gpp"),
    ("7z", "application/x-7z-compressed"),
    ("aac", "audio/aac"),
    ("apng", "image/apng"),
    ("asc", "text/plain; charset=utf-8"),
    ("atom", "application/atom+xml"),
    ("avi", "video/x-msvideo"),
    ("avif", "image/avif"),
    ("azw", "application/vnd.amazon.ebook"),
    ("bin", OCTET_STREAM),
    ("bmp", "image/bmp"),
    ("br", OCTET_STREAM),
    ("bz2", "application/x-bzip2"),
    ("cbor", "application/cbor"),
    ("cjs", "text/javascript; charset=utf-8"),
    ("conf", "text/plain; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("deb", "application/vnd.debian.binary-package"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("eot", "application/vnd.ms-fontobject"),
    ("epub", "application/epub+zip"),
    ("flac", "audio/flac"),
    ("geojson", "application/geo+json"),
    ("gif", "image/gif"),
    ("glb", "model/gltf-binary"),
    ("gltf", "model/gltf+json"),
    ("gz", "application/gzip"),
    ("heic", "image/heic"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/vnd.microsoft.icon"),
    ("ics", "text/calendar; charset=utf-8"),
    ("jar", "application/java-archive"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("jsonld", "application/ld+json"),
    ("jxl", "image/jxl"),
    ("log", "text/plain; charset=utf-8"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4a", "audio/mp4"),
    ("m4v", "video/mp4"),
    ("map", "application/json"),
    ("md", "text/markdown; charset=utf-8"),
    ("mid", "audio/midi"),
    ("midi", "audio/midi"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("mkv", "video/matroska"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpd", "application/dash+xml"),
    ("mpeg", "video/mpeg"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("opus", "audio/ogg"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("ps", "application/postscript"),
    ("rar", "application/vnd.rar"),
    ("rs", "text/plain; charset=utf-8"),
    ("rss", "application/rss+xml"),
    ("rtf", "application/rtf"),
    ("sh", "text/plain; charset=utf-8"),
    ("svg", "image/svg+xml; charset=utf-8"),
    ("tar", "application/x-tar"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("toml", "application/toml"),
    ("ts", "video/mp2t"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain; charset=utf-8"),
    ("vtt", "text/vtt; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("wav", "audio/wav"),
    ("weba", "audio/webm"),
    ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xhtml", "application/xhtml+xml; charset=utf-8"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "application/xml"),
    ("xz", "application/x-xz"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zip", "application/zip"),
    ("zst", "application/zstd"),
];

/// A media type with its parameters, as a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaType<'v> {
    /// `text` of `text/html`, in the case in which it was sent.
    pub kind: &'v [u8],
    /// `html` of `text/html`.
    pub subtype: &'v [u8],
    value: &'v [u8],
}

impl<'v> MediaType<'v> {
    /// Reads `type/subtype;name=value…`. `None` if it is malformed: a part that is no token, a parameter
    /// without a value, white space around its `=` (RFC 9110 §5.6.6), or the same parameter twice.
    pub fn parse(value: &'v [u8]) -> Option<MediaType<'v>> {
        let essence = item(value);
        let slash = essence.iter().position(|&byte| byte == b'/')?;
        let (kind, [_, subtype @ ..]) = essence.split_at_checked(slash)? else { return None };
        let parameters_fit = parameters(value).all(|(name, text)| {
            let is_value = |text: &[u8]| is_token(text) || is_quoted(text);
            is_token(name) && text.is_some_and(is_value) && same_name(value, name).nth(1).is_none()
        });
        let media_type = MediaType { kind, subtype, value };
        (is_token(kind) && is_token(subtype) && parameters_fit).then_some(media_type)
    }

    /// Whether this is `essence`, as in `application/json`, in any case.
    pub fn is(&self, essence: &str) -> bool {
        item(self.value).eq_ignore_ascii_case(essence.as_bytes())
    }

    /// The value of a parameter, its name in any case; with its quotes if it has escapes (see
    /// [`unescape`](super::list::unescape)).
    pub fn parameter(&self, name: &str) -> Option<&'v [u8]> {
        same_name(self.value, name.as_bytes()).next().map(|text| unquoted(text).unwrap_or(text))
    }
}

/// The values of every parameter with this name.
fn same_name<'v>(value: &'v [u8], name: &[u8]) -> impl Iterator<Item = &'v [u8]> {
    parameters(value)
        .filter(move |(other, _)| trim(other).eq_ignore_ascii_case(name))
        .filter_map(|(_, text)| text)
}

/// Whether `text` is one whole quoted string.
fn is_quoted(text: &[u8]) -> bool {
    let [b'"', inside @ .., b'"'] = text else { return false };
    let mut rest = inside;
    while let [byte, tail @ ..] = rest {
        rest = match (byte, tail) {
            (b'\\', [_, tail @ ..]) => tail,
            (b'\\' | b'"', _) => return false,
            _ => tail,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_types_are_valid() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (extension, kind) in TABLE {
            assert!(
                extension.len() <= EXTENSION_BYTES_MAX && of_path(&alloc::format!("/a.{extension}")) == *kind
            );
            let parsed = MediaType::parse(kind.as_bytes()).expect("valid");
            assert!(parsed.kind != b"text" || parsed.parameter("charset") == Some(b"utf-8"), "{kind}");
        }
    }

    #[test]
    fn the_last_extension_of_the_last_segment_decides() {
        for (path, kind) in [
            ("/index.html", "text/html; charset=utf-8"),
            ("/LOGO.PNG", "image/png"),
            ("/a.tar.gz", "application/gzip"),
            ("/app.webmanifest", "application/manifest+json"),
            ("/module.wasm", "application/wasm"),
            ("/README", OCTET_STREAM),
            ("/dir.html/file", OCTET_STREAM),
            ("/a.unknown", OCTET_STREAM),
            ("/a.muchlongerthanany", OCTET_STREAM),
            ("/a.", OCTET_STREAM),
            ("", OCTET_STREAM),
            ("x.css", "text/css; charset=utf-8"),
            ("/a.\u{e9}", OCTET_STREAM),
        ] {
            assert_eq!(of_path(path), kind, "{path}");
        }
    }

    #[test]
    fn media_types_are_read_with_their_parameters() {
        // RFC 9110 §8.3.1: these are all the same.
        for value in [
            r"text/html;charset=utf-8",
            r"Text/HTML;Charset=utf-8",
            r#"text/html; charset="utf-8""#,
            "text/html ; charset=utf-8",
        ] {
            let parsed = MediaType::parse(value.as_bytes()).expect("valid");
            assert!(parsed.is("text/html") && !parsed.is("text/htm"));
            assert_eq!(parsed.parameter("CHARSET"), Some(&b"utf-8"[..]), "{value}");
            assert_eq!(parsed.parameter("boundary"), None);
        }
        let form = MediaType::parse(br#"multipart/form-data; boundary="a;b,\"c\"""#).expect("valid");
        assert_eq!((form.kind, form.subtype), (&b"multipart"[..], &b"form-data"[..]));
        assert_eq!(form.parameter("boundary"), Some(&br#""a;b,\"c\"""#[..]));
    }

    #[test]
    fn malformed_media_types_are_refused() {
        for value in [
            "",
            "text",
            "text/",
            "/html",
            "text/html/x",
            "te xt/html",
            "text/ html",
            "text/html; charset",
            "text/html; charset=",
            "text/html; charset = utf-8",
            "text/html; charset=a; charset=b",
            "text/html; charset=\"a",
            "text/html; a=\"b\"c",
            "text/html, text/plain",
            "text/html; =a",
        ] {
            assert_eq!(MediaType::parse(value.as_bytes()), None, "{value}");
        }
        assert!(MediaType::parse(b"text/html;;").is_some());
    }
}
