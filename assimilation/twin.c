#include "assimilation/twin.h"
#include "assimilation/collective.h"
#include "assimilation/members.h"
#include "base/normal.h"
#include "io/hdf5_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DRAW_VALUE, DRAW_ERROR };

/* What the truth looked like. */
typedef struct {
  const cls_assimilation *a;
  const cls_hyper *hyper;
  uint32_t cycles, regions;
  bool currents;
  double *values;                   /* [cycles][hyper->values] */
  double *bold, *rate_hz, *current; /* [cycles][regions] ([receptors]) */
} truth;

/* ---- true values ---- */

static void draw_values(truth *t) {
  const cls_assimilation_options *o = &t->a->job->assimilation;
  for (uint32_t i = 0; i < t->hyper->n_hyper; i++) {
    const cls_hyperparameter *h = &t->hyper->hyper[i];
    const cls_stream stream =
        cls_stream_make(o->twin.seed, CLS_PURPOSE_ASSIMILATE, cls_mix64(cls_hash_string(h->name)));
    for (uint32_t k = 0; k < h->rows; k++) {
      cls_reader reader = cls_reader_make(stream, k, 0, DRAW_VALUE);
      const double range = h->truth_high - h->truth_low;
      const double value = h->update ? h->truth_low + range * cls_read_unit(&reader) : h->prior_mean;
      for (uint32_t c = 0; c < t->cycles; c++) {
        const bool mirrored =
            h->update && o->twin.mirror_at_s > 0 && (c + 0.5) * o->tr_s > o->twin.mirror_at_s;
        t->values[(size_t)c * t->hyper->values + t->hyper->first_value[i] + k] =
            mirrored ? h->truth_low + h->truth_high - value : value;
      }
    }
  }
}

/* ---- simulation ---- */

static cls_status load_job(const truth *t, cls_job **job) {
  const cls_twin_options *twin = &t->a->job->assimilation.twin;
  const char **set = NULL;
  const int n = t->a->n_set + (int)twin->n_set;
  CLS_TRY(cls_agree(t->a->world.comm, cls_alloc(&set, (size_t)n, sizeof *set, "options of a twin")));
  for (int i = 0; i < t->a->n_set; i++) set[i] = t->a->set[i];
  for (uint32_t i = 0; i < twin->n_set; i++) set[t->a->n_set + (int)i] = twin->set[i];
  cls_world quiet = t->a->world;
  quiet.verbosity = quiet.verbosity > 1 ? quiet.verbosity : 0;
  cls_status status = cls_job_load(&quiet, t->a->job->path, set, n, job);
  free(set);
  return status == CLS_OK ? CLS_OK : cls_error_prefix(status, "assimilation.twin");
}

static cls_status simulate_cycle(truth *t, cls_members *members, uint32_t c, int64_t steps,
                                 cls_balloon *balloons) {
  cls_scale *scales = NULL;
  size_t n = 0;
  const double tr_s = t->a->job->assimilation.tr_s;
  cls_status status = cls_hyper_scales(t->hyper, t->values + (size_t)c * t->hyper->values, 1, &scales, &n);
  if (status == CLS_OK) status = cls_members_scale(members, 0, scales, n);
  free(scales);
  CLS_TRY(cls_agree(t->a->world.comm, status));
  CLS_TRY(cls_members_advance(members, (int64_t)(c + 1) * steps));
  const size_t at = (size_t)c * t->regions;
  return cls_members_look(members, tr_s, t->bold + at, t->rate_hz + at,
                          t->current ? t->current + at * CLS_MAX_RECEPTORS : NULL, balloons);
}

static cls_status simulate_with(truth *t, const cls_job *job) {
  static const int identity = CLS_IDENTITY_TRUTH;
  const cls_members_options options = {.world = &t->a->world,
                                       .job = job,
                                       .backend = t->a->backend,
                                       .identity = &identity,
                                       .members = 1,
                                       .groups = 1,
                                       .currents = t->currents};
  const int64_t steps = (int64_t)rint(job->assimilation.tr_s * 1e3 / job->dt_ms);
  cls_members *members = NULL;
  cls_balloon *balloons = NULL;
  cls_status status =
      cls_agree(t->a->world.comm, cls_alloc(&balloons, t->regions, sizeof *balloons, "haemodynamics"));
  if (status == CLS_OK) status = cls_members_create(&options, &members);
  for (uint32_t c = 0; c < t->cycles && status == CLS_OK; c++)
    status = simulate_cycle(t, members, c, steps, balloons);
  cls_members_destroy(members);
  free(balloons);
  return status;
}

