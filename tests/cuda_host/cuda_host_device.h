/* What a kernel uses: CUDA's qualifiers, built-in variables and functions, and the macros of src/backend/cuda/gpu.h.
 * See cuda_host.h for what they do here. Included by it, in C++ only. */
#ifndef CUDA_HOST_DEVICE_H
#define CUDA_HOST_DEVICE_H

#include <math.h>
#include <memory> /* before __noinline__ is a macro: it has attributes of this name */
#include <string.h>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__    __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

/* Of the thread that runs. They change only inside calls of the executor. */
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;

/* ---- barriers and warp operations: each call is a place with a name, a static object of its own ---------------- */
enum cuda_host_shuffle { CUDA_HOST_INDEX, CUDA_HOST_UP, CUDA_HOST_DOWN, CUDA_HOST_XOR };

struct cuda_host_site {
  const char *file;
  int line;
  const char *kind;     /* what is called there; NULL until it is */
  uint64_t calls;       /* by threads */
  int dropped;          /* CALLOSUM_CUDA_HOST_DROP names it */
  cuda_host_site *next; /* all sites that were reached */

  void barrier();
  int barrier_count(int predicate);
  int barrier_and(int predicate);
  int barrier_or(int predicate);
  void barrier_of_grid();
  void barrier_of_warp(unsigned mask = 0xffffffffu);
  unsigned vote(unsigned mask, int predicate, const char *name);
  /* The 64-bit word of the lane that `how` and `lane` mean, among `width` lanes. */
  uint64_t move(unsigned mask, uint64_t word, int lane, int width, cuda_host_shuffle how);
  /* The block's object of this place. */
  void *shared(size_t bytes, size_t alignment);

  template <cuda_host_shuffle how, class T> T shuffle(unsigned mask, T value, int lane, int width = 32) {
    static_assert(std::is_arithmetic<T>::value && (sizeof(T) == 4 || sizeof(T) == 8),
                  "CUDA has no such shuffle");
    uint64_t word = 0;
    memcpy(&word, &value, sizeof value);
    word = move(mask, word, lane, width, how);
    memcpy(&value, &word, sizeof value);
    return value;
  }
};

#define CUDA_HOST_SITE                                                                                       \
  (*[]() -> cuda_host_site * {                                                                               \
    static cuda_host_site cuda_host_here = {__FILE__, __LINE__, nullptr, 0, 0, nullptr};                     \
    return &cuda_host_here;                                                                                  \
  }())

#define __syncthreads()        CUDA_HOST_SITE.barrier()
#define __syncthreads_count(p) CUDA_HOST_SITE.barrier_count(p)
#define __syncthreads_and(p)   CUDA_HOST_SITE.barrier_and(p)
#define __syncthreads_or(p)    CUDA_HOST_SITE.barrier_or(p)
#define __syncwarp(...)        CUDA_HOST_SITE.barrier_of_warp(__VA_ARGS__)
#define __shfl_sync(...)       CUDA_HOST_SITE.template shuffle<CUDA_HOST_INDEX>(__VA_ARGS__)
#define __shfl_up_sync(...)    CUDA_HOST_SITE.template shuffle<CUDA_HOST_UP>(__VA_ARGS__)
#define __shfl_down_sync(...)  CUDA_HOST_SITE.template shuffle<CUDA_HOST_DOWN>(__VA_ARGS__)
#define __shfl_xor_sync(...)   CUDA_HOST_SITE.template shuffle<CUDA_HOST_XOR>(__VA_ARGS__)
#define __ballot_sync(mask, p) CUDA_HOST_SITE.vote((mask), (p), "__ballot_sync")
#define __any_sync(mask, p)    ((int)(CUDA_HOST_SITE.vote((mask), (p), "__any_sync") != 0))
#define __all_sync(mask, p)    ((int)(CUDA_HOST_SITE.vote((mask), !(p), "__all_sync") == 0))

