//! Which Parquet columns hold numbers, and how each becomes an `f32`.
//!
//! Invariant: a number is rounded once, to the nearest `f32`, ties to even; so a table gives the same features as Parquet
//! as it does as text.
//!
//! Source: `LogicalTypes.md` of apache/parquet-format. Files of old writers have the converted type only.

use std::fmt;

use half::f16;
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::schema::types::ColumnDescriptor;

/// What a column's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    Boolean,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Half,
    Float,
    Double,
    /// Decimals of up to nine digits, with the digits behind the point.
    Decimal32(u32),
    /// Decimals of up to 18 digits.
    Decimal64(u32),
    /// Decimals of up to 38 digits.
    Decimal128(u32),
    /// No numbers but text.
    Text,
}

/// The longest decimal that is read, in bytes.
const DECIMAL_BYTES: i32 = 16;

/// What the annotation says about the bits.
enum Meaning {
    Plain,
    Unsigned,
    Decimal,
    Half,
    Text,
    Other(&'static str),
}

impl Numbers {
    /// What `column` holds.
    ///
    /// # Errors
    /// In words, what it holds instead of numbers.
    pub(super) fn of(column: &ColumnDescriptor) -> Result<Self, &'static str> {
        let scale = column.type_scale();
        let is_scale = (0..=38).contains(&scale);
        let digits = scale.unsigned_abs();
        match (meaning(column), column.physical_type()) {
            (Meaning::Other(what), _) => Err(what),
            (Meaning::Plain, Type::BOOLEAN) => Ok(Self::Boolean),
            (Meaning::Plain, Type::INT32) => Ok(Self::Int32),
            (Meaning::Plain, Type::INT64) => Ok(Self::Int64),
            (Meaning::Plain, Type::FLOAT) => Ok(Self::Float),
            (Meaning::Plain, Type::DOUBLE) => Ok(Self::Double),
            (Meaning::Unsigned, Type::INT32) => Ok(Self::Uint32),
            (Meaning::Unsigned, Type::INT64) => Ok(Self::Uint64),
            (Meaning::Decimal, Type::INT32) if is_scale => Ok(Self::Decimal32(digits)),
            (Meaning::Decimal, Type::INT64) if is_scale => Ok(Self::Decimal64(digits)),
            (Meaning::Decimal, Type::FIXED_LEN_BYTE_ARRAY)
                if is_scale && (1..=DECIMAL_BYTES).contains(&column.type_length()) =>
            {
                Ok(Self::Decimal128(digits))
            }
            (Meaning::Decimal, _) => Err("decimals of more than 38 digits or of variable length"),
            (Meaning::Half, Type::FIXED_LEN_BYTE_ARRAY) if column.type_length() == 2 => {
                Ok(Self::Half)
            }
            (Meaning::Plain, Type::INT96) => Err("timestamps (INT96)"),
            (Meaning::Plain, Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY) => Err("bytes or text"),
            (Meaning::Text, Type::BYTE_ARRAY) => Ok(Self::Text),
            (Meaning::Unsigned | Meaning::Half | Meaning::Text, _) => {
                Err("values whose type contradicts itself")
            }
        }
    }
}

fn meaning(column: &ColumnDescriptor) -> Meaning {
    let Some(logical) = column.logical_type_ref() else {
        return converted_meaning(column.converted_type());
    };
    match logical {
        LogicalType::Integer(it) if it.is_signed => Meaning::Plain,
        LogicalType::Integer(_) => Meaning::Unsigned,
        LogicalType::Decimal(_) => Meaning::Decimal,
        LogicalType::Float16 => Meaning::Half,
        // A column of nothing but nulls.
        LogicalType::Unknown => Meaning::Plain,
        LogicalType::String | LogicalType::Enum => Meaning::Text,
        LogicalType::Json => Meaning::Other("text"),
        LogicalType::Date => Meaning::Other("dates"),
        LogicalType::Time(_) => Meaning::Other("times of day"),
        LogicalType::Timestamp(_) => Meaning::Other("timestamps"),
        LogicalType::Uuid => Meaning::Other("UUIDs"),
        _ => Meaning::Other("no numbers"),
    }
}

