/* The two directions of a pair of regions: how far they differ, and what becomes of them. */
#include "io/connectome_files.h"

#include <math.h>
#include <stdlib.h>

#define NO_TRACT UINT64_MAX

/* The tracts by source: those from region i are entries row[i] ... row[i + 1] - 1, targets ascending. */
typedef struct {
  uint64_t *row;
  uint32_t *target;
  uint64_t *tract; /* its number in the connectome */
} mirror;

static void mirror_free(mirror *m) {
  free(m->row);
  free(m->target);
  free(m->tract);
}

static cls_status mirror_create(const cls_connectome *c, mirror *m) {
  const uint64_t tracts = c->row[c->n_regions];
  CLS_TRY(cls_alloc(&m->row, (size_t)c->n_regions + 2, sizeof *m->row, "tracts by source"));
  CLS_TRY(cls_alloc(&m->target, tracts, sizeof *m->target, "tracts by source"));
  CLS_TRY(cls_alloc(&m->tract, tracts, sizeof *m->tract, "tracts by source"));
  uint64_t *next = m->row + 1; /* counts, then beginnings, then ends of rows: the next row's beginnings */
  for (uint64_t k = 0; k < tracts; k++) next[c->source[k] + 1]++;
  for (uint32_t i = 0; i < c->n_regions; i++) next[i + 1] += next[i];
  for (uint32_t i = 0; i < c->n_regions; i++)
    for (uint64_t k = c->row[i]; k < c->row[i + 1]; k++) {
      const uint64_t at = next[c->source[k]]++;
      m->target[at] = i;
      m->tract[at] = k;
    }
  return CLS_OK;
}

/* The regions that are connected with region i, ascending, each once. */
typedef struct {
  const cls_connectome *c;
  const mirror *m;
  uint64_t a, b, a_end, b_end;
} neighbours;

typedef struct {
  uint32_t other;
  uint64_t in, out; /* tracts from it and to it; NO_TRACT */
} neighbour;

static neighbours start_neighbours(const cls_connectome *c, const mirror *m, uint32_t i) {
  return (neighbours){c, m, c->row[i], m->row[i], c->row[i + 1], m->row[i + 1]};
}

static bool next_neighbour(neighbours *n, neighbour *found) {
  const bool in = n->a < n->a_end, out = n->b < n->b_end;
  if (!in && !out) return false;
  const uint32_t source = in ? n->c->source[n->a] : UINT32_MAX;
  const uint32_t target = out ? n->m->target[n->b] : UINT32_MAX;
  *found = (neighbour){source < target ? source : target, NO_TRACT, NO_TRACT};
  if (source <= target) found->in = n->a++;
  if (target <= source) found->out = n->m->tract[n->b++];
  return true;
}

/* ---- how far the directions differ ---- */

typedef struct {
  uint64_t pairs, one_way;     /* connected pairs of regions, those with one direction only */
  uint64_t upper, lower, self; /* entries above, below and on the diagonal */
  double difference, mean;     /* sums over pairs */
  uint64_t lengths;            /* pairs with two lengths */
  double length_difference_mm; /* sum */
} asymmetry;

static asymmetry measure(const cls_connectome *c, const mirror *m) {
  asymmetry s = {0};
  for (uint32_t i = 0; i < c->n_regions; i++) {
    neighbours n = start_neighbours(c, m, i);
    neighbour p;
    while (next_neighbour(&n, &p)) {
      if (p.other == i) s.self++;
      if (p.other >= i) continue;
      const double in = p.in != NO_TRACT ? c->weight[p.in] : 0,
                   out = p.out != NO_TRACT ? c->weight[p.out] : 0;
      s.pairs++;
      s.lower += p.in != NO_TRACT;
      s.upper += p.out != NO_TRACT;
      s.one_way += p.in == NO_TRACT || p.out == NO_TRACT;
      s.difference += fabs(in - out);
      s.mean += (in + out) / 2;
      if (p.in == NO_TRACT || p.out == NO_TRACT) continue;
      if (!(c->length_mm[p.in] > 0) || !(c->length_mm[p.out] > 0)) continue;
      s.lengths++;
      s.length_difference_mm += fabs(c->length_mm[p.in] - c->length_mm[p.out]);
    }
  }
  return s;
}

