#include "backend/cuda/cuda.h"
#include "backend/cuda/instance.h"
#include "backend/cuda/sizes.h"
#include <stdlib.h>

/* ---- what the files of this backend share ---- */

cls_status cls_cuda_wait(cls_cuda *b, const char *what) {
  cudaError_t error;
  if (!b->setup.meanwhile) return cls_gpu_check(cudaStreamSynchronize(b->stream), what);
  while ((error = cudaStreamQuery(b->stream)) == cudaErrorNotReady) b->setup.meanwhile(b->setup.context);
  return cls_gpu_check(error, what);
}

cls_status cls_cuda_reserve(cls_cuda *b, cls_gpu_arena *arena, const char *name, size_t bytes) {
  if (arena->memory && arena->bytes >= bytes) return CLS_OK;
  const size_t wanted = bytes > 2 * arena->bytes ? bytes : 2 * arena->bytes;
  cls_gpu_arena_free(arena);
  *arena = (cls_gpu_arena){.name = name};
  (void)cls_gpu_arena_add(arena, wanted, 1);
  b->profile.allocations++;
  return cls_gpu_arena_make(arena, b->stream);
}

/* ---- creation ---- */

/* A part holds so many neurons at most: shards of 65,536, of which a few are not full. Threads build a part each, as long as
 * rows are not cut into more runs by it than by shards. */
static int parts(int threads, uint64_t neurons) {
  enum { NEURONS_OF_PART = 4000000 };
  const int least = (int)(neurons / NEURONS_OF_PART) + 1;
  const uint64_t shards = neurons / CLS_SHARD_MAX;
  const int useful = shards < (uint64_t)threads ? (int)shards : threads;
  return useful > least ? useful : least;
}

/* The GPU of a rank. */
typedef struct {
  int number;
  size_t free_bytes; /* its share, where several ranks have the same GPU */
} gpu;

/* Ranks of a node take its GPUs in turn: this is number `rank` of `ranks`. */
static cls_status choose_device(const cls_world *world, int rank, int ranks, gpu *chosen) {
  int devices = 0, together = 0;
  size_t free_bytes = 0, total = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  CLS_CHECK(
      error == cudaSuccess && devices > 0, CLS_ERR_INPUT,
      "backend '/cuda': rank %d finds no GPU (%s): expected an NVIDIA GPU and its driver; use --backend "
      "/cpu/omp without",
      world->rank, error == cudaSuccess ? "no device" : cudaGetErrorString(error));
  chosen->number = rank % devices;
  CLS_CUDA(cudaSetDevice(chosen->number), "choosing a GPU");
  CLS_CUDA(cudaDeviceGetAttribute(&together, cudaDevAttrCooperativeLaunch, chosen->number), "a GPU");
  CLS_CHECK(together, CLS_ERR_INPUT,
            "backend '/cuda': the GPU of rank %d cannot launch blocks that wait for each other", world->rank);
  CLS_CUDA(cudaMemGetInfo(&free_bytes, &total), "asking for free memory");
  chosen->free_bytes = free_bytes / (size_t)((ranks + devices - 1) / devices);
  return CLS_OK;
}

/* Before anything is built: does what is expected fit? */
static cls_status fits(const cls_world *world, const cls_network *network, int members) {
  cls_cuda_counts counts;
  cls_cuda_sizes sizes;
  gpu chosen;
  int rank, ranks;
  cls_world_node(world, &rank, &ranks);
  CLS_TRY(cls_agree(world->comm, choose_device(world, rank, ranks, &chosen)));
  CLS_TRY(cls_cuda_counts_expected(network, world->ranks, members, &counts));
  cls_cuda_sizes_find(&counts, &sizes);
  return cls_agree(world->comm, cls_cuda_sizes_check(world, network, &sizes, chosen.free_bytes));
}

static uint32_t find_parameters(const cls_cuda *b, const cls_neurons *neurons) {
  uint32_t p = 0;
  while (p < b->n_parameters && b->parameters[p].neurons != neurons) p++;
  return p;
}

/* Members that share parameters share their copy on the GPU. Those whose neurons have an origin are like it until something is
 * scaled: it comes before them. */
