//! An image in a file or a folder: what `docker save` writes, old and new, and OCI's image layout.
//!
//! A blob is read when it is wanted, and held against its digest. Sources: OCI image layout 1.1; Docker image specification 1.2 (`manifest.json`).

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;
use serde_json::json;

use super::error::ImageError;
use super::files::{Files, GZIP_MAGIC, MAX_DOCUMENT_BYTES, blob_name};
use super::{Config, DOCKER_MANIFEST, Descriptor, Entry, Manifest, OCI_MANIFEST, digest};

/// A layer is held in memory while it is pushed.
const MAX_BLOB_BYTES: u64 = 4 << 30;

/// An image that can be pushed.
#[derive(Debug)]
pub struct Archive {
    /// Where it is.
    pub path: PathBuf,
    /// Its manifest, byte for byte as it goes to the registry.
    pub manifest: Vec<u8>,
    /// The manifest's media type.
    pub media_type: String,
    /// What its configuration says.
    pub config: Config,
    /// The configuration and the layers.
    pub blobs: Vec<Blob>,
    files: Files,
}

/// A blob of an image.
#[derive(Debug)]
pub struct Blob {
    /// What it is.
    pub descriptor: Descriptor,
    source: Source,
}

/// Where a blob's bytes are.
#[derive(Debug)]
enum Source {
    /// In that entry.
    File(String),
    /// Here: it was made.
    Memory(Vec<u8>),
}

impl Archive {
    /// Opens a file or a folder. Where it holds images for several platforms, the one for `platform` is meant.
    ///
    /// # Errors
    /// If it is no image, or several of which none is for that platform.
    pub fn open(path: &Path, platform: &str) -> Result<Self, ImageError> {
        let files = Files::open(path)?;
        if files.has("index.json") {
            from_layout(files, platform)
        } else if files.has("manifest.json") {
            from_docker(files)
        } else {
            let reason = "it has neither `index.json` (OCI) nor `manifest.json` (docker save)";
            Err(files.wrong(reason))
        }
    }

    /// The digest of its manifest.
    pub fn digest(&self) -> String {
        digest(&self.manifest)
    }

    /// Bytes of its layers and its configuration.
    pub fn bytes(&self) -> u64 {
        self.blobs.iter().map(|it| it.descriptor.size).sum()
    }

    /// The bytes of one of its blobs.
    ///
    /// # Errors
    /// If they cannot be read, or are not what the manifest names.
    pub fn read(&self, blob: &Blob) -> Result<Vec<u8>, ImageError> {
        let bytes = match &blob.source {
            Source::Memory(bytes) => bytes.clone(),
            Source::File(name) => self.files.read(name, MAX_BLOB_BYTES)?,
        };
        if blob.descriptor.is_of(&bytes) {
            Ok(bytes)
        } else {
            let reason = format!("the blob {} has another digest", blob.descriptor.digest);
            Err(self.files.wrong(&reason))
        }
    }
}

/// `index.json`, as far as it is looked at.
#[derive(Deserialize)]
struct Index {
    manifests: Vec<Entry>,
}

