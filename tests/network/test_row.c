/* Rows in pieces (network/row.h), as the GPU draws them: the synapses are those of whole rows. */
#include "draws.h"

#include "network/rows.h"

/* Weights, delays and what is added to or multiplies them; the first has nothing to draw. */
typedef struct {
  const char *model;
  cls_distribution weight[2], delay;
  double tract_ms, factor;
} values;

static cls_distribution bounded(cls_distribution d, double min, double max, cls_bound_mode bound) {
  d.min = min, d.max = max, d.bound = bound;
  return d;
}

enum { VALUES = 9 };
static values make_values(int which) {
  const cls_distribution one = cls_constant(1), normal = distribution(CLS_NORMAL, 2, 1);
  const values all[VALUES] = {
      {"lif_psc_exp", {cls_constant(-3), one}, cls_constant(1.5), 0, 1},
      {"lif_psc_exp", {cls_constant(-3), one}, cls_constant(1.5), 2.34, 0.7},
      {"lif_psc_exp", {distribution(CLS_UNIFORM, -1, 3), one}, distribution(CLS_UNIFORM, 1, 9), 0, 1},
      {"lif_psc_exp",
       {distribution(CLS_NORMAL, -5, 2), one},
       bounded(normal, 0.1, INFINITY, CLS_REDRAW),
       0,
       1},
      {"lif_psc_exp", {bounded(normal, 1, 3, CLS_CLIP), one}, bounded(normal, 1, 2.5, CLS_CLIP), 1.04, 0.3},
      {"lif_psc_exp", {distribution(CLS_LOGNORMAL, 1, 0.5), one}, distribution(CLS_LOGNORMAL, 3, 2), 0, 1},
      {"lif_psc_exp", {distribution(CLS_GAMMA, 5, 5), one}, distribution(CLS_GAMMA, 0.5, 0.25), 0, 1},
      {"lif_dtb", {distribution(CLS_UNIFORM, 0, 1), bounded(normal, 2, 2.5, CLS_REDRAW)}, one, 0, 1},
      {"lif_dtb", {one, distribution(CLS_GAMMA, 2, 4)}, one, 0, 0.5},
  };
  return all[which];
}

/* Numbers of neurons that are no multiples of a cell: two neurons in the last one have so few synapses that they are dealt
 * above the groups of the table. */
enum { SOURCES = 2500, TARGETS = 3074 };
typedef struct {
  cls_rule rule;
  bool multapses, itself; /* the sources are targets, without autapses */
  double amount;          /* total, out-degree or probability */
  uint32_t groups;
  uint64_t first, n;
} shape;
static const shape shapes[] = {
    {CLS_FIXED_TOTAL_NUMBER, true, false, 1000, 1, 0, TARGETS},
    {CLS_FIXED_TOTAL_NUMBER, true, false, 30000, 8, 0, TARGETS},
    {CLS_FIXED_TOTAL_NUMBER, true, true, 100000, 32, 700, 900},
    {CLS_FIXED_TOTAL_NUMBER, false, true, 30000, 8, 0, SOURCES},
    {CLS_FIXED_TOTAL_NUMBER, false, false, 100, 1, 1500, 100},
    {CLS_FIXED_TOTAL_NUMBER, false, false, SOURCES *(TARGETS - 1.0), 32, 1024, 1024},
    {CLS_PAIRWISE_BERNOULLI, true, true, 0.002, 4, 0, SOURCES},
    {CLS_PAIRWISE_BERNOULLI, true, false, 0.6, 32, 1025, 1022},
    {CLS_PAIRWISE_BERNOULLI, true, true, 1, 32, 0, SOURCES},
    {CLS_FIXED_OUTDEGREE, true, true, 7, 1, 0, SOURCES},
    {CLS_FIXED_OUTDEGREE, true, false, 2000, 1, 1000, TARGETS - 1000},
    {CLS_FIXED_OUTDEGREE, false, true, 2000, 1, 0, SOURCES},
    {CLS_FIXED_OUTDEGREE, false, false, 50, 1, 0, TARGETS},
};

static cls_network *make(const shape *s, const values *v) {
  const uint64_t n[] = {SOURCES, TARGETS};
  cls_network *network = make_network(v->model, 3, 2, n);
  cls_projection *p;
  cls_projection_source source = {0, 1, v->tract_ms};
  OK(cls_network_add_projection(network, "a", !s->itself, s->rule, &source, 1, &p));
  p->total = p->outdegree = (uint64_t)s->amount;
  p->probability = s->amount;
  p->multapses = s->multapses;
  p->autapses = !s->itself;
  p->weight[0] = v->weight[0], p->weight[1] = v->weight[1];
  p->delay_ms = v->delay;
  OK(cls_network_finish(network));
  return network;
}

