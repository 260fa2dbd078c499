/* A synthetic connectome in the likeness of measured ones: two mirrored hemispheres, sparse symmetric tracts
 * whose probability and mean weight fall with distance, log-normal weights over several orders of magnitude
 * (Ercsey-Ravasz et al., Neuron 2013; Markov et al., Cereb. Cortex 2014), strong homotopic links. Every
 * number has its own counter, so the table is a function of the options alone. */
#include "base/math.h"
#include "base/random.h"
#include "network/connectome.h"

#include <stdlib.h>

static const double half_axis_mm[3] = {62, 85, 58}; /* from the midline, front to back, up */
static const double midline_gap_mm = 4;
static const double jitter_mm = 2;                 /* SD of a centre about its place on the ellipsoid */
static const double probability_constant_mm = 50;  /* decay of the probability of a tract with distance */
static const double contralateral_share = 0.4;     /* of that probability, between the hemispheres */
static const double homotopic_distance_share = .5; /* of the distance, in the weight of homotopic links */
static const double tortuosity = 1.3;              /* tract length over Euclidean distance */
static const double cortex_area_mm2 = 180000, cortex_thickness_mm = 2.6;
static const double area_sigma = .35; /* SD of the log area */

enum { HISTOGRAM_BINS = 1024 };
enum { DRAW_CENTRE, DRAW_AREA, DRAW_TRACT }; /* salts of the streams */

typedef struct {
  cls_generator options;
  uint32_t n, left;    /* regions; those of the left hemisphere come first */
  uint32_t lone, near; /* odd n: the left region without mirror image, and its nearest region; else n */
  double (*centre)[3]; /* owned by the connectome */
  double log_factor;   /* log of the factor of the probability that gives the density asked for */
  cls_stream tracts;
} generator;

cls_generator cls_generator_default(void) {
  return (cls_generator){
      .regions = 76, .seed = 1, .density = .3, .length_constant_mm = 20, .weight_sigma = .5};
}

static bool homotopic(const generator *g, uint32_t i, uint32_t j) { return j == i + g->left; }

static double distance(const generator *g, uint32_t i, uint32_t j) {
  const double *a = g->centre[i], *b = g->centre[j];
  double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  return sqrt(x * x + y * y + z * z);
}

/* Centres: a golden spiral over the half ellipsoid (equal areas on the sphere), at .8 to 1 of its radius,
 * mirrored, and each side jittered on its own. */
static void place_regions(const generator *g) {
  const double pi = 3.14159265358979323846, golden = 0.61803398874989484820;
  cls_stream stream = cls_stream_make(g->options.seed, CLS_PURPOSE_GENERATOR, DRAW_CENTRE);
  for (uint32_t i = 0; i < g->n; i++) {
    bool right = i >= g->left;
    uint32_t k = right ? i - g->left : i;
    double height = ((double)k + 0.5) / (double)g->left, turn = (double)k * golden;
    double angle = 2 * pi * (turn - floor(turn)), radius = sqrt(1 - height * height);
    cls_words shared = cls_draw(stream, k, 0, 0, 0), own = cls_draw(stream, k, 1 + right, 0, 0);
    double depth = 0.8 + 0.2 * cls_unit(shared.w[0]);
    double sphere[3] = {height, radius * cls_cos(angle), radius * cls_sin(angle)};
    for (int d = 0; d < 3; d++)
      g->centre[i][d] =
          depth * half_axis_mm[d] * sphere[d] + jitter_mm * cls_normal_quantile(cls_unit(own.w[d]));
    double x = fabs(g->centre[i][0]) + midline_gap_mm;
    g->centre[i][0] = right ? x : -x;
  }
}

