/* Memory, clocks and strings: the few things of the C library that need care. */
#include "base/base.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* A cache line, and the widest vector register. Large arrays are read and written at random: pages of 2 MiB, where the
 * system has them, save them most of their address translations. */
enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20, LARGE = 16 << 20 };

/* `pointer_to_pointer` is a T ** of any T; copying bytes keeps clear of the aliasing rule. */
static void set_pointer(void *pointer_to_pointer, const void *value) {
  memcpy(pointer_to_pointer, &value, sizeof value);
}

/* Not zeroed. At least one line, so that an empty array has an address too. */
static cls_status allocate(void **memory, size_t count, size_t size, const char *what) {
  size_t bytes, padded;
  *memory = NULL;
  bool large = !__builtin_mul_overflow(count, size, &bytes) && bytes >= LARGE;
  size_t alignment = large ? HUGE_PAGE : ALIGNMENT;
  bool fits = !__builtin_mul_overflow(count, size, &bytes) &&
              !__builtin_add_overflow(bytes, alignment - 1, &padded) && padded <= PTRDIFF_MAX;
  CLS_CHECK(fits, CLS_ERR_MEMORY, "%s: %zu items of %zu bytes are more than can be addressed", what, count,
            size);
  padded &= ~(alignment - 1);
  *memory = aligned_alloc(alignment, padded > 0 ? padded : alignment);
  CLS_CHECK(*memory != NULL, CLS_ERR_MEMORY, "%s: no memory for %zu items of %zu bytes (%zu bytes)", what,
            count, size, bytes);
  if (large) (void)madvise(*memory, padded, MADV_HUGEPAGE); /* a wish: the system may not have them */
  return CLS_OK;
}

cls_status cls_alloc(void *pointer_to_pointer, size_t count, size_t size, const char *what) {
  void *memory;
  cls_status status = allocate(&memory, count, size, what);
  if (status == CLS_OK) memset(memory, 0, count * size);
  set_pointer(pointer_to_pointer, memory);
  return status;
}

cls_status cls_alloc_unset(void *pointer_to_pointer, size_t count, size_t size, const char *what) {
  void *memory;
  cls_status status = allocate(&memory, count, size, what);
  set_pointer(pointer_to_pointer, memory);
  return status;
}

cls_status cls_resize(void *pointer_to_pointer, size_t count, size_t size, const char *what) {
  void *old, *resized;
  size_t bytes;
  memcpy(&old, pointer_to_pointer, sizeof old);
  CLS_CHECK(!__builtin_mul_overflow(count, size, &bytes) && bytes <= PTRDIFF_MAX, CLS_ERR_MEMORY,
            "%s: %zu items of %zu bytes are more than can be addressed", what, count, size);
  resized = realloc(old, bytes > 0 ? bytes : 1);
  CLS_CHECK(resized != NULL, CLS_ERR_MEMORY, "%s: no memory for %zu items of %zu bytes (%zu bytes)", what,
            count, size, bytes);
  set_pointer(pointer_to_pointer, resized);
  return CLS_OK;
}

/* realloc() would keep the contents but not the alignment. */
cls_status cls_grow(void *pointer_to_pointer, size_t *capacity, size_t needed, size_t size,
                    const char *what) {
  void *old, *grown;
  memcpy(&old, pointer_to_pointer, sizeof old);
  if (needed <= *capacity && old != NULL) return CLS_OK;
  size_t wanted = *capacity <= SIZE_MAX / 2 ? 2 * *capacity : SIZE_MAX;
  if (wanted < needed) wanted = needed;
  CLS_TRY(allocate(&grown, wanted, size, what));
  if (old != NULL) memcpy(grown, old, *capacity * size);
  free(old);
  set_pointer(pointer_to_pointer, grown);
  *capacity = wanted;
  return CLS_OK;
}

uint64_t cls_peak_rss_bytes(void) {
  FILE *file = fopen("/proc/self/status", "r");
  if (file == NULL) return 0;
  char line[256];
  unsigned long long kib = 0;
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "VmHWM: %llu kB", &kib) == 1) break;
  fclose(file);
  return (uint64_t)kib * 1024;
}

double cls_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

char *cls_format(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (length < 0) return NULL;
  char *text = malloc((size_t)length + 1);
  if (text == NULL) return NULL;
  va_start(arguments, format);
  vsnprintf(text, (size_t)length + 1, format, arguments);
  va_end(arguments);
  return text;
}

/* FNV-1a (Fowler, Noll and Vo), then a mixer, because its high bits depend little on the last letters. */
uint64_t cls_hash_string(const char *text) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++)
    hash = (hash ^ *c) * 0x100000001b3ull;
  return cls_mix64(hash);
}
