/* A history comes back from its file bit by bit; a file that is damaged or of another job is refused. */
#include "assimilation/synthetic_history.h"
#include <hdf5.h>
#include <unistd.h>

enum { MEMBERS = 7, OBS = 3, SITES = 3, ROWS = 4 };
static const char *const names[] = {"left", "right, \xc3\xa9", ""};
static const char *const units[] = {"%", "%", "Hz"};
static const int32_t obs_site[] = {0, 2, -1};
static const cls_history_entry entries[] = {
    {.name = "zeta", .units = "mS/cm^2", .lower = 0, .upper = INFINITY, .rows = 3},
    {.name = "alpha", .units = "1", .lower = -1, .upper = 2, .rows = 1, .shared = true}};
static const cls_history_shape shape = {.members = MEMBERS,
                                        .entries = entries,
                                        .n_entries = 2,
                                        .sites = SITES,
                                        .region_names = names,
                                        .obs = OBS,
                                        .obs_names = names,
                                        .obs_units = units,
                                        .obs_site = obs_site,
                                        .tr_s = .8,
                                        .hash = 0xfeedfacecafebeef,
                                        .seed = 12,
                                        .job = "simulation: {}\n"};
static const char path[] = "test_history.h5", part[] = "test_history.h5.part",
                  copy[] = "test_history_damaged.h5";

static cls_history *make(uint32_t cycles) {
  cls_history *h;
  OK(cls_history_create(&shape, &h));
  assert_int_equal(h->rows, ROWS);
  for (uint32_t c = 0; c < cycles; c++) {
    cls_history_cycle *cycle;
    double values[ROWS * MEMBERS], predicted[OBS * MEMBERS];
    bool alive[MEMBERS];
    OK(cls_history_append(h, &cycle));
    assert_true(isnan(cycle->mean[ROWS - 1]) && cycle->lambda[SITES - 1] == 1 && cycle->rank[0] == -1);
    for (uint32_t i = 0; i < ROWS * MEMBERS; i++) values[i] = normal_of(c, i, 0);
    for (uint32_t i = 0; i < OBS * MEMBERS; i++) predicted[i] = normal_of(c, i, 1);
    for (int k = 0; k < MEMBERS; k++) alive[k] = c == 0 || k != 3;
    cycle->time_s = .8 * c;
    cycle->observed[0] = normal_of(c, 0, 2);
    cycle->withheld[1] = normal_of(c, 1, 2);
    cycle->error[0] = cycle->error[1] = .1;
    cycle->lambda[1] = 1.5;
    cycle->truth[0] = c == 0 ? NAN : 3;
    OK(cls_history_fill_forecast(h, values, alive));
    OK(cls_history_fill_observation(h, predicted, alive));
    OK(cls_history_fill_analysis(h, values, alive));
    OK(cls_history_fill_analysed(h, predicted, alive));
    assert_int_equal(cycle->alive, c == 0 ? MEMBERS : MEMBERS - 1);
  }
  OK(cls_history_set_state(h, "members", (double[]){1, 2, 3, 4, NAN, -0.}, 2, 3));
  OK(cls_history_set_state(h, "nothing", NULL, 0, 5));
  OK(cls_history_set_state(h, "again", (double[]){1}, 1, 1));
  OK(cls_history_set_state(h, "again", (double[]){2, 3}, 1, 2));
  return h;
}

static void same(const void *a, const void *b, size_t bytes) { assert_memory_equal(a, b, bytes); }

static void same_history(const cls_history *a, const cls_history *b) {
  assert_int_equal(a->n_cycles, b->n_cycles);
  assert_true(a->members == b->members && a->rows == b->rows && a->obs == b->obs && a->sites == b->sites);
  assert_true(a->hash == b->hash && a->seed == b->seed && a->tr_s == b->tr_s);
  assert_string_equal(a->job, b->job);
  for (uint32_t e = 0; e < a->n_entries; e++) {
    assert_string_equal(a->entries[e].name, b->entries[e].name);
    assert_string_equal(a->entries[e].units, b->entries[e].units);
    assert_true(a->entries[e].first == b->entries[e].first && a->entries[e].shared == b->entries[e].shared);
    assert_true(a->entries[e].lower == b->entries[e].lower && a->entries[e].upper == b->entries[e].upper);
  }
  for (uint32_t r = 0; r < a->rows; r++) assert_string_equal(a->row_names[r], b->row_names[r]);
  for (uint32_t i = 0; i < a->obs; i++) assert_string_equal(a->obs_units[i], b->obs_units[i]);
  same(a->row_site, b->row_site, a->rows * sizeof *a->row_site);
  same(a->obs_site, b->obs_site, a->obs * sizeof *a->obs_site);
  same(a->prior, b->prior, ROWS * MEMBERS * sizeof *a->prior);
  same(a->last, b->last, ROWS * MEMBERS * sizeof *a->last);
  same(a->alive, b->alive, MEMBERS * sizeof *a->alive);
  for (uint32_t c = 0; c < a->n_cycles; c++) {
    const cls_history_cycle *x = &a->cycles[c], *y = &b->cycles[c];
    assert_true(x->time_s == y->time_s && x->alive == y->alive);
    same(x->rank, y->rank, OBS * sizeof *x->rank);
    same(x->forecast_mean, y->forecast_mean, (8 * ROWS + 10 * OBS + SITES) * sizeof(double));
  }
}

