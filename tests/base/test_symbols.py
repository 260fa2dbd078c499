"""No object that reaches the spikes may call a function of the C library whose bits depend on the processor.

Those that IEEE 754 rounds exactly (sqrt, fma, floor, ceil, rint, nearbyint, lrint, llrint, trunc, round) are
fine; for the others there is base/math.h.
"""

import os
import subprocess
import sys

NAMES = """exp exp2 exp10 expm1 log log2 log10 log1p pow sin cos tan sincos asin acos atan atan2 sinh cosh tanh
asinh acosh atanh cbrt hypot tgamma lgamma lgamma_r gamma erf erfc j0 j1 jn y0 y1 yn
drand48 rand random srand""".split()
FORBIDDEN = {prefix + name + suffix + end
             for name in NAMES for suffix in ("", "f", "l") for prefix, end in (("", ""), ("__", "_finite"))}

build = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[1])))
library = os.path.join(build, "libcallosum.a")
if not os.path.exists(library):
    sys.exit(f"{library} does not exist")


def offences(lines):
    found, member = [], "?"
    for line in lines:
        line = line.strip()
        if line.endswith(":"):
            member = line[:-1]
        elif line.startswith("U "):
            symbol = line[2:].split("@")[0]
            if symbol in FORBIDDEN or symbol.startswith("_ZGV"):  # the vector variants of libmvec
                found.append(f"{member}: {symbol}")
    return found


# The check itself must see what it looks for.
assert offences(["a.o:", "   U pow", "b.o:", " U sqrt", " U sinf@GLIBC_2.2.5", " U _ZGVbN4v_expf"]) == \
    ["a.o: pow", "b.o: sinf", "b.o: _ZGVbN4v_expf"]

listing = subprocess.run(["nm", "--undefined-only", library], capture_output=True, text=True, check=True).stdout.splitlines()
objects = [line for line in listing if line.strip().endswith(".o:")]
assert len(objects) >= 6, f"only {len(objects)} objects in {library}"
assert any(line.strip().startswith("U cls_exp") for line in listing), "nothing calls cls_exp: is this the right library?"
bad = offences(listing)
assert not bad, "calls of the C library whose bits depend on the processor: " + ", ".join(bad)
print(f"{len(objects)} objects, none of them calls a forbidden function")
