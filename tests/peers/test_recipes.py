"""The CI recipes of configs/ci, each run step by step as its CI runs it, on `linden local` with the real trainer.

Shell steps are really executed by `bash -euo pipefail` with the variables that the CI gives them; `linden local` is spoken to
as AWS is, by its endpoint. Roles are taken for real too, of moto's STS: by GitLab's token and by CodeBuild's container
credentials. What is no shell (GitHub's actions) is held against the inputs that the action has and must be pinned to a
commit. GitHub's and GitLab's files fit their published JSON Schemas, as check-jsonschema carries them; CodeBuild has none
there, so its keys are held against AWS's reference of the buildspec. None of them has run on the CI itself yet.
"""

import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from job_file import job_file

PATIENCE_SECS = 300
BUCKET = "linden-123456789012-eu-west-1"
APPROVED = f"s3://{BUCKET}/approved/small/"
ROLE = "arn:aws:iam::123456789012:role/linden-submitter"
GITHUB, GITLAB, CODEBUILD = "github/retrain.yml", "gitlab/retrain.gitlab-ci.yml", "codebuild/buildspec.yml"
# Inputs of the pinned versions, as their action.yml has them.
INPUTS = {
    "actions/checkout": {"persist-credentials", "ref", "fetch-depth"},
    "aws-actions/configure-aws-credentials": {"role-to-assume", "aws-region", "role-duration-seconds", "role-session-name"},
}


class Ci:
    """A CI with a checkout, its variables, and the services that its steps speak to."""

    def __init__(self, folder: pathlib.Path, linden: pathlib.Path, endpoint: str, sts: str) -> None:
        self.folder, self.endpoint, self.sts = folder, endpoint, sts
        self.checkout, self.home = folder / "checkout", folder / "home"
        for it in (self.checkout, self.home):
            it.mkdir()
        for name, rows in (("train", range(200)), ("validation", range(200, 260))):
            text = "".join(f"{2 * (i % 17) + i % 5},{i % 17},{i % 5}\n" for i in rows)
            (self.checkout / f"{name}.csv").write_text(text)
        self.job(rounds=30)
        prices = {"as_of": "2026-11-27", "source": "a test", "currency": "USD", "training": {"eu-west-1": {"ml.m5.large": 0.12}}}
        (self.checkout / "prices.json").write_text(json.dumps(prices))
        # What a person sets in the CI, as configs/ci/README.md lists it.
        self.settings = {
            "JOB_FILE": "job.toml",
            "MAX_COST": "0.05",
            "GATE": "validation:rmse<=5",
            "METRIC": "validation:rmse",
            "APPROVED": APPROVED,
            "SUBMITTER_ROLE_ARN": ROLE,
            "AWS_REGION": "eu-west-1",
            "LINDEN_PRICES": "prices.json",
            "LINDEN_URL": linden.as_uri(),
            "LINDEN_SHA256": hashlib.sha256(linden.read_bytes()).hexdigest(),
        }
        self.s3 = boto3.client("s3", endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def job(self, rounds: int) -> None:
        """Writes the job file."""
        (self.checkout / "job.toml").write_text(job_file("small", BUCKET, validation="validation.csv", objective="reg:squarederror", num_round=rounds, eval_metric="rmse"))

    def approval(self) -> dict | None:
        """What is approved."""
        try:
            body = self.s3.get_object(Bucket=BUCKET, Key="approved/small/approved.json")["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return None
        return json.loads(body)

    def shell(self, script: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess:
        """Runs a step; nothing of this process's own settings gets in."""
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "CI": "true",
            "TMPDIR": str(self.folder),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_STS": self.sts,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c", script],
            cwd=self.checkout, env=environment | variables, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE_SECS,
        )  # fmt: skip


class Ended:
    """How a pipeline ended: the exit code of the step that ended it, and what all steps said."""

    def __init__(self) -> None:
        self.code, self.step, self.text, self.summary = 0, "", "", ""

    def take(self, step: str, done: subprocess.CompletedProcess) -> bool:
        """Notes a step; false if it failed."""
        self.code, self.step = done.returncode, step
        self.text += done.stdout + done.stderr
        return done.returncode == 0


def recipe(repository: pathlib.Path, name: str) -> dict:
    """A recipe as YAML."""
    return yaml.safe_load((repository / "configs" / "ci" / name).read_text())


def expanded(text: object, contexts: Mapping[str, str]) -> str:
    """GitHub's expressions, which are only names in these files."""
    return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda it: contexts[it[1]], str(text))


