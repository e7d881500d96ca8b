//! What holds for any bytes that are sent to a server: they are answered, a value or a document for each row, or refused
//! with a reason; what the log gets of them is one line.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use contract::environment as env;
use contract::paths::MlRoot;
use engine::booster::Booster;
use engine::dataset::Names;
use engine::model::{ModelFormat, load, save};
use trainer::serve::{Asked, Loaded, Settings};

const CONTENT_TYPES: [Option<&str>; 6] = [
    None,
    Some("text/csv"),
    Some("text/libsvm"),
    Some("application/x-recordio-protobuf"),
    Some("application/json"),
    Some("application/jsonlines"),
];
const ACCEPTS: [&str; 4] =
    ["text/csv", "application/json", "application/jsonlines", "application/x-recordio-protobuf"];

/// A model as an endpoint has it.
struct Served {
    settings: Settings,
    loaded: Loaded,
}

/// Asks one of the models; `chosen` are the model, the content type and the form of the answer.
pub fn answer(chosen: [u8; 3], body: &[u8]) {
    static SERVED: OnceLock<Vec<Served>> = OnceLock::new();
    let served = SERVED.get_or_init(served);
    let [model, content_type, accept] = chosen.map(usize::from);
    let Served { settings, loaded } = &served[model % served.len()];
    let asked = Asked {
        content_type: CONTENT_TYPES[content_type % CONTENT_TYPES.len()],
        accept: Some(ACCEPTS[accept % ACCEPTS.len()]),
        body,
    };
    match loaded.answer(&asked, settings) {
        Ok(answer) => {
            assert!(answer.n_rows > 0 && !answer.body.is_empty());
            if asked.accept == Some("application/jsonlines") {
                let n_lines = answer.body.iter().filter(|it| **it == b'\n').count();
                assert_eq!(n_lines, answer.n_rows);
            }
        }
        Err(refusal) => {
            assert!(refusal.status().is_client_error(), "{refusal:?}");
            assert!(!refusal.for_log().is_empty());
            assert!(!refusal.for_log().contains(char::is_control), "{refusal:?}");
        }
    }
}

/// A model of numbers, one with selected answers, one of several classes, one whose rows bring an exposure and a margin,
/// and one of words.
fn served() -> Vec<Served> {
    let numbers: &[u8] = include_bytes!("../data/models/xgboost-3.2.0/binary_logistic.ubj");
    let classes: &[u8] = include_bytes!("../data/models/xgboost-3.2.0/softprob.ubj");
    let selected = [(env::SAGEMAKER_INFERENCE_OUTPUT.name, "predicted_label,probabilities,none")];
    let columns = [(env::LINDEN_EXPOSURE_COLUMN.name, "1"), (env::LINDEN_BASE_MARGIN_COLUMNS.name, "3")];
    vec![
        serve("numbers", numbers, &[]),
        serve("selected", numbers, &selected),
        serve("classes", classes, &[]),
        serve("columns", numbers, &columns),
        serve("words", &of_words(), &[]),
    ]
}

/// A model of categories that have names.
fn of_words() -> Vec<u8> {
    let bytes = include_bytes!("../data/models/xgboost-3.2.0/onehot.json");
    let booster = load(bytes).expect("XGBoost wrote it");
    let names = ["red", "green", "blue", "1", "a,b", "\"", "", "none"].map(str::to_owned);
    let names = Names::new(names.to_vec());
    let category_names = [(3, names.into())].into_iter().collect();
    save(&Booster { category_names, ..booster }, ModelFormat::Ubj)
}

fn serve(name: &str, model: &[u8], variables: &[(&str, &str)]) -> Served {
    let root: PathBuf = std::env::temp_dir().join(format!("linden-fuzz-{}", std::process::id()));
    let root = MlRoot::at(root.join(name));
    fs::create_dir_all(root.model_dir()).expect("a folder for a model");
    fs::write(root.model_file(), model).expect("a model");
    let variable = |name: &str| {
        let found = variables.iter().find(|it| it.0 == name);
        found.map(|it| it.1.to_owned())
    };
    let settings = Settings::from_env(&root, &variable).expect("what the variables may be");
    let loaded = Loaded::load(&root.model_dir(), &settings).expect("a model");
    Served { settings, loaded }
}
