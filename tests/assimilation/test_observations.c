/* Measured series on their way to what members are compared with. Runs on any number of ranks. */
#include "base/outcome.h"

#include "assimilation/analysis.h"
#include "assimilation/observations.h"
#include "io/job.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static cls_world world;
static cls_job *job;
static cls_observations *x;
static char folder[] = P_tmpdir "/callosum_observations_XXXXXX";
enum { N = 12 };
static double series[N], sd;
static const double walk[N] = {5.346, 6.167, 6.498, 5.194, 6.1,   6.546,
                               6.009, 6.59,  6.955, 7.249, 7.278, 7.824};

static void near(double is, double expected, double within) {
  if (fabs(is - expected) <= within) return;
  fail_msg("%.17g, expected %.17g", is, expected);
}

static void fill(const double *values) { memcpy(series, values, sizeof series); }

/* ---- preparation ---- */

/* A line with a step: the line of the training part goes, wherever numbers are missing. */
static void test_detrend(void **state) {
  (void)state;
  cls_observation_options o = {.detrend = CLS_DETREND_LINEAR, .tr_s = 1, .error = 0.1};
  for (int t = 0; t < N; t++) series[t] = 3 - 0.25 * t + (t >= 8);
  series[2] = NAN;
  OK(cls_observations_prepare(&o, N, 8, series, &sd));
  for (int t = 0; t < N; t++)
    if (t != 2) near(series[t], t >= 8, 1e-12);
  assert_true(isnan(series[2]) && sd == 0.1);
  o.detrend = CLS_DETREND_MEAN;
  for (int t = 0; t < N; t++) series[t] = t < 4 ? t : 100;
  OK(cls_observations_prepare(&o, N, 4, series, &sd));
  for (int t = 0; t < N; t++) near(series[t], t < 4 ? t - 1.5 : 98.5, 1e-12);
}

/* scipy.signal: butter(2, .02, "high", fs=1/.8), then butter(2, .3, "low", fs=1/.8), lfilter from lfilter_zi
 * times the first value. */
static void test_band(void **state) {
  (void)state;
  static const double expected[N] = {8.88178419700125e-16, 0.210073195047714, 0.700559236433663,
                                     0.646993834986168,    0.109512883878727, 0.282949351813203,
                                     0.640121340898472,    0.514110253538165, 0.597523331902001,
                                     0.910312921352752,    0.99768496496213,  0.987211159148028};
  const cls_observation_options o = {.tr_s = 0.8, .band_low_hz = 0.02, .band_high_hz = 0.3, .error = 1};
  fill(walk);
  OK(cls_observations_prepare(&o, N, N, series, &sd));
  for (int t = 0; t < N; t++) near(series[t], expected[t], 1e-12);
}

/* What comes later changes nothing. */
static void test_causal(void **state) {
  (void)state;
  const cls_observation_options o = {.tr_s = 0.8,
                                     .band_low_hz = 0.02,
                                     .band_high_hz = 0.3,
                                     .error = 1,
                                     .detrend = CLS_DETREND_LINEAR,
                                     .rescale = CLS_RESCALE_RANGE,
                                     .rescale_low = 2,
                                     .rescale_high = 5};
  double early[N];
  fill(walk);
  OK(cls_observations_prepare(&o, N, 6, series, &sd));
  memcpy(early, series, sizeof early);
  fill(walk);
  for (int t = 9; t < N; t++) series[t] += 50;
  OK(cls_observations_prepare(&o, N, 6, series, &sd));
  for (int t = 0; t < 9; t++) assert_true(series[t] == early[t]);
  assert_true(series[9] != early[9]);
}

