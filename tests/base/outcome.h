/* How a call ended: what the tests expect of the status it returned and of the message it left. */
#ifndef TESTS_BASE_OUTCOME_H
#define TESTS_BASE_OUTCOME_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

static inline void succeeded(cls_status status, const char *call, const char *file, int line) {
  if (status == CLS_OK) return;
  print_error("%s: %s\n", call, cls_error_message());
  _assert_int_equal((int)status, CLS_OK, file, line);
}
#define OK(call) succeeded((call), #call, __FILE__, __LINE__)

/* The message last left holds `part`. */
static inline void message_has(const char *part, const char *file, int line) {
  if (strstr(cls_error_message(), part)) return;
  print_error("'%s' is not in the message: %s\n", part, cls_error_message());
  _fail(file, line);
}
#define MESSAGE(part) message_has((part), __FILE__, __LINE__)

/* The call was refused as bad input, with `part` in its message. */
static inline void refused_with(cls_status status, const char *part, const char *file, int line) {
  _assert_int_equal((int)status, CLS_ERR_INPUT, file, line);
  message_has(part, file, line);
}
#define REFUSED(call, part) refused_with((call), (part), __FILE__, __LINE__)

#endif
