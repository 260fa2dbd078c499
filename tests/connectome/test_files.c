/* Connectome files: the zip layout of The Virtual Brain, our HDF5 layout, and what is refused. */
#include "connectomes.h"

#include <hdf5.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#define WEIGHTS "0 2.5 0\n1e-3 .5 3\n0 0 0\n"
#define LENGTHS "9 20 9\n11.5 0 31\n9 9 9\n"
#define CENTRES "lA 1 2 3\nlB -4.5 5 6 None\nrA 7 8 9\n"

static const member good[] = {
    {"set/weights.txt", WEIGHTS}, {"set/tract_lengths.txt", LENGTHS}, {"set/centres.txt", CENTRES}};

/* ---- reading what is right ---- */

static void check_small(const cls_connectome *c) {
  assert_int_equal(c->n_regions, 3);
  const uint64_t row[] = {0, 1, 4, 4};
  const uint32_t source[] = {1, 0, 1, 2};
  const double weight[] = {2.5, 1e-3, .5, 3}, length[] = {20, 11.5, 0, 31};
  assert_memory_equal(c->row, row, sizeof row);
  assert_memory_equal(c->source, source, sizeof source);
  assert_memory_equal(c->weight, weight, sizeof weight);
  assert_memory_equal(c->length_mm, length, sizeof length);
  assert_string_equal(c->names[1], "lB");
  assert_true(c->centre_mm[1][0] == -4.5 && c->centre_mm[2][2] == 9);
}

static void read_plain(void **state) {
  (void)state;
  const char *path = scratch("plain.zip");
  cls_connectome *c = NULL;
  write_zip(path, good, 3);
  OK(cls_connectome_read(path, NULL, NULL, &c));
  check_small(c);
  assert_true(isnan(c->area_mm2[0]) && isnan(c->volume_mm3[2]));
  assert_int_equal(c->hemisphere[0], -1);
  assert_int_equal(c->cortical[2], -1);
  assert_non_null(strstr(path, c->origin));
  cls_connectome_destroy(c);
  unlink(path);
}

/* bzip2 members, comments, blank lines, carriage returns, a byte order mark, no newline at the end, lists on
 * one line, other members, resource forks of macOS, a member whose name contains another's. */
static void read_untidy(void **state) {
  (void)state;
  const member members[] = {
      {"a/b/weights.txt.bz2", "# by hand\r\n\r\n 0 2.5 0 # first\r\n1e-3\t.5 3\r\n0 0 0"},
      {"tract_lengths.bz2", "\n\n" LENGTHS "\n\n"},
      {"centers.txt", "\xef\xbb\xbf" CENTRES "\n"},
      {"areas.txt", "10 0 30"},
      {"cortical.txt", "1\n0\n1.0\n"},
      {"subcortical.txt", "7 7\n"},
      {"hemispheres.txt", "0\n0\n1\n"},
      {"__MACOSX/._weights.txt", "fork"},
      {"info.txt", "weights in au"},
      {"weights.npy", "numpy"}};
  const char *path = scratch("untidy.zip");
  cls_connectome *c = NULL;
  write_zip(path, members, 10);
  OK(cls_connectome_read(path, NULL, NULL, &c));
  check_small(c);
  assert_true(c->area_mm2[0] == 10 && c->area_mm2[1] == 0 && c->area_mm2[2] == 30);
  assert_int_equal(c->cortical[1], 0);
  assert_int_equal(c->cortical[2], 1);
  assert_int_equal(c->hemisphere[2], 1);
  cls_connectome_destroy(c);
  unlink(path);
}

/* A bzip2 member longer than the buffers, in two streams one after the other. */
static void read_long_bz2(void **state) {
  (void)state;
  enum { N = 300 };
  size_t room = (size_t)N * N * 8;
  char *text = calloc(room, 1), *centres = calloc(N, 16), *at = text;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      at += sprintf(at, "%d.25%c", i == j ? 0 : (i * j) % 97, j == N - 1 ? '\n' : ' ');
  for (int i = 0; i < N; i++) sprintf(centres + strlen(centres), "r%d 0 0 %d\n", i, i);
  const member members[] = {{"weights.txt.bz2", text}, {"tract_lengths.txt", text}, {"centres.txt", centres}};
  const char *path = scratch("long.zip");
  cls_connectome *c = NULL;
  write_zip(path, members, 3);
  OK(cls_connectome_read(path, NULL, NULL, &c));
  assert_int_equal(c->row[N], N * N);
  assert_true(c->weight[17 * N + 31] == (17 * 31) % 97 + .25 && c->length_mm[299 * N + 1] == 299 % 97 + .25);
  cls_connectome_destroy(c);
  unlink(path);
  free(text);
  free(centres);
}

