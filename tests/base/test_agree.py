"""Runs the unit test of errors on several ranks: agreement across ranks, and one voice in the log."""

import os
import subprocess
import sys

build = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[1])))
candidates = [os.path.join(build, "bin", "base_test_error"), os.path.join(build, "tests", "base_test_error")]
program = next((path for path in candidates if os.path.exists(path)), None)
if program is None:
    print("skipped: base_test_error is not built")
    sys.exit(77)

for ranks in (2, 3):
    run = subprocess.run(["mpirun", "--oversubscribe", "-n", str(ranks), program], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, f"{ranks} ranks: exit code {run.returncode}\n{run.stdout}\n{run.stderr}"
    lines = run.stdout.splitlines()
    assert lines.count("log line of 0") == 1, run.stdout
    assert not any(line.startswith("log line of") and line != "log line of 0" for line in lines), run.stdout
    assert "hidden line" not in run.stdout, run.stdout
    warnings = [line for line in run.stderr.splitlines() if line.startswith("warning: warning of")]
    assert warnings == ["warning: warning of 0"], run.stderr
print("agreement holds on 2 and 3 ranks")
