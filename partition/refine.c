/* Hill climbing on the exact expected messages, by moves of single blocks.
 *
 * With
 *   X[p][r] = sum over targets q of reach(p, q) x neurons of q on r,
 *   V[p][r] = spikes per second of p's blocks that are not on r (less those one_to_one surely sends there)
 * messages = (ranks - 1) x all spikes - sum over p and r of V exp(-X): what is kept from being sent. A move
 * of one block changes two columns of its source populations' rows and one row of V, so its gain costs one
 * multiplication per source population and rank (compare the gains of Fiduccia & Mattheyses, DAC 1982, on the
 * cut of a hypergraph; here the cost is the expectation instead). */
#include "partition/methods.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_LIMIT (1ull << 25) /* entries of populations x ranks, three tables of doubles: 768 MiB */

typedef struct {
  uint32_t source; /* population */
  float reach;
} incoming;

typedef struct {
  uint32_t source; /* block */
  double share;    /* of the source block's neurons */
} incoming_pair;

typedef struct {
  const cls_block_graph *graph;
  cls_placement *placement;
  size_t ranks;
  double *x, *kept, *v; /* [populations x ranks]: X, exp(-X), V */
  double *load;         /* [ranks x 3] relative to the mean over ranks */
  double scale[3];      /* of a weight, to relative */
  uint64_t *in_row;     /* [populations + 1] edges onto a population from others, sources ascending */
  incoming *in;
  double *self;          /* [populations] reach onto itself */
  uint64_t *pair_in_row; /* [blocks + 1] pairs onto a block */
  incoming_pair *pair_in;
  double *gain, *without; /* [ranks] of the block looked at */
  double saved;           /* messages per second, by the gains of all moves made */
  uint64_t operations, budget;
} refiner;

static cls_status make(const cls_block_graph *graph, cls_placement *placement, uint64_t budget, refiner *f);
static void destroy(refiner *f);
static void gains(refiner *f, uint32_t c);
static double relief(const refiner *f, uint32_t c, size_t to);
static void move(refiner *f, uint32_t c, size_t to);

/* Takes blocks from the most overloaded rank, the one first that loses least messages per relief; where none
 * helps, from the next. */
static void repair(refiner *f) {
  const cls_placement *placement = f->placement;
  for (uint64_t moves = 0; moves < 4ull * f->graph->n_blocks && f->operations < f->budget; moves++) {
    double best_score = -INFINITY;
    uint32_t best_block = 0;
    size_t best_rank = 0, worst = 0;
    double most = 0;
    for (size_t i = 0; i < f->ranks * 3; i++) {
      if (f->load[i] > most) most = f->load[i], worst = i / 3;
    }
    if (most <= CLS_BALANCE_LIMIT) return;
    f->operations += f->graph->n_blocks;
    for (int pass = 0; pass < 2 && best_score == -INFINITY; pass++) { /* the worst rank, then all */
      for (uint32_t c = 0; c < f->graph->n_blocks; c++) {
        if (pass == 0 && (size_t)placement->owner[c] != worst) continue;
        f->operations += f->ranks;
        bool evaluated = false;
        for (size_t r = 0; r < f->ranks; r++) {
          double less = r == (size_t)placement->owner[c] ? 0 : relief(f, c, r);
          if (less < 1e-9) continue;
          if (!evaluated) gains(f, c);
          evaluated = true;
          double score = f->gain[r] / less;
          if (score > best_score) best_score = score, best_block = c, best_rank = r;
        }
      }
    }
    if (best_score == -INFINITY) return;
    gains(f, best_block);
    f->saved += f->gain[best_rank];
    move(f, best_block, best_rank);
  }
}

/* Sweeps over all blocks until none moves. */
static void climb(refiner *f, double least_gain) {
  bool moved = true;
  while (moved) {
    moved = false;
    for (uint32_t c = 0; c < f->graph->n_blocks; c++) {
      if (f->operations >= f->budget) return;
      size_t own = (size_t)f->placement->owner[c], best = own;
      double most = least_gain;
      gains(f, c);
      for (size_t r = 0; r < f->ranks; r++) {
        if (r == own || f->gain[r] <= most || relief(f, c, r) < -1e-12) continue;
        most = f->gain[r];
        best = r;
      }
      if (best == own) continue;
      f->saved += most;
      move(f, c, best);
      moved = true;
    }
  }
}