static void number_repeated_names(void **state) {
  (void)state;
  const member members[] = {{"weights.txt", "0 0 0 0 0\n0 0 0 0 0\n0 0 0 0 0\n0 0 0 0 0\n0 0 0 0 0\n"},
                            {"tract_lengths.txt", "0 0 0 0 0\n0 0 0 0 0\n0 0 0 0 0\n0 0 0 0 0\n0 0 0 0 0\n"},
                            {"centres.txt", "a 0 0 0\na 0 0 0\na_2 0 0 0\na 0 0 0\na_2 0 0 0\n"}};
  const char *path = scratch("names.zip"), *expected[] = {"a", "a_3", "a_2", "a_4", "a_2_2"};
  cls_connectome *c = NULL;
  write_zip(path, members, 3);
  OK(cls_connectome_read(path, NULL, NULL, &c));
  for (int i = 0; i < 5; i++) assert_string_equal(c->names[i], expected[i]);
  assert_non_null(strstr(c->origin, "3 repeated region names"));
  cls_connectome_destroy(c);
  unlink(path);
}

/* ---- refusing what is wrong ---- */

/* `members` over the good ones of the same place (NULL name: left out) is refused, naming both parts. */
static void refused(int place, const char *name, const char *text, const char *part, const char *other) {
  member members[4];
  int n = 0;
  for (int i = 0; i < 3; i++)
    if (i != place) members[n++] = good[i];
  if (name) members[n++] = (member){name, text};
  const char *path = scratch("bad.zip");
  cls_connectome *c = NULL;
  write_zip(path, members, n);
  assert_int_equal(cls_connectome_read(path, NULL, NULL, &c), CLS_ERR_INPUT);
  assert_null(c);
  MESSAGE("bad.zip");
  MESSAGE(part);
  MESSAGE(other);
  unlink(path);
}

static void refuse_bad_numbers(void **state) {
  (void)state;
  refused(0, "weights.txt", "0 1 0\n1 0 x1\n0 0 0\n", "weights.txt: line 2", "x1: expected a number");
  refused(0, "weights.txt", "0 1 0\n1 0 1,5\n0 0 0\n", "weights.txt: line 2", "1,5: expected a number");
  refused(0, "weights.txt", "0 nan 0\n1 0 1\n0 0 0\n", "weights.txt: line 1",
          "nan: expected a finite number");
  refused(0, "weights.txt", "0 1 0\n1 0 1\n0 1e999 0\n", "weights.txt: line 3", "1e999: expected a finite");
  refused(0, "weights.txt", "0 1 0\n\n1 0 -2\n0 0 0\n", "weights.txt: line 3", "-2: expected a number >= 0");
  refused(0, "weights.txt.bz2", "0 1 0\n1 0 -2\n0 0 0\n", "weights.txt.bz2: line 2", "-2: expected");
  refused(1, "tract_lengths.txt", "0 1 0\n1 0 -2\n0 0 0\n", "tract_lengths.txt: line 2", "-2: expected");
  refused(1, "tract_lengths.txt", "0 1 0\n1 0 inf\n0 0 0\n", "tract_lengths.txt: line 2", "inf: expected");
  refused(2, "centres.txt", "a 1 2 3\nb 4 five 6\nc 7 8 9\n", "centres.txt: line 2",
          "five: expected a number");
  refused(2, "centres.txt", "a 1 2 3\nb 4 5\nc 7 8 9\n", "centres.txt: line 2", "expected label x y z");
  refused(3, "areas.txt", "1\n-1\n1\n", "areas.txt: line 2", "-1: expected a number >= 0");
  refused(3, "cortical.txt", "1\n2\n1\n", "cortical.txt: line 2", "2: expected 0 or 1");
}

