/* Every rule: how many synapses, onto whom, from whom, and the same whatever part is drawn. */
#include "base/effort.h"
#include "draws.h"

#include "network/internal.h"

/* The last cell of each population is partly filled. all_to_all has smaller ones: it takes every pair. */
enum { N0 = 2500, N1 = 1500 };

typedef struct {
  cls_rule rule;
  bool recurrent, autapses, multapses;
} variant;

static cls_network *make_variant(const variant *v, uint64_t seed) {
  const uint64_t many[] = {N0, N1}, few[] = {1100, 1030}, *sizes = v->rule == CLS_ALL_TO_ALL ? few : many;
  cls_network *network = make_network("lif_psc_exp", seed, 2, sizes);
  uint32_t target = v->recurrent || v->rule == CLS_ONE_TO_ONE ? 0 : 1;
  cls_projection *p = connect(network, "a", 0, target, v->rule);
  p->indegree = 60;
  p->total = 60ull * sizes[target];
  p->outdegree = p->total / N0; /* divides */
  p->probability = 60.0 / N0;
  p->autapses = v->autapses;
  p->multapses = v->multapses;
  p->weight[0] = distribution(CLS_GAMMA, 5, 2.5); /* reads words of its own */
  p->delay_ms = distribution(CLS_UNIFORM, 1, 2);
  OK(cls_network_finish(network));
  return network;
}

/* Calls `f` for every rule, with and without autapses and multapses, onto itself and onto another. */
static void for_all_variants(void (*f)(const variant *v)) {
  for (int rule = CLS_ONE_TO_ONE; rule <= CLS_FIXED_OUTDEGREE; rule++)
    for (int bits = 0; bits < 8; bits += EVERY) {
      if (rule == CLS_ALL_TO_ALL && !(bits & 4)) continue; /* has no repetitions either way */
      variant v = {(cls_rule)rule, bits & 1, bits & 2, bits & 4};
      f(&v);
    }
}

static int by_pair(const void *a, const void *b) {
  const cls_synapse *x = a, *y = b;
  if (x->target != y->target) return x->target < y->target ? -1 : 1;
  return (x->source > y->source) - (x->source < y->source);
}

static void check_counts(const variant *v) {
  cls_network *network = make_variant(v, 1);
  const cls_projection *p = &network->projections[0];
  synapses all = draw_all(network);
  double targets = (double)network->populations[p->target].n;
  uint64_t sources = network->populations[0].n;
  bool itself = p->target == 0;
  double expected = cls_projection_expected_synapses(network, p);
  switch (v->rule) {
  case CLS_ONE_TO_ONE:
    assert_int_equal(all.n, v->autapses ? N0 : 0);
    break;
  case CLS_ALL_TO_ALL:
    assert_int_equal(all.n, (size_t)targets * (itself && !v->autapses ? sources - 1 : sources));
    break;
  case CLS_FIXED_INDEGREE:
  case CLS_FIXED_TOTAL_NUMBER:
  case CLS_FIXED_OUTDEGREE:
    assert_int_equal(all.n, 60 * (size_t)targets);
    break;
  case CLS_PAIRWISE_BERNOULLI:
    NEAR((double)all.n, expected, 5 * sqrt(expected));
    assert_true((double)all.n != expected);
    break;
  case CLS_EXPLICIT: /* in test_explicit.c */
    break;
  }
  if (v->rule != CLS_PAIRWISE_BERNOULLI) assert_int_equal(all.n, (size_t)expected);

  size_t autapses = 0, repeated = 0;
  if (all.n) qsort(all.synapse, all.n, sizeof *all.synapse, by_pair);
  for (size_t i = 0; i < all.n; i++) {
    assert_in_range(all.synapse[i].source, 0, sources - 1);
    autapses += itself && all.synapse[i].source == all.synapse[i].target;
    repeated += i > 0 && by_pair(&all.synapse[i], &all.synapse[i - 1]) == 0;
    assert_in_range(all.synapse[i].delay, 10, 20);
  }
  bool random =
      v->rule == CLS_FIXED_INDEGREE || v->rule == CLS_FIXED_TOTAL_NUMBER || v->rule == CLS_FIXED_OUTDEGREE;
  if (!v->autapses)
    assert_int_equal(autapses, 0);
  else if (itself && random)
    NEAR((double)autapses, 60, 5 * sqrt(60.0)); /* a share 1 / N0 of 60 N0 */
  /* pairs of a target's synapses that meet: 60 * 59 / 2 / N0 per target; of a source's likewise */
  double k = (double)p->outdegree;
  double meet = v->rule == CLS_FIXED_OUTDEGREE ? N0 * k * (k - 1) / 2 / targets : targets * 60 * 59 / 2 / N0;
  if (random && v->multapses)
    NEAR((double)repeated, meet, 6 * sqrt(meet));
  else
    assert_int_equal(repeated, 0);
  free(all.synapse);
  cls_network_destroy(network);
}
static void test_counts(void **state) {
  (void)state;
  for_all_variants(check_counts);
}

