/* Perturbations and rotations. No library's kernels: the same bits on every processor. */
#include "assimilation/draws.h"

#include "assimilation/ensemble.h"
#include "base/normal.h"

#include <math.h>
#include <stdlib.h>

typedef enum { DRAW_PERTURBATION, DRAW_ROTATION } draw;

static void normals(const cls_analysis *a, draw what, uint64_t item, double *z) {
  const cls_stream stream = cls_stream_make(a->seed, CLS_PURPOSE_ANALYSIS, a->cycle << 1 | what);
  for (int first = 0; first < a->members; first += 4) {
    const cls_words words =
        cls_draw(stream, (uint32_t)item, (uint32_t)(item >> 32), (uint32_t)first, a->pass);
    cls_normal_many(words.w, a->members - first < 4 ? a->members - first : 4, z + first);
  }
}

void cls_draw_perturbations(const cls_analysis *a, uint32_t i, double *z) {
  normals(a, DRAW_PERTURBATION, a->obs_id ? a->obs_id[i] : i, z);
}

/* Makes v orthogonal to the vector of ones and to basis[count][n], and of length 1. Twice is enough. */
static void orthonormalise(double *v, const double *basis, int count, int n) {
  for (int twice = 0; twice < 2; twice++) {
    const double mean = cls_row_mean(v, n);
    for (int j = 0; j < n; j++) v[j] -= mean;
    for (int k = 0; k < count; k++) {
      const double *b = basis + (size_t)k * n;
      const double along = cls_row_dot(v, b, n);
      for (int j = 0; j < n; j++) v[j] -= along * b[j];
    }
  }
  const double length = sqrt(cls_row_dot(v, v, n));
  for (int j = 0; j < n; j++) v[j] /= length;
}

/* Between a fixed basis of what is orthogonal to the ones, Helmert's (h_k: k times 1 / sqrt(k (k + 1)), then -k / sqrt(k (k + 1))), and one of
 * normal vectors made orthonormal: u = 1/n + sum over k of v_k h_k'. */
cls_status cls_draw_rotation(const cls_analysis *a, double *u) {
  const int n = a->members;
  double *basis;
  CLS_TRY(cls_alloc(&basis, (size_t)n * n, sizeof(double), "a basis of a rotation"));
  for (size_t at = 0; at < (size_t)n * n; at++) u[at] = 1.0 / n;
  for (int k = 1; k < n; k++) {
    double *v = basis + (size_t)(k - 1) * n;
    normals(a, DRAW_ROTATION, (uint64_t)k, v);
    orthonormalise(v, basis, k - 1, n);
    const double part = 1 / sqrt((double)k * (k + 1));
    for (int i = 0; i < n; i++) {
      double *row = u + (size_t)i * n;
      for (int j = 0; j < k; j++) row[j] += v[i] * part;
      row[k] -= v[i] * part * k;
    }
  }
  free(basis);
  return CLS_OK;
}
