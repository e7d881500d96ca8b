//! From a reader's parts to a table.
//!
//! Invariants: trees are grown on bins: values are binned while they are read, a validation channel's by the training
//! channel's cuts. What looks at the values themselves gets all of them: a single tree, weights of features, and trees
//! that another model brings.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::bin::{BinnedDataset, HistogramCuts, Ingest, Sample};
use engine::dataset::{CategoryNames, Dataset, DatasetError, Part, PartsBuilder};
use engine::threads::Threads;

use crate::data::{DataError, Order};
use crate::error::TrainerError;

/// What is to become of a channel's rows.
#[derive(Clone, Debug)]
pub(crate) enum Goal {
    /// A table of values, of which those of these features are categories with these names; `None` leaves the names to the
    /// rows' words.
    Raw(Vec<u32>, Option<CategoryNames>),
    /// A table in bins of its own.
    Binned {
        max_bin: u32,
        /// Values that may be in memory to make cuts from.
        sample_values: usize,
        /// The features whose values are codes of categories.
        categorical: Vec<u32>,
        /// The names of their categories; `None` leaves them to the rows' words.
        names: Option<CategoryNames>,
    },
    /// A table in the bins of another.
    BinnedBy(Arc<HistogramCuts>),
}

/// A table that is being read.
#[derive(Debug)]
pub(crate) struct Growing<'a> {
    channel: &'static str,
    threads: &'a Threads,
    goal: Goal,
    stage: Stage,
    expected_rows: usize,
    binning: Duration,
}

#[derive(Debug)]
enum Stage {
    Raw(Box<PartsBuilder>),
    Sample(Sample, u32),
    Binned(Box<Ingest>),
}

/// A table that was read.
#[derive(Debug)]
pub(crate) struct Grown<T> {
    pub(crate) rows: T,
    /// Columns of the rows; the cuts that they were binned by may have more.
    pub(crate) n_features: usize,
    /// Whether columns may be missing at the end of all rows.
    pub(crate) is_sparse: bool,
    /// Rows that were left out, since they do not fit.
    pub(crate) n_skipped: u64,
    /// What it took to make cuts and to bin what they were made from.
    pub(crate) binning: Duration,
    /// The names of the features' categories, where they have some.
    pub(crate) names: CategoryNames,
}

impl<'a> Growing<'a> {
    pub(crate) fn new(channel: &'static str, goal: Goal, threads: &'a Threads) -> Self {
        Self {
            channel,
            threads,
            stage: Stage::new(&goal),
            goal,
            expected_rows: 0,
            binning: Duration::ZERO,
        }
    }

    /// The channel that is read.
    pub(crate) fn channel(&self) -> &'static str {
        self.channel
    }

    /// The order that parts are to come in.
    pub(crate) fn order(&self) -> Order {
        match self.goal {
            Goal::Raw(..) | Goal::BinnedBy(_) => Order::Rows,
            Goal::Binned { sample_values, .. } => Order::Sample(sample_values),
        }
    }

    /// Says about how many rows will come.
    pub(crate) fn expect_rows(&mut self, n_rows: usize) {
        self.expected_rows = n_rows;
        if let Stage::Binned(ingest) = &mut self.stage {
            ingest.expect_rows(n_rows);
        }
    }

    /// Forgets all rows.
    pub(crate) fn start_again(&mut self) {
        self.stage = Stage::new(&self.goal);
        self.expect_rows(self.expected_rows);
    }

    /// Takes parts. `in_sample` says whether those that come next are still meant to make cuts from.
    pub(crate) fn push(&mut self, parts: Vec<Part>, in_sample: bool) -> Result<(), TrainerError> {
        let parts = match &mut self.stage {
            Stage::Raw(builder) => {
                for part in parts {
                    builder.push(part).map_err(|it| refused(self.channel, it))?;
                }
                return Ok(());
            }
            Stage::Sample(sample, _) => {
                let rest = sample.push(parts, self.threads);
                if !sample.is_full() && in_sample {
                    return Ok(());
                }
                self.cut(false)?;
                rest
            }
            Stage::Binned(_) => parts,
        };
        let Stage::Binned(ingest) = &mut self.stage else {
            return Ok(());
        };
        let pushed = ingest.push(parts, self.threads);
        Ok(pushed.map_err(|it| refused(self.channel, it))?)
    }

    /// Makes cuts from the sample, if there is one; `whole` says that all rows are in it.
    fn cut(&mut self, whole: bool) -> Result<(), TrainerError> {
        let start = Instant::now();
        if let Stage::Sample(sample, max_bin) = &mut self.stage {
            let sample = std::mem::replace(sample, Sample::new(0));
            let mut ingest = sample.cut(*max_bin, whole, self.threads)?;
            ingest.expect_rows(self.expected_rows);
            self.stage = Stage::Binned(Box::new(ingest));
        }
        self.binning += start.elapsed();
        Ok(())
    }

    /// The table, where the goal was one in bins.
    pub(crate) fn binned(mut self) -> Result<Grown<BinnedDataset>, TrainerError> {
        self.cut(true)?;
        let Stage::Binned(mut ingest) = self.stage else {
            unreachable!("a table of values was asked for")
        };
        let refused = |err| refused(self.channel, err);
        ingest.push(Vec::new(), self.threads).map_err(refused)?;
        Ok(Grown {
            n_features: ingest.n_features(),
            is_sparse: ingest.is_sparse(),
            n_skipped: 0,
            binning: self.binning,
            names: ingest.category_names().clone(),
            rows: ingest.finish().map_err(refused)?,
        })
    }

    /// The table, where the goal was one of values.
    pub(crate) fn raw(self) -> Result<Grown<Dataset>, TrainerError> {
        let Stage::Raw(builder) = self.stage else {
            unreachable!("a table in bins was asked for")
        };
        let mut rows = builder.finish().map_err(|it| refused(self.channel, it))?;
        let mut names = CategoryNames::default();
        if let Goal::Raw(categorical, known) = &self.goal {
            names = known.clone().unwrap_or_else(|| rows.category_names());
            rows.code_words(&names);
            let checked = rows.check_categories(categorical);
            checked.map_err(|it| refused(self.channel, it))?;
        }
        Ok(Grown {
            n_features: rows.n_features(),
            is_sparse: rows.is_sparse(),
            n_skipped: 0,
            binning: self.binning,
            names,
            rows,
        })
    }
}

