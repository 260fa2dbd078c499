/* Delimited text, row by row: CSV, TSV, or columns parted by white space. */
#ifndef CALLOSUM_TEXT_TABLE_H
#define CALLOSUM_TEXT_TABLE_H

#include "base/base.h"

typedef struct {
  const char *path; /* the caller's, for messages */
  FILE *file;
  char mark; /* begins a comment line: '#' */
  char
      separator; /* ',', ';', '\t', ' ' (runs of white space); 0 before the first row, or the caller's choice */
  uint64_t number; /* of the line last read, from 1 */
  char **field;    /* [n] of the row last read: without blanks around them and without their quotes */
  uint32_t n;
  char *comment; /* the first comment line above the first row, without its mark; NULL: none */
  char *line;
  size_t room, capacity;
} cls_text_table;

/* Local. CLS_ERR_INPUT names the file and the system's reason. */
cls_status cls_text_open(const char *path, cls_text_table *table);
/* The same of `size` bytes of text in memory, which outlive the table; `path` stands in messages. */
cls_status cls_text_open_memory(const char *text, size_t size, const char *path, cls_text_table *table);
void cls_text_close(cls_text_table *table);
/* The next line that is neither blank nor a comment, as fields; *got is false at the end of the file. The
 * first one decides what separates: the tab or comma that the file's name promises (.tsv, .csv) where the
 * line has one, else the first of tab, comma and semicolon that it holds, else white space. */
cls_status cls_text_next(cls_text_table *table, bool *got);

/* Whether a field is a number or stands for a missing one ("n/a", "NA", "nan", "-", nothing), which is NaN. */
bool cls_text_number(const char *field, double *value);
/* Whether two words are the same but for the case of letters. */
bool cls_text_same(const char *a, const char *b);

#endif
