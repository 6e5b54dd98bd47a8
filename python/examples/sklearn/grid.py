"""What to freeze and how fast to learn, found by scikit-learn."""

import firn
import numpy as np
from sklearn.model_selection import GridSearchCV

x, y = firn.data("digits", labels=60).train.arrays()
model = firn.models.cnn(input=(8, 8, 1), classes=5)
model.fit(x[y < 5], y[y < 5], epochs=10, optimizer="adam")
model.save("digits.safetensors")
few = np.flatnonzero(y >= 5)[:90]
x, y = x[few], y[few]

# %% Each fold begins with the weights of the file and a new head.
search = GridSearchCV(
    firn.FineTuner("digits.safetensors", epochs=8, optimizer="adam", random_state=1),
    {"freeze": ["none", "conv1", "conv*"], "rate": [0.001, 0.01]},
    cv=3,
    n_jobs=2,
)
search.fit(x, y)

# %% What came of it.
print(f"{search.best_params_} {search.best_score_:.2f}")
