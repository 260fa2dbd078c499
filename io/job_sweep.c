/* Section `sweep:`: a grid of values for keys of the job. */
#include "io/job.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_POINTS = 100000 };

cls_status cls_job_line(const cls_yaml *node, char **text) {
  CLS_TRY(cls_yaml_emit(node, text));
  size_t n = strlen(*text);
  while (n > 0 &&
         ((*text)[n - 1] == '\n' || (*text)[n - 1] == '.')) { /* libyaml ends an open scalar by "..." */
    if ((*text)[n - 1] == '.' && (n < 3 || strncmp(*text + n - 3, "...", 3) != 0)) break;
    n -= (*text)[n - 1] == '.' ? 3 : 1;
  }
  (*text)[n] = 0;
  if (strchr(*text, '\n'))
    return cls_yaml_fail(node, "a value of several lines: expected one that fits a line");
  return CLS_OK;
}

static cls_status read_axis(const cls_yaml *node, cls_sweep_axis *axis) {
  char words[128];
  if (node->kind != CLS_YAML_LIST || node->n == 0)
    return cls_yaml_fail(node, "%s: expected a list of at least one value",
                         node->kind == CLS_YAML_LIST ? "empty"
                                                     : cls_yaml_describe(node, words, sizeof words));
  CLS_TRY(cls_job_copy(node->key, &axis->key));
  CLS_TRY(cls_alloc(&axis->values, node->n, sizeof *axis->values, "values of a sweep"));
  axis->n = (uint32_t)node->n; /* a tree holds at most 10^6 nodes */
  for (size_t i = 0; i < node->n; i++) CLS_TRY(cls_job_line(node->items[i], &axis->values[i]));
  return CLS_OK;
}

cls_status cls_job_read_sweep(cls_job_reader *r) {
  const cls_yaml *section = cls_yaml_get(r->root, "sweep");
  cls_job *job = r->job;
  if (!section) return CLS_OK;
  if (section->n == 0) return cls_yaml_fail(section, "empty: expected keys with lists of values");
  CLS_TRY(cls_alloc(&job->sweep, section->n, sizeof *job->sweep, "sweep"));
  uint64_t points = 1;
  for (size_t i = 0; i < section->n; i++) {
    const cls_yaml *node = section->items[i];
    job->n_sweep++;
    CLS_TRY(read_axis(node, &job->sweep[i]));
    if (strncmp(node->key, "sweep", 5) == 0 && (!node->key[5] || node->key[5] == '.'))
      return cls_yaml_fail(node, "a sweep of the sweep itself: expected another key");
    points *= job->sweep[i].n;
    if (points > MOST_POINTS)
      return cls_yaml_fail(node, "with it the grid has more than %d points: expected fewer values",
                           MOST_POINTS);
  }
  return CLS_OK;
}

uint32_t cls_sweep_points(const cls_job *job) {
  uint32_t points = 1;
  for (uint32_t i = 0; i < job->n_sweep; i++) points *= job->sweep[i].n;
  return points;
}

uint32_t cls_sweep_choice(const cls_job *job, uint32_t point, uint32_t axis) {
  for (uint32_t i = job->n_sweep; i-- > axis + 1;) point /= job->sweep[i].n;
  return point % job->sweep[axis].n;
}
