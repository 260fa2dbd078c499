"""What every kernel takes of a GPU, as the compiler said when this build was made: registers, shared memory, stack. A kernel
that keeps values in memory because it has run out of registers, or because they are an array whose index the compiler does not
know, is slow without a message; so it fails here unless ALLOWED tells why. Skipped (77) in builds without CUDA."""

import re
import shutil
import subprocess
import sys

import builds

# Kernel or function of a kernel -> bytes of stack, bytes of spills (stores and loads), the reason. At most so much on any GPU.
ALLOWED = {
    "currents": (96, 0, "which of a neuron's currents is wanted is known at run time only; runs where currents are recorded"),
}

ENTRY = re.compile(r"ptxas info +: Compiling entry function '(\w+)' for '(\w+)'")
PROPERTIES = re.compile(r"ptxas info +: Function properties for (\w+)")
STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"ptxas info +: Used (\d+) registers(?:.*?(\d+) bytes smem)?")


def read(text):
    """The rows of a table: name, GPU, registers, bytes shared, of stack, of spills. Functions that kernels call have no registers
    of their own."""
    rows, name, gpu, stack, entry = [], None, None, None, None
    for line in text.splitlines():
        if found := ENTRY.match(line):
            entry, gpu = found.groups()
        elif found := PROPERTIES.match(line):
            name = found.group(1)
        elif found := STACK.search(line):
            frame, stores, loads = map(int, found.groups())
            if name == entry:
                stack = (frame, stores + loads)
            else:
                rows.append((name, gpu, None, None, frame, stores + loads))
        elif found := USED.match(line):
            rows.append((entry, gpu, int(found.group(1)), int(found.group(2) or 0), *stack))
    return rows


def readable(rows):
    """With the names of the source."""
    if not shutil.which("c++filt"):
        return rows
    names = subprocess.run(["c++filt", "-p"], input="\n".join(row[0] for row in rows), capture_output=True, text=True,
                           check=True).stdout.split("\n")
    return [(re.sub(r"^(_INTERNAL_\w+|\(anonymous namespace\))::", "", name), *row[1:]) for name, row in zip(names, rows)]


def table(rows):
    lines = [("kernel", "GPU", "registers", "shared", "stack", "spills")]
    lines += [tuple("-" if value is None else str(value) for value in row) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(6)]
    return "\n".join("  ".join(value.ljust(width) if i < 2 else value.rjust(width)
                               for i, (value, width) in enumerate(zip(line, widths))) for line in lines)


def judge(rows, allowed):
    """What is wrong with the rows, one line each."""
    wrong = [f"'{name}' is allowed to use memory, but there is no such kernel"
             for name in allowed if name not in {row[0] for row in rows}]
    for name, gpu, _, _, stack, spills in rows:
        most = allowed.get(name, (0, 0, ""))
        if stack > most[0]:
            wrong.append(f"{name} on {gpu}: a stack of {stack} bytes, expected at most {most[0]}")
        if spills > most[1]:
            wrong.append(f"{name} on {gpu}: {spills} bytes of spills, expected at most {most[1]}")
    return wrong


def check_ourselves():
    """This test must see what it looks for: two GPUs, a kernel that calls a function and one that spills."""
    rows = read("""ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z4stepv' for 'sm_80'
ptxas info    : Function properties for _Z4stepv
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 26 registers, used 1 barriers, 128 bytes smem, 376 bytes cmem[0]
ptxas info    : Function properties for rare
    16 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Compiling entry function '_Z4stepv' for 'sm_90'
ptxas info    : Function properties for _Z4stepv
    8 bytes stack frame, 12 bytes spill stores, 20 bytes spill loads
ptxas info    : Used 255 registers, used 1 barriers, 8 bytes cumulative stack size
""")
    assert rows == [("_Z4stepv", "sm_80", 26, 128, 0, 0), ("rare", "sm_80", None, None, 16, 0),
                    ("_Z4stepv", "sm_90", 255, 0, 8, 32)], rows
    assert len(judge(rows, {})) == 3
    assert judge(rows, {"rare": (16, 0, ""), "_Z4stepv": (8, 31, "")}) == \
        ["_Z4stepv on sm_90: 32 bytes of spills, expected at most 31"]
    assert len(judge(rows, {"rare": (16, 0, ""), "_Z4stepv": (8, 32, ""), "gone": (1, 1, "")})) == 1


def main():
    check_ourselves()
    build, _ = builds.cuda_build(sys.argv[1])
    objects = build / "CMakeFiles" / "callosum.dir" / "src" / "backend" / "cuda"
    sources = sorted(builds.SOURCES.glob("*.cu"))
    if not sources:
        builds.skip("there are no kernels")
    rows = []
    for source in sources:
        report = objects / f"{source.name}.o.resources"
        assert report.exists(), f"{report} does not exist: is {source.name} compiled by this build?"
        found = read(report.read_text(encoding="utf-8"))
        assert found, f"{report} tells of no kernel"
        rows += found
    rows = readable(rows)
    print(table(rows))
    for name, (stack, spills, reason) in ALLOWED.items():
        print(f"allowed: {name}, {stack} bytes of stack and {spills} of spills: {reason}")
    wrong = judge(rows, ALLOWED)
    print("\n".join(wrong) if wrong else f"{len(rows)} compiled kernels and functions, none beyond what is allowed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
