/* Streams and events. Operations wait in their stream until the host wants something done; then streams take turns at
 * random, as far as events and the default stream allow. */
#include "executor.h"

#include <algorithm>
#include <chrono>

using cuda_host::identities;
using cuda_host::moment;
using cuda_host::past;

struct operation {
  uint64_t sequence; /* in the order of the host's calls */
  std::function<void(identities &)> run;
  std::shared_ptr<moment> after; /* an event it waits for */
  std::unique_ptr<past> queued;  /* what the host had done */
};

struct CUstream_st {
  bool blocking = true; /* with the default stream */
  bool destroyed = false;
  std::deque<operation> operations;
  identities who;
  past done{};
};

struct CUevent_st {
  bool timed = true;
  std::shared_ptr<moment> last; /* NULL: never recorded */
};

namespace cuda_host {

static uint64_t sequence;
static past &gone = *new_past(), &gone_blocking = *new_past(); /* what was done by streams that are no more */
static auto &events = *new std::vector<std::unique_ptr<CUevent_st>>;

/* The first is the default stream. */
static std::vector<std::unique_ptr<CUstream_st>> &streams() {
  static auto &all = *new std::vector<std::unique_ptr<CUstream_st>>;
  if (all.empty()) {
    all.emplace_back(new CUstream_st);
    if (thread_sanitizer()) all[0]->who.stream = __tsan_create_fiber(0);
  }
  return all;
}

static CUstream_st *find(cudaStream_t stream) {
  if (stream == nullptr || stream == cudaStreamLegacy) return streams()[0].get();
  for (auto &s : streams())
    if (s.get() == stream && !s->destroyed) return s.get();
  return nullptr;
}

static CUevent_st *find(cudaEvent_t event) {
  for (auto &e : events)
    if (e.get() == event) return e.get();
  return nullptr;
}

bool is_stream(cudaStream_t stream) { return find(stream) != nullptr; }

static void queue(CUstream_st *s, std::function<void(identities &)> run, std::shared_ptr<moment> after) {
  s->operations.push_back({sequence++, std::move(run), std::move(after), std::make_unique<past>()});
  s->operations.back().queued->join();
}

void queue(cudaStream_t stream, std::function<void(identities &)> run) {
  queue(find(stream), std::move(run), nullptr);
}

/* Whether the stream's first operation may be executed. */
static bool can_go_on(const CUstream_st &s) {
  if (s.operations.empty()) return false;
  const operation &o = s.operations.front();
  if (o.after && !o.after->reached) return false;
  const CUstream_st &zero = *streams()[0];
  if (&s != &zero)
    return !s.blocking || zero.operations.empty() || zero.operations.front().sequence > o.sequence;
  return std::none_of(streams().begin(), streams().end(), [&](const std::unique_ptr<CUstream_st> &other) {
    return other.get() != &s && other->blocking && !other->operations.empty() &&
           other->operations.front().sequence < o.sequence;
  });
}

static void learn_what_is_before(const CUstream_st &s, const operation &o) {
  if (!thread_sanitizer()) return;
  as that(s.who.stream);
  o.queued->learn();
  if (o.after) o.after->time.learn();
  for (size_t k = 0; s.blocking && k < (&s == streams()[0].get() ? streams().size() : 1); k++)
    if (streams()[k]->blocking) streams()[k]->done.learn();
  if (&s == streams()[0].get()) gone_blocking.learn();
}

/* Executes one operation, if any can be. */
static bool step() {
  std::vector<CUstream_st *> able;
  for (auto &s : streams())
    if (can_go_on(*s)) able.push_back(s.get());
  if (able.empty()) return false;
  CUstream_st *s = able[draw_below((unsigned)able.size())];
  operation o = std::move(s->operations.front());
  s->operations.pop_front();
  learn_what_is_before(*s, o);
  if (o.run) o.run(s->who);
  {
    as that(s->who.stream);
    s->done.join();
    o.run = nullptr; /* frees what the stream has read */
  }
  if (s->destroyed && s->operations.empty()) {
    {
      as that(s->who.stream);
      gone.join();
      if (s->blocking) gone_blocking.join();
    }
    s->who.drop();
    streams().erase(
        std::find_if(streams().begin(), streams().end(), [&](auto &one) { return one.get() == s; }));
  }
  return true;
}

template <class Condition> static void execute_until(Condition done) {
  if (done()) return;
  open_device_memory(true);
  while (!done())
    if (!step()) fail("streams wait for each other");
  open_device_memory(false);
}

void finish(cudaStream_t stream) {
  CUstream_st *s = find(stream);
  execute_until([&] { return s->operations.empty(); });
  s->done.learn();
}

void finish_all() {
  auto &all = streams();
  execute_until(
      [&] { return std::all_of(all.begin(), all.end(), [](auto &s) { return s->operations.empty(); }); });
  for (auto &s : all) s->done.learn();
  gone.learn();
}

static cudaError_t bad_stream(const char *call) {
  return refuse(cudaErrorInvalidResourceHandle, "%s: no such stream", call);
}
static cudaError_t bad_event(const char *call) {
  return refuse(cudaErrorInvalidResourceHandle, "%s: no such event", call);
}

} // namespace cuda_host

