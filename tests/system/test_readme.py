"""What the README says is so: its reference is what the program prints, its jobs are jobs, its links and folders exist; and
what `callosum check` expects is what a run then has.

  test_readme.py CALLOSUM
"""
import json
import re

from common import EXAMPLES, JOBS, ROOT, Run, call, testing

README = (ROOT / "README.md").read_text(encoding="utf-8")
MARK = "<!-- callosum reference -->\n"
FOLDERS = {"src", "partition", "io", "assimilation", "jobs", "tests", "benchmarks"}
BYTES = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def reference(check):
    printed = call("reference").stdout
    check("the reference of keys is what the program prints", README.split(MARK)[1] == printed and len(printed) > 10000,
          f"{len(printed)} characters: replace what follows the mark by `callosum reference`")
    for line in call("--help").stdout.splitlines():
        if line.startswith("  callosum "):
            check(f"command line: {line.split()[1]}", line.strip() in README, line.strip())
    for name in re.findall(r"^\w+(?=: .*\((?:neuron|input)\)$)", call("models").stdout, re.MULTILINE):
        check(f"model {name} is named", f"`{name}`" in README)


def jobs(check, folder):
    """Each job is checked as it stands; parts of jobs beside the first one's brain."""
    (folder / "events.tsv").write_text("onset\tduration\ttrial_type\n1\t2\tgo_left\n5\t2\trest\n")
    yaml = blocks("yaml")
    whole = [b for b in yaml if b.startswith("simulation:")]
    check.equal("jobs in the README", (len(yaml), len(whole)), (8, 2))
    brain, written_out = whole
    populations = written_out[:written_out.index("projections:")]
    whole += [populations + b for b in yaml if b.startswith("projections:")]
    for i, text in enumerate(whole + [brain + b for b in yaml if b.startswith("stimuli:")]):
        job = folder / f"job{i}.yaml"
        job.write_text(text)
        done = call("check", job, "--ranks", 2)
        check(f"job {i} is valid", done.returncode == 0 and "is valid" in done.stdout, done.stderr.strip()[:300])
    job = folder / "sweep.yaml"
    job.write_text(brain + next(b for b in yaml if b.startswith("sweep:")))
    check.equal("sweep: points", call("sweep", job, "--points").stdout, "9\n")


def places(check):
    for target in sorted(set(re.findall(r"\]\((?!#|http)([^)]+)\)", README))):
        check(f"link {target}", (ROOT / target).exists())
    titles = {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in re.findall(r"^#+ (.*)$", README, re.MULTILINE)}
    for anchor in re.findall(r"\]\(#([^)]+)\)", README):
        check(f"anchor {anchor}", anchor in titles)
    rows = set(re.findall(r"^\| \[`(\w+)/`\]", README, re.MULTILINE))
    check.equal("map of folders", rows, FOLDERS)
    sources = {p.name for p in (ROOT / "src").iterdir() if p.is_dir()}
    line = next(l for l in README.splitlines() if l.startswith("| [`src/`]"))
    check.equal("folders of src", set(re.findall(r"`(\w+)`", line)), sources)


def size(text, name, column):
    words = re.search(rf"^  {name} +([\d.]+ \w+) +([\d.]+ \w+)", text, re.MULTILINE).groups()[column].split()
    return float(words[0]) * BYTES[words[1]]


def sizes(check, folder):
    """Estimates against a run, within 15 %; nothing is written."""
    for name, job, values in [("brain", EXAMPLES / "demo.yaml", {"brain.neurons": 6000, "simulation.duration_ms": 200,
                                                                "record.warmup_ms": 20, "record.rates": {"bin_ms": 1}}),
                              ("microcircuit", EXAMPLES / "pd14.yaml",
                               {"scale": {"neurons": 0.1, "indegree": 0.1}, "simulation.duration_ms": 100, "record.warmup_ms": 20}),
                              ("plastic", JOBS / "plastic.yaml", {"simulation.duration_ms": 50, "record.warmup_ms": 20,
                                                                     "record.rates": {"bin_ms": 1}})]:
        options = [o for k, v in values.items() for o in ("--set", f"{k}={json.dumps(v)}")]
        done = call("check", job, *options, "--threads", 1)
        s = Run(job, folder / name, values).summary
        expected = float(re.search(r"^synapses +([\d.e+]+) expected", done.stdout, re.MULTILINE).group(1))
        check(f"{name}: synapses", abs(expected / s["synapses"] - 1) < 0.002, f"{expected:.6g} expected, {s['synapses']}")
        store, held = size(done.stdout, "synapses", 0), s["bytes_per_synapse"] * s["synapses"]
        check(f"{name}: bytes of the synapse store", abs(store / held - 1) < 0.15, f"{store:.4g} expected, {held:.4g}")
        rates = float(re.search(r"^  rates.h5 +([\d.]+) kB", done.stdout, re.MULTILINE).group(1)) * 1e3
        there = (folder / name / "rates.h5").stat().st_size
        check(f"{name}: bytes of rates.h5", rates < 3 * there and there < 3 * rates + 2e6, f"{rates:.4g} expected, {there}")
    bad = call("check", EXAMPLES / "demo.yaml", "--set", "brain.neuron=1")
    check("check: bad input", bad.returncode == 2 and "did you mean 'neurons'" in bad.stderr, bad.stderr.strip())
    check("check: an unknown option", call("check", EXAMPLES / "demo.yaml", "--rank", 2).returncode == 2)


def main():
    with testing(__doc__) as (check, folder):
        reference(check)
        jobs(check, folder)
        places(check)
        sizes(check, folder)


main()
