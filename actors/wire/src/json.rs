//! JSON as the log needs it: byte for byte what `serde_json` would write, in about half of its instructions, for a step waits for its
//! line.
//!
//! Deliberately absent: maps, tuples, bytes and variants with values beside their name, which no event has. They are refused.

use serde::ser::{Error as _, Impossible, SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};
use serde_json::Error;
use std::fmt;

/// Most texts are no longer.
const ROOM_BYTES: usize = 1024;

/// A text of JSON that grows at its end.
#[derive(Debug)]
pub struct Json {
    /// What is behind `length` is room.
    bytes: Vec<u8>,
    length: usize,
    /// What stands before the next name: the beginning of its object, or a comma.
    separator: u8,
    /// Whether the next object is the rest of one that is written already.
    goes_on: bool,
}

impl Json {
    /// An empty text.
    pub fn new() -> Json {
        Json { bytes: vec![0; ROOM_BYTES], length: 0, separator: b',', goes_on: false }
    }

    /// Empties it.
    pub fn clear(&mut self) {
        (self.length, self.separator, self.goes_on) = (0, b',', false);
    }

    /// What is written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Opens the object that has just ended again: the fields of the next one go on in it.
    pub fn reopen(&mut self) {
        self.length -= 1;
        self.goes_on = true;
    }

    /// Writes these bytes as they are.
    pub fn put(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
    }

    /// Writes the name of a field, which needs no escapes, and what separates it from what is before it.
    fn put_name(&mut self, name: &str) {
        let separator = std::mem::replace(&mut self.separator, b',');
        if let [before, begin, place @ .., end, colon] = self.room(name.len() + 4) {
            (*before, *begin, *end, *colon) = (separator, b'"', b'"', b':');
            place.copy_from_slice(name.as_bytes());
        }
    }

    /// Writes a text with its quotes.
    fn put_text(&mut self, text: &str) {
        if is_plain(text.as_bytes()) {
            if let [begin, place @ .., end] = self.room(text.len() + 2) {
                (*begin, *end) = (b'"', b'"');
                place.copy_from_slice(text.as_bytes());
            }
        } else {
            self.put(b"\"");
            self.put_escaped(text);
            self.put(b"\"");
        }
    }

    fn put_escaped(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while let Some(place) = rest.iter().position(|byte| *byte < b' ' || *byte == b'"' || *byte == b'\\') {
            self.put(&rest[..place]);
            match rest[place] {
                b'"' => self.put(b"\\\""),
                b'\\' => self.put(b"\\\\"),
                b'\n' => self.put(b"\\n"),
                b'\r' => self.put(b"\\r"),
                b'\t' => self.put(b"\\t"),
                0x08 => self.put(b"\\b"),
                0x0C => self.put(b"\\f"),
                byte => self.put(format!("\\u{byte:04x}").as_bytes()),
            }
            rest = &rest[place + 1..];
        }
        self.put(rest);
    }

    /// So many bytes more of the text, to be written.
    fn room(&mut self, length: usize) -> &mut [u8] {
        let begin = self.length;
        let end = begin + length;
        if end > self.bytes.len() {
            self.grow(end);
        }
        self.length = end;
        &mut self.bytes[begin..end]
    }

    #[cold]
    fn grow(&mut self, end: usize) {
        self.bytes.resize(end.next_power_of_two(), 0);
    }

    fn put_whole(&mut self, number: impl itoa::Integer) -> Result<(), Error> {
        self.put(itoa::Buffer::new().format(number).as_bytes());
        Ok(())
    }
}

/// Whether a text needs no escapes; looks at eight bytes at a time.
fn is_plain(text: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const TOPS: u64 = ONES << 7;
    let (words, rest) = text.as_chunks::<8>();
    let has = |word: u64, byte: u8| {
        let other = word ^ (ONES * u64::from(byte));
        other.wrapping_sub(ONES) & !other
    };
    for word in words {
        let word = u64::from_ne_bytes(*word);
        let low = word.wrapping_sub(ONES * 0x20) & !word;
        if (low | has(word, b'"') | has(word, b'\\')) & TOPS != 0 {
            return false;
        }
    }
    for byte in rest {
        if *byte < b' ' || *byte == b'"' || *byte == b'\\' {
            return false;
        }
    }
    true
}

/// Writes a part of a text, with escapes.
impl fmt::Write for Json {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put_escaped(text);
        Ok(())
    }
}

fn never<T>(what: &str) -> Result<T, Error> {
    Err(Error::custom(format!("no event holds {what}")))
}

