//! Bytes as `hyperparameters.json`.

#![no_main]

use contract::hyperparameter::{
    Hyperparameters, read_hyperparameters_json, write_hyperparameters_json,
};
use libfuzzer_sys::fuzz_target;
use linfa::ParamGuard;

fuzz_target!(|bytes: &[u8]| {
    let Ok(values) = read_hyperparameters_json(bytes) else {
        return;
    };
    match Hyperparameters::parse(&values) {
        Ok(accepted) => {
            assert!(!accepted.eval_metrics.is_empty());
            accepted
                .params
                .check_ref()
                .expect("what the table accepts, the booster accepts");
            let written = write_hyperparameters_json(&values);
            let again = read_hyperparameters_json(written.as_bytes()).expect("our own document");
            assert_eq!(Hyperparameters::parse(&again).as_ref(), Ok(&accepted));
        }
        Err(problems) => {
            assert!(!problems.problems().is_empty());
            for problem in problems.problems() {
                assert!(!problem.to_string().is_empty());
            }
        }
    }
});
