/* The executor of kernels (cuda_host.h), tested: with an argument, one of the processes that executor_faults.c starts. */
#include "executor_test.h"

void *on_device(const void *from, size_t bytes) {
  void *at;
  assert_cuda(cudaMalloc(&at, bytes));
  if (from) assert_cuda(cudaMemcpy(at, from, bytes, cudaMemcpyHostToDevice));
  return at;
}

unsigned word_of_device(const unsigned *at) {
  unsigned word;
  assert_cuda(cudaDeviceSynchronize());
  assert_cuda(cudaMemcpy(&word, at, sizeof word, cudaMemcpyDeviceToHost));
  return word;
}

int main(int count, char **argument) {
  setenv("CALLOSUM_CUDA_HOST_BYTES", "16777216", 1);
  if (count > 1) return be_a_fault(argument[1]);
  return test_kernels() + test_streams() + test_faults();
}
