"""Measured connectomes as they are published: each runs, and each decision about untidy tables is in the log.

  test_tvb.py CALLOSUM
"""
import re

from common import JOBS, Run, data, testing

# What a log must say of each: regions of the table, and lines with the numbers counted by hand in the tables.
DROPPED = r"brain: (\d+) regions of zero size without connections are dropped: (.*)"
EQUAL = r"brain: (\d+) of (\d+) regions have no area, so all regions get equal sizes: (.*)"
UNKNOWN = r"brain: no areas and no volumes are known, so all regions get equal sizes"
BY_AREA = r"brain: neurons in proportion to the areas of regions"
ALONE = r"brain: (\d+) regions have no long-range input, its share is given to local E: (.*)"
EUCLIDEAN = r"brain: (\d+) tracts have length 0, the distance between the centres is taken instead: (.*)"
ONE_STEP = r"brain: (\d+) tracts have length 0 and no distance between known centres, their delay is one step: (.*)"
REPEATED = r"(\d+) repeated region names"
SHORTAGE = r"warning: brain: (\d+) of (\d+) projections have too few distinct sources"


class Tables:
    """The tables of a zip, read here with numpy alone; what follows from them by the rules for untidy ones."""

    def __init__(self, path):
        import bz2
        import io
        import zipfile

        import numpy
        with zipfile.ZipFile(path) as archive:
            members = {}
            for name in archive.namelist():
                text = archive.read(name)
                base = name.rsplit("/", 1)[-1]
                members[base.removesuffix(".bz2")] = bz2.decompress(text) if base.endswith(".bz2") else text
        read = lambda name, **how: numpy.loadtxt(io.BytesIO(members[name]), **how)
        weights, lengths = read("weights.txt"), read("tract_lengths.txt")
        centres = read("centres.txt", dtype=str)
        self.names, xyz = centres[:, 0].tolist(), centres[:, 1:4].astype(float)
        numpy.fill_diagonal(weights, 0)
        tract = weights > 0
        areas = read("areas.txt").ravel() if "areas.txt" in members else None
        self.regions = len(weights)
        connected = tract.any(0) | tract.any(1)
        self.has_areas = areas is not None and (areas > 0).any()
        self.kept = connected | (areas > 0) if self.has_areas else numpy.full(self.regions, True)
        self.dropped = int((~self.kept).sum())
        self.no_area = int((self.kept & ~(areas > 0)).sum()) if self.has_areas else 0
        self.alone = int((self.kept & ~tract.any(1)).sum())
        self.tracts = int(tract.sum())
        unmeasured = numpy.argwhere(tract & (lengths == 0))
        apart = [bool((xyz[i] != xyz[j]).any()) for i, j in unmeasured]
        self.euclidean, self.one_step = sum(apart), len(apart) - sum(apart)
        self.repeated = self.regions - len(set(self.names))


# As the data's own description counts them: the reading above is held to it.
KNOWN = {66: {}, 68: {}, 76: {"dropped": 2}, 96: {"no_area": 14},
         192: {"dropped": 2, "no_area": 116, "alone": 10, "one_step": 22}, 998: {"alone": 9, "repeated": 932}}


def number(text, pattern):
    """The number of a line of the log and how many names follow it; 0 where the line is absent."""
    found = re.search(pattern, text)
    if not found:
        return 0
    listed = found.groups()[-1]
    if not listed.isdigit() and "..." not in listed and " more" not in listed:
        assert len(listed.split(", ")) == int(found.group(1)), found.group()
    return int(found.group(1))


def examine(check, name, path, run):
    tables, text = Tables(path), run.stdout + run.stderr
    for key, value in KNOWN[tables.regions].items():
        check.equal(f"{name}: known of the table: {key}", getattr(tables, key), value)
    kept = tables.regions - tables.dropped
    check(f"{name}: regions kept", f"brain: {kept} regions, 6000 neurons" in text or tables.regions == 998, str(kept))
    check(f"{name}: tracts", f": {tables.tracts} tracts" in text, str(tables.tracts))
    for what, pattern, expected in [
            ("regions dropped", DROPPED, tables.dropped), ("regions without area", EQUAL, tables.no_area),
            ("regions without long-range input", ALONE, tables.alone),
            ("Euclidean lengths", EUCLIDEAN, tables.euclidean), ("lengths of one step", ONE_STEP, tables.one_step),
            ("repeated names", REPEATED, tables.repeated)]:
        check.equal(f"{name}: {what}", number(text, pattern), expected)
    check(f"{name}: sizes", bool(re.search(UNKNOWN, text)) == (not tables.has_areas)
          and bool(re.search(BY_AREA, text)) == (tables.has_areas and tables.no_area == 0))
    dropped = re.search(DROPPED, text)
    if dropped:
        gone = {n for n, k in zip(tables.names, tables.kept) if not k}
        check.equal(f"{name}: names of dropped regions", set(dropped.group(2).split(", ")), gone)
    return kept


def recorded(check, name, run, kept):
    import h5py
    with h5py.File(run.out / "bold.h5", "r") as file:
        names = [n.decode() for n in file["regions/name"][()]]
        check.equal(f"{name}: regions of the recording", (len(names), len(set(names)), file["bold/data"].shape),
                    (kept, kept, (5, kept)))
        largest, spread = abs(file["bold/data"][()]).max(), file["bold/data"][()].std()
        check(f"{name}: BOLD is finite and moves", largest < 1 and spread > 0, f"at most {largest:.3g}, SD {spread:.3g}")
    with h5py.File(run.out / "rates.h5", "r") as file:
        check.equal(f"{name}: populations", file["rates/data"].shape, (50, 2 * kept))


def main():
    with testing(__doc__) as (check, folder):
        for regions in KNOWN:
            path = data("tvb", f"connectivity_{regions}.zip")
            neurons = 20000 if regions == 998 else 6000
            run = Run(JOBS / "measured.yaml", folder / str(regions),
                      {"brain.connectome": f"{{file: {path}}}", "brain.neurons": neurons}, ranks=2)
            s, what = run.summary, f"{regions} regions"
            check.equal(f"{what}: exit code and status", (run.code, s.get("status")), (0, "done"))
            check.equal(f"{what}: neurons and synapses", (s.get("neurons"), s.get("synapses")), (neurons, neurons * 50))
            check(f"{what}: active", s.get("spikes", 0) > 1000 and 0.5 < s.get("mean_rate_hz", 0) < 100,
                  f"{s.get('spikes')} spikes, {s.get('mean_rate_hz')} Hz, digest {run.digest}")
            kept = examine(check, what, path, run)
            recorded(check, what, run, kept)
            shortage = re.search(SHORTAGE, run.stderr)
            # A neuron draws 29 synapses from E and 7 from I neurons of its region, 14 from other regions. Equal regions
            # of a small table have at least 50 and 12; those of 192 and 998 do not, nor do the smallest of 76.
            check.equal(f"{what}: too few distinct sources are warned of", bool(shortage), regions in (76, 192, 998))


main()
