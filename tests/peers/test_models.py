"""XGBoost loads what Linden trained, and predicts the same; Linden reads it back when XGBoost has saved it again.

Runs against the XGBoost that is installed, in one virtual environment for each pinned version. Linden's own predictions
come from `linden model predict`.
"""

import json
import pathlib
from dataclasses import dataclass

import numpy as np
import pytest
import xgboost as xgb

from ml_root import MlRoot
from reference import loaded
from samples import N_FEATURES, N_ROWS, VERSION, csv, label, labels_for, margins, numbers, queries, run

ROUNDS = 7
FORMATS = ("json", "ubj")
NAMES = [f"name {idx}" for idx in range(N_FEATURES)]

# The model's file name has no ending; XGBoost 3 says that it looks at the first bytes instead.
pytestmark = pytest.mark.filterwarnings("ignore:.*Unknown file format")


@dataclass(frozen=True)
class Case:
    name: str
    hyperparameters: dict[str, object]
    # The first version of XGBoost that has such models.
    oldest: tuple[int, int] = (1, 7)

    @property
    def objective(self) -> str:
        return str(self.hyperparameters["objective"])

    @property
    def is_linear(self) -> bool:
        return self.hyperparameters.get("booster") == "gblinear"

    @property
    def types(self) -> list[str] | None:
        """XGBoost's types of the columns, where some are categories."""
        categorical = str(self.hyperparameters.get("categorical_features", "")).split(",")
        return ["c" if name in categorical else "float" for name in NAMES] if categorical != [""] else None

    @property
    def groups(self) -> int:
        """Columns of a margin."""
        return int(self.hyperparameters.get("num_class", np.size(self.hyperparameters.get("quantile_alpha", 0))))

    @property
    def rounds(self) -> int:
        """Forests and single trees are one round."""
        return 1 if "algorithm" in self.hyperparameters else ROUNDS

    def lines(self, rows: np.ndarray) -> str:
        """What the channel holds: label, query if any, features."""
        # An exact decision tree needs every value.
        known = np.nan_to_num(rows) if self.name in ("tree", "class_tree") else rows
        query = [queries(len(rows))] if self.objective.startswith("rank:") else []
        return csv(np.column_stack([labels_for(self.objective, rows), *query, known]))

    def declarations(self) -> dict[str, object]:
        return {"qid_column": 1} if self.objective.startswith("rank:") else {}


