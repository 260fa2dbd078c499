/* Units: the column and the pairs against the published tables, mixed units, who projects where,
 * in-degrees by synapse density, and the table of regions. */
#include "brains.h"
#include "io/region_table.h"

/* ---- the published column, typed again ---- */

enum { N = 8 };
static const char *const names[N] = {"L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"};
static const char *const layers[N] = {"L23", "L23", "L4", "L4", "L5", "L5", "L6", "L6"};
static const double layer_percent[4] = {33.8, 34.9, 7.6, 22.1}, excitatory_percent[4] = {78, 80, 82, 83};
/* From the eight populations, then from other regions. */
static const double counts[N][N + 1] = {
    {3554, 804, 881, 45, 431, 0, 136, 0, 1020},    {1778, 532, 456, 29, 217, 0, 69, 0, 396},
    {417, 84, 1070, 690, 79, 93, 1686, 0, 1489},   {168, 41, 628, 538, 36, 0, 1028, 0, 790},
    {2550, 176, 765, 99, 621, 596, 363, 7, 1591},  {1357, 76, 380, 32, 375, 403, 129, 0, 214},
    {643, 46, 549, 196, 327, 126, 925, 597, 2609}, {80, 8, 92, 3, 159, 11, 76, 499, 1794}};

static double share_of(int p) {
  double excitatory = excitatory_percent[p / 2] / 100;
  return layer_percent[p / 2] / 98.4 * (p % 2 ? 1 - excitatory : excitatory);
}

static double row_sum(int t) {
  double sum = 0;
  for (int s = 0; s <= N; s++) sum += counts[t][s];
  return sum;
}

static cls_brain column_brain(void) {
  cls_brain brain = default_brain();
  brain.units = cls_unit_find("column");
  return brain;
}

static const cls_population *in_region(const expanded *e, const char *region, int p) {
  char name[64];
  snprintf(name, sizeof name, "%s/%s", region, names[p]);
  return population(e, name);
}

/* ---- populations ---- */

/* Hamilton's method, once more: floors, then one each to the largest remainders. */
static void hamilton(double total, const double *share, int n, double *out) {
  double given = 0;
  for (int i = 0; i < n; i++) given += out[i] = floor(total * share[i] + 1e-9);
  for (; given < total; given++) {
    int best = 0;
    for (int i = 1; i < n; i++)
      if (total * share[i] - out[i] > total * share[best] - out[best] + 1e-9) best = i;
    out[best]++;
  }
}

static void populations_have_stated_shares(void **state) {
  (void)state;
  cls_connectome *c = make_connectome(3, three, 30);
  cls_brain brain = column_brain();
  double share[N], wanted[N];
  for (int p = 0; p < N; p++) share[p] = share_of(p);
  for (int i = 0; i < 3; i++) c->area_mm2[i] = (double[]){1, 3, 7}[i];
  brain.neurons = 25000;
  expanded e = expand(c, &brain);
  assert_int_equal(e.network->n_populations, 3 * N);
  for (int r = 0; r < 3; r++) {
    char region[16];
    snprintf(region, sizeof region, "r%d", r);
    double total = 0;
    for (int p = 0; p < N; p++) total += (double)in_region(&e, region, p)->n;
    hamilton(total, share, N, wanted);
    for (int p = 0; p < N; p++) {
      const cls_population *found = in_region(&e, region, p);
      assert_true((double)found->n == wanted[p]);
      assert_string_equal(found->layer, layers[p]);
      assert_int_equal(found->type, p % 2 ? 'I' : 'E');
      assert_int_equal(found->region, r);
    }
    for (int l = 0; l < 4; l++) { /* E : I of a layer, to a neuron */
      double n_e = (double)in_region(&e, region, 2 * l)->n, n_i = (double)in_region(&e, region, 2 * l + 1)->n;
      assert_true(fabs(n_e - (n_e + n_i) * excitatory_percent[l] / 100) <= 1);
    }
  }
  drop(&e);
  brain.neurons = 24; /* eight each: nobody is empty */
  for (int i = 0; i < 3; i++) c->area_mm2[i] = 1;
  e = expand(c, &brain);
  for (uint32_t p = 0; p < 3 * N; p++) assert_int_equal(e.network->populations[p].n, 1);
  OK(cls_network_finish(e.network));
  drop(&e);
  brain.neurons = 23;
  REFUSED(try_expand(c, &brain, &e), "brain.neurons: 23: expected at least 24 (8 for each of 3)");
  free(brain.inputs);
  cls_connectome_destroy(c);
}

