//! A model is read from its folder or from SageMaker's archive, and what is damaged or too large is refused.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use contract::artifact::{StoredModel, StoredModelError};
use engine::dataset::SideColumn;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};
use tempfile::TempDir;

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

fn written(bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    fs::write(&path, bytes).unwrap();
    (dir, path)
}

fn refused(bytes: &[u8]) -> StoredModelError {
    let (_dir, path) = written(bytes);
    StoredModel::read(&path).unwrap_err()
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
        let (_dir, path) = written(&archive(&files));
        assert_eq!(StoredModel::read(&path).unwrap(), expected);
    }
    let (dir, path) = written(b"{}");
    assert_eq!(StoredModel::read(&path).unwrap().required_inputs, []);
    fs::create_dir(dir.path().join("linden")).unwrap();
    fs::write(dir.path().join("linden/training.json"), SIDE).unwrap();
    assert_eq!(StoredModel::read(&path).unwrap(), expected);
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
    let (dir, _) = written(b"");
    let err = StoredModel::read(&dir.path().join("other")).unwrap_err();
    assert!(matches!(err, StoredModelError::Read { .. }), "{err}");
}

#[test]
fn a_model_that_is_too_large_is_refused_and_not_cut() {
    let bytes = archive(&[("xgboost-model", b"{}", (8 << 30) + 1)]);
    assert_eq!(
        refused(&bytes).to_string(),
        "`xgboost-model` has 8589934593 bytes, allowed are up to 8 GiB"
    );
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