static void check_parts(const variant *v) {
  cls_network *network = make_variant(v, 1);
  uint64_t n = network->populations[network->projections[0].target].n;
  synapses all = draw_all(network);
  uint64_t whole = hash_synapses(&all, 0), sum = 0;
  const uint64_t cuts[] = {0, 1, 64, 700, 1023, 1024, 1025, 1028, n - 1, n};
  size_t count = 0;
  for (int i = 0; i < 9; i++) {
    synapses part = draw_range(network, cuts[i], cuts[i + 1] - cuts[i], CLS_DRAW_ALL);
    for (size_t k = 0; k < part.n; k++) assert_in_range(part.synapse[k].target, cuts[i], cuts[i + 1] - 1);
    sum += hash_synapses(&part, 0);
    count += part.n;
    free(part.synapse);
  }
  assert_int_equal(count, all.n);
  assert_true(sum == whole);

  /* what is not asked for does not change the rest */
  for (int what = 0; what < CLS_DRAW_ALL; what += 1 + (v->rule == CLS_ALL_TO_ALL)) {
    synapses some = draw_range(network, 0, n, what);
    assert_int_equal(some.n, all.n);
    for (size_t i = 0; i < all.n; i++) {
      assert_true(some.synapse[i].source == all.synapse[i].source);
      assert_true(some.synapse[i].target == all.synapse[i].target);
      assert_true(some.synapse[i].weight == (what & CLS_DRAW_WEIGHT ? all.synapse[i].weight : 0));
      assert_true(some.synapse[i].delay == (what & CLS_DRAW_DELAY ? all.synapse[i].delay : 0));
    }
    free(some.synapse);
  }

  /* another seed: other synapses */
  if (all.n > 0) {
    cls_network *other = make_variant(v, 2);
    synapses different = draw_all(other);
    assert_true(hash_synapses(&different, 0) != whole);
    free(different.synapse);
    cls_network_destroy(other);
  }
  free(all.synapse);
  cls_network_destroy(network);
}
static void test_parts_make_the_whole(void **state) {
  (void)state;
  for_all_variants(check_parts);
}

/* The definition, written out: word 0 of the counter (target, k) is the source. */
static void test_words_are_those_of_the_counter(void **state) {
  (void)state;
  variant v = {CLS_FIXED_INDEGREE, false, true, true};
  cls_network *network = make_variant(&v, 7);
  synapses all = draw_all(network);
  cls_stream stream = cls_stream_make(7, CLS_PURPOSE_CONNECT, cls_hash_string("a"));
  for (size_t i = 0; i < all.n; i++) {
    cls_words words = cls_draw(stream, (uint32_t)(i / 60), (uint32_t)(i % 60), 0, 0);
    assert_int_equal(all.synapse[i].target, i / 60);
    assert_true(all.synapse[i].source == cls_below(words.w[0], N0));
    double delay = 1 + cls_unit(words.w[3]);
    assert_int_equal(all.synapse[i].delay, (int)rint(delay / 0.1));
  }
  free(all.synapse);
  cls_network_destroy(network);
}

