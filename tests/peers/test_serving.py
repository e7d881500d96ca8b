"""The inference server beside XGBoost and the built-in container: what XGBoost predicts, in the bytes that the container's
own Python would make of it (`str`, `json.dumps`, `numpy.savetxt`), for every objective and every form of request and answer.

XGBoost grows the models. Records are read and written by Google's protobuf.
"""

import io
import json
import math
import pathlib
import pickle
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
import requests
import xgboost as xgb

from ml_root import MlRoot
from server import PATIENCE_SECS, Server, csv_of, dense_records, libsvm_of, serving, sparse_records, unframed, values_of

N_ROWS, N_FEATURES, ROUNDS = 300, 5, 6
NUMBER = re.compile(r"-?(?:\d+\.?\d*(?:e[+-]?\d+)?|inf|Infinity)|nan|NaN")
ALL_KEYS = ["predicted_label", "labels", "probability", "probabilities", "raw_score", "raw_scores", "predicted_score"]
CLASS_KEYS, SCORE_KEYS = ALL_KEYS[:6], ALL_KEYS[6:]
WITHOUT_PROBABILITY = [it for it in CLASS_KEYS if not it.startswith("prob")]

pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")


def features() -> np.ndarray:
    """Numbers with gaps; the last column is complete."""
    rng = np.random.default_rng(31)
    rows = rng.normal(size=(N_ROWS, N_FEATURES)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.15] = np.nan
    rows[:, -1] = rng.integers(0, 4, size=N_ROWS)
    return rows


ROWS = features()
SIGNAL = np.nan_to_num(ROWS[:, 0]) + 0.4 * np.nan_to_num(ROWS[:, 1]) * ROWS[:, 4]