static void refuse_bad_shapes(void **state) {
  (void)state;
  refused(0, "weights.txt", "0 1 0\n1 0\n0 0 0\n", "weights.txt: line 2", "2 values, expected 3");
  refused(0, "weights.txt", "0 1 0\n1 0 0 4\n0 0 0\n", "weights.txt: line 2", "4 values, expected 3");
  refused(0, "weights.txt", "0 1 0\n1 0 0\n", "weights.txt", "2 rows, expected 3");
  refused(0, "weights.txt", "0 1 0\n1 0 0\n0 0 0\n0 0 0\n", "weights.txt: line 4", "more than 3 rows");
  refused(0, "weights.txt", "\n# nothing\n", "weights.txt", "empty");
  refused(1, "tract_lengths.txt", "0 1\n1 0\n", "tract_lengths.txt: line 1", "2 values, expected 3");
  refused(2, "centres.txt", "a 1 2 3\nb 4 5 6\n", "centres.txt", "2 centres, expected 3");
  refused(2, "centres.txt", CENTRES "d 1 2 3\n", "centres.txt: line 4", "more than 3 centres");
  refused(3, "areas.txt", "1\n1\n", "areas.txt", "2 values, expected 3");
  refused(3, "areas.txt", "1 1 1 1\n", "areas.txt: line 1", "more than 3 values");
  refused(0, NULL, NULL, "no member weights", "expected weights.txt");
  refused(1, NULL, NULL, "no member tract_lengths", "expected");
  refused(2, NULL, NULL, "no member centres", "expected");
  refused(3, "old/weights.txt", WEIGHTS, "set/weights.txt and old/weights.txt", "expected one");
}

static size_t load(const char *path, char **data) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  *data = malloc(1 << 20);
  size_t n = fread(*data, 1, 1 << 20, file);
  fclose(file);
  return n;
}

static void save(const char *path, const char *data, size_t n) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, n, file), n);
  fclose(file);
}

/* Every truncation and every flipped byte of a file either reads or is refused by name; never a crash. */
static void survive_damage(const char *path, size_t step) {
  char *data = NULL;
  size_t n = load(path, &data), refusals = 0, tried = 0;
  cls_connectome *c = NULL;
  for (size_t cut = 0; cut < n; cut += step) {
    save(path, data, cut);
    REFUSED(cls_connectome_read(path, NULL, NULL, &c), path);
  }
  for (size_t at = 0; at < n; at += step, tried++) {
    data[at] ^= 0x55;
    save(path, data, n);
    cls_status status = cls_connectome_read(path, NULL, NULL, &c);
    if (status == CLS_OK)
      cls_connectome_destroy(c);
    else
      refusals++;
    data[at] ^= 0x55;
  }
  assert_true(refusals * 20 > tried);
  save(path, data, n);
  OK(cls_connectome_read(path, NULL, NULL, &c));
  cls_connectome_destroy(c);
  free(data);
  unlink(path);
}

static void refuse_damaged_zips(void **state) {
  (void)state;
  const char *path = scratch("cut.zip");
  const member packed[] = {
      {"weights.txt", WEIGHTS}, {"tract_lengths.txt.bz2", LENGTHS}, {"centres.txt.bz2", CENTRES}};
  write_zip(path, packed, 3);
  survive_damage(path, 1);
}

