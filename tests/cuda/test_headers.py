"""Keeps the model headers fit for the GPU: one kernel per header is compiled with warnings as errors. Skipped (77) in builds
without CUDA."""

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import builds

ROOT = str(builds.ROOT)
FLAGS = ["-std=c++17", "--fmad=false", "-Werror", "all-warnings", "-arch=sm_90"]

NEURON = """
#include "model/{name}.h"
/* Loads the structs of one neuron, advances it and stores them again, as a GPU backend does. */
__global__ void advance({name}_state *state, const {name}_const *konst, const {name}_input *input, const float *current,
                        int *spiked, int n) {{
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  {name}_state s = state[i];
  {name}_const k = konst[i];
  {name}_input in = input[i];
  spiked[i] = {name}_step(&s, &k, &in, current[i]);
  state[i] = s;
}}
"""

# Input models and the haemodynamics: what each header offers, called as a kernel would.
KERNELS = {
    "poisson": """
#include "model/poisson.h"
__global__ void draw(const uint32_t *threshold, int thresholds, float weight, uint2 key, uint32_t step, float *input,
                     int n) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  const uint32_t words[2] = {key.x, key.y};
  uint32_t half = cls_noise_half(words, (uint32_t)i, step, 0u, 0u);
  input[i] += weight * (float)poisson_count(threshold, thresholds, half, words, (uint32_t)i, step, 0u, 0u);
}
""",
    "dc": """
#include "model/dc.h"
__global__ void add(const float *amplitude, float level, float *current, int n) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) current[i] = dc_step(amplitude[i], level, current[i]);
}
""",
    "ou": """
#include "model/ou.h"
__global__ void relax(float *state, const float *relax, const float *mean, const float *kick, uint2 key, uint32_t step,
                      float level, float *current, int n) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  const uint32_t words[2] = {key.x, key.y};
  state[i] = ou_step(state[i], relax[i], mean[i], kick[i], cls_noise_word(words, (uint32_t)i, step, 0u, 0u));
  current[i] = fmaf(level, state[i], current[i]);
}
""",
    "spike_train": """
#include "model/spike_train.h"
/* One thread per neuron of a range: the events of a step are few. */
__global__ void add(const uint64_t *event, int events, uint32_t first, const float *weight, float *input, int n) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  uint32_t neuron = first + (uint32_t)i;
  int count = 0;
  for (int e = spike_train_find(event, events, neuron); e < events && (uint32_t)event[e] == neuron; e++) count++;
  input[i] = spike_train_step(weight[i], count, input[i]);
}
""",
    "spike_trace": """
#include "model/spike_trace.h"
__global__ void decay(cls_spike_trace trace, const float *before, int64_t steps, float *now, int n) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) now[i] = cls_spike_trace_after(&trace, before[i], steps);
}
""",
    "stdp": """
#include "model/stdp.h"
/* One thread per synapse of a run. */
__global__ void pair(cls_stdp_const rule, int32_t *v, const float *x, const float *y, float x3, float y3, int n) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) v[i] = cls_stdp_pre(&rule, cls_stdp_post(&rule, v[i], x[i], y3), y[i], x3);
}
""",
    "short_term": """
#include "model/short_term.h"
__global__ void spike(cls_short_term_const rule, cls_short_term_state *state, int64_t steps, int n) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) state[i] = steps < 0 ? cls_short_term_first(&rule) : cls_short_term_next(&rule, state[i], steps);
}
""",
    "balloon": """
#include "model/balloon.h"
__global__ void advance(cls_balloon *state, cls_balloon_params params, const double *activity, double dt_s,
                        double *signal, int n) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  const cls_balloon_consts consts = cls_balloon_derive(params);
  cls_balloon b = state[i];
  cls_balloon_step(&b, &consts, activity[i], dt_s);
  signal[i] = cls_balloon_signal(&b, &consts);
  state[i] = b;
}
""",
}


def sources():
    """Name and kernel of every model header: a neuron declares itself with CLS_DECLARE_NEURON."""
    folder = os.path.join(ROOT, "src", "model")
    found = {}
    for file in sorted(os.listdir(folder)):
        name, extension = os.path.splitext(file)
        if extension != ".h" or name in ("model", "mechanism", "kernel", "lif", "quadratic"):
            continue
        with open(os.path.join(folder, file), encoding="utf-8") as header:
            text = header.read()
        if f"CLS_DECLARE_NEURON({name})" in text:
            found[name] = NEURON.format(name=name)
        else:
            found[name] = KERNELS.get(name)
    return found


def main():
    _, nvcc = builds.cuda_build(sys.argv[1])
    found = sources()
    unknown = [name for name, kernel in found.items() if kernel is None]
    assert not unknown, f"no kernel is written here for the headers of {unknown}"
    with open(os.path.join(ROOT, "src", "model", "registry.c"), encoding="utf-8") as registry:
        expected = set(re.findall(r"^  X\((\w+)\)", registry.read(), re.M)) - {"inhomogeneous_poisson"} | {"balloon"}
    assert expected <= set(found), f"headers are missing: {expected - set(found)}"
    includes = [f"-I{os.path.join(ROOT, 'src')}", *mpi_includes()]
    with tempfile.TemporaryDirectory() as folder:

        def compiled(name):
            path = os.path.join(folder, f"{name}.cu")
            with open(path, "w", encoding="utf-8") as file:
                file.write(found[name])
            command = [nvcc, *FLAGS, *includes, "-c", path, "-o", os.path.join(folder, f"{name}.o")]
            return subprocess.run(command, capture_output=True, text=True, check=False)

        failures = 0
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for name, result in zip(found, pool.map(compiled, found)):
                print(f"{name}: {'compiles' if result.returncode == 0 else 'FAILS'}")
                if result.returncode != 0:
                    print(result.stdout + result.stderr)
                    failures += 1
    return 1 if failures else 0


def mpi_includes():
    """base.h includes mpi.h."""
    result = subprocess.run(["pkg-config", "--cflags-only-I", "mpi-c"], capture_output=True, text=True, check=True)
    return result.stdout.split()


if __name__ == "__main__":
    sys.exit(main())
