/* Section `record:` as loaded: which populations, neurons, states and synapses recordings are about, and how large
 * they will be. */
#include "job/jobs.h"
#include <math.h>

static const char network[] = "simulation: {duration_ms: 1000, dt_ms: 0.1, members: 2}\n"
                              "populations:\n"
                              "  - {name: A/E, n: 100, type: E, model: lif_psc_exp, rate_hz: 10}\n"
                              "  - {name: A/I, n: 20, type: I, model: lif_psc_exp, rate_hz: 20}\n"
                              "  - {name: B/E, n: 50, type: E, model: lif_dtb}\n";

/* The network with a section `record:`. */
static void record(const char *section) {
  char *text = cls_format("%s%s", network, section);
  write_text(path, text);
  free(text);
  OK(load(path, (char *)NULL));
}

static void assert_chosen(const cls_chosen *chosen, bool wanted, const char *numbers) {
  char found[32] = "";
  for (uint32_t i = 0; i < chosen->n; i++)
    snprintf(found + strlen(found), sizeof found - strlen(found), "%u", chosen->population[i]);
  assert_int_equal(chosen->wanted, wanted);
  assert_string_equal(found, numbers);
}

static void test_selections(void **state) {
  (void)state;
  const char *spikes[][2] = {{"none", ""},         {"[]", ""},
                             {"all", "012"},       {"B/E", "2"},
                             {"[\"A/*\"]", "01"},  {"{type: E}", "02"},
                             {"[B/E, A/E]", "02"}, {"{population: [\"*/I\", B/E], type: I}", "1"}};
  for (size_t i = 0; i < sizeof spikes / sizeof *spikes; i++) {
    char *section = cls_format("record: {spikes: %s}\n", spikes[i][0]);
    record(section);
    assert_chosen(&job->record.spikes, i >= 2, spikes[i][1]);
    assert_false(job->record.neurons.wanted || job->record.spectra.wanted);
    free(section);
  }
  record("record: {neurons: {type: I}, spectra: {}}\n");
  assert_chosen(&job->record.neurons, true, "1");
  assert_chosen(&job->record.spectra, true, "012");
  assert_true(job->record.spectra_bin_ms == 1 && job->record.spectra_segment_ms == 1000);
  record("record: {neurons: none, spectra: {bin_ms: 0.3, on: [A/E]}, lfp: {}}\n");
  assert_false(job->record.neurons.wanted);
  assert_chosen(&job->record.spectra, true, "0");
  assert_true(fabs(job->record.spectra_segment_ms - 1000.2) < 1e-9); /* a default moves to a whole bin */
  assert_true(job->record.lfp_interval_ms == 1);
}

static void test_traces(void **state) {
  (void)state;
  record("record:\n"
         "  traces:\n"
         "    - {name: a, on: \"*\", variables: [V_m, refractory], interval_ms: 0.5}\n"
         "    - {name: b-2.x, on: [A/E, A/I], neurons: [19, 3, 0], variables: [I_inh_pA, I_exc]}\n"
         "    - {name: c, on: A/I, neurons: 1e3, variables: [V_m_mV]}\n");
  assert_int_equal(job->record.n_traces, 3);
  const cls_trace *a = &job->record.traces[0], *b = &job->record.traces[1], *c = &job->record.traces[2];
  assert_string_equal(b->name, "b-2.x");
  assert_chosen(&a->populations, true, "012");
  assert_int_equal(a->n_variables, 2);
  assert_string_equal(a->variables[0], "V_m_mV");
  assert_string_equal(a->variables[1], "refractory_steps");
  assert_string_equal(b->variables[0], "I_inh_pA");
  assert_string_equal(b->variables[1], "I_exc_pA");
  assert_true(a->interval_ms == 0.5 && b->interval_ms == 1);
  assert_true(a->first == 1 && b->first == 0 && b->n_index == 3);
  assert_true(b->index[0] == 0 && b->index[1] == 3 && b->index[2] == 19);
  assert_int_equal(cls_trace_neurons(a, job->network, 0), 1);
  assert_int_equal(cls_trace_neurons(b, job->network, 1), 3);
  assert_int_equal(cls_trace_neurons(c, job->network, 1), 20); /* all of a smaller population */
}

static double bytes_of(const cls_recording_size *sizes, int n, const char *name) {
  for (int i = 0; i < n; i++)
    if (strcmp(sizes[i].name, name) == 0) return sizes[i].bytes;
  fail_msg("no size of %s", name);
  return 0;
}

