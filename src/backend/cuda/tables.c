/* What kernels are told of members and parameters: structs of pointers, in the memory of the GPU. */
#include "backend/cuda/instance.h"
#include <stdlib.h>

cls_status cls_cuda_tables_make(cls_cuda *b) {
  cls_gpu_chunk *chunk = NULL;
  uint32_t n = 0;
  b->tables = (cls_gpu_arena){.name = "tables"};
  CLS_TRY(cls_gpu_chunks_create(b->setup.layout, &chunk, &n));
  b->table_member = cls_gpu_arena_add(&b->tables, (size_t)b->setup.members, sizeof(cls_gpu_member));
  b->table_parameters = cls_gpu_arena_add(&b->tables, b->n_parameters, sizeof(cls_gpu_parameters));
  b->table_chunk = cls_gpu_arena_add(&b->tables, n, sizeof(cls_gpu_chunk));
  b->table_full = cls_gpu_arena_add(&b->tables, 1, sizeof(uint32_t));
  b->table_events = cls_gpu_arena_add(&b->tables, 1, sizeof(uint64_t));
  b->table_reached = cls_gpu_arena_add(&b->tables, 1, sizeof(int64_t));
  b->table_wrong = cls_gpu_arena_add(&b->tables, 1, sizeof(uint64_t));
  cls_status status = cls_gpu_arena_make(&b->tables, b->stream);
  if (status == CLS_OK)
    status = cls_gpu_check(cudaMemcpyAsync(cls_gpu_arena_at(&b->tables, b->table_chunk), chunk,
                                           n * sizeof *chunk, cudaMemcpyHostToDevice, b->stream),
                           "copying tables");
  if (status == CLS_OK) status = cls_gpu_check(cudaStreamSynchronize(b->stream), "copying tables");
  free(chunk);
  b->rank.member = cls_gpu_arena_at(&b->tables, b->table_member);
  b->rank.parameters = cls_gpu_arena_at(&b->tables, b->table_parameters);
  b->rank.chunk = cls_gpu_arena_at(&b->tables, b->table_chunk);
  b->rank.members = (uint32_t)b->setup.members;
  b->rank.n_chunks = n;
  b->rank.full = cls_gpu_arena_at(&b->tables, b->table_full);
  b->rank.events = cls_gpu_arena_at(&b->tables, b->table_events);
  b->rank.reached = cls_gpu_arena_at(&b->tables, b->table_reached);
  b->rank.wrong = cls_gpu_arena_at(&b->tables, b->table_wrong);
  b->rank.status = b->status;
  b->tables_old = true;
  return status;
}

cls_status cls_cuda_tables_copy(cls_cuda *b) {
  if (!b->tables_old) return CLS_OK;
  for (int m = 0; m < b->setup.members; m++) {
    cls_gpu_member *member = &b->members[m].device;
    member->parameters = b->parameters_of[m];
    member->identity = (uint32_t)b->setup.identity[m];
    member->status = &b->member_status[m];
    member->plastic = cls_cuda_plastic_member_of(b, m);
    CLS_CUDA(cudaMemcpyAsync((cls_gpu_member *)cls_gpu_arena_at(&b->tables, b->table_member) + m, member,
                             sizeof *member, cudaMemcpyHostToDevice, b->stream),
             "copying tables");
  }
  for (uint32_t p = 0; p < b->n_parameters; p++)
    CLS_CUDA(cudaMemcpyAsync((cls_gpu_parameters *)cls_gpu_arena_at(&b->tables, b->table_parameters) + p,
                             &b->parameters[p].device, sizeof(cls_gpu_parameters), cudaMemcpyHostToDevice,
                             b->stream),
             "copying tables");
  b->profile.copies_in += (uint64_t)b->setup.members + b->n_parameters;
  b->profile.bytes_in +=
      (uint64_t)b->setup.members * sizeof(cls_gpu_member) + b->n_parameters * sizeof(cls_gpu_parameters);
  b->tables_old = false;
  return CLS_OK;
}