/* ---- atomics: real ones, so that ThreadSanitizer knows them; each may give way to another thread first ---------- */
void cuda_host_preempt(void);
/* __threadfence(), and of a block or the system. */
void cuda_host_fence(void);
[[noreturn]] void cuda_host_trap(const char *file, int line);
/* Gives way for sure. */
void cuda_host_give_way(void);

#define __threadfence()        cuda_host_fence()
#define __threadfence_block()  cuda_host_fence()
#define __threadfence_system() cuda_host_fence()
#define __trap()               cuda_host_trap(__FILE__, __LINE__)
#define __nanosleep(ns)        ((void)(ns), cuda_host_give_way())

#define CUDA_HOST_ATOMIC(T, name, builtin)                                                                   \
  static inline T name(T *at, T value) {                                                                     \
    cuda_host_preempt();                                                                                     \
    return builtin(at, value, __ATOMIC_RELAXED);                                                             \
  }
#define CUDA_HOST_ATOMIC_CHOICE(T, name, before)                                                             \
  static inline T name(T *at, T value) {                                                                     \
    cuda_host_preempt();                                                                                     \
    T old = __atomic_load_n(at, __ATOMIC_RELAXED);                                                           \
    while (value before old &&                                                                               \
           !__atomic_compare_exchange_n(at, &old, value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {           \
    }                                                                                                        \
    return old;                                                                                              \
  }
#define CUDA_HOST_ATOMICS(T)                                                                                 \
  CUDA_HOST_ATOMIC(T, atomicAdd, __atomic_fetch_add)                                                         \
  CUDA_HOST_ATOMIC(T, atomicExch, __atomic_exchange_n)                                                       \
  CUDA_HOST_ATOMIC(T, atomicOr, __atomic_fetch_or)                                                           \
  CUDA_HOST_ATOMIC(T, atomicAnd, __atomic_fetch_and)                                                         \
  CUDA_HOST_ATOMIC(T, atomicXor, __atomic_fetch_xor)                                                         \
  CUDA_HOST_ATOMIC_CHOICE(T, atomicMin, <)                                                                   \
  CUDA_HOST_ATOMIC_CHOICE(T, atomicMax, >)                                                                   \
  static inline T atomicCAS(T *at, T expected, T value) {                                                    \
    cuda_host_preempt();                                                                                     \
    __atomic_compare_exchange_n(at, &expected, value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);                \
    return expected;                                                                                         \
  }
CUDA_HOST_ATOMICS(int)
CUDA_HOST_ATOMICS(unsigned)
CUDA_HOST_ATOMICS(unsigned long long)
CUDA_HOST_ATOMIC(int, atomicSub, __atomic_fetch_sub)
CUDA_HOST_ATOMIC(unsigned, atomicSub, __atomic_fetch_sub)

/* ---- integers, bits, loads ---------------------------------------------------------------------------------- */
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __ffsll(long long x) { return __builtin_ffsll(x); }
static inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
static inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
static inline unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)(((uint64_t)x * y) >> 32); }
static inline int __mulhi(int x, int y) { return (int)(((int64_t)x * y) >> 32); }
static inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  return (unsigned long long)(((unsigned __int128)x * y) >> 64);
}

#define CUDA_HOST_CAST(to, name, from)                                                                       \
  static inline to name(from x) {                                                                            \
    to y;                                                                                                    \
    memcpy(&y, &x, sizeof y);                                                                                \
    return y;                                                                                                \
  }
CUDA_HOST_CAST(int, __float_as_int, float)
CUDA_HOST_CAST(unsigned, __float_as_uint, float)
CUDA_HOST_CAST(float, __int_as_float, int)
CUDA_HOST_CAST(float, __uint_as_float, unsigned)
CUDA_HOST_CAST(long long, __double_as_longlong, double)
CUDA_HOST_CAST(double, __longlong_as_double, long long)

