//! A model is read from its folder or from SageMaker's archive, and what is damaged or too large is refused.

use std::io::{self, Read, Write};
use std::path::Path;

use contract::artifact::{MAX_MODEL_BYTES, StoredModel, StoredModelError, side_path};
use engine::dataset::SideColumn;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

const SIDE: &[u8] = br#"{"required_inputs": ["exposure"], "objective": "count:poisson"}"#;

/// An archive of these files; each has the size that its header says, whatever it holds.
fn archive(files: &[(&str, &[u8], u64)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, content, size) in files {
        let mut header = Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_size(*size);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&builder.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

fn read(bytes: &[u8], side: io::Result<Vec<u8>>) -> Result<StoredModel, StoredModelError> {
    StoredModel::read(bytes, MAX_MODEL_BYTES, || side)
}

fn of_archive(bytes: &[u8]) -> Result<StoredModel, StoredModelError> {
    StoredModel::read(bytes, MAX_MODEL_BYTES, || {
        panic!("an archive holds its side file")
    })
}

fn no_side() -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::NotFound.into())
}

fn refused(bytes: &[u8]) -> StoredModelError {
    of_archive(bytes).unwrap_err()
}

#[test]
fn an_archive_and_a_folder_say_the_same() {
    let expected = StoredModel {
        bytes: b"{}".to_vec(),
        required_inputs: vec![SideColumn::Exposure],
    };
    let side = ("linden/training.json", SIDE, SIDE.len() as u64);
    for (name, side_name) in [
        ("xgboost-model", "linden/training.json"),
        ("./xgboost-model", "./linden/training.json"),
    ] {
        let other = ("linden/xgboost-model", b"no".as_slice(), 2);
        let files = [
            (name, b"{}".as_slice(), 2),
            (side_name, side.1, side.2),
            other,
        ];
        assert_eq!(of_archive(&archive(&files)).unwrap(), expected);
    }
    assert_eq!(read(b"{}", Ok(SIDE.to_vec())).unwrap(), expected);
    let none = read(b"{}", Err(io::ErrorKind::NotFound.into())).unwrap();
    assert_eq!(none.required_inputs, []);
    assert_eq!(
        side_path(Path::new("model/xgboost-model")),
        Path::new("model/linden/training.json")
    );
}

#[test]
fn what_is_damaged_or_no_model_is_refused() {
    let other = refused(&archive(&[("xgboost-model-0", b"{}", 2)]));
    assert_eq!(other.to_string(), "the archive holds no `xgboost-model`");
    let whole = archive(&[("xgboost-model", &[7; 3000], 3000)]);
    for bytes in [
        &whole[..whole.len() / 2],
        b"\x1f\x8b nothing that was packed",
    ] {
        let err = refused(bytes);
        assert!(matches!(err, StoredModelError::Archive(_)), "{err}");
    }
    // A disk that fails is no damage of the archive.
    let cut = (&whole[..40]).chain(Failing);
    let err = StoredModel::read(cut, MAX_MODEL_BYTES, || Ok(SIDE.to_vec())).unwrap_err();
    assert!(matches!(err, StoredModelError::Read(_)), "{err}");
    let err = read(b"{}", Err(io::ErrorKind::PermissionDenied.into())).unwrap_err();
    assert!(matches!(err, StoredModelError::Read(_)), "{err}");
}

/// A disk.
struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::from_raw_os_error(5))
    }
}

#[test]
fn a_model_that_is_too_large_is_refused_and_not_cut() {
    let bytes = archive(&[("xgboost-model", b"{}", (8 << 30) + 1)]);
    assert_eq!(
        refused(&bytes).to_string(),
        "the model is larger than 8589934592 bytes, the most that is read"
    );
    let bytes = archive(&[("xgboost-model", b"{} ", 3)]);
    let within = |max_bytes| StoredModel::read(bytes.as_slice(), max_bytes, no_side);
    assert_eq!(
        within(2).unwrap_err().to_string(),
        "the model is larger than 2 bytes, the most that is read"
    );
    assert_eq!(within(3).unwrap().bytes, b"{} ");
    let side = archive(&[
        ("xgboost-model", b"{}", 2),
        ("linden/training.json", b"", 1 << 40),
    ]);
    assert_eq!(
        refused(&side).to_string(),
        "the side file is larger than 268435456 bytes, the most that is read"
    );
}

#[test]
fn a_link_in_the_models_place_leads_nowhere() {
    for kind in [EntryType::Symlink, EntryType::Link] {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        builder
            .append_link(&mut header, "xgboost-model", "/etc/passwd")
            .unwrap();
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        assert_eq!(
            refused(&bytes).to_string(),
            "the archive holds no `xgboost-model`"
        );
    }
}

#[test]
fn a_side_file_that_nobody_understands_is_not_passed_over() {
    let said = |side: &[u8]| {
        let side = ("linden/training.json", side, side.len() as u64);
        refused(&archive(&[("xgboost-model", b"{}", 2), side])).to_string()
    };
    let damaged = said(b"{");
    assert!(
        damaged.starts_with("`linden/training.json` beside the model is damaged: "),
        "{damaged}"
    );
    assert_eq!(
        said(br#"{"required_inputs": ["season"]}"#),
        "the model needs a column `season`, which this version does not know; known are base_margin, exposure"
    );
}