fn from_layout(files: Files, platform: &str) -> Result<Archive, ImageError> {
    let index: Index = files.json("index.json")?;
    let mut found: Vec<(Descriptor, Config)> = vec![];
    let mut entries = index.manifests;
    // An index may name indexes; buildx writes one inside the other.
    while let Some(entry) = entries.pop() {
        let bytes = files.blob(&entry.manifest)?;
        let place = || files.path.display().to_string();
        match Manifest::parse(&bytes).map_err(|source| ImageError::Document {
            place: place(),
            source,
        })? {
            Manifest::Index(inner) => entries.extend(inner),
            Manifest::Image { config, .. } => {
                let bytes = files.blob(&config)?;
                // What is no image, such as an attestation, has a configuration without a platform.
                if let Ok(config) = Config::parse(&bytes)
                    && config.platform.os != "unknown"
                {
                    found.push((entry.manifest, config));
                }
            }
        }
    }
    let at = match found.len() {
        0 => return Err(files.wrong("it names no image")),
        1 => 0,
        _ => {
            let fits = found.iter().position(|it| it.1.platform.is(platform));
            fits.ok_or_else(|| ImageError::Platform {
                place: files.path.display().to_string(),
                found: found
                    .iter()
                    .map(|it| it.1.platform.to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
                wanted: platform.to_owned(),
            })?
        }
    };
    let (descriptor, config) = found.swap_remove(at);
    let manifest = files.blob(&descriptor)?;
    let parsed = Manifest::parse(&manifest).map_err(|source| ImageError::Document {
        place: files.path.display().to_string(),
        source,
    })?;
    let blobs = match parsed {
        Manifest::Image { config, layers } => [config].into_iter().chain(layers),
        Manifest::Index(_) => return Err(files.wrong("it names no image")),
    };
    let blobs = blobs.map(|descriptor| Blob {
        source: Source::File(blob_name(&descriptor.digest)),
        descriptor,
    });
    let media_type = if descriptor.media_type == DOCKER_MANIFEST {
        DOCKER_MANIFEST
    } else {
        OCI_MANIFEST
    };
    Ok(Archive {
        path: files.path.clone(),
        manifest,
        media_type: media_type.to_owned(),
        config,
        blobs: blobs.collect(),
        files,
    })
}

/// An entry of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    layers: Vec<String>,
}

