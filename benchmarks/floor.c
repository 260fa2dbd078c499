/* Measures the floor (see floor.h):
 *
 *   floor [--threads N] [--seconds S] [--scale F]
 *
 * S: biology that is measured (1); N: threads (all cores); F: shrinks neurons and in-degrees alike (1). Figures go to
 * standard output as one JSON object: seconds of deliver and update are means over threads, wait is what is left of the
 * wall-clock seconds of simulate. */
#include "floor.h"

#include <getopt.h>
#include <math.h>
#include <omp.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WARM_UP = DELAYS }; /* steps until every delay has its events; not measured */

typedef struct {
  double build, simulate, deliver, update; /* the last two: summed over threads */
} taken_s;

void floor_fail(const char *what) {
  fprintf(stderr, "floor: %s\n", what);
  exit(2);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* All threads meet: spins briefly, then leaves the core to others that may need it. */
static void meet(int threads) {
  static atomic_int arrived, meetings;
  int before = atomic_load(&meetings);
  if (atomic_fetch_add(&arrived, 1) == threads - 1) {
    atomic_store(&arrived, 0);
    atomic_fetch_add(&meetings, 1);
    return;
  }
  for (int spins = 0; atomic_load_explicit(&meetings, memory_order_acquire) == before; spins++) {
    if (spins > 2000) sched_yield();
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
  }
}

/* One thread's steps. */
static taken_s simulate(const network *net, share *own, int threads) {
  taken_s taken = {0};
  double begun = 0;
  for (int t = 0; t < net->steps; t++) {
    double start = seconds();
    if (t == WARM_UP) {
      own->events = own->spikes = 0;
      taken.deliver = taken.update = 0;
      begun = start;
    }
    floor_schedule(net, own, t);
    for (int receptor = 0; receptor < RECEPTORS; receptor++) floor_deliver(own, receptor, t);
    double delivered = seconds();
    floor_update(own);
    taken.deliver += delivered - start;
    taken.update += seconds() - delivered;
    meet(threads);
  }
  taken.simulate = seconds() - begun;
  return taken;
}

static double huge_pages_gb(void) {
  FILE *file = fopen("/proc/self/smaps_rollup", "r");
  char line[256];
  unsigned long kib = 0;
  while (file && fgets(line, sizeof line, file) && sscanf(line, "AnonHugePages: %lu kB", &kib) != 1) continue;
  if (file) fclose(file);
  return (double)kib * 1024e-9;
}

static void print(const network *net, const share *own, int threads, taken_s taken) {
  double events = 0, spikes = 0, steps = net->steps - WARM_UP, neurons = net->first[POPULATIONS];
  for (int i = 0; i < threads; i++) {
    events += (double)own[i].events;
    spikes += (double)own[i].spikes;
  }
  double delivered = net->spikes_before[net->steps] - net->spikes_before[WARM_UP],
         biology = steps * dt_ms * 1e-3;
  printf("{\"threads\": %d, \"neurons\": %.0f, \"biological_s\": %g, \"build_s\": %.3f, \"huge_pages_gb\": "
         "%.3f,\n",
         threads, neurons, biology, taken.build, huge_pages_gb());
  printf(" \"spikes\": %.0f, \"own_spikes\": %.0f, \"events\": %.0f,\n", delivered, spikes, events);
  printf(" \"ns_per_event_and_thread\": %.4f, \"events_per_s_and_thread\": %.4g,\n",
         taken.deliver / events * 1e9, events / taken.deliver);
  printf(" \"ns_per_update_and_thread\": %.4f,\n", taken.update / (neurons * steps) * 1e9);
  printf(" \"deliver_s\": %.4f, \"update_s\": %.4f, \"wait_s\": %.4f, \"simulate_s\": %.4f,\n",
         taken.deliver / threads, taken.update / threads,
         taken.simulate - (taken.deliver + taken.update) / threads, taken.simulate);
  printf(" \"real_time_factor\": %.4f}\n", taken.simulate / biology);
}

static double option(const char *name, const char *text, double least, double most) {
  char *end, message[128];
  double value = strtod(text, &end);
  if (end != text && *end == 0 && value >= least && value <= most) return value;
  snprintf(message, sizeof message, "--%s %s: expected %g to %g", name, text, least, most);
  floor_fail(message);
}

int main(int argc, char **argv) {
  const struct option names[] = {{"threads", required_argument, NULL, 't'},
                                 {"seconds", required_argument, NULL, 's'},
                                 {"scale", required_argument, NULL, 'c'},
                                 {0}};
  int threads = omp_get_max_threads();
  double biology_s = 1, scale = 1;
  for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) switch (c) {
    case 't':
      threads = (int)option("threads", optarg, 1, 1024);
      break;
    case 's':
      biology_s = option("seconds", optarg, 0.001, 1000);
      break;
    case 'c':
      scale = option("scale", optarg, 0.01, 1);
      break;
    default:
      floor_fail("expected [--threads N] [--seconds S] [--scale F]");
    }
  if (optind < argc) floor_fail("expected [--threads N] [--seconds S] [--scale F]");

  network net = {0};
  share *own = calloc((size_t)threads, sizeof *own);
  if (own == NULL) floor_fail("no memory");
  taken_s taken = {0};
  double begun = seconds();
  floor_make_network(&net, scale, WARM_UP + (int)lrint(biology_s * 1e3 / dt_ms));
#pragma omp parallel num_threads(threads)
  {
    int thread = omp_get_thread_num();
    if (omp_get_num_threads() != threads) floor_fail("the system gives fewer threads than asked for");
    floor_make_share(&net, &own[thread], thread, threads);
    meet(threads);
    double build = seconds() - begun;
    taken_s mine = simulate(&net, &own[thread], threads);
#pragma omp critical
    {
      taken.deliver += mine.deliver;
      taken.update += mine.update;
      if (thread == 0) {
        taken.build = build;
        taken.simulate = mine.simulate;
      }
    }
  }
  print(&net, own, threads, taken);
  free(own);
  floor_free_network(&net);
  return 0;
}
