/* Analyses by a symmetric transform of the ensemble: etkf for all rows alike, letkf site by site, and esmda, which is one of them with the errors of
 * its pass.
 *
 * With m members, anomalies A, and S, d in units of errors: mean += A (S' S + m - 1)^-1 S' d, A <- A (1 + S' S / (m - 1))^-1/2, and A <- A U where
 * rotated. In the linear case transforms of passes are functions of the same S' S: those of esmda multiply to that of one pass, member by member. */
#include "assimilation/transform.h"

#include "assimilation/draws.h"
#include "assimilation/ensemble.h"
#include "assimilation/linear.h"
#include "assimilation/methods.h"

#include <math.h>
#include <stdlib.h>

/* matrix = sum over k of factor[k] v_k v_k', v_k the rows of `vectors`. */
static void compose(int m, const double *vectors, const double *factor, double *matrix) {
  for (size_t at = 0; at < (size_t)m * m; at++) matrix[at] = 0;
  for (int k = 0; k < m; k++) {
    const double *v = vectors + (size_t)k * m;
    for (int i = 0; i < m; i++) {
      const double part = factor[k] * v[i];
      for (int j = 0; j < m; j++) matrix[(size_t)i * m + j] += part * v[j];
    }
  }
}

static double at_least_0(double x) { return x > 0 ? x : 0; }

static void solve(int m, double *matrix, double *along, double *vectors, double *values, double *solution) {
  for (size_t at = 0; at < (size_t)m * m; at++) vectors[at] = matrix[at];
  if (along) {
    for (int i = 0; i < m; i++) solution[i] = 0;
    for (int k = 0; k < m; k++) {
      const double *v = vectors + (size_t)k * m;
      const double part = cls_row_dot(v, along, m) / (at_least_0(values[k]) + m - 1);
      for (int i = 0; i < m; i++) solution[i] += part * v[i];
    }
    for (int i = 0; i < m; i++) along[i] = solution[i];
  }
  for (int k = 0; k < m; k++) values[k] = sqrt((m - 1) / (at_least_0(values[k]) + m - 1));
  compose(m, vectors, values, matrix);
}

cls_status cls_transform_solve(int m, double *products, double *along) {
  double *work;
  CLS_TRY(cls_alloc(&work, ((size_t)m + 2) * m, sizeof(double), "eigenvectors of an ensemble"));
  double *values = work + (size_t)m * m, *solution = values + m;
  const cls_status status = cls_linear_eigen(m, products, values);
  if (status == CLS_OK) solve(m, products, along, work, values, solution);
  free(work);
  return status;
}

cls_status cls_transform_invert(int m, double *transform) {
  double *vectors;
  CLS_TRY(cls_alloc(&vectors, ((size_t)m + 1) * m, sizeof(double), "eigenvectors of a transform"));
  double *values = vectors + (size_t)m * m;
  cls_status status = cls_linear_eigen(m, transform, values);
  if (status == CLS_OK && values[0] <= 0)
    status = cls_fail(CLS_ERR_INTERNAL,
                      "a transform of %d members has the eigenvalue %g: it is not positive definite", m,
                      values[0]);
  if (status == CLS_OK) {
    for (size_t at = 0; at < (size_t)m * m; at++) vectors[at] = transform[at];
    for (int k = 0; k < m; k++) values[k] = 1 / values[k];
    compose(m, vectors, values, transform);
  }
  free(vectors);
  return status;
}

/* What to multiply anomalies with, in weights[m][m], of observations that count by rho[n] (NULL: 1 each). u: a rotation, or NULL. along: [m] and
 * product: [m][m] are scratch. */
