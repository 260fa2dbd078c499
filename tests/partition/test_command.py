"""callosum partition: the table, the file of owners, refusals; and the placement of a measured connectome."""
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("CALLOSUM_DATA", ROOT / ".." / "shared" / "data"))
DEMO = """
simulation: {duration_ms: 100, dt_ms: 0.1, seed: 1}
brain: {connectome: {generator: {regions: 40}}, neurons: 8000, indegree: 50}
"""


def partition(*arguments):
    return subprocess.run([PROGRAM, "partition", *map(str, arguments)], capture_output=True, text=True, timeout=120)


def table(output):
    """Rows of numbers by method; balance is the largest of the three."""
    lines = output.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("method"))
    rows = {}
    for line in lines[start + 1:]:
        words = line.split()
        if words[0] in ("metis", "contiguous", "round_robin"):
            numbers = list(map(float, words[1:]))
            rows[words[0]] = {"balance": max(numbers[:3]), "cut": numbers[3], "messages": numbers[4],
                              "links": numbers[5], "nodes": numbers[6:-1], "seconds": numbers[-1]}
    return rows


def table_of_all_methods(job):
    done = partition(job, "--ranks", 6, "--method", "all", "--ranks-per-node", 2)
    assert done.returncode == 0, done.stderr
    rows = table(done.stdout)
    assert list(rows) == ["metis", "contiguous", "round_robin"], done.stdout
    assert rows["metis"]["balance"] <= 1.05
    assert rows["metis"]["messages"] < min(rows["contiguous"]["messages"], rows["round_robin"]["messages"])
    for row in rows.values():
        assert row["messages"] > row["nodes"][0] > row["nodes"][1] > 0, row
        assert row["links"] <= 5
    assert table(partition(job, "--ranks", 1).stdout)["metis"]["messages"] == 0


def owners_file(job, folder):
    name = folder / "owners.tsv"
    for method in ("metis", "contiguous", "round_robin"):
        done = partition(job, "--ranks=3", f"--method={method}", "--set", "brain.neurons=6000", "--out", name)
        assert done.returncode == 0, done.stderr
        lines = name.read_text().splitlines()
        header = [line for line in lines if line.startswith("#")]
        assert f"# method: {method}" in header and "# ranks: 3" in header
        rows = [line.split("\t") for line in lines[len(header) + 1:]]
        assert lines[len(header)] == "block\tpopulation\tfirst\tneurons\towner"
        assert sum(int(row[3]) for row in rows) == 6000
        assert {int(row[4]) for row in rows} == {0, 1, 2}
        load = [sum(int(row[3]) for row in rows if int(row[4]) == rank) for rank in range(3)]
        balance = table(done.stdout)[method]["balance"]
        assert abs(max(load) / 2000 - balance) < 0.02, (load, balance)
        first = name.read_bytes()
        assert partition(job, "--ranks=3", f"--method={method}", "--set", "brain.neurons=6000", "--out",
                         name).returncode == 0
        assert name.read_bytes() == first
    assert not (folder / "owners.tsv.part").exists()


def refusals(job, folder):
    for arguments, words in [
        ([job], "--ranks"),
        ([job, "--ranks", "0"], "--ranks 0: expected a whole number"),
        ([job, "--ranks", "4x"], "--ranks 4x"),
        ([job, "--ranks"], "expected a value"),
        (["--ranks", "4"], "expected a job file"),
        ([job, job, "--ranks", "4"], "expected one job file"),
        ([job, "--ranks", "4", "--method", "magic"], "--method magic: expected metis, contiguous"),
        ([job, "--ranks", "4", "--colour"], "option --colour: unknown"),
        ([job, "--ranks", "4", "--out", folder / "none" / "x"], "cannot be written"),
        ([job, "--ranks", "4", "--method", "all", "--out", folder / "x"], "not all"),
        ([job, "--ranks", "4", "--ranks-per-node", "-1"], "--ranks-per-node -1"),
        ([job, "--ranks", "4", "--set", "brain.neurons=some"], "neurons"),
        ([folder / "none.yaml", "--ranks", "4", "--out", folder / "x"], "none.yaml"),
    ]:
        done = partition(*arguments)
        assert done.returncode == 2, (arguments, done.returncode, done.stderr)
        message = done.stderr.strip().splitlines()
        assert len(message) == 1 and message[0].startswith("callosum: ") and words in message[0], done.stderr
    assert not (folder / "x").exists() and not (folder / "x.part").exists()
    assert partition("--help").returncode == 0


def measured_connectome(folder):
    file = (DATA / "tvb" / "connectivity_998.zip").resolve()
    if not file.exists():
        print(f"skipped: {file} is not there")
        return False
    job = folder / "brain998.yaml"
    job.write_text(f"simulation: {{duration_ms: 100, dt_ms: 0.1, seed: 1}}\n"
                   f"brain: {{connectome: {{file: {file}}}, neurons: 1000000, indegree: 100}}\n")
    done = partition(job, "--ranks", 4, "--method", "all")
    assert done.returncode == 0, done.stderr
    rows = table(done.stdout)
    print(done.stdout)
    assert rows["metis"]["balance"] <= 1.05
    assert rows["metis"]["messages"] < 0.9 * rows["contiguous"]["messages"] < rows["round_robin"]["messages"]
    return True


with tempfile.TemporaryDirectory() as name:
    scratch = pathlib.Path(name)
    demo = scratch / "demo.yaml"
    demo.write_text(DEMO)
    table_of_all_methods(demo)
    owners_file(demo, scratch)
    refusals(demo, scratch)
    measured_connectome(scratch)
print("ok")
