/* Jobs as loaded: the examples with their numbers, defaults, --set, scaling, and what sections decide
 * together. */
#include "job/jobs.h"
#include <math.h>

static cls_status load_text(const char *text) {
  write_text(path, text);
  return load(path, (char *)NULL);
}

static void assert_refused(cls_status status, const char *fragment) {
  REFUSED(status, fragment);
  assert_null(job);
}

/* ---- the examples ---- */

static void test_pd14(void **state) {
  (void)state;
  OK(load("jobs/examples/pd14.yaml", (char *)NULL));
  const cls_network *network = job->network;
  assert_int_equal(network->n_neurons, 77169);
  assert_int_equal(network->n_populations, 8);
  assert_int_equal(network->n_projections, 55);
  assert_true(network->expected_synapses == 298880970);
  /* Mean in-degrees, as published. */
  const double published[] = {4995, 5285, 2806, 5888, 4944, 2736, 2564, 2434};
  double total[8] = {0};
  for (uint32_t i = 0; i < network->n_projections; i++)
    total[network->projections[i].target] += (double)network->projections[i].total;
  for (int p = 0; p < 8; p++)
    assert_true(fabs(total[p] / (double)network->populations[p].n - published[p]) < 1);
  const cls_projection *doubled = projection("4E->23E");
  assert_true(doubled->weight[0].a == 175.617 && doubled->weight[0].min >= 0 && doubled->delay_ms.a == 1.5);
  assert_true(doubled->autapses && doubled->multapses);
  const cls_projection *inhibitory = projection("5I->5E");
  assert_true(inhibitory->weight[0].a == -351.234 && inhibitory->weight[0].max <= 0 && inhibitory->port == 1);
  assert_true(inhibitory->delay_ms.a == 0.75 && inhibitory->delay_ms.b == 0.375 &&
              inhibitory->delay_ms.min == 0.1);
  const cls_population *p = population("6E");
  assert_true(p->inputs[0].param[0].a == 2900 * 8 && p->inputs[0].receptor == 0 && p->type == 'E');
  assert_true(p->has_initial[0] && p->initial[0].a == -66.72 && p->initial[0].b == 5.46);
  assert_true(job->duration_ms == 5500 && job->record.warmup_ms == 500 && job->record.rates_bin_ms == 1);
}

static void test_pd14_scaled(void **state) {
  (void)state;
  OK(load("jobs/examples/pd14.yaml", "scale={neurons: 0.1, indegree: 0.2}", (char *)NULL));
  assert_int_equal(population("4E")->n, 2192); /* 2191.5, to even */
  assert_true(fabs(job->network->expected_synapses - 298880970 * 0.02) < 55);
  assert_true(projection("4E->23E")->weight[0].a == 175.617);
}

static void test_all_rules(void **state) {
  (void)state;
  OK(load("jobs/examples/all_rules.yaml", (char *)NULL));
  bool rule[CLS_EXPLICIT + 1] = {0}, model[64] = {0}, kind[5] = {0}, kernel[5] = {0}, shape[6] = {0};
  assert_true(cls_model_count() <= 64);
  for (uint32_t i = 0; i < job->network->n_projections; i++) {
    const cls_projection *p = &job->network->projections[i];
    rule[p->rule] = kernel[p->kernel.kind] = true;
    kind[p->weight[0].kind] = kind[p->delay_ms.kind] = true;
  }
  for (uint32_t i = 0; i < job->network->n_populations; i++) {
    const cls_population *p = &job->network->populations[i];
    shape[p->positions.shape] = true;
    for (int m = 0; m < cls_model_count(); m++)
      for (int k = 0; k < p->n_inputs; k++)
        if (cls_model_at(m) == p->inputs[k].model) model[m] = true;
  }
  for (int i = 0; i < CLS_EXPLICIT; i++)
    assert_true(rule[i]); /* lists need a file: tests/system/test_explicit.py */
  for (int i = 0; i < 5; i++) assert_true(kind[i] && kernel[i]);
  for (int i = 0; i <= CLS_SHAPE_GRID; i++)
    assert_true(shape[i] || i == CLS_SHAPE_BOX); /* like a rectangle */
  for (int m = 0; m < cls_model_count(); m++)
    if (cls_model_at(m)->is_input && !model[m])
      fail_msg("all_rules.yaml does not use %s", cls_model_at(m)->name);
  assert_true(population("exc")->n > 2 * CLS_CELL && population("few")->n < 64);
  const cls_projection *mixture = projection("mixture->dtb_e");
  assert_int_equal(mixture->n_sources, 3);
  assert_true(fabs(mixture->sources[1].weight - 0.5 / 4.5) < 1e-15 && mixture->sources[1].delay_ms == 8.05);
  assert_true(mixture->weight[1].kind == CLS_NORMAL);
}