impl Stage {
    fn new(goal: &Goal) -> Self {
        match goal {
            Goal::Raw(..) => Self::Raw(Box::default()),
            Goal::Binned {
                max_bin,
                sample_values,
                categorical,
                names,
            } => {
                let sample = Sample::new(*sample_values).with_categories(categorical.clone());
                let sample = match names {
                    Some(names) => sample.with_names(names.clone()),
                    None => sample,
                };
                Self::Sample(sample, *max_bin)
            }
            Goal::BinnedBy(cuts) => Self::Binned(Box::new(Ingest::new(cuts))),
        }
    }
}

fn refused(channel: &str, source: DatasetError) -> DataError {
    match source {
        DatasetError::SplitQuery { object, row, id } => DataError::SplitQuery {
            object,
            row: row + 1,
            id,
        },
        DatasetError::Category {
            object,
            row,
            feature,
            value,
        } => DataError::Category {
            object,
            row: row + 1,
            feature,
            value,
        },
        source => DataError::Table {
            channel: channel.to_owned(),
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Write as _;
    use std::path::Path;

    use contract::hyperparameter::OnBadRow;
    use engine::objective::ObjectiveName;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use parquet::data_type::FloatType;
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::data::csv::{self, CsvOptions};
    use crate::data::files::discover;
    use crate::data::labels::LabelRule;
    use crate::data::objects::Input;
    use crate::data::side::SideOptions;
    use crate::data::tiles::Text;
    use crate::data::{Batch, TileReader, parquet as tables};

    /// How a file is written.
    #[derive(Clone, Copy, PartialEq)]
    enum Form {
        Plain,
        /// With a line end in quotes.
        Quoted,
        Gzip,
    }

    fn options() -> CsvOptions {
        CsvOptions {
            weighted: false,
            labels: LabelRule {
                objective: ObjectiveName::RegSquaredError,
                num_class: 0,
            },
            side: SideOptions::default(),
            categorical: Vec::new(),
            on_bad_row: OnBadRow::Error,
        }
    }

    fn goal(sample_values: usize) -> Goal {
        Goal::Binned {
            max_bin: 8,
            sample_values,
            categorical: Vec::new(),
            names: None,
        }
    }

    fn grown(mut growing: Growing<'_>, mut reader: impl TileReader) -> BinnedDataset {
        loop {
            match reader.read().unwrap() {
                Batch::Parts(parts) => growing.push(parts, reader.in_sample()).unwrap(),
                Batch::StartAgain => growing.start_again(),
                Batch::End => return growing.binned().unwrap().rows,
            }
        }
    }

    /// Reads a channel of two files with many small blocks; the rows are sorted by their only column.
    fn read(sample_values: usize, n_threads: usize, form: Form) -> BinnedDataset {
        let dir = tempfile::tempdir().unwrap();
        for file in 0..2 {
            let mut text = String::new();
            for row in file * 3000..(file + 1) * 3000 {
                let cell = if form == Form::Quoted && row == 5000 {
                    "\"\n5000\"".to_owned()
                } else {
                    format!("{row:04}")
                };
                writeln!(text, "{row:04},{cell}").unwrap();
            }
            let mut bytes = text.into_bytes();
            if form == Form::Gzip {
                let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
                packed.write_all(&bytes).unwrap();
                bytes = packed.finish().unwrap();
            }
            std::fs::write(dir.path().join(format!("{file}.csv")), bytes).unwrap();
        }
        let threads = Threads::new(Some(n_threads)).unwrap();
        let growing = Growing::new("train", goal(sample_values), &threads);
        let text = Text {
            input: Input::Files(discover("train", dir.path()).unwrap().files),
            block_bytes: 100,
            order: growing.order(),
        };
        let reader = csv::open(text, &options(), threads.clone()).unwrap();
        grown(growing, reader.unwrap())
    }

    /// Whether bins have about as many rows each as the cuts of all rows would give them.
    fn are_even(data: &BinnedDataset, distance: f32) {
        let step = data.n_rows() as f32 / 8.0;
        for (idx, cut) in data.cuts().cuts(0)[..7].iter().enumerate() {
            let even = step * (idx + 1) as f32;
            assert!((cut - even).abs() < distance, "{cut} for {even}");
        }
    }

    #[test]
    fn a_channel_larger_than_its_sample_keeps_its_rows_in_order_and_its_cuts_even() {
        for form in [Form::Plain, Form::Gzip] {
            let first = read(300, 1, form);
            let labels: Vec<f32> = (0..6000_u16).map(f32::from).collect();
            assert_eq!(first.labels(), labels);
            // The first 300 rows alone would have cuts up to 300.
            are_even(&first, 250.0);
            for n_threads in [2, 3, 8] {
                let other = read(300, n_threads, form);
                assert_eq!(
                    (other.cuts(), other.labels()),
                    (first.cuts(), first.labels())
                );
            }
        }
        let whole = [Form::Plain, Form::Gzip].map(|form| read(6000, 2, form));
        assert_eq!(whole[0].cuts(), whole[1].cuts());
    }

    #[test]
    fn a_line_end_in_quotes_makes_the_reader_start_again() {
        let whole = read(1 << 20, 2, Form::Plain);
        for sample_values in [300, 1 << 20] {
            let quoted = read(sample_values, 2, Form::Quoted);
            assert_eq!(quoted.labels(), whole.labels());
            are_even(&quoted, 250.0);
        }
        assert_eq!(read(1 << 20, 2, Form::Quoted).cuts(), whole.cuts());
    }

    /// Writes a table whose label is its only feature and the number of the row.
    fn write_parquet(path: &Path, rows_of_groups: &[std::ops::Range<u32>]) {
        let schema = "message table { required float label; required float x; }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let pages = WriterProperties::builder()
            .set_data_page_row_count_limit(1000)
            .set_write_batch_size(1000);
        let file = std::fs::File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(pages.build())).unwrap();
        for rows in rows_of_groups {
            let values: Vec<f32> = rows.clone().map(|it| it as f32).collect();
            let mut group = writer.next_row_group().unwrap();
            while let Some(mut column) = group.next_column().unwrap() {
                let typed = column.typed::<FloatType>();
                typed.write_batch(&values, None, None).unwrap();
                column.close().unwrap();
            }
            group.close().unwrap();
        }
        writer.close().unwrap();
    }

    #[test]
    fn a_parquet_table_larger_than_its_sample_has_cuts_from_all_over_its_files() {
        let dir = tempfile::tempdir().unwrap();
        write_parquet(&dir.path().join("a"), &[0..50_000, 50_000..50_001]);
        write_parquet(&dir.path().join("b"), &[50_001..80_000, 80_000..120_000]);
        let table = |sample_values: usize, n_threads: usize| {
            let threads = Threads::new(Some(n_threads)).unwrap();
            let growing = Growing::new("train", goal(sample_values), &threads);
            let files = discover("train", dir.path()).unwrap().files;
            let reader = tables::open(files, options(), growing.order(), threads.clone());
            let reader = reader.unwrap().unwrap();
            assert_eq!(reader.n_rows(), Some(120_000));
            grown(growing, reader)
        };
        let whole = table(1 << 20, 2);
        let labels: Vec<f32> = (0..120_000_u32).map(|it| it as f32).collect();
        assert_eq!(whole.labels(), labels);
        let sampled = table(40_000, 1);
        assert_eq!(sampled.labels(), labels);
        // Ten tiles are in the sample. The first 40,000 rows alone would have cuts up to 35,000.
        are_even(&sampled, 24_000.0);
        let other = table(40_000, 3);
        assert_eq!(other.cuts(), sampled.cuts());
        let mut pieces = [Vec::new(), Vec::new()];
        for (data, pieces) in [&sampled, &other].into_iter().zip(&mut pieces) {
            data.for_each_piece(&mut |piece| pieces.extend_from_slice(piece));
        }
        assert!(pieces[0] == pieces[1]);
    }
}
