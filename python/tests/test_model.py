"""Training, asking and keeping."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import firn
import numpy as np
import pytest

Arrays = tuple[np.ndarray, np.ndarray]


def test_every_known_model_is_a_function() -> None:
    assert "cnn" in firn.models.names() and "resnet20" in dir(firn.models)
    images = dict(input=(32, 32, 3), classes=4)
    texts = dict(input=(12,), classes=4, vocabulary=30)
    for name in firn.models.names():
        make = firn.models.find(name)
        options = texts if name in ("textlstm", "textcnn", "charrnn") else images
        model = make(**options)
        assert model.name == name and model.blocks
    with pytest.raises(AttributeError, match="did you mean cnn"):
        firn.models.cnnn
    with pytest.raises(KeyError):
        firn.models.find("cnnn")


def test_fit_predict_score(digits: firn.Data, cnn: firn.Model) -> None:
    history = cnn.fit(digits, epochs=8, optimizer="adam", batch=32)
    assert len(history.epochs) == 8 and history.best_epoch > 0
    assert history.records()[0].keys() >= {"epoch", "loss", "validation_accuracy", "seconds"}
    x, y = digits.test.arrays()
    score = cnn.score(digits.test)
    assert score > 0.7 and score == cnn.score(x, y) == (cnn.predict(x) == y).mean()
    p = cnn.predict_proba(x)
    assert p.shape == (len(x), 10) and p.dtype == np.float32 and np.allclose(p.sum(1), 1, atol=1e-5)
    e = np.exp(cnn.logits(x).astype(np.float64))
    assert np.allclose(p, e / e.sum(1, keepdims=True), atol=1e-5)
    assert cnn.evaluate(digits.test)["accuracy"] == score
    features = cnn.features(x, "conv2")
    assert features.shape == (len(x), 2, 2, 64)
    with pytest.raises(KeyError, match="did you mean conv2"):
        cnn.features(x, upto="conv22")
    assert "epoch" in str(history) and "<table>" in history._repr_html_()


def test_labels_of_any_kind(arrays: Arrays) -> None:
    x, y = arrays
    for names in (y + 100, np.array([f"digit {v}" for v in y]), y.astype(np.float64)):
        model = firn.models.cnn(input=(8, 8, 1), classes=10)
        model.fit(x, names, epochs=3)
        assert model.predict(x).tolist() != [] and set(model.predict(x)) <= set(names)
        assert np.array_equal(np.sort(np.unique(names)), np.sort(model.classes_))
    with pytest.raises(KeyError, match="label 'digit 10' is none of the 10 classes"):
        firn.models.cnn(input=(8, 8, 1), classes=[f"digit {i}" for i in range(10)]).fit(x, [f"digit {v + 2}" for v in y])
    with pytest.raises(ValueError, match="the model answers in 10"):
        firn.models.cnn(input=(8, 8, 1), classes=10).fit(x, y * 3 % 7 + 100)
    with pytest.raises(firn.ShapeError, match="labels are"):
        firn.models.cnn(input=(8, 8, 1), classes=10).fit(x, y[:-1])


def test_saved_loaded_pickled_copied(tmp_path: Path, cnn: firn.Model, arrays: Arrays) -> None:
    x, y = arrays
    fresh = pickle.loads(pickle.dumps(cnn))
    cnn.freeze("conv1", "fc1.weight[0:8]")
    cnn.fit(x, y, epochs=2)
    cnn.save(tmp_path / "w.safetensors")
    loaded = firn.load(tmp_path / "w.safetensors")
    for other in (loaded, pickle.loads(pickle.dumps(cnn)), copy.deepcopy(cnn)):
        assert np.array_equal(other.logits(x), cnn.logits(x))
        assert np.array_equal(other.classes_, cnn.classes_)
    assert pickle.loads(pickle.dumps(cnn)).frozen() == cnn.frozen()
    fresh.freeze("conv1", "fc1.weight[0:8]")
    fresh.fit(x, y, epochs=2)
    assert np.array_equal(fresh.logits(x), cnn.logits(x))
    with pytest.raises(firn.ModelFileError):
        firn.load(tmp_path / "none.safetensors")


def test_a_new_head(cnn: firn.Model, digits: firn.Data) -> None:
    cnn.fit(digits, epochs=4)
    x, y = digits.train.arrays()
    two = np.isin(y, (3, 5))
    with pytest.raises(ValueError, match="none of the 10 classes"):
        cnn.fit(x[two], np.where(y[two] == 3, "three", "five"))
    cnn.new_head(["three", "five"])
    cnn.fit(x[two], np.where(y[two] == 3, "three", "five"), freeze="head", epochs=20, optimizer=firn.Adam(0.01))
    assert cnn.classes_.tolist() == ["three", "five"]
    assert cnn.score(x[two], np.where(y[two] == 3, "three", "five")) > 0.8


def test_regression_and_labels() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = 100 + 10 * x[:, 0] - 5 * x[:, 1]
    model = firn.Model.from_spec("dense", input=(3,), classes=1, task="regression")
    model.fit(x, y, epochs=30, rate=0.1, batch=32)
    assert model.score(x, y) > 0.99 and np.abs(model.predict(x) - y).mean() < 1
    with pytest.raises(ValueError, match="no probabilities"):
        model.predict_proba(x)
    several = np.stack([x[:, 0] > 0, x[:, 1] > 0], 1)
    model = firn.Model.from_spec("dense", input=(3,), classes=["a", "b"], task="labels")
    model.fit(x, several, epochs=30, rate=0.5, batch=32)
    assert (model.predict(x) == several).mean() > 0.95
    assert model.predict_proba(x).shape == (300, 2)


def test_sequences_and_tokens() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 7, 3)).astype(np.float32)
    y = (x[:, 0, 0] > 0).astype(int)
    model = firn.models.lstm(input=(7, 3), classes=2, lengths=True)
    model.fit(x, y, epochs=1, lengths=np.full(60, 5))
    ones = model.logits(x, lengths=np.full(60, 5))
    x[:, 5:] = 9
    assert np.array_equal(model.logits(x, lengths=np.full(60, 5)), ones)
    tokens = rng.integers(1, 20, (60, 9))
    model = firn.models.textcnn(input=(9,), classes=2, vocabulary=20)
    model.fit(tokens, tokens[:, 0] % 2, epochs=2)
    assert model.predict(tokens).shape == (60,)
    with pytest.raises(ValueError, match="token 20 of a vocabulary of 20"):
        model.predict(np.full((1, 9), 20))


def test_texts(tmp_path: Path) -> None:
    rows = [f"{a} {b}\t{a}" for a in ("good", "bad") for b in "abcdefghijklmnopqrst"]
    (tmp_path / "t.tsv").write_text("\n".join(rows))
    data = firn.data(tmp_path / "t.tsv", tokens="words")
    assert data.kind == "tokens" and data.classes.tolist() == ["bad", "good"]
    model = firn.models.textcnn(data=data)
    model.fit(data, epochs=20)
    assert model.predict(["good b", "bad c"]).tolist() == ["good", "bad"]
    assert model.score(data.test) == 1
    with pytest.raises(firn.DataError, match="not rectangular"):
        data.train.arrays()


def test_continues_where_it_was(arrays: Arrays) -> None:
    model = firn.models.cnn(input=(8, 8, 1), classes=10)
    first = model.fit(*arrays, epochs=2, schedule="constant").epochs[-1].loss
    assert model.fit(*arrays, epochs=1, schedule="constant").epochs[0].loss < first


@pytest.mark.parametrize(
    ("usual", "other"),
    [
        (firn.SGD(0.05), firn.SGD(0.05, momentum=0.5)),
        (firn.SGD(0.05), firn.SGD(0.05, nesterov=True)),
        (firn.Adam(), firn.Adam(betas=(0.5, 0.999))),
        (firn.Adam(), firn.Adam(betas=(0.9, 0.9))),
        (firn.AdamW(), firn.AdamW(epsilon=0.1)),
        (firn.RMSprop(), firn.RMSprop(alpha=0.5)),
        (firn.RMSprop(), firn.RMSprop(epsilon=0.1)),
    ],
)
def test_optimizers_have_numbers(arrays: Arrays, usual: firn.SGD, other: firn.SGD) -> None:
    def trained(optimizer: object) -> np.ndarray:
        model = firn.models.cnn(input=(8, 8, 1), classes=10)
        model.fit(*arrays, epochs=1, optimizer=optimizer)
        return model.weights["fc1.weight"].copy()

    assert np.array_equal(trained(usual), trained(usual.name))
    assert not np.array_equal(trained(usual), trained(other))


def test_adam_by_hand() -> None:
    """A weight of 0, the gradient of (w - 1)^2 / 2 at each step: PyTorch's Adam with these numbers."""
    model = firn.Model.from_spec("dense 1 no_bias", input=(1,), classes=1, task="regression")
    model.load_weights({name: np.zeros_like(array) for name, array in model.weights.items()})
    x, y = np.array([[-1.0], [1.0]]), np.array([-1.0, 1.0])
    model.fit(x, y, epochs=3, batch=2, schedule="constant", optimizer=firn.Adam(0.1, betas=(0.5, 0.75), epsilon=0.01))
    w = m = v = 0.0
    for step in range(1, 4):
        g = 2 * (w - 1)  # the loss is the mean of squares
        m, v = 0.5 * m + 0.5 * g, 0.75 * v + 0.25 * g * g
        w -= 0.1 * (m / (1 - 0.5**step)) / ((v / (1 - 0.75**step)) ** 0.5 + 0.01)
    (weight,) = model.weights.values()
    assert weight.item() == pytest.approx(w, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs 0: want a whole number"),
        ({"seed": -1}, "seed -1: want a whole number from 0 on"),
        ({"rate": -1.0}, "rate -1"),
        ({"optimizer": "adm"}, "did you mean adam"),
        ({"schedule": "cosin"}, "did you mean cosine"),
        ({"optimizer": firn.Adam(), "rate": 0.1}, "say it once"),
        ({"optimizer": firn.Adam(betas=(0.9, 1.0))}, "betas 1"),
        ({"optimizer": firn.Adam(betas=(0.9,))}, "two are wanted"),
        ({"optimizer": firn.RMSprop(epsilon=-1.0)}, "epsilon -1"),
        ({"patience": 2}, "patience wants a validation part"),
        ({"validation": "spilt"}, "want \\(x, y\\)"),
        ({"cache": "of"}, "cache 'of': want auto or on or off"),
        ({"freeze": "all"}, "everything|frozen|nothing"),
    ],
)
def test_wrong_options(cnn: firn.Model, arrays: Arrays, options: dict, words: str) -> None:
    before = cnn.weights["fc1.weight"].copy()
    with pytest.raises(ValueError, match=words):
        cnn.fit(*arrays, **options)
    assert np.array_equal(before, cnn.weights["fc1.weight"])