static uint64_t hash(uint32_t source, uint32_t target, uint32_t weight, uint32_t delay) {
  return cls_mix64(cls_mix64(source) ^ ((uint64_t)target << 32 | weight << 16 | delay));
}

static cls_status add_row(void *context, const cls_row_batch *batch) {
  for (int i = 0; i < batch->n; i++)
    *(uint64_t *)context += hash(batch->source[i], batch->target[i], batch->weight[i], batch->delay[i]);
  return CLS_OK;
}

/* Sums the hashes of the row of `source`, synapse by synapse; returns their number. */
static size_t add_pieces(const cls_row_shape *s, const cls_row_values *v, uint32_t source, uint64_t *sum) {
  const bool no_self = s->grid.no_self;
  size_t n = 0;
  for (uint32_t c = 0; c < s->cells; c++) {
    const uint32_t count = cls_row_count(s, source, c), cell = s->cell_first + c;
    const uint32_t candidates = cls_row_candidates(no_self, s->grid.targets, source, cell);
    bool taken[CLS_CELL] = {false};
    for (uint32_t k = 0; k < count; k++) {
      const cls_words w = cls_draw(v->stream, source, cell, k, CLS_LANE_SYNAPSE << 24);
      uint32_t last = candidates - count + k, t = cls_below(w.w[0], last + 1), target;
      if (s->grid.multapses) {
        target = cls_row_repeated(no_self, candidates + (no_self && source / CLS_CELL == cell), source, cell,
                                  w.w[0]);
      } else {
        t = taken[t] ? last : t;
        taken[t] = true;
        target = cls_row_neuron(no_self, source, cell, t);
      }
      if (target < s->first || target >= s->last) continue;
      *sum +=
          hash(source, target, cls_row_weight(v, w, source, cell, k), cls_row_delay(v, w, source, cell, k));
      n++;
    }
  }
  return n;
}

static void check(const shape *s, const values *v, bool tabulated) {
  cls_network *network = make(s, v);
  cls_projection p = network->projections[0];
  p.factor = &v->factor;
  synapses all = {0};
  OK(cls_projection_draw(network, &p, s->first, s->n, CLS_DRAW_ALL, keep_synapses, &all));
  uint64_t *expected = calloc(SOURCES, sizeof *expected);
  for (size_t i = 0; i < all.n; i++) {
    const cls_synapse *one = &all.synapse[i];
    expected[one->source] += hash((uint32_t)one->source, one->target, one->weight, one->delay);
  }
  cls_source_rows *rows;
  cls_drawing *drawing;
  cls_row_shape of;
  cls_row_values made;
  OK(cls_source_rows_create(network, &p, s->first, s->n, &rows));
  OK(cls_drawing_create(&drawing));
  if (tabulated) OK(cls_source_rows_tabulate(rows));
  OK(cls_source_rows_describe(rows, &of, &made));
  assert_int_equal(of.groups, tabulated ? s->groups : 1);
  size_t n = 0;
  for (uint32_t i = 0; i < SOURCES; i++) {
    uint64_t pieces = 0, row = 0;
    n += add_pieces(&of, &made, i, &pieces);
    assert_true(pieces == expected[i]);
    if (i % 16 > 0) continue;
    OK(cls_source_rows_draw_one(rows, drawing, i, CLS_DRAW_ALL, add_row, &row));
    assert_true(row == expected[i]);
  }
  assert_int_equal(n, all.n);
  assert_true(n > 0);
  free(expected);
  free(all.synapse);
  cls_drawing_destroy(drawing);
  cls_source_rows_destroy(rows);
  cls_network_destroy(network);
}

static void test_shapes(void **state) {
  (void)state;
  const values v = make_values(2);
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    check(&shapes[i], &v, true);
    if (shapes[i].groups > 1 && shapes[i].amount <= 1e5) check(&shapes[i], &v, false);
  }
}

static void test_values(void **state) {
  (void)state;
  for (int i = 0; i < VALUES; i++) {
    const values v = make_values(i);
    check(&shapes[1], &v, true);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes), cmocka_unit_test(test_values)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
