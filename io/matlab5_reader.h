/* MATLAB v5 files (those of v7 too) as a sequence of variables: bytes, packed or not, never more than a piece of them in
 * memory. MathWorks, "MAT-File Format", chapter 1. Private to matrix_matlab5.c. */
#ifndef CALLOSUM_MATLAB5_READER_H
#define CALLOSUM_MATLAB5_READER_H

#include "base/base.h"

/* Types of elements. */
enum {
  CLS_MI_INT8 = 1,
  CLS_MI_UINT8 = 2,
  CLS_MI_INT16 = 3,
  CLS_MI_UINT16 = 4,
  CLS_MI_INT32 = 5,
  CLS_MI_UINT32 = 6,
  CLS_MI_SINGLE = 7,
  CLS_MI_DOUBLE = 9,
  CLS_MI_INT64 = 12,
  CLS_MI_UINT64 = 13,
  CLS_MI_MATRIX = 14,
  CLS_MI_COMPRESSED = 15
};

typedef struct cls_matlab5_ cls_matlab5;

/* An element inside a variable, of which `left` bytes are still to be read. */
typedef struct {
  uint32_t type;
  uint64_t bytes, left;
  uint32_t padding;
} cls_matlab5_element;

/* Local, as everything here. CLS_ERR_INPUT where the header is not that of such a file. */
cls_status cls_matlab5_open(const char *path, cls_matlab5 **file);
void cls_matlab5_close(cls_matlab5 *file); /* NULL is fine */
/* Moves to the next variable, or to that at byte `at`; *got is false behind the last. What is left of the one before must
 * have been dealt with by cls_matlab5_end. */
cls_status cls_matlab5_next(cls_matlab5 *file, bool *got);
cls_status cls_matlab5_seek(cls_matlab5 *file, uint64_t at);
/* Whether there is one in the element one has moved to: others are passed over. */
bool cls_matlab5_has_variable(const cls_matlab5 *file);
/* Where it begins in the file. */
uint64_t cls_matlab5_place(const cls_matlab5 *file);
/* Passes over the rest of a variable and refuses one that is cut off or does not unpack to its checksum. */
cls_status cls_matlab5_end(cls_matlab5 *file);

/* The next element of the variable: its size is known to fit into what the variable has left, not that it is there. */
cls_status cls_matlab5_element_begin(cls_matlab5 *file, cls_matlab5_element *element);
/* The next n <= left bytes of an element. */
cls_status cls_matlab5_bytes(cls_matlab5 *file, cls_matlab5_element *element, void *bytes, size_t n);
cls_status cls_matlab5_element_end(cls_matlab5 *file, cls_matlab5_element *element);
/* Bytes of a number of this type; 0: no type of numbers. */
uint32_t cls_matlab5_width(uint32_t type);
/* The next n numbers of an element, which has that many. n is at most CLS_MATLAB5_PIECE. */
enum { CLS_MATLAB5_PIECE = 4096 };
cls_status cls_matlab5_numbers(cls_matlab5 *file, cls_matlab5_element *element, size_t n, double *values);
/* CLS_ERR_INPUT: what is wrong with the variable one is at. */
cls_status cls_matlab5_damaged(const cls_matlab5 *file, const char *how);

#endif