def run_github(ci: Ci, file: dict) -> Ended:
    """The steps of the one job, with the files by which they speak to GitHub."""
    (job,) = file["jobs"].values()
    assert job["environment"] == "training" and job["permissions"]["id-token"] == "write"
    contexts = {f"vars.{name}": it for name, it in ci.settings.items()}
    variables = {"GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(ci.folder / "temp")}
    for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"):
        variables[name] = str(ci.folder / name)
        (ci.folder / name).write_text("")
    variables |= {name: expanded(it, contexts) for name, it in job["env"].items()}
    ended = Ended()
    for step in job["steps"]:
        if "uses" in step:
            given = {name: expanded(it, contexts) for name, it in step.get("with", {}).items()}
            if "configure-aws-credentials" in step["uses"]:
                assert given["role-to-assume"] == ROLE
                variables |= {"AWS_REGION": given["aws-region"], "AWS_ACCESS_KEY_ID": "ASIAGITHUB", "AWS_SECRET_ACCESS_KEY": "any", "AWS_SESSION_TOKEN": "any"}
            continue
        own = {name: expanded(it, contexts) for name, it in step.get("env", {}).items()}
        if not ended.take(step["name"], ci.shell(expanded(step["run"], contexts), variables | own)):
            break
        added = (ci.folder / "GITHUB_PATH").read_text().split()
        variables["PATH"] = ":".join([*reversed(added), "/usr/local/bin:/usr/bin:/bin"])
        for line in (ci.folder / "GITHUB_OUTPUT").read_text().splitlines():
            name, _, value = line.partition("=")
            contexts[f"steps.{step.get('id')}.outputs.{name}"] = value
        (ci.folder / "GITHUB_OUTPUT").write_text("")
    ended.summary = (ci.folder / "GITHUB_STEP_SUMMARY").read_text()
    return ended


def run_gitlab(ci: Ci, file: dict) -> Ended:
    """The jobs stage by stage, each a shell of its own; a job's dotenv report is variables of those that need it."""
    ended = Ended()
    known = ci.settings | {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(ci.checkout), "CI_PIPELINE_ID": "7"}
    reports: dict[str, dict[str, str]] = {}
    jobs = {name: it for name, it in file.items() if isinstance(it, dict) and "script" in it}
    for name, job in sorted(jobs.items(), key=lambda it: file["stages"].index(it[1]["stage"])):
        job = file.get(job.get("extends"), {}) | job
        variables = dict(known)
        for key, text in job.get("variables", {}).items():
            variables[key] = re.sub(r"\$(\w+)", lambda it: known[it[1]], text)
        if "id_tokens" in job:
            assert job["id_tokens"] == {"AWS_TOKEN": {"aud": "sts.amazonaws.com"}}
            variables["AWS_TOKEN"] = "a.token.of-gitlab"
        for needed in job.get("needs", []):
            variables |= reports.get(needed, {})
        done = ci.shell("\n".join([*file["default"]["before_script"], *job["script"]]), variables)
        report = job.get("artifacts", {}).get("reports", {}).get("dotenv")
        if report and (ci.checkout / report).is_file():
            reports[name] = dict(line.split("=", 1) for line in (ci.checkout / report).read_text().splitlines())
        shutil.rmtree(ci.checkout / ".linden")
        if not ended.take(name, done):
            break
    return ended


class Container(http.server.BaseHTTPRequestHandler):
    """The credentials that a container of CodeBuild has."""

    def do_GET(self) -> None:
        body = {"AccessKeyId": "ASIACODEBUILD", "SecretAccessKey": "any", "Token": "any", "Expiration": "2099-01-01T00:00:00Z"}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def container() -> Iterator[str]:
    """Serves a container's credentials, and gives their address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Container)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/credentials"
    finally:
        server.shutdown()
        server.server_close()


def run_codebuild(ci: Ci, file: dict) -> Ended:
    """The phases in their order, in one shell as CodeBuild has it; a command that fails ends its phase, and ABORT the build."""
    ended = Ended()
    assert all(it["on-failure"] == "ABORT" for it in file["phases"].values())
    assert list(file["phases"]) == ["install", "pre_build", "build"]
    commands = [it for phase in file["phases"].values() for it in phase["commands"]]
    with container() as address:
        variables = ci.settings | {"AWS_CONTAINER_CREDENTIALS_FULL_URI": address}
        ended.take("build", ci.shell("\n".join(commands), variables))
    return ended


RUN = {GITHUB: run_github, GITLAB: run_gitlab, CODEBUILD: run_codebuild}


@pytest.fixture(scope="module")
def sts() -> Iterator[str]:
    """moto's STS on a port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def ci(linden: pathlib.Path, sts: str, tmp_path: pathlib.Path) -> Iterator[Ci]:
    """A CI beside a `linden local` of its own."""
    command = [linden, "local", "up", "--port", "0", "--state", str(tmp_path / "state"), "--json"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LINDEN_HOME": str(tmp_path / "linden")}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = ""
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", said)):
            line = process.stdout.readline()
            assert line, said
            said += line
        yield Ci(tmp_path, linden, found[0], sts)
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(params=list(RUN))
def pipeline(request: pytest.FixtureRequest, ci: Ci, repository: pathlib.Path) -> Iterator[object]:
    """A recipe that can be run."""
    file = recipe(repository, request.param)
    yield lambda: RUN[request.param](ci, file)


def test_a_good_model_is_approved_and_again_changes_nothing(ci: Ci, pipeline: object) -> None:
    ended = pipeline()
    assert ended.code == 0, ended.text
    approval = ci.approval()
    assert re.fullmatch(r"small-[0-9a-f]{8}-1", approval["job"])
    (rmse,) = [it["value"] for it in approval["metrics"] if it["data"] == "validation"]
    assert rmse < 5
    key = approval["model"].removeprefix(f"s3://{BUCKET}/")
    archive = ci.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert hashlib.sha256(archive).hexdigest() == approval["archive_sha256"]
    again = pipeline()
    assert again.code == 0, again.text
    assert "was the approved one already" in again.text
    assert ci.approval() == approval, "nothing was trained or approved anew"


def test_a_gate_that_fails_ends_the_pipeline_before_anything_is_approved(ci: Ci, pipeline: object) -> None:
    ci.settings["GATE"] = "validation:rmse<=0.000001"
    ended = pipeline()
    assert ended.code == 9, ended.text
    assert "must be <= 0.000001" in ended.text or "validation:rmse" in ended.text
    assert ci.approval() is None
    assert "is approved" not in ended.text


def test_a_worse_model_is_not_approved_and_a_better_one_is(ci: Ci, pipeline: object) -> None:
    ci.settings["GATE"] = "validation:rmse<=100"
    ci.job(rounds=10)
    assert pipeline().code == 0
    first = ci.approval()
    ci.job(rounds=2)
    ended = pipeline()
    assert ended.code == 9, ended.text
    assert f"of {first['job']}" in ended.text and "not better than" in ended.text
    assert ci.approval() == first
    ci.job(rounds=40)
    ended = pipeline()
    assert ended.code == 0, ended.text
    assert ci.approval()["previous"]["job"] == first["job"]


def test_a_job_that_may_cost_too_much_is_not_run(ci: Ci, pipeline: object) -> None:
    ci.settings["MAX_COST"] = "0.01"
    ended = pipeline()
    assert ended.code == 9, ended.text
    assert "may cost $0.02" in ended.text
    sagemaker = boto3.client("sagemaker", endpoint_url=ci.endpoint, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_a_program_with_another_digest_is_not_run(ci: Ci, pipeline: object) -> None:
    ci.settings["LINDEN_SHA256"] = "0" * 64
    ended = pipeline()
    assert ended.code != 0
    assert "did NOT match" in ended.text or "FAILED" in ended.text


def test_github_is_told_in_its_own_way(ci: Ci, repository: pathlib.Path) -> None:
    ended = run_github(ci, recipe(repository, GITHUB))
    assert "::notice title=small-" in ended.text
    assert "| validation:rmse |" in ended.summary and "is approved, the first one" in ended.summary
    ci.settings["GATE"] = "validation:rmse<=0.000001"
    failed = run_github(ci, recipe(repository, GITHUB))
    assert failed.step == "Wait and gate"
    assert "gate failed::validation:rmse is" in failed.text


def test_actions_are_pinned_to_commits_and_get_inputs_that_they_have(repository: pathlib.Path) -> None:
    (job,) = recipe(repository, GITHUB)["jobs"].values()
    used = [step for step in job["steps"] if "uses" in step]
    assert len(used) == 2
    for step in used:
        name, _, version = step["uses"].partition("@")
        assert re.fullmatch(r"[0-9a-f]{40}", version), f"{name} is not pinned to a commit"
        assert step["with"].keys() <= INPUTS[name]


def test_no_value_of_a_run_becomes_code(repository: pathlib.Path) -> None:
    (job,) = recipe(repository, GITHUB)["jobs"].values()
    assert [step["name"] for step in job["steps"] if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize(("schema", "name"), [("vendor.github-workflows", GITHUB), ("vendor.gitlab-ci", GITLAB)])
def test_the_file_fits_its_published_schema(repository: pathlib.Path, tmp_path: pathlib.Path, schema: str, name: str) -> None:
    program = pathlib.Path(sys.executable).with_name("check-jsonschema")

    def check(path: pathlib.Path) -> subprocess.CompletedProcess:
        command = [program, "--builtin-schema", schema, path]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)

    answer = check(repository / "configs" / "ci" / name)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    damaged = tmp_path / "damaged.yml"
    text = (repository / "configs" / "ci" / name).read_text()
    damaged.write_text(text.replace("timeout-minutes: 70", "timeout-minutes: [70]").replace("timeout: 70 minutes", "timeout: [70]"))
    assert check(damaged).returncode == 1, "the schema looks at nothing"


def test_the_buildspec_has_the_keys_of_its_reference(repository: pathlib.Path) -> None:
    file = recipe(repository, CODEBUILD)
    assert file["version"] == 0.2
    assert file.keys() <= {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"}
    assert file["env"].keys() <= {"shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"}
    assert file["phases"].keys() <= {"install", "pre_build", "build", "post_build"}
    for phase in file["phases"].values():
        assert phase.keys() <= {"run-as", "on-failure", "runtime-versions", "commands", "finally"}
        assert all(isinstance(it, str) for it in phase["commands"])


def test_the_readme_tells_everything_that_a_recipe_asks_for(repository: pathlib.Path, ci: Ci) -> None:
    text = (repository / "configs" / "ci" / "README.md").read_text()
    assert [name for name in ci.settings if f"`{name}`" not in text] == []
    for name in RUN:
        used = set(re.findall(r"vars\.(\w+)", (repository / "configs" / "ci" / name).read_text()))
        assert used <= ci.settings.keys()
