/* Positions of neurons: shapes, the tree that divides neurons among parts of a shape, grids, and the boxes
 * around cells. */
#include "network/internal.h"

#include "base/math.h"

#define PI 3.14159265358979323846

/* ---- shapes ---- */

static double product_of_sides(const cls_positions *p) {
  double volume = p->size_mm[0] * p->size_mm[1];
  return cls_shape_dimensions(p) == 3 ? volume * p->size_mm[2] : volume;
}

int cls_shape_dimensions(const cls_positions *p) {
  if (p->shape == CLS_SHAPE_GRID) return p->size_mm[2] > 0 ? 3 : 2;
  return p->shape == CLS_SHAPE_BOX || p->shape == CLS_SHAPE_BALL ? 3 : 2;
}

double cls_shape_volume(const cls_positions *p) {
  double radius = p->size_mm[0] / 2;
  if (p->shape == CLS_SHAPE_DISC) return PI * radius * radius;
  if (p->shape == CLS_SHAPE_BALL) return 4.0 / 3 * PI * radius * radius * radius;
  return product_of_sides(p);
}

bool cls_shape_holds(const cls_positions *p, const double xyz[3]) {
  double x = xyz[0] - p->centre_mm[0], y = xyz[1] - p->centre_mm[1], z = xyz[2] - p->centre_mm[2];
  if (p->shape == CLS_SHAPE_DISC || p->shape == CLS_SHAPE_BALL) {
    double radius = p->size_mm[0] / 2;
    return x * x + y * y + (p->shape == CLS_SHAPE_BALL ? z * z : 0) <= radius * radius;
  }
  bool flat = cls_shape_dimensions(p) == 2;
  return fabs(x) <= p->size_mm[0] / 2 && fabs(y) <= p->size_mm[1] / 2 &&
         (flat || fabs(z) <= p->size_mm[2] / 2);
}

/* Radius and cosine of the polar angle of a ball, radius of a disc: equal volumes for equal parts of u. */
static double radius_at(const cls_positions *p, double u) {
  double radius = p->size_mm[0] / 2;
  if (u <= 0) return 0;
  return radius * (p->shape == CLS_SHAPE_DISC ? sqrt(u) : cls_pow(u, 1.0 / 3));
}

void cls_shape_point(const cls_positions *p, const double unit[3], double xyz[3]) {
  double at[3] = {0, 0, 0};
  if (p->shape == CLS_SHAPE_DISC || p->shape == CLS_SHAPE_BALL) {
    double r = radius_at(p, unit[0]), angle = 2 * PI * unit[1];
    if (p->shape == CLS_SHAPE_BALL) {
      double c = 2 * unit[2] - 1;
      at[2] = r * c;
      r *= sqrt(1 - c * c);
    }
    at[0] = r * cls_cos(angle);
    at[1] = r * cls_sin(angle);
  } else {
    for (int k = 0; k < cls_shape_dimensions(p); k++) at[k] = (unit[k] - 0.5) * p->size_mm[k];
  }
  for (int k = 0; k < 3; k++) xyz[k] = p->centre_mm[k] + at[k];
}

/* ---- boxes ---- */

static const cls_box nothing = {{INFINITY, INFINITY, INFINITY}, {-INFINITY, -INFINITY, -INFINITY}};

static void grow(cls_box *box, const cls_box *by) {
  for (int k = 0; k < 3; k++) {
    if (by->low[k] < box->low[k]) box->low[k] = by->low[k];
    if (by->high[k] > box->high[k]) box->high[k] = by->high[k];
  }
}

/* Products of two intervals, the first not negative. */
static void multiply(double r0, double r1, double c0, double c1, double *low, double *high) {
  *low = c0 < 0 ? r1 * c0 : r0 * c0;
  *high = c1 > 0 ? r1 * c1 : r0 * c1;
}

/* Of an angle that is a dyadic part of a turn: sine and cosine are monotone in each quarter. */
static void turn(double (*f)(double), double v0, double v1, double *low, double *high) {
  double a = f(2 * PI * v0), b = f(2 * PI * v1);
  bool quarter = v1 - v0 <= 0.25;
  *low = quarter ? (a < b ? a : b) : -1;
  *high = quarter ? (a > b ? a : b) : 1;
}

