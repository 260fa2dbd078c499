/* A connectome becomes a network: sizes, shares, in-degrees, mixtures, delays, and every decision about
 * untidy tables. */
#include "brains.h"

/* ---- the tidy case ---- */

static void divide_neurons_and_synapses(void **state) {
  (void)state;
  cls_connectome *c = make_connectome(3, three, 30);
  cls_brain brain = default_brain();
  for (int i = 0; i < 3; i++) c->area_mm2[i] = (double[]){1, 2, 4}[i];
  brain.neurons = 10000;
  expanded e = expand(c, &brain);
  assert_int_equal(e.n_kept, 3);
  assert_int_equal(e.network->n_regions, 3);
  assert_int_equal(e.network->n_populations, 6);
  /* 10000 / 7 (1, 2, 4) = 1428.57, 2857.14, 5714.29: the remainder goes to the first */
  assert_int_equal(population(&e, "r0/E")->n, 1143);
  assert_int_equal(population(&e, "r0/I")->n, 286);
  assert_int_equal(population(&e, "r1/E")->n + population(&e, "r1/I")->n, 2857);
  assert_int_equal(population(&e, "r2/E")->n + population(&e, "r2/I")->n, 5714);
  assert_int_equal(population(&e, "r1/I")->region, 1);
  assert_int_equal(population(&e, "r1/I")->type, 'I');
  assert_int_equal(projection(&e, "r0/E<-local E")->indegree, 57);
  assert_int_equal(projection(&e, "r0/I<-local I")->indegree, 14);
  assert_int_equal(projection(&e, "r0/I<-long range")->indegree, 29);
  assert_false(projection(&e, "r0/E<-local E")->multapses);
  assert_false(projection(&e, "r0/E<-local E")->autapses);
  assert_int_equal(projection(&e, "r0/E<-local E")->port, 0);
  assert_int_equal(projection(&e, "r0/E<-local I")->port, 1);
  OK(cls_network_finish(e.network));
  assert_int_equal(e.network->n_neurons, 10000);
  assert_true(e.network->expected_synapses == 10000 * 100);
  drop(&e);
  free(brain.inputs);
  cls_connectome_destroy(c);
}

static void mix_sources_by_row(void **state) {
  (void)state;
  cls_connectome *c = make_connectome(3, three, 30);
  cls_brain brain = default_brain();
  c->length_mm[1] = 120; /* r0 <- r2 */
  brain.coupling = 1.5;
  expanded e = expand(c, &brain);
  const cls_projection *p = projection(&e, "r0/E<-long range");
  assert_int_equal(p->rule, CLS_FIXED_INDEGREE);
  assert_int_equal(p->n_sources, 2);
  assert_int_equal(p->sources[0].population, cls_network_find_population(e.network, "r1/E"));
  assert_int_equal(p->sources[1].population, cls_network_find_population(e.network, "r2/E"));
  assert_true(p->sources[0].weight == .75 && p->sources[1].weight == .25);
  assert_true(p->sources[0].delay_ms == 10 && p->sources[1].delay_ms == 40); /* mm / 3 m/s */
  assert_int_equal(p->type, 'R');
  assert_int_equal(p->port, 0);
  for (int r = 0; r < 2; r++) {
    assert_true(cls_distribution_lower(&p->weight[r]) == 0 && cls_distribution_upper(&p->weight[r]) == 1.5);
    const cls_projection *local = projection(&e, "r0/E<-local I");
    assert_true(cls_distribution_upper(&local->weight[r]) == 1 &&
                cls_distribution_mean(&local->weight[r]) == .5);
  }
  assert_int_equal(p->delay_ms.kind, CLS_NORMAL);
  assert_true(p->delay_ms.b == .2 && fabs(p->delay_ms.max - .6) < 1e-12 && p->delay_ms.bound == CLS_CLIP);
  const cls_projection *local = projection(&e, "r1/I<-local E");
  assert_true(local->delay_ms.a == 1 && local->delay_ms.b == 2 && local->type == 'L');
  drop(&e);
  free(brain.inputs);
  cls_connectome_destroy(c);
}

