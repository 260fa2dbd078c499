#include "backend/cuda/sizes.h"
#include "engine/sizes.h"
#include <string.h>

static void add(cls_cuda_sizes *s, const char *name, size_t bytes) {
  s->name[s->n] = name;
  s->bytes[s->n++] = bytes;
  s->total += bytes;
}

void cls_cuda_sizes_find(const cls_cuda_counts *c, cls_cuda_sizes *sizes) {
  cls_gpu_member_memory member = {0};
  cls_gpu_synapses synapses;
  *sizes = (cls_cuda_sizes){0};
  cls_gpu_store_plan(&c->store, &synapses);
  cls_gpu_member_plan(&c->member, &member);
  cls_gpu_ring_plan(c->member.ring, &member.ring);
  add(sizes, "synapses", synapses.arena.bytes);
  add(sizes, "parameters", c->parameters);
  add(sizes, "states", c->members * member.arena.bytes);
  add(sizes, "spikes in flight", c->members * member.ring.bytes);
  /* Lists of spikes for the host, at the most: those of one step and a half. */
  add(sizes, "spikes to record", c->members * (c->neurons + c->neurons / 2) * sizeof(uint32_t));
}

cls_status cls_cuda_sizes_check(const cls_world *world, const cls_network *network,
                                const cls_cuda_sizes *sizes, size_t free_bytes) {
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
                  world->rank, (double)sizes->total * 1e-9, (double)usable * 1e-9, table,
                  share * (double)network->n_neurons, (int)((double)world->ranks / share) + 1);
}

cls_status cls_cuda_counts_expected(const cls_network *network, int ranks, int members,
                                    cls_cuda_counts *counts) {
  cls_sizes z;
  CLS_TRY(cls_sizes_expected(network, ranks, 1, &z));
  const double share = 1.0 / ranks, neurons = (double)network->n_neurons * share;
  const double words = (z.stored + z.runs) * share;
  /* A source is known to no more ranks than it has runs, as engine/sizes.h has it. */
  const double slots =
      z.runs < (double)network->n_neurons * ranks ? z.runs * share : (double)network->n_neurons;
  *counts = (cls_cuda_counts){.parameters = (uint64_t)(z.constants * share) +
                                            network->n_populations * sizeof(cls_gpu_range),
                              .neurons = (uint64_t)neurons,
                              .members = (uint64_t)members};
  counts->store = (cls_gpu_store_counts){.words = (uint64_t)words,
                                         .slots = (uint64_t)slots,
                                         .local = (uint64_t)neurons,
                                         .channels = (uint64_t)(neurons / CLS_SHARD_MAX + 1) * CLS_MAX_PORTS,
                                         .max_delay = network->max_delay > 0 ? network->max_delay : 1};
  counts->store.pieces = counts->store.slots;
  counts->store.pieces_here =
      counts->store.local < counts->store.slots ? counts->store.local : counts->store.slots;
  const double in_flight = z.spikes_per_s * share * 1e-3 * network->dt_ms * (counts->store.max_delay + 1.0);
  counts->member = cls_gpu_member_expect(&counts->store, z.states * share / sizeof(float),
                                         z.sums * share / sizeof(uint32_t), in_flight);
  return CLS_OK;
}
