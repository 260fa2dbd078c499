/* What the recorder refuses, before any file exists. */
#include "base/outcome.h"
#include "record/synthetic.h"
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static bool exists(const char *name) {
  char path[128];
  struct stat info;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return stat(path, &info) == 0;
}

/* Creates a recorder that must be refused as bad input with `words` in its message and no file made. */
static void refuse(const synthetic *s, const char *directory, const char *words) {
  cls_recorder *recorder = NULL;
  REFUSED(cls_recorder_create(&s->world, &s->job, &s->placement, &s->layout,
                              &(cls_plastic_lister){s, syn_list}, directory, s->steps, &recorder),
          words);
  assert_null(recorder);
  static const char *const files[] = {"spikes.h5",   "rates.h5",         "bold.h5",
                                      "currents.h5", "lfp.h5",           "spectra.h5",
                                      "neurons.h5",  "trace_first_x.h5", "weights_all.h5"};
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

static void test_weights(void **state) {
  (void)state;
  synthetic s;
  cls_weights weights = syn_weights[0];
  syn_create(&s, MPI_COMM_WORLD, 0);
  s.job.record.weights = &weights;
  s.job.record.n_weights = 1;
  weights.interval_ms = 0.75;
  refuse(&s, folder,
         "record.weights: interval_ms: 0.75: expected a positive multiple of simulation.dt_ms = 0.5");
  weights.interval_ms = 10;
  weights.sample = 1e-12; /* all ranks must have looked before this can be said */
  refuse(&s, folder, "record.weights: all: no synapse of 3 projections is in a sample of 1e-12");
  syn_destroy(&s);
}

static void test_folder(void **state) {
  (void)state;
  synthetic s;
  char nowhere[80];
  syn_create(&s, MPI_COMM_WORLD, 0);
  snprintf(nowhere, sizeof nowhere, "%s/nowhere", folder);
  refuse(&s, nowhere, "nowhere: cannot be opened: No such file or directory");
  syn_destroy(&s);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  strcpy(folder, P_tmpdir "/callosum_input_XXXXXX");
  if (!mkdtemp(folder)) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_intervals), cmocka_unit_test(test_weights),
                                     cmocka_unit_test(test_folder)};
  int result = cmocka_run_group_tests(tests, NULL, NULL);
  rmdir(folder);
  MPI_Finalize();
  return result;
}
