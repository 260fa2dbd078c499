/* Marks of functions that are compiled for the CPU and, by nvcc, for the GPU from the same text.
 *
 * CLS_FN: a function defined in a header. CLS_SELDOM: one that the GPU had better call than repeat in its kernels.
 * CLS_MATH: one that is declared in a header X.h and defined in X_define.h. Of those the library has one each; a CUDA file
 * gets its own with X.h, inline, since device code cannot be linked without a cost. CLS_BOTH: any other. */
#ifndef CALLOSUM_BOTH_H
#define CALLOSUM_BOTH_H

#ifdef __CUDACC__
#define CLS_BOTH   __host__ __device__
#define CLS_FN     static inline CLS_BOTH
#define CLS_SELDOM static inline __noinline__ CLS_BOTH
#define CLS_MATH   static inline CLS_BOTH
#else
#define CLS_BOTH
#define CLS_FN     static inline __attribute__((always_inline))
#define CLS_SELDOM static inline
#ifdef __cplusplus
#define CLS_MATH extern "C"
#else
#define CLS_MATH
#endif
#endif

#endif
