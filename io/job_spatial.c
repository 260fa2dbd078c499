/* What depends on where neurons are: `positions:` of populations, `probability:` and `delay_ms:` by
 * distance. */
#include "io/job.h"
#include <math.h>
#include <string.h>

/* ---- positions ---- */

typedef struct {
  int shape;
  const cls_yaml *size_mm, *centre_mm;
  bool periodic;
  const char *file, *dataset;
} position_fields;

static const char *const shapes[] = {"rectangle", "box", "disc", "ball", "grid", NULL};
static const cls_shape shape_of[] = {CLS_SHAPE_RECTANGLE, CLS_SHAPE_BOX, CLS_SHAPE_DISC, CLS_SHAPE_BALL,
                                     CLS_SHAPE_GRID};
static const int least_sides[] = {2, 3, 1, 1, 2}, most_sides[] = {2, 3, 1, 1, 3};
static const char *const sides[] = {"two sides", "three sides", "the diameter", "the diameter",
                                    "two or three sides"};
static const cls_key position_keys[] = {
    {"shape", CLS_KEY_CHOICE, offsetof(position_fields, shape), .choices = shapes,
     .doc = "evenly filled at random (grid: regular, row after row); or file"},
    {"size_mm", CLS_KEY_ANY, offsetof(position_fields, size_mm), .unit = "mm",
     .doc = "[x, y] of a rectangle, [x, y, z] of a box, either of a grid; the diameter of a disc or ball"},
    {"centre_mm", CLS_KEY_ANY, offsetof(position_fields, centre_mm), .unit = "mm", .initial = "[0, 0, 0]",
     .doc = "[x, y] or [x, y, z]"},
    {"periodic", CLS_KEY_BOOL, offsetof(position_fields, periodic), .initial = "false",
     .doc = "rectangle, box and grid: opposite sides are neighbours"},
    {"file", CLS_KEY_TEXT, offsetof(position_fields, file),
     .doc = "HDF5 file that lists the positions; or shape"},
    {"dataset", CLS_KEY_TEXT, offsetof(position_fields, dataset),
     .doc = "of the file: [neurons, 2] or [neurons, 3], in mm"},
};
const cls_schema cls_schema_positions = {"populations[].positions", "Where neurons are.", position_keys,
                                         CLS_KEYS(position_keys)};

/* A number, or a list of numbers, at most three. Returns how many through `n`. */
static cls_status read_lengths(cls_job_reader *r, const cls_yaml *node, bool positive, double value[3],
                               int *n) {
  cls_key key = {.name = "length", .type = CLS_KEY_NUMBER, .unit = "mm", .min = -1e9, .max = 1e9};
  if (positive) key.min = 1e-9;
  char words[128];
  *n = node->kind == CLS_YAML_LIST ? (int)(node->n < 4 ? node->n : 4) : 1;
  if (node->kind == CLS_YAML_MAP || *n > 3 || *n < 1)
    return cls_yaml_fail(node, "%s: expected a list of up to three numbers",
                         cls_yaml_describe(node, words, sizeof words));
  if (node->kind == CLS_YAML_SCALAR) return cls_schema_value(r->tree, node, &key, &value[0]);
  for (int i = 0; i < *n; i++) CLS_TRY(cls_schema_value(r->tree, node->items[i], &key, &value[i]));
  return CLS_OK;
}

static cls_status read_shape(cls_job_reader *r, const cls_yaml *section, const position_fields *f,
                             cls_positions *positions) {
  int n = 0;
  const cls_yaml *dataset = cls_yaml_get(section, "dataset");
  if (dataset) return cls_yaml_fail(dataset, "belongs to a file: expected no such key with a shape");
  if (!f->size_mm)
    return cls_yaml_fail(section, "key 'size_mm' is missing: %s needs %s", shapes[f->shape], sides[f->shape]);
  CLS_TRY(read_lengths(r, f->size_mm, true, positions->size_mm, &n));
  if (n < least_sides[f->shape] || n > most_sides[f->shape])
    return cls_yaml_fail(f->size_mm, "%d number%s: expected %s of a %s", n, n == 1 ? "" : "s",
                         sides[f->shape], shapes[f->shape]);
  bool round = f->shape == 2 || f->shape == 3;
  if (round && f->periodic)
    return cls_yaml_fail(cls_yaml_get(section, "periodic"),
                         "a %s has no opposite sides: expected a rectangle, "
                         "box or grid",
                         shapes[f->shape]);
  positions->shape = shape_of[f->shape];
  positions->periodic = f->periodic;
  return CLS_OK;
}

