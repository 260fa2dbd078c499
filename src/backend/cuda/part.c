#include "backend/cuda/part.h"
#include "backend/cuda/plastic_kinds.h"
#include <stdlib.h>

cls_status cls_cuda_part_find(const cls_cuda *b, uint32_t part, cls_cuda_part *found) {
  const cls_layout *layout = b->setup.layout;
  const cls_plastic_store *store = b->setup.stores[part]->plastic;
  const cls_shard *first = &layout->shards[layout->parts[part].shard_first],
                  *last = &layout->shards[layout->parts[part].shard_last - 1];
  cls_cuda_part_owners *pre = &found->of[CLS_GPU_PRE], *post = &found->of[CLS_GPU_POST];
  cls_gpu_mechanisms m;
  *found = (cls_cuda_part){.n_local = last->local + last->n - first->local};
  *pre = (cls_cuda_part_owners){.n = store->n_slots, .values = store->n_pre + 2 * store->n_short_term};
  *post = (cls_cuda_part_owners){
      .first = first->local, .n = store->n_stdp > 0 ? found->n_local : 0, .values = store->n_post};
  CLS_TRY(cls_alloc(&pre->at, pre->values, sizeof *pre->at, "kinds of plasticity"));
  CLS_TRY(cls_alloc(&post->at, post->values, sizeof *post->at, "kinds of plasticity"));
  const cls_status status = cls_gpu_mechanisms_find(&b->setup, &m);
  if (status == CLS_OK) cls_gpu_kinds_of_part(&m, store, pre->at, post->at);
  cls_gpu_mechanisms_free(&m);
  return status;
}

void cls_cuda_part_free(cls_cuda_part *part) {
  for (int h = 0; h < CLS_GPU_HISTORIES; h++) free(part->of[h].at);
}
