#include "jobs/text.h"
#include <stdio.h>

void cls_print_bytes(char *text, size_t size, double bytes) {
  static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  int u = 0;
  while (bytes >= 1000 && u < 5) bytes /= 1000, u++;
  snprintf(text, size, u ? "%.1f %s" : "%.0f %s", bytes, unit[u]);
}