/* .8 of a pair, rounded to nearest, E and I not empty: what the canonical unit was before there were
 * units. */
static void pairs_round_to_nearest(void **state) {
  (void)state;
  for (uint64_t n = 5; n <= 5000; n++) {
    uint64_t of[2];
    OK(cls_unit_divide(cls_unit_find("canonical"), n, of));
    assert_int_equal(of[0], (n * 8 + 5) / 10);
    assert_int_equal(of[0] + of[1], n);
  }
}

/* ---- in-degrees ---- */

typedef struct {
  const cls_network *network;
  uint32_t target;
  double onto[64][3]; /* of one neuron, by class: local E, local I, long range */
  double from[N + 1]; /* by source population, and from other regions */
  uint32_t region;
} counter;

static cls_status count(void *context, const cls_synapse *synapses, int n) {
  counter *k = context;
  for (int i = 0; i < n; i++) {
    uint32_t p = cls_network_population_of(k->network, synapses[i].source);
    const cls_population *source = &k->network->populations[p];
    bool local = (uint32_t)source->region == k->region;
    k->from[local ? p % N : N]++;
    if (synapses[i].target < 64) k->onto[synapses[i].target][local ? source->type == 'I' : 2]++;
  }
  return CLS_OK;
}

static void draw_onto(const cls_network *network, uint32_t target, counter *k) {
  *k = (counter){
      .network = network, .target = target, .region = (uint32_t)network->populations[target].region};
  for (uint32_t j = 0; j < network->n_projections; j++)
    if (network->projections[j].target == target)
      OK(cls_projection_draw(network, &network->projections[j], 0, network->populations[target].n,
                             CLS_DRAW_SOURCE, count, k));
}

/* Drawn synapses: every neuron has its row's number from each class, to the synapse; from single
 * populations as many as the table says, within chance. By table: 122 62 100 57 120 53 107 48, the mean
 * over neurons is 100. */
static void synapses_follow_the_table(void **state) {
  (void)state;
  cls_connectome *c = make_connectome(3, three, 30);
  cls_region_unit unit = *cls_unit_find("column");
  cls_brain brain = column_brain();
  brain.units = &unit;
  brain.neurons = 60000;
  for (int mode = 0; mode < 2; mode++) {
    unit.indegree_by = mode ? CLS_INDEGREE_FIXED : CLS_INDEGREE_TABLE;
    expanded e = expand(c, &brain);
    OK(cls_network_finish(e.network));
    double mean = 0, worst = 0;
    for (int t = 0; t < N; t++) mean += share_of(t) * row_sum(t);
    double synapses = 0, neurons = 0;
    for (int t = 0; t < N; t++) {
      counter k;
      draw_onto(e.network, (uint32_t)t, &k); /* region r0, which has tracts */
      double wanted = mode ? 100 : rint(100 * row_sum(t) / mean), classes[3] = {0}, parts[3], n = 0;
      for (int s = 0; s < N; s++) classes[s % 2] += counts[t][s] / row_sum(t);
      classes[2] = counts[t][N] / row_sum(t);
      hamilton(wanted, classes, 3, parts);
      for (int i = 0; i < 64; i++)
        for (int m = 0; m < 3; m++) assert_true(k.onto[i][m] == parts[m]);
      n = (double)e.network->populations[t].n;
      neurons += n;
      synapses += wanted * n;
      for (int s = 0; s < N; s++) {
        double share = counts[t][s] / (classes[s % 2] * row_sum(t)), expected = n * parts[s % 2] * share;
        double sd = sqrt(n * parts[s % 2] * share * (1 - share));
        assert_true(sd > 0 ? fabs(k.from[s] - expected) < 5 * sd : k.from[s] == expected);
        if (sd > 0) worst = fmax(worst, fabs(k.from[s] - expected) / sd);
      }
      assert_true(k.from[N] == n * parts[2]);
    }
    print_message("%s: mean in-degree %.3f, counts from populations within %.1f SD\n",
                  mode ? "fixed" : "table", synapses / neurons, worst);
    assert_true(fabs(synapses / neurons - 100) < .2);
    drop(&e);
  }
  free(brain.inputs);
  cls_connectome_destroy(c);
}

