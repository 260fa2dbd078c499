/* The generator against its published answers, and the discrete samplers against their exact probabilities. */
#include "base/math.h"
#include "base/random.h"
#include "base/statistics.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* kat_vectors of Random123: philox4x32, 10 rounds. */
static void test_known_answers(void **state) {
  (void)state;
  static const struct {
    uint32_t counter[4], key[2], answer[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    cls_stream stream = {{known[i].key[0], known[i].key[1]}};
    const uint32_t *c = known[i].counter;
    cls_words w = cls_draw(stream, c[0], c[1], c[2], c[3]);
    assert_memory_equal(w.w, known[i].answer, sizeof w.w);
  }
}

static void test_streams_differ(void **state) {
  (void)state;
  cls_stream s[5] = {cls_stream_make(1, CLS_PURPOSE_CONNECT, 5), cls_stream_make(2, CLS_PURPOSE_CONNECT, 5),
                     cls_stream_make(1, CLS_PURPOSE_COUNT, 5), cls_stream_make(1, CLS_PURPOSE_CONNECT, 6),
                     cls_stream_make(5, CLS_PURPOSE_CONNECT, 1)};
  for (int i = 0; i < 5; i++)
    for (int j = 0; j < i; j++) assert_memory_not_equal(&s[i], &s[j], sizeof *s);
}

static void test_reader(void **state) {
  (void)state;
  cls_stream stream = cls_stream_make(3, CLS_PURPOSE_COUNT, 9);
  cls_reader r = cls_reader_make(stream, 11, 12, 13);
  for (uint32_t block = 0; block < 3; block++) {
    cls_words w = cls_draw(stream, 11, 12, 13, block);
    for (int i = 0; i < 4; i++) assert_int_equal(cls_read_word(&r), w.w[i]);
  }
}

static void test_units(void **state) {
  (void)state;
  assert_true(cls_unit(0) == 0x1p-33 && cls_unit(UINT32_MAX) == 1 - 0x1p-33);
  assert_int_equal(cls_below(0, 10), 0);
  assert_int_equal(cls_below(UINT32_MAX, 10), 9);
  /* A reader whose next words are all ones, or all zeros, stays inside the open interval. */
  cls_reader r = cls_reader_make(cls_stream_make(1, CLS_PURPOSE_COUNT, 1), 0, 0, 0);
  r.left = 4;
  r.words = (cls_words){{UINT32_MAX, UINT32_MAX, 0, 0}};
  assert_true(cls_read_unit(&r) == 1 - 0x1p-53);
  assert_true(cls_read_unit(&r) == 0x1p-53);
}

/* Each of the four words, in 100 cells and in its low and high byte. */
static void test_uniform(void **state) {
  (void)state;
  enum { DRAWS = 400000, CELLS = 100 };
  cls_stream stream = cls_stream_make(1, CLS_PURPOSE_NOISE, 2);
  for (int lane = 0; lane < 4; lane++) {
    double cell[CELLS] = {0}, low[256] = {0}, flat[256], flat_cell[CELLS];
    for (uint32_t i = 0; i < DRAWS; i++) {
      uint32_t word = cls_draw(stream, i, 0, 0, 0).w[lane];
      cell[cls_below(word, CELLS)]++;
      low[word & 255]++;
    }
    for (int i = 0; i < 256; i++) flat[i] = 1.0 / 256;
    for (int i = 0; i < CELLS; i++) flat_cell[i] = 1.0 / CELLS;
    double deviates[2] = {fit_deviate(cell, flat_cell, CELLS, DRAWS, 0, 10),
                          fit_deviate(low, flat, 256, DRAWS, 0, 10)};
    for (int i = 0; i < 2; i++)
      if (fabs(deviates[i]) > SIGMAS) fail_msg("lane %d, test %d: %g SD", lane, i, deviates[i]);
  }
}

/* ---- samplers ---- */

/* The product where it is short: even long double ln Gamma loses the fraction when n is 1e18. */
static long double ln_choose(double n, double k) {
  if (k > 200 || n < 1000) return lgammal(n + 1.0L) - lgammal(k + 1.0L) - lgammal((long double)n - k + 1);
  long double sum = 0;
  for (int i = 0; i < (int)k; i++) sum += logl(((long double)n - i) / (i + 1));
  return sum;
}

/* A binomial (bad = -1) or hypergeometric distribution. */
typedef struct {
  double n, p, good, bad, draws;
} law;

static double law_probability(const law *l, double k) {
  if (l->bad < 0) {
    if (k < 0 || k > l->n) return 0;
    return (double)expl(ln_choose(l->n, k) + k * logl(l->p) + (l->n - k) * log1pl(-(long double)l->p));
  }
  if (k < 0 || k > l->good || k > l->draws || l->draws - k > l->bad) return 0;
  return (double)expl(ln_choose(l->good, k) + ln_choose(l->bad, l->draws - k) -
                      ln_choose(l->good + l->bad, l->draws));
}

static uint64_t law_read(const law *l, cls_reader *r) {
  if (l->bad < 0) return cls_read_binomial(r, (uint64_t)l->n, l->p);
  return cls_read_hypergeometric(r, (uint64_t)l->good, (uint64_t)l->bad, (uint64_t)l->draws);
}

static void law_moments(const law *l, double *mean, double *sd) {
  if (l->bad < 0) {
    *mean = l->n * l->p;
    *sd = sqrt(*mean * (1 - l->p));
    return;
  }
  double all = l->good + l->bad;
  *mean = l->draws * (l->good / all);
  *sd = sqrt(*mean * (l->bad / all) * ((all - l->draws) / fmax(all - 1, 1)));
}

/* Chi-square of `samples` draws (one counter each, as the network draws) against the exact probabilities. */
static void check_law(const law *l, uint32_t samples) {
  double mean, sd, outside = 0, sum = 0;
  law_moments(l, &mean, &sd);
  double first = fmax(0, floor(mean - 10 * sd - 20)), last = ceil(mean + 10 * sd + 20);
  size_t n = (size_t)(last - first) + 1;
  double *observed = calloc(n, sizeof *observed), *probability = calloc(n, sizeof *probability);
  assert_true(observed != NULL && probability != NULL);
  for (size_t i = 0; i < n; i++) probability[i] = law_probability(l, first + (double)i);
  cls_stream stream = cls_stream_make(1, CLS_PURPOSE_COUNT, 3);
  for (uint32_t i = 0; i < samples; i++) {
    cls_reader r = cls_reader_make(stream, i, 0, 0);
    double k = (double)law_read(l, &r);
    sum += (k - mean) / fmax(sd, 1e-30);
    if (law_probability(l, k) == 0) fail_msg("%g is impossible", k);
    if (k >= first && k <= last)
      observed[(size_t)(k - first)]++;
    else
      outside++;
  }
  double fit = fit_deviate(observed, probability, n, samples, outside, fmax(10, samples / 300.0));
  double shift = sum / sqrt(samples);
  free(observed);
  free(probability);
  if (fabs(fit) > SIGMAS || fabs(shift) > SIGMAS)
    fail_msg("n %g p %g good %g bad %g draws %g: chi-square %g SD, mean %g SD", l->n, l->p, l->good, l->bad,
             l->draws, fit, shift);
}

static void test_binomial_fit(void **state) {
  (void)state;
  static const double laws[][2] = {{1, 0.3},      {5, 0.5},      {20, 0.1},   {20, 0.9},      {19, 0.5},
                                   {21, 0.5},     {30, 0.34},    {40, 0.5},   {100, 0.99},    {100, 0.11},
                                   {1000, 0.3},   {1000, 0.7},   {1e5, 1e-4}, {1e5, 1.01e-4}, {1e9, 5e-9},
                                   {1e12, 2e-11}, {1e18, 3e-18}, {1e6, 0.5},  {1e9, 1e-3},    {1e9, 0.1}};
  for (size_t i = 0; i < sizeof laws / sizeof *laws; i++)
    check_law(&(law){.n = laws[i][0], .p = laws[i][1], .bad = -1}, 100000);
}

static void test_hypergeometric_fit(void **state) {
  (void)state;
  static const double laws[][3] = {{10, 10, 5},      {3, 50, 20},     {50, 50, 50},     {50, 20, 60},
                                   {100, 900, 100},  {900, 100, 990}, {1000, 10, 500},  {30, 2000, 1500},
                                   {45, 45, 45},     {1e6, 1e6, 1e3}, {5e4, 2e5, 1e5},  {1e6, 1e12, 1e6},
                                   {1e6, 1e12, 3e7}, {1e8, 3e8, 1e7}, {3e9, 1e9, 3.9e9}};
  for (size_t i = 0; i < sizeof laws / sizeof *laws; i++)
    check_law(&(law){.good = laws[i][0], .bad = laws[i][1], .draws = laws[i][2]}, 100000);
}

/* Far beyond what probabilities can be tabulated for: moments to fourth order, tails, and the lowest bit,
 * which is lost where counts go through a double. */
static void check_large(const char *name, const law *l, uint64_t mean_floor, double fraction) {
  enum { SAMPLES = 100000 };
  double mean, sd, m1 = 0, m2 = 0, m3 = 0, m4 = 0, odd = 0;
  law_moments(l, &mean, &sd);
  for (uint32_t i = 0; i < SAMPLES; i++) {
    cls_reader r = cls_reader_make(cls_stream_make(1, CLS_PURPOSE_COUNT, 4), i, 0, 0);
    uint64_t k = law_read(l, &r);
    double z = ((double)(int64_t)(k - mean_floor) - fraction) / sd;
    m1 += z, m2 += z * z, m3 += z * z * z, m4 += z * z * z * z;
    odd += (double)(k & 1);
  }
  /* Standard errors of the sums for a normal variable: 1, sqrt(2), sqrt(15), sqrt(96). */
  double root = sqrt(SAMPLES);
  double deviates[5] = {m1 / root, (m2 - SAMPLES) / (root * sqrt(2)), m3 / (root * sqrt(15)),
                        (m4 - 3.0 * SAMPLES) / (root * sqrt(96)), (odd - SAMPLES / 2.0) / (root / 2)};
  for (int i = 0; i < 5; i++)
    if (!(fabs(deviates[i]) < SIGMAS)) fail_msg("%s, statistic %d: %g SD", name, i, deviates[i]);
}

static void test_large(void **state) {
  (void)state;
  check_large("binomial 2^62, 1/2", &(law){.n = 0x1p62, .p = 0.5, .bad = -1}, 1ull << 61, 0);
  check_large("binomial 2^62, 3/4", &(law){.n = 0x1p62, .p = 0.75, .bad = -1}, 3ull << 60, 0);
  check_large("binomial 2^62, 1e-9", &(law){.n = 0x1p62, .p = 0x1p-30, .bad = -1}, 1ull << 32, 0);
  check_large("binomial 3e12, 1/8", &(law){.n = 3e12 + 1, .p = 0.125, .bad = -1}, 375000000000, 0.125);
  check_large("binomial 1e9, 1/8", &(law){.n = 1e9 + 4, .p = 0.125, .bad = -1}, 125000000, 0.5);
  check_large("hypergeometric 2^60", &(law){.good = 0x1p60, .bad = 0x1p61, .draws = 3 * 0x1p58}, 1ull << 58,
              0);
  check_large("hypergeometric 2^61, 2^40", &(law){.good = 0x1p61, .bad = 0x1p61, .draws = 0x1p40}, 1ull << 39,
              0);
}

static void test_edges(void **state) {
  (void)state;
  cls_reader r = cls_reader_make(cls_stream_make(1, CLS_PURPOSE_COUNT, 5), 0, 0, 0);
  assert_int_equal(cls_read_binomial(&r, 0, 0.5), 0);
  assert_int_equal(cls_read_binomial(&r, 100, 0), 0);
  assert_int_equal(cls_read_binomial(&r, 100, 1), 100);
  assert_int_equal(cls_read_binomial(&r, 100, NAN), 0);
  assert_int_equal(cls_read_hypergeometric(&r, 0, 10, 5), 0);
  assert_int_equal(cls_read_hypergeometric(&r, 10, 0, 5), 5);
  assert_int_equal(cls_read_hypergeometric(&r, 10, 10, 0), 0);
  assert_int_equal(cls_read_hypergeometric(&r, 7, 10, 17), 7);
  assert_int_equal(r.block, 0); /* none of these reads a word */
  for (int i = 0; i < 1000; i++) {
    assert_in_range(cls_read_binomial(&r, 1, 0.999999), 0, 1);
    assert_in_range(cls_read_binomial(&r, 1ull << 62, 1e-300), 0, 0);
    assert_in_range(cls_read_hypergeometric(&r, 1, 1, 1), 0, 1);
    assert_in_range(cls_read_hypergeometric(&r, 5, 2, 6), 4, 5);
    assert_in_range(cls_read_hypergeometric(&r, 1000, 3, 1001), 998, 1000);
  }
}

/* Splitting a total over cells and then over their halves is what networks do: the parts must add up, and the
 * number in a half has the law of a draw without replacement. */
static void test_split(void **state) {
  (void)state;
  enum { SAMPLES = 20000 };
  double sum = 0, squares = 0;
  for (uint32_t i = 0; i < SAMPLES; i++) {
    cls_reader r = cls_reader_make(cls_stream_make(2, CLS_PURPOSE_COUNT, 6), i, 0, 0);
    uint64_t left = 5000, count[4], size = 4 * 2500;
    for (uint64_t cell = 0; cell < 4; cell++) {
      count[cell] = cls_read_hypergeometric(&r, 2500, size - 2500, left);
      left -= count[cell], size -= 2500;
    }
    assert_int_equal(left, 0);
    double x = (double)count[3] - 1250;
    sum += x, squares += x * x;
  }
  double variance = 1250 * 0.75 * (5000.0 / 9999);
  assert_true(fabs(sum / SAMPLES) < SIGMAS * sqrt(variance / SAMPLES));
  assert_true(fabs(squares / SAMPLES / variance - 1) < SIGMAS * sqrt(2.0 / SAMPLES));
}

/* Networks are made of these numbers: they must never change. */
static void test_pinned_bits(void **state) {
  (void)state;
  uint64_t hash = 0;
  for (uint32_t i = 0; i < 2000; i++) {
    cls_reader r = cls_reader_make(cls_stream_make(i, CLS_PURPOSE_CONNECT, cls_hash_string("L4E")), i, 1, 2);
    hash = cls_mix64(hash ^ cls_read_word(&r));
    hash = cls_mix64(hash ^ cls_read_binomial(&r, 100 + i, 0.05));
    hash = cls_mix64(hash ^ cls_read_binomial(&r, 1000000 + i, 0.4));
    hash = cls_mix64(hash ^ cls_read_hypergeometric(&r, 100, 1000 + i, 50));
    hash = cls_mix64(hash ^ cls_read_hypergeometric(&r, 100000, 300000, 5000 + i));
  }
  if (hash != 0x5dd74f29a1cef2b2ull) fail_msg("hash of 10000 numbers: %016llx", (unsigned long long)hash);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_answers),
                                     cmocka_unit_test(test_streams_differ),
                                     cmocka_unit_test(test_reader),
                                     cmocka_unit_test(test_units),
                                     cmocka_unit_test(test_uniform),
                                     cmocka_unit_test(test_binomial_fit),
                                     cmocka_unit_test(test_hypergeometric_fit),
                                     cmocka_unit_test(test_large),
                                     cmocka_unit_test(test_edges),
                                     cmocka_unit_test(test_split),
                                     cmocka_unit_test(test_pinned_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
