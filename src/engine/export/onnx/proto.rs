//! As much of protocol buffers as an ONNX model needs: messages of numbers, texts and other messages.
//!
//! Source: protobuf.dev, "Encoding".

/// A message under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

/// Kinds of a field's bytes.
const VARINT: u64 = 0;
const LENGTH: u64 = 2;

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn tag(&mut self, field: u64, kind: u64) {
        self.varint(field << 3 | kind);
    }

    fn slice(&mut self, field: u64, bytes: &[u8]) {
        self.tag(field, LENGTH);
        self.varint(bytes.len() as u64);
        self.bytes.extend(bytes);
    }

    /// A whole number; negative ones take ten bytes.
    pub(super) fn int(mut self, field: u64, value: i64) -> Self {
        self.tag(field, VARINT);
        self.varint(value as u64);
        self
    }

    pub(super) fn text(mut self, field: u64, text: &str) -> Self {
        self.slice(field, text.as_bytes());
        self
    }

    pub(super) fn raw(mut self, field: u64, bytes: &[u8]) -> Self {
        self.slice(field, bytes);
        self
    }

    pub(super) fn message(mut self, field: u64, message: &Self) -> Self {
        self.slice(field, &message.bytes);
        self
    }

    pub(super) fn messages(self, field: u64, messages: &[Self]) -> Self {
        messages.iter().fold(self, |it, one| it.message(field, one))
    }

    /// Whole numbers side by side.
    pub(super) fn ints(mut self, field: u64, values: &[i64]) -> Self {
        let mut packed = Self::default();
        for &value in values {
            packed.varint(value as u64);
        }
        self.slice(field, &packed.bytes);
        self
    }

    /// Floats side by side.
    pub(super) fn floats(mut self, field: u64, values: &[f32]) -> Self {
        let packed: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        self.slice(field, &packed);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_as_the_documentation_does() {
        let inner = Message::default().int(1, 150).into_bytes();
        assert_eq!(inner, [0x08, 0x96, 0x01]);
        let text = Message::default().text(2, "testing").into_bytes();
        assert_eq!(text, b"\x12\x07testing");
        let packed = Message::default().ints(6, &[3, 270, 86942]).into_bytes();
        assert_eq!(packed, [0x32, 6, 3, 0x8e, 2, 0x9e, 0xa7, 5]);
        let outer = Message::default().message(3, &Message::default().int(1, -1));
        assert_eq!(
            outer.into_bytes(),
            [0x1a, 11, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]
        );
    }
}
