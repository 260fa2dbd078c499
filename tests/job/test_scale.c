/* Networks with fewer neurons and synapses: the numbers of every rule, and weights, background and currents
 * that keep the mean and the variance of the input. */
#include "job/jobs.h"
#include <math.h>

static cls_status load_text(const char *text, const char *set) {
  write_text(path, text);
  return load(path, set, (char *)NULL);
}
static void loaded(const char *text, const char *set) { OK(load_text(text, set)); }
static void refused(const char *text, const char *set, const char *says) {
  REFUSED(load_text(text, set), says);
}

static void near(double value, double expected, double relative) {
  if (!(fabs(value - expected) <= relative * fabs(expected)))
    fail_msg("%.12g: expected %.12g", value, expected);
}

static double current_of(const char *name) {
  const cls_population *p = population(name);
  return cls_distribution_mean(&p->param[cls_model_param(p->model, "I_e_pA")]);
}

static const char text[] =
    "simulation: {duration_ms: 10}\n"
    "populations:\n"
    "  - {name: A, n: 1000, model: lif_psc_exp, rate_hz: 4, positions: {shape: disc, size_mm: 2},\n"
    "     inputs: [{model: poisson, rate_hz: 3000, weight: 50, receptor: exc}, {model: dc, amplitude: 7}]}\n"
    "  - {name: B, n: 400, model: lif_psc_exp, rate_hz: 11, positions: {shape: disc, size_mm: 2},\n"
    "     params: {tau_syn_exc_ms: 2, tau_syn_inh_ms: 0.8, I_e_pA: {distribution: normal, mean: 30, sd: "
    "3}}}\n"
    "  - {name: C, n: 1000, model: lif_psc_exp, rate_hz: 20}\n"
    "projections:\n"
    "  - {name: in, source: A, target: B, rule: fixed_indegree, indegree: 50, receptor: exc,\n"
    "     weight: {distribution: normal, mean: 10, sd: 1, min: 0}, delay_ms: 1}\n"
    "  - {name: total, source: B, target: B, rule: fixed_total_number, total: 8000, receptor: inh,\n"
    "     weight: {distribution: normal, mean: -20, sd: 20, max: 0}, delay_ms: 1}\n"
    "  - {name: out, source: A, target: B, rule: fixed_outdegree, outdegree: 10, receptor: inh, weight: -3}\n"
    "  - {name: mixture, source: [{population: A, weight: 1}, {population: C, weight: 3}], target: B,\n"
    "     rule: fixed_indegree, indegree: 40, receptor: exc, weight: 2, delay_ms: 1}\n"
    "  - {name: near, source: A, target: B, rule: pairwise_bernoulli, receptor: exc, weight: 6, delay_ms: "
    "1,\n"
    "     probability: {kernel: gaussian, peak: 0.1, sigma_mm: 0.3}}\n"
    "  - {name: all, source: B, target: A, rule: all_to_all, receptor: inh, weight: -1, delay_ms: 1}\n"
    "  - {name: pair, source: A, target: C, rule: one_to_one, receptor: exc, weight: 9, delay_ms: 1}\n";

/* Rounding of 5.5 to 6 of 11 and the like must show up in k, so: 0.3 of everything. */
static void test_mean_and_variance_stay(void **state) {
  (void)state;
  loaded(text, NULL);
  double near_synapses = cls_projection_expected_synapses(job->network, projection("near")) / 400;
  assert_true(near_synapses > 5 && near_synapses < 20);
  near(current_of("A"), 0, 0);
  near(current_of("B"), 30, 0);

  loaded(text, "scale={neurons: 0.5, indegree: 0.3}");
  assert_int_equal(population("A")->n, 500);
  assert_int_equal(projection("in")->indegree, 15);
  assert_int_equal(projection("total")->total, 1200);
  assert_int_equal(projection("out")->outdegree, 3);
  near(projection("near")->kernel.peak, 0.06, 1e-12);

  /* weights x 1 / sqrt(k), with what each rule keeps */
  double k = 0.3, root = sqrt(k), half = sqrt(0.5);
  near(cls_distribution_mean(&projection("in")->weight[0]), 10 / root, 1e-12);
  near(cls_distribution_sd(&projection("in")->weight[0]), 1 / root, 1e-12);
  near(cls_distribution_mean(&projection("out")->weight[0]), -3 / root, 1e-12);
  near(cls_distribution_mean(&projection("near")->weight[0]), 6 / root, 1e-12);
  near(cls_distribution_mean(&projection("all")->weight[0]), -1 / half, 1e-12);
  near(cls_distribution_mean(&projection("pair")->weight[0]), 9, 0);
  assert_true(cls_distribution_upper(&projection("total")->weight[0]) <= 0);

  /* what is lost of the mean, in pA: tau_ms x K x J x rate / 1000 x (1 - sqrt(k)); a normal variable with mean
   * -20 and sd 20 kept below 0 has mean -20 - 20 phi(1) / Phi(1) */
  double bounded = -20 - 20 * exp(-0.5) / sqrt(2 * M_PI) / (0.5 * erfc(-1 / sqrt(2.0)));
  double exc = 50 * 10 * 4 + 40 * 2 * (0.25 * 4 + 0.75 * 20) + near_synapses * 6 * 4;
  double inh = 8000 / 400.0 * bounded * 11 + 1000 * 10 / 400.0 * -3 * 4;
  double b = (2 * exc + 0.8 * inh) / 1000 * (1 - root);
  near(current_of("B"), 30 + b, 2e-3); /* the bounded mean is of many draws */
  double a = 0.5 * 400 * -1 * 11 / 1000 * (1 - half) + 0.5 * 3000 * 50.0 / 1000 * (1 - root);
  near(current_of("A"), a, 1e-9);
  assert_true(current_of("C") == 0);
  const cls_input *poisson = &population("A")->inputs[0];
  near(cls_distribution_mean(&poisson->param[0]), 900, 1e-12);
  near(cls_distribution_mean(&poisson->param[1]), 50 / root, 1e-12);
  near(cls_distribution_mean(&population("A")->inputs[1].param[0]), 7, 0);
}