/* Every neuron model has a population, so that the test of digests covers it. */
static void test_models(void **state) {
  (void)state;
  OK(load("jobs/examples/models.yaml", (char *)NULL));
  for (int m = 0; m < cls_model_count(); m++) {
    bool used = cls_model_at(m)->is_input;
    for (uint32_t i = 0; i < job->network->n_populations; i++)
      if (job->network->populations[i].model == cls_model_at(m)) used = true;
    if (!used) fail_msg("models.yaml has no population of %s", cls_model_at(m)->name);
  }
}

static void test_demo(void **state) {
  (void)state;
  OK(load("jobs/examples/demo.yaml", (char *)NULL));
  assert_int_equal(job->network->n_regions, 76);
  assert_int_equal(job->connectome->n_regions, 76);
  assert_int_equal(job->network->n_neurons, 20000);
  assert_true(fabs(job->network->expected_synapses - 2e6) < 2e4);
  assert_true(job->record.bold_tr_s == 0.8 && job->record.warmup_ms == 20000);
  const cls_chosen *spikes = &job->record.spikes;
  assert_true(spikes->wanted && spikes->n > 0 && spikes->n < job->network->n_populations);
  for (uint32_t i = 0; i < spikes->n; i++) {
    const char *name = job->network->populations[spikes->population[i]].name;
    assert_true(i == 0 || spikes->population[i] > spikes->population[i - 1]);
    assert_true(name[strlen(name) - 3] == '1' && name[strlen(name) - 2] == '/');
  }
  const cls_population *p = population("L000/E");
  const cls_model *m = p->model;
  assert_string_equal(m->name, "lif_dtb");
  assert_true(p->param[cls_model_param(m, "g_AMPA_mS_cm2")].a == 0.0036);
  assert_int_equal(p->n_inputs, 1);
  assert_true(p->inputs[0].param[0].a == 4 && p->inputs[0].param[1].a == 0.4 &&
              p->inputs[0].param[2].a == 0.15);
}

/* ---- --set and text ---- */

static void test_text_is_the_job(void **state) {
  (void)state;
  OK(load("jobs/examples/demo.yaml", (char *)NULL));
  uint64_t plain = job->hash;
  OK(load("jobs/examples/demo.yaml", "simulation.seed=2", "record.rates={bin_ms: 2}", (char *)NULL));
  assert_true(job->hash != plain && job->seed == 2 && job->network->seed == 2 &&
              job->record.rates_bin_ms == 2);
  assert_non_null(strstr(job->text, "seed: 2"));
  /* The text alone, without options, is the same job. */
  uint64_t with_options = job->hash;
  char *text = cls_format("%s", job->text);
  OK(load_text(text));
  assert_string_equal(job->text, text);
  assert_true(job->hash == with_options);
  free(text);
}

static void test_one_millisecond(void **state) {
  (void)state;
  OK(load("jobs/examples/demo.yaml", "simulation.dt_ms=1", (char *)NULL));
  const cls_population *p = population("L000/E");
  const int ampa = cls_model_param(p->model, "g_AMPA_mS_cm2");
  assert_true(p->param[ampa].a == 0.0030);
  OK(load("jobs/examples/demo.yaml", "simulation.dt_ms=1", "brain.params.g_AMPA_mS_cm2=0.005", (char *)NULL));
  assert_true(population("L000/E")->param[ampa].a == 0.005);
}

/* ---- what sections decide ---- */

static const char small[] =
    "simulation: {duration_ms: 100}\n"
    "populations:\n"
    "  - {name: A, n: 100, model: lif_psc_exp, rate_hz: 1e4}\n"
    "  - {name: B, n: 100, model: lif_dtb}\n"
    "projections:\n"
    "  - {source: A, target: A, rule: pairwise_bernoulli, probability: 0.4, receptor: exc}\n"
    "  - {source: A, target: A, rule: fixed_indegree, indegree: 10, receptor: inh, weight: -2}\n"
    "  - {source: A, target: B, rule: all_to_all, receptor: NMDA, weight: [1, 2]}\n";