@dataclass(frozen=True)
class Case:
    """A model of XGBoost, and what can be selected of its answers."""

    objective: str
    labels: np.ndarray
    keys: tuple[str, ...] | None = None
    more: Mapping[str, object] | None = None

    @property
    def name(self) -> str:
        return self.objective.replace(":", "_") + ("_" + str(self.more["booster"]) if self.more and "booster" in self.more else "")

    def grown(self, seed: int = 0) -> xgb.Booster:
        data = xgb.DMatrix(ROWS, self.labels)
        if self.objective.startswith("rank:"):
            data.set_group([10] * (N_ROWS // 10))
        params = {"objective": self.objective, "max_depth": 3, "nthread": 1, "seed": seed, "subsample": 0.8, **(self.more or {})}
        return xgb.train(params, data, num_boost_round=ROUNDS)


CLASSES = np.digitize(SIGNAL, [-0.5, 0.5]).astype(float)
CASES = [
    Case("reg:squarederror", SIGNAL, tuple(SCORE_KEYS)),
    Case("reg:logistic", 1 / (1 + np.exp(-SIGNAL)), tuple(SCORE_KEYS)),
    Case("reg:gamma", np.exp(0.3 * SIGNAL), tuple(SCORE_KEYS)),
    Case("reg:absoluteerror", SIGNAL, tuple(SCORE_KEYS)),
    Case("reg:tweedie", np.maximum(SIGNAL, 0), tuple(SCORE_KEYS)),
    Case("reg:squaredlogerror", np.exp(0.3 * SIGNAL)),
    Case("reg:pseudohubererror", SIGNAL),
    Case("count:poisson", np.exp(0.3 * SIGNAL).round()),
    Case("binary:logistic", (SIGNAL > 0).astype(float), tuple(CLASS_KEYS)),
    Case("binary:logitraw", (SIGNAL > 0).astype(float), tuple(WITHOUT_PROBABILITY)),
    Case("binary:hinge", (SIGNAL > 0).astype(float), tuple(WITHOUT_PROBABILITY)),
    Case("multi:softmax", CLASSES, tuple(WITHOUT_PROBABILITY), {"num_class": 3}),
    Case("multi:softprob", CLASSES, tuple(CLASS_KEYS), {"num_class": 3}),
    Case("survival:cox", np.exp(-0.3 * SIGNAL)),
    Case("rank:ndcg", (SIGNAL > 0).astype(float)),
    Case("reg:squarederror", SIGNAL, tuple(SCORE_KEYS), {"booster": "dart", "rate_drop": 0.3}),
    Case("reg:squarederror", SIGNAL, tuple(SCORE_KEYS), {"booster": "gblinear", "subsample": 1.0}),
]
SELECTABLE = [it for it in CASES if it.keys is not None]


def tree(root: pathlib.Path, *boosters: xgb.Booster, form: str = "ubj") -> pathlib.Path:
    """A model folder as SageMaker unpacks it."""
    (root / "model").mkdir(parents=True)
    for number, booster in enumerate(boosters):
        name = "xgboost-model" + (f"-{number}" if len(boosters) > 1 else "")
        (root / "model" / name).write_bytes(booster.save_raw(form))
    return root


def same_layout(found: bytes, expected: bytes) -> None:
    """All but the last bits of numbers is the same, byte for byte."""
    found, expected = found.decode(), expected.decode()
    assert NUMBER.sub("#", found) == NUMBER.sub("#", expected), (found[:200], expected[:200])
    ours, theirs = (np.array([float(it) for it in NUMBER.findall(text)]) for text in (found, expected))
    np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-7)


def exact(case: Case) -> bool:
    """Whether predictions are sums or choices, with nothing rounded on the way."""
    return not (case.more and "booster" in case.more) and case.objective in ("reg:squarederror", "reg:absoluteerror", "binary:logitraw", "binary:hinge", "multi:softmax", "rank:ndcg")


def savetxt(predictions: np.ndarray) -> bytes:
    """What the container's encoder makes of predictions."""
    out = io.BytesIO()
    np.savetxt(out, np.array(predictions.tolist()), delimiter=",", fmt="%s")
    return out.getvalue()


LAYOUTS: dict[str, Callable[[np.ndarray], bytes]] = {
    "text/csv": savetxt,
    "application/json": lambda it: json.dumps({"predictions": [{"score": value} for value in it.tolist()]}).encode(),
    "application/jsonlines": lambda it: "".join(json.dumps({"score": value}) + "\n" for value in it.tolist()).encode(),
}
REQUESTS: dict[str, Callable[[np.ndarray], bytes | str]] = {
    "text/csv": csv_of,
    "text/libsvm": libsvm_of,
    "application/x-recordio-protobuf": dense_records,
    "application/x-recordio-protobuf; charset=utf-8": sparse_records,
    "application/json": lambda rows: json.dumps(
        {"instances": [{"features": [None if math.isnan(it) else it for it in row]} for row in rows.tolist()]}
    ),
    "application/jsonlines": lambda rows: "\n".join(
        json.dumps({"features": [None if math.isnan(it) else it for it in row]}) for row in rows.tolist()
    ),
}


@pytest.mark.parametrize("case", CASES, ids=lambda it: it.name)
def test_every_objective_is_answered_in_the_containers_bytes(case: Case, trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    booster = case.grown()
    expected = booster.predict(xgb.DMatrix(ROWS))
    with serving(trainer, tree(tmp_path, booster)) as server:
        for accept, layout in LAYOUTS.items():
            found = server.answer(csv_of(ROWS), accept=accept)
            same_layout(found, layout(expected))
            assert found == layout(expected) or not exact(case), accept
        records = values_of(unframed(server.answer(csv_of(ROWS), accept="application/x-recordio-protobuf")))
    np.testing.assert_allclose([it["score"] for it in records], expected.reshape(N_ROWS, -1), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("form", ["json", "ubj"])
def test_every_request_type_gives_the_same_predictions(form: str, trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = CASES[0]
    booster = case.grown()
    expected = savetxt(booster.predict(xgb.DMatrix(ROWS)))
    with serving(trainer, tree(tmp_path, booster, form=form)) as server:
        for content_type, body in REQUESTS.items():
            assert server.answer(body(ROWS), content_type) == expected, content_type
        doubles = dense_records(ROWS, "float64_tensor")
        assert server.answer(doubles, "application/x-recordio-protobuf") == expected
        whole = np.nan_to_num(ROWS).round()
        integers = dense_records(whole.astype(np.int32), "int32_tensor")
        assert server.answer(integers, "application/x-recordio-protobuf") == savetxt(booster.predict(xgb.DMatrix(whole)))


def selected(case: Case, prediction: np.ndarray) -> dict[str, object]:
    """What the container answers for a row, by SageMaker's documentation and the container's own functions."""
    name, row = case.objective, np.atleast_1d(prediction).astype(float)
    first = float(row[0])
    listed = name == "multi:softprob"
    label = {
        "binary:logistic": lambda: int(first > 0.5),
        "binary:logitraw": lambda: int(first > 0),
        "multi:softprob": lambda: int(np.argmax(row)),
    }.get(name, lambda: first)
    scores = row.tolist() if listed else [1.0 - first, first]
    best = max(row.tolist()) if listed else first
    values = {
        "predicted_label": label,
        "labels": lambda: list(range(3)) if name.startswith("multi:") else [0, 1],
        "probability": lambda: best,
        "probabilities": lambda: scores,
        "raw_score": lambda: best,
        "raw_scores": lambda: scores,
        "predicted_score": lambda: first,
    }
    return {key: values[key]() if key in case.keys else math.nan for key in [*case.keys, *(it for it in ALL_KEYS if it not in case.keys)]}


@pytest.mark.parametrize("case", SELECTABLE, ids=lambda it: it.name)
def test_selected_answers_are_the_containers(case: Case, trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    booster = case.grown()
    rows = ROWS[:40]
    answers = [selected(case, it) for it in booster.predict(xgb.DMatrix(rows))]
    asked = list(reversed(ALL_KEYS))
    csv = "\n".join(",".join(f'"{it[key]}"' if isinstance(it[key], list) else str(it[key]) for key in asked) for it in answers)
    with serving(trainer, tree(tmp_path, booster), SAGEMAKER_INFERENCE_OUTPUT=", ".join(asked)) as server:
        same_layout(server.answer(csv_of(rows)), csv.encode())
        lines = server.answer(csv_of(rows), accept="application/jsonlines").decode()
        document = server.answer(csv_of(rows), accept="application/json")
        records = values_of(unframed(server.answer(csv_of(rows), accept="application/x-recordio-protobuf")))
        assert any("incompatible for objective" in it for it in server.log)
    same_layout(document, json.dumps({"predictions": answers_in_order(case, answers)}).encode())
    same_layout(lines.encode(), "".join(json.dumps(it) + "\n" for it in answers_in_order(case, answers)).encode())
    for found, expected in zip(records, answers, strict=True):
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], np.atleast_1d(value), rtol=2e-6, atol=1e-7)


def answers_in_order(case: Case, answers: list[dict[str, object]]) -> list[dict[str, object]]:
    """Documents have the container's order for the keys that there are; those that there are not come as they were asked for."""
    order = [*(it for it in ALL_KEYS if it in case.keys), *(it for it in reversed(ALL_KEYS) if it not in case.keys)]
    return [{key: answer[key] for key in order} for answer in answers]


def test_objectives_without_selection_say_so(trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = next(it for it in CASES if it.objective == "count:poisson")
    with serving(trainer, tree(tmp_path, case.grown()), SAGEMAKER_INFERENCE_OUTPUT="predicted_score") as server:
        reply = server.ask(csv_of(ROWS[:2]))
    assert (reply.status_code, reply.text) == (500, "Objective `count:poisson` unsupported for selectable inference predictions.")


@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
@pytest.mark.parametrize("name", ["reg:squarederror", "multi:softprob"])
def test_a_transform_jobs_output_can_be_joined_to_its_input(
    strategy: str, name: str, trainer: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    case = next(it for it in CASES if it.objective == name)
    booster = case.grown()
    lines = csv_of(ROWS).split("\n")
    # SplitType Line: MultiRecord fills requests up to the payload, SingleRecord sends each line by itself.
    requests_of = [lines[:128], lines[128:256], lines[256:]] if strategy == "MultiRecord" else [[it] for it in lines]
    with serving(trainer, tree(tmp_path, booster), SAGEMAKER_BATCH="true", SAGEMAKER_BATCH_STRATEGY=strategy) as server:
        parameters = requests.get(server.url("/execution-parameters"), timeout=PATIENCE_SECS).json()
        answers = [server.answer("\n".join(it), accept="text/csv").decode() for it in requests_of]
    assert parameters["BatchStrategy"] == "MULTI_RECORD" and parameters["MaxPayloadInMB"] == 6
    # AssembleWith Line: each answer's own line end is the one between two answers.
    output = "".join(answers)
    expected = booster.predict(xgb.DMatrix(ROWS)).tolist()
    same_layout(output.encode(), ("\n".join(map(str, expected)) + "\n").encode())
    assert len(output.splitlines()) == len(lines)


def test_models_of_folds_give_their_mean_or_vote(trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for number, name in enumerate(("binary:logistic", "multi:softprob", "multi:softmax", "binary:hinge")):
        case = next(it for it in CASES if it.objective == name)
        boosters = [case.grown(seed) for seed in range(3)]
        all_of_them = np.array([it.predict(xgb.DMatrix(ROWS)) for it in boosters])
        if name in ("multi:softmax", "binary:hinge"):
            counts = np.array([(all_of_them == value).sum(axis=0) for value in range(3)])
            expected = counts.argmax(axis=0).astype(np.float32)
        else:
            expected = np.mean(all_of_them, axis=0)
        with serving(trainer, tree(tmp_path / str(number), *boosters)) as server:
            same_layout(server.answer(csv_of(ROWS)), savetxt(expected))


def test_many_clients_at_once_get_their_own_rows(trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    booster = CASES[0].grown()
    expected = booster.predict(xgb.DMatrix(ROWS))
    rng = np.random.default_rng(5)
    chosen = [rng.integers(0, N_ROWS, size=rng.integers(1, 60)) for _ in range(160)]

    def one(rows: np.ndarray) -> bytes:
        return server.answer(csv_of(ROWS[rows]))

    with serving(trainer, tree(tmp_path, booster)) as server, ThreadPoolExecutor(16) as pool:
        for rows, found in zip(chosen, pool.map(one, chosen), strict=True):
            assert found == savetxt(expected[rows])


def test_linden_serves_what_it_trained_and_ends_when_it_is_told_to(trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    root = MlRoot(tmp_path)
    root.hyperparameters({"objective": "multi:softprob", "num_class": 3, "num_round": 5})
    table = np.column_stack([CLASSES, ROWS])
    root.channel("train", csv_of(table))
    done = root.train(trainer)
    assert done.code == 0, done.stderr
    booster = xgb.Booster(model_file=done.model)
    with serving(trainer, tmp_path) as server:
        same_layout(server.answer(csv_of(ROWS)), savetxt(booster.predict(xgb.DMatrix(ROWS))))
        assert server.stop() == 0


def test_a_pickled_model_is_refused_with_the_way_out(trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "xgboost-model").write_bytes(pickle.dumps(CASES[0].grown()))
    with pytest.raises(AssertionError, match="Python pickle"), serving(trainer, tmp_path) as server:
        server.ask("1")


def test_a_multi_model_endpoint_serves_models_of_many_kinds(trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    models = {case.name: case.grown() for case in CASES[8:14]}
    for name, booster in models.items():
        tree(tmp_path / "models" / name, booster)
    with serving(trainer, tmp_path, SAGEMAKER_MULTI_MODEL="true") as server:
        for name in models:
            order = {"model_name": name, "url": str(tmp_path / "models" / name / "model")}
            loaded = requests.post(server.url("/models"), json=order, timeout=PATIENCE_SECS)
            assert (loaded.status_code, loaded.json()) == (200, {"status": "Workers scaled"})
        listed = requests.get(server.url("/models"), timeout=PATIENCE_SECS).json()["models"]
        assert [it["modelName"] for it in listed] == sorted(models)
        for name, booster in models.items():
            reply = invoke(server, name, csv_of(ROWS))
            same_layout(reply.content, json.dumps(booster.predict(xgb.DMatrix(ROWS)).tolist()).encode())


def invoke(server: Server, name: str, body: str) -> requests.Response:
    """An invocation of one model of several."""
    headers = {"Content-Type": "text/csv", "Accept": "application/json"}
    url = server.url(f"/models/{name}/invoke")
    return requests.post(url, data=body.encode(), headers=headers, timeout=PATIENCE_SECS)
