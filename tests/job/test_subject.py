#!/usr/bin/env python3
"""Key `subject:`: a person's folder fills in what the job leaves open, in both layouts; what it cannot decide is refused with
exit code 2 and the names of what it found; the text that outputs keep runs without it.

  test_subject.py CALLOSUM
"""
import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import DATA, EXAMPLES, call, settings, skip, testing  # noqa: E402

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")

REGIONS, VOLUMES, TR_S = 6, 24, 2
JOB = """\
simulation: {duration_ms: 48000, dt_ms: 1, seed: 1}
subject: person
brain: {neurons: 300, indegree: 20}
assimilation:
  members: 2
  tr_s: 2
  burn_in: 1
  hyperparameters:
    - {name: g, populations: "*", parameter: g_AMPA_mS_cm2, bounds: [0.25, 2]}
  observations:
    - {kind: bold, rescale: {range: [0.02, 0.05]}, relative_error: 0.3}
"""
SHORT = """\
subject: person
simulation: {duration_ms: 5000, dt_ms: 1, seed: 1}
brain: {neurons: 300, indegree: 20}
record: {bold: {tr_s: 1}}
"""
SESSION = "ses-1/"


def v5(name, values):
    """A MATLAB v5 file that holds one matrix of numbers."""
    values = numpy.asarray(values, "<f8")

    def element(kind, data):
        return numpy.array([kind, len(data)], "<u4").tobytes() + data + b"\0" * (-len(data) % 8)

    body = (element(6, numpy.array([6, 0], "<u4").tobytes()) + element(5, numpy.array(values.shape, "<i4").tobytes())
            + element(1, name.encode()) + element(9, values.tobytes(order="F")))
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + element(14, body)


def put(folder, name, data):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def tsv(values, header=None):
    rows = ["\t".join(f"{value:.6g}" for value in row) for row in values]
    return "\n".join(([] if header is None else ["\t".join(header)]) + rows) + "\n"


def made_up():
    """Weights whose two directions differ, lengths, and BOLD as time x region."""
    random = numpy.random.default_rng(1)
    weights = random.uniform(1, 100, (REGIONS, REGIONS)) * (1 - numpy.eye(REGIONS))
    lengths = random.uniform(20, 150, (REGIONS, REGIONS)) * (weights > 0)
    return weights, lengths, 1000 + 10 * random.standard_normal((VOLUMES, REGIONS))


def make_gw(folder):
    weights, lengths, bold = made_up()
    put(folder, "structural/DTI_CM.mat", v5("sc", weights))
    put(folder, "structural/DTI_LEN.mat", v5("len", lengths))
    put(folder, "functional/BOLD_rsfMRI.mat", v5("tc", bold.T))


def make_bids(folder, session=""):
    weights, lengths, bold = made_up()
    names = [f"area{i}" for i in range(REGIONS)]
    put(folder, f"{session}connectivity/sub-1_desc-sift_relmat.tsv", tsv(weights))
    put(folder, f"{session}connectivity/sub-1_meas-meanLength_relmat.tsv", tsv(lengths))
    put(folder, f"{session}connectivity/sub-1_task-rest_meas-PearsonCorrelation_relmat.tsv", tsv(weights))
    put(folder, f"{session}func/sub-1_task-rest_timeseries.tsv", tsv(bold[:, ::-1], names[::-1]))
    put(folder, f"{session}func/sub-1_task-rest_timeseries.json", json.dumps({"RepetitionTime": TR_S}))
    put(folder, f"{session}anat/sub-1_atlas-some_dseg.tsv",
        "index\tname\n" + "".join(f"{i + 1}\t{name}\n" for i, name in enumerate(names)))


def stored(path):
    with h5py.File(path, "r") as file:
        text = file.attrs["job"]
        return text.decode() if isinstance(text, bytes) else str(text)


