/* Sections `simulation:` and `partition:`. */
#include "io/job.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  double duration_ms, dt_ms, beat_ms;
  int64_t seed, members;
  const char *backend;
} fields;

static const cls_key keys[] = {
    {"duration_ms", CLS_KEY_NUMBER, offsetof(fields, duration_ms), .unit = "ms", .required = true, .min = 0,
     .max = 1e12, .above_min = true, .doc = "biology to simulate; a multiple of dt_ms"},
    {"dt_ms", CLS_KEY_NUMBER, offsetof(fields, dt_ms), .unit = "ms", .initial = "0.1", .min = 1e-3, .max = 10,
     .doc = "time step"},
    {"seed", CLS_KEY_INTEGER, offsetof(fields, seed), .initial = "1", .min = 0, .max = 0x1p63,
     .doc = "seed of every random number"},
    {"backend", CLS_KEY_TEXT, offsetof(fields, backend), .initial = "/cpu/omp", .doc = "what computes"},
    {"members", CLS_KEY_INTEGER, offsetof(fields, members), .initial = "1", .min = 1, .max = 10000,
     .doc = "members of an ensemble that share the network"},
    {"beat_ms", CLS_KEY_NUMBER, offsetof(fields, beat_ms), .unit = "ms", .initial = "100", .min = 0,
     .max = 1e6, .above_min = true,
     .doc = "biology between the beats at which ranks agree; a multiple of dt_ms"},
};
const cls_schema cls_schema_simulation = {"simulation", "How long, how fine and by what.", keys,
                                          CLS_KEYS(keys)};

typedef struct {
  const char *method;
} partition_fields;
static const cls_key partition_keys[] = {
    {"method", CLS_KEY_TEXT, offsetof(partition_fields, method), .initial = "metis",
     .doc = "who computes what: metis, contiguous or round_robin"},
};
const cls_schema cls_schema_partition = {"partition", "How neurons are placed on ranks.", partition_keys,
                                         CLS_KEYS(partition_keys)};

cls_status cls_job_read_simulation(cls_job_reader *r) {
  const cls_yaml *section;
  fields f;
  CLS_TRY(cls_yaml_section(r->tree, r->root, "simulation", &section));
  CLS_TRY(cls_schema_read(r->tree, section, keys, CLS_KEYS(keys), &f));
  CLS_TRY(cls_job_multiple(section, "duration_ms", &f.duration_ms, f.dt_ms, "dt_ms"));
  CLS_TRY(cls_job_multiple(section, "beat_ms", &f.beat_ms, f.dt_ms, "dt_ms"));
  cls_job *job = r->job;
  job->duration_ms = f.duration_ms;
  job->dt_ms = f.dt_ms;
  job->beat_ms = f.beat_ms;
  job->seed = (uint64_t)f.seed;
  job->members = (int)f.members;
  CLS_TRY(cls_job_copy(f.backend, &job->backend));

  partition_fields p;
  CLS_TRY(cls_yaml_section(r->tree, r->root, "partition", &section));
  CLS_TRY(cls_schema_read(r->tree, section, partition_keys, CLS_KEYS(partition_keys), &p));
  return cls_job_copy(p.method, &job->partition_method);
}

cls_status cls_job_multiple(const cls_yaml *section, const char *name, double *value, double unit,
                            const char *unit_name) {
  const cls_yaml *node = cls_yaml_get(section, name);
  double count = *value / unit, whole = rint(count);
  /* Decimal fractions are not exact in binary: 240000 / 0.1 misses a whole number in its last digit. */
  double tolerance = 1e-6 + 1e-14 * count;
  if (whole >= 1 && fabs(count - whole) <= tolerance) return CLS_OK;
  if (!node) {
    *value = ceil(count - tolerance) * unit;
    return CLS_OK;
  }
  char words[128];
  return cls_yaml_fail(node, "%s: expected a multiple of %s, which is %.10g (%.10g or %.10g)",
                       cls_yaml_describe(node, words, sizeof words), unit_name, unit,
                       fmax(1, floor(count)) * unit, (floor(count) + 1) * unit);
}

cls_status cls_job_path(const cls_job_reader *r, const cls_yaml *node, const char *written, char **path) {
  const char *job = r->job->path, *slash = strrchr(job, '/');
  bool as_is = written[0] == '/' || !slash || node->line == 0;
  *path = as_is ? cls_format("%s", written) : cls_format("%.*s/%s", (int)(slash - job), job, written);
  CLS_CHECK(*path, CLS_ERR_MEMORY, "job: out of memory for '%.60s'", written);
  return CLS_OK;
}

cls_status cls_job_copy(const char *text, char **copy) {
  free(*copy);
  *copy = cls_format("%s", text);
  CLS_CHECK(*copy, CLS_ERR_MEMORY, "job: out of memory for '%.60s'", text);
  return CLS_OK;
}