cls_status cls_partition_refine(const cls_block_graph *graph, uint64_t budget, cls_placement *placement,
                                double *saved) {
  *saved = 0;
  if (placement->ranks < 2 || (uint64_t)placement->ranks * graph->n_populations > TABLE_LIMIT) return CLS_OK;
  refiner f = {0};
  cls_status status = make(graph, placement, budget, &f);
  if (status == CLS_OK) {
    double spikes = 0;
    for (uint32_t b = 0; b < graph->n_blocks; b++) spikes += graph->spikes[b];
    repair(&f);
    climb(&f, 1e-9 * spikes);
    *saved = f.saved;
  }
  destroy(&f);
  return status;
}

/* ---- balance ---- */

static double square_over(double load) {
  double over = load - CLS_BALANCE_LIMIT;
  return over > 0 ? over * over : 0;
}

/* How much the sum of squared overloads falls when block c moves to rank `to`. */
static double relief(const refiner *f, uint32_t c, size_t to) {
  const double *from_load = f->load + (size_t)f->placement->owner[c] * 3, *to_load = f->load + to * 3;
  double sum = 0;
  for (int k = 0; k < 3; k++) {
    double w = f->graph->weight[c * (size_t)3 + k] * f->scale[k];
    sum += square_over(from_load[k]) - square_over(from_load[k] - w);
    sum += square_over(to_load[k]) - square_over(to_load[k] + w);
  }
  return sum;
}

/* ---- messages ---- */

/* Share of block b's neurons whose partners are not on rank r, pairs with block `except` left out. */
static double without_pairs(const refiner *f, uint32_t b, size_t r, uint32_t except) {
  double without = 1;
  for (uint64_t i = f->graph->pair_row[b]; i < f->graph->pair_row[b + 1]; i++) {
    const cls_block_pair *pair = &f->graph->pairs[i];
    if (pair->target != except && (size_t)f->placement->owner[pair->target] == r) without *= 1 - pair->share;
  }
  return without;
}

static double reach_between(const refiner *f, uint32_t p, uint32_t q) {
  uint64_t low = f->in_row[q], high = f->in_row[q + 1];
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    if (f->in[middle].source < p) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < f->in_row[q + 1] && f->in[low].source == p ? (double)f->in[low].reach : 0;
}

/* f->gain[r]: messages per second saved when block c moves to rank r. */
static void gains(refiner *f, uint32_t c) {
  const cls_block *block = &f->placement->blocks[c];
  size_t ranks = f->ranks, own = (size_t)f->placement->owner[c];
  uint32_t q = block->population;
  double n = block->n, spikes = f->graph->spikes[c], leave = 0;
  for (size_t r = 0; r < ranks; r++) f->gain[r] = 0, f->without[r] = 1;
  for (uint64_t i = f->graph->pair_row[c]; i < f->graph->pair_row[c + 1]; i++) {
    f->without[f->placement->owner[f->graph->pairs[i].target]] *= 1 - f->graph->pairs[i].share;
  }

  /* Its own row: its spikes are remote to `own` now, no longer to r; and it may be its own target. */
  const double *v = f->v + q * ranks, *kept = f->kept + q * ranks;
  double shrink = cls_exp(-f->self[q] * n);
  double kept_after = f->self[q] > 0 ? cls_exp(f->self[q] * n - f->x[q * ranks + own]) : kept[own];
  leave += (v[own] + spikes * f->without[own]) * kept_after - v[own] * kept[own];
  for (size_t r = 0; r < ranks; r++) {
    f->gain[r] += ((v[r] - spikes * f->without[r]) * shrink - v[r]) * kept[r];
  }

  /* As a target of other populations. */
  for (uint64_t i = f->in_row[q]; i < f->in_row[q + 1]; i++) {
    uint32_t p = f->in[i].source;
    double reach = (double)f->in[i].reach * n, fewer = cls_expm1(-reach);
    v = f->v + p * ranks;
    kept = f->kept + p * ranks;
    for (size_t r = 0; r < ranks; r++) f->gain[r] += v[r] * kept[r] * fewer;
    leave += v[own] * (cls_exp(reach - f->x[p * ranks + own]) - kept[own]);
  }

  /* As the partner of other blocks. */
  for (uint64_t i = f->pair_in_row[c]; i < f->pair_in_row[c + 1]; i++) {
    uint32_t b = f->pair_in[i].source, p = f->placement->blocks[b].population;
    double share = f->pair_in[i].share, reach = reach_between(f, p, q) * n;
    double more = f->graph->spikes[b] * share, fewer = cls_exp(-reach);
    size_t of_b = (size_t)f->placement->owner[b];
    for (size_t r = 0; r < ranks; r++) {
      if (r == of_b || r == own) continue;
      f->gain[r] -= more * without_pairs(f, b, r, c) * f->kept[p * ranks + r] * fewer;
    }
    if (own != of_b) leave += more * without_pairs(f, b, own, c) * cls_exp(reach - f->x[p * ranks + own]);
  }
  for (size_t r = 0; r < ranks; r++) f->gain[r] += leave;
  f->operations += (f->in_row[q + 1] - f->in_row[q] + f->pair_in_row[c + 1] - f->pair_in_row[c] + 1) *
                   (uint64_t)(ranks + 16);
}

