/* What of a job bits can depend on: a checkpoint may be continued by another job only where this is the same. */
#include "io/job.h"
#include <stdlib.h>
#include <string.h>

/* What may change between a checkpoint and its restart. */
static bool is_free(const cls_yaml *section, const char *key) {
  static const char *const sections[] = {"checkpoint", "partition", "sweep"};
  static const char *const keys[] = {"backend", "beat_ms"};
  if (!section) {
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
      if (strcmp(key, sections[i]) == 0) return true;
    return false;
  }
  if (strcmp(section->key, "simulation") != 0) return false;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strcmp(key, keys[i]) == 0) return true;
  return false;
}

/* A copy of a mapping without what is free; its items are those of the original. `section` NULL: the top. */
static cls_status reduce(const cls_yaml *map, const cls_yaml *section, cls_yaml *copy) {
  *copy = *map;
  copy->items = NULL;
  copy->n = copy->capacity = 0;
  CLS_TRY(cls_alloc(&copy->items, map->n, sizeof *copy->items, "job"));
  for (size_t i = 0; i < map->n; i++)
    if (!is_free(section, map->items[i]->key)) copy->items[copy->n++] = map->items[i];
  return CLS_OK;
}

cls_status cls_job_find_science(cls_job_reader *r) {
  cls_yaml top = {0}, simulation = {0};
  cls_status status = reduce(r->root, NULL, &top);
  for (size_t i = 0; i < top.n && status == CLS_OK; i++) {
    if (strcmp(top.items[i]->key, "simulation") != 0 || top.items[i]->kind != CLS_YAML_MAP) continue;
    status = reduce(top.items[i], top.items[i], &simulation);
    top.items[i] = &simulation;
    break;
  }
  if (status == CLS_OK) status = cls_yaml_emit(&top, &r->job->science);
  free(simulation.items);
  free(top.items);
  CLS_TRY(status);
  r->job->science_hash = cls_hash_string(r->job->science);
  return CLS_OK;
}

void cls_job_mix(cls_job *job, uint64_t hash) {
  job->hash = cls_mix64(job->hash ^ hash);
  job->science_hash = cls_mix64(job->science_hash ^ hash);
}