def test_a_part_is_held_out_to_choose_by(cnn: firn.Model, arrays: Arrays) -> None:
    history = cnn.fit(*arrays, epochs=2, batch=8, validation="split")
    assert history.best_epoch > 0 and all(epoch.validated for epoch in history.epochs)
    whole = cnn.fit(*arrays, epochs=1, batch=8)
    assert history.epochs[0].steps < whole.epochs[0].steps


def test_options_of_data_are_for_some_kinds(tmp_path: Path) -> None:
    with pytest.raises(firn.UsageError, match="layout"):
        firn.data("digits", layout="nchw")


def test_errors_are_one_tree_and_pickle() -> None:
    with pytest.raises(firn.DataError) as caught:
        firn.data("npy:/nowhere")
    error = pickle.loads(pickle.dumps(caught.value))
    assert str(error) == str(caught.value) and isinstance(error, (firn.Error, ValueError))
    with pytest.raises(firn.UsageError, match="did you mean digits"):
        firn.data("digts")
    model = firn.Model.from_spec("dense", input=(2,), classes=2)
    with pytest.raises(firn.DataError, match="sample 0 .* holds nan"):
        model.fit(np.array([[1, np.nan], [1, 2]] * 4), [0, 1] * 4)
    with pytest.raises(firn.NonFiniteError) as overflow:
        model = firn.Model.from_spec("dense", input=(2,), classes=1, task="regression")
        model.fit(np.array([[1, 3], [1, 2]] * 4), [0.0, 1.0] * 4, rate=1e30, optimizer="sgd")
    assert isinstance(overflow.value, ArithmeticError)
    assert not model.frozen() and all(np.isfinite(array).all() for array in model.weights.values())


