#include "io/sidecar.h"
#include "io/file.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_BYTES = 1 << 20 };

static cls_status take_values(const cJSON *root, cls_sidecar *sidecar) {
  const cJSON *tr = cJSON_GetObjectItemCaseSensitive(root, "RepetitionTime");
  const cJSON *units = cJSON_GetObjectItemCaseSensitive(root, "Units");
  CLS_CHECK(cJSON_IsObject(root), CLS_ERR_INPUT, "%s: expected a JSON object", sidecar->path);
  CLS_CHECK(!tr || (cJSON_IsNumber(tr) && isfinite(tr->valuedouble) && tr->valuedouble > 0), CLS_ERR_INPUT,
            "%s: RepetitionTime: expected a number above 0 in s", sidecar->path);
  CLS_CHECK(!units || cJSON_IsString(units), CLS_ERR_INPUT, "%s: Units: expected text", sidecar->path);
  if (tr) sidecar->tr_s = tr->valuedouble;
  if (!units) return CLS_OK;
  sidecar->units = cls_format("%s", units->valuestring);
  CLS_CHECK(sidecar->units, CLS_ERR_MEMORY, "%s: out of memory", sidecar->path);
  return CLS_OK;
}

static cls_status parse(const char *text, size_t size, cls_sidecar *sidecar) {
  const char *end = NULL;
  cJSON *root = cJSON_ParseWithLengthOpts(text, size, &end, false);
  CLS_CHECK(root, CLS_ERR_INPUT, "%s: no JSON: wrong from byte %td on", sidecar->path, end ? end - text : 0);
  cls_status status = take_values(root, sidecar);
  cJSON_Delete(root);
  return status;
}

cls_status cls_sidecar_read(const char *table_path, cls_sidecar *sidecar) {
  const size_t n = strlen(table_path);
  *sidecar = (cls_sidecar){.tr_s = NAN};
  if (n < 5 || strcmp(table_path + n - 4, ".tsv") != 0) return CLS_OK;
  char *path = cls_format("%.*s.json", (int)(n - 4), table_path);
  CLS_CHECK(path, CLS_ERR_MEMORY, "out of memory for the path of a JSON file");
  if (access(path, F_OK) != 0) {
    free(path);
    return CLS_OK;
  }
  sidecar->path = path;
  char *text = NULL;
  size_t size = 0;
  cls_status status = cls_file_read(path, "description of a table", MAX_BYTES, &text, &size);
  if (status == CLS_OK) status = parse(text, size, sidecar);
  free(text);
  return status;
}

void cls_sidecar_free(cls_sidecar *sidecar) {
  free(sidecar->path);
  free(sidecar->units);
  *sidecar = (cls_sidecar){.tr_s = NAN};
}
