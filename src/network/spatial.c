/* Probability by distance: its value, its mean over two populations and a bound on the in-degree. */
#include "network/internal.h"

#include "base/math.h"

#define PI 3.14159265358979323846
/* Where a kernel without max_mm has fallen to this share of its peak it counts as 0. */
#define LEAST_SHARE 0x1p-33

double cls_kernel_at(const cls_kernel *k, double d) {
  if (d > k->max_mm) return 0;
  double x = d / k->length_mm;
  switch (k->kind) {
  case CLS_KERNEL_GAUSSIAN:
    return k->peak * cls_exp(-0.5 * x * x);
  case CLS_KERNEL_EXPONENTIAL:
    return k->peak * cls_exp(-x);
  case CLS_KERNEL_LINEAR:
    return x < 1 ? k->peak * (1 - x) : 0;
  default:
    return k->peak;
  }
}

double cls_kernel_cutoff(const cls_kernel *k) {
  double reach = INFINITY;
  if (k->kind == CLS_KERNEL_GAUSSIAN) reach = k->length_mm * sqrt(-2 * cls_ln(LEAST_SHARE));
  if (k->kind == CLS_KERNEL_EXPONENTIAL) reach = -k->length_mm * cls_ln(LEAST_SHARE);
  if (k->kind == CLS_KERNEL_LINEAR) reach = k->length_mm;
  return reach < k->max_mm ? reach : k->max_mm;
}

void cls_projection_period(const cls_network *network, const cls_projection *projection, double period[3]) {
  const cls_positions *p = &network->populations[projection->target].positions;
  for (int k = 0; k < 3; k++) period[k] = p->periodic ? p->size_mm[k] : 0;
  if (p->periodic && cls_shape_dimensions(p) == 2) period[2] = 0;
}

/* ---- the mean over pairs ---- */

/* Points of a low-discrepancy sequence: multiples of powers of 1/g modulo 1, g the root of x^4 = x + 1
 * (the generalised golden ratio for three dimensions; M. Roberts, "The unreasonable effectiveness of
 * quasirandom sequences", 2018). */
static void sequence(int i, double unit[3]) {
  static const double step[3] = {0.8191725133961645, 0.6710436067037893, 0.5497004779019703};
  for (int k = 0; k < 3; k++) {
    double x = 0.5 + step[k] * (i + 1);
    unit[k] = x - floor(x);
  }
}

static void sample_point(const cls_positions *p, int i, double xyz[3]) {
  if (p->shape == CLS_SHAPE_LISTED) {
    for (int k = 0; k < 3; k++) xyz[k] = p->table->sample[i][k];
    return;
  }
  double unit[3];
  sequence(i, unit);
  cls_shape_point(p, unit, xyz); /* grids count as evenly filled */
}

/* Rings around a point, and points on each. */
enum { RINGS = 48, DIRECTIONS = 32 };

/* The area or volume of shape `p` around `from`, weighted by the kernel: the sum over rings of kernel times
 * the ring's area times the part of it within the shape. */
static double integral_from(const cls_kernel *kernel, const cls_positions *p, const double period[3],
                            const double from[3], double most, int number) {
  bool solid = cls_shape_dimensions(p) == 3;
  double height = solid ? 0 : from[2] - p->centre_mm[2], sum = 0;
  for (int ring = 0; ring < RINGS; ring++) {
    double r = most * (ring + 0.5) / RINGS, width = most / RINGS;
    double value = cls_kernel_at(kernel, sqrt(r * r + height * height));
    if (value == 0) continue;
    int inside = 0;
    for (int i = 0; i < DIRECTIONS; i++) {
      /* directions spread by the golden angle, turned differently for every ring and point */
      double unit[3];
      sequence(number * RINGS + ring, unit);
      double turn = (i + unit[0]) * 0.6180339887498949, c = solid ? (2 * (i + unit[1]) / DIRECTIONS - 1) : 0;
      double angle = 2 * PI * (turn - floor(turn)), s = sqrt(1 - c * c);
      if (!solid) angle = 2 * PI * (i + unit[0]) / DIRECTIONS;
      double step[3] = {r * s * cls_cos(angle), r * s * cls_sin(angle), r * c};
      double at[3] = {from[0] + step[0], from[1] + step[1], solid ? from[2] + step[2] : p->centre_mm[2]};
      bool torus = period[0] > 0, near = true; /* on a torus every point has one nearest image */
      for (int k = 0; k < 3 && torus; k++) near = near && (period[k] == 0 || fabs(step[k]) <= period[k] / 2);
      inside += torus ? near : cls_shape_holds(p, at);
    }
    double area = solid ? 4.0 / 3 * PI * width * width * width * (3.0 * ring * ring + 3 * ring + 1)
                        : PI * width * width * (2.0 * ring + 1);
    sum += value * area * inside / DIRECTIONS;
  }
  return sum;
}

