/* The balloon model of every group, advanced by what its neurons fired: one thread for a group, in double precision, with the
 * bits of the CPU. */
#include "backend/cuda/volumes.h"
#include <string.h>

enum { THREADS = CLS_GPU_THREADS };

CLS_KERNEL(volumes, THREADS)(const cls_gpu_volumes_args args) {
  const uint64_t g = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
  if (g >= args.groups) return;
  cls_balloon_consts consts;
  double bin_s;
  memcpy(&consts, args.consts, sizeof consts);
  memcpy(&bin_s, &args.bin_s, sizeof bin_s);
  const uint64_t size = args.size[g];
  cls_balloon state = args.state[g];
  uint64_t during = args.during[g], volume = 0;
  for (uint64_t k = 0; k < args.bins; k++) {
    uint32_t *count = &args.count[k * args.groups + g];
    const double u = size > 0 ? (double)*count / (double)size : 0;
    cls_balloon_step(&state, &consts, u, bin_s);
    during += *count;
    *count = 0;
    if ((args.first + (int64_t)k + 1) % args.bins_of_volume != 0) continue;
    args.signal[volume * args.groups + g] = cls_balloon_signal(&state, &consts);
    args.spikes[volume * args.groups + g] = during;
    during = 0;
    volume++;
  }
  if (args.goes_on && args.bins > 0) {
    uint32_t *last = &args.count[args.bins * args.groups + g];
    args.count[g] = *last;
    *last = 0;
  }
  args.state[g] = state;
  args.during[g] = during;
}

cudaError_t cls_gpu_launch_volumes(const cls_gpu_volumes_args *args, cudaStream_t stream) {
  return CLS_LAUNCH(volumes, (unsigned)((args->groups + THREADS - 1) / THREADS), THREADS, stream, *args);
}
