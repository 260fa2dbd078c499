/* Rule fixed_indegree: synapse k of target neuron j is counted by (j, k).
 *
 *  - one source population, repetition allowed: a uniform neuron;
 *  - one source population, distinct: Floyd's sample (Bentley & Floyd 1987, Commun. ACM 30, 754-757): one
 * word per synapse, whatever the share of the population;
 *  - a mixture: the population by the alias method (Vose 1991, IEEE Trans. Softw. Eng. 17, 972-975), then a
 *    uniform neuron of it; distinct: what was drawn before is drawn again. */
#include <stdlib.h>
#include <string.h>

#include "network/internal.h"
#include "network/set.h"

/* After so many repetitions in a row a synapse is drawn among what is left, one by one. */
enum { MOST_RETRIES = 32 };

/* Column c is kept with probability (keep + 1) / 2^32, else `other` is taken. */
typedef struct {
  uint32_t keep, other;
} alias_column;

typedef struct {
  cls_drawing *d;
  uint32_t indegree, columns;
  alias_column *alias; /* mixtures */
  cls_set taken;       /* partners of the current target */
  uint64_t *chosen;    /* the same as a list: column << 32 | candidate; distinct mixtures */
  uint32_t *left;      /* candidates not taken, per column: scratch of draw_left */
} indegree_draw;

/* ---- mixtures ---- */

static cls_status make_alias(indegree_draw *g) {
  uint32_t n = g->columns;
  double *share;
  uint32_t *stack; /* poor columns grow from its start, rich ones from its end */
  CLS_TRY(cls_alloc(&g->alias, n, sizeof *g->alias, "mixture of sources"));
  CLS_TRY(cls_alloc(&share, n, sizeof *share, "mixture of sources"));
  cls_status status = cls_alloc(&stack, n, sizeof *stack, "mixture of sources");
  if (status != CLS_OK) {
    free(share);
    return status;
  }
  uint32_t poor = 0, rich = n;
  for (uint32_t i = 0; i < n; i++) {
    share[i] = g->d->projection->sources[i].weight * n;
    g->alias[i] = (alias_column){UINT32_MAX, i};
    if (share[i] < 1)
      stack[poor++] = i;
    else
      stack[--rich] = i;
  }
  while (poor > 0 && rich < n) {
    uint32_t p = stack[--poor], r = stack[rich];
    double keep = share[p] > 0 ? share[p] : 0; /* rounding may leave less than nothing */
    g->alias[p] = (alias_column){(uint32_t)(keep * 0x1p32), r};
    share[r] -= 1 - share[p];
    if (share[r] < 1) {
      rich++;
      stack[poor++] = r;
    }
  }
  free(stack);
  free(share);
  return CLS_OK;
}

/* The high bits of word x columns choose a column, the low ones whether it is kept. A mask instead of a
 * branch: it would be mispredicted every other time. */
static inline uint32_t pick_column(const indegree_draw *g, uint32_t word) {
  uint64_t product = (uint64_t)word * g->columns;
  uint32_t column = (uint32_t)(product >> 32);
  alias_column a = g->alias[column];
  uint32_t replace = 0 - (uint32_t)((uint32_t)product > a.keep);
  return column ^ ((column ^ a.other) & replace);
}

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* One of the candidates that are not among the first k chosen, with what repetition until success would give:
 * a column by its share times the part of it that is left, then uniformly. Needs no luck, so that it ends
 * where the popular columns are all taken. */
static uint64_t draw_left(indegree_draw *g, uint32_t k, cls_reader *reader) {
  const cls_drawing *d = g->d;
  const cls_projection_source *sources = d->projection->sources;
  for (uint32_t i = 0; i < g->columns; i++) g->left[i] = d->sources[i].candidates;
  for (uint32_t i = 0; i < k; i++) g->left[g->chosen[i] >> 32]--;
  double sum = 0;
  for (uint32_t i = 0; i < g->columns; i++)
    sum += sources[i].weight * ((double)g->left[i] / (double)d->sources[i].candidates);
  double rest = cls_read_unit(reader) * sum;
  uint32_t column = 0;
  for (uint32_t i = 0; i < g->columns; i++) {
    if (g->left[i] == 0) continue;
    column = i; /* the last one with candidates, should rounding leave a rest */
    rest -= sources[i].weight * ((double)g->left[i] / (double)d->sources[i].candidates);
    if (rest < 0) break;
  }
  uint64_t value = (uint64_t)column << 32 | cls_below(cls_read_word(reader), g->left[column]);
  qsort(g->chosen, k, sizeof *g->chosen, ascending);
  for (uint32_t i = 0; i < k; i++)
    if (g->chosen[i] >> 32 == column && g->chosen[i] <= value) value++;
  return value;
}

/* ---- partners of a batch: synapses [0, d->n), whose words are there ---- */