/* What holds the image of a part [low, high] of the unit cube. */
static cls_box image(const cls_positions *p, const cls_box *unit) {
  cls_box box;
  if (p->shape == CLS_SHAPE_DISC || p->shape == CLS_SHAPE_BALL) {
    double r0 = radius_at(p, unit->low[0]), r1 = radius_at(p, unit->high[0]), low, high;
    box.low[2] = box.high[2] = 0;
    if (p->shape == CLS_SHAPE_BALL) {
      double c0 = 2 * unit->low[2] - 1, c1 = 2 * unit->high[2] - 1;
      double nearest = c0 > 0 ? c0 : c1 < 0 ? -c1 : 0, furthest = fabs(c0) > fabs(c1) ? c0 : c1;
      multiply(r0, r1, c0, c1, &box.low[2], &box.high[2]);
      r0 *= sqrt(1 - furthest * furthest);
      r1 *= sqrt(1 - nearest * nearest);
    }
    turn(cls_cos, unit->low[1], unit->high[1], &low, &high);
    multiply(r0, r1, low, high, &box.low[0], &box.high[0]);
    turn(cls_sin, unit->low[1], unit->high[1], &low, &high);
    multiply(r0, r1, low, high, &box.low[1], &box.high[1]);
    for (int k = 0; k < 3; k++) {
      box.low[k] += p->centre_mm[k];
      box.high[k] += p->centre_mm[k];
    }
    return box;
  }
  cls_shape_point(p, unit->low, box.low);
  cls_shape_point(p, unit->high, box.high);
  return box;
}

double cls_box_gap(const cls_box *a, const cls_box *b, const double period[3]) {
  double square = 0;
  for (int k = 0; k < 3; k++) {
    double up = b->low[k] - a->high[k], down = a->low[k] - b->high[k];
    double gap = up > down ? up : down;
    if (period[k] > 0) { /* also round the other side */
      double width = (a->high[k] - a->low[k]) + (b->high[k] - b->low[k]);
      double other = period[k] - width - gap;
      if (other < gap) gap = other;
    }
    if (gap > 0) square += gap * gap;
  }
  return sqrt(square);
}

double cls_box_reach(const cls_box *a, const cls_box *b, const double period[3]) {
  double square = 0;
  for (int k = 0; k < 3; k++) {
    double up = b->high[k] - a->low[k], down = a->high[k] - b->low[k], far = up > down ? up : down;
    if (period[k] > 0 && far > period[k] / 2) far = period[k] / 2;
    square += far * far;
  }
  return sqrt(square);
}

/* ---- the tree ---- */

enum { LEAF = 128, MOST_LEVELS = 60 };
/* Third counter: nodes of the tree, or neurons. */
enum { COUNT_NEURON = 0, COUNT_NODE = 1 };

typedef struct {
  const cls_positions *positions;
  cls_stream stream;
  uint64_t first, last; /* neurons asked for */
  double (*xyz)[3];     /* their positions, or */
  cls_box *cells;       /* the boxes of all cells */
} walk;

/* The axis along which a part is halved: where its image is longest (about, for discs and balls). */
static int axis_of(const walk *w, const cls_box *unit) {
  const cls_positions *p = w->positions;
  double length[3];
  for (int k = 0; k < 3; k++) length[k] = (unit->high[k] - unit->low[k]) * p->size_mm[k];
  if (p->shape == CLS_SHAPE_DISC || p->shape == CLS_SHAPE_BALL) {
    double outer = radius_at(p, unit->high[0]);
    length[0] = outer - radius_at(p, unit->low[0]);
    length[1] = 2 * PI * outer * (unit->high[1] - unit->low[1]);
    length[2] = 2 * outer * (unit->high[2] - unit->low[2]);
  }
  int longest = length[1] > length[0] ? 1 : 0;
  return cls_shape_dimensions(p) == 3 && length[2] > length[longest] ? 2 : longest;
}

