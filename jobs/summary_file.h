/* DIR/summary.json, which every command that leaves results writes: numbers, and the file. Local. */
#ifndef CALLOSUM_SUMMARY_FILE_H
#define CALLOSUM_SUMMARY_FILE_H

#include "base/base.h"
#include "io/json_numbers.h"

/* In the fewest digits that are read back as the same number: a sweep that goes on takes results from here. null where it is not finite. */
void cls_summary_number(cJSON *object, const char *key, double value);
/* Written beside, then renamed: a summary that exists is whole. CLS_ERR_IO names the file and the system's reason, also where `json` is NULL. */
cls_status cls_summary_write(const char *directory, cJSON *json);

#endif