/* Conductances go with 100 / the population's own in-degree. */
static void conductances_follow_the_row(void **state) {
  (void)state;
  cls_connectome *c = make_connectome(3, three, 30);
  cls_brain brain = column_brain();
  static const double indegree[N] = {122, 62, 100, 57, 120, 53, 107, 48};
  const cls_model *m = brain.model;
  int ampa = cls_model_param(m, "g_AMPA_mS_cm2"), gaba = cls_model_param(m, "g_GABA_A_mS_cm2");
  double g_ampa = cls_distribution_mean(&brain.param[ampa]);
  expanded e = expand(c, &brain);
  for (int p = 0; p < N; p++) {
    assert_true(fabs(cls_distribution_mean(&in_region(&e, "r1", p)->param[ampa]) -
                     g_ampa * 100 / indegree[p]) < 1e-12);
    assert_true(fabs(cls_distribution_mean(&in_region(&e, "r1", p)->param[gaba]) - .01 * 100 / indegree[p]) <
                1e-12);
  }
  drop(&e);
  free(brain.inputs);
  cls_connectome_destroy(c);
}

/* ---- who projects onto whom ---- */

/* r0 <- r1 (3), r2 (1): from the E layers of each by their neurons, or from L5E alone. */
static void long_range_sources(void **state) {
  (void)state;
  cls_connectome *c = make_connectome(3, three, 30);
  cls_region_unit unit = *cls_unit_find("column");
  cls_brain brain = column_brain();
  brain.units = &unit;
  expanded e = expand(c, &brain);
  const cls_projection *p = projection(&e, "r0/L6I<-long range");
  assert_int_equal(p->n_sources, 8);
  for (uint32_t k = 0; k < 8; k++) {
    const char *region = k < 4 ? "r1" : "r2";
    const cls_population *source = &e.network->populations[p->sources[k].population];
    double n = 0;
    for (int l = 0; l < 4; l++) n += (double)in_region(&e, region, 2 * l)->n;
    assert_string_equal(source->name, in_region(&e, region, 2 * (int)(k % 4))->name);
    assert_true(fabs(p->sources[k].weight - (k < 4 ? .75 : .25) * (double)source->n / n) < 1e-12);
  }
  drop(&e);
  OK(cls_unit_set_long_range(&unit, "l5e"));
  e = expand(c, &brain);
  p = projection(&e, "r0/L23E<-long range");
  assert_int_equal(p->n_sources, 2);
  assert_string_equal(e.network->populations[p->sources[0].population].name, "r1/L5E");
  assert_string_equal(e.network->populations[p->sources[1].population].name, "r2/L5E");
  assert_true(p->sources[0].weight == .75 && p->sources[1].weight == .25);
  drop(&e);
  OK(cls_unit_set_long_range(&unit, "L6E"));
  assert_true(unit.population[6].long_range && !unit.population[4].long_range);
  REFUSED(cls_unit_set_long_range(&unit, "L6I"),
          "long-range source 'L6I': unit column has no such excitatory population");
  free(brain.inputs);
  cls_connectome_destroy(c);
}

/* r0 column, r1 canonical, r2 subcortical with other shares. */
static void mixed_units(void **state) {
  (void)state;
  static const double weight[] = {0, 3, 1, 5, 0, 0, 2, 2, 0};
  cls_connectome *c = make_connectome(3, weight, 30);
  cls_region_unit units[3] = {*cls_unit_find("canonical"), *cls_unit_find("column"),
                              *cls_unit_find("subcortical")};
  const uint32_t unit_of[] = {1, 0, 2};
  for (int t = 0; t < 2; t++) {
    units[2].synapses[t][0] = .6;
    units[2].synapses[t][1] = .15;
    units[2].long_range[t] = .25;
  }
  cls_brain brain = default_brain();
  brain.units = units;
  brain.n_units = 3;
  brain.unit_of = unit_of;
  expanded e = expand(c, &brain);
  assert_int_equal(e.network->n_populations, 8 + 2 + 2);
  const cls_projection *p = projection(&e, "r0/L5I<-long range"); /* 4 synapses from r1/E and r2/E */
  assert_int_equal(p->indegree, 4);
  assert_int_equal(p->n_sources, 2);
  assert_string_equal(e.network->populations[p->sources[0].population].name, "r1/E");
  assert_true(p->sources[0].weight == .75);
  p = projection(&e, "r1/I<-long range"); /* from the column r0 alone */
  assert_int_equal(p->indegree, 29);
  assert_int_equal(p->n_sources, 4);
  assert_string_equal(e.network->populations[p->sources[2].population].name, "r0/L5E");
  p = projection(&e, "r2/E<-long range"); /* from both */
  assert_int_equal(p->n_sources, 5);
  assert_int_equal(p->indegree, 25);
  assert_int_equal(projection(&e, "r2/I<-local E")->indegree, 60);
  assert_int_equal(projection(&e, "r2/E<-local I")->indegree, 15);
  assert_int_equal(projection(&e, "r1/E<-local E")->indegree, 57);
  assert_int_equal(projection(&e, "r0/L6I<-local E")->port, 0);
  assert_int_equal(projection(&e, "r0/L6I<-local I")->port, 1);
  OK(cls_network_finish(e.network));
  drop(&e);
  free(brain.inputs);
  cls_connectome_destroy(c);
}