/* Row r0: 1/7 and 6/7 of n x 29 synapses, exact in the sum. */
static void total_numbers_are_exact(void **state) {
  (void)state;
  const double weight[] = {0, 1, 6, 5, 0, 0, 0, 0, 0};
  cls_connectome *c = make_connectome(3, weight, 30);
  cls_brain brain = default_brain();
  brain.neurons = 10001;
  brain.rule = CLS_FIXED_TOTAL_NUMBER;
  expanded e = expand(c, &brain);
  const cls_projection *a = projection(&e, "r0/E<-r1/E"), *b = projection(&e, "r0/E<-r2/E");
  uint64_t n = population(&e, "r0/E")->n;
  assert_int_equal(a->rule, CLS_FIXED_TOTAL_NUMBER);
  assert_int_equal(a->total + b->total, n * 29);
  assert_true(fabs((double)a->total - (double)n * 29 / 7) <= 1);
  assert_true(a->sources[0].delay_ms == 10);
  assert_int_equal(projection(&e, "r1/I<-r0/E")->total, population(&e, "r1/I")->n * 29);
  assert_null(find_projection(&e, "r0/E<-long range"));
  OK(cls_network_finish(e.network));
  assert_true(e.network->expected_synapses == 10001 * 100);
  drop(&e);
  free(brain.inputs);
  cls_connectome_destroy(c);
}

/* Conductances go with 100 / in-degree, distributions and bounds too; the leak and all else stays. */
static void conductances_follow_indegree(void **state) {
  (void)state;
  cls_connectome *c = make_connectome(3, three, 30);
  cls_brain brain = default_brain();
  const cls_model *m = brain.model;
  int ampa = cls_model_param(m, "g_AMPA_mS_cm2"), leak = cls_model_param(m, "g_L_mS_cm2");
  int gaba = cls_model_param(m, "g_GABA_A_mS_cm2"), tau = cls_model_param(m, "tau_AMPA_ms");
  double g_ampa = cls_distribution_mean(&brain.param[ampa]);
  brain.indegree = 400;
  brain.param[gaba] =
      (cls_distribution){.kind = CLS_GAMMA, .a = 5, .b = 5, .scale = .01, .min = .002, .max = .08};
  expanded e = expand(c, &brain);
  const cls_population *p = population(&e, "r2/I");
  /* between 200 (1.045) and 1000 (1.046), linear in the logarithm: 400 is ln 2 / ln 5 = .43068 of the way */
  assert_true(fabs(cls_distribution_mean(&p->param[ampa]) / (g_ampa / 4) - 1.0454307) < 1e-7);
  assert_true(cls_brain_compensation(100) == 1 && cls_brain_compensation(20) == .88);
  drop(&e);
  brain.compensate = false;
  e = expand(c, &brain);
  p = population(&e, "r2/I");
  assert_true(fabs(cls_distribution_mean(&p->param[ampa]) - g_ampa / 4) < 1e-15);
  assert_true(fabs(cls_distribution_mean(&p->param[gaba]) - .0025) < 1e-15);
  assert_true(fabs(p->param[gaba].min - .0005) < 1e-15 && fabs(p->param[gaba].max - .02) < 1e-15);
  assert_true(cls_distribution_mean(&p->param[leak]) == .025 && cls_distribution_mean(&p->param[tau]) == 2);
  assert_int_equal(projection(&e, "r0/E<-local E")->indegree,
                   229); /* 400 (4, 1, 2) / 7 = 228.6, 57.1, 114.3 */
  assert_int_equal(projection(&e, "r0/E<-local I")->indegree, 57);
  assert_int_equal(projection(&e, "r0/E<-long range")->indegree, 114);
  assert_int_equal(p->n_inputs, 1);
  assert_string_equal(p->inputs[0].model->name, "ou");
  assert_true(cls_distribution_mean(&p->inputs[0].param[cls_model_param(p->inputs[0].model, "sd")]) == .15);
  assert_true(p->inputs[0].key != population(&e, "r2/E")->inputs[0].key);
  OK(cls_network_finish(e.network));
  drop(&e);
  free(brain.inputs);
  cls_connectome_destroy(c);
}

/* ---- untidy tables, one by one ---- */