/* Delta synapses: a weight is a jump of the potential, so what is lost is C x K x J x rate. Relays and inputs
 * that change in time stay as they are. */
static void test_delta_synapses(void **state) {
  (void)state;
  loaded("simulation: {duration_ms: 10}\n"
         "populations:\n"
         "  - {name: R, n: 1000, model: relay, rate_hz: 30, inputs: [{model: poisson, rate_hz: 30, weight: "
         "1}]}\n"
         "  - {name: D, n: 500, model: lif_psc_delta, params: {C_m_pF: 200, tau_m_ms: 20},\n"
         "     inputs: [{model: poisson, rate_hz: 1000, weight: 0.2},\n"
         "              {model: poisson, rate_hz: 1000, weight: 0.2, waveform: {kind: step, start_ms: 5}}]}\n"
         "projections:\n"
         "  - {source: R, target: D, rule: fixed_indegree, indegree: 100, weight: 0.1, delay_ms: 1}\n"
         "scale: {neurons: 0.25, indegree: 0.25}\n",
         NULL);
  near(current_of("D"), 200 * (100 * 0.1 * 30 + 1000 * 0.2) / 1000 * (1 - sqrt(0.25)), 1e-12);
  near(cls_distribution_mean(&projection("R->D")->weight[0]), 0.2, 1e-12);
  const cls_input *inputs = population("D")->inputs;
  near(cls_distribution_mean(&inputs[0].param[0]), 250, 1e-12);
  near(cls_distribution_mean(&inputs[0].param[1]), 0.4, 1e-12);
  near(cls_distribution_mean(&inputs[1].param[0]), 1000, 0);
  near(cls_distribution_mean(&population("R")->inputs[0].param[0]), 30, 0);
}

static void test_weights_stay_as_written(void **state) {
  (void)state;
  const char *const sets[] = {"scale={neurons: 0.5, indegree: 0.3, weights: keep}", "scale={neurons: 0.5}"};
  for (int i = 0; i < 2; i++) {
    loaded(text, sets[i]);
    assert_true(cls_distribution_mean(&projection("in")->weight[0]) == 10);
    assert_true(cls_distribution_mean(&projection("all")->weight[0]) == -1);
    assert_true(current_of("A") == 0 && current_of("B") == 30);
    assert_true(cls_distribution_mean(&population("A")->inputs[0].param[0]) == 3000);
  }
  loaded(text, "scale={neurons: 0.5, weights: van_albada}"); /* all_to_all has fewer sources */
  near(cls_distribution_mean(&projection("all")->weight[0]), -sqrt(2), 1e-12);
  assert_true(cls_distribution_mean(&projection("in")->weight[0]) == 10);
}

static void test_refusals(void **state) {
  (void)state;
  char copy[sizeof text];
  memcpy(copy, text, sizeof text);
  memcpy(strstr(copy, "rate_hz: 20"), "layer: \"20\"", 11);
  refused(copy, "scale.indegree=0.3", "populations.2: key 'rate_hz' is missing");
  loaded(copy, "scale={indegree: 0.3, weights: keep}");
  refused(text, "scale.weights=maybe", "scale.weights: value 'maybe': expected one of: keep, van_albada");
  refused(text, "scale={neurons: 0.05, indegree: 1}",
          "projections.4.probability: value 0.1 becomes 2 with scale.neurons 0.05");
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mean_and_variance_stay),
      cmocka_unit_test(test_delta_synapses),
      cmocka_unit_test(test_weights_stay_as_written),
      cmocka_unit_test(test_refusals),
  };
  MPI_Init(&argc, &argv);
  cls_world_init(&world, MPI_COMM_WORLD, 1, 0);
  int failed = cmocka_run_group_tests(tests, make_file, drop_file);
  MPI_Finalize();
  return failed;
}
