/* Cycles of a history from the ensembles of the loop. */
#include "assimilation/history.h"
#include "base/random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Members that count, in their order. */
typedef struct {
  int n, members;
  double *value; /* [n] of one row */
  const bool *alive;
} ensemble;

static cls_status ensemble_make(const cls_history *history, const bool *alive, ensemble *e) {
  *e = (ensemble){.members = history->members, .alive = alive};
  for (int k = 0; k < e->members; k++) e->n += !alive || alive[k];
  CLS_CHECK(history->n_cycles > 0, CLS_ERR_INTERNAL, "a history without cycles is filled");
  CLS_CHECK(e->n >= 2, CLS_ERR_INPUT, "%d members are alive: at least 2 are needed", e->n);
  return cls_alloc_unset(&e->value, (size_t)e->n, sizeof *e->value, "members of a row");
}

static void take_row(ensemble *e, const double *values, uint32_t row) {
  int n = 0;
  for (int k = 0; k < e->members; k++)
    if (!e->alive || e->alive[k]) e->value[n++] = values[(size_t)row * (size_t)e->members + (size_t)k];
}

static void moments(const ensemble *e, double *mean, double *sd) {
  double sum = 0, square = 0;
  for (int k = 0; k < e->n; k++) sum += e->value[k];
  *mean = sum / e->n;
  for (int k = 0; k < e->n; k++) square += (e->value[k] - *mean) * (e->value[k] - *mean);
  *sd = sqrt(square / (e->n - 1));
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return isnan(x) ? !isnan(y) : isnan(y) ? -1 : (x > y) - (x < y);
}

double cls_sorted_quantile(const double *sorted, int n, double p) {
  const double at = p * (n + 1) - 1;
  if (at <= 0) return sorted[0];
  if (at >= n - 1) return sorted[n - 1];
  const int below = (int)at;
  return sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}

static cls_history_cycle *last_cycle(cls_history *history) {
  return history->n_cycles > 0 ? &history->cycles[history->n_cycles - 1] : NULL;
}

/* Those of members that were left out are no numbers. */
static void keep_ensemble(const cls_history *history, const double *values, const bool *alive, double *into) {
  const size_t n = (size_t)history->rows * (size_t)history->members;
  for (size_t i = 0; i < n; i++) into[i] = !alive || alive[i % (size_t)history->members] ? values[i] : NAN;
}

cls_status cls_history_fill_forecast(cls_history *history, const double *values, const bool *alive) {
  ensemble e;
  CLS_TRY(ensemble_make(history, alive, &e));
  cls_history_cycle *c = last_cycle(history);
  for (uint32_t row = 0; row < history->rows; row++) {
    take_row(&e, values, row);
    moments(&e, &c->forecast_mean[row], &c->forecast_sd[row]);
  }
  if (history->n_cycles == 1) keep_ensemble(history, values, alive, history->prior);
  c->alive = e.n;
  free(e.value);
  return CLS_OK;
}

cls_status cls_history_fill_analysis(cls_history *history, const double *values, const bool *alive) {
  ensemble e;
  CLS_TRY(ensemble_make(history, alive, &e));
  cls_history_cycle *c = last_cycle(history);
  for (uint32_t row = 0; row < history->rows; row++) {
    take_row(&e, values, row);
    moments(&e, &c->mean[row], &c->sd[row]);
    qsort(e.value, (size_t)e.n, sizeof *e.value, compare);
    c->q05[row] = cls_sorted_quantile(e.value, e.n, .05);
    c->median[row] = cls_sorted_quantile(e.value, e.n, .5);
    c->q95[row] = cls_sorted_quantile(e.value, e.n, .95);
  }
  keep_ensemble(history, values, alive, history->last);
  for (int k = 0; k < history->members; k++) history->alive[k] = !alive || alive[k];
  c->alive = e.n;
  free(e.value);
  return CLS_OK;
}