static cls_status plan_parameters(cls_cuda *b) {
  const cls_backend_setup *s = &b->setup;
  CLS_TRY(cls_alloc(&b->parameters, 2 * (size_t)s->members, sizeof *b->parameters, "parameters"));
  CLS_TRY(cls_alloc(&b->parameters_of, (size_t)s->members, sizeof *b->parameters_of, "parameters"));
  for (int m = 0; m < s->members; m++) {
    const cls_neurons *origin = s->neurons[m]->origin;
    const uint32_t o = origin ? find_parameters(b, origin) : 0;
    if (origin && o == b->n_parameters) {
      CLS_TRY(cls_gpu_parameters_plan(origin, NULL, true, &b->parameters[o]));
      b->n_parameters++;
    }
    const uint32_t p = b->parameters_of[m] = find_parameters(b, s->neurons[m]);
    if (p < b->n_parameters) continue;
    CLS_TRY(
        cls_gpu_parameters_plan(s->neurons[m], origin ? &b->parameters[o] : NULL, false, &b->parameters[p]));
    b->n_parameters++;
  }
  return CLS_OK;
}

/* Sums of steps of even and of odd number lie apart where waiting for each other is what takes blocks their time: where there
 * are few neurons. Both must fit the second-level cache, and what spikes do in the next step is left to the warp that finds
 * them, so it may not be much. */
static bool sums_are_apart(const cls_cuda *b) {
  enum { MOST_WORDS = 2 << 20, MOST_EVENTS = 1024 };
  return !cls_cuda_is_plastic(b) && b->drawn.sizes.entries == 0 &&
         b->sizes.sums * (uint64_t)b->setup.members <= MOST_WORDS &&
         b->synapses.counts.most_of_next_step <= MOST_EVENTS;
}

static cls_status plan(cls_cuda *b) {
  cls_gpu_store_counts counts;
  CLS_TRY(cls_gpu_channels_create(b->setup.layout, b->setup.neurons[0], &b->channels));
  CLS_TRY(cls_gpu_store_count(&b->setup, &b->channels, &counts));
  cls_gpu_store_plan(&counts, &b->synapses);
  CLS_TRY(plan_parameters(b));
  b->sizes = cls_gpu_member_measure(&b->setup, &counts, &b->channels);
  CLS_TRY(cls_cuda_packets_plan(b));
  CLS_TRY(cls_cuda_plastic_plan(b));
  CLS_TRY(cls_cuda_drawn_plan(b));
  if (sums_are_apart(b)) b->sizes.apart = b->sizes.sums;
  return CLS_OK;
}

static void find_sizes(const cls_cuda *b, cls_cuda_sizes *sizes) {
  cls_cuda_counts counts = {.store = b->synapses.counts,
                            .member = b->sizes,
                            .plastic = b->plastic.synapses.counts,
                            .plastic_member = b->plastic.sizes,
                            .drawn = b->drawn.sizes,
                            .neurons = b->setup.layout->n_neurons,
                            .members = (uint64_t)b->setup.members,
                            .packets = cls_cuda_packets_bytes(b)};
  for (uint32_t p = 0; p < b->n_parameters; p++)
    counts.parameters += b->parameters[p].arena.bytes + b->parameters[p].own.bytes;
  cls_cuda_sizes_find(&counts, sizes);
}

static cls_status start_member(cls_cuda *b, int m, float *pool) {
  const cls_neurons *neurons = b->setup.neurons[m];
  CLS_TRY(cls_gpu_member_make(&b->sizes, &b->members[m], b->stream));
  CLS_TRY(cls_gpu_ring_make(b->sizes.ring, &b->members[m].ring, &b->members[m].device.flight, b->stream));
  CLS_TRY(cls_neurons_start(neurons, b->setup.layout, b->setup.identity[m], pool));
  CLS_CUDA(cudaMemcpyAsync(b->members[m].device.pool, pool, neurons->pool * sizeof *pool,
                           cudaMemcpyHostToDevice, b->stream),
           "copying states");
  return cls_cuda_wait(b, "copying states");
}

