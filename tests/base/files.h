/* Files that tests make up. */
#ifndef TESTS_BASE_FILES_H
#define TESTS_BASE_FILES_H

#include "base/outcome.h"

#include <stdio.h>

static inline void write_text(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

#endif