using namespace cuda_host;

cudaError_t cudaStreamCreate(cudaStream_t *stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
  guard held(lock);
  if (environment().devices == 0) return told(cudaErrorNoDevice);
  if (flags > cudaStreamNonBlocking) return refuse(cudaErrorInvalidValue, "flags of a stream");
  streams().emplace_back(new CUstream_st);
  *stream = streams().back().get();
  (*stream)->blocking = flags == cudaStreamDefault;
  if (thread_sanitizer()) (*stream)->who.stream = __tsan_create_fiber(0);
  return cudaSuccess;
}

/* What was queued is still executed. */
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  guard held(lock);
  CUstream_st *s = find(stream);
  if (!s || s == streams()[0].get()) return bad_stream("cudaStreamDestroy");
  s->destroyed = true;
  queue(s, nullptr, nullptr); /* after which it goes */
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  guard held(lock);
  if (!find(stream)) return bad_stream("cudaStreamSynchronize");
  counts.synchronisations++;
  finish(stream);
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void) {
  guard held(lock);
  if (environment().devices == 0) return told(cudaErrorNoDevice);
  counts.synchronisations++;
  finish_all();
  return cudaSuccess;
}

/* Time passes: something may get done. */
static void while_asking() {
  open_device_memory(true);
  step();
  open_device_memory(false);
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  guard held(lock);
  CUstream_st *s = find(stream);
  if (!s) return bad_stream("cudaStreamQuery");
  if (!s->operations.empty()) while_asking();
  if (!s->operations.empty()) return cudaErrorNotReady;
  s->done.learn();
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  guard held(lock);
  CUstream_st *s = find(stream);
  CUevent_st *e = find(event);
  if (!s) return bad_stream("cudaStreamWaitEvent");
  if (!e) return bad_event("cudaStreamWaitEvent");
  if (flags) return refuse(cudaErrorInvalidValue, "cudaStreamWaitEvent: flags");
  if (e->last) queue(s, nullptr, e->last);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
  guard held(lock);
  if (environment().devices == 0) return told(cudaErrorNoDevice);
  if (flags & ~(unsigned)(cudaEventBlockingSync | cudaEventDisableTiming))
    return refuse(cudaErrorInvalidValue, "flags of an event");
  events.emplace_back(new CUevent_st);
  *event = events.back().get();
  (*event)->timed = !(flags & cudaEventDisableTiming);
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  guard held(lock);
  if (!find(event)) return bad_event("cudaEventDestroy");
  events.erase(std::find_if(events.begin(), events.end(), [&](auto &e) { return e.get() == event; }));
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  guard held(lock);
  CUstream_st *s = find(stream);
  CUevent_st *e = find(event);
  if (!s) return bad_stream("cudaEventRecord");
  if (!e) return bad_event("cudaEventRecord");
  std::shared_ptr<moment> now = e->last = std::make_shared<moment>();
  queue(
      s,
      [now](identities &who) {
        now->reached = true;
        now->seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
        as that(who.stream);
        now->time.join();
      },
      nullptr);
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  guard held(lock);
  CUevent_st *e = find(event);
  if (!e) return bad_event("cudaEventQuery");
  if (!e->last) return cudaSuccess;
  if (!e->last->reached) while_asking();
  if (!e->last->reached) return cudaErrorNotReady;
  e->last->time.learn();
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  guard held(lock);
  CUevent_st *e = find(event);
  if (!e) return bad_event("cudaEventSynchronize");
  counts.synchronisations++;
  if (!e->last) return cudaSuccess;
  execute_until([&] { return e->last->reached; });
  e->last->time.learn();
  return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end) {
  guard held(lock);
  CUevent_st *a = find(start), *b = find(end);
  if (!a || !b || !a->timed || !b->timed || !a->last || !b->last) return bad_event("cudaEventElapsedTime");
  if (!a->last->reached || !b->last->reached) return cudaErrorNotReady;
  *milliseconds = (float)((b->last->seconds - a->last->seconds) * 1e3);
  return cudaSuccess;
}
