"""Comes to every interval and verdict of a study once more, from the raw rows of results.sqlite, with numpy and scipy.

usage: recompute_study.py FILE...       exit 0: all agree; 1: a line for each that does not

Read are the cells, their numbers and their answers one by one; the tables that the program wrote of them
(summary, tests, evidence, evidence_tests, rulings, verdicts, power, pooled) are compared and never computed from.
"""

import json
import sqlite3
import sys
from collections import defaultdict

import numpy as np
from scipy import optimize, stats

METRICS = {
    "accuracy": "accuracy", "macro_f1": "macro_f1", "ece": "ece", "loss": "loss",
    "macs": "macs_forward+macs_input+macs_weight", "seconds": "seconds", "predicted_seconds": "predicted_seconds",
}
MORE_IS_BETTER = {"accuracy", "macro_f1"}
LEVEL = 0.05


class Estimate:
    def __init__(self, mean, error, degrees):
        self.mean, self.error, self.degrees = mean, error, degrees

    def interval(self):
        if self.degrees <= 0 or self.error == 0:
            return self.mean, self.mean
        half = stats.t.ppf(0.975, self.degrees) * self.error
        return self.mean - half, self.mean + half

    def p(self):
        if self.degrees <= 0:
            return 1.0
        if self.error == 0:
            return 1.0 if self.mean == 0 else 0.0
        return 2 * stats.t.sf(abs(self.mean) / self.error, self.degrees)


def of_seeds(values):
    values = np.asarray(values, float)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return Estimate(values.mean(), error, len(values) - 1)


def mean_squares(table):
    seeds, items = table.shape
    rows, columns, mean = table.mean(1), table.mean(0), table.mean()
    rest = table - rows[:, None] - columns[None, :] + mean
    return (items * ((rows - mean) ** 2).sum() / (seeds - 1), seeds * ((columns - mean) ** 2).sum() / (items - 1),
            (rest ** 2).sum() / ((seeds - 1) * (items - 1)))


def crossed(values, tables):
    """Seeds by items where every seed's answers are kept, else seeds alone."""
    if len(values) < 2 or len(tables) != len(values) or len({len(t) for t in tables}) != 1 or len(tables[0]) < 2:
        return of_seeds(values)
    table = np.asarray(tables, float)
    seeds, items = table.shape
    of_seed, of_item, rest = mean_squares(table)
    total = of_seed + of_item - rest
    if total <= of_seed:
        return Estimate(np.mean(values), np.sqrt(of_seed / (seeds * items)), seeds - 1)
    degrees = total ** 2 / (of_seed ** 2 / (seeds - 1) + of_item ** 2 / (items - 1)
                            + rest ** 2 / ((seeds - 1) * (items - 1)))
    return Estimate(np.mean(values), np.sqrt(total / (seeds * items)), max(seeds - 1, degrees))


def holm(p):
    order = np.argsort(p, kind="stable")
    out, least = np.empty(len(p)), 0.0
    for place, i in enumerate(order):
        least = max(least, min(1.0, p[i] * (len(p) - place)))
        out[i] = least
    return out


def scores_of(kind, count, blob):
    if kind == "classes":
        return np.unpackbits(np.frombuffer(blob, np.uint8), bitorder="little")[:count].astype(float)
    return np.frombuffer(blob, "<f4").astype(float)


