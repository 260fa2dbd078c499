/* Values of a finished assimilation, or of a twin's truth, as a function of the step. */
#include "jobs/run_replay.h"
#include "assimilation/history_file.h"
#include "assimilation/surrogate.h"
#include "base/normal.h"
#include "io/file.h"
#include "io/hdf5_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CYCLES = 100000000, DRAW_SPREAD = 0, DRAW_PHASE = 1 };

/* What is read, on rank 0. */
typedef struct {
  const char *path;
  hid_t file;
  const cls_job *job;
  const cls_hyper *hyper;
  uint32_t cycles;
  double *mean;       /* [cycles][values] */
  double *low, *high; /* [values] quantiles .05 and .95 of the last cycle; NaN: none */
} reader;

/* ---- the file ---- */

static cls_status refuse(const reader *r, const char *name, const char *what) {
  return cls_fail(CLS_ERR_INPUT, "--hyperparameters %s: %s: %s", r->path, name, what);
}

/* What HDF5 is given to read is what was written. */
static cls_status check_front(const char *path) {
  char expected[CLS_HISTORY_FRONT], found[CLS_HISTORY_FRONT] = {0};
  size_t n;
  CLS_TRY(cls_file_head(path, found, sizeof found, &n));
  if (n < sizeof found || strncmp(found, CLS_HISTORY_FORMAT, strlen(CLS_HISTORY_FORMAT)) != 0) return CLS_OK;
  CLS_TRY(cls_history_front(path, expected));
  CLS_CHECK(
      memcmp(found, expected, sizeof found) == 0, CLS_ERR_INPUT,
      "%s: damaged, cut off or changed by another program (the sum in front is not that of what follows)",
      path);
  return CLS_OK;
}

/* Opens /hyperparameters/NAME/WHAT; < 0: it is not there. Extents of two dimensions of numbers that are stored. */
static cls_status open_table(const reader *r, const char *name, const char *what, hsize_t dims[2],
                             hid_t *dataset) {
  char path[CLS_HISTORY_PATH];
  cls_history_path(path, "hyperparameters", name, what);
  *dataset = H5Dopen2(r->file, path, H5P_DEFAULT);
  if (*dataset < 0) return CLS_OK;
  const hid_t space = H5Dget_space(*dataset), type = H5Dget_type(*dataset);
  const bool good = H5Sget_simple_extent_ndims(space) == 2 &&
                    H5Sget_simple_extent_dims(space, dims, NULL) == 2 && H5Tget_class(type) == H5T_FLOAT &&
                    cls_h5_is_stored(*dataset);
  H5Tclose(type);
  H5Sclose(space);
  if (good) return CLS_OK;
  H5Dclose(*dataset);
  *dataset = -1;
  return refuse(r, path, "expected numbers [cycle][row]");
}

static cls_status read_table(const reader *r, const char *name, const char *what, hid_t dataset, hsize_t rows,
                             hsize_t columns, double **values) {
  CLS_TRY(cls_alloc(values, rows * columns, sizeof **values, "hyperparameters"));
  if (H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, *values) >= 0) return CLS_OK;
  free(*values);
  *values = NULL;
  return cls_fail(CLS_ERR_INPUT, "--hyperparameters %s: /hyperparameters/%s/%s cannot be read: damaged",
                  r->path, name, what);
}

/* Within its bounds: elsewhere the transform has no value. */
static cls_status check_values(const reader *r, const cls_hyperparameter *h, const double *values) {
  const double low = h->transform == CLS_LOG ? 0 : h->lower,
               high = h->transform == CLS_LOG ? INFINITY : h->upper;
  for (uint32_t c = 0; c < r->cycles; c++)
    for (uint32_t k = 0; k < h->rows; k++) {
      const double value = values[(size_t)c * h->rows + k];
      CLS_CHECK(isfinite(value) && value >= low && value <= high, CLS_ERR_INPUT,
                "--hyperparameters %s: %s of %s is %.10g in cycle %u: expected %.10g to %.10g", r->path,
                h->name, h->row_names[k], value, c, low, high);
    }
  return CLS_OK;
}

