//! The buckets as a folder: what jobs need of them, and what S3 clients get through s3s.
//!
//! s3s-fs does the work. Where it is more lenient than S3 in a way that a client could come to rely on (a bucket that
//! an upload makes by itself, a folder that passes for an object, a full bucket that goes, a condition that is not looked
//! at), S3's answer is given.
//!
//! Source: Amazon S3 API reference, "Error responses".

use crate::error::LocalError;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateBucketInput,
    CreateBucketOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteBucketInput,
    DeleteBucketOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput,
    DeleteObjectsOutput, ETagCondition, GetBucketLocationInput, GetBucketLocationOutput,
    GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput,
    HeadObjectOutput, ListBucketsInput, ListBucketsOutput, ListObjectsInput, ListObjectsOutput,
    ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput, Object,
    PutObjectInput, PutObjectOutput, StreamingBlob, UploadPartCopyInput, UploadPartCopyOutput,
    UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use tokio_util::io::ReaderStream;

/// The buckets. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    root: PathBuf,
    files: Arc<FileSystem>,
    /// Held by a put with a condition, from looking to writing: of two at once, one must see the other.
    conditional: Arc<tokio::sync::Mutex<()>>,
}

impl Objects {
    /// Buckets below `root`, which must exist.
    pub(crate) fn open(root: PathBuf) -> Result<Self, LocalError> {
        let files = FileSystem::new(&root).map_err(|err| LocalError::Objects {
            path: root.clone(),
            reason: format!("{err:?}"),
        })?;
        Ok(Self {
            root,
            files: Arc::new(files),
            conditional: Arc::default(),
        })
    }

    /// True if the bucket has been created.
    pub(crate) fn has_bucket(&self, bucket: &str) -> bool {
        self.bucket_path(bucket).is_some_and(|it| it.is_dir())
    }

    /// The file of an object, if there is one.
    pub(crate) fn file(&self, bucket: &str, key: &str) -> Option<PathBuf> {
        let path = self.bucket_path(bucket)?.join(relative(key)?);
        path.is_file().then_some(path)
    }

    /// Every key of the bucket that begins with `prefix`, sorted by bytes. None if there is no such bucket.
    pub(crate) fn keys(&self, bucket: &str, prefix: &str) -> io::Result<Vec<String>> {
        let mut keys = Vec::new();
        if let Some(root) = self.bucket_path(bucket).filter(|it| it.is_dir()) {
            // Only the deepest folder that the prefix names can hold a match.
            let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
            let start = relative(folder).map_or_else(|| root.clone(), |it| root.join(it));
            walk(&root, &start, &mut |key| {
                if key.starts_with(prefix) {
                    keys.push(key);
                }
            })?;
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// Stores a file as an object, as an upload would.
    pub(crate) async fn put(&self, bucket: &str, key: &str, file: &Path) -> Result<(), String> {
        let file = tokio::fs::File::open(file)
            .await
            .map_err(|err| err.to_string())?;
        let input = PutObjectInput::builder()
            .bucket(bucket.to_owned())
            .key(key.to_owned())
            .body(Some(StreamingBlob::wrap(ReaderStream::new(file))))
            .build()
            .map_err(|err| err.to_string())?;
        self.put_object(request(input))
            .await
            .map(|_| ())
            .map_err(|err| said(&err))
    }

    fn bucket_path(&self, bucket: &str) -> Option<PathBuf> {
        s3s::path::check_bucket_name(bucket).then(|| self.root.join(bucket))
    }

    fn need_bucket(&self, bucket: &str) -> S3Result<PathBuf> {
        match self.bucket_path(bucket).filter(|it| it.is_dir()) {
            Some(path) => Ok(path),
            None => Err(s3_error!(
                NoSuchBucket,
                "The specified bucket does not exist"
            )),
        }
    }

    fn need_key(&self, bucket: &str, key: &str) -> S3Result<()> {
        self.need_bucket(bucket)?;
        // A key that ends in `/` is a folder object, and a folder is what s3s-fs keeps for it.
        match self.file(bucket, key) {
            Some(_) => Ok(()),
            None if key.ends_with('/') => Ok(()),
            None => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
        }
    }

    /// Gives listed objects their entity tags, which clients hold what they read against.
    async fn tag(&self, bucket: &str, listed: &mut Option<Vec<Object>>) {
        for object in listed.iter_mut().flatten() {
            let input = HeadObjectInput::builder()
                .bucket(bucket.to_owned())
                .key(object.key.clone().unwrap_or_default())
                .build();
            // What went away meanwhile is listed without.
            if let Ok(input) = input
                && let Ok(head) = self.files.head_object(request(input)).await
            {
                object.e_tag = head.output.e_tag;
            }
        }
    }

    /// Folders exist only as long as something is in them, as prefixes do.
    fn prune(&self, bucket: &str, key: &str) {
        let (Some(root), Some(key)) = (self.bucket_path(bucket), relative(key)) else {
            return;
        };
        for folder in key
            .ancestors()
            .skip(1)
            .take_while(|it| !it.as_os_str().is_empty())
        {
            if fs::remove_dir(root.join(folder)).is_err() {
                return;
            }
        }
    }
}

fn said(err: &s3s::S3Error) -> String {
    err.message()
        .unwrap_or_else(|| err.code().as_str())
        .to_owned()
}

fn request<T>(input: T) -> S3Request<T> {
    S3Request {
        input,
        method: axum::http::Method::PUT,
        uri: axum::http::Uri::default(),
        headers: axum::http::HeaderMap::default(),
        extensions: axum::http::Extensions::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

/// A key as a path below its bucket, unless it would leave it.
fn relative(key: &str) -> Option<&Path> {
    let path = Path::new(key);
    path.components()
        .all(|it| matches!(it, Component::Normal(_)))
        .then_some(path)
}

fn walk(root: &Path, folder: &Path, found: &mut dyn FnMut(String)) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(err)
            if matches!(
                err.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(());
        }
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, found)?;
        } else if let Some(key) = path.strip_prefix(root).ok().and_then(Path::to_str) {
            found(key.to_owned());
        }
    }
    Ok(())
}