static void drop_empty_regions(void **state) {
  (void)state;
  /* r1: area 0, not connected; r3: not connected, but with an area */
  const double weight[] = {0, 0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
  cls_connectome *c = make_connectome(4, weight, 30);
  cls_brain brain = default_brain();
  for (int i = 0; i < 4; i++) c->area_mm2[i] = i == 1 ? 0 : 100;
  expanded e = expand(c, &brain);
  assert_int_equal(e.n_kept, 3);
  assert_true(e.kept[0] == 0 && e.kept[1] == 2 && e.kept[2] == 3);
  assert_true(cls_network_find_population(e.network, "r1/E") < 0);
  assert_int_equal(population(&e, "r0/E")->n, 5334); /* 6667 of 20000, .8 of it */
  assert_int_equal(projection(&e, "r0/E<-long range")->sources[0].population,
                   cls_network_find_population(e.network, "r2/E"));
  drop(&e);
  /* where no area is known at all, 0 says nothing */
  for (int i = 0; i < 4; i++) c->area_mm2[i] = 0;
  e = expand(c, &brain);
  assert_int_equal(e.n_kept, 4);
  assert_int_equal(population(&e, "r3/E")->n, 4000);
  drop(&e);
  free(brain.inputs);
  cls_connectome_destroy(c);
}

static void choose_sizes(void **state) {
  (void)state;
  cls_connectome *c = make_connectome(3, three, 30);
  cls_brain brain = default_brain();
  brain.neurons = 3000;
  for (int i = 0; i < 3; i++) {
    c->area_mm2[i] = i == 2 ? 0 : 10 + 90 * i; /* r2 is connected: all count alike */
    c->volume_mm3[i] = 0;
  }
  expanded e = expand(c, &brain);
  for (int i = 0; i < 6; i++) assert_int_equal(e.network->populations[i].n, i % 2 ? 200 : 800);
  drop(&e);
  for (int i = 0; i < 3; i++) {
    c->area_mm2[i] = NAN; /* no areas: volumes */
    c->volume_mm3[i] = 1 + i;
  }
  e = expand(c, &brain);
  assert_int_equal(population(&e, "r0/E")->n, 400);
  assert_int_equal(population(&e, "r2/E")->n, 1200);
  drop(&e);
  brain.sizes = CLS_SIZES_EQUAL;
  e = expand(c, &brain);
  assert_int_equal(population(&e, "r2/E")->n, 800);
  drop(&e);
  brain.sizes = CLS_SIZES_AREA;
  REFUSED(try_expand(c, &brain, &e), "brain.sizes: area: the connectome");
  free(brain.inputs);
  cls_connectome_destroy(c);
}

static void share_of_missing_input(void **state) {
  (void)state;
  const double weight[] = {0, 3, 1, 5, 0, 0, 0, 0, 7}; /* r2 has only itself */
  cls_connectome *c = make_connectome(3, weight, 30);
  cls_brain brain = default_brain();
  expanded e = expand(c, &brain);
  assert_int_equal(projection(&e, "r2/E<-local E")->indegree, 86);
  assert_int_equal(projection(&e, "r2/I<-local E")->indegree, 86);
  assert_int_equal(projection(&e, "r2/E<-local I")->indegree, 14);
  assert_null(find_projection(&e, "r2/E<-long range"));
  assert_int_equal(projection(&e, "r1/E<-local E")->indegree, 57);
  drop(&e);
  free(brain.inputs);
  cls_connectome_destroy(c);
}

static void length_zero(void **state) {
  (void)state;
  const double weight[] = {0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0};
  cls_connectome *c = make_connectome(5, weight, 0);
  cls_brain brain = default_brain();
  c->centre_mm[2][0] = 0;   /* on top of r0 */
  c->centre_mm[3][1] = NAN; /* unknown */
  c->centre_mm[4][2] = 30;  /* (40, 0, 30): 50 mm from r0 */
  expanded e = expand(c, &brain);
  const cls_projection *p = projection(&e, "r0/E<-long range");
  assert_int_equal(p->n_sources, 4);
  assert_true(fabs(p->sources[0].delay_ms - 10 / 3.0) < 1e-12);
  assert_true(p->sources[1].delay_ms == .1 && p->sources[2].delay_ms == .1);
  assert_true(fabs(p->sources[3].delay_ms - 50 / 3.0) < 1e-12);
  OK(cls_network_finish(e.network));
  drop(&e);
  free(brain.inputs);
  cls_connectome_destroy(c);
}

/* 5 neurons in a region: 4 E and 1 I for in-degrees of 57 and 14. */
static void repeat_sources_where_few(void **state) {
  (void)state;
  cls_connectome *c = make_connectome(3, three, 30);
  cls_brain brain = default_brain();
  for (int i = 0; i < 3; i++) c->area_mm2[i] = (double[]){1e-9, 1, 1}[i];
  brain.neurons = 2005;
  expanded e = expand(c, &brain);
  assert_int_equal(population(&e, "r0/E")->n, 4);
  assert_int_equal(population(&e, "r0/I")->n, 1);
  assert_int_equal(population(&e, "r1/E")->n + population(&e, "r1/I")->n, 1000);
  assert_true(projection(&e, "r0/E<-local E")->multapses);
  assert_false(projection(&e, "r0/E<-local E")->autapses);
  assert_true(projection(&e, "r0/I<-local I")->multapses);
  assert_true(projection(&e, "r0/I<-local I")->autapses);     /* the only neuron there is */
  assert_true(projection(&e, "r1/E<-long range")->multapses); /* from the 4 of r0 */
  assert_false(projection(&e, "r0/E<-long range")->multapses);
  assert_false(projection(&e, "r1/E<-local E")->multapses);
  OK(cls_network_finish(e.network));
  assert_true(e.network->expected_synapses == 2005 * 100);
  drop(&e);
  free(brain.inputs);
  cls_connectome_destroy(c);
}

static void refuse_bad_brains(void **state) {
  (void)state;
  cls_connectome *c = make_connectome(3, three, 30);
  const cls_brain good = default_brain();
  cls_brain brain = good;
  expanded e;
  brain.neurons = 14;
  REFUSED(try_expand(c, &brain, &e), "brain.neurons: 14: expected at least 15");
  brain = good;
  brain.model = cls_model_find("lif_psc_exp");
  REFUSED(try_expand(c, &brain, &e),
          "brain.model: lif_psc_exp: expected a model with the ports excitatory and inhibitory");
  brain = good;
  brain.units = NULL;
  REFUSED(try_expand(c, &brain, &e), "brain.unit: none given");
  brain = good;
  brain.velocity_m_s = 0;
  REFUSED(try_expand(c, &brain, &e), "brain.velocity_m_s: 0");
  brain = good;
  brain.indegree = 0;
  REFUSED(try_expand(c, &brain, &e), "brain.indegree: 0");
  brain = good;
  brain.coupling = -1;
  REFUSED(try_expand(c, &brain, &e), "brain.coupling: -1");
  brain = good;
  brain.rule = CLS_ALL_TO_ALL;
  REFUSED(try_expand(c, &brain, &e), "brain.rule");
  free(good.inputs);
  cls_connectome_destroy(c);
}

/* ---- large ---- */

/* 998 regions and 20,001 neurons: every count adds up, in both rules, and quickly. */
static void many_regions(void **state) {
  (void)state;
  cls_generator g = cls_generator_default();
  cls_connectome *c = NULL;
  cls_brain brain = default_brain();
  g.regions = 998;
  g.density = .036;
  OK(cls_connectome_generate(&g, &c));
  brain.neurons = 20001;
  for (int rule = 0; rule < 2; rule++) {
    brain.rule = rule ? CLS_FIXED_TOTAL_NUMBER : CLS_FIXED_INDEGREE;
    double begin = cls_seconds();
    expanded e = expand(c, &brain);
    OK(cls_network_finish(e.network));
    print_message("998 regions, rule %d: %u projections in %.3f s\n", rule, e.network->n_projections,
                  cls_seconds() - begin);
    assert_int_equal(e.network->n_neurons, 20001);
    assert_int_equal(e.network->n_populations, 2 * 998);
    assert_true(e.network->expected_synapses == 20001 * 100);
    for (uint32_t p = 0; p < e.network->n_populations; p++) assert_true(e.network->populations[p].n >= 1);
    for (uint32_t r = 0; r < 998; r++)
      assert_true(e.network->populations[2 * r].n + e.network->populations[2 * r + 1].n >= 5);
    drop(&e);
  }
  free(brain.inputs);
  cls_connectome_destroy(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(divide_neurons_and_synapses),
                                     cmocka_unit_test(mix_sources_by_row),
                                     cmocka_unit_test(total_numbers_are_exact),
                                     cmocka_unit_test(conductances_follow_indegree),
                                     cmocka_unit_test(drop_empty_regions),
                                     cmocka_unit_test(choose_sizes),
                                     cmocka_unit_test(share_of_missing_input),
                                     cmocka_unit_test(length_zero),
                                     cmocka_unit_test(repeat_sources_where_few),
                                     cmocka_unit_test(refuse_bad_brains),
                                     cmocka_unit_test(many_regions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
