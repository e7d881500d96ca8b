//! What is answered: XGBoost's predictions in the built-in container's bytes, or a refusal in its words.

use std::fs;
use std::path::PathBuf;

use engine::objective::ObjectiveName;
use serde_json::Value;

use super::server::{Server, Setup, stumps};

const CSV: (&str, &str) = ("Content-Type", "text/csv");

fn asked(
    server: &Server,
    content_type: &str,
    accept: &str,
    body: impl AsRef<[u8]>,
) -> (u16, String, String) {
    let headers = [("Content-Type", content_type), ("Accept", accept)];
    let reply = server.invoke(&headers, body);
    let kind = reply.header("Content-Type").unwrap_or_default().to_owned();
    (reply.status, kind, reply.text().to_owned())
}

/// A record of one dense row of two features.
fn record(values: [f32; 2]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    let tensor = [&[0x0a, 8][..], &values].concat();
    let value = [&[0x12, 10][..], &tensor].concat();
    let entry = [&[0x0a, 6][..], b"values", &[0x12, 12], &value].concat();
    let record = [&[0x0a, 22][..], &entry].concat();
    [&[0x0a, 0x23, 0xd7, 0xce, 24, 0, 0, 0][..], &record].concat()
}

#[test]
fn every_request_type_gives_the_same_predictions() {
    let server = Setup::of(&stumps(ObjectiveName::RegSquaredError, &[(1.5, 2.5)])).start();
    let records = [record([0.0, 7.0]), record([1.0, f32::NAN])].concat();
    for (content_type, body) in [
        ("text/csv", &b"0,7\n1,\n"[..]),
        ("csv", b"0,7\n1,"),
        ("text/csv; charset=utf-8", b"0;7\r\n1;nan\r\n"),
        ("text/libsvm", b"0:0 1:7\n0:1\n"),
        ("text/x-libsvm", b"3 0:0 1:7\n4 0:1\n"),
        ("application/x-recordio-protobuf", &records),
        (
            "application/json",
            br#"{"instances": [{"features": [0, 7]}, {"features": [1, null]}]}"#,
        ),
        (
            "application/jsonlines",
            b"{\"features\": [0, 7]}\n{\"features\": [1, null]}\n",
        ),
    ] {
        let answer = asked(&server, content_type, "*/*", body);
        let expected = (
            200,
            "text/csv; charset=utf-8".to_owned(),
            "1.5\n2.5\n".to_owned(),
        );
        assert_eq!(answer, expected, "{content_type}");
    }
    // Without a content type a request is libsvm.
    assert_eq!(server.invoke(&[], "0:1\n").of(200), "2.5\n");
}

#[test]
fn every_answer_type_has_the_built_in_containers_layout() {
    let server = Setup::of(&stumps(
        ObjectiveName::MultiSoftprob,
        &[(0.0, 1.0), (0.0, 0.0)],
    ))
    .start();
    for (accept, kind, expected) in [
        ("", "text/csv; charset=utf-8", "0.5,0.5\n"),
        ("text/csv", "text/csv; charset=utf-8", "0.5,0.5\n"),
        (
            "application/json; charset=utf-8",
            "application/json",
            "{\"predictions\": [{\"score\": [0.5, 0.5]}]}",
        ),
        (
            "application/jsonlines",
            "application/jsonlines",
            "{\"score\": [0.5, 0.5]}\n",
        ),
    ] {
        let answer = asked(&server, "text/csv", accept, "0,0");
        assert_eq!(
            answer,
            (200, kind.to_owned(), expected.to_owned()),
            "{accept}"
        );
    }
    let headers = [CSV, ("Accept", "application/x-recordio-protobuf")];
    let reply = server.invoke(&headers, "0,0");
    assert_eq!(
        reply.header("Content-Type"),
        Some("application/x-recordio-protobuf")
    );
    assert_eq!(reply.body[..4], [0x0a, 0x23, 0xd7, 0xce]);
    assert!(reply.body.windows(5).any(|it| it == b"score"));
}

#[test]
fn a_default_answer_type_can_be_set() {
    let server = Setup::of(&stumps(ObjectiveName::RegSquaredError, &[(1.5, 2.5)]))
        .set("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json")
        .start();
    let expected = "{\"predictions\": [{\"score\": 2.5}]}";
    assert_eq!(server.csv("1,1").of(200), expected);
}

