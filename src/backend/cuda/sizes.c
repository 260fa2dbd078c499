#include "backend/cuda/sizes.h"
#include "engine/sizes.h"
#include <string.h>

/* Nothing is said of what there is none of. */
static void add(cls_cuda_sizes *s, const char *name, size_t bytes) {
  if (bytes == 0) return;
  s->name[s->n] = name;
  s->bytes[s->n++] = bytes;
  s->total += bytes;
}

void cls_cuda_sizes_find(const cls_cuda_counts *c, cls_cuda_sizes *sizes) {
  cls_gpu_member_memory member = {0};
  cls_gpu_synapses synapses;
  cls_gpu_plastic_memory plastic = {0};
  cls_gpu_plastic_synapses plastic_synapses;
  *sizes = (cls_cuda_sizes){0};
  cls_gpu_store_plan(&c->store, &synapses);
  cls_gpu_member_plan(&c->member, &member);
  cls_gpu_ring_plan(c->member.ring, &member.ring);
  cls_gpu_plastic_plan(&c->plastic, &plastic_synapses);
  if (c->plastic.synapses > 0) cls_gpu_plastic_member_plan(&c->plastic_member, &plastic);
  add(sizes, "synapses", synapses.arena.bytes);
  add(sizes, "plastic synapses", plastic_synapses.arena.bytes);
  if (c->drawn.entries > 0) add(sizes, "procedural projections", cls_gpu_drawn_shared_bytes(&c->drawn));
  if (c->drawn.entries > 0) add(sizes, "rows in flight", c->members * cls_gpu_drawn_member_bytes(&c->drawn));
  add(sizes, "parameters", c->parameters);
  add(sizes, "states", c->members * member.arena.bytes);
  add(sizes, "plastic weights", c->members * plastic.weights.bytes);
  add(sizes, "past spikes", c->members * cls_gpu_history_bytes(&plastic));
  add(sizes, "spikes in flight", c->members * (member.ring.bytes + plastic.ring.bytes));
  if (c->packets > 0) add(sizes, "spikes to other ranks", c->packets);
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

static cls_gpu_plastic_counts expect_plastic(const cls_network *network, const cls_sizes *z,
                                             const cls_gpu_store_counts *store, double share) {
  cls_gpu_plastic_counts c = {.synapses = (uint64_t)(z->plastic * share),
                              .stdp = (uint64_t)(z->stdp * share),
                              .runs = (uint64_t)(z->plastic_runs * share),
                              .slots = store->slots,
                              .local = store->local,
                              .max_delay = store->max_delay,
                              .sources = store->slots,
                              .sources_here = store->pieces_here};
  for (uint32_t j = 0; j < network->n_projections; j++) {
    const cls_plasticity *p = network->projections[j].plasticity;
    if (!p) continue;
    c.kinds +=
        (uint64_t)((double)network->populations[network->projections[j].target].n * share / CLS_SHARD_MAX) +
        1;
    c.n_short_term += p->has_short_term;
    c.n_pre |= p->has_stdp; /* those of projections are mostly the same */
    c.n_post |= p->has_stdp;
  }
  c.targets = c.stdp > 0 ? store->local : 0;
  c.pieces = cls_gpu_plastic_pieces(c.synapses, c.sources);
  c.pieces_here = cls_gpu_plastic_pieces(c.synapses, c.sources_here);
  return c;
}

cls_status cls_cuda_counts_expected(const cls_network *network, int ranks, int members,
                                    cls_cuda_counts *counts) {
  cls_sizes z;
  CLS_TRY(cls_sizes_expected(network, ranks, 1, &z));
  const double share = 1.0 / ranks, neurons = (double)network->n_neurons * share;
  const double words = (z.stored + z.runs) * share;
  /* A source is known to no more ranks than it has runs, as engine/sizes.h has it. */
  const double runs = z.runs + z.plastic_runs + z.listeners;
  const double slots = runs < (double)network->n_neurons * ranks ? runs * share : (double)network->n_neurons;
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
  if (z.plastic > 0) counts->plastic = expect_plastic(network, &z, &counts->store, share);
  counts->plastic_member = cls_gpu_plastic_measure(&counts->plastic, in_flight);
  const double states = z.states - z.stdp * sizeof(int32_t);
  counts->member = cls_gpu_member_expect(&counts->store, states * share / sizeof(float),
                                         z.sums * share / sizeof(uint32_t), in_flight);
  return CLS_OK;
}
