#include "jobs/options.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static cls_status unknown(const char *name, const cls_option *options, int n) {
  char all[256] = "--set";
  for (int i = 0; i < n; i++) {
    size_t used = strlen(all);
    snprintf(all + used, sizeof all - used, ", %s", options[i].name);
  }
  return cls_fail(CLS_ERR_INPUT, "option %s: expected one of %s", name, all);
}

static cls_status read_count(const cls_option *option, const char *text) {
  char *end;
  errno = 0;
  long number = strtol(text, &end, 10);
  CLS_CHECK(*text && !*end && !errno && number >= option->least && number <= option->most, CLS_ERR_INPUT,
            "%s %s: expected a whole number from %d to %d", option->name, text, option->least, option->most);
  *(int *)option->value = (int)number;
  return CLS_OK;
}

static const cls_option *find(const cls_option *options, int n, const char *name, size_t length) {
  for (int i = 0; i < n; i++)
    if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0) return &options[i];
  return NULL;
}

cls_status cls_parse_arguments(int argc, char **argv, const cls_option *options, int n,
                               cls_job_arguments *a) {
  *a = (cls_job_arguments){0};
  CLS_TRY(cls_alloc(&a->set, (size_t)argc + 1, sizeof *a->set, "options"));
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      a->help = true;
      return CLS_OK;
    }
    if (argv[i][0] != '-') {
      CLS_CHECK(!a->job, CLS_ERR_INPUT, "argument %s: expected one job file, %s was already given", argv[i],
                a->job);
      a->job = argv[i];
      continue;
    }
    size_t length = strcspn(argv[i], "=");
    bool set = length == 5 && strncmp(argv[i], "--set", 5) == 0;
    const cls_option *option = find(options, n, argv[i], length);
    if (!option && !set) return unknown(argv[i], options, n);
    if (option && option->kind == CLS_OPTION_FLAG) {
      CLS_CHECK(!argv[i][length], CLS_ERR_INPUT, "option %s: expected no value", argv[i]);
      *(bool *)option->value = true;
      continue;
    }
    const char *name = set ? "--set" : option->name, *value = argv[i][length] ? argv[i] + length + 1 : NULL;
    CLS_CHECK(value || i + 1 < argc, CLS_ERR_INPUT, "option %s: expected a value", name);
    if (!value) value = argv[++i];
    if (set)
      a->set[a->n_set++] = value;
    else if (option->kind == CLS_OPTION_COUNT)
      CLS_TRY(read_count(option, value));
    else
      *(const char **)option->value = value;
  }
  CLS_CHECK(a->job, CLS_ERR_INPUT, "%s: expected a job file (see callosum %s --help)", argv[0], argv[0]);
  return CLS_OK;
}