/* In- and out-degrees scatter as the rule says. Variances of one neuron's degree:
 * independent synapses (total / n)(1 - 1/n); a sample of pairs: hypergeometric; bernoulli: n p (1 - p). */
static void check_degrees(const variant *v) {
  if (v->rule < CLS_FIXED_INDEGREE) return;
  cls_network *network = make_variant(v, 3);
  const cls_projection *p = &network->projections[0];
  uint64_t targets = network->populations[p->target].n;
  synapses all = draw_all(network);
  double *in = indegrees(&all, targets), *out = outdegrees(&all, 0, N0);
  double total = (double)all.n, in_mean = total / (double)targets, out_mean = total / N0;
  double fill = in_mean / N0; /* share of the pairs that is connected */
  bool distinct = v->rule == CLS_PAIRWISE_BERNOULLI || !v->multapses;
  double thinner = distinct ? 1 - fill : 1;
  if (v->rule == CLS_FIXED_INDEGREE)
    for (uint64_t j = 0; j < targets; j++) assert_true(in[j] == 60);
  else
    NEAR(dispersion_z(in, targets, in_mean, in_mean * thinner), 0, 4.5);
  if (v->rule == CLS_FIXED_OUTDEGREE)
    for (uint64_t i = 0; i < N0; i++) assert_true(out[i] == (double)p->outdegree);
  else
    NEAR(dispersion_z(out, N0, out_mean, out_mean * thinner), 0, 4.5);

  /* no trend along the population, nor between cells and within */
  double *index = calloc(N0, sizeof *index), *within = calloc(N0, sizeof *within);
  for (int i = 0; i < N0; i++) index[i] = i, within[i] = i % CLS_CELL;
  if (v->rule != CLS_FIXED_OUTDEGREE) {
    NEAR(correlation(index, out, N0), 0, 4.5 / sqrt(N0));
    NEAR(correlation(within, out, N0), 0, 4.5 / sqrt(N0));
  }
  if (v->rule != CLS_FIXED_INDEGREE) {
    NEAR(correlation(index, in, targets), 0, 4.5 / sqrt((double)targets));
    NEAR(correlation(within, in, targets), 0, 4.5 / sqrt((double)targets));
  }
  free(index);
  free(within);
  free(in);
  free(out);
  free(all.synapse);
  cls_network_destroy(network);
}
static void test_degrees(void **state) {
  (void)state;
  for_all_variants(check_degrees);
}

/* The whole distribution of the in-degree, not only its variance: binomial, by chi-square. */
static void check_binomial(double trials, double chance, cls_network *network, uint64_t n) {
  enum { BINS = 200 };
  synapses all = draw_all(network);
  double *in = indegrees(&all, n), count[BINS] = {0}, expected[BINS];
  for (uint64_t j = 0; j < n; j++) {
    assert_true(in[j] < BINS);
    count[(int)in[j]]++;
  }
  for (int k = 0; k < BINS; k++)
    expected[k] = (double)n * exp(lgamma(trials + 1) - lgamma(k + 1.0) - lgamma(trials - k + 1) +
                                  k * log(chance) + (trials - k) * log1p(-chance));
  NEAR(chi_square_z(count, expected, BINS), 0, 4.5);
  free(in);
  free(all.synapse);
}
static void test_indegree_is_binomial(void **state) {
  (void)state;
  const uint64_t n[] = {300, 20000};
  cls_network *network = make_network("lif_psc_exp", 5, 2, n);
  connect(network, "total", 0, 1, CLS_FIXED_TOTAL_NUMBER)->total = 600000;
  OK(cls_network_finish(network));
  check_binomial(600000, 1.0 / 20000, network, 20000);
  cls_network_destroy(network);
  network = make_network("lif_psc_exp", 5, 2, n);
  connect(network, "bernoulli", 0, 1, CLS_PAIRWISE_BERNOULLI)->probability = 0.1;
  OK(cls_network_finish(network));
  check_binomial(300, 0.1, network, 20000);
  cls_network_destroy(network);
  for (int multapses = 0; multapses < 2; multapses++) {
    network = make_network("lif_psc_exp", 5, 2, n);
    cls_projection *p = connect(network, "outdegree", 0, 1, CLS_FIXED_OUTDEGREE);
    p->outdegree = 2000;
    p->multapses = multapses;
    OK(cls_network_finish(network));
    if (multapses)
      check_binomial(600000, 1.0 / 20000, network, 20000);
    else
      check_binomial(300, 0.1, network, 20000);
    cls_network_destroy(network);
  }
}

