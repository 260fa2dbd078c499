#include "backend/cuda/sizes.h"
#include <string.h>

static void add(cls_cuda_sizes *s, const char *name, size_t bytes) {
  s->name[s->n] = name;
  s->bytes[s->n++] = bytes;
  s->total += bytes;
}

void cls_cuda_sizes_find(const cls_cuda *b, cls_cuda_sizes *sizes) {
  const size_t members = (size_t)b->setup.members, neurons = b->setup.layout->n_neurons;
  cls_gpu_member_memory member = {0};
  size_t parameters = 0;
  *sizes = (cls_cuda_sizes){0};
  for (uint32_t p = 0; p < b->n_parameters; p++) parameters += b->parameters[p].arena.bytes;
  cls_gpu_member_plan(&b->sizes, &member);
  cls_gpu_ring_plan(&b->sizes, &member.ring);
  add(sizes, "synapses", b->synapses.arena.bytes);
  add(sizes, "parameters", parameters);
  add(sizes, "states", members * member.arena.bytes);
  add(sizes, "spikes in flight", members * member.ring.bytes);
  /* Lists of spikes for the host, at the most: those of one step and a half. */
  add(sizes, "spikes to record", members * (neurons + neurons / 2) * sizeof(uint32_t));
}

cls_status cls_cuda_sizes_check(const cls_cuda *b, const cls_cuda_sizes *sizes, size_t free_bytes) {
  /* The driver keeps some of what it reports as free. */
  const size_t usable = free_bytes - free_bytes / 32;
  char table[512] = "";
  size_t at = 0;
  if (sizes->total <= usable) return CLS_OK;
  for (int i = 0; i < sizes->n; i++) {
    const int n = snprintf(table + at, sizeof table - at, "%s%s %.3g GB", i ? ", " : "", sizes->name[i],
                           (double)sizes->bytes[i] * 1e-9);
    if (n > 0 && (size_t)n < sizeof table - at) at += (size_t)n;
  }
  const double share = (double)usable / (double)sizes->total;
  return cls_fail(CLS_ERR_MEMORY,
                  "rank %d: %.3g GB do not fit the %.3g GB that are free on its GPU (%s): a network of %.3g "
                  "neurons with as many synapses each would fit, or this one on %d ranks with a GPU each",
                  b->setup.world->rank, (double)sizes->total * 1e-9, (double)usable * 1e-9, table,
                  share * (double)b->setup.network->n_neurons,
                  (int)((double)b->setup.world->ranks / share) + 1);
}