cls_status cls_job_read_positions(cls_job_reader *r, const cls_yaml *section, uint32_t population) {
  cls_positions *positions = &r->job->network->populations[population].positions;
  position_fields f = {.shape = -1};
  int n = 0;
  CLS_TRY(cls_schema_read(r->tree, section, position_keys, CLS_KEYS(position_keys), &f));
  if ((f.shape < 0) == !f.file)
    return cls_yaml_fail(section, "%s: expected exactly one of 'shape' and 'file'",
                         f.file ? "both 'shape' and 'file'" : "no positions");
  CLS_TRY(read_lengths(r, f.centre_mm, false, positions->centre_mm, &n));
  if (!f.file) return read_shape(r, section, &f, positions);
  static const char *const of_shapes[] = {"size_mm", "centre_mm", "periodic"};
  for (int i = 0; i < CLS_KEYS(of_shapes); i++) {
    const cls_yaml *node = cls_yaml_get(section, of_shapes[i]);
    if (node) return cls_yaml_fail(node, "belongs to a shape: expected no such key with a file");
  }
  if (!f.dataset) return cls_yaml_fail(section, "key 'dataset' is missing: of the file");
  positions->shape = CLS_SHAPE_LISTED;
  return cls_job_note_file(r, &(cls_job_file){.node = cls_yaml_get(section, "file"),
                                              .positions = true,
                                              .index = population,
                                              .file = f.file,
                                              .inner = f.dataset});
}

/* ---- probability ---- */

typedef struct {
  int kernel;
  double peak, sigma_mm, length_mm, max_mm;
} kernel_fields;

static const char *const kernels[] = {"gaussian", "exponential", "linear", "box", NULL};
static const cls_kernel_kind kernel_of[] = {CLS_KERNEL_GAUSSIAN, CLS_KERNEL_EXPONENTIAL, CLS_KERNEL_LINEAR,
                                            CLS_KERNEL_BOX};
static const char *const kernel_length[] = {"sigma_mm", "length_mm", "length_mm", "max_mm"};
static const cls_key kernel_keys[] = {
    {"kernel", CLS_KEY_CHOICE, offsetof(kernel_fields, kernel), .required = true, .choices = kernels,
     .doc = "with distance d: gaussian exp(-d^2 / 2 sigma^2), exponential exp(-d / length), linear 1 - d / "
            "length, box 1 up to max_mm; times peak"},
    {"peak", CLS_KEY_NUMBER, offsetof(kernel_fields, peak), .required = true, .min = 0, .max = 1,
     .above_min = true, .doc = "probability at distance 0"},
    {"sigma_mm", CLS_KEY_NUMBER, offsetof(kernel_fields, sigma_mm), .unit = "mm", .min = 1e-9, .max = 1e9,
     .doc = "of the gaussian"},
    {"length_mm", CLS_KEY_NUMBER, offsetof(kernel_fields, length_mm), .unit = "mm", .min = 1e-9, .max = 1e9,
     .doc = "of the exponential (decay) and linear (end) kernels"},
    {"max_mm", CLS_KEY_NUMBER, offsetof(kernel_fields, max_mm), .unit = "mm", .min = 1e-9, .max = 1e9,
     .doc = "no synapse beyond; without it gaussian and exponential end where they fall to 2^-33"},
};
const cls_schema cls_schema_kernel = {"projections[].probability", "Probability that falls with distance.",
                                      kernel_keys, CLS_KEYS(kernel_keys)};