/* The eight populations of a region hold one list of long-range sources between them. */
static void sources_are_shared(void **state) {
  (void)state;
  cls_connectome *c = make_connectome(3, three, 30);
  cls_brain brain = column_brain();
  expanded e = expand(c, &brain);
  const cls_projection *first = projection(&e, "r0/L23E<-long range"),
                       *last = projection(&e, "r0/L6I<-long range");
  assert_ptr_equal(first->sources, last->sources);
  assert_int_equal(last->sources_of, first - e.network->projections);
  assert_ptr_not_equal(first->sources, projection(&e, "r1/L23E<-long range")->sources);
  OK(cls_network_finish(e.network));
  double sum = 0;
  for (uint32_t k = 0; k < last->n_sources; k++) sum += last->sources[k].weight;
  assert_true(fabs(sum - 1) < 1e-12);
  /* and memory counts it once: were the last list another, it would count again */
  cls_projection *alone = &e.network->projections[last - e.network->projections];
  const size_t shared = cls_network_bytes(e.network);
  alone->sources_of = (uint32_t)(last - e.network->projections);
  assert_int_equal(cls_network_bytes(e.network) - shared, last->n_sources * sizeof *last->sources);
  alone->sources_of = (uint32_t)(first - e.network->projections);
  drop(&e);
  free(brain.inputs);
  cls_connectome_destroy(c);
}

/* A region without tracts onto it: what the table says of other regions comes from local E. */
static void isolated_columns(void **state) {
  (void)state;
  cls_connectome *c = make_connectome(3, three, 30);
  cls_brain brain = column_brain();
  expanded e = expand(c, &brain);
  assert_null(find_projection(&e, "r2/L6E<-long range"));
  assert_int_equal(projection(&e, "r2/L6E<-local E")->indegree, 44 + 46);
  assert_int_equal(projection(&e, "r2/L6E<-local I")->indegree, 17);
  assert_int_equal(projection(&e, "r0/L6E<-local E")->indegree, 44);
  drop(&e);
  free(brain.inputs);
  cls_connectome_destroy(c);
}

/* ---- synapse density ---- */

static void densities_within_bounds(void **state) {
  (void)state;
  static const double weight[] = {0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0};
  cls_connectome *c = make_connectome(5, weight, 30);
  const double density[] = {2, 2.5, 1, 4, NAN}; /* of 2: 1, 1.25, .5, 2, unknown */
  static const uint64_t expected[] = {100, 125, 70, 130, 100};
  cls_brain brain = default_brain();
  brain.density = density;
  brain.density_reference = 2;
  brain.density_low = .7;
  brain.density_high = 1.3;
  brain.density_scales = true;
  brain.compensate = false;
  int gaba = cls_model_param(brain.model, "g_GABA_A_mS_cm2");
  for (int scales = 1; scales >= 0; scales--) {
    brain.density_scales = scales;
    expanded e = expand(c, &brain);
    for (int r = 0; r < 5; r++) {
      char name[64];
      uint64_t sum = 0;
      const char *const parts[] = {"local E", "local I", "long range"};
      for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "r%d/I<-%s", r, parts[i]);
        sum += projection(&e, name)->indegree;
      }
      assert_int_equal(sum, expected[r]);
      snprintf(name, sizeof name, "r%d/E", r);
      double g = cls_distribution_mean(&population(&e, name)->param[gaba]);
      assert_true(fabs(g - (scales ? 1 / (double)expected[r] : .01)) < 1e-9);
    }
    OK(cls_network_finish(e.network));
    drop(&e);
  }
  brain.density_low = 1.4;
  expanded e;
  REFUSED(try_expand(c, &brain, &e), "brain.synapse_density: bounds 1.4 ... 1.3");
  free(brain.inputs);
  cls_connectome_destroy(c);
}

/* ---- bad units ---- */