static cls_status read_mean(reader *r, uint32_t number, hid_t dataset, const hsize_t dims[2]) {
  const cls_hyperparameter *h = &r->hyper->hyper[number];
  double *values = NULL;
  CLS_CHECK(dims[1] == h->rows, CLS_ERR_INPUT,
            "--hyperparameters %s: %s has %llu values in a cycle: expected %u, as in %s", r->path, h->name,
            (unsigned long long)dims[1], h->rows, r->job->path);
  CLS_CHECK(dims[0] >= 1 && dims[0] <= MOST_CYCLES && (!r->mean || dims[0] == r->cycles), CLS_ERR_INPUT,
            "--hyperparameters %s: %s has %llu cycles: expected at least 1, as many of all", r->path, h->name,
            (unsigned long long)dims[0]);
  r->cycles = (uint32_t)dims[0];
  if (!r->mean) CLS_TRY(cls_alloc(&r->mean, dims[0] * r->hyper->values, sizeof *r->mean, "hyperparameters"));
  CLS_TRY(read_table(r, h->name, "mean", dataset, dims[0], dims[1], &values));
  cls_status status = check_values(r, h, values);
  for (uint32_t c = 0; c < r->cycles; c++)
    memcpy(r->mean + (size_t)c * r->hyper->values + r->hyper->first_value[number],
           values + (size_t)c * h->rows, h->rows * sizeof *values);
  free(values);
  return status;
}

/* Where later observations were heard, what they say of a cycle is better than what was known at its end. */
static cls_status read_smoothed(reader *r, uint32_t number) {
  const cls_hyperparameter *h = &r->hyper->hyper[number];
  double *values = NULL;
  hid_t dataset;
  hsize_t dims[2] = {0};
  CLS_TRY(open_table(r, h->name, "smoothed", dims, &dataset));
  if (dataset < 0) return CLS_OK;
  cls_status status = CLS_OK;
  if (dims[0] != r->cycles || dims[1] != h->rows)
    status = refuse(r, h->name, "expected as many smoothed values as means");
  if (status == CLS_OK) status = read_table(r, h->name, "smoothed", dataset, dims[0], dims[1], &values);
  H5Dclose(dataset);
  for (size_t i = 0; status == CLS_OK && i < (size_t)r->cycles * h->rows; i++)
    if (isfinite(values[i]))
      r->mean[i / h->rows * r->hyper->values + r->hyper->first_value[number] + i % h->rows] =
          fmin(fmax(values[i], h->lower), h->upper);
  free(values);
  return status;
}

/* A quantile of the last cycle; a twin's truth has none. */
static cls_status read_quantile(const reader *r, uint32_t number, const char *what, double *into) {
  const cls_hyperparameter *h = &r->hyper->hyper[number];
  hid_t dataset;
  hsize_t dims[2] = {0};
  double *values = NULL;
  CLS_TRY(open_table(r, h->name, what, dims, &dataset));
  for (uint32_t k = 0; k < h->rows; k++) into[k] = NAN;
  if (dataset < 0) return CLS_OK;
  cls_status status = CLS_OK;
  if (dims[0] != r->cycles || dims[1] != h->rows)
    status = refuse(r, h->name, "quantiles and means are of other sizes");
  if (status == CLS_OK) status = read_table(r, h->name, what, dataset, dims[0], dims[1], &values);
  H5Dclose(dataset);
  if (status == CLS_OK) memcpy(into, values + (size_t)(r->cycles - 1) * h->rows, h->rows * sizeof *into);
  free(values);
  return status;
}

