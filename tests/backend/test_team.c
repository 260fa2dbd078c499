/* A team does its work in rounds: every member once in each, none ahead of the others, whatever the number of cores. */
#include "backend/cpu/team.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>

#include <cmocka.h>

enum { MOST = 7, ROUNDS = 3000 };

typedef struct {
  int round, n;
  int done[MOST];   /* plain memory: the team must make it visible */
  atomic_int wrong; /* times a member was called in a round that is not its next one */
} shared;

static void work(void *context, int member) {
  shared *s = context;
  if (s->done[member] != s->round) atomic_fetch_add(&s->wrong, 1);
  const struct timespec pause = {0, 2000000}; /* longer than anyone spins: the others fall asleep */
  if (s->round % 500 == 100 * member) nanosleep(&pause, NULL);
  for (volatile int i = 0; i < member * 50; i++)
    ;
  s->done[member]++;
}

static void test_rounds(void **state) {
  (void)state;
  for (int n = 1; n <= MOST; n += 2) {
    cls_team *team;
    shared s = {.n = n};
    assert_int_equal(CLS_OK, cls_team_create(n, &team));
    for (s.round = 0; s.round < ROUNDS; s.round++) {
      cls_team_run(team, work, &s);
      for (int k = 0; k < n; k++) assert_int_equal(s.done[k], s.round + 1);
    }
    assert_int_equal(atomic_load(&s.wrong), 0);
    cls_team_destroy(team);
  }
}

static void count(void *context, int member) { atomic_fetch_add((atomic_int *)context, 1 << member); }

/* Two teams live side by side, and a team that never worked ends too. */
static void test_teams(void **state) {
  (void)state;
  cls_team *team[3];
  atomic_int sum[2] = {0};
  for (int k = 0; k < 3; k++) assert_int_equal(CLS_OK, cls_team_create(k + 2, &team[k]));
  for (int round = 0; round < 100; round++)
    for (int k = 0; k < 2; k++) cls_team_run(team[k], count, &sum[k]);
  assert_int_equal(atomic_load(&sum[0]), 100 * 3);
  assert_int_equal(atomic_load(&sum[1]), 100 * 7);
  for (int k = 0; k < 3; k++) cls_team_destroy(team[k]);
  cls_team_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rounds), cmocka_unit_test(test_teams)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
