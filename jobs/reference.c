/* callosum reference: every key of a job file, as Markdown. The README holds what it prints (a test compares). */
#include "io/io.h"
#include "jobs/jobs.h"
#include <stdlib.h>
#include <string.h>

int cls_command_reference(int argc, char **argv) {
  if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    printf("usage: callosum reference\n  prints every key of a job file, its type, unit, default and range, "
           "as Markdown\n");
    return CLS_OK;
  }
  if (argc > 1) {
    fprintf(stderr, "callosum: reference: argument %s: expected none\n", argv[1]);
    return CLS_ERR_INPUT;
  }
  char *text;
  cls_status status = cls_job_reference(&text);
  if (status != CLS_OK)
    fprintf(stderr, "callosum: %s\n", cls_error_message());
  else
    fputs(text, stdout);
  free(text);
  return status;
}