/* A .bz2 member that is whole as a member of the zip but cut off or garbage as bzip2. */
static void refuse_damaged_bz2(void **state) {
  (void)state;
  char packed[600], text[] = WEIGHTS;
  unsigned n = sizeof packed;
  assert_int_equal(BZ2_bzBuffToBuffCompress(packed, &n, text, (unsigned)strlen(text), 9, 0, 0), BZ_OK);
  for (int cut = 0; cut < 2; cut++) {
    const char *path = scratch("bz2.zip");
    zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    zip_source_t *source = cut ? zip_source_buffer(archive, packed, n - 4, 0)
                               : zip_source_buffer(archive, WEIGHTS, strlen(WEIGHTS), 0);
    assert_true(zip_file_add(archive, "weights.bz2", source, 0) >= 0);
    source = zip_source_buffer(archive, LENGTHS, strlen(LENGTHS), 0);
    assert_true(zip_file_add(archive, "tract_lengths.txt", source, 0) >= 0);
    source = zip_source_buffer(archive, CENTRES, strlen(CENTRES), 0);
    assert_true(zip_file_add(archive, "centres.txt", source, 0) >= 0);
    assert_int_equal(zip_close(archive), 0);
    cls_connectome *c = NULL;
    REFUSED(cls_connectome_read(path, NULL, NULL, &c), "member weights.bz2: not a whole bzip2 stream");
    unlink(path);
  }
}

static void refuse_other_files(void **state) {
  (void)state;
  const char *path = scratch("other");
  cls_connectome *c = NULL;
  REFUSED(cls_connectome_read(path, NULL, NULL, &c), "cannot be opened: No such file");
  save(path, "\x93NUMPY\x01\0", 8);
  REFUSED(cls_connectome_read(path, NULL, NULL, &c),
          "begins with the bytes 93 4e 55 4d, expected a connectome");
  save(path, "simulation: {}\n", 15);
  REFUSED(cls_connectome_read(path, NULL, NULL, &c), "no numbers: expected a matrix");
  save(path, "PK\5\6", 4);
  REFUSED(cls_connectome_read(path, NULL, NULL, &c), "damaged or cut-off zip");
  save(path, "", 0);
  REFUSED(cls_connectome_read(path, NULL, NULL, &c), "empty: expected a matrix");
  unlink(path);
  assert_int_equal(cls_connectome_read("/", NULL, NULL, &c), CLS_ERR_INPUT);
}

/* ---- HDF5 ---- */

static cls_connectome *small(void) {
  const double weight[] = {0, 2.5, 0, 1e-3, .5, 3, 0, 0, 0};
  cls_connectome *c = make_connectome(3, weight, 12);
  c->origin = cls_format("test");
  c->area_mm2[0] = 10;
  c->area_mm2[1] = NAN;
  c->volume_mm3[2] = 4.5;
  c->hemisphere[1] = 1;
  c->cortical[2] = 0;
  c->centre_mm[2][1] = NAN;
  c->synapse_density[1] = 1.25;
  c->names_made_up = true;
  OK(cls_connectome_add_units(c));
  for (int i = 0; i < 3; i++) c->unit[i] = cls_format("%s", i == 1 ? "cortical column" : "");
  return c;
}

static void round_trip(void **state) {
  (void)state;
  const char *path = scratch("trip.h5");
  cls_connectome *a = small(), *b = NULL;
  OK(cls_connectome_write(path, a));
  OK(cls_connectome_write(path, a)); /* over the first */
  OK(cls_connectome_read(path, NULL, NULL, &b));
  assert_int_equal(b->n_regions, 3);
  assert_string_equal(b->origin, "test");
  for (int i = 0; i < 3; i++) assert_string_equal(a->names[i], b->names[i]);
  assert_memory_equal(a->centre_mm, b->centre_mm, 3 * sizeof *a->centre_mm);
  assert_memory_equal(a->area_mm2, b->area_mm2, 3 * sizeof(double));
  assert_memory_equal(a->volume_mm3, b->volume_mm3, 3 * sizeof(double));
  assert_memory_equal(a->hemisphere, b->hemisphere, 3);
  assert_memory_equal(a->cortical, b->cortical, 3);
  assert_true(b->names_made_up);
  for (int i = 0; i < 3; i++) assert_string_equal(a->unit[i], b->unit[i]);
  assert_memory_equal(a->synapse_density, b->synapse_density, 3 * sizeof(double));
  assert_memory_equal(a->row, b->row, 4 * sizeof(uint64_t));
  assert_memory_equal(a->source, b->source, 4 * sizeof(uint32_t));
  assert_memory_equal(a->weight, b->weight, 4 * sizeof(double));
  assert_memory_equal(a->length_mm, b->length_mm, 4 * sizeof(double));
  cls_connectome_destroy(a);
  cls_connectome_destroy(b);
  unlink(path);
}

