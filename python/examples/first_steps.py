"""The first steps, as the README has them."""

import firn

digits = firn.data("digits")
model = firn.models.cnn(data=digits)
model.fit(digits, epochs=3)
model.freeze("conv*")
model.fit(digits, epochs=2)
print(model.score(digits.test))
