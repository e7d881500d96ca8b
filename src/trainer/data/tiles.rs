//! Whatever yields the rows of a channel, and how a reader of text lines does it.
//!
//! Invariant: parts are numbered in the order of the files' lines, and an error is the first in that order, for any number
//! of threads. Beside the parts that are handed on, a block for each thread is in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use contract::hyperparameter::OnBadRow;
use engine::dataset::{Part, Tile};
use engine::threads::Threads;

use super::bad_rows::{BadRows, Skipped};
use super::blocks::{Block, Blocks, Cut, OwnedBlock};
use super::error::DataError;
use super::files::DataFile;
use super::objects::Input;
use super::plan::Plan;
use super::ranges::{Buffer, RANGES_AHEAD, RangeError, Ranges};
use super::survey::{Pass, Survey};

/// Blocks that are parsed between two looks at the stop flag: enough that no thread waits long for the slowest.
const BLOCKS_PER_THREAD: usize = 4;

/// What a reader yields.
#[derive(Debug)]
pub enum Batch {
    /// The next parts. Each part of the channel comes once, those of the sample first.
    Parts(Vec<Part>),
    /// All parts so far are void, and come again.
    StartAgain,
    /// There are no more parts.
    End,
}

/// Whatever yields the rows of a channel; a new content type is one more of these.
pub trait TileReader {
    /// Reads on.
    ///
    /// # Errors
    /// The first problem in the order of the rows.
    fn read(&mut self) -> Result<Batch, DataError>;

    /// Whether the next parts still belong to the sample that was asked for.
    fn in_sample(&self) -> bool;

    /// About how many rows the channel has; 0 if nobody knows.
    fn expected_rows(&self) -> usize;

    /// How many rows the channel has, where that is known before they are read.
    fn n_rows(&self) -> Option<u64> {
        None
    }

    /// The rows that were left out so far, since they do not fit.
    fn skipped(&self) -> Skipped {
        Skipped::default()
    }
}

/// In which order parts may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As the rows stand.
    Rows,
    /// First parts from all over the channel that hold about so many values. A channel of fewer values is all sample.
    Sample(usize),
    /// As the rows stand, and never again from the start.
    Once,
}

/// Objects of text lines or records, and how they are to be read.
#[derive(Debug)]
pub struct Text {
    /// The objects.
    pub input: Input,
    /// Bytes that are parsed at a time; tests use it to put block ends in odd places.
    pub block_bytes: usize,
    /// The order that the parts may come in.
    pub order: Order,
}

/// A format of text lines or of records.
pub trait LineFormat: Sync {
    /// Where blocks may end.
    const CUT: Cut;
    /// Memory that is used again for the next block.
    type Scratch: Default + Send;

    /// Makes tiles of a block's rows. Their origin counts rows from the start of the block.
    ///
    /// # Errors
    /// At the first row that does not fit, with its place, unless `bad` takes it.
    fn parse(
        &self,
        block: &Block<'_>,
        scratch: &mut Self::Scratch,
        bad: &mut BadRows,
    ) -> Result<Vec<Tile>, DataError>;

    /// About how many values a sample keeps of these `n_lines` lines.
    fn n_values(&self, lines: &[u8], n_lines: usize) -> usize;
}

/// Parts made of text or of records.
#[derive(Debug)]
pub struct LineTiles<F: LineFormat> {
    files: Vec<DataFile>,
    block_bytes: usize,
    ranges: Ranges,
    /// The ranges that are still to be read; `None` where blocks must be read one after the other.
    plan: Option<Plan>,
    /// Those blocks, and the number of the next one.
    blocks: (Blocks, usize),
    pass: Pass,
    order: Order,
    format: F,
    threads: Threads,
    /// The first problem so far, and the number of its part.
    failed: Option<(usize, DataError)>,
    expected_rows: usize,
    spare: Mutex<Vec<(Buffer, F::Scratch)>>,
    on_bad_row: OnBadRow,
    /// The rows that were left out, and the number of the first part that had some.
    skipped: (Skipped, usize),
}

/// What became of a block.
enum Parsed {
    Part(Part, Skipped),
    Failed(usize, DataError),
    /// Ranges cannot be read by themselves.
    InTurn,
    /// It is not of this pass.
    PassedOver,
}

