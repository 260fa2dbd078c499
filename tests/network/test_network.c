/* Descriptions: numbering, names, delays, the scale of weights, and what is refused. */
#include "draws.h"

static const uint64_t sizes[] = {100, 50};

/* A correct network to spoil: p0 (100) and p1 (50) of lif_psc_exp, p2 (60) and p3 (1) of lif_dtb; projection
 * 0 from p0 onto p1. */
static cls_network *make(void) {
  cls_network *network = make_network("lif_psc_exp", 1, 2, sizes);
  cls_population *p;
  OK(cls_network_add_population(network, "p2", cls_model_find("lif_dtb"), 60, &p));
  OK(cls_network_add_population(network, "p3", cls_model_find("lif_dtb"), 1, &p));
  connect(network, "a", 0, 1, CLS_FIXED_INDEGREE)->indegree = 10;
  return network;
}

static cls_projection *onto_dtb(cls_network *n) { return connect(n, "b", 0, 2, CLS_FIXED_INDEGREE); }
static cls_projection *mixed(cls_network *n, uint32_t target, const cls_projection_source *s,
                             uint32_t count) {
  cls_projection *p;
  OK(cls_network_add_projection(n, "b", target, CLS_FIXED_INDEGREE, s, count, &p));
  p->indegree = 3;
  return p;
}
static int parameter(const cls_network *n, int population, const char *name) {
  return cls_model_param(n->populations[population].model, name);
}

/* ---- what is refused, one spoiler each ---- */

static void empty_population(cls_network *n) { n->populations[1].n = 0; }
static void large_population(cls_network *n) { n->populations[1].n = 1ull << 32; }
static void bad_region(cls_network *n) { n->populations[0].region = 3; }
static void bad_rate(cls_network *n) { n->populations[0].rate_hz = NAN; }
static void low_parameter(cls_network *n) {
  n->populations[0].param[parameter(n, 0, "tau_m_ms")] = cls_constant(-1);
}
static void nan_parameter(cls_network *n) {
  n->populations[0].param[parameter(n, 0, "tau_m_ms")] = cls_constant(NAN);
}
static void far_parameter(cls_network *n) {
  n->populations[0].param[parameter(n, 0, "tau_m_ms")] = distribution(CLS_NORMAL, -20, 1);
}
static void reset_above_threshold(cls_network *n) {
  n->populations[0].param[parameter(n, 0, "V_reset_mV")] = cls_constant(-40);
}
static void fixed_state(cls_network *n) {
  int state = cls_model_state(n->populations[0].model, "refractory_steps");
  n->populations[0].has_initial[state] = true;
  n->populations[0].initial[state] = cls_constant(0);
}
static void bad_initial(cls_network *n) {
  n->populations[0].has_initial[0] = true;
  n->populations[0].initial[0] = distribution(CLS_NORMAL, -60, -2);
}
static void input_receptor(cls_network *n) {
  cls_input *input;
  OK(cls_population_add_input(&n->populations[0], cls_model_find("poisson"), &input));
  input->receptor = 2;
}
static void current_receptor(cls_network *n) {
  cls_input *input;
  OK(cls_population_add_input(&n->populations[0], cls_model_find("dc"), &input));
  input->receptor = 0;
}
static void unequal_sizes(cls_network *n) { n->projections[0].rule = CLS_ONE_TO_ONE; }
static void large_indegree(cls_network *n) {
  n->projections[0].indegree = 101;
  n->projections[0].multapses = false;
}
static void large_indegree_without_self(cls_network *n) {
  cls_projection *p = connect(n, "b", 0, 0, CLS_FIXED_INDEGREE);
  p->indegree = 100;
  p->multapses = p->autapses = false;
}
static void only_oneself(cls_network *n) {
  cls_projection *p = connect(n, "b", 3, 3, CLS_FIXED_INDEGREE);
  p->indegree = 1;
  p->autapses = false;
}
static void huge_indegree(cls_network *n) { n->projections[0].indegree = 1ull << 32; }
static void large_total(cls_network *n) {
  n->projections[0].rule = CLS_FIXED_TOTAL_NUMBER;
  n->projections[0].total = 5001;
  n->projections[0].multapses = false;
}
static void total_of_no_pair(cls_network *n) {
  cls_projection *p = connect(n, "b", 3, 3, CLS_FIXED_TOTAL_NUMBER);
  p->total = 1;
  p->autapses = false;
}
static void high_probability(cls_network *n) {
  n->projections[0].rule = CLS_PAIRWISE_BERNOULLI;
  n->projections[0].probability = 1.5;
}
static void nan_probability(cls_network *n) {
  n->projections[0].rule = CLS_PAIRWISE_BERNOULLI;
  n->projections[0].probability = NAN;
}
static void several_sources(cls_network *n) {
  mixed(n, 1, (cls_projection_source[]){{0, 1, 0}, {1, 1, 0}}, 2)->rule = CLS_ALL_TO_ALL;
}
static void share_of_zero(cls_network *n) { mixed(n, 1, (cls_projection_source[]){{0, 1, 0}, {1, 0, 0}}, 2); }
static void share_nan(cls_network *n) { mixed(n, 1, (cls_projection_source[]){{0, NAN, 0}, {1, 1, 0}}, 2); }
static void source_twice(cls_network *n) {
  mixed(n, 1, (cls_projection_source[]){{0, 1, 0}, {1, 1, 0}, {0, 1, 0}}, 3);
}
static void mixture_too_small(cls_network *n) {
  cls_projection *p = mixed(n, 2, (cls_projection_source[]){{2, 1, 0}, {3, 1, 0}}, 2);
  p->indegree = 61;
  p->multapses = p->autapses = false;
}
static void bad_port(cls_network *n) { n->projections[0].port = 2; }
static void negative_weight(cls_network *n) { onto_dtb(n)->weight[1] = cls_constant(-0.5); }
static void sometimes_negative_weight(cls_network *n) {
  onto_dtb(n)->weight[0] = distribution(CLS_NORMAL, 0.5, 0.1);
}
static void nan_weight(cls_network *n) { n->projections[0].weight[0] = cls_constant(NAN); }
static void infinite_weight(cls_network *n) { n->projections[0].weight[0] = cls_constant(INFINITY); }
static void short_delay(cls_network *n) { n->projections[0].delay_ms = cls_constant(0.05); }
static void short_mean_delay(cls_network *n) {
  n->projections[0].delay_ms = distribution(CLS_NORMAL, 0.02, 0.3);
}
static void long_delay(cls_network *n) { n->projections[0].delay_ms = cls_constant(1638.4); }
static void long_tail(cls_network *n) { n->projections[0].delay_ms = distribution(CLS_NORMAL, 1600, 10); }
static void negative_tract(cls_network *n) { n->projections[0].sources[0].delay_ms = -1; }
static void overflowing_sum(cls_network *n) {
  n->projections[0].indegree = 20000000;
  n->projections[0].weight[0] = cls_constant(3);
}
static void overflowing_bytes(cls_network *n) { onto_dtb(n)->indegree = 20000000; }
static void tiny_weight(cls_network *n) { n->projections[0].weight[0] = cls_constant(1e-36); }

