//! `aialgs.data.Record`, the protobuf message in a record: features and label, each a map of names to tensors.
//!
//! Invariants: nothing is allocated by a length that the message says; only the bytes that are there are decoded. Packed
//! and single values, several pieces of one tensor and unknown fields are read as protobuf's wire format has them.
//!
//! Two levels of five field types need a hundred lines, and rows are decoded into memory that is used again; a protobuf
//! crate would bring a code generator and allocate a map for each row.
//!
//! Source: protobuf, "Encoding"; Amazon's `record.proto` as the SageMaker Python SDK carries it.

use super::super::number::shown;
use super::problem::RecordProblem;

/// The name under which features and label stand.
const VALUES: &[u8] = b"values";

/// The numbers of a tensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    None,
    Float32,
    Float64,
    Int32,
    Bytes,
}

/// A tensor, in memory that is used again for the next record.
#[derive(Debug, Default)]
pub(crate) struct Tensor {
    kind: Kind,
    /// Its numbers; a double holds each of the others.
    pub(crate) values: Vec<f64>,
    /// Where they stand, in a sparse tensor.
    pub(crate) keys: Vec<u64>,
    /// Its dimensions.
    pub(crate) shape: Vec<u64>,
    /// A name in the map that is not `values`.
    other_name: Option<String>,
}

/// A record's tensors.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) features: Tensor,
    pub(crate) label: Tensor,
}

impl Tensor {
    fn clear(&mut self) {
        self.kind = Kind::None;
        self.values.clear();
        self.keys.clear();
        self.shape.clear();
    }

    fn check(&self, of: &'static str) -> Result<(), RecordProblem> {
        match (self.kind, &self.other_name) {
            (Kind::Bytes, _) => Err(RecordProblem::Bytes { of }),
            (Kind::None, Some(name)) => Err(RecordProblem::Name {
                of,
                name: name.clone(),
            }),
            (Kind::None | Kind::Float32 | Kind::Float64 | Kind::Int32, _) => Ok(()),
        }
    }

    /// The number of cells that the shape has; `None` without a shape.
    pub(crate) fn n_cells(&self) -> Option<u64> {
        let cells = |cells: u64, it: &u64| cells.saturating_mul(*it);
        (!self.shape.is_empty()).then(|| self.shape.iter().fold(1, cells))
    }
}

impl Row {
    /// Reads a record.
    pub(crate) fn read(&mut self, record: &[u8]) -> Result<(), RecordProblem> {
        for tensor in [&mut self.features, &mut self.label] {
            tensor.clear();
            tensor.other_name = None;
        }
        let mut fields = Fields(record);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => map_entry(field.bytes()?, &mut self.features)?,
                2 => map_entry(field.bytes()?, &mut self.label)?,
                // uid, metadata, configuration, and what later versions may add.
                _ => {}
            }
        }
        self.features.check("features")?;
        self.label.check("labels")
    }
}

fn map_entry(entry: &[u8], tensor: &mut Tensor) -> Result<(), RecordProblem> {
    let (mut name, mut value) = (&b""[..], &b""[..]);
    let mut fields = Fields(entry);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => name = field.bytes()?,
            2 => value = field.bytes()?,
            _ => {}
        }
    }
    if name != VALUES {
        tensor.other_name = Some(shown(name));
        return Ok(());
    }
    tensor.clear();
    let mut fields = Fields(value);
    while let Some((number, field)) = fields.next()? {
        let kind = match number {
            2 => Kind::Float32,
            3 => Kind::Float64,
            7 => Kind::Int32,
            9 => Kind::Bytes,
            _ => continue,
        };
        if kind != tensor.kind {
            tensor.clear();
            tensor.kind = kind;
        }
        if kind != Kind::Bytes {
            read_tensor(field.bytes()?, tensor)?;
        }
    }
    Ok(())
}

fn read_tensor(message: &[u8], tensor: &mut Tensor) -> Result<(), RecordProblem> {
    let mut fields = Fields(message);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => read_values(field, tensor)?,
            2 => read_whole(field, &mut tensor.keys)?,
            3 => read_whole(field, &mut tensor.shape)?,
            _ => {}
        }
    }
    Ok(())
}

