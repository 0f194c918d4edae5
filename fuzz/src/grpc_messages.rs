//! A body of a call: read in pieces and as a whole, beside a second decoder, and written anew.

use rws_core::grpc::{
    Code, MessageError, MessageReader, PREFIX_BYTES, Piece, message_prefix, metadata, percent, timeout,
};

use crate::pieces;

type Messages = Vec<(bool, Vec<u8>)>;

/// The last four bytes say how the others are cut, and how large a message may be.
pub fn check(data: &[u8]) {
    let (bytes, [a, b, c, choice]) = pieces::split(data);
    let bytes_max = if choice == 255 { u32::MAX } else { u32::from(choice) };
    let whole = read(&[bytes], bytes_max);
    for pieces in [pieces::cut(bytes, [a, b, c]), pieces::bytes(bytes)] {
        assert_eq!(read(&pieces, bytes_max), whole);
    }
    assert_eq!(whole, decode(bytes, bytes_max));
    let mut anew = Vec::new();
    for (is_compressed, message) in &whole.0 {
        anew.extend_from_slice(&message_prefix(*is_compressed, message.len() as u32));
        anew.extend_from_slice(message);
    }
    assert!(bytes.starts_with(&anew));
    assert_eq!(read(&[&anew], bytes_max), (whole.0, Ok(())));
    as_field_value(bytes);
}

fn read(pieces: &[&[u8]], bytes_max: u32) -> (Messages, Result<(), MessageError>) {
    let (mut reader, mut messages, mut open) = (MessageReader::new(bytes_max), Messages::new(), None);
    for piece in pieces {
        let mut bytes = *piece;
        loop {
            match reader.read(&mut bytes) {
                Ok(None) => break,
                Ok(Some(Piece::Begin(head))) => {
                    assert!(open.is_none() && head.len <= bytes_max);
                    open = Some((head, Vec::new()));
                }
                Ok(Some(Piece::Data(data))) => {
                    let (_, message) = open.as_mut().expect("a message is open");
                    assert!(!data.is_empty());
                    message.extend_from_slice(data);
                }
                Ok(Some(Piece::End)) => {
                    let (head, message) = open.take().expect("a message is open");
                    assert_eq!(message.len(), head.len as usize);
                    messages.push((head.is_compressed(), message));
                }
                Err(error) => return (messages, Err(error)),
            }
        }
        assert!(bytes.is_empty());
    }
    (messages, reader.finish())
}

/// The same by looking at the body as a whole.
fn decode(mut bytes: &[u8], bytes_max: u32) -> (Messages, Result<(), MessageError>) {
    let mut messages = Messages::new();
    loop {
        if bytes.is_empty() {
            return (messages, Ok(()));
        }
        if bytes.len() < PREFIX_BYTES {
            return (messages, Err(MessageError::Truncated));
        }
        let len = u32::from_be_bytes(bytes[1..5].try_into().expect("four bytes"));
        if bytes[0] > 1 {
            return (messages, Err(MessageError::Flags));
        }
        if len > bytes_max {
            return (messages, Err(MessageError::TooLarge));
        }
        let Some(message) = bytes[5..].get(..len as usize) else {
            return (messages, Err(MessageError::Truncated));
        };
        messages.push((bytes[0] == 1, message.to_vec()));
        bytes = &bytes[5 + message.len()..];
    }
}

/// What a peer may put into fields of the protocol is read without trouble, and what is written reads the same.
fn as_field_value(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut room = vec![0; text.len() * 3];
    let value = percent::encode(&text, &mut room);
    assert!(rws_core::message::is_field_value(value));
    assert_eq!(percent::decode(value).collect::<Vec<u8>>(), text.as_bytes());
    assert!(percent::decode(bytes).count() <= bytes.len());

    let mut room = vec![0; metadata::encoded_bytes(bytes.len()).expect("a length")];
    let value = metadata::encode_binary(bytes, &mut room).expect("room");
    let mut back = vec![0; metadata::decoded_bytes_max(value.len())];
    assert_eq!(metadata::decode_binary(value, &mut back), Some(bytes));
    for value in metadata::binary_values(bytes) {
        let mut room = vec![0; metadata::decoded_bytes_max(value.len())];
        let _ = metadata::decode_binary(value, &mut room);
    }
    if let Some(us) = timeout::parse(bytes) {
        let again = timeout::parse(timeout::format(us, &mut [0; timeout::TEXT_BYTES_MAX]));
        assert!(again.is_some_and(|again| again >= us));
    }
    assert!(Code::ALL.contains(&Code::from_value(bytes)));
}
