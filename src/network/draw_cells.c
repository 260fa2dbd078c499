/* Rules over pairs: fixed_total_number and pairwise_bernoulli, where synapse i of a pair of cells is counted
 * by (target cell, source cell, i); one_to_one and all_to_all, where a synapse is counted by (target,
 * source).
 *
 * Where the probability falls with distance, candidates are drawn with the greatest probability that the
 * boxes around the two cells allow, and each is accepted by one more word: thinning, after which every pair
 * is connected with its own probability and independently of the others. */
#include <stdlib.h>

#include "network/internal.h"
#include "network/set.h"

/* Cells of sources whose positions are kept at hand: neighbouring targets need the same ones. */
enum { KEPT_CELLS = 32 };

/* What distance needs. */
typedef struct {
  const cls_kernel *kernel; /* NULL: distance counts for the delay only */
  const cls_box *target_box, *source_box;
  double period[3], cutoff, slowness; /* slowness: ms per mm */
  uint32_t source_population, target_population;
  double (*target)[3];                   /* positions of the target cell */
  double (*sources)[CLS_CELL][3];        /* of cell c in [c % KEPT_CELLS] */
  int64_t target_cell, kept[KEPT_CELLS]; /* -1: none yet */
  double more_delay[CLS_DRAW_BATCH];
  uint32_t accept[CLS_DRAW_BATCH]; /* words */
} distances;

typedef struct {
  cls_drawing *d;
  bool distinct; /* no pair twice */
  cls_set taken;
  distances *space; /* NULL: no distance is needed */
} cells_draw;

/* The sizes of one pair of cells. */
typedef struct {
  uint64_t first_target;
  uint32_t first_source, targets, sources; /* sources: candidates of one target */
  bool skip_self;              /* one and the same cell without autapses: candidate s >= t stands for s + 1 */
  double greatest;             /* with a kernel: the probability with which candidates are drawn */
  const double (*position)[3]; /* of the source cell */
} cell_pair;

static inline bool accepted(distances *space, const cell_pair *pair, int from, int to, uint32_t t,
                            uint32_t s) {
  double distance = cls_distance(space->target[t], pair->position[s], space->period);
  if (distance > space->cutoff) return false;
  if (space->kernel &&
      !(cls_unit(space->accept[from]) * pair->greatest < cls_kernel_at(space->kernel, distance)))
    return false;
  space->more_delay[to] = distance * space->slowness;
  return true;
}

/* Puts synapse `from` of the batch, on pair (t, s) of the cells, in its place if its target was asked for. */
static inline void keep(cells_draw *g, const cell_pair *pair, int from, uint32_t t, uint32_t s) {
  cls_drawing *d = g->d;
  uint64_t target = pair->first_target + t;
  if (target < d->first || target >= d->last) return;
  uint32_t self = pair->skip_self && s >= t;
  if (g->space && !accepted(g->space, pair, from, d->n, t, s + self)) return;
  int to = d->n++;
  d->target[to] = (uint32_t)target;
  d->source[to] = pair->first_source + s + self;
  d->column[to] = 0;
  for (int k = 0; k < 3; k++) d->c[k][to] = d->c[k][from];
  for (int k = 1; k < 4; k++) d->w[k][to] = d->w[k][from];
}

/* Pairs with repetition: word x targets x sources / 2^32 is a uniform pair, its quotient by `sources` the
 * target and the remainder the source; both come without a division. */
static void partners_repeated(cells_draw *g, const cell_pair *pair, int at, int m) {
  const cls_drawing *d = g->d;
  for (int i = at; i < at + m; i++) {
    uint64_t t = (uint64_t)d->w[0][i] * pair->targets, s = (uint64_t)(uint32_t)t * pair->sources;
    keep(g, pair, i, (uint32_t)(t >> 32), (uint32_t)(s >> 32));
  }
}

/* Distinct pairs: Floyd's sample of `count` out of all, see draw_indegree.c. */
static void partners_floyd(cells_draw *g, const cell_pair *pair, int at, int m, uint32_t done,
                           uint32_t count) {
  const cls_drawing *d = g->d;
  uint32_t before = pair->targets * pair->sources - count + done;
  for (int i = at; i < at + m; i++, before++) {
    uint32_t index = cls_below(d->w[0][i], before + 1);
    if (!cls_set_add(&g->taken, index)) {
      index = before;
      cls_set_add(&g->taken, index);
    }
    keep(g, pair, i, index / pair->sources, index % pair->sources);
  }
}

