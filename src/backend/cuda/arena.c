#include "backend/cuda/arena.h"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

/* Between two arrays lie at least GAP bytes, which tests make unreadable. */
enum { ALIGNMENT = 256, GAP = 64 };

cls_status cls_gpu_check(cudaError_t error, const char *what) {
  if (error == cudaSuccess) return CLS_OK;
  (void)cudaGetLastError(); /* what was told is not told again */
  return cls_fail(error == cudaErrorMemoryAllocation ? CLS_ERR_MEMORY : CLS_ERR_INTERNAL, "CUDA: %s: %s",
                  what, cudaGetErrorString(error));
}

static size_t rounded(size_t bytes) { return (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1); }

size_t cls_gpu_arena_add(cls_gpu_arena *arena, size_t count, size_t size) {
  const size_t at = arena->bytes;
  if (arena->n < CLS_GPU_ARRAYS) arena->end[arena->n++] = at + count * size;
  arena->bytes = rounded(at + count * size + GAP);
  return at;
}

cls_status cls_gpu_arena_make(cls_gpu_arena *arena, cudaStream_t stream) {
  char text[128];
  snprintf(text, sizeof text, "no memory for %s (%zu bytes)", arena->name, arena->bytes);
  CLS_CUDA(cudaMalloc((void **)&arena->memory, arena->bytes > 0 ? arena->bytes : 1), text);
  CLS_CUDA(cudaMemsetAsync(arena->memory, 0, arena->bytes, stream), arena->name);
  CLS_CUDA(cudaStreamSynchronize(stream), arena->name);
#ifdef __SANITIZE_ADDRESS__
  for (int i = 0; i < arena->n; i++)
    ASAN_POISON_MEMORY_REGION(arena->memory + arena->end[i], rounded(arena->end[i] + GAP) - arena->end[i]);
#endif
  return CLS_OK;
}

void cls_gpu_arena_free(cls_gpu_arena *arena) {
  if (arena->memory) (void)cudaFree(arena->memory);
  *arena = (cls_gpu_arena){.name = arena->name};
}
