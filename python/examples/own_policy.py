"""A policy of one's own: which blocks rest, decided while the network trains."""

import firn


# %% Called before each step.
class Thirds(firn.Policy):
    """Freezes what moves least: of all blocks but the head a third, chosen anew each epoch."""

    needs = ("change",)

    def decide(self, now: firn.policies.Moment) -> dict[str, bool] | None:
        if now.epoch == 0 or now.step_of_epoch > 0:
            return None
        moved = sorted(list(now.blocks)[:-1], key=lambda name: now.blocks[name].change)
        return {name: i >= len(moved) // 3 for i, name in enumerate(moved)}


# %% In use.
digits = firn.data("digits", labels=50)
model = firn.models.cnn(data=digits)
history = model.fit(digits, epochs=6, optimizer="adam", policy=Thirds())
for change in history.changes:
    print(f"step {change.step}: {change.block} {'stops' if change.frozen else 'goes on'}")
print(f"{model.score(digits.test):.3f}")
