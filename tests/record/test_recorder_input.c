/* What the recorder refuses, before any file exists; and the text matrices it reads. */
#include "io/matrix_file.h"
#include "record/synthetic.h"
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], table[80];

static void write_table(const char *text) {
  FILE *file = fopen(table, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static bool exists(const char *name) {
  char path[128];
  struct stat info;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return stat(path, &info) == 0;
}

/* Creates a recorder that must be refused as bad input with `words` in its message and no file made. */
static void refuse(const synthetic *s, const char *directory, const char *words) {
  cls_recorder *recorder = NULL;
  assert_int_equal(
      cls_recorder_create(&s->world, &s->job, &s->placement, &s->layout, directory, s->steps, &recorder),
      CLS_ERR_INPUT);
  if (!strstr(cls_error_message(), words)) fail_msg("\"%s\" does not say \"%s\"", cls_error_message(), words);
  assert_null(recorder);
  static const char *const files[] = {"spikes.h5", "rates.h5",   "bold.h5",    "currents.h5",
                                      "lfp.h5",    "spectra.h5", "neurons.h5", "trace_first_x.h5"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) assert_false(exists(files[i]));
}

static void test_intervals(void **state) {
  (void)state;
  synthetic s;
  syn_create(&s, MPI_COMM_WORLD, 0);
  s.job.record.rates_bin_ms = 0.75;
  refuse(&s, folder, "record.rates.bin_ms: 0.75: expected a positive multiple of simulation.dt_ms = 0.5");
  s.job.record.rates_bin_ms = 2.5;
  s.job.record.bold_tr_s = 0.0505;
  refuse(&s, folder, "record.bold.tr_s: 0.0505: expected a multiple of 0.001");
  s.job.record.bold_tr_s = 0.05;
  s.job.record.currents_interval_ms = 0.2;
  refuse(&s, folder, "record.currents.interval_ms: 0.2");
  s.job.record.currents_interval_ms = 10;
  s.job.record.lfp_interval_ms = 0.75;
  refuse(&s, folder, "record.lfp.interval_ms: 0.75");
  s.job.record.lfp_interval_ms = 10;
  s.job.record.spectra_segment_ms = 4;
  refuse(&s, folder, "record.spectra.segment_ms: 4: expected a multiple of bin_ms = 2.5");
  s.job.record.spectra_segment_ms = 2.5;
  refuse(&s, folder, "a spectrum of segments of 1 samples: expected 2 to");
  s.job.record.spectra_segment_ms = 202.5;
  for (int p = 0; p < SYN_POPULATIONS; p += 2) s.populations[p].type = 'I';
  refuse(&s, folder, "record.lfp: no population is excitatory");
  for (int p = 0; p < SYN_POPULATIONS - 1; p += 2) s.populations[p].type = 'E';
  s.network.dt_ms = 0.4; /* does not divide the balloon's millisecond */
  s.job.record.rates_bin_ms = s.job.record.spectra_bin_ms = 2;
  s.job.record.spectra_segment_ms = 200;
  s.job.record.n_traces = 0;
  s.job.record.flush_ms = 400;
  refuse(&s, folder, "Balloon");
  s.network.dt_ms = 0.5;
  s.network.n_regions = 0;
  for (int p = 0; p < SYN_POPULATIONS; p++) s.populations[p].region = -1;
  refuse(&s, folder, "record.bold: the network has no regions");
  syn_destroy(&s);
}

static void test_folder(void **state) {
  (void)state;
  synthetic s;
  char nowhere[80];
  syn_create(&s, MPI_COMM_WORLD, 0);
  snprintf(nowhere, sizeof nowhere, "%s/nowhere", folder);
  refuse(&s, nowhere, "nowhere/spikes.h5: cannot be written: No such file or directory");
  syn_destroy(&s);
}

static void test_measured(void **state) {
  (void)state;
  synthetic s;
  syn_create(&s, MPI_COMM_WORLD, 0);
  s.job.record.empirical_bold = table;
  refuse(&s, folder, "measured.csv: cannot be read");
  write_table("1 2 3 4 5\n2 3 4 5 7\n1 1 1 2 1\n");
  refuse(&s, folder, "5 columns: expected one per region of the network, 6");
  write_table("a,b,c,d,e,f\n1,2,3,4,5,6\n2,3,4,5,7,x\n");
  refuse(&s, folder, "measured.csv:3: field 6 is \"x\": expected a finite number");
  write_table("1,2,3,4,5,6\n2,3,4,5,7,nan\n");
  refuse(&s, folder, "measured.csv:2: field 6 is \"nan\"");
  write_table("# comment\n1,2,3,4,5,6\n2,3,4,5,7\n");
  refuse(&s, folder, "measured.csv:3: 5 numbers: expected 6 as in the first row");
  write_table("1,2,3,4,5,6\n2,3,4,5,7,7\n");
  refuse(&s, folder, "2 volumes: expected at least 3");
  write_table("1,2,3,4,5,6\n2,3,4,5,7,6\n3,3,4,5,7,6\n");
  refuse(&s, folder, "column 6 is 6 throughout");
  write_table("# nothing\n\n");
  refuse(&s, folder, "no numbers: expected a matrix");
  unlink(table);
  syn_destroy(&s);
}

static void test_matrix(void **state) {
  (void)state;
  cls_matrix m;
  write_table("# from a scanner\nL one,R two\n 1.5 ,\t-2e3\r\n\n0x1p1;4\n  7\t8");
  assert_int_equal(cls_matrix_read(table, &m), CLS_OK);
  assert_int_equal(m.rows, 3);
  assert_int_equal(m.columns, 2);
  const double expected[] = {1.5, -2000, 2, 4, 7, 8};
  for (int i = 0; i < 6; i++) assert_true(m.values[i] == expected[i]);
  cls_matrix_free(&m);
  write_table("1,,3\n");
  assert_int_equal(cls_matrix_read(table, &m), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), ":1: field 2 is \"\""));
  write_table("1 2\n3 4\nwords 5\n");
  assert_int_equal(cls_matrix_read(table, &m), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), ":3: field 1 is \"words\""));
  unlink(table);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  strcpy(folder, P_tmpdir "/callosum_input_XXXXXX");
  if (!mkdtemp(folder)) return 1;
  snprintf(table, sizeof table, "%s/measured.csv", folder);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_intervals), cmocka_unit_test(test_folder),
                                     cmocka_unit_test(test_measured), cmocka_unit_test(test_matrix)};
  int result = cmocka_run_group_tests(tests, NULL, NULL);
  rmdir(folder);
  MPI_Finalize();
  return result;
}
