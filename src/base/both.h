/* Marks of functions that are compiled for the CPU and, by nvcc, for the GPU from the same text. */
#ifndef CALLOSUM_BOTH_H
#define CALLOSUM_BOTH_H

#ifdef __CUDACC__
#define CLS_FN   static inline __host__ __device__
#define CLS_MATH extern "C" __host__ __device__
#else
#define CLS_FN static inline __attribute__((always_inline))
#define CLS_MATH
#endif

#endif
