//! Writes `aialgs.data.Record`: a label for each key, of 32-bit floats, in a `RecordIO` frame.
//!
//! Source: SageMaker developer guide, "Common Data Formats for Training"; protocol buffers' encoding.

/// First bytes of a frame.
const MAGIC: u32 = 0xced7_230a;

/// `label` of a record, a map entry of key 1 and value 2.
const LABEL: u64 = 2;
const KEY: u64 = 1;
const VALUE: u64 = 2;
/// `float32_tensor` of a value, and its packed `values`.
const FLOAT32_TENSOR: u64 = 2;
const VALUES: u64 = 1;

/// A message while it is written.
#[derive(Debug, Default)]
pub(super) struct Record(Vec<u8>);

impl Record {
    /// Adds a label.
    pub(super) fn push(&mut self, key: &str, values: impl IntoIterator<Item = f32>) {
        let packed: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        let (mut tensor, mut value, mut entry) = (Vec::new(), Vec::new(), Vec::new());
        push_bytes(&mut tensor, VALUES, &packed);
        push_bytes(&mut value, FLOAT32_TENSOR, &tensor);
        push_bytes(&mut entry, KEY, key.as_bytes());
        push_bytes(&mut entry, VALUE, &value);
        push_bytes(&mut self.0, LABEL, &entry);
    }
}

/// Appends a record in its frame.
pub(super) fn push_frame(record: &Record, out: &mut Vec<u8>) {
    let length = record.0.len();
    out.extend_from_slice(&MAGIC.to_le_bytes());
    out.extend_from_slice(&(length as u32).to_le_bytes());
    out.extend_from_slice(&record.0);
    let end = out.len() + length.next_multiple_of(4) - length;
    out.resize(end, 0);
}

fn push_bytes(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    // Wire type 2 is bytes behind their length.
    push_varint(out, (number << 3) | 2);
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
