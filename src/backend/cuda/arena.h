/* Memory of the GPU. Every object (the synapse store, a member, ...) is one arena: its arrays are named and sized first, which
 * says how large it is, and then allocated together, side by side. So a run knows what it needs before it takes any. */
#ifndef CALLOSUM_CUDA_ARENA_H
#define CALLOSUM_CUDA_ARENA_H

#include "backend/cuda/gpu.h"
#include "base/base.h"

/* CLS_OK, or CLS_ERR_MEMORY where the GPU has no memory left, or CLS_ERR_INTERNAL, with a message that says what was tried. */
cls_status cls_gpu_check(cudaError_t error, const char *what);
#define CLS_CUDA(call, what) CLS_TRY(cls_gpu_check((call), (what)))

enum { CLS_GPU_ARRAYS = 24 };
typedef struct {
  const char *name;
  char *memory; /* NULL before it is made */
  size_t bytes;
  size_t end[CLS_GPU_ARRAYS]; /* of each array: what lies between two of them is never touched */
  int n;
} cls_gpu_arena;

/* Adds an array of `count` items of `size` bytes and returns where it begins, in bytes from the beginning. Arrays begin at
 * multiples of 256. */
size_t cls_gpu_arena_add(cls_gpu_arena *arena, size_t count, size_t size);
/* Allocates what was added; zeroed. */
cls_status cls_gpu_arena_make(cls_gpu_arena *arena, cudaStream_t stream);
void cls_gpu_arena_free(cls_gpu_arena *arena);
static inline void *cls_gpu_arena_at(const cls_gpu_arena *arena, size_t offset) {
  return arena->memory + offset;
}

#endif
