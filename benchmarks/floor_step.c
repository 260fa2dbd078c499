/* The step of the floor. Where its time goes, by one thread of two on an Intel Xeon at 3.6 GHz with 48 KiB of L1 and
 * 2 MiB of L2 (ns per event):
 *   0.78  adding to sums at random in 154 KB, whatever feeds it: lines moving between L1 and L2 (0.41 within 64 KB)
 *   0.1   scheduling and sorting runs, 3 and 2 ns each
 *   0.2   synapses from memory, as far as prefetch does not hide it
 * Tried without gain: gathering and scattering 16 targets at a time; copying runs by blocks of targets that fit the L1
 * before adding them; asking for the runs of the next step during the update; runs that begin at cache lines. */
#include "floor.h"

#include <math.h>
#include <stdbool.h>

enum {
  CHUNK = 4,     /* synapses between two branches */
  CLASSES = 128, /* runs are sorted by their number of chunks */
  FAR = 48,      /* runs from the one delivered to the one that memory is asked for */
  NEAR = 3,      /* and to the one taken into the L1 */
};
_Static_assert((int)FAR <= (int)AHEAD, "lists end with AHEAD runs that may be asked for");

/* One binary runs on any x86-64 and uses what it finds. */
#if defined(CALLOSUM_NO_CLONES) || !defined(__x86_64__)
#define CLONES
#else
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif

/* A list per step, appended to when the spike arrives, takes 0.2 ns per event less than looking up every recent spike
 * at every delay. */
void floor_schedule(const network *net, share *own, int t) {
  const uint32_t *spike = net->spike + net->spikes_before[t];
  uint32_t n = net->spikes_before[t + 1] - net->spikes_before[t];
  for (uint32_t i = 0; i < n; i++) {
    if (i + NEAR < n) {
      const char *next = (const char *)(own->end + (size_t)spike[i + NEAR] * DELAYS);
      for (size_t byte = 0; byte < DELAYS * sizeof *own->end; byte += 32) __builtin_prefetch(next + byte);
      __builtin_prefetch(own->row + spike[i + NEAR]);
    }
    int p = 0;
    while (spike[i] >= (uint32_t)net->first[p + 1]) p++;
    uint32_t *due = own->due[p % 2], row = own->row[spike[i]];
    run *calendar = own->calendar[p % 2];
    const uint16_t *end = own->end + (size_t)spike[i] * DELAYS;
    for (int d = 1; d < DELAYS; d++) {
      uint32_t count = (uint32_t)end[d] - end[d - 1], slot = (uint32_t)(t + d) % DELAYS;
      if (count > 0) calendar[slot * own->capacity + due[slot]++] = (run){row + end[d - 1], count};
    }
  }
}

static inline uint32_t class_of(run r) {
  uint32_t chunks = (r.count + CHUNK - 1) / CHUNK;
  return chunks < CLASSES ? chunks : CLASSES;
}

/* Sorts the n runs of a list by their number of chunks, so that loops over chunks end as predicted: a mispredicted
 * branch costs as much as 6 events. stop[k]: where class k ends. Returns the events. */
static uint64_t sort_runs(const run *due, uint32_t n, run *list, uint32_t *stop) {
  uint64_t events = 0;
  uint32_t count[CLASSES + 1] = {0}, sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    count[class_of(due[i])]++;
    events += due[i].count;
  }
  for (int k = 0; k <= CLASSES; k++) {
    stop[k] = sum;
    sum += count[k];
  }
  for (uint32_t i = 0; i < n; i++) list[stop[class_of(due[i])]++] = due[i];
  for (uint32_t i = n; i < n + AHEAD; i++) list[i] = (run){0, 0};
  return events;
}

