/* The strict reader of manifests. */
#include "io/checkpoint_manifest.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Where a reader stands: the file, and of which of its items ("arrays[3]", "" at the top) it reads keys. */
typedef struct {
  const char *file;
  char item[64];
} place;

static cls_status refuse(const place *p, const char *key, const char *expected) {
  return cls_fail(CLS_ERR_INPUT, "%s: %s%s%s: expected %s", p->file, p->item, p->item[0] && key[0] ? "." : "",
                  key, expected);
}

/* ---- values ---- */

static cls_status get(const place *p, const cJSON *object, const char *key, const cJSON **value) {
  *value = cJSON_GetObjectItemCaseSensitive(object, key);
  return *value ? CLS_OK : refuse(p, key, "a value, there is none");
}

static cls_status get_count(const place *p, const cJSON *object, const char *key, double most,
                            uint64_t *count) {
  const cJSON *value;
  CLS_TRY(get(p, object, key, &value));
  const double number = cJSON_IsNumber(value) ? value->valuedouble : -1;
  if (!(number >= 0 && number <= most) || number != (double)(uint64_t)number)
    return refuse(p, key, "a whole number that fits");
  *count = (uint64_t)number;
  return CLS_OK;
}

static cls_status get_text(const place *p, const cJSON *object, const char *key, char **text) {
  const cJSON *value;
  CLS_TRY(get(p, object, key, &value));
  if (!cJSON_IsString(value)) return refuse(p, key, "a text");
  free(*text);
  *text = cls_format("%s", value->valuestring);
  CLS_CHECK(*text, CLS_ERR_MEMORY, "%s: out of memory", p->file);
  return CLS_OK;
}

/* 16 digits. */
static bool read_hex(const char *text, uint64_t *value) {
  *value = 0;
  for (int i = 0; i < 16; i++) {
    const char *digits = "0123456789abcdef", *digit = text[i] ? strchr(digits, text[i]) : NULL;
    if (!digit) return false;
    *value = *value << 4 | (uint64_t)(digit - digits);
  }
  return true;
}

static cls_status get_hex(const place *p, const cJSON *object, const char *key, uint64_t *hex) {
  const cJSON *value;
  CLS_TRY(get(p, object, key, &value));
  if (!cJSON_IsString(value) || strlen(value->valuestring) != 16 || !read_hex(value->valuestring, hex))
    return refuse(p, key, "16 hexadecimal digits");
  return CLS_OK;
}

/* An object with exactly `n` keys; those that are missing are found by who reads them. */
static cls_status check_keys(const place *p, const cJSON *object, int n) {
  if (!cJSON_IsObject(object)) return refuse(p, "", "an object");
  if (cJSON_GetArraySize(object) != n) return refuse(p, "", "no other keys than those of this format");
  return CLS_OK;
}

/* A list of `*n` items, for which `*items` has room. */
static cls_status get_list(const place *p, const cJSON *object, const char *key, size_t size, void *items,
                           size_t *capacity, const cJSON **list) {
  CLS_TRY(get(p, object, key, list));
  if (!cJSON_IsArray(*list)) return refuse(p, key, "a list");
  const size_t n = (size_t)cJSON_GetArraySize(*list);
  CLS_TRY(cls_alloc(items, n, size, key));
  *capacity = n;
  return CLS_OK;
}

/* A name that is a file of the same folder. */
static bool is_plain(const char *name) { return name[0] && name[0] != '.' && !strchr(name, '/'); }

/* ---- items ---- */

static const double MOST = 9007199254740992.0; /* 2^53: what a JSON number says exactly */