static void test_round_trip(void **state) {
  (void)state;
  for (uint32_t cycles = 0; cycles < 4; cycles += 3) {
    cls_history *h = make(cycles), *back;
    uint64_t rows, width;
    cls_diagnostics d;
    OK(cls_diagnose(h, 0, &d));
    OK(cls_history_write(h, cycles > 0 ? &d : NULL, path));
    assert_int_not_equal(access(part, F_OK), 0);
    OK(cls_history_read(path, &shape, &back));
    same_history(h, back);
    const double *values = cls_history_get_state(back, "members", &rows, &width);
    assert_true(rows == 2 && width == 3);
    same(values, cls_history_get_state(h, "members", NULL, NULL), 6 * sizeof *values);
    assert_non_null(cls_history_get_state(back, "nothing", &rows, &width));
    assert_true(rows == 0 && width == 5);
    assert_int_equal(cls_history_get_state(back, "again", &rows, &width)[1], 3);
    assert_null(cls_history_get_state(back, "other", &rows, &width));
    /* What was read can go on. */
    cls_history_cycle *cycle;
    OK(cls_history_append(back, &cycle));
    OK(cls_history_write(back, NULL, path));
    cls_history_destroy(back);
    OK(cls_history_read(path, NULL, &back));
    assert_int_equal(back->n_cycles, cycles + 1);
    cls_history_destroy(back);
    cls_history_destroy(h);
    cls_diagnostics_free(&d);
  }
  unlink(path);
}

static void test_other_job(void **state) {
  (void)state;
  cls_history *h = make(2), *back = h;
  OK(cls_history_write(h, NULL, path));
  cls_history_destroy(h);
  cls_history_shape other = shape;
  other.hash++;
  REFUSED(cls_history_read(path, &other, &back), "of another job");
  assert_null(back);
  other = shape;
  other.members++;
  REFUSED(cls_history_read(path, &other, &back), "7 members, expected 8");
  other = shape;
  other.obs--;
  REFUSED(cls_history_read(path, &other, &back), "3 observations, expected 2");
  REFUSED(cls_history_read("test_history_absent.h5", &shape, &back), "cannot be opened");
  unlink(path);
}

static char *read_bytes(size_t *size) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*size);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, *size, file), *size);
  fclose(file);
  return bytes;
}

static cls_status read_damaged(const char *bytes, size_t size, cls_history **back) {
  FILE *file = fopen(copy, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
  return cls_history_read(copy, &shape, back);
}

/* A byte that is not what was written is found, wherever it is. */
static void test_damage(void **state) {
  (void)state;
  enum { TRIALS = 1500 };
  cls_history *h = make(3), *back;
  OK(cls_history_write(h, NULL, path));
  size_t size;
  char *bytes = read_bytes(&size);
  for (size_t i = 0; i < 40; i++) {
    REFUSED(read_damaged(bytes, size * i / 40, &back), copy);
    assert_null(back);
  }
  for (size_t i = 0; i < TRIALS; i++) {
    const size_t at = size * i / TRIALS;
    bytes[at] ^= (char)(1 << i % 8);
    REFUSED(read_damaged(bytes, size, &back), copy);
    assert_null(back);
    bytes[at] ^= (char)(1 << i % 8);
  }
  free(bytes);
  cls_history_destroy(h);
  unlink(copy);
  unlink(path);
}

static void test_bad_shape(void **state) {
  (void)state;
  cls_history *h;
  cls_history_shape bad = shape;
  bad.members = 1;
  REFUSED(cls_history_create(&bad, &h), "1 members");
  assert_null(h);
  cls_history_entry twice[] = {entries[0], entries[0]};
  bad = shape;
  bad.entries = twice;
  REFUSED(cls_history_create(&bad, &h), "twice");
  cls_history *good = make(1);
  const bool dead[MEMBERS] = {true};
  const double values[ROWS * MEMBERS] = {0};
  REFUSED(cls_history_fill_forecast(good, values, dead), "1 members are alive");
  assert_int_equal(cls_history_write(good, NULL, "no/such/folder/a.h5"), CLS_ERR_IO);
  MESSAGE("no/such/folder");
  cls_history_destroy(good);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_other_job),
                                     cmocka_unit_test(test_damage), cmocka_unit_test(test_bad_shape)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
