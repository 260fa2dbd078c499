"""The Balloon-Windkessel model (src/model/balloon.h) against SciPy's solve_ivp: explicit Euler at 1 ms is as near to the
largest |y| after the onset as the page of models states, and of first order as the step shrinks."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile

import numpy
from scipy.integrate import solve_ivp

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT + "/tests/system")
from common import Checks, hold, orders  # noqa: E402

PROGRAM = """
#include "model/balloon.h"
void series(const double *u, long n, double dt_s, double *y);
void series(const double *u, long n, double dt_s, double *y) {
  cls_balloon_consts c = cls_balloon_derive(cls_balloon_default());
  cls_balloon b = cls_balloon_rest();
  for (long i = 0; i < n; i++) {
    cls_balloon_step(&b, &c, u[i], dt_s);
    y[i] = cls_balloon_signal(&b, &c);
  }
}
"""
ONSET_S, OFFSET_S, END_S = 1.0, 4.0, 20.0
REST, ACTIVE = 0.002, 0.008  # fraction of neurons per ms: 2 and 8 spikes per second
EPSILON, TAU_S, TAU_F, TAU_0, ALPHA, E0, V0 = 200, 0.8, 0.4, 1.0, 0.2, 0.8, 0.02


def build(folder, compiler):
    source, library = os.path.join(folder, "series.c"), os.path.join(folder, "series.so")
    with open(source, "w", encoding="utf-8") as file:
        file.write(PROGRAM)
    subprocess.run([compiler, "-std=gnu11", "-O2", "-ffp-contract=off", "-shared", "-fPIC", "-I", ROOT + "/src", source,
                    ROOT + "/src/base/math.c", "-lm", "-o", library], check=True)
    function = ctypes.CDLL(library).series
    pointer = ctypes.POINTER(ctypes.c_double)
    function.argtypes = [pointer, ctypes.c_long, ctypes.c_double, pointer]

    def series(u, dt_s):
        u, y = numpy.ascontiguousarray(u), numpy.empty(len(u))
        function(u.ctypes.data_as(pointer), len(u), dt_s, y.ctypes.data_as(pointer))
        return y

    return series


def slope(_, state, u):
    s, f, v, q = state
    return [EPSILON * u - s / TAU_S - (f - 1) / TAU_F, s, (f - v ** (1 / ALPHA)) / TAU_0,
            (f * (1 - (1 - E0) ** (1 / f)) / E0 - q * v ** (1 / ALPHA - 1)) / TAU_0]


def exact(times):
    """The signal at `times`: each stretch of constant input solved on its own."""
    state, pieces = [0.0, 1.0, 1.0, 1.0], []
    for begin, end, u in ((0, ONSET_S, REST), (ONSET_S, OFFSET_S, ACTIVE), (OFFSET_S, END_S, REST)):
        inside = times[(times > begin + 1e-9) & (times <= end + 1e-9)]
        solution = solve_ivp(slope, (begin, end), state, method="DOP853", t_eval=numpy.minimum(inside, end), args=(u,),
                             rtol=1e-11, atol=1e-13)
        pieces.append(solution.y)
        state = solution.y[:, -1]
    s, f, v, q = numpy.concatenate(pieces, axis=1)
    return V0 * (7 * E0 * (1 - q) + 2 * (1 - q / v) + (2 * E0 - 0.2) * (1 - v))


def error(series, dt_s):
    steps = int(round(END_S / dt_s))
    times = numpy.arange(1, steps + 1) * dt_s
    begin = numpy.arange(steps) * dt_s
    u = numpy.where((begin > ONSET_S - dt_s / 2) & (begin < OFFSET_S - dt_s / 2), ACTIVE, REST)
    truth = exact(times)
    after = times > ONSET_S
    return numpy.abs(series(u, dt_s) - truth)[after].max() / numpy.abs(truth[after]).max()


def main():
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        print("skipped: no C compiler")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        series = build(folder, compiler)
        errors = [error(series, dt_s) for dt_s in (2e-3, 1e-3, 5e-4, 2.5e-4)]
        ratios = [a / b for a, b in zip(errors, errors[1:])]
        print("error at 2, 1, .5, .25 ms:", errors, "ratios:", ratios)
        check = Checks()
        hold(check, "balloon", "scipy", 100 * errors[1])
        check("balloon: order", all(1.9 < ratio ** (1 / orders("balloon")[0]) < 2.1 for ratio in ratios), ratios)
        silent, floored = series(numpy.zeros(1000), 1e-3), series(numpy.full(1000, 1e-5), 1e-3)
        assert numpy.array_equal(silent, floored) and silent[-1] != 0  # activity is floored at 1e-5
        burst = series(numpy.concatenate([numpy.full(2000, 1.0), numpy.zeros(8000)]), 1e-3)
        assert numpy.isfinite(burst).all()  # flow is driven far below zero by the undershoot: floors hold it
    check.finish()


sys.exit(main())
