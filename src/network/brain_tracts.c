/* The long-range connections of a brain: which tracts count, their delays, and the projections that stand
 * for them. A target population draws its long-range synapses from those populations of other regions that
 * project (all excitatory ones, unless a unit says otherwise), in proportion to the weights of its row
 * and, within a region, to their neurons. */
#include "network/brain.h"

#include <math.h>
#include <stdlib.h>

/* What is noted along the way for the log. */
typedef struct {
  cls_name_list isolated, euclidean, one_step;
  uint64_t used, self; /* tracts; entries of the diagonal, which are left out */
  uint64_t silent;     /* tracts from regions that send nothing */
  uint64_t unused;     /* fixed_total_number: tracts too weak for a single synapse */
} tract_notes;

/* What projects onto one region. */
typedef struct {
  cls_projection_source *sources;
  uint32_t n;
  cls_crowding crowding;
} source_list;

/* Delay of tract k onto region i (connectome indices): length / velocity, mm / (m/s) = ms, at least a step. A
 * length of 0 says that it was not measured: the straight line between the centres, else one step. */
static cls_status tract_delay(cls_expansion *x, uint32_t i, uint64_t k, tract_notes *notes,
                              double *delay_ms) {
  const cls_connectome *c = x->connectome;
  double mm = c->length_mm[k], step = x->network->dt_ms;
  if (mm == 0) {
    const double *a = c->centre_mm[i], *b = c->centre_mm[c->source[k]];
    double d[3] = {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
    mm = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
    bool measured = mm > 0; /* false for NaN, too: an unknown centre */
    if (!measured) mm = 0;
    char *name = cls_format("%s<-%s", c->names[i], c->names[c->source[k]]);
    CLS_CHECK(name, CLS_ERR_MEMORY, "out of memory for the name of a tract");
    cls_status status = cls_name_list_add(measured ? &notes->euclidean : &notes->one_step, name);
    free(name);
    CLS_TRY(status);
  }
  double ms = mm / x->brain->velocity_m_s;
  *delay_ms = ms > step ? ms : step;
  return CLS_OK;
}

/* The populations that project onto kept region `region`: of every region with a tract, those its unit sends
 * from, in proportion to their neurons; with row-normalised weights. sources: room for the row. */
static cls_status collect_sources(cls_expansion *x, uint32_t region, cls_projection_source *sources,
                                  uint32_t *n, tract_notes *notes) {
  const cls_connectome *c = x->connectome;
  uint32_t i = x->kept[region];
  double sum = 0;
  *n = 0;
  for (uint64_t k = c->row[i]; k < c->row[i + 1]; k++) {
    if (c->source[k] == i) {
      notes->self++;
      continue;
    }
    uint32_t from = x->place[c->source[k]]; /* a region with a tract is never dropped */
    const cls_region_unit *unit = cls_kept_unit(x, from);
    double neurons = 0, delay_ms = 0;
    for (uint32_t p = 0; p < unit->n; p++)
      if (unit->population[p].long_range) neurons += (double)x->network->populations[x->first[from] + p].n;
    if (neurons == 0) {
      notes->silent++;
      continue;
    }
    CLS_TRY(tract_delay(x, i, k, notes, &delay_ms));
    for (uint32_t p = 0; p < unit->n; p++) {
      uint32_t population = x->first[from] + p;
      if (!unit->population[p].long_range) continue;
      double share = (double)x->network->populations[population].n / neurons;
      sources[(*n)++] = (cls_projection_source){population, c->weight[k] * share, delay_ms};
    }
    sum += c->weight[k];
    notes->used++;
  }
  CLS_CHECK(isfinite(sum), CLS_ERR_INPUT, "connectome: the weights of tracts onto region %s sum to %g",
            c->names[i], sum);
  for (uint32_t k = 0; k < *n; k++) sources[k].weight /= sum;
  return CLS_OK;
}

static void set_long_range(const cls_expansion *x, cls_projection *p) {
  cls_distribution weight = cls_constant(0), delay = cls_constant(0);
  weight.kind = CLS_UNIFORM;
  weight.b = 1;
  weight.scale = x->brain->coupling;
  if (x->brain->delay_jitter_ms > 0) {
    delay.kind = CLS_NORMAL;
    delay.b = x->brain->delay_jitter_ms;
    delay.min = -3 * delay.b;
    delay.max = 3 * delay.b;
    delay.bound = CLS_CLIP;
  }
  p->port = x->port_e;
  p->weight[0] = p->weight[1] = weight;
  p->delay_ms = delay;
  p->type = 'R';
  p->autapses = false; /* no region projects onto itself here */
  p->multapses = false;
}

static void name_target(const cls_expansion *x, uint32_t region, uint32_t target, char name[512]) {
  snprintf(name, 512, "%s/%s", cls_kept_name(x, region), cls_kept_unit(x, region)->population[target].name);
}

/* One projection per target population: a mixture of sources, of which all targets of the region share one
 * table: projection `shared` holds it, where it is not -1. */
static cls_status add_mixture(cls_expansion *x, uint32_t region, uint32_t target, uint64_t indegree,
                              const source_list *list, int64_t *shared) {
  char name[512 + 16], to[512];
  name_target(x, region, target, to);
  snprintf(name, sizeof name, "%s<-long range", to);
  uint32_t number = x->first[region] + target;
  cls_projection *p = NULL;
  if (*shared < 0) {
    CLS_TRY(
        cls_network_add_projection(x->network, name, number, CLS_FIXED_INDEGREE, list->sources, list->n, &p));
    *shared = x->network->n_projections - 1;
  } else {
    CLS_TRY(
        cls_network_add_projection_like(x->network, name, number, CLS_FIXED_INDEGREE, (uint32_t)*shared, &p));
  }
  set_long_range(x, p);
  return cls_brain_draw_distinct(x, p, indegree, &list->crowding);
}

/* One projection per pair of populations, their totals summing to the target's neurons times its long-range
 * in-degree. */
static cls_status add_pair(cls_expansion *x, uint32_t region, uint32_t target,
                           const cls_projection_source *source, uint64_t total) {
  uint32_t number = x->first[region] + target;
  const cls_population *from = &x->network->populations[source->population];
  uint64_t n_target = x->network->populations[number].n, n_source = from->n;
  char name[1024], to[512];
  name_target(x, region, target, to);
  snprintf(name, sizeof name, "%s<-%s", to, from->name);
  cls_projection *p = NULL;
  cls_projection_source alone = {.population = source->population, .weight = 1, .delay_ms = source->delay_ms};
  CLS_TRY(cls_network_add_projection(x->network, name, number, CLS_FIXED_TOTAL_NUMBER, &alone, 1, &p));
  p->procedural = x->brain->procedural;
  set_long_range(x, p);
  p->total = total;
  x->shortage.of++;
  return total > n_target * n_source
             ? cls_brain_repeat_sources(x, p, (total + n_target - 1) / n_target, n_source)
             : CLS_OK;
}

static cls_status add_pairs(cls_expansion *x, uint32_t region, uint32_t target, uint64_t indegree,
                            const source_list *list, tract_notes *notes) {
  uint64_t neurons = x->network->populations[x->first[region] + target].n;
  double *weight = NULL;
  uint64_t *total = NULL;
  cls_status status = cls_alloc(&weight, list->n, sizeof *weight, "weights of a row");
  if (status == CLS_OK) status = cls_alloc(&total, list->n, sizeof *total, "synapses of a row");
  if (status == CLS_OK) {
    for (uint32_t k = 0; k < list->n; k++) weight[k] = list->sources[k].weight;
    status = cls_apportion(neurons * indegree, weight, list->n, 0, total, "synapses of a row");
  }
  for (uint32_t k = 0; k < list->n && status == CLS_OK; k++) {
    if (total[k] > 0)
      status = add_pair(x, region, target, &list->sources[k], total[k]);
    else
      notes->unused++;
  }
  free(weight);
  free(total);
  return status;
}

static cls_status add_region(cls_expansion *x, uint32_t region, source_list *list, tract_notes *notes) {
  int64_t shared = -1;
  CLS_TRY(collect_sources(x, region, list->sources, &list->n, notes));
  if (list->n == 0) CLS_TRY(cls_name_list_add(&notes->isolated, cls_kept_name(x, region)));
  CLS_TRY(cls_brain_local(x, region, list->n == 0));
  if (list->n == 0) return CLS_OK;
  list->crowding = cls_brain_crowding(x, list->sources, list->n, -1);
  for (uint32_t t = 0; t < cls_kept_unit(x, region)->n; t++) {
    cls_unit_indegree row;
    CLS_TRY(cls_kept_row(x, region, t, &row));
    if (row.long_range == 0) continue;
    if (x->brain->rule == CLS_FIXED_TOTAL_NUMBER)
      CLS_TRY(add_pairs(x, region, t, row.long_range, list, notes));
    else
      CLS_TRY(add_mixture(x, region, t, row.long_range, list, &shared));
  }
  return CLS_OK;
}

/* One line per kind of decision. */
static cls_status log_list(const cls_expansion *x, cls_name_list *list, const char *what,
                           const char *decision) {
  if (list->n == 0) return CLS_OK;
  const char *text = "";
  CLS_TRY(cls_name_list_text(list, &text));
  cls_log(x->world, 1, "brain: %llu %s, %s: %s", (unsigned long long)list->n, what, decision, text);
  return CLS_OK;
}

static cls_status log_notes(const cls_expansion *x, tract_notes *notes) {
  cls_log(x->world, 1, "brain: connectome %s: %llu tracts, %.3g of all possible",
          x->connectome->origin ? x->connectome->origin : "without origin", (unsigned long long)notes->used,
          x->n > 1 ? (double)notes->used / ((double)x->n * (double)(x->n - 1)) : 0.0);
  if (notes->self > 0)
    cls_log(x->world, 1, "brain: %llu tracts from a region to itself are left out",
            (unsigned long long)notes->self);
  if (notes->silent > 0)
    cls_log(x->world, 1, "brain: %llu tracts come from regions whose units project to no other",
            (unsigned long long)notes->silent);
  if (notes->unused > 0)
    cls_log(x->world, 1, "brain: %llu pairs of populations have a tract too weak for a single synapse",
            (unsigned long long)notes->unused);
  CLS_TRY(log_list(x, &notes->isolated, "regions have no long-range input", "its share is given to local E"));
  CLS_TRY(log_list(x, &notes->euclidean, "tracts have length 0",
                   "the distance between the centres is taken instead"));
  return log_list(x, &notes->one_step, "tracts have length 0 and no distance between known centres",
                  "their delay is one step");
}

cls_status cls_brain_tracts(cls_expansion *x) {
  tract_notes notes = {
      .isolated.shown_at_most = 1000, .euclidean.shown_at_most = 50, .one_step.shown_at_most = 50};
  const cls_connectome *c = x->connectome;
  uint64_t widest = 1;
  for (uint32_t i = 0; i < c->n_regions; i++)
    if (c->row[i + 1] - c->row[i] > widest) widest = c->row[i + 1] - c->row[i];
  source_list list = {0};
  cls_status status =
      cls_alloc(&list.sources, widest * CLS_UNIT_POPULATIONS, sizeof *list.sources, "sources of a region");
  for (uint32_t i = 0; i < x->n && status == CLS_OK; i++) status = add_region(x, i, &list, &notes);
  if (status == CLS_OK) status = log_notes(x, &notes);
  free(list.sources);
  cls_name_list_free(&notes.isolated);
  cls_name_list_free(&notes.euclidean);
  cls_name_list_free(&notes.one_step);
  return status;
}
