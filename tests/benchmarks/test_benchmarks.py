"""Benchmarks at a small size, so that they cannot rot: they end, digests agree between layouts (they say so themselves),
their tables can be read, and figures that do not depend on the machine are right. Times are never asserted.

  test_benchmarks.py CALLOSUM
"""
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "system"), str(ROOT / "benchmarks")]
from common import PROGRAM, SKIPPED, Checks  # noqa: E402
import measure  # noqa: E402

BIN = pathlib.Path(PROGRAM).parent
FLOOR = BIN / "floor"


def benchmark(name, *options):
    done = subprocess.run([sys.executable, ROOT / "benchmarks" / f"{name}.py", "--repeats", "1", "--bin", BIN, *options],
                          capture_output=True, text=True, check=False, timeout=600)
    if done.returncode not in (0, SKIPPED):
        print(done.stderr)
    return done


def table(text):
    """Rows of a section's table, by the columns' names."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [dict(zip(lines[0], cells)) for cells in lines[2:] if len(cells) == len(lines[0])]


def test_floor(check):
    """Numbers of the model (reference: T. C. Potjans & M. Diesmann 2014): 77,169 neurons; 1/10 of it here, with a tenth
    of the in-degrees, so a hundredth of its 9.67e8 events per second."""
    done = subprocess.run([FLOOR, "--scale", "0.1", "--seconds", "0.3", "--threads", "2"], capture_output=True, text=True,
                          check=True)
    found = json.loads(done.stdout)
    check.equal("floor: neurons", found["neurons"], sum(round(n / 10) for n in (20683, 5834, 21915, 5479, 4850, 1065, 14395,
                                                                                2948)))
    events, spikes = found["events"] / 0.3, found["spikes"] / 0.3
    check("floor: spikes and events of the model", abs(spikes / 2.5e4 - 1) < 0.05 and abs(events / 9.67e6 - 1) < 0.06,
          f"{spikes:.3g} spikes, {events:.3g} events per second")
    one = json.loads(subprocess.run([FLOOR, "--scale", "0.1", "--seconds", "0.3", "--threads", "1"], capture_output=True,
                                    text=True, check=True).stdout)
    check("floor: as many events with 1 thread as with 2", abs(one["events"] / found["events"] - 1) < 0.002,
          f"{one['events']} and {found['events']}")
    wrong = subprocess.run([FLOOR, "--scale", "2"], capture_output=True, text=True, check=False)
    check("floor: --scale 2 is refused", wrong.returncode == 2 and "expected 0.01 to 1" in wrong.stderr, wrong.stderr.strip())


def test_pd14(check):
    done = benchmark("pd14", "--scale", "0.03", "--seconds", "0.05")
    rows = table(done.stdout)
    check.equal("pd14: rows", [row["ranks x threads"] for row in rows],
                ["1 x 1", "1 x 2", "2 x 1", "floor, 1 thread", "floor, 2 threads"])
    check("pd14: one digest", re.search(r"digest [0-9a-f]{16} in every layout", done.stdout) is not None, done.stderr[-200:])
    check("pd14: figures", all(float(row["real-time factor"]) > 0 for row in rows))


def test_events(check):
    done = benchmark("events", "--scale", "0.005", "--seconds", "0.4")
    rows = table(done.stdout)
    wanted = {"in-degree 100": 50, "in-degree 1,000": 5, "in-degree 10,000": 0.5, "brain, 5 Hz": 5, "brain, 1 Hz": 1,
              "brain, silent": 0, "fallen silent": 0}
    check.equal("events: rows", len(rows), len(wanted) + 2)
    for row in rows:
        hz, found = wanted[row["network"]], float(row["rate (Hz)"])
        spread = 4 * (hz / (float(row["neurons"].replace(",", "")) * 0.4)) ** 0.5 + 0.06 * hz  # phases are drawn
        check(f"events: {row['network']}, {row['ranks x threads']}: clocks at {hz} Hz", abs(found - hz) <= spread, str(found))


def test_procedural(check):
    done = benchmark("procedural", "--scale", "0.0005", "--seconds", "0.05")
    if done.returncode == SKIPPED:
        print("procedural: skipped: this build has no such key")
        return
    rows = table(done.stdout)
    check.equal("procedural: rows", len(rows), 7)
    # what there is belongs to neurons and cells: 500 times the synapses, hardly more bytes
    last = float(rows[-1]["bytes per synapse"])
    check("procedural: no bytes per synapse", rows[-1]["synapses are"] == "procedural" and last < 0.3, f"{last}, limit 0.3")


def test_plastic(check):
    done = benchmark("plastic", "--scale", "0.02", "--seconds", "0.3")
    rows = table(done.stdout)
    check("plastic: a row for every kind, one digest", len(rows) == 6 and rows[0]["synapses are"] == "static", done.stderr[-300:])
    check.equal("plastic: events", [row["events"] for row in rows], [rows[0]["events"]] * 6)


def test_checkpoint(check):
    """A file holds little besides its arrays, and what is saved of a brain little besides its states."""
    done = benchmark("checkpoint", "--scale", "0.1", "--seconds", "0.05")
    rows = table(done.stdout)
    check.equal("checkpoint: rows", [row["what is saved"] for row in rows],
                ["brain, 1 rank", "brain, 2 ranks", "brain of 4 members, 2 ranks"])
    for row in rows:
        check(f"checkpoint: {row['what is saved']}: bytes", float(row["bytes / bytes of all arrays"]) < 1.02,
              row["bytes / bytes of all arrays"])


def test_noise(check):
    if not (BIN / "noise").exists():
        print("skipped: the benchmark of noise was not built")
        return
    rows = table(benchmark("noise", "--seconds", "0.002").stdout)
    check("noise: a figure for every row", len(rows) == 5 and all(float(row["ns"].split()[0]) > 0 for row in rows), str(rows))


def test_peers(check):
    if importlib.util.find_spec("brian2") is None:
        check.equal("peers: left out where there is none", benchmark("peers", "--seconds", "0.3").returncode,
                    SKIPPED if importlib.util.find_spec("nest") is None else 0)
        return
    done = benchmark("peers", "--seconds", "1", "--networks", "cuba")  # compiling one takes 15 s
    rate = {row["simulator"]: float(row["rate (Hz)"]) for row in table(done.stdout)}
    check("peers: rates of CUBA agree", abs(rate["Brian 2"] / rate["Callosum"] - 1) < 0.2, str(rate))


def test_measure(check):
    check.equal("measure: median and range", measure.figure([3, 1, 2.5], 1), "2.5 (1.0-3.0)")
    check.equal("measure: ratios are taken turn by turn", measure.ratio([2, 9, 4], [1, 3, 4], 0), "2 (1-3)")
    # Intervals 1, 1, 3, 3: mean 2, standard deviation 1. The second neuron has too few.
    rate, cv = measure.irregularity([0, 0, 1, 0, 0, 0, 1], [1, 2, 2.5, 3, 6, 9, 9.5], 2, 0, 10)
    check("measure: rate and CV", abs(rate - 7 / 20) < 1e-12 and abs(cv - 0.5) < 1e-12, f"{rate}, {cv}")
    with tempfile.TemporaryDirectory(prefix="callosum_test_") as folder:
        page = pathlib.Path(folder) / "README.md"
        page.write_text("a\n<!-- x -->\nold\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n", encoding="utf-8")
        measure.put(page, "x", "new \\1\n")
        check.equal("measure: a section is replaced", page.read_text(encoding="utf-8"),
                    "a\n<!-- x -->\nnew \\1\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n")
        missing = subprocess.run([sys.executable, ROOT / "benchmarks" / "measure.py", "put", page, "z"], input="", text=True,
                                 capture_output=True, check=False)
        check("measure: a section that is not there is refused", missing.returncode != 0, missing.stderr.strip())
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for name in ("pd14", "noise", "events", "procedural", "plastic", "checkpoint", "kills", "peers"):
        check(f"README has a section for {name}", text.count(f"<!-- {name} -->") == text.count(f"<!-- /{name} -->") == 1)
    wrong = subprocess.run([ROOT / "benchmarks" / "run.sh", "nonsense"], capture_output=True, text=True, check=False)
    check("run.sh: an unknown name is refused", wrong.returncode == 2 and "nonsense" in wrong.stderr, wrong.stderr.strip())


def main():
    if not PROGRAM:
        sys.exit(__doc__)
    check = Checks()
    test_measure(check)
    if FLOOR.exists():
        test_floor(check)
        test_pd14(check)
    else:
        print("skipped: the floor was not built")
    test_noise(check)
    test_events(check)
    test_procedural(check)
    test_plastic(check)
    test_checkpoint(check)
    test_peers(check)
    check.finish()


main()
