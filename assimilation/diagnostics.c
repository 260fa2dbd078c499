#include "assimilation/history.h"
#include "base/math.h"
#include <stdlib.h>
#include <string.h>

const char *const cls_confounded_names[] = {"sum", "difference", "product", "ratio"};

/* Correlation from which on a pair may be confounded; share of its prior's spread below which one has shrunk; chance that any pair is
 * taken to correlate that does not. */
static const double LIMIT = .8, SHRUNK = .7, CHANCE = .01;

/* ---- skill of forecasts ---- */

/* Sums over pairs of forecast and observation. */
typedef struct {
  uint64_t n, scored, ranked;
  double inside, chi2, variance, square, crps, x, y;
} sums;

/* How much of the place of a rank, one of members + 1 equal parts of [0, 1], lies within [.05, .95]. */
static double share_inside(int32_t rank, int members) {
  const double low = (double)rank / (members + 1), high = (rank + 1.0) / (members + 1);
  const double inside = (high < .95 ? high : .95) - (low > .05 ? low : .05);
  return inside > 0 ? inside * (members + 1) : 0;
}

static void add_pair(sums *s, const cls_history_cycle *c, uint32_t i, double y, int members) {
  const double x = c->predicted_mean[i], error = isnan(c->error[i]) ? 0 : c->error[i];
  const double variance = c->predicted_sd[i] * c->predicted_sd[i] + error * error, square = (y - x) * (y - x);
  if (isnan(y) || isnan(x)) return;
  s->n++;
  s->chi2 += square / variance;
  s->variance += variance;
  s->square += square;
  if (!isnan(c->crps[i])) {
    s->scored++;
    s->crps += c->crps[i];
  }
  if (c->rank[i] >= 0) {
    s->ranked++;
    s->inside += share_inside(c->rank[i], members);
  }
  s->x += x;
  s->y += y;
}

