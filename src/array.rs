//! Takes a JSON array apart while it arrives: each element is read once its last byte is there, so that an array of any
//! length takes no more memory than what has been read of it and not been taken away.

use serde_json::value::RawValue;

use crate::{
    error::{Error, Fault},
    fields::{self, Fields, MOST_FAULTS},
};

/// The longest element, in bytes: it has to be in memory at once.
const MOST_BYTES: usize = 64 << 10;

const NO_ARRAY: &str = "must be an array of objects";

/// Reads the elements of an array, all or none: [`push`](Array::push) bytes, [`take`](Array::take) what has been read,
/// and [`finish`](Array::finish) when there are no more bytes.
pub struct Array<T> {
    read: fn(&mut Fields) -> T,
    items: Vec<T>,
    faults: Vec<Fault>,
    /// Elements so far.
    count: usize,
    place: Place,
    /// The part of an element that has arrived.
    partial: Vec<u8>,
    /// Brackets that are open inside of the element.
    depth: usize,
    string: Option<Escape>,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    BeforeArray,
    InArray,
    AfterArray,
    /// It is something else than an array.
    Elsewhere,
}

/// Inside of a string: whether the next character is escaped.
struct Escape(bool);

impl<T> Array<T> {
    /// An array of which nothing has arrived, whose elements `read` reads.
    pub fn new(read: fn(&mut Fields) -> T) -> Array<T> {
        Array {
            read,
            items: Vec::new(),
            faults: Vec::new(),
            count: 0,
            place: Place::BeforeArray,
            partial: Vec::new(),
            depth: 0,
            string: None,
        }
    }

    /// Reads the elements that `bytes` complete.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when it is not JSON, [`Error::Invalid`] when an element is too long. That one is not what it
    /// should be in another way is told by [`finish`](Array::finish), together with all others.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut start = 0;
        for (index, byte) in bytes.iter().enumerate() {
            let after = index.saturating_add(1);
            let place = self.place;
            match place {
                Place::InArray if self.ends_element(*byte) => {
                    let rest = bytes.get(start..index).unwrap_or_default();
                    self.element(rest, *byte == b']')?;
                    start = after;
                }
                Place::InArray | Place::Elsewhere => {}
                Place::BeforeArray if *byte == b'[' => {
                    self.place = Place::InArray;
                    start = after;
                }
                _ if is_space(byte) => start = after,
                Place::BeforeArray => self.place = Place::Elsewhere,
                Place::AfterArray => return Err(not_json("something follows the array")),
            }
        }
        let rest = bytes.get(start..).unwrap_or_default();
        self.check_length(rest)?;
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    /// Whether the element that has come so far, with `rest`, is short enough to be kept.
    fn check_length(&self, rest: &[u8]) -> Result<(), Error> {
        if self.partial.len().saturating_add(rest.len()) <= MOST_BYTES {
            return Ok(());
        }
        let (pointer, detail) = match self.place {
            Place::InArray => (format!("/{}", self.count), format!("must have {MOST_BYTES} bytes at most")),
            _ => (String::new(), NO_ARRAY.to_string()),
        };
        Err(Error::Invalid(vec![Fault::at(pointer, detail)]))
    }

