/* Measured BOLD: which of its series belongs to which region, and what is refused. */
#include "connectome/connectomes.h"
#include "io/empirical.h"
#include "io/hdf5_file.h"
#include <math.h>

/* Four regions are left of a table of five, whose third was dropped. */
static char *const names[] = {"a", "b", "d", "e"};
static const uint32_t kept[] = {0, 1, 3, 4};
static const cls_empirical_regions regions = {4, names, false, 5, kept};

static cls_empirical *e;

static cls_status take(const char *file, const char *text, cls_bold_orientation orientation, double tr_s) {
  const char *path = scratch(file);
  write_text(path, text);
  const cls_empirical_request request = {path, NULL, orientation, tr_s, false};
  const cls_status status = cls_empirical_read(&request, &regions, NULL, &e);
  unlink(path);
  return status;
}

/* Volume t of region i is 10 t + its place in the table + 2. */
static void is_right(bool by_name) {
  assert_int_equal(e->volumes, 3);
  assert_int_equal(e->regions, 4);
  assert_int_equal(e->by_name, by_name);
  for (uint32_t t = 0; t < 3; t++)
    for (uint32_t i = 0; i < 4; i++) assert_true(e->data[t * 4 + i] == 10 * t + kept[i] + 2);
  cls_empirical_free(e);
}

static void match_columns(void **state) {
  (void)state;
  OK(take("m.csv", "2,3,4,5,6\n12,13,14,15,16\n22,23,24,25,26\n", CLS_BOLD_UNSTATED, 0));
  assert_true(isnan(e->tr_s));
  is_right(false);
  OK(take("m.csv", "2,12,22\n3,13,23\n4,14,24\n5,15,25\n6,16,26\n", CLS_BOLD_UNSTATED, 2));
  assert_true(e->tr_s == 2);
  is_right(false);
  /* By name: any order, series of other regions and of none. */
  OK(take("m.tsv", "e\ttime\td\tb\tc\ta\n6\t0\t5\t3\t4\t2\n16\t2\t15\t13\t14\t12\n26\t4\t25\t23\t24\t22\n",
          CLS_BOLD_UNSTATED, 0));
  is_right(true);
  OK(take("m.txt", "e 6 16 26\na 2 12 22\nd 5 15 25\nb 3 13 23\n", CLS_BOLD_UNSTATED, 0));
  is_right(true);
}

/* A square is ambiguous until somebody says what its rows are. */
static void state_orientation(void **state) {
  (void)state;
  const char *square = "7,2,3,4,5\n6,7,8,9,0\n1,3,5,7,9\n2,4,6,8,0\n9,8,7,6,5\n";
  REFUSED(take("m.csv", square, CLS_BOLD_UNSTATED, 0),
          "5 rows and columns for 5 regions: expected orientation: time_x_region or region_x_time");
  OK(take("m.csv", square, CLS_BOLD_TIME_X_REGION, 0));
  assert_true(e->volumes == 5 && e->data[1] == 2 && e->data[2] == 4);
  cls_empirical_free(e);
  OK(take("m.csv", square, CLS_BOLD_REGION_X_TIME, 0));
  assert_true(e->volumes == 5 && e->data[1] == 6 && e->data[2] == 2 && e->data[4] == 2);
  cls_empirical_free(e);
  assert_int_equal(take("m.csv", "1,2,3,4\n3,4,5,6\n7,8,9,0\n1,1,2,3\n2,2,2,4\n", CLS_BOLD_TIME_X_REGION, 0),
                   CLS_ERR_INPUT);
  MESSAGE("5 rows and 4 columns: expected one column for each of the 5 regions");
}