/* Projections of which all but one have STDP. */
#define PLASTIC                                                                                              \
  "projections:\n"                                                                                           \
  "  - {name: x1, source: A/E, target: A/I, rule: fixed_indegree, indegree: 10, receptor: exc, weight: 1,\n" \
  "     delay_ms: 1, plasticity: {stdp: {w_max: 2, a_plus: 0.1, a_minus: 0.1}}}\n"                           \
  "  - {name: x2, source: A/E, target: A/E, rule: all_to_all, receptor: exc, weight: 1, delay_ms: 1,\n"      \
  "     plasticity: {short_term: {u: 0.5, tau_rec_ms: 100}}}\n"                                              \
  "  - {name: x3, source: A/I, target: A/E, rule: fixed_indegree, indegree: 5, receptor: inh, weight: -1,\n" \
  "     delay_ms: 1, plasticity: {stdp: {w_max: -2, a_plus: 0.1, a_minus: 0.1}}}\n"                          \
  "  - {name: y, source: A/I, target: A/I, rule: one_to_one, receptor: inh, weight: -1, delay_ms: 1,\n"      \
  "     plasticity: {stdp: {w_max: -2, a_plus: 0.1, a_minus: 0.1}}}\n"

static void assert_weights(int i, const char *name, const char *numbers, double sample, double interval_ms) {
  const cls_weights *w = &job->record.weights[i];
  char found[32] = "";
  for (uint32_t k = 0; k < w->n; k++)
    snprintf(found + strlen(found), sizeof found - strlen(found), "%u", w->projection[k]);
  assert_string_equal(w->name, name);
  assert_string_equal(found, numbers);
  assert_true(w->sample == sample && w->interval_ms == interval_ms);
}

static void test_weights(void **state) {
  (void)state;
  record(PLASTIC "record:\n"
                 "  weights:\n"
                 "    - {name: a}\n"
                 "    - {name: b, projections: \"x*\", sample: 0.5, interval_ms: 0.3}\n"
                 "    - {name: c.2, projections: [y, \"?1\", y]}\n"
                 "    - {name: d, projections: x3}\n");
  assert_int_equal(job->record.n_weights, 4);
  assert_weights(0, "a", "023", 1, 1000);
  assert_weights(1, "b", "02", 0.5, 0.3); /* a pattern is about those with STDP alone */
  assert_weights(2, "c.2", "03", 1, 1000);
  assert_weights(3, "d", "2", 1, 1000);
  cls_recording_size *sizes = NULL;
  int n = 0;
  assert_int_equal(cls_job_recording_sizes(job, &sizes, &n), CLS_OK);
  /* 200, 500 and 20 synapses: 28 bytes each; for 2 members 4 bytes a row, of which one is the end of the run. */
  assert_true(bytes_of(sizes, n, "weights_a.h5") == 720 * 28 + 1 * (720 * 8 + 8) + 720 * 8);
  assert_true(bytes_of(sizes, n, "weights_b.h5") == 350 * 28 + 3333 * (350 * 8 + 8.0) + 350 * 8);
  free(sizes);
}

static void test_sizes(void **state) {
  (void)state;
  cls_recording_size *sizes = NULL;
  int n = 0;
  record("record: {}\n");
  assert_int_equal(cls_job_recording_sizes(job, &sizes, &n), CLS_OK);
  assert_int_equal(n, 0);
  free(sizes);
  record("record:\n"
         "  spikes: [\"A/*\"]\n"
         "  rates: {bin_ms: 3}\n"
         "  currents: {interval_ms: 1}\n"
         "  neurons: A/I\n"
         "  spectra: {bin_ms: 1, segment_ms: 100, on: A/E}\n"
         "  traces: [{name: t, on: {type: E}, neurons: 5, variables: [V_m], interval_ms: 0.5}]\n");
  assert_int_equal(cls_job_recording_sizes(job, &sizes, &n), CLS_OK);
  assert_int_equal(n, 6);
  assert_true(bytes_of(sizes, n, "spikes.h5") == 2 * 16 * (100 * 10 + 20 * 20));
  assert_true(bytes_of(sizes, n, "rates.h5") == 333 * (2 * 3 * 4 + 8));
  assert_true(bytes_of(sizes, n, "currents.h5") == 1000 * (2 * 3 * 4 * 4 + 8));
  assert_true(bytes_of(sizes, n, "neurons.h5") == 2 * 20 * 20);
  assert_true(bytes_of(sizes, n, "spectra.h5") == 2 * 51 * 8);
  assert_true(bytes_of(sizes, n, "trace_t_*.h5") == 2000 * (2 * 10 * 4 + 8) + 2 * 10 * 28);
  free(sizes);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_selections), cmocka_unit_test(test_traces),
                                     cmocka_unit_test(test_weights), cmocka_unit_test(test_sizes)};
  MPI_Init(&argc, &argv);
  cls_world_init(&world, MPI_COMM_WORLD, 1, 0);
  int failed = cmocka_run_group_tests(tests, make_file, drop_file);
  MPI_Finalize();
  return failed;
}
