"""usage: see_pages.py CHROMIUM PICTURES [--study PAGE DATABASE] [PAGE...]

Opens pages in Chromium at 400 and 1280 pixels, light and dark, with and without script, and says what is wrong: an error
in the console, something fetched, a page wider than the window, one of 2 MB or of a second of its thread's
processor time until it is painted (what it waits for other programs is not its own), a serious finding of axe-core.
Of a study it uses every control and holds what it shows against the database. Exit code 1 where something is wrong.
"""
import itertools
import pathlib
import sqlite3
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

WRONG = []


def want(right, words):
    if not right:
        WRONG.append(words)
        print("wrong:", words)


def look(browser, path, pictures):
    most = 0
    for width, scheme, script in itertools.product((400, 1280), ("light", "dark"), (True, False)):
        where = f"{path}, {width} pixels, {scheme}, {'with' if script else 'without'} script"
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script)
        page.on("console", lambda m: want(m.type not in ("error", "warning"), f"{where}: {m.text}"))
        page.on("pageerror", lambda e: want(False, f"{where}: {e}"))
        page.on("request", lambda r: want(r.url.startswith(("file:", "data:")), f"{where}: fetches {r.url}"))
        work = page.context.new_cdp_session(page)
        work.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(path.resolve().as_uri())
        if script:  # two frames: what is there is painted
            page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        took = {one["name"]: one["value"] for one in work.send("Performance.getMetrics")["metrics"]}["TaskDuration"]
        most = max(most, took)
        want(0 < took < 1, f"{where}: took {took:.2f} s of processor time")
        name = f"{path.parent.name}-{path.stem}-{width}-{scheme}-{'script' if script else 'plain'}.png"
        page.screenshot(path=pictures / name, full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        want(wide <= width, f"{where}: {wide} pixels wide")
        if script:
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
            wide = page.evaluate("document.documentElement.scrollWidth")
            want(wide <= width, f"{where}, unfolded: {wide} pixels wide")
            for found in Axe().run(page).response["violations"]:
                serious = found["impact"] in ("serious", "critical")
                places = [node["html"][:120] for node in found["nodes"][:3]]
                want(not serious, f"{where}: axe: {found['id']}: {found['help']}: {places}")
        page.close()
    want(path.stat().st_size < 2e6, f"{path}: {path.stat().st_size} bytes")
    print(f"{path}: {path.stat().st_size} bytes, {most:.2f} s of processor time at most")


def expected(database, setting, frozen):
    """The score of a cut as the page has it; `setting` is "mlp, half to digits, 3 labels a class"."""
    model, where, labels = setting.split(", ")
    source, target = where.split(" to ") if " to " in where else ("random", where)
    row = database.execute(
        "SELECT mean, low, high, seeds FROM arms JOIN summary USING (arm) WHERE metric='accuracy' AND model=? AND source=?"
        " AND target||CASE part WHEN 'all' THEN '' ELSE ' ('||part||')' END=? AND labels=? AND frozen_blocks=?"
        " AND policy='' AND bn='frozen' AND dropout='off' AND freeze_at=0",
        (model, source, target, 0 if labels.startswith("all") else int(labels.split()[0]), frozen)).fetchone()
    mean, low, high, seeds = row
    return f"{100 * mean:.1f} %" + (f" ({100 * low:.1f} to {100 * high:.1f})" if seeds > 1 else "")


def use(browser, path, file):
    database = sqlite3.connect(file)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(path.resolve().as_uri())
    seen = 0
    for setting in page.locator("#setting option").all_text_contents():
        page.select_option("#setting", label=setting)
        slider = page.locator("#cut")
        slider.focus()
        page.keyboard.press("Home")
        texts = set()
        for cut in range(int(slider.get_attribute("max")) + 1):
            now = page.locator("#now").text_content()
            frozen = 0 if now.startswith("nothing") else int(now.split()[0])
            shown = page.locator("[data-number] dd").first.text_content()
            want(shown == expected(database, setting, frozen), f"{setting}, {now}: {shown}")
            ice = page.locator("[data-model]:visible .pass.pf.frozen").count()
            absent = page.locator("[data-model]:visible .pass.pw.absent").count()
            want(ice == frozen and absent == frozen, f"{setting}, {now}: the program has {ice} frozen, {absent} absent")
            want(page.locator("svg .here").count() > 0, f"{setting}, {now}: no row is marked")
            texts.add(page.locator("#explorer").inner_text())
            seen += 1
            page.keyboard.press("ArrowRight")
        want(len(texts) == cut + 1, f"{setting}: {len(texts)} texts for {cut + 1} cuts")
    for box in page.locator("input[data-arm]").all():
        marks = page.locator("svg .point.arm-" + box.get_attribute("data-arm"))
        want(marks.count() > 0 and marks.first.is_visible(), f"no {box.get_attribute('data-arm')} is there")
        box.click()
        want(not any(one.is_visible() for one in marks.all()), f"{box.get_attribute('data-arm')} stays")
        box.click()
        want(all(one.is_visible() for one in marks.all()), f"{box.get_attribute('data-arm')} does not come back")
        seen += 1
    page.locator(".panels .dot").first.hover()
    want("%" in page.locator(".tip").inner_text(), "a dot that is pointed at says nothing")
    page.keyboard.press("Escape")
    want(not page.locator(".tip").is_visible(), "Escape leaves what was said")
    page.close()
    want(seen > 10, f"only {seen} controls")
    print(f"{path}: {seen} positions of controls")


def main(chromium, pictures, *words):
    pictures = pathlib.Path(pictures)
    pictures.mkdir(exist_ok=True)
    words = list(words)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        if words[:1] == ["--study"]:
            use(browser, pathlib.Path(words[1]), words[2])
            del words[0], words[1]
        for path in words:
            look(browser, pathlib.Path(path), pictures)
        browser.close()
    print(f"{len(words)} pages, {len(WRONG)} findings")
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