type Answer<T> = S3Result<S3Response<T>>;

#[async_trait::async_trait]
impl S3 for Objects {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        if self.has_bucket(&req.input.bucket) {
            let text = "Your previous request to create the named bucket succeeded and you already own it.";
            return Err(s3s::S3Error::with_message(
                S3ErrorCode::BucketAlreadyOwnedByYou,
                text,
            ));
        }
        self.files.create_bucket(req).await
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.files.head_bucket(req).await
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> Answer<DeleteBucketOutput> {
        self.need_bucket(&req.input.bucket)?;
        let keys = self
            .keys(&req.input.bucket, "")
            .map_err(s3s::S3Error::internal_error)?;
        if !keys.is_empty() {
            return Err(s3_error!(
                BucketNotEmpty,
                "The bucket you tried to delete is not empty"
            ));
        }
        self.files.delete_bucket(req).await
    }

    async fn list_buckets(&self, req: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        self.files.list_buckets(req).await
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> Answer<GetBucketLocationOutput> {
        self.files.get_bucket_location(req).await
    }

    async fn list_objects(
        &self,
        mut req: S3Request<ListObjectsInput>,
    ) -> Answer<ListObjectsOutput> {
        // Keys are written as they are; the echo would make clients decode them.
        req.input.encoding_type = None;
        let bucket = req.input.bucket.clone();
        let mut listed = self.files.list_objects(req).await?;
        self.tag(&bucket, &mut listed.output.contents).await;
        Ok(listed)
    }

    async fn list_objects_v2(
        &self,
        mut req: S3Request<ListObjectsV2Input>,
    ) -> Answer<ListObjectsV2Output> {
        req.input.encoding_type = None;
        let bucket = req.input.bucket.clone();
        let mut listed = self.files.list_objects_v2(req).await?;
        self.tag(&bucket, &mut listed.output.contents).await;
        Ok(listed)
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        self.need_key(&req.input.bucket, &req.input.key)?;
        self.files.head_object(req).await
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        self.need_key(&req.input.bucket, &req.input.key)?;
        let wanted = req.input.if_match.clone();
        let found = self.files.get_object(req).await?;
        let is_another = match (&wanted, &found.output.e_tag) {
            (Some(ETagCondition::ETag(wanted)), Some(tag)) => wanted != tag,
            _ => false,
        };
        if is_another {
            return Err(s3_error!(
                PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold"
            ));
        }
        Ok(found)
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        self.need_bucket(&req.input.bucket)?;
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        let has_condition = req.input.if_match.is_some() || req.input.if_none_match.is_some();
        let _held = if has_condition {
            Some(self.conditional.lock().await)
        } else {
            None
        };
        if req.input.if_match.is_some() {
            self.need_key(&bucket, &key)?;
        }
        let put = self.files.put_object(req).await;
        // s3s-fs compares the checksum after the object is in place.
        if let (Err(err), Some(path)) = (&put, self.file(&bucket, &key))
            && *err.code() == S3ErrorCode::BadDigest
        {
            let _ = fs::remove_file(path);
            self.prune(&bucket, &key);
        }
        put
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        self.need_bucket(&req.input.bucket)?;
        self.files.copy_object(req).await
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        self.need_bucket(&bucket)?;
        if self.file(&bucket, &key).is_none() && !key.ends_with('/') {
            return Ok(S3Response::new(DeleteObjectOutput::default()));
        }
        let deleted = self.files.delete_object(req).await?;
        self.prune(&bucket, &key);
        Ok(deleted)
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> Answer<DeleteObjectsOutput> {
        let bucket = req.input.bucket.clone();
        self.need_bucket(&bucket)?;
        let keys: Vec<String> = req
            .input
            .delete
            .objects
            .iter()
            .map(|it| it.key.clone())
            .collect();
        let deleted = self.files.delete_objects(req).await?;
        for key in &keys {
            self.prune(&bucket, key);
        }
        Ok(deleted)
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        self.need_bucket(&req.input.bucket)?;
        self.files.create_multipart_upload(req).await
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        self.files.upload_part(req).await
    }

    async fn upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> Answer<UploadPartCopyOutput> {
        self.files.upload_part_copy(req).await
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        self.files.list_parts(req).await
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        self.files.complete_multipart_upload(req).await
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        self.files.abort_multipart_upload(req).await
    }
}
