#include "backend/cpu/team.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* How long a wait may spin, in turns of some 50 ns: about as long as a step of a large network takes. Waits beyond LONG
 * mean that a core does something else. */
enum { LONGEST_SPIN = 2048, SHORTEST_SPIN = 8 };
static const double LONG = 5e-4; /* s */

/* A number that one side raises and the other waits for. */
typedef struct {
  _Alignas(64) atomic_uint value; /* a line of its own: it is read while it is waited for */
  atomic_uint sleepers;
  pthread_mutex_t lock;
  pthread_cond_t changed;
} signal_count;

struct cls_team_ {
  int n, started; /* threads started: n - 1 where all went well */
  pthread_t *threads;
  struct member {
    cls_team *team;
    int number;
  } * members;
  void (*work)(void *context, int member); /* NULL: the end */
  void *context;
  signal_count begin, end; /* rounds begun; members that ended theirs, over all rounds */
  unsigned rounds;
  int spin; /* of the caller */
};

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static bool reached(const signal_count *s, unsigned wanted) {
  return (int)(atomic_load(&s->value) - wanted) >= 0;
}

static void sleep_until(signal_count *s, unsigned wanted) {
  pthread_mutex_lock(&s->lock);
  atomic_fetch_add(&s->sleepers, 1);
  while (!reached(s, wanted)) pthread_cond_wait(&s->changed, &s->lock);
  atomic_fetch_sub(&s->sleepers, 1);
  pthread_mutex_unlock(&s->lock);
}

/* Waits until the number is at least `wanted` (as numbers that wrap around). */
static void wait_for(signal_count *s, unsigned wanted, int *spin) {
  for (int turn = 0; turn < *spin; turn++) {
    if (reached(s, wanted)) return;
    relax();
  }
  double begun = cls_seconds();
  sleep_until(s, wanted);
  if (cls_seconds() - begun > LONG)
    *spin = *spin / 2 > SHORTEST_SPIN ? *spin / 2 : SHORTEST_SPIN;
  else
    *spin = *spin * 2 < LONGEST_SPIN ? *spin * 2 : LONGEST_SPIN;
}

/* Either the waiter sees the new number before it sleeps, or we see the waiter: both orders are total. */
static void raise_by_one(signal_count *s) {
  atomic_fetch_add(&s->value, 1);
  if (atomic_load(&s->sleepers) == 0) return;
  pthread_mutex_lock(&s->lock);
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
}

static void *serve(void *argument) {
  const struct member *me = argument;
  cls_team *team = me->team;
  int spin = LONGEST_SPIN;
  for (unsigned round = 1;; round++) {
    wait_for(&team->begin, round, &spin);
    if (!team->work) return NULL;
    team->work(team->context, me->number);
    raise_by_one(&team->end);
  }
}

static void open_signal(signal_count *s) {
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->changed, NULL);
}

cls_status cls_team_create(int n, cls_team **team) {
  CLS_TRY(cls_alloc(team, 1, sizeof **team, "team of threads"));
  cls_team *t = *team;
  t->n = n;
  t->spin = LONGEST_SPIN;
  open_signal(&t->begin);
  open_signal(&t->end);
  CLS_TRY(cls_alloc(&t->threads, (size_t)n, sizeof *t->threads, "threads"));
  CLS_TRY(cls_alloc(&t->members, (size_t)n, sizeof *t->members, "threads"));
  for (int k = 1; k < n; k++) {
    t->members[k] = (struct member){t, k};
    int failed = pthread_create(&t->threads[k], NULL, serve, &t->members[k]);
    CLS_CHECK(!failed, CLS_ERR_MEMORY, "thread %d of %d cannot be started: error %d", k + 1, n, failed);
    t->started++;
  }
  return CLS_OK;
}

void cls_team_destroy(cls_team *team) {
  if (!team) return;
  team->work = NULL;
  raise_by_one(&team->begin);
  for (int k = 1; k <= team->started; k++) pthread_join(team->threads[k], NULL);
  pthread_mutex_destroy(&team->begin.lock);
  pthread_cond_destroy(&team->begin.changed);
  pthread_mutex_destroy(&team->end.lock);
  pthread_cond_destroy(&team->end.changed);
  free(team->threads);
  free(team->members);
  free(team);
}

void cls_team_run(cls_team *team, void (*work)(void *context, int member), void *context) {
  team->work = work;
  team->context = context;
  team->rounds++;
  if (team->n > 1) raise_by_one(&team->begin);
  work(context, 0);
  wait_for(&team->end, team->rounds * (unsigned)(team->n - 1), &team->spin);
}
