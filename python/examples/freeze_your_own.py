"""Ten lines to freeze a network of one's own; run it, or paste its cells into a notebook."""

# %% A network of one's own on the digits that come with firn.
import firn

digits = firn.data("digits", labels=50)
model = firn.Model.from_spec("conv 16 3x3, relu, pool 2, conv 32 3x3, relu, pool 2, dense 64, relu, dense", data=digits)
print(model.fit(digits, epochs=4))
print(f"everything trained: {model.score(digits.test):.3f}")

# %% What a step costs, and what freezing the convolutions leaves of it.
print(model.summary())
print(model.summary(freeze="conv*"))

# %% Other classes: a new head, then only that trains. The features of what is frozen are kept across epochs.
if digits.train is None or digits.test is None:
    raise SystemExit("the digits have both parts")
x, y = digits.train.arrays()
model.new_head(["even", "odd"])
print("frozen:", model.freeze("conv*"))
history = model.fit(x, ["odd" if label % 2 else "even" for label in y], epochs=10)
print(f"frozen tensors unchanged: {history.frozen_watched - len(history.frozen_changed)} of {history.frozen_watched}")

# %% The answers, and the weights where they lie.
test_x, test_y = digits.test.arrays()
print(f"even or odd: {model.score(test_x, ['odd' if label % 2 else 'even' for label in test_y]):.3f}")
print(model.predict(test_x[:8]), test_y[:8])
print(model.weights["conv1.weight"].shape, model.features(test_x, upto="conv2").shape)