/* Areas are log-normal, alike on both sides; their expected sum is that of the human cortex. */
static void size_regions(const generator *g, cls_connectome *c) {
  cls_stream stream = cls_stream_make(g->options.seed, CLS_PURPOSE_GENERATOR, DRAW_AREA);
  double mean = cortex_area_mm2 / (double)g->n;
  for (uint32_t i = 0; i < g->n; i++) {
    uint32_t k = i >= g->left ? i - g->left : i;
    cls_words w = cls_draw(stream, k, 0, 0, 0);
    double z = 0.95 * cls_normal_quantile(cls_unit(w.w[0])) +
               sqrt(1 - 0.95 * 0.95) * cls_normal_quantile(cls_unit(w.w[1 + (i >= g->left)]));
    c->area_mm2[i] = mean * cls_exp(area_sigma * z - area_sigma * area_sigma / 2);
    c->volume_mm3[i] = cortex_thickness_mm * c->area_mm2[i];
  }
}

static bool forced(const generator *g, uint32_t i, uint32_t j) {
  return homotopic(g, i, j) || (i == g->lone && j == g->near) || (j == g->lone && i == g->near);
}

static double log_probability(const generator *g, uint32_t i, uint32_t j, double mm) {
  bool across = (i < g->left) != (j < g->left);
  return -mm / probability_constant_mm + (across ? cls_ln(contralateral_share) : 0);
}

/* Finds log_factor: the expected number of tracts, sum of min(1, factor p), is a share `density` of all
 * pairs. Bisection over a histogram of log p, so that one pass over the pairs is enough. */
static void fit_density(generator *g) {
  const double lowest = -8, width = -lowest / HISTOGRAM_BINS; /* the centres are less than 250 mm apart */
  double count[HISTOGRAM_BINS] = {0}, sure = 0, pairs = 0;
  for (uint32_t i = 0; i < g->n; i++) {
    for (uint32_t j = i + 1; j < g->n; j++) {
      pairs += 1;
      if (forced(g, i, j)) {
        sure += 1;
        continue;
      }
      int bin = (int)((log_probability(g, i, j, distance(g, i, j)) - lowest) / width);
      count[bin < 0 ? 0 : bin >= HISTOGRAM_BINS ? HISTOGRAM_BINS - 1 : bin] += 1;
    }
  }
  double wanted = g->options.density * pairs - sure, low = -40, high = -lowest;
  for (int step = 0; step < 60; step++) {
    double middle = (low + high) / 2, expected = 0;
    for (int b = 0; b < HISTOGRAM_BINS; b++) {
      double p = cls_exp(middle + lowest + ((double)b + 0.5) * width);
      expected += count[b] * (p < 1 ? p : 1);
    }
    if (expected < wanted)
      low = middle;
    else
      high = middle;
  }
  g->log_factor = high;
}

/* Whether i < j are linked, and if so the tract's length and weight. */
static bool draw_tract(const generator *g, uint32_t i, uint32_t j, double *length_mm, double *weight) {
  double mm = distance(g, i, j);
  cls_words w = cls_draw(g->tracts, i, j, 0, 0);
  if (!forced(g, i, j) && cls_unit(w.w[0]) >= cls_exp(g->log_factor + log_probability(g, i, j, mm)))
    return false;
  double felt = homotopic(g, i, j) ? homotopic_distance_share * mm : mm;
  *length_mm = tortuosity * mm;
  *weight = cls_exp(-felt / g->options.length_constant_mm +
                    g->options.weight_sigma * cls_normal_quantile(cls_unit(w.w[1])));
  return true;
}

/* Fills the rows: walking the pairs i < j in order appends ascending sources to both rows. */
static cls_status fill_tracts(const generator *g, cls_connectome *c) {
  uint64_t *end = NULL;
  CLS_TRY(cls_alloc(&end, g->n, sizeof *end, "row ends"));
  for (uint32_t i = 0; i < g->n; i++) end[i] = c->row[i];
  for (uint32_t i = 0; i < g->n; i++) {
    for (uint32_t j = i + 1; j < g->n; j++) {
      double length, weight;
      if (!draw_tract(g, i, j, &length, &weight)) continue;
      c->source[end[i]] = j;
      c->weight[end[i]] = weight;
      c->length_mm[end[i]++] = length;
      c->source[end[j]] = i;
      c->weight[end[j]] = weight;
      c->length_mm[end[j]++] = length;
    }
  }
  free(end);
  return CLS_OK;
}