cls_status cls_job_read_probability(cls_job_reader *r, const cls_yaml *node, double *probability,
                                    cls_kernel *kernel) {
  const cls_key number = {
      .name = "probability", .type = CLS_KEY_NUMBER, .min = 0, .max = 1, .above_min = true};
  if (node->kind == CLS_YAML_LIST)
    return cls_yaml_fail(node, "a list: expected a number above 0, at most 1, or {kernel: ...}");
  if (node->kind == CLS_YAML_SCALAR) return cls_schema_value(r->tree, node, &number, probability);
  kernel_fields f = {.max_mm = INFINITY};
  CLS_TRY(cls_schema_read(r->tree, node, kernel_keys, CLS_KEYS(kernel_keys), &f));
  const char *needed = kernel_length[f.kernel], *name = kernels[f.kernel];
  if (!cls_yaml_get(node, needed))
    return cls_yaml_fail(node, "key '%s' is missing: kernel %s needs it", needed, name);
  static const char *const lengths[] = {"sigma_mm", "length_mm"};
  for (int i = 0; i < 2; i++) {
    const cls_yaml *other = cls_yaml_get(node, lengths[i]);
    if (other && strcmp(needed, lengths[i]) != 0)
      return cls_yaml_fail(other, "belongs to another kernel: expected no such key with %s", name);
  }
  *kernel = (cls_kernel){.kind = kernel_of[f.kernel],
                         .peak = f.peak,
                         .length_mm = f.kernel == 0   ? f.sigma_mm
                                      : f.kernel == 3 ? f.max_mm
                                                      : f.length_mm,
                         .max_mm = f.max_mm};
  return CLS_OK;
}

/* ---- delays ---- */

typedef struct {
  const cls_yaml *distance;
  cls_distribution jitter;
} delay_fields;
static const cls_key delay_keys[] = {
    {"distance", CLS_KEY_MAP, offsetof(delay_fields, distance), .required = true,
     .doc = "delay by distance, for rules pairwise_bernoulli and fixed_total_number"},
    {"jitter", CLS_KEY_DISTRIBUTION, offsetof(delay_fields, jitter), .unit = "ms", .initial = "0", .min = 0,
     .max = 1e6, .doc = "drawn for every synapse and added"},
};
const cls_schema cls_schema_delay = {"projections[].delay_ms", "Delays by distance, rounded to steps.",
                                     delay_keys, CLS_KEYS(delay_keys)};
typedef struct {
  double velocity, offset;
} distance_fields;
static const cls_key distance_keys[] = {
    {"velocity_m_s", CLS_KEY_NUMBER, offsetof(distance_fields, velocity), .unit = "m/s", .required = true,
     .min = 1e-9, .max = 1e9, .doc = "distance / velocity is added (1 m/s is 1 mm/ms)"},
    {"offset_ms", CLS_KEY_NUMBER, offsetof(distance_fields, offset), .unit = "ms", .initial = "0", .min = 0,
     .max = 1e6, .doc = "at distance 0; neighbours have one step at least"},
};
const cls_schema cls_schema_distance = {"projections[].delay_ms.distance", "", distance_keys,
                                        CLS_KEYS(distance_keys)};

cls_status cls_job_read_delay(cls_job_reader *r, const cls_yaml *node, cls_distribution *delay_ms,
                              double *velocity_mm_ms) {
  const cls_key plain = {
      .name = "delay_ms", .type = CLS_KEY_DISTRIBUTION, .unit = "ms", .min = 0, .max = 1e6};
  if (node->kind != CLS_YAML_MAP || !cls_yaml_get(node, "distance"))
    return cls_schema_value(r->tree, node, &plain, delay_ms);
  delay_fields f = {0};
  distance_fields d = {0};
  CLS_TRY(cls_schema_read(r->tree, node, delay_keys, CLS_KEYS(delay_keys), &f));
  CLS_TRY(cls_schema_read(r->tree, f.distance, distance_keys, CLS_KEYS(distance_keys), &d));
  *velocity_mm_ms = d.velocity;
  *delay_ms = f.jitter;
  delay_ms->offset += d.offset;
  delay_ms->min += d.offset;
  delay_ms->max += d.offset;
  return CLS_OK;
}
