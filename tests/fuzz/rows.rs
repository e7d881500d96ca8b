//! What holds for any bytes that are read as rows: they are rows or they are refused, the same with one thread and with
//! three, and bad rows can be left out.

use std::fs;
use std::panic;
use std::path::PathBuf;
use std::sync::Once;

use contract::content_type::ContentType;
use contract::hyperparameter::OnBadRow;
use engine::dataset::Part;
use engine::objective::ObjectiveName;
use engine::threads::Threads;
use trainer::data::csv::CsvOptions;
use trainer::data::files::discover;
use trainer::data::labels::LabelRule;
use trainer::data::objects::Input;
use trainer::data::side::SideOptions;
use trainer::data::{Batch, DataError, Order, Source, open};

/// libFuzzer's own hook ends the process at any panic. Those of the Parquet library are caught and become refusals, as they
/// should; one that nobody catches ends the process all the same.
static PANICS_ARE_CAUGHT: Once = Once::new();

/// Reads `bytes` as the only file of a channel, with one thread and with three.
pub fn read_twice(content_type: ContentType, bytes: &[u8]) {
    PANICS_ARE_CAUGHT.call_once(|| drop(panic::take_hook()));
    let dir: PathBuf = std::env::temp_dir().join(format!("linden-fuzz-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a folder for one file");
    fs::write(dir.join("rows"), bytes).expect("one file");
    for on_bad_row in [OnBadRow::Error, OnBadRow::Skip] {
        let [one, three] = [1, 3].map(|n_threads| {
            let read = read(content_type, &dir, on_bad_row, n_threads);
            read.map_err(|err| err.to_string())
        });
        match (one, three) {
            // NaN is not equal to itself.
            (Ok(one), Ok(three)) => assert_eq!(format!("{one:?}"), format!("{three:?}")),
            (one, three) => assert_eq!(one.map(|it| it.len()), three.map(|it| it.len())),
        }
    }
}

fn read(
    content_type: ContentType,
    dir: &std::path::Path,
    on_bad_row: OnBadRow,
    n_threads: usize,
) -> Result<Vec<Part>, DataError> {
    let options = CsvOptions {
        weighted: false,
        side: SideOptions::default(),
        labels: LabelRule {
            objective: ObjectiveName::RegSquaredError,
            num_class: 0,
        },
        categorical: Vec::new(),
        on_bad_row,
    };
    let source = Source {
        channel: "train".to_owned(),
        input: Input::Files(discover("train", dir)?.files),
        content_type: Some(content_type),
    };
    let threads = Threads::new(Some(n_threads)).expect("a few threads");
    let mut parts = Vec::new();
    let Some(mut reader) = open(source, options, Order::Rows, &threads)? else {
        return Ok(parts);
    };
    loop {
        match reader.read()? {
            Batch::Parts(more) => parts.extend(more),
            Batch::StartAgain => parts.clear(),
            Batch::End => break,
        }
    }
    parts.sort_by_key(|part| part.number);
    Ok(parts)
}