static void test_defaults(void **state) {
  (void)state;
  OK(load_text("simulation: {duration_ms: 100}\n"
               "populations: [{name: A, n: 1e2, model: lif_psc_exp}]\n"
               "projections: [{source: A, target: A, rule: all_to_all, receptor: exc},\n"
               "              {source: A, target: A, rule: all_to_all, receptor: inh},\n"
               "              {source: A, target: A, rule: all_to_all, receptor: inh}]\n"));
  assert_true(job->dt_ms == 0.1 && job->seed == 1 && job->members == 1 && job->beat_ms == 100);
  assert_string_equal(job->backend, "/cpu/omp");
  assert_string_equal(job->partition_method, "metis");
  assert_false(job->record.spikes.wanted);
  assert_true(job->record.warmup_ms == 500 && job->record.bold_tr_s == 0 && job->record.rates_bin_ms == 0);
  assert_true(job->record.max_gb == 4 && job->record.flush_ms == 1000);
  assert_int_equal(population("A")->n, 100);
  assert_true(population("A")->rate_hz == 5 && population("A")->type == 0);
  const cls_projection *first = projection("A->A"), *third = projection("A->A#3");
  assert_true(first->port == 0 && third->port == 1 && projection("A->A#2")->port == 1);
  assert_true(first->weight[0].a == 1 && first->delay_ms.a == 0.1 && first->autapses && first->multapses);
  assert_true(job->network->max_delay == 1);
}

static void test_receptors(void **state) {
  (void)state;
  assert_refused(load_text(small), "unknown receptor 'NMDA': expected one of: excitatory, inhibitory");
  OK(load(path, "projections.2.receptor=AMPA", (char *)NULL));
  const cls_projection *p = projection("A->B");
  assert_true(p->port == 0 && p->weight[0].a == 1 && p->weight[1].a == 2);
  OK(load(path, "projections.2.receptor=AMPA", "projections.2.weight=0.5", (char *)NULL));
  p = projection("A->B"); /* one weight is that of both receptors */
  assert_true(p->weight[0].a == 0.5 && p->weight[1].a == 0.5);
  OK(load(path, "projections.2.receptor=AMPA",
          "populations.1.inputs=[{model: poisson, rate_hz: 5, receptor: GABA_B}]",
          "populations.0.inputs=[{model: poisson, rate_hz: 5}, {model: dc, amplitude: 3}]", (char *)NULL));
  assert_int_equal(population("B")->inputs[0].receptor, 3);
  assert_int_equal(population("A")->inputs[0].receptor, 0);
  assert_int_equal(population("A")->inputs[1].receptor, -1);
  assert_true(population("A")->inputs[0].key != population("A")->inputs[1].key);
}

/* `small` in the file, with its one mistake mended by an option. */
static const char *write_small(void) {
  load_text(small);
  return "projections.2.receptor=AMPA";
}

static void test_scale(void **state) {
  (void)state;
  const char *fix = write_small();
  assert_refused(load(path, fix, "scale={neurons: 0.1, indegree: 1}", (char *)NULL),
                 "projections.0.probability: value 0.4 becomes 4");
  assert_refused(load(path, fix, "scale={neurons: 0.5, indegree: 0.5}", (char *)NULL),
                 "populations.1.model: model lif_dtb takes no current");
  OK(load(path, fix, "scale={neurons: 0.5, indegree: 0.5, weights: keep}", (char *)NULL));
  assert_true(projection("A->A")->probability == 0.4 && population("A")->n == 50);
  assert_int_equal(projection("A->A#2")->indegree, 5);
  OK(load(path, fix, "scale.neurons=0.5", (char *)NULL));
  assert_true(projection("A->A")->probability == 0.8 && projection("A->A#2")->indegree == 10);
  OK(load(path, fix, "scale={indegree: 0.01, weights: keep}", (char *)NULL));
  assert_int_equal(projection("A->A#2")->indegree, 1); /* never none */
}

static void test_size_of_recording(void **state) {
  (void)state;
  const char *fix = write_small(), *all = "record.spikes=all";
  /* A: 100 neurons at 10,000 spikes/s for .1 s and B at 5: 100,050 spikes of 16 bytes. */
  OK(load(path, fix, all, "record.max_gb=0.0016009", (char *)NULL));
  assert_refused(load(path, fix, all, "record.max_gb=0.0016007", (char *)NULL),
                 "above record.max_gb 0.0016007");
  OK(load(path, fix, "record.spikes=[B]", "record.max_gb=1e-6", (char *)NULL));
  assert_refused(load(path, fix, "record.spikes=[C]", (char *)NULL), "record.spikes.0: value 'C'");
}

static void test_multiples(void **state) {
  (void)state;
  const char *fix = write_small();
  OK(load(path, fix, "simulation.dt_ms=0.3", "simulation.duration_ms=99.9", (char *)NULL));
  assert_true(fabs(job->beat_ms - 100.2) < 1e-9); /* a default moves to the next step */
  assert_refused(
      load(path, fix, "simulation.dt_ms=0.3", (char *)NULL),
      "simulation.duration_ms: value '100': expected a multiple of dt_ms, which is 0.3 (99.9 or 100.2)");
  assert_refused(load(path, fix, "record.rates={bin_ms: 0.25}", (char *)NULL),
                 "record.rates.bin_ms: value '0.25'");
}

