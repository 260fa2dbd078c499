#include "assimilation/operator.h"
#include "assimilation/collective.h"
#include "io/io.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_MS = 100, CURRENT_MS = 10 };

struct cls_operator_ {
  cls_world world;
  const cls_network *network;
  const cls_layout *layout;
  int members;
  uint32_t regions;
  uint64_t *size;          /* [regions] neurons, */
  uint64_t *cells;         /* and those that currents are about */
  uint32_t *region_of_16;  /* of local indices */
  int64_t bin_steps, base; /* of a millisecond; first bin that is not yet in the balloons */
  uint32_t *count;         /* [bins from base on][members][regions] of this rank */
  size_t bins, capacity;
  uint64_t *spikes; /* [members][regions] of this cycle, of all ranks */
  int64_t *current; /* [members][regions][receptors] of this rank; NULL: not asked for */
  uint64_t looks;
  cls_balloon_consts consts;
  cls_balloon *balloon;
  cls_tally tally;
  cls_watch watch;
  cls_observer observer;
  cls_outlook outlook;
  double seconds;
};

static size_t columns_of(const cls_operator *o) { return (size_t)o->members * o->regions; }

/* ---- spikes ---- */

/* Bins up to and without `end` exist; new ones are 0. */
static cls_status reserve(cls_operator *o, int64_t end) {
  const size_t row = columns_of(o), wanted = end > o->base ? (size_t)(end - o->base) : 0;
  if (wanted <= o->bins) return CLS_OK;
  size_t items = o->capacity;
  CLS_TRY(cls_grow(&o->count, &items, wanted * row, sizeof *o->count, "spikes of regions"));
  o->capacity = items;
  memset(o->count + o->bins * row, 0, (wanted - o->bins) * row * sizeof *o->count);
  o->bins = wanted;
  return CLS_OK;
}

static cls_status add_spikes(void *self, int member, const cls_spikes *spikes) {
  cls_operator *o = self;
  if (spikes->end <= spikes->begin) return CLS_OK;
  CLS_TRY(reserve(o, (spikes->end - 1) / o->bin_steps + 1));
  for (int64_t step = spikes->begin; step < spikes->end; step++) {
    const uint32_t *first = spikes->first + (step - spikes->begin);
    uint32_t *count =
        o->count + (size_t)(step / o->bin_steps - o->base) * columns_of(o) + (size_t)member * o->regions;
    for (uint32_t i = first[0]; i < first[1]; i++) {
      const uint32_t region = o->region_of_16[spikes->neuron[i] / 16];
      if (region != CLS_NO_GROUP) count[region]++;
    }
  }
  return CLS_OK;
}

static cls_status add_counts(void *self, int member, int tally, int64_t bin, int64_t n,
                             const uint32_t *count) {
  cls_operator *o = self;
  (void)tally;
  CLS_TRY(reserve(o, bin + n));
  for (int64_t k = 0; k < n; k++) {
    uint32_t *to = o->count + (size_t)(bin + k - o->base) * columns_of(o) + (size_t)member * o->regions;
    for (uint32_t r = 0; r < o->regions; r++) to[r] += count[(size_t)k * o->regions + r];
  }
  return CLS_OK;
}

/* ---- haemodynamics ---- */

/* The columns of members and regions are dealt to the engine's ranks, and on a rank to its threads. */
static bool is_mine(const cls_operator *o, size_t column) {
  return (int)(column % (size_t)o->world.ranks) == o->world.rank;
}

/* Collective: bins that are complete before `step` go into the balloons. */
static cls_status flush(void *self, int64_t step) {
  cls_operator *o = self;
  const double begun = cls_seconds();
  const int64_t complete = step / o->bin_steps - o->base;
  const size_t columns = columns_of(o), n = complete > 0 ? (size_t)complete : 0;
  CLS_TRY(cls_agree(o->world.comm, reserve(o, o->base + (int64_t)n)));
  if (n == 0) return CLS_OK;
  cls_sum_over_ranks(o->world.comm, o->count, n * columns, MPI_UINT32_T);
#pragma omp parallel for num_threads(o->world.threads) schedule(static)
  for (size_t c = 0; c < columns; c++) {
    const uint64_t size = o->size[c % o->regions];
    for (size_t k = 0; k < n; k++) {
      const uint32_t spikes = o->count[k * columns + c];
      o->spikes[c] += spikes;
      if (is_mine(o, c))
        cls_balloon_step(&o->balloon[c], &o->consts, size > 0 ? (double)spikes / (double)size : 0, 1e-3);
    }
  }
  memmove(o->count, o->count + n * columns, (o->bins - n) * columns * sizeof *o->count);
  o->bins -= n;
  o->base += (int64_t)n;
  o->seconds += cls_seconds() - begun;
  return CLS_OK;
}

