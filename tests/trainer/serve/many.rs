//! A multi-model endpoint: models come and go by request.

use std::io::ErrorKind;

use engine::model::{self, ModelFormat};
use engine::objective::ObjectiveName;
use serde_json::{Value, json};

use super::server::{Client, Reply, Server, Setup, stumps};

fn bytes(objective: ObjectiveName, trees: &[(f32, f32)]) -> Vec<u8> {
    model::save(&stumps(objective, trees), ModelFormat::Ubj)
}

fn setup() -> Setup {
    Setup::new()
        .set("SAGEMAKER_MULTI_MODEL", "true")
        .file(
            "models/a/model/xgboost-model",
            bytes(ObjectiveName::RegSquaredError, &[(1.5, 2.5)]),
        )
        .file(
            "models/b/model/xgboost-model",
            bytes(ObjectiveName::MultiSoftprob, &[(0.0, 1.0), (0.0, 0.0)]),
        )
        .file("models/pickle/xgboost-model", b"\x80\x04rest")
        .file("models/empty/linden/training.json", "{}")
}

fn load(client: &mut Client, name: &str, url: &str) -> Reply {
    let order = json!({"model_name": name, "url": url}).to_string();
    client.ask(
        "POST",
        "/models",
        &[("Content-Type", "application/json")],
        order,
    )
}

fn url(server: &Server, path: &str) -> String {
    server.path(path).to_str().unwrap().to_owned()
}

fn value(reply: &Reply, status: u16) -> Value {
    assert_eq!(reply.header("Content-Type"), Some("application/json"));
    serde_json::from_str(reply.of(status)).unwrap()
}

fn invoke(client: &mut Client, name: &str, accept: &str, body: &str) -> Reply {
    let headers = [("Content-Type", "text/csv"), ("Accept", accept)];
    client.ask("POST", &format!("/models/{name}/invoke"), &headers, body)
}

#[test]
fn models_come_and_go() {
    let server = setup().start();
    let mut client = server.connect();
    assert_eq!(client.ask("GET", "/ping", &[], "").status, 200);
    let reply = client.ask("GET", "/models", &[], "");
    assert_eq!(value(&reply, 200), json!({"models": []}));
    let (a, b) = (
        url(&server, "models/a/model"),
        url(&server, "models/b/model"),
    );
    assert_eq!(
        value(&load(&mut client, "a", &a), 200),
        json!({"status": "Workers scaled"})
    );
    assert_eq!(
        value(&load(&mut client, "b", &b), 200)["status"],
        "Workers scaled"
    );
    let again = value(&load(&mut client, "a", &a), 409);
    assert_eq!(again["message"], "Model a is already registered.");
    let list = client.ask("GET", "/models", &[], "");
    let expected =
        json!({"models": [{"modelName": "a", "modelUrl": a}, {"modelName": "b", "modelUrl": b}]});
    assert_eq!(value(&list, 200), expected);
    let page = client.ask("GET", "/models?limit=1", &[], "");
    let expected = json!({"models": [{"modelName": "a", "modelUrl": a}], "nextPageToken": "1"});
    assert_eq!(value(&page, 200), expected);
    let page = client.ask("GET", "/models?limit=1&next_page_token=1", &[], "");
    assert_eq!(
        value(&page, 200),
        json!({"models": [{"modelName": "b", "modelUrl": b}]})
    );
    let one = client.ask("GET", "/models/a", &[], "");
    assert_eq!(value(&one, 200), json!({"modelName": "a", "modelUrl": a}));
    let unloaded = client.ask("DELETE", "/models/a", &[], "");
    assert_eq!(
        value(&unloaded, 200),
        json!({"status": "Model \"a\" unregistered"})
    );
    for (method, path) in [
        ("DELETE", "/models/a"),
        ("GET", "/models/a"),
        ("POST", "/models/a/invoke"),
    ] {
        let reply = client.ask(method, path, &[("Content-Type", "text/csv")], "0,0");
        let expected =
            json!({"code": 404, "type": "ModelNotFoundException", "message": "Model not found: a"});
        assert_eq!(value(&reply, 404), expected, "{method} {path}");
    }
    value(&load(&mut client, "a", &a), 200);
}

#[test]
fn answers_have_the_layout_of_the_built_in_containers_other_server() {
    let server = setup()
        .set("SAGEMAKER_INFERENCE_OUTPUT", "predicted_score")
        .start();
    let mut client = server.connect();
    for name in ["a", "b"] {
        let url = url(&server, &format!("models/{name}/model"));
        load(&mut client, name, &url).of(200);
    }
    for (name, accept, expected) in [
        ("a", "", "[1.5, 2.5]"),
        ("a", "application/json", "[1.5, 2.5]"),
        ("a", "json", "[1.5, 2.5]"),
        ("a", "text/csv", "1.5,2.5"),
        ("a", "CSV", "1.5,2.5"),
    ] {
        assert_eq!(
            invoke(&mut client, name, accept, "0,0\n1,0").of(200),
            expected,
            "{accept}"
        );
    }
    assert_eq!(invoke(&mut client, "b", "", "0,0").of(200), "[[0.5, 0.5]]");
    let told = invoke(&mut client, "a", "application/jsonlines", "0,0");
    assert_eq!(
        told.of(415),
        "Encoding to accept type application/jsonlines failed with exception: application/jsonlines is not an accepted \
         Accept type. Please choose one of the following: ['text/csv', 'application/json']."
    );
    assert_eq!(invoke(&mut client, "a", "", "").status, 204);
    assert_eq!(invoke(&mut client, "a", "", "1,2,3").status, 400);
    let headers = [
        ("Content-Type", "text/csv"),
        ("X-Amzn-SageMaker-Target-Model", "a"),
    ];
    assert_eq!(
        client.ask("POST", "/invocations", &headers, "1,0").of(200),
        "[2.5]"
    );
    let headers = [
        ("Content-Type", "text/csv"),
        ("X-Amzn-SageMaker-Target-Model", "c"),
    ];
    assert_eq!(
        client.ask("POST", "/invocations", &headers, "1,0").status,
        404
    );
}

