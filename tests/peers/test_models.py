"""XGBoost loads what Linden trained, and predicts the same; Linden reads it back when XGBoost has saved it again.

Runs against the XGBoost that is installed, in one virtual environment for each pinned version. Linden's own predictions
come from `linden model predict`.
"""

import json
import pathlib
import subprocess
from dataclasses import dataclass

import numpy as np
import pytest
import xgboost as xgb

from ml_root import MlRoot

N_ROWS, N_FEATURES, ROUNDS = 600, 6, 7
FORMATS = ("json", "ubj")

# The model's file name has no ending; XGBoost 3 says that it looks at the first bytes instead.
pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")


def features() -> np.ndarray:
    """Numbers, small integers and missing values."""
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(N_ROWS, N_FEATURES)).astype(np.float32)
    rows[:, 3] = rows[:, 3].round()
    rows[:, 4] = rows[:, 4] * np.float32(1e6)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    # The last column is complete, so that every row has a field that is not empty.
    rows[:, 5] = rng.integers(0, 9, size=N_ROWS)
    return rows


def signal(rows: np.ndarray) -> np.ndarray:
    known = np.nan_to_num(rows)
    noise = np.random.default_rng(8).normal(size=len(rows))
    return known[:, 0] + 0.5 * known[:, 3] * (known[:, 4] > 0) + 0.1 * known[:, 5] + 0.2 * noise


@dataclass(frozen=True)
class Case:
    name: str
    hyperparameters: dict[str, object]

    @property
    def groups(self) -> int:
        """Columns of a margin."""
        return int(self.hyperparameters.get("num_class", np.size(self.hyperparameters.get("quantile_alpha", 0))))

    def labels(self, rows: np.ndarray) -> np.ndarray:
        value = signal(rows)
        objective = self.hyperparameters["objective"]
        if objective in ("reg:squarederror", "reg:pseudohubererror", "reg:absoluteerror", "reg:quantileerror"):
            return value
        if objective in ("reg:gamma", "reg:squaredlogerror", "survival:aft"):
            return np.exp(0.5 * value)
        if objective == "reg:tweedie":
            return np.maximum(value, 0)
        if objective == "survival:cox":
            return np.exp(-value) * np.where(np.arange(len(value)) % 3 == 0, -1, 1)
        if objective == "reg:logistic":
            return 1 / (1 + np.exp(-value))
        if objective == "count:poisson":
            return np.exp(0.5 * value).round()
        if objective.startswith("multi:"):
            return np.digitize(value, [0.0, 1.0]).astype(float)
        return (value > 0.5).astype(float)


CASES = [
    Case("squarederror", {"objective": "reg:squarederror"}),
    Case("reg_logistic", {"objective": "reg:logistic"}),
    Case("binary_logistic", {"objective": "binary:logistic"}),
    Case("poisson", {"objective": "count:poisson"}),
    Case("softmax", {"objective": "multi:softmax", "num_class": 3}),
    Case("softprob", {"objective": "multi:softprob", "num_class": 3}),
    Case("logitraw", {"objective": "binary:logitraw", "scale_pos_weight": 1.5}),
    Case("hinge", {"objective": "binary:hinge"}),
    Case("squaredlogerror", {"objective": "reg:squaredlogerror"}),
    Case("pseudohubererror", {"objective": "reg:pseudohubererror", "huber_slope": 0.5}),
    Case("absoluteerror", {"objective": "reg:absoluteerror"}),
    Case("absolute_forest", {"objective": "reg:absoluteerror", "num_parallel_tree": 3, "subsample": 0.7}),
    Case("quantile", {"objective": "reg:quantileerror", "quantile_alpha": 0.8}),
    Case("quantiles", {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}),
    Case("gamma", {"objective": "reg:gamma"}),
    Case("tweedie", {"objective": "reg:tweedie", "tweedie_variance_power": 1.3}),
    Case("cox", {"objective": "survival:cox"}),
    Case("aft", {"objective": "survival:aft", "aft_loss_distribution": "logistic", "aft_loss_distribution_scale": 0.7}),
    Case("base_score", {"objective": "binary:logistic", "base_score": 0.2, "scale_pos_weight": 2.5}),
    Case("regularised", {"objective": "count:poisson", "max_delta_step": 0.3, "alpha": 0.5, "gamma": 0.2}),
    Case("sampled", {"objective": "reg:squarederror", "subsample": 0.6, "colsample_bytree": 0.5, "seed": 3}),
    Case("deep", {"objective": "reg:squarederror", "max_depth": 12, "min_child_weight": 0}),
    Case("forest", {"objective": "binary:logistic", "algorithm": "random_forest", "num_parallel_tree": 9}),
    Case("class_forest", {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 4, "subsample": 0.7}),
    Case("tree", {"objective": "binary:logistic", "algorithm": "decision_tree"}),
    Case("class_tree", {"objective": "multi:softmax", "num_class": 3, "algorithm": "decision_tree"}),
    Case("number_tree", {"objective": "reg:squarederror", "algorithm": "decision_tree"}),
]