static void find_lone_region(generator *g) {
  g->lone = g->near = g->n;
  if (g->n % 2 == 0) return;
  g->lone = g->left - 1;
  g->near = g->lone == 0 ? 1 : 0;
  for (uint32_t j = 0; j < g->n; j++)
    if (j != g->lone && distance(g, g->lone, j) < distance(g, g->lone, g->near)) g->near = j;
}

static cls_status check_options(const cls_generator *o) {
  CLS_CHECK(o->regions >= 2, CLS_ERR_INPUT, "generator.regions: %u: expected at least 2", o->regions);
  CLS_CHECK(o->regions <= 1000000, CLS_ERR_INPUT, "generator.regions: %u: expected at most 1000000",
            o->regions);
  CLS_CHECK(o->density > 0 && o->density <= 1, CLS_ERR_INPUT,
            "generator.density: %g: expected a number above 0 and at most 1", o->density);
  CLS_CHECK(o->length_constant_mm >= 1 && isfinite(o->length_constant_mm), CLS_ERR_INPUT,
            "generator.length_constant_mm: %g: expected a finite number of at least 1",
            o->length_constant_mm);
  CLS_CHECK(o->weight_sigma >= 0 && o->weight_sigma <= 10, CLS_ERR_INPUT,
            "generator.weight_sigma: %g: expected 0 ... 10", o->weight_sigma);
  return CLS_OK;
}

static cls_status describe_regions(const generator *g, cls_connectome *c) {
  c->origin = cls_format("generator (%u regions, seed %llu)", g->n, (unsigned long long)g->options.seed);
  CLS_CHECK(c->origin, CLS_ERR_MEMORY, "out of memory for the origin of a connectome");
  for (uint32_t i = 0; i < g->n; i++) {
    bool right = i >= g->left;
    c->names[i] = cls_format("%c%03u", right ? 'R' : 'L', right ? i - g->left : i);
    CLS_CHECK(c->names[i], CLS_ERR_MEMORY, "out of memory for region names");
    for (int d = 0; d < 3; d++) c->centre_mm[i][d] = g->centre[i][d];
    c->hemisphere[i] = right;
    c->cortical[i] = 1;
  }
  size_regions(g, c);
  return CLS_OK;
}

/* Counts the tracts of every region into row[i + 1]. */
static void count_tracts(const generator *g, uint64_t *row) {
  for (uint32_t i = 0; i < g->n; i++) {
    for (uint32_t j = i + 1; j < g->n; j++) {
      double length, weight;
      if (!draw_tract(g, i, j, &length, &weight)) continue;
      row[i + 1]++;
      row[j + 1]++;
    }
  }
  for (uint32_t i = 0; i < g->n; i++) row[i + 1] += row[i];
}

cls_status cls_connectome_generate(const cls_generator *options, cls_connectome **connectome) {
  *connectome = NULL;
  CLS_TRY(check_options(options));
  generator g = {.options = *options, .n = options->regions, .left = options->regions - options->regions / 2};
  g.tracts = cls_stream_make(options->seed, CLS_PURPOSE_GENERATOR, DRAW_TRACT);
  uint64_t *row = NULL;
  cls_connectome *c = NULL;
  cls_status status = cls_alloc(&g.centre, g.n, sizeof *g.centre, "region centres");
  if (status == CLS_OK) status = cls_alloc(&row, (size_t)g.n + 1, sizeof *row, "connectome rows");
  if (status == CLS_OK) {
    place_regions(&g);
    find_lone_region(&g);
    fit_density(&g);
    count_tracts(&g, row);
    status = cls_connectome_create(g.n, row[g.n], &c);
  }
  if (status == CLS_OK) {
    for (uint32_t i = 0; i <= g.n; i++) c->row[i] = row[i];
    status = describe_regions(&g, c);
  }
  if (status == CLS_OK) status = fill_tracts(&g, c);
  if (status == CLS_OK) status = cls_connectome_check(c);
  free(row);
  free(g.centre);
  if (status != CLS_OK) {
    cls_connectome_destroy(c);
    return status;
  }
  *connectome = c;
  return CLS_OK;
}