impl<F: LineFormat> LineTiles<F> {
    /// Reads objects; `None` if they hold no row. The first block in which `detect` finds a row says how rows read.
    ///
    /// # Errors
    /// [`DataError`] for the blocks up to that one.
    pub fn open(
        text: Text,
        on_bad_row: OnBadRow,
        threads: Threads,
        detect: impl Fn(&Block<'_>) -> Result<Option<F>, DataError>,
    ) -> Result<Option<Self>, DataError> {
        let (files, block_bytes) = (text.input.files().to_vec(), text.block_bytes);
        let mut blocks = Blocks::new(text.input, F::CUT).with_block_bytes(block_bytes);
        while let Some(first) = blocks.next().transpose()? {
            let Some(format) = detect(&first.view())? else {
                continue;
            };
            let mut tiles = Self {
                ranges: Ranges::new(files.clone(), F::CUT, block_bytes),
                files,
                block_bytes,
                plan: None,
                blocks: (Blocks::none(), 0),
                pass: Pass::Only,
                order: text.order,
                format,
                threads,
                failed: None,
                expected_rows: 0,
                spare: Mutex::default(),
                on_bad_row,
                skipped: (Skipped::default(), usize::MAX),
            };
            tiles.start(first, blocks);
            return Ok(Some(tiles));
        }
        Ok(None)
    }

    /// Decides how the objects are read of which `first` is the first block with rows, and `blocks` what follows.
    fn start(&mut self, first: OwnedBlock, mut blocks: Blocks) {
        let n_bytes: u64 = self.files.iter().map(|file| file.n_bytes).sum();
        let (view, n_lines) = (first.view(), first.n_units());
        let n_blocks_like_first = n_bytes as f64 / view.bytes.len() as f64;
        let n_values = self.format.n_values(view.bytes, n_lines) as f64 * n_blocks_like_first;
        if !blocks.any_compressed() {
            self.expected_rows = (n_lines as f64 * n_blocks_like_first) as usize;
        }
        let cannot_be_cut = F::CUT == Cut::Records || self.files.is_empty();
        if self.order == Order::Once || cannot_be_cut || blocks.any_compressed() {
            blocks.put_back(first);
            self.blocks.0 = blocks;
            self.pass = self.first_pass();
            return;
        }
        let plan = Plan::of_values(self.ranges.n_ranges(), self.order, n_values);
        self.plan = Some(plan);
    }

    /// What is done with blocks when they are read for the first time.
    fn first_pass(&self) -> Pass {
        match self.order {
            // A pipe has no files.
            Order::Sample(budget) if !self.files.is_empty() => Pass::First(Survey::new(budget)),
            Order::Sample(_) | Order::Rows | Order::Once => Pass::Only,
        }
    }

    /// The format, with what it learned from the first row.
    pub fn format(&self) -> &F {
        &self.format
    }

    fn parse_ranges(&self, numbers: Vec<usize>) -> Vec<Parsed> {
        self.threads.map(numbers, |number| {
            let (mut buffer, mut scratch) = self.spare().pop().unwrap_or_default();
            let parsed = match self.ranges.read(number, &mut buffer) {
                Ok(lines) => self.parse(number, &lines.block(&buffer), &mut scratch),
                Err(RangeError::Data(err)) => Parsed::Failed(number, err),
                Err(RangeError::OpenQuote | RangeError::Compressed) => Parsed::InTurn,
            };
            self.spare().push((buffer, scratch));
            parsed
        })
    }

    fn parse(&self, number: usize, block: &Block<'_>, scratch: &mut F::Scratch) -> Parsed {
        let mut bad = BadRows::new(self.on_bad_row, number < self.skipped.1);
        match self.format.parse(block, scratch, &mut bad) {
            Ok(tiles) => Parsed::Part(Part { number, tiles }, bad.skipped()),
            Err(err) => Parsed::Failed(number, err),
        }
    }

    fn spare(&self) -> MutexGuard<'_, Vec<(Buffer, F::Scratch)>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads blocks one after the other, and parses them side by side.
    fn parse_blocks(&mut self, n_blocks: usize) -> Vec<Parsed> {
        let mut blocks = Vec::with_capacity(n_blocks);
        for block in self.blocks.0.by_ref().take(n_blocks) {
            blocks.push((self.blocks.1, block));
            self.blocks.1 += 1;
        }
        self.threads.map(blocks, |(number, block)| match block {
            Ok(_) if !self.pass.parses(number) => Parsed::PassedOver,
            Ok(block) => {
                let (buffer, mut scratch) = self.spare().pop().unwrap_or_default();
                let parsed = self.parse(number, &block.view(), &mut scratch);
                self.spare().push((buffer, scratch));
                parsed
            }
            Err(err) => Parsed::Failed(number, err),
        })
    }

    /// Counts the rows that were left out of the part `number`.
    fn skip(&mut self, number: usize, skipped: Skipped) {
        if skipped.n_rows == 0 {
            return;
        }
        self.skipped.0.n_rows += skipped.n_rows;
        if number < self.skipped.1 {
            self.skipped.0.first = skipped.first;
            self.skipped.1 = number;
        }
    }

    /// Reads blocks one after the other from now on, from the first.
    fn start_in_turn(&mut self) {
        self.plan = None;
        self.ranges.forget();
        self.blocks = (self.all_blocks(), 0);
        self.pass = self.first_pass();
        self.failed = None;
        self.skipped = (Skipped::default(), usize::MAX);
    }

    fn all_blocks(&self) -> Blocks {
        let blocks = Blocks::new(Input::Files(self.files.clone()), F::CUT);
        blocks.with_block_bytes(self.block_bytes)
    }

    /// Ends the first of two passes and gives what was kept.
    fn end_first_pass(&mut self, survey: Survey) -> Batch {
        if !survey.has_all() {
            self.expected_rows = survey.n_rows();
        }
        let is_whole = survey.has_all() && self.failed.is_none();
        let end = self.failed.as_ref().map_or(usize::MAX, |(first, _)| *first);
        let mut kept = Vec::new();
        let mut parts = Vec::new();
        for (part, skipped) in survey.into_kept() {
            if part.number >= end {
                break;
            }
            self.skip(part.number, skipped);
            kept.push(part.number);
            parts.push(part);
        }
        if is_whole {
            self.pass = Pass::Only;
            self.blocks = (Blocks::none(), 0);
        } else {
            self.pass = Pass::Second(kept);
            self.blocks = (self.all_blocks(), 0);
        }
        Batch::Parts(parts)
    }

    /// Remembers a problem, if it is the first.
    fn fail(&mut self, number: usize, err: DataError) {
        if self
            .failed
            .as_ref()
            .is_none_or(|(first, _)| number < *first)
        {
            self.failed = Some((number, err));
        }
    }

    /// Reads on as the plan says, or block by block.
    fn parse_next(&mut self) -> Vec<Parsed> {
        let n_blocks = self.threads.n_threads() * BLOCKS_PER_THREAD;
        let limit = self.failed.as_ref().map(|(number, _)| *number);
        match (&mut self.plan, &self.pass) {
            (Some(plan), _) => {
                if let Some(limit) = limit {
                    plan.end_at(limit);
                }
                let numbers = plan.take(n_blocks);
                let soon = plan.clone().take(RANGES_AHEAD);
                self.ranges.read_ahead(numbers.iter().copied().chain(soon));
                self.parse_ranges(numbers)
            }
            (None, Pass::Only | Pass::First(_)) if limit.is_some() => Vec::new(),
            (None, Pass::Second(_)) if limit.is_some_and(|it| it <= self.blocks.1) => Vec::new(),
            (None, _) => self.parse_blocks(n_blocks),
        }
    }
}

impl<F: LineFormat> TileReader for LineTiles<F> {
    fn read(&mut self) -> Result<Batch, DataError> {
        let parsed = self.parse_next();
        if parsed.is_empty() {
            if let Pass::First(survey) = std::mem::replace(&mut self.pass, Pass::Only) {
                return Ok(self.end_first_pass(survey));
            }
            return match self.failed.take() {
                Some((_, err)) => {
                    self.plan = None;
                    self.blocks.0 = Blocks::none();
                    Err(err)
                }
                None => Ok(Batch::End),
            };
        }
        let mut parts = Vec::with_capacity(parsed.len());
        for parsed in parsed {
            match parsed {
                Parsed::Part(part, skipped) => {
                    if let Pass::First(survey) = &mut self.pass {
                        survey.keep(part, skipped);
                        continue;
                    }
                    self.skip(part.number, skipped);
                    parts.push(part);
                }
                Parsed::PassedOver => {}
                Parsed::Failed(number, err) => self.fail(number, err),
                Parsed::InTurn => {
                    self.start_in_turn();
                    return Ok(Batch::StartAgain);
                }
            }
        }
        if let Some((first, _)) = &self.failed {
            parts.retain(|part| part.number < *first);
        }
        Ok(Batch::Parts(parts))
    }

    fn in_sample(&self) -> bool {
        match (&self.plan, &self.pass) {
            (Some(plan), _) => plan.in_sample(),
            (None, Pass::Only | Pass::First(_)) => true,
            (None, Pass::Second(_)) => false,
        }
    }

    fn expected_rows(&self) -> usize {
        self.expected_rows
    }

    fn skipped(&self) -> Skipped {
        self.skipped.0.clone()
    }
}