static cls_status note_asymmetry(const asymmetry *s, cls_notes *notes) {
  if (s->pairs > 0 && s->difference == 0)
    CLS_TRY(cls_note(notes, "weights are symmetric"));
  else if (s->pairs > 0)
    CLS_TRY(cls_note(notes,
                     "asymmetry: the two directions of a pair differ by %.3g %% of their mean, %llu of %llu "
                     "connected pairs have one direction only",
                     100 * s->difference / s->mean, (unsigned long long)s->one_way,
                     (unsigned long long)s->pairs));
  if (s->length_difference_mm > 0)
    CLS_TRY(cls_note(notes, "lengths of the two directions differ by %.3g mm on average",
                     s->length_difference_mm / (double)s->lengths));
  if (s->self > 0)
    CLS_TRY(cls_note(notes, "%llu entries on the diagonal: kept here, left out of a brain",
                     (unsigned long long)s->self));
  return CLS_OK;
}

/* ---- what becomes of them ---- */

/* The tract onto i that `p` makes; false: none. */
static bool combine(const cls_connectome *c, uint32_t i, const neighbour *p, cls_symmetrise how,
                    double *weight, double *length_mm) {
  const double in = p->in != NO_TRACT ? c->weight[p->in] : 0,
               out = p->out != NO_TRACT ? c->weight[p->out] : 0;
  const double a = p->in != NO_TRACT ? c->length_mm[p->in] : 0,
               b = p->out != NO_TRACT ? c->length_mm[p->out] : 0;
  *length_mm = a > 0 && b > 0 ? (a + b) / 2 : a + b;
  if (p->other == i) { /* in and out are the same tract */
    *weight = in;
    return true;
  }
  *weight = how == CLS_SYMMETRISE_MEAN ? (in + out) / 2 : in > out ? in : out;
  if (how != CLS_SYMMETRISE_UPPER) return *weight > 0;
  const bool upper = i < p->other; /* its row is i, its column the other */
  *weight = upper ? in : out;
  if ((upper ? a : b) > 0) *length_mm = upper ? a : b;
  return *weight > 0;
}

/* New tracts for a connectome, which owns them then. */
typedef struct {
  uint64_t *row;
  uint32_t *source;
  double *weight, *length_mm;
} tracts;

static void replace(cls_connectome *c, const tracts *t) {
  free(c->row);
  free(c->source);
  free(c->weight);
  free(c->length_mm);
  c->row = t->row;
  c->source = t->source;
  c->weight = t->weight;
  c->length_mm = t->length_mm;
}

static cls_status tracts_create(uint32_t regions, uint64_t n, tracts *t) {
  *t = (tracts){0};
  cls_status status = cls_alloc(&t->row, (size_t)regions + 1, sizeof *t->row, "connectome rows");
  if (status == CLS_OK) status = cls_alloc(&t->source, n, sizeof *t->source, "tract sources");
  if (status == CLS_OK) status = cls_alloc(&t->weight, n, sizeof *t->weight, "tract weights");
  if (status == CLS_OK) status = cls_alloc(&t->length_mm, n, sizeof *t->length_mm, "tract lengths");
  if (status == CLS_OK) return CLS_OK;
  free(t->row);
  free(t->source);
  free(t->weight);
  free(t->length_mm);
  return status;
}