/* ---- rows: from their source alone ---- */

enum { MOST_CELLS = 8 };
typedef struct {
  const cls_cell_grid *grid;
  uint32_t cell; /* target cell of the counts */
  uint32_t count[N0][MOST_CELLS];
} row_counts;

static cls_status count_row(void *context, uint32_t source, uint64_t count) {
  row_counts *r = context;
  r->count[source][r->cell] = (uint32_t)count;
  return CLS_OK;
}
static cls_status count_pair(void *context, uint32_t target_cell, uint32_t source_cell, uint64_t count) {
  row_counts *r = context;
  cls_division division = cls_cells_rows(r->grid, target_cell, source_cell);
  r->cell = target_cell;
  return cls_divide(&division, count, source_cell * CLS_CELL, source_cell * CLS_CELL + division.n, count_row,
                    r);
}
static cls_status count_cell(void *context, uint32_t target_cell, uint32_t source, uint64_t count) {
  ((row_counts *)context)->count[source][target_cell] = (uint32_t)count;
  return CLS_OK;
}

/* The definition, written out: word 0 of counter (source, target cell, k) is the target; where pairs are distinct, by
 * Floyd's sample. */
static void check_rows(const variant *v) {
  if (!cls_rule_has_rows(v->rule)) return;
  cls_network *network = make_variant(v, 7);
  const cls_projection *p = &network->projections[0];
  const uint64_t targets = network->populations[p->target].n;
  bool bernoulli = v->rule == CLS_PAIRWISE_BERNOULLI, itself = p->target == 0 && !v->autapses;
  bool distinct = bernoulli || !v->multapses;
  synapses all = draw_all(network);
  uint64_t *hash = calloc(N0, sizeof *hash);
  for (size_t i = 0; i < all.n; i++)
    hash[all.synapse[i].source] += cls_mix64(all.synapse[i].source << 32 | all.synapse[i].target);
  cls_cell_grid grid = {.targets = targets,
                        .sources = N0,
                        .no_self = itself,
                        .stream = cls_stream_make(7, CLS_PURPOSE_COUNT, cls_hash_string("a")),
                        .rows = cls_stream_make(7, CLS_PURPOSE_ROW, cls_hash_string("a")),
                        .multapses = !distinct,
                        .total = p->total,
                        .outdegree = p->outdegree,
                        .probability = p->probability};
  cls_stream words = cls_stream_make(7, CLS_PURPOSE_CONNECT, cls_hash_string("a"));
  row_counts *r = calloc(1, sizeof *r);
  r->grid = &grid;
  const uint32_t cells = cls_cell_count(targets);
  if (v->rule == CLS_FIXED_TOTAL_NUMBER) OK(cls_cells_total(&grid, 0, cells, count_pair, r));
  if (bernoulli) OK(cls_cells_bernoulli(&grid, 0, cells, count_pair, r));
  size_t total = 0;
  for (uint32_t i = 0; i < N0; i++) {
    uint64_t mine = 0;
    if (v->rule == CLS_FIXED_OUTDEGREE) OK(cls_cells_outdegree(&grid, i, 0, cells, count_cell, r));
    for (uint32_t c = 0; c < cells; c++) {
      bool self = itself && i / CLS_CELL == c;
      uint32_t size = (uint32_t)cls_cell_neurons(targets, c, c + 1) - self, n = r->count[i][c];
      bool taken[CLS_CELL] = {false};
      for (uint32_t k = 0; k < n; k++, total++) {
        uint32_t last = size - n + k;
        uint32_t t = cls_below(cls_draw(words, i, c, k, 0).w[0], distinct ? last + 1 : size);
        if (distinct && taken[t]) t = last;
        taken[t] = true;
        mine += cls_mix64((uint64_t)i << 32 | (c * CLS_CELL + t + (self && t >= i % CLS_CELL)));
      }
    }
    assert_true(mine == hash[i]);
  }
  assert_int_equal(total, all.n);
  free(r);
  free(hash);
  free(all.synapse);
  cls_network_destroy(network);
}
static void test_rows_from_their_source(void **state) {
  (void)state;
  for_all_variants(check_rows);
}