static void read_sidecar(void **state) {
  (void)state;
  const char *text = "a\tb\td\te\n2\t3\t5\t6\n12\t13\t15\t16\n22\t23\t25\t26\n";
  char path[256];
  snprintf(path, sizeof path, "%s", scratch("m.json"));
  const struct {
    const char *json;
    double tr_s;
    const char *part; /* of the message */
  } cases[] = {{"{\"RepetitionTime\": 0.8}", 0, NULL},
               {"{\"RepetitionTime\": 0.8}", 0.8, NULL},
               {"{\"RepetitionTime\": 0.8}", 2, "m.json: RepetitionTime is 0.8 s: expected 2 s as tr_s says"},
               {"{\"RepetitionTime\": -1}", 0, "m.json: RepetitionTime: expected a number above 0"},
               {"{\"RepetitionTime\": \"2\"}", 0, "m.json: RepetitionTime: expected a number"},
               {"[1]", 0, "m.json: expected a JSON object"},
               {"{\"RepetitionTime\": 0.8", 0, "m.json: no JSON: wrong from byte"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    write_text(path, cases[i].json);
    const cls_status status = take("m.tsv", text, CLS_BOLD_UNSTATED, cases[i].tr_s);
    unlink(path);
    assert_int_equal(status, cases[i].part ? CLS_ERR_INPUT : CLS_OK);
    if (cases[i].part) {
      MESSAGE(cases[i].part);
      continue;
    }
    assert_true(e->tr_s == 0.8);
    is_right(true);
  }
}

/* ---- gaps ---- */

static cls_status take_gaps(const char *file, const char *text, cls_notes *notes) {
  const char *path = scratch(file);
  write_text(path, text);
  const cls_empirical_request request = {.path = path, .gaps = true};
  const cls_status status = cls_empirical_read(&request, &regions, notes, &e);
  unlink(path);
  return status;
}

/* What nobody measured is missing: a region without a series, one without numbers, volumes. */
static void allow_gaps(void **state) {
  (void)state;
  cls_notes notes = {0};
  OK(take_gaps("m.csv", "e,x,b,a\n6,0,3,2\nn/a,1,13,12\n26,2,23,22\n36,3,33,32\n", &notes));
  assert_int_equal(notes.n, 4);
  assert_non_null(strstr(notes.lines[0], "no series for 1 of 4 regions, which are not observed: d"));
  assert_non_null(
      strstr(notes.lines[1], "5 of 16 values are missing and not observed; 1 of 4 regions have none"));
  assert_non_null(strstr(notes.lines[2], "of 4 series, time x region, matched by name"));
  cls_notes_free(&notes);
  assert_true(e->by_name && e->volumes == 4);
  for (uint32_t t = 0; t < 4; t++) {
    assert_true(e->data[t * 4] == 10 * t + 2 && e->data[t * 4 + 1] == 10 * t + 3 &&
                isnan(e->data[t * 4 + 2]));
    assert_true(t == 1 ? isnan(e->data[t * 4 + 3]) : e->data[t * 4 + 3] == 10 * t + 6);
  }
  cls_empirical_free(e);
  OK(take_gaps("m.csv", "2,n/a,4,5,6\n12,n/a,14,15,16\n22,n/a,24,25,26\n", NULL));
  assert_true(!e->by_name && isnan(e->data[1]) && e->data[2] == 5);
  cls_empirical_free(e);
  const struct {
    const char *text, *part;
  } cases[] = {
      {"u,v,w,a\n1,2,3,4\n2,3,4,5\n1,2,3,3\n", "no series for 3 of 4 regions: b, d, e; its own begin with u"},
      {"a,b,x\n1,2,3\n2,n/a,4\n1,4,3\n4,4,4\n",
       "9 of 16 values of 4 regions are missing (2 regions have none)"},
      {"a,b,d,e\n1,2,3,4\n2,3,4,n/a\n1,2,3,n/a\n2,2,2,3\n",
       "column 4 (region e) has 2 numbers: expected at least 3, or none"},
      {"a,b,d,e\n1,2,3,4\n2,3,4,4\n1,2,3,n/a\n2,2,2,4\n", "column 4 (region e) is 4 throughout"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    REFUSED(take_gaps("m.csv", cases[i].text, NULL), cases[i].part);
}

/* ---- HDF5 ---- */

/* [time][region] as a recording of ours has it: names beside it, one member in the middle. */
static void read_hdf5(void **state) {
  (void)state;
  const char *const columns[] = {"e", "b", "a", "d"}, *path = scratch("m.h5");
  double values[3][1][4], tr_s = 0.8;
  for (int t = 0; t < 3; t++)
    for (int i = 0; i < 4; i++) values[t][0][i] = 10 * t + (double[]){6, 3, 2, 5}[i];
  for (int named = 0; named < 2; named++) {
    hid_t file;
    OK(cls_h5_create(path, &file));
    OK(cls_h5_table(file, "/bold/data", H5T_NATIVE_DOUBLE, 3, (hsize_t[]){3, 1, 4}, values, "1"));
    OK(cls_h5_table(file, "/regions/centre_mm", H5T_NATIVE_DOUBLE, 2, (hsize_t[]){4, 3}, values, "mm"));
    OK(cls_h5_attribute(file, "/bold", "tr_s", H5T_NATIVE_DOUBLE, 0, &tr_s));
    if (named) OK(cls_h5_names(file, "/regions/name", 4, columns));
    OK(cls_h5_close(file));
    cls_empirical_request request = {.path = path};
    if (!named) { /* four series for a table of five */
      REFUSED(cls_empirical_read(&request, &regions, NULL, &e), "no matrix with a side of 5");
      MESSAGE("bold/data (float, 3 x 4)");
      continue;
    }
    OK(cls_empirical_read(&request, &regions, NULL, &e));
    assert_true(e->tr_s == 0.8);
    is_right(true);
    request.variable = "/bold/data";
    OK(cls_empirical_read(&request, &regions, NULL, &e));
    is_right(true);
    request.tr_s = 2;
    REFUSED(cls_empirical_read(&request, &regions, NULL, &e), "its tr_s is 0.8 s: expected 2 s");
    request.variable = "bold/dat";
    REFUSED(cls_empirical_read(&request, &regions, NULL, &e),
            "no variable bold/dat: expected one of: bold/data");
    request.variable = "regions/name";
    REFUSED(cls_empirical_read(&request, &regions, NULL, &e), "no matrix of numbers");
  }
  assert_int_equal(truncate(path, 1000), 0);
  REFUSED(cls_empirical_read(&(cls_empirical_request){.path = path}, &regions, NULL, &e),
          "m.h5: damaged or cut-off HDF5 file");
  unlink(path);
}

static void refuse_signals(void **state) {
  (void)state;
  const struct {
    const char *text, *part;
  } cases[] = {
      {"1,2,3,4\n2,3,4,5\n3,4,5,7\n",
       "3 rows and 4 columns: expected one row or column for each of the 5 regions"},
      {"a,b,e,f\n1,2,3,4\n2,3,4,5\n1,2,3,3\n", "no series for 1 of 4 regions: d; its own begin with a"},
      {"u,v,w,x\n1,2,3,4\n2,3,4,5\n1,2,3,3\n", "no series for 4 of 4 regions: a, b, d, e"},
      {"a,b,d,e,a\n1,2,3,4,5\n2,3,4,5,6\n1,2,3,3,3\n", "two series are named a"},
      {"1,2,3,4,5\n2,3,4,5,7\n", "2 volumes: expected at least 3"},
      {"0,1,2,3,4\n2,3,4,5,7\n3,4,5,3,8\n", "the first row counts from 0 to 4: expected a volume"},
      {"9,2,3,4,5\n2,3,4,5,7\n3,4,5,n/a,8\n", "volume 3 of column 4 (region d) is no number"},
      {"9,2,3,4,5\n2,2,4,5,7\n3,2,5,6,8\n", "column 2 (region b) is 2 throughout"},
      {"a,b,d,e\n1,2,3,4\n2,3,4,4\n1,2,3,4\n", "column 4 (region e) is 4 throughout"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(take("m.csv", cases[i].text, CLS_BOLD_UNSTATED, 0), CLS_ERR_INPUT);
    assert_null(e);
    MESSAGE("m.csv: ");
    MESSAGE(cases[i].part);
  }
  OK(take("m.csv", "2,3,9,5,6\n12,13,9,15,16\n22,23,9,25,26\n", CLS_BOLD_UNSTATED,
          0)); /* a dropped region may rest */
  is_right(false);
}

/* Names that were made up match nothing: then the order counts, whatever the file calls its columns. */
static void ignore_made_up_names(void **state) {
  (void)state;
  const char *path = scratch("m.csv");
  write_text(path, "e,d,c,b,a\n2,3,4,5,6\n12,13,14,15,16\n22,23,24,25,26\n");
  cls_empirical_regions unnamed = regions;
  unnamed.names_made_up = true;
  OK(cls_empirical_read(&(cls_empirical_request){.path = path}, &unnamed, NULL, &e));
  is_right(false);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(match_columns),
                                     cmocka_unit_test(state_orientation),
                                     cmocka_unit_test(read_sidecar),
                                     cmocka_unit_test(refuse_signals),
                                     cmocka_unit_test(ignore_made_up_names),
                                     cmocka_unit_test(allow_gaps),
                                     cmocka_unit_test(read_hdf5)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
