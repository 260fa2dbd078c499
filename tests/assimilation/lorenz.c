/* Twin experiments on the systems of Lorenz (1963, 1996), set up as DAPPER's tables are (Raanes et al., github.com/nansencenter/DAPPER, mods
 * Lorenz96/sakov2008 and Lorenz63/sakov2012): truth and members begin from one distribution, all variables are observed, anomalies are inflated after the
 * analysis and then rotated with it, and the error of the analysed mean, root mean square over variables, is averaged over the cycles after a
 * spin-up of 20 (Lorenz-96) or 16 (Lorenz-63) units of time. Prints a line for each row of the table:
 *
 *   NAME | MEDIAN | PUBLISHED | DIVERGED of SEEDS | each seed's error
 *
 *   assimilation_lorenz [CYCLES [SEEDS]]       (1000, 5: three times as many for Lorenz-63, whose errors vary more) */
#include "assimilation/analysis.h"
#include "assimilation/linear.h"
#include "base/normal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 40, MOST_MEMBERS = 100, MOST_SEEDS = 64 };
enum { CLIMATE = 10000 }; /* cycles its covariance is of: with 1000, 3D-Var's error is .45 instead of .42 */

typedef struct {
  int rows, steps;                                         /* steps: between observations */
  double dt, initial[MOST_ROWS], initial_variance, error;  /* error: standard deviation of observations */
  int spin_up;                                             /* cycles */
  void (*slope)(const double *x, int members, double *dx); /* x, dx: [rows][members] */
} lorenz;

typedef enum { FILTER, VAR_3D, CLIMATOLOGY } what;
typedef struct {
  const char *name;
  int system; /* 96 or 63 */
  what kind;
  cls_method method;
  int members;
  double inflation; /* 3D-Var: the share of the climate's covariance */
  bool rotate;
  double half_width;
  double published;
} row;

/* A radius is DAPPER's: the half-width of Gaspari and Cohn is 1.82 times as long. */
static const row table[] = {
    {"L96 enkf 40 x 1.06", 96, FILTER, CLS_ENKF, 40, 1.06, false, 0, .22},
    {"L96 enkf 28 x 1.08", 96, FILTER, CLS_ENKF, 28, 1.08, false, 0, .24},
    {"L96 denkf 40 x 1.01", 96, FILTER, CLS_DENKF, 40, 1.01, false, 0, .18},
    {"L96 etkf 24 x 1.013 rotated", 96, FILTER, CLS_ETKF, 24, 1.013, true, 0, .18},
    {"L96 etkf 20 x 1.04 rotated", 96, FILTER, CLS_ETKF, 20, 1.04, true, 0, .20},
    {"L96 ensrf 28 x 1.02 rotated", 96, FILTER, CLS_ENSRF, 28, 1.02, true, 0, .18},
    {"L96 letkf 7 x 1.04 rotated, radius 4", 96, FILTER, CLS_LETKF, 7, 1.04, true, 1.82 * 4, .22},
    {"L96 letkf 10 x 1.04 rotated, radius 6", 96, FILTER, CLS_LETKF, 10, 1.04, true, 1.82 * 6, .20},
    {"L96 3D-Var", 96, VAR_3D, CLS_DENKF, 80, .02, false, 0, .41},
    {"L96 climatology", 96, CLIMATOLOGY, CLS_DENKF, 2, 1, false, 0, 3.6},
    {"L63 etkf 3 x 1.30", 63, FILTER, CLS_ETKF, 3, 1.30, false, 0, .80},
    {"L63 etkf 10 x 1.02 rotated", 63, FILTER, CLS_ETKF, 10, 1.02, true, 0, .60},
    {"L63 enkf 100 x 1.01", 63, FILTER, CLS_ENKF, 100, 1.01, false, 0, .56},
};

/* ---- the systems ---- */

static void slope_96(const double *x, int m, double *dx) {
  for (int r = 0; r < 40; r++) {
    const double *before = x + (r + 38) % 40 * m, *left = x + (r + 39) % 40 * m, *here = x + r * m,
                 *right = x + (r + 1) % 40 * m;
    for (int j = 0; j < m; j++) dx[r * m + j] = (right[j] - before[j]) * left[j] - here[j] + 8;
  }
}

static void slope_63(const double *x, int m, double *dx) {
  for (int j = 0; j < m; j++) {
    const double a = x[j], b = x[m + j], c = x[2 * m + j];
    dx[j] = 10 * (b - a);
    dx[m + j] = a * (28 - c) - b;
    dx[2 * m + j] = a * b - 8. / 3 * c;
  }
}

static const lorenz lorenz_96 = {40, 1, .05, {1}, .001, 1, 400, slope_96};
static const lorenz lorenz_63 = {3, 25, .01, {1.509, -1.531, 25.46}, 2, M_SQRT2, 64, slope_63};

