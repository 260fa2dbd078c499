/* What is drawn many at once has the bits of what is drawn one by one. */
#include "base/distribution.h"
#include "base/math.h"
#include "base/normal.h"
#include "base/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { N = 1100 };

static uint32_t word[4][N];

static void draw(uint32_t lane, int n) {
  static uint32_t c[3][N];
  cls_stream stream = cls_stream_make(5, CLS_PURPOSE_CONNECT, 3);
  uint32_t *const to[4] = {word[0], word[1], word[2], word[3]};
  for (uint32_t i = 0; i < N; i++) c[0][i] = i * 77, c[1][i] = ~i, c[2][i] = i % 3;
  memset(word, 0xab, sizeof word);
  cls_draw_many(stream, c[0], c[1], c[2], lane, n, to);
  for (int i = 0; i < N; i++) {
    cls_words w = cls_draw(stream, c[0][i], c[1][i], c[2][i], lane);
    for (int k = 0; k < 4; k++) assert_int_equal(word[k][i], i < n ? w.w[k] : 0xababababu);
  }
}

static void test_words(void **state) {
  (void)state;
  for (int n = 0; n < 40; n++) draw((uint32_t)n << 24, n);
  draw(9, 511);
  draw(9, N);
}

/* The first and last words, those around the borders of the centre, and a thousand others. */
static void test_normal(void **state) {
  (void)state;
  double z[N];
  draw(1, N);
  for (uint32_t i = 0; i < 8; i++) {
    word[0][i] = 322122543u + i, word[0][i + 8] = 3972844745u + i;
    word[0][i + 16] = i, word[0][i + 24] = UINT32_MAX - i, word[0][i + 32] = 0x7ffffffcu + i;
  }
  cls_normal_many(word[0], N, z);
  for (int i = 0; i < N; i++) {
    double one = cls_normal_quantile(cls_unit(word[0][i]));
    assert_memory_equal(&one, &z[i], sizeof one);
  }
}

static void test_distributions(void **state) {
  (void)state;
  const cls_distribution kinds[] = {
      {CLS_CONSTANT, 3, 0, 1, 2, -INFINITY, INFINITY, CLS_REDRAW},
      {CLS_UNIFORM, -1, 2, 0.5, -3, -INFINITY, INFINITY, CLS_REDRAW},
      {CLS_UNIFORM, -1, 2, 0, 1, 0, 1.5, CLS_CLIP},
      {CLS_NORMAL, 1.5, 0.75, 0, 1, 0.1, INFINITY, CLS_REDRAW},
      {CLS_NORMAL, 1.5, 0.75, 0.1, 1.1, 1, 2, CLS_CLIP},
      {CLS_LOGNORMAL, 2, 1, 0, 1, 1, 5, CLS_REDRAW},
      {CLS_GAMMA, 0.5, 2, 0, 1, 0, 5, CLS_REDRAW},
  };
  const int lengths[] = {N, 1, 7, 9};
  cls_stream stream = cls_stream_make(5, CLS_PURPOSE_CONNECT, 3);
  for (int k = 0; k < 7; k++)
    for (int l = 0; l < 4; l++) {
      double value[N];
      int again[N], next = 0;
      draw(2, N);
      int n = cls_distribution_many(&kinds[k], word[1], lengths[l], value, again);
      if (l == 0) assert_in_range(n, k == 0 || k == 1 ? 0 : 20, k == 0 || k == 1 ? 0 : N);
      for (int i = 0; i < lengths[l]; i++) {
        cls_reader a = cls_reader_make(stream, (uint32_t)i, 0, 0), b = a;
        double one = cls_distribution_from_word(&kinds[k], word[1][i], &a);
        if (next < n && again[next] == i) {
          value[i] = cls_distribution_confined(&kinds[k], word[1][i], value[i], &b);
          next++;
        }
        assert_memory_equal(&one, &value[i], sizeof one);
      }
      assert_int_equal(next, n);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_normal),
                                     cmocka_unit_test(test_distributions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
