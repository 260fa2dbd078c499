/* The synthetic connectome: a function of its options, and a brain's statistics. */
#include "connectomes.h"

#include <math.h>

static cls_connectome *generate(uint32_t regions, uint64_t seed) {
  cls_generator o = cls_generator_default();
  cls_connectome *c = NULL;
  if (regions) o.regions = regions;
  o.seed = seed;
  OK(cls_connectome_generate(&o, &c));
  return c;
}

/* Entry of the tract i <- j, -1 where there is none. */
static int64_t find(const cls_connectome *c, uint32_t i, uint32_t j) {
  for (uint64_t k = c->row[i]; k < c->row[i + 1]; k++)
    if (c->source[k] == j) return (int64_t)k;
  return -1;
}

static double distance(const cls_connectome *c, uint32_t i, uint32_t j) {
  double sum = 0;
  for (int d = 0; d < 3; d++) sum += pow(c->centre_mm[i][d] - c->centre_mm[j][d], 2);
  return sqrt(sum);
}

static void same_options_same_bits(void **state) {
  (void)state;
  cls_connectome *a = generate(0, 1), *b = generate(0, 1), *other = generate(0, 2);
  uint64_t n = a->row[76];
  assert_int_equal(a->n_regions, 76);
  assert_memory_equal(a->row, b->row, 77 * sizeof *a->row);
  assert_memory_equal(a->weight, b->weight, n * sizeof *a->weight);
  assert_memory_equal(a->length_mm, b->length_mm, n * sizeof *a->length_mm);
  assert_memory_equal(a->area_mm2, b->area_mm2, 76 * sizeof *a->area_mm2);
  assert_true(a->weight[0] != other->weight[0]);
  assert_string_equal(a->names[0], "L000");
  assert_string_equal(a->names[38], "R000");
  cls_connectome_destroy(a);
  cls_connectome_destroy(b);
  cls_connectome_destroy(other);
}

static void check_structure(const cls_connectome *c) {
  uint32_t n = c->n_regions, left = n - n / 2;
  OK(cls_connectome_check(c));
  for (uint32_t i = 0; i < n; i++) {
    assert_true(c->row[i + 1] > c->row[i]);
    assert_int_equal(c->hemisphere[i], i >= left);
    assert_true(c->hemisphere[i] ? c->centre_mm[i][0] > 0 : c->centre_mm[i][0] < 0);
    assert_true(c->area_mm2[i] > 0 && c->volume_mm3[i] > 0);
    if (i >= left) assert_true(find(c, i - left, i) >= 0);
    for (uint64_t k = c->row[i]; k < c->row[i + 1]; k++) {
      int64_t back = find(c, c->source[k], i);
      assert_true(c->source[k] != i && back >= 0);
      assert_true(c->weight[back] == c->weight[k]);
      assert_true(fabs(c->length_mm[k] - 1.3 * distance(c, i, c->source[k])) < 1e-9);
    }
  }
}

static void symmetric_and_connected(void **state) {
  (void)state;
  const uint32_t sizes[] = {2, 3, 5, 66, 76, 201};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    cls_connectome *c = generate(sizes[s], 7);
    assert_int_equal(c->n_regions, sizes[s]);
    check_structure(c);
    cls_connectome_destroy(c);
  }
}

/* Density as asked for; the log weight falls with distance by 1 / 20 mm and scatters by .5 about that; tracts
 * are shorter than pairs are far apart. */
static void statistics_as_asked(void **state) {
  (void)state;
  enum { N = 400 };
  cls_connectome *c = generate(N, 3);
  double tracts = 0, x = 0, y = 0, xx = 0, xy = 0, yy = 0, far = 0;
  for (uint32_t i = 0; i < N; i++)
    for (uint32_t j = 0; j < N; j++) far += distance(c, i, j) / ((double)N * (N - 1));
  for (uint32_t i = 0; i < N; i++)
    for (uint64_t k = c->row[i]; k < c->row[i + 1]; k++) {
      if (c->source[k] + N / 2 == i || i + N / 2 == c->source[k]) continue; /* homotopic */
      double mm = distance(c, i, c->source[k]), w = log(c->weight[k]);
      tracts++;
      x += mm;
      y += w;
      xx += mm * mm;
      xy += mm * w;
      yy += w * w;
    }
  double density = (tracts + N) / ((double)N * (N - 1));
  double var = xx / tracts - x / tracts * x / tracts, cov = xy / tracts - x / tracts * y / tracts;
  double slope = cov / var, residual = yy / tracts - y / tracts * y / tracts - slope * cov;
  assert_true(fabs(density - .3) < .006);  /* binomial: SD .0016 over 79,800 pairs */
  assert_true(fabs(slope * 20 + 1) < .01); /* SD .002 */
  assert_true(fabs(residual - .25) < .01); /* SD .0016 */
  assert_true(x / tracts < .8 * far);
  cls_connectome_destroy(c);
}

static void refuse_bad_options(void **state) {
  (void)state;
  cls_connectome *c = NULL;
  cls_generator o = cls_generator_default();
  o.regions = 1;
  REFUSED(cls_connectome_generate(&o, &c), "generator.regions: 1: expected at least 2");
  o = cls_generator_default();
  o.density = 0;
  REFUSED(cls_connectome_generate(&o, &c), "generator.density: 0");
  o = cls_generator_default();
  o.length_constant_mm = NAN;
  REFUSED(cls_connectome_generate(&o, &c), "generator.length_constant_mm: nan");
  o = cls_generator_default();
  o.weight_sigma = -1;
  REFUSED(cls_connectome_generate(&o, &c), "generator.weight_sigma: -1");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_options_same_bits), cmocka_unit_test(symmetric_and_connected),
      cmocka_unit_test(statistics_as_asked), cmocka_unit_test(refuse_bad_options)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