static void test_refusals(void **state) {
  (void)state;
  const struct {
    void (*spoil)(cls_network *network);
    cls_status status;
    const char *says[3];
  } cases[] = {
      {empty_population, CLS_ERR_INPUT, {"'p1'", "n: 0", "4294967295"}},
      {large_population, CLS_ERR_INPUT, {"'p1'", "4294967296", "4294967295"}},
      {bad_region, CLS_ERR_INPUT, {"'p0'", "region 3", "there are 0"}},
      {bad_rate, CLS_ERR_INPUT, {"'p0'", "rate_hz", "nan"}},
      {low_parameter, CLS_ERR_INPUT, {"'p0'", "tau_m_ms: -1", "expected 0.01"}},
      {nan_parameter, CLS_ERR_INPUT, {"'p0'", "tau_m_ms", "nan"}},
      {far_parameter, CLS_ERR_INPUT, {"'p0'", "tau_m_ms", "0.01"}},
      {reset_above_threshold, CLS_ERR_INPUT, {"'p0'", "V_reset_mV", "-40"}},
      {fixed_state, CLS_ERR_INPUT, {"'p0'", "refractory_steps", "lif_psc_exp"}},
      {bad_initial, CLS_ERR_INPUT, {"'p0'", "V_m_mV", "-2"}},
      {input_receptor, CLS_ERR_INPUT, {"'p0'", "poisson", "receptor 2"}},
      {current_receptor, CLS_ERR_INPUT, {"'p0'", "dc", "receptor 0"}},
      {unequal_sizes, CLS_ERR_INPUT, {"'a'", "100", "50"}},
      {large_indegree, CLS_ERR_INPUT, {"'a'", "indegree: 101", "at most 100"}},
      {large_indegree_without_self, CLS_ERR_INPUT, {"'b'", "indegree: 100", "at most 99"}},
      {only_oneself, CLS_ERR_INPUT, {"'b'", "'p3'", "autapses"}},
      {huge_indegree, CLS_ERR_INPUT, {"'a'", "indegree: 4294967296", "4294967295"}},
      {large_total, CLS_ERR_INPUT, {"'a'", "total: 5001", "at most 5000"}},
      {total_of_no_pair, CLS_ERR_INPUT, {"'b'", "total: 1", "'p3'"}},
      {high_probability, CLS_ERR_INPUT, {"'a'", "probability: 1.5", "0 ... 1"}},
      {nan_probability, CLS_ERR_INPUT, {"'a'", "probability: nan", "0 ... 1"}},
      {several_sources, CLS_ERR_INPUT, {"'b'", "2 source populations", "fixed_indegree"}},
      {share_of_zero, CLS_ERR_INPUT, {"'b'", "'p1'", "0: expected"}},
      {share_nan, CLS_ERR_INPUT, {"'b'", "'p0'", "nan"}},
      {source_twice, CLS_ERR_INPUT, {"'b'", "'p0'", "twice"}},
      {mixture_too_small, CLS_ERR_INPUT, {"'b'", "indegree: 61", "at most 60"}},
      {bad_port, CLS_ERR_INPUT, {"'a'", "port 2", "lif_psc_exp"}},
      {negative_weight, CLS_ERR_INPUT, {"'b'", "NMDA", "-0.5"}},
      {sometimes_negative_weight, CLS_ERR_INPUT, {"'b'", "AMPA", "-0.1"}},
      {nan_weight, CLS_ERR_INPUT, {"'a'", "weight", "nan"}},
      {infinite_weight, CLS_ERR_INPUT, {"'a'", "weight", "inf"}},
      {short_delay, CLS_ERR_INPUT, {"'a'", "0.05 ms", "below the step of 0.1 ms"}},
      {short_mean_delay, CLS_ERR_INPUT, {"'a'", "0.02 ms", "below the step of 0.1 ms"}},
      {long_delay, CLS_ERR_INPUT, {"'a'", "16384 steps", "16383"}},
      {long_tail, CLS_ERR_INPUT, {"'a'", "16600 steps", "16383"}},
      {negative_tract, CLS_ERR_INPUT, {"'a'", "'p0'", "-1 ms"}},
      {overflowing_sum, CLS_ERR_LIMIT, {"'p1'", "20000000 synapses", "projection 'a'"}},
      {overflowing_bytes, CLS_ERR_LIMIT, {"'p2'", "20000000 synapses", "AMPA"}},
      {tiny_weight, CLS_ERR_LIMIT, {"'p1'", "1e-36", "projection 'a'"}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cls_network *network = make();
    cases[i].spoil(network);
    cls_status status = cls_network_finish(network);
    if (status != cases[i].status) fail_msg("case %zu: status %d: %s", i, status, cls_error_message());
    for (int k = 0; k < 3; k++)
      if (!strstr(cls_error_message(), cases[i].says[k]))
        fail_msg("case %zu: '%s' is not in: %s", i, cases[i].says[k], cls_error_message());
    cls_network_destroy(network);
  }
}

static void test_names(void **state) {
  (void)state;
  cls_network *network = make();
  cls_population *population;
  cls_projection *projection;
  cls_projection_source source = {0, 1, 0}, outside = {9, 1, 0};
  const cls_model *model = cls_model_find("lif_dtb");
  double centre[3] = {1, 2, 3};
  int index;
  assert_int_equal(cls_network_add_population(network, "p1", model, 5, &population), CLS_ERR_INPUT);
  assert_non_null(strstr(cls_error_message(), "population 'p1'"));
  assert_int_equal(cls_network_add_population(network, "", model, 5, &population), CLS_ERR_INPUT);
  assert_int_equal(cls_network_add_population(network, "q", cls_model_find("ou"), 5, &population),
                   CLS_ERR_INPUT);
  assert_int_equal(cls_network_add_projection(network, "a", 0, CLS_ALL_TO_ALL, &source, 1, &projection),
                   CLS_ERR_INPUT);
  assert_int_equal(cls_network_add_projection(network, "c", 7, CLS_ALL_TO_ALL, &source, 1, &projection),
                   CLS_ERR_INPUT);
  assert_int_equal(cls_network_add_projection(network, "c", 0, CLS_ALL_TO_ALL, &outside, 1, &projection),
                   CLS_ERR_INPUT);
  assert_int_equal(cls_network_add_projection(network, "c", 0, CLS_ALL_TO_ALL, &source, 0, &projection),
                   CLS_ERR_INPUT);
  OK(cls_network_add_region(network, "V1", centre, &index));
  assert_int_equal(index, 0);
  assert_int_equal(cls_network_add_region(network, "V1", centre, &index), CLS_ERR_INPUT);
  OK(cls_network_add_region(network, "p1", centre, &index)); /* of another kind: no clash */
  assert_int_equal(network->n_populations, 4);
  assert_int_equal(network->n_projections, 1);
  assert_int_equal(network->n_regions, 2);

  cls_input *input;
  assert_int_equal(cls_population_add_input(network->populations, model, &input), CLS_ERR_INPUT);
  OK(cls_population_add_input(network->populations, cls_model_find("ou"), &input));
  assert_true(input->key == cls_hash_string("p0/0"));
  assert_int_equal(input->receptor, -1);
  OK(cls_population_add_input(network->populations, cls_model_find("poisson"), &input));
  assert_true(input->key == cls_hash_string("p0/1"));
  assert_int_equal(network->populations[0].n_inputs, 2);

  OK(cls_network_finish(network));
  assert_int_equal(cls_network_add_population(network, "late", model, 5, &population), CLS_ERR_INTERNAL);
  assert_int_equal(cls_network_finish(network), CLS_ERR_INTERNAL);
  cls_network_destroy(network);
  cls_network_destroy(NULL);

  assert_int_equal(cls_network_create("x", 0, 1, &network), CLS_ERR_INPUT);
  assert_int_equal(cls_network_create("x", NAN, 1, &network), CLS_ERR_INPUT);
  OK(cls_network_create("x", 1, 1, &network));
  assert_int_equal(cls_network_finish(network), CLS_ERR_INPUT);
  cls_network_destroy(network);
}

/* Many populations: names are found, neurons numbered in order. */
static void test_numbering(void **state) {
  (void)state;
  enum { MANY = 5000 };
  cls_network *network = make_network("lif_dtb", 1, 0, NULL);
  cls_population *population;
  char name[32];
  uint64_t total = 0;
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof name, "region%d/E", i);
    OK(cls_network_add_population(network, name, cls_model_find("lif_dtb"), 1 + (uint64_t)i % 7,
                                  &population));
    assert_true(population->key == cls_hash_string(name));
    total += population->n;
  }
  population->n += UINT32_MAX - population->n; /* beyond 32 bits in all */
  total += UINT32_MAX - (1 + (MANY - 1) % 7);
  OK(cls_network_finish(network));
  assert_true(network->n_neurons == total && total > UINT32_MAX);
  uint64_t first = 0;
  for (uint32_t p = 0; p < MANY; p++) {
    population = &network->populations[p];
    assert_true(population->first == first);
    assert_int_equal(cls_network_population_of(network, first), p);
    assert_int_equal(cls_network_population_of(network, first + population->n - 1), p);
    first += population->n;
    assert_int_equal(cls_network_find_population(network, population->name), p);
  }
  assert_int_equal(cls_network_find_population(network, "region5000/E"), -1);
  assert_in_range(cls_network_bytes(network), MANY * sizeof(cls_population),
                  2 * MANY * sizeof(cls_population) + 1000000);
  assert_int_equal(network->min_delay, 0);
  assert_int_equal(network->max_delay, 0);
  cls_network_destroy(network);
}

