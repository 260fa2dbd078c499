/* Matrices in text: separators, headers, labels, lists of entries, Matrix Market, and what is refused. */
#include "connectomes.h"
#include "io/matrix_file.h"
#include <math.h>

static cls_matrix m;

static const char *save(const char *name, const char *text) {
  const char *path = scratch(name);
  write_text(path, text);
  return path;
}

static void dense(const char *name, const char *text) {
  const char *path = save(name, text);
  OK(cls_matrix_read(path, &(cls_matrix_request){0}, &m));
  unlink(path);
}

static void sparse(const char *name, const char *text) {
  const char *path = save(name, text);
  OK(cls_matrix_read(path, &(cls_matrix_request){.sparse = true}, &m));
  unlink(path);
}

/* Frees the matrix; NaN stands for itself. */
static void holds(uint64_t rows, uint64_t columns, const double *values) {
  assert_int_equal(m.rows, rows);
  assert_int_equal(m.columns, columns);
  for (uint64_t k = 0; k < rows * columns; k++)
    if (!(m.values[k] == values[k] || (isnan(m.values[k]) && isnan(values[k]))))
      fail_msg("element %llu is %g, expected %g", (unsigned long long)k, m.values[k], values[k]);
  cls_matrix_free(&m);
}

static void refused(const char *name, const char *text, const char *part) {
  const char *path = save(name, text);
  for (int s = 0; s < 2; s++) { /* as values and as entries */
    REFUSED(cls_matrix_read(path, &(cls_matrix_request){.sparse = s == 1}, &m), name);
    MESSAGE(part);
  }
  unlink(path);
}

static void read_separators(void **state) {
  (void)state;
  const double expected[] = {1.5, -2000, 2, 4};
  const struct {
    const char *name, *text;
  } same[] = {
      {"m.csv", "1.5,-2e3\n0x1p1, 4\n"},      {"m.csv", "1.5 -2e3\n2 4"}, /* older MRtrix */
      {"m.csv", "1.5;-2e3\r\n\r\n2 ; 4\r\n"}, {"m.csv", "# command_history: tck2connectome\n1.5,-2e3\n2,4\n"},
      {"m.tsv", "1.5\t-2e3\n2\t4\n"},         {"m.txt", "\xef\xbb\xbf  1.5   -2e3 \n# between\n\t2\t 4\n"},
      {"m.dat", "\"1.5\" -2e3\n2 4\n"},       {"m.csv", "\"1.5\" , -2e3\n2,\"4\"\n"}};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    dense(same[i].name, same[i].text);
    assert_null(m.column_names);
    assert_null(m.row_names);
    holds(2, 2, expected);
  }
  dense("m.csv", "1,n/a\n,nan\n"); /* missing numbers */
  holds(2, 2, (double[]){1, NAN, NAN, NAN});
}

static void names_are(char **names, const char *a, const char *b) {
  assert_non_null(names);
  assert_string_equal(names[0], a);
  assert_string_equal(names[1], b);
}

static void read_headers(void **state) {
  (void)state;
  const double expected[] = {1, 2, 3, 4};
  dense("m.tsv", "L one\t\"R \"\"2\"\"\"\n1\t2\n3\t4\n");
  names_are(m.column_names, "L one", "R \"2\"");
  assert_null(m.row_names);
  holds(2, 2, expected);
  const char *const labelled[] = {
      "Node,a,b\na,1,2\nb,3,4\n",  /* XCP-D */
      ",a,b\na,1,2\nb,3,4\n",      /* pandas */
      "a,b\na,1,2\nb,3,4\n",       /* R */
      "corner,a,b\na,1,2\nb,3,4\n" /* a word of its own */
  };
  for (int i = 0; i < 4; i++) {
    dense("m.csv", labelled[i]);
    names_are(m.column_names, "a", "b");
    names_are(m.row_names, "a", "b");
    holds(2, 2, expected);
  }
  dense("m.csv", "a 1 2\nb 3 4\n"); /* labels without a header */
  names_are(m.row_names, "a", "b");
  assert_null(m.column_names);
  holds(2, 2, expected);
  dense("m.csv", ",0,1\n0,1,2\n1,3,4\n"); /* numbers are no names */
  assert_null(m.column_names);
  assert_null(m.row_names);
  holds(2, 2, expected);
}