/// What older engines save has no manifest; its layers are plain tars, which are compressed here. The same file gives the
/// same digest each time.
fn from_docker(files: Files) -> Result<Archive, ImageError> {
    let saved: Vec<Saved> = files.json("manifest.json")?;
    let [saved] = &saved[..] else {
        let reason = format!("it holds {} images; save one", saved.len());
        return Err(files.wrong(&reason));
    };
    let config_bytes = files.read(&saved.config, MAX_DOCUMENT_BYTES)?;
    let config = Config::parse(&config_bytes).map_err(|source| ImageError::Document {
        place: files.path.display().to_string(),
        source,
    })?;
    let blob = |media_type: &str, bytes: Vec<u8>| Blob {
        descriptor: Descriptor {
            media_type: media_type.to_owned(),
            digest: digest(&bytes),
            size: bytes.len() as u64,
        },
        source: Source::Memory(bytes),
    };
    let mut blobs = vec![blob(
        "application/vnd.docker.container.image.v1+json",
        config_bytes,
    )];
    for layer in &saved.layers {
        let bytes = files.read(layer, MAX_BLOB_BYTES)?;
        let bytes = if bytes.starts_with(&GZIP_MAGIC) {
            bytes
        } else {
            let mut encoder = GzEncoder::new(vec![], Compression::default());
            let written = encoder.write_all(&bytes).and_then(|()| encoder.finish());
            written.map_err(|err| files.wrong(&err.to_string()))?
        };
        blobs.push(blob(
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            bytes,
        ));
    }
    let descriptors: Vec<&Descriptor> = blobs.iter().map(|it| &it.descriptor).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": descriptors[0],
        "layers": descriptors[1..],
    });
    Ok(Archive {
        path: files.path.clone(),
        manifest: manifest.to_string().into_bytes(),
        media_type: DOCKER_MANIFEST.to_owned(),
        config,
        blobs,
        files,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Read;

    use super::*;
    use crate::image::SAGEMAKER;

    /// Files by name, as a tar.
    fn tar_of(folder: &Path, files: &[(&str, &[u8])]) -> PathBuf {
        let path = folder.join("image.tar");
        let mut builder = tar::Builder::new(File::create(&path).unwrap());
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.finish().unwrap();
        path
    }

    fn config(architecture: &str) -> Vec<u8> {
        json!({ "os": "linux", "architecture": architecture })
            .to_string()
            .into_bytes()
    }

    /// A layout with an image for each of the processors.
    fn layout(folder: &Path, architectures: &[&str]) -> PathBuf {
        let mut files: Vec<(String, Vec<u8>)> = vec![];
        let mut put = |bytes: Vec<u8>, media_type: &str| {
            let made =
                json!({ "mediaType": media_type, "digest": digest(&bytes), "size": bytes.len() });
            files.push((blob_name(&digest(&bytes)), bytes));
            made
        };
        let mut entries = vec![];
        for it in architectures {
            let config = put(config(it), "c");
            let layer = put(b"layer".to_vec(), "l");
            let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
            entries.push(put(manifest.to_string().into_bytes(), OCI_MANIFEST));
        }
        files.push((
            "index.json".to_owned(),
            json!({ "manifests": entries }).to_string().into_bytes(),
        ));
        let files: Vec<(&str, &[u8])> = files.iter().map(|it| (it.0.as_str(), &it.1[..])).collect();
        tar_of(folder, &files)
    }

    #[test]
    fn a_layout_is_read_as_it_is_and_the_platform_chooses() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&layout(folder.path(), &["arm64"]), SAGEMAKER).unwrap();
        assert_eq!(archive.config.platform.to_string(), "linux/arm64");
        assert_eq!(archive.read(&archive.blobs[1]).unwrap(), b"layer");
        let both = layout(folder.path(), &["arm64", "amd64"]);
        let archive = Archive::open(&both, SAGEMAKER).unwrap();
        assert_eq!(archive.config.platform.to_string(), SAGEMAKER);
        let none = Archive::open(&both, "linux/s390x").unwrap_err();
        assert!(matches!(none, ImageError::Platform { .. }), "{none}");
    }

    #[test]
    fn what_docker_saved_gets_a_manifest_and_the_same_digest_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let index = json!([{ "Config": "a.json", "RepoTags": ["a:1"], "Layers": ["b/layer.tar"] }]);
        let index = index.to_string();
        let files: [(&str, &[u8]); 3] = [
            ("b/layer.tar", b"plain"),
            ("a.json", &config("amd64")),
            ("manifest.json", index.as_bytes()),
        ];
        let path = tar_of(folder.path(), &files);
        let archive = Archive::open(&path, SAGEMAKER).unwrap();
        assert_eq!(
            archive.digest(),
            Archive::open(&path, SAGEMAKER).unwrap().digest()
        );
        assert_eq!(archive.blobs.len(), 2);
        let layer = archive.read(&archive.blobs[1]).unwrap();
        let mut plain = String::new();
        flate2::read::GzDecoder::new(&layer[..])
            .read_to_string(&mut plain)
            .unwrap();
        assert_eq!(plain, "plain");
        let parsed = Manifest::parse(&archive.manifest).unwrap();
        assert!(matches!(parsed, Manifest::Image { layers, .. } if layers.len() == 1));
    }

    #[test]
    fn what_is_no_image_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let reason = |path: &Path| Archive::open(path, SAGEMAKER).unwrap_err().to_string();
        assert!(reason(&tar_of(folder.path(), &[("a", b"b")])).contains("neither `index.json`"));
        let zipped = folder.path().join("zipped");
        fs::write(&zipped, [0x1f, 0x8b, 8, 0]).unwrap();
        assert!(reason(&zipped).contains("gunzip"));
        assert!(reason(&folder.path().join("none")).contains("is no image"));
        let evil = json!([{ "Config": "../../etc/passwd", "Layers": [] }]).to_string();
        let evil = tar_of(folder.path(), &[("manifest.json", evil.as_bytes())]);
        assert!(reason(&evil).contains("leads out of it"));
    }

    #[test]
    fn a_blob_that_was_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = layout(folder.path(), &["amd64"]);
        let bytes = fs::read(&path).unwrap();
        let at = bytes.windows(5).position(|it| it == b"layer").unwrap();
        let mut changed = bytes;
        changed[at] = b'L';
        fs::write(&path, changed).unwrap();
        let archive = Archive::open(&path, SAGEMAKER).unwrap();
        let err = archive.read(&archive.blobs[1]).unwrap_err().to_string();
        assert!(err.contains("has another digest"), "{err}");
    }
}