static inline void put(cls_drawing *d, int i, uint32_t column, uint32_t candidate) {
  d->column[i] = column;
  d->source[i] = candidate + (d->sources[column].skip_self && candidate >= d->target[i]);
}

static void partners_repeated(indegree_draw *g, const uint32_t *word) {
  cls_drawing *d = g->d;
  for (int i = 0; i < d->n; i++) {
    uint32_t column = g->columns == 1 ? 0 : pick_column(g, word[i]);
    put(d, i, column, cls_below(d->w[0][i], d->sources[column].candidates));
  }
}

static cls_status partners_floyd(indegree_draw *g) {
  cls_drawing *d = g->d;
  uint32_t candidates = d->sources[0].candidates;
  for (int i = 0; i < d->n; i++) {
    uint32_t k = d->c[1][i], last = candidates - g->indegree + k;
    if (k == 0) CLS_TRY(cls_set_start(&g->taken, candidates, g->indegree));
    /* last + 1 = 2^32 does not happen: a population has at most 2^32 - 1 neurons */
    uint32_t candidate = cls_below(d->w[0][i], last + 1);
    if (!cls_set_add(&g->taken, candidate)) {
      candidate = last;
      cls_set_add(&g->taken, candidate);
    }
    put(d, i, 0, candidate);
  }
  return CLS_OK;
}

static cls_status partners_distinct(indegree_draw *g, const uint32_t *word) {
  cls_drawing *d = g->d;
  cls_reader reader = cls_reader_make(d->stream, 0, 0, 0);
  for (int i = 0; i < d->n; i++) {
    uint32_t k = d->c[1][i], column = pick_column(g, word[i]);
    if (k == 0) CLS_TRY(cls_set_start(&g->taken, UINT64_MAX, g->indegree));
    uint64_t value = (uint64_t)column << 32 | cls_below(d->w[0][i], d->sources[column].candidates);
    if (!cls_set_add(&g->taken, value)) {
      cls_drawing_seek(&reader, d, i, CLS_LANE_RETRY);
      int retries = 0;
      do {
        if (retries++ == MOST_RETRIES) {
          value = draw_left(g, k, &reader);
        } else {
          column = pick_column(g, cls_read_word(&reader));
          value = (uint64_t)column << 32 | cls_below(cls_read_word(&reader), d->sources[column].candidates);
        }
      } while (!cls_set_add(&g->taken, value));
    }
    g->chosen[k] = value;
    put(d, i, (uint32_t)(value >> 32), (uint32_t)value);
  }
  return CLS_OK;
}

static cls_status flush(indegree_draw *g) {
  cls_drawing *d = g->d;
  uint32_t word[CLS_DRAW_BATCH];
  cls_drawing_words(d, 0, d->n);
  if (g->columns > 1) cls_drawing_lane_words(d, CLS_LANE_MIXTURE, 0, d->n, word);
  if (d->projection->multapses)
    partners_repeated(g, word);
  else if (g->columns == 1)
    CLS_TRY(partners_floyd(g));
  else
    CLS_TRY(partners_distinct(g, word));
  return cls_drawing_emit(d);
}

/* ---- the rule ---- */

static cls_status draw_targets(indegree_draw *g) {
  cls_drawing *d = g->d;
  if (g->columns > 1) CLS_TRY(make_alias(g));
  if (g->columns > 1 && !d->projection->multapses) {
    CLS_TRY(cls_alloc(&g->chosen, g->indegree, sizeof *g->chosen, "partners of a neuron"));
    CLS_TRY(cls_alloc(&g->left, g->columns, sizeof *g->left, "mixture of sources"));
  }
  for (uint64_t j = d->first; j < d->last; j++) {
    for (uint32_t k = 0; k < g->indegree;) {
      uint32_t m = (uint32_t)(CLS_DRAW_BATCH - d->n);
      if (m > g->indegree - k) m = g->indegree - k;
      for (uint32_t i = 0; i < m; i++) {
        d->target[(uint32_t)d->n + i] = d->c[0][(uint32_t)d->n + i] = (uint32_t)j;
        d->c[1][(uint32_t)d->n + i] = k + i;
        d->c[2][(uint32_t)d->n + i] = 0;
      }
      k += m;
      d->n += (int)m;
      if (d->n == CLS_DRAW_BATCH) CLS_TRY(flush(g));
    }
  }
  return d->n > 0 ? flush(g) : CLS_OK;
}

cls_status cls_draw_indegree(cls_drawing *d) {
  indegree_draw g = {
      .d = d, .indegree = (uint32_t)d->projection->indegree, .columns = d->projection->n_sources};
  cls_status status = draw_targets(&g);
  free(g.alias);
  free(g.chosen);
  free(g.left);
  cls_set_free(&g.taken);
  return status;
}
