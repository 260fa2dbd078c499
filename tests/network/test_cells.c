/* How synapses are divided among cells. */
#include "draws.h"

#include "network/internal.h"

/* 12 target cells and 9 source cells, the last ones partly filled. */
enum { TARGETS = 12 * CLS_CELL - 300, SOURCES = 9 * CLS_CELL - 700, ROWS = 12, COLUMNS = 9 };
typedef struct {
  uint64_t count[ROWS][COLUMNS];
  uint32_t last_target, last_source;
  bool started;
} table;

static cls_status fill(void *context, uint32_t target, uint32_t source, uint64_t count) {
  table *t = context;
  assert_true(count > 0);
  assert_in_range(target, 0, ROWS - 1);
  assert_in_range(source, 0, COLUMNS - 1);
  assert_true(!t->started || target > t->last_target ||
              (target == t->last_target && source > t->last_source));
  t->count[target][source] = count;
  t->last_target = target, t->last_source = source, t->started = true;
  return CLS_OK;
}

typedef cls_status (*divider)(const cls_cell_grid *, uint32_t, uint32_t, cls_cell_sink, void *);

static cls_cell_grid make(uint64_t seed, bool multapses) {
  return (cls_cell_grid){.targets = TARGETS,
                         .sources = SOURCES,
                         .stream = cls_stream_make(seed, CLS_PURPOSE_COUNT, 1),
                         .multapses = multapses,
                         .total = 30000000,
                         .probability = 0.03};
}

static double pairs(int t, int s) {
  return (double)cls_cell_neurons(TARGETS, (uint32_t)t, (uint32_t)t + 1) *
         (double)cls_cell_neurons(SOURCES, (uint32_t)s, (uint32_t)s + 1);
}

/* Over 200 seeds, every cell pair has the mean and the variance of theory, and pairs in one row, in one
 * column and diagonal neighbours are correlated as theory says (fixed totals: -1 / pairs of cells, next to
 * nothing). */
static void check_moments(divider divide, bool multapses, bool bernoulli) {
  enum { SEEDS = 200 };
  double sum[ROWS][COLUMNS] = {{0}}, square = 0, row = 0, column = 0, diagonal = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    cls_cell_grid grid = make(seed, multapses);
    table t = {0};
    OK(divide(&grid, 0, ROWS, fill, &t));
    uint64_t total = 0;
    double z[ROWS][COLUMNS];
    for (int i = 0; i < ROWS; i++)
      for (int k = 0; k < COLUMNS; k++) {
        double share = pairs(i, k) / ((double)TARGETS * SOURCES), fill_of = 3e7 / ((double)TARGETS * SOURCES);
        double mean = bernoulli ? 0.03 * pairs(i, k) : 3e7 * share;
        double variance = bernoulli   ? mean * 0.97
                          : multapses ? mean * (1 - share)
                                      : mean * (1 - share) * (1 - fill_of);
        z[i][k] = ((double)t.count[i][k] - mean) / sqrt(variance);
        sum[i][k] += z[i][k];
        square += z[i][k] * z[i][k];
        total += t.count[i][k];
      }
    if (!bernoulli) assert_true(total == 30000000);
    for (int i = 0; i + 1 < ROWS; i++)
      for (int k = 0; k + 1 < COLUMNS; k++) {
        row += z[i][k] * z[i][k + 1];
        column += z[i][k] * z[i + 1][k];
        diagonal += z[i][k] * z[i + 1][k + 1];
      }
  }
  double n = (double)SEEDS * ROWS * COLUMNS, inner = (double)SEEDS * (ROWS - 1) * (COLUMNS - 1);
  NEAR(square / n, 1, 5 * sqrt(2 / n));
  double expected = bernoulli ? 0 : -inner / (ROWS * COLUMNS);
  NEAR(row, expected, 5 * sqrt(inner));
  NEAR(column, expected, 5 * sqrt(inner));
  NEAR(diagonal, expected, 5 * sqrt(inner));
  for (int i = 0; i < ROWS; i++)
    for (int k = 0; k < COLUMNS; k++) NEAR(sum[i][k] / sqrt(SEEDS), 0, 4.5);
}
static void test_moments(void **state) {
  (void)state;
  check_moments(cls_cells_total, true, false);
  check_moments(cls_cells_total, false, false);
  check_moments(cls_cells_bernoulli, true, true);
}

/* Any range of target cells gives its part of the whole. */
static void test_ranges(void **state) {
  (void)state;
  const divider dividers[] = {cls_cells_total, cls_cells_bernoulli};
  for (int d = 0; d < 2; d++) {
    cls_cell_grid grid = make(1, d == 1);
    table whole = {0};
    OK(dividers[d](&grid, 0, ROWS, fill, &whole));
    for (uint32_t first = 0; first < ROWS; first++)
      for (uint32_t last = first; last <= ROWS; last++) {
        table part = {0};
        OK(dividers[d](&grid, first, last, fill, &part));
        for (uint32_t i = 0; i < ROWS; i++)
          for (int k = 0; k < COLUMNS; k++)
            assert_true(part.count[i][k] == (i >= first && i < last ? whole.count[i][k] : 0));
      }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_moments), cmocka_unit_test(test_ranges)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