static double correlation_of_sums(const cls_history *h, uint32_t from, uint32_t i, bool withheld,
                                  const sums *s) {
  if (s->n < 3) return NAN;
  const double n = (double)s->n, mean_x = s->x / n, mean_y = s->y / n;
  double xx = 0, yy = 0, xy = 0; /* about the means: signals may be small beside them */
  for (uint32_t c = from; c < h->n_cycles; c++) {
    const cls_history_cycle *cycle = &h->cycles[c];
    const double y = withheld ? cycle->withheld[i] : cycle->observed[i], x = cycle->predicted_mean[i];
    if (isnan(x) || isnan(y)) continue;
    xx += (x - mean_x) * (x - mean_x);
    yy += (y - mean_y) * (y - mean_y);
    xy += (x - mean_x) * (y - mean_y);
  }
  return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

static void add_sums(sums *all, const sums *s) {
  all->n += s->n;
  all->scored += s->scored;
  all->ranked += s->ranked;
  all->inside += s->inside;
  all->chi2 += s->chi2;
  all->variance += s->variance;
  all->square += s->square;
  all->crps += s->crps;
}

/* correlation [obs]; chi2 [obs] may be NULL. */
static void find_skill(const cls_history *h, uint32_t from, bool withheld, cls_forecast_skill *skill,
                       double *correlation, double *chi2) {
  sums all = {0};
  double correlations = 0;
  uint32_t correlated = 0;
  for (uint32_t i = 0; i < h->obs; i++) {
    sums s = {0};
    for (uint32_t c = from; c < h->n_cycles; c++)
      add_pair(&s, &h->cycles[c], i, withheld ? h->cycles[c].withheld[i] : h->cycles[c].observed[i],
               h->members);
    if (chi2) chi2[i] = s.n > 0 ? s.chi2 / (double)s.n : NAN;
    correlation[i] = correlation_of_sums(h, from, i, withheld, &s);
    correlated += !isnan(correlation[i]);
    correlations += isnan(correlation[i]) ? 0 : correlation[i];
    add_sums(&all, &s);
  }
  const double n = (double)all.n;
  *skill = (cls_forecast_skill){.n = all.n,
                                .chi2 = all.chi2 / n,
                                .spread_skill = sqrt(all.variance / all.square),
                                .crps = all.crps / (double)all.scored,
                                .rmse = sqrt(all.square / n),
                                .correlation = correlations / correlated,
                                .coverage = all.inside / (double)all.ranked};
}

static void count_ranks(const cls_history *h, uint32_t from, double *histogram) {
  for (uint32_t c = from; c < h->n_cycles; c++)
    for (uint32_t i = 0; i < h->obs; i++) {
      const int32_t rank = h->cycles[c].rank[i];
      if (rank >= 0 && rank <= h->members && !isnan(h->cycles[c].observed[i])) histogram[rank]++;
    }
}

/* ---- the ensemble's own ---- */

/* Standardised anomalies of the members alive: rows of length 1, 0 where all are equal or one is not finite. */
typedef struct {
  int n;
  double *z, *sd; /* [rows][n]; [rows] */
} anomalies;

static void standardise(const double *value, int n, double *z, double *sd) {
  double mean = 0, square = 0;
  for (int k = 0; k < n; k++) mean += value[k] / n;
  for (int k = 0; k < n; k++) square += (value[k] - mean) * (value[k] - mean);
  *sd = sqrt(square / (n - 1));
  const bool spread = square > 0 && isfinite(square);
  for (int k = 0; k < n; k++) z[k] = spread ? (value[k] - mean) / sqrt(square) : 0;
}

static void take_alive(const cls_history *h, const double *values, uint32_t row, double *value) {
  int n = 0;
  for (int k = 0; k < h->members; k++)
    if (h->alive[k]) value[n++] = values[(size_t)row * (size_t)h->members + (size_t)k];
}

static double dot(const double *a, const double *b, int n) {
  double sum = 0;
  for (int k = 0; k < n; k++) sum += a[k] * b[k];
  return sum;
}

static cls_status find_anomalies(const cls_history *h, const double *values, anomalies *a) {
  double *value;
  *a = (anomalies){0};
  for (int k = 0; k < h->members; k++) a->n += h->alive[k];
  CLS_CHECK(a->n >= 2, CLS_ERR_INPUT, "%d members are alive: at least 2 are needed", a->n);
  CLS_TRY(cls_alloc(&a->z, (size_t)h->rows * (size_t)a->n, sizeof *a->z, "anomalies of an ensemble"));
  CLS_TRY(cls_alloc(&a->sd, h->rows, sizeof *a->sd, "spreads of an ensemble"));
  CLS_TRY(cls_alloc(&value, (size_t)a->n, sizeof *value, "members of a row"));
  for (uint32_t r = 0; r < h->rows; r++) {
    take_alive(h, values, r, value);
    standardise(value, a->n, &a->z[(size_t)r * (size_t)a->n], &a->sd[r]);
  }
  free(value);
  return CLS_OK;
}

static void anomalies_free(anomalies *a) {
  free(a->z);
  free(a->sd);
}

/* Of the products of members, trace(G)^2 / trace(G^2). */
static cls_status find_effective_size(const cls_history *h, const anomalies *a, double *size) {
  double *g, trace = 0, square = 0;
  const size_t n = (size_t)a->n;
  CLS_TRY(cls_alloc(&g, n * n, sizeof *g, "products of members"));
  for (uint32_t r = 0; r < h->rows; r++)
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < n; j++) g[i * n + j] += a->z[r * n + i] * a->z[r * n + j];
  for (size_t i = 0; i < n; i++) trace += g[i * n + i];
  for (size_t i = 0; i < n * n; i++) square += g[i] * g[i];
  *size = square > 0 ? trace * trace / square : NAN;
  free(g);
  return CLS_OK;
}

static cls_status find_correlations(const cls_history *h, const anomalies *a, double **correlation) {
  const size_t rows = h->rows, n = (size_t)a->n;
  if (rows > CLS_HISTORY_CORRELATION_ROWS) return CLS_OK;
  CLS_TRY(cls_alloc(correlation, rows * rows, sizeof **correlation, "correlations of hyperparameters"));
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j <= i; j++) {
      const double r = i == j ? 1 : dot(&a->z[i * n], &a->z[j * n], a->n);
      (*correlation)[i * rows + j] = (*correlation)[j * rows + i] = r;
    }
  return CLS_OK;
}

