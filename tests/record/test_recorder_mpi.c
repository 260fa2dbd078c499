/* The recorder on any number of ranks.
 *   test_recorder_mpi                     unit tests on the ranks it is started with
 *   test_recorder_mpi DIR MODE [HOW]      records the made-up run into DIR, layout MODE, and prints the
 * statistics; HOW: "kill" dies after some flushes, "limit" meets a full disk, "short" stops before the end,
 * MEASURED.tsv compares with a measurement */
#include "io/empirical.h"
#include "record/synthetic.h"
#include <hdf5.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];

static hsize_t length_of(hid_t file, const char *path) {
  hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(dataset);
  hsize_t n = (hsize_t)H5Sget_simple_extent_npoints(space);
  H5Sclose(space);
  H5Dclose(dataset);
  return n;
}

static void *read_all(hid_t file, const char *path, hid_t type) {
  hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  assert_true(dataset >= 0);
  void *values = calloc(length_of(file, path) + 1, H5Tget_size(type));
  assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Dclose(dataset);
  return values;
}

static hid_t open_file(const char *name) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(file >= 0);
  return file;
}

static void record_all(int mode) {
  synthetic s;
  cls_recorder *recorder = NULL;
  cls_statistics statistics[2];
  syn_create(&s, MPI_COMM_WORLD, mode);
  assert_int_equal(cls_recorder_create(&s.world, &s.job, &s.placement, &s.layout,
                                       &(cls_plastic_lister){&s, syn_list}, directory, s.steps, &recorder),
                   CLS_OK);
  assert_int_equal(cls_recorder_observer(recorder)->flush_interval, 666);
  assert_int_equal(syn_run(&s, cls_recorder_observer(recorder), s.steps), CLS_OK);
  assert_int_equal(cls_recorder_finish(recorder, statistics), CLS_OK);
  cls_recorder_destroy(recorder);
  syn_destroy(&s);
  MPI_Barrier(MPI_COMM_WORLD);
}

/* Every spike, at its place: (step, neuron) order, timestamps at the end of the step. */
static void test_spikes(void **state) {
  (void)state;
  synthetic s;
  record_all(2);
  syn_create(&s, MPI_COMM_WORLD, 0);
  hid_t file = open_file("spikes.h5");
  for (int m = 0; m < 2; m++) {
    const char *times_path = m ? "/spikes/brain_member1/timestamps" : "/spikes/brain/timestamps";
    const char *nodes_path = m ? "/spikes/brain_member1/node_ids" : "/spikes/brain/node_ids";
    double *times = read_all(file, times_path, H5T_NATIVE_DOUBLE);
    uint64_t *nodes = read_all(file, nodes_path, H5T_NATIVE_UINT64);
    size_t n = 0, length = length_of(file, times_path);
    for (int64_t step = 0; step < s.steps; step++)
      for (uint32_t p = 0; p < SYN_POPULATIONS; p++)
        for (uint64_t i = 0; i < s.populations[p].n; i++) {
          const uint64_t neuron = s.populations[p].first + i;
          if (!syn_spikes(syn_region(&s, p), m, neuron, step)) continue;
          assert_true(n < length);
          assert_int_equal(nodes[n], neuron);
          assert_true(times[n] == (double)(step + 1) * 0.5);
          n++;
        }
    assert_int_equal(n, length);
    assert_true(n > 20000);
    free(times);
    free(nodes);
  }
  H5Fclose(file);
  syn_destroy(&s);
  MPI_Barrier(MPI_COMM_WORLD);
}

/* Means of currents against a direct sum; NaN where a model has no such receptor. */
static void test_currents(void **state) {
  (void)state;
  synthetic s;
  record_all(1);
  syn_create(&s, MPI_COMM_WORLD, 0);
  hid_t file = open_file("currents.h5");
  float *data = read_all(file, "/currents/data", H5T_NATIVE_FLOAT);
  assert_int_equal(length_of(file, "/currents/data"), 300 * 2 * SYN_POPULATIONS * 3);
  for (int sample = 0; sample < 300; sample += 37)
    for (int m = 0; m < 2; m++)
      for (int p = 0; p < SYN_POPULATIONS; p++)
        for (int k = 0; k < 3; k++) {
          const float value = data[((sample * 2 + m) * SYN_POPULATIONS + p) * 3 + k];
          int64_t sum = 0;
          for (uint64_t i = 0; i < s.populations[p].n; i++)
            sum += syn_current(s.populations[p].first + i, m, (sample + 1) * 20 - 1, k);
          if (k >= s.populations[p].model->n_receptors)
            assert_true(isnan(value));
          else
            assert_true(value == (float)((double)sum / (1048576.0 * (double)s.populations[p].n)));
        }
  free(data);
  H5Fclose(file);
  syn_destroy(&s);
  MPI_Barrier(MPI_COMM_WORLD);
}