/* Loads and stores that say how to treat the caches. */
template <class T> static inline T __ldg(const T *at) { return *at; }
template <class T> static inline T __ldca(const T *at) { return *at; }
template <class T> static inline T __ldcg(const T *at) { return *at; }
template <class T> static inline T __ldcs(const T *at) { return *at; }
template <class T> static inline T __ldcv(const T *at) { return *(const volatile T *)at; }
template <class T> static inline void __stcg(T *at, T value) { *at = value; }
template <class T> static inline void __stcs(T *at, T value) { *at = value; }
template <class T> static inline T min(T x, T y) { return y < x ? y : x; }
template <class T> static inline T max(T x, T y) { return x < y ? y : x; }

/* Vectors: one load or store of 8 or 16 bytes. */
#define CUDA_HOST_VECTORS(T, name)                                                                           \
  struct __align__(2 * sizeof(T)) name##2 {                                                                  \
    T x, y;                                                                                                  \
  };                                                                                                         \
  static inline name##2 make_##name##2(T x, T y) { return {x, y}; }
#define CUDA_HOST_VECTORS4(T, name)                                                                          \
  CUDA_HOST_VECTORS(T, name)                                                                                 \
  struct __align__(16) name##4 {                                                                             \
    T x, y, z, w;                                                                                            \
  };                                                                                                         \
  static inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
CUDA_HOST_VECTORS4(int, int)
CUDA_HOST_VECTORS4(unsigned, uint)
CUDA_HOST_VECTORS4(float, float)
CUDA_HOST_VECTORS(unsigned long long, ulonglong)
CUDA_HOST_VECTORS(double, double)

/* ---- the macros of src/backend/cuda/gpu.h ---------------------------------------------------------------------- */
#define CLS_KERNEL(name, threads)            void name
#define CLS_KERNEL_OF(name, threads, blocks) CLS_KERNEL(name, threads)
#define CLS_SHARED(type, name)                                                                               \
  static_assert(std::is_trivially_default_constructible<type>::value, "shared memory has no constructors");  \
  type &name = *static_cast<type *>(CUDA_HOST_SITE.shared(sizeof(type), alignof(type)))
#define CLS_GRID_SYNC() CUDA_HOST_SITE.barrier_of_grid()
#define CLS_LAUNCH(kernel, blocks, threads, stream, args)                                                    \
  cuda_host_launch((kernel), #kernel, (blocks), (threads), (stream), (args), 0)
#define CLS_LAUNCH_TOGETHER(kernel, blocks, threads, stream, args)                                           \
  cuda_host_launch((kernel), #kernel, (blocks), (threads), (stream), (args), 1)
#define CLS_RESIDENT_BLOCKS(kernel, threads, blocks)                                                         \
  cuda_host_resident_blocks((const void *)(kernel), (threads), (blocks))

/* Queues a grid; the arguments are copied now. `thread` calls `kernel` with them, once for each thread. */
cudaError_t cuda_host_queue(const char *name, void (*thread)(void (*kernel)(void), const void *args),
                            void (*kernel)(void), const void *args, size_t bytes, unsigned blocks,
                            unsigned threads, cudaStream_t stream, int together);
cudaError_t cuda_host_resident_blocks(const void *kernel, unsigned threads, int *blocks);

template <class Args>
cudaError_t cuda_host_launch(void (*kernel)(Args), const char *name, unsigned blocks, unsigned threads,
                             cudaStream_t stream, const std::remove_cv_t<Args> &args, int together) {
  static_assert(std::is_trivially_copyable<Args>::value, "a kernel's arguments are copied as bytes");
  /* Padding may hold anything, even what looks like a pointer to the host's memory: see launch.cpp. */
  static_assert(std::has_unique_object_representations<Args>::value, "a kernel's arguments have no padding");
  auto thread = [](void (*plain)(void), const void *bytes) {
    reinterpret_cast<void (*)(Args)>(plain)(*static_cast<const Args *>(bytes));
  };
  return cuda_host_queue(name, thread, reinterpret_cast<void (*)(void)>(kernel), &args, sizeof args, blocks,
                         threads, stream, together);
}

#endif
