/* Memory of the device, pinned memory of the host, and copies. */
#include "executor.h"

#include <cstdlib>
#include <cstring>
#include <map>

namespace cuda_host {

static const size_t HIDDEN_BYTES = 16 << 20; /* of an allocation, while the host runs */

struct allocation {
  size_t bytes;
  bool of_device;
};
static auto &allocations = *new std::map<uintptr_t, allocation>;

/* The allocation that holds this byte. */
static std::map<uintptr_t, allocation>::iterator holder(const void *at) {
  auto after = allocations.upper_bound((uintptr_t)at);
  if (after == allocations.begin()) return allocations.end();
  --after;
  return (uintptr_t)at - after->first < after->second.bytes ? after : allocations.end();
}

enum where { PAGEABLE, PINNED, DEVICE, ASTRIDE };

/* Where these bytes lie; ASTRIDE: they begin in an allocation and end elsewhere. */
static where place_of(const void *at, size_t bytes) {
  auto a = holder(at);
  if (a == allocations.end()) return PAGEABLE;
  if (bytes > a->first + a->second.bytes - (uintptr_t)at) return ASTRIDE;
  return a->second.of_device ? DEVICE : PINNED;
}

bool is_for_kernels(uintptr_t at) {
  return holder((const void *)at) != allocations.end() || holder((const void *)(at - 1)) != allocations.end();
}

static void hide(uintptr_t at, size_t bytes, bool open) {
  if (bytes > HIDDEN_BYTES) bytes = HIDDEN_BYTES;
  if (!__asan_poison_memory_region) return;
  if (open)
    __asan_unpoison_memory_region((void *)at, bytes);
  else
    __asan_poison_memory_region((void *)at, bytes);
}

void open_device_memory(bool open) {
  for (auto &a : allocations)
    if (a.second.of_device) hide(a.first, a.second.bytes, open);
}

static cudaError_t allocate(void **pointer, size_t bytes, bool of_device, const char *call) {
  if (environment().devices == 0) return told(cudaErrorNoDevice);
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (of_device && bytes > environment().bytes - counts.bytes_allocated)
    return told(cudaErrorMemoryAllocation);
  if (posix_memalign(pointer, 256, bytes)) return told(cudaErrorMemoryAllocation);
  fill_with_junk(*pointer, bytes);
  allocations[(uintptr_t)*pointer] = {bytes, of_device};
  (void)call;
  if (!of_device) {
    counts.bytes_pinned += bytes;
    return cudaSuccess;
  }
  hide((uintptr_t)*pointer, bytes, false);
  counts.allocations++;
  counts.bytes_allocated += bytes;
  if (counts.bytes_allocated > counts.bytes_peak) counts.bytes_peak = counts.bytes_allocated;
  return cudaSuccess;
}

static cudaError_t release(void *pointer, bool of_device, const char *call) {
  if (!pointer) return cudaSuccess;
  auto a = allocations.find((uintptr_t)pointer);
  if (a == allocations.end() || a->second.of_device != of_device)
    return refuse(cudaErrorInvalidValue, "%s: %p is not the start of an allocation of this kind", call,
                  pointer);
  finish_all();
  size_t bytes = a->second.bytes;
  if (of_device) {
    /* All of it: gaps between arrays may be hidden anywhere. */
    if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(pointer, bytes);
    counts.frees++;
    counts.bytes_allocated -= bytes;
  } else {
    counts.bytes_pinned -= bytes;
  }
  allocations.erase(a);
  fill_with_junk(pointer, bytes);
  free(pointer);
  return cudaSuccess;
}

/* ---- copies: `height` rows of `width` bytes ---- */
struct copy {
  unsigned char *to;
  const unsigned char *from;
  size_t to_pitch, from_pitch, width, height;
  std::vector<unsigned char> staged; /* the source, where it is taken when the copy is queued */

