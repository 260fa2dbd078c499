/* Sanitizers, and kernels executed on the processor, make everything several times as slow, and find what they look for in a part of
 * the variants as well as in all. */
#ifndef CALLOSUM_TEST_BASE_EFFORT_H
#define CALLOSUM_TEST_BASE_EFFORT_H

#if defined(__SANITIZE_ADDRESS__) || defined(CALLOSUM_CUDA_HOST)
enum { EVERY = 3 }; /* variant is tested */
#else
enum { EVERY = 1 };
#endif

#endif