/* Opens `dataset` of a good file, puts `value` at index `at`, and expects a refusal with `part`. */
static void refused_after(const char *dataset, hid_t type, int at, const void *value, const char *part) {
  const char *path = scratch("edit.h5");
  cls_connectome *c = small();
  OK(cls_connectome_write(path, c));
  cls_connectome_destroy(c);
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), data = H5Dopen2(file, dataset, H5P_DEFAULT);
  hid_t space = H5Dget_space(data), one = H5Screate(H5S_SCALAR);
  hsize_t element[2] = {(hsize_t)at, 0}; /* row `at`, its first column */
  H5Sselect_elements(space, H5S_SELECT_SET, 1, element);
  assert_true(H5Dwrite(data, type, one, space, H5P_DEFAULT, value) >= 0);
  H5Sclose(one);
  H5Sclose(space);
  H5Dclose(data);
  H5Fclose(file);
  REFUSED(cls_connectome_read(path, NULL, NULL, &c), "edit.h5");
  MESSAGE(part);
  unlink(path);
}

static void refuse_bad_hdf5_values(void **state) {
  (void)state;
  const double nan = NAN, negative = -1, zero = 0, infinite = INFINITY;
  const int64_t far = 1000000000, none = -5, two = 2, three = 3, zero_index = 0;
  refused_after("/tracts/weight", H5T_NATIVE_DOUBLE, 1, &nan, "r1 <- r0 is nan");
  refused_after("/tracts/weight", H5T_NATIVE_DOUBLE, 3, &zero, "r1 <- r2 is 0");
  refused_after("/tracts/length_mm", H5T_NATIVE_DOUBLE, 0, &negative, "r0 <- r1 is -1 mm");
  refused_after("/tracts/source", H5T_NATIVE_INT64, 0, &three, "region number 3, expected below 3");
  refused_after("/tracts/source", H5T_NATIVE_INT64, 3, &zero_index, "source r0 does not come after r1");
  refused_after("/tracts/row", H5T_NATIVE_INT64, 1, &far, "region r0 is above the last one, 4");
  refused_after("/tracts/row", H5T_NATIVE_INT64, 0, &two, "first row offset is 2");
  refused_after("/tracts/row", H5T_NATIVE_INT64, 3, &three, "last offset is 3, expected 4");
  refused_after("/tracts/row", H5T_NATIVE_INT64, 2, &zero_index, "below the one before");
  refused_after("/regions/area_mm2", H5T_NATIVE_DOUBLE, 2, &negative, "area of region r2 is -1");
  refused_after("/regions/centre_mm", H5T_NATIVE_DOUBLE, 0, &infinite, "centre of region r0");
  refused_after("/regions/synapse_density", H5T_NATIVE_DOUBLE, 2, &negative,
                "synapse density of region r2 is -1");
  refused_after("/regions/cortical", H5T_NATIVE_INT64, 0, &none, "cortical flag of region r0 is -5");
}