static bool fits(const truth *t, const cls_job *job) {
  cls_hyper own;
  bool same = cls_site_count(job->network) == t->regions;
  if (cls_hyper_create(job->assimilation.hyper, job->assimilation.n_hyper, &own) != CLS_OK) same = false;
  same = same && own.values == t->hyper->values;
  cls_hyper_destroy(&own);
  return same;
}

static cls_status simulate(truth *t) {
  cls_job *job = NULL;
  const double begun = cls_seconds();
  CLS_TRY(load_job(t, &job));
  cls_status status = CLS_OK;
  if (!fits(t, job))
    status = cls_fail(CLS_ERR_INPUT, "assimilation.twin.set: the truth has other regions or hyperparameters: "
                                     "expected those of the job");
  status = cls_agree(t->a->world.comm, status);
  if (status == CLS_OK) status = simulate_with(t, job);
  cls_job_destroy(job);
  if (status == CLS_OK)
    cls_log(&t->a->world, 1, "truth: %u cycles of %g s simulated in %.1f s", t->cycles,
            t->a->job->assimilation.tr_s, cls_seconds() - begun);
  return status;
}

/* ---- its file ---- */

static cls_status write_arrays(const truth *t, hid_t file) {
  const hsize_t cycles = t->cycles;
  const hsize_t shape[3] = {cycles, t->regions, CLS_MAX_RECEPTORS};
  CLS_TRY(cls_h5_attribute(file, "/", "hash", H5T_NATIVE_UINT64, 0, &t->a->job->assimilation_hash));
  CLS_TRY(cls_h5_attribute(file, "/", "tr_s", H5T_NATIVE_DOUBLE, 0, &t->a->job->assimilation.tr_s));
  CLS_TRY(cls_h5_text(file, "/", "job", t->a->job->text));
  CLS_TRY(cls_h5_text(file, "/", "callosum_version", CLS_VERSION));
  for (uint32_t i = 0; i < t->hyper->n_hyper; i++) {
    const cls_hyperparameter *h = &t->hyper->hyper[i];
    const hsize_t own[2] = {cycles, h->rows};
    double *values = NULL;
    char *path = cls_format("/hyperparameters/%s/mean", h->name);
    cls_status status = cls_alloc(&values, t->cycles * (size_t)h->rows, sizeof *values, "true values");
    for (uint32_t c = 0; c < t->cycles && status == CLS_OK; c++)
      memcpy(values + (size_t)c * h->rows,
             t->values + (size_t)c * t->hyper->values + t->hyper->first_value[i], h->rows * sizeof *values);
    if (status == CLS_OK) status = cls_h5_table(file, path, H5T_NATIVE_DOUBLE, 2, own, values, NULL);
    free(values);
    free(path);
    CLS_TRY(status);
  }
  CLS_TRY(cls_h5_table(file, "/bold", H5T_NATIVE_DOUBLE, 2, shape, t->bold, "relative signal"));
  CLS_TRY(cls_h5_table(file, "/rate_hz", H5T_NATIVE_DOUBLE, 2, shape, t->rate_hz, "Hz"));
  if (t->current) CLS_TRY(cls_h5_table(file, "/current", H5T_NATIVE_DOUBLE, 3, shape, t->current, NULL));
  return cls_h5_table(file, "/values", H5T_NATIVE_DOUBLE, 2, (hsize_t[2]){cycles, t->hyper->values},
                      t->values, NULL);
}

