#include "engine/layout.h"
#include "engine/store.h"
#include <stdlib.h>
#include <string.h>

/* What the ports of a model accumulate: shards hold one kind only, so that a run of synapses needs one kind
 * of add. */
static int kind_of(const cls_network *network, uint32_t population) {
  const cls_model *model = network->populations[population].model;
  return (cls_port_is_pair(model, 0) ? 1 : 0) + (cls_port_is_pair(model, 1) ? 2 : 0);
}

/* Expected work of one neuron per step, in units of one membrane update: an event costs about as much. */
static double *work_per_neuron(const cls_network *network) {
  double *work = calloc(network->n_populations + 1, sizeof *work);
  if (!work) return NULL;
  for (uint32_t p = 0; p < network->n_populations; p++) work[p] = 1.0 + network->populations[p].n_inputs;
  const cls_projection_source *sources = NULL;
  double rate = 0, share = 0; /* of a list of sources, which projections may share */
  for (uint32_t j = 0; j < network->n_projections; j++) {
    const cls_projection *projection = &network->projections[j];
    if (projection->sources != sources) rate = share = 0;
    for (uint32_t s = 0; projection->sources != sources && s < projection->n_sources; s++) {
      rate += projection->sources[s].weight * network->populations[projection->sources[s].population].rate_hz;
      share += projection->sources[s].weight;
    }
    sources = projection->sources;
    uint64_t n = network->populations[projection->target].n;
    double synapses = cls_projection_expected_synapses(network, projection) / (double)(n ? n : 1);
    if (share > 0) work[projection->target] += synapses * rate / share * network->dt_ms * 1e-3;
  }
  return work;
}

/* Are rows long: does a neuron reach most parts of a rank, with many synapses in each? */
static bool is_dense(const cls_network *network) {
  return network->n_neurons > 0 && network->expected_synapses >= 1000 * (double)network->n_neurons;
}

/* Local indices of a shard, at most. Rows of few synapses have hardly more runs where shards are small, and then the
 * input sums of a shard stay in the second-level cache: measured on a brain of 10^6 neurons with 100 synapses each, a
 * step takes 15 % less time. Long rows would be cut into twice as many runs; and a part holds only so many shards. */
static uint32_t shard_size(const cls_network *network, double neurons_of_part) {
  enum { SMALL = CLS_SHARD_MAX / 2, MOST = CLS_MAX_CHANNELS / CLS_MAX_PORTS / 2 };
  return !is_dense(network) && neurons_of_part < (double)SMALL * MOST ? SMALL : CLS_SHARD_MAX;
}

static uint32_t padded(uint32_t n) { return (n + 15u) & ~15u; }

/* Starts a new shard of the current part at the end of what is laid out. */
static void open_shard(cls_layout *l) {
  l->shards[l->n_shards++] =
      (cls_shard){.local = l->n_local, .range_first = l->n_ranges, .range_last = l->n_ranges};
}

/* Appends neurons [first, first + n) of a population to the layout, in the open shard or a new one, of at most `limit`
 * local indices. */
static void append(const cls_network *network, cls_layout *l, uint32_t population, uint32_t first, uint32_t n,
                   uint32_t limit, bool new_part) {
  while (n > 0) {
    cls_shard *shard = l->n_shards > 0 ? &l->shards[l->n_shards - 1] : NULL;
    bool fresh = !shard || new_part ||
                 (l->n_ranges > shard->range_first &&
                  kind_of(network, l->ranges[l->n_ranges - 1].population) != kind_of(network, population));
    uint32_t room = fresh ? limit : limit - shard->n;
    cls_range *last = !fresh && l->n_ranges > shard->range_first ? &l->ranges[l->n_ranges - 1] : NULL;
    bool joins =
        last && last->population == population && last->first + last->n == first && last->n % 16 == 0;
    if (room < 64) {
      open_shard(l);
      new_part = false;
      continue;
    }
    if (fresh) {
      open_shard(l);
      shard = &l->shards[l->n_shards - 1];
      new_part = false;
    }
    uint32_t take =
        n <= room ? n : room & ~63u; /* ranges begin at multiples of 64: noise is drawn for 64 neurons */
    if (joins)
      last->n += take;
    else
      l->ranges[l->n_ranges++] =
          (cls_range){.population = population, .first = first, .n = take, .local = l->n_local};
    l->n_local += padded(take);
    shard->n += padded(take);
    shard->range_last = l->n_ranges;
    l->n_neurons += take;
    first += take;
    n -= take;
  }
}