static cls_status start_members(cls_cuda *b) {
  const size_t members = (size_t)b->setup.members;
  float *pool = NULL;
  CLS_TRY(cls_alloc(&b->members, members, sizeof *b->members, "members"));
  CLS_TRY(cls_alloc(&b->in_flight, members, sizeof *b->in_flight, "members"));
  CLS_TRY(cls_alloc(&b->arrivals, members, sizeof *b->arrivals, "members"));
  CLS_TRY(cls_alloc(&b->spikes, members, sizeof *b->spikes, "members"));
  CLS_CUDA(cudaMallocHost((void **)&b->status, sizeof *b->status), "no pinned memory");
  CLS_CUDA(cudaMallocHost((void **)&b->member_status, members * sizeof *b->member_status),
           "no pinned memory");
  *b->status = (cls_gpu_status){0};
  for (size_t m = 0; m < members; m++) b->member_status[m] = (cls_gpu_member_status){0};
  CLS_TRY(cls_alloc(&pool, b->sizes.pool, sizeof *pool, "states to copy"));
  cls_status status = CLS_OK;
  for (int m = 0; m < b->setup.members && status == CLS_OK; m++) status = start_member(b, m, pool);
  free(pool);
  return status;
}

static cls_status choose_kernel(cls_cuda *b) {
  int resident = 0, multiprocessors = 0;
  CLS_CUDA(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, b->device), "a GPU");
  bool plastic = false;
  bool procedural = false;
  for (uint32_t p = 0; p < b->setup.layout->n_parts; p++) {
    plastic = plastic || b->setup.stores[p]->plastic;
    procedural = procedural || b->setup.stores[p]->procedural;
  }
  b->only = cls_gpu_only_model(b->setup.neurons[0]);
  CLS_CUDA(cls_gpu_resident_steps(b->only, plastic, procedural, &resident),
           "the program has no kernels for this GPU");
  b->blocks = (unsigned)(resident * multiprocessors);
  b->multiprocessors = (unsigned)multiprocessors;
  CLS_CHECK(b->blocks > 0, CLS_ERR_INTERNAL, "no block fits a multiprocessor of the GPU of rank %d",
            b->setup.world->rank);
  return CLS_OK;
}

static cls_status fill(cls_cuda *b) {
  cls_cuda_sizes sizes;
  gpu chosen;
  CLS_TRY(choose_device(b->setup.world, b->setup.node_rank, b->setup.node_ranks, &chosen));
  b->device = chosen.number;
  CLS_CUDA(cudaStreamCreateWithFlags(&b->stream, cudaStreamNonBlocking), "making a stream");
  CLS_TRY(choose_kernel(b));
  CLS_TRY(plan(b));
  find_sizes(b, &sizes);
  CLS_TRY(cls_cuda_sizes_check(b->setup.world, b->setup.network, &sizes, chosen.free_bytes));
  CLS_TRY(cls_gpu_arena_make(&b->synapses.arena, b->stream));
  CLS_TRY(cls_gpu_store_fill(&b->setup, &b->channels, &b->synapses, b->stream));
  for (uint32_t p = 0; p < b->n_parameters; p++) {
    CLS_TRY(cls_gpu_arena_make(&b->parameters[p].arena, b->stream));
    CLS_TRY(cls_gpu_parameters_fill(&b->setup, &b->channels, &b->parameters[p], b->stream));
  }
  CLS_TRY(start_members(b));
  CLS_TRY(cls_cuda_plastic_make(b));
  CLS_TRY(cls_cuda_drawn_make(b));
  CLS_TRY(cls_cuda_tables_make(b));
  CLS_TRY(cls_cuda_packets_make(b));
  b->rank.sums_apart = b->sizes.apart;
  b->rank.flight_limit = b->sizes.ring.entries - b->synapses.counts.pieces_here;
  b->profile = (cls_profile){0}; /* of the run alone */
  return CLS_OK;
}

static cls_status create(const cls_backend_setup *setup, void **instance) {
  cls_cuda *b = NULL;
  CLS_TRY(cls_alloc(&b, 1, sizeof *b, "backend"));
  *instance = b;
  b->setup = *setup;
  b->now = b->rank.list_first = setup->begin;
  return fill(b);
}

