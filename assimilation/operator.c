#include "assimilation/operator.h"
#include "assimilation/collective.h"
#include "io/record_groups.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_MS = 100, CURRENT_MS = 10 };

struct cls_operator_ {
  cls_record record; /* what groups are made from: no file is written */
  int members;
  uint32_t regions;
  int64_t bin_steps;        /* of a millisecond */
  cls_groups groups, cells; /* neurons of regions; those of them that currents are about */
  cls_samples spikes;       /* by millisecond */
  cls_samples currents;
  uint64_t *total;  /* [members][regions] spikes of this cycle, where they are owned */
  int64_t *current; /* [members][regions][receptors] the same; NULL: not asked for */
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

/* ---- what the engine shows ---- */

static cls_status add_spikes(void *self, int member, const cls_spikes *spikes) {
  return cls_samples_add_spikes(&((cls_operator *)self)->spikes, member, spikes);
}

static cls_status add_counts(void *self, int member, int tally, int64_t bin, int64_t n,
                             const uint32_t *count) {
  (void)tally;
  return cls_samples_add_counts(&((cls_operator *)self)->spikes, member, bin, n, count);
}

static int64_t next_look(void *self, int64_t now) {
  const cls_operator *o = self;
  return o->current ? (now / o->currents.interval + 1) * o->currents.interval : INT64_MAX;
}

static cls_status look(void *self, int member, int64_t step, cls_view *view) {
  cls_operator *o = self;
  return cls_samples_add_currents(&o->currents, o->record.layout, member, step, view);
}

/* ---- what becomes of it, at the owners of regions ---- */

/* Milliseconds of spikes into the balloons: every column by one thread. */
static void advance(cls_operator *o, size_t bins) {
  const size_t owned = o->groups.columns.n_owned, columns = (size_t)o->members * owned;
#pragma omp parallel for num_threads(o->record.world.threads) schedule(static)
  for (size_t c = 0; c < columns; c++) {
    const uint32_t region = o->groups.columns.owned[c % owned];
    const size_t at = c / owned * o->regions + region;
    const uint64_t size = o->groups.size[region];
    for (size_t k = 0; k < bins; k++) {
      const int64_t spikes = o->spikes.sums[k * columns + c];
      o->total[at] += (uint64_t)spikes;
      cls_balloon_step(&o->balloon[at], &o->consts, size > 0 ? (double)spikes / (double)size : 0, 1e-3);
    }
  }
}

static void add_up(cls_operator *o, size_t samples) {
  const size_t owned = o->cells.columns.n_owned, row = (size_t)o->members * owned * CLS_MAX_RECEPTORS;
  for (size_t k = 0; k < samples; k++)
    for (size_t i = 0; i < row; i++) {
      const size_t column = i / CLS_MAX_RECEPTORS, region = o->cells.columns.owned[column % owned];
      o->current[(column / owned * o->regions + region) * CLS_MAX_RECEPTORS + i % CLS_MAX_RECEPTORS] +=
          o->currents.sums[k * row + i];
    }
  o->looks += samples;
}

static cls_status flush(void *self, int64_t step) {
  cls_operator *o = self;
  const double begun = cls_seconds();
  uint64_t n = 0;
  CLS_TRY(cls_samples_gather(&o->spikes, step, &n));
  advance(o, n);
  if (o->current) {
    CLS_TRY(cls_samples_gather(&o->currents, step, &n));
    add_up(o, n);
  }
  o->seconds += cls_seconds() - begun;
  return CLS_OK;
}

/* ---- the end of a cycle ---- */

/* Every rank gets the columns of all: where one owns a number the others have 0. */
static void share(cls_operator *o) {
  const cls_world *world = &o->record.world;
  enum { NUMBERS = sizeof(cls_balloon) / sizeof(double) };
  if (world->ranks == 1) return;
  for (size_t c = 0; c < columns_of(o); c++)
    if (o->groups.owner[c % o->regions] != world->rank) o->balloon[c] = (cls_balloon){0, 0, 0, 0};
  cls_sum_over_ranks(world->comm, o->balloon, columns_of(o) * NUMBERS, MPI_DOUBLE);
  cls_sum_over_ranks(world->comm, o->total, columns_of(o), MPI_UINT64_T);
  if (o->current) cls_sum_over_ranks(world->comm, o->current, columns_of(o) * CLS_MAX_RECEPTORS, MPI_INT64_T);
}

cls_status cls_operator_look(cls_operator *o, double cycle_s, const cls_outlook **outlook) {
  const size_t columns = columns_of(o);
  share(o);
  for (size_t c = 0; c < columns; c++) {
    const double size = (double)o->groups.size[c % o->regions];
    o->outlook.bold[c] = cls_balloon_signal(&o->balloon[c], &o->consts);
    o->outlook.rate_hz[c] = size > 0 ? (double)o->total[c] / (size * cycle_s) : 0;
  }
  for (size_t i = 0; o->current && i < columns * CLS_MAX_RECEPTORS; i++) {
    const double cells = (double)o->cells.size[i / CLS_MAX_RECEPTORS % o->regions] * (double)o->looks;
    o->outlook.current[i] = cells > 0 ? (double)o->current[i] / (CLS_CURRENT_ONE * cells) : 0;
  }
  memset(o->total, 0, columns * sizeof *o->total);
  if (o->current) memset(o->current, 0, columns * CLS_MAX_RECEPTORS * sizeof *o->current);
  o->looks = 0;
  *outlook = &o->outlook;
  return CLS_OK;
}

cls_balloon *cls_operator_balloons(cls_operator *o) { return o->balloon; }
const cls_observer *cls_operator_observer(const cls_operator *o) { return &o->observer; }
double cls_operator_seconds(const cls_operator *o) { return o->seconds; }

/* ---- creation ---- */

/* Populations of every region; `same`: of the first population's model alone. */
static cls_status group(cls_operator *o, bool same, cls_groups *groups) {
  const cls_network *network = o->record.network;
  uint32_t *group_of = NULL;
  CLS_TRY(cls_alloc(&group_of, network->n_populations, sizeof *group_of, "regions"));
  for (uint32_t p = 0; p < network->n_populations; p++) {
    const uint32_t region = cls_site_of(network, p);
    const bool counts = !same || network->populations[p].model == network->populations[0].model;
    group_of[p] = region < o->regions && counts ? region : CLS_NO_SLOT;
  }
  const cls_status status = cls_groups_create(&o->record, group_of, o->regions, groups);
  free(group_of);
  return status;
}

static cls_status sample(cls_operator *o, int64_t begin, bool currents) {
  CLS_TRY(group(o, false, &o->groups));
  CLS_TRY(cls_samples_create(&o->groups, o->members, 1, o->bin_steps, &o->spikes));
  o->spikes.base = begin / o->spikes.interval;
  if (!currents) return CLS_OK;
  CLS_TRY(group(o, true, &o->cells));
  CLS_TRY(
      cls_samples_create(&o->cells, o->members, CLS_MAX_RECEPTORS, CURRENT_MS * o->bin_steps, &o->currents));
  o->currents.base = begin / o->currents.interval;
  const size_t n = columns_of(o) * CLS_MAX_RECEPTORS;
  CLS_TRY(cls_alloc(&o->current, n, sizeof *o->current, "currents of regions"));
  return cls_alloc(&o->outlook.current, n, sizeof(double), "currents of regions");
}

static cls_status fill(cls_operator *o, int64_t begin, bool currents) {
  const size_t columns = columns_of(o);
  CLS_TRY(sample(o, begin, currents));
  CLS_TRY(cls_alloc(&o->total, columns, sizeof *o->total, "spikes of regions"));
  CLS_TRY(cls_alloc(&o->balloon, columns, sizeof *o->balloon, "haemodynamics"));
  CLS_TRY(cls_alloc(&o->outlook.bold, columns, sizeof(double), "BOLD of members"));
  CLS_TRY(cls_alloc(&o->outlook.rate_hz, columns, sizeof(double), "rates of members"));
  for (size_t c = 0; c < columns; c++) o->balloon[c] = cls_balloon_rest();
  o->consts = cls_balloon_derive(cls_balloon_default());
  o->tally = cls_samples_tally(&o->spikes);
  o->tally.first = begin;
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

cls_status cls_operator_create(const cls_world *world, const cls_network *network,
                               const cls_placement *placement, const cls_layout *layout, int members,
                               int64_t begin, bool currents, cls_operator **self) {
  const double per_ms = 1 / network->dt_ms;
  CLS_CHECK(per_ms >= 1 && fabs(per_ms - rint(per_ms)) < 1e-6, CLS_ERR_INPUT,
            "dt_ms %g: expected a part of 1 ms, the step of haemodynamics", network->dt_ms);
  CLS_TRY(cls_alloc(self, 1, sizeof **self, "observation operator"));
  cls_operator *o = *self;
  o->record = (cls_record){
      .world = *world, .network = network, .placement = placement, .layout = layout, .members = members};
  o->members = members;
  o->regions = cls_site_count(network);
  o->bin_steps = (int64_t)rint(per_ms);
  return fill(o, begin, currents);
}

void cls_operator_destroy(cls_operator *o) {
  if (!o) return;
  cls_samples_destroy(&o->spikes);
  cls_samples_destroy(&o->currents);
  cls_groups_destroy(&o->groups);
  cls_groups_destroy(&o->cells);
  free(o->total);
  free(o->current);
  free(o->balloon);
  free(o->outlook.bold);
  free(o->outlook.rate_hz);
  free(o->outlook.current);
  free(o);
}
