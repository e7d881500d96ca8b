//! `application/x-recordio-protobuf`: frames of `aialgs.data.Record`, of which the features are read.
//!
//! Invariants: a record is a row, and labels are passed over; if one record is sparse all rows are; a record without values
//! is a row in which nothing is known. Frames and messages are read as in training.

use crate::data::libsvm::MAX_INDEX;
use crate::data::recordio::RecordProblem;
use crate::data::recordio::frame::{records, whole};
use crate::data::recordio::proto::{Row, Tensor};

use super::super::rows::{DenseRows, Rows, SparseRows};
use super::{Found, Problem, Spot};

pub(super) fn decode(body: &[u8]) -> Result<Rows, Found> {
    let frames = whole(body);
    let (n_records, end) = (frames.n_records as usize, frames.end);
    if let Some(problem) = frames.problem(true) {
        return Err((Spot::Row(n_records + 1), problem.into()));
    }
    let body = &body[..end];
    let mut is_sparse = false;
    each(body, |features| {
        is_sparse |= !features.keys.is_empty() || features.values.is_empty();
        Ok(())
    })?;
    if is_sparse {
        let mut rows = SparseRows::default();
        each(body, |features| push_sparse(features, &mut rows))?;
        return Ok(rows.finish());
    }
    let mut rows = DenseRows::default();
    each(body, |features| {
        for &value in &features.values {
            rows.values.push(finite(value)?);
        }
        Ok(rows.end_row()?)
    })?;
    Ok(rows.finish())
}

/// Calls `work` with the features of each record.
fn each(body: &[u8], mut work: impl FnMut(&Tensor) -> Result<(), Problem>) -> Result<(), Found> {
    let mut row = Row::default();
    for (number, record) in (1..).zip(records(body)) {
        let read = row.read(&record).map_err(Problem::from);
        read.and_then(|()| work(&row.features))
            .map_err(|problem| (Spot::Row(number), problem))?;
    }
    Ok(())
}

fn push_sparse(tensor: &Tensor, rows: &mut SparseRows) -> Result<(), Problem> {
    let (keys, values) = (tensor.keys.len(), tensor.values.len());
    if keys != values && keys != 0 {
        return Err(RecordProblem::Keys { keys, values }.into());
    }
    let n_columns = tensor.n_cells().unwrap_or(0);
    rows.widen(usize::try_from(n_columns).unwrap_or(usize::MAX));
    for (at, &value) in tensor.values.iter().enumerate() {
        let key = tensor.keys.get(at).copied().unwrap_or(at as u64);
        let last = u64::from(MAX_INDEX);
        let column = u32::try_from(key).ok().filter(|it| *it <= MAX_INDEX);
        let column = column.ok_or(RecordProblem::Key { key, last })?;
        rows.push(column, finite(value)?);
    }
    Ok(rows.end_row()?)
}

fn finite(value: f64) -> Result<f32, Problem> {
    let value = value as f32;
    if value.is_infinite() {
        return Err(Problem::Infinite);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: u32 = 0xced7_230a;

    fn bytes_field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        assert!(length < 0x80);
        [&[(number << 3) | 2, length][..], bytes].concat()
    }

    fn framed(record: &[u8]) -> Vec<u8> {
        let length = u32::try_from(record.len()).unwrap();
        let padding = vec![0; record.len().next_multiple_of(4) - record.len()];
        [
            &MAGIC.to_le_bytes()[..],
            &length.to_le_bytes(),
            record,
            &padding,
        ]
        .concat()
    }

    /// A record of features that are a tensor of `kind`.
    fn record(kind: u8, tensor: &[u8]) -> Vec<u8> {
        let value = bytes_field(kind, tensor);
        let entry = [bytes_field(1, b"values"), bytes_field(2, &value)].concat();
        let label = bytes_field(
            2,
            &[bytes_field(1, b"values"), bytes_field(2, b"")].concat(),
        );
        framed(&[bytes_field(1, &entry), label].concat())
    }

    fn packed(values: &[f32]) -> Vec<u8> {
        let bytes: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        bytes_field(1, &bytes)
    }

    #[test]
    fn dense_records_of_every_type_are_rows() {
        let doubles: Vec<u8> = [3.0_f64, 4.0]
            .iter()
            .flat_map(|it| it.to_le_bytes())
            .collect();
        // -1 as protobuf spells it, then 300.
        let ints = [&[0xff; 9][..], &[0x01, 0xac, 0x02]].concat();
        let body = [
            record(2, &packed(&[1.5, f32::NAN])),
            record(3, &bytes_field(1, &doubles)),
            record(7, &bytes_field(1, &ints)),
        ]
        .concat();
        let Rows::Dense { n_columns, values } = decode(&body).unwrap() else {
            panic!("dense records gave sparse rows")
        };
        assert_eq!(n_columns, 2);
        assert!(values[1].is_nan());
        assert_eq!(values[2..], [3.0, 4.0, -1.0, 300.0]);
    }

    #[test]
    fn sparse_records_may_be_empty() {
        let one = [
            packed(&[1.5, 2.5]),
            bytes_field(2, &[4, 1]),
            bytes_field(3, &[7]),
        ]
        .concat();
        let body = [record(2, &one), record(2, &bytes_field(3, &[7]))].concat();
        let expected = Rows::Sparse {
            n_columns: 7,
            indptr: vec![0, 2, 2],
            indices: vec![1, 4],
            values: vec![2.5, 1.5],
        };
        assert_eq!(decode(&body).unwrap(), expected);
    }

    #[test]
    fn damaged_records_are_refused_and_never_panic() {
        let sparse = [
            packed(&[1.5, 2.5]),
            bytes_field(2, &[4, 1]),
            bytes_field(3, &[7]),
        ]
        .concat();
        let whole = [record(2, &packed(&[1.5, 2.5])), record(2, &sparse)].concat();
        for end in 1..whole.len() {
            let _ = decode(&whole[..end]);
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                let _ = decode(&damaged);
            }
        }
        let (spot, _) = decode(b"1,2,3,4,5").unwrap_err();
        assert_eq!(spot, Spot::Row(1));
        let (spot, _) = decode(&whole[..whole.len() - 9]).unwrap_err();
        assert_eq!(spot, Spot::Row(2));
        let three = record(2, &[packed(&[1.5, 2.5]), bytes_field(2, &[4])].concat());
        let (_, problem) = decode(&three).unwrap_err();
        assert_eq!(problem.to_string(), "1 keys for 2 values");
    }
}