static void place_leaf(const walk *w, const cls_box *unit, uint64_t begin, uint64_t end) {
  if (w->cells) {
    cls_box box = image(w->positions, unit);
    for (uint64_t c = begin / CLS_CELL; c <= (end - 1) / CLS_CELL; c++) grow(&w->cells[c], &box);
    return;
  }
  if (begin < w->first) begin = w->first;
  if (end > w->last) end = w->last;
  for (uint64_t i = begin; i < end; i++) {
    cls_words words = cls_draw(w->stream, (uint32_t)i, 0, COUNT_NEURON, 0);
    double at[3];
    for (int k = 0; k < 3; k++) at[k] = unit->low[k] + (unit->high[k] - unit->low[k]) * cls_unit(words.w[k]);
    cls_shape_point(w->positions, at, w->xyz[i - w->first]);
  }
}

/* Neurons [begin, begin + n) are in part `unit` of the unit cube, which is node `node` (1 is the root, 2 k
 * and 2 k + 1 are the halves of k). */
static void descend(const walk *w, uint64_t node, int level, const cls_box *unit, uint64_t begin,
                    uint64_t n) {
  if (n == 0 || begin + n <= w->first || begin >= w->last) return;
  if (n <= LEAF || level == MOST_LEVELS) {
    place_leaf(w, unit, begin, begin + n);
    return;
  }
  cls_reader reader = cls_reader_make(w->stream, (uint32_t)node, (uint32_t)(node >> 32), COUNT_NODE);
  uint64_t left = cls_read_binomial(&reader, n, 0.5);
  int axis = axis_of(w, unit);
  double middle = 0.5 * (unit->low[axis] + unit->high[axis]);
  cls_box half = *unit;
  half.high[axis] = middle;
  descend(w, 2 * node, level + 1, &half, begin, left);
  half = *unit;
  half.low[axis] = middle;
  descend(w, 2 * node + 1, level + 1, &half, begin + left, n - left);
}

/* ---- grids ---- */

/* Rounded up, but for rounding errors of the root. */
static double steps(double x) { return x < 1 ? 1 : floor(x + (1 - 1e-9)); }

void cls_grid_points(const cls_positions *p, uint64_t n, uint64_t points[3]) {
  const double *side = p->size_mm;
  double count = (double)n, x, y;
  if (side[2] > 0) {
    x = steps(cls_pow(count * side[0] * side[0] / (side[1] * side[2]), 1.0 / 3));
    y = steps(cls_pow(count * side[1] * side[1] / (side[0] * side[2]), 1.0 / 3));
    if (x > count) x = count;
    if (y > count) y = count;
    points[2] = (uint64_t)steps(count / (x * y));
  } else {
    x = steps(sqrt(count * side[0] / side[1]));
    if (x > count) x = count;
    y = steps(count / x);
    points[2] = 1;
  }
  points[0] = (uint64_t)x;
  points[1] = (uint64_t)y;
}

static void grid_point(const cls_positions *p, const uint64_t points[3], uint64_t i, double xyz[3]) {
  const uint64_t at[3] = {i % points[0], i / points[0] % points[1], i / points[0] / points[1]};
  for (int k = 0; k < 3; k++) {
    double share = ((double)at[k] + 0.5) / (double)points[k] - 0.5;
    xyz[k] = p->centre_mm[k] + (k < cls_shape_dimensions(p) ? share * p->size_mm[k] : 0);
  }
}

/* Whole rows where a cell holds parts of several, whole planes likewise. */
static cls_box grid_cell(const cls_positions *p, const uint64_t points[3], uint64_t first, uint64_t last) {
  uint64_t row = points[0], plane = points[0] * points[1];
  if (first / row != (last - 1) / row) {
    first -= first % row;
    last += (row - last % row) % row;
  }
  if (first / plane != (last - 1) / plane) {
    first -= first % plane;
    last += (plane - last % plane) % plane;
  }
  cls_box box;
  grid_point(p, points, first, box.low);
  grid_point(p, points, last - 1, box.high);
  return box;
}

/* ---- together ---- */

static walk walk_of(const cls_network *network, const cls_population *population) {
  return (walk){.positions = &population->positions,
                .stream = cls_stream_make(network->seed, CLS_PURPOSE_POSITION, population->key),
                .last = population->n};
}

static const cls_box unit_cube = {{0, 0, 0}, {1, 1, 1}};