static void set_x(refiner *f, size_t i, double x) {
  f->x[i] = x > 0 ? x : 0; /* differences of sums may fall a rounding below 0 */
  f->kept[i] = cls_exp(-f->x[i]);
}

/* Adds (sign 1) or removes (-1) block c at rank r, in X and loads of r. */
static void shift(refiner *f, uint32_t c, size_t r, double sign) {
  const cls_block *block = &f->placement->blocks[c];
  uint32_t q = block->population;
  double n = sign * block->n;
  if (f->self[q] > 0) set_x(f, q * f->ranks + r, f->x[q * f->ranks + r] + f->self[q] * n);
  for (uint64_t i = f->in_row[q]; i < f->in_row[q + 1]; i++) {
    size_t at = f->in[i].source * f->ranks + r;
    set_x(f, at, f->x[at] + (double)f->in[i].reach * n);
  }
  for (int k = 0; k < 3; k++) {
    f->load[r * 3 + k] += sign * f->graph->weight[c * (size_t)3 + k] * f->scale[k];
  }
}

/* What block b adds to V at rank r. */
static double remote_spikes(const refiner *f, uint32_t b, size_t r) {
  if ((size_t)f->placement->owner[b] == r) return 0;
  return f->graph->spikes[b] * without_pairs(f, b, r, UINT32_MAX);
}

/* Adds or removes what c and the blocks paired with it add to V at two ranks. */
static void shift_remote(refiner *f, uint32_t c, size_t r1, size_t r2, double sign) {
  double *v = f->v + f->placement->blocks[c].population * f->ranks;
  v[r1] += sign * remote_spikes(f, c, r1);
  v[r2] += sign * remote_spikes(f, c, r2);
  for (uint64_t i = f->pair_in_row[c]; i < f->pair_in_row[c + 1]; i++) {
    uint32_t b = f->pair_in[i].source;
    bool again = false; /* two projections may join the same blocks */
    for (uint64_t j = f->pair_in_row[c]; j < i && !again; j++) again = f->pair_in[j].source == b;
    if (again) continue;
    v = f->v + f->placement->blocks[b].population * f->ranks;
    v[r1] += sign * remote_spikes(f, b, r1);
    v[r2] += sign * remote_spikes(f, b, r2);
  }
}

static void move(refiner *f, uint32_t c, size_t to) {
  size_t from = (size_t)f->placement->owner[c];
  shift_remote(f, c, from, to, -1);
  f->placement->owner[c] = (int32_t)to;
  shift_remote(f, c, from, to, 1);
  shift(f, c, from, -1);
  shift(f, c, to, 1);
}

/* ---- construction ---- */

static void destroy(refiner *f) {
  free(f->x);
  free(f->kept);
  free(f->v);
  free(f->load);
  free(f->in_row);
  free(f->in);
  free(f->self);
  free(f->pair_in_row);
  free(f->pair_in);
  free(f->gain);
  free(f->without);
}