#[test]
fn selected_answers_have_the_keys_that_were_asked_for() {
    let server = Setup::of(&stumps(ObjectiveName::BinaryLogistic, &[(0.0, 100.0)]))
        .set(
            "SAGEMAKER_INFERENCE_OUTPUT",
            "Probabilities, predicted_label,predicted_score",
        )
        .start();
    let json = asked(&server, "text/csv", "application/json", "0,0\n1,0").2;
    assert_eq!(
        json,
        "{\"predictions\": [{\"predicted_label\": 0, \"probabilities\": [0.5, 0.5], \"predicted_score\": NaN}, \
         {\"predicted_label\": 1, \"probabilities\": [0.0, 1.0], \"predicted_score\": NaN}]}"
    );
    let csv = asked(&server, "text/csv", "text/csv", "0,0\n1,0").2;
    assert_eq!(csv, "\"[0.5, 0.5]\",0,nan\n\"[0.0, 1.0]\",1,nan");
    let server = Setup::of(&stumps(ObjectiveName::CountPoisson, &[(0.0, 1.0)]))
        .set("SAGEMAKER_INFERENCE_OUTPUT", "predicted_score")
        .start();
    let told = server.csv("0,0");
    let expected = "Objective `count:poisson` unsupported for selectable inference predictions.";
    assert_eq!(told.of(500), expected);
    // Whatever else is wrong is told first.
    assert_eq!(asked(&server, "text/csv", "text/html", "0,0").0, 406);
}

#[test]
fn in_a_transform_job_each_row_is_a_line() {
    let server = Setup::of(&stumps(
        ObjectiveName::MultiSoftprob,
        &[(0.0, 1.0), (0.0, 0.0)],
    ))
    .set("SAGEMAKER_BATCH", "true")
    .set("SAGEMAKER_MAX_PAYLOAD_IN_MB", "12")
    .start();
    // A line of a file alone, and many of them.
    assert_eq!(server.csv("0,0").of(200), "[0.5, 0.5]\n");
    let body = "0,0\n".repeat(10_000);
    let answer = server.csv(&body);
    assert_eq!(answer.of(200).lines().count(), 10_000);
    assert!(answer.text().ends_with("]\n"));
    let (_, kind, text) = asked(&server, "text/csv", "application/json", "0,0");
    assert_eq!(
        (kind.as_str(), text.as_str()),
        ("application/json", "[0.5, 0.5]\n")
    );
    let parameters: Value =
        serde_json::from_str(server.get("/execution-parameters").of(200)).unwrap();
    assert_eq!(parameters["MaxPayloadInMB"], 12);
    assert_eq!(parameters["BatchStrategy"], "MULTI_RECORD");
}

#[test]
fn what_is_wrong_is_told_in_the_built_in_containers_words() {
    let server = Setup::of(&stumps(ObjectiveName::RegSquaredError, &[(1.5, 2.5)])).start();
    assert_eq!(server.csv("").of(204), "");
    for (content_type, body, status, expected) in [
        (
            "image/png",
            "x",
            415,
            "image/png is not an accepted ContentType: csv, libsvm,",
        ),
        (
            "application/x-parquet",
            "x",
            415,
            "Content-type application/x-parquet is not supported.",
        ),
        (
            "text/csv",
            "age,sex\n1,2\n",
            415,
            "Loading csv data failed with Exception, please ensure data is in csv format:\n row 1, column 1: text `age` \
             where a number is expected: leave the header line out",
        ),
        (
            "text/csv",
            "1,2\n1\n",
            415,
            "Loading csv data failed with Exception, please ensure data is in csv format:\n row 2: 1 values",
        ),
        (
            "text/libsvm",
            "0:x",
            415,
            "Loading libsvm data failed with Exception, please ensure data is in libsvm format:\n row 1: ",
        ),
        (
            "application/x-recordio-protobuf",
            "0,1",
            415,
            "Loading recordio-protobuf data failed with Exception, please ensure data is in recordio-protobuf format:\n row 1: ",
        ),
        (
            "text/csv",
            "1,2,3",
            400,
            "Unable to evaluate payload provided: Feature size of csv inference data 3 is not consistent with feature size \
             of trained model 2. If one column is the label, leave it out.",
        ),
        (
            "text/csv",
            "1",
            400,
            "Unable to evaluate payload provided: Feature size of csv inference data 1 is not consistent with",
        ),
        (
            "text/libsvm",
            "2:1",
            400,
            "Unable to evaluate payload provided: Feature size of libsvm inference data 3 is larger than feature size of \
             trained model 2.",
        ),
    ] {
        let (found, kind, text) = asked(&server, content_type, "*/*", body);
        assert_eq!(found, status, "{text}");
        assert_eq!(kind, "text/plain; charset=utf-8");
        assert!(text.starts_with(expected), "{text}");
    }
    let (status, _, text) = asked(&server, "text/csv", "text/html", "1,2");
    assert_eq!(status, 406);
    assert_eq!(
        text,
        "Accept type text/html is not supported. Please use supported accept types: ['application/json', \
         'application/jsonlines', 'application/x-recordio-protobuf', 'text/csv']."
    );
    let gzipped = server.invoke(&[CSV, ("Content-Encoding", "gzip")], "1,2");
    assert!(
        gzipped
            .of(415)
            .contains("Content-Encoding is not supported")
    );
}

