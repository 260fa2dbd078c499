/* The ground everything stands on: errors, log, memory, the job's processes.
 *
 * Conventions of the whole library
 *  - Every function that can fail returns a `cls_status`; CLS_TRY passes it on, CLS_CHECK makes one with a
 * message that names the object, the value and the limit. Nothing in the library exits or prints an error.
 *  - "Collective" functions are called by all ranks of the communicator in the same order; all others are
 * local.
 *  - Global counts are `int64_t` or `uint64_t`; local ones are narrower and every narrowing is checked.
 *  - Determinism: no libm function whose result may change with the processor is called on a path that
 * reaches the spikes. Use base/math.h. */
#ifndef CALLOSUM_BASE_H
#define CALLOSUM_BASE_H

#include "base/both.h"
#ifdef __cplusplus /* CUDA files need no more than C */
#define OMPI_SKIP_MPICXX  1
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CLS_VERSION "0.1.0"

/* ---- errors ---- */

typedef enum {
  CLS_OK = 0,
  CLS_ERR_INPUT = 2,   /* the user's input is wrong: the program exits with 2 and has written nothing */
  CLS_ERR_MEMORY = 3,  /* an allocation failed */
  CLS_ERR_IO = 4,      /* a file could not be read or written */
  CLS_ERR_MPI = 5,     /* communication failed */
  CLS_ERR_LIMIT = 6,   /* a stated width or limit would overflow */
  CLS_ERR_INTERNAL = 7 /* a bug: an invariant does not hold */
} cls_status;

/* Leaves a message for this thread (printf style) and returns `code`. A later message replaces an earlier
 * one. */
cls_status cls_fail(cls_status code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The message last left on this thread; "" where there is none. Owned by the library. */
const char *cls_error_message(void);
/* Puts `format` in front of the message already left, "prefix: message"; returns `code` unchanged. */
cls_status cls_error_prefix(cls_status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define CLS_TRY(call)                                                                                        \
  do {                                                                                                       \
    cls_status cls_try_ = (call);                                                                            \
    if (cls_try_ != CLS_OK) return cls_try_;                                                                 \
  } while (0)
#define CLS_CHECK(condition, code, ...)                                                                      \
  do {                                                                                                       \
    if (!(condition)) return cls_fail((code), __VA_ARGS__);                                                  \
  } while (0)

/* Collective. All ranks return the same status: CLS_OK if every rank passed CLS_OK, else that of the lowest
 * rank that did not, whose message is copied to all ranks ("rank 3: ..." in front when `comm` has more than
 * one rank and the ranks disagreed). Use it where an error may happen on one rank only. */
cls_status cls_agree(MPI_Comm comm, cls_status status);

/* ---- memory ---- */

/* Zeroed, 64-byte aligned memory for `count` items of `size` bytes, free with free(). Fails with
 * CLS_ERR_MEMORY and a message naming `what`, the count and the bytes. count = 0 gives a valid pointer. */
cls_status cls_alloc(void *pointer_to_pointer, size_t count, size_t size, const char *what);
/* The same, not zeroed: pages that are never written to take no memory. */
cls_status cls_alloc_unset(void *pointer_to_pointer, size_t count, size_t size, const char *what);
/* Makes *pointer `count` items long. Contents are kept, a new part is not zeroed; large arrays are moved without copying.
 * The alignment of cls_alloc() may be lost. */
cls_status cls_resize(void *pointer_to_pointer, size_t count, size_t size, const char *what);
/* Grows *pointer (64-byte alignment is kept) so that it holds at least `needed` items of `size` bytes;
 * *capacity is in items and at least doubles. Contents are kept; the new part is not zeroed. */
cls_status cls_grow(void *pointer_to_pointer, size_t *capacity, size_t needed, size_t size, const char *what);
/* Peak resident bytes of this process (VmHWM), 0 where the system does not say. */
uint64_t cls_peak_rss_bytes(void);
/* Seconds on a monotonic clock. */
double cls_seconds(void);
/* printf into freshly allocated memory (free() it); NULL when out of memory. */
char *cls_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* 64-bit hash of a string (FNV-1a finished by cls_mix64): keys of populations and projections. */
uint64_t cls_hash_string(const char *text);
/* A bijective 64-bit mixer (the finaliser of SplitMix64, Steele et al. 2014). */
CLS_FN uint64_t cls_mix64(uint64_t z) {
  z += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

/* ---- the processes of a job and their one voice ---- */

/* Who we are: passed to everything that communicates or logs. Plain data; copied freely. */
typedef struct {
  MPI_Comm comm;   /* the job's communicator; owned by the caller of the library */
  int rank, ranks; /* in comm */
  int threads;     /* OpenMP threads of this rank */
  int verbosity;   /* 0 quiet, 1 normal, 2 every detail */
} cls_world;
/* Collective. This rank's number among the ranks of its node, and how many they are. */
void cls_world_node(const cls_world *world, int *rank, int *ranks);

/* Collective (it asks nothing of other ranks today). threads <= 0: the OpenMP default. */
cls_status cls_world_init(cls_world *world, MPI_Comm comm, int threads, int verbosity);
/* Prints one line to standard output on rank 0 when verbosity >= level. Local; silent on other ranks. */
void cls_log(const cls_world *world, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with "warning: " in front, on standard error. */
void cls_warn(const cls_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
