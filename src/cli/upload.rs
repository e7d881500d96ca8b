//! Fills channels from local files: what is missing or different in S3 is put there, the rest is left alone.
//!
//! Same is same size and same MD5, which is the entity tag of an object that was put in one piece. Where the tag is
//! something else (a key of KMS, several parts), the object is put again. Nothing is ever deleted: other objects below
//! the channel's prefix are named, since the job would read them too.

use std::collections::{BTreeMap, BTreeSet};

use contract::job::file::JobChannel;

use crate::error::CliError;
use crate::fetch::hex;
use crate::job_source::{JobSource, SourceFile};
use crate::output::Printer;
use crate::session::Session;
use crate::style::{STRONG, WARN, paint};
use crate::units;

/// Brings every channel with a `source` up to date, and says whether anything had to be put.
///
/// # Errors
/// If a file cannot be read, or S3 refuses.
pub async fn sync(
    source: &JobSource,
    session: &Session,
    printer: &mut Printer,
) -> Result<bool, CliError> {
    let mut changed = false;
    for channel in &source.job.channels {
        if let Some(files) = source.files(channel)? {
            changed |= fill(channel, &files, session, printer).await?;
        }
    }
    Ok(changed)
}

async fn fill(
    channel: &JobChannel,
    files: &[SourceFile],
    session: &Session,
    printer: &mut Printer,
) -> Result<bool, CliError> {
    let store = session.store();
    let there: BTreeMap<String, (u64, String)> = store
        .list(&channel.s3)
        .await?
        .into_iter()
        .map(|it| (it.key, (it.bytes, it.etag)))
        .collect();
    let mut to_put = Vec::new();
    for file in files {
        let md5 = file.md5()?;
        let same = match there.get(file.uri.key()) {
            Some((bytes, etag)) if *bytes == file.bytes => {
                tag_of(etag, file, session).await? == hex(&md5)
            }
            _ => false,
        };
        if !same {
            to_put.push((file, md5));
        }
    }
    let ours: BTreeSet<&str> = files.iter().map(|it| it.uri.key()).collect();
    // A key that ends with a slash is what the console calls a folder.
    let others = there
        .keys()
        .filter(|it| !ours.contains(it.as_str()) && !it.ends_with('/'))
        .count();
    if others > 0 {
        let objects = units::count(others as u64, "other object");
        let warning = paint(WARN, "warning:");
        printer.say(&format!(
            "{warning} {} holds {objects}; the job reads them too",
            channel.s3
        ));
    }
    let bytes: u64 = to_put.iter().map(|(it, _)| it.bytes).sum();
    let name = paint(STRONG, format_args!("{:<10}", channel.name));
    if to_put.is_empty() {
        printer.say(&format!(
            "{name} {} up to date at {}",
            units::count(files.len() as u64, "object"),
            channel.s3
        ));
        return Ok(false);
    }
    printer.start_bar(bytes, "{msg:24} {bar:30} {bytes}/{total_bytes}");
    let mut done = 0;
    for (file, md5) in &to_put {
        printer.move_bar(done, file.uri.key().rsplit('/').next().unwrap_or_default());
        store.put(&file.uri, &file.path, *md5).await?;
        done += file.bytes;
    }
    printer.end_bar();
    let objects = units::count(to_put.len() as u64, "object");
    printer.say(&format!(
        "{name} {objects} ({}) put to {}",
        units::bytes(bytes),
        channel.s3
    ));
    Ok(true)
}

/// The object's tag. Some stores leave it out of their lists; then the object itself is asked.
async fn tag_of(listed: &str, file: &SourceFile, session: &Session) -> Result<String, CliError> {
    if !listed.is_empty() {
        return Ok(listed.to_owned());
    }
    Ok(session
        .store()
        .head(&file.uri)
        .await?
        .map(|it| it.etag)
        .unwrap_or_default())
}