static void has_entries(uint64_t n, const cls_entry *entries) {
  assert_int_equal(m.n_entries, n);
  for (uint64_t k = 0; k < n; k++) {
    assert_int_equal(m.entries[k].row, entries[k].row);
    assert_int_equal(m.entries[k].column, entries[k].column);
    assert_true(m.entries[k].value == entries[k].value);
  }
  cls_matrix_free(&m);
}

static void read_lists(void **state) {
  (void)state;
  const cls_entry expected[] = {{0, 1, 5}, {2, 0, 2.5}};
  sparse("m.tsv", "row\tcolumn\tweight\n3\t1\t2.5\n1\t2\t5\n2\t2\t0\n");
  assert_int_equal(m.rows, 3);
  has_entries(2, expected);
  sparse("m.tsv", "row\tcol\tvalue\n0\t1\t5\n2\t0\t2.5\n"); /* a 0: counted from 0 */
  has_entries(2, expected);
  sparse("m.csv", "Source,Target,n\na,b,5\nc,a,2\n"); /* rows are targets */
  assert_true(m.directed && m.listed);
  assert_int_equal(m.rows, 3);
  assert_string_equal(m.column_names[0], "b");
  assert_string_equal(m.column_names[1], "a");
  assert_string_equal(m.column_names[2], "c");
  has_entries(2, (cls_entry[]){{0, 1, 5}, {1, 2, 2}});
}

static void read_mtx(void **state) {
  (void)state;
  const char *banner = "%%MatrixMarket matrix coordinate real general\n% made by hand\n\n";
  char text[256];
  snprintf(text, sizeof text, "%s3 3 3\n3 1 2.5\n1 2 5\n2 2 0\n", banner);
  sparse("m.mtx", text);
  assert_int_equal(m.rows, 3);
  has_entries(2, (cls_entry[]){{0, 1, 5}, {2, 0, 2.5}});
  sparse("m.mtx", "%%MatrixMarket matrix coordinate pattern symmetric\n4 4 2\n2 1\n3 3\n");
  has_entries(3, (cls_entry[]){{0, 1, 1}, {1, 0, 1}, {2, 2, 1}});
  dense("m.mtx", "%%MatrixMarket matrix coordinate integer general\n1 2 1\n1 2 -7\n");
  holds(1, 2, (double[]){0, -7});
}

static void refuse_text(void **state) {
  (void)state;
  refused("m.csv", "1,2\n3,4x\n", ":2: field 2 is \"4x\": expected a finite number");
  refused("m.csv", "1,2\n3,inf\n", ":2: field 2 is \"inf\"");
  refused("m.csv", "a,b\n1,2\n3\n", ":3: 1 fields: expected 2 as in the first row");
  refused("m.csv", "1,2\n3,4,5\n", ":2: 3 fields: expected 2");
  refused("m.csv", "a,b\n", "no numbers: expected a matrix");
  refused("m.csv", "a\nb\n", ":2: field 1 is \"b\": expected a finite number"); /* one name is no corner */
  refused("m.csv", "# nothing\n\n", "no numbers");
  refused("m.csv", "a,,b\n1,2,3\n", ":1: field 2 is empty: expected a name");
  refused("m.csv", "\"a,b\n1,2\n", ":1: a quoted field does not end");
  refused("m.csv", "\"a\"x,b\n1,2\n", ":1: text after a quoted field");
  refused("m.txt", "1 2\n3 4\nwords 5\n", ":3: field 1 is \"words\"");
}

