/* Between the files of the executor's test. */
#ifndef CUDA_HOST_EXECUTOR_TEST_H
#define CUDA_HOST_EXECUTOR_TEST_H

#include "kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 20, DEVICE_BYTES = 16 << 20 };

#ifdef __SANITIZE_THREAD__
enum { RACES_ARE_SEEN = 1 };
#else
enum { RACES_ARE_SEEN = 0 };
#endif
#ifdef __SANITIZE_ADDRESS__
enum { ADDRESSES_ARE_SEEN = 1 };
#else
enum { ADDRESSES_ARE_SEEN = 0 };
#endif

#define assert_cuda(call) assert_string_equal(cudaGetErrorName(call), "cudaSuccess")

/* Memory of the device with these bytes, or, without any, with nothing that is known. */
void *on_device(const void *from, size_t bytes);
/* A word of the device, when all is done there. */
unsigned word_of_device(const unsigned *at);

/* executor_kernels.c: what kernels use, against its definition. */
int test_kernels(void);
/* executor_streams.c: memory, copies, streams, events, errors. */
int test_streams(void);
/* executor_faults.c: what must end a process, in processes of their own; and what one of those does. */
int test_faults(void);
int be_a_fault(const char *what);

#endif