/* A missing volume is bridged by the one before; what is missing at first is not there. */
static void test_gaps(void **state) {
  (void)state;
  static const double low_pass[3] = {5.346, 5.571550745, 6.130192735};
  const cls_observation_options o = {.tr_s = 0.8, .band_low_hz = 0.02, .band_high_hz = 0.3, .error = 1};
  double held[N];
  fill(walk);
  series[5] = series[4];
  OK(cls_observations_prepare(&o, N, N, series, &sd));
  memcpy(held, series, sizeof held);
  fill(walk);
  series[5] = NAN;
  OK(cls_observations_prepare(&o, N, N, series, &sd));
  for (int t = 0; t < N; t++) assert_true(t == 5 ? isnan(series[t]) : series[t] == held[t]);
  fill(walk);
  OK(cls_observations_prepare(&o, N - 2, N, series + 2, &sd));
  memcpy(held, series, sizeof held);
  fill(walk);
  series[0] = series[1] = NAN;
  OK(cls_observations_prepare(&o, N, N, series, &sd));
  for (int t = 0; t < N; t++) assert_true(t < 2 ? isnan(series[t]) : series[t] == held[t]);
  /* Without a lower end the mean stays. */
  fill(walk);
  OK(cls_observations_prepare(&(cls_observation_options){.tr_s = 0.8, .band_high_hz = 0.3, .error = 1}, N, N,
                              series, &sd));
  for (int t = 0; t < 3; t++) near(series[t], low_pass[t], 1e-8);
}

static void test_rescale(void **state) {
  (void)state;
  cls_observation_options o = {.tr_s = 1,
                               .rescale = CLS_RESCALE_RANGE,
                               .rescale_low = 0.02,
                               .rescale_high = 0.05,
                               .error = 0.5,
                               .error_relative = true};
  for (int t = 0; t < N; t++) series[t] = t;
  OK(cls_observations_prepare(&o, N, 5, series, &sd));
  near(series[0], 0.02, 1e-15);
  near(series[4], 0.05, 1e-15);
  near(series[8], 0.08, 1e-15);
  near(sd, 0.5 * sqrt(2.5) * 0.03 / 4, 1e-15); /* 0 ... 4 have the variance 2.5 */
  o.rescale = CLS_RESCALE_MOMENTS, o.rescale_mean = 7, o.rescale_sd = 2, o.error_relative = false;
  for (int t = 0; t < N; t++) series[t] = -t;
  OK(cls_observations_prepare(&o, N, 5, series, &sd));
  near(series[2], 7, 1e-14);
  near(series[0], 7 + 2 * 2 / sqrt(2.5), 1e-14);
  assert_true(sd == 0.5);
}

static void test_refused_series(void **state) {
  (void)state;
  cls_observation_options o = {.tr_s = 1, .error = 0.5, .error_relative = true};
  for (int t = 0; t < N; t++) series[t] = t < 6 ? 0.1 : t;
  REFUSED(cls_observations_prepare(&o, N, 6, series, &sd), "does not vary in the first 6 volumes");
  OK(cls_observations_prepare(&o, N, 7, series, &sd));
  for (int t = 2; t < N; t++) series[t] = NAN;
  REFUSED(cls_observations_prepare(&o, N, N, series, &sd),
          "2 numbers in the first 12 volumes: expected at least 3");
}

/* ---- from a job ---- */

/* Rank 0 writes it. */
static const char *file(const char *name, const char *text) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = world.rank == 0 ? fopen(path, "w") : NULL;
  if (f) {
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
  }
  return path;
}

#define JOB(observations, more)                                                                              \
  "simulation: {duration_ms: 8000}\nbrain: {neurons: 500, connectome: {generator: {regions: 4}}}\n"          \
  "assimilation:\n  burn_in: 1\n"                                                                            \
  "  hyperparameters: [{name: h, populations: '*/E', receptor: AMPA, bounds: [0.5, 2]}]\n"                   \
  "  observations:\n" observations more

static void load(const char *text) {
  cls_job_destroy(job);
  cls_observations_destroy(x);
  job = NULL;
  x = NULL;
  OK(cls_job_load(&world, file("job.yaml", text), NULL, 0, &job));
  OK(cls_observations_read(&world, job, &x));
}

