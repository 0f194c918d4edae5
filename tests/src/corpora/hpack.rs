//! The HPACK stories: header lists, and the blocks that other encoders made of them.

use std::path::PathBuf;

use serde_json::Value;

/// The blocks of one connection, in order.
#[derive(Clone, Debug)]
pub struct Story {
    /// Its folder and file.
    pub name: String,
    /// The blocks.
    pub cases: Vec<Case>,
}

/// One block.
#[derive(Clone, Debug)]
pub struct Case {
    /// The table's size that the decoder allows from here on: bytes.
    pub table_bytes: Option<u32>,
    /// The block; empty in a story that is there to be encoded.
    pub wire: Vec<u8>,
    /// The names and values in it.
    pub lines: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Every story of a folder; none, said in one visible line, where the corpora are absent.
#[must_use]
pub fn stories(folder: &str) -> Vec<Story> {
    let folder = super::folder().join("hpack").join(folder);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        super::say_absent(&folder);
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a readable story");
        Story { name: path.display().to_string(), ..story(&text) }
    };
    paths.into_iter().filter(|path| path.extension().is_some_and(|it| it == "json")).map(read).collect()
}

/// A story from its text.
///
/// # Panics
/// If it is not of the corpus' form.
#[must_use]
pub fn story(text: &str) -> Story {
    let all: Value = serde_json::from_str(text).expect("JSON");
    let cases = all["cases"].as_array().expect("cases").iter().map(case).collect();
    Story { name: String::new(), cases }
}

fn case(case: &Value) -> Case {
    let line = |line: &Value| {
        let (name, value) = line.as_object().and_then(|line| line.iter().next()).expect("a line");
        (name.as_bytes().to_vec(), value.as_str().expect("text").as_bytes().to_vec())
    };
    Case {
        table_bytes: case["header_table_size"].as_u64().map(|bytes| bytes as u32),
        wire: case["wire"].as_str().map(bytes).unwrap_or_default(),
        lines: case["headers"].as_array().expect("headers").iter().map(line).collect(),
    }
}

/// The bytes of hexadecimal digits.
fn bytes(digits: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).expect("a hexadecimal digit") as u8;
    digits.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