/* Lists and Matrix Market, as entries. */
static void refused_entries(const char *name, const char *text, const char *part) {
  const char *path = save(name, text);
  REFUSED(cls_matrix_read(path, &(cls_matrix_request){.sparse = true}, &m), name);
  MESSAGE(part);
  unlink(path);
}

static void refuse_lists(void **state) {
  (void)state;
  refused_entries("m.tsv", "row\tcol\tw\n1\t2\t3\n1\t2\t4\n", "row 1, column 2 is given twice, as 3 and 4");
  refused_entries("m.tsv", "row\tcol\tw\n1\tb\t3\n", ":2: field 2 is \"b\": expected the number of a region");
  refused_entries("m.tsv", "row\tcol\tw\na\tb\t3\nc\t4\t1\n", ":3: field 2 is \"4\": expected the name");
  refused_entries("m.tsv", "row\tcol\tw\na\tb\n", ":2: 2 fields: expected 3");
  refused_entries("m.tsv", "row\tcol\tw\na\tb\tx\n", ":2: field 3 is \"x\"");
  refused_entries("m.tsv", "row\tcol\tw\n", "no entries below the header");
}

static void refuse_mtx(void **state) {
  (void)state;
#define REAL "%%MatrixMarket matrix coordinate real general\n"
  refused("m.mtx", "%%MatrixMarket matrix array real general\n1 1\n1\n",
          ":1: matrix array: expected matrix coord");
  refused("m.mtx", "%%MatrixMarket matrix coordinate complex general\n", ":1: entries are complex");
  refused("m.mtx", "%%MatrixMarket matrix coordinate real skew-symmetric\n",
          ":1: the matrix is skew-symmetric");
  refused("m.mtx", REAL, "0 fields: expected rows, columns and entries");
  refused("m.mtx", REAL "2 2 5\n", ":2: field 3 is \"5\": expected a whole number from 0 to 4");
  refused("m.mtx", REAL "2 2 2\n1 1 1\n", ":3: cut off after 1 entries: expected 2");
  refused("m.mtx", REAL "2 2 1\n1 1 1\n1 2 1\n", ":4: more than the 1 entries");
  refused("m.mtx", REAL "2 2 1\n3 1 1\n", ":3: field 1 is \"3\": expected a whole number from 1 to 2");
  refused("m.mtx", REAL "2 2 1\n1 1\n", ":3: 2 fields: expected 3");
  refused("m.mtx", "%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n1 2 3\n",
          ":3: row 1, column 2: expected "
          "the lower triangle");
  refused_entries("m.mtx", REAL "2 2 2\n1 2 3\n1 2 3\n", "row 1, column 2 is given twice");
}

/* A few bytes that claim a large matrix. */
static void refuse_claims(void **state) {
  (void)state;
  cls_connectome *c = NULL;
  const char *path = save("m.mtx", REAL "4000000000 4000000000 1\n1 2 3\n");
  REFUSED(cls_connectome_read(path, NULL, NULL, &c), "4000000000 regions and 1 entries");
  REFUSED(cls_matrix_read(path, &(cls_matrix_request){.side = 3}, &m), "expected at most 2^28 elements");
  path = save("m.tsv", "i\tj\tw\n1\t4000000000\t2\n");
  REFUSED(cls_connectome_read(path, NULL, NULL, &c), "expected at most 1048592 regions");
  unlink(path);
  unlink(scratch("m.mtx"));
}

static void refuse_variables(void **state) {
  (void)state;
  const char *path = save("m.csv", "1,2\n3,4\n");
  REFUSED(cls_matrix_read(path, &(cls_matrix_request){.variable = "sc"}, &m),
          "variable sc: such a file has no variables");
  unlink(path);
}

/* ---- MATLAB v5, by hand: what other writers never write ---- */

static unsigned char matlab[1024];
static size_t used;

static void big_endian(uint32_t word) {
  for (int shift = 24; shift >= 0; shift -= 8) matlab[used++] = (unsigned char)(word >> shift);
}

