"""Runs the tests of lists of synapses on several ranks: each reads its own part."""

import os
import subprocess
import sys

program = os.path.join(os.path.dirname(os.path.abspath(sys.argv[1])), "edges_test_edges")
if not os.path.exists(program):
    print(f"skipped: {program} is not built")
    sys.exit(77)

for ranks in (2, 3):
    command = ["mpirun", "--oversubscribe", "-n", str(ranks), program]
    environment = dict(os.environ, OMPI_MCA_mpi_yield_when_idle="1")
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    passed = (run.stdout + run.stderr).count("[  PASSED  ]")
    assert run.returncode == 0 and passed == ranks, f"{ranks} ranks: {run.returncode}\n{run.stdout}\n{run.stderr}"
    print(f"lists of synapses hold on {ranks} ranks")