    /// Whether the array's next comma or its end stands here, and not inside of a string or a bracket.
    fn ends_element(&mut self, byte: u8) -> bool {
        match (&mut self.string, byte) {
            (Some(Escape(escaped)), _) if *escaped => *escaped = false,
            (Some(escape), b'\\') => escape.0 = true,
            (Some(_), b'"') => self.string = None,
            (Some(_), _) => {}
            (None, b'"') => self.string = Some(Escape(false)),
            (None, b'[' | b'{') => self.depth = self.depth.saturating_add(1),
            (None, b',' | b']') if self.depth == 0 => return true,
            (None, b']' | b'}') => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        false
    }

    /// Reads an element whose last bytes are `rest`.
    fn element(&mut self, rest: &[u8], is_last: bool) -> Result<(), Error> {
        self.check_length(rest)?;
        let mut whole = std::mem::take(&mut self.partial);
        let element = if whole.is_empty() {
            rest
        } else {
            whole.extend_from_slice(rest);
            &whole
        };
        if is_last {
            self.place = Place::AfterArray;
            if self.count == 0 && element.iter().all(is_space) {
                return Ok(());
            }
        }
        let text = std::str::from_utf8(element).map_err(|error| fields::not_utf8(&error))?;
        let value: &RawValue =
            serde_json::from_str(text).map_err(|error| not_json(&format!("element {}: {error}", self.count)))?;
        if self.faults.len() < MOST_FAULTS {
            let item = fields::read_item(value, format!("/{}", self.count), self.read, &mut self.faults);
            self.items.push(item);
        }
        if !self.faults.is_empty() {
            self.items = Vec::new(); // nobody will take them
        }
        self.count = self.count.saturating_add(1);
        // Its room is good for the next one.
        whole.clear();
        self.partial = whole;
        Ok(())
    }

    /// What has been read since the last time; nothing once there was a fault.
    pub fn take(&mut self) -> Vec<T> {
        std::mem::take(&mut self.items)
    }

    /// Whether an element was not what it should be: only more faults can come of the rest.
    pub fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Whether everything was an array, and every element what it should be.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when it is not JSON, [`Error::Invalid`] with at most a hundred faults; the fourth
    /// element's size is `/3/size`.
    pub fn finish(&mut self) -> Result<(), Error> {
        match self.place {
            Place::InArray => return Err(not_json("the array has no end")),
            Place::AfterArray => {}
            Place::BeforeArray | Place::Elsewhere => {
                fields::document(&self.partial)?;
                self.faults.push(Fault::at("", NO_ARRAY));
            }
        }
        self.faults.truncate(MOST_FAULTS);
        if self.faults.is_empty() { Ok(()) } else { Err(Error::Invalid(std::mem::take(&mut self.faults))) }
    }
}

/// White space in JSON (RFC 8259, section 2): a form feed is none.
fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn not_json(detail: &str) -> Error {
    Error::BadRequest(format!("the body is not JSON: {detail}"), Vec::new())
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<(i32, String)>, Error> {
        let mut array = Array::new(|fields| (fields.integer("count"), fields.text("name")));
        let mut items = Vec::new();
        for piece in pieces {
            array.push(piece)?;
            items.extend(array.take());
        }
        array.finish()?;
        Ok(items)
    }

    #[test]
    fn it_does_not_matter_where_the_bytes_are_parted() {
        let body =
            " [ {\"count\": 1, \"name\": \"a ] , \\\" \\\\\"} ,\n{\"name\":\"ü[{\",\"count\":2}\t]\r\n ".as_bytes();
        let expected = vec![(1, "a ] , \" \\".to_string()), (2, "ü[{".to_string())];

        for first in 0..body.len() {
            for second in first..body.len() {
                let (head, rest) = body.split_at(first);
                let (middle, tail) = rest.split_at(second - first);
                assert_eq!(read(&[head, middle, tail]).unwrap(), expected, "{first} {second}");
            }
        }
        assert_eq!(read(&[b"[ ", b" ]"]).unwrap(), []);
    }

    #[test]
    fn what_is_not_json_or_not_an_array_is_refused() {
        let table = [
            ("", 400),
            ("[", 400),
            ("[1", 400),
            ("[{}", 400),
            ("[,]", 400),
            ("[{},]", 400),
            ("[{} {}]", 400),
            ("[}]", 400),
            ("[{]}]", 400),
            ("[\"]", 400),
            ("\u{c}[]", 400),
            ("[\u{c}]", 400),
            ("[] []", 400),
            ("[{\"count\": 1}], 2", 400),
            ("{", 400),
            ("{}", 422),
            ("null", 422),
            ("[1]", 422),
            ("[[]]", 422),
        ];

        for (body, status) in table {
            assert_eq!(read(&[body.as_bytes()]).unwrap_err().status().as_u16(), status, "{body}");
        }
        assert_eq!(read(&[b"[\"\xff\"]"]).unwrap_err().status().as_u16(), 400);
    }

    /// Text that is JSON, or would be but for something.
    fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
        let token = prop_oneof![
            4 => "[\\[\\]{},: \t\r\n]",
            2 => "\"[a\\\\\"]?\"|-?[0-9]{1,3}|null|true|\\{\\}|\"count\":1",
            1 => "\\PC|\u{a0}|\u{feff}",
            1 => "\u{b}|\u{c}",
        ];
        let tokens = prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat());
        let array = tokens.clone().prop_map(|tokens| format!("[{tokens}]"));
        let bytes = any::<Vec<u8>>().prop_map(|bytes| [b"[\"", &bytes[..], b"\"]"].concat());
        prop_oneof![bytes, tokens.prop_map(String::into_bytes), array.prop_map(String::into_bytes)]
    }

    /// `bytes` cut at these places, taken round its end.
    fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort();
        cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
    }

    fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
        prop::collection::vec(any::<prop::sample::Index>(), 0..6)
    }

    proptest! {
        /// The parser that knows nothing of arrays is the judge.
        #[test]
        fn it_is_400_if_and_only_if_it_is_not_json(body in nearly_json(), cuts in cuts()) {
            let is_json = serde_json::from_slice::<&RawValue>(&body).is_ok();

            let read = read(&pieces(&body, &cuts));

            let is_400 = read.is_err_and(|error| error.status() == 400);
            prop_assert_eq!(is_400, !is_json, "{}", String::from_utf8_lossy(&body));
        }

        #[test]
        fn an_array_in_any_pieces_reads_as_the_whole(
            items in prop::collection::vec((0..=i32::MAX, prop::collection::vec(any::<char>(), 1..20)), 0..6),
            cuts in cuts(),
            pretty in any::<bool>(),
        ) {
            let items: Vec<(i32, String)> =
                items.into_iter().map(|(count, name)| (count, name.into_iter().collect())).collect();
            let values: Vec<_> =
                items.iter().map(|(count, name)| serde_json::json!({ "count": count, "name": name })).collect();
            let write = if pretty { serde_json::to_vec_pretty } else { serde_json::to_vec };
            let body = write(&values).unwrap();

            prop_assert_eq!(read(&pieces(&body, &cuts)).unwrap(), items);
        }
    }

    #[test]
    fn a_thousand_faults_are_cut_to_a_hundred() {
        let body = format!("[{}]", vec!["{}"; 1000].join(","));

        let Err(Error::Invalid(faults)) = read(&[body.as_bytes()]) else { panic!("accepted") };

        assert_eq!(faults.len(), MOST_FAULTS);
    }
}