/* Every target but oneself, over two cells; and nine tenths of them. */
static void test_full_rows(void **state) {
  (void)state;
  const uint64_t n[] = {1100};
  for (int full = 0; full < 2; full++) {
    cls_network *network = make_network("lif_psc_exp", 5, 1, n);
    cls_projection *p = connect(network, "a", 0, 0, CLS_FIXED_OUTDEGREE);
    p->multapses = p->autapses = false;
    p->outdegree = full ? 1099 : 989;
    OK(cls_network_finish(network));
    synapses all = draw_all(network);
    qsort(all.synapse, all.n, sizeof *all.synapse, by_pair);
    assert_int_equal(all.n, 1100 * p->outdegree);
    for (size_t i = 0; i < all.n; i++) {
      assert_true(all.synapse[i].source != all.synapse[i].target);
      if (i > 0) assert_true(by_pair(&all.synapse[i], &all.synapse[i - 1]) != 0);
    }
    double *in = indegrees(&all, 1100), share = 989.0 / 1099;
    if (!full) NEAR(dispersion_z(in, 1100, 989, 1099 * share * (1 - share)), 0, 4.5);
    free(in);
    free(all.synapse);
    cls_network_destroy(network);
  }
}

/* Samples that take nearly everything: every pair as often as it should be, and all of them at the end. */
static void test_full_samples(void **state) {
  (void)state;
  const uint64_t n[] = {40, 1100};
  for (int full = 0; full < 2; full++)
    for (int rule = CLS_FIXED_INDEGREE; rule <= CLS_PAIRWISE_BERNOULLI; rule++) {
      cls_network *network = make_network("lif_psc_exp", 5, 2, n);
      cls_projection *p = connect(network, "a", 0, 1, (cls_rule)rule);
      p->multapses = false;
      p->indegree = full ? 40 : 36;
      p->total = p->indegree * 1100;
      p->probability = full ? 1 : 0.9;
      OK(cls_network_finish(network));
      synapses all = draw_all(network);
      double *out = outdegrees(&all, 0, 40);
      if (full)
        for (int i = 0; i < 40; i++) assert_true(out[i] == 1100);
      else
        NEAR(dispersion_z(out, 40, (double)all.n / 40, 1100 * 0.9 * 0.1), 0, 4.5);
      free(out);
      free(all.synapse);
      cls_network_destroy(network);
    }
}

/* Every pair but the autapses, over two cells: no room for a wrong count. */
static void test_full_sample_without_autapses(void **state) {
  (void)state;
  const uint64_t n[] = {1100};
  cls_network *network = make_network("lif_psc_exp", 5, 1, n);
  cls_projection *p = connect(network, "a", 0, 0, CLS_FIXED_TOTAL_NUMBER);
  p->multapses = p->autapses = false;
  p->total = 1100 * 1099;
  OK(cls_network_finish(network));
  synapses all = draw_all(network);
  assert_int_equal(all.n, 1100 * 1099);
  qsort(all.synapse, all.n, sizeof *all.synapse, by_pair);
  for (size_t i = 0; i < all.n; i++) {
    uint64_t self = i / 1099, k = i % 1099;
    assert_int_equal(all.synapse[i].target, self);
    assert_true(all.synapse[i].source == k + (k >= self));
  }
  free(all.synapse);
  cls_network_destroy(network);
}

/* ---- mixtures ---- */

