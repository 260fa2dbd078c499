/* What signals ask of a run. */
#include "jobs/run.h"
#include <signal.h>

static volatile sig_atomic_t asked;

/* A wish to stop is not forgotten for a wish to go on. */
static void ask(int signal_number) {
  if (signal_number != SIGUSR1)
    asked = CLS_ASK_SAVE_AND_STOP;
  else if (asked == CLS_ASK_NOTHING)
    asked = CLS_ASK_SAVE;
}

void cls_run_listen(void) {
  static const int signals[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT};
  const struct sigaction action = {.sa_handler = ask, .sa_flags = SA_RESTART};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}

volatile sig_atomic_t *cls_run_asked(void) { return &asked; }
