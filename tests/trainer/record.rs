//! `RecordIO` and `aialgs.data.Record` as another program would write them, byte by byte from the format.

/// A frame around a message.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u32).to_le_bytes();
    let mut frame = [&[0x0a, 0x23, 0xd7, 0xce][..], &length, message].concat();
    frame.resize(frame.len().next_multiple_of(4), 0);
    frame
}

/// The message in as many frames as it has parts; the magic word stood between them.
pub(crate) fn frame_in_parts(parts: &[&[u8]]) -> Vec<u8> {
    let last = parts.len() - 1;
    let part = |(idx, part): (usize, &&[u8])| {
        let mut frame = frame(part);
        frame[7] |= match idx {
            0 => 1 << 5,
            _ if idx == last => 3 << 5,
            _ => 2 << 5,
        };
        frame
    };
    parts.iter().enumerate().flat_map(part).collect()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A field of bytes.
pub(crate) fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    let head = [varint(number << 3 | 2), varint(bytes.len() as u64)].concat();
    [&head[..], bytes].concat()
}

fn packed(number: u64, values: &[u64]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|it| varint(*it)).collect();
    field(number, &values)
}

/// A value of 32-bit numbers; keys and shape where there are some.
pub(crate) fn floats(values: &[f32], keys: &[u64], shape: &[u64]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    tensor(2, field(1, &values), keys, shape)
}

pub(crate) fn doubles(values: &[f64]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    tensor(3, field(1, &values), &[], &[])
}

pub(crate) fn ints(values: &[i32]) -> Vec<u8> {
    let values: Vec<u64> = values.iter().map(|it| i64::from(*it) as u64).collect();
    tensor(7, packed(1, &values), &[], &[])
}

fn tensor(kind: u64, mut tensor: Vec<u8>, keys: &[u64], shape: &[u64]) -> Vec<u8> {
    for (number, values) in [(2, keys), (3, shape)] {
        if !values.is_empty() {
            tensor.extend(packed(number, values));
        }
    }
    field(kind, &tensor)
}

/// An entry of the features (1) or the label (2).
pub(crate) fn entry(number: u64, name: &str, value: &[u8]) -> Vec<u8> {
    field(
        number,
        &[field(1, name.as_bytes()), field(2, value)].concat(),
    )
}

/// A record of these values.
pub(crate) fn record(label: &[u8], features: &[u8]) -> Vec<u8> {
    let message = [entry(1, "values", features), entry(2, "values", label)].concat();
    frame(&message)
}

/// A record of a label and dense features.
pub(crate) fn dense(label: f32, features: &[f32]) -> Vec<u8> {
    record(&floats(&[label], &[], &[]), &floats(features, &[], &[]))
}

/// A record of a label and the features that are not missing.
pub(crate) fn sparse(label: f32, keys: &[u64], values: &[f32], n_features: u64) -> Vec<u8> {
    record(
        &floats(&[label], &[], &[]),
        &floats(values, keys, &[n_features]),
    )
}