static void test_read(void **state) {
  (void)state;
  file("a.tsv",
       "R001\tL000\tother\tR000\n1\t10\t7\t5\n2\t20\t8\tn/a\n4\tn/a\t9\t6\n8\t80\t1\t4\n16\t90\t1\t3\n"
       "3\t95\t2\t2\n");
  file("a.json", "{\"RepetitionTime\": 0.8}");
  load(JOB("    - {kind: bold, file: a.tsv, error: 0.001, stop_s: 3.2, withhold_regions: 'R00[1]'}\n", ""));
  assert_int_equal(x->cycles, 6); /* of 10 that the run holds */
  assert_int_equal(job->assimilation.cycles, 6);
  assert_int_equal(x->n_obs, 3); /* L001 has no series */
  const char *names[] = {"bold L000", "bold R000", "bold R001"};
  const double expected[3][6] = {{10, 20, NAN, 80, 90, 95}, {5, NAN, 6, 4, 3, 2}, {1, 2, 4, 8, 16, 3}};
  for (uint32_t i = 0; i < 3; i++) {
    assert_string_equal(x->names[i], names[i]);
    assert_string_equal(job->network->regions[x->site[i]].name, names[i] + 5);
    assert_true(x->sd[i] == 0.001 && x->kind[i] == CLS_OBSERVE_BOLD && x->element[i] == 0);
    for (uint32_t c = 0; c < 6; c++) {
      const double is = x->series[c * 3 + i];
      assert_true(isnan(expected[i][c]) ? isnan(is) : is == expected[i][c]);
      assert_int_equal(cls_observation_withheld(x, c, i), i == 2 || c >= 4);
    }
  }
}

/* Prepared per region, by the part before stop_s alone; two elements of one kind have names of their own. */
static void test_read_prepared(void **state) {
  (void)state;
  file("b.csv", "1,5,2,3\n2,5.5,2,1\n3,7,1,2\n4,1,1,9\n50,2,3,8\n60,3,4,5\n");
  load(JOB("    - {kind: bold, file: b.csv, relative_error: 0.5, stop_s: 3.2, rescale: {range: [0, 3]}}\n"
           "    - {kind: rate, file: b.csv, error: 2}\n    - {kind: rate, file: b.csv, error: 3}\n",
           "  cycles: 5\n"));
  assert_int_equal(x->cycles, 5);
  assert_int_equal(x->n_obs, 12);
  near(x->series[0], 0, 1e-15);
  near(x->series[3 * 12], 3, 1e-15);
  near(x->series[4 * 12], 49, 1e-12);
  near(x->sd[0], 0.5 * sqrt(5. / 3), 1e-15); /* of 0, 1, 2, 3 */
  assert_true(x->series[4 * 12 + 4] == 50 && x->sd[4] == 2 && x->sd[8] == 3);
  assert_string_equal(x->names[0], "bold L000");
  assert_string_equal(x->names[4], "rate L000 (1)");
  assert_string_equal(x->names[8], "rate L000 (2)");
}

static void test_missing_half(void **state) {
  (void)state;
  cls_job_destroy(job);
  job = NULL;
  file("c.tsv", "R001\tL000\tother\tR000\n1\t10\t7\tn/a\n2\t20\t8\tn/a\n4\tn/a\t9\tn/a\n8\t80\t1\tn/a\n");
  REFUSED(cls_job_load(&world, file("job.yaml", JOB("    - {kind: bold, file: c.tsv, error: 1}\n", "")), NULL,
                       0, &job),
          "9 of 16 values of 4 regions are missing (2 regions have none): expected at least half");
  MESSAGE("job.yaml:7: assimilation.observations.0.file");
}

/* A twin's observations come later; their relative errors are those of what it does after the burn-in. */
static void test_twin(void **state) {
  (void)state;
  load(JOB("    - {kind: rate, relative_error: 0.5, stop_s: 4}\n"
           "    - {kind: current, receptor: AMPA, error: 3}\n",
           "  twin: {truth: [0.5, 1.5]}\n"));
  assert_int_equal(x->cycles, 10);
  assert_int_equal(x->n_obs, 8);
  for (uint32_t i = 0; i < 80; i++) assert_true(isnan(x->series[i]));
  assert_true(isnan(x->sd[0]) && x->sd[4] == 3 && x->stop[0] == 5 && x->stop[4] == 10);
  double truth[80];
  for (uint32_t i = 0; i < 80; i++) truth[i] = i < 8 || i >= 40 ? 1000 : (double)(i / 8);
  OK(cls_observations_set(job, truth, x));
  near(x->sd[0], 0.5 * sqrt(5. / 3), 1e-15); /* of 1, 2, 3, 4 */
  assert_true(x->sd[4] == 3 && x->series[79] == 1000);
}

/* ---- the section itself ---- */

