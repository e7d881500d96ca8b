//! Brings home what a job has written: archives down, unpacked safely, and held against the digest that the job left.
//!
//! Layout below the target folder: `model.tar.gz`, `model/` (its content), `output.tar.gz`, `output/`. An archive is
//! written under another name until it is whole, so a folder never holds half of one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contract::artifact::{EVALUATION_FILE, Evaluation, MODEL_ARCHIVE, MODEL_FILE, OUTPUT_ARCHIVE};
use contract::job::{S3Uri, TrainingJobDescription};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::aws::ObjectMeta;
use crate::error::CliError;
use crate::output::Printer;
use crate::session::Session;
use crate::units;
use crate::unpack::{self, UnpackError};

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
    /// Whether the digest equals the one that the job itself wrote down.
    pub verified: bool,
    /// All files, below the folder.
    pub files: Vec<PathBuf>,
    /// What the job measured.
    #[serde(skip)]
    pub evaluation: Option<Evaluation>,
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
/// If nothing is there, an archive is refused, or the model is not the one that the job wrote down.
pub async fn fetch(
    session: &Session,
    job: &TrainingJobDescription,
    folder: &Path,
    printer: &mut Printer,
) -> Result<Fetched, CliError> {
    let artifacts = list(session, job).await?;
    if artifacts.is_empty() {
        return Err(nothing(session, job));
    }
    fs::create_dir_all(folder).map_err(|err| CliError::file("create", folder, err))?;
    let mut fetched = Fetched {
        folder: folder.to_owned(),
        ..Fetched::default()
    };
    for artifact in &artifacts {
        let (archive, sub_folder) = names(&artifact.uri);
        let path = folder.join(&archive);
        download(session, artifact, &path, printer).await?;
        for file in replace_folder(&path, &folder.join(&sub_folder))? {
            fetched.files.push(Path::new(&sub_folder).join(file.path));
        }
    }
    let model = folder.join("model").join(MODEL_FILE);
    if model.is_file() {
        let bytes = fs::read(&model).map_err(|err| CliError::file("read", &model, err))?;
        fetched.model_sha256 = Some(hex(&Sha256::digest(&bytes)));
        fetched.model = Some(model);
    }
    fetched.evaluation = read_evaluation(&folder.join("output"));
    verify(&mut fetched)?;
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
    let part = path.with_extension("part");
    printer.start_bar(artifact.bytes, BYTES_BAR);
    printer.move_bar(0, &path.file_name().unwrap_or_default().to_string_lossy());
    let bar = printer.bar();
    let progress = move |n: u64| {
        if let Some(bar) = &bar {
            bar.inc(n);
        }
    };
    let result = session.store().get(&artifact.uri, &part, &progress).await;
    printer.end_bar();
    let bytes = result?;
    fs::rename(&part, path).map_err(|err| CliError::file("write", path, err))?;
    printer.detail(&format!(
        "fetched {} ({})",
        artifact.uri,
        units::bytes(bytes)
    ));
    Ok(())
}

/// Unpacks into a fresh folder, so that nothing of an earlier fetch mixes in.
fn replace_folder(archive: &Path, folder: &Path) -> Result<Vec<unpack::Unpacked>, UnpackError> {
    match fs::remove_dir_all(folder) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            return Err(UnpackError::Write {
                path: folder.to_owned(),
                source: err,
            });
        }
        _ => {}
    }
    unpack::tar_gz(archive, folder)
}

fn read_evaluation(folder: &Path) -> Option<Evaluation> {
    // A file that is not there, or of another version, is a job of another trainer: nothing to say about that.
    Evaluation::read(&fs::read(folder.join(EVALUATION_FILE)).ok()?).ok()
}

/// Holds the model against the digest that the job wrote, and against the model reader.
fn verify(fetched: &mut Fetched) -> Result<(), CliError> {
    let (Some(model), Some(sha256)) = (&fetched.model, &fetched.model_sha256) else {
        return Ok(());
    };
    if let Some(evaluation) = &fetched.evaluation {
        let expected = &evaluation.model.sha256;
        if expected != sha256 {
            return Err(CliError::Digest {
                path: model.clone(),
                expected: expected.clone(),
                found: sha256.clone(),
            });
        }
        fetched.verified = true;
    }
    Ok(())
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
    let folder = std::env::temp_dir().join(format!(
        "linden-{}-{}",
        std::process::id(),
        job.training_job_name
    ));
    fs::create_dir_all(&folder).ok()?;
    let archive = folder.join(OUTPUT_ARCHIVE);
    let fetched = session.store().get(&uri, &archive, &|_| {}).await;
    let unpacked = fetched
        .ok()
        .and_then(|_| unpack::tar_gz(&archive, &folder.join("output")).ok());
    let evaluation = unpacked.and_then(|_| read_evaluation(&folder.join("output")));
    // The system cleans its folder of temporary files if this does not.
    let _ = fs::remove_dir_all(&folder);
    evaluation
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