static void test_defaults(void **state) {
  (void)state;
  cls_network *network = make();
  OK(cls_network_finish(network));
  const cls_projection *p = &network->projections[0];
  assert_true(p->autapses && p->multapses);
  NEAR(cls_distribution_mean(&p->weight[0]), 1, 0);
  NEAR(network->expected_synapses, 500, 0);
  assert_int_equal(network->min_delay, 1);
  assert_int_equal(network->max_delay, 1);
  assert_int_equal(network->populations[0].region, -1);
  NEAR(network->populations[0].rate_hz, 5, 0);
  NEAR(cls_distribution_mean(&network->populations[0].param[0]), 250, 0);
  cls_network_destroy(network);
}

/* Distributions of parameters are confined to the range of the model. */
static void test_parameters_are_confined(void **state) {
  (void)state;
  cls_network *network = make();
  cls_distribution *tau = &network->populations[0].param[parameter(network, 0, "tau_m_ms")];
  *tau = distribution(CLS_NORMAL, 1, 1);
  OK(cls_network_finish(network));
  NEAR(tau->min, 0.01, 0);
  cls_stream stream = cls_stream_make(1, CLS_PURPOSE_PARAMETER, 1);
  for (uint32_t i = 0; i < 1000; i++) assert_true(cls_distribution_draw(tau, stream, i, 0, 0) >= 0.01);
  cls_network_destroy(network);
}