/* What a point of `shape` may be away from a point of the other shape at most, for shapes that are not
 * listed. */
static cls_box shape_box(const cls_positions *p) {
  cls_box box;
  bool round = p->shape == CLS_SHAPE_DISC || p->shape == CLS_SHAPE_BALL;
  for (int k = 0; k < 3; k++) {
    double half = k < cls_shape_dimensions(p) ? p->size_mm[round ? 0 : k] / 2 : 0;
    box.low[k] = p->centre_mm[k] - half;
    box.high[k] = p->centre_mm[k] + half;
  }
  return box;
}

double cls_projection_mean_probability(const cls_network *network, const cls_projection *projection) {
  const cls_positions *to = &network->populations[projection->target].positions;
  const cls_positions *from = &network->populations[projection->sources[0].population].positions;
  const cls_kernel *kernel = &projection->kernel;
  double period[3], sum = 0;
  cls_projection_period(network, projection, period);
  for (int i = 0; i < CLS_POSITION_SAMPLE; i++) {
    double x[3], y[3];
    sample_point(to, i, x);
    if (from->shape == CLS_SHAPE_LISTED) {
      for (int k = 0; k < CLS_POSITION_SAMPLE; k++) {
        sample_point(from, k, y);
        sum += cls_kernel_at(kernel, cls_distance(x, y, period)) / CLS_POSITION_SAMPLE;
      }
      continue;
    }
    cls_box point = {{x[0], x[1], x[2]}, {x[0], x[1], x[2]}}, whole = shape_box(from);
    double most = cls_box_reach(&point, &whole, period), cutoff = cls_kernel_cutoff(kernel);
    sum += integral_from(kernel, from, period, x, cutoff < most ? cutoff : most, i) / cls_shape_volume(from);
  }
  double mean = sum / CLS_POSITION_SAMPLE;
  if (projection->sources[0].population == projection->target) {
    /* a neuron is at no distance from itself; the integral holds it where points are regular */
    double n = (double)network->populations[projection->target].n;
    double row = from->shape == CLS_SHAPE_GRID ? n * mean : (n - 1) * mean + kernel->peak;
    if (projection->autapses)
      mean = row / n;
    else
      mean = n > 1 && row > kernel->peak ? (row - kernel->peak) / (n - 1) : 0;
  }
  return mean < kernel->peak ? mean : kernel->peak;
}

/* ---- a bound ---- */

/* Sources are independent and uniform in their shape: the probability that one of them connects is at most
 * the kernel's integral over all space divided by the shape's volume, and never above the peak. Rings are
 * taken at their inner edge, where the kernel is greatest. Points of a grid stand for the part of the shape
 * around them, which is nearer by half its diagonal at most. Of listed positions nothing is known but the
 * peak. */
double cls_kernel_indegree(const cls_network *network, const cls_projection *projection) {
  enum { STEPS = 1000 };
  const cls_population *source = &network->populations[projection->sources[0].population];
  const cls_positions *p = &source->positions;
  const cls_kernel *kernel = &projection->kernel;
  double all = (double)source->n * kernel->peak;
  if (p->shape == CLS_SHAPE_LISTED) return all;

  double slack = 0, volume = cls_shape_volume(p);
  if (p->shape == CLS_SHAPE_GRID) {
    uint64_t points[3];
    cls_grid_points(p, source->n, points);
    for (int k = 0; k < cls_shape_dimensions(p); k++) {
      double half = p->size_mm[k] / (double)points[k] / 2;
      slack += half * half;
    }
    slack = sqrt(slack);
    /* the last row or plane may be unfilled: points are as dense as if all were there */
    volume *= (double)source->n / ((double)points[0] * (double)points[1] * (double)points[2]);
  }
  double most = cls_kernel_cutoff(kernel) + slack;
  if (!(most < INFINITY)) return all; /* a box without end */
  double sum = 0;
  for (int i = 0; i < STEPS; i++) {
    double r = most * i / STEPS, width = most / STEPS;
    double area = cls_shape_dimensions(p) == 3
                      ? 4.0 / 3 * PI * width * width * width * (3.0 * i * i + 3.0 * i + 1)
                      : PI * width * width * (2.0 * i + 1);
    sum += cls_kernel_at(kernel, r > slack ? r - slack : 0) * area;
  }
  double mean = (double)source->n * sum / volume + kernel->peak; /* with oneself */
  return mean < all ? mean : all;
}