static cls_status symmetrise(cls_connectome *c, const mirror *m, cls_symmetrise how) {
  tracts t;
  uint64_t n = 0;
  double weight, length_mm;
  for (int filling = 0; filling < 2; filling++) {
    if (filling) CLS_TRY(tracts_create(c->n_regions, n, &t));
    n = 0;
    for (uint32_t i = 0; i < c->n_regions; i++) {
      neighbours around = start_neighbours(c, m, i);
      neighbour p;
      while (next_neighbour(&around, &p)) {
        if (!combine(c, i, &p, how, &weight, &length_mm)) continue;
        if (filling) {
          t.source[n] = p.other;
          t.weight[n] = weight;
          t.length_mm[n] = length_mm;
        }
        n++;
      }
      if (filling) t.row[i + 1] = n;
    }
  }
  replace(c, &t);
  return CLS_OK;
}

static cls_status transpose(cls_connectome *c, const mirror *m) {
  tracts t;
  const uint64_t n = c->row[c->n_regions];
  CLS_TRY(tracts_create(c->n_regions, n, &t));
  for (uint32_t i = 0; i <= c->n_regions; i++) t.row[i] = m->row[i];
  for (uint64_t k = 0; k < n; k++) {
    t.source[k] = m->target[k];
    t.weight[k] = c->weight[m->tract[k]];
    t.length_mm[k] = c->length_mm[m->tract[k]];
  }
  replace(c, &t);
  return CLS_OK;
}

/* What unstated means for this matrix. */
static cls_status choose(const asymmetry *s, bool is_matrix, bool upper_only, cls_symmetrise *how) {
  if (*how != CLS_SYMMETRISE_UNSTATED) return CLS_OK;
  *how = CLS_SYMMETRISE_NONE;
  if (!is_matrix || (s->upper > 0) == (s->lower > 0)) return CLS_OK;
  CLS_CHECK(
      upper_only && s->upper > 0, CLS_ERR_INPUT,
      "symmetrise is not stated, and only the %s triangle has entries: expected %s, or none where the other "
      "direction does not exist",
      s->upper > 0 ? "upper" : "lower", s->upper > 0 ? "upper_triangle" : "max, which mirrors it");
  *how = CLS_SYMMETRISE_UPPER;
  return CLS_OK;
}

static cls_status note_decision(const asymmetry *s, cls_symmetrise how, bool stated, cls_notes *notes) {
  if (how == CLS_SYMMETRISE_MEAN) return cls_note(notes, "symmetrised: both directions get their mean");
  if (how == CLS_SYMMETRISE_MAX) return cls_note(notes, "symmetrised: both directions get the larger");
  if (how == CLS_SYMMETRISE_UPPER)
    return cls_note(notes, "symmetrised: the upper triangle stands for both directions%s",
                    stated ? "" : ", as tck2connectome writes it");
  return s->difference > 0 ? cls_note(notes, "not symmetrised: the two directions stay as they are") : CLS_OK;
}

cls_status cls_connectome_directions(cls_connectome *c, const cls_connectome_options *options, bool is_matrix,
                                     bool upper_only, cls_notes *notes) {
  mirror m = {0};
  cls_symmetrise how = options->symmetrise;
  const bool symmetric = how != CLS_SYMMETRISE_NONE && how != CLS_SYMMETRISE_UNSTATED;
  cls_status status = mirror_create(c, &m);
  if (status == CLS_OK) {
    const asymmetry s = measure(c, &m);
    status = note_asymmetry(&s, notes);
    if (status == CLS_OK) status = choose(&s, is_matrix, upper_only, &how);
    if (status == CLS_OK) status = note_decision(&s, how, symmetric, notes);
  }
  if (status == CLS_OK && how != CLS_SYMMETRISE_NONE)
    status = symmetrise(c, &m, how); /* which leaves nothing for a transposition to change */
  else if (status == CLS_OK && options->orientation == CLS_ROW_IS_SOURCE) {
    status = transpose(c, &m);
    if (status == CLS_OK) status = cls_note(notes, "transposed: rows of the file are sources");
  }
  mirror_free(&m);
  return status;
}
