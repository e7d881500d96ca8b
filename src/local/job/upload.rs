//! The end of a job's data: archives of what its hosts have left, put where the request says.
//!
//! `output.tar.gz` is uploaded however the job has ended, the model unless it has failed.
//!
//! Source: SageMaker developer guide, "How Amazon SageMaker processes training output".

use super::artifacts::Files;
use super::layout::Host;
use super::record::JobRecord;
use super::runner::{Halt, Runner};
use contract::job::description::ModelArtifacts;
use contract::job::{S3Uri, TrainingJobDescription};
use contract::paths::MlRoot;
use std::path::PathBuf;

impl Runner {
    /// Uploads the output, and the model if `model` says so.
    pub(super) async fn upload(
        &self,
        job: &TrainingJobDescription,
        hosts: &[Host],
        model: bool,
    ) -> Result<(), Halt> {
        let failed =
            |reason: String| Halt::Failed(format!("ClientError: Artifact upload failed:{reason}"));
        let output = job.output_data_config.clone().unwrap_or_default();
        let path: S3Uri = output
            .s3_output_path
            .parse()
            .map_err(|err| failed(format!("{err}")))?;
        let target = path.join(&format!("{}/output", job.training_job_name));
        let below = |folder: fn(&MlRoot) -> PathBuf| {
            let folders: Vec<PathBuf> = hosts.iter().map(|it| folder(&it.root)).collect();
            Files::below(&folders).map_err(|err| failed(err.to_string()))
        };
        self.put_archive(
            below(MlRoot::output_data_dir)?,
            &target.join("output.tar.gz"),
        )
        .await
        .map_err(failed)?;
        if !model {
            return Ok(());
        }
        let files = below(MlRoot::model_dir)?;
        let address = if output.compression_type.as_deref() == Some("NONE") {
            let folder = target.join("model/");
            for (to, file) in files.iter() {
                let object = folder.join(&to);
                self.objects
                    .put(object.bucket(), object.key(), file)
                    .await
                    .map_err(failed)?;
            }
            folder
        } else {
            let archive = target.join("model.tar.gz");
            self.put_archive(files, &archive).await.map_err(failed)?;
            archive
        };
        let artifacts = ModelArtifacts {
            s3_model_artifacts: address.to_string(),
        };
        let change = |record: &mut JobRecord| {
            record.description.model_artifacts = Some(artifacts);
            Ok::<_, Halt>(())
        };
        self.jobs
            .update(&job.training_job_name, change)
            .map(|_| ())
            .map_err(Halt::internal)
    }

    /// No files, no archive: that is what the platform does with an empty folder.
    async fn put_archive(&self, files: Files, address: &S3Uri) -> Result<(), String> {
        if files.is_empty() {
            return Ok(());
        }
        let name = address.key().replace('/', "_");
        let archive = self.work.join(name);
        let target = archive.clone();
        let packed = tokio::task::spawn_blocking(move || files.pack(&target)).await;
        packed
            .map_err(|err| err.to_string())?
            .map_err(|err| err.to_string())?;
        let put = self
            .objects
            .put(address.bucket(), address.key(), &archive)
            .await;
        let _ = tokio::fs::remove_file(&archive).await;
        put
    }
}
