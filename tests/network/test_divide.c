/* Divisions of synapses among places, against the exact probabilities of every outcome. */
#include "draws.h"

#include "network/internal.h"

enum { MOST_PLACES = 8 };

typedef struct {
  uint64_t count[MOST_PLACES];
  uint32_t last;
  bool started;
} outcome;

static cls_status note(void *context, uint32_t place, uint64_t count) {
  outcome *o = context;
  assert_true(count > 0 && (!o->started || place > o->last));
  o->count[place] = count;
  o->last = place, o->started = true;
  return CLS_OK;
}

static double log_choose(double n, double k) { return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1); }

/* Chi-square of counts as a standard normal deviate (Wilson & Hilferty 1931); outcomes are joined to groups of at least
 * 10 expected, what is left at the end to the last group. */
static double deviate(const double *count, const double *chance, int outcomes, double trials) {
  double sum = 0, c = 0, e = 0, c_last = 0, e_last = 0;
  int groups = 0;
  for (int i = 0; i < outcomes; i++) {
    c += count[i];
    e += chance[i] * trials;
    if (e < 10) continue;
    if (groups > 0) sum += (c_last - e_last) * (c_last - e_last) / e_last;
    c_last = c, e_last = e, c = e = 0;
    groups++;
  }
  c_last += c, e_last += e;
  sum += (c_last - e_last) * (c_last - e_last) / e_last;
  double v = 2.0 / (9.0 * (groups - 1));
  return groups < 2 ? (fabs(sum) < 1e-9 ? 0 : INFINITY) : (cbrt(sum / (groups - 1)) - 1 + v) / sqrt(v);
}

/* Pairs of place i. */
static double pairs(const cls_division *d, uint32_t i) {
  return (double)(i + 1 == d->n ? d->last : d->each) - (i == d->odd ? (double)d->missing : 0);
}

/* The number that falls on place `place`, over many divisions: hypergeometric where pairs are distinct, else
 * binomial; and with it the number on another place, whose mean given the first is proportional. */
static void check(cls_division d, uint64_t drawn, uint32_t place) {
  enum { TRIALS = 40000, BINS = 4096 };
  double *count = calloc(BINS, sizeof *count), *expected = calloc(BINS, sizeof *expected), all = 0, cross = 0;
  double mine = pairs(&d, place), n = (double)drawn;
  const uint32_t other = (place + 1) % d.n;
  for (uint32_t i = 0; i < d.n; i++) all += pairs(&d, i);
  const double mean = n * mine / all, mean_other = n * pairs(&d, other) / all;
  for (uint32_t t = 0; t < TRIALS; t++) {
    outcome o = {0};
    d.context = t;
    OK(cls_divide(&d, drawn, 0, d.n, note, &o));
    uint64_t sum = 0;
    for (uint32_t i = 0; i < d.n; i++) {
      sum += o.count[i];
      if (d.distinct) assert_true((double)o.count[i] <= pairs(&d, i));
    }
    assert_true(sum == drawn);
    assert_true(o.count[place] < BINS);
    count[o.count[place]]++;
    cross += ((double)o.count[place] - mean) * ((double)o.count[other] - mean_other);
    if (t % 64 == 0) { /* one place alone */
      outcome alone = {0};
      OK(cls_divide(&d, drawn, place, place + 1, note, &alone));
      for (uint32_t i = 0; i < d.n; i++) assert_true(alone.count[i] == (i == place ? o.count[i] : 0));
    }
  }
  for (int k = 0; k < BINS && k <= n; k++) {
    double p = mine / all;
    bool possible = !d.distinct || (k <= mine && n - k <= all - mine);
    double log_p = d.distinct ? log_choose(mine, k) + log_choose(all - mine, n - k) - log_choose(all, n)
                              : log_choose(n, k) + k * log(p) + (n - k) * log1p(-p);
    expected[k] = possible ? exp(log_p) : 0;
  }
  double z = deviate(count, expected, BINS, TRIALS);
  if (!(fabs(z) < 4.5))
    fail_msg("%u places of %llu, %llu synapses, distinct %d: %g SD from theory", d.n,
             (unsigned long long)d.each, (unsigned long long)drawn, d.distinct, z);
  double covariance = -n * (mine / all) * (pairs(&d, other) / all) * (d.distinct ? (all - n) / (all - 1) : 1);
  NEAR(cross / TRIALS, covariance,
       4.5 * sqrt(2 * mean * mean_other / TRIALS)); /* SD of the product, at most */
  free(count);
  free(expected);
}

static cls_division even(uint32_t n, uint64_t each, bool distinct) {
  return (cls_division){.stream = cls_stream_make(9, CLS_PURPOSE_ROW, 1),
                        .distinct = distinct,
                        .n = n,
                        .each = each,
                        .last = each,
                        .odd = UINT32_MAX};
}

static void test_even_places(void **state) {
  (void)state;
  /* dealt one by one; by bits; by bits with rejection, the rest drawn; by the general samplers */
  const uint64_t drawn[] = {5, 8, 9, 40, 300, 1024, 1500};
  for (int k = 0; k < 7; k++)
    for (int places = 2; places <= 8; places *= 2) {
      check(even((uint32_t)places, 1000, false), drawn[k], 1);
      if (drawn[k] < 1000) check(even((uint32_t)places, 400, true), drawn[k], (uint32_t)places - 1);
    }
  /* few pairs for many synapses */
  check(even(2, 7, true), 8, 0);
  check(even(4, 4, true), 8, 2);
  check(even(4, 5, true), 11, 3);
  check(even(2, 40, true), 50, 1);
  check(even(2, 600, true), 1000, 0);
}

static void test_uneven_places(void **state) {
  (void)state;
  for (int distinct = 0; distinct < 2; distinct++)
    for (int k = 0; k < 3; k++) {
      const uint64_t drawn = k == 0 ? 6 : k == 1 ? 60 : 400;
      cls_division d = even(7, 100, distinct);
      check(d, drawn, 6);
      d.last = 37;
      check(d, drawn, 6);
      check(d, drawn, 2);
      d.odd = 2, d.missing = 50;
      check(d, drawn, 2);
      check(d, drawn, 3);
      d = even(8, 100, distinct);
      d.odd = 7, d.missing = 1;
      check(d, drawn, 7);
    }
}

/* Every pair is taken; a place without pairs gets nothing. */
static void test_full(void **state) {
  (void)state;
  for (uint32_t n = 1; n <= MOST_PLACES; n++)
    for (uint64_t each = 1; each < 40; each += 3) {
      cls_division d = even(n, each, true);
      d.last = each / 2;
      outcome o = {0};
      OK(cls_divide(&d, each * (n - 1) + d.last, 0, n, note, &o));
      for (uint32_t i = 0; i < n; i++) assert_true(o.count[i] == (i + 1 == n ? d.last : each));
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_even_places), cmocka_unit_test(test_uneven_places),
                                     cmocka_unit_test(test_full)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