/* An element; of up to four bytes in the short form. */
static void element(uint32_t type, const void *bytes, uint32_t n) {
  const bool small = n > 0 && n <= 4;
  big_endian(small ? n << 16 | type : type);
  if (!small) big_endian(n);
  memcpy(matlab + used, bytes, n);
  used += n;
  while (used % 8) matlab[used++] = 0;
}

/* Begins a variable of one letter; the place of its size, which end_variable fills in. */
static size_t begin_variable(uint32_t class, uint8_t rows, uint8_t columns, const char *name) {
  const unsigned char flags[8] = {0, 0, 0, (unsigned char)class},
                      extents[8] = {0, 0, 0, rows, 0, 0, 0, columns};
  big_endian(14);
  big_endian(0);
  const size_t start = used;
  element(6, flags, sizeof flags);
  element(5, extents, sizeof extents);
  element(1, name, 1);
  return start;
}

static void end_variable(size_t start) {
  const size_t end = used;
  used = start - 4;
  big_endian((uint32_t)(end - start));
  used = end;
}

static void begin_file(void) {
  memset(matlab, ' ', sizeof matlab);
  memcpy(matlab, "MATLAB 5.0 MAT-file", 19);
  memcpy(matlab + 124, "\1\0MI", 4);
  used = 128;
}

static const char *end_file(void) {
  const char *path = scratch("m.mat");
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(matlab, 1, used, file), used);
  fclose(file);
  return path;
}

/* Numbers stored as bytes, in the other byte order, behind a cell array that claims what it has not. */
static void read_matlab5(void **state) {
  (void)state;
  const unsigned char numbers[4] = {1, 2, 3, 255};
  begin_file();
  end_variable(begin_variable(1, 200, 200, "c"));
  size_t start = begin_variable(6, 2, 2, "m");
  element(1, numbers, sizeof numbers); /* signed: the last is -1 */
  end_variable(start);
  OK(cls_matrix_read(end_file(), &(cls_matrix_request){0}, &m));
  assert_string_equal(m.variable, "m");
  holds(2, 2, (double[]){1, 3, 2, -1}); /* the file goes column by column */
  unlink(scratch("m.mat"));
}

static void refuse_matlab5(void **state) {
  (void)state;
  const unsigned char numbers[4] = {1, 2, 3, 4};
  const cls_matrix_request all = {0};
  begin_file();
  size_t start = begin_variable(6, 200, 200, "m");
  element(2, numbers, sizeof numbers);
  end_variable(start);
  REFUSED(cls_matrix_read(end_file(), &all, &m), "variable m: 4 bytes of numbers for 200 x 200");
  begin_file();
  start = begin_variable(6, 2, 2, "m");
  element(2, numbers, sizeof numbers);
  end_variable(start);
  matlab[128 + 8 + 3] = 9; /* type of the flags */
  REFUSED(cls_matrix_read(end_file(), &all, &m), "the variable at byte 128 has no flags");
  matlab[128 + 8 + 3] = 6;
  matlab[128 + 8 + 7] = 200; /* and their size */
  REFUSED(cls_matrix_read(end_file(), &all, &m), "has an element that is larger than itself");
  matlab[128 + 8 + 7] = 8;
  matlab[128 + 7]++; /* size of the variable */
  REFUSED(cls_matrix_read(end_file(), &all, &m), "the variable at byte 128 is cut off");
  unlink(scratch("m.mat"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(read_separators), cmocka_unit_test(read_headers),     cmocka_unit_test(read_lists),
      cmocka_unit_test(read_mtx),        cmocka_unit_test(refuse_text),      cmocka_unit_test(refuse_lists),
      cmocka_unit_test(refuse_mtx),      cmocka_unit_test(refuse_variables), cmocka_unit_test(refuse_claims),
      cmocka_unit_test(read_matlab5),    cmocka_unit_test(refuse_matlab5)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
