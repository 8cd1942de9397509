//! The lines of an event stream (`text/event-stream`), however its bytes are split: only what `data:` lines say is given.
//!
//! Lines end with LF or CRLF. Comments and other fields are skipped. A stream whose line has no end is not one.

/// The longest line: one piece of an answer with its token probabilities.
const LINE_BYTES_MAX: usize = 256 << 10;

/// What is still missing its end.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
}

/// A line is longer than any that a server has reason to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Events {
    /// Takes the next bytes, and gives what the lines that they end say.
    ///
    /// # Errors
    /// [`TooLong`] when a line is too long to be one.
    pub fn read(&mut self, mut bytes: &[u8]) -> Result<Vec<String>, TooLong> {
        let mut said = Vec::new();
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.hold(&bytes[..end])?;
            bytes = &bytes[end + 1..];
            said.extend(data(&std::mem::take(&mut self.line)));
        }
        self.hold(bytes)?;
        Ok(said)
    }

    /// The stream is over: what a last line without an end says.
    pub fn end(&mut self) -> Option<String> {
        data(&std::mem::take(&mut self.line))
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + bytes.len() > LINE_BYTES_MAX {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }
}

/// What a `data:` line says. An `error:` line, as some llama-servers send it, says it as well.
fn data(line: &[u8]) -> Option<String> {
    let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
    if let Some(data) = line.strip_prefix("data:") {
        return Some(data.strip_prefix(' ').unwrap_or(data).to_string());
    }
    let error = line.strip_prefix("error:")?.trim();
    Some(if error.starts_with(r#"{"error""#) { error.to_string() } else { format!(r#"{{"error":{error}}}"#) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &str =
        ": a comment\r\n\r\ndata: {\"a\":1}\r\n\r\nevent: x\nid: 7\ndata:{\"b\":\"é\"}\n\ndata: [DONE]\n\n";

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut events = Events::default();
        let mut said: Vec<String> = pieces.iter().flat_map(|piece| events.read(piece).expect("short lines")).collect();
        said.extend(events.end());
        said
    }

    #[test]
    fn a_stream_split_at_any_byte_says_the_same() {
        let whole = read(&[STREAM.as_bytes()]);
        assert_eq!(whole, [r#"{"a":1}"#, r#"{"b":"é"}"#, "[DONE]"]);
        for split in 0..STREAM.len() {
            let (left, right) = STREAM.as_bytes().split_at(split);
            assert_eq!(read(&[left, right]), whole, "split at {split}");
        }
        let bytes: Vec<&[u8]> = STREAM.as_bytes().chunks(1).collect();
        assert_eq!(read(&bytes), whole);
    }

    #[test]
    fn a_last_line_without_an_end_counts() {
        assert_eq!(read(&[b"data: {}\n\ndata: [DONE]"]), ["{}", "[DONE]"]);
    }

    #[test]
    fn an_error_line_is_an_error_object() {
        assert_eq!(read(&[b"error: {\"code\":500,\"message\":\"x\"}\n"]), [r#"{"error":{"code":500,"message":"x"}}"#]);
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let mut events = Events::default();
        let piece = vec![b'x'; 100 << 10];
        assert!(events.read(&piece).is_ok() && events.read(&piece).is_ok());
        assert_eq!(events.read(&piece), Err(TooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let mut events = Events::default();
            for piece in &pieces {
                prop_assert!(events.read(piece).is_ok());
            }
            events.end();
        }
    }
}