fn converted_meaning(converted: ConvertedType) -> Meaning {
    match converted {
        ConvertedType::NONE
        | ConvertedType::INT_8
        | ConvertedType::INT_16
        | ConvertedType::INT_32
        | ConvertedType::INT_64 => Meaning::Plain,
        ConvertedType::UINT_8
        | ConvertedType::UINT_16
        | ConvertedType::UINT_32
        | ConvertedType::UINT_64 => Meaning::Unsigned,
        ConvertedType::DECIMAL => Meaning::Decimal,
        ConvertedType::UTF8 | ConvertedType::ENUM => Meaning::Text,
        ConvertedType::JSON => Meaning::Other("text"),
        ConvertedType::DATE => Meaning::Other("dates"),
        ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS => Meaning::Other("times of day"),
        ConvertedType::TIMESTAMP_MILLIS | ConvertedType::TIMESTAMP_MICROS => {
            Meaning::Other("timestamps")
        }
        ConvertedType::INTERVAL => Meaning::Other("intervals"),
        _ => Meaning::Other("no numbers"),
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::Int32 => f.write_str("INT32"),
            Self::Int64 => f.write_str("INT64"),
            Self::Uint32 => f.write_str("unsigned INT32"),
            Self::Uint64 => f.write_str("unsigned INT64"),
            Self::Half => f.write_str("FLOAT16"),
            Self::Float => f.write_str("FLOAT"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Text => f.write_str("text"),
            Self::Decimal32(scale) | Self::Decimal64(scale) | Self::Decimal128(scale) => {
                write!(f, "DECIMAL with {scale} digits behind the point")
            }
        }
    }
}

/// A decimal as the whole number from 0 that it is, if it is one.
pub(super) fn whole_decimal(unscaled: i128, scale: u32) -> Option<u64> {
    let power = 10_i128.checked_pow(scale)?;
    let is_whole = unscaled % power == 0;
    u64::try_from(unscaled / power).ok().filter(|_| is_whole)
}

/// Rounds `unscaled / 10^scale`.
pub(super) fn decimal(unscaled: i128, scale: u32) -> f32 {
    /// Up to here an `f64` holds every whole number.
    const EXACT: u128 = 1 << 53;
    /// Up to here an `f64` holds the powers of ten.
    const EXACT_POWER: u32 = 22;
    /// The bits that go when an `f64` becomes an `f32`, and what they are at the middle of two.
    const LOST: u64 = (1 << 29) - 1;
    const MIDDLE: u64 = 1 << 28;
    if unscaled.unsigned_abs() <= EXACT && scale <= EXACT_POWER {
        let quotient = unscaled as f64 / 10_f64.powi(scale as i32);
        // Rounding twice is wrong only where the first time ends in the middle.
        if quotient.to_bits() & LOST != MIDDLE {
            return quotient as f32;
        }
    }
    let text = format!("{unscaled}e-{scale}");
    fast_float2::parse(&text).expect("an integer with an exponent is a number")
}

/// Reads a big-endian two's complement of up to 16 bytes.
pub(super) fn big_endian(bytes: &[u8]) -> i128 {
    let sign = bytes.first().map_or(0, |it| i128::from(*it as i8 >> 7));
    bytes
        .iter()
        .fold(sign, |value, &byte| value << 8 | i128::from(byte))
}

/// Reads a little-endian `f16`.
pub(super) fn half(bytes: &[u8]) -> f32 {
    match bytes {
        &[low, high] => f16::from_le_bytes([low, high]).to_f32(),
        _ => f32::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_decimals_lose_no_digit() {
        for (unscaled, scale, expected) in [
            (16_777_217, 0, Some(16_777_217)),
            (1_677_721_700, 2, Some(16_777_217)),
            (1_677_721_750, 2, None),
            (-1, 0, None),
            (-5, 1, None),
            (i128::from(u64::MAX), 0, Some(u64::MAX)),
            (i128::from(u64::MAX) + 1, 0, None),
            (0, 38, Some(0)),
        ] {
            assert_eq!(
                whole_decimal(unscaled, scale),
                expected,
                "{unscaled}e-{scale}"
            );
        }
    }

    #[test]
    fn decimals_are_rounded_once() {
        let table: &[(i128, u32)] = &[
            (0, 0),
            (-5, 1),
            (123_456_789, 4),
            (16_777_217, 0),
            (33_554_434_000_000_001, 9),
            (-99_999_999_999_999_999_999_999_999_999_999_999_999, 38),
            (99_999_999_999_999_999_999_999_999_999_999_999_999, 0),
            (1, 38),
            // Just above the middle of two f32; as f64 it is the middle.
            (1_000_000_059_604_644_776, 18),
            (8_388_608_500_000_001, 9),
        ];
        for &(unscaled, scale) in table {
            let text = format!("{unscaled}e-{scale}");
            assert_eq!(
                decimal(unscaled, scale),
                text.parse::<f32>().unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn many_decimals_are_what_their_text_is() {
        let mut state = 1_u64;
        for step in 0..200_000_u32 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let (unscaled, scale) = (i128::from((state >> (step % 60)) as i64), step % 20);
            let text = format!("{unscaled}e-{scale}");
            assert_eq!(
                decimal(unscaled, scale),
                text.parse::<f32>().unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn bytes_are_read_with_their_sign() {
        for value in [0, 1, -1, 127, -128, 300, -40_000, i128::MAX, i128::MIN] {
            assert_eq!(big_endian(&value.to_be_bytes()), value);
        }
        assert_eq!(big_endian(&[0xff]), -1);
        assert_eq!(big_endian(&[0x80, 0]), -32_768);
        assert_eq!(half(&[0, 0x3e]), 1.5);
    }
}
