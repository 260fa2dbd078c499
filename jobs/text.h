/* Words that several commands print. */
#ifndef CALLOSUM_TEXT_H
#define CALLOSUM_TEXT_H

#include <stddef.h>

/* "2.5 GB" into text[size]; rounded for people. */
void cls_print_bytes(char *text, size_t size, double bytes);

#endif
