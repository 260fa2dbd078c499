/* Key `record.empirical_bold`: measured BOLD, and its way into the job. */
#include "io/job.h"
#include <math.h>
#include <stdlib.h>

typedef struct {
  const char *file, *variable;
  int orientation;
  double tr_s;
} fields;

/* In the order of cls_bold_orientation, which begins with what is said by leaving the key out. */
static const char *const orientations[] = {"time_x_region", "region_x_time", NULL};

static const cls_key keys[] = {
    {"file", CLS_KEY_TEXT, offsetof(fields, file), .required = true,
     .doc = "CSV, TSV (also *_timeseries.tsv of BIDS), MATLAB, HDF5 or NIfTI; relative to the job file"},
    {"variable", CLS_KEY_TEXT, offsetof(fields, variable),
     .doc = "of a MATLAB file; left out: the only matrix with a side as long as the table of regions"},
    {"orientation", CLS_KEY_CHOICE, offsetof(fields, orientation), .choices = orientations,
     .doc = "left out: the side with names, or as long as the table of regions, is that of the regions"},
    {"tr_s", CLS_KEY_NUMBER, offsetof(fields, tr_s), .unit = "s", .min = 0, .max = 1e6, .above_min = true,
     .doc = "time between volumes; left out: what a JSON file beside a TSV says"},
};
const cls_schema cls_schema_empirical = {"record.empirical_bold", "Or the path alone.", keys, CLS_KEYS(keys)};

cls_status cls_job_read_empirical(cls_job_reader *r, const cls_yaml *node) {
  fields f = {.orientation = -1};
  r->empirical_file = node;
  if (node->kind == CLS_YAML_MAP) {
    CLS_TRY(cls_schema_read(r->tree, node, keys, CLS_KEYS(keys), &f));
    r->empirical_file = cls_yaml_get(node, "file");
  } else {
    CLS_TRY(cls_schema_value(r->tree, node, &keys[0], &f.file));
  }
  CLS_TRY(cls_job_path(r, r->empirical_file, f.file, &r->job->record.empirical_bold));
  r->empirical = (cls_empirical_request){.path = r->job->record.empirical_bold,
                                         .variable = f.variable,
                                         .orientation = (cls_bold_orientation)(f.orientation + 1),
                                         .tr_s = f.tr_s};
  return CLS_OK;
}

static cls_status read_on_root(cls_job_reader *r) {
  cls_job *job = r->job;
  cls_notes notes = {0};
  const cls_empirical_regions regions = {.n = job->connectome->n_regions,
                                         .names = job->connectome->names,
                                         .names_made_up = job->connectome->names_made_up,
                                         .listed = job->listed_regions,
                                         .kept = job->kept_regions};
  cls_status status = cls_empirical_read(&r->empirical, &regions, &notes, &job->empirical);
  for (size_t i = 0; i < notes.n && status == CLS_OK; i++)
    cls_log(r->world, 1, "measured BOLD: %s", notes.lines[i]);
  cls_notes_free(&notes);
  if (status != CLS_OK) return cls_yaml_prefix(r->empirical_file, status);
  const double simulated = job->record.bold_tr_s, measured = job->empirical->tr_s;
  if (!isnan(measured) && measured != simulated)
    cls_log(r->world, 1,
            "measured BOLD: simulated volumes are %g s apart (record.bold.tr_s), measured ones %g s",
            simulated, measured);
  return CLS_OK;
}

cls_status cls_job_fetch_empirical(cls_job_reader *r) {
  if (!r->empirical.path) return CLS_OK;
  return cls_job_agree_root(r->world, r->world->rank == 0 ? read_on_root(r) : CLS_OK);
}
