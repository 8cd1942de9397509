//! How an answer could end soonest: a search over bytes that llguidance allows.
//!
//! It need not find the very shortest end. It must find one, soon, from wherever a model may be in its answer.

use llguidance::Matcher;
use llguidance::toktrie::TokEnv;
use std::collections::BTreeMap;

/// Finds ends of answers in one vocabulary.
pub(super) struct Closer {
    pub(super) trie: TokEnv,
    /// The token of each byte alone.
    pub(super) alone: [u32; 256],
}

/// Bytes that a closing may have.
const CLOSING_BYTES_MAX: usize = 4096;

/// What ends an object or a list, begins what must come, or goes on: the sooner here, the sooner the answer is over.
const CLOSERS: &[u8] = b"}]\",";

/// Where one of these may come as well as a quote, the quote ends a string.
const TEXT: &[u8] = b"a, 0";

/// What comes after a value that may end. A quote begins one as well, so that it says nothing.
const ENDS: &[u8] = b",}]";

/// How many bytes are tried after one another for the shortest; where more may come, any text will do.
const WAYS_MAX: usize = 32;

/// How many ways are followed for the shortest.
const TRIED_MAX: usize = 256;

/// How often a way is looked for until an answer is whole.
const SEARCHES_MAX: usize = 256;

/// What numbers are made of.
const NUMERIC: &[u8] = b"0123456789.-";

/// Bytes that lead somewhere, and the state there.
type Way = (Vec<u8>, Matcher);

impl Closer {
    /// Whether these tokens make the answer whole.
    pub(super) fn closes(&self, matcher: &Matcher, closing: &[u32]) -> bool {
        let mut ahead = matcher.clone();
        ahead.try_consume_tokens(closing).is_ok_and(|count| count == closing.len())
            && is_whole(&mut ahead) == Some(true)
    }

    /// Tokens that make the answer whole; none where none were found.
    pub(super) fn closing(&self, matcher: &Matcher) -> Option<Vec<u32>> {
        let mut ahead = matcher.clone();
        let (mut bytes, mut searches) = (Vec::new(), 0);
        while !is_whole(&mut ahead)? {
            if bytes.len() > CLOSING_BYTES_MAX || searches > SEARCHES_MAX {
                return None;
            }
            let (way, there) = match self.closer(&mut ahead) {
                Some(closer) => self.walk(ahead, &[closer])?,
                None => {
                    searches += 1;
                    self.shortest(ahead)?
                }
            };
            bytes.extend(way);
            ahead = there;
        }
        Some(self.trie.tok_trie().greedy_tokenize(&bytes))
    }

    fn closer(&self, ahead: &mut Matcher) -> Option<u8> {
        let is_in_text = self.may_come(ahead, b'"') && self.first_of(TEXT, ahead).is_some();
        if is_in_text { Some(b'"') } else { self.first_of(CLOSERS, ahead) }
    }

    /// The shortest way to where a value may end, or as far as is tried.
    fn shortest(&self, from: Matcher) -> Option<Way> {
        let mut open: BTreeMap<(usize, usize), Way> = BTreeMap::from([((0, 0), (Vec::new(), from))]);
        let mut tried = 0;
        while let Some((_, (bytes, mut here))) = open.pop_first() {
            if !bytes.is_empty() && (tried >= TRIED_MAX || self.may_end(&mut here)) {
                return Some((bytes, here));
            }
            for way in self.ways(&mut here) {
                tried += 1;
                if let Some((way, there)) = self.walk(here.clone(), &way) {
                    let way = [bytes.as_slice(), &way].concat();
                    open.insert((way.len(), tried), (way, there));
                }
            }
        }
        None
    }

    fn may_end(&self, here: &mut Matcher) -> bool {
        is_whole(here) != Some(false) || self.first_of(ENDS, here).is_some()
    }

    /// What may come here: what must come, or one byte or another.
    fn ways(&self, here: &mut Matcher) -> Vec<Vec<u8>> {
        let forced = here.clone().compute_ff_bytes();
        if !forced.is_empty() {
            return vec![forced];
        }
        let mut bytes: Vec<u8> = NUMERIC.iter().copied().filter(|byte| self.may_come(here, *byte)).collect();
        if !bytes.iter().any(u8::is_ascii_digit) {
            bytes = (b' '..=b'~').chain(128..=255).filter(|byte| self.may_come(here, *byte)).collect();
        }
        if bytes.len() > WAYS_MAX {
            let letter = bytes.iter().position(u8::is_ascii_alphanumeric).unwrap_or(0);
            bytes = vec![bytes[letter]];
        }
        bytes.into_iter().map(|byte| vec![byte]).collect()
    }

    fn first_of(&self, bytes: &[u8], ahead: &mut Matcher) -> Option<u8> {
        bytes.iter().copied().find(|byte| self.may_come(ahead, *byte))
    }

    fn may_come(&self, ahead: &mut Matcher, byte: u8) -> bool {
        ahead.validate_tokens(&[self.alone[usize::from(byte)]]).is_ok_and(|count| count == 1)
    }

    /// Goes along `bytes`, but no farther than to where a value may end.
    fn walk(&self, mut from: Matcher, bytes: &[u8]) -> Option<Way> {
        for (byte, gone) in bytes.iter().zip(1..) {
            from.consume_token(self.alone[usize::from(*byte)]).ok()?;
            if self.may_end(&mut from) {
                return Some((bytes[..gone].to_vec(), from));
            }
        }
        Some((bytes.to_vec(), from))
    }
}

/// Whether an answer may end here; none where that cannot be worked out.
fn is_whole(matcher: &mut Matcher) -> Option<bool> {
    if matcher.is_stopped() {
        return matcher.stop_reason().is_ok().then_some(true);
    }
    matcher.is_accepting().ok()
}
