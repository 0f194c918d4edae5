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

#[cfg(test)]
mod tests {
    use super::Packed;

    #[test]
    fn each_text_is_found_by_its_number() {
        const TEXTS: Packed<4> = Packed::new(&["ab", "", "cde"], "abcde");
        assert_eq!([0, 1, 2, 3, 9].map(|at| TEXTS.get(at)), ["ab", "", "cde", "", ""]);
    }
}