/* Rank 0. */
static cls_status write_truth(const truth *t, const char *path) {
  char *temporary = cls_format("%s.tmp", path);
  hid_t file = -1;
  CLS_CHECK(temporary, CLS_ERR_MEMORY, "out of memory for a path");
  cls_status status = cls_h5_create(temporary, &file);
  if (status == CLS_OK) status = write_arrays(t, file);
  if (file >= 0) {
    const cls_status closed = cls_h5_close(file);
    if (status == CLS_OK) status = closed;
  }
  if (status == CLS_OK && rename(temporary, path) != 0)
    status = cls_fail(CLS_ERR_IO, "%s: cannot be given its name", path);
  free(temporary);
  return status;
}

/* The first `cycles` rows of `width` numbers; *cycles_there: how many there are. */
static cls_status read_array(hid_t file, const char *path, const char *name, size_t cycles, size_t width,
                             double *values, uint32_t *cycles_there) {
  hsize_t there[3] = {0, 1, 1}, begin[3] = {0, 0, 0};
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  hid_t space = dataset >= 0 ? H5Dget_space(dataset) : -1, memory = -1;
  const int rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : 0;
  bool whole = rank >= 2 && rank <= 3 && H5Sget_simple_extent_dims(space, there, NULL) == rank &&
               there[1] * there[2] == width && there[0] <= UINT32_MAX;
  *cycles_there = whole ? (uint32_t)there[0] : 0;
  if (whole && there[0] >= cycles) {
    there[0] = cycles;
    memory = H5Screate_simple(rank, there, NULL);
    whole = H5Sselect_hyperslab(space, H5S_SELECT_SET, begin, NULL, there, NULL) >= 0 &&
            H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values) >= 0;
  }
  if (memory >= 0) H5Sclose(memory);
  if (space >= 0) H5Sclose(space);
  if (dataset >= 0) H5Dclose(dataset);
  H5Eclear2(H5E_DEFAULT);
  CLS_CHECK(whole, CLS_ERR_INPUT, "%s: %s: expected rows of %zu numbers", path, name, width);
  return CLS_OK;
}

/* *cycles: how many cycles it has of those that are wanted; where they are fewer, nothing was read. */
static cls_status read_truth(truth *t, const char *path, uint32_t *cycles) {
  uint64_t hash = 0;
  *cycles = 0;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its reasons would be printed beside our message */
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  H5Eclear2(H5E_DEFAULT);
  CLS_CHECK(file >= 0, CLS_ERR_INPUT,
            "%s: cannot be read as HDF5: expected the truth of this job (without it, it is simulated again)",
            path);
  hid_t attribute = H5Aopen(file, "hash", H5P_DEFAULT);
  if (attribute >= 0) H5Aread(attribute, H5T_NATIVE_UINT64, &hash);
  if (attribute >= 0) H5Aclose(attribute);
  cls_status status = CLS_OK;
  if (hash != t->a->job->assimilation_hash)
    status = cls_fail(CLS_ERR_INPUT, "%s: is of another job: expected that of %s", path, t->a->job->path);
  if (status == CLS_OK)
    status = read_array(file, path, "/values", t->cycles, t->hyper->values, t->values, cycles);
  if (status == CLS_OK) status = read_array(file, path, "/bold", t->cycles, t->regions, t->bold, cycles);
  if (status == CLS_OK)
    status = read_array(file, path, "/rate_hz", t->cycles, t->regions, t->rate_hz, cycles);
  if (status == CLS_OK && t->current)
    status = read_array(file, path, "/current", t->cycles, (size_t)t->regions * CLS_MAX_RECEPTORS, t->current,
                        cycles);
  H5Fclose(file);
  return status;
}

/* ---- observations ---- */

/* What the truth shows of one observation. */
static double show(const truth *t, const cls_observations *y, uint32_t c, uint32_t i) {
  const size_t at = (size_t)c * t->regions + y->site[i];
  if (y->kind[i] == CLS_OBSERVE_CURRENT)
    return cls_observed_current(t->a->job, y, i, t->current + at * CLS_MAX_RECEPTORS);
  return y->kind[i] == CLS_OBSERVE_BOLD ? t->bold[at] : t->rate_hz[at];
}