#[test]
fn other_routes_and_methods_are_not_there() {
    let server = Setup::of(&stumps(ObjectiveName::RegSquaredError, &[(1.5, 2.5)])).start();
    for path in [
        "/",
        "/invocations/x",
        "/models",
        "/metrics",
        "/../etc/passwd",
    ] {
        assert_eq!(server.get(path).of(404), "{}", "{path}");
    }
    let reply = server.get("/invocations");
    assert_eq!((reply.status, reply.header("Allow")), (405, Some("POST")));
    let parameters = server.get("/execution-parameters");
    assert_eq!(parameters.header("Content-Type"), Some("application/json"));
    let text = parameters.of(200);
    assert!(text.starts_with("{\"MaxConcurrentTransforms\": "), "{text}");
    assert!(
        text.ends_with(", \"BatchStrategy\": \"MULTI_RECORD\", \"MaxPayloadInMB\": 6}"),
        "{text}"
    );
}

#[test]
fn a_connection_takes_one_request_after_the_other() {
    let server = Setup::of(&stumps(ObjectiveName::RegSquaredError, &[(1.5, 2.5)])).start();
    let mut client = server.connect();
    for _ in 0..3 {
        assert_eq!(
            client.ask("POST", "/invocations", &[CSV], "0,0").of(200),
            "1.5\n"
        );
        assert_eq!(
            client.ask("POST", "/invocations", &[CSV], "x,0").status,
            415
        );
        assert_eq!(client.ask("GET", "/ping", &[], "").status, 200);
    }
    client.send("POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("2\r\n1,\r\n");
    client.send("3\r\n5\n0\r\n2\r\n,5\r\n0\r\n\r\n");
    assert_eq!(client.reply().of(200), "2.5\n1.5\n");
}

fn fixture(path: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/models");
    fs::read(folder.join(path)).unwrap()
}

/// Names of models in XGBoost's folders, and whether their rows have categories.
const MODELS: [(&str, bool); 16] = [
    ("squarederror", false),
    ("reg_logistic", false),
    ("binary_logistic", false),
    ("poisson", false),
    ("softmax", false),
    ("softprob", false),
    ("forest", false),
    ("onehot", true),
    ("partition", true),
    ("dart", false),
    ("dart_classes", false),
    ("dart_categories", true),
    ("gblinear", false),
    ("gblinear_classes", false),
    ("targets", false),
    ("targets_logistic", false),
];

/// Numbers of a line or of a list.
fn numbers(line: &str) -> Vec<f32> {
    let line = line.trim_matches(['[', ']']);
    line.split(',')
        .map(|it| it.trim().parse().unwrap())
        .collect()
}

#[test]
fn models_that_xgboost_wrote_predict_what_it_predicts() {
    let mut setup = Setup::new()
        .set("SAGEMAKER_MULTI_MODEL", "true")
        .set("SAGEMAKER_BATCH", "true");
    let mut names = Vec::new();
    for version in ["1.7.6", "3.0.5", "3.2.0"] {
        for (name, has_categories) in MODELS {
            for format in ["json", "ubj"] {
                let file = format!("xgboost-{version}/{name}.{format}");
                let id = format!("{version}-{name}-{format}");
                setup = setup.file(&format!("models/{id}/xgboost-model"), fixture(&file));
                names.push((id, format!("xgboost-{version}/{name}.csv"), has_categories));
            }
        }
    }
    let server = setup.start();
    let mut client = server.connect();
    for (id, expected, has_categories) in names {
        let folder = server.path(&format!("models/{id}"));
        let order = serde_json::json!({"model_name": id, "url": folder}).to_string();
        client.ask("POST", "/models", &[], order).of(200);
        let rows = fixture(if has_categories {
            "categories.csv"
        } else {
            "rows.csv"
        });
        let path = format!("/models/{id}/invoke");
        let headers = [CSV, ("Accept", "text/csv")];
        let reply = client.ask("POST", &path, &headers, rows);
        let found: Vec<Vec<f32>> = reply.of(200).lines().map(numbers).collect();
        let expected = String::from_utf8(fixture(&expected)).unwrap();
        // Margins come first.
        let expected: Vec<Vec<f32>> = expected.lines().skip(80).map(numbers).collect();
        assert_eq!(found.len(), expected.len(), "{id}");
        for (ours, theirs) in found.concat().iter().zip(expected.concat()) {
            assert!(
                (ours - theirs).abs() <= 1e-6 * theirs.abs(),
                "{id}: {ours} {theirs}"
            );
        }
    }
}