/* ---- distance ---- */

static double greatest_probability(const void *context, uint32_t target_cell, uint32_t source_cell) {
  const distances *space = context;
  double gap = cls_box_gap(&space->target_box[target_cell], &space->source_box[source_cell], space->period);
  return gap > space->cutoff ? 0 : cls_kernel_at(space->kernel, gap);
}

/* Positions of both cells of a pair. */
static cls_status find_positions(cells_draw *g, uint32_t target_cell, uint32_t source_cell, cell_pair *pair) {
  distances *space = g->space;
  const cls_network *network = g->d->network;
  if (space->kernel) pair->greatest = greatest_probability(space, target_cell, source_cell);
  if (space->target_cell != target_cell) {
    CLS_TRY(cls_population_positions(network, space->target_population, pair->first_target, pair->targets,
                                     space->target));
    space->target_cell = target_cell;
  }
  uint32_t slot = source_cell % KEPT_CELLS;
  pair->position = (const double(*)[3])space->sources[slot];
  if (space->kept[slot] == source_cell) return CLS_OK;
  CLS_TRY(cls_population_positions(network, space->source_population, pair->first_source,
                                   pair->sources + pair->skip_self, space->sources[slot]));
  space->kept[slot] = source_cell;
  return CLS_OK;
}

static cls_status make_space(cells_draw *g) {
  const cls_network *network = g->d->network;
  const cls_projection *p = g->d->projection;
  bool kernel = p->rule == CLS_PAIRWISE_BERNOULLI && p->kernel.kind != CLS_KERNEL_NONE;
  if (!kernel && !(p->velocity_mm_ms > 0)) return CLS_OK;
  distances *space;
  CLS_TRY(cls_alloc(&space, 1, sizeof *space, "distances"));
  g->space = space;
  space->kernel = kernel ? &p->kernel : NULL;
  space->target_population = p->target;
  space->source_population = p->sources[0].population;
  space->target_box = network->populations[space->target_population].cell_box;
  space->source_box = network->populations[space->source_population].cell_box;
  space->cutoff = kernel ? cls_kernel_cutoff(&p->kernel) : INFINITY;
  space->slowness = p->velocity_mm_ms > 0 ? 1 / p->velocity_mm_ms : 0;
  cls_projection_period(network, p, space->period);
  space->target_cell = -1;
  for (int k = 0; k < KEPT_CELLS; k++) space->kept[k] = -1;
  if (p->velocity_mm_ms > 0) g->d->more_delay = space->more_delay;
  CLS_TRY(cls_alloc(&space->target, CLS_CELL, sizeof *space->target, "positions of a cell"));
  return cls_alloc(&space->sources, KEPT_CELLS, sizeof *space->sources, "positions of cells");
}

static void free_space(distances *space) {
  if (!space) return;
  free(space->target);
  free(space->sources);
  free(space);
}

/* ---- the rules ---- */