static cls_status make_weights(const cls_scaled *s, const double *rho, const double *u, double *weights,
                               double *along, double *product) {
  const int m = s->members;
  const size_t square = (size_t)m * m;
  for (size_t at = 0; at < square; at++) weights[at] = 0;
  for (int j = 0; j < m; j++) along[j] = 0;
  for (uint32_t i = 0; i < s->n; i++) {
    const double weight = rho ? rho[i] : 1;
    if (weight == 0) continue;
    const double *y = s->anomalies + (size_t)i * m;
    for (int k = 0; k < m; k++) {
      const double part = weight * y[k];
      along[k] += part * s->innovation[i];
      for (int j = 0; j < m; j++) weights[(size_t)k * m + j] += part * y[j];
    }
  }
  CLS_TRY(cls_transform_solve(m, weights, along));
  if (u) {
    for (size_t at = 0; at < square; at++) product[at] = weights[at];
    for (size_t at = 0; at < square; at++) weights[at] = 0;
    for (int i = 0; i < m; i++)
      for (int k = 0; k < m; k++)
        for (int j = 0; j < m; j++) weights[i * m + j] += product[i * m + k] * u[k * m + j];
  }
  for (int k = 0; k < m; k++)
    for (int j = 0; j < m; j++) weights[(size_t)k * m + j] += along[k];
  return CLS_OK;
}

/* ---- all rows alike ---- */

typedef struct {
  cls_scaled s;
  double *u, *weights, *along, *product; /* u: NULL where nothing is rotated; [m][m] but along [m] */
} work;

static cls_status make(const cls_analysis *a, work *w) {
  const size_t m = (size_t)a->members;
  CLS_TRY(cls_scaled_make(a, &w->s));
  CLS_TRY(cls_alloc(&w->weights, m * m, sizeof(double), "weights of members"));
  CLS_TRY(cls_alloc(&w->along, m, sizeof(double), "weights of members"));
  CLS_TRY(cls_alloc(&w->product, m * m, sizeof(double), "weights of members"));
  if (!a->rotate) return CLS_OK;
  CLS_TRY(cls_alloc(&w->u, m * m, sizeof(double), "a rotation"));
  return cls_draw_rotation(a, w->u);
}

static void discard(work *w) {
  cls_scaled_free(&w->s);
  free(w->u);
  free(w->weights);
  free(w->along);
  free(w->product);
}

cls_status cls_run_transform(const cls_world *world, const cls_analysis *a) {
  const size_t m = (size_t)a->members;
  work w = {0};
  cls_status status = make(a, &w);
  if (status == CLS_OK && world->rank == 0)
    status = make_weights(&w.s, NULL, w.u, w.weights, w.along, w.product);
  status = cls_share(world, status, w.weights, m * m);
  for (uint64_t r = 0; status == CLS_OK && r < a->rows; r++)
    cls_row_transform(a->state + r * m, a->members, w.weights, w.along, a->state + r * m);
  discard(&w);
  return status;
}

/* ---- site by site ---- */

/* Rows by site, and the analysed ones in that order. A rank has the sites [sites * rank / ranks, sites * (rank + 1) / ranks). */
typedef struct {
  uint64_t *first, *order; /* rows of site k: order[first[k]] ... order[first[k + 1] - 1] */
  double *analysed;        /* [rows][m] */
  double *rho;             /* [n_obs] of the present site */
} places;

static cls_status make_places(const cls_analysis *a, places *p) {
  const uint32_t sites = a->localisation->sites;
  CLS_TRY(cls_alloc(&p->first, (size_t)sites + 2, sizeof(uint64_t), "rows of sites"));
  CLS_TRY(cls_alloc(&p->order, a->rows, sizeof(uint64_t), "rows by site"));
  CLS_TRY(cls_alloc(&p->analysed, a->rows * (size_t)a->members, sizeof(double), "analysed rows"));
  CLS_TRY(cls_alloc(&p->rho, a->n_obs, sizeof(double), "weights of observations"));
  for (uint64_t r = 0; r < a->rows; r++) p->first[a->row_site[r] + 2]++;
  for (size_t k = 2; k < (size_t)sites + 2; k++) p->first[k] += p->first[k - 1];
  for (uint64_t r = 0; r < a->rows; r++) p->order[p->first[a->row_site[r] + 1]++] = r;
  return CLS_OK;
}

