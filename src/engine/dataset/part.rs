//! Parts: how a reader numbers what it reads, so that it may read in another order than the rows have.
//!
//! Invariant: the parts of a table are numbered from 0 in the order of their rows, and each comes once. A part lies in one
//! object; where its rows begin in that object is known only when all parts before have come.

use std::sync::Arc;

use super::{Dataset, DatasetBuilder, DatasetError, Tile};

/// Rows that follow one another in one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its place in the table, from 0.
    pub number: usize,
    /// The rows; their origins count from the part's first row. May be none.
    pub tiles: Vec<Tile>,
}

/// The object of the last part, and its rows so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectRows {
    object: Option<Arc<str>>,
    n_rows: u64,
}

impl ObjectRows {
    /// The rows of `object` that came before.
    pub(crate) fn before(&self, object: &str) -> u64 {
        match &self.object {
            Some(current) if **current == *object => self.n_rows,
            _ => 0,
        }
    }

    /// Counts `n_rows` rows more of `object`.
    pub(crate) fn add(&mut self, object: &Arc<str>, n_rows: usize) {
        if self.object.as_ref() != Some(object) {
            *self = Self {
                object: Some(Arc::clone(object)),
                n_rows: 0,
            };
        }
        self.n_rows += n_rows as u64;
    }
}

/// A table that grows by parts, in their order.
#[derive(Clone, Debug, Default)]
pub struct PartsBuilder {
    builder: DatasetBuilder,
    rows: ObjectRows,
}

impl PartsBuilder {
    /// Adds the next part.
    ///
    /// # Errors
    /// As [`DatasetBuilder::push`].
    pub fn push(&mut self, part: Part) -> Result<(), DatasetError> {
        let before = part.tiles.first();
        let before = before.map_or(0, |tile| self.rows.before(&tile.origin.object));
        for mut tile in part.tiles {
            tile.origin.first_row += before;
            self.rows.add(&tile.origin.object, tile.labels.len());
            self.builder.push(tile)?;
        }
        Ok(())
    }

    /// The rows that were pushed.
    ///
    /// # Errors
    /// As [`DatasetBuilder::finish`].
    pub fn finish(self) -> Result<Dataset, DatasetError> {
        self.builder.finish()
    }
}
