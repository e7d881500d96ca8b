//! The bytes of a file, at any place of it and for several threads at once, on a disk or in S3.
//!
//! Invariant: reads say where they read, so that threads share an open file without sharing its position.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::store::download::RemoteObject;
use crate::store::in_turn::InTurn;

/// An open file.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    /// On a disk.
    File(Arc<File>),
    /// In S3.
    Remote(RemoteObject),
}

impl Stored {
    /// How many bytes it holds.
    pub(super) fn n_bytes(&self) -> io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Remote(object) => Ok(object.version().n_bytes),
        }
    }

    /// Reads bytes from `offset` on, and tells how many; none at the end.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read_at(buffer, offset),
            Self::Remote(object) => object.read_at(buffer, offset),
        }
    }

    /// Its bytes from the first on.
    pub(crate) fn whole(&self) -> Box<dyn Read + Send + Sync> {
        match self {
            Self::File(file) => Box::new(Rest {
                file: Arc::clone(file),
                offset: 0,
            }),
            Self::Remote(object) => Box::new(InTurn::new(vec![object.clone()]).next_object()),
        }
    }
}

/// The bytes of a file on a disk from somewhere on.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) file: Arc<File>,
    pub(super) offset: u64,
}

impl Read for Rest {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.file.read_at(buffer, self.offset)?;
        self.offset += n_read as u64;
        Ok(n_read)
    }
}