/* Removes or replaces objects of a good file. */
static void refuse_bad_hdf5_shapes(void **state) {
  (void)state;
  const struct {
    const char *object, *part;
    hsize_t length; /* 0: only removed; else an integer dataset of this length takes its place */
  } cases[] = {{"/tracts/weight", "no dataset /tracts/weight", 0},
               {"/regions", "no dataset /regions/name", 0},
               {"/regions/name", "/regions/name: expected text", 3},
               {"/tracts/row", "/tracts/row: extent 3 of dimension 0, expected 4", 3},
               {"/regions/area_mm2", "/regions/area_mm2: extent 2", 2},
               {"/regions/unit", "/regions/unit: expected text", 3},
               {"/regions/synapse_density", "/regions/synapse_density: extent 2", 2},
               {"/regions/centre_mm", "/regions/centre_mm: 1 dimensions, expected 2", 9},
               {"/tracts/source", "/tracts/source: 11 tracts, expected at most 9", 11}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *path = scratch("shape.h5");
    cls_connectome *c = small();
    OK(cls_connectome_write(path, c));
    cls_connectome_destroy(c);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Ldelete(file, cases[i].object, H5P_DEFAULT) >= 0);
    if (cases[i].length > 0) {
      hid_t space = H5Screate_simple(1, &cases[i].length, NULL);
      H5Dclose(
          H5Dcreate2(file, cases[i].object, H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
      H5Sclose(space);
    }
    H5Fclose(file);
    REFUSED(cls_connectome_read(path, NULL, NULL, &c), "shape.h5");
    MESSAGE(cases[i].part);
    unlink(path);
  }
}

static void refuse_foreign_hdf5(void **state) {
  (void)state;
  const char *path = scratch("foreign.h5");
  cls_connectome *c = NULL;
  H5Fclose(H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  REFUSED(cls_connectome_read(path, NULL, NULL, &c),
          "attribute format: absent: expected callosum-connectome");
  unlink(path);
}

static void survive_damaged_hdf5(void **state) {
  (void)state;
  const char *path = scratch("damaged.h5");
  cls_connectome *c = small();
  OK(cls_connectome_write(path, c));
  cls_connectome_destroy(c);
  survive_damage(path, 37);
}

/* A connectome that is wrong is not written, and nothing is left behind. */
static void refuse_to_write(void **state) {
  (void)state;
  const char *path = scratch("never.h5");
  cls_connectome *c = small();
  c->weight[2] = -1;
  REFUSED(cls_connectome_write(path, c), "r1 <- r1 is -1");
  c->weight[2] = 1;
  assert_int_not_equal(access(path, F_OK), 0);
  REFUSED(cls_connectome_write("/no/such/folder/c.h5", c), "No such file or directory");
  cls_connectome_destroy(c);
}

/* Where the file cannot grow: an error, the file that was there stays whole, and no part of the new one
 * remains. */
static void survive_full_disk(void **state) {
  (void)state;
  const char *path = scratch("full.h5");
  cls_generator options = cls_generator_default();
  cls_connectome *c = small(), *large = NULL, *back = NULL;
  OK(cls_connectome_generate(&options, &large));
  OK(cls_connectome_write(path, c));
  struct rlimit before, limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  limit = before;
  limit.rlim_cur = 16384;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  cls_status status = cls_connectome_write(path, large);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(status, CLS_ERR_IO);
  MESSAGE("full.h5");
  char *partial = cls_format("%s.%ld.partial", path, (long)getpid());
  assert_int_not_equal(access(partial, F_OK), 0);
  free(partial);
  OK(cls_connectome_read(path, NULL, NULL, &back));
  assert_int_equal(back->n_regions, 3);
  cls_connectome_destroy(c);
  cls_connectome_destroy(large);
  cls_connectome_destroy(back);
  unlink(path);
}

static void refuse_bad_names(void **state) {
  (void)state;
  cls_connectome *c = small();
  free(c->names[2]);
  c->names[2] = cls_format("r0");
  REFUSED(cls_connectome_check(c), "region name r0 occurs twice");
  free(c->names[2]);
  c->names[2] = cls_format("r\n2");
  REFUSED(cls_connectome_check(c), "control character 10");
  free(c->names[2]);
  c->names[2] = NULL;
  REFUSED(cls_connectome_check(c), "region 2 has no name");
  cls_connectome_destroy(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(read_plain),
                                     cmocka_unit_test(read_untidy),
                                     cmocka_unit_test(read_long_bz2),
                                     cmocka_unit_test(number_repeated_names),
                                     cmocka_unit_test(refuse_bad_numbers),
                                     cmocka_unit_test(refuse_bad_shapes),
                                     cmocka_unit_test(refuse_damaged_zips),
                                     cmocka_unit_test(refuse_damaged_bz2),
                                     cmocka_unit_test(refuse_other_files),
                                     cmocka_unit_test(round_trip),
                                     cmocka_unit_test(refuse_bad_hdf5_values),
                                     cmocka_unit_test(refuse_bad_hdf5_shapes),
                                     cmocka_unit_test(refuse_foreign_hdf5),
                                     cmocka_unit_test(survive_damaged_hdf5),
                                     cmocka_unit_test(refuse_to_write),
                                     cmocka_unit_test(survive_full_disk),
                                     cmocka_unit_test(refuse_bad_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