static void discard_places(places *p) {
  free(p->first);
  free(p->order);
  free(p->analysed);
  free(p->rho);
}

/* Is there an observation within reach? */
static bool weigh(const cls_analysis *a, uint32_t site, double *rho) {
  const double *distance = a->localisation->distance + (size_t)site * a->localisation->sites;
  bool any = false;
  for (uint32_t i = 0; i < a->n_obs; i++) {
    rho[i] = cls_gaspari_cohn(distance[a->obs_site[i]], a->localisation->half_width);
    any |= rho[i] > 0;
  }
  return any;
}

static cls_status analyse_site(const cls_analysis *a, work *w, places *p, uint32_t site) {
  const size_t m = (size_t)a->members;
  if (p->first[site] == p->first[site + 1]) return CLS_OK;
  const bool any = weigh(a, site, p->rho);
  if (any) CLS_TRY(make_weights(&w->s, p->rho, w->u, w->weights, w->along, w->product));
  for (uint64_t at = p->first[site]; at < p->first[site + 1]; at++) {
    const double *from = a->state + p->order[at] * m;
    double *to = p->analysed + at * m;
    if (any || w->u) {
      cls_row_transform(from, a->members, any ? w->weights : w->u, w->along, to);
    } else {
      for (size_t j = 0; j < m; j++) to[j] = from[j];
    }
  }
  return CLS_OK;
}

static uint32_t first_site(const cls_world *world, uint32_t sites, int rank) {
  return (uint32_t)((uint64_t)sites * (uint64_t)rank / (uint64_t)world->ranks);
}

/* Each rank's rows to all, in units of a row. */
static cls_status gather(const cls_world *world, const cls_analysis *a, places *p, int *counts) {
  int *starts = counts + world->ranks, code = MPI_SUCCESS;
  for (int rank = 0; rank < world->ranks; rank++) {
    const uint64_t from = p->first[first_site(world, a->localisation->sites, rank)];
    starts[rank] = (int)from;
    counts[rank] = (int)(p->first[first_site(world, a->localisation->sites, rank + 1)] - from);
  }
  MPI_Datatype row;
  MPI_Type_contiguous(a->members, MPI_DOUBLE, &row);
  MPI_Type_commit(&row);
  code = MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, p->analysed, counts, starts, row, world->comm);
  MPI_Type_free(&row);
  CLS_CHECK(code == MPI_SUCCESS, CLS_ERR_MPI, "MPI_Allgatherv failed with MPI error code %d", code);
  return CLS_OK;
}

cls_status cls_run_local(const cls_world *world, const cls_analysis *a) {
  const size_t m = (size_t)a->members;
  const uint32_t sites = a->localisation->sites;
  CLS_CHECK(a->rows <= INT32_MAX, CLS_ERR_LIMIT, "%llu rows to analyse, at most %d",
            (unsigned long long)a->rows, INT32_MAX);
  work w = {0};
  places p = {0};
  int *counts = NULL;
  cls_status status = make(a, &w);
  if (status == CLS_OK) status = make_places(a, &p);
  if (status == CLS_OK) status = cls_alloc(&counts, 2 * (size_t)world->ranks, sizeof(int), "rows of ranks");
  const uint32_t end = first_site(world, sites, world->rank + 1);
  for (uint32_t site = first_site(world, sites, world->rank); status == CLS_OK && site < end; site++)
    status = analyse_site(a, &w, &p, site);
  status = cls_agree(world->comm, status);
  if (status == CLS_OK && world->ranks > 1) status = gather(world, a, &p, counts);
  for (uint64_t at = 0; status == CLS_OK && at < a->rows; at++)
    for (size_t j = 0; j < m; j++) a->state[p.order[at] * m + j] = p.analysed[at * m + j];
  free(counts);
  discard_places(&p);
  discard(&w);
  return status;
}