enum { MIXED = 7 };
static cls_network *make_mixture(uint64_t seed, const uint64_t *n, const double *share, int sources,
                                 uint64_t indegree, bool autapses, bool multapses) {
  cls_network *network = make_network("lif_dtb", seed, sources, n);
  cls_projection_source s[MIXED];
  for (int i = 0; i < sources; i++) s[i] = (cls_projection_source){(uint32_t)i, share[i], i};
  cls_projection *p;
  OK(cls_network_add_projection(network, "mixture", 0, CLS_FIXED_INDEGREE, s, (uint32_t)sources, &p));
  p->indegree = indegree;
  p->autapses = autapses;
  p->multapses = multapses;
  p->weight[0] = p->weight[1] = distribution(CLS_UNIFORM, 0, 1);
  p->delay_ms = cls_constant(1);
  OK(cls_network_finish(network));
  return network;
}

static void test_mixture_shares(void **state) {
  (void)state;
  const uint64_t n[MIXED] = {2000, 900, 3000, 5000, 1200, 40000, 1500};
  const double share[MIXED] = {3, 0.5, 1, 10, 0.01, 4, 2}, sum = 20.51;
  for (int bits = 0; bits < 4; bits++) {
    bool autapses = bits & 1, multapses = bits & 2;
    cls_network *network = make_mixture(4, n, share, MIXED, 30, autapses, multapses);
    NEAR(network->projections[0].sources[3].weight, 10 / sum, 1e-15);
    synapses all = draw_all(network);
    assert_int_equal(all.n, 60000);
    double count[MIXED] = {0}, expected[MIXED];
    size_t self = 0;
    for (size_t i = 0; i < all.n; i++) {
      uint32_t from = cls_network_population_of(network, all.synapse[i].source);
      count[from]++;
      assert_int_equal(all.synapse[i].delay, 10 + 10 * from);
      self += all.synapse[i].source == all.synapse[i].target;
    }
    for (int i = 0; i < MIXED; i++) expected[i] = share[i] / sum * 60000;
    NEAR(chi_square_z(count, expected, MIXED), 0, 4.5);
    if (!autapses) assert_int_equal(self, 0);
    double *out = outdegrees(&all, 0, 53600), mean = expected[3] / 5000;
    NEAR(dispersion_z(out + 5900, 5000, mean, mean), 0, 5); /* p3 within itself */
    free(out);
    qsort(all.synapse, all.n, sizeof *all.synapse, by_pair);
    size_t repeated = 0;
    for (size_t i = 1; i < all.n; i++) repeated += by_pair(&all.synapse[i], &all.synapse[i - 1]) == 0;
    if (multapses)
      assert_true(repeated > 50);
    else
      assert_int_equal(repeated, 0);
    free(all.synapse);

    synapses parts[2] = {draw_range(network, 0, 333, CLS_DRAW_ALL),
                         draw_range(network, 333, 1667, CLS_DRAW_ALL)};
    synapses again = draw_all(network);
    assert_true(hash_synapses(&parts[0], 0) + hash_synapses(&parts[1], 0) == hash_synapses(&again, 0));
    free(parts[0].synapse);
    free(parts[1].synapse);
    free(again.synapse);
    cls_network_destroy(network);
  }
}

/* A popular population that is soon used up: all of it is taken, the rest comes from the other ones in the
 * ratio of their shares, and drawing ends. */