class Study:
    def __init__(self, path):
        self.path, self.wrong, self.compared = path, [], 0
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.numbers, self.items = defaultdict(dict), defaultdict(dict)
        columns = ",".join(METRICS.values())
        members = "cell IN (SELECT cell FROM members)"
        for arm, seed, *row in self.db.execute(
                f"SELECT arm,seed,{columns} FROM results JOIN cells USING (cell) WHERE {members}"):
            self.numbers[arm][seed] = dict(zip(METRICS, row))
        for arm, seed, kind, count, blob in self.db.execute(
                f"SELECT arm,seed,kind,count,scores FROM items JOIN cells USING (cell) WHERE {members}"):
            self.items[arm][seed] = scores_of(kind, count, blob)
            accuracy = self.numbers[arm][seed]["accuracy"]
            self.same(f"items of {arm}, seed {seed}", self.items[arm][seed].mean(), accuracy, 1e-5)
        self.reference = dict(self.db.execute("SELECT arm,reference FROM arms"))
        share = dict(self.db.execute("SELECT key,value FROM meta")).get("score_is_share") != "no"
        self.shares = {"macro_f1", "ece"} | ({"accuracy"} if share else set())
        self.whole = share

    def same(self, what, mine, theirs, tolerance=1e-7):
        self.compared += 1
        if not abs(mine - theirs) <= tolerance * max(1.0, abs(mine)):
            self.wrong.append(f"{self.path}: {what}: {theirs!r}, recomputed {mine!r}")

    def equal(self, what, mine, theirs):
        self.compared += 1
        if mine != theirs:
            self.wrong.append(f"{self.path}: {what}: {theirs}, recomputed {mine}")

    def combine(self, a, b, metric, wa=1.0, wb=-1.0, constant=0.0):
        values, tables = [], []
        for seed in sorted(self.numbers[a]):
            if seed not in self.numbers[b]:
                continue
            values.append(wa * self.numbers[a][seed][metric] + wb * self.numbers[b][seed][metric] + constant)
            one, two = self.items[a].get(seed), self.items[b].get(seed)
            if metric == "accuracy" and one is not None and two is not None and len(one) == len(two):
                # What is stored in single precision is combined so.
                tables.append((wa * one + wb * two + constant).astype(np.float32))
        return crossed(values, tables)

    def ratio(self, a, b, metric):
        logs = [np.log(self.numbers[a][s][metric] / self.numbers[b][s][metric]) for s in sorted(self.numbers[a])
                if s in self.numbers[b] and self.numbers[a][s][metric] > 0 and self.numbers[b][s][metric] > 0]
        return of_seeds(logs)

    def clip(self, metric, low, high, difference):
        if metric in self.shares:
            return max(low, -1.0 if difference else 0.0), min(high, 1.0)
        if not difference and (metric != "accuracy" or self.whole):
            return max(low, 0.0), high
        return low, high

    def check_summary(self):
        p_of = defaultdict(dict)
        for (experiment,) in self.db.execute("SELECT experiment FROM experiments"):
            arms = [a for (a,) in self.db.execute(
                "SELECT DISTINCT arm FROM members JOIN cells USING (cell) WHERE experiment=?", (experiment,))]
            for metric in METRICS:
                family = [a for a in arms if self.reference.get(a) in self.numbers and a in self.numbers
                          and len(set(self.numbers[a]) & set(self.numbers[self.reference[a]])) > 1]
                levels = [self.combine(a, self.reference[a], metric).p() for a in family]
                for arm, level in zip(family, holm(levels) if family else []):
                    p_of[metric][arm] = max(p_of[metric].get(arm, 0.0), level)
        for arm, metric, seeds, mean, low, high, d, d_low, d_high, finding in self.db.execute(
                "SELECT arm,metric,seeds,mean,low,high,difference,difference_low,difference_high,finding FROM summary"):
            values = [row[metric] for _, row in sorted(self.numbers[arm].items())]
            tables = [t for _, t in sorted(self.items[arm].items())] if metric == "accuracy" else []
            mine, what = crossed(values, tables), f"{metric} of {arm}"
            self.equal(what + ", seeds", len(values), seeds)
            self.same(what, mine.mean, mean)
            for name, x, y in zip(("low", "high"), self.clip(metric, *mine.interval(), False), (low, high)):
                self.same(f"{what}, {name}", x, y)
            if d is None:
                continue
            mine = self.combine(arm, self.reference[arm], metric)
            self.same(what + ", difference", mine.mean, d)
            for name, x, y in zip(("low", "high"), self.clip(metric, *mine.interval(), True), (d_low, d_high)):
                self.same(f"{what}, difference, {name}", x, y)
            error, degrees, p, p_holm = self.db.execute(
                "SELECT error,degrees,p,p_holm FROM tests WHERE arm=? AND metric=?", (arm, metric)).fetchone()
            level = p_of[metric].get(arm, 1.0)
            for name, x, y in (("error", mine.error, error), ("degrees", mine.degrees, degrees), ("p", mine.p(), p),
                               ("Holm's p", level, p_holm)):
                self.same(f"{what}, {name}", x, y)
            says = "no difference seen"
            if mine.degrees < 1:
                says = "not known"
            elif level < LEVEL:
                says = "better" if (mine.mean > 0) == (metric in MORE_IS_BETTER) else "worse"
            self.equal(what + ", finding", says, finding)

    def evidence(self, verdict):
        """The differences of a verdict, each by its name and metric."""
        for position, name, arm, reference, metric in self.db.execute(
                "SELECT position,name,arm,reference,metric FROM evidence WHERE verdict=? ORDER BY position", (verdict,)):
            if metric.endswith("_ratio"):
                mine = self.ratio(arm, reference, metric[:-6])
            elif ", errors against " in name:
                times = float(name.split(", errors against ")[1].split(" times")[0])
                mine = self.combine(arm, reference, "accuracy", 1.0, -times, times - 1)
            else:
                mine = self.combine(arm, reference, metric)
            yield position, metric, name, arm, reference, mine

    def check_verdicts(self):
        def level(e, up):
            return e.p() if e.degrees >= 1 and e.mean != 0 and (e.mean > 0) == up else 1.0

        families, ruled = defaultdict(list), {}
        primary, kinds, best_cut = {}, {}, {}
        for number, claim, part, result, model, source, target, experiment in self.db.execute(
                "SELECT verdict,claim,part,result,model,source,target,experiment FROM verdicts ORDER BY verdict"):
            rows = list(self.evidence(number))
            for position, metric, name, arm, reference, mine in rows:
                low, high, d = self.db.execute("SELECT low,high,difference FROM evidence WHERE verdict=? AND position=?",
                                               (number, position)).fetchone()
                error, degrees, p = self.db.execute(
                    "SELECT error,degrees,p FROM evidence_tests WHERE verdict=? AND position=?",
                    (number, position)).fetchone()
                what = f"verdict {number} ({part}), {name}, {metric}"
                mine_low, mine_high = mine.interval()
                if metric in METRICS and ", errors against " not in name:
                    mine_low, mine_high = self.clip(metric, mine_low, mine_high, True)
                for word, x, y in (("difference", mine.mean, d), ("low", mine_low, low), ("high", mine_high, high),
                                   ("error", mine.error, error), ("degrees", mine.degrees, degrees), ("p", mine.p(), p)):
                    self.same(f"{what}, {word}", x, y)
            family, size, p_for, p_against, p_holm = self.db.execute(
                "SELECT family,family_size,p_for,p_against,p_holm FROM rulings WHERE verdict=?", (number,)).fetchone()
            row = rows[self.rests(family, rows, best_cut, (experiment, model, source, target))]
            primary[(claim, part, model, source, target)] = row[5]
            kinds[(claim, part, model, source, target)] = self.kind(claim, part, family, rows[0][3], experiment)
            expected = self.rule(claim, part, family, rows, level, experiment)
            if result == "not applicable":
                arm = rows[0][3]
                shares = [s for (s,) in self.db.execute(
                    "SELECT trained_share FROM results JOIN cells USING (cell) WHERE arm=? AND cell IN "
                    "(SELECT cell FROM members)", (arm,))]
                self.equal(f"verdict {number}, not applicable", True,
                           min(shares) > 1 - 1e-6 and abs(rows[2][5].mean) < 1e-6)
                continue
            if expected is not None:
                self.same(f"verdict {number} ({part}), p for", expected[0], p_for)
                self.same(f"verdict {number} ({part}), p against", expected[1], p_against)
                p_for, p_against = expected
            families[family].append((number, p_for, p_against))
            ruled[number] = (result, p_holm, size)
        for family, rows in families.items():
            for (number, p_for, p_against), adjusted in zip(rows, holm([min(f, a) for _, f, a in rows])):
                result, p_holm, size = ruled[number]
                says = "undecided" if not adjusted < LEVEL else "supported" if p_for < p_against else "contradicted"
                self.same(f"verdict {number}, Holm's p", adjusted, p_holm)
                self.equal(f"verdict {number}, size of its family", len(rows), size)
                self.equal(f"verdict {number}, result", says, result)
        self.check_pooled(primary, kinds)

    def rests(self, family, rows, best_cut, group):
        """Which of the evidence speaks for a verdict where sets are put together."""
        kind = family.split(": ", 1)[1]
        cuts = [self.arm(row[3])["frozen_blocks"] for row in rows]
        if kind == "few labels":
            best_cut[group] = cuts[self.chosen(rows)]
        if kind in ("few labels", "many labels"):
            return cuts.index(best_cut[group])
        if kind == "co-adaptation":
            return len(rows) // 4 * 2
        return len(rows) - 1 if kind == "last blocks" or kind.endswith(" matter") or kind.endswith(" matters") else 0

    def kind(self, claim, part, family, arm, experiment):
        """What a verdict is called over all sets."""
        kind = family.split(": ", 1)[1]
        if kind in ("few labels", "many labels"):
            return kind
        one = self.arm(arm)
        levels = sorted({n or np.inf for (n,) in self.db.execute(
            "SELECT DISTINCT a.labels FROM members m JOIN cells c USING (cell) JOIN arms a USING (arm) "
            "JOIN results r USING (cell) WHERE m.experiment=? AND a.model=? AND a.source=? AND a.target=? AND a.part=?",
            (experiment, one["model"], one["source"], one["target"], one["part"]))})
        labels = one["labels"] or np.inf
        level = "most labels" if labels == levels[-1] else "fewest labels" if labels == levels[0] else None
        policy = one["policy"] + ": " if claim == 5 else ""
        return level and f"{policy}{kind}, {level}"

    def arm(self, key):
        names = ("model", "source", "target", "part", "labels", "frozen_blocks", "policy")
        return dict(zip(names, self.db.execute(f"SELECT {','.join(names)} FROM arms WHERE arm=?", (key,)).fetchone()))

    def chosen(self, rows):
        """Of a verdict's arms the one that the validation part likes best."""
        merit = []
        for row in rows:
            values = [a if v is None else v for a, v in self.db.execute(
                "SELECT accuracy,validation_accuracy FROM results JOIN cells USING (cell) WHERE arm=? AND cell IN "
                "(SELECT cell FROM members)", (row[3],))]
            merit.append(float(np.mean(values)))
        return max(range(len(rows)), key=lambda i: merit[i])

    def rule(self, claim, part, family, rows, level, experiment):
        """The levels for and against by the claims' rules; None where a rule looks at arms beside the evidence."""
        e = [row[5] for row in rows]
        kind = family.split(": ", 1)[1]
        if kind == "as good at less cost":
            _, within, macs, seconds = e
            return (max(level(within, True), level(macs, False), level(seconds, False)),
                    min(1.0, 3 * min(level(within, False), level(macs, True), level(seconds, True))))
        if kind.startswith("better") or kind == "first block":
            return level(e[0], True), level(e[0], False)
        if kind in ("too early", "too much"):
            return level(e[0], False), level(e[0], True)
        if kind == "last blocks":
            return level(e[-1], False), level(e[-1], True)
        if kind == "co-adaptation":
            pairs, looks = [(e[i], e[i + 1]) for i in range(0, len(e), 2)], len(e) // 2
            return (min(min(1.0, looks * max(level(t, False), level(b, False))) for t, b in pairs),
                    min(min(1.0, looks * level(t, True)) for t, b in pairs))
        if kind == "few labels":
            best = e[self.chosen(rows)]
            validated = self.db.execute("SELECT max(validation_samples) FROM results").fetchone()[0] > 0
            looks = 1 if validated else len(e)
            return min(1.0, looks * level(best, True)), min(1.0, looks * level(best, False))
        return None

    def check_power(self):
        for arm, items, of_seeds_, of_items, rest, seeds in self.db.execute(
                "SELECT arm,items,seeds_deviation,items_deviation,rest_deviation,seeds_for_a_point FROM power"):
            other = self.reference[arm]
            table = np.asarray([self.items[arm][s] - self.items[other][s] for s in sorted(self.items[arm])
                                if s in self.items[other]])
            ms, mi, mr = mean_squares(table)
            spread = max(0.0, ms - mr) / table.shape[1], max(0.0, mi - mr) / table.shape[0], mr
            for name, x, y in zip(("seeds", "items", "rest"), spread, (of_seeds_, of_items, rest)):
                self.same(f"power of {arm}, {name}", np.sqrt(x), y, 1e-6)
            if seeds is None:
                # However many seeds: the items' own error leaves less than 80 %.
                self.equal(f"power of {arm}", True, self.power(spread, items, 1000) < 0.81)
            else:
                self.equal(f"power of {arm}", True, self.power(spread, items, seeds) > 0.79)
                if seeds > 3:
                    self.equal(f"power of {arm}, one seed less", True, self.power(spread, items, seeds - 2) < 0.81)

    @staticmethod
    def power(spread, items, n, delta=0.01):
        own = (spread[0] + spread[2] / items) / n
        variance = own + spread[1] / items
        if variance == 0:
            return 1.0
        degrees = min(1e6, (n - 1) * (variance / own) ** 2) if own > 0 else 1e6
        t, far = stats.t.ppf(0.975, degrees), delta / np.sqrt(variance)
        return stats.nct.sf(t, degrees, far) if degrees < 1e5 else stats.norm.sf(t - far)

    def check_pooled(self, primary, kinds):
        groups, networks = defaultdict(dict), defaultdict(set)
        for (claim, part, model, source, target), estimate in primary.items():
            if estimate.degrees >= 1 and estimate.error > 1e-6:
                groups[(claim, f"{part}; {model}, {source}")].setdefault(target, estimate)
                kind = kinds[(claim, part, model, source, target)]
                of_all = (claim, f"{kind}; the first network of each set")
                if kind and target not in groups[of_all]:
                    groups[of_all][target] = estimate
                    networks[of_all].add((part, model, source))
        groups = {key: sets for key, sets in groups.items() if key not in networks or len(networks[key]) > 1}
        theirs = {(claim, part): row for claim, part, *row in self.db.execute(
            "SELECT claim,part,sets,mean,error,low,high,p,tau,prediction_low,prediction_high FROM pooled")}
        wanted = {key: list(sets.values()) for key, sets in groups.items() if len(sets) > 1}
        self.equal("claims that are pooled", sorted(wanted), sorted(theirs))
        for key, sets in wanted.items():
            y, v, k = np.array([s.mean for s in sets]), np.array([s.error ** 2 for s in sets]), len(sets)

            def likelihood(tau2):
                w = 1 / np.maximum(1e-20, v + tau2)
                mu = (w * y).sum() / w.sum()
                return 0.5 * (np.log(1 / w).sum() + np.log(w.sum()) + (w * (y - mu) ** 2).sum())

            most = max(1e-12, 10 * y.var() + 10 * v.max())
            grid = np.concatenate([[0], np.geomspace(most * 1e-9, most, 400)])
            at = int(np.argmin([likelihood(x) for x in grid]))
            found = optimize.minimize_scalar(likelihood, bounds=(grid[max(0, at - 1)], grid[min(400, at + 1)]),
                                             method="bounded", options={"xatol": most * 1e-12})
            tau2 = 0.0 if likelihood(0.0) <= found.fun else found.x
            w = 1 / np.maximum(1e-20, v + tau2)
            mu = (w * y).sum() / w.sum()
            error = np.sqrt(max(1.0, (w * (y - mu) ** 2).sum() / (k - 1)) / w.sum())
            mine = Estimate(mu, error, k - 1)
            prediction = Estimate(mu, np.sqrt(tau2 + error ** 2), k - 2).interval() if k > 2 else (mu, mu)
            names = ("sets", "mean", "error", "low", "high", "p", "tau", "prediction low", "prediction high")
            values = (k, mu, error, *mine.interval(), mine.p(), np.sqrt(tau2), *prediction)
            for name, x, z in zip(names, values, theirs.get(key, [np.nan] * 9)):
                self.same(f"{key[1]}, all sets, {name}", x, z, 2e-4)


def main(paths):
    if not paths:
        print(__doc__)
        return 2
    wrong, lines = 0, []
    for path in paths:
        study = Study(path)
        study.check_summary()
        study.check_verdicts()
        study.check_power()
        for line in study.wrong[:20]:
            print(line)
        wrong += len(study.wrong)
        lines.append({"file": path, "compared": study.compared, "differ": len(study.wrong)})
    for line in lines:
        print(json.dumps(line))
    return 1 if wrong or any(line["compared"] < 20 for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