static void test_section(void **state) {
  (void)state;
  load("simulation: {duration_ms: 8000, seed: 5}\n"
       "brain: {neurons: 500, connectome: {generator: {regions: 4}}}\n"
       "stimuli: [{name: tone, on: ['L*/E'], model: ou, mean: 0.1}]\n"
       "assimilation:\n  hyperparameters:\n"
       "    - {name: a, populations: '*/E', parameter: g_AMPA_mS_cm2, bounds: [0.25, 2]}\n"
       "    - {name: b, populations: ['*/I', 'R*/E'], receptor: NMDA, per: hierarchical, transform: log,\n"
       "       prior: {mean: 1, sd: 0.3}}\n"
       "    - {name: c, populations: '*/E', input: {model: ou, parameter: mean}, per: shared,\n"
       "       bounds: [0.5, 1.5], update: false}\n"
       "    - {name: d, populations: 'L*/E', input: {stimulus: tone, parameter: mean}, relative: false,\n"
       "       bounds: [0.01, 0.3], process: {kind: persistence, tau_s: 4}, truth: [0.1, 0.2]}\n"
       "    - {name: e, populations: 'R*/I', receptor: GABA_A, bounds: [0.5, 2]}\n"
       "  observations: [{kind: bold, error: 1e-4}]\n"
       "  twin: {set: {simulation.seed: 7}, truth: [0.5, 1.5]}\n");
  const cls_assimilation_options *a = &job->assimilation;
  assert_true(a->wanted && a->members == 40 && a->min_members == 20 && a->seed == 5 && a->burn_in == 5);
  assert_string_equal(a->method, "letkf");
  assert_string_equal(a->inflation, "none");
  assert_true(a->cycles == 10 && a->localise == CLS_LOCALISE_OWN && a->passes == 1 && a->window == 1);
  assert_int_equal(a->n_hyper, 5);
  const cls_hyperparameter *h = a->hyper;
  assert_true(h->kind == CLS_HYPER_PARAM && h->n_populations == 4 && h->rows == 4 && h->relative &&
              h->update);
  near(h->prior_low, 0.25 + 1.75 / 3, 1e-15);
  near(h->prior_high, 2 - 1.75 / 3, 1e-15);
  assert_true(h->truth_low == 0.5 && h->truth_high == 1.5 && h->sd == 0.1 && h->input[0] == -1);
  for (uint32_t i = 0; i < 4; i++) {
    const cls_population *p = &job->network->populations[h->population[i]];
    assert_true(p->type == 'E' && h->row[i] == i && p->region == h->row_region[i]);
    assert_string_equal(h->row_names[i], job->network->regions[p->region].name);
    assert_int_equal(h->which[i], cls_model_param(p->model, "g_AMPA_mS_cm2"));
  }
  h++; /* six populations of four regions */
  assert_true(h->kind == CLS_HYPER_RECEPTOR && h->n_populations == 6 && h->rows == 4 && h->which[0] == 1);
  assert_true(h->prior_normal && h->prior_mean == 1 && h->prior_sd == 0.3 && h->lower == 0 &&
              isinf(h->upper));
  assert_true(h->deviation_sd == 0.5 && h->sd == 0.01);
  for (uint32_t i = 0; i < 6; i++)
    assert_int_equal(h->row_region[h->row[i]], job->network->populations[h->population[i]].region);
  h++; /* the background, not the stimulus, which is an `ou` too */
  assert_true(h->kind == CLS_HYPER_INPUT_PARAM && h->rows == 1 && h->row_region[0] == -1 && h->input[0] == 0);
  assert_string_equal(h->row_names[0], "all");
  assert_false(h->update);
  h++;
  assert_true(h->n_populations == 2 && h->rows == 2 && h->input[0] == 1 && !h->relative &&
              h->truth_low == 0.1);
  assert_true(h->process == CLS_PERSISTENCE && h->sd == 0 && h->tau_s == 4);
  h++; /* rows are those of the regions that occur */
  assert_true(h->rows == 2 && h->row[0] == 0 && h->row[1] == 1 && h->row_region[0] == 2 && h->which[0] == 2);
  assert_true(a->twin.wanted && a->twin.n_set == 1 && a->twin.seed == 5);
  assert_string_equal(a->twin.set[0], "simulation.seed=7");
}

