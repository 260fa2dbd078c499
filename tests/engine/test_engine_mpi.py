"""Runs the engine's tests on several ranks: spikes cross between them, and the answers stay the same."""

import os
import subprocess
import sys

build = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[1])))
programs = [os.path.join(build, "bin", name) for name in ("engine_test_engine", "engine_test_direct", "engine_test_plastic", "engine_test_split", "engine_test_keep", "engine_test_scale")]
missing = [path for path in programs if not os.path.exists(path)]
if missing:
    print(f"skipped: {missing[0]} is not built")
    sys.exit(77)

# There are more threads than cores: those that wait give way, or the tests take minutes.
environment = dict(os.environ, GOMP_SPINCOUNT="400", OMPI_MCA_mpi_yield_when_idle="1")

for program in programs:
    # The long ones run on three ranks alone, which has all that two have.
    for ranks in (3,) if program.endswith(("_plastic", "_keep", "_scale")) else (2, 3):
        command = ["mpirun", "--oversubscribe", "-n", str(ranks), program]
        run = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
        assert run.returncode == 0, f"{program}, {ranks} ranks: exit code {run.returncode}\n{run.stdout}\n{run.stderr}"
        passed = (run.stdout + run.stderr).count("[  PASSED  ]")
        assert passed == ranks, f"{program}: {passed} of {ranks} ranks passed\n{run.stdout}\n{run.stderr}"
        print(f"{os.path.basename(program)} holds on {ranks} ranks")