static cls_status read_sums(const place *p, const cJSON *item, cls_kept_array *array) {
  const cJSON *value;
  const uint64_t n = cls_checkpoint_grains(array->bytes);
  CLS_TRY(get(p, item, "sums", &value));
  if (!cJSON_IsString(value) || strlen(value->valuestring) != n * 16)
    return refuse(p, "sums", "16 hexadecimal digits for every MiB");
  CLS_TRY(cls_alloc(&array->sums, n, sizeof *array->sums, "checksums"));
  for (uint64_t k = 0; k < n; k++)
    if (!read_hex(value->valuestring + k * 16, &array->sums[k]))
      return refuse(p, "sums", "16 hexadecimal digits for every MiB");
  return CLS_OK;
}

static cls_status read_array(const place *p, const cJSON *item, cls_kept_array *array) {
  const cJSON *type;
  uint64_t width = 0, bytes;
  int found = -1;
  CLS_TRY(check_keys(p, item, 7));
  CLS_TRY(get_text(p, item, "name", &array->name));
  CLS_TRY(get(p, item, "type", &type));
  for (int t = 0; cJSON_IsString(type) && cls_keep_name((cls_keep_type)t); t++)
    if (strcmp(type->valuestring, cls_keep_name((cls_keep_type)t)) == 0) found = t;
  if (found < 0) return refuse(p, "type", "u8, i32, u32, f32, i64, u64 or f64");
  array->type = (cls_keep_type)found;
  CLS_TRY(get_count(p, item, "rows", MOST, &array->rows));
  CLS_TRY(get_count(p, item, "width", UINT32_MAX, &width));
  CLS_TRY(get_count(p, item, "offset", MOST, &array->offset));
  CLS_TRY(get_count(p, item, "bytes", MOST, &array->bytes));
  array->width = (uint32_t)width;
  if (width == 0) return refuse(p, "width", "at least 1");
  if (__builtin_mul_overflow(array->rows, width * cls_keep_bytes(array->type), &bytes) ||
      bytes != array->bytes)
    return refuse(p, "bytes", "the product of rows, width and the size of a number");
  return read_sums(p, item, array);
}

static cls_status read_arrays(place *p, const cJSON *root, cls_manifest *m) {
  const cJSON *list, *item;
  CLS_TRY(get_list(p, root, "arrays", sizeof *m->arrays, &m->arrays, &m->array_capacity, &list));
  cJSON_ArrayForEach(item, list) {
    snprintf(p->item, sizeof p->item, "arrays[%zu]", m->n_arrays);
    CLS_TRY(read_array(p, item, &m->arrays[m->n_arrays++]));
  }
  p->item[0] = 0;
  return CLS_OK;
}

/* What is said of the rest must be what the arrays leave. */
static cls_status read_rest(place *p, const cJSON *root, cls_manifest *m) {
  const cJSON *list, *item;
  size_t n = 0;
  if (cls_manifest_find_rest(m) != CLS_OK) return refuse(p, "arrays", "arrays within the file, apart");
  CLS_TRY(get(p, root, "rest", &list));
  if (!cJSON_IsArray(list) || (size_t)cJSON_GetArraySize(list) != m->n_rest)
    return refuse(p, "rest", "one item for every part of the file that belongs to no array");
  cJSON_ArrayForEach(item, list) {
    cls_kept_rest *rest = &m->rest[n], said = {0};
    snprintf(p->item, sizeof p->item, "rest[%zu]", n++);
    CLS_TRY(check_keys(p, item, 3));
    CLS_TRY(get_count(p, item, "offset", MOST, &said.offset));
    CLS_TRY(get_count(p, item, "bytes", MOST, &said.bytes));
    CLS_TRY(get_hex(p, item, "sum", &rest->sum));
    if (said.offset != rest->offset || said.bytes != rest->bytes)
      return refuse(p, "offset", "the bytes that the arrays leave");
  }
  p->item[0] = 0;
  return CLS_OK;
}