def test_numbers_of_numpy_are_numbers(arrays: Arrays) -> None:
    x, y = arrays
    model = firn.Model.from_spec("dense", input=np.array(x.shape[1:]), classes=y.max() + 1, seed=np.int64(3))
    same = firn.Model.from_spec("dense", input=(8, 8, 1), classes=10, seed=3)
    model.fit(x, y, epochs=np.int64(1), batch=np.int32(32), clip=np.float32(0.5), freeze=np.int64(0))
    same.fit(x, y, epochs=1, batch=32, clip=0.5)
    assert np.array_equal(model.logits(x), same.logits(x))


def test_a_fit_is_saved(tmp_path: Path, arrays: Arrays) -> None:
    class Break(firn.Callback):
        def on_step_end(self, model: firn.Model, step: firn.Step) -> None:
            if step.step == 2:
                raise SystemExit

    model = firn.models.cnn(input=(8, 8, 1), classes=10)
    path = tmp_path / "w.safetensors"
    with pytest.raises(firn.UsageError, match=r"there is no folder .*none"):
        model.fit(*arrays, save=tmp_path / "none" / "w.safetensors")
    with pytest.raises(firn.UsageError, match="optimizer"):
        model.fit(*arrays, optimizer="adm", save=path)
    assert not path.exists()
    with pytest.raises(SystemExit):
        model.fit(*arrays, callbacks=[Break()], save=path)
    broken_off = firn.load(path).logits(arrays[0])
    assert np.array_equal(broken_off, model.logits(arrays[0]))
    model.fit(*arrays, epochs=1, save=path)
    assert np.array_equal(firn.load(path).logits(arrays[0]), model.logits(arrays[0]))
    assert not np.array_equal(broken_off, model.logits(arrays[0]))