# XGBoost learned of quantiles in 2.0.
HAS_QUANTILES = tuple(int(it) for it in xgb.__version__.split(".")[:2]) >= (2, 0)
CASES = [it for it in CASES if HAS_QUANTILES or "quantile_alpha" not in it.hyperparameters]


def csv(rows: np.ndarray) -> str:
    def field(value: np.floating) -> str:
        return "" if np.isnan(value) else repr(float(value))

    return "".join(",".join(field(value) for value in row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return features()


@pytest.fixture(scope="module")
def rows_file(rows: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    path.write_text(csv(rows), encoding="utf-8")
    return path


def train(trainer: pathlib.Path, root: pathlib.Path, case: Case, model_format: str, rows: np.ndarray) -> pathlib.Path:
    """The model file that a job leaves behind."""
    tree = MlRoot(root)
    one_round = "algorithm" in case.hyperparameters
    rounds = {} if one_round else {"num_round": ROUNDS}
    names = ",".join(f"name {idx}" for idx in range(N_FEATURES))
    own = {"max_depth": 4, "model_format": model_format, "feature_names": names}
    tree.hyperparameters(own | rounds | case.hyperparameters)
    # An exact decision tree needs every value.
    known = np.nan_to_num(rows) if case.name in ("tree", "class_tree") else rows
    tree.channel("train", csv(np.column_stack([case.labels(rows), known])))
    done = tree.train(trainer)
    assert done.code == 0, done.failure or done.stderr
    return done.model


@pytest.fixture(scope="module", params=[(case, it) for case in CASES for it in FORMATS], ids=lambda it: f"{it[0].name}-{it[1]}")
def trained(
    request: pytest.FixtureRequest,
    trainer: pathlib.Path,
    rows: np.ndarray,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Case, str, pathlib.Path]:
    case, model_format = request.param
    root = tmp_path_factory.mktemp(f"{case.name}-{model_format}")
    return case, model_format, train(trainer, root, case, model_format, rows)


@pytest.fixture()
def booster(trained: tuple[Case, str, pathlib.Path]) -> xgb.Booster:
    """The model under the file name that it has in the artifact, which has no ending to tell the format by."""
    path = trained[2]
    assert path.name == "xgboost-model"
    booster = xgb.Booster()
    booster.load_model(path)
    return booster


def matrix(rows: np.ndarray) -> xgb.DMatrix:
    return xgb.DMatrix(rows, feature_names=[f"name {idx}" for idx in range(N_FEATURES)])


def linden_predictions(linden: pathlib.Path, model: pathlib.Path, rows: pathlib.Path, *flags: str) -> np.ndarray:
    command = [linden, "model", "predict", model, rows, *flags]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    return np.array([[np.float32(field) for field in line.split(",")] for line in lines], dtype=np.float32)


def test_the_file_is_encoded_as_asked(trained: tuple[Case, str, pathlib.Path]) -> None:
    _, model_format, path = trained
    head = path.read_bytes()[:2]
    assert head == {"json": b'{"', "ubj": b"{L"}[model_format]


def test_margins_are_the_same_bit_for_bit(
    trained: tuple[Case, str, pathlib.Path],
    booster: xgb.Booster,
    rows: np.ndarray,
    rows_file: pathlib.Path,
    linden: pathlib.Path,
) -> None:
    ours = linden_predictions(linden, trained[2], rows_file, "--margin")
    theirs = booster.predict(matrix(rows), output_margin=True).reshape(N_ROWS, -1)
    assert len(np.unique(theirs)) > 2, "the model says nothing"
    np.testing.assert_array_equal(ours, theirs)


def test_predictions_are_the_same(
    trained: tuple[Case, str, pathlib.Path],
    booster: xgb.Booster,
    rows: np.ndarray,
    rows_file: pathlib.Path,
    linden: pathlib.Path,
) -> None:
    ours = linden_predictions(linden, trained[2], rows_file)
    theirs = booster.predict(matrix(rows)).reshape(N_ROWS, -1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=0)


def test_xgboost_saves_it_and_linden_reads_that(
    booster: xgb.Booster,
    rows: np.ndarray,
    rows_file: pathlib.Path,
    linden: pathlib.Path,
    tmp_path: pathlib.Path,
) -> None:
    theirs = booster.predict(matrix(rows), output_margin=True).reshape(N_ROWS, -1)
    for ending in FORMATS:
        path = tmp_path / f"again.{ending}"
        booster.save_model(path)
        ours = linden_predictions(linden, path, rows_file, "--margin")
        np.testing.assert_array_equal(ours, theirs)


def test_xgboost_knows_its_shape(trained: tuple[Case, str, pathlib.Path], booster: xgb.Booster) -> None:
    case = trained[0]
    rounds = 1 if "algorithm" in case.hyperparameters else ROUNDS
    trees = rounds * int(case.hyperparameters.get("num_parallel_tree", 1)) * case.groups
    assert booster.num_boosted_rounds() == rounds
    assert len(booster.get_dump()) == trees
    assert booster.feature_names == [f"name {idx}" for idx in range(N_FEATURES)]
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    assert objective == case.hyperparameters["objective"]


def test_gain_cover_and_contributions_can_be_told(booster: xgb.Booster, rows: np.ndarray) -> None:
    for kind in ("gain", "cover", "weight"):
        assert all(value > 0 for value in booster.get_score(importance_type=kind).values())
    data = matrix(rows)
    contributions = booster.predict(data, pred_contribs=True)
    margins = booster.predict(data, output_margin=True)
    np.testing.assert_allclose(contributions.sum(axis=-1), margins, rtol=1e-3, atol=1e-3)


def test_training_goes_on_in_xgboost(trained: tuple[Case, str, pathlib.Path], booster: xgb.Booster, rows: np.ndarray) -> None:
    case = trained[0]
    data = matrix(rows)
    data.set_label(case.labels(rows))
    if case.hyperparameters["objective"] == "survival:aft":
        data.set_float_info("label_lower_bound", case.labels(rows))
        data.set_float_info("label_upper_bound", case.labels(rows))
    same = ("objective", "num_class", "num_parallel_tree", "quantile_alpha")
    params = {name: case.hyperparameters[name] for name in same if name in case.hyperparameters}
    before = booster.num_boosted_rounds()
    try:
        longer = xgb.train({**params, "tree_method": "hist", "nthread": 1}, data, num_boost_round=2, xgb_model=booster)
    except xgb.core.XGBoostError as refusal:
        # Not the model's fault: some versions boost no forests of adaptive leaves, their own neither.
        assert case.name == "absolute_forest"
        assert "Boosting random forest is not supported for current objective" in str(refusal)
        return
    assert longer.num_boosted_rounds() == before + 2
    first = longer[:before].predict(data, output_margin=True)
    np.testing.assert_allclose(first, booster.predict(data, output_margin=True), rtol=1e-6, atol=1e-6)