static cls_status read_recordings(place *p, const cJSON *root, cls_manifest *m) {
  const cJSON *list, *item;
  CLS_TRY(
      get_list(p, root, "recordings", sizeof *m->recordings, &m->recordings, &m->recording_capacity, &list));
  cJSON_ArrayForEach(item, list) {
    cls_kept_recording *recording = &m->recordings[m->n_recordings];
    snprintf(p->item, sizeof p->item, "recordings[%zu]", m->n_recordings++);
    CLS_TRY(check_keys(p, item, 2));
    CLS_TRY(get_text(p, item, "name", &recording->name));
    if (!is_plain(recording->name)) return refuse(p, "name", "the name of a file");
    CLS_TRY(get_count(p, item, "bytes", MOST, &recording->bytes));
  }
  p->item[0] = 0;
  return CLS_OK;
}

/* ---- the whole ---- */

static cls_status read_root(place *p, const cJSON *root, cls_manifest *m) {
  uint64_t format = 0, step = 0, members = 0, ranks = 0;
  const cJSON *dt;
  CLS_TRY(get_count(p, root, "format", MOST, &format));
  CLS_CHECK(format == CLS_CHECKPOINT_FORMAT, CLS_ERR_INPUT, "%s: format: %llu: this version reads format %d",
            p->file, (unsigned long long)format, CLS_CHECKPOINT_FORMAT);
  CLS_TRY(check_keys(p, root, 17)); /* the checksum among them */
  CLS_TRY(get_text(p, root, "file", &m->file));
  if (!is_plain(m->file)) return refuse(p, "file", "the name of a file");
  CLS_TRY(get_count(p, root, "length", MOST, &m->length));
  CLS_TRY(get_count(p, root, "step", MOST, &step));
  CLS_TRY(get_count(p, root, "members", 1e6, &members));
  CLS_TRY(get_count(p, root, "ranks", INT32_MAX, &ranks));
  CLS_TRY(get(p, root, "dt_ms", &dt));
  if (!cJSON_IsNumber(dt) || !(dt->valuedouble > 0)) return refuse(p, "dt_ms", "a positive number");
  m->dt_ms = dt->valuedouble;
  m->step = (int64_t)step;
  m->members = (int)members;
  m->ranks = (int)ranks;
  CLS_TRY(get_hex(p, root, "seed", &m->seed));
  CLS_TRY(get_hex(p, root, "job_hash", &m->job_hash));
  CLS_TRY(get_hex(p, root, "science_hash", &m->science_hash));
  CLS_TRY(get_text(p, root, "version", &m->version));
  CLS_TRY(get_text(p, root, "backend", &m->backend));
  CLS_TRY(get_text(p, root, "science", &m->science));
  CLS_TRY(read_arrays(p, root, m));
  CLS_TRY(read_rest(p, root, m));
  return read_recordings(p, root, m);
}

/* The text ends with the checksum of what is before: only then is it looked at. */
static cls_status check_sum(const place *p, const char *text, size_t size) {
  char end[64];
  const size_t length = (size_t)snprintf(end, sizeof end, ",\n\t\"checksum\":\t\"%016llx\"\n}\n", 0ull);
  if (size >= length)
    snprintf(end, sizeof end, ",\n\t\"checksum\":\t\"%016llx\"\n}\n",
             (unsigned long long)XXH3_64bits(text, size - length));
  CLS_CHECK(size >= length && memcmp(text + size - length, end, length) == 0, CLS_ERR_INPUT,
            "%s: the manifest differs from its checksum: it is damaged", p->file);
  return CLS_OK;
}

cls_status cls_manifest_parse(const char *text, size_t size, const char *name, cls_manifest *manifest) {
  place p = {.file = name};
  CLS_TRY(check_sum(&p, text, size));
  const char *end = NULL;
  cJSON *root = cJSON_ParseWithLengthOpts(text, size, &end, 0);
  cls_status status;
  if (!root || !cJSON_IsObject(root) || end != text + size - 1)
    status = cls_fail(CLS_ERR_INPUT, "%s: expected the JSON text of a manifest", name);
  else
    status = read_root(&p, root, manifest);
  cJSON_Delete(root);
  if (status != CLS_OK) cls_manifest_free(manifest);
  return status;
}