cls_status cls_population_positions(const cls_network *network, uint32_t population, uint64_t first,
                                    uint32_t n, double (*xyz)[3]) {
  const cls_population *owner = &network->populations[population];
  const cls_positions *p = &owner->positions;
  CLS_CHECK(p->shape != CLS_SHAPE_NONE, CLS_ERR_INTERNAL, "population '%s' has no positions", owner->name);
  CLS_CHECK(first <= owner->n && n <= owner->n - first, CLS_ERR_INTERNAL,
            "population '%s': positions of neurons %llu ... + %u of %llu", owner->name,
            (unsigned long long)first, n, (unsigned long long)owner->n);
  if (p->shape == CLS_SHAPE_LISTED) return p->table->read(p->table->self, first, n, xyz);
  if (p->shape == CLS_SHAPE_GRID) {
    uint64_t points[3];
    cls_grid_points(p, owner->n, points);
    for (uint32_t i = 0; i < n; i++) grid_point(p, points, first + i, xyz[i]);
    return CLS_OK;
  }
  walk w = walk_of(network, owner);
  w.first = first;
  w.last = first + n;
  w.xyz = xyz;
  descend(&w, 1, 0, &unit_cube, 0, owner->n);
  return CLS_OK;
}

static cls_status make_cells(const cls_network *network, cls_population *owner) {
  const cls_positions *p = &owner->positions;
  uint32_t cells = cls_cell_count(owner->n);
  CLS_TRY(cls_alloc(&owner->cell_box, cells, sizeof *owner->cell_box, "boxes of cells"));
  if (p->shape == CLS_SHAPE_LISTED) {
    for (uint32_t c = 0; c < cells; c++) owner->cell_box[c] = p->table->cell_box[c];
    return CLS_OK;
  }
  uint64_t points[3];
  if (p->shape == CLS_SHAPE_GRID) {
    cls_grid_points(p, owner->n, points);
    for (uint32_t c = 0; c < cells; c++) {
      uint64_t first = (uint64_t)c * CLS_CELL;
      owner->cell_box[c] = grid_cell(p, points, first, first + cls_cell_neurons(owner->n, c, c + 1));
    }
    return CLS_OK;
  }
  for (uint32_t c = 0; c < cells; c++) owner->cell_box[c] = nothing;
  walk w = walk_of(network, owner);
  w.cells = owner->cell_box;
  descend(&w, 1, 0, &unit_cube, 0, owner->n);
  return CLS_OK;
}

cls_box cls_positions_extent(const cls_population *population) {
  cls_box box = nothing;
  for (uint32_t c = 0; c < cls_cell_count(population->n); c++) grow(&box, &population->cell_box[c]);
  return box;
}

static int sides_of(const cls_positions *p) {
  if (p->shape == CLS_SHAPE_DISC || p->shape == CLS_SHAPE_BALL) return 1;
  return cls_shape_dimensions(p);
}

cls_status cls_positions_finish(const cls_network *network, uint32_t population) {
  cls_population *owner = &network->populations[population];
  const cls_positions *p = &owner->positions;
  if (p->shape == CLS_SHAPE_NONE) return CLS_OK;
  for (int k = 0; k < 3; k++)
    CLS_CHECK(fabs(p->centre_mm[k]) <= 1e9, CLS_ERR_INPUT,
              "population '%s': positions: centre_mm %g: expected at most 1e9 mm", owner->name,
              p->centre_mm[k]);
  if (p->shape == CLS_SHAPE_LISTED)
    CLS_CHECK(p->table && p->table->n == owner->n, CLS_ERR_INPUT,
              "population '%s': %s lists %llu positions: expected one for each of %llu neurons", owner->name,
              p->table ? p->table->name : "no table", (unsigned long long)(p->table ? p->table->n : 0),
              (unsigned long long)owner->n);
  else
    for (int k = 0; k < sides_of(p); k++)
      CLS_CHECK(p->size_mm[k] >= 1e-9 && p->size_mm[k] <= 1e9, CLS_ERR_INPUT,
                "population '%s': positions: size_mm %g: expected 1e-9 ... 1e9 mm", owner->name,
                p->size_mm[k]);
  bool torus = p->shape == CLS_SHAPE_RECTANGLE || p->shape == CLS_SHAPE_BOX || p->shape == CLS_SHAPE_GRID;
  CLS_CHECK(torus || !p->periodic, CLS_ERR_INPUT,
            "population '%s': positions: periodic: expected a rectangle, box or grid", owner->name);
  return make_cells(network, owner);
}