static cls_status allocate(refiner *f) {
  const cls_block_graph *g = f->graph;
  size_t table = g->n_populations * f->ranks;
  CLS_TRY(cls_alloc(&f->x, table, sizeof *f->x, "reach of populations x ranks"));
  CLS_TRY(cls_alloc(&f->kept, table, sizeof *f->kept, "kept share of populations x ranks"));
  CLS_TRY(cls_alloc(&f->v, table, sizeof *f->v, "remote spikes of populations x ranks"));
  CLS_TRY(cls_alloc(&f->load, f->ranks * 3, sizeof *f->load, "loads of ranks"));
  CLS_TRY(cls_alloc(&f->gain, f->ranks, sizeof *f->gain, "gains"));
  CLS_TRY(cls_alloc(&f->without, f->ranks, sizeof *f->without, "shares of pairs"));
  CLS_TRY(cls_alloc(&f->self, g->n_populations, sizeof *f->self, "reach onto itself"));
  CLS_TRY(cls_alloc(&f->in_row, (size_t)g->n_populations + 2, sizeof *f->in_row, "rows of in-edges"));
  CLS_TRY(cls_alloc(&f->in, (size_t)g->row[g->n_populations], sizeof *f->in, "in-edges"));
  CLS_TRY(cls_alloc(&f->pair_in_row, (size_t)g->n_blocks + 2, sizeof *f->pair_in_row, "rows of pairs"));
  return cls_alloc(&f->pair_in, (size_t)g->pair_row[g->n_blocks], sizeof *f->pair_in, "pairs");
}

/* Edges and pairs by target; counting sort, so sources come out ascending. */
static void transpose(refiner *f) {
  const cls_block_graph *g = f->graph;
  uint64_t *next = f->in_row + 1;
  for (uint32_t p = 0; p < g->n_populations; p++) {
    for (uint64_t e = g->row[p]; e < g->row[p + 1]; e++) {
      if (g->edges[e].target == p) {
        f->self[p] = g->edges[e].reach;
      } else {
        next[g->edges[e].target + 1]++;
      }
    }
  }
  for (uint32_t p = 0; p < g->n_populations; p++) next[p + 1] += next[p];
  for (uint32_t p = 0; p < g->n_populations; p++) {
    for (uint64_t e = g->row[p]; e < g->row[p + 1]; e++) {
      if (g->edges[e].target != p) f->in[next[g->edges[e].target]++] = (incoming){p, g->edges[e].reach};
    }
  }
  next = f->pair_in_row + 1;
  for (uint64_t i = 0; i < g->pair_row[g->n_blocks]; i++) next[g->pairs[i].target + 1]++;
  for (uint32_t b = 0; b < g->n_blocks; b++) next[b + 1] += next[b];
  for (uint32_t b = 0; b < g->n_blocks; b++) {
    for (uint64_t i = g->pair_row[b]; i < g->pair_row[b + 1]; i++) {
      f->pair_in[next[g->pairs[i].target]++] = (incoming_pair){b, g->pairs[i].share};
    }
  }
}

static cls_status make(const cls_block_graph *graph, cls_placement *placement, uint64_t budget, refiner *f) {
  f->graph = graph;
  f->placement = placement;
  f->ranks = (size_t)placement->ranks;
  f->budget = budget;
  CLS_TRY(allocate(f));
  transpose(f);
  for (size_t i = 0; i < graph->n_blocks * (size_t)3; i++) f->scale[i % 3] += graph->weight[i];
  for (int k = 0; k < 3; k++) f->scale[k] = f->scale[k] > 0 ? (double)placement->ranks / f->scale[k] : 0;
  for (size_t i = 0; i < graph->n_populations * f->ranks; i++) f->kept[i] = 1;
  for (uint32_t b = 0; b < graph->n_blocks; b++) {
    double *v = f->v + placement->blocks[b].population * f->ranks;
    for (size_t r = 0; r < f->ranks; r++) v[r] += remote_spikes(f, b, r);
    shift(f, b, (size_t)placement->owner[b], 1);
  }
  return CLS_OK;
}