class Case:
    """A folder with a job in it, and perhaps a subject."""

    def __init__(self, check, folder, name, job=JOB, make=None, **more):
        self.check, self.name, self.folder = check, name, folder / name.replace(" ", "_").replace("/", "_")
        self.folder.mkdir()
        self.job = self.folder / "job.yaml"
        self.job.write_text(job, encoding="utf-8")
        if make:
            make(self.folder / "person", **more)

    def accepted(self, parts, values=None, cwd=None, ranks=None):
        done = call("check", self.job, *settings(values), cwd=cwd, ranks=ranks)
        said = done.stdout + done.stderr
        self.check(f"{self.name}: accepted", done.returncode == 0, said[-300:] if done.returncode else "")
        for part in parts:
            self.check(f"{self.name}: says '{part}'", part in said, "" if part in said else said[-900:])

    def refused(self, parts, values=None):
        done = call("check", self.job, *settings(values))
        lines = done.stderr.strip().splitlines()
        self.check.equal(f"{self.name}: exit code and lines", (done.returncode, len(lines)), (2, 1))
        for part in parts:
            self.check(f"{self.name}: says '{part}'", part in done.stderr, done.stderr[-500:])


def check_layouts(check, folder):
    gw = Case(check, folder, "gw", make=make_gw)
    gw.accepted(["6 regions", "both directions get their mean", "variable tc, 24 volumes"])
    gw.accepted(["both directions get their mean"], ranks=2)
    bids = Case(check, folder, "BIDS", make=make_bids)
    bids.accepted(["6 regions", "both directions get their mean", "one every 2 s", "matched by name"])
    session = Case(check, folder, "BIDS session", make=make_bids, session=SESSION)
    session.accepted(["subject: ", f"{SESSION}connectivity/sub-1_desc-sift_relmat.tsv"])
    session.accepted(["subject: person/ses-1"], {"subject": "person/ses-1"}, cwd=session.folder)
    elsewhere = Case(check, folder, "subject elsewhere")
    elsewhere.accepted(["subject: ../gw/person"], {"subject": "../gw/person"}, cwd=elsewhere.folder)
    elsewhere.job.write_text(JOB.replace("person", str(gw.folder / "person/")), encoding="utf-8")
    elsewhere.accepted(["24 volumes"])
    elsewhere.job.write_text(JOB.replace("person", "../gw/person/"), encoding="utf-8")
    elsewhere.accepted(["24 volumes"])


def check_what_is_open(check, folder):
    """What the job says stays."""
    case = Case(check, folder, "stated", make=make_gw)
    twin = {"assimilation.twin": {}, "assimilation.observations": [{"kind": "bold", "error": 5e-4}]}
    case.accepted(["9 regions"], {"brain.connectome": {"generator": {"regions": 9}}, **twin})
    case.accepted(["not symmetrised"], {"brain.connectome": {"symmetrise": "none"}})
    other = case.folder / "other.csv"
    other.write_text(tsv(made_up()[2][:20]).replace("\t", ","), encoding="utf-8")
    case.accepted(["other.csv: 20 volumes"], {"assimilation.observations.0.file": str(other)})
    (case.folder / "person/functional/BOLD_rsfMRI.mat").unlink()
    case.refused(["job.yaml:2: subject: ", "no BOLD to assimilate", "functional/BOLD_rsfMRI.mat"])
    case.accepted(["regions are units"], twin)
    (case.folder / "person/structural/DTI_LEN.mat").unlink()
    case.accepted(["regions are units"], twin)
    put(case.folder / "person", "functional/BOLD_rsfMRI.mat", v5("tc", made_up()[2].T))
    (case.folder / "person/structural/DTI_CM.mat").unlink()
    case.refused(["no connectome", "structural/DTI_CM.mat", "brain.connectome.file"])


