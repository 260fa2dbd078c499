#include "io/functional_connectivity.h"
#include <math.h>
#include <stdlib.h>

/* Sums behind a Pearson correlation of x and y. */
typedef struct {
  double n, x, y, xx, yy, xy;
} moments;

/* One region's pairs (i, j > i); rows are added in order, whatever thread computed them. */
typedef struct {
  moments structure, measured;
  double n, sum;
} row_result;

static void add_pair(moments *m, double x, double y) {
  m->n += 1;
  m->x += x;
  m->y += y;
  m->xx += x * x;
  m->yy += y * y;
  m->xy += x * y;
}

static void add_moments(moments *to, const moments *from) {
  to->n += from->n;
  to->x += from->x;
  to->y += from->y;
  to->xx += from->xx;
  to->yy += from->yy;
  to->xy += from->xy;
}

static double pearson(const moments *m) {
  const double xx = m->n * m->xx - m->x * m->x, yy = m->n * m->yy - m->y * m->y;
  if (m->n < 2 || !(xx > 0) || !(yy > 0)) return NAN;
  return (m->n * m->xy - m->x * m->y) / sqrt(xx * yy);
}

/* Every region's series minus its mean, scaled to length 1, one after the other: a correlation is then a
 * scalar product. A series that does not vary is NaN. */
static cls_status standardise(const double *signal, uint64_t volumes, uint64_t regions, double **series) {
  CLS_TRY(cls_alloc(series, volumes * regions, sizeof **series, "standardised BOLD"));
#pragma omp parallel for schedule(static)
  for (uint64_t i = 0; i < regions; i++) {
    double *z = *series + i * volumes, mean = 0, square = 0, largest = 0;
    for (uint64_t t = 0; t < volumes; t++) {
      z[t] = signal[t * regions + i];
      mean += z[t] / (double)volumes;
      if (fabs(z[t]) > largest) largest = fabs(z[t]);
    }
    for (uint64_t t = 0; t < volumes; t++) {
      z[t] -= mean;
      square += z[t] * z[t];
    }
    /* Below the rounding of the mean a series does not vary. */
    const bool varies = sqrt(square) > 1e-13 * largest * (double)volumes;
    for (uint64_t t = 0; t < volumes; t++) z[t] = varies ? z[t] / sqrt(square) : NAN;
  }
  return CLS_OK;
}

static double product(const double *a, const double *b, uint64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (uint64_t t = 0; t < n; t++) sum += a[t] * b[t];
  return sum;
}

/* Entries of the symmetrised weights, by row: both directions of every tract. */
typedef struct {
  uint64_t *row; /* regions + 1 */
  uint32_t *other;
  double *half; /* half of a tract's weight */
} symmetric;

static cls_status symmetrise(const cls_connectome *c, symmetric *s) {
  const uint64_t tracts = c->row[c->n_regions];
  CLS_TRY(cls_alloc(&s->row, (size_t)c->n_regions + 2, sizeof *s->row, "symmetrised connectome"));
  CLS_TRY(cls_alloc(&s->other, 2 * tracts, sizeof *s->other, "symmetrised connectome"));
  CLS_TRY(cls_alloc(&s->half, 2 * tracts, sizeof *s->half, "symmetrised connectome"));
  uint64_t *next =
      s->row + 1; /* counts, then beginnings, then ends of rows: ends are the next row's beginnings */
  for (uint32_t i = 0; i < c->n_regions; i++)
    for (uint64_t k = c->row[i]; k < c->row[i + 1]; k++) {
      next[i + 1]++;
      next[c->source[k] + 1]++;
    }
  for (uint32_t i = 0; i < c->n_regions; i++) next[i + 1] += next[i];
  for (uint32_t i = 0; i < c->n_regions; i++)
    for (uint64_t k = c->row[i]; k < c->row[i + 1]; k++) {
      const uint32_t j = c->source[k];
      s->other[next[i]] = j;
      s->half[next[i]++] = c->weight[k] / 2;
      s->other[next[j]] = i;
      s->half[next[j]++] = c->weight[k] / 2;
    }
  return CLS_OK;
}

typedef struct {
  const cls_connectivity_input *input;
  double *bold, *measured; /* standardised */
  symmetric tracts;
  row_result *rows;
} work;

/* Pairs of region i; `weight` is a row of zeros and is left so. */
static void compare_row(const work *w, uint64_t i, double *weight) {
  const cls_connectivity_input *in = w->input;
  row_result *out = &w->rows[i];
  if (in->connectome)
    for (uint64_t k = w->tracts.row[i]; k < w->tracts.row[i + 1]; k++)
      weight[w->tracts.other[k]] += w->tracts.half[k];
  for (uint64_t j = i + 1; j < in->regions; j++) {
    const double fc = product(w->bold + i * in->volumes, w->bold + j * in->volumes, in->volumes);
    if (isnan(fc)) continue;
    out->n += 1;
    out->sum += fc;
    if (in->connectome) add_pair(&out->structure, fc, weight[j]);
    if (in->measured)
      add_pair(&out->measured, fc,
               product(w->measured + i * in->measured_volumes, w->measured + j * in->measured_volumes,
                       in->measured_volumes));
  }
  if (in->connectome)
    for (uint64_t k = w->tracts.row[i]; k < w->tracts.row[i + 1]; k++) weight[w->tracts.other[k]] = 0;
}

static cls_status prepare(work *w) {
  const cls_connectivity_input *in = w->input;
  CLS_TRY(standardise(in->bold, in->volumes, in->regions, &w->bold));
  if (in->measured) CLS_TRY(standardise(in->measured, in->measured_volumes, in->regions, &w->measured));
  if (in->connectome) CLS_TRY(symmetrise(in->connectome, &w->tracts));
  return cls_alloc(&w->rows, in->regions, sizeof *w->rows, "rows of functional connectivity");
}

static cls_status compare(work *w, cls_connectivity *result) {
  const uint64_t regions = w->input->regions;
  bool memory = true;
#pragma omp parallel
  {
    double *weight = calloc(regions, sizeof *weight); /* no message from inside a thread */
    if (!weight) {
#pragma omp atomic write
      memory = false;
    }
#pragma omp for schedule(dynamic, 8)
    for (uint64_t i = 0; i < regions; i++)
      if (weight) compare_row(w, i, weight);
    free(weight);
  }
  CLS_CHECK(memory, CLS_ERR_MEMORY, "out of memory for a row of %llu regions", (unsigned long long)regions);
  row_result all = {0};
  for (uint64_t i = 0; i < regions; i++) {
    all.n += w->rows[i].n;
    all.sum += w->rows[i].sum;
    add_moments(&all.structure, &w->rows[i].structure);
    add_moments(&all.measured, &w->rows[i].measured);
  }
  if (all.n > 0) result->mean = all.sum / all.n;
  result->structure_r = pearson(&all.structure);
  result->measured_r = pearson(&all.measured);
  return CLS_OK;
}

cls_status cls_connectivity_compute(const cls_connectivity_input *input, cls_connectivity *result) {
  *result = (cls_connectivity){NAN, NAN, NAN, (double)input->volumes};
  if (input->volumes < 3) return CLS_OK;
  work w = {.input = input};
  cls_status status = prepare(&w);
  if (status == CLS_OK) status = compare(&w, result);
  free(w.bold);
  free(w.measured);
  free(w.tracts.row);
  free(w.tracts.other);
  free(w.tracts.half);
  free(w.rows);
  return status;
}