/* ---- currents ---- */

static int64_t next_look(void *self, int64_t now) {
  const cls_operator *o = self;
  const int64_t every = CURRENT_MS * o->bin_steps;
  return o->current ? (now / every + 1) * every : INT64_MAX;
}

static cls_status look(void *self, int member, int64_t step, cls_view *view) {
  cls_operator *o = self;
  const int64_t *sums;
  (void)step;
  CLS_TRY(cls_view_currents(view, &sums));
  int64_t *to = o->current + (size_t)member * o->regions * CLS_MAX_RECEPTORS;
  for (uint32_t r = 0; r < o->layout->n_ranges; r++) {
    const cls_population *p = &o->network->populations[o->layout->ranges[r].population];
    const uint32_t region = cls_site_of(o->network, o->layout->ranges[r].population);
    if (region >= o->regions || p->model != o->network->populations[0].model) continue;
    for (int k = 0; k < CLS_MAX_RECEPTORS; k++)
      to[(size_t)region * CLS_MAX_RECEPTORS + (size_t)k] += sums[(size_t)r * CLS_MAX_RECEPTORS + (size_t)k];
  }
  if (member == 0) o->looks++;
  return CLS_OK;
}

/* ---- the end of a cycle ---- */

/* Every rank gets the columns of all: where one has a number the others have 0. */
static void share_balloons(cls_operator *o) {
  const size_t columns = columns_of(o);
  for (size_t c = 0; c < columns; c++)
    if (!is_mine(o, c)) o->balloon[c] = (cls_balloon){0, 0, 0, 0};
  enum { NUMBERS = sizeof(cls_balloon) / sizeof(double) };
  cls_sum_over_ranks(o->world.comm, o->balloon, columns * NUMBERS, MPI_DOUBLE);
}

cls_status cls_operator_look(cls_operator *o, double cycle_s, const cls_outlook **outlook) {
  const size_t columns = columns_of(o);
  share_balloons(o);
  for (size_t c = 0; c < columns; c++) {
    const double size = (double)o->size[c % o->regions];
    o->outlook.bold[c] = cls_balloon_signal(&o->balloon[c], &o->consts);
    o->outlook.rate_hz[c] = size > 0 ? (double)o->spikes[c] / (size * cycle_s) : 0;
  }
  memset(o->spikes, 0, columns * sizeof *o->spikes);
  *outlook = &o->outlook;
  if (!o->current) return CLS_OK;
  cls_sum_over_ranks(o->world.comm, o->current, columns * CLS_MAX_RECEPTORS, MPI_INT64_T);
  for (size_t i = 0; i < columns * CLS_MAX_RECEPTORS; i++) {
    const double cells = (double)o->cells[i / CLS_MAX_RECEPTORS % o->regions] * (double)o->looks;
    o->outlook.current[i] = cells > 0 ? (double)o->current[i] / (CLS_CURRENT_ONE * cells) : 0;
  }
  memset(o->current, 0, columns * CLS_MAX_RECEPTORS * sizeof *o->current);
  o->looks = 0;
  return CLS_OK;
}

cls_balloon *cls_operator_balloons(cls_operator *o) { return o->balloon; }
const cls_observer *cls_operator_observer(const cls_operator *o) { return &o->observer; }
double cls_operator_seconds(const cls_operator *o) { return o->seconds; }

/* ---- creation ---- */

