/* The row of one source neuron as independent pieces, for CPU and GPU: how many synapses it has in one target cell, and
 * the target, weight and delay of one of them. network/rows.h says what a row is and draws whole rows; these functions
 * give the same synapses one by one. Not where distances count. */
#ifndef CALLOSUM_NETWORK_ROW_H
#define CALLOSUM_NETWORK_ROW_H

#include "base/distribution.h"
#include "network/cells.h"

/* Independent sequences of words of one synapse: the fourth Philox counter is lane << 24 | block. */
enum {
  CLS_LANE_SYNAPSE = 0, /* one block: partner, weight, weight, delay */
  CLS_LANE_MIXTURE = 1, /* one block: source population */
  CLS_LANE_RETRY = 2,   /* partner, where the first was taken */
  CLS_LANE_WEIGHT = 3,  /* and 4: further words of weights */
  CLS_LANE_DELAY = 5,
  CLS_LANE_ACCEPT = 6 /* one block: is a candidate of a kernel accepted */
};

/* Where the rows of a projection onto a range of its targets may have synapses, and how many. */
typedef struct {
  cls_cell_grid grid;
  uint64_t first, last;       /* targets asked for: numbers in their population */
  uint32_t cell_first, cells; /* target cells that hold them */
  uint32_t last_cell;         /* of the target population */
  bool whole;                 /* they are all of the target cells' neurons */
  uint32_t source_cells;
  uint32_t groups; /* of CLS_CELL / groups neurons in a source cell */
  uint32_t *pair;  /* [source_cells][groups][cells] synapses; NULL: the rows are divided one by one */
} cls_row_shape;

/* What weights and delays are made of. A synapse of no drawn value needs none of the rest. */
typedef struct {
  cls_stream stream;
  int receptors;
  bool draw_weight[2], draw_delay;
  bool scaled;           /* weights have a factor other than 1 */
  uint32_t weight;       /* as it is stored, where neither drawn nor scaled */
  uint32_t steps;        /* the delay, where it is not drawn */
  double constant[2];    /* each receptor's weight in quanta, where constant */
  double per_quantum[2]; /* 1 / quantum */
  double factor, tract_ms, dt_ms;
  cls_distribution weight_of[2], delay_ms;
  cls_lognormal weight_log[2], delay_log;
} cls_row_values;

/* ---- how many ---- */

CLS_FN size_t cls_row_table_bytes(const cls_row_shape *s) {
  return s->pair ? (size_t)s->source_cells * s->groups * s->cells * sizeof *s->pair : 0;
}

/* Synapses from neurons of a source cell onto target cell number c of the shape; from a table. */
CLS_FN uint64_t cls_row_pair(const cls_row_shape *s, uint32_t source_cell, uint32_t c) {
  uint64_t sum = 0;
  for (uint32_t g = 0; g < s->groups; g++)
    sum += s->pair[((size_t)source_cell * s->groups + g) * s->cells + c];
  return sum;
}

/* The neurons of a source cell that a column of the table stands for: of the group of `source`. */
typedef struct {
  uint32_t lo, hi;
  const uint32_t *held; /* [cells] */
} cls_row_group;
CLS_FN cls_row_group cls_row_group_of(const cls_row_shape *s, uint32_t source) {
  const uint32_t cell = source / CLS_CELL, size = CLS_CELL / s->groups, group = source % CLS_CELL / size;
  const uint64_t end = cls_cell_neurons(s->grid.sources, cell, cell + 1) + (uint64_t)cell * CLS_CELL;
  cls_row_group g;
  g.lo = cell * CLS_CELL + group * size;
  g.hi = g.lo + size < end ? g.lo + size : (uint32_t)end;
  g.held = s->pair + ((size_t)cell * s->groups + group) * s->cells;
  return g;
}

/* Synapses of neuron `source` in target cell number c of the shape. */
CLS_SELDOM uint32_t cls_row_count(const cls_row_shape *s, uint32_t source, uint32_t c) {
  cls_division d;
  uint32_t lo, hi, place;
  uint64_t held;
  if (!s->pair) {
    d = cls_cells_row(&s->grid, source);
    lo = 0, hi = d.n, held = s->grid.outdegree, place = s->cell_first + c;
  } else {
    const cls_row_group g = cls_row_group_of(s, source);
    d = cls_cells_rows(&s->grid, s->cell_first + c, source / CLS_CELL);
    lo = g.lo, hi = g.hi, held = g.held[c], place = source;
    if (held > 0 && held <= CLS_DIVIDE_FEW) { /* they may have been dealt by a node further up */
      lo = d.first, hi = d.first + d.n;
      held = cls_row_pair(s, source / CLS_CELL, c);
    }
  }
  return (uint32_t)cls_divide_place(&d, lo, hi, held, place);
}