static void destroy(void *instance) {
  cls_cuda *b = instance;
  if (!b) return;
  if (b->stream) (void)cudaStreamSynchronize(b->stream);
  cls_cuda_watch_free(b);
  cls_cuda_plastic_free(b);
  cls_cuda_drawn_free(b);
  for (int m = 0; m < b->setup.members; m++) {
    if (b->members) cls_gpu_member_free(&b->members[m]);
    if (b->arrivals) free(b->arrivals[m].slot);
    if (b->arrivals) free(b->arrivals[m].fired);
  }
  for (uint32_t p = 0; p < b->n_parameters; p++) cls_gpu_parameters_free(&b->parameters[p]);
  cls_gpu_arena_free(&b->synapses.arena);
  cls_gpu_arena_free(&b->tables);
  cls_gpu_arena_free(&b->arrived);
  cls_gpu_arena_free(&b->heard);
  cls_cuda_room_free(&b->handed, false);
  cls_cuda_packets_free(b);
  cls_gpu_arena_free(&b->currents);
  cls_gpu_arena_free(&b->probes);
  if (b->status) (void)cudaFreeHost(b->status);
  if (b->member_status) (void)cudaFreeHost(b->member_status);
  if (b->stream) (void)cudaStreamDestroy(b->stream);
  free(b->channels.channel);
  free(b->parameters);
  free(b->parameters_of);
  free(b->members);
  free(b->in_flight);
  free(b->arrivals);
  free(b->spikes);
  free(b);
}

/* ---- small things ---- */

static cls_status tell(void *instance, int member, uint64_t *digest, uint64_t *spikes) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  *digest = b->member_status[member].digest;
  *spikes = b->member_status[member].spikes;
  return CLS_OK;
}

static cls_status reread(void *instance) {
  cls_cuda *b = instance;
  CLS_TRY(cls_cuda_settle(b));
  for (uint32_t p = 0; p < b->n_parameters; p++) {
    const size_t own = b->parameters[p].own.bytes;
    CLS_TRY(cls_gpu_parameters_fill(&b->setup, &b->channels, &b->parameters[p], b->stream));
    b->profile.allocations += b->parameters[p].own.bytes != own;
  }
  return CLS_OK;
}

static void report(void *instance, size_t *bytes, double *update_s, double *deliver_s, uint64_t *events) {
  cls_cuda *b = instance;
  cls_cuda_sizes sizes;
  (void)cls_cuda_settle(b); /* what went wrong will be told by the next call */
  find_sizes(b, &sizes);
  *bytes = sizes.total - b->synapses.arena.bytes - b->plastic.synapses.arena.bytes;
  *update_s = (double)b->status->update_ns * 1e-9;
  *deliver_s = (double)b->status->deliver_ns * 1e-9;
  *events = b->status->events;
}

static void profile(void *instance, cls_profile *profile) {
  cls_cuda *b = instance;
  (void)cls_cuda_settle(b);
  *profile = b->profile;
  /* A synapse is read, its sum read and written. */
  profile->deliver_bytes = b->status->events * (sizeof(uint32_t) + 2 * sizeof(uint32_t));
}

const cls_backend cls_backend_cuda = {
    .name = "/cuda",
    .about = "every rank on a GPU, a window in one launch",
    .parts = parts,
    .fits = fits,
    .create = create,
    .destroy = destroy,
    .deliver = cls_cuda_deliver,
    .redeliver = cls_cuda_redeliver,
    .advance = cls_cuda_advance,
    .spikes = cls_cuda_spikes_show,
    .watch = cls_cuda_watch_set,
    .counts = cls_cuda_counts_show,
    .volumes = cls_cuda_volumes_show,
    .haemodynamics = cls_cuda_haemodynamics,
    .show_all = cls_cuda_show_all,
    .tell = tell,
    .reread = reread,
    .currents = cls_cuda_currents,
    .get_state = cls_cuda_get_state,
    .put_state = cls_cuda_put_state,
    .probe = cls_cuda_probe,
    .weights = cls_cuda_plastic_weights,
    .recall = cls_cuda_plastic_recall,
    .remember = cls_cuda_plastic_remember,
    .report = report,
    .profile = profile,
    .packer = &cls_cuda_packer,
};