  void execute() const {
    for (size_t row = 0; row < height; row++) memcpy(to + row * to_pitch, source(row), width);
  }
  const unsigned char *source(size_t row) const {
    return staged.empty() ? from + row * from_pitch : staged.data() + row * width;
  }
};

static size_t span(size_t pitch, size_t width, size_t height) { return pitch * (height - 1) + width; }

static cudaError_t check(const copy &c, enum cudaMemcpyKind &kind, where &to, where &from, const char *call) {
  if (c.width > c.to_pitch || c.width > c.from_pitch)
    return refuse(cudaErrorInvalidPitchValue, "%s: rows of %zu bytes are wider than a pitch", call, c.width);
  to = place_of(c.to, span(c.to_pitch, c.width, c.height));
  from = place_of(c.from, span(c.from_pitch, c.width, c.height));
  if (to == ASTRIDE || from == ASTRIDE)
    return refuse(cudaErrorInvalidValue, "%s: the %s goes beyond the end of its allocation", call,
                  to == ASTRIDE ? "destination" : "source");
  if (kind == cudaMemcpyDefault)
    kind = (enum cudaMemcpyKind)((from == DEVICE ? 2 : 0) + (to == DEVICE ? 1 : 0));
  bool wants_device[2] = {kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice,
                          kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice};
  if ((to == DEVICE) != wants_device[0] || (from == DEVICE) != wants_device[1])
    return refuse(cudaErrorInvalidValue, "%s: the kind says that the %s is memory of the %s", call,
                  (to == DEVICE) != wants_device[0] ? "destination" : "source",
                  wants_device[(to == DEVICE) == wants_device[0]] ? "device" : "host");
  return cudaSuccess;
}

static void count(const copy &c, enum cudaMemcpyKind kind) {
  uint64_t bytes = (uint64_t)c.width * c.height;
  if (kind == cudaMemcpyHostToDevice) {
    counts.copies_to_device++;
    counts.bytes_to_device += bytes;
  } else if (kind == cudaMemcpyDeviceToHost) {
    counts.copies_to_host++;
    counts.bytes_to_host += bytes;
  } else if (kind == cudaMemcpyDeviceToDevice) {
    counts.bytes_on_device += bytes;
  }
}

/* `waits`: cudaMemcpy(), which comes back when a copy from or to the host is done. */
static cudaError_t queue_copy(copy c, enum cudaMemcpyKind kind, cudaStream_t stream, bool waits,
                              const char *call) {
  if (environment().devices == 0) return told(cudaErrorNoDevice);
  if (!is_stream(stream)) return refuse(cudaErrorInvalidResourceHandle, "%s: no such stream", call);
  if (c.width == 0 || c.height == 0) return cudaSuccess;
  where to = ASTRIDE, from = ASTRIDE;
  cudaError_t error = check(c, kind, to, from, call);
  if (error != cudaSuccess) return error;
  count(c, kind);
  if (kind == cudaMemcpyHostToDevice && from == PAGEABLE) {
    std::vector<unsigned char> rows(c.width * c.height);
    for (size_t row = 0; row < c.height; row++) memcpy(&rows[row * c.width], c.source(row), c.width);
    c.staged = std::move(rows);
  }
  if (kind == cudaMemcpyDeviceToHost)
    for (size_t row = 0; row < c.height; row++) fill_with_junk(c.to + row * c.to_pitch, c.width);
  auto kept = std::make_shared<copy>(std::move(c));
  queue(stream, [kept](identities &who) {
    as that(who.stream);
    kept->execute();
  });
  if (kind == cudaMemcpyHostToHost || (waits && kind != cudaMemcpyDeviceToDevice)) {
    counts.synchronisations++;
    finish(stream);
  }
  return cudaSuccess;
}

static copy flat(void *to, const void *from, size_t bytes) {
  return {(unsigned char *)to, (const unsigned char *)from, bytes, bytes, bytes, 1, {}};
}

} // namespace cuda_host

using namespace cuda_host;

cudaError_t cudaMalloc(void **pointer, size_t bytes) {
  guard held(lock);
  return allocate(pointer, bytes, true, "cudaMalloc");
}

cudaError_t cudaFree(void *pointer) {
  guard held(lock);
  return release(pointer, true, "cudaFree");
}

cudaError_t cudaMallocHost(void **pointer, size_t bytes) {
  guard held(lock);
  return allocate(pointer, bytes, false, "cudaMallocHost");
}

cudaError_t cudaHostAlloc(void **pointer, size_t bytes, unsigned flags) {
  if (flags > 7) return refuse(cudaErrorInvalidValue, "cudaHostAlloc: flags");
  return cudaMallocHost(pointer, bytes);
}

cudaError_t cudaFreeHost(void *pointer) {
  guard held(lock);
  return release(pointer, false, "cudaFreeHost");
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes) {
  guard held(lock);
  if (environment().devices == 0) return told(cudaErrorNoDevice);
  *total_bytes = environment().bytes;
  *free_bytes = environment().bytes - counts.bytes_allocated;
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
  guard held(lock);
  return queue_copy(flat(to, from, bytes), kind, nullptr, true, "cudaMemcpy");
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream) {
  guard held(lock);
  return queue_copy(flat(to, from, bytes), kind, stream, false, "cudaMemcpyAsync");
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                              size_t height, enum cudaMemcpyKind kind, cudaStream_t stream) {
  guard held(lock);
  copy c = {(unsigned char *)to, (const unsigned char *)from, to_pitch, from_pitch, width, height, {}};
  return queue_copy(std::move(c), kind, stream, false, "cudaMemcpy2DAsync");
}

/* Comes back before it's done, as CUDA's. */
cudaError_t cudaMemset(void *to, int value, size_t bytes) {
  return cudaMemsetAsync(to, value, bytes, nullptr);
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream) {
  guard held(lock);
  if (environment().devices == 0) return told(cudaErrorNoDevice);
  if (!is_stream(stream)) return refuse(cudaErrorInvalidResourceHandle, "cudaMemset: no such stream");
  if (bytes == 0) return cudaSuccess;
  where there = place_of(to, bytes);
  if (there == PAGEABLE || there == ASTRIDE)
    return refuse(cudaErrorInvalidValue, "cudaMemset: the destination is not within memory of the device");
  queue(stream, [=](identities &who) {
    as that(who.stream);
    memset(to, value, bytes);
  });
  return cudaSuccess;
}