/* Where the share of part p of `n` neurons begins: ranges begin at multiples of 64. */
static uint64_t share_begin(uint64_t n, int p, int parts) {
  return p == parts ? n : (n * (uint64_t)p / (uint64_t)parts + 32) / 64 * 64;
}

/* What the ways of cutting a rank's blocks into parts work with. */
typedef struct {
  const cls_network *network;
  const cls_placement *placement;
  cls_layout *layout;
  int rank;
  uint32_t limit; /* of a shard */
} cutting;

/* Parts are contiguous blocks of equal expected work: neurons that are close to each other stay together, so that a part
 * has few sources and their rows few pieces. */
static cls_status cut_by_work(const cutting *c, int parts) {
  const cls_placement *placement = c->placement;
  cls_layout *l = c->layout;
  double *work = work_per_neuron(c->network), total = 0, done = 0;
  CLS_CHECK(work, CLS_ERR_MEMORY, "out of memory for the work of %u populations", c->network->n_populations);
  for (uint32_t b = 0; b < placement->n_blocks; b++)
    if (placement->owner[b] == c->rank)
      total += work[placement->blocks[b].population] * placement->blocks[b].n;
  int part = 0;
  bool new_part = true;
  for (uint32_t b = 0; b < placement->n_blocks; b++) {
    if (placement->owner[b] != c->rank) continue;
    const cls_block *block = &placement->blocks[b];
    double here = work[block->population] * block->n;
    /* Close the part when this block's middle lies beyond its share. */
    while (part + 1 < parts && done + here / 2 > total * (part + 1) / parts) {
      l->parts[part].shard_last = l->n_shards;
      part++;
      l->parts[part].shard_first = l->n_shards;
      new_part = true;
    }
    append(c->network, l, block->population, block->first, block->n, c->limit, new_part);
    new_part = false;
    done += here;
  }
  free(work);
  l->parts[part].shard_last = l->n_shards;
  for (int p = part + 1; p < parts; p++) l->parts[p] = (cls_part){l->n_shards, l->n_shards};
  return CLS_OK;
}

/* Every part has an equal share of every population: in each step all have as much to do, whoever spikes, and none waits
 * for the others. (Measured on the cortical microcircuit: parts of different populations differed by a seventh of the time
 * of delivery from step to step.) */
static cls_status cut_populations(const cutting *c, int parts) {
  const cls_placement *placement = c->placement;
  uint64_t *own, *at; /* of a population: neurons here; of them passed */
  CLS_TRY(cls_alloc(&own, 2ul * c->network->n_populations, sizeof *own, "neurons of populations"));
  at = own + c->network->n_populations;
  for (uint32_t b = 0; b < placement->n_blocks; b++)
    if (placement->owner[b] == c->rank) own[placement->blocks[b].population] += placement->blocks[b].n;
  for (int part = 0; part < parts; part++) {
    bool new_part = true;
    c->layout->parts[part].shard_first = c->layout->n_shards;
    memset(at, 0, c->network->n_populations * sizeof *at);
    for (uint32_t b = 0; b < placement->n_blocks; b++) {
      if (placement->owner[b] != c->rank) continue;
      const cls_block *block = &placement->blocks[b];
      const uint64_t n = own[block->population], begin = at[block->population];
      uint64_t from = share_begin(n, part, parts), to = share_begin(n, part + 1, parts);
      at[block->population] += block->n;
      if (from < begin) from = begin;
      if (to > begin + block->n) to = begin + block->n;
      if (from >= to) continue;
      append(c->network, c->layout, block->population, block->first + (uint32_t)(from - begin),
             (uint32_t)(to - from), c->limit, new_part);
      new_part = false;
    }
    c->layout->parts[part].shard_last = c->layout->n_shards;
  }
  free(own);
  return CLS_OK;
}