static void test_brain_section(void **state) {
  (void)state;
  OK(load_text("simulation: {duration_ms: 100}\nbrain: {neurons: 4000, indegree: 50, connectome: "
               "{generator: {regions: 10, seed: 5}},\n"
               "  shares: {local_e: 0.6, local_i: 0.15, long_range: 0.25}, inputs: []}\n"));
  assert_int_equal(job->network->n_regions, 10);
  assert_int_equal(job->network->n_neurons, 4000);
  assert_int_equal(job->network->populations[0].n_inputs, 0);
  assert_true(fabs(job->network->expected_synapses - 200000) < 4000);
  assert_refused(load(path, "brain.shares.local_e=0.5", (char *)NULL),
                 "brain.shares: local_e + local_i + long_range is 0.9: expected 1");
  assert_refused(load(path, "brain.connectome.file=x.zip", (char *)NULL), "brain.connectome: both keys");
}

static void write_beside(const char *ending, const char *text) {
  char name[64];
  snprintf(name, sizeof name, "%s%s", path, ending);
  write_text(name, text);
}

/* A region without area and tracts is dropped, and with it its row of the table and its column of the measured
 * BOLD; what is known of the others moves up. */
static void test_dropped_region(void **state) {
  (void)state;
  char text[512];
  write_beside(".csv", "0,0,2\n0,0,0\n1,0,0\n");
  write_beside(".tsv",
               "name\tarea\tunit\tdensity\na\t2\tcolumn\t0.5\ncc\t0\tsubcortical\tn/a\nb\t1\t\t1.5\n");
  write_beside(".bold", "1 7 2\n2 7 3\n1 7 1\n4 7 0\n");
  snprintf(text, sizeof text,
           "simulation: {duration_ms: 100}\n"
           "brain: {neurons: 300, connectome: {file: %s.csv, regions: %s.tsv, symmetrise: none}}\n"
           "record: {bold: {tr_s: 0.01}, empirical_bold: {file: %s.bold, tr_s: 0.5}}\n",
           path, path, path);
  OK(load_text(text));
  const cls_connectome *c = job->connectome;
  assert_int_equal(c->n_regions, 2);
  assert_int_equal(job->listed_regions, 3);
  assert_int_equal(job->kept_regions[0], 0);
  assert_int_equal(job->kept_regions[1], 2);
  assert_string_equal(c->names[1], "b");
  assert_string_equal(c->unit[0], "column");
  assert_string_equal(c->unit[1], "");
  assert_true(c->synapse_density[0] == 0.5 && c->synapse_density[1] == 1.5);
  assert_true(c->area_mm2[1] == 1 && isnan(c->volume_mm3[1]));
  assert_true(c->row[2] == 2 && c->weight[0] == 2 && c->weight[1] == 1 && c->source[0] == 1);
  const double measured[] = {1, 2, 2, 3, 1, 1, 4, 0};
  assert_int_equal(job->empirical->volumes, 4);
  assert_memory_equal(job->empirical->data, measured, sizeof measured);
  assert_true(job->empirical->tr_s == 0.5 && !job->empirical->by_name);
}

static int stop(void **state) {
  static const char *const beside[] = {".csv", ".tsv", ".bold"};
  for (int i = 0; i < 3; i++) { /* what write_beside made, also where its test failed */
    char name[64];
    snprintf(name, sizeof name, "%s%s", path, beside[i]);
    remove(name);
  }
  return drop_file(state);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pd14),
      cmocka_unit_test(test_pd14_scaled),
      cmocka_unit_test(test_all_rules),
      cmocka_unit_test(test_models),
      cmocka_unit_test(test_demo),
      cmocka_unit_test(test_text_is_the_job),
      cmocka_unit_test(test_one_millisecond),
      cmocka_unit_test(test_defaults),
      cmocka_unit_test(test_receptors),
      cmocka_unit_test(test_scale),
      cmocka_unit_test(test_size_of_recording),
      cmocka_unit_test(test_multiples),
      cmocka_unit_test(test_brain_section),
      cmocka_unit_test(test_dropped_region),
  };
  MPI_Init(&argc, &argv);
  cls_world_init(&world, MPI_COMM_WORLD, 1, 0);
  int failed = cmocka_run_group_tests(tests, make_file, stop);
  MPI_Finalize();
  return failed;
}