/* Frames of a trace against the states the neurons had; what is relative to a parameter with it added. */
static void check_trace(const synthetic *s, const cls_trace *trace, int variable, int member) {
  char name[64], path[64];
  snprintf(name, sizeof name, "trace_%s_%s.h5", trace->name, trace->variables[variable]);
  snprintf(path, sizeof path, "/report/brain%s/data", member ? "_member1" : "");
  const int state = cls_model_state(&syn_one, trace->variables[variable]);
  const int64_t interval = (int64_t)(trace->interval_ms / 0.5), frames = s->steps / interval;
  hid_t file = open_file(name);
  float *data = read_all(file, path, H5T_NATIVE_FLOAT);
  uint64_t *nodes = read_all(file, "/report/brain/mapping/node_ids", H5T_NATIVE_UINT64);
  size_t elements = 0;
  for (uint32_t k = 0; k < trace->populations.n; k++) {
    const uint32_t p = trace->populations.population[k];
    const uint64_t all = s->populations[p].n, n = trace->first == 0    ? 4
                                                  : trace->first < all ? trace->first
                                                                       : all;
    for (uint64_t i = 0; i < n; i++, elements++) {
      const uint32_t index = trace->first ? (uint32_t)i : trace->index[i];
      const double base = state == 1 ? cls_population_param(&s->network, p, index, 0) : 0;
      assert_int_equal(nodes[elements], s->populations[p].first + index);
      assert_true(state == 0 || (base > -70 && base < -60));
      for (int64_t f = 0; f < frames; f += 7) {
        const float kept = syn_state(nodes[elements], member, (f + 1) * interval - 1, state);
        const size_t row = length_of(file, path) / (size_t)frames;
        assert_true(data[(size_t)f * row + elements] == (float)((double)kept + base));
      }
    }
  }
  assert_int_equal(length_of(file, path), elements * (size_t)frames);
  assert_true(elements == (trace->first ? 120 : 8));
  free(data);
  free(nodes);
  H5Fclose(file);
}

static void test_traces(void **state) {
  (void)state;
  synthetic s;
  record_all(1);
  syn_create(&s, MPI_COMM_WORLD, 0);
  for (int m = 0; m < 2; m++) {
    check_trace(&s, &syn_traces[0], 0, m);
    check_trace(&s, &syn_traces[0], 1, m);
    check_trace(&s, &syn_traces[1], 0, m);
  }
  syn_destroy(&s);
  MPI_Barrier(MPI_COMM_WORLD);
}

/* Weights, and what stands beside them, in the order of the file. Of a sample the rest is left out. */
static void check_weights(const synthetic *s, const cls_weights *weights, size_t rows, int member) {
  char name[64];
  snprintf(name, sizeof name, "weights_%s.h5", weights->name);
  hid_t file = open_file(name);
  const size_t n = length_of(file, "/weights/initial"),
               all = length_of(file, member ? "/weights_member1/data" : "/weights/data");
  float *data = read_all(file, member ? "/weights_member1/data" : "/weights/data", H5T_NATIVE_FLOAT);
  float *initial = read_all(file, "/weights_member1/initial", H5T_NATIVE_FLOAT),
        *delay = read_all(file, "/weights/delay_ms", H5T_NATIVE_FLOAT);
  uint64_t *source = read_all(file, "/weights/source_id", H5T_NATIVE_UINT64),
           *target = read_all(file, "/weights/target_id", H5T_NATIVE_UINT64),
           *first = read_all(file, "/weights/projections/first", H5T_NATIVE_UINT64);
  uint32_t *projection = read_all(file, "/weights/projection", H5T_NATIVE_UINT32);
  double *time = read_all(file, "/weights_member1/time_ms", H5T_NATIVE_DOUBLE);
  size_t at = 0, left_out = 0;
  assert_int_equal(length_of(file, "/weights/time_ms"), rows);
  assert_int_equal(all, rows * n);
  for (uint32_t k = 0; k < weights->n; k++) {
    const uint32_t p = weights->projection[k], onto = syn_onto[p];
    assert_int_equal(first[k], at);
    for (uint32_t i = 0; i < s->populations[onto].n; i++) {
      cls_plastic_synapse list[SYN_MOST_SYNAPSES];
      const uint32_t here = syn_synapses(s, p, i, list);
      for (uint32_t j = 0; j < here; j++) {
        const cls_plastic_synapse *x = &list[j];
        /* A sample keeps the order; a weight says which of several synapses it is. */
        const int64_t end = (int64_t)(time[0] / 0.5 + 0.5) - 1;
        const float now = (float)(syn_v(x->target, p, j, member, end) * (16.0 / CLS_STDP_ONE));
        if (weights->sample < 1 && (at == n || data[at] != now)) {
          left_out++;
          continue;
        }
        assert_true(source[at] == x->source && target[at] == x->target && projection[at] == k);
        assert_true(delay[at] == (float)(0.5 * x->delay) && initial[at] == (float)x->drawn / 64);
        for (size_t row = 0; row < rows; row++) {
          const int64_t step = (int64_t)(time[row] / 0.5 + 0.5) - 1;
          assert_true(data[row * n + at] ==
                      (float)(syn_v(x->target, p, j, member, step) * (16.0 / CLS_STDP_ONE)));
        }
        at++;
      }
    }
  }
  assert_int_equal(at, n);
  assert_int_equal(first[weights->n], n);
  for (size_t row = 0; row < rows; row++)
    assert_true(time[row] == (row + 1 < rows ? (double)(row + 1) * weights->interval_ms : 3000));
  assert_true(weights->sample == 1 ? n > 500 && left_out == 0 : left_out > n / 2 && n > 20);
  free(data);
  free(initial);
  free(delay);
  free(source);
  free(target);
  free(first);
  free(projection);
  free(time);
  H5Fclose(file);
}

