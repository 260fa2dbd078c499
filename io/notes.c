/* Notes: what a reader decided, one line each, for whoever called it to print. */
#include "io/io.h"

#include <stdarg.h>
#include <stdlib.h>

cls_status cls_note(cls_notes *notes, const char *format, ...) {
  if (!notes) return CLS_OK;
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  const int length = vsnprintf(NULL, 0, format, again);
  va_end(again);
  char *line = NULL;
  cls_status status = cls_alloc(&line, (size_t)(length > 0 ? length : 0) + 1, 1, "a note");
  if (status == CLS_OK) vsnprintf(line, (size_t)length + 1, format, arguments);
  va_end(arguments);
  if (status == CLS_OK)
    status = cls_grow(&notes->lines, &notes->capacity, notes->n + 1, sizeof *notes->lines, "notes");
  if (status == CLS_OK)
    notes->lines[notes->n++] = line;
  else
    free(line);
  return status;
}

void cls_notes_free(cls_notes *notes) {
  for (size_t i = 0; i < notes->n; i++) free(notes->lines[i]);
  free(notes->lines);
  *notes = (cls_notes){0};
}