/* min_delay and max_delay over projections, sources and distributions. */
static void test_delay_bounds(void **state) {
  (void)state;
  cls_network *network = make();
  network->projections[0].delay_ms = cls_constant(3);
  cls_projection *p = mixed(network, 2, (cls_projection_source[]){{0, 1, 2.04}, {1, 1, 20}}, 2);
  p->delay_ms = distribution(CLS_NORMAL, 0, 0.2);
  p->delay_ms.min = -0.6, p->delay_ms.max = 0.6;
  OK(cls_network_finish(network));
  assert_int_equal(network->min_delay, 14);
  assert_int_equal(network->max_delay, 206);
  cls_network_destroy(network);
}

/* ---- the scale of weights ---- */

static double quantum_of(const char *model, double weight, uint64_t indegree, double second,
                         uint64_t second_indegree) {
  const uint64_t n[] = {1000, 1000};
  cls_network *network = make_network(model, 1, 2, n);
  cls_projection *p = connect(network, "a", 0, 1, CLS_FIXED_INDEGREE);
  p->indegree = indegree;
  p->weight[0] = cls_constant(weight);
  p = connect(network, "b", 1, 1, CLS_FIXED_INDEGREE);
  p->indegree = second_indegree;
  p->weight[0] = cls_constant(second);
  OK(cls_network_finish(network));
  double quantum = (double)network->quantum[1][0];
  assert_true((double)network->quantum[0][0] == 1); /* nothing arrives there */
  cls_network_destroy(network);
  return quantum;
}

