#include "jobs/summary_file.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cls_summary_number(cJSON *object, const char *key, double value) {
  char text[32];
  if (!isfinite(value)) {
    cJSON_AddNullToObject(object, key);
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  cJSON_AddRawToObject(object, key, text);
}

cls_status cls_summary_write(const char *directory, cJSON *json) {
  char *text = json ? cJSON_Print(json) : NULL, *path = cls_format("%s/summary.json", directory);
  char *temporary = cls_format("%s/summary.json.part", directory);
  FILE *file = text && path && temporary ? fopen(temporary, "w") : NULL;
  bool written = file && fprintf(file, "%s\n", text) > 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
  if (file && fclose(file) != 0) written = false;
  cls_status status = CLS_OK;
  if (!written || rename(temporary, path) != 0)
    status = cls_fail(CLS_ERR_IO, "cannot write %s: %s", path ? path : "summary.json", strerror(errno));
  free(text);
  free(path);
  free(temporary);
  return status;
}
