/* Noise of the hot path against Random123 and the exact normal quantile. */
#include "model/tiles.h"

static void test_philox(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 20000; i++) {
    cls_words c = cls_draw((cls_stream){{1, 2}}, i, 0, 0, 0), k = cls_draw((cls_stream){{3, 4}}, i, 0, 0, 0);
    if (i < 2) memset(&c, i ? 0xff : 0, sizeof c), memset(&k, i ? 0xff : 0, sizeof k);
    philox4x32_ctr_t counter = {{c.w[0], c.w[1], c.w[2], c.w[3]}};
    philox4x32_key_t key = {{k.w[0], k.w[1]}};
    philox4x32_ctr_t expected = philox4x32_R(7, counter, key);
    uint32_t out[4];
    cls_philox(k.w[0], k.w[1], c.w[0], c.w[1], c.w[2], c.w[3], &out[0], &out[1], &out[2], &out[3]);
    assert_memory_equal(out, expected.v, sizeof out);
    /* Known answers of the Random123 distribution (kat_vectors), so that both cannot be wrong together. */
    const uint32_t kat[2][4] = {{0x5f6fb709, 0x0d893f64, 0x4f121f81, 0x4f730a48},
                                {0x5207ddc2, 0x45165e59, 0x4d8ee751, 0x8c52f662}};
    if (i < 2) assert_memory_equal(out, kat[i], sizeof out);
  }
}

/* Neuron i takes word (i / 16) % 4 of counter ((i / 64) * 16 + i % 16, step, step, member), whoever asks. */
static void test_words_of_neurons(void **state) {
  (void)state;
  enum { GROUPS = 5 };
  for (uint32_t trial = 0; trial < 300; trial++) {
    cls_words r = cls_draw((cls_stream){{5, 6}}, trial, 0, 0, 0),
              s = cls_draw((cls_stream){{7, 8}}, trial, 0, 0, 0);
    const uint32_t key[2] = {r.w[0], r.w[1]}, lo = r.w[2], hi = s.w[0], c3 = s.w[1];
    uint32_t group = trial == 0 ? 0 : trial == 1 ? (1u << 26) - GROUPS : s.w[2] % ((1u << 26) - GROUPS);
    uint32_t word[CLS_NOISE_GROUP], all[GROUPS * CLS_NOISE_GROUP];
    cls_noise_fill(key, group, GROUPS, lo, hi, c3, all);
    for (uint32_t g = 0; g < GROUPS; g++) {
      cls_noise_group(key, group + g, lo, hi, c3, word);
      assert_memory_equal(word, all + g * CLS_NOISE_GROUP, sizeof word);
      for (uint32_t k = 0; k < CLS_NOISE_GROUP; k++) {
        uint32_t i = (group + g) * CLS_NOISE_GROUP + k;
        philox4x32_ctr_t counter = {{i / 64 * 16 + i % 16, lo, hi, c3}};
        philox4x32_key_t philox_key = {{key[0], key[1]}};
        assert_int_equal(word[k], philox4x32_R(7, counter, philox_key).v[i / 16 % 4]);
        assert_int_equal(cls_noise_word(key, i, lo, hi, c3), word[k]);
        if (i >= 1u << 31) continue;
        assert_int_equal(cls_noise_half(key, 2 * i, lo, hi, c3), word[k] & 0xffff);
        assert_int_equal(cls_noise_half(key, 2 * i + 1, lo, hi, c3), word[k] >> 16);
      }
    }
  }
}

/* ---- the Gaussian of a word ---- */

static double worst_error, worst_odd;
static void compare(uint32_t word) {
  double error = fabs((double)cls_gauss(word) - cls_normal_quantile(cls_unit(word)));
  double odd = fabs((double)cls_gauss(word) + (double)cls_gauss(~word));
  if (!(error <= worst_error)) worst_error = error;
  if (!(odd <= worst_odd)) worst_odd = odd;
}