def test_a_model_is_not_made_by_its_class() -> None:
    with pytest.raises(TypeError, match=r"made by firn\.Model\.from_spec"):
        firn.Model("dense")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": "a"}, "seed 'a' is str, want a whole number"),
        ({"seed": -1}, "seed -1: want a whole number from 0 on"),
        ({"classes": 10.0}, r"classes 10\.0: want their number, or their names"),
        ({"classes": "ab"}, "classes 'ab': want their number, or their names"),
        ({"classes": ["a", "b", "a"]}, "two of the 3 classes are called 'a'"),
        ({"input": 64}, "want the shape of one sample"),
        ({"spec": 3}, "spec 3 is int, want the text of a network"),
    ],
)
def test_what_no_model_is_made_of_is_said(options: dict, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^\[model\] .*" + words):
        firn.Model.from_spec(**{"spec": "dense", "input": (8, 8, 1), "classes": 2, **options})


def test_wrong_questions(cnn: firn.Model, arrays: Arrays) -> None:
    for call in (cnn.summary, cnn.explain, cnn.step, cnn.forecast):
        with pytest.raises(TypeError, match="batch 'a' is str, want a whole number"):
            call(batch="a")
    with pytest.raises(TypeError, match="upto 0 is int, want a block: conv1, conv2"):
        cnn.features(arrays[0], 0)
    with pytest.raises(KeyError, match="did you mean conv1"):
        cnn.explain("conv9")
    with pytest.raises(TypeError, match="labels 'a' is str"):
        firn.data("digits", labels="a")
    with pytest.raises(ValueError, match="labels -2: want"):
        firn.data("digits", labels=-2)


@pytest.mark.parametrize("made", [False, True])
@pytest.mark.parametrize(
    ("labels", "of_a_file"),
    [
        (np.array(["1", "10"]), [1, 10]),
        (np.array([False, True]), [False, True]),
        (np.array([0.5, 1.5]), ["0.5", "1.5"]),
        (np.array([3, 7]), [3, 7]),
        (np.array(["no", "yes"], object), ["no", "yes"]),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, np.ndarray) else "",
)
def test_labels_come_back_as_they_were(tmp_path: Path, made: bool, labels: np.ndarray, of_a_file: list) -> None:
    """Named by the first fit, or when the model is made; a file keeps their texts."""
    x = np.repeat(np.eye(2), 10, 0)
    y = np.repeat(labels, 10)
    model = firn.Model.from_spec("dense", input=(2,), classes=labels if made else 2)
    model.fit(x, y, epochs=20, rate=0.5)
    for one in (model, copy.deepcopy(model)):
        answers = one.predict(x)
        assert (answers == y).all() and answers.dtype.kind in (labels.dtype.kind, "U")
        assert one.classes_.tolist() == labels.tolist()
    model.save(tmp_path / "w.safetensors")
    assert firn.load(tmp_path / "w.safetensors").classes_.tolist() == of_a_file
    assert firn.load(tmp_path / "w.safetensors").score(x, y) == 1


def test_what_comes_out_pickles(cnn: firn.Model, arrays: Arrays) -> None:
    for one in (cnn.fit(*arrays, epochs=1), cnn.summary()):
        again = pickle.loads(pickle.dumps(one))
        assert str(again) == str(one) and again.records() == one.records()
        assert str(copy.deepcopy(one)) == str(one)


def test_functions_made_of_names_have_signatures() -> None:
    import inspect

    assert list(inspect.signature(firn.models.cnn).parameters)[:3] == ["input", "classes", "data"]
    assert inspect.signature(firn.policies.gradual).parameters["every"].default == 1
    assert "Freezes" in inspect.getdoc(firn.Model.freeze)
