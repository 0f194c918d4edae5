//! Heads and bodies that are read as they come, for bodies that no test would hold in memory.

use crate::content::Arrived;
use crate::peer::Peer;

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// `Content-Length`.
    Sized(usize),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// What begins a message.
#[derive(Debug)]
pub struct Start {
    /// Of a request.
    pub method: String,
    /// Of a request.
    pub target: String,
    /// Of an answer.
    pub status: u16,
    /// How its body ends.
    pub framing: Framing,
}

impl Peer {
    /// The head of the next request; `None` if the connection ends.
    pub fn request_head(&mut self) -> Option<Start> {
        self.start()
    }

    /// The head of the next answer.
    #[track_caller]
    pub fn answer_head(&mut self) -> Start {
        self.try_answer_head().expect("an answer")
    }

    /// The head of the next answer; `None` if the connection ends.
    pub fn try_answer_head(&mut self) -> Option<Start> {
        self.start()
    }

    fn start(&mut self) -> Option<Start> {
        let head = String::from_utf8(self.take_head().ok()?).expect("readable");
        let mut lines = head.split("\r\n");
        let words: Vec<&str> = lines.next()?.split(' ').collect();
        let mut framing = Framing::None;
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            match name {
                "Content-Length" => framing = Framing::Sized(value.parse().expect("a length")),
                "Transfer-Encoding" => framing = Framing::Chunked,
                _ => {}
            }
        }
        let status = words[1].parse().unwrap_or_default();
        Some(Start { method: words[0].to_owned(), target: words[1].to_owned(), status, framing })
    }

    /// Reads a body to its end; `None` if that does not come.
    pub fn arrived(&mut self, framing: Framing) -> Option<Arrived> {
        let mut arrived = Arrived::NOTHING;
        match framing {
            Framing::None => {}
            Framing::Sized(len) => self.add_to(&mut arrived, len)?,
            Framing::Chunked => loop {
                let size = usize::from_str_radix(&self.line()?, 16).ok()?;
                if size == 0 {
                    return self.line()?.is_empty().then_some(arrived);
                }
                self.add_to(&mut arrived, size)?;
                self.line()?.is_empty().then_some(())?;
            },
        }
        Some(arrived)
    }

    fn add_to(&mut self, arrived: &mut Arrived, len: usize) -> Option<()> {
        let mut left = len;
        while left > 0 {
            let piece = self.piece(left)?;
            arrived.add(&piece);
            left -= piece.len();
        }
        Some(())
    }
}