static void test_mixture_exhausted(void **state) {
  (void)state;
  const uint64_t n[] = {1000, 5, 3000};
  const double share[] = {1, 1e8, 3};
  cls_network *network = make_mixture(4, n, share, 3, 25, false, false);
  synapses all = draw_all(network);
  double *out = outdegrees(&all, 0, 4005), from_first = 0;
  for (int i = 1000; i < 1005; i++) assert_true(out[i] == 1000);
  for (int i = 0; i < 1000; i++) from_first += out[i];
  NEAR(from_first, 20000 / 4.0, 5 * sqrt(20000 * 0.25 * 0.75));
  NEAR(dispersion_z(out, 1000, 5, 5), 0, 4.5);
  NEAR(dispersion_z(out + 1005, 3000, 5, 5), 0, 4.5);
  free(out);
  free(all.synapse);
  cls_network_destroy(network);

  /* everything there is: 3 + 4 sources, an in-degree of 6 without oneself */
  const uint64_t few[] = {3, 4};
  network = make_mixture(4, few, share, 2, 6, false, false);
  all = draw_all(network);
  qsort(all.synapse, all.n, sizeof *all.synapse, by_pair);
  assert_int_equal(all.n, 18);
  for (size_t i = 0; i < 18; i++) {
    uint64_t self = i / 6, k = i % 6;
    assert_true(all.synapse[i].source == (k >= self ? k + 1 : k));
  }
  free(all.synapse);
  cls_network_destroy(network);
}

/* ---- nothing else matters ---- */

static void check_independent(const variant *v) {
  cls_network *alone = make_variant(v, 9);
  synapses one = draw_all(alone);
  cls_network *crowd;
  OK(cls_network_create("crowd", 0.1, 9, &crowd));
  cls_population *population;
  const char *const names[] = {"before", "p0", "between", "p1"};
  const uint64_t n[] = {77, alone->populations[0].n, 5000, alone->populations[1].n};
  for (int i = 0; i < 4; i++)
    OK(cls_network_add_population(crowd, names[i], cls_model_find("lif_psc_exp"), n[i], &population));
  cls_projection *p = connect(crowd, "a", 1, alone->projections[0].target == 0 ? 1 : 3, v->rule);
  cls_projection copy = alone->projections[0];
  copy.name = p->name;
  copy.sources = p->sources;
  copy.target = p->target;
  *p = copy;
  connect(crowd, "b", 0, 2, CLS_FIXED_INDEGREE)->indegree = 5;
  OK(cls_network_finish(crowd));
  synapses two = draw_all(crowd);
  assert_true(hash_synapses(&one, 0) == hash_synapses(&two, 77));
  free(one.synapse);
  free(two.synapse);
  cls_network_destroy(alone);
  cls_network_destroy(crowd);
}
static void test_other_populations_change_nothing(void **state) {
  (void)state;
  for_all_variants(check_independent);
}

static cls_status refuse(void *context, const cls_synapse *batch, int n) {
  (void)batch, (void)n;
  ++*(int *)context;
  return cls_fail(CLS_ERR_LIMIT, "full");
}
static void check_sink_error(const variant *v) {
  cls_network *network = make_variant(v, 9);
  int calls = 0;
  cls_status status =
      cls_projection_draw(network, network->projections, 0, 1030, CLS_DRAW_ALL, refuse, &calls);
  bool empty = v->rule == CLS_ONE_TO_ONE && !v->autapses;
  assert_int_equal(status, empty ? CLS_OK : CLS_ERR_LIMIT);
  assert_int_equal(calls, !empty);
  calls = 0;
  OK(cls_projection_draw(network, network->projections, 1030, 0, CLS_DRAW_ALL, refuse, &calls));
  assert_int_equal(calls, 0);
  assert_int_equal(cls_projection_draw(network, network->projections, 1030, 5000, 7, refuse, &calls),
                   CLS_ERR_INTERNAL);
  cls_network_destroy(network);
}
static void test_errors_of_the_sink_end_drawing(void **state) {
  (void)state;
  for_all_variants(check_sink_error);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_counts),
      cmocka_unit_test(test_parts_make_the_whole),
      cmocka_unit_test(test_words_are_those_of_the_counter),
      cmocka_unit_test(test_degrees),
      cmocka_unit_test(test_indegree_is_binomial),
      cmocka_unit_test(test_full_samples),
      cmocka_unit_test(test_full_sample_without_autapses),
      cmocka_unit_test(test_rows_from_their_source),
      cmocka_unit_test(test_full_rows),
      cmocka_unit_test(test_mixture_shares),
      cmocka_unit_test(test_mixture_exhausted),
      cmocka_unit_test(test_other_populations_change_nothing),
      cmocka_unit_test(test_errors_of_the_sink_end_drawing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