/* Where the file has names of rows they are those of the job. */
static cls_status check_names(const reader *r, const cls_hyperparameter *h) {
  char path[CLS_HISTORY_PATH], **names;
  cls_history_path(path, "hyperparameters", h->name, "regions");
  const hid_t dataset = H5Dopen2(r->file, path, H5P_DEFAULT);
  if (dataset < 0) return CLS_OK;
  const hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  cls_status status = cls_alloc(&names, h->rows, sizeof *names, "names");
  const bool good = status == CLS_OK && H5Sget_simple_extent_npoints(space) == (hssize_t)h->rows &&
                    H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0 &&
                    H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names) >= 0;
  if (status == CLS_OK && !good) status = refuse(r, path, "expected names of the rows");
  for (uint32_t k = 0; k < h->rows && status == CLS_OK; k++)
    if (strcmp(names[k] ? names[k] : "", h->row_names[k]) != 0)
      status =
          cls_fail(CLS_ERR_INPUT, "--hyperparameters %s: row %u of %s is of '%s': expected '%s', as in %s",
                   r->path, k, h->name, names[k] ? names[k] : "", h->row_names[k], r->job->path);
  if (good) H5Dvlen_reclaim(type, space, H5P_DEFAULT, names);
  free(names);
  H5Tclose(type);
  H5Sclose(space);
  H5Dclose(dataset);
  return status;
}

static cls_status read_one(reader *r, uint32_t number) {
  const cls_hyperparameter *h = &r->hyper->hyper[number];
  const uint32_t first = r->hyper->first_value[number];
  hid_t dataset;
  hsize_t dims[2] = {0};
  CLS_TRY(open_table(r, h->name, "mean", dims, &dataset));
  CLS_CHECK(dataset >= 0, CLS_ERR_INPUT,
            "--hyperparameters %s: holds no hyperparameter '%s' (/hyperparameters/%s/mean), which %s has",
            r->path, h->name, h->name, r->job->path);
  cls_status status = read_mean(r, number, dataset, dims);
  H5Dclose(dataset);
  CLS_TRY(status);
  CLS_TRY(check_names(r, h));
  CLS_TRY(read_smoothed(r, number));
  CLS_TRY(read_quantile(r, number, "q05", r->low + first));
  return read_quantile(r, number, "q95", r->high + first);
}

/* Every group of the file is a hyperparameter of the job. */
static cls_status check_groups(const reader *r) {
  H5G_info_t info;
  const hid_t group = H5Gopen2(r->file, "/hyperparameters", H5P_DEFAULT);
  if (group < 0 || H5Gget_info(group, &info) < 0) return refuse(r, "/hyperparameters", "there are none");
  cls_status status = CLS_OK;
  for (hsize_t i = 0; i < info.nlinks && status == CLS_OK; i++) {
    char name[128] = "";
    bool known = false;
    H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
    for (uint32_t k = 0; k < r->hyper->n_hyper; k++)
      known = known || strcmp(name, r->hyper->hyper[k].name) == 0;
    if (!known)
      status = cls_fail(CLS_ERR_INPUT, "--hyperparameters %s: holds a hyperparameter '%s', which %s has not",
                        r->path, name, r->job->path);
  }
  H5Gclose(group);
  return status;
}

static cls_status check_tr(const reader *r) {
  double tr_s = NAN;
  const double expected = r->job->assimilation.tr_s;
  const hid_t attribute = H5Aopen(r->file, "tr_s", H5P_DEFAULT);
  if (attribute >= 0) {
    const hid_t space = H5Aget_space(attribute), type = H5Aget_type(attribute);
    if (H5Sget_simple_extent_npoints(space) == 1 && H5Tget_class(type) == H5T_FLOAT)
      H5Aread(attribute, H5T_NATIVE_DOUBLE, &tr_s);
    H5Tclose(type);
    H5Sclose(space);
    H5Aclose(attribute);
  }
  CLS_CHECK(!isnan(tr_s), CLS_ERR_INPUT,
            "--hyperparameters %s: has no attribute tr_s: expected assimilation.h5 or truth.h5 of callosum "
            "assimilate",
            r->path);
  CLS_CHECK(fabs(tr_s - expected) <= 1e-9 * expected, CLS_ERR_INPUT,
            "--hyperparameters %s: its cycles are of %.10g s: expected %.10g, assimilation.tr_s of %s",
            r->path, tr_s, expected, r->job->path);
  return CLS_OK;
}

