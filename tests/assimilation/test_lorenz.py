"""Filters on Lorenz's systems: the median error of each row of the published table (assimilation_lorenz says how), and divergences.

  test_lorenz.py CALLOSUM [CYCLES [SEEDS]]      (1000, 5: half a minute)
"""

import os
import subprocess
import sys

program = os.path.join(os.path.dirname(os.path.abspath(sys.argv[1])), "assimilation_lorenz")
if not os.path.exists(program):
    print(f"skipped: {program} is not built")
    sys.exit(77)

ROWS = 13


def tolerance(name, published):
    """Lorenz-63 varies more between seeds; the climate's spread is of another size."""
    return .08 if name.startswith("L63") else .02 if published < 1 else .1


run = subprocess.run([program, *sys.argv[2:]], capture_output=True, text=True, timeout=1500, check=False)
print(run.stdout)
assert run.returncode == 0, f"exit code {run.returncode}: {run.stderr}"
lines = [[part.strip() for part in line.split("|")] for line in run.stdout.splitlines()]
assert len(lines) == ROWS, f"{len(lines)} rows instead of {ROWS}"
wrong, diverged = [], 0
for name, median, published, divergences, _ in lines:
    diverged += int(divergences.split()[0])
    # As exact as figures of two or three digits are: .2195 is within .02 of .20.
    if not abs(float(median) - float(published)) <= tolerance(name, float(published)) + 5e-4:
        wrong.append(f"{name}: {median} instead of {published} +- {tolerance(name, float(published))}")
assert not wrong, "; ".join(wrong)
print(f"{len(lines)} rows agree with the published ones, {diverged} runs diverged")
