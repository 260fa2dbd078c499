#include "io/sweep_file.h"
#include "io/hdf5_file.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIELD(name, unit)                                                                                    \
  { #name, unit, offsetof(cls_statistics, name) }
const cls_statistic cls_statistics_fields[] = {
    FIELD(mean_rate_hz, "Hz"), FIELD(rate_min_hz, "Hz"),           FIELD(rate_max_hz, "Hz"),
    FIELD(isi_cv_median, "1"), FIELD(spike_correlation_mean, "1"), FIELD(fc_mean, "1"),
    FIELD(sc_fc_r, "1"),       FIELD(fc_empirical_r, "1"),         FIELD(fc_seconds, "s"),
};
const int cls_n_statistics = sizeof cls_statistics_fields / sizeof *cls_statistics_fields;

/* What the columns of the table are made in, one after the other. */
typedef struct {
  const cls_job *job;
  const cls_sweep_result *results;
  hsize_t points, keys;
  const char **text;  /* [points x keys] */
  char (*digest)[17]; /* [points] */
  double *number;     /* [points x keys] */
  uint8_t *flag;      /* [points] */
} table;

/* NaN where the text is no number. */
static double number_of(const char *text) {
  char *end;
  double value = strtod(text, &end);
  return *text && !*end ? value : NAN;
}

static cls_status write_values(table *t, hid_t file) {
  const cls_job *job = t->job;
  for (hsize_t k = 0; k < t->keys; k++) t->text[k] = job->sweep[k].key;
  CLS_TRY(cls_h5_names(file, "/sweep/keys", t->keys, t->text));
  for (hsize_t p = 0; p < t->points; p++)
    for (hsize_t k = 0; k < t->keys; k++) {
      const char *value = job->sweep[k].values[cls_sweep_choice(job, (uint32_t)p, (uint32_t)k)];
      t->text[p * t->keys + k] = value;
      t->number[p * t->keys + k] = number_of(value);
    }
  CLS_TRY(cls_h5_names(file, "/sweep/text", t->points * t->keys, t->text));
  return cls_h5_table(file, "/sweep/values", H5T_NATIVE_DOUBLE, 2, (hsize_t[]){t->points, t->keys}, t->number,
                      NULL);
}

static cls_status write_results(table *t, hid_t file) {
  for (hsize_t p = 0; p < t->points; p++) {
    t->flag[p] = t->results[p].done;
    snprintf(t->digest[p], sizeof t->digest[p], "%016llx", (unsigned long long)t->results[p].digest);
    t->text[p] = t->results[p].done ? t->digest[p] : "";
  }
  CLS_TRY(cls_h5_table(file, "/sweep/done", H5T_NATIVE_UINT8, 1, &t->points, t->flag, NULL));
  CLS_TRY(cls_h5_names(file, "/sweep/digest", t->points, t->text));
  for (int f = 0; f < cls_n_statistics; f++) {
    const cls_statistic *field = &cls_statistics_fields[f];
    char path[96];
    snprintf(path, sizeof path, "/sweep/results/%s", field->name);
    for (hsize_t p = 0; p < t->points; p++) {
      double value;
      memcpy(&value, (const char *)&t->results[p].statistics + field->offset, sizeof value);
      t->number[p] = t->results[p].done ? value : NAN;
    }
    CLS_TRY(cls_h5_table(file, path, H5T_NATIVE_DOUBLE, 1, &t->points, t->number, field->unit));
  }
  return CLS_OK;
}

static cls_status write_table(table *t, hid_t file) {
  const cls_job *job = t->job;
  CLS_TRY(cls_h5_text(file, "/", "job", job->text));
  CLS_TRY(cls_h5_text(file, "/", "callosum_version", CLS_VERSION));
  CLS_TRY(cls_h5_attribute(file, "/", "seed", H5T_NATIVE_UINT64, 0, &job->seed));
  CLS_TRY(cls_alloc(&t->text, t->points * t->keys, sizeof *t->text, "table of a sweep"));
  CLS_TRY(cls_alloc(&t->number, t->points * t->keys, sizeof *t->number, "table of a sweep"));
  CLS_TRY(cls_alloc(&t->digest, t->points, sizeof *t->digest, "table of a sweep"));
  CLS_TRY(cls_alloc(&t->flag, t->points, sizeof *t->flag, "table of a sweep"));
  CLS_TRY(write_values(t, file));
  return write_results(t, file);
}

static cls_status write_file(const char *path, table *t) {
  hid_t file;
  CLS_TRY(cls_h5_create(path, &file));
  cls_status status = write_table(t, file);
  if (status == CLS_OK) return cls_h5_close(file);
  H5Fclose(file); /* one rank, serial driver: closing after an error is safe here */
  return status;
}

cls_status cls_sweep_write(const char *path, const cls_job *job, const cls_sweep_result *results) {
  table t = {.job = job, .results = results, .points = cls_sweep_points(job), .keys = job->n_sweep};
  char *temporary = cls_format("%s.part", path);
  CLS_CHECK(temporary, CLS_ERR_MEMORY, "out of memory for the name of %s", path);
  cls_status status = write_file(temporary, &t);
  if (status == CLS_OK && rename(temporary, path) != 0)
    status = cls_fail(CLS_ERR_IO, "%s: cannot be renamed to %s: %s", temporary, path, strerror(errno));
  if (status != CLS_OK) unlink(temporary);
  free(temporary);
  free(t.text);
  free(t.number);
  free(t.digest);
  free(t.flag);
  return status;
}