/* ---- targets ---- */

/* Neurons of a target cell that `source` may choose from; the t-th of them, as a number in the population. */
CLS_FN uint32_t cls_row_candidates(bool no_self, uint64_t targets, uint32_t source, uint32_t cell) {
  const uint32_t itself = no_self & (source / CLS_CELL == cell);
  return (uint32_t)cls_cell_neurons(targets, cell, cell + 1) - itself;
}
CLS_FN uint32_t cls_row_neuron(bool no_self, uint32_t source, uint32_t cell, uint32_t t) {
  const uint32_t itself = no_self & (source / CLS_CELL == cell);
  return cell * CLS_CELL + t + (itself & (t >= source % CLS_CELL));
}
/* The target of a synapse where pairs may repeat: a uniform neuron of a cell of `size`. */
CLS_FN uint32_t cls_row_repeated(bool no_self, uint32_t size, uint32_t source, uint32_t cell, uint32_t word) {
  const uint32_t itself = no_self & (source / CLS_CELL == cell);
  return cls_row_neuron(no_self, source, cell, cls_below(word, size - itself));
}

/* ---- weights and delays ---- */

/* Adding 1.5 * 2^52 pushes the fraction out of the mantissa: the nearest integer, ties to even, of |x| < 2^31 is
 * the lower half of the sum. */
CLS_FN uint32_t cls_round_quanta(double x) {
  double shifted = x + 0x1.8p52;
  uint64_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return (uint32_t)bits;
}

/* cls_delay_steps() of a delay of at most CLS_MAX_DELAY steps. */
CLS_FN uint32_t cls_round_delay(double delay_ms, double dt_ms) {
  double rounded = (delay_ms / dt_ms + 0x1.8p52) - 0x1.8p52;
  return (uint32_t)(int32_t)(rounded < 1 ? 1 : rounded);
}

/* A value whose first word is `word` of synapse (c0, c1, c2); `lane` holds further ones. */
CLS_SELDOM double cls_row_value_again(const cls_distribution *d, cls_stream stream, uint32_t c0, uint32_t c1,
                                      uint32_t c2, uint32_t lane, uint32_t word, double value) {
  cls_reader more = cls_reader_make(stream, c0, c1, c2);
  more.block = lane << 24;
  return cls_distribution_confined(d, word, value, &more);
}
CLS_FN double cls_row_value(const cls_distribution *d, cls_lognormal log, cls_stream stream, uint32_t c0,
                            uint32_t c1, uint32_t c2, uint32_t lane, uint32_t word) {
  const bool gamma = d->kind == CLS_GAMMA;
  const double value = gamma ? 0 : cls_distribution_inverse(d, log, word);
  if (gamma || cls_distribution_beyond(d, value))
    return cls_row_value_again(d, stream, c0, c1, c2, lane, word, value);
  return value;
}

/* The weight, as it is stored, and the delay in steps of a synapse with words `w`. */
CLS_FN uint32_t cls_row_weight(const cls_row_values *v, cls_words w, uint32_t c0, uint32_t c1, uint32_t c2) {
  if (!v->draw_weight[0] && !v->draw_weight[1] && !v->scaled) return v->weight;
  uint32_t stored = 0;
  for (int r = 0; r < v->receptors; r++) {
    double quanta = v->constant[r];
    if (v->draw_weight[r])
      quanta = cls_row_value(&v->weight_of[r], v->weight_log[r], v->stream, c0, c1, c2,
                             CLS_LANE_WEIGHT + (uint32_t)r, r == 0 ? w.w[1] : w.w[2]) *
               v->per_quantum[r];
    if (v->scaled) quanta *= v->factor;
    stored |= cls_round_quanta(quanta) << (r == 0 ? 0 : 8);
  }
  return stored & 0xffff;
}
CLS_FN uint32_t cls_row_delay(const cls_row_values *v, cls_words w, uint32_t c0, uint32_t c1, uint32_t c2) {
  if (!v->draw_delay) return v->steps;
  double delay = cls_row_value(&v->delay_ms, v->delay_log, v->stream, c0, c1, c2, CLS_LANE_DELAY, w.w[3]);
  if (v->tract_ms != 0) delay = v->tract_ms + delay;
  return cls_round_delay(delay, v->dt_ms);
}

#endif
