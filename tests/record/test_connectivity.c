/* Functional connectivity, the sort and the groups against direct computation. */
#include "io/functional_connectivity.h"
#include "io/record_columns.h"
#include "record/synthetic.h"
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { REGIONS = 40, VOLUMES = 90, MEASURED = 33 };

static double word(uint64_t i) { return (double)(cls_mix64(i) >> 11) * 0x1p-53 - 0.5; }

static double correlation(const double *x, const double *y, int n) {
  double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
  for (int i = 0; i < n; i++) {
    mx += x[i] / n;
    my += y[i] / n;
  }
  for (int i = 0; i < n; i++) {
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
    xy += (x[i] - mx) * (y[i] - my);
  }
  return xy / sqrt(xx * yy);
}

static double pair_correlation(const double *signal, int volumes, int i, int j) {
  double x[VOLUMES], y[VOLUMES];
  for (int t = 0; t < volumes; t++) {
    x[t] = signal[t * REGIONS + i];
    y[t] = signal[t * REGIONS + j];
  }
  return correlation(x, y, volumes);
}

static double bold[VOLUMES * REGIONS], measured[MEASURED * REGIONS], dense[REGIONS][REGIONS];
static uint64_t row[REGIONS + 1];
static uint32_t source[REGIONS * REGIONS];
static double weight[REGIONS * REGIONS];

/* Signals with a common part on a large offset; region 5 never varies; asymmetric sparse weights. */
static cls_connectivity_input make_input(cls_connectome *connectome) {
  uint64_t n = 0;
  for (int t = 0; t < VOLUMES; t++)
    for (int i = 0; i < REGIONS; i++)
      bold[t * REGIONS + i] =
          i == 5 ? 3.25 : 1e3 * i + word((uint64_t)t) * (i % 4) + word((uint64_t)(1000 + t * REGIONS + i));
  for (int t = 0; t < MEASURED; t++)
    for (int i = 0; i < REGIONS; i++)
      measured[t * REGIONS + i] =
          word((uint64_t)(7000 + t)) * (i % 3) + word((uint64_t)(9000 + t * REGIONS + i));
  for (int i = 0; i < REGIONS; i++) {
    row[i] = n;
    for (int j = 0; j < REGIONS; j++) {
      dense[i][j] = (i * 5 + j * 3) % 4 ? 0 : 1 + (i + 2 * j) % 7;
      if (dense[i][j] == 0) continue;
      source[n] = (uint32_t)j;
      weight[n++] = dense[i][j];
    }
  }
  row[REGIONS] = n;
  *connectome = (cls_connectome){.n_regions = REGIONS, .row = row, .source = source, .weight = weight};
  return (cls_connectivity_input){.volumes = VOLUMES,
                                  .regions = REGIONS,
                                  .bold = bold,
                                  .connectome = connectome,
                                  .measured = measured,
                                  .measured_volumes = MEASURED};
}

static void test_connectivity(void **state) {
  (void)state;
  static double fc[REGIONS * REGIONS], sc[REGIONS * REGIONS], target[REGIONS * REGIONS];
  cls_connectome connectome;
  cls_connectivity result, again;
  const cls_connectivity_input input = make_input(&connectome);
  int n = 0;
  double sum = 0;
  for (int i = 0; i < REGIONS; i++)
    for (int j = i + 1; j < REGIONS; j++) {
      if (i == 5 || j == 5) continue;
      fc[n] = pair_correlation(bold, VOLUMES, i, j);
      sc[n] = (dense[i][j] + dense[j][i]) / 2;
      target[n] = pair_correlation(measured, MEASURED, i, j);
      sum += fc[n++];
    }
  omp_set_num_threads(1);
  assert_int_equal(cls_connectivity_compute(&input, &result), CLS_OK);
  assert_true(fabs(result.mean - sum / n) < 1e-9);
  assert_true(fabs(result.structure_r - correlation(fc, sc, n)) < 1e-9);
  assert_true(fabs(result.measured_r - correlation(fc, target, n)) < 1e-9);
  assert_true(result.seconds == VOLUMES);
  omp_set_num_threads(3);
  assert_int_equal(cls_connectivity_compute(&input, &again), CLS_OK);
  assert_memory_equal(&result, &again, sizeof result);
}

static void test_nothing_to_say(void **state) {
  (void)state;
  cls_connectome connectome;
  cls_connectivity result;
  cls_connectivity_input input = make_input(&connectome);
  input.volumes = 2;
  assert_int_equal(cls_connectivity_compute(&input, &result), CLS_OK);
  assert_true(isnan(result.mean) && isnan(result.structure_r) && isnan(result.measured_r));
  input.volumes = VOLUMES;
  input.connectome = NULL;
  input.measured = NULL;
  assert_int_equal(cls_connectivity_compute(&input, &result), CLS_OK);
  assert_true(!isnan(result.mean) && isnan(result.structure_r) && isnan(result.measured_r));
}

static void test_sort(void **state) {
  (void)state;
  enum { N = 5000 };
  static uint64_t keys[N], scratch[N];
  uint64_t sum = 0, after = 0;
  for (uint64_t i = 0; i < N; i++) sum += cls_mix64(keys[i] = cls_mix64(i % 4000) >> i % 60);
  cls_sort_u64(keys, scratch, N);
  for (int i = 0; i < N; i++) after += cls_mix64(keys[i]);
  for (int i = 1; i < N; i++) assert_true(keys[i - 1] <= keys[i]);
  assert_true(sum == after);
  cls_sort_u64(keys, scratch, 0);
}

static void test_split(void **state) {
  (void)state;
  uint64_t first[8];
  cls_split_rows(7, 1000003, 3, first);
  assert_true(first[0] == 0 && first[7] == 3000009);
  for (int r = 0; r < 7; r++)
    assert_true(first[r + 1] - first[r] >= 3 * 142856 && first[r + 1] - first[r] <= 3 * 142860);
  cls_split_rows(7, 3, 1, first);
  assert_true(first[0] == 0 && first[7] == 3);
  for (int r = 0; r < 7; r++) assert_true(first[r] <= first[r + 1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_connectivity),
                                     cmocka_unit_test(test_nothing_to_say), cmocka_unit_test(test_sort),
                                     cmocka_unit_test(test_split)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