typedef struct {
  uint32_t population, first, range;
} range_key;

static int compare_keys(const void *a, const void *b) {
  const range_key *x = a, *y = b;
  if (x->population != y->population) return x->population < y->population ? -1 : 1;
  return x->first < y->first ? -1 : x->first > y->first;
}

static cls_status order_ranges(cls_layout *l) {
  range_key *key;
  CLS_TRY(cls_alloc(&key, l->n_ranges, sizeof *key, "ranges"));
  for (uint32_t r = 0; r < l->n_ranges; r++)
    key[r] = (range_key){l->ranges[r].population, l->ranges[r].first, r};
  qsort(key, l->n_ranges, sizeof *key, compare_keys);
  cls_status status = cls_alloc(&l->order, l->n_ranges, sizeof *l->order, "ranges");
  for (uint32_t k = 0; status == CLS_OK && k < l->n_ranges; k++) l->order[k] = key[k].range;
  free(key);
  return status;
}

cls_status cls_layout_create(const cls_network *network, const cls_placement *placement, int rank, int parts,
                             cls_layout **layout) {
  uint32_t mine = 0;
  uint64_t neurons = 0;
  for (uint32_t b = 0; b < placement->n_blocks; b++)
    if (placement->owner[b] == rank) mine++, neurons += placement->blocks[b].n;
  CLS_CHECK(neurons < UINT32_MAX - 16ull * (mine + 1), CLS_ERR_LIMIT,
            "rank %d would hold %llu neurons: the limit is 2^32 local indices; use more ranks", rank,
            (unsigned long long)neurons);
  cls_layout *l = NULL;
  CLS_TRY(cls_alloc(&l, 1, sizeof *l, "layout"));
  *layout = l;
  const bool dense = is_dense(network) && parts > 1;
  const cutting c = {network, placement, l, rank, shard_size(network, (double)neurons / parts)};
  const uint32_t populations = mine < network->n_populations ? mine : network->n_populations;
  const size_t cuts = dense ? (size_t)populations * (size_t)parts : 0;
  const size_t pieces = mine + cuts + neurons / (c.limit - 64) + (size_t)parts + 2;
  CLS_TRY(cls_alloc(&l->ranges, pieces, sizeof *l->ranges, "ranges"));
  CLS_TRY(cls_alloc(&l->shards, pieces, sizeof *l->shards, "shards"));
  CLS_TRY(cls_alloc(&l->parts, (size_t)parts, sizeof *l->parts, "parts"));
  l->n_parts = (uint32_t)parts;
  CLS_TRY(dense ? cut_populations(&c, parts) : cut_by_work(&c, parts));
  return dense ? order_ranges(l) : CLS_OK; /* else they ascend */
}

void cls_layout_destroy(cls_layout *layout) {
  if (!layout) return;
  free(layout->ranges);
  free(layout->shards);
  free(layout->parts);
  free(layout->order);
  free(layout);
}

uint32_t cls_layout_range_of(const cls_layout *layout, uint32_t local) {
  uint32_t low = 0, high = layout->n_ranges;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (layout->ranges[middle].local <= local)
      low = middle;
    else
      high = middle;
  }
  return low;
}

uint64_t cls_layout_neuron(const cls_layout *layout, const cls_network *network, uint32_t local) {
  const cls_range *range = &layout->ranges[cls_layout_range_of(layout, local)];
  return network->populations[range->population].first + range->first + (local - range->local);
}

uint32_t cls_layout_nth(const cls_layout *layout, uint32_t k) { return layout->order ? layout->order[k] : k; }

uint32_t cls_layout_find(const cls_layout *layout, uint32_t population, uint64_t index) {
  uint32_t low = 0, high = layout->n_ranges;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    const cls_range *r = &layout->ranges[cls_layout_nth(layout, middle)];
    if (r->population < population || (r->population == population && (uint64_t)r->first + r->n <= index))
      low = middle + 1;
    else
      high = middle;
  }
  if (low == layout->n_ranges) return UINT32_MAX;
  const cls_range *r = &layout->ranges[cls_layout_nth(layout, low)];
  return r->population == population && r->first <= index ? cls_layout_nth(layout, low) : UINT32_MAX;
}