static void test_weights(void **state) {
  (void)state;
  synthetic s;
  record_all(2);
  syn_create(&s, MPI_COMM_WORLD, 0);
  for (int m = 0; m < 2; m++) {
    check_weights(&s, &syn_weights[0], 78, m);
    check_weights(&s, &syn_weights[1], 1, m);
  }
  syn_destroy(&s);
  MPI_Barrier(MPI_COMM_WORLD);
}

/* ---- for the test in Python ---- */

/* The job's measured BOLD, its columns named. */
static cls_status read_measured(synthetic *s, const char *path) {
  const cls_empirical_request request = {.path = path};
  char *names[SYN_REGIONS];
  for (int i = 0; i < SYN_REGIONS; i++) names[i] = s->network.regions[i].name;
  const cls_empirical_regions regions = {.n = SYN_REGIONS, .names = names, .listed = SYN_REGIONS};
  return cls_empirical_read(&request, &regions, NULL, &s->job.empirical);
}

static int record_for_python(char **argv, int argc) {
  synthetic s;
  cls_recorder *recorder = NULL;
  cls_statistics statistics[2];
  const char *how = argc > 3 ? argv[3] : "";
  syn_create(&s, MPI_COMM_WORLD, atoi(argv[2]));
  cls_status status = CLS_OK;
  if (strchr(how, '.') && s.world.rank == 0) status = read_measured(&s, how);
  if (status == CLS_OK)
    status = cls_recorder_create(&s.world, &s.job, &s.placement, &s.layout,
                                 &(cls_plastic_lister){&s, syn_list}, argv[1], s.steps, &recorder);
  if (status == CLS_OK && strcmp(how, "limit") == 0) { /* as a full disk: every further byte is refused */
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){60000, 60000});
  }
  if (status == CLS_OK && strcmp(how, "kill") == 0) {
    status = syn_run(&s, cls_recorder_observer(recorder), 2000);
    MPI_Barrier(MPI_COMM_WORLD);
    raise(SIGKILL);
  }
  if (status == CLS_OK)
    status = syn_run(&s, cls_recorder_observer(recorder), strcmp(how, "short") ? s.steps : 1001);
  if (status == CLS_OK) status = cls_recorder_finish(recorder, statistics);
  if (status != CLS_OK) {
    fprintf(stderr, "%s\n", cls_error_message());
    MPI_Abort(MPI_COMM_WORLD, status);
  }
  cls_recorder_destroy(recorder);
  for (int m = 0; m < 2 && s.world.rank == 0; m++) {
    const cls_statistics t = statistics[m];
    printf("mean_rate_hz %.17g isi_cv_median %.17g spike_correlation_mean %.17g fc_mean %.17g sc_fc_r %.17g "
           "fc_empirical_r %.17g fc_seconds %.17g rate_min_hz %.17g rate_max_hz %.17g\n",
           t.mean_rate_hz, t.isi_cv_median, t.spike_correlation_mean, t.fc_mean, t.sc_fc_r, t.fc_empirical_r,
           t.fc_seconds, t.rate_min_hz, t.rate_max_hz);
  }
  cls_empirical_free(s.job.empirical);
  syn_destroy(&s);
  return 0;
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  int result = 0;
  if (argc > 2) {
    result = record_for_python(argv, argc);
  } else {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    strcpy(directory, P_tmpdir "/callosum_record_XXXXXX");
    if (rank == 0 && !mkdtemp(directory)) MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Bcast(directory, sizeof directory, MPI_CHAR, 0, MPI_COMM_WORLD);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_spikes), cmocka_unit_test(test_currents),
                                       cmocka_unit_test(test_traces), cmocka_unit_test(test_weights)};
    result = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const files[] = {"spikes.h5",        "rates.h5",
                                        "bold.h5",          "currents.h5",
                                        "lfp.h5",           "spectra.h5",
                                        "neurons.h5",       "trace_first_V_mV.h5",
                                        "trace_first_x.h5", "trace_listed_V_mV.h5",
                                        "weights_all.h5",   "weights_some.h5"};
    for (size_t i = 0; rank == 0 && i < sizeof files / sizeof *files; i++) {
      char path[128];
      snprintf(path, sizeof path, "%s/%s", directory, files[i]);
      unlink(path);
    }
    if (rank == 0) rmdir(directory);
  }
  MPI_Finalize();
  return result;
}
