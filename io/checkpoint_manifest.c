/* What a manifest holds, and how it becomes text. Its reader is in checkpoint_parse.c. */
#include "io/checkpoint_manifest.h"
#include "io/json_numbers.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

const char *cls_keep_name(cls_keep_type type) {
  static const char *const names[] = {"u8", "i32", "u32", "f32", "i64", "u64", "f64"};
  return (size_t)type < sizeof names / sizeof *names ? names[type] : NULL;
}

/* ---- what lies between the arrays ---- */

static int by_offset(const void *a, const void *b) {
  const cls_kept_rest *x = a, *y = b;
  if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
  return 0;
}

static cls_status add_rest(cls_manifest *m, uint64_t begin, uint64_t end) {
  if (begin == end) return CLS_OK;
  CLS_TRY(cls_grow(&m->rest, &m->rest_capacity, m->n_rest + 1, sizeof *m->rest, "parts of a checkpoint"));
  m->rest[m->n_rest++] = (cls_kept_rest){begin, end - begin, 0};
  return CLS_OK;
}

static cls_status find_gaps(cls_manifest *m, const cls_kept_rest *taken, size_t n) {
  uint64_t at = 0;
  for (size_t i = 0; i < n; i++) {
    CLS_CHECK(taken[i].offset >= at && taken[i].bytes <= m->length &&
                  taken[i].offset <= m->length - taken[i].bytes,
              CLS_ERR_INTERNAL, "%s: arrays overlap or end behind the file", m->file);
    CLS_TRY(add_rest(m, at, taken[i].offset));
    at = taken[i].offset + taken[i].bytes;
  }
  return add_rest(m, at, m->length);
}

cls_status cls_manifest_find_rest(cls_manifest *m) {
  cls_kept_rest *taken = NULL;
  size_t n = 0;
  CLS_TRY(cls_alloc(&taken, m->n_arrays, sizeof *taken, "arrays of a checkpoint"));
  for (size_t i = 0; i < m->n_arrays; i++)
    if (m->arrays[i].bytes > 0) taken[n++] = (cls_kept_rest){m->arrays[i].offset, m->arrays[i].bytes, 0};
  qsort(taken, n, sizeof *taken, by_offset);
  m->n_rest = 0;
  cls_status status = find_gaps(m, taken, n);
  free(taken);
  return status;
}

void cls_manifest_free(cls_manifest *m) {
  for (size_t i = 0; i < m->n_arrays; i++) {
    free(m->arrays[i].name);
    free(m->arrays[i].sums);
  }
  for (size_t i = 0; i < m->n_recordings; i++) free(m->recordings[i].name);
  free(m->recordings);
  free(m->arrays);
  free(m->rest);
  free(m->file);
  free(m->science);
  free(m->version);
  free(m->backend);
  *m = (cls_manifest){0};
}

/* ---- as text ---- */

static bool add_sums(cJSON *object, const cls_kept_array *array) {
  const uint64_t n = cls_checkpoint_grains(array->bytes);
  char *text = malloc(n * 16 + 1);
  if (!text) return false;
  text[0] = 0;
  for (uint64_t k = 0; k < n; k++) snprintf(text + k * 16, 17, "%016llx", (unsigned long long)array->sums[k]);
  bool added = cJSON_AddStringToObject(object, "sums", text) != NULL;
  free(text);
  return added;
}

static cJSON *add_item(cJSON *list) {
  cJSON *item = cJSON_CreateObject();
  if (item) cJSON_AddItemToArray(list, item);
  return item;
}

static bool add_lists(cJSON *o, const cls_manifest *m) {
  cJSON *arrays = cJSON_AddArrayToObject(o, "arrays"), *rest = cJSON_AddArrayToObject(o, "rest");
  cJSON *recordings = cJSON_AddArrayToObject(o, "recordings"), *item = NULL;
  if (!arrays || !rest || !recordings) return false;
  for (size_t i = 0; i < m->n_arrays; i++) {
    const cls_kept_array *array = &m->arrays[i];
    if (!(item = add_item(arrays))) return false;
    cJSON_AddStringToObject(item, "name", array->name);
    cJSON_AddStringToObject(item, "type", cls_keep_name(array->type));
    cls_json_count(item, "rows", array->rows);
    cls_json_count(item, "width", array->width);
    cls_json_count(item, "offset", array->offset);
    cls_json_count(item, "bytes", array->bytes);
    if (!add_sums(item, array)) return false;
  }
  for (size_t i = 0; i < m->n_rest; i++) {
    if (!(item = add_item(rest))) return false;
    cls_json_count(item, "offset", m->rest[i].offset);
    cls_json_count(item, "bytes", m->rest[i].bytes);
    cls_json_hex(item, "sum", m->rest[i].sum);
  }
  for (size_t i = 0; i < m->n_recordings; i++) {
    if (!(item = add_item(recordings))) return false;
    cJSON_AddStringToObject(item, "name", m->recordings[i].name);
    cls_json_count(item, "bytes", m->recordings[i].bytes);
  }
  return true;
}

static bool add_all(cJSON *o, const cls_manifest *m) {
  char number[32];
  cls_json_count(o, "format", CLS_CHECKPOINT_FORMAT);
  cJSON_AddStringToObject(o, "file", m->file);
  cls_json_count(o, "length", m->length);
  cls_json_count(o, "step", (uint64_t)m->step);
  snprintf(number, sizeof number, "%.17g", m->dt_ms);
  cJSON_AddRawToObject(o, "dt_ms", number);
  cls_json_count(o, "members", (uint64_t)m->members);
  cls_json_hex(o, "seed", m->seed);
  cls_json_hex(o, "job_hash", m->job_hash);
  cls_json_hex(o, "science_hash", m->science_hash);
  cJSON_AddStringToObject(o, "version", m->version);
  cJSON_AddStringToObject(o, "backend", m->backend);
  cls_json_count(o, "ranks", (uint64_t)m->ranks);
  return cJSON_AddStringToObject(o, "science", m->science) && add_lists(o, m);
}

cls_status cls_manifest_print(const cls_manifest *m, char **text) {
  cJSON *o = cJSON_CreateObject();
  char *body = o && add_all(o, m) ? cJSON_Print(o) : NULL;
  cJSON_Delete(o);
  *text = NULL;
  if (body) {
    const size_t end = strlen(body) - 2; /* without "\n}" */
    body[end] = 0;
    *text = cls_format("%s,\n\t\"checksum\":\t\"%016llx\"\n}\n", body,
                       (unsigned long long)XXH3_64bits(body, end));
  }
  free(body);
  CLS_CHECK(*text, CLS_ERR_MEMORY, "out of memory for the manifest of %s", m->file);
  return CLS_OK;
}