static cls_status read_all(reader *r) {
  CLS_TRY(check_tr(r));
  CLS_TRY(check_groups(r));
  CLS_TRY(cls_alloc(&r->low, r->hyper->values, sizeof *r->low, "hyperparameters"));
  CLS_TRY(cls_alloc(&r->high, r->hyper->values, sizeof *r->high, "hyperparameters"));
  for (uint32_t i = 0; i < r->hyper->n_hyper; i++) CLS_TRY(read_one(r, i));
  return CLS_OK;
}

/* Rank 0. */
static cls_status read_file(reader *r) {
  const cls_status found = check_front(r->path);
  if (found != CLS_OK) return cls_error_prefix(CLS_ERR_INPUT, "--hyperparameters");
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its reasons would be printed beside our message */
  r->file = H5Fopen(r->path, H5F_ACC_RDONLY, H5P_DEFAULT);
  CLS_CHECK(r->file >= 0, CLS_ERR_INPUT,
            "--hyperparameters %s: no HDF5 file, or a damaged one: expected assimilation.h5 or truth.h5 of "
            "callosum "
            "assimilate",
            r->path);
  const cls_status status = read_all(r);
  H5Fclose(r->file);
  H5Eclear2(H5E_DEFAULT);
  return status;
}

/* Rank 0 has it: all get it. */
static cls_status share(MPI_Comm comm, uint32_t values, reader *r) {
  MPI_Bcast(&r->cycles, 1, MPI_UINT32_T, 0, comm);
  cls_status status = CLS_OK;
  if (!r->mean) {
    status = cls_alloc(&r->mean, (size_t)r->cycles * values, sizeof *r->mean, "hyperparameters");
    if (status == CLS_OK) status = cls_alloc(&r->low, values, sizeof *r->low, "hyperparameters");
    if (status == CLS_OK) status = cls_alloc(&r->high, values, sizeof *r->high, "hyperparameters");
  }
  CLS_TRY(cls_agree(comm, status));
  for (uint32_t c = 0; c < r->cycles; c++)
    MPI_Bcast(r->mean + (size_t)c * values, (int)values, MPI_DOUBLE, 0, comm);
  MPI_Bcast(r->low, (int)values, MPI_DOUBLE, 0, comm);
  MPI_Bcast(r->high, (int)values, MPI_DOUBLE, 0, comm);
  return CLS_OK;
}

/* ---- behind the last cycle ---- */

/* Not quite at the bounds, where the transform is infinite. */
static double transformed(const cls_hyperparameter *h, double value) {
  const double margin = h->transform == CLS_LOG ? 1e-300 : 1e-6 * (h->upper - h->lower);
  const double low = (h->transform == CLS_LOG ? 0 : h->lower) + margin;
  const double high = h->transform == CLS_LOG ? 1e300 : h->upper - margin;
  return cls_hyper_transform_of(h, fmin(fmax(value, low), high));
}

static double uniform(cls_stream stream, uint32_t row, uint32_t what) {
  cls_reader words = cls_reader_make(stream, row, 0, what);
  return cls_read_unit(&words);
}

/* Behind the last cycle: a draw from the process that the estimates were a sample of, and for each value a constant from how uncertain
 * it was at the end. */