impl<'a> Serializer for &'a mut Json {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = List<'a>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = &'a mut Json;
    type SerializeStructVariant = Impossible<(), Error>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.put(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.put_whole(value)
    }

    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.put_whole(value)
    }

    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.put_whole(value)
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.put_whole(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.put_whole(value)
    }

    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.put_whole(value)
    }

    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.put_whole(value)
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        self.put_whole(value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.put(&serde_json::to_vec(&value)?);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.put(&serde_json::to_vec(&value)?);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.put_text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.put_text(value);
        Ok(())
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.put(b"\"");
        fmt::write(self, format_args!("{value}")).map_err(Error::custom)?;
        self.put(b"\"");
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Error> {
        never("bytes")
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.put(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        never("a variant with a value")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, Error> {
        self.put(b"[");
        Ok(List { json: self, is_first: true })
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        never("a tuple")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
        never("a tuple")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        never("a variant with values")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        never("a map")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        if !std::mem::take(&mut self.goes_on) {
            self.separator = b'{';
        }
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        never("a variant with fields")
    }
}

impl SerializeStruct for &mut Json {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.put_name(name);
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Error> {
        if std::mem::replace(&mut self.separator, b',') == b'{' {
            self.put(b"{");
        }
        self.put(b"}");
        Ok(())
    }
}

/// A list that is being written.
pub struct List<'a> {
    json: &'a mut Json,
    is_first: bool,
}

impl SerializeSeq for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if !std::mem::take(&mut self.is_first) {
            self.json.put(b",");
        }
        value.serialize(&mut *self.json)
    }

    fn end(self) -> Result<(), Error> {
        self.json.put(b"]");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Basis;
    use crate::event::{Event, StepCompleted};
    use crate::hash::Hash;
    use proptest::prelude::*;

    fn text<T: Serialize>(value: &T) -> String {
        let mut json = Json::new();
        value.serialize(&mut json).expect("it can be written");
        String::from_utf8(json.as_bytes().to_vec()).expect("it is text")
    }

    #[derive(Default, Serialize)]
    struct Rare {
        character: char,
        nothing: (),
        small: i8,
        list: Vec<Option<u8>>,
        objects: Vec<Empty>,
        list_of_none: Vec<u16>,
    }

    #[derive(Serialize)]
    struct Empty {}

    proptest! {
        #[test]
        fn an_event_is_written_as_serde_json_writes_it(
            texts in proptest::collection::vec(any::<String>(), 4),
            numbers in proptest::collection::vec(any::<u64>(), 4),
            signed in any::<i32>(),
            single in any::<f32>(),
            double in any::<f64>(),
            is_there in any::<bool>(),
        ) {
            let basis = Basis { frame: numbers[0], epoch: 7, frame_hash: Hash(numbers[1]), ram_hash: Hash(numbers[2]) };
            let step = StepCompleted {
                frame_hash: Hash(numbers[3]),
                brain: texts[0].clone(),
                confidence: is_there.then_some(single),
                tier: is_there.then(|| texts[1].clone()),
                decided_on: is_there.then_some(basis),
                recalled: numbers.clone(),
                reason: texts[2].clone(),
                state: crate::event::State { x: signed, turns: numbers[0], ..Default::default() },
                ..StepCompleted::default()
            };
            let events = [
                Event::StepCompleted(Box::new(step)),
                Event::DecisionMade {
                    brain: texts[3].clone(),
                    skill: String::new(),
                    goal: texts[0].clone(),
                    reason: texts[1].clone(),
                    basis,
                    tier: None,
                    source: None,
                    arguments: Some(texts[2].clone()),
                    confidence: Some(single),
                },
                Event::SkillRejected { skill: String::new(), path: String::new(), line: Some(signed as u32), column: None, message: String::new(), kept: None },
            ];
            for event in events {
                prop_assert_eq!(text(&event), serde_json::to_string(&event).expect("it is JSON"));
            }
            prop_assert_eq!(text(&double), serde_json::to_string(&double).expect("it is JSON"));
        }
    }

    #[test]
    fn what_no_event_has_yet_is_written_as_serde_json_writes_it_or_refused() {
        let rare = Rare {
            character: '"',
            small: -128,
            list: vec![None, Some(0), Some(255)],
            objects: vec![Empty {}, Empty {}],
            ..Rare::default()
        };
        assert_eq!(text(&rare), serde_json::to_string(&rare).expect("it is JSON"));
        let map = std::collections::BTreeMap::from([("a", 1)]);
        let refused = map.serialize(&mut Json::new()).expect_err("no event holds one");
        assert_eq!(refused.to_string(), "no event holds a map");
    }

    #[test]
    fn every_character_is_written_as_serde_json_writes_it() {
        let all: String = (0..=0x2FFF).filter_map(char::from_u32).collect();
        assert_eq!(text(&all), serde_json::to_string(&all).expect("it is JSON"));
        for character in all.chars() {
            // At every place within the eight bytes that are looked at together, and behind them.
            for before in 0..12 {
                let text_of = format!("{}{character}", "a".repeat(before));
                assert_eq!(text(&text_of), serde_json::to_string(&text_of).expect("it is JSON"));
            }
        }
    }
}
