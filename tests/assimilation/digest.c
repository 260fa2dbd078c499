/* Prints a hash of what each method makes of an ensemble in some cycles, with and without localisation and rotation. The same on any
 * number of ranks (test_ranks.py), and on each of them, or it says so.
 *
 *   assimilation_digest SITES     (may be fewer than ranks) */
#include "assimilation/analysis.h"
#include "assimilation/linear.h"
#include "base/normal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS = 11, PER_SITE = 3, CYCLES = 4, MOST_SITES = 64, MOST_ROWS = MOST_SITES * PER_SITE };

typedef struct {
  uint32_t sites, rows, obs; /* two of three sites are observed */
  double distance[MOST_SITES * MOST_SITES], state[MOST_ROWS * MEMBERS], prior[MOST_ROWS * MEMBERS];
  double predicted[MOST_SITES * MEMBERS], observed[MOST_SITES], sd[MOST_SITES], lambda[MOST_SITES];
  double iterate[MEMBERS * (MEMBERS + 1)];
  uint32_t row_site[MOST_ROWS], obs_site[MOST_SITES];
} twin;

static double drawn(uint32_t a, uint32_t b) {
  const uint32_t word = cls_draw(cls_stream_make(1, CLS_PURPOSE_SAMPLE, 0), a, b, 0, 0).w[0];
  double z;
  cls_normal_many(&word, 1, &z);
  return z;
}

static void make(twin *t, uint32_t sites) {
  memset(t, 0, sizeof *t);
  t->sites = sites;
  t->rows = sites * PER_SITE;
  for (uint32_t i = 0; i < sites; i++)
    for (uint32_t k = 0; k < sites; k++) {
      const uint32_t apart = i > k ? i - k : k - i;
      t->distance[i * sites + k] = apart < sites - apart ? apart : sites - apart;
    }
  for (uint32_t r = 0; r < t->rows; r++) {
    t->row_site[r] = (r * 7 + 2) % sites;
    for (uint32_t j = 0; j < MEMBERS; j++) t->state[r * MEMBERS + j] = drawn(r, j);
  }
  for (uint32_t i = 0; i < sites; i++) {
    t->lambda[i] = 1;
    if (i % 3 != 1) t->obs_site[t->obs++] = i;
  }
  for (uint32_t i = 0; i < t->obs; i++) t->sd[i] = .5 + i % 5;
  for (int j = 0; j < MEMBERS; j++) t->iterate[MEMBERS + j * MEMBERS + j] = 1;
  memcpy(t->prior, t->state, sizeof t->prior);
}

/* Not linear, so that any bit matters soon. */
static void observe(twin *t, uint32_t cycle) {
  for (uint32_t i = 0; i < t->obs; i++) {
    t->observed[i] = 2 * drawn(1000 + i, cycle);
    for (uint32_t j = 0; j < MEMBERS; j++) {
      double sum = 0;
      for (uint32_t r = 0; r < t->rows; r++)
        if (t->row_site[r] == t->obs_site[i])
          sum += t->state[r * MEMBERS + j] * (1 + .1 * t->state[r * MEMBERS + j]);
      t->predicted[i * MEMBERS + j] = sum;
    }
  }
}

static cls_status run(const cls_world *world, twin *t, cls_method method, double half_width, bool rotate) {
  const cls_localisation localisation = {t->sites, t->distance, half_width};
  const cls_inflation adaptive = {.kind = CLS_INFLATE_ADAPTIVE, .sd = .1, .max = 2},
                      rtps = {.kind = CLS_INFLATE_RTPS, .alpha = .3};
  static double forecast[MOST_ROWS * MEMBERS];
  for (uint32_t cycle = 0; cycle < CYCLES; cycle++) {
    observe(t, cycle);
    const cls_analysis a = {.method = method,
                            .members = MEMBERS,
                            .rows = t->rows,
                            .state = t->state,
                            .n_obs = t->obs,
                            .predicted = t->predicted,
                            .observed = t->observed,
                            .sd = t->sd,
                            .localisation = half_width > 0 ? &localisation : NULL,
                            .row_site = t->row_site,
                            .obs_site = t->obs_site,
                            .rotate = rotate,
                            .gamma = .6,
                            .weight = 2,
                            .prior = t->prior,
                            .iterate = t->iterate,
                            .seed = 4,
                            .cycle = cycle};
    memcpy(forecast, t->state, sizeof forecast);
    CLS_TRY(cls_inflate_forecast(&adaptive, &a, t->predicted, t->lambda));
    CLS_TRY(cls_analyse(world, &a));
    CLS_TRY(cls_inflate_analysis(&rtps, &a, forecast));
  }
  return CLS_OK;
}

static uint64_t hash(const double *x, size_t n) {
  uint64_t h = 0, word;
  for (size_t i = 0; i < n; i++) {
    memcpy(&word, &x[i], sizeof word);
    h = cls_mix64(h ^ word);
  }
  return h;
}

static cls_status report(const cls_world *world, const twin *t, const char *what) {
  const uint64_t own = hash(t->state, (size_t)t->rows * MEMBERS);
  uint64_t least, greatest;
  MPI_Allreduce(&own, &least, 1, MPI_UINT64_T, MPI_MIN, world->comm);
  MPI_Allreduce(&own, &greatest, 1, MPI_UINT64_T, MPI_MAX, world->comm);
  CLS_CHECK(least == greatest, CLS_ERR_INTERNAL, "%s: ranks differ", what);
  cls_log(world, 1, "%s %016llx", what, (unsigned long long)own);
  return CLS_OK;
}

static cls_status run_all(const cls_world *world, uint32_t sites, twin *t) {
  for (int method = 0; cls_method_names[method]; method++)
    for (int local = method == CLS_LETKF; local < 2; local++)
      for (int rotate = 0; rotate < 2; rotate++) {
        char what[64];
        make(t, sites);
        CLS_TRY(run(world, t, (cls_method)method, local * 2., rotate));
        snprintf(what, sizeof what, "%s%s%s", cls_method_names[method], local ? " local" : "",
                 rotate ? " rotated" : "");
        CLS_TRY(report(world, t, what));
      }
  return CLS_OK;
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  cls_world world;
  cls_world_init(&world, MPI_COMM_WORLD, 1, 1);
  const int sites = argc > 1 ? atoi(argv[1]) : 0;
  twin *t = malloc(sizeof *t);
  if (!t || sites < 3 || sites > MOST_SITES) MPI_Abort(MPI_COMM_WORLD, 1);
  const cls_status status = run_all(&world, (uint32_t)sites, t);
  if (status != CLS_OK) fprintf(stderr, "%s\n", cls_error_message());
  free(t);
  cls_linear_end();
  MPI_Finalize();
  return status;
}
