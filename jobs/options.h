/* Arguments of the commands that take a job file: one file, --set, --help, and options of their own. */
#ifndef CALLOSUM_OPTIONS_H
#define CALLOSUM_OPTIONS_H

#include "base/base.h"

typedef enum {
  CLS_OPTION_TEXT,  /* const char *, the next argument */
  CLS_OPTION_COUNT, /* int, a whole number from `least` to `most` */
  CLS_OPTION_FLAG   /* bool */
} cls_option_kind;

typedef struct {
  const char *name; /* with its dashes */
  cls_option_kind kind;
  void *value;
  int least, most;
} cls_option;

#define CLS_TEXT(name, value)                                                                                \
  { name, CLS_OPTION_TEXT, value, 0, 0 }
#define CLS_COUNT(name, value, least, most)                                                                  \
  { name, CLS_OPTION_COUNT, value, least, most }
#define CLS_FLAG(name, value)                                                                                \
  { name, CLS_OPTION_FLAG, value, 0, 0 }

typedef struct {
  const char *job;
  const char **set; /* values of --set; freed by the caller */
  int n_set;
  bool help; /* --help was given: nothing else counts */
} cls_job_arguments;

/* Local. `argv[0]` is the command. An option is `--name VALUE` or `--name=VALUE`. CLS_ERR_INPUT names what is unknown,
 * incomplete, or given twice where one is expected. */
cls_status cls_parse_arguments(int argc, char **argv, const cls_option *options, int n,
                               cls_job_arguments *arguments);

#endif
