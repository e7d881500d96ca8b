//! Brings home what a job has written: archives down, unpacked safely, and held against the digests that the job left.
//!
//! Layout below the target folder: `model.tar.gz`, `model/` (its content), `output.tar.gz`, `output/`. Everything happens
//! in a [`Staging`] folder first. Invariant: the target folder holds either what was there before, or whole archives whose
//! models are those that the job wrote down; whatever goes wrong leaves nothing behind.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use contract::artifact::{
    EVALUATION_FILE, Evaluation, MODEL_ARCHIVE, MODEL_FILE, ModelDigest, OUTPUT_ARCHIVE,
};
use contract::job::{S3Uri, TrainingJobDescription};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::aws::ObjectMeta;
use crate::error::CliError;
use crate::output::Printer;
use crate::session::Session;
use crate::staging::Staging;
use crate::units;
use crate::unpack;

/// `show` reads the evaluation out of an archive up to this size; a larger one holds more than a job's figures.
const MAX_GLANCE: u64 = 32 << 20;
const BYTES_BAR: &str = "{msg:24} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}";

/// An archive of a job in S3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// Its address.
    #[serde(serialize_with = "as_text")]
    pub uri: S3Uri,
    /// Its size in bytes.
    pub bytes: u64,
}

fn as_text<S: serde::Serializer>(uri: &S3Uri, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(uri)
}

/// What has come home.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Fetched {
    /// The target folder.
    pub folder: PathBuf,
    /// The model file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// SHA-256 of the model file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_sha256: Option<String>,
    /// Whether every model's digest equals the one that the job itself wrote down.
    pub verified: bool,
    /// The models that were held against what the job wrote down: one, or one for each fold.
    pub verified_models: Vec<VerifiedModel>,
    /// All files, below the folder.
    pub files: Vec<PathBuf>,
    /// What the job measured.
    #[serde(skip)]
    pub evaluation: Option<Evaluation>,
}

/// A model that is the one which the job wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedModel {
    /// Its name in `model.tar.gz`.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// The addresses of a job's archives, whether they are there or not.
fn addresses(job: &TrainingJobDescription) -> Vec<S3Uri> {
    let output = job
        .output_data_config
        .as_ref()
        .map(|it| it.s3_output_path.as_str())
        .unwrap_or_default();
    let Ok(output) = output.parse::<S3Uri>() else {
        return vec![];
    };
    let below = output.join(&job.training_job_name).join("output");
    let model = job
        .model_artifacts
        .as_ref()
        .and_then(|it| it.s3_model_artifacts.parse().ok());
    vec![
        model.unwrap_or_else(|| below.join(MODEL_ARCHIVE)),
        below.join(OUTPUT_ARCHIVE),
    ]
}

/// What a job has written to S3.
///
/// # Errors
/// If S3 cannot be asked.
pub async fn list(
    session: &Session,
    job: &TrainingJobDescription,
) -> Result<Vec<Artifact>, CliError> {
    let mut artifacts = Vec::new();
    for uri in addresses(job) {
        if let Some(ObjectMeta { bytes, .. }) = session.store().head(&uri).await? {
            artifacts.push(Artifact { uri, bytes });
        }
    }
    Ok(artifacts)
}

/// Fetches and unpacks what a job has written into `folder`.
///
/// # Errors
/// If nothing is there, an archive is refused, or a model is not the one that the job wrote down.
pub async fn fetch(
    session: &Session,
    job: &TrainingJobDescription,
    folder: &Path,
    printer: &mut Printer,
) -> Result<Fetched, CliError> {
    let staging = Staging::below(folder)?;
    let fetched = bring(session, job, &staging, printer).await?;
    staging.move_into(folder)?;
    Ok(Fetched {
        model: fetched.model.map(|_| folder.join("model").join(MODEL_FILE)),
        folder: folder.to_owned(),
        ..fetched
    })
}

/// Holds what a job has written against its digests, and leaves nothing on the disk.
///
/// # Errors
/// As [`fetch`].
pub async fn check(
    session: &Session,
    job: &TrainingJobDescription,
    printer: &mut Printer,
) -> Result<Fetched, CliError> {
    let staging = Staging::below(&std::env::temp_dir())?;
    let fetched = bring(session, job, &staging, printer).await?;
    Ok(Fetched {
        model: None,
        folder: PathBuf::new(),
        ..fetched
    })
}

/// Fetches, unpacks and verifies in the staging folder; paths of what comes back lie there.
///
/// # Errors
/// As [`fetch`].
pub async fn bring(
    session: &Session,
    job: &TrainingJobDescription,
    staging: &Staging,
    printer: &mut Printer,
) -> Result<Fetched, CliError> {
    let artifacts = list(session, job).await?;
    if artifacts.is_empty() {
        return Err(nothing(session, job));
    }
    let mut fetched = Fetched::default();
    for artifact in &artifacts {
        let (archive, sub_folder) = names(&artifact.uri);
        let path = staging.join(&archive);
        download(session, artifact, &path, printer).await?;
        for file in unpack::tar_gz(&path, &staging.join(&sub_folder))? {
            fetched.files.push(Path::new(&sub_folder).join(file.path));
        }
    }
    let model = staging.join("model").join(MODEL_FILE);
    if model.is_file() {
        fetched.model_sha256 = Some(sha256(&model)?);
        fetched.model = Some(model);
    }
    fetched.evaluation = read_evaluation(&staging.join("output"));
    if let Some(evaluation) = &fetched.evaluation {
        fetched.verified_models = verify(&staging.join("model"), evaluation)?;
    }
    fetched.verified = !fetched.verified_models.is_empty();
    Ok(fetched)
}