fn read_values(field: Field<'_>, tensor: &mut Tensor) -> Result<(), RecordProblem> {
    let values = &mut tensor.values;
    match (tensor.kind, field) {
        (Kind::Float32, Field::Bytes(packed)) => {
            let (numbers, rest) = packed.as_chunks::<4>();
            whole_numbers_of(rest)?;
            values.extend(numbers.iter().map(|it| f64::from(f32::from_le_bytes(*it))));
        }
        (Kind::Float32, Field::Fixed32(it)) => values.push(f64::from(f32::from_le_bytes(it))),
        (Kind::Float64, Field::Bytes(packed)) => {
            let (numbers, rest) = packed.as_chunks::<8>();
            whole_numbers_of(rest)?;
            values.extend(numbers.iter().map(|it| f64::from_le_bytes(*it)));
        }
        (Kind::Float64, Field::Fixed64(it)) => values.push(f64::from_le_bytes(it)),
        (Kind::Int32, Field::Bytes(mut packed)) => {
            while !packed.is_empty() {
                values.push(f64::from(varint(&mut packed)? as i32));
            }
        }
        (Kind::Int32, Field::Varint(it)) => values.push(f64::from(it as i32)),
        (
            Kind::None | Kind::Bytes | Kind::Float32 | Kind::Float64 | Kind::Int32,
            Field::Varint(_) | Field::Fixed32(_) | Field::Fixed64(_) | Field::Bytes(_),
        ) => {
            return Err(RecordProblem::Protobuf(
                "a field has another type than the message says",
            ));
        }
    }
    Ok(())
}

fn whole_numbers_of(rest: &[u8]) -> Result<(), RecordProblem> {
    match rest {
        [] => Ok(()),
        _ => Err(RecordProblem::Protobuf(
            "a tensor ends in the middle of a number",
        )),
    }
}

fn read_whole(field: Field<'_>, numbers: &mut Vec<u64>) -> Result<(), RecordProblem> {
    if let Field::Varint(it) = field {
        numbers.push(it);
        return Ok(());
    }
    let mut packed = field.bytes()?;
    while !packed.is_empty() {
        numbers.push(varint(&mut packed)?);
    }
    Ok(())
}

/// A field as it is written.
#[derive(Clone, Copy)]
enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

impl<'a> Field<'a> {
    fn bytes(self) -> Result<&'a [u8], RecordProblem> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Varint(_) | Self::Fixed64(_) | Self::Fixed32(_) => Err(RecordProblem::Protobuf(
                "a field has another type than the message says",
            )),
        }
    }
}

/// The fields of a message.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, RecordProblem> {
        const SHORT: RecordProblem =
            RecordProblem::Protobuf("a field says that it is longer than its message");
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = varint(&mut self.0)?;
        let field = match tag & 7 {
            0 => Field::Varint(varint(&mut self.0)?),
            1 => {
                let (number, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
                self.0 = rest;
                Field::Fixed64(*number)
            }
            2 => {
                let n_bytes = varint(&mut self.0)?;
                let n_bytes = usize::try_from(n_bytes).map_err(|_| SHORT)?;
                let (bytes, rest) = self.0.split_at_checked(n_bytes).ok_or(SHORT)?;
                self.0 = rest;
                Field::Bytes(bytes)
            }
            5 => {
                let (number, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
                self.0 = rest;
                Field::Fixed32(*number)
            }
            _ => {
                return Err(RecordProblem::Protobuf(
                    "a field has a type that protobuf 2 and 3 do not write",
                ));
            }
        };
        match tag >> 3 {
            0 => Err(RecordProblem::Protobuf("a field has the number 0")),
            number => Ok(Some((number, field))),
        }
    }
}

/// Reads seven bits a byte, the lowest first.
fn varint(bytes: &mut &[u8]) -> Result<u64, RecordProblem> {
    let mut number = 0;
    for (at, &byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            *bytes = &bytes[at + 1..];
            return Ok(number);
        }
    }
    Err(RecordProblem::Protobuf(
        "a number does not end within its message or within ten bytes",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_within_ten_bytes() {
        for (bytes, expected) in [
            (&[0x00][..], Some(0)),
            (&[0xac, 0x02], Some(300)),
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
                Some(u64::MAX),
            ),
            (&[0x80; 11], None),
            (&[0x80], None),
            (&[], None),
        ] {
            assert_eq!(varint(&mut { bytes }).ok(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_name_that_comes_again_replaces_what_was_there() {
        let tensor = |value: f32| {
            let packed = [&[0x0a, 4][..], &value.to_le_bytes()].concat();
            let value = [&[0x12, packed.len() as u8][..], &packed].concat();
            let entry = [&b"\x0a\x06values\x12"[..], &[value.len() as u8], &value].concat();
            [&[0x0a, entry.len() as u8][..], &entry].concat()
        };
        let mut row = Row::default();
        row.read(&[tensor(1.0), tensor(2.0)].concat()).unwrap();
        assert_eq!(row.features.values, [2.0]);
        row.read(&tensor(3.0)).unwrap();
        assert_eq!(row.features.values, [3.0]);
    }
}