static cls_status draw_pair(void *context, uint32_t target_cell, uint32_t source_cell, uint64_t count) {
  cells_draw *g = context;
  cls_drawing *d = g->d;
  const cls_projection *p = d->projection;
  CLS_CHECK(count <= UINT32_MAX, CLS_ERR_LIMIT,
            "projection '%s': %llu synapses between cells %u and %u: at most %u", p->name,
            (unsigned long long)count, source_cell, target_cell, UINT32_MAX);
  uint64_t targets = d->network->populations[p->target].n;
  uint64_t sources = d->network->populations[p->sources[0].population].n;
  cell_pair pair = {.first_target = (uint64_t)target_cell * CLS_CELL,
                    .first_source = source_cell * CLS_CELL,
                    .skip_self = d->sources[0].skip_self && source_cell == target_cell};
  pair.targets = (uint32_t)cls_cell_neurons(targets, target_cell, target_cell + 1);
  pair.sources = (uint32_t)cls_cell_neurons(sources, source_cell, source_cell + 1) - pair.skip_self;
  if (g->space) CLS_TRY(find_positions(g, target_cell, source_cell, &pair));
  if (g->distinct) CLS_TRY(cls_set_start(&g->taken, (uint64_t)pair.targets * pair.sources, count));

  for (uint32_t done = 0; done < (uint32_t)count;) {
    int at = d->n, m = CLS_DRAW_BATCH - at;
    if ((uint32_t)m > (uint32_t)count - done) m = (int)((uint32_t)count - done);
    for (int i = 0; i < m; i++) {
      d->c[0][at + i] = target_cell;
      d->c[1][at + i] = source_cell;
      d->c[2][at + i] = done + (uint32_t)i;
    }
    cls_drawing_words(d, at, m);
    if (g->space && g->space->kernel)
      cls_drawing_lane_words(d, CLS_LANE_ACCEPT, at, m, g->space->accept + at);
    if (g->distinct)
      partners_floyd(g, &pair, at, m, done, (uint32_t)count);
    else
      partners_repeated(g, &pair, at, m);
    done += (uint32_t)m;
    /* half full is full: what is left out must not shrink the next words to a trickle */
    if (d->n > CLS_DRAW_BATCH / 2) CLS_TRY(cls_drawing_emit(d));
  }
  return CLS_OK;
}

cls_status cls_draw_cells(cls_drawing *d) {
  const cls_network *network = d->network;
  const cls_projection *p = d->projection;
  bool bernoulli = p->rule == CLS_PAIRWISE_BERNOULLI;
  cls_cell_grid grid = {.targets = network->populations[p->target].n,
                        .sources = network->populations[p->sources[0].population].n,
                        .no_self = d->sources[0].skip_self,
                        .stream = cls_stream_make(network->seed, CLS_PURPOSE_COUNT, p->key),
                        .multapses = p->multapses,
                        .total = p->total,
                        .probability = p->probability};
  cells_draw g = {.d = d, .distinct = bernoulli || !p->multapses};
  uint32_t first = (uint32_t)(d->first / CLS_CELL), last = cls_cell_count(d->last);
  cls_status status = make_space(&g);
  if (g.space && g.space->kernel) {
    grid.greatest = greatest_probability;
    grid.context = g.space;
  }
  if (status == CLS_OK && bernoulli) status = cls_cells_bernoulli(&grid, first, last, draw_pair, &g);
  if (status == CLS_OK && !bernoulli) status = cls_cells_total(&grid, first, last, draw_pair, &g);
  /* the last batch is emitted by the caller: its delays are still needed */
  if (status == CLS_OK) status = cls_drawing_emit(d);
  d->more_delay = NULL;
  free_space(g.space);
  cls_set_free(&g.taken);
  return status;
}

/* ---- rules without choice ---- */

/* Adds the synapse from neuron `source` onto neuron `target` to a batch with room for it. */
static void add(cls_drawing *d, uint32_t target, uint32_t source) {
  int at = d->n++;
  d->target[at] = d->c[0][at] = target;
  d->source[at] = d->c[1][at] = source;
  d->c[2][at] = 0;
  d->column[at] = 0;
}

/* The words are needed for weights and delays only. */
static cls_status finish_batch(cls_drawing *d) {
  if (d->draw_weight[0] || d->draw_weight[1] || d->draw_delay) cls_drawing_words(d, 0, d->n);
  return cls_drawing_emit(d);
}

cls_status cls_draw_one_to_one(cls_drawing *d) {
  if (d->sources[0].skip_self) return CLS_OK; /* nothing but autapses */
  for (uint64_t j = d->first; j < d->last; j++) {
    add(d, (uint32_t)j, (uint32_t)j);
    if (d->n == CLS_DRAW_BATCH) CLS_TRY(finish_batch(d));
  }
  return finish_batch(d);
}

cls_status cls_draw_all_to_all(cls_drawing *d) {
  uint64_t sources = d->network->populations[d->projection->sources[0].population].n;
  for (uint64_t j = d->first; j < d->last; j++)
    for (uint64_t s = 0; s < sources; s++) {
      if (d->sources[0].skip_self && s == j) continue;
      add(d, (uint32_t)j, (uint32_t)s);
      if (d->n == CLS_DRAW_BATCH) CLS_TRY(finish_batch(d));
    }
  return finish_batch(d);
}
