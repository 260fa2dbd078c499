"""Analyses give the same bits on 1, 2, 3 and 4 ranks, also where there are fewer sites than ranks."""

import os
import subprocess
import sys

program = os.path.join(os.path.dirname(os.path.abspath(sys.argv[1])), "assimilation_digest")
if not os.path.exists(program):
    print(f"skipped: {program} is not built")
    sys.exit(77)


def digests(ranks, sites):
    run = subprocess.run(["mpirun", "--oversubscribe", "-n", str(ranks), program, str(sites)], capture_output=True, text=True,
                         timeout=300, check=False)
    assert run.returncode == 0, f"{ranks} ranks: exit code {run.returncode}\n{run.stdout}\n{run.stderr}"
    return dict(line.rsplit(" ", 1) for line in run.stdout.splitlines())


for sites in (3, 26):
    one = digests(1, sites)
    assert len(one) == 30, f"{len(one)} digests instead of 30: {one}"
    # What notices neither localisation nor rotation gives what it gives without, all others something else.
    assert len(set(one.values())) >= 18, one
    for ranks in (2, 3, 4):
        other = digests(ranks, sites)
        wrong = [what for what in one if other.get(what) != one[what]]
        assert not wrong and len(other) == len(one), f"{sites} sites on {ranks} ranks: {', '.join(wrong)} differ"
    print(f"{sites} sites: {len(one)} analyses give the same bits on 1, 2, 3 and 4 ranks")