/* Adds the run's synapses to the sums. Its last chunk reads on into the next run, with weights of 0. */
static inline void add_run(const int32_t *synapse, int count, int whole_chunks, int32_t *restrict input) {
  for (int c = 0; c < whole_chunks; c++, synapse += CHUNK)
#pragma GCC unroll 4
    for (int j = 0; j < CHUNK; j++) input[synapse[j] & TARGET_MASK] += synapse[j] >> TARGET_BITS;
  int left = count - whole_chunks * CHUNK;
#pragma GCC unroll 4
  for (int j = 0; j < CHUNK; j++)
    input[synapse[j] & TARGET_MASK] += (synapse[j] >> TARGET_BITS) & ((j - left) >> 31);
}

/* Asked for in two stages: requests to memory wait in the queue of the L2, which is longer than that of the L1. */
static inline void ask(const int32_t *far, const int32_t *near, int chunks) {
  for (int j = 0; j <= chunks * CHUNK; j += 16) {
    __builtin_prefetch(far + j, 0, 2);
    __builtin_prefetch(near + j, 0, 3);
  }
}

void floor_deliver(share *own, int receptor, int t) {
  uint32_t slot = (uint32_t)t % DELAYS, stop[CLASSES + 1], i = 0;
  const run *due = own->calendar[receptor] + slot * own->capacity, *list = own->list;
  own->events += sort_runs(due, own->due[receptor][slot], own->list, stop);
  own->due[receptor][slot] = 0;
  const int32_t *synapse = own->synapse;
  for (int k = 1; k <= CLASSES; k++)
    for (; i < stop[k]; i++) {
      ask(synapse + list[i + FAR].first, synapse + list[i + NEAR].first, k);
      int count = (int)list[i].count;
      add_run(synapse + list[i].first, count, k < CLASSES ? k - 1 : (count - 1) / CHUNK,
              own->input[receptor]);
    }
}

/* Exact integration of lif_psc_exp (Rotter & Diesmann, Biol. Cybern. 81:381, 1999): C 250 pF, tau_m 10, tau_syn 0.5,
 * refractory 2 ms, reset at rest, threshold 15 mV above it. n neurons, one step; takes the sums and clears them, and
 * marks those that spike. Returns how many. */
CLONES static int advance(int n, float background_mv, float *restrict v, float *restrict exc,
                          float *restrict inh, float *restrict refractory, int32_t *restrict in_exc,
                          int32_t *restrict in_inh, int32_t *restrict spiked) {
  const float p22 = 0.9900498337491681f, p21 = 3.606717487814e-4f, p11 = 0.8187307530779818f;
  const float threshold = 15, refractory_steps = 20, unit = (float)unit_pa;
  int spikes = 0;
#pragma GCC ivdep
  for (int i = 0; i < n; i++) {
    float next = fmaf(v[i], p22, fmaf(exc[i] + inh[i], p21, background_mv));
    next = refractory[i] > 0 ? 0 : next;
    exc[i] = fmaf(exc[i], p11, (float)in_exc[i] * unit);
    inh[i] = fmaf(inh[i], p11, (float)in_inh[i] * unit);
    in_exc[i] = in_inh[i] = 0;
    float left = refractory[i] - 1;
    left = left > 0 ? left : 0;
    refractory[i] = next >= threshold ? refractory_steps : left;
    v[i] = next >= threshold ? 0 : next;
    spiked[i] = next >= threshold ? 1 : 0;
    spikes += next >= threshold ? 1 : 0;
  }
  return spikes;
}

void floor_update(share *own) {
  static _Thread_local int32_t spiked[TILE];
  for (int p = 0; p < POPULATIONS; p++)
    for (int i = own->begin[p]; i < own->begin[p + 1]; i += TILE) {
      int n = own->begin[p + 1] - i < TILE ? own->begin[p + 1] - i : TILE, listed = 0;
      int spikes =
          advance(n, own->background_mv[p], own->v_mv + i, own->current_pa[0] + i, own->current_pa[1] + i,
                  own->refractory_steps + i, own->input[0] + i, own->input[1] + i, spiked);
      for (int j = 0; listed < spikes; j++)
        if (spiked[j]) own->spiked[listed++] = (uint32_t)(i + j);
      own->spikes += (uint64_t)listed;
    }
}
