//! S3 over a folder: the s3s crate serves it, and jobs read and write the same objects.
//!
//! A bucket is a folder and an object a file below it, at its key. So `a` and `a/b` cannot both be objects, as they can
//! on AWS. Objects are replaced by rename, never changed in place: a hard link to one stays what it was.

mod bucket;
mod chunked;
mod unsigned;

pub(crate) use bucket::Objects;

use axum::response::{IntoResponse, Response};
use s3s::host::{S3Host, VirtualHost};
use s3s::service::{S3Service, S3ServiceBuilder};
use std::path::PathBuf;
use unsigned::Spool;

/// The HTTP side of the object store.
#[derive(Debug)]
pub(crate) struct ObjectServer {
    service: S3Service,
    spool: Spool,
}

impl ObjectServer {
    /// Serves `objects`; `spool` is an existing folder for uploads that are still coming in.
    pub(crate) fn new(objects: Objects, spool: PathBuf) -> Self {
        let mut builder = S3ServiceBuilder::new(objects);
        builder.set_host(Loopback);
        Self {
            service: builder.build(),
            spool: Spool::at(spool),
        }
    }

    /// Answers one request of any S3 client, whatever it is signed with.
    pub(crate) async fn call(&self, request: axum::extract::Request) -> Response {
        let request = match unsigned::unsign(request, &self.spool).await {
            Ok(request) => request,
            Err(refusal) => return refusal.into_response(),
        };
        match self.service.call(request).await {
            Ok(response) => response.map(axum::body::Body::new),
            Err(err) => unsigned::Refusal::internal(&format!("{err:?}")).into_response(),
        }
    }
}

/// Buckets in the path, or before `.localhost` as some clients put them.
#[derive(Clone, Copy, Debug)]
struct Loopback;

impl S3Host for Loopback {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> s3s::S3Result<VirtualHost<'a>> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        Ok(match name.strip_suffix(".localhost") {
            Some(bucket) => VirtualHost::new("localhost").with_bucket(bucket),
            None => VirtualHost::new(name),
        })
    }
}
