/* Section `checkpoint:`. */
#include "io/job.h"
#include <math.h>

typedef struct {
  double every_s, every_ms;
  int64_t keep;
  bool at_end;
} fields;

static const cls_key keys[] = {
    {"every_s", CLS_KEY_NUMBER, offsetof(fields, every_s), .unit = "s", .initial = "600", .min = 0,
     .max = 1e9, .doc = "wall time between checkpoints; 0: none because of that"},
    {"every_ms", CLS_KEY_NUMBER, offsetof(fields, every_ms), .unit = "ms", .initial = "0", .min = 0,
     .max = 1e12, .doc = "biology between checkpoints, a multiple of dt_ms; 0: none because of that"},
    {"keep", CLS_KEY_INTEGER, offsetof(fields, keep), .initial = "2", .min = 1, .max = 1000,
     .doc = "how many stay: the newest"},
    {"at_end", CLS_KEY_BOOL, offsetof(fields, at_end), .initial = "true",
     .doc = "one when the run is complete"},
};
const cls_schema cls_schema_checkpoint = {"checkpoint",
                                          "When the state of a run is saved. Without this section only "
                                          "signals ask for it: SIGUSR1 to go on after it, SIGUSR2, "
                                          "SIGTERM and SIGINT to stop.",
                                          keys, CLS_KEYS(keys)};

cls_status cls_job_read_checkpoint(cls_job_reader *r) {
  cls_job *job = r->job;
  const cls_yaml *section = cls_yaml_get(r->root, "checkpoint");
  fields f;
  job->checkpoint = (cls_checkpoint_options){.keep = 2};
  if (!section) return CLS_OK;
  CLS_TRY(cls_schema_read(r->tree, section, keys, CLS_KEYS(keys), &f));
  if (f.every_ms > 0) CLS_TRY(cls_job_multiple(section, "every_ms", &f.every_ms, job->dt_ms, "dt_ms"));
  job->checkpoint = (cls_checkpoint_options){.every_s = f.every_s,
                                             .interval = (int64_t)(f.every_ms / job->dt_ms + 0.5),
                                             .keep = (int)f.keep,
                                             .at_end = f.at_end};
  return CLS_OK;
}
