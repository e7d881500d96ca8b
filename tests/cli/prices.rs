//! Prices: fetched from a price list, shown with their date, warned of when they are old; and past runs by the ledger.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::account::Account;
use crate::program::{linden, transcript};
use crate::service::{Script, Service};
use crate::submitting::JOB;

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("job.toml"), JOB).unwrap();
    home
}

fn product(instance_type: &str, usd: &str) -> Value {
    let price = json!({ "unit": "Hrs", "pricePerUnit": { "USD": usd } });
    json!({
        "product": { "attributes": { "instanceName": instance_type } },
        "terms": { "OnDemand": { "t": { "priceDimensions": { "d": price } } } },
    })
}

fn service(products: Vec<Value>) -> Service {
    Service::start(Script {
        n_objects: 1,
        account: Some(Account {
            products,
            ..Account::fitting()
        }),
        ..Script::default()
    })
}

fn plan(home: &Path, more: &[&str]) -> Value {
    let args = [&["plan", "job.toml", "--json"], more].concat();
    let output = linden(home).args(args).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_refresh_reads_every_page_and_plan_takes_its_prices_from_there() {
    let home = home();
    assert_eq!(plan(home.path(), &[])["cost"]["ceiling_usd"], Value::Null);
    let products = vec![
        product("ml.m7i.large", "0.2000000000"),
        product("ml.m5.large-Training", "0.4"),
        json!({ "product": { "attributes": { "instanceName": "notebook" } } }),
    ];
    let service = service(products);
    let text = transcript(&mut service.near(home.path(), &["prices", "refresh"]));
    let text = text.replace(&home.path().display().to_string(), "HOME");
    let text = text.replace(&cli::units::today().to_string(), "TODAY");
    insta::assert_snapshot!(text, @r"
    exit code: 0
    ----- stdout -----
    HOME/prices/eu-west-1.json
    ----- stderr -----
    warning: left out of the price list, in a form that is not known: 1 product
    fetched prices of 2 types in eu-west-1, of TODAY
    ");
    assert_eq!(service.n_calls("getproducts"), 3);
    let planned = plan(home.path(), &[]);
    assert_eq!(planned["cost"]["ceiling_usd"], 0.3);
    let price = &planned["cost"]["types"][0]["price"];
    assert_eq!(price["as_of"], cli::units::today().to_string());
    assert_eq!(
        price["source"],
        "AWS Price List API, GetProducts, AmazonSageMaker, eu-west-1"
    );
    let show = ["prices", "show", "ml.m7", "--region", "eu-west-1", "--json"];
    let output = linden(home.path()).args(show).output().unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["eu-west-1"]["ml.m7i.large"]["usd_per_hour"], 0.2);
    assert_eq!(shown["eu-west-1"]["ml.m5.large"], Value::Null);
}

#[test]
fn a_region_without_prices_and_a_caller_without_permission_write_nothing() {
    let home = home();
    let refresh = ["prices", "refresh", "-o", "prices.json"];
    service(vec![]).near(home.path(), &refresh).assert().code(5);
    let nobody = Service::start(Script::default());
    nobody.near(home.path(), &refresh).assert().code(4);
    assert!(!home.path().join("prices.json").exists());
    linden(home.path())
        .args(["prices", "refresh", "--local"])
        .assert()
        .code(2);
}

#[test]
fn prices_that_are_old_are_warned_of_with_the_command_that_renews_them() {
    let home = home();
    let table = r#"{"as_of": "2020-01-01", "source": "ours", "currency": "USD",
        "training": {"eu-west-1": {"ml.m7i.large": 0.2, "ml.m5.large": 0.4}}}"#;
    fs::write(home.path().join("old.json"), table).unwrap();
    let service = Service::start(Script {
        n_objects: 1,
        ..Script::default()
    });
    let detached = ["run", "job.toml", "--detach", "--max-cost"];
    for (args, code, warns) in [
        (&["plan", "job.toml"][..], 0, true),
        (&[&detached[..], &["100"]].concat(), 0, true),
        (&[&detached[..], &["0.01"]].concat(), 9, true),
        (&["run", "job.toml", "--detach"], 0, false),
    ] {
        let mut command = service.near(home.path(), args);
        let text = transcript(command.env("LINDEN_PRICES", "old.json"));
        assert!(text.starts_with(&format!("exit code: {code}\n")), "{text}");
        let said = text.contains("warning: the prices (old.json) are ");
        let fix = text.contains("`linden prices refresh --region eu-west-1` fetches today's");
        assert_eq!((said, fix), (warns, warns), "{args:?}: {text}");
    }
}

#[test]
fn offline_a_plan_remembers_what_this_machines_runs_were_paid_for() {
    let home = home();
    let table = format!(
        r#"{{"as_of": "{}", "source": "ours", "currency": "USD",
        "training": {{"eu-west-1": {{"ml.m7i.large": 0.2, "ml.m5.large": 0.4}}}}}}"#,
        cli::units::today()
    );
    let settings = home.path().join(".config/linden");
    fs::create_dir_all(&settings).unwrap();
    fs::write(settings.join("prices.json"), table).unwrap();
    let service = Service::start(Script {
        n_objects: 1,
        ends: vec![("Completed", "")],
        ..Script::default()
    });
    assert_eq!(plan(home.path(), &[])["cost"]["past"], Value::Null);
    let run = ["run", "job.toml", "--detach", "--json"];
    let output = service.near(home.path(), &run).output().unwrap();
    let name: Value = serde_json::from_slice(&output.stdout).unwrap();
    let wait = ["wait", name["name"].as_str().unwrap()];
    service.near(home.path(), &wait).assert().code(0);
    let past = &plan(home.path(), &[])["cost"]["past"];
    assert_eq!(
        (&past["runs"], &past["from"]),
        (&json!(1), &json!("ledger"))
    );
    // 120 seconds of $0.2 an hour.
    let expected = past["expected_usd"].as_f64().unwrap();
    assert!((expected - 0.2 / 30.0).abs() < 1e-9, "{past}");
    let other = ["--set", "compute.instance_types=[\"ml.m5.large\"]"];
    assert_eq!(plan(home.path(), &other)["cost"]["past"], Value::Null);
}
