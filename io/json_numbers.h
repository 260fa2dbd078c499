/* Whole numbers of 64 bits in JSON, for cJSON, whose numbers are doubles. */
#ifndef CALLOSUM_JSON_NUMBERS_H
#define CALLOSUM_JSON_NUMBERS_H

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>

/* As a number: a double would round it above 2^53. */
static inline void cls_json_count(cJSON *object, const char *key, uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, value);
  cJSON_AddRawToObject(object, key, text);
}

/* As a text of 16 digits: hashes. */
static inline void cls_json_hex(cJSON *object, const char *key, uint64_t value) {
  char text[20];
  snprintf(text, sizeof text, "%016" PRIx64, value);
  cJSON_AddStringToObject(object, key, text);
}

#endif