static void test_gauss(void **state) {
  (void)state;
  worst_error = worst_odd = 0;
  for (uint64_t word = 0; word < 1ull << 32; word += 4097) compare((uint32_t)word);
  /* both sides of every power of two, where the exponent of the smaller tail changes, and the far tails */
  for (int bit = 0; bit < 32; bit++)
    for (int64_t d = -2000; d <= 2000; d++) {
      compare((uint32_t)((1ll << bit) + d));
      compare(~(uint32_t)((1ll << bit) + d));
      compare((uint32_t)((3ll << bit) / 2 + d)); /* where the mantissa is split, at .75 */
    }
  assert_true(worst_error < 1.5e-6);
  assert_true(worst_error > 1e-9); /* the comparison compares */
  assert_true(worst_odd == 0);
  /* quantiles of 2^-33, 1/2 - 2^-33 ..., from tables of the normal distribution */
  NEAR((double)cls_gauss(0), -6.33795776, 1.5e-6);
  NEAR((double)cls_gauss(UINT32_MAX), 6.33795776, 1.5e-6);
  NEAR((double)cls_gauss(0x7fffffff), -2.918e-10, 1.5e-6);
  NEAR((double)cls_gauss(0x80000000), 2.918e-10, 1.5e-6);
  NEAR((double)cls_gauss(0x40000000), -0.67448975, 1.5e-6);
}

/* Moments over equally spaced words: errors of the polynomial that do not average out would show. */
static void test_gauss_quadrature(void **state) {
  (void)state;
  double sum[5] = {0};
  const uint32_t n = 1u << 22;
  for (uint32_t i = 0; i < n; i++) {
    double x = (double)cls_gauss(i * 1024u + 512), q = cls_normal_quantile(cls_unit(i * 1024u + 512));
    sum[0] += x, sum[1] += x - q, sum[2] += x * x, sum[3] += x * x - q * q, sum[4] += x * x * x * x;
  }
  NEAR(sum[0] / n, 0, 1e-7);
  NEAR(sum[1] / n, 0, 1e-7);
  NEAR(sum[2] / n, 1, 1e-5);
  NEAR(sum[3] / n, 0, 5e-7);
  NEAR(sum[4] / n, 3, 5e-4);
}

/* ---- as noise ---- */

enum { NEURONS = 4096, STEPS = 2560 }; /* 1.05e7 draws */
static const uint32_t KEY[2] = {0x13198a2e, 0x03707344};

static void draw_step(uint32_t step, uint32_t member, float *x) {
  static uint32_t word[NEURONS];
  cls_noise_fill(KEY, 0, NEURONS / CLS_NOISE_GROUP, step, 0, member, word);
  for (int i = 0; i < NEURONS; i++) x[i] = cls_gauss(word[i]);
}

static double product(const float *x, const float *y, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += (double)x[i] * (double)y[i];
  return sum;
}

/* Moments, and correlations between what shares a counter (lag 16, 32, 48), a group, a step or a member. */
static void test_gauss_as_noise(void **state) {
  (void)state;
  static float ring[5][NEURONS], other[NEURONS];
  static const int lag[] = {1, 2, 15, 16, 17, 32, 48, 64, 1024};
  enum { LAGS = sizeof lag / sizeof *lag };
  double m[4] = {0}, space[LAGS] = {0}, space_n[LAGS] = {0}, time[4] = {0}, time_n[4] = {0}, member = 0;
  for (uint32_t step = 0; step < STEPS; step++) {
    float *x = ring[step % 5];
    draw_step(step, 3, x);
    draw_step(step, 4, other);
    for (int i = 0; i < NEURONS; i++) {
      double v = (double)x[i], v2 = v * v;
      m[0] += v, m[1] += v2, m[2] += v2 * v, m[3] += v2 * v2;
    }
    member += product(x, other, NEURONS);
    for (int l = 0; l < LAGS; l++) {
      space[l] += product(x, x + lag[l], NEURONS - lag[l]);
      space_n[l] += NEURONS - lag[l];
    }
    for (uint32_t l = 1; l <= 4 && l <= step; l++) {
      time[l - 1] += product(x, ring[(step - l) % 5], NEURONS);
      time_n[l - 1] += NEURONS;
    }
  }
  const double n = (double)NEURONS * STEPS;
  NEAR(m[0] / n, 0, 4 / sqrt(n));
  NEAR(m[1] / n, 1, 4 * sqrt(2 / n));
  NEAR(m[2] / n, 0, 4 * sqrt(15 / n));
  NEAR(m[3] / n, 3, 4 * sqrt(96 / n));
  NEAR(member / n, 0, 4 / sqrt(n));
  for (int l = 0; l < LAGS; l++) NEAR(space[l] / space_n[l], 0, 4 / sqrt(space_n[l]));
  for (int l = 0; l < 4; l++) NEAR(time[l] / time_n[l], 0, 4 / sqrt(time_n[l]));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_philox),         cmocka_unit_test(test_words_of_neurons),
      cmocka_unit_test(test_gauss),          cmocka_unit_test(test_gauss_quadrature),
      cmocka_unit_test(test_gauss_as_noise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