ALL_CASES = [
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
    Case("quantile", {"objective": "reg:quantileerror", "quantile_alpha": 0.8}, oldest=(2, 0)),
    Case("quantiles", {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}, oldest=(2, 0)),
    Case("gamma", {"objective": "reg:gamma"}),
    Case("tweedie", {"objective": "reg:tweedie", "tweedie_variance_power": 1.3}),
    Case("cox", {"objective": "survival:cox"}),
    Case("aft", {"objective": "survival:aft", "aft_loss_distribution": "logistic", "aft_loss_distribution_scale": 0.7}),
    Case("ranks", {"objective": "rank:ndcg"}),
    Case("rank_pairs", {"objective": "rank:pairwise", "lambdarank_pair_method": "mean"}),
    Case("rank_map", {"objective": "rank:map"}),
    Case("leafwise", {"objective": "reg:squarederror", "grow_policy": "lossguide", "max_leaves": 12, "max_depth": 0}),
    Case("base_score", {"objective": "binary:logistic", "base_score": 0.2, "scale_pos_weight": 2.5}),
    Case("regularised", {"objective": "count:poisson", "max_delta_step": 0.3, "alpha": 0.5, "gamma": 0.2}),
    Case("sampled", {"objective": "reg:squarederror", "subsample": 0.6, "colsample_bytree": 0.5, "seed": 3}),
    Case("deep", {"objective": "reg:squarederror", "max_depth": 12, "min_child_weight": 0}),
    Case("categories", {"objective": "reg:squarederror", "categorical_features": "name 4", "max_depth": 6}),
    Case("one_hot", {"objective": "binary:logistic", "categorical_features": "name 4", "max_cat_to_onehot": 100}),
    Case("class_categories", {"objective": "multi:softprob", "num_class": 3, "categorical_features": "name 4", "subsample": 0.7}),
    Case("category_tree", {"objective": "reg:squarederror", "algorithm": "decision_tree", "categorical_features": "name 4"}),
    Case("forest", {"objective": "binary:logistic", "algorithm": "random_forest", "num_parallel_tree": 9}),
    Case("class_forest", {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 4, "subsample": 0.7}),
    Case("tree", {"objective": "binary:logistic", "algorithm": "decision_tree"}),
    Case("class_tree", {"objective": "multi:softmax", "num_class": 3, "algorithm": "decision_tree"}),
    Case("dart", {"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.4, "one_drop": 1}),
    Case("dart_classes", {"objective": "multi:softprob", "num_class": 3, "booster": "dart", "rate_drop": 0.3, "sample_type": "weighted"}),
    Case("linear", {"objective": "binary:logistic", "booster": "gblinear", "lambda": 0.01}),
    Case("linear_classes", {"objective": "multi:softprob", "num_class": 3, "booster": "gblinear", "updater": "coord_descent"}),
    Case("number_tree", {"objective": "reg:squarederror", "algorithm": "decision_tree"}),
]
CASES = [it for it in ALL_CASES if it.oldest <= VERSION]


def train(trainer: pathlib.Path, root: pathlib.Path, case: Case, model_format: str, rows: np.ndarray) -> pathlib.Path:
    """The model file that a job leaves behind."""
    tree = MlRoot(root)
    rounds = {} if "algorithm" in case.hyperparameters else {"num_round": ROUNDS}
    own = {"max_depth": 4, "model_format": model_format, "feature_names": ",".join(NAMES)}
    tree.hyperparameters(own | rounds | case.declarations() | case.hyperparameters)
    tree.channel("train", case.lines(rows))
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
    return loaded(path)


def matrix(case: Case, rows: np.ndarray) -> xgb.DMatrix:
    return xgb.DMatrix(rows, feature_names=NAMES, feature_types=case.types, enable_categorical=case.types is not None)


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
    ours = numbers(run(linden, "predict", trained[2], rows_file, "--margin"))
    theirs = margins(booster, matrix(trained[0], rows))
    assert len(np.unique(theirs)) > 2, "the model says nothing"
    np.testing.assert_array_equal(ours, theirs)


def test_predictions_are_the_same(
    trained: tuple[Case, str, pathlib.Path],
    booster: xgb.Booster,
    rows: np.ndarray,
    rows_file: pathlib.Path,
    linden: pathlib.Path,
) -> None:
    ours = numbers(run(linden, "predict", trained[2], rows_file))
    theirs = booster.predict(matrix(trained[0], rows)).reshape(N_ROWS, -1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=0)


def test_xgboost_saves_it_and_linden_reads_that(
    trained: tuple[Case, str, pathlib.Path],
    booster: xgb.Booster,
    rows: np.ndarray,
    rows_file: pathlib.Path,
    linden: pathlib.Path,
    tmp_path: pathlib.Path,
) -> None:
    theirs = margins(booster, matrix(trained[0], rows))
    for ending in FORMATS:
        path = tmp_path / f"again.{ending}"
        booster.save_model(path)
        ours = numbers(run(linden, "predict", path, rows_file, "--margin"))
        np.testing.assert_array_equal(ours, theirs)


def test_xgboost_knows_its_shape(trained: tuple[Case, str, pathlib.Path], booster: xgb.Booster) -> None:
    case = trained[0]
    trees = case.rounds * int(case.hyperparameters.get("num_parallel_tree", 1)) * case.groups
    assert booster.num_boosted_rounds() == case.rounds
    assert len(booster.get_dump()) == (1 if case.is_linear else trees)
    assert booster.feature_names == NAMES
    assert case.types is None or booster.feature_types == case.types
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    assert objective == case.objective


def test_gain_cover_and_contributions_can_be_told(trained: tuple[Case, str, pathlib.Path], booster: xgb.Booster, rows: np.ndarray) -> None:
    for kind in () if trained[0].is_linear else ("gain", "cover", "weight"):
        assert all(value > 0 for value in booster.get_score(importance_type=kind).values())
    data = matrix(trained[0], rows)
    contributions = booster.predict(data, pred_contribs=True)
    margins = booster.predict(data, output_margin=True)
    np.testing.assert_allclose(contributions.sum(axis=-1), margins, rtol=1e-3, atol=1e-3)


def test_training_goes_on_in_xgboost(trained: tuple[Case, str, pathlib.Path], booster: xgb.Booster, rows: np.ndarray) -> None:
    case = trained[0]
    data = matrix(case, rows)
    label(data, case.objective, labels_for(case.objective, rows))
    same = ("objective", "num_class", "num_parallel_tree", "quantile_alpha", "booster", "updater")
    params = {name: case.hyperparameters[name] for name in same if name in case.hyperparameters}
    before = booster.num_boosted_rounds()

    def goes_on() -> xgb.Booster:
        return xgb.train({**params, "tree_method": "hist", "nthread": 1}, data, num_boost_round=2, xgb_model=booster)

    # These versions grow no forests of adaptive leaves, so they go on with none.
    if case.name == "absolute_forest" and (2, 0) <= VERSION < (3, 1):
        with pytest.raises(xgb.core.XGBoostError, match="Boosting random forest is not supported for current objective"):
            goes_on()
        return
    longer = goes_on()
    assert longer.num_boosted_rounds() == before + 2
    if case.is_linear:
        # There are no rounds to take out, but what was learned is improved.
        assert not np.array_equal(longer.predict(data, output_margin=True), booster.predict(data, output_margin=True))
        return
    first = longer[:before].predict(data, output_margin=True)
    np.testing.assert_allclose(first, booster.predict(data, output_margin=True), rtol=1e-6, atol=1e-6)