static void add_errors(const truth *t, cls_observations *y) {
  const cls_stream stream =
      cls_stream_make(t->a->job->assimilation.twin.seed, CLS_PURPOSE_ASSIMILATE, DRAW_ERROR);
  for (uint32_t c = 0; c < t->cycles; c++)
    for (uint32_t i = 0; i < y->n_obs; i++) {
      cls_reader reader = cls_reader_make(stream, c, i, DRAW_ERROR);
      y->series[(size_t)c * y->n_obs + i] += y->sd[i] * cls_normal_quantile(cls_read_unit(&reader));
    }
}

static cls_status give_observations(const truth *t, cls_observations *y) {
  double *clean = NULL;
  CLS_TRY(cls_alloc(&clean, (size_t)t->cycles * y->n_obs, sizeof *clean, "observations of a twin"));
  for (uint32_t c = 0; c < t->cycles; c++)
    for (uint32_t i = 0; i < y->n_obs; i++) clean[(size_t)c * y->n_obs + i] = show(t, y, c, i);
  const cls_status status = cls_observations_set(t->a->job, clean, y);
  free(clean);
  if (status == CLS_OK) add_errors(t, y);
  return status;
}

static cls_status find_truth(truth *t) {
  const cls_world *world = &t->a->world;
  char *path = cls_format("%s/truth.h5", t->a->directory);
  CLS_TRY(cls_agree(world->comm, path ? CLS_OK : cls_fail(CLS_ERR_MEMORY, "out of memory for a path")));
  uint32_t there = 0; /* cycles */
  cls_status status = CLS_OK;
  if (world->rank == 0 && access(path, F_OK) == 0) status = read_truth(t, path, &there);
  status = cls_agree(world->comm, status);
  MPI_Bcast(&there, 1, MPI_UINT32_T, 0, world->comm);
  if (status == CLS_OK &&
      there < t->cycles) { /* none yet, or the job was given more cycles: from the beginning */
    draw_values(t);
    status = simulate(t);
    if (status == CLS_OK) status = cls_agree(world->comm, world->rank == 0 ? write_truth(t, path) : CLS_OK);
  } else if (status == CLS_OK) {
    const size_t cycles = t->cycles, n = cycles * t->regions;
    cls_tell_ranks(world->comm, t->values, cycles * t->hyper->values * sizeof(double));
    cls_tell_ranks(world->comm, t->bold, n * sizeof(double));
    cls_tell_ranks(world->comm, t->rate_hz, n * sizeof(double));
    if (t->current) cls_tell_ranks(world->comm, t->current, n * CLS_MAX_RECEPTORS * sizeof(double));
  }
  free(path);
  return status;
}

static cls_status allocate(truth *t) {
  const size_t n = (size_t)t->cycles * t->regions;
  CLS_TRY(cls_alloc(&t->values, (size_t)t->cycles * t->hyper->values, sizeof(double), "true values"));
  CLS_TRY(cls_alloc(&t->bold, n, sizeof(double), "BOLD of the truth"));
  CLS_TRY(cls_alloc(&t->rate_hz, n, sizeof(double), "rates of the truth"));
  return t->currents ? cls_alloc(&t->current, n * CLS_MAX_RECEPTORS, sizeof(double), "currents of the truth")
                     : CLS_OK;
}

cls_status cls_twin_make(const cls_assimilation *a, const cls_hyper *hyper, cls_observations *y,
                         cls_twin *twin) {
  truth t = {.a = a,
             .hyper = hyper,
             .cycles = a->job->assimilation.cycles,
             .regions = cls_site_count(a->job->network)};
  for (uint32_t i = 0; i < y->n_obs; i++) t.currents = t.currents || y->kind[i] == CLS_OBSERVE_CURRENT;
  cls_status status = cls_agree(a->world.comm, allocate(&t));
  if (status == CLS_OK) status = find_truth(&t);
  if (status == CLS_OK) status = cls_agree(a->world.comm, give_observations(&t, y));
  twin->values = t.values;
  free(t.bold);
  free(t.rate_hz);
  free(t.current);
  return status;
}

void cls_twin_free(cls_twin *twin) { free(twin->values); }