static cls_status find_regions(cls_operator *o) {
  const cls_network *network = o->network;
  CLS_TRY(cls_alloc(&o->size, o->regions, sizeof *o->size, "regions"));
  CLS_TRY(cls_alloc(&o->cells, o->regions, sizeof *o->cells, "regions"));
  CLS_TRY(cls_alloc(&o->region_of_16, o->layout->n_local / 16 + 1, sizeof *o->region_of_16, "regions"));
  for (uint32_t p = 0; p < network->n_populations; p++) {
    const cls_population *population = &network->populations[p];
    const uint32_t region = cls_site_of(network, p);
    if (region >= o->regions) continue;
    o->size[region] += population->n;
    if (population->model == network->populations[0].model) o->cells[region] += population->n;
  }
  for (uint32_t i = 0; i < o->layout->n_local / 16 + 1; i++) o->region_of_16[i] = CLS_NO_GROUP;
  for (uint32_t r = 0; r < o->layout->n_ranges; r++) {
    const cls_range *range = &o->layout->ranges[r];
    const uint32_t region = cls_site_of(network, range->population);
    for (uint32_t i = range->local / 16; region < o->regions && i < (range->local + range->n + 15) / 16; i++)
      o->region_of_16[i] = region;
  }
  return CLS_OK;
}

static cls_status fill(cls_operator *o, int64_t begin, bool currents) {
  const size_t columns = columns_of(o);
  CLS_TRY(find_regions(o));
  CLS_TRY(cls_alloc(&o->spikes, columns, sizeof *o->spikes, "spikes of regions"));
  CLS_TRY(cls_alloc(&o->balloon, columns, sizeof *o->balloon, "haemodynamics"));
  CLS_TRY(cls_alloc(&o->outlook.bold, columns, sizeof(double), "BOLD of members"));
  CLS_TRY(cls_alloc(&o->outlook.rate_hz, columns, sizeof(double), "rates of members"));
  if (currents) {
    CLS_TRY(cls_alloc(&o->current, columns * CLS_MAX_RECEPTORS, sizeof *o->current, "currents of regions"));
    CLS_TRY(
        cls_alloc(&o->outlook.current, columns * CLS_MAX_RECEPTORS, sizeof(double), "currents of regions"));
  }
  for (size_t c = 0; c < columns; c++) o->balloon[c] = cls_balloon_rest();
  o->consts = cls_balloon_derive(cls_balloon_default());
  o->base = begin / o->bin_steps;
  o->tally = (cls_tally){
      .interval = o->bin_steps, .first = begin, .n_groups = o->regions, .group_of_16 = o->region_of_16};
  o->watch = (cls_watch){.tallies = &o->tally, .n_tallies = 1, .steps = FLUSH_MS * o->bin_steps};
  o->observer = (cls_observer){.self = o,
                               .spikes = add_spikes,
                               .watch = &o->watch,
                               .counts = add_counts,
                               .next_look = next_look,
                               .look = look,
                               .flush_interval = FLUSH_MS * o->bin_steps,
                               .flush = flush};
  return CLS_OK;
}

cls_status cls_operator_create(const cls_world *world, const cls_network *network, const cls_layout *layout,
                               int members, int64_t begin, bool currents, cls_operator **self) {
  const double per_ms = 1 / network->dt_ms;
  CLS_CHECK(per_ms >= 1 && fabs(per_ms - rint(per_ms)) < 1e-6, CLS_ERR_INPUT,
            "dt_ms %g: expected a part of 1 ms, the step of haemodynamics", network->dt_ms);
  CLS_TRY(cls_alloc(self, 1, sizeof **self, "observation operator"));
  cls_operator *o = *self;
  o->world = *world;
  o->network = network;
  o->layout = layout;
  o->members = members;
  o->regions = cls_site_count(network);
  o->bin_steps = (int64_t)rint(per_ms);
  return fill(o, begin, currents);
}

void cls_operator_destroy(cls_operator *o) {
  if (!o) return;
  free(o->size);
  free(o->cells);
  free(o->region_of_16);
  free(o->count);
  free(o->spikes);
  free(o->current);
  free(o->balloon);
  free(o->outlook.bold);
  free(o->outlook.rate_hz);
  free(o->outlook.current);
  free(o);
}
