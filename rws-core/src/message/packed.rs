//! Constant texts in one piece: for machines that have less room for tables of addresses than time.

/// `N` texts, one behind the other.
pub(crate) struct Packed<const ENDS: usize> {
    text: &'static str,
    /// Where each begins, and in the end where the last one ends.
    places: [u16; ENDS],
}

impl<const PLACES: usize> Packed<PLACES> {
    /// `texts`, which are `text` if they are put together.
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where a slip is a build error")]
    pub(crate) const fn new(texts: &[&str], text: &'static str) -> Packed<PLACES> {
        assert!(texts.len() + 1 == PLACES);
        let mut places = [0; PLACES];
        let mut at = 0;
        while at < texts.len() {
            places[at + 1] = places[at] + texts[at].len() as u16;
            at += 1;
        }
        assert!(places[at] as usize == text.len());
        Packed { text, places }
    }

    /// The text of this number; empty if there is none.
    pub(crate) const fn get(&self, at: usize) -> &'static str {
        part(self.text, &self.places, at)
    }
}

const fn part(text: &'static str, places: &[u16], at: usize) -> &'static str {
    if let Some((_, [from, to, ..])) = places.split_at_checked(at)
        && let Some((_, rest)) = text.split_at_checked(*from as usize)
        && let Some((part, _)) = rest.split_at_checked(to.wrapping_sub(*from) as usize)
    {
        return part;
    }
    ""
}

/// Which of the words, of which one space divides each from the next, has this spelling in any case.
#[inline(never)]
pub(crate) fn word_at(words: &[u8], spelling: &[u8]) -> Option<u8> {
    let (mut rest, mut at) = (words, 0u8);
    loop {
        let len = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
        let (word, behind) = rest.split_at_checked(len)?;
        if word.eq_ignore_ascii_case(spelling) {
            return Some(at);
        }
        let [_, more @ ..] = behind else { return None };
        (rest, at) = (more, at.wrapping_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::{Packed, word_at};

    #[test]
    fn a_word_is_found_in_any_case_and_nothing_else_is() {
        let words = b"one two three";
        assert_eq!(
            [&b"one"[..], b"TWO", b"Three"].map(|word| word_at(words, word)),
            [Some(0), Some(1), Some(2)]
        );
        for other in [&b""[..], b"on", b"one two", b"thre", b"threes", b" "] {
            assert_eq!(word_at(words, other), None);
        }
    }

    #[test]
    fn each_text_is_found_by_its_number() {
        const TEXTS: Packed<4> = Packed::new(&["ab", "", "cde"], "abcde");
        assert_eq!([0, 1, 2, 3, 9].map(|at| TEXTS.get(at)), ["ab", "", "cde", "", ""]);
    }
}
