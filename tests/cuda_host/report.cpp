/* Draws, junk, the places of barriers, counts, messages; what the environment says. */
#include "executor.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

namespace cuda_host {

std::recursive_mutex &lock = *new std::recursive_mutex;
struct cuda_host_tally counts;
static auto &launches = *new std::map<std::string, uint64_t>;
static cudaError_t last_error = cudaSuccess;

/* ---- environment ---- */
static uint64_t number(const char *name, uint64_t otherwise, uint64_t least, uint64_t most) {
  const char *text = getenv(name);
  if (!text) return otherwise;
  char *end;
  unsigned long long value = strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || value < least || value > most) {
    fprintf(stderr, "cuda_host: %s=%s: expected a whole number from %llu to %llu\n", name, text,
            (unsigned long long)least, (unsigned long long)most);
    exit(2);
  }
  return value;
}

static void write_sites();

const settings &environment() {
  static const settings &all = *new settings([] {
    settings s;
    s.seed = number("CALLOSUM_CUDA_HOST_SEED", 1, 0, UINT64_MAX);
    s.multiprocessors = (unsigned)number("CALLOSUM_CUDA_HOST_SMS", 3, 1, 1024);
    s.devices = (unsigned)number("CALLOSUM_CUDA_HOST_DEVICES", 1, 0, 64);
    s.bytes = number("CALLOSUM_CUDA_HOST_BYTES", 2ull << 30, 0, 1ull << 46);
    const char *drop = getenv("CALLOSUM_CUDA_HOST_DROP");
    std::string rest = drop ? drop : "";
    while (!rest.empty()) {
      size_t comma = std::min(rest.find(','), rest.size());
      s.drop.push_back(rest.substr(0, comma));
      rest.erase(0, comma + 1);
    }
    atexit(write_sites);
    return s;
  }());
  return all;
}

/* ---- draws: splitmix64 ---- */
static uint64_t state;

uint64_t draw() {
  static bool begun;
  if (!begun) {
    begun = true;
    state = environment().seed;
  }
  uint64_t x = state += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

void fill_with_junk(void *at, size_t bytes) {
  unsigned char *to = (unsigned char *)at;
  for (size_t k = 0; k < bytes; k += 8) {
    uint64_t junk = draw();
    if (bytes - k >= 8)
      __builtin_memcpy(to + k, &junk, 8);
    else
      for (size_t j = k; j < bytes; j++) to[j] = (unsigned char)(junk >> 8 * (j - k));
  }
}

/* ---- places ---- */
static site *sites;

static const char *without_folders(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static bool can_be_dropped(const site *s) {
  return !strcmp(s->kind, "__syncthreads") || !strcmp(s->kind, "__syncwarp") ||
         !strcmp(s->kind, "CLS_GRID_SYNC");
}

static std::string file_and_line(const site *s) {
  return std::string(without_folders(s->file)) + ":" + std::to_string(s->line);
}

void arrive(site *here, const char *kind) {
  here->calls++;
  if (here->kind) return;
  here->kind = kind;
  here->next = sites;
  sites = here;
  const std::vector<std::string> &drop = environment().drop;
  if (drop.empty() || !can_be_dropped(here)) return;
  here->dropped = std::find(drop.begin(), drop.end(), file_and_line(here)) != drop.end();
}

std::string place(const site *where) { return file_and_line(where) + " (" + where->kind + ")"; }

/* At the end of the process. A place in a template or a header may be several objects. */
static void write_sites() {
  std::map<std::string, uint64_t> calls;
  for (const site *s = sites; s; s = s->next)
    if (can_be_dropped(s)) calls[file_and_line(s) + " " + s->kind] += s->calls;
  for (const std::string &name : environment().drop) {
    bool reached = std::any_of(calls.begin(), calls.end(), [&](const auto &c) {
      return c.first.compare(0, name.size() + 1, name + " ") == 0;
    });
    if (!reached)
      fprintf(stderr, "cuda_host: CALLOSUM_CUDA_HOST_DROP=%s: no barrier was reached there\n", name.c_str());
  }
  const char *path = getenv("CALLOSUM_CUDA_HOST_SITES");
  if (!path || calls.empty()) return;
  FILE *file = fopen(path, "a");
  if (!file) {
    fprintf(stderr, "cuda_host: CALLOSUM_CUDA_HOST_SITES=%s: %s\n", path, strerror(errno));
    return;
  }
  std::string text;
  for (const auto &c : calls) text += c.first + " " + std::to_string(c.second) + "\n";
  fwrite(text.data(), 1, text.size(), file); /* one write, in case other processes do the same */
  fclose(file);
}

/* ---- messages ---- */
void fail(const char *format, ...) {
  va_list list;
  va_start(list, format);
  fprintf(stderr, "cuda_host: ");
  vfprintf(stderr, format, list);
  fprintf(stderr, "\n");
  va_end(list);
  fflush(nullptr);
  abort();
}

cudaError_t told(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) last_error = error;
  return error;
}

cudaError_t refuse(cudaError_t error, const char *format, ...) {
  va_list list;
  va_start(list, format);
  fprintf(stderr, "cuda_host: %s: ", cudaGetErrorName(error));
  vfprintf(stderr, format, list);
  fprintf(stderr, "\n");
  va_end(list);
  return told(error);
}

void count_launch(const std::string &kernel) {
  counts.launches++;
  launches[kernel]++;
}

} // namespace cuda_host

using namespace cuda_host;

cudaError_t cudaPeekAtLastError(void) {
  guard held(lock);
  return last_error;
}

cudaError_t cudaGetLastError(void) {
  guard held(lock);
  cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

struct cuda_host_tally cuda_host_counts(void) {
  guard held(lock);
  return counts;
}

uint64_t cuda_host_launches(const char *kernel) {
  guard held(lock);
  auto at = launches.find(kernel);
  return at == launches.end() ? 0 : at->second;
}

void cuda_host_reset(uint64_t seed) {
  guard held(lock);
  finish_all();
  draw();
  state = seed;
  launches.clear();
  struct cuda_host_tally fresh = {};
  fresh.bytes_allocated = fresh.bytes_peak = counts.bytes_allocated;
  fresh.bytes_pinned = counts.bytes_pinned;
  counts = fresh;
}
