"""The JSON Schema of job files, by a validator that we did not write: what the reader takes is valid, and what breaks a
key's own form is not. Rules across keys are the reader's alone, so the reader is asked about every file here as well.
"""

import copy
import json
import pathlib
import subprocess
import tomllib
from typing import Any

import jsonschema
import pytest

JOB = """
schema = 1
name = "churn"
[image]
uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0"
[role]
arn = "arn:aws:iam::123456789012:role/linden-training"
[compute]
instance_types = ["ml.m5.large"]
max_runtime = "45m"
[[channel]]
name = "train"
s3 = "s3://acme-ml/churn/train/"
format = "csv"
[output]
s3 = "s3://acme-ml/out/{spec_hash}/"
[hyperparameters]
num_round = 50
eta = 0.1
eval_metric = ["rmse", "mae"]
[tags]
owner = "planning"
[overlay.ci.compute]
max_runtime = "1h30m"
"""

# Each changes one key to what its form does not allow.
BAD = {
    "schema": 2,
    "name": "a_b",
    "image.uri": "two words",
    "image.check_hyperparameters": "yes",
    "role.arn": "linden-training",
    "compute.instance_types": [],
    "compute.instances": 0,
    "compute.volume_gb": "30",
    "compute.max_runtime": "soon",
    "compute.colour": "red",
    "spot.enabled": 1,
    "checkpoint.s3": "https://acme-ml/c/",
    "retry.on": ["algorithm"],
    "retry.service_attempts": 31,
    "channel.0.name": "a b",
    "channel.0.input_mode": "tube",
    "channel.0.min_objects": 0,
    "output.compression": "zip",
    "hyperparameters.eta": {"a": 1},
    "network.subnets": ["a b"],
    "overlay.ci.compute.instances": 0,
    "overlay.ci.computer": {},
}


@pytest.fixture(scope="module")
def schema(linden: pathlib.Path, repository: pathlib.Path) -> dict[str, Any]:
    printed = json.loads(subprocess.run([linden, "schema", "job"], capture_output=True, check=True).stdout)
    assert printed == json.loads((repository / "configs/job.schema.json").read_text(encoding="utf-8"))
    return printed


def valid(schema: dict[str, Any], job: dict[str, Any]) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(job)


def taken(linden: pathlib.Path, folder: pathlib.Path, job: dict[str, Any]) -> bool:
    """Whether the reader takes the job; TOML is written by hand, since nothing else here needs to write it."""
    path = folder / "job.toml"
    path.write_text(toml(job), encoding="utf-8")
    plan = subprocess.run([linden, "plan", path, "--request"], capture_output=True, cwd=folder, check=False)
    assert plan.returncode in (0, 2), plan.stderr
    return plan.returncode == 0


def toml(job: dict[str, Any]) -> str:
    return "".join(f"{key} = {literal(value)}\n" for key, value in job.items())


def literal(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {literal(it)}" for key, it in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(literal(it) for it in value) + "]"
    return json.dumps(value)


def put(job: dict[str, Any], path: str, value: Any) -> None:
    *sections, last = path.split(".")
    at: Any = job
    for section in sections:
        at = at[int(section)] if isinstance(at, list) else at.setdefault(section, {})
    at[last] = value


def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)


def test_what_the_reader_takes_is_valid(linden: pathlib.Path, repository: pathlib.Path, schema: dict[str, Any], tmp_path: pathlib.Path) -> None:
    job = tomllib.loads(JOB)
    assert taken(linden, tmp_path, job) and valid(schema, job)
    files = sorted(repository.glob("configs/**/job.toml"))
    assert files
    for path in files:
        assert valid(schema, tomllib.loads(path.read_text(encoding="utf-8"))), path


@pytest.mark.parametrize("path", BAD)
def test_what_breaks_a_keys_form_is_refused_by_both(path: str, linden: pathlib.Path, schema: dict[str, Any], tmp_path: pathlib.Path) -> None:
    job = copy.deepcopy(tomllib.loads(JOB))
    put(job, path, BAD[path])
    assert not valid(schema, job)
    assert not taken(linden, tmp_path, job)


@pytest.mark.parametrize("path", ["schema", "name", "image.uri", "role.arn", "compute.instance_types", "channel", "output.s3"])
def test_what_a_job_needs_is_required_by_both(path: str, linden: pathlib.Path, schema: dict[str, Any], tmp_path: pathlib.Path) -> None:
    job = copy.deepcopy(tomllib.loads(JOB))
    section, _, key = path.rpartition(".")
    del (job[section] if section else job)[key]
    assert not valid(schema, job)
    assert not taken(linden, tmp_path, job)