static void refuse_bad_units(void **state) {
  (void)state;
  const cls_region_unit good = *cls_unit_find("column");
  cls_region_unit unit = good;
  unit.population[3].share *= 2;
  REFUSED(cls_unit_check(&unit), "unit column: the shares of its populations sum to 1.0709");
  unit = good;
  unit.synapses[2][5] = -1;
  REFUSED(cls_unit_check(&unit), "synapses of L4E from L5I: -1");
  unit = good;
  for (int s = 0; s < N; s++) unit.synapses[7][s] = 0;
  unit.long_range[7] = 0;
  REFUSED(cls_unit_check(&unit), "population L6I has no synapses");
  unit = good;
  strcpy(unit.population[1].name, "L23E");
  REFUSED(cls_unit_check(&unit), "'L23E' is named twice");
  unit = good;
  unit.population[1].type = 'X';
  REFUSED(cls_unit_check(&unit), "L23I: expected type E or I");
  assert_null(cls_unit_find("colum"));
  for (int i = 0; i < cls_unit_count(); i++) OK(cls_unit_check(cls_unit_at(i)));
}

/* ---- tables of regions ---- */

static cls_status parse(const char *text, cls_region_table **table) {
  return cls_region_table_parse(text, strlen(text), "regions.tsv", table);
}

static void tables_of_regions(void **state) {
  (void)state;
  cls_region_table *table;
  OK(parse("# made up\nunit\tname\tsynapse_density\r\ncolumn\tV1\t1.5\n\nsubcortical\tLGN\t-\n\tA1\t2e0\n",
           &table));
  assert_true(table->has_units && table->has_densities && table->n == 3);
  const cls_region_row *row = cls_region_table_find(table, "LGN");
  assert_string_equal(row->unit, "subcortical");
  assert_true(isnan(row->density) && row->line == 5);
  row = cls_region_table_find(table, "A1");
  assert_null(row->unit);
  assert_true(row->density == 2);
  assert_null(cls_region_table_find(table, "V2"));
  cls_region_table_destroy(table);
  OK(parse("name\tunit\na\tcolumn", &table)); /* no newline at the end */
  assert_true(!table->has_densities && cls_region_table_find(table, "a"));
  cls_region_table_destroy(table);
  /* as spreadsheets save them */
  OK(parse("\xef\xbb\xbfname\tunit\r\n\"V 1\"\tcolumn\r\n \r\nV2\tn/a\r\n", &table));
  assert_string_equal(cls_region_table_find(table, "V 1")->unit, "column");
  assert_null(cls_region_table_find(table, "V2")->unit);
  cls_region_table_destroy(table);

  static const char *const bad[][2] = {
      {"", "regions.tsv:1: no region"},
      {"name\tunit\n", "no region"},
      {"name\tunits\n", "regions.tsv:1: column 'units'"},
      {"name,unit\na,column\n", "regions.tsv:1: column 'name,unit': expected name, unit and"},
      {"name\tname\n", "column 'name' is there twice"},
      {"unit\tsynapse_density\nx\t1\n", "no column 'name'"},
      {"name\nx\n", "neither a column 'unit' nor 'synapse_density'"},
      {"name\tunit\nx\tcolumn\ny\n", "regions.tsv:3: 1 fields, expected 2"},
      {"name\tunit\nx\ta\n\tb\n", "regions.tsv:3: a region without name"},
      {"name\tsynapse_density\nx\t1,5\n", "regions.tsv:2: synapse_density of x: '1,5'"},
      {"name\tsynapse_density\nx\t-1\n", "expected a number, at least 0"},
      {"name\tsynapse_density\nx\tinf\n", "'inf'"},
      {"name\tunit\nx\ta\ny\ta\nx\tb\n", "regions.tsv:4: region 'x' is there twice (line 2)"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    REFUSED(parse(bad[i][0], &table), bad[i][1]);
    assert_null(table);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(populations_have_stated_shares),
                                     cmocka_unit_test(pairs_round_to_nearest),
                                     cmocka_unit_test(synapses_follow_the_table),
                                     cmocka_unit_test(conductances_follow_the_row),
                                     cmocka_unit_test(long_range_sources),
                                     cmocka_unit_test(mixed_units),
                                     cmocka_unit_test(sources_are_shared),
                                     cmocka_unit_test(isolated_columns),
                                     cmocka_unit_test(densities_within_bounds),
                                     cmocka_unit_test(refuse_bad_units),
                                     cmocka_unit_test(tables_of_regions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
