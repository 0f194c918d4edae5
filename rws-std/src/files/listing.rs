//! The page that lists a directory: escaped, sorted, with relative links, bounded.

use alloc::sync::Arc;

use rustix::fs::{Dir, FileType};
use rws_core::message::encode_path;

use super::Files;
use super::root::{Located, Refusal, refusal};
use super::rules::{is_admitted, is_dot_file, is_key_file};

/// Renders the directory at `path` (relative to the root, empty for the root itself).
///
/// Names that would not be served are left out, and so are those that no request can spell (not UTF-8, or
/// with a control character or a backslash). At most `listing_entries_max` entries are read.
pub(super) fn render(files: &Files, path: &str) -> Result<Arc<[u8]>, Refusal> {
    let fd = files.root.directory(path, |real| is_admitted(files, real, true))?;
    let mut names = Vec::new();
    let mut more = false;
    for (seen, entry) in Dir::new(fd).map_err(refusal)?.enumerate() {
        let entry = entry.map_err(refusal)?;
        // "." and ".." are among what is read.
        if seen >= files.listing_entries_max.saturating_add(2) {
            more = true;
            break;
        }
        let Ok(name) = entry.file_name().to_str() else { continue };
        if name.contains(|character: char| character.is_control() || character == '\\') {
            continue;
        }
        if let Some(folder) = is_folder(files, path, name, entry.file_type()) {
            names.push((name.to_owned(), folder));
        }
    }
    names.sort_unstable();
    Ok(page(path, &names, more).into_bytes().into())
}

/// Whether an entry is a directory (`true`) or a file; `None` if it is not listed.
fn is_folder(files: &Files, path: &str, name: &str, kind: FileType) -> Option<bool> {
    let depth = if path.is_empty() { 0 } else { 1 };
    if matches!(name, "." | "..") || files.hide_dot_files && is_dot_file(name, depth) {
        return None;
    }
    let folder = match kind {
        FileType::RegularFile => false,
        FileType::Directory => true,
        FileType::Symlink | FileType::Unknown => {
            let at = super::join(path, name);
            match files.root.locate(&at, |real| is_admitted(files, real, false)).ok()? {
                Located::File(_) => false,
                Located::Directory => true,
                Located::Special => return None,
            }
        }
        _ => return None,
    };
    (folder || !files.refuse_key_files || !is_key_file(name)).then_some(folder)
}

fn page(path: &str, names: &[(String, bool)], more: bool) -> String {
    let mut title = String::from("/");
    if !path.is_empty() {
        escape(path, &mut title);
        title.push('/');
    }
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body>\n<h1>{title}</h1>\n<ul>\n"
    );
    if !path.is_empty() {
        page.push_str("<li><a href=\"../\">../</a></li>\n");
    }
    for (name, folder) in names {
        let slash = if *folder { "/" } else { "" };
        page.push_str("<li><a href=\"");
        escape(&reference(name), &mut page);
        page.push_str(slash);
        page.push_str("\">");
        escape(name, &mut page);
        page.push_str(slash);
        page.push_str("</a></li>\n");
    }
    page.push_str("</ul>\n");
    if more {
        page.push_str("<p>There is more than fits this page.</p>\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}

/// Text for HTML, in an element or a quoted attribute.
fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

/// A reference to the entry `segment` of the directory that the page itself has: `./`, so that a colon in a
/// name does not read as a scheme, then the name percent-encoded.
pub(super) fn reference(segment: &str) -> String {
    let mut encoded = vec![0; segment.len().saturating_mul(3)];
    // Three bytes for each are always enough.
    let len = encode_path(segment, &mut encoded).unwrap_or(0);
    let mut reference = String::from("./");
    reference.push_str(str::from_utf8(encoded.get(..len).unwrap_or(&[])).unwrap_or(""));
    reference
}