def check_refusals(check, folder):
    Case(check, folder, "no folder").refused(["job.yaml:2: subject: ", "person: No such file"])
    Case(check, folder, "empty").refused(["--set subject=: ", "expected key.path=value"], {"subject": ""})
    case = Case(check, folder, "unknown layout", make=lambda person: put(person, "dwi/some.tsv", "1\t2\n"))
    case.refused(["job.yaml:2: subject: ", "structural/DTI_CM.mat", "connectivity/*_relmat.tsv", "func/*_timeseries.tsv", "ses-*"])
    put(case.folder, "person/x", "no folder")
    case.refused(["person/x: expected the folder of a subject"], {"subject": str(case.folder / "person/x")})
    two = Case(check, folder, "two connectomes", make=make_bids)
    put(two.folder, "person/connectivity/sub-1_desc-count_relmat.tsv", tsv(made_up()[0]))
    two.refused(["holds 2 connectomes, connectivity/sub-1_desc-count_relmat.tsv, connectivity/sub-1_desc-sift_relmat.tsv:",
                 "brain.connectome.file"])
    sessions = Case(check, folder, "two sessions", make=make_bids, session=SESSION)
    make_bids(sessions.folder / "person", "ses-2/")
    sessions.refused(["holds 2 connectomes", "ses-1/connectivity", "ses-2/connectivity"])
    runs = Case(check, folder, "two runs", make=make_bids)
    put(runs.folder, "person/func/sub-1_task-rest_run-2_timeseries.tsv", tsv(made_up()[2]))
    runs.refused(["holds 2 BOLD series", "run-2_timeseries.tsv", "file of the observation"])
    written = Case(check, folder, "no brain", make=make_gw, job="""\
simulation: {duration_ms: 100}
subject: person
populations: [{name: A, n: 20, model: lif_psc_exp}]
""")
    written.refused(["job.yaml:2: subject: ", "expected 'brain'"])
    damaged = Case(check, folder, "damaged", make=make_gw)
    put(damaged.folder, "person/structural/DTI_CM.mat", b"MATLAB 5.0 MAT-file".ljust(60))
    damaged.refused(["job.yaml:2: brain.connectome.file: ", "DTI_CM.mat"])


def check_stored(check, folder):
    """What outputs keep runs again, with the same spikes and without a subject."""
    case = Case(check, folder, "stored", job=SHORT, make=make_bids)
    first = call("run", case.job, "--out", case.folder / "first")
    check.equal("stored: runs", first.returncode, 0)
    check("stored: the measured signal is there", "measured BOLD: sub-1_task-rest_timeseries.tsv" in first.stdout, first.stdout[-600:])
    text = stored(case.folder / "first/bold.h5")
    check("stored: names files, not the subject", "subject:" not in text and "person/func/sub-1" in text, text)
    (case.folder / "again.yaml").write_text(text, encoding="utf-8")
    again = call("run", case.folder / "again.yaml", "--out", case.folder / "second")
    digests = [json.loads((case.folder / name / "summary.json").read_text())["digest"] for name in ("first", "second")
               if (case.folder / name / "summary.json").exists()]
    check("stored: its text runs to the same digest", again.returncode == 0 and len(set(digests)) == 1, again.stderr[-300:])


def check_data(check, folder):
    person = DATA / "gw" / "subjects" / "NAP_002"
    if not person.exists():
        print(f"left out: {person} is not there")
        return
    case = Case(check, folder, "NAP_002", make=lambda place: shutil.copytree(person, place))
    case.accepted(["94 regions", "both directions get their mean", "355 volumes"],
                  {"brain.neurons": 1000})
    rest = call("check", EXAMPLES / "assimilate_rest.yaml", "--set", f"subject={person}")
    words = "assimilate 30 members, letkf, 355 cycles of 2 s"
    check("example: an assimilation of a person at rest", words in rest.stdout, rest.stderr[-300:])


def main():
    with testing(__doc__) as (check, folder):
        folder = pathlib.Path(os.path.realpath(folder))
        check_layouts(check, folder)
        check_what_is_open(check, folder)
        check_refusals(check, folder)
        check_stored(check, folder)
        check_data(check, folder)


main()