static void test_quanta(void **state) {
  (void)state;
  /* the widest that 16 bits hold */
  NEAR(quantum_of("lif_psc_exp", 1, 100, 0, 0), 0x1p-14, 0);
  NEAR(quantum_of("lif_psc_exp", 32767, 100, 1, 5), 1, 0);
  NEAR(quantum_of("lif_psc_exp", -32768, 100, 1, 5), 2, 0);
  NEAR(quantum_of("lif_psc_exp", 32767.0 / 32, 100, -5, 5), 0x1p-5, 0);
  NEAR(quantum_of("lif_psc_exp", 0, 100, 0, 5), 1, 0);
  NEAR(quantum_of("lif_psc_exp", 5e-9, 100, 0, 5), 0x1p-42, 0);
  /* the larger of two projections decides */
  NEAR(quantum_of("lif_psc_exp", 1, 100, -3, 100), 0x1p-13, 0);
  /* sums of 32 bits: 16384 x 131071 = 2^31 - 16384 fits, one synapse more does not */
  NEAR(quantum_of("lif_psc_exp", 1, 131071, 1, 0), 0x1p-14, 0);
  NEAR(quantum_of("lif_psc_exp", 1, 131071, 1, 1), 0x1p-13, 0);
  NEAR(quantum_of("lif_psc_exp", 1, 16000000, 1, 0), 0x1p-7, 0); /* 128 steps: the least accepted */
  /* 8 bits */
  NEAR(quantum_of("lif_dtb", 1, 100, 1, 1), 0x1p-7, 0);
  NEAR(quantum_of("lif_dtb", 255.0 / 256, 100, 0.5, 1), 0x1p-8, 0);
  NEAR(quantum_of("lif_dtb", 1, 8000000, 1, 1), 0x1p-7, 0);
}