/* Runs do not depend on the section, assimilations on all of it but what may change before they go on. */
static void test_hashes(void **state) {
  (void)state;
  static const struct {
    const char *option;
    bool same;
  } cases[] = {{"assimilation.groups=2", true},    {"assimilation.checkpoint_every=3", true},
               {"assimilation.cycles=3", true},    {"partition.method=contiguous", true},
               {"assimilation.members=41", false}, {"assimilation.observations.0.error=2", false},
               {"simulation.seed=2", false},       {"assimilation.observations.0.file=e.csv", false}};
  file("d.csv", "1,5,2,3\n2,5.5,2,1\n3,7,1,2\n4,1,1,9\n1,2,3,4\n");
  load(JOB("    - {kind: bold, file: d.csv, error: 1}\n", ""));
  const uint64_t science = job->science_hash, hash = job->assimilation_hash;
  assert_true(hash != 0 && !strstr(job->science, "assimilation"));
  file("e.csv", "1,5,2,3\n2,5.5,2,1\n3,7,1,2\n4,1,1,8\n1,2,3,4\n");
  char path[256];
  snprintf(path, sizeof path, "%s/job.yaml", folder);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char option[192];
    snprintf(option, sizeof option, "%s", cases[i].option);
    char *e = strstr(option, "e.csv"); /* of the folder where one is, not of the job's */
    if (e) snprintf(e, sizeof option - (size_t)(e - option), "%s/e.csv", folder);
    cls_job_destroy(job);
    job = NULL;
    OK(cls_job_load(&world, path, (const char *const[]){option}, 1, &job));
    assert_int_equal(job->assimilation_hash == hash, cases[i].same);
    assert_int_equal(job->science_hash == science, strcmp(cases[i].option, "simulation.seed=2") != 0);
  }
  /* The same path, other numbers. */
  MPI_Barrier(world.comm);
  file("d.csv", "1,5,2,3\n2,5.5,2,1\n3,7,1,2\n4,1,1,8\n1,2,3,4\n");
  cls_job_destroy(job);
  job = NULL;
  OK(cls_job_load(&world, path, NULL, 0, &job));
  assert_true(job->assimilation_hash != hash && job->science_hash == science);
}

static int begin(void **state) {
  (void)state;
  const char *made = world.rank == 0 ? mkdtemp(folder) : folder;
  MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, world.comm);
  return made ? 0 : -1;
}

static int end(void **state) {
  (void)state;
  static const char *const names[] = {"job.yaml", "a.tsv", "a.json", "b.csv", "c.tsv", "d.csv", "e.csv"};
  cls_job_destroy(job);
  cls_observations_destroy(x);
  MPI_Barrier(world.comm);
  for (size_t i = 0; i < sizeof names / sizeof *names && world.rank == 0; i++) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  return world.rank == 0 ? rmdir(folder) : 0;
}

/* A job names what cls_analyse() knows, number by number: io may not ask it. */
static void test_methods(void **state) {
  (void)state;
  const char *const *choices = NULL;
  for (int i = 0; i < cls_schema_assimilation.n_keys; i++)
    if (strcmp(cls_schema_assimilation.keys[i].name, "method") == 0)
      choices = cls_schema_assimilation.keys[i].choices;
  assert_non_null(choices);
  int n = 0;
  for (; choices[n] && cls_method_names[n]; n++) assert_string_equal(choices[n], cls_method_names[n]);
  assert_true(n >= 8 && !choices[n] && !cls_method_names[n]);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_detrend),      cmocka_unit_test(test_band),
      cmocka_unit_test(test_causal),       cmocka_unit_test(test_gaps),
      cmocka_unit_test(test_rescale),      cmocka_unit_test(test_refused_series),
      cmocka_unit_test(test_read),         cmocka_unit_test(test_read_prepared),
      cmocka_unit_test(test_missing_half), cmocka_unit_test(test_twin),
      cmocka_unit_test(test_section),      cmocka_unit_test(test_hashes),
      cmocka_unit_test(test_methods),
  };
  MPI_Init(&argc, &argv);
  cls_world_init(&world, MPI_COMM_WORLD, 1, 0);
  const int failed = cmocka_run_group_tests(tests, begin, end);
  MPI_Finalize();
  return failed;
}