cls_status cls_history_fill_smoothed(cls_history *history, uint32_t ago, const double *values,
                                     const bool *alive) {
  ensemble e;
  CLS_CHECK(ago < history->n_cycles, CLS_ERR_INTERNAL, "history: %u cycles back: expected less than %u", ago,
            history->n_cycles);
  CLS_TRY(ensemble_make(history, alive, &e));
  cls_history_cycle *c = &history->cycles[history->n_cycles - 1 - ago];
  for (uint32_t row = 0; row < history->rows; row++) {
    take_row(&e, values, row);
    moments(&e, &c->smoothed[row], &c->smoothed_sd[row]);
  }
  free(e.value);
  return CLS_OK;
}

cls_status cls_history_fill_analysed(cls_history *history, const double *predicted, const bool *alive) {
  ensemble e;
  CLS_TRY(ensemble_make(history, alive, &e));
  cls_history_cycle *c = last_cycle(history);
  for (uint32_t i = 0; i < history->obs; i++) {
    take_row(&e, predicted, i);
    moments(&e, &c->analysed_mean[i], &c->analysed_sd[i]);
  }
  free(e.value);
  return CLS_OK;
}

/* ---- scores of a forecast ---- */

/* E|X| of a normal X. */
static double mean_size(double mean, double sd) {
  const double z = mean / sd;
  return 2 * sd * exp(-z * z / 2) * 0.39894228040143267794 + mean * erf(z * 0.70710678118654752440);
}

double cls_crps(const double *members, int n, double error, double y) {
  double near = 0, apart = 0;
  for (int i = 0; i < n; i++) {
    near += error > 0 ? mean_size(y - members[i], error) : fabs(y - members[i]);
    for (int j = 0; j < i; j++) {
      const double distance = members[i] - members[j];
      apart += error > 0 ? mean_size(distance, error * 1.4142135623730950488) : fabs(distance);
    }
  }
  return near / n - apart / ((double)n * (n - 1));
}

/* The place of y among what members foretell to be observed, 0 ... members, also where fewer are alive. Equal numbers share their places
 * at random. */
static int32_t rank_of(const cls_history *h, const ensemble *e, uint32_t i, double error, double y) {
  const cls_stream stream =
      cls_stream_make(h->seed, CLS_PURPOSE_SAMPLE, cls_hash_string("assimilation/ranks"));
  int below = 0, equal = 0;
  for (int k = 0; k < e->n; k++) {
    const cls_words words = cls_draw(stream, i, (uint32_t)k, h->n_cycles - 1, 0);
    const double foretold =
        error > 0 ? e->value[k] + error * cls_normal_quantile(cls_unit(words.w[0])) : e->value[k];
    below += foretold < y;
    equal += foretold == y;
  }
  const cls_words words = cls_draw(stream, i, 0, h->n_cycles - 1, 1);
  const double place = below + (int)cls_below(words.w[0], (uint32_t)equal + 1);
  if (e->n == h->members) return (int32_t)place;
  const double scaled = (place + cls_unit(words.w[1])) * (h->members + 1) / (e->n + 1);
  return scaled < h->members ? (int32_t)scaled : h->members;
}

cls_status cls_history_fill_observation(cls_history *history, const double *predicted, const bool *alive) {
  ensemble e;
  CLS_TRY(ensemble_make(history, alive, &e));
  cls_history_cycle *c = last_cycle(history);
  for (uint32_t i = 0; i < history->obs; i++) {
    const double y = isnan(c->observed[i]) ? c->withheld[i] : c->observed[i],
                 error = isnan(c->error[i]) ? 0 : c->error[i];
    take_row(&e, predicted, i);
    moments(&e, &c->predicted_mean[i], &c->predicted_sd[i]);
    c->crps[i] = isnan(y) ? NAN : cls_crps(e.value, e.n, error, y);
    c->rank[i] = isnan(y) ? -1 : rank_of(history, &e, i, error, y);
    qsort(e.value, (size_t)e.n, sizeof *e.value, compare);
    c->predicted_q05[i] = cls_sorted_quantile(e.value, e.n, .05);
    c->predicted_q95[i] = cls_sorted_quantile(e.value, e.n, .95);
  }
  c->alive = e.n;
  free(e.value);
  return CLS_OK;
}