/* Bounds of in-degrees hold in draws, and are not far. */
static void test_indegree_bounds_enter_quanta(void **state) {
  (void)state;
  const uint64_t n[] = {1000, 10};
  cls_network *network = make_network("lif_psc_exp", 1, 2, n);
  connect(network, "a", 0, 1, CLS_FIXED_TOTAL_NUMBER)->total = 1290000;
  OK(cls_network_finish(network));
  /* 129000 + 10 sqrt(129000) + 10 = 132602 synapses x 16384 quanta > 2^31 - 1: 8192 quanta */
  NEAR((double)network->quantum[1][0], 0x1p-13, 0);
  cls_network_destroy(network);
  network = make_network("lif_psc_exp", 1, 2, n);
  connect(network, "a", 0, 1, CLS_FIXED_TOTAL_NUMBER)->total = 1260000; /* 126000 + 3550 + 10 = 129560 fit */
  OK(cls_network_finish(network));
  NEAR((double)network->quantum[1][0], 0x1p-14, 0);
  cls_network_destroy(network);
}

/* ---- a published network ---- */

/* Potjans & Diesmann (2014), table 5: the numbers of synapses of the full-scale microcircuit. */
static void test_pd14_counts(void **state) {
  (void)state;
  const uint64_t n[] = {20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948};
  const double c[8][8] = {{.1009, .1689, .0437, .0818, .0323, 0, .0076, 0},
                          {.1346, .1371, .0316, .0515, .0755, 0, .0042, 0},
                          {.0077, .0059, .0497, .1350, .0067, .0003, .0453, 0},
                          {.0691, .0029, .0794, .1597, .0033, 0, .1057, 0},
                          {.1004, .0622, .0505, .0057, .0831, .3726, .0204, 0},
                          {.0548, .0269, .0257, .0022, .0600, .3158, .0086, 0},
                          {.0156, .0066, .0211, .0166, .0572, .0197, .0396, .2252},
                          {.0364, .0010, .0034, .0005, .0277, .0080, .0658, .1443}};
  const double indegree[] = {4995, 5285, 2806, 5888, 4944, 2736, 2564, 2434};
  cls_network *network = make_network("lif_psc_exp", 55, 8, n);
  double sum[8] = {0};
  for (uint32_t t = 0; t < 8; t++)
    for (uint32_t s = 0; s < 8; s++) {
      if (c[t][s] == 0) continue;
      char name[16];
      snprintf(name, sizeof name, "%u-%u", s, t);
      cls_projection *p = connect(network, name, s, t, CLS_FIXED_TOTAL_NUMBER);
      p->total = (uint64_t)llrint(log(1 - c[t][s]) / log1p(-1 / ((double)n[s] * (double)n[t])));
      p->port = s % 2;
      p->weight[0] = distribution(CLS_NORMAL, s % 2 ? -351.234 : 87.8085, s % 2 ? 35.1234 : 8.78085);
      p->delay_ms = distribution(CLS_NORMAL, s % 2 ? 0.75 : 1.5, s % 2 ? 0.375 : 0.75);
      p->delay_ms.min = 0.1;
      sum[t] += cls_projection_expected_synapses(network, p);
    }
  OK(cls_network_finish(network));
  assert_true(network->n_neurons == 77169);
  assert_true(network->expected_synapses == 298880970);
  for (int t = 0; t < 8; t++) NEAR(sum[t] / (double)n[t], indegree[t], 0.5);
  assert_int_equal(network->min_delay, 1);
  assert_int_equal(network->max_delay, 60);
  NEAR((double)network->quantum[0][0], 0x1p-7, 0); /* 87.8 + 6 x 8.78 = 140.5 -> 17984 quanta */
  NEAR((double)network->quantum[0][1], 0x1p-5, 0); /* 561.97 -> 17983 quanta */

  /* one projection drawn: the synapses of its first cell follow the binomial */
  double count = 0;
  synapses all = {0};
  OK(cls_projection_draw(network, &network->projections[0], 0, 1024, CLS_DRAW_SOURCE, keep_synapses, &all));
  count = (double)all.n;
  double mean = (double)network->projections[0].total * 1024 / 20683;
  NEAR(count, mean, 5 * sqrt(mean));
  free(all.synapse);
  cls_network_destroy(network);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_numbering),
      cmocka_unit_test(test_defaults),
      cmocka_unit_test(test_parameters_are_confined),
      cmocka_unit_test(test_delay_bounds),
      cmocka_unit_test(test_quanta),
      cmocka_unit_test(test_indegree_bounds_enter_quanta),
      cmocka_unit_test(test_pd14_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