/* Runge-Kutta of the fourth order. */
static void step(const lorenz *l, int m, double *x) {
  static double k[4][MOST_ROWS * MOST_MEMBERS], y[MOST_ROWS * MOST_MEMBERS];
  static const double ahead[4] = {0, .5, .5, 1};
  const int n = l->rows * m;
  for (int stage = 0; stage < 4; stage++) {
    for (int i = 0; i < n; i++) y[i] = x[i] + (stage ? ahead[stage] * l->dt * k[stage - 1][i] : 0);
    l->slope(y, m, k[stage]);
  }
  for (int i = 0; i < n; i++) x[i] += l->dt / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
}

static void advance(const lorenz *l, int m, double *x) {
  for (int i = 0; i < l->steps; i++) step(l, m, x);
}

/* ---- a twin experiment ---- */

typedef struct {
  const lorenz *l;
  int cycles;
  double *truth, *observed; /* [cycles or, where the climate is asked for, more][rows] */
  double mean[MOST_ROWS], cov[MOST_ROWS * MOST_ROWS]; /* of the truth after the spin-up: its climate */
  uint32_t seed;
} twin;

static double drawn(uint32_t seed, uint32_t who, uint32_t row_at, uint32_t cycle) {
  const uint32_t word = cls_draw(cls_stream_make(seed, CLS_PURPOSE_SAMPLE, 63), who, row_at, cycle, 0).w[0];
  double z;
  cls_normal_many(&word, 1, &z);
  return z;
}

static void find_climate(twin *t, int to) {
  const int n = t->l->rows, from = t->l->spin_up, count = to - from;
  for (int c = from; c < to; c++)
    for (int r = 0; r < n; r++) t->mean[r] += t->truth[c * n + r] / count;
  for (int c = from; c < to; c++)
    for (int r = 0; r < n; r++)
      for (int q = 0; q < n; q++)
        t->cov[r * n + q] +=
            (t->truth[c * n + r] - t->mean[r]) * (t->truth[c * n + q] - t->mean[q]) / (count - 1);
}

/* Draws belong to (0: truth, 1: observations, 2 + j: member j; row; cycle). */
static void begin(const lorenz *l, int m, uint32_t seed, uint32_t who, double *x) {
  for (int r = 0; r < l->rows; r++)
    for (int j = 0; j < m; j++)
      x[r * m + j] =
          l->initial[r] + sqrt(l->initial_variance) * drawn(seed, who + (uint32_t)j, (uint32_t)r, 0);
}

static cls_status make_twin(const lorenz *l, int cycles, uint32_t seed, bool climate, twin *t) {
  const int all = climate && cycles < CLIMATE ? CLIMATE : cycles;
  *t = (twin){.l = l, .cycles = cycles, .seed = seed};
  CLS_TRY(cls_alloc(&t->truth, (size_t)all * l->rows, sizeof(double), "a truth"));
  CLS_TRY(cls_alloc(&t->observed, (size_t)all * l->rows, sizeof(double), "observations"));
  double x[MOST_ROWS];
  begin(l, 1, seed, 0, x);
  for (int c = 0; c < all; c++) {
    advance(l, 1, x);
    for (int r = 0; r < l->rows; r++) {
      t->truth[c * l->rows + r] = x[r];
      t->observed[c * l->rows + r] = x[r] + l->error * drawn(seed, 1, (uint32_t)r, (uint32_t)c);
    }
  }
  if (climate) find_climate(t, all);
  return CLS_OK;
}

static double error_of(const twin *t, int cycle, const double *x, int m) {
  double sum = 0;
  for (int r = 0; r < t->l->rows; r++) {
    double mean = 0;
    for (int j = 0; j < m; j++) mean += x[r * m + j] / m;
    sum += (mean - t->truth[cycle * t->l->rows + r]) * (mean - t->truth[cycle * t->l->rows + r]);
  }
  return sqrt(sum / t->l->rows);
}

/* 3D-Var with the share `share` of the climate's covariance: members at both ends of its axes, about the forecast of the mean alone. */
static cls_status spread_climate(const twin *t, double share, double *x) {
  const int n = t->l->rows, m = 2 * n;
  double axes[MOST_ROWS * MOST_ROWS], variance[MOST_ROWS];
  memcpy(axes, t->cov, sizeof axes);
  CLS_TRY(cls_linear_eigen(n, axes, variance));
  for (int r = 0; r < n; r++) {
    double mean = 0;
    for (int j = 0; j < m; j++) mean += x[r * m + j] / m;
    for (int k = 0; k < n; k++) {
      const double size = sqrt(share * fmax(variance[k], 0) * (m - 1) / 2) * axes[k * n + r];
      x[r * m + k] = mean + size;
      x[r * m + n + k] = mean - size;
    }
  }
  return CLS_OK;
}

