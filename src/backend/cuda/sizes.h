/* What a rank needs of the memory of its GPU, object by object, before any of it is allocated. */
#ifndef CALLOSUM_CUDA_SIZES_H
#define CALLOSUM_CUDA_SIZES_H

#include "backend/cuda/instance.h"

enum { CLS_CUDA_OBJECTS = 8 };
typedef struct {
  const char *name[CLS_CUDA_OBJECTS];
  size_t bytes[CLS_CUDA_OBJECTS]; /* of all of its kind */
  int n;
  size_t total;
} cls_cuda_sizes;

/* Of an instance whose objects have been planned. */
void cls_cuda_sizes_find(const cls_cuda *b, cls_cuda_sizes *sizes);
/* CLS_ERR_MEMORY with the table of sizes, and what would fit, where they exceed `free_bytes`. */
cls_status cls_cuda_sizes_check(const cls_cuda *b, const cls_cuda_sizes *sizes, size_t free_bytes);

#endif