/// Why there is nothing to fetch.
fn nothing(session: &Session, job: &TrainingJobDescription) -> CliError {
    let output = job.output_data_config.as_ref();
    if output.and_then(|it| it.compression_type.as_deref()) == Some("NONE") {
        let prefix = output
            .map(|it| it.s3_output_path.trim_end_matches('/'))
            .unwrap_or_default();
        let name = &job.training_job_name;
        return CliError::Missing {
            message: format!(
                "`{name}` has left files and no archive, since its output is not compressed"
            ),
            fix: format!("fetch them with `aws s3 sync {prefix}/{name}/output/ DIR`"),
        };
    }
    CliError::Missing {
        message: format!(
            "`{}` has left no model.tar.gz and no output.tar.gz in S3",
            job.training_job_name
        ),
        fix: format!(
            "`linden show {}{}` tells how the job ended",
            job.training_job_name,
            session.flag()
        ),
    }
}

/// `model.tar.gz` goes into `model/`.
fn names(uri: &S3Uri) -> (String, String) {
    let archive = uri
        .key()
        .rsplit('/')
        .next()
        .unwrap_or(MODEL_ARCHIVE)
        .to_owned();
    let folder = archive
        .strip_suffix(".tar.gz")
        .unwrap_or("model")
        .to_owned();
    (archive, folder)
}

async fn download(
    session: &Session,
    artifact: &Artifact,
    path: &Path,
    printer: &mut Printer,
) -> Result<(), CliError> {
    printer.start_bar(artifact.bytes, BYTES_BAR);
    printer.move_bar(0, &path.file_name().unwrap_or_default().to_string_lossy());
    let bar = printer.bar();
    let progress = move |n: u64| {
        if let Some(bar) = &bar {
            bar.inc(n);
        }
    };
    let result = session.store().get(&artifact.uri, path, &progress).await;
    printer.end_bar();
    let bytes = result?;
    printer.detail(&format!(
        "fetched {} ({})",
        artifact.uri,
        units::bytes(bytes)
    ));
    Ok(())
}

fn read_evaluation(folder: &Path) -> Option<Evaluation> {
    // A file that is not there, or of another version, is a job of another trainer: nothing to say about that.
    Evaluation::read(&fs::read(folder.join(EVALUATION_FILE)).ok()?).ok()
}

/// Holds the models in `folder` against the digests that the job wrote.
fn verify(folder: &Path, evaluation: &Evaluation) -> Result<Vec<VerifiedModel>, CliError> {
    let folds = evaluation.cross_validation.iter();
    let folds = folds.flat_map(|it| it.models.iter().map(|it| &it.model));
    let mut expected: Vec<&ModelDigest> = std::iter::once(&evaluation.model).chain(folds).collect();
    expected.dedup();
    let mut verified = Vec::new();
    for digest in expected {
        // The name comes from an archive that others can write.
        let is_plain = Path::new(&digest.file)
            .file_name()
            .is_some_and(|it| it == &*digest.file);
        let path = folder.join(&digest.file);
        let found = if is_plain && path.is_file() {
            sha256(&path)?
        } else {
            "no such file".to_owned()
        };
        if found != digest.sha256 {
            return Err(CliError::Digest {
                path: Path::new(MODEL_ARCHIVE).join(&digest.file),
                expected: digest.sha256.clone(),
                found,
            });
        }
        verified.push(VerifiedModel {
            file: digest.file.clone(),
            sha256: found,
        });
    }
    Ok(verified)
}

/// SHA-256 of a file, lower-case hexadecimal.
///
/// # Errors
/// If it cannot be read.
pub fn sha256(path: &Path) -> Result<String, CliError> {
    let unreadable = |err| CliError::file("read", path, err);
    let mut file = fs::File::open(path).map_err(unreadable)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(unreadable)? {
            0 => return Ok(hex(&digest.finalize())),
            n => digest.update(&buffer[..n]),
        }
    }
}

/// What the job measured, read out of its output archive; `None` where there is none, or it cannot be had.
pub async fn evaluation(session: &Session, job: &TrainingJobDescription) -> Option<Evaluation> {
    if !job.training_job_status.is_terminal() {
        return None;
    }
    let uri = addresses(job).pop()?;
    let meta = session.store().head(&uri).await.ok()??;
    if meta.bytes > MAX_GLANCE {
        return None;
    }
    let staging = Staging::below(&std::env::temp_dir()).ok()?;
    let archive = staging.join(OUTPUT_ARCHIVE);
    session.store().get(&uri, &archive, &|_| {}).await.ok()?;
    unpack::tar_gz(&archive, &staging.join("output")).ok()?;
    read_evaluation(&staging.join("output"))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |it: u8| char::from(DIGITS[usize::from(it)]);
    bytes
        .iter()
        .flat_map(|it| [digit(it >> 4), digit(it & 15)])
        .collect()
}