static void collapse(const lorenz *l, int m, double *x) {
  for (int r = 0; r < l->rows; r++) {
    double mean = 0;
    for (int j = 0; j < m; j++) mean += x[r * m + j] / m;
    for (int j = 0; j < m; j++) x[r * m + j] = mean;
  }
}

static cls_status analyse(const cls_world *world, const twin *t, const row *e, int cycle, double *x) {
  static double predicted[MOST_ROWS * MOST_MEMBERS], distance[MOST_ROWS * MOST_ROWS], sd[MOST_ROWS];
  static uint32_t site[MOST_ROWS];
  const int n = t->l->rows;
  for (int i = 0; i < n; i++) {
    sd[i] = t->l->error;
    site[i] = (uint32_t)i;
    for (int k = 0; k < n; k++) distance[i * n + k] = fmin(abs(i - k), n - abs(i - k));
  }
  memcpy(predicted, x, sizeof(double) * (size_t)(n * e->members));
  const cls_localisation localisation = {(uint32_t)n, distance, e->half_width};
  const cls_analysis a = {.method = e->method,
                          .members = e->members,
                          .rows = (uint64_t)n,
                          .state = x,
                          .n_obs = (uint32_t)n,
                          .predicted = predicted,
                          .observed = t->observed + cycle * n,
                          .sd = sd,
                          .localisation = e->half_width > 0 ? &localisation : NULL,
                          .row_site = site,
                          .obs_site = site,
                          .rotate = e->rotate,
                          .weight = 1,
                          .seed = t->seed,
                          .cycle = (uint64_t)cycle};
  CLS_TRY(cls_analyse(world, &a));
  const cls_inflation fixed = {.kind = CLS_INFLATE_FIXED, .factor = e->inflation};
  return e->kind == FILTER ? cls_inflate_analysis(&fixed, &a, NULL) : CLS_OK;
}

static cls_status run(const cls_world *world, const twin *t, const row *e, double *error) {
  static double x[MOST_ROWS * MOST_MEMBERS];
  *error = 0;
  begin(t->l, e->members, t->seed, 2, x);
  for (int c = 0; c < t->cycles; c++) {
    if (e->kind == CLIMATOLOGY) {
      for (int i = 0; i < t->l->rows * e->members; i++) x[i] = t->mean[i / e->members];
    } else {
      if (e->kind == VAR_3D) collapse(t->l, e->members, x);
      advance(t->l, e->members, x);
      if (e->kind == VAR_3D) CLS_TRY(spread_climate(t, e->inflation, x));
      CLS_TRY(analyse(world, t, e, c, x));
    }
    if (c >= t->l->spin_up) *error += error_of(t, c, x, e->members) / (t->cycles - t->l->spin_up);
  }
  return CLS_OK;
}

/* ---- the table ---- */

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Diverged: no better than the observations themselves, or without an end. */
static cls_status run_row(const cls_world *world, const row *e, int cycles, int fewest) {
  const lorenz *l = e->system == 96 ? &lorenz_96 : &lorenz_63;
  const int seeds = e->system == 96 ? fewest : 3 * fewest;
  double error[MOST_SEEDS];
  int diverged = 0;
  for (int s = 0; s < seeds; s++) {
    twin t;
    cls_status status = make_twin(l, cycles, (uint32_t)s + 1, e->kind != FILTER, &t);
    if (status == CLS_OK) status = run(world, &t, e, &error[s]);
    free(t.truth);
    free(t.observed);
    if (status == CLS_ERR_INTERNAL)
      error[s] = INFINITY;
    else
      CLS_TRY(status);
    diverged += e->kind == FILTER && error[s] > l->error;
  }
  qsort(error, (size_t)seeds, sizeof *error, ascending);
  printf("%-38s| %.3f | %.2f | %d of %d |", e->name, error[seeds / 2], e->published, diverged, seeds);
  for (int s = 0; s < seeds; s++) printf(" %.3f", error[s]);
  printf("\n");
  fflush(stdout);
  return CLS_OK;
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  cls_world world;
  cls_world_init(&world, MPI_COMM_WORLD, 1, 1);
  const int cycles = argc > 1 ? atoi(argv[1]) : 1000, seeds = argc > 2 ? atoi(argv[2]) : 5;
  if (cycles <= 500 || seeds < 1 || 3 * seeds > MOST_SEEDS) MPI_Abort(MPI_COMM_WORLD, 1);
  cls_status status = CLS_OK;
  for (size_t i = 0; status == CLS_OK && i < sizeof table / sizeof *table; i++)
    status = run_row(&world, &table[i], cycles, seeds);
  if (status != CLS_OK) fprintf(stderr, "%s\n", cls_error_message());
  cls_linear_end();
  MPI_Finalize();
  return status;
}