static void draw_value(const cls_replay *r, const reader *file, cls_surrogate *s, uint32_t hyper,
                       uint32_t row, double *x) {
  static const double width = 2 * 1.6448536269514722; /* from quantile .05 to .95 of a normal */
  const cls_hyperparameter *h = &r->hyper.hyper[hyper];
  const uint32_t at = r->hyper.first_value[hyper] + row, from = file->cycles - s->n;
  const cls_stream stream = cls_stream_make(file->job->assimilation.seed, CLS_PURPOSE_ASSIMILATE,
                                            cls_mix64(cls_hash_string(h->name) + 1));
  for (uint32_t t = 0; t < s->n; t++)
    x[t] = transformed(h, file->mean[(size_t)(from + t) * r->hyper.values + at]);
  cls_surrogate_take(s, x);
  const double spread =
      isnan(file->low[at]) ? 0 : (transformed(h, file->high[at]) - transformed(h, file->low[at])) / width;
  const double deviation = spread > 0 ? spread * cls_normal_quantile(uniform(stream, row, DRAW_SPREAD)) : 0;
  for (uint32_t c = file->cycles; c < r->n; c++)
    r->values[(size_t)c * r->hyper.values + at] =
        cls_hyper_value_of(h, cls_surrogate_at(s, c - from) + deviation);
}

static cls_status draw(const cls_replay *r, const reader *file) {
  const uint32_t burn_in = file->job->assimilation.burn_in;
  const uint32_t n = file->cycles - (burn_in + 3 <= file->cycles ? burn_in : 0);
  const cls_stream stream = cls_stream_make(file->job->assimilation.seed, CLS_PURPOSE_ASSIMILATE, DRAW_PHASE);
  cls_surrogate s;
  double *x = NULL;
  cls_status status = cls_surrogate_create(n, stream, &s);
  if (status == CLS_OK) status = cls_alloc(&x, file->cycles, sizeof *x, "hyperparameters");
  for (uint32_t i = 0; i < r->hyper.n_hyper && status == CLS_OK; i++)
    for (uint32_t k = 0; k < r->hyper.hyper[i].rows; k++) draw_value(r, file, &s, i, k, x);
  free(x);
  cls_surrogate_free(&s);
  return status;
}

/* Over the second half of the cycles. */
static void average(const cls_replay *r, const reader *file, double *into) {
  const uint32_t first = file->cycles / 2;
  for (uint32_t v = 0; v < r->hyper.values; v++) {
    double sum = 0, low = INFINITY, high = -INFINITY;
    for (uint32_t c = first; c < file->cycles; c++) {
      const double value = file->mean[(size_t)c * r->hyper.values + v];
      sum += value;
      low = fmin(low, value);
      high = fmax(high, value);
    }
    into[v] = fmin(fmax(sum / (file->cycles - first), low), high); /* of equal values: themselves */
  }
}

static cls_status make_values(cls_replay *r, const reader *file, int64_t steps) {
  const bool mean = strcmp(r->how, "mean") == 0, draws = strcmp(r->how, "draw") == 0;
  const int64_t all = (steps + r->steps - 1) / r->steps;
  r->cycles = file->cycles;
  CLS_CHECK(all <= MOST_CYCLES, CLS_ERR_INPUT,
            "--hyperparameters %s: a run of %lld cycles: expected at most %d", r->file, (long long)all,
            MOST_CYCLES);
  r->n = r->fixed ? 1 : mean ? r->cycles + 1 : draws && all > r->cycles ? (uint32_t)all : r->cycles;
  CLS_TRY(cls_alloc(&r->values, (size_t)r->n * r->hyper.values, sizeof *r->values, "hyperparameters"));
  if (!r->fixed) memcpy(r->values, file->mean, (size_t)r->cycles * r->hyper.values * sizeof *r->values);
  if (mean) average(r, file, r->values + (size_t)(r->n - 1) * r->hyper.values);
  return draws ? draw(r, file) : CLS_OK;
}

/* ---- while it runs ---- */

static uint32_t cycle_of(const cls_replay *r, int64_t step) {
  const int64_t cycle = step / r->steps;
  return cycle < r->n ? (uint32_t)cycle : r->n - 1;
}

static int64_t next(void *self, int64_t step) {
  const cls_replay *r = self;
  const uint32_t cycle = cycle_of(r, step);
  return cycle + 1 < r->n ? (int64_t)(cycle + 1) * r->steps : INT64_MAX;
}

