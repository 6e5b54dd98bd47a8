"""FineTuner and FineTuneRegressor among scikit-learn's own."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import firn
import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

import joblib
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

Arrays = tuple[np.ndarray, np.ndarray]


# None is excused; scikit-learn itself skips those of array libraries that are not there.
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(e, c, id=f"{type(e).__name__}-{getattr(c, 'func', c).__name__}")
        for tuner in (firn.FineTuner(), firn.FineTuneRegressor())
        for e, c in estimator_checks_generator(tuner)
    ],
)
def test_check_estimator(estimator: firn.FineTuner | firn.FineTuneRegressor, check: object) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def weights(arrays: Arrays, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = firn.Model.from_spec("conv 8 3x3, relu, pool 2, dense", input=(8, 8, 1), classes=10)
    model.fit(*arrays, epochs=5)
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    model.save(path)
    return path


def test_weights_are_tuned_for_other_classes_and_stay(weights: Path, arrays: Arrays) -> None:
    x, y = arrays
    few = np.isin(y, [3, 5, 8])
    texts = np.array(["a", "b", "c", "three", "d", "five", "e", "f", "eight", "g"])[y]
    tuner = firn.FineTuner(weights, freeze="conv*", random_state=1).fit(x[few], texts[few])
    assert list(tuner.classes_) == ["eight", "five", "three"] and tuner.score(x[few], texts[few]) > 0.9
    before = firn.load(weights)
    assert np.array_equal(tuner.model_.weights["conv1.weight"], before.weights["conv1.weight"])
    assert before.score(x, y) > 0.7
    again = firn.FineTuner(before, freeze="conv*", random_state=1).fit(x[few], texts[few])
    assert np.array_equal(tuner.predict_proba(x), again.predict_proba(x))
    assert len(before.classes_) == 10


def test_the_weights_classes_keep_their_head(weights: Path, arrays: Arrays) -> None:
    x, y = arrays
    tuner = firn.FineTuner(weights, freeze="conv*", epochs=1, rate=0.0).fit(x, y)
    assert np.array_equal(tuner.predict(x), firn.load(weights).predict(x))


def test_numbers_are_tuned_in_their_unit(weights: Path, arrays: Arrays) -> None:
    x, y = arrays
    ink = x.reshape(len(x), -1).mean(1, dtype=np.float64) * 1000 + 5000
    two = np.stack([ink, -y.astype(np.float64)], 1)
    tuner = firn.FineTuneRegressor(weights, freeze="conv1", epochs=40, rate=0.01, random_state=1)
    assert tuner.fit(x, ink).score(x, ink) > 0.9 and tuner.predict(x).shape == (len(x),)
    assert np.array_equal(tuner.model_.weights["conv1.weight"], firn.load(weights).weights["conv1.weight"])
    assert tuner.fit(x, two).predict(x).shape == two.shape and tuner.score(x, two) > 0.7
    begun = tuner.model_
    again = firn.FineTuneRegressor(begun, epochs=1, rate=0.0).fit(x, two)
    assert np.allclose(again.predict(x), begun.predict(x), rtol=1e-4)  # of that task: its head stays
    assert np.array_equal(clone(tuner).fit(x, two).predict(x), pickle.loads(pickle.dumps(tuner)).predict(x))


def test_grid_search_in_two_processes(weights: Path, arrays: Arrays) -> None:
    x, y = arrays
    grid = {"freeze": ["none", "conv*"], "rate": [0.01, 1e-9]}
    search = GridSearchCV(firn.FineTuner(weights, epochs=2, random_state=1), grid, cv=2, n_jobs=2).fit(x, y == 3)
    assert search.best_params_["rate"] == 0.01 and not np.isnan(search.cv_results_["mean_test_score"]).any()


def test_pipeline_and_cross_val_score(arrays: Arrays) -> None:
    x, y = arrays
    tuner = make_pipeline(MinMaxScaler(), firn.FineTuner(random_state=1))
    scores = cross_val_score(tuner, x.reshape(len(x), -1), y, cv=2, n_jobs=2)
    assert scores.min() > 0.6


def test_joblib_forks_after_a_fit(weights: Path, arrays: Arrays) -> None:
    x, y = arrays
    want = firn.FineTuner(weights, epochs=1, random_state=1).fit(x, y == 3).predict_proba(x)
    jobs = [joblib.delayed(_fit_and_ask)(weights, x, y == 3) for _ in range(3)]
    for backend in ("multiprocessing", "loky", "threading"):
        for got in joblib.Parallel(n_jobs=2, backend=backend)(jobs):
            assert np.array_equal(got, want)


def _fit_and_ask(weights: Path, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return firn.FineTuner(weights, epochs=1, random_state=1).fit(x, y).predict_proba(x)


def test_clones_and_pickles(weights: Path, arrays: Arrays) -> None:
    tuner = firn.FineTuner(firn.load(weights), freeze="half", optimizer=firn.Adam(1e-3), epochs=1, random_state=3)
    other = clone(tuner)
    assert other.get_params()["freeze"] == "half" and not hasattr(other, "model_")
    fitted = tuner.fit(*arrays)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(arrays[0]), other.fit(*arrays).predict_proba(arrays[0]))


def test_the_example(tmp_path: Path) -> None:
    example = Path(__file__).parent.parent / "examples" / "sklearn" / "grid.py"
    done = subprocess.run([sys.executable, str(example)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) > 0.6


def test_sklearn_is_not_needed_to_import(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        firn.nothing
    assert {"FineTuner", "FineTuneRegressor"} <= set(dir(firn))
