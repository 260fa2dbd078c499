/* Power spectra of signals one can integrate; scipy's are compared in the tests in Python. */
#include "io/welch.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TWO_PI 6.283185307179586476925

static double *density_of(const cls_welch *w, size_t signal) {
  double *density = malloc(w->frequencies * sizeof *density);
  cls_welch_density(w, signal, 0, w->frequencies, density);
  return density;
}

static double integral(const cls_welch *w, const double *density) {
  double sum = 0;
  for (size_t j = 0; j < w->frequencies; j++) sum += density[j];
  return sum / ((double)w->length * w->interval_s);
}

/* A sine of amplitude A on a frequency of the transform holds A^2 / 2, all of it there and in the neighbours;
 * a constant holds nothing. */
static void check_sine(size_t length, size_t at, size_t samples) {
  enum { SIGNALS = 3 };
  const double interval = 0.002, amplitude[SIGNALS] = {0, 1.5, 40};
  cls_welch w;
  assert_int_equal(cls_welch_create(SIGNALS, length, interval, &w), CLS_OK);
  for (size_t t = 0; t < samples; t++) {
    double sample[SIGNALS];
    for (size_t i = 0; i < SIGNALS; i++)
      sample[i] = 7 + amplitude[i] * sin(TWO_PI * (double)at * (double)t / (double)length + (double)i);
    cls_welch_add(&w, sample);
  }
  assert_int_equal(w.segments, (samples - length) / (length - length / 2) + 1);
  for (size_t i = 0; i < SIGNALS; i++) {
    double *density = density_of(&w, i), near = 0;
    const double all = integral(&w, density), expected = amplitude[i] * amplitude[i] / 2;
    assert_true(fabs(all - expected) < 1e-10 * (1 + expected));
    for (size_t j = at - 1; j <= at + 1; j++) near += density[j];
    assert_true(fabs(near / ((double)length * interval) - all) < 1e-10 * (1 + expected));
    /* The Hann window: 2/3 of it on the frequency, 1/6 on either side. */
    assert_true(fabs(density[at] / ((double)length * interval) - expected * 2 / 3) < 1e-10 * (1 + expected));
    free(density);
  }
  cls_welch_destroy(&w);
}

static void test_sine(void **state) {
  (void)state;
  check_sine(64, 5, 64);
  check_sine(64, 20, 500);
  check_sine(81, 7, 81 + 41 * 9);
}

/* Alternating signs: all power is at the last frequency, which has no negative twin. */
static void test_last_frequency(void **state) {
  (void)state;
  cls_welch w;
  assert_int_equal(cls_welch_create(1, 2, 1, &w), CLS_OK);
  assert_int_equal(w.frequencies, 2);
  for (int t = 0; t < 9; t++) cls_welch_add(&w, &(double){t % 2 ? 3 : -3});
  double *density = density_of(&w, 0);
  /* The window is {0, 1} and the mean 0: one sample of 3 squared, over the window's square of 1. */
  assert_true(density[0] == 9 && density[1] == 9);
  free(density);
  cls_welch_destroy(&w);
}

static void test_edges(void **state) {
  (void)state;
  cls_welch w;
  double density[5];
  assert_int_equal(cls_welch_create(1, 8, 1, &w), CLS_OK);
  for (int t = 0; t < 7; t++) cls_welch_add(&w, &(double){t});
  cls_welch_density(&w, 0, 0, 5, density);
  for (int j = 0; j < 5; j++) assert_true(isnan(density[j]));
  cls_welch_add(&w, &(double){7});
  cls_welch_density(&w, 0, 0, 5, density);
  for (int j = 0; j < 5; j++) assert_true(density[j] >= 0);
  cls_welch_destroy(&w);
  assert_int_equal(cls_welch_create(1, 1, 1, &w), CLS_ERR_INPUT);
  assert_string_equal(cls_error_message(), "a spectrum of segments of 1 samples: expected 2 to 16777216");
  cls_welch_destroy(&w);
  assert_int_equal(cls_welch_create(1, CLS_WELCH_MAX + 1, 1, &w), CLS_ERR_INPUT);
  cls_welch_destroy(&w);
  assert_int_equal(cls_welch_create(0, 16, 1, &w), CLS_OK); /* a rank that owns nothing */
  for (int t = 0; t < 40; t++) cls_welch_add(&w, NULL);
  assert_int_equal(w.segments, 4);
  cls_welch_destroy(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sine), cmocka_unit_test(test_last_frequency),
                                     cmocka_unit_test(test_edges)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