static cls_status apply(void *self, cls_engine *engine, int64_t step) {
  const cls_replay *r = self;
  const uint32_t cycle = cycle_of(r, step);
  cls_scale *scales = NULL;
  size_t n = 0;
  CLS_TRY(cls_hyper_scales(&r->hyper, r->values + (size_t)cycle * r->hyper.values, 1, &scales, &n));
  cls_status status = CLS_OK;
  for (int m = 0; m < r->members && status == CLS_OK; m++) status = cls_engine_scale(engine, m, scales, n);
  free(scales);
  return status == CLS_OK ? CLS_OK
                          : cls_error_prefix(status, "--hyperparameters %s: cycle %u", r->file, cycle);
}

/* ---- the whole ---- */

/* What acts, when and on what. */
static uint64_t hash(const cls_replay *r) {
  uint64_t sum = cls_mix64((uint64_t)r->steps) ^ r->n;
  for (uint32_t i = 0; i < r->hyper.n_hyper; i++) {
    const cls_hyperparameter *h = &r->hyper.hyper[i];
    sum = cls_mix64(sum ^ (uint64_t)h->kind ^ (uint64_t)h->relative << 8);
    for (uint32_t k = 0; k < h->n_populations; k++) {
      sum = cls_mix64(sum ^ ((uint64_t)h->population[k] << 32 | h->row[k]));
      sum = cls_mix64(sum ^ ((uint64_t)(uint32_t)h->input[k] << 32 | (uint32_t)h->which[k]));
    }
  }
  for (size_t i = 0; i < (size_t)r->n * r->hyper.values; i++) {
    uint64_t bits;
    memcpy(&bits, &r->values[i], sizeof bits);
    sum = cls_mix64(sum ^ bits);
  }
  return sum;
}

static cls_status check_how(const char *how) {
  static const char *const known[] = {"hold", "mean", "draw"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(how, known[i]) == 0) return CLS_OK;
  return cls_fail(CLS_ERR_INPUT, "--hyperparameters-after %s: expected hold, mean or draw", how);
}

cls_status cls_replay_open(cls_run *run, const char *path, const char *how, bool fixed, cls_replay *r) {
  const cls_job *job = run->job;
  const MPI_Comm comm = run->world.comm;
  *r = (cls_replay){.file = path,
                    .how = how ? how : "hold",
                    .fixed = fixed,
                    .tr_s = job->assimilation.tr_s,
                    .members = job->members};
  CLS_TRY(check_how(r->how));
  CLS_CHECK(
      job->assimilation.wanted, CLS_ERR_INPUT,
      "%s: key 'assimilation' is missing: expected the section, which says what --hyperparameters are of",
      job->path);
  r->steps = (int64_t)rint(r->tr_s * 1e3 / job->dt_ms);
  CLS_TRY(cls_agree(comm, cls_hyper_create(job->assimilation.hyper, job->assimilation.n_hyper, &r->hyper)));
  reader file = {.path = path, .file = -1, .job = job, .hyper = &r->hyper};
  cls_status status = cls_agree(comm, run->world.rank == 0 ? read_file(&file) : CLS_OK);
  if (status == CLS_OK) status = share(comm, r->hyper.values, &file);
  if (status == CLS_OK) status = cls_agree(comm, make_values(r, &file, run->steps));
  free(file.mean);
  free(file.low);
  free(file.high);
  CLS_TRY(status);
  run->science_hash = cls_mix64(run->science_hash ^ hash(r));
  r->changes = (cls_run_changes){.self = r, .next = next, .apply = apply};
  run->changes = &r->changes;
  run->replay = r;
  cls_log(&run->world, 1, "replay of %s: %u values in %u cycles of %g s, %s %s", path, r->hyper.values,
          r->cycles, r->tr_s, fixed ? "fixed:" : "then", r->how);
  return CLS_OK;
}

void cls_replay_close(cls_replay *r) {
  cls_hyper_destroy(&r->hyper);
  free(r->values);
  *r = (cls_replay){0};
}