#[test]
fn what_cannot_be_loaded_leaves_its_name_free() {
    let server = setup().start();
    let mut client = server.connect();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(
        outside.path().join("xgboost-model"),
        bytes(ObjectiveName::RegSquaredError, &[(1.0, 2.0)]),
    )
    .unwrap();
    for (url, status, expected) in [
        (url(&server, "models/pickle"), 500, "Unable to load model: "),
        (
            url(&server, "models/empty"),
            500,
            "Unable to load model: there is no model in ",
        ),
        (url(&server, "models/none"), 404, "Model not found at: "),
        (
            outside.path().to_str().unwrap().to_owned(),
            404,
            "Model not found at: ",
        ),
        (
            format!("{}/../..", url(&server, "models")),
            404,
            "Model not found at: ",
        ),
    ] {
        let told = value(&load(&mut client, "x", &url), status);
        let message = told["message"].as_str().unwrap();
        assert!(message.starts_with(expected), "{message}");
    }
    let told = load(&mut client, "x", &url(&server, "models/pickle"));
    assert!(
        told.of(500)
            .contains("unpickle it with the XGBoost that wrote it")
    );
    assert!(
        client
            .ask("POST", "/models", &[], "[]")
            .of(400)
            .contains("model_name")
    );
    assert_eq!(client.ask("GET", "/models?limit=x", &[], "").status, 400);
    // As large as no memory is, and none of it on the disk.
    let large = server.root().join("models/a/model/large");
    std::fs::File::create(large)
        .unwrap()
        .set_len(1 << 42)
        .unwrap();
    let told = load(&mut client, "x", &url(&server, "models/a/model"));
    assert!(told.of(507).contains("there is memory for a model of "));
    load(&mut client, "x", &url(&server, "models/b/model")).of(200);
}

/// A model whose side file is a pipe, so that loading it waits until somebody writes there.
fn waiting_setup() -> (Setup, &'static str) {
    let bytes = bytes(ObjectiveName::RegSquaredError, &[(1.5, 2.5)]);
    (
        setup().file("models/slow/xgboost-model", bytes),
        "models/slow/linden/training.json",
    )
}

/// Starts a server, and in it a model that is loaded as long as the pipe is not written to.
fn half_loaded(setup: Setup, pipe: &str) -> (Server, Client) {
    let mut server = setup.start();
    let path = server.path(pipe);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
    let url = url(&server, "models/slow");
    let order = json!({"model_name": "slow", "url": url}).to_string();
    let mut loader = server.connect();
    loader.head("POST", "/models", &[], order.len());
    loader.send(order);
    server.wait_for("Loading the model from");
    (server, loader)
}

#[test]
fn a_model_that_is_being_loaded_is_unloaded_when_it_is_loaded() {
    let (setup, pipe) = waiting_setup();
    let (server, mut loader) = half_loaded(setup, pipe);
    let mut client = server.connect();
    for (method, path) in [("GET", "/models/slow"), ("POST", "/models/slow/invoke")] {
        assert_eq!(client.ask(method, path, &[], "0,0").status, 404, "{path}");
    }
    let mut unloader = server.connect();
    unloader.head("DELETE", "/models/slow", &[], 0);
    // Whoever asks later is answered meanwhile.
    assert_eq!(client.ask("GET", "/ping", &[], "").status, 200);
    unloader.stream.set_nonblocking(true).unwrap();
    let not_yet = unloader.stream.peek(&mut [0]).map_err(|err| err.kind());
    assert_eq!(not_yet, Err(ErrorKind::WouldBlock), "it is not even loaded");
    unloader.stream.set_nonblocking(false).unwrap();
    std::fs::write(server.path(pipe), "{}").unwrap();
    assert_eq!(
        value(&loader.reply(), 200),
        json!({"status": "Workers scaled"})
    );
    assert_eq!(
        value(&unloader.reply(), 200),
        json!({"status": "Model \"slow\" unregistered"})
    );
    let list = client.ask("GET", "/models", &[], "");
    assert_eq!(value(&list, 200), json!({"models": []}));
}

#[test]
fn who_waits_too_long_for_a_model_to_be_loaded_is_told_to_come_back() {
    let (setup, pipe) = waiting_setup();
    let (server, mut loader) = half_loaded(setup.set("SAGEMAKER_MODEL_SERVER_TIMEOUT", "1"), pipe);
    let mut client = server.connect();
    let told = client.ask("DELETE", "/models/slow", &[], "");
    assert_eq!(told.header("Retry-After"), Some("1"));
    assert_eq!(
        value(&told, 503)["message"],
        "Model slow is still being loaded; ask again later"
    );
    std::fs::write(server.path(pipe), "{").unwrap();
    let failed = value(&loader.reply(), 500);
    let message = failed["message"].as_str().unwrap();
    assert!(
        message.contains("`linden/training.json` beside the model is damaged"),
        "{message}"
    );
    assert_eq!(client.ask("DELETE", "/models/slow", &[], "").status, 404);
}