/* ---- confounded pairs ---- */

typedef struct {
  const cls_history *h;
  int n;
  double limit;
  double *value[4]; /* [n] prior and last of the one row, prior and last of the other */
} pair_finder;

static double spread(const double *x, const double *y, double scale_x, double scale_y, int n) {
  double mean = 0, square = 0;
  for (int k = 0; k < n; k++) mean += (x[k] * scale_x + y[k] * scale_y) / n;
  for (int k = 0; k < n; k++) {
    const double anomaly = x[k] * scale_x + y[k] * scale_y - mean;
    square += anomaly * anomaly;
  }
  return sqrt(square / (n - 1));
}

static double correlation(const double *x, const double *y, int n) {
  double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
  for (int k = 0; k < n; k++) {
    mean_x += x[k] / n;
    mean_y += y[k] / n;
  }
  for (int k = 0; k < n; k++) {
    xx += (x[k] - mean_x) * (x[k] - mean_x);
    yy += (y[k] - mean_y) * (y[k] - mean_y);
    xy += (x[k] - mean_x) * (y[k] - mean_y);
  }
  return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

/* Whether the pair is confounded on the scale `value` has. */
static bool is_confounded(const pair_finder *f, double *r) {
  const double *prior_x = f->value[0], *x = f->value[1], *prior_y = f->value[2], *y = f->value[3];
  const double sd_x = spread(prior_x, prior_x, 1, 0, f->n), sd_y = spread(prior_y, prior_y, 1, 0, f->n);
  *r = correlation(x, y, f->n);
  if (!(fabs(*r) > f->limit) || !(sd_x > 0) || !(sd_y > 0)) return false;
  const double sign = *r < 0 ? 1 : -1;
  const double before = spread(prior_x, prior_y, 1 / sd_x, sign / sd_y, f->n),
               after = spread(x, y, 1 / sd_x, sign / sd_y, f->n);
  return spread(x, x, 1, 0, f->n) > SHRUNK * sd_x && spread(y, y, 1, 0, f->n) > SHRUNK * sd_y &&
         after < SHRUNK * before;
}

/* Logarithms in place; false where a value has none. */
static bool take_logarithms(pair_finder *f) {
  for (int v = 0; v < 4; v++)
    for (int k = 0; k < f->n; k++)
      if (!(f->value[v][k] > 0) || !isfinite(f->value[v][k])) return false;
  for (int v = 0; v < 4; v++)
    for (int k = 0; k < f->n; k++) f->value[v][k] = cls_ln(f->value[v][k]);
  return true;
}

static bool examine(pair_finder *f, uint32_t i, uint32_t j, double *r, cls_confounded_what *what) {
  double logarithmic = 0;
  take_alive(f->h, f->h->prior, i, f->value[0]);
  take_alive(f->h, f->h->last, i, f->value[1]);
  take_alive(f->h, f->h->prior, j, f->value[2]);
  take_alive(f->h, f->h->last, j, f->value[3]);
  const bool natural = is_confounded(f, r);
  *what = *r < 0 ? CLS_CONFOUNDED_SUM : CLS_CONFOUNDED_DIFFERENCE;
  const bool products = take_logarithms(f) && is_confounded(f, &logarithmic);
  if (products && !(natural && fabs(*r) >= fabs(logarithmic))) {
    *r = logarithmic;
    *what = logarithmic < 0 ? CLS_CONFOUNDED_PRODUCT : CLS_CONFOUNDED_RATIO;
  }
  return natural || products;
}

static bool may_be_confounded(const cls_history *h, uint32_t i, uint32_t j) {
  const int32_t a = h->row_site[i], b = h->row_site[j];
  return a == b || a < 0 || b < 0;
}

static cls_status keep_pair(cls_diagnostics *d, uint32_t i, uint32_t j, double r, cls_confounded_what what) {
  const size_t n = (size_t)d->n_confounded + 1;
  CLS_TRY(cls_resize(&d->confounded, n, sizeof *d->confounded, "confounded pairs"));
  CLS_TRY(cls_resize(&d->confounded_r, n, sizeof *d->confounded_r, "confounded pairs"));
  CLS_TRY(cls_resize(&d->confounded_what, n, sizeof *d->confounded_what, "confounded pairs"));
  d->confounded[n - 1][0] = i;
  d->confounded[n - 1][1] = j;
  d->confounded_r[n - 1] = r;
  d->confounded_what[n - 1] = what;
  d->n_confounded = (uint32_t)n;
  return CLS_OK;
}

/* Goes over all pairs of rows of different hyperparameters on the same region; only counts them where d is NULL. */
static cls_status go_over_pairs(pair_finder *f, uint64_t *pairs, cls_diagnostics *d) {
  const cls_history *h = f->h;
  for (uint32_t e = 0; e < h->n_entries; e++)
    for (uint32_t other = e + 1; other < h->n_entries; other++)
      for (uint32_t i = h->entries[e].first; i < h->entries[e].first + h->entries[e].rows; i++)
        for (uint32_t j = h->entries[other].first; j < h->entries[other].first + h->entries[other].rows;
             j++) {
          double r;
          cls_confounded_what what;
          if (!may_be_confounded(h, i, j)) continue;
          (*pairs)++;
          if (d && examine(f, i, j, &r, &what)) CLS_TRY(keep_pair(d, i, j, r, what));
        }
  return CLS_OK;
}

static cls_status find_confounded(const cls_history *h, int n, cls_diagnostics *d) {
  pair_finder f = {.h = h, .n = n};
  uint64_t pairs = 0, again = 0;
  double *memory;
  d->limit = LIMIT;
  CLS_TRY(go_over_pairs(&f, &pairs, NULL));
  if (pairs == 0 || n < 4) return CLS_OK;
  /* tanh(x) = (e^2x - 1) / (e^2x + 1) */
  const double x = -cls_normal_quantile(CHANCE / 2 / (double)pairs) / sqrt(n - 3.0);
  const double chance = cls_expm1(2 * x) / (cls_expm1(2 * x) + 2);
  f.limit = d->limit = chance > LIMIT ? chance : LIMIT;
  CLS_TRY(cls_alloc(&memory, 4 * (size_t)n, sizeof *memory, "pairs of hyperparameters"));
  for (int v = 0; v < 4; v++) f.value[v] = memory + v * n;
  cls_status status = go_over_pairs(&f, &again, d);
  free(memory);
  return status;
}

/* ---- all of it ---- */

static cls_status find_ensemble(const cls_history *h, cls_diagnostics *d) {
  anomalies a;
  d->effective_size = NAN;
  cls_status status = find_anomalies(h, h->last, &a);
  if (status == CLS_OK) status = find_effective_size(h, &a, &d->effective_size);
  if (status == CLS_OK) status = find_correlations(h, &a, &d->posterior_correlation);
  if (status == CLS_OK) status = find_confounded(h, a.n, d);
  anomalies_free(&a);
  return status;
}

cls_status cls_diagnose(const cls_history *history, uint32_t from, cls_diagnostics *d) {
  *d = (cls_diagnostics){0};
  const char *what = "diagnostics of observations";
  CLS_TRY(cls_alloc(&d->chi2_of, history->obs, sizeof *d->chi2_of, what));
  CLS_TRY(cls_alloc(&d->correlation_of, history->obs, sizeof *d->correlation_of, what));
  CLS_TRY(cls_alloc(&d->withheld_correlation_of, history->obs, sizeof *d->withheld_correlation_of, what));
  CLS_TRY(cls_alloc(&d->rank_histogram, (size_t)history->members + 1, sizeof *d->rank_histogram, "ranks"));
  find_skill(history, from, false, &d->skill, d->correlation_of, d->chi2_of);
  find_skill(history, from, true, &d->withheld, d->withheld_correlation_of, NULL);
  count_ranks(history, from, d->rank_histogram);
  return find_ensemble(history, d);
}

void cls_diagnostics_free(cls_diagnostics *d) {
  free(d->chi2_of);
  free(d->correlation_of);
  free(d->withheld_correlation_of);
  free(d->rank_histogram);
  free(d->posterior_correlation);
  free(d->confounded);
  free(d->confounded_what);
  free(d->confounded_r);
  *d = (cls_diagnostics){0};
}
