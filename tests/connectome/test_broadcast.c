/* Rank 0's connectome reaches all ranks whole. Run on several ranks by test_broadcast.py. */
#include "connectomes.h"
#include <math.h>

static int rank;

/* What every rank can compute by itself is what it must get from rank 0. */
static void equal_on_all_ranks(void **state) {
  (void)state;
  cls_generator o = cls_generator_default();
  cls_connectome *own = NULL, *c = NULL;
  OK(cls_connectome_generate(&o, &own));
  if (rank == 0) OK(cls_connectome_generate(&o, &c));
  OK(cls_connectome_broadcast(&c, MPI_COMM_WORLD));
  uint32_t n = own->n_regions;
  assert_int_equal(c->n_regions, n);
  assert_string_equal(c->origin, own->origin);
  for (uint32_t i = 0; i < n; i++) assert_string_equal(c->names[i], own->names[i]);
  assert_memory_equal(c->centre_mm, own->centre_mm, n * sizeof *c->centre_mm);
  assert_memory_equal(c->area_mm2, own->area_mm2, n * sizeof *c->area_mm2);
  assert_memory_equal(c->volume_mm3, own->volume_mm3, n * sizeof *c->volume_mm3);
  assert_memory_equal(c->hemisphere, own->hemisphere, n);
  assert_memory_equal(c->cortical, own->cortical, n);
  assert_memory_equal(c->row, own->row, (n + 1) * sizeof *c->row);
  assert_memory_equal(c->source, own->source, c->row[n] * sizeof *c->source);
  assert_memory_equal(c->weight, own->weight, c->row[n] * sizeof *c->weight);
  assert_memory_equal(c->length_mm, own->length_mm, c->row[n] * sizeof *c->length_mm);
  cls_connectome_destroy(c);
  cls_connectome_destroy(own);
}

/* What the generator does not make travels too: units, densities, and whether names are made up. */
static void carry_units(void **state) {
  (void)state;
  const double weight[] = {0, 1, 2, 0};
  cls_connectome *c = NULL;
  if (rank == 0) {
    c = make_connectome(2, weight, 5);
    c->names_made_up = true;
    c->synapse_density[1] = 0.75;
    OK(cls_connectome_add_units(c));
    c->unit[0] = cls_format("column");
    c->unit[1] = cls_format("%s", "");
  }
  OK(cls_connectome_broadcast(&c, MPI_COMM_WORLD));
  assert_true(c->names_made_up);
  assert_string_equal(c->unit[0], "column");
  assert_string_equal(c->unit[1], "");
  assert_true(isnan(c->synapse_density[0]) && c->synapse_density[1] == 0.75);
  cls_connectome_destroy(c);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const struct CMUnitTest tests[] = {cmocka_unit_test(equal_on_all_ranks), cmocka_unit_test(carry_units)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
